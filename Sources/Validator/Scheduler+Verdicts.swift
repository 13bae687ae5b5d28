// The engine's answer to a verdict. A receipt will rest on it, so it is refused when an auditor would not believe it.
internal import Appraisal
internal import Codecs
public import Commitments
public import EngineAPI
internal import Market
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Scheduler {
    public func judge(job: Digest, verdict: [UInt8]) async throws(EngineError) -> JobView {
        try requireHealth()
        let signed: Signed<VerdictStatement>
        do throws(DocumentError) {
            signed = try Signed<VerdictStatement>(verifying: verdict)
        } catch {
            throw EngineError(error, id: "verdict")
        }
        guard engine.configuration.validators.contains(signed.signer) else {
            throw EngineError(.unknownValidator(signed.signer.text))
        }
        try Self.demand("verdict.jobId", job.hex, signed.predicate.jobID.text)
        // A verdict that comes again is answered with how the job stands or ended.
        guard let file = try documents(of: job), !file.verdicts.contains(where: { $0.digest == signed.digest }) else {
            return try await view(of: job)
        }
        if let execution = file.execution, execution.digest == signed.predicate.executionDigest {
            try Self.check(signed, of: execution.predicate, spec: file.sealed.spec)
            try await recheck(signed.predicate, execution, file)
        }
        let decision = signed.predicate.verdict
        let failed = decision.firstFailure ?? decision.checks.last { $0.result == .skip }
        let reason =
            decision.isAccepted
            ? Reason(code: "verified", text: Self.accepted(file.sealed.spec.evidence, signed.predicate))
            : Reason(code: failed?.id ?? decision.outcome.rawValue, text: Self.sentence(signed.predicate, failed))
        let judgement = Judgement(
            job: job,
            attempt: UInt32(signed.predicate.attempt),
            validator: signed.signer,
            executionDigest: signed.predicate.executionDigest,
            verdictDigest: signed.digest,
            outcome: decision.outcome,
            fault: decision.fault,
            reason: reason
        )
        try await perform(.judge(judgement)) { documents in documents[job]?.verdicts.append(signed) }
        return try await view(of: job)
    }

    /// Compares a verdict with the execution that it is about and with itself: what an audit of the receipt will ask.
    private static func check(
        _ signed: Signed<VerdictStatement>,
        of execution: ExecutionStatement,
        spec: JobSpec
    ) throws(EngineError) {
        let evidence = spec.evidence
        let statement = signed.predicate
        let decision = statement.verdict
        let subjects = signed.subjects.map { "\($0.name) \($0.digest)" }.joined(separator: ", ")
        try demand("verdict.subject", "execution \(statement.executionDigest)", subjects)
        try demand("verdict.verdict.subject", statement.executionDigest.text, decision.subject)
        try demand("verdict.verdict.kind", evidence.kind, decision.kind)
        let hasFailure = decision.firstFailure != nil
        switch decision.outcome {
        case .accepted:
            try demand("verdict.verdict.fault", Fault.none.rawValue, decision.fault.rawValue)
            let none = "none"
            try demand("verdict.divergence", none, statement.divergence?.description ?? none)
            // Without a replay, or with a drawn one, the bound follows from what `recheck` judges again.
            guard evidence.replay?.scope == .whole else { break }
            let replay = spec.replay
            let soundness = Soundness(millibits: replay.errorMillibits)
            try demand("verdict.verdict.soundness", soundness.text, decision.soundness.text)
            // Where bounds are held the validator's own run has roots of its own.
            guard replay.replayClass.isBitExact else { break }
            let roots = statement.replayed
            try demand("verdict.replayed.outputRoot", execution.outputRoot.hex, roots?.outputRoot.hex ?? none)
            try demand("verdict.replayed.traceRoot", execution.traceRoot.hex, roots?.traceRoot.hex ?? none)
        case .rejected:
            try demand("verdict.verdict.fault", Fault.provider.rawValue, decision.fault.rawValue)
            try demand("verdict.verdict.checks", "a failed check", hasFailure ? "a failed check" : "none")
        case .requesterFault:
            try demand("verdict.verdict.fault", Fault.requester.rawValue, decision.fault.rawValue)
            try demand("verdict.verdict.checks", "a failed check", hasFailure ? "a failed check" : "none")
        case .inconclusive:
            try demand("verdict.divergence", "none", statement.divergence?.description ?? "none")
        }
    }

    /// Judges again what the provider handed over as evidence, as an audit of the receipt will.
    private nonisolated func recheck(
        _ statement: VerdictStatement,
        _ execution: Signed<ExecutionStatement>,
        _ file: JobDocuments
    ) async throws(EngineError) {
        let demand = file.sealed.spec.evidence
        guard demand.hasParts || demand.replay?.draw != nil else { return }
        var files: [String: [UInt8]] = [:]
        var parts: [String: [UInt8]] = [:]
        let trace: Trace
        do {
            for key in demand.files { files[key.path] = try key.cid.flatMap { try artefacts.get($0) } }
            for part in execution.predicate.evidence { parts[part.path] = try artefacts.get(part.file.cid) }
            let wanted = demand.files.compactMap(\.cid) + execution.predicate.evidence.map(\.file.cid)
            let found = Set(files.keys).count + Set(parts.keys).count
            for cid in wanted where found < demand.files.count + execution.predicate.evidence.count {
                try await noteLoss(of: cid, from: execution.predicate.jobID.digest)
            }
            let limits = JSONLimits(bytes: 16 << 20, values: 2_000_000)
            trace = try Trace(try JSONValue(parsing: file.trace ?? [], limits: limits), "trace")
        } catch {
            throw EngineError(.unavailable, "storage", "\(error)")
        }
        let material = ExecutionMaterial(
            job: file.sealed,
            trace: trace,
            outputs: [:],
            files: files,
            evidence: parts,
            commitment: file.commitment?.predicate
        )
        let again = VerdictRecheck(statement, of: execution, material, anchors: anchors)
        if let check = again.checks.first(where: { $0.result == .fail }) {
            throw EngineError(
                .refused,
                ParseError(field: check.id, expected: check.expected, actual: check.actual)
            )
        }
    }

    /// Why a result was accepted, for people.
    private static func accepted(_ demand: EvidenceDemand, _ statement: VerdictStatement) -> String {
        let words = demand.requirements.map { requirement in
            switch requirement {
            case .replay: statement.replayed == nil ? "not drawn for a replay" : "replayed bit for bit"
            case .proof: "proof holds"
            case .attestation: "attestation holds"
            }
        }
        return words.joined(separator: ", ")
    }

    /// Refuses a field that is not what it must be.
    static func demand(_ field: String, _ expected: String, _ actual: String) throws(EngineError) {
        guard expected == actual else {
            throw EngineError(.refused, ParseError(field: field, expected: expected, actual: actual))
        }
    }

    /// What a validator found, for people.
    private static func sentence(_ statement: VerdictStatement, _ check: Check?) -> String {
        if let divergence = statement.divergence { return divergence.description }
        guard let check else { return statement.verdict.outcome.rawValue }
        return "\(check.id): expected \(check.expected), found \(check.actual)"
    }
}
