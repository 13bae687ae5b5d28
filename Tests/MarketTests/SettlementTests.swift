// Where the money goes, to the unit, and that it is what an auditor computes.
import AssayTesting
import Codecs
import Ledger
import Receipts
import Signatures
import Testing
import Verdicts

@testable import Market

@Suite("Settlement") struct SettlementTests {
    @Test func anAcceptedJobPaysByMeter() throws {
        var market = try MarketFixture()
        let id = try market.job(at: .drawn)
        let ending = try market.end(id, .accepted)
        // 128,000 work units at 40 a unit; 92.5, 5 and 2.5 per cent.
        #expect(ending.settlement.gross == 5_120_000)
        #expect(ending.settlement.legs.map(\.amount) == [4_736_000, 256_000, 128_000])
        #expect(market.balance(.provider, of: market.node) == 4_736_000)
        #expect(market.balance(.validator, of: market.validators[0]) == 256_000)
        #expect(market.balance(.fee, of: market.engineKey) == 128_000)
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000 - 5_120_000)
        #expect(market.available(.stake, of: market.node) == 100_000_000)
        #expect(ending.settlement.refunded == 1_280_000)
        #expect(ending.settlement.workUnits == 128_000)
        #expect(market.engine.book.holds.isEmpty)
    }

    @Test func aRejectedJobIsRefundedAndTheStakeLost() throws {
        var market = try MarketFixture()
        let id = try market.job(at: .drawn)
        let ending = try market.end(id, .rejected)
        #expect(ending.settlement.gross == 0)
        #expect(ending.settlement.legs.isEmpty)
        #expect(ending.settlement.stake?.slashed == 12_800_000)
        #expect(ending.settlement.stake?.legs.map(\.amount) == [3_200_000, 9_600_000])
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000)
        #expect(market.available(.stake, of: market.node) == 100_000_000 - 12_800_000)
        #expect(market.balance(.validator, of: market.validators[0]) == 3_200_000)
        #expect(market.balance(.treasury, of: market.engineKey) == 9_600_000)
        #expect(market.balance(.provider, of: market.node) == 0)
    }

    @Test func aRequestersFaultCostsNobodyAnything() throws {
        var market = try MarketFixture()
        let id = try market.job(at: .drawn)
        let ending = try market.end(id, .requesterFault)
        #expect(ending.fault == .requester)
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000)
        #expect(market.available(.stake, of: market.node) == 100_000_000)
    }

    @Test func anInconclusiveVerdictLeadsToAnotherNodeAndThenARefund() throws {
        var market = try MarketFixture()
        let id = try market.job(at: .drawn)
        #expect(
            try market.apply(.judge(market.judgement(of: id, by: market.validators[0], .inconclusive))).endings.isEmpty
        )
        #expect(market.available(.stake, of: market.node) == 100_000_000)
        let job = try #require(market.engine.jobs[id])
        #expect(job.phase == .offered)
        #expect(job.history == [Job.PastAttempt(attempt: 1, node: market.node, end: "inconclusive")])
        #expect(job.claim == nil && job.validator == nil && job.assignment == nil && job.draws == 0)
        market.now = job.deadline
        let ending = try #require(try market.apply(.tick).endings.first)
        #expect(ending.outcome == .inconclusive)
        #expect(ending.verdictDigest == nil)
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000)
    }

    /// Prices, rulesets and outcomes at random: the engine's transfers are the auditor's arithmetic.
    @Test(arguments: 0..<40 as Range<UInt64>)
    func theLedgerMovesWhatTheAuditorComputes(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let ruleset = try Self.ruleset(&random)
        var terms = Terms()
        terms.maxPerMegaUnit = String(UInt64.random(in: 1...2_000, using: &random))
        var market = try MarketFixture(ruleset: ruleset)
        let ask = UInt64.random(in: 0...(UInt64(terms.maxPerMegaUnit) ?? 0), using: &random)
        try market.register(market.node, ask: ask)
        let id = try market.job(at: .drawn, terms: terms)
        let outcome = [Outcome.accepted, .rejected, .requesterFault].randomElement(using: &random) ?? .accepted
        let job = try #require(market.engine.jobs[id])
        let ending = try market.end(id, outcome)
        let expected = SettlementAmounts(
            outcome: outcome,
            held: UInt64(job.held),
            workUnits: job.workUnits,
            pricePerMegaUnit: ask,
            stake: ruleset.stake(forHold: UInt64(job.held)),
            ruleset: ruleset
        )
        let settlement = ending.settlement
        #expect(settlement.gross == expected.gross, "seed \(seed)")
        #expect(settlement.refunded == expected.refunded, "seed \(seed)")
        #expect(settlement.stake?.slashed == expected.slashed, "seed \(seed)")
        #expect(settlement.legs.map(\.amount) == expected.parts.map(\.amount).filter { $0 > 0 }, "seed \(seed)")
        #expect(
            settlement.stake?.legs.map(\.amount) == expected.slashParts.map(\.amount).filter { $0 > 0 },
            "seed \(seed)"
        )
        #expect(market.engine.book.holds.isEmpty, "seed \(seed)")
        #expect(market.engine.book.accounts.values.reduce(0) { $0 + $1.balance } == 0, "seed \(seed)")
        try market.engine.book.verify()
    }

    private static func ruleset(_ random: inout SeededGenerator) throws -> Ruleset {
        func shares(_ legs: [String], _ base: String) -> JSONValue {
            var rest: Int64 = 10_000
            return .array(
                legs.enumerated().map { index, leg in
                    let share = index == legs.count - 1 ? rest : Int64.random(in: 0...rest, using: &random)
                    rest -= share
                    return .object([
                        "leg": .string(leg), "base": .string(base), "basisPoints": .integer(share),
                    ])
                }
            )
        }
        let split = shares(["provider", "validator", "fee"], "gross")
        let slash = shares(["payer", "validator", "treasury"], "slashed")
        let document = JSONValue.object([
            "schema": .string(Ruleset.schema),
            "split": split,
            "stake": .object([
                "basisPointsOfHold": .integer(Int64.random(in: 0...1, using: &random) * 7_777),
                "minimum": .string(String(UInt64.random(in: 0...2, using: &random))),
            ]),
            "slash": slash,
        ])
        return try Ruleset(parsing: document.serialized())
    }

    @Test func aRulesetThatPaysThePayerIsRefused() throws {
        let document = JSONValue.object([
            "schema": .string(Ruleset.schema),
            "split": .array([
                .object(["leg": .string("payer"), "base": .string("gross"), "basisPoints": .integer(10_000)])
            ]),
            "stake": .object(["basisPointsOfHold": .integer(0), "minimum": .string("0")]),
            "slash": .array([
                .object(["leg": .string("payer"), "base": .string("slashed"), "basisPoints": .integer(10_000)])
            ]),
        ])
        #expect(throws: ParseError.self) { try Ruleset(parsing: document.serialized()) }
    }

    @Test func aSettlementIsNeverDatedBeforeItsLease() throws {
        var market = try MarketFixture()
        let id = try market.job(at: .drawn)
        let granted = try #require(market.engine.jobs[id]?.assignment).grantedAt
        market.now -= 20
        #expect(try market.end(id, .accepted).settledAt == granted)
    }

    @Test func reasonsAreCutToWhatReceiptsHold() {
        let reason = Reason(
            code: "claim output/é" + String(repeating: "x", count: 80),
            text: String(repeating: "é", count: 600)
        )
        #expect(reason.code.utf8.count == 64)
        #expect(reason.code.hasPrefix("claim-output---x"))
        #expect(reason.text.utf8.count == 1024)
        #expect(Reason(code: "", text: "").code == "unnamed")
    }
}
