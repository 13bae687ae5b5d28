// The order: a requester asks one engine for one job and names the account that pays.
public import Codecs
internal import Commitments
public import Signatures

/// A requester's signed wish to have a job done. Its subject is the sealed spec.
public struct Order: DocumentPredicate {
    public static let predicateType = "urn:assay:order:1"

    /// The job's name; it follows from requester, nonce and spec.
    public var jobID: JobID
    /// 32 bytes that make two orders of the same spec two jobs.
    public var nonce: [UInt8]
    /// Who orders.
    public var requester: VerifyingKey
    /// The account that pays: the requester's, of purpose `payer`, in the spec's currency.
    public var account: AccountName
    /// When the requester signed, in seconds since 1970 by its own clock.
    public var createdAt: Int64
    /// The engine that may run it. An order replayed to another engine is refused.
    public var engine: VerifyingKey

    public var author: VerifyingKey { requester }

    /// Makes an order.
    public init(
        jobID: JobID,
        nonce: [UInt8],
        requester: VerifyingKey,
        account: AccountName,
        createdAt: Int64,
        engine: VerifyingKey
    ) {
        self.jobID = jobID
        self.nonce = nonce
        self.requester = requester
        self.account = account
        self.createdAt = createdAt
        self.engine = engine
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        jobID = JobID(try reader.digest("jobId"))
        nonce = try reader.hex("nonce", count: JobID.nonceBytes)
        requester = try reader.key("requester")
        account = try AccountName(text: try reader.string("account", maxBytes: 64), field: reader.path("account"))
        createdAt = try reader.time("createdAt")
        engine = try reader.key("engine")
        try reader.finish()
    }

    public var json: JSONValue {
        .object([
            "jobId": .string(jobID.text),
            "nonce": .string(Hex.encode(nonce)),
            "requester": .string(requester.text),
            "account": .string(account.text),
            "createdAt": .integer(createdAt),
            "engine": .string(engine.text),
        ])
    }

    /// Signs an order for a sealed job.
    public static func sign(
        _ job: SealedJob,
        nonce: [UInt8],
        createdAt: Int64,
        engine: VerifyingKey,
        with key: SigningKey
    ) throws(DocumentError) -> Signed<Order> {
        let jobID: JobID
        do throws(ParseError) {
            jobID = try JobID(requester: key.verifyingKey, nonce: nonce, spec: job.bytes)
        } catch {
            throw .malformed(error)
        }
        let order = Order(
            jobID: jobID,
            nonce: nonce,
            requester: key.verifyingKey,
            account: AccountName(currency: job.spec.price.currency, purpose: .payer, owner: key.verifyingKey),
            createdAt: createdAt,
            engine: engine
        )
        return try .sign(order, subjects: [Subject(name: "spec", digest: job.digest)], with: key)
    }
}
