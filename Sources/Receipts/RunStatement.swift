// A run without an engine: what somebody computed from a job folder on a machine of their own, so that any other scheduler can
// use the runner and hold its results against a replay.
public import Codecs
public import Commitments
public import Replay
public import Signatures

/// A signed account of one run of a job folder. Its subjects are the outputs, by the SHA-256 of their bytes.
public struct RunStatement: DocumentPredicate {
    public static let predicateType = "urn:assay:run:1"

    /// Who ran it.
    public var runner: VerifyingKey
    /// SHA-256 of the sealed spec's bytes.
    public var specDigest: Digest
    /// The root over the spec's artefacts, sources first.
    public var inputRoot: Digest
    /// The root over the outputs.
    public var outputRoot: Digest
    /// The root of the trace.
    public var traceRoot: Digest
    /// The number of launches in the trace.
    public var steps: Int64
    /// Work in the spec's own measure.
    public var workUnits: UInt64
    /// Where it was computed.
    public var device: DeviceDescription
    /// What shut the run in.
    public var sandbox: SandboxReport
    /// When it ended, in seconds since 1970 by the runner's clock.
    public var at: Int64

    public var author: VerifyingKey { runner }

    /// Signs the account of a run of `job`.
    /// - Throws: `DocumentError.malformed` when the run has no bytes for an output of the spec.
    public static func sign(
        _ execution: Execution,
        of job: SealedJob,
        at: Int64,
        with key: SigningKey
    ) throws(DocumentError) -> Signed<RunStatement> {
        let outputs: [ExecutionStatement.Output]
        do throws(ParseError) {
            outputs = try ExecutionStatement.outputs(execution.outputs, of: job.spec.replay)
        } catch {
            throw .malformed(error)
        }
        let statement = RunStatement(
            runner: key.verifyingKey,
            specDigest: SHA256.hash(job.bytes),
            inputRoot: job.inputRoot,
            outputRoot: ArtefactIdentity.root(of: outputs.map(\.identity)),
            traceRoot: execution.trace.root,
            steps: Int64(execution.trace.leaves.count),
            workUnits: execution.workUnits,
            device: execution.device,
            sandbox: execution.sandbox,
            at: at
        )
        let subjects = outputs.map { output in
            Subject(name: output.slot, digest: SHA256.hash(execution.outputs[output.slot] ?? []))
        }
        return try .sign(statement, subjects: subjects, with: key)
    }

    private init(
        runner: VerifyingKey,
        specDigest: Digest,
        inputRoot: Digest,
        outputRoot: Digest,
        traceRoot: Digest,
        steps: Int64,
        workUnits: UInt64,
        device: DeviceDescription,
        sandbox: SandboxReport,
        at: Int64
    ) {
        self.runner = runner
        self.specDigest = specDigest
        self.inputRoot = inputRoot
        self.outputRoot = outputRoot
        self.traceRoot = traceRoot
        self.steps = steps
        self.workUnits = workUnits
        self.device = device
        self.sandbox = sandbox
        self.at = at
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        runner = try reader.key("runner")
        specDigest = try reader.digest("specDigest")
        inputRoot = try reader.digest("inputRoot")
        outputRoot = try reader.digest("outputRoot")
        traceRoot = try reader.digest("traceRoot")
        steps = try reader.integer("steps", in: 1...1 << 16)
        workUnits = try reader.decimal("workUnits")
        device = try DeviceDescription(try reader.value("device"), reader.path("device"))
        sandbox = try SandboxReport(try reader.value("sandbox"), reader.path("sandbox"))
        at = try reader.time("at")
        try reader.finish()
    }

    public var json: JSONValue {
        .object([
            "runner": .string(runner.text),
            "specDigest": .string(specDigest.hex),
            "inputRoot": .string(inputRoot.hex),
            "outputRoot": .string(outputRoot.hex),
            "traceRoot": .string(traceRoot.hex),
            "steps": .integer(steps),
            "workUnits": .string(String(workUnits)),
            "device": device.json,
            "sandbox": sandbox.json,
            "at": .integer(at),
        ])
    }
}
