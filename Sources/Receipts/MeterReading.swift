// The meter reading: a node says, while it runs, how far it has come. Readings of one lease only ever grow.
public import Codecs
public import Commitments
public import Signatures

/// A node's signed account of the work done so far. Its subject is the lease.
public struct MeterReading: DocumentPredicate {
    public static let predicateType = "urn:assay:reading:1"

    /// The job.
    public var jobID: JobID
    /// The attempt, as in the lease.
    public var attempt: Int64
    /// The epoch, as in the lease.
    public var epoch: UInt64
    /// The lease's digest.
    public var leaseDigest: Digest
    /// Who executes.
    public var node: VerifyingKey
    /// Which reading under this lease this is, from 1.
    public var sequence: Int64
    /// Work units since the beginning; at most what the hold covers.
    public var workUnits: UInt64
    /// Microseconds of running since the beginning; informative.
    public var wallMicroseconds: UInt64
    /// When it was read, in seconds since 1970 by the node's clock.
    public var at: Int64

    public var author: VerifyingKey { node }

    /// Makes a reading.
    public init(
        jobID: JobID,
        attempt: Int64,
        epoch: UInt64,
        leaseDigest: Digest,
        node: VerifyingKey,
        sequence: Int64,
        workUnits: UInt64,
        wallMicroseconds: UInt64,
        at: Int64
    ) {
        self.jobID = jobID
        self.attempt = attempt
        self.epoch = epoch
        self.leaseDigest = leaseDigest
        self.node = node
        self.sequence = sequence
        self.workUnits = workUnits
        self.wallMicroseconds = wallMicroseconds
        self.at = at
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        jobID = JobID(try reader.digest("jobId"))
        attempt = try reader.attempt()
        epoch = try reader.decimal("epoch")
        leaseDigest = try reader.digest("leaseDigest")
        node = try reader.key("node")
        sequence = try reader.integer("sequence", in: 1...Int64(UInt32.max))
        workUnits = try reader.decimal("workUnits")
        wallMicroseconds = try reader.decimal("wallMicroseconds")
        at = try reader.time("at")
        try reader.finish()
    }

    public var json: JSONValue {
        .object([
            "jobId": .string(jobID.text),
            "attempt": .integer(attempt),
            "epoch": .string(String(epoch)),
            "leaseDigest": .string(leaseDigest.hex),
            "node": .string(node.text),
            "sequence": .integer(sequence),
            "workUnits": .string(String(workUnits)),
            "wallMicroseconds": .string(String(wallMicroseconds)),
            "at": .integer(at),
        ])
    }

    /// Signs a reading.
    public static func sign(
        _ reading: MeterReading,
        with key: SigningKey
    ) throws(DocumentError) -> Signed<MeterReading> {
        try .sign(reading, subjects: [Subject(name: "lease", digest: reading.leaseDigest)], with: key)
    }
}
