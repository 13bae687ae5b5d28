// What an engine shows: itself, accounts, jobs, nodes. Plain JSON documents; what must be believed is in signed documents.
public import Codecs
public import Commitments
public import Signatures

/// Who an engine is and by which rules it works.
public struct EngineDescription: Sendable, Equatable {
    /// The key that signs leases and receipts.
    public var engine: VerifyingKey
    /// The key whose owner may credit accounts.
    public var operatorKey: VerifyingKey
    public var currency: String
    /// Who may judge.
    public var validators: [VerifyingKey]
    /// The ruleset document.
    public var ruleset: JSONValue
    public var version: String
    /// What the process that answers is among the engine's schedulers; `nil` for an engine that is one process.
    public var standing: EngineStanding?

    /// Describes an engine.
    public init(
        engine: VerifyingKey,
        operatorKey: VerifyingKey,
        currency: String,
        validators: [VerifyingKey],
        ruleset: JSONValue,
        version: String,
        standing: EngineStanding? = nil
    ) {
        self.engine = engine
        self.operatorKey = operatorKey
        self.currency = currency
        self.validators = validators
        self.ruleset = ruleset
        self.version = version
        self.standing = standing
    }

    /// The description as a JSON object.
    public var json: JSONValue {
        var object: JSONObject = [
            "schema": .string("assay.engine/1"),
            "engine": .string(engine.text),
            "operator": .string(operatorKey.text),
            "currency": .string(currency),
            "validators": .array(validators.map { .string($0.text) }),
            "ruleset": ruleset,
            "version": .string(version),
        ]
        if let standing { object["standing"] = standing.json }
        return .object(object)
    }

    /// Reads a description.
    public init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "engine")
        try reader.constant("schema", "assay.engine/1")
        engine = try VerifyingKey(text: try reader.string("engine"), field: "engine")
        operatorKey = try VerifyingKey(text: try reader.string("operator"), field: "operator")
        currency = try reader.string("currency", maxBytes: 32)
        validators = try reader.array("validators", max: 1024) { (value, path) throws(ParseError) -> VerifyingKey in
            guard case .string(let text) = value else {
                throw ParseError(field: path, expected: "a string", actual: value.typeName)
            }
            return try VerifyingKey(text: text, field: path)
        }
        ruleset = try reader.value("ruleset")
        version = try reader.string("version", maxBytes: 64)
        standing = reader.has("standing") ? try EngineStanding(try reader.value("standing")) : nil
        try reader.finish()
    }
}

/// What a process is among the schedulers that share one engine's store.
public struct EngineStanding: Sendable, Equatable {
    /// Who settles and who waits.
    public enum Role: String, Sendable, CaseIterable {
        /// Has the lease of the ledger: takes orders and settles.
        case leader
        /// Shows what the store holds, and takes over when the leader's lease ends.
        case standby
    }

    public var role: Role
    /// The process's own name.
    public var name: String
    /// The URL that the present leader gave; `nil` when nobody leads or nobody has said so yet.
    public var leader: String?
    /// How often the ledger's lease has been granted, for a leader: the fencing epoch of everything that it writes.
    public var epoch: Int64?

    /// Describes a process.
    public init(role: Role, name: String, leader: String?, epoch: Int64?) {
        self.role = role
        self.name = name
        self.leader = leader
        self.epoch = epoch
    }

    /// The standing as a JSON object.
    public var json: JSONValue {
        var object: JSONObject = ["role": .string(role.rawValue), "name": .string(name)]
        if let leader { object["leader"] = .string(leader) }
        if let epoch { object["epoch"] = .integer(epoch) }
        return .object(object)
    }

    /// Reads a standing.
    public init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "engine.standing")
        role = try reader.choice("role")
        name = try reader.string("name", maxBytes: 128)
        leader = try reader.optionalString("leader", maxBytes: 2048)
        epoch = reader.has("epoch") ? try reader.integer("epoch", in: 1...Int64.max) : nil
        try reader.finish()
    }
}

/// An account as its engine sees it. Amounts are minor units.
public struct AccountView: Sendable, Equatable {
    public var id: String
    public var kind: String
    public var currency: String
    /// The owner's key.
    public var owner: VerifyingKey
    /// What can be spent or held now.
    public var available: Int64
    /// What is held for jobs.
    public var held: Int64
    /// What belongs to the account, held amounts included.
    public var balance: Int64

    /// Describes an account.
    public init(
        id: String,
        kind: String,
        currency: String,
        owner: VerifyingKey,
        available: Int64,
        held: Int64,
        balance: Int64
    ) {
        self.id = id
        self.kind = kind
        self.currency = currency
        self.owner = owner
        self.available = available
        self.held = held
        self.balance = balance
    }

    /// The account as a JSON object.
    public var json: JSONValue {
        .object([
            "id": .string(id),
            "kind": .string(kind),
            "currency": .string(currency),
            "owner": .string(owner.text),
            "available": .string(String(available)),
            "held": .string(String(held)),
            "balance": .string(String(balance)),
        ])
    }

    /// Reads an account.
    public init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "account")
        id = try reader.string("id", maxBytes: 64)
        kind = try reader.string("kind", maxBytes: 32)
        currency = try reader.string("currency", maxBytes: 32)
        owner = try VerifyingKey(text: try reader.string("owner"), field: "account.owner")
        available = try reader.signedAmount("available")
        held = try reader.signedAmount("held")
        balance = try reader.signedAmount("balance")
        try reader.finish()
    }
}

/// A job as its engine sees it.
public struct JobView: Sendable, Equatable {
    public var id: Digest
    public var name: String
    /// `funded`, `offered`, `assigned`, `committed`, `verifying` or `final`.
    public var phase: String
    public var attempt: UInt32
    /// Minor units held for the job, or held until it ended.
    public var held: Int64
    /// When the engine acts by itself, in engine seconds; when the job ended, for a final one.
    public var deadline: Int64
    /// Why the job stands where it stands, in a sentence.
    public var reason: String
    /// Identifiers of the files or outputs that the engine waits for.
    public var missing: [CID]
    /// Work units that the node says it has done, for a job with readings.
    public var metered: UInt64?
    /// Work units that the hold covers at the lease's price, for a job under a lease.
    public var covered: UInt64?
    /// How many top-ups an open job has had; `nil` for none.
    public var topUps: Int64?
    /// Why the node is to hand over what it has: `preempted` or `closed`.
    public var yields: String?
    /// Why the engine settles nothing any more, in a sentence; `nil` while it does. The rest is then what its store has.
    public var stopped: String?
    /// The outcome of a final job.
    public var outcome: String?
    /// Minor units paid and refunded, for a final job.
    public var paid: Int64?
    public var refunded: Int64?

    /// Describes a job.
    public init(
        id: Digest,
        name: String,
        phase: String,
        attempt: UInt32,
        held: Int64,
        deadline: Int64,
        reason: String,
        missing: [CID] = [],
        metered: UInt64? = nil,
        covered: UInt64? = nil,
        topUps: Int64? = nil,
        yields: String? = nil,
        stopped: String? = nil,
        outcome: String? = nil,
        paid: Int64? = nil,
        refunded: Int64? = nil
    ) {
        self.id = id
        self.name = name
        self.phase = phase
        self.attempt = attempt
        self.held = held
        self.deadline = deadline
        self.reason = reason
        self.missing = missing
        self.metered = metered
        self.covered = covered
        self.topUps = topUps
        self.yields = yields
        self.stopped = stopped
        self.outcome = outcome
        self.paid = paid
        self.refunded = refunded
    }

    /// Whether the job has ended.
    public var isFinal: Bool { phase == "final" }

    /// The job as a JSON object.
    public var json: JSONValue {
        var object: JSONObject = [
            "id": .string(id.hex),
            "name": .string(name),
            "phase": .string(phase),
            "attempt": .integer(attempt),
            "held": .string(String(held)),
            "deadline": .integer(deadline),
            "reason": .string(reason),
        ]
        if !missing.isEmpty { object["missing"] = .array(missing.map { .string($0.text) }) }
        if let metered { object["metered"] = .string(String(metered)) }
        if let covered { object["covered"] = .string(String(covered)) }
        if let topUps { object["topUps"] = .integer(topUps) }
        if let yields { object["yields"] = .string(yields) }
        if let stopped { object["stopped"] = .string(stopped) }
        if let outcome { object["outcome"] = .string(outcome) }
        if let paid { object["paid"] = .string(String(paid)) }
        if let refunded { object["refunded"] = .string(String(refunded)) }
        return .object(object)
    }

    /// Reads a job.
    public init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "job")
        id = try Digest(hex: try reader.string("id"), field: "job.id")
        name = try reader.string("name", maxBytes: 256)
        phase = try reader.string("phase", maxBytes: 32)
        attempt = UInt32(try reader.integer("attempt", in: 0...Int64(UInt32.max)))
        held = try reader.signedAmount("held")
        deadline = try reader.integer("deadline")
        reason = try reader.string("reason")
        missing =
            reader.has("missing")
            ? try reader.array("missing", max: 4096) { (value, path) throws(ParseError) -> CID in
                guard case .string(let text) = value else {
                    throw ParseError(field: path, expected: "a string", actual: value.typeName)
                }
                return try CID(text: text, field: path)
            } : []
        metered = reader.has("metered") ? try reader.decimal("metered") : nil
        covered = reader.has("covered") ? try reader.decimal("covered") : nil
        topUps = reader.has("topUps") ? try reader.integer("topUps", in: 1...Int64(UInt32.max)) : nil
        yields = try reader.optionalString("yields", maxBytes: 32)
        stopped = reader.has("stopped") ? try reader.string("stopped") : nil
        outcome = try reader.optionalString("outcome", maxBytes: 32)
        paid = reader.has("paid") ? try reader.signedAmount("paid") : nil
        refunded = reader.has("refunded") ? try reader.signedAmount("refunded") : nil
        try reader.finish()
    }
}

/// A node as its engine sees it.
public struct NodeView: Sendable, Equatable {
    public var key: VerifyingKey
    public var deviceType: String
    public var memoryBytes: UInt64
    /// Minor units per million work units.
    public var askPerMegaUnit: UInt64
    /// Whether the node has been heard of lately.
    public var isOnline: Bool
    /// The job that it works on.
    public var job: Digest?

    /// Describes a node.
    public init(
        key: VerifyingKey,
        deviceType: String,
        memoryBytes: UInt64,
        askPerMegaUnit: UInt64,
        isOnline: Bool,
        job: Digest?
    ) {
        self.key = key
        self.deviceType = deviceType
        self.memoryBytes = memoryBytes
        self.askPerMegaUnit = askPerMegaUnit
        self.isOnline = isOnline
        self.job = job
    }

    /// The node as a JSON object.
    public var json: JSONValue {
        var object: JSONObject = [
            "node": .string(key.text),
            "deviceType": .string(deviceType),
            "memoryBytes": .string(String(memoryBytes)),
            "askPerMegaUnit": .string(String(askPerMegaUnit)),
            "online": .bool(isOnline),
        ]
        if let job { object["job"] = .string(job.hex) }
        return .object(object)
    }

    /// Reads a node.
    public init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "node")
        key = try VerifyingKey(text: try reader.string("node"), field: "node")
        deviceType = try reader.string("deviceType", maxBytes: 32)
        memoryBytes = try reader.decimal("memoryBytes")
        askPerMegaUnit = try reader.decimal("askPerMegaUnit")
        isOnline = try reader.bool("online")
        job = reader.has("job") ? try Digest(hex: try reader.string("job"), field: "node.job") : nil
        try reader.finish()
    }
}

extension JSONReader {
    /// An amount that may be negative: only the issuer's account is.
    fileprivate mutating func signedAmount(_ name: String) throws(ParseError) -> Int64 {
        let text = try string(name, maxBytes: 20)
        guard let amount = Int64(text), String(amount) == text else {
            throw ParseError(field: path(name), expected: "a decimal string", actual: text)
        }
        return amount
    }
}
