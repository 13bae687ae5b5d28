// Prices, stakes and splits against twins that are slow and plain.
import AssayTesting
import Codecs
import Receipts
import Testing
import Verdicts

@Suite struct ChargeTests {
    @Test(arguments: [
        (0, 5, 0), (1, 1, 1), (1_000_000, 7, 7), (1_000_001, 7, 8), (999_999, 1, 1), (128_000, 37_500_001, 4_800_001),
        (UInt64.max, 0, 0), (UInt64.max, 1, 18_446_744_073_710),
    ])
    func roundsUpOnce(_ units: UInt64, _ price: UInt64, _ amount: UInt64) {
        #expect(Charge.amount(workUnits: units, pricePerMegaUnit: price) == amount)
    }

    @Test func amountsAboveTheLedgerAreNone() {
        #expect(Charge.amount(workUnits: UInt64.max, pricePerMegaUnit: UInt64.max) == nil)
        let limit = UInt64(Int64.max)
        #expect(Charge.amount(workUnits: 1_000_000, pricePerMegaUnit: limit) == limit)
        #expect(Charge.amount(workUnits: 1_000_000, pricePerMegaUnit: limit + 1) == nil)
    }

    @Test func aJobNeverCostsMoreThanItsHold() {
        #expect(Charge.gross(held: 10, workUnits: 1_000_000, pricePerMegaUnit: 9) == 9)
        #expect(Charge.gross(held: 10, workUnits: 1_000_000, pricePerMegaUnit: 11) == 10)
        #expect(Charge.gross(held: 10, workUnits: UInt64.max, pricePerMegaUnit: UInt64.max) == 10)
    }
}

@Suite struct RulesetTests {
    /// Largest remainder by repeated search, in 128 bits.
    private func naive(_ total: UInt64, _ points: [UInt64]) -> [UInt64] {
        var parts = points.map { UInt64(UInt128(total) * UInt128($0) / 10_000) }
        var remainders = points.map { UInt64(UInt128(total) * UInt128($0) % 10_000) }
        while parts.reduce(0, +) < total {
            guard let most = remainders.max(), let index = remainders.firstIndex(of: most) else { break }
            parts[index] += 1
            remainders[index] = 0
        }
        return parts
    }

    private func ruleset(_ points: [UInt64], stake: Int64 = 20_000, minimum: String = "1") -> [UInt8] {
        let names = ["provider", "validator", "fee", "treasury"]
        let split = zip(names, points).map { name, share in
            "{\"leg\":\"\(name)\",\"base\":\"gross\",\"basisPoints\":\(share)}"
        }.joined(separator: ",")
        return Array(
            """
            {"schema":"assay.ruleset/1","split":[\(split)],"stake":{"basisPointsOfHold":\(stake),\
            "minimum":"\(minimum)"},"slash":[{"leg":"treasury","base":"slashed","basisPoints":10000}]}
            """.utf8
        )
    }

    @Test func partsSumToTheWholeAndMatchTheTwin() throws {
        for seed: UInt64 in 0..<200 {
            var generator = SeededGenerator(seed: seed)
            var cuts = (0..<3).map { _ in UInt64.random(in: 0...10_000, using: &generator) }.sorted()
            cuts = [0] + cuts + [10_000]
            let points = zip(cuts, cuts.dropFirst()).map { $1 - $0 }
            let rules = try Ruleset(parsing: ruleset(points))
            let edges: [UInt64] = [0, 1, 2, 3, 9_999, 10_000, 10_001, UInt64(Int64.max)]
            for total in edges + [UInt64.random(in: 0...UInt64(Int64.max), using: &generator)] {
                let parts = rules.parts(ofGross: total).map(\.amount)
                #expect(parts.reduce(0, +) == total, "seed \(seed), total \(total)")
                #expect(parts == naive(total, points), "seed \(seed), total \(total)")
            }
        }
    }

    @Test func sharesMustBeExactlyTheWhole() throws {
        _ = try Ruleset(parsing: ruleset([9250, 500, 250]))
        for points: [UInt64] in [[9250, 500, 249], [9250, 500, 251], [10_000, 1], [], [0], [10_001]] {
            #expect(throws: ParseError.self) { try Ruleset(parsing: ruleset(points)) }
        }
    }

    @Test func damagedRulesetsAreRefused() throws {
        let document = try JSONValue(parsing: Ruleset.default.bytes)
        for mutation in JSONMutation.all(of: document) {
            let error = #expect(throws: ParseError.self, "\(mutation)") {
                try Ruleset(parsing: mutation.document.serialized())
            }
            #expect(error?.field == mutation.path)
        }
        #expect(throws: ParseError.self) { try Ruleset(parsing: ruleset([10_000], stake: -1)) }
        #expect(throws: ParseError.self) { try Ruleset(parsing: ruleset([10_000], stake: 100_001)) }
        let twice = String(decoding: ruleset([5000, 5000]), as: UTF8.self)
            .replacing("\"validator\"", with: "\"provider\"")
        #expect(throws: ParseError.self) { try Ruleset(parsing: Array(twice.utf8)) }
        let base = String(decoding: Ruleset.default.bytes, as: UTF8.self).replacing("slashed", with: "gross")
        #expect(throws: ParseError.self) { try Ruleset(parsing: Array(base.utf8)) }
    }

    @Test func theDefaultReadsBack() throws {
        #expect(try Ruleset(parsing: Ruleset.default.bytes) == Ruleset.default)
        #expect(Ruleset.default.parts(ofGross: 1000).map(\.amount) == [925, 50, 25])
        #expect(Ruleset.default.parts(ofSlashed: 3).map(\.amount) == [1, 2])
    }

    @Test func stakesRoundUpAndSaturate() throws {
        let rules = try Ruleset(parsing: ruleset([10_000], stake: 1, minimum: "5"))
        #expect(rules.stake(forHold: 0) == 5)
        #expect(rules.stake(forHold: 100_001) == 11)
        let most = UInt64(Int64.max)
        #expect(Ruleset.default.stake(forHold: most) == most)
        #expect(Ruleset.default.stake(forHold: 7) == 14)
    }

    @Test(arguments: Outcome.allCases)
    func settlementsConserveMoney(_ outcome: Outcome) {
        for seed: UInt64 in 0..<100 {
            var generator = SeededGenerator(seed: seed)
            let held = UInt64.random(in: 1...1 << 40, using: &generator)
            let stake = UInt64.random(in: 0...1 << 40, using: &generator)
            let amounts = SettlementAmounts(
                outcome: outcome,
                held: held,
                workUnits: UInt64.random(in: 0...1 << 50, using: &generator),
                pricePerMegaUnit: UInt64.random(in: 0...1 << 30, using: &generator),
                stake: stake,
                ruleset: .default
            )
            #expect(amounts.gross + amounts.refunded == held, "seed \(seed)")
            #expect(amounts.parts.reduce(0) { $0 + $1.amount } == amounts.gross, "seed \(seed)")
            #expect(amounts.slashed + amounts.released == stake, "seed \(seed)")
            #expect(amounts.slashParts.reduce(0) { $0 + $1.amount } == amounts.slashed, "seed \(seed)")
            if outcome != .accepted { #expect(amounts.gross == 0) }
            #expect(amounts.slashed == (outcome == .rejected ? stake : 0))
        }
    }
}

@Suite struct TrustFileTests {
    @Test func readsBack() throws {
        let trust = try BundleFactory(quorum: 2).trust
        #expect(try TrustFile(parsing: trust.bytes) == trust)
        let pinned = try TrustFile(
            engines: trust.engines,
            validators: trust.validators,
            quorum: 2,
            rulesets: [Ruleset.default.digest]
        )
        #expect(try TrustFile(parsing: pinned.bytes) == pinned)
        for rulesets in [[], [Ruleset.default.digest, Ruleset.default.digest]] {
            #expect(throws: ParseError.self) {
                try TrustFile(engines: trust.engines, validators: trust.validators, quorum: 2, rulesets: rulesets)
            }
        }
    }

    @Test func damagedTrustFilesAreRefused() throws {
        let trust = try BundleFactory().trust
        for mutation in JSONMutation.all(of: try JSONValue(parsing: trust.bytes)) {
            let error = #expect(throws: ParseError.self, "\(mutation)") {
                try TrustFile(parsing: mutation.document.serialized())
            }
            #expect(error?.field == mutation.path)
        }
    }

    @Test func emptyListsAndUnreachableQuorumsAreRefused() throws {
        let trust = try BundleFactory().trust
        #expect(throws: ParseError.self) { try TrustFile(engines: [], validators: trust.validators, quorum: 1) }
        #expect(throws: ParseError.self) { try TrustFile(engines: trust.engines, validators: [], quorum: 1) }
        for quorum in [-1, 0, 3] {
            #expect(throws: ParseError.self) {
                try TrustFile(engines: trust.engines, validators: trust.validators, quorum: quorum)
            }
        }
        let twice = [trust.validators[0], trust.validators[0]]
        #expect(throws: ParseError.self) { try TrustFile(engines: trust.engines, validators: twice, quorum: 2) }
    }
}
