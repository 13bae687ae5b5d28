// The rules by which money moves (schema `assay.ruleset/1`): who gets which share of what, and what a provider puts at stake.
public import Codecs
public import Commitments

/// A settlement ruleset. Loading one proves that its shares are exactly the whole of their base.
public struct Ruleset: Sendable, Equatable {
    /// The schema that this code reads and writes.
    public static let schema = "assay.ruleset/1"
    /// The whole, in basis points.
    public static let whole: Int64 = 10_000
    /// The longest dispute window: a year.
    public static let maxDisputeSeconds: Int64 = 366 * 86_400

    /// What a share is a share of.
    public enum Base: String, Sendable, CaseIterable {
        /// What the job costs.
        case gross
        /// The stake that is lost.
        case slashed
        /// The part of the requester's bond that is lost.
        case bond
        /// The part of a silent node's stake that is lost.
        case penalty
    }

    /// What faults that are no fraud cost.
    public struct Faults: Sendable, Equatable {
        /// What a node loses of its stake when its lease ends in silence, in basis points.
        public var penaltyBasisPoints: Int64
        /// How that is divided.
        public var penalty: [Share]
        /// The least bond of a requester as a share of the hold, in basis points.
        public var bondBasisPoints: Int64
    }

    /// One share.
    public struct Share: Sendable, Equatable {
        /// The leg's name, which says whose account it goes to.
        public var leg: AccountName.Purpose
        /// What it is a share of.
        public var base: Base
        /// Hundredths of a per cent.
        public var basisPoints: Int64

        /// Makes a share.
        public init(leg: AccountName.Purpose, base: Base, basisPoints: Int64) {
            self.leg = leg
            self.base = base
            self.basisPoints = basisPoints
        }
    }

    /// One share of a real amount.
    public struct Part: Sendable, Equatable {
        /// Whose account it goes to.
        public let leg: AccountName.Purpose
        /// What it is a share of.
        public let base: Base
        /// Minor units.
        public let amount: UInt64
    }

    /// How the price of an accepted job is divided.
    public let split: [Share]
    /// The stake as a share of what is held for the job, in basis points; up to ten times the hold.
    public let stakeBasisPoints: Int64
    /// The least stake in minor units.
    public let minimumStake: UInt64
    /// How a lost stake is divided.
    public let slash: [Share]
    /// What faults that are no fraud cost; nothing when the ruleset does not say.
    public let faults: Faults
    /// For how long after a settlement the engine may follow its receipt by another one, in seconds; `nil` without a bound.
    public let disputeSeconds: Int64?
    /// The ruleset's bytes.
    public let bytes: [UInt8]

    /// SHA-256 of `bytes`: how receipts refer to the rules.
    public var digest: Digest { SHA256.hash(bytes) }

    /// The rules that an engine starts with: 92.5 % to the provider, 5 % to the validator, 2.5 % to the engine; a stake of
    /// twice the hold, of which a quarter goes to the validator who found the fault.
    public static let `default` = Ruleset(
        checked: [
            Share(leg: .provider, base: .gross, basisPoints: 9250),
            Share(leg: .validator, base: .gross, basisPoints: 500),
            Share(leg: .fee, base: .gross, basisPoints: 250),
        ],
        stakeBasisPoints: 20_000,
        minimumStake: 1,
        slash: [
            Share(leg: .validator, base: .slashed, basisPoints: 2500),
            Share(leg: .treasury, base: .slashed, basisPoints: 7500),
        ]
    )

    private init(checked split: [Share], stakeBasisPoints: Int64, minimumStake: UInt64, slash: [Share]) {
        self.split = split
        self.stakeBasisPoints = stakeBasisPoints
        self.minimumStake = minimumStake
        self.slash = slash
        faults = .none
        disputeSeconds = nil
        bytes =
            JSONValue.object([
                "schema": .string(Self.schema),
                "split": .array(split.map(\.json)),
                "stake": .object([
                    "basisPointsOfHold": .integer(stakeBasisPoints),
                    "minimum": .string(String(minimumStake)),
                ]),
                "slash": .array(slash.map(\.json)),
            ]).serialized()
    }

    /// Reads a ruleset.
    /// - Throws: `ParseError` when shares of a base do not sum to exactly 100 %, a leg comes twice, or a member is missing,
    ///   unknown or out of bounds.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let limits = JSONLimits(bytes: 1 << 16, depth: 8, values: 1000)
        var reader = try JSONReader(try JSONValue(parsing: bytes, limits: limits))
        try reader.constant("schema", Self.schema)
        split = try Self.shares("split", of: .gross, &reader)
        var stake = try reader.object("stake")
        stakeBasisPoints = try stake.integer("basisPointsOfHold", in: 0...10 * Self.whole)
        minimumStake = try stake.amount("minimum")
        try stake.finish()
        slash = try Self.shares("slash", of: .slashed, &reader)
        if var part = try reader.optionalObject("faults") {
            faults = Faults(
                penaltyBasisPoints: try part.integer("penaltyBasisPointsOfStake", in: 0...Self.whole),
                penalty: try Self.shares("penalty", of: .penalty, &part),
                bondBasisPoints: try part.integer("bondBasisPointsOfHold", in: 0...10 * Self.whole)
            )
            try part.finish()
        } else {
            faults = .none
        }
        disputeSeconds =
            reader.has("disputeSeconds")
            ? try reader.integer("disputeSeconds", in: 0...Self.maxDisputeSeconds) : nil
        try reader.finish()
        self.bytes = bytes
    }

    private static func shares(
        _ name: String,
        of base: Base,
        _ reader: inout JSONReader
    ) throws(ParseError) -> [Share] {
        var legs: Set<AccountName.Purpose> = []
        var sum: Int64 = 0
        let shares = try reader.array(name, max: 8) { (value, path) throws(ParseError) -> Share in
            var entry = try JSONReader(value, path)
            let leg = try entry.choice("leg", AccountName.Purpose.self)
            try entry.constant("base", base.rawValue)
            let basisPoints = try entry.integer("basisPoints", in: 0...whole)
            try entry.finish()
            guard leg != .payer || base != .gross else {
                let expected = "a receiver; what a job does not cost goes back to the payer anyway"
                throw ParseError(field: path + ".leg", expected: expected, actual: leg.rawValue)
            }
            guard legs.insert(leg).inserted else {
                throw ParseError(field: path + ".leg", expected: "each leg once", actual: leg.rawValue + " again")
            }
            sum += basisPoints
            return Share(leg: leg, base: base, basisPoints: basisPoints)
        }
        guard sum == whole else {
            let expected = "shares of exactly \(whole) basis points in all"
            throw ParseError(field: reader.path(name), expected: expected, actual: "\(sum)")
        }
        return shares
    }

    /// When the dispute window of a receipt ends; `nil` when there is none.
    public func disputeEnd(settledAt: Int64) -> Int64? {
        disputeSeconds.map { settledAt + $0 }
    }

    /// The legs of the price of an accepted job, by largest remainder; they sum to `gross`.
    public func parts(ofGross gross: UInt64) -> [Part] {
        Self.divide(gross, by: split)
    }

    /// The legs of a lost stake, by largest remainder; they sum to `slashed`.
    public func parts(ofSlashed slashed: UInt64) -> [Part] {
        Self.divide(slashed, by: slash)
    }

    /// The legs of what a requester's bond loses: those of a price, for the work that was done in vain.
    public func parts(ofBond lost: UInt64) -> [Part] {
        Self.divide(lost, by: split).map { Part(leg: $0.leg, base: .bond, amount: $0.amount) }
    }

    /// The legs of a silent node's penalty; they sum to `lost`.
    public func parts(ofPenalty lost: UInt64) -> [Part] {
        Self.divide(lost, by: faults.penalty)
    }

    /// What a node loses of this stake when its lease ends in silence, rounded down.
    public func penalty(ofStake stake: UInt64) -> UInt64 {
        UInt64(UInt128(stake) * UInt128(UInt64(faults.penaltyBasisPoints)) / UInt128(UInt64(Self.whole)))
    }

    /// The least bond of a requester for a job with this hold: ⌈hold × share⌉, at most 2^63 − 1.
    public func leastBond(forHold hold: UInt64) -> UInt64 {
        let product = UInt128(hold) * UInt128(UInt64(faults.bondBasisPoints))
        return UInt64(
            min((product + UInt128(UInt64(Self.whole - 1))) / UInt128(UInt64(Self.whole)), UInt128(maxAmount))
        )
    }

    /// Rounds every share down and gives the units left over to the largest remainders, among equal ones to the earlier
    /// share.
    private static func divide(_ total: UInt64, by shares: [Share]) -> [Part] {
        var amounts: [UInt64] = []
        var remainders: [(index: Int, remainder: UInt64)] = []
        var rest = total
        for (index, share) in shares.enumerated() {
            let product = total.multipliedFullWidth(by: UInt64(share.basisPoints))
            // basisPoints ≤ whole, so the quotient is at most `total` and fits.
            let (quotient, remainder) = UInt64(whole).dividingFullWidth(product)
            amounts.append(quotient)
            remainders.append((index, remainder))
            rest -= quotient
        }
        remainders.sort { ($1.remainder, $0.index) < ($0.remainder, $1.index) }
        for (index, _) in remainders.prefix(Int(rest)) { amounts[index] += 1 }
        return zip(shares, amounts).map { Part(leg: $0.leg, base: $0.base, amount: $1) }
    }

    /// What a provider puts at stake for a job with this hold: ⌈hold × share⌉, at least the minimum and at most 2^63 − 1.
    public func stake(forHold hold: UInt64) -> UInt64 {
        let product = UInt128(hold) * UInt128(UInt64(stakeBasisPoints))
        let share = (product + UInt128(UInt64(Self.whole - 1))) / UInt128(UInt64(Self.whole))
        return max(minimumStake, UInt64(min(share, UInt128(maxAmount))))
    }
}

extension Ruleset.Faults {
    static let none = Ruleset.Faults(penaltyBasisPoints: 0, penalty: [], bondBasisPoints: 0)
}

extension Ruleset.Share {
    fileprivate var json: JSONValue {
        .object([
            "leg": .string(leg.rawValue),
            "base": .string(base.rawValue),
            "basisPoints": .integer(basisPoints),
        ])
    }
}
