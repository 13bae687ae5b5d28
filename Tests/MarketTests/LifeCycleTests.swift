// The terms beside the price: metered and preemptible jobs, top-ups, gangs, bonds, and what each fault costs.
import Codecs
import Commitments
import Ledger
import Receipts
import Signatures
import Testing
import Verdicts

@testable import Market

extension MarketFixture {
    /// A job with terms, leased to `node`.
    mutating func leased(_ more: String, attempts: Int64 = 3) throws -> Digest {
        var terms = Terms()
        terms.more = more
        terms.attempts = attempts
        return try job(at: .assigned, terms: terms)
    }

    mutating func read(_ job: Digest, _ sequence: Int64, _ units: UInt64) throws {
        let reading = Job.Reading(
            digest: Name.digest("reading", "\(sequence)", "\(units)"),
            sequence: sequence,
            workUnits: units,
            wallMicroseconds: UInt64(sequence)
        )
        let attempt = engine.jobs[job]?.attempt ?? 1
        try apply(.read(job: job, attempt: attempt, node: node, reading: reading))
    }

    /// Takes a leased job to its verdict, with a claim of so much work.
    mutating func deliver(_ job: Digest, _ units: UInt64, _ outcome: Outcome = .accepted) throws -> Ending {
        let claim = Job.Claim(
            executionDigest: Name.digest("execution"),
            outputRoot: Name.digest("outputs"),
            workUnits: units
        )
        let attempt = engine.jobs[job]?.attempt ?? 1
        let worker = engine.jobs[job]?.assignment?.node ?? node
        try apply(.commit(job: job, attempt: attempt, node: worker, claim: claim))
        try apply(.outputsPresent(job: job, attempt: attempt))
        try apply(.validatorSeen(validators[0]))
        return try end(job, outcome)
    }

    /// Lets the job's deadline come.
    mutating func expire(_ job: Digest) throws -> Effects {
        now = engine.jobs[job]?.deadline ?? now
        return try apply(.tick)
    }
}

@Suite("Metered and preemptible jobs") struct MeteringTests {
    private static let metered = #"{"mode":"metered","depositUnits":"64000"}"#

    @Test func aDepositHoldsLessThanTheWhole() throws {
        var market = try MarketFixture()
        let id = try market.leased(Self.metered)
        let job = try #require(market.engine.jobs[id])
        #expect(job.held == 3_200_000)
        // 3,200,000 minor units pay for 80,000 work units at 40 each.
        #expect(job.coveredUnits == 80_000)
    }

    @Test func readingsOnlyGrowAndStayWithinTheHold() throws {
        var market = try MarketFixture()
        let id = try market.leased(Self.metered)
        try market.read(id, 1, 10)
        try market.read(id, 1, 10)
        try market.read(id, 5, 80_000)
        for (sequence, units) in [(Int64(5), UInt64(79_999)), (4, 80_000), (6, 79_999), (6, 80_001)] {
            let before = EngineImage(market.engine)
            #expect(throws: MarketError.self) { try market.read(id, sequence, units) }
            #expect(EngineImage(market.engine) == before)
        }
        let stranger = try Name.key("stranger")
        let reading = try #require(market.engine.jobs[id]?.reading)
        #expect(throws: MarketError.self) {
            try market.apply(.read(job: id, attempt: 1, node: stranger, reading: reading))
        }
        #expect(throws: MarketError.self) {
            try market.apply(.read(job: id, attempt: 2, node: market.node, reading: reading))
        }
        // Less than was reported is not delivered.
        #expect(throws: MarketError.self) { try market.deliver(id, 64_000) }
    }

    @Test func theVerifiedPrefixIsPaidAndTheRestGoesBack() throws {
        for more in [Self.metered, #"{"preemptible":true}"#] {
            var market = try MarketFixture()
            let id = try market.leased(more)
            let ending = try market.deliver(id, 64_000)
            #expect(ending.settlement.workUnits == 64_000)
            #expect(ending.settlement.gross == 2_560_000)
            #expect(ending.settlement.refunded == UInt64(ending.job.held) - 2_560_000)
            #expect(market.available(.payer, of: market.requester) == 1_000_000_000 - 2_560_000)
            #expect(market.available(.stake, of: market.node) == 100_000_000)
            #expect(market.engine.book.holds.isEmpty)
        }
    }

    @Test func aPrefixOfAnOrdinaryJobIsRefused() throws {
        var market = try MarketFixture()
        let id = try market.job(at: .assigned)
        #expect(throws: MarketError.self) { try market.deliver(id, 64_000) }
        #expect(market.engine.jobs[id]?.phase == .assigned)
    }

    @Test func aTopUpMovesHoldAndDeadlineTogether() throws {
        var market = try MarketFixture()
        let id = try market.leased(Self.metered)
        let before = try #require(market.engine.jobs[id])
        let topUp = ToppingUp(job: id, number: 1, amount: 1_920_000, seconds: 10_800)
        try market.apply(.topUp(topUp))
        let after = try #require(market.engine.jobs[id])
        #expect(after.held == before.held + 1_920_000 && after.deadline == before.deadline + 10_800)
        #expect(after.coveredUnits == 128_000)
        #expect(market.engine.book.holds[after.holdID]?.amount == after.held)
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000 - after.held)
        // The same one again changes nothing; one out of turn is refused.
        #expect(try market.apply(.topUp(topUp)).isEmpty)
        #expect(throws: MarketError.self) {
            try market.apply(.topUp(ToppingUp(job: id, number: 3, amount: 1, seconds: 0)))
        }
        let ending = try market.deliver(id, 128_000)
        #expect(ending.settlement.held == 5_120_000 && ending.settlement.gross == 5_120_000)
        #expect(market.engine.book.holds.isEmpty)
    }

    @Test func aTopUpThatCannotBePaidChangesNothing() throws {
        var market = try MarketFixture(money: 3_200_001)
        let id = try market.leased(Self.metered)
        let before = EngineImage(market.engine)
        #expect(throws: MarketError.self) {
            try market.apply(.topUp(ToppingUp(job: id, number: 1, amount: 2, seconds: 60)))
        }
        #expect(EngineImage(market.engine) == before && market.engine.stopped == nil)
        try market.apply(.topUp(ToppingUp(job: id, number: 1, amount: 1, seconds: 60)))
        var prepaid = try MarketFixture()
        let other = try prepaid.job(at: .assigned)
        #expect(throws: MarketError.self) {
            try prepaid.apply(.topUp(ToppingUp(job: other, number: 1, amount: 1, seconds: 0)))
        }
    }

    @Test func closingEndsAJobAtOnceOrAsksForWhatThereIs() throws {
        for stage in [MarketFixture.Stage.funded, .offered] {
            var market = try MarketFixture()
            let id = try market.job(at: stage)
            let ending = try #require(try market.apply(.close(job: id)).endings.first)
            #expect(ending.reason.code == "closed" && ending.fault == .none)
            #expect(market.available(.payer, of: market.requester) == 1_000_000_000)
        }
        var plain = try MarketFixture()
        let whole = try plain.job(at: .assigned)
        #expect(throws: MarketError.self) { try plain.apply(.close(job: whole)) }

        var market = try MarketFixture()
        let id = try market.leased(Self.metered)
        try market.apply(.close(job: id))
        let job = try #require(market.engine.jobs[id])
        #expect(job.yield == .closed && job.deadline == market.now + 30)
        #expect(try market.apply(.close(job: id)).isEmpty)
        #expect(try market.deliver(id, 64_000).settlement.gross == 2_560_000)

        var silent = try MarketFixture()
        let none = try silent.leased(Self.metered)
        try silent.apply(.close(job: none))
        let ending = try #require(try silent.expire(none).endings.first)
        #expect(ending.reason.code == "closed" && ending.settlement.gross == 0)
        #expect(silent.available(.stake, of: silent.node) == 100_000_000)
    }

    @Test func aSpotJobMakesRoomForOneThatMayNotWait() throws {
        var market = try MarketFixture()
        let spot = try market.leased(#"{"preemptible":true}"#)
        try market.apply(.submit(try market.submission("second")))
        try market.apply(.filesPresent(job: Name.digest("job", "second")))
        #expect(market.engine.jobs[spot]?.yield == .preempted)
        #expect(market.engine.jobs[spot]?.deadline == market.now + 30)
        // Another spot job does not push it out, and one push is enough.
        let effects = try market.expire(spot)
        #expect(effects.endings.isEmpty)
        let job = try #require(market.engine.jobs[spot])
        #expect(job.phase == .offered && job.history.last?.end == "preempted" && job.yield == nil)
        #expect(market.available(.stake, of: market.node) == 100_000_000)
        try market.apply(.nodeSeen(market.node))
        #expect(market.engine.lease(of: market.node)?.id == Name.digest("job", "second"))
    }
}

@Suite("Gangs") struct GangTests {
    private func member(_ index: Int, of market: MarketFixture, size: Int = 3) throws -> Submission {
        var terms = Terms()
        let group = Name.digest("group").hex
        terms.more = #"{"gang":{"group":"\#(group)","size":\#(size),"index":\#(index)}}"#
        return try market.submission("leg \(index)", terms: terms)
    }

    /// A gang of three whose files are there, and so many nodes.
    private func offered(nodes: Int) throws -> (MarketFixture, [Digest]) {
        var market = try MarketFixture()
        for index in 0..<nodes { try market.register(try Name.key("n\(index)")) }
        var ids: [Digest] = []
        for index in 0..<3 {
            let submission = try member(index, of: market)
            try market.apply(.submit(submission))
            try market.apply(.filesPresent(job: submission.id))
            ids.append(submission.id)
        }
        return (market, ids)
    }

    @Test func allStartInOneEvent() throws {
        let (market, ids) = try offered(nodes: 3)
        let nodes = ids.compactMap { market.engine.jobs[$0]?.assignment?.node }
        #expect(Set(nodes).count == 3)
        #expect(market.engine.gangs.isEmpty)
        // One hold on the requester and one stake for each leg.
        #expect(market.engine.book.holds.count == 6)
    }

    @Test func twoNodesAreNotEnoughForThree() throws {
        var (market, ids) = try offered(nodes: 2)
        #expect(ids.allSatisfy { market.engine.jobs[$0]?.phase == .offered })
        for index in 0..<2 { try market.apply(.nodeSeen(try Name.key("n\(index)"))) }
        #expect(ids.allSatisfy { market.engine.jobs[$0]?.phase == .offered })
        try market.register(try Name.key("n2"))
        let effects = try market.apply(.nodeSeen(try Name.key("n2")))
        #expect(Set(effects.leases.map(\.id)) == Set(ids))
    }

    @Test func whatCannotStartTogetherIsRefundedTogether() throws {
        var (market, ids) = try offered(nodes: 2)
        let effects = try market.expire(ids[1])
        #expect(Set(effects.endings.map(\.job.id)) == Set(ids))
        #expect(effects.endings.map(\.reason.code).sorted() == ["gang-incomplete", "gang-incomplete", "no-node"])
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000)
        #expect(market.engine.jobs.isEmpty && market.engine.gangs.isEmpty)
    }

    @Test func aPlaceIsTakenOnce() throws {
        var market = try MarketFixture()
        try market.apply(.submit(try member(0, of: market)))
        var other = try member(0, of: market)
        (other.id, other.nonce) = (Name.digest("job", "x"), Name.digest("nonce", "x"))
        #expect(throws: MarketError.self) { try market.apply(.submit(other)) }
        let larger = try member(1, of: market, size: 4)
        #expect(throws: MarketError.self) { try market.apply(.submit(larger)) }
        #expect(market.engine.stopped == nil && market.engine.jobs.count == 1)
    }

    @Test func eachLegEndsAloneOnceItHasStarted() throws {
        var (market, ids) = try offered(nodes: 3)
        let first = try #require(market.engine.jobs[ids[0]]?.assignment?.node)
        try market.apply(.abandon(job: ids[0], attempt: 1, node: first, reason: "no"))
        #expect(market.engine.jobs[ids[0]]?.phase == .offered)
        #expect(market.engine.jobs[ids[1]]?.phase == .assigned)
        let fresh = try Name.key("n9")
        try market.register(fresh)
        try market.apply(.nodeSeen(fresh))
        #expect(market.engine.jobs[ids[0]]?.assignment?.node == fresh)
        #expect(try market.deliver(ids[2], 128_000).outcome == .accepted)
        #expect(market.engine.jobs.count == 2)
    }
}

@Suite("Money by fault") struct FaultTests {
    /// A penalty of 1 % of the stake to the payer, a bond of at least 5 % of the hold.
    private static func rules() throws -> Ruleset {
        guard case .object(var rules) = try JSONValue(parsing: Ruleset.default.bytes) else { return .default }
        rules["faults"] = try JSONValue(
            parsing: Array(
                """
                {"penaltyBasisPointsOfStake":100,\
                "penalty":[{"leg":"payer","base":"penalty","basisPoints":10000}],"bondBasisPointsOfHold":500}
                """.utf8
            )
        )
        return try Ruleset(parsing: JSONValue.object(rules).serialized())
    }

    private static let bonded = #"{"bond":"320000"}"#

    @Test func aBondBelowTheRulesIsRefused() throws {
        var market = try MarketFixture(ruleset: try Self.rules())
        var terms = Terms()
        terms.more = #"{"bond":"319999"}"#
        let short = try market.submission(terms: terms)
        #expect(throws: MarketError.self) { try market.apply(.submit(short)) }
        #expect(market.engine.stopped == nil)
        terms.more = Self.bonded
        try market.apply(.submit(try market.submission(terms: terms)))
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000 - 6_400_000 - 320_000)
    }

    @Test func holdAndBondAreMadeTogetherOrNotAtAll() throws {
        var market = try MarketFixture(ruleset: try Self.rules(), money: 6_719_999)
        var terms = Terms()
        terms.more = Self.bonded
        let submission = try market.submission(terms: terms)
        #expect(throws: MarketError.self) { try market.apply(.submit(submission)) }
        #expect(market.engine.book.holds.isEmpty && market.engine.stopped == nil)
        try market.credit(.payer, of: market.requester, 1)
        try market.apply(.submit(submission))
        #expect(market.engine.book.holds.count == 2)
    }

    @Test func acceptedReturnsTheBond() throws {
        var market = try MarketFixture(ruleset: try Self.rules())
        let id = try market.leased(Self.bonded)
        let ending = try market.deliver(id, 128_000)
        #expect(ending.settlement.bond == Settlement.Stake(held: 320_000, slashed: 0, released: 320_000, legs: []))
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000 - 5_120_000)
    }

    @Test func providerFaultCostsAPartOfTheStakeOnceTheJobHasEnded() throws {
        var market = try MarketFixture(ruleset: try Self.rules())
        let id = try market.leased(Self.bonded, attempts: 2)
        #expect(try market.expire(id).endings.isEmpty)
        // 1 % of a stake of 12,800,000 stays held until there is a receipt.
        #expect(market.available(.stake, of: market.node) == 100_000_000 - 128_000)
        #expect(market.balance(.stake, of: market.node) == 100_000_000)
        let second = try Name.key("second")
        try market.register(second)
        try market.apply(.nodeSeen(second))
        let ending = try #require(try market.expire(id).endings.first)
        #expect(ending.outcome == .inconclusive && ending.fault == .provider)
        #expect(ending.settlement.penalties.map(\.amount) == [128_000])
        #expect(ending.settlement.stake?.slashed == 128_000)
        #expect(market.balance(.stake, of: market.node) == 100_000_000 - 128_000)
        #expect(market.balance(.stake, of: second) == 100_000_000 - 128_000)
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000 + 256_000)
        #expect(market.engine.book.holds.isEmpty)
    }

    @Test func providerFraudCostsTheWholeStake() throws {
        var market = try MarketFixture(ruleset: try Self.rules())
        let id = try market.leased(Self.bonded)
        let ending = try market.deliver(id, 128_000, .rejected)
        #expect(ending.settlement.stake?.slashed == 12_800_000 && ending.settlement.bond?.slashed == 0)
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000)
    }

    @Test func requesterFaultPaysTheMeterFromTheBond() throws {
        var market = try MarketFixture(ruleset: try Self.rules())
        let id = try market.leased(Self.bonded)
        let ending = try market.deliver(id, 128_000, .requesterFault)
        // The work would have cost 5,120,000; the bond is all there is.
        #expect(ending.settlement.bond?.slashed == 320_000 && ending.settlement.gross == 0)
        #expect(market.balance(.provider, of: market.node) == 296_000)
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000 - 320_000)
        #expect(market.available(.stake, of: market.node) == 100_000_000)
        #expect(market.engine.book.holds.isEmpty)
    }

    @Test func engineFaultCostsNobodyAnything() throws {
        for stage in MarketFixture.Stage.allCases where stage != .ended {
            var market = try MarketFixture(ruleset: try Self.rules())
            var terms = Terms()
            terms.more = Self.bonded
            let id = try market.job(at: stage, terms: terms)
            let reason = Reason(code: "files-lost", text: "a test")
            let ending = try #require(try market.apply(.fail(job: id, reason: reason)).endings.first)
            #expect(ending.outcome == .inconclusive && ending.fault == .engine)
            #expect(market.available(.payer, of: market.requester) == 1_000_000_000)
            if market.engine.nodes[market.node] != nil {
                #expect(market.available(.stake, of: market.node) == 100_000_000)
            }
            #expect(market.engine.book.holds.isEmpty)
        }
    }

    @Test func inconclusiveCostsNobodyAnything() throws {
        var market = try MarketFixture(ruleset: try Self.rules())
        let id = try market.leased(Self.bonded, attempts: 1)
        let ending = try market.deliver(id, 128_000, .inconclusive)
        #expect(ending.settlement.stake?.slashed == 0 && ending.settlement.bond?.slashed == 0)
        #expect(market.available(.payer, of: market.requester) == 1_000_000_000)
        #expect(market.available(.stake, of: market.node) == 100_000_000)
    }

    @Test func whatIsPaidByRuleNamesADecisionThatAReceiptLeadsTo() throws {
        var market = try MarketFixture(ruleset: try Self.rules())
        let id = try market.leased(Self.bonded, attempts: 1)
        let ending = try #require(try market.expire(id).endings.first)
        #expect(ending.verdictDigest == nil)
        let digest = EngineDecision.digest(job: JobID(id), attempt: 1, reason: "provider-silent")
        #expect(ending.decision == digest)
    }
}
