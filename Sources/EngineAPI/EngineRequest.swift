// Requests that change accounts, nodes or leases: signed like every other document, so that the transport needs no trust
// and a repeated request is known by its id.
public import Codecs
internal import Commitments
public import Receipts
public import Signatures

/// A signed request to one engine.
///
/// `EngineAPI.account(request:)` takes `open`, `credit` and `withdraw`; `node(request:)` takes `register`, `poll` and
/// `abandon`; `validator(request:)` takes `poll`; `close(job:request:)` takes `close` and `refund`.
public struct EngineRequest: DocumentPredicate {
    public static let predicateType = "urn:assay:request:1"
    /// The number of bytes of an id.
    public static let idBytes = 16
    /// How far a request's time may be from the engine's, in seconds.
    public static let toleranceSeconds: Int64 = 300

    /// What is asked for.
    public enum Action: Sendable, Equatable {
        /// Open the signer's payer account.
        case open
        /// Move money from the issuer to a payer or stake account. For the engine's operator.
        case credit(account: AccountName, amount: UInt64)
        /// Move money from an account back to the issuer. For the engine's operator.
        case withdraw(account: AccountName, amount: UInt64)
        /// Offer a device: its type, its memory and the price per 10^6 work units.
        case register(deviceType: String, memoryBytes: UInt64, askPerMegaUnit: UInt64)
        /// Ask for work.
        case poll
        /// Give a lease back without a result.
        case abandon(job: JobID, attempt: Int64, reason: String)
        /// End a job. For its requester.
        case close(job: JobID)
        /// Give everything that is held for a job back, because the engine cannot finish it. For the engine's operator.
        case refund(job: JobID, reason: String)

        /// The action's name in the document.
        public var name: String {
            switch self {
            case .open: "open"
            case .credit: "credit"
            case .withdraw: "withdraw"
            case .register: "register"
            case .poll: "poll"
            case .abandon: "abandon"
            case .close: "close"
            case .refund: "refund"
            }
        }
    }

    /// The engine that is asked. A request replayed to another engine is refused.
    public var engine: VerifyingKey
    /// 16 bytes made by the sender: the same id with the same content is the same request.
    public var id: [UInt8]
    /// When it was signed, in seconds since 1970 by the sender's clock.
    public var at: Int64
    /// Who asks.
    public var signer: VerifyingKey
    /// What is asked for.
    public var action: Action

    public var author: VerifyingKey { signer }

    /// Makes a request.
    public init(engine: VerifyingKey, id: [UInt8], at: Int64, signer: VerifyingKey, action: Action) {
        self.engine = engine
        self.id = id
        self.at = at
        self.signer = signer
        self.action = action
    }

    /// Signs a request.
    /// - Parameter id: made at random when it is `nil`; keep it and send it again when an answer was lost.
    public static func sign(
        _ action: Action,
        engine: VerifyingKey,
        at: Int64,
        id: [UInt8]? = nil,
        with key: SigningKey
    ) throws(DocumentError) -> Signed<EngineRequest> {
        let name: [UInt8]
        do throws(KeyError) {
            if let id { name = id } else { name = try Random.bytes(idBytes) }
        } catch {
            throw .key(error)
        }
        let request = EngineRequest(engine: engine, id: name, at: at, signer: key.verifyingKey, action: action)
        return try .sign(request, subjects: [Subject(name: "engine", digest: SHA256.hash(engine.bytes))], with: key)
    }

    /// Whether the request is recent enough, or not too far ahead, for an engine whose clock says `now`.
    public func isTimely(at now: Int64) -> Bool {
        at >= now - Self.toleranceSeconds && at <= now + Self.toleranceSeconds
    }

    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        engine = try VerifyingKey(text: try reader.string("engine", maxBytes: 128), field: reader.path("engine"))
        id = try reader.hex("id", count: Self.idBytes)
        at = try reader.integer("at", in: 0...253_402_300_799)
        signer = try VerifyingKey(text: try reader.string("signer", maxBytes: 128), field: reader.path("signer"))
        let name = try reader.string("action", maxBytes: 32)
        switch name {
        case "open": action = .open
        case "credit": action = .credit(account: try Self.account(&reader), amount: try Self.amount(&reader))
        case "withdraw": action = .withdraw(account: try Self.account(&reader), amount: try Self.amount(&reader))
        case "register":
            action = .register(
                deviceType: try reader.string("deviceType", maxBytes: 32),
                memoryBytes: try reader.decimal("memoryBytes"),
                askPerMegaUnit: try reader.decimal("askPerMegaUnit", in: 0...UInt64(Int64.max))
            )
        case "poll": action = .poll
        case "abandon":
            let job = try JobID(text: try reader.string("job", maxBytes: 64), field: reader.path("job"))
            action = .abandon(
                job: job,
                attempt: try reader.integer("attempt", in: 1...JobSpec.maxAttempts),
                reason: try reader.string("reason", maxBytes: 512)
            )
        case "close":
            action = .close(job: try JobID(text: try reader.string("job", maxBytes: 64), field: reader.path("job")))
        case "refund":
            action = .refund(
                job: try JobID(text: try reader.string("job", maxBytes: 64), field: reader.path("job")),
                reason: try reader.string("reason", maxBytes: 512)
            )
        default:
            let expected = "one of open, credit, withdraw, register, poll, abandon, close, refund"
            throw ParseError(field: reader.path("action"), expected: expected, actual: name)
        }
        try reader.finish()
    }

    private static func account(_ reader: inout JSONReader) throws(ParseError) -> AccountName {
        try AccountName(text: try reader.string("account", maxBytes: 32), field: reader.path("account"))
    }

    private static func amount(_ reader: inout JSONReader) throws(ParseError) -> UInt64 {
        try reader.decimal("amount", in: 1...UInt64(Int64.max))
    }

    public var json: JSONValue {
        var object: JSONObject = [
            "engine": .string(engine.text),
            "id": .string(Hex.encode(id)),
            "at": .integer(at),
            "signer": .string(signer.text),
            "action": .string(action.name),
        ]
        switch action {
        case .open, .poll: break
        case .credit(let account, let amount), .withdraw(let account, let amount):
            object["account"] = .string(account.text)
            object["amount"] = .string(String(amount))
        case .register(let deviceType, let memoryBytes, let askPerMegaUnit):
            object["deviceType"] = .string(deviceType)
            object["memoryBytes"] = .string(String(memoryBytes))
            object["askPerMegaUnit"] = .string(String(askPerMegaUnit))
        case .abandon(let job, let attempt, let reason):
            object["job"] = .string(job.text)
            object["attempt"] = .integer(attempt)
            object["reason"] = .string(reason)
        case .close(let job):
            object["job"] = .string(job.text)
        case .refund(let job, let reason):
            object["job"] = .string(job.text)
            object["reason"] = .string(reason)
        }
        return .object(object)
    }
}
