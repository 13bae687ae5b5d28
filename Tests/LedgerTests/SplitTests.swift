// Exact division, against a slow twin in 128-bit arithmetic, and the schedules that refuse to load.
import Testing

@testable import Ledger

@Suite struct SplitTests {
    @Test func dividesExactly() throws {
        #expect(try Split.largestRemainder(100, weights: [1, 1, 1]) == [34, 33, 33])
        #expect(try Split.largestRemainder(101, weights: [1, 1, 1]) == [34, 34, 33])
        #expect(try Split.largestRemainder(10, weights: [6, 3, 1]) == [6, 3, 1])
        #expect(try Split.largestRemainder(1, weights: [1, 2]) == [0, 1])
        #expect(try Split.largestRemainder(0, weights: [1, 2]) == [0, 0])
        #expect(try Split.largestRemainder(7, weights: [0, 5, 0]) == [0, 7, 0])
        #expect(try Split.largestRemainder(.max, weights: [.max]) == [.max])
    }

    @Test func refusesWhatCannotBeDivided() {
        #expect(throws: LedgerError.self) { try Split.largestRemainder(1, weights: []) }
        #expect(throws: LedgerError.self) { try Split.largestRemainder(1, weights: [0, 0]) }
        #expect(throws: LedgerError.self) { try Split.largestRemainder(-1, weights: [1]) }
        #expect(throws: LedgerError.self) { try Split.largestRemainder(1, weights: [.max, 1]) }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func agreesWithTheSlowTwin(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let total = Int64.random(in: 0...(.max >> Int64.random(in: 0...62, using: &random)), using: &random)
        let width = UInt64.random(in: 0...60, using: &random)
        var weights = (0..<Int.random(in: 1...12, using: &random)).map { _ in
            UInt64.random(in: 0...(.max >> (width + 4)), using: &random)
        }
        weights[0] += 1
        let parts = try Split.largestRemainder(total, weights: weights)
        #expect(parts == slow(total, weights), "seed \(seed): \(total) by \(weights)")
    }

    /// Gives out one unit at a time, always to the part that is furthest behind its exact share; floors first, so that it ends.
    private func slow(_ total: Int64, _ weights: [UInt64]) -> [Int64] {
        let sum = weights.reduce(UInt128(0)) { $0 + UInt128($1) }
        var parts = weights.map { Int64(UInt128(total) * UInt128($0) / sum) }
        while parts.reduce(0, +) < total {
            var best = 0
            var bestBehind: Int128?
            for (index, weight) in weights.enumerated() {
                let behind = Int128(total) * Int128(weight) - Int128(parts[index]) * Int128(sum)
                if bestBehind.map({ behind > $0 }) ?? true { (best, bestBehind) = (index, behind) }
            }
            parts[best] += 1
        }
        return parts
    }

    @Test func scheduleWithSubtotals() throws {
        let schedule = try SplitSchedule([
            .init(name: "fees", base: "pay", partsPerMillion: 50_000),
            .init(name: "provider", base: "pay", partsPerMillion: 950_000),
            .init(name: "validator", base: "fees", partsPerMillion: 333_333),
            .init(name: "operator", base: "fees", partsPerMillion: 666_667),
        ])
        let parts = try schedule.amounts(of: ["pay": 1001])
        #expect(parts.map(\.name) == ["provider", "validator", "operator"])
        #expect(parts.map(\.amount) == [951, 17, 33])
        #expect(throws: LedgerError.self) { try schedule.amounts(of: ["price": 1001]) }
        #expect(throws: LedgerError.self) { try schedule.amounts(of: ["pay": 1, "fees": 1]) }
        #expect(throws: LedgerError.self) { try schedule.amounts(of: ["pay": -1]) }
    }

    @Test func schedulesThatDoNotAddUpRefuseToLoad() {
        typealias Share = SplitSchedule.Share
        let bad: [[Share]] = [
            [],
            [Share(name: "a", base: "pay", partsPerMillion: 1_000_001)],
            [Share(name: "a", base: "pay", partsPerMillion: 999_999)],
            [
                Share(name: "a", base: "pay", partsPerMillion: 600_000),
                Share(name: "b", base: "pay", partsPerMillion: 500_000),
            ],
            [
                Share(name: "a", base: "pay", partsPerMillion: 500_000),
                Share(name: "a", base: "pay", partsPerMillion: 500_000),
            ],
            [Share(name: "a", base: "a", partsPerMillion: 1_000_000)],
            [
                Share(name: "a", base: "b", partsPerMillion: 1_000_000),
                Share(name: "b", base: "a", partsPerMillion: 1_000_000),
            ],
        ]
        for shares in bad {
            #expect(throws: LedgerError.self, "\(shares)") { try SplitSchedule(shares) }
        }
    }
}
