// The receipt: the engine says how a job ended and where every minor unit went. Everything else in a bundle is what this
// document refers to by digest.
public import Codecs
public import Commitments
public import Signatures
public import Verdicts

/// An engine's signed account of one job's end. Its subject is the sealed spec.
public struct Receipt: DocumentPredicate {
    public static let predicateType = "urn:assay:receipt:1"
    /// The version of the predicate that this code reads and writes.
    public static let version: Int64 = 1

    /// How one attempt at the job ended.
    public struct Attempt: Sendable, Equatable {
        /// The end of an attempt whose node said nothing until its lease was over.
        public static let silent = "silent"

        /// Its number, from 1.
        public var attempt: Int64
        /// Who had the lease.
        public var node: VerifyingKey
        /// A stable code: `accepted`, `rejected`, `expired`.
        public var end: String

        /// Describes an attempt.
        public init(attempt: Int64, node: VerifyingKey, end: String) {
            self.attempt = attempt
            self.node = node
            self.end = end
        }
    }

    /// The job.
    public var jobID: JobID
    /// The attempt that decided; 0 when nobody ever had a lease.
    public var attempt: Int64
    /// The engine that settled.
    public var engine: VerifyingKey
    /// Who ordered.
    public var requester: VerifyingKey
    /// The account that paid.
    public var account: AccountName
    /// SHA-256 of the sealed spec's bytes.
    public var specDigest: Digest
    /// The order's digest.
    public var orderDigest: Digest
    /// The deciding lease's digest.
    public var leaseDigest: Digest?
    /// The appraised execution statement's digest.
    public var executionDigest: Digest?
    /// The digests of the requester's top-ups, in the order of their numbers.
    public var topUpDigests: [Digest] = []
    /// The digest of the last meter reading under the deciding lease.
    public var readingDigest: Digest?
    /// The digests of the verdicts on it, in the bundle's order.
    public var verdictDigests: [Digest]
    /// The digest of the ruleset's bytes.
    public var rulesetDigest: Digest
    /// How it ended.
    public var outcome: Outcome
    /// Whose fault it was, when it was not accepted.
    public var fault: Fault
    /// A stable code for why: `verified`, `replay.outputs`, `no-node`.
    public var reason: String
    /// Every attempt in order.
    public var attempts: [Attempt]
    /// Where the money went.
    public var settlement: Settlement
    /// When it was settled, in seconds since 1970 by the engine's clock.
    public var settledAt: Int64
    /// The digest of the receipt that this one follows: an update of the same job; `nil` for a job's first receipt.
    public var previousReceipt: Digest?
    /// Until when the engine may follow this receipt by another one, in seconds since 1970: `settledAt` and the ruleset's
    /// dispute window. `nil` when the ruleset has none.
    public var disputeEndsAt: Int64?
    /// The network that the engine says it belongs to; a trust file can demand one.
    public var network: String?
    /// The program that settled, as the engine says.
    public var software: Software?
    /// The jobs that were settled with this one, itself among them, by their places; `nil` unless the job started in a gang
    /// that settles together.
    public var gang: [GangLeg]?

    public var author: VerifyingKey { engine }

    /// Makes a receipt.
    public init(
        jobID: JobID,
        attempt: Int64,
        engine: VerifyingKey,
        requester: VerifyingKey,
        account: AccountName,
        specDigest: Digest,
        orderDigest: Digest,
        leaseDigest: Digest?,
        executionDigest: Digest?,
        verdictDigests: [Digest],
        rulesetDigest: Digest,
        outcome: Outcome,
        fault: Fault,
        reason: String,
        attempts: [Attempt],
        settlement: Settlement,
        settledAt: Int64
    ) {
        self.jobID = jobID
        self.attempt = attempt
        self.engine = engine
        self.requester = requester
        self.account = account
        self.specDigest = specDigest
        self.orderDigest = orderDigest
        self.leaseDigest = leaseDigest
        self.executionDigest = executionDigest
        self.verdictDigests = verdictDigests
        self.rulesetDigest = rulesetDigest
        self.outcome = outcome
        self.fault = fault
        self.reason = reason
        self.attempts = attempts
        self.settlement = settlement
        self.settledAt = settledAt
    }

    /// Signs a receipt.
    public static func sign(_ receipt: Receipt, with key: SigningKey) throws(DocumentError) -> Signed<Receipt> {
        try .sign(receipt, subjects: [Subject(name: "spec", digest: receipt.specDigest)], with: key)
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        _ = try reader.integer("version", in: Self.version...Self.version)
        jobID = JobID(try reader.digest("jobId"))
        attempt = try reader.integer("attempt", in: 0...JobSpec.maxAttempts)
        engine = try reader.key("engine")
        requester = try reader.key("requester")
        account = try AccountName(text: try reader.string("account", maxBytes: 64), field: reader.path("account"))
        specDigest = try reader.digest("specDigest")
        orderDigest = try reader.digest("orderDigest")
        leaseDigest = try reader.optionalDigest("leaseDigest")
        executionDigest = try reader.optionalDigest("executionDigest")
        if reader.has("topUpDigests") { topUpDigests = try Self.digests("topUpDigests", TopUp.maxCount, &reader) }
        readingDigest = try reader.optionalDigest("readingDigest")
        verdictDigests = try Self.digests("verdictDigests", Bundle.maxVerdicts, &reader)
        rulesetDigest = try reader.digest("rulesetDigest")
        outcome = try reader.choice("outcome")
        fault = try reader.choice("fault")
        reason = try reader.code("reason")
        attempts = try reader.array("attempts", max: Int(JobSpec.maxAttempts)) {
            (value, path) throws(ParseError) -> Attempt in
            var entry = try JSONReader(value, path)
            let attempt = Attempt(
                attempt: try entry.attempt(),
                node: try entry.key("node"),
                end: try entry.code("end")
            )
            try entry.finish()
            return attempt
        }
        settlement = try Settlement(try reader.value("settlement"), reader.path("settlement"))
        settledAt = try reader.time("settledAt")
        previousReceipt = try reader.optionalDigest("prevReceipt")
        if reader.has("disputeEndsAt") { disputeEndsAt = try reader.time("disputeEndsAt") }
        network = try reader.optionalString("network", maxBytes: NodeDeclaration.maxBytes)
        if let network { try NodeDeclaration.check(network, reader.path("network")) }
        software = try reader.optionalSoftware()
        if reader.has("gang") {
            gang = try reader.array("gang", max: Int(JobSpec.Gang.maxSize)) {
                (value, path) throws(ParseError) -> GangLeg in try GangLeg(value, path)
            }
        }
        try reader.finish()
    }

    private static func digests(
        _ name: String,
        _ max: Int,
        _ reader: inout JSONReader
    ) throws(ParseError) -> [Digest] {
        try reader.array(name, max: max) { (value, path) throws(ParseError) -> Digest in
            guard case .string(let text) = value else {
                throw ParseError(field: path, expected: "a digest", actual: value.typeName)
            }
            return try Digest(hex: text, field: path)
        }
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "version": .integer(Self.version),
            "jobId": .string(jobID.text),
            "attempt": .integer(attempt),
            "engine": .string(engine.text),
            "requester": .string(requester.text),
            "account": .string(account.text),
            "specDigest": .string(specDigest.hex),
            "orderDigest": .string(orderDigest.hex),
        ]
        if let leaseDigest { object["leaseDigest"] = .string(leaseDigest.hex) }
        if let executionDigest { object["executionDigest"] = .string(executionDigest.hex) }
        if !topUpDigests.isEmpty { object["topUpDigests"] = .array(topUpDigests.map { .string($0.hex) }) }
        if let readingDigest { object["readingDigest"] = .string(readingDigest.hex) }
        object["verdictDigests"] = .array(verdictDigests.map { .string($0.hex) })
        object["rulesetDigest"] = .string(rulesetDigest.hex)
        object["outcome"] = .string(outcome.rawValue)
        object["fault"] = .string(fault.rawValue)
        object["reason"] = .string(reason)
        object["attempts"] = .array(
            attempts.map { attempt in
                .object([
                    "attempt": .integer(attempt.attempt),
                    "node": .string(attempt.node.text),
                    "end": .string(attempt.end),
                ])
            }
        )
        object["settlement"] = settlement.json
        object["settledAt"] = .integer(settledAt)
        if let previousReceipt { object["prevReceipt"] = .string(previousReceipt.hex) }
        if let disputeEndsAt { object["disputeEndsAt"] = .integer(disputeEndsAt) }
        if let network { object["network"] = .string(network) }
        if let software { object["software"] = software.json }
        if let gang { object["gang"] = .array(gang.map(\.json)) }
        return .object(object)
    }
}
