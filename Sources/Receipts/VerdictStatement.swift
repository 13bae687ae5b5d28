// The verdict statement: a validator says what it found when it appraised one execution statement.
public import Codecs
public import Commitments
public import Replay
public import Signatures
public import Verdicts

/// A validator's signed verdict. Its subject is the execution statement.
public struct VerdictStatement: DocumentPredicate {
    public static let predicateType = "urn:assay:verdict:1"

    /// The roots that the validator's own run gave.
    public struct Replayed: Sendable, Equatable {
        /// The root over the outputs.
        public var outputRoot: Digest
        /// The root of the trace.
        public var traceRoot: Digest

        /// Names a run's roots.
        public init(outputRoot: Digest, traceRoot: Digest) {
            self.outputRoot = outputRoot
            self.traceRoot = traceRoot
        }

        /// The roots of a run of `spec`.
        /// - Throws: `ParseError` when the run has no bytes for an output of the spec.
        public init(_ execution: Execution, of spec: ReplaySpec) throws(ParseError) {
            let outputs = try ExecutionStatement.outputs(execution.outputs, of: spec)
            outputRoot = ArtefactIdentity.root(of: outputs.map(\.identity))
            traceRoot = execution.trace.root
        }
    }

    /// The job.
    public var jobID: JobID
    /// The attempt that was appraised.
    public var attempt: Int64
    /// Who appraised.
    public var validator: VerifyingKey
    /// The execution statement's digest.
    public var executionDigest: Digest
    /// When, in seconds since 1970 by the validator's clock.
    public var at: Int64
    /// The roots of the validator's own run; `nil` when it has none.
    public var replayed: Replayed?
    /// The first place where claim and run differ; `nil` when there is none.
    public var divergence: Divergence?
    /// Where the validator computed.
    public var device: DeviceDescription?
    /// What shut the validator's run in.
    public var sandbox: SandboxReport?
    /// The beacon that decided whether the job is replayed; `nil` when nothing was drawn.
    public var beacon: BeaconRecord?
    /// The verdict with every check.
    public var verdict: Verdict
    /// The program that appraised, as the validator says.
    public var software: Software?

    public var author: VerifyingKey { validator }

    /// Makes a verdict statement.
    public init(
        jobID: JobID,
        attempt: Int64,
        validator: VerifyingKey,
        executionDigest: Digest,
        at: Int64,
        replayed: Replayed?,
        divergence: Divergence?,
        device: DeviceDescription?,
        sandbox: SandboxReport?,
        beacon: BeaconRecord? = nil,
        verdict: Verdict,
        software: Software? = nil
    ) {
        self.jobID = jobID
        self.attempt = attempt
        self.validator = validator
        self.executionDigest = executionDigest
        self.at = at
        self.replayed = replayed
        self.divergence = divergence
        self.device = device
        self.sandbox = sandbox
        self.beacon = beacon
        self.verdict = verdict
        self.software = software
    }

    /// Signs a verdict.
    public static func sign(
        _ statement: VerdictStatement,
        with key: SigningKey
    ) throws(DocumentError) -> Signed<VerdictStatement> {
        try .sign(statement, subjects: [Subject(name: "execution", digest: statement.executionDigest)], with: key)
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        jobID = JobID(try reader.digest("jobId"))
        attempt = try reader.attempt()
        validator = try reader.key("validator")
        executionDigest = try reader.digest("executionDigest")
        at = try reader.time("at")
        if var roots = try reader.optionalObject("replayed") {
            replayed = Replayed(outputRoot: try roots.digest("outputRoot"), traceRoot: try roots.digest("traceRoot"))
            try roots.finish()
        } else {
            replayed = nil
        }
        divergence = try reader.optionalValue("divergence").map { (value) throws(ParseError) in
            try Divergence(value, reader.path("divergence"))
        }
        device = try reader.optionalValue("device").map { (value) throws(ParseError) in
            try DeviceDescription(value, reader.path("device"))
        }
        sandbox = try reader.optionalValue("sandbox").map { (value) throws(ParseError) in
            try SandboxReport(value, reader.path("sandbox"))
        }
        beacon = try reader.optionalValue("beacon").map { (value) throws(ParseError) in
            try BeaconRecord(value, reader.path("beacon"))
        }
        verdict = try Verdict(try reader.value("verdict"), reader.path("verdict"))
        software = try reader.optionalSoftware()
        try reader.finish()
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "jobId": .string(jobID.text),
            "attempt": .integer(attempt),
            "validator": .string(validator.text),
            "executionDigest": .string(executionDigest.hex),
            "at": .integer(at),
        ]
        if let replayed {
            object["replayed"] = .object([
                "outputRoot": .string(replayed.outputRoot.hex),
                "traceRoot": .string(replayed.traceRoot.hex),
            ])
        }
        if let divergence { object["divergence"] = divergence.json }
        if let device { object["device"] = device.json }
        if let sandbox { object["sandbox"] = sandbox.json }
        if let beacon { object["beacon"] = beacon.json }
        object["verdict"] = verdict.json
        if let software { object["software"] = software.json }
        return .object(object)
    }
}
