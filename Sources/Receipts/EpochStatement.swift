// An engine's signed account of a closed accounting period: what anybody with a later copy of the ledger can hold against it.
public import Codecs
public import Commitments
public import Signatures

/// What the transfers of one epoch and one currency add up to, signed by the engine. Its subject is the epoch's digest, which
/// names the ledger's whole history up to the epoch's end.
public struct EpochStatement: DocumentPredicate {
    public static let predicateType = "urn:assay:epoch:1"

    /// The engine whose ledger it is.
    public var engine: VerifyingKey
    public var currency: String
    /// The epoch's number: it is the engine seconds [number · seconds, (number + 1) · seconds).
    public var number: Int64
    /// The length of an epoch.
    public var seconds: Int64
    /// How many transfers there were.
    public var transfers: Int64
    /// Minor units by what they were: issued, withdrawn, held, paid, returned.
    public var sums: [Sum: UInt64]
    /// Minor units paid to accounts of each kind.
    public var paidTo: [String: UInt64]
    /// The digest of the history up to the epoch's end, as the ledger's summary defines it.
    public var digest: Digest

    /// What is added up.
    public enum Sum: String, Sendable, CaseIterable {
        case issued, withdrawn, held, paid, returned
    }

    /// The most kinds of accounts.
    private static let maxKinds = 32

    public var author: VerifyingKey { engine }

    /// Makes a statement.
    public init(
        engine: VerifyingKey,
        currency: String,
        number: Int64,
        seconds: Int64,
        transfers: Int64,
        sums: [Sum: UInt64],
        paidTo: [String: UInt64],
        digest: Digest
    ) {
        self.engine = engine
        self.currency = currency
        self.number = number
        self.seconds = seconds
        self.transfers = transfers
        self.sums = sums
        self.paidTo = paidTo
        self.digest = digest
    }

    /// Signs a statement.
    public static func sign(
        _ statement: EpochStatement,
        with key: SigningKey
    ) throws(DocumentError) -> Signed<EpochStatement> {
        try .sign(statement, subjects: [Subject(name: "epoch", digest: statement.digest)], with: key)
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        engine = try reader.key("engine")
        currency = try reader.string("currency", maxBytes: 16)
        number = try reader.integer("number", in: 0...253_402_300_799)
        seconds = try reader.integer("seconds", in: 1...31_622_400)
        transfers = try reader.integer("transfers", in: 1...Int64.max)
        sums = [:]
        for sum in Sum.allCases { sums[sum] = try reader.amount(sum.rawValue) }
        guard case .object(let kinds) = try reader.value("paidTo"), kinds.members.count <= Self.maxKinds else {
            let expected = "an object of at most \(Self.maxKinds) kinds"
            throw ParseError(field: reader.path("paidTo"), expected: expected, actual: "another value")
        }
        paidTo = [:]
        var part = try JSONReader(.object(kinds), reader.path("paidTo"))
        for member in kinds.members { paidTo[member.name] = try part.amount(member.name) }
        digest = try reader.digest("digest")
        try reader.finish()
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "engine": .string(engine.text), "currency": .string(currency), "number": .integer(number),
            "seconds": .integer(seconds), "transfers": .integer(transfers),
        ]
        for sum in Sum.allCases { object[sum.rawValue] = .string(String(sums[sum] ?? 0)) }
        var kinds = JSONObject()
        for (kind, amount) in paidTo.sorted(by: { $0.key < $1.key }) { kinds[kind] = .string(String(amount)) }
        object["paidTo"] = .object(kinds)
        object["digest"] = .string(digest.hex)
        return .object(object)
    }
}
