// Dividing an amount exactly: largest remainder, and schedules of named legs on named bases (I6).
internal import Codecs

/// Divides amounts of minor units so that the parts sum to the whole.
public enum Split {
    /// Divides `total` in proportion to `weights`: each part is rounded down, and the units left over go one each to the
    /// parts with the largest remainders, among equal remainders to the earlier one.
    ///
    /// Products are 128 bits wide, so no total and no weights lose precision.
    /// - Returns: as many parts as weights, none negative, with sum `total`.
    /// - Throws: `LedgerError.malformed` when `total` is negative, or `weights` is empty, sums to zero or leaves 64 bits.
    public static func largestRemainder(_ total: Int64, weights: [UInt64]) throws(LedgerError) -> [Int64] {
        guard total >= 0 else { throw .malformed("total", expected: "0 or more", actual: "\(total)") }
        var sum: UInt64 = 0
        for weight in weights {
            let (next, overflow) = sum.addingReportingOverflow(weight)
            guard !overflow else { throw .malformed("weights", expected: "a sum below 2^64", actual: "a greater one") }
            sum = next
        }
        guard sum > 0 else { throw .malformed("weights", expected: "a sum above 0", actual: "0") }
        var parts: [Int64] = []
        var remainders: [(index: Int, remainder: UInt64)] = []
        var rest = UInt64(total)
        for (index, weight) in weights.enumerated() {
            // weight ≤ sum, so the quotient is at most `total` and fits.
            let (quotient, remainder) = sum.dividingFullWidth(UInt64(total).multipliedFullWidth(by: weight))
            parts.append(Int64(quotient))
            remainders.append((index, remainder))
            rest -= quotient
        }
        remainders.sort { ($1.remainder, $0.index) < ($0.remainder, $1.index) }
        for (index, _) in remainders.prefix(Int(rest)) { parts[index] += 1 }
        return parts
    }
}

/// How amounts are divided among named receivers. Loading one proves that it can never pay out more than comes in.
public struct SplitSchedule: Sendable, Equatable {
    /// One share of a base.
    public struct Share: Sendable, Equatable {
        /// The leg's name. It may be the base of later shares; then it is a subtotal and not paid itself.
        public var name: String
        /// What the share is a share of: a base given to `amounts(of:)`, or the name of an earlier share.
        public var base: String
        /// Millionths of the base.
        public var partsPerMillion: UInt32

        /// A share of `partsPerMillion` millionths of `base`.
        public init(name: String, base: String, partsPerMillion: UInt32) {
            self.name = name
            self.base = base
            self.partsPerMillion = partsPerMillion
        }
    }

    /// The amount of one leg.
    public struct Part: Sendable, Equatable {
        public let name: String
        public let amount: Int64
    }

    public let shares: [Share]

    /// The whole, in millionths.
    public static let whole: UInt32 = 1_000_000

    /// Checks and keeps a schedule.
    /// - Throws: `LedgerError.malformed` when it has no share, a name comes twice, a share names a later share as its base,
    ///   or the shares of a base are not exactly 100 % of it.
    public init(_ shares: [Share]) throws(LedgerError) {
        guard !shares.isEmpty else { throw .malformed("shares", expected: "at least one", actual: "none") }
        var names: Set<String> = []
        var sums: [String: UInt64] = [:]
        for (index, share) in shares.enumerated() {
            guard !share.name.isEmpty, names.insert(share.name).inserted else {
                throw .malformed("shares[\(index)].name", expected: "a name used once", actual: share.name)
            }
            guard !shares[index...].contains(where: { $0.name == share.base }) else {
                throw .malformed("shares[\(index)].base", expected: "a base or an earlier share", actual: share.base)
            }
            sums[share.base, default: 0] += UInt64(share.partsPerMillion)
        }
        for (base, sum) in sums.sorted(by: { $0.key < $1.key }) where sum != UInt64(Self.whole) {
            throw .malformed("shares of \(base)", expected: "\(Self.whole) millionths in all", actual: "\(sum)")
        }
        self.shares = shares
    }

    /// The legs of amounts that come in.
    /// - Parameter bases: the amount of each base that is not itself a share, in minor units.
    /// - Returns: the shares that are not bases of others, in schedule order, zero amounts included. They sum to the sum of
    ///   `bases`.
    /// - Throws: `LedgerError.malformed` when a base is missing, unknown or negative; `.invariant(.splitsAreExact)` when the
    ///   parts do not sum up.
    public func amounts(of bases: [String: Int64]) throws(LedgerError) -> [Part] {
        let names = Set(shares.map(\.name))
        let wanted = Set(shares.map(\.base)).subtracting(names)
        guard wanted == Set(bases.keys) else {
            let expected = wanted.sorted().joined(separator: ", ")
            throw .malformed("bases", expected: expected, actual: bases.keys.sorted().joined(separator: ", "))
        }
        var known = bases
        var expected: Int64 = 0
        for (_, amount) in bases {
            let (sum, overflow) = expected.addingReportingOverflow(amount)
            guard !overflow else { throw .malformed("bases", expected: "a sum below 2^63", actual: "a greater one") }
            expected = sum
        }
        var divided: Set<String> = []
        for share in shares where divided.insert(share.base).inserted {
            // The initialiser has proved that a base is given or was divided off earlier.
            let siblings = shares.filter { $0.base == share.base }
            let parts = try Split.largestRemainder(
                known[share.base] ?? 0,
                weights: siblings.map { UInt64($0.partsPerMillion) }
            )
            for (sibling, part) in zip(siblings, parts) { known[sibling.name] = part }
        }
        let paid = shares.filter { !divided.contains($0.name) }.map { Part(name: $0.name, amount: known[$0.name] ?? 0) }
        guard paid.reduce(0, { $0 &+ $1.amount }) == expected, paid.allSatisfy({ $0.amount >= 0 }) else {
            throw .invariant(.splitsAreExact, detail: "parts of \(expected) sum to another amount")
        }
        return paid
    }
}
