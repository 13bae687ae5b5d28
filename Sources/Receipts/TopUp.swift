// The top-up: a requester adds money and time to a metered job under way, both in one signed document.
public import Codecs
internal import Commitments
public import Signatures

/// A requester's signed wish to let a metered job go on. Its subject is the job's name, which binds requester and spec.
public struct TopUp: DocumentPredicate {
    public static let predicateType = "urn:assay:topup:1"
    /// The most top-ups of one job.
    public static let maxCount = 64

    /// The job.
    public var jobID: JobID
    /// Which top-up of the job this is, from 1: the same number with another content is a conflict.
    public var number: Int64
    /// Minor units that are held in addition.
    public var amount: UInt64
    /// Seconds by which the deadline of the present stage moves.
    public var seconds: Int64
    /// Who ordered the job.
    public var requester: VerifyingKey
    /// The engine that runs it.
    public var engine: VerifyingKey
    /// When the requester signed, in seconds since 1970 by its own clock.
    public var createdAt: Int64

    public var author: VerifyingKey { requester }

    /// Makes a top-up.
    public init(
        jobID: JobID,
        number: Int64,
        amount: UInt64,
        seconds: Int64,
        requester: VerifyingKey,
        engine: VerifyingKey,
        createdAt: Int64
    ) {
        self.jobID = jobID
        self.number = number
        self.amount = amount
        self.seconds = seconds
        self.requester = requester
        self.engine = engine
        self.createdAt = createdAt
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        jobID = JobID(try reader.digest("jobId"))
        number = try reader.integer("number", in: 1...Int64(Self.maxCount))
        amount = try reader.decimal("amount", in: 1...maxAmount)
        seconds = try reader.integer("seconds", in: 0...86_400)
        requester = try reader.key("requester")
        engine = try reader.key("engine")
        createdAt = try reader.time("createdAt")
        try reader.finish()
    }

    public var json: JSONValue {
        .object([
            "jobId": .string(jobID.text),
            "number": .integer(number),
            "amount": .string(String(amount)),
            "seconds": .integer(seconds),
            "requester": .string(requester.text),
            "engine": .string(engine.text),
            "createdAt": .integer(createdAt),
        ])
    }

    /// Signs a top-up.
    public static func sign(_ topUp: TopUp, with key: SigningKey) throws(DocumentError) -> Signed<TopUp> {
        try .sign(topUp, subjects: [Subject(name: "job", digest: topUp.jobID.digest)], with: key)
    }
}
