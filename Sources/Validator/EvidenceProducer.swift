// How a provider comes by the evidence that a job asks for: a program of the operator's own, which knows the prover or the
// hardware. What it has to bind the evidence to is in the task that it is given.
internal import Appraisal
internal import Attestation
public import Codecs
internal import Commitments
public import Receipts
public import Replay

/// What evidence has to be about: one run, before its statement is signed.
public struct EvidenceTask: Sendable {
    /// What was asked for.
    public let job: SealedJob
    /// The values that evidence is bound to.
    public let values: BoundValues
    /// The files of the job folder by path.
    public let files: [String: [UInt8]]
    /// The results by slot name.
    public let outputs: [String: [UInt8]]

    /// Describes a run.
    public init(job: SealedJob, values: BoundValues, files: [String: [UInt8]], outputs: [String: [UInt8]]) {
        self.job = job
        self.values = values
        self.files = files
        self.outputs = outputs
    }
}

/// Makes evidence.
public protocol EvidenceProducer: Sendable {
    /// The parts that `task.job.spec.evidence` asks for, by their path.
    /// - Throws: `RunFailure` when they could not be made; the job is then given back.
    func evidence(for task: EvidenceTask) async throws(RunFailure) -> [String: [UInt8]]
}

/// A program that makes evidence.
///
/// It is started with one argument: a folder that holds `task.json`, the job's files under `input/` and the results under
/// `output/`. It writes each part to `evidence/<path of the part>` and ends with status 0.
public struct EvidenceCommand: EvidenceProducer {
    /// The schema of `task.json`.
    public static let schema = "assay.evidence-task/1"

    private let command: HostCommand
    private let workFolder: String

    /// Names a program.
    /// - Parameters:
    ///   - program: its path.
    ///   - workFolder: where folders for its runs are made.
    ///   - wallSeconds: the longest that it may take.
    public init(program: String, workFolder: String, wallSeconds: Int = 600) {
        command = HostCommand(program: program, wallSeconds: wallSeconds)
        self.workFolder = workFolder
    }

    public func evidence(for task: EvidenceTask) async throws(RunFailure) -> [String: [UInt8]] {
        var files = ["task.json": Self.document(task).serialized(pretty: true)]
        for file in task.job.files { files["input/" + file.path] = task.files[file.path] }
        for (slot, bytes) in task.outputs { files["output/" + slot] = bytes }
        var results: [String: Int] = [:]
        for (index, requirement) in task.job.spec.evidence.requirements.enumerated() {
            for rule in requirement.parts {
                results["evidence/" + EvidencePart.path(index, rule.name)] = Int(clamping: rule.maxBytes)
            }
        }
        let found = try await command.run(in: workFolder, files: files, results: results)
        return Dictionary(
            uniqueKeysWithValues: found.map { (String($0.key.dropFirst("evidence/".count)), $0.value) }
        )
    }

    /// What the program is told.
    static func document(_ task: EvidenceTask) -> JSONValue {
        .object([
            "schema": .string(schema),
            "jobId": .string(task.values.jobID.text),
            "nonce": .string(task.values.leaseDigest.hex),
            "inputRoot": .string(task.values.inputRoot.hex),
            "outputRoot": .string(task.values.outputRoot.hex),
            "nodeKey": .string(Hex.encode(task.values.nodeKey)),
            "requirements": .array(
                task.job.spec.evidence.requirements.enumerated().map { index, requirement in
                    var object: JSONObject = ["index": .integer(index), "requirement": requirement.json]
                    switch requirement {
                    case .replay: break
                    case .proof(let proof):
                        object["publicInputs"] = .array(
                            proof.publicInputs.map { .string(task.values.decimal($0)) }
                        )
                    case .attestation(let attestation):
                        let binding = EvidenceBinding(task.values, devices: nil)
                        if attestation.devices == .none {
                            object["reportData"] = .string(Hex.encode(binding.reportData))
                        } else {
                            object["deviceNonce"] = .string(binding.deviceNonce.hex)
                        }
                    }
                    return .object(object)
                }
            ),
        ])
    }
}

extension EvidencePart {
    /// The parts of a run's evidence as its statement commits to them.
    /// - Throws: `ParseError` when a part that the spec asks for is missing, or is none that could be named.
    static func describing(_ parts: [String: [UInt8]], of task: EvidenceTask) throws(ParseError) -> [EvidencePart] {
        let demand = task.job.spec.evidence
        var described: [EvidencePart] = []
        for (index, requirement) in demand.requirements.enumerated() {
            for rule in requirement.parts {
                guard let bytes = parts[EvidencePart.path(index, rule.name)] else { continue }
                described.append(
                    EvidencePart(
                        requirement: index,
                        name: rule.name,
                        file: ArtefactIdentity(of: bytes),
                        identity: try EvidenceAppraiser.identity(
                            of: bytes,
                            part: rule.name,
                            requirement,
                            files: task.files,
                            values: task.values
                        )
                    )
                )
            }
        }
        if let flaw = demand.flaw(in: described) { throw flaw }
        return described
    }
}
