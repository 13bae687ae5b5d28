// Money that becomes its owner's own over time. The schedule is part of the account's name, so nobody can change it later.
public import Codecs

/// Linear vesting with a cliff, in engine seconds.
public struct VestingSchedule: Sendable, Equatable {
    /// Where the line starts at nothing.
    public let start: Int64
    /// Before this nothing is free.
    public let cliff: Int64
    /// From here on everything is free.
    public let end: Int64

    /// A schedule.
    /// - Throws: `ParseError` unless 0 ≤ start ≤ cliff ≤ end and start < end.
    public init(start: Int64, cliff: Int64, end: Int64) throws(ParseError) {
        guard start >= 0, start <= cliff, cliff <= end, start < end else {
            let actual = "\(start), \(cliff), \(end)"
            throw ParseError(field: "vesting", expected: "0 ≤ start ≤ cliff ≤ end, start < end", actual: actual)
        }
        self.start = start
        self.cliff = cliff
        self.end = end
    }

    /// The owner field of a vesting account: the beneficiary's key, then start, cliff and end as u64be.
    public func owner(beneficiary: [UInt8]) -> [UInt8] {
        var owner = beneficiary
        for second in [start, cliff, end] { owner.appendBigEndian(UInt64(second)) }
        return owner
    }

    /// Reads the owner field of a vesting account.
    /// - Throws: `ParseError` when it has no schedule behind a key of 1 to 104 bytes.
    public init(owner: [UInt8]) throws(ParseError) {
        guard (25...128).contains(owner.count) else {
            throw ParseError(field: "vesting", expected: "a key and 24 bytes", actual: "\(owner.count) bytes")
        }
        func second(_ index: Int) throws(ParseError) -> Int64 {
            let bytes = owner.suffix(24).dropFirst(8 * index).prefix(8)
            guard let value = Int64(exactly: bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }) else {
                throw ParseError(field: "vesting", expected: "63 bits", actual: "more")
            }
            return value
        }
        try self.init(start: try second(0), cliff: try second(1), end: try second(2))
    }

    /// How much of `total` minor units is free at a second, rounded down.
    public func vested(of total: Int64, at second: Int64) -> Int64 {
        if second < cliff || total <= 0 { return 0 }
        if second >= end { return total }
        let product = UInt64(total).multipliedFullWidth(by: UInt64(second - start))
        // The quotient is below `total`, because second < end.
        return Int64(UInt64(end - start).dividingFullWidth(product).quotient)
    }
}
