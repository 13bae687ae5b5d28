// Who gets a job, who does not, and what is said about it.
import Ledger
import Receipts
import Replay
import Signatures
import Testing
import Verdicts

@testable import Market

@Suite("Matching") struct MatchingTests {
    /// Nodes that cannot take the job, one for each reason.
    @Test func everyMismatchHasItsReason() throws {
        var terms = Terms()
        terms.device = "cpu"
        var market = try MarketFixture()
        let unseen = try Name.key("offline")
        try market.register(unseen)
        market.now += 31
        let id = try market.job(at: .offered, terms: terms)
        try market.register(try Name.key("gpu"), kind: .gpu)
        try market.register(try Name.key("small"), memoryBytes: (1 << 20) - 1)
        try market.register(try Name.key("dear"), ask: 50_000_001)
        try market.register(try Name.key("poor"), stake: 12_799_999)
        #expect(
            market.engine.mismatches(of: id, at: market.now)
                == [.deviceClass: 1, .memory: 1, .price: 1, .stake: 1, .offline: 1]
        )
        for name in ["gpu", "small", "dear", "poor"] {
            try market.apply(.nodeSeen(try Name.key(name)))
            #expect(market.engine.jobs[id]?.phase == .offered, "\(name)")
        }
        // A node that tried is passed over; one that has a lease is busy.
        try market.register(market.node)
        try market.apply(.nodeSeen(market.node))
        #expect(market.engine.jobs[id]?.assignment?.node == market.node)
        try market.apply(.submit(try market.submission("second", terms: terms)))
        try market.apply(.filesPresent(job: Name.digest("job", "second")))
        #expect(market.engine.mismatches(of: Name.digest("job", "second"), at: market.now)[.busy] == 1)
        try market.apply(.abandon(job: id, attempt: 1, node: market.node, reason: "no"))
        #expect(market.engine.mismatches(of: id, at: market.now)[.triedBefore] == 1)
    }

    /// Registering costs nothing, so that a crowd without stake must not make the engine look at all of it for each question.
    @Test func aCrowdIsNotExaminedWhole() throws {
        var market = try MarketFixture()
        let (looks, crowd) = (NodeRegistry.examinedMax, NodeRegistry.examinedMax + 60)
        for number in 0..<crowd { try market.register(try Name.key("crowd \(number)"), stake: 0) }
        let id = try market.job(at: .offered)
        #expect(market.engine.mismatches(of: id, at: market.now) == [.stake: looks, .unexamined: crowd - looks])
        #expect(market.engine.mismatches(of: id, at: market.now + 31) == [.offline: crowd])
    }

    @Test func exactlyEnoughIsEnough() throws {
        var terms = Terms()
        terms.device = "gpu"
        var market = try MarketFixture()
        let id = try market.job(at: .offered, terms: terms)
        try market.register(market.node, kind: .gpu, memoryBytes: 1 << 20, ask: 50_000_000, stake: 12_800_000)
        try market.apply(.nodeSeen(market.node))
        let assignment = try #require(market.engine.jobs[id]?.assignment)
        #expect(assignment.stake == 12_800_000)
        #expect(market.available(.stake, of: market.node) == 0)
        #expect(assignment.pricePerMegaUnit == 50_000_000)
        #expect(assignment.expiresAt == market.now + 40)
    }

    @Test func theCheapestIdleNodeIsTakenAtOnce() throws {
        var market = try MarketFixture()
        for (name, ask) in [("a", UInt64(30)), ("b", 20), ("c", 40)] {
            try market.register(try Name.key(name), ask: ask * 1_000_000)
        }
        let id = try market.job(at: .offered)
        #expect(market.engine.jobs[id]?.assignment?.node == (try Name.key("b")))
        #expect(market.engine.jobs[id]?.phase == .assigned)
    }

    @Test func theFirstJobIsServedFirst() throws {
        var market = try MarketFixture()
        for name in ["one", "two"] {
            try market.apply(.submit(try market.submission(name)))
            try market.apply(.filesPresent(job: Name.digest("job", name)))
            market.now += 1
        }
        try market.register(market.node)
        let effects = try market.apply(.nodeSeen(market.node))
        #expect(effects.leases.map(\.id) == [Name.digest("job", "one")])
        #expect(try market.apply(.nodeSeen(market.node)).isEmpty)
    }

    @Test func aNodeIsFreeAgainWhenItsOutputsAreThere() throws {
        var market = try MarketFixture()
        let first = try market.job(at: .undrawn)
        try market.apply(.submit(try market.submission("second")))
        try market.apply(.filesPresent(job: Name.digest("job", "second")))
        #expect(market.engine.jobs[Name.digest("job", "second")]?.assignment?.node == market.node)
        // The end of the first job leaves the lease of the second alone.
        try market.apply(.validatorSeen(market.validators[0]))
        _ = try market.end(first, .accepted)
        #expect(market.engine.lease(of: market.node)?.id == Name.digest("job", "second"))
    }

    @Test func anOfferChangesFromTheNextJobOn() throws {
        var market = try MarketFixture()
        try market.register(market.node, ask: 60_000_000)
        let id = try market.job(at: .offered)
        let node = Node(key: market.node, deviceKind: .cpu, memoryBytes: 1 << 30, askPerMegaUnit: 10_000_000)
        #expect(try market.apply(.register(node)).nodes == [node])
        #expect(try market.apply(.register(node)).isEmpty)
        try market.apply(.nodeSeen(market.node))
        #expect(market.engine.jobs[id]?.assignment?.pricePerMegaUnit == 10_000_000)
    }

    @Test func refundedForWantOfANodeSaysWhy() throws {
        var market = try MarketFixture()
        try market.register(market.node, ask: 60_000_000)
        let id = try market.job(at: .offered)
        market.now = try #require(market.engine.jobs[id]).deadline
        let ending = try #require(try market.apply(.tick).endings.first)
        #expect(ending.reason == Reason(code: "no-node", text: "no node took the job in time: 1 price"))
        #expect(ending.settlement.refunded == 6_400_000)
        #expect(ending.settlement.stake == nil)
    }

    @Test func aClockThatWasFarAheadHoldsNothingUp() throws {
        var market = try MarketFixture()
        try market.register(market.node)
        market.now += 30 * 86_400
        try market.credit(.payer, of: market.requester, 1)
        market.now -= 30 * 86_400
        try market.apply(.nodeSeen(market.node))
        let id = try market.job(at: .offered)
        #expect(market.engine.jobs[id]?.phase == .assigned)
        market.now = try #require(market.engine.jobs[id]).deadline
        try market.apply(.tick)
        #expect(market.engine.jobs[id]?.phase == .offered)
        #expect(market.engine.stopped == nil)
    }
}
