// The commitment statement: the engine says when a node bound itself to its result, and opens the seed that it had itself been
// bound to since the lease. Both decide a draw that nobody could know before.
public import Codecs
public import Commitments
public import Signatures

/// An engine's signed note of the moment at which an execution statement arrived. Its subject is that statement.
public struct CommitmentStatement: DocumentPredicate {
    public static let predicateType = "urn:assay:commitment:1"
    /// The number of bytes of a seed.
    public static let seedBytes = 32

    /// The job.
    public var jobID: JobID
    /// The attempt, as in the lease.
    public var attempt: Int64
    /// The engine that notes it.
    public var engine: VerifyingKey
    /// The execution statement's digest.
    public var executionDigest: Digest
    /// When it arrived, in seconds since 1970 by the engine's clock.
    public var committedAt: Int64
    /// The seed whose digest stands in the lease.
    public var seed: [UInt8]

    public var author: VerifyingKey { engine }

    /// Makes a statement.
    public init(
        jobID: JobID,
        attempt: Int64,
        engine: VerifyingKey,
        executionDigest: Digest,
        committedAt: Int64,
        seed: [UInt8]
    ) {
        self.jobID = jobID
        self.attempt = attempt
        self.engine = engine
        self.executionDigest = executionDigest
        self.committedAt = committedAt
        self.seed = seed
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        jobID = JobID(try reader.digest("jobId"))
        attempt = try reader.attempt()
        engine = try reader.key("engine")
        executionDigest = try reader.digest("executionDigest")
        committedAt = try reader.time("committedAt")
        seed = try reader.hex("seed", count: Self.seedBytes)
        try reader.finish()
    }

    public var json: JSONValue {
        .object([
            "jobId": .string(jobID.text),
            "attempt": .integer(attempt),
            "engine": .string(engine.text),
            "executionDigest": .string(executionDigest.hex),
            "committedAt": .integer(committedAt),
            "seed": .string(Hex.encode(seed)),
        ])
    }

    /// Signs a statement.
    public static func sign(
        _ statement: CommitmentStatement,
        with key: SigningKey
    ) throws(DocumentError) -> Signed<CommitmentStatement> {
        try .sign(statement, subjects: [Subject(name: "execution", digest: statement.executionDigest)], with: key)
    }

    /// The seed of an attempt: a hash of the engine's own deterministic signature, so that nobody else can know it and a
    /// restarted engine finds it again.
    public static func seed(job: JobID, attempt: Int64, with key: SigningKey) throws(KeyError) -> [UInt8] {
        var message = Array("assay-beacon-seed-1\0".utf8)
        message.append(contentsOf: job.digest.bytes)
        message.appendBigEndian(UInt64(attempt))
        return SHA256.hash(try key.signature(for: message)).bytes
    }

    /// What a lease says about a seed.
    public static func digest(ofSeed seed: [UInt8]) -> Digest {
        SHA256.hash(Array("assay-beacon-commit-1\0".utf8) + seed)
    }
}
