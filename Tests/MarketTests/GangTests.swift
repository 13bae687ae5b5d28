// Gangs that settle together: every job of them is paid in one event, or none is.
import Codecs
import Commitments
import Ledger
import Receipts
import Signatures
import Testing
import Verdicts

@testable import Market

@Suite("Gangs that settle together") struct TogetherTests {
    private static let money: Int64 = 1_000_000_000

    private static func terms(
        _ index: Int,
        _ settles: String = #","settles":"together""#,
        mode: String = ""
    ) -> Terms {
        var terms = Terms()
        let group = Name.digest("group").hex
        terms.more = #"{\#(mode)"gang":{"group":"\#(group)","size":3,"index":\#(index)\#(settles)}}"#
        terms.attempts = 2
        return terms
    }

    /// A gang of three at work, and a node to spare.
    private static func started() throws -> (market: MarketFixture, jobs: [Digest]) {
        var market = try MarketFixture()
        for index in 0..<4 { try market.register(try Name.key("n\(index)")) }
        var ids: [Digest] = []
        for index in 0..<3 {
            let submission = try market.submission("leg \(index)", terms: terms(index))
            try market.apply(.submit(submission))
            try market.apply(.filesPresent(job: submission.id))
            ids.append(submission.id)
        }
        return (market, ids)
    }

    /// Takes a job to a verdict.
    @discardableResult
    private static func judge(
        _ job: Digest,
        _ outcome: Outcome,
        _ market: inout MarketFixture
    ) throws -> Effects {
        let open = try #require(market.engine.jobs[job])
        let node = try #require(open.assignment?.node)
        try market.apply(.commit(job: job, attempt: open.attempt, node: node, claim: MarketFixture.claim))
        try market.apply(.outputsPresent(job: job, attempt: open.attempt))
        try market.apply(.validatorSeen(market.validators[0]))
        return try market.apply(.judge(market.judgement(of: job, by: market.validators[0], outcome)))
    }

    private static func outcomes(_ effects: Effects) -> [Digest: Outcome] {
        Dictionary(effects.endings.map { ($0.job.id, $0.outcome) }) { first, _ in first }
    }

    /// Everybody has what was there before.
    private static func nothingMoved(_ market: MarketFixture, but slashed: VerifyingKey? = nil) {
        #expect(market.engine.book.holds.isEmpty && market.engine.jobs.isEmpty && market.engine.together.isEmpty)
        for index in 0..<4 {
            guard let node = try? Name.key("n\(index)"), node != slashed else { continue }
            #expect(market.available(.stake, of: node) == 100_000_000)
            #expect(market.available(.provider, of: node) == 0)
        }
    }

    @Test func allArePaidWithTheLast() throws {
        var (market, ids) = try Self.started()
        #expect(try Self.judge(ids[2], .accepted, &market).endings.isEmpty)
        #expect(try Self.judge(ids[0], .accepted, &market).endings.isEmpty)
        #expect(market.engine.jobs[ids[0]]?.phase == .judged)
        #expect(market.engine.book.holds.count == 6)
        // The validator has other work to do meanwhile, and so has the node.
        #expect(market.engine.judging.isEmpty && market.engine.leases.count == 1)
        let last = try Self.judge(ids[1], .accepted, &market)
        #expect(last.endings.count == 3 && Set(Self.outcomes(last).values) == [.accepted])
        for ending in last.endings {
            let legs = try #require(ending.gang)
            #expect(GangLeg.flaw(in: legs, size: 3) == nil && legs.map(\.jobID.digest) == ids)
            #expect(ending.settlement.gross > 0)
        }
        #expect(market.engine.book.holds.isEmpty && market.engine.together.isEmpty)
    }

    @Test(arguments: [Outcome.rejected, .requesterFault])
    func oneThatFailsEndsAll(_ outcome: Outcome) throws {
        var (market, ids) = try Self.started()
        let nodes = ids.compactMap { market.engine.jobs[$0]?.assignment?.node }
        try Self.judge(ids[0], .accepted, &market)
        let last = try Self.judge(ids[1], outcome, &market)
        // A requester at fault pays for what was accepted: that takes no pay from whoever worked.
        let first = outcome == .requesterFault ? Outcome.accepted : .inconclusive
        #expect(Self.outcomes(last) == [ids[0]: first, ids[1]: outcome, ids[2]: .inconclusive])
        #expect(last.endings.allSatisfy { $0.gang.map { GangLeg.flaw(in: $0, size: 3) == nil } ?? false })
        // Whoever was accepted and is not paid can show the verdict.
        #expect(last.endings.allSatisfy { $0.gang?[0].verdictDigest != nil })
        guard outcome == .rejected else {
            return #expect(market.available(.provider, of: nodes[0]) > 0)
        }
        Self.nothingMoved(market, but: nodes[1])
        #expect(market.available(.payer, of: market.requester) >= Self.money)
    }

    @Test func silenceOfOneIsMadeUpForOrEndsAll() throws {
        var (market, ids) = try Self.started()
        try Self.judge(ids[0], .accepted, &market)
        try Self.judge(ids[1], .accepted, &market)
        market.now = try #require(market.engine.jobs[ids[2]]?.deadline)
        for index in 0..<4 { try market.apply(.nodeSeen(try Name.key("n\(index)"))) }
        try market.apply(.tick)
        // The spare node, or a node that is done, has it now.
        #expect(market.engine.jobs[ids[2]]?.attempt == 2)
        var again = market
        #expect(Set(Self.outcomes(try Self.judge(ids[2], .accepted, &again)).values) == [.accepted])
        let silent = try market.expire(ids[2])
        #expect(Set(Self.outcomes(silent).values) == [.inconclusive] && silent.endings.count == 3)
        #expect(market.available(.payer, of: market.requester) >= Self.money)
        #expect(market.engine.book.holds.isEmpty)
    }

    @Test func whatWaitsOutlivesARestart() throws {
        var (market, ids) = try Self.started()
        for id in ids.dropLast() { try Self.judge(id, .accepted, &market) }
        let rows = try market.engine.jobs.values.map { try Job(row: $0.row) }
        #expect(Set(rows.map(\.phase)) == [.judged, .assigned])
        market.engine = Engine(
            configuration: market.engine.configuration,
            book: market.engine.book,
            jobs: rows,
            nodes: Array(market.engine.nodes.values)
        )
        #expect(try Self.judge(ids[2], .accepted, &market).endings.count == 3)
    }

    @Test func nothingWaitsForEver() throws {
        var (market, ids) = try Self.started()
        try Self.judge(ids[0], .accepted, &market)
        // Its timer is behind every course that the others can take, and before its money would go back by itself.
        let waiting = try #require(market.engine.jobs[ids[0]])
        let expiry = try #require(market.engine.book.holds[waiting.holdID]?.expiresAt)
        let stake = try #require(market.engine.book.holds[waiting.stakeHoldID(attempt: 1)]?.expiresAt)
        #expect(waiting.deadline < expiry && stake >= expiry)
        #expect(waiting.deadline > market.now + 2 * (50 + 2 * 40 + 3 * 30))
        let effects = try market.expire(ids[0])
        #expect(effects.endings.count == 3)
        #expect(effects.endings.first { $0.job.id == ids[0] }?.reason.code == GangLeg.late)
        #expect(effects.endings.allSatisfy { $0.gang.map { GangLeg.flaw(in: $0, size: 3) == nil } ?? false })
        Self.nothingMoved(market)
    }

    @Test func anEngineThatFailsOneFailsAll() throws {
        var (market, ids) = try Self.started()
        try Self.judge(ids[0], .accepted, &market)
        let effects = try market.apply(.fail(job: ids[0], reason: Reason(code: "files-lost", text: "a test")))
        #expect(effects.endings.count == 3 && effects.endings.allSatisfy { $0.fault == .engine })
        #expect(market.available(.payer, of: market.requester) == Self.money)
        Self.nothingMoved(market)
    }

    @Test func whoHasStartedThemTakesNoneBack() throws {
        var (market, ids) = try Self.started()
        for id in ids { #expect(throws: MarketError.self) { try market.apply(.close(job: id)) } }
        try Self.judge(ids[0], .accepted, &market)
        #expect(throws: MarketError.self) { try market.apply(.close(job: ids[0])) }
        #expect(market.engine.jobs.count == 3)
        // Before the start each can be taken back, and the others go with it.
        var early = try MarketFixture()
        let submission = try early.submission("leg 0", terms: Self.terms(0))
        try early.apply(.submit(submission))
        #expect(try early.apply(.close(job: submission.id)).endings.count == 1)
    }

    @Test func whatDoesNotFitTogetherIsRefused() throws {
        var market = try MarketFixture()
        try market.apply(.submit(try market.submission("leg 0", terms: Self.terms(0))))
        var others = [Self.terms(1), Self.terms(1), Self.terms(1, "")]
        others[0].attempts = 1
        others[1].seconds.run = 41
        for terms in others {
            let submission = try market.submission("leg 1", terms: terms)
            #expect(throws: MarketError.self) { try market.apply(.submit(submission)) }
        }
        let metered = Self.terms(1, mode: #""mode":"metered","#)
        #expect(throws: ParseError.self) { try metered.spec() }
        // A second gang of the name while the first is at work would be taken for it.
        var (busy, _) = try Self.started()
        let again = try busy.submission("another leg 0", terms: Self.terms(0))
        #expect(throws: MarketError.self) { try busy.apply(.submit(again)) }
    }

    @Test func listsThatNoSettlementMakesAreFlawed() {
        func leg(_ index: Int64, _ outcome: Outcome, _ reason: String, _ verdict: Bool = true) -> GangLeg {
            let id = JobID(Name.digest("job", "\(index)"))
            return GangLeg(
                index: index,
                jobID: id,
                outcome: outcome,
                reason: reason,
                verdictDigest: verdict ? .zero : nil
            )
        }
        let good = [leg(0, .accepted, "verified"), leg(1, .accepted, "verified")]
        let lost = leg(0, .inconclusive, GangLeg.incomplete)
        #expect(GangLeg.flaw(in: good, size: 2) == nil)
        #expect(GangLeg.flaw(in: [lost, leg(1, .rejected, "replay.outputs")], size: 2) == nil)
        #expect(GangLeg.flaw(in: [good[0], leg(1, .requesterFault, "input")], size: 2) == nil)
        let late = leg(0, .inconclusive, GangLeg.late)
        #expect(GangLeg.flaw(in: [late, leg(1, .inconclusive, GangLeg.incomplete, false)], size: 2) == nil)
        for (index, bad) in [
            good, good.reversed(), [good[0]], [good[0], leg(1, .rejected, "replay.outputs")],
            [good[0], leg(1, .accepted, "verified", false)], [lost, leg(1, .inconclusive, GangLeg.incomplete)],
            [late, leg(1, .inconclusive, GangLeg.incomplete)],
        ].enumerated() {
            #expect(GangLeg.flaw(in: bad, size: index == 0 ? 3 : 2) != nil, "list \(index)")
        }
    }
}
