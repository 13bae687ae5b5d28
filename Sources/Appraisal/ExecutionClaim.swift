// What an execution statement says of itself, held against the spec, the trace and the outputs that came with it. Nothing is
// executed here.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Verdicts

/// A provider's claim: the statement and the bytes that it is about.
struct ExecutionClaim {
    let job: SealedJob
    let statement: ExecutionStatement
    let subjects: [Subject]
    let trace: Trace
    /// The outputs that are at hand, by slot name.
    let outputs: [String: [UInt8]]
    /// The files of the job folder that are at hand, by path; only those that evidence names are looked at.
    var files: [String: [UInt8]] = [:]
    /// The parts of the evidence that are at hand, by their path.
    var evidence: [String: [UInt8]] = [:]
    /// When the provider bound itself, and the local beacon's seed; `nil` when nothing is drawn.
    var commitment: CommitmentStatement?

    /// Every check that needs no execution, in a fixed order.
    ///
    /// An output that is not at hand gives a skipped check.
    func checks() -> [Check] {
        let spec = job.spec.replay
        var checks: [Check] = [
            .equal("claim.input-root", expected: job.inputRoot, actual: statement.inputRoot),
            .equal(
                "claim.output-list",
                expected: spec.outputSlots.map { spec.slots[$0].name }.joined(separator: ","),
                actual: statement.outputs.map(\.slot).joined(separator: ",")
            ),
            .equal(
                "claim.subjects",
                expected: statement.outputs.map(\.slot).joined(separator: ","),
                actual: subjects.map(\.name).joined(separator: ",")
            ),
            .equal(
                "claim.output-root",
                expected: ArtefactIdentity.root(of: statement.outputs.map(\.identity)),
                actual: statement.outputRoot
            ),
            .equal("claim.trace-root", expected: trace.root, actual: statement.traceRoot),
            .equal("claim.steps", expected: "\(spec.launchCount)", actual: stepCount),
            .equal("claim.work", expected: spec.workUnits, actual: statement.meter.workUnits),
            device(spec),
        ]
        for index in spec.outputSlots { checks += output(spec, index) }
        if job.spec.evidence.hasParts || !statement.evidence.isEmpty {
            let flaw = job.spec.evidence.flaw(in: statement.evidence)
            checks.append(
                .that(
                    "claim.evidence",
                    flaw == nil,
                    expected: flaw.map { "\($0.field): \($0.expected)" } ?? "the parts that the spec asks for",
                    actual: flaw?.actual ?? statement.evidence.map(\.path).joined(separator: ",")
                )
            )
        }
        return checks
    }

    /// Whether the bytes of a part are those that the statement commits to.
    func file(_ part: EvidencePart, _ bytes: [UInt8], _ id: String) -> Check {
        let found = ArtefactIdentity(of: bytes)
        return .that(
            id,
            found == part.file,
            expected: "\(part.file.cid), \(part.file.byteCount) bytes",
            actual: "\(found.cid), \(found.byteCount) bytes"
        )
    }

    /// The number of steps, if statement and trace agree about it.
    private var stepCount: String {
        statement.steps == Int64(trace.leaves.count)
            ? "\(statement.steps)" : "\(statement.steps) stated, \(trace.leaves.count) in the trace"
    }

    private func device(_ spec: ReplaySpec) -> Check {
        let kindFits: Bool
        switch spec.device.kind {
        case .any: kindFits = true
        case .cpu: kindFits = statement.device.kind == .cpu
        case .gpu: kindFits = statement.device.kind == .gpu
        }
        let missing = statement.device.missingCapabilities(for: spec.replayClass)
        return .that(
            "claim.device",
            kindFits && statement.device.memoryBytes >= spec.device.memoryBytes && missing.isEmpty,
            expected: "\(spec.device.kind.rawValue) with \(spec.device.memoryBytes) bytes for class "
                + spec.replayClass.rawValue,
            actual: "\(statement.device.kind.rawValue) with \(statement.device.memoryBytes) bytes"
                + (missing.isEmpty ? "" : ", without " + missing.map(\.rawValue).joined(separator: ", "))
        )
    }

    /// Identity, subject digest, length and trace root of one output.
    private func output(_ spec: ReplaySpec, _ index: Int) -> [Check] {
        let slot = spec.slots[index]
        guard let bytes = outputs[slot.name] else {
            return [
                Check(id: "claim.output", result: .skip, expected: "bytes of \(slot.name)", actual: "not in the bundle")
            ]
        }
        let stated = statement.outputs.first { $0.slot == slot.name }?.identity
        let found = ArtefactIdentity(of: bytes)
        let subject = subjects.first { $0.name == slot.name }?.digest
        var checks: [Check] = [
            .that(
                "claim.output",
                stated == found && bytes.count == slot.byteCount && subject == SHA256.hash(bytes),
                expected: "\(slot.name): " + (stated.map { "\($0.cid), \($0.byteCount) bytes" } ?? "stated")
                    + ", \(slot.byteCount) by its shape",
                actual: "\(found.cid), \(found.byteCount) bytes"
            )
        ]
        let root = Trace.slotRoot(bytes)
        let traced = spec.lastWriter(ofSlot: index).flatMap { step in
            trace.leaves.indices.contains(step) ? trace.leaves[step].slots.first { $0.index == index }?.root : nil
        }
        checks.append(
            .that(
                "claim.trace-outputs",
                traced == root,
                expected: "\(slot.name): \(root)",
                actual: traced?.hex ?? "not in the trace"
            )
        )
        return checks
    }
}
