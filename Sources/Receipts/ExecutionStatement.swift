// The execution statement: a node says what it computed, under which lease, and what it measured. This is a claim; verdicts
// are made about it.
public import Codecs
public import Commitments
public import Replay
public import Signatures

/// A node's signed account of one attempt. Its subjects are the outputs, by the SHA-256 of their bytes.
public struct ExecutionStatement: DocumentPredicate {
    public static let predicateType = "urn:assay:execution:1"

    /// One result.
    public struct Output: Sendable, Equatable {
        /// The slot's name.
        public var slot: String
        /// The identity of its bytes.
        public var identity: ArtefactIdentity

        /// Names a result.
        public init(slot: String, identity: ArtefactIdentity) {
            self.slot = slot
            self.identity = identity
        }
    }

    /// What the node measured.
    public struct Meter: Sendable, Equatable {
        /// Work in the spec's own measure; what is paid for.
        public var workUnits: UInt64
        /// Time of the run in microseconds; informative.
        public var wallMicroseconds: UInt64
        /// Processor time of the worker in microseconds, over all threads; informative.
        public var processorMicroseconds: UInt64?
        /// The most memory that the worker held, in bytes; informative.
        public var peakMemoryBytes: UInt64?

        /// Makes a reading.
        public init(
            workUnits: UInt64,
            wallMicroseconds: UInt64,
            processorMicroseconds: UInt64? = nil,
            peakMemoryBytes: UInt64? = nil
        ) {
            self.workUnits = workUnits
            self.wallMicroseconds = wallMicroseconds
            self.processorMicroseconds = processorMicroseconds
            self.peakMemoryBytes = peakMemoryBytes
        }
    }

    /// How far the run came. A run without a result leaves no statement: the receipt's list of attempts says so.
    public enum Exit: String, Sendable, CaseIterable {
        /// Every launch of the spec was performed.
        case complete
        /// The first launches were, as the job's terms allow.
        case part
    }

    /// The job.
    public var jobID: JobID
    /// The attempt, as in the lease.
    public var attempt: Int64
    /// The epoch, as in the lease.
    public var epoch: UInt64
    /// The lease's digest.
    public var leaseDigest: Digest
    /// Who executed.
    public var node: VerifyingKey
    /// The root over the spec's artefacts, sources first.
    public var inputRoot: Digest
    /// The root over `outputs`.
    public var outputRoot: Digest
    /// The root of the trace.
    public var traceRoot: Digest
    /// The number of steps in the trace.
    public var steps: Int64
    /// Every how many launches the trace has a leaf: 1, the only stride that there is.
    public var traceStride: Int64?
    /// How far the run came.
    public var exit: Exit?
    /// What was measured.
    public var meter: Meter
    /// Where it was computed.
    public var device: DeviceDescription
    /// What shut the run in.
    public var sandbox: SandboxReport
    /// The results in slot order.
    public var outputs: [Output]
    /// The evidence that came with them; empty when the spec asks for none from the provider.
    public var evidence: [EvidencePart]
    /// When the run began, in seconds since 1970 by the node's clock.
    public var startedAt: Int64
    /// When it ended; not before `startedAt`.
    public var finishedAt: Int64
    /// The log of the run, when the node keeps one.
    public var log: RunLog.Reference?
    /// The program that ran it, as the node says.
    public var software: Software?
    /// What else the node says about itself.
    public var declared: NodeDeclaration?

    public var author: VerifyingKey { node }

    /// Makes a statement.
    public init(
        jobID: JobID,
        attempt: Int64,
        epoch: UInt64,
        leaseDigest: Digest,
        node: VerifyingKey,
        inputRoot: Digest,
        outputRoot: Digest,
        traceRoot: Digest,
        steps: Int64,
        meter: Meter,
        device: DeviceDescription,
        sandbox: SandboxReport,
        outputs: [Output],
        evidence: [EvidencePart] = [],
        startedAt: Int64,
        finishedAt: Int64
    ) {
        self.jobID = jobID
        self.attempt = attempt
        self.epoch = epoch
        self.leaseDigest = leaseDigest
        self.node = node
        self.inputRoot = inputRoot
        self.outputRoot = outputRoot
        self.traceRoot = traceRoot
        self.steps = steps
        self.meter = meter
        self.device = device
        self.sandbox = sandbox
        self.outputs = outputs
        self.evidence = evidence
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }

    /// The statement of a run of `job` under `lease`.
    /// - Throws: `ParseError` when the run has no bytes for an output of the spec.
    public init(
        reporting execution: Execution,
        of job: SealedJob,
        under lease: Signed<Lease>,
        startedAt: Int64,
        finishedAt: Int64
    ) throws(ParseError) {
        jobID = lease.predicate.jobID
        attempt = lease.predicate.attempt
        epoch = lease.predicate.epoch
        leaseDigest = lease.digest
        node = lease.predicate.node
        inputRoot = job.inputRoot
        outputs = try Self.outputs(execution.outputs, of: job.spec.replay)
        outputRoot = ArtefactIdentity.root(of: outputs.map(\.identity))
        traceRoot = execution.trace.root
        steps = Int64(execution.trace.leaves.count)
        traceStride = 1
        exit = job.isPart ? .part : .complete
        meter = Meter(
            workUnits: execution.workUnits,
            wallMicroseconds: execution.wallMicroseconds,
            processorMicroseconds: execution.usage?.processorMicroseconds,
            peakMemoryBytes: execution.usage?.peakMemoryBytes
        )
        device = execution.device
        sandbox = execution.sandbox
        evidence = []
        self.startedAt = startedAt
        self.finishedAt = max(startedAt, finishedAt)
    }

    /// The identities of a run's outputs in slot order.
    /// - Throws: `ParseError` when one is missing.
    public static func outputs(
        _ bytes: [String: [UInt8]],
        of spec: ReplaySpec
    ) throws(ParseError) -> [Output] {
        var outputs: [Output] = []
        for index in spec.outputSlots {
            let name = spec.slots[index].name
            guard let content = bytes[name] else {
                throw ParseError(field: "outputs.\(name)", expected: "the slot's bytes", actual: "nothing")
            }
            outputs.append(Output(slot: name, identity: ArtefactIdentity(of: content)))
        }
        return outputs
    }

    /// Signs the statement about outputs of these bytes, by slot name.
    /// - Throws: `DocumentError.malformed` when an output that the statement lists is not among them.
    public static func sign(
        _ statement: ExecutionStatement,
        outputs: [String: [UInt8]],
        with key: SigningKey
    ) throws(DocumentError) -> Signed<ExecutionStatement> {
        var subjects: [Subject] = []
        for output in statement.outputs {
            guard let bytes = outputs[output.slot] else {
                let field = "outputs.\(output.slot)"
                throw .malformed(ParseError(field: field, expected: "the slot's bytes", actual: "nothing"))
            }
            subjects.append(Subject(name: output.slot, digest: SHA256.hash(bytes)))
        }
        return try .sign(statement, subjects: subjects, with: key)
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        jobID = JobID(try reader.digest("jobId"))
        attempt = try reader.attempt()
        epoch = try reader.decimal("epoch")
        leaseDigest = try reader.digest("leaseDigest")
        node = try reader.key("node")
        inputRoot = try reader.digest("inputRoot")
        outputRoot = try reader.digest("outputRoot")
        traceRoot = try reader.digest("traceRoot")
        steps = try reader.integer("steps", in: 1...1 << 16)
        if reader.has("traceStride") { traceStride = try reader.integer("traceStride", in: 1...1) }
        if reader.has("exit") { exit = try reader.choice("exit") }
        var measured = try reader.object("meter")
        meter = Meter(
            workUnits: try measured.decimal("workUnits"),
            wallMicroseconds: try measured.decimal("wallMicroseconds"),
            processorMicroseconds: try measured.optionalDecimal("processorMicroseconds"),
            peakMemoryBytes: try measured.optionalDecimal("peakMemoryBytes")
        )
        try measured.finish()
        device = try DeviceDescription(try reader.value("device"), reader.path("device"))
        sandbox = try SandboxReport(try reader.value("sandbox"), reader.path("sandbox"))
        outputs = try reader.array("outputs", max: 256) { (value, path) throws(ParseError) -> Output in
            var entry = try JSONReader(value, path)
            let output = Output(
                slot: try entry.string("slot", maxBytes: 64),
                identity: ArtefactIdentity(cid: try entry.cid("cid"), byteCount: try entry.decimal("bytes"))
            )
            try entry.finish()
            return output
        }
        if reader.has("evidence") {
            evidence = try reader.array("evidence", max: EvidencePart.maxParts) {
                (value, path) throws(ParseError) -> EvidencePart in try EvidencePart(value, path)
            }
            guard !evidence.isEmpty else {
                throw ParseError(field: reader.path("evidence"), expected: "no member, or parts", actual: "no parts")
            }
        } else {
            evidence = []
        }
        startedAt = try reader.time("startedAt")
        finishedAt = try reader.time("finishedAt")
        log = try reader.optionalValue("log").map { (value) throws(ParseError) in
            try RunLog.Reference(value, reader.path("log"))
        }
        software = try reader.optionalSoftware()
        declared = try reader.optionalValue("declared").map { (value) throws(ParseError) in
            try NodeDeclaration(value, reader.path("declared"))
        }
        try reader.finish()
        guard finishedAt >= startedAt else {
            let expected = "not before \(startedAt)"
            throw ParseError(field: reader.path("finishedAt"), expected: expected, actual: "\(finishedAt)")
        }
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "jobId": .string(jobID.text),
            "attempt": .integer(attempt),
            "epoch": .string(String(epoch)),
            "leaseDigest": .string(leaseDigest.hex),
            "node": .string(node.text),
            "inputRoot": .string(inputRoot.hex),
            "outputRoot": .string(outputRoot.hex),
            "traceRoot": .string(traceRoot.hex),
            "steps": .integer(steps),
        ]
        if let traceStride { object["traceStride"] = .integer(traceStride) }
        if let exit { object["exit"] = .string(exit.rawValue) }
        object["meter"] = meter.json
        object["device"] = device.json
        object["sandbox"] = sandbox.json
        object["outputs"] = .array(
            outputs.map { output in
                .object([
                    "slot": .string(output.slot),
                    "cid": .string(output.identity.cid.text),
                    "bytes": .string(String(output.identity.byteCount)),
                ])
            }
        )
        if !evidence.isEmpty { object["evidence"] = .array(evidence.map(\.json)) }
        object["startedAt"] = .integer(startedAt)
        object["finishedAt"] = .integer(finishedAt)
        if let log { object["log"] = log.json }
        if let software { object["software"] = software.json }
        if let declared { object["declared"] = declared.json }
        return .object(object)
    }
}

extension ExecutionStatement.Meter {
    fileprivate var json: JSONValue {
        var object: JSONObject = [
            "workUnits": .string(String(workUnits)),
            "wallMicroseconds": .string(String(wallMicroseconds)),
        ]
        if let processorMicroseconds { object["processorMicroseconds"] = .string(String(processorMicroseconds)) }
        if let peakMemoryBytes { object["peakMemoryBytes"] = .string(String(peakMemoryBytes)) }
        return .object(object)
    }
}
