// The lease: the engine gives one attempt at a job to one node, for a price, against a stake, until a time.
public import Codecs
public import Commitments
public import Signatures

/// An engine's signed grant of one attempt. Its subject is the order.
public struct Lease: DocumentPredicate {
    public static let predicateType = "urn:assay:lease:1"

    /// The job.
    public var jobID: JobID
    /// Which attempt at the job this is, from 1.
    public var attempt: Int64
    /// Grows with every grant; a result under an older epoch is refused.
    public var epoch: UInt64
    /// The engine that grants.
    public var engine: VerifyingKey
    /// The node that may execute.
    public var node: VerifyingKey
    /// The order's digest.
    public var orderDigest: Digest
    /// The price in minor units per 10^6 work units.
    public var pricePerMegaUnit: UInt64
    /// What the node loses when its result is rejected, in minor units.
    public var stakeAmount: UInt64
    /// When the lease begins, in seconds since 1970.
    public var grantedAt: Int64
    /// When it ends without a result, in seconds since 1970; after `grantedAt`.
    public var expiresAt: Int64
    /// For a job whose replay is drawn: the digest of the seed that the engine is bound to from here on.
    public var beacon: Digest?

    public var author: VerifyingKey { engine }

    /// Makes a lease.
    public init(
        jobID: JobID,
        attempt: Int64,
        epoch: UInt64,
        engine: VerifyingKey,
        node: VerifyingKey,
        orderDigest: Digest,
        pricePerMegaUnit: UInt64,
        stakeAmount: UInt64,
        grantedAt: Int64,
        expiresAt: Int64,
        beacon: Digest? = nil
    ) {
        self.jobID = jobID
        self.attempt = attempt
        self.epoch = epoch
        self.engine = engine
        self.node = node
        self.orderDigest = orderDigest
        self.pricePerMegaUnit = pricePerMegaUnit
        self.stakeAmount = stakeAmount
        self.grantedAt = grantedAt
        self.expiresAt = expiresAt
        self.beacon = beacon
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        jobID = JobID(try reader.digest("jobId"))
        attempt = try reader.attempt()
        epoch = try reader.decimal("epoch")
        engine = try reader.key("engine")
        node = try reader.key("node")
        orderDigest = try reader.digest("orderDigest")
        pricePerMegaUnit = try reader.amount("pricePerMegaUnit")
        stakeAmount = try reader.amount("stakeAmount")
        grantedAt = try reader.time("grantedAt")
        expiresAt = try reader.time("expiresAt")
        beacon = try reader.optionalDigest("beacon")
        try reader.finish()
        guard expiresAt > grantedAt else {
            throw ParseError(
                field: reader.path("expiresAt"),
                expected: "later than \(grantedAt)",
                actual: "\(expiresAt)"
            )
        }
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "jobId": .string(jobID.text),
            "attempt": .integer(attempt),
            "epoch": .string(String(epoch)),
            "engine": .string(engine.text),
            "node": .string(node.text),
            "orderDigest": .string(orderDigest.hex),
            "pricePerMegaUnit": .string(String(pricePerMegaUnit)),
            "stakeAmount": .string(String(stakeAmount)),
            "grantedAt": .integer(grantedAt),
            "expiresAt": .integer(expiresAt),
        ]
        if let beacon { object["beacon"] = .string(beacon.hex) }
        return .object(object)
    }

    /// Signs a lease.
    public static func sign(_ lease: Lease, with key: SigningKey) throws(DocumentError) -> Signed<Lease> {
        try .sign(lease, subjects: [Subject(name: "order", digest: lease.orderDigest)], with: key)
    }
}
