// The money part of a receipt: what was set aside, and where every minor unit of it went. `SettlementAmounts` is the
// arithmetic that it has to obey; the ledger moves exactly these legs.
public import Codecs

/// Where the money of one job went.
public struct Settlement: Sendable, Equatable {
    /// One payment.
    public struct Leg: Sendable, Equatable {
        /// Whose share it is.
        public var leg: AccountName.Purpose
        /// What it is a share of.
        public var base: Ruleset.Base
        /// The account that it went to.
        public var account: AccountName
        /// Minor units.
        public var amount: UInt64
        /// The ledger transfer that moved it: 16 bytes as 32 hexadecimal digits.
        public var transfer: String

        /// Describes a payment.
        public init(
            leg: AccountName.Purpose,
            base: Ruleset.Base,
            account: AccountName,
            amount: UInt64,
            transfer: String
        ) {
            self.leg = leg
            self.base = base
            self.account = account
            self.amount = amount
            self.transfer = transfer
        }
    }

    /// What an earlier attempt's node lost because its lease ended in silence.
    public struct Penalty: Sendable, Equatable {
        /// The attempt.
        public var attempt: Int64
        /// Minor units.
        public var amount: UInt64
        /// Where they went.
        public var legs: [Leg]

        /// Describes a penalty.
        public init(attempt: Int64, amount: UInt64, legs: [Leg]) {
            self.attempt = attempt
            self.amount = amount
            self.legs = legs
        }
    }

    /// What became of money at stake: the provider's stake, or the requester's bond.
    public struct Stake: Sendable, Equatable {
        /// What was held, in minor units.
        public var held: UInt64
        /// What was lost.
        public var slashed: UInt64
        /// What went back.
        public var released: UInt64
        /// Where the lost part went.
        public var legs: [Leg]

        /// Describes a stake's end.
        public init(held: UInt64, slashed: UInt64, released: UInt64, legs: [Leg]) {
            self.held = held
            self.slashed = slashed
            self.released = released
            self.legs = legs
        }
    }

    /// The currency's code.
    public var currency: String
    /// What was set aside for the job, top-ups included, in minor units.
    public var held: UInt64
    /// The work that is paid for; 0 when nothing is.
    public var workUnits: UInt64
    /// The price of the deciding lease per 10^6 work units; `nil` when nobody had a lease.
    public var pricePerMegaUnit: UInt64?
    /// What the job cost.
    public var gross: UInt64
    /// Where that went.
    public var legs: [Leg]
    /// What went back to the requester.
    public var refunded: UInt64
    /// The provider's stake; `nil` when nobody had a lease.
    public var stake: Stake?
    /// The requester's bond; `nil` when the job has none.
    public var bond: Stake?
    /// What the nodes of earlier attempts lost, in the order of the attempts.
    public var penalties: [Penalty]

    /// Describes a settlement.
    public init(
        currency: String,
        held: UInt64,
        workUnits: UInt64,
        pricePerMegaUnit: UInt64?,
        gross: UInt64,
        legs: [Leg],
        refunded: UInt64,
        stake: Stake?,
        bond: Stake? = nil,
        penalties: [Penalty] = []
    ) {
        self.currency = currency
        self.held = held
        self.workUnits = workUnits
        self.pricePerMegaUnit = pricePerMegaUnit
        self.gross = gross
        self.legs = legs
        self.refunded = refunded
        self.stake = stake
        self.bond = bond
        self.penalties = penalties
    }

    /// Reads a settlement.
    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        currency = try reader.code("currency")
        held = try reader.amount("held")
        workUnits = try reader.decimal("workUnits")
        pricePerMegaUnit = try reader.optionalAmount("pricePerMegaUnit")
        gross = try reader.amount("gross")
        legs = try Self.legs(&reader)
        refunded = try reader.amount("refunded")
        stake = try Self.stake("stake", &reader)
        bond = try Self.stake("bond", &reader)
        penalties = []
        if reader.has("penalties") {
            penalties = try reader.array("penalties", max: Int(JobSpec.maxAttempts)) {
                (value, path) throws(ParseError) -> Penalty in
                var entry = try JSONReader(value, path)
                let penalty = Penalty(
                    attempt: try entry.attempt(),
                    amount: try entry.amount("amount"),
                    legs: try Self.legs(&entry)
                )
                try entry.finish()
                return penalty
            }
        }
        try reader.finish()
    }

    private static func stake(_ name: String, _ reader: inout JSONReader) throws(ParseError) -> Stake? {
        guard var part = try reader.optionalObject(name) else { return nil }
        let stake = Stake(
            held: try part.amount("held"),
            slashed: try part.amount("slashed"),
            released: try part.amount("released"),
            legs: try Self.legs(&part)
        )
        try part.finish()
        return stake
    }

    private static func legs(_ reader: inout JSONReader) throws(ParseError) -> [Leg] {
        try reader.array("legs", max: 64) { (value, path) throws(ParseError) -> Leg in
            var entry = try JSONReader(value, path)
            let leg = Leg(
                leg: try entry.choice("leg"),
                base: try entry.choice("base"),
                account: try AccountName(text: try entry.string("account", maxBytes: 64), field: path + ".account"),
                amount: try entry.amount("amount"),
                transfer: Hex.encode(try entry.hex("transfer", count: 16))
            )
            try entry.finish()
            return leg
        }
    }

    /// The settlement as a JSON object.
    public var json: JSONValue {
        var object: JSONObject = [
            "currency": .string(currency),
            "held": .string(String(held)),
            "workUnits": .string(String(workUnits)),
        ]
        if let pricePerMegaUnit { object["pricePerMegaUnit"] = .string(String(pricePerMegaUnit)) }
        object["gross"] = .string(String(gross))
        object["legs"] = .array(legs.map(\.json))
        object["refunded"] = .string(String(refunded))
        if let stake { object["stake"] = stake.json }
        if let bond { object["bond"] = bond.json }
        if !penalties.isEmpty {
            object["penalties"] = .array(
                penalties.map { penalty in
                    .object([
                        "attempt": .integer(penalty.attempt),
                        "amount": .string(String(penalty.amount)),
                        "legs": .array(penalty.legs.map(\.json)),
                    ])
                }
            )
        }
        return .object(object)
    }
}

extension Settlement.Stake {
    fileprivate var json: JSONValue {
        .object([
            "held": .string(String(held)),
            "slashed": .string(String(slashed)),
            "released": .string(String(released)),
            "legs": .array(legs.map(\.json)),
        ])
    }
}

extension Settlement.Leg {
    fileprivate var json: JSONValue {
        .object([
            "leg": .string(leg.rawValue),
            "base": .string(base.rawValue),
            "account": .string(account.text),
            "amount": .string(String(amount)),
            "transfer": .string(transfer),
        ])
    }
}
