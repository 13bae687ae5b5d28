// The money part of a receipt, and the arithmetic that it has to obey. The engine that settles and the auditor that checks
// use the same function, `SettlementAmounts`; the ledger moves exactly these legs.
public import Codecs
public import Verdicts

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

    /// What became of the provider's stake.
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
    /// What was set aside for the job, in minor units.
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

    /// Describes a settlement.
    public init(
        currency: String,
        held: UInt64,
        workUnits: UInt64,
        pricePerMegaUnit: UInt64?,
        gross: UInt64,
        legs: [Leg],
        refunded: UInt64,
        stake: Stake?
    ) {
        self.currency = currency
        self.held = held
        self.workUnits = workUnits
        self.pricePerMegaUnit = pricePerMegaUnit
        self.gross = gross
        self.legs = legs
        self.refunded = refunded
        self.stake = stake
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
        if var part = try reader.optionalObject("stake") {
            stake = Stake(
                held: try part.amount("held"),
                slashed: try part.amount("slashed"),
                released: try part.amount("released"),
                legs: try Self.legs(&part)
            )
            try part.finish()
        } else {
            stake = nil
        }
        try reader.finish()
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
        if let stake {
            object["stake"] = .object([
                "held": .string(String(stake.held)),
                "slashed": .string(String(stake.slashed)),
                "released": .string(String(stake.released)),
                "legs": .array(stake.legs.map(\.json)),
            ])
        }
        return .object(object)
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

/// The amounts that follow from how a job ended: everything in a settlement but accounts and transfers.
public struct SettlementAmounts: Sendable, Equatable {
    /// What the job cost: min(held, ⌈work units × price / 10^6⌉) when accepted, else 0.
    public let gross: UInt64
    /// The shares of `gross`.
    public let parts: [Ruleset.Part]
    /// What goes back to the requester: held − gross.
    public let refunded: UInt64
    /// The part of the stake that is lost: all of it when rejected, else nothing.
    public let slashed: UInt64
    /// The shares of `slashed`.
    public let slashParts: [Ruleset.Part]
    /// The part of the stake that goes back.
    public let released: UInt64

    /// Computes the amounts.
    /// - Parameters:
    ///   - held: what was set aside for the job.
    ///   - workUnits: the work that was accepted; ignored otherwise.
    ///   - pricePerMegaUnit: the deciding lease's price; `nil` without one, and then nothing is paid.
    ///   - stake: what the provider has at stake; 0 without a lease.
    public init(
        outcome: Outcome,
        held: UInt64,
        workUnits: UInt64,
        pricePerMegaUnit: UInt64?,
        stake: UInt64,
        ruleset: Ruleset
    ) {
        if outcome == .accepted, let pricePerMegaUnit {
            gross = Charge.gross(held: held, workUnits: workUnits, pricePerMegaUnit: pricePerMegaUnit)
        } else {
            gross = 0
        }
        parts = ruleset.parts(ofGross: gross)
        refunded = held - gross
        slashed = outcome == .rejected ? stake : 0
        slashParts = ruleset.parts(ofSlashed: slashed)
        released = stake - slashed
    }
}
