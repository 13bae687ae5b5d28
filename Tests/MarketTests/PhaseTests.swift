// Every event at every stage of a job's life: what it does, and that a refused one does nothing.
import Commitments
import Ledger
import Receipts
import Signatures
import Testing
import Verdicts

@testable import Market

/// What may happen to a job.
private enum Happening: String, CaseIterable {
    case submitAgain, submitOtherWithSameNonce, filesPresent, refuse
    case commit, commitByOther, commitOtherAttempt, commitOtherClaim
    case outputsPresent, outputsOfOtherAttempt
    case abandon, abandonByOther
    case judge, judgeByUndrawn, judgeByStranger, judgeOtherExecution, judgeOtherAttempt
    case tickBefore, tickAtDeadline

    func event(_ market: MarketFixture, _ job: Digest) throws -> Event {
        let attempt = market.engine.jobs[job]?.attempt ?? 1
        let other = try Name.key("other node")
        let claim = Job.Claim(
            executionDigest: Name.digest("other execution"),
            outputRoot: Name.digest("outputs"),
            workUnits: 128_000
        )
        switch self {
        case .submitAgain: return .submit(try market.submission())
        case .submitOtherWithSameNonce: return .submit(try market.submission("other", nonce: "job"))
        case .filesPresent: return .filesPresent(job: job)
        case .refuse: return .refuse(job: job, reason: Reason(code: "kernel-refused", text: "an include"))
        case .commit:
            return .commit(job: job, attempt: attempt, node: market.node, claim: MarketFixture.claim)
        case .commitByOther: return .commit(job: job, attempt: attempt, node: other, claim: MarketFixture.claim)
        case .commitOtherAttempt:
            return .commit(job: job, attempt: attempt + 1, node: market.node, claim: MarketFixture.claim)
        case .commitOtherClaim: return .commit(job: job, attempt: attempt, node: market.node, claim: claim)
        case .outputsPresent: return .outputsPresent(job: job, attempt: attempt)
        case .outputsOfOtherAttempt: return .outputsPresent(job: job, attempt: attempt + 1)
        case .abandon: return .abandon(job: job, attempt: attempt, node: market.node, reason: "no memory")
        case .abandonByOther: return .abandon(job: job, attempt: attempt, node: other, reason: "no memory")
        case .judge: return .judge(market.judgement(of: job, by: market.validators[0]))
        case .judgeByUndrawn: return .judge(market.judgement(of: job, by: market.validators[1]))
        case .judgeByStranger: return .judge(market.judgement(of: job, by: try Name.key("stranger")))
        case .judgeOtherExecution:
            return .judge(market.judgement(of: job, by: market.validators[0], execution: claim.executionDigest))
        case .judgeOtherAttempt:
            var judgement = market.judgement(of: job, by: market.validators[0])
            judgement.attempt += 1
            return .judge(judgement)
        case .tickBefore, .tickAtDeadline: return .tick
        }
    }
}

/// `same`: taken, and nothing changes. `to X`: the job is in phase X. `ends X`: it ended with outcome X. Else the refusal.
private let table: [MarketFixture.Stage: [Happening: String]] = [
    .funded: [
        .submitAgain: "same", .submitOtherWithSameNonce: "conflict", .filesPresent: "to offered",
        .refuse: "ends requesterFault",
        .commit: "staleLease", .commitByOther: "staleLease", .commitOtherAttempt: "staleLease",
        .commitOtherClaim: "staleLease", .outputsPresent: "same", .outputsOfOtherAttempt: "staleLease",
        .abandon: "staleLease", .abandonByOther: "staleLease",
        .judge: "wrongPhase", .judgeByUndrawn: "wrongPhase", .judgeByStranger: "unknownValidator",
        .judgeOtherExecution: "wrongPhase", .judgeOtherAttempt: "wrongPhase",
        .tickBefore: "same", .tickAtDeadline: "ends requesterFault",
    ],
    .offered: [
        .submitAgain: "same", .submitOtherWithSameNonce: "conflict", .filesPresent: "same", .refuse: "wrongPhase",
        .commit: "staleLease", .commitByOther: "staleLease", .commitOtherAttempt: "staleLease",
        .commitOtherClaim: "staleLease", .outputsPresent: "same", .outputsOfOtherAttempt: "staleLease",
        .abandon: "staleLease", .abandonByOther: "staleLease",
        .judge: "wrongPhase", .judgeByUndrawn: "wrongPhase", .judgeByStranger: "unknownValidator",
        .judgeOtherExecution: "wrongPhase", .judgeOtherAttempt: "wrongPhase",
        .tickBefore: "same", .tickAtDeadline: "ends inconclusive",
    ],
    .assigned: [
        .submitAgain: "same", .submitOtherWithSameNonce: "conflict", .filesPresent: "same", .refuse: "wrongPhase",
        .commit: "to committed", .commitByOther: "staleLease", .commitOtherAttempt: "staleLease",
        .commitOtherClaim: "to committed", .outputsPresent: "same", .outputsOfOtherAttempt: "staleLease",
        .abandon: "to offered", .abandonByOther: "staleLease",
        .judge: "wrongPhase", .judgeByUndrawn: "wrongPhase", .judgeByStranger: "unknownValidator",
        .judgeOtherExecution: "wrongPhase", .judgeOtherAttempt: "wrongPhase",
        .tickBefore: "same", .tickAtDeadline: "to offered",
    ],
    .committed: [
        .submitAgain: "same", .submitOtherWithSameNonce: "conflict", .filesPresent: "same", .refuse: "wrongPhase",
        .commit: "same", .commitByOther: "staleLease", .commitOtherAttempt: "staleLease",
        .commitOtherClaim: "conflict", .outputsPresent: "to verifying", .outputsOfOtherAttempt: "staleLease",
        .abandon: "to offered", .abandonByOther: "staleLease",
        .judge: "wrongPhase", .judgeByUndrawn: "wrongPhase", .judgeByStranger: "unknownValidator",
        .judgeOtherExecution: "wrongPhase", .judgeOtherAttempt: "wrongPhase",
        .tickBefore: "same", .tickAtDeadline: "to offered",
    ],
    .undrawn: [
        .submitAgain: "same", .submitOtherWithSameNonce: "conflict", .filesPresent: "same", .refuse: "wrongPhase",
        .commit: "same", .commitByOther: "staleLease", .commitOtherAttempt: "staleLease",
        .commitOtherClaim: "conflict", .outputsPresent: "same", .outputsOfOtherAttempt: "staleLease",
        .abandon: "wrongPhase", .abandonByOther: "staleLease",
        .judge: "staleLease", .judgeByUndrawn: "staleLease", .judgeByStranger: "unknownValidator",
        .judgeOtherExecution: "staleLease", .judgeOtherAttempt: "staleLease",
        .tickBefore: "same", .tickAtDeadline: "to verifying",
    ],
    .drawn: [
        .submitAgain: "same", .submitOtherWithSameNonce: "conflict", .filesPresent: "same", .refuse: "wrongPhase",
        .commit: "same", .commitByOther: "staleLease", .commitOtherAttempt: "staleLease",
        .commitOtherClaim: "conflict", .outputsPresent: "same", .outputsOfOtherAttempt: "staleLease",
        .abandon: "wrongPhase", .abandonByOther: "staleLease",
        .judge: "ends accepted", .judgeByUndrawn: "staleLease", .judgeByStranger: "unknownValidator",
        .judgeOtherExecution: "conflict", .judgeOtherAttempt: "staleLease",
        .tickBefore: "same", .tickAtDeadline: "to verifying",
    ],
    // The scheduler's own row of the order keeps the nonce taken for ever; the market forgets it with the job.
    .ended: [
        .submitAgain: "same", .submitOtherWithSameNonce: "to funded", .filesPresent: "unknownJob",
        .refuse: "unknownJob",
        .commit: "unknownJob", .commitByOther: "unknownJob", .commitOtherAttempt: "unknownJob",
        .commitOtherClaim: "unknownJob", .outputsPresent: "unknownJob", .outputsOfOtherAttempt: "unknownJob",
        .abandon: "unknownJob", .abandonByOther: "unknownJob",
        .judge: "unknownJob", .judgeByUndrawn: "unknownJob", .judgeByStranger: "unknownValidator",
        .judgeOtherExecution: "unknownJob", .judgeOtherAttempt: "unknownJob",
        .tickBefore: "same", .tickAtDeadline: "same",
    ],
]

@Suite("Every event at every stage") struct PhaseTests {
    @Test(arguments: MarketFixture.Stage.allCases)
    func everyEventAtOneStage(_ stage: MarketFixture.Stage) throws {
        for happening in Happening.allCases {
            var market = try MarketFixture()
            let job = try market.job(at: stage)
            let deadline = market.engine.jobs[job]?.deadline ?? market.now
            switch happening {
            case .tickBefore: market.now = deadline - 1
            case .tickAtDeadline: market.now = deadline
            default: break
            }
            let before = EngineImage(market.engine)
            let event = try happening.event(market, job)
            let result: String
            do throws(MarketError) {
                let effects = try market.engine.apply(event, at: market.now)
                if let ending = effects.endings.first {
                    result = "ends \(ending.outcome.rawValue)"
                    #expect(market.engine.jobs[ending.job.id] == nil)
                } else if let changed = effects.jobs.last {
                    result = "to \(changed.phase.rawValue)"
                    #expect(market.engine.jobs[changed.id] == changed)
                } else {
                    result = effects.isEmpty ? "same" : "other effects"
                }
            } catch {
                result = error.word
                #expect(market.engine.stopped == nil)
            }
            let comment = Comment(rawValue: "\(happening.rawValue) at \(stage.rawValue)")
            #expect(result == table[stage]?[happening], comment)
            let hasChanged = EngineImage(market.engine) != before
            #expect(hasChanged == (result.hasPrefix("to ") || result.hasPrefix("ends ")), comment)
            try market.engine.book.verify()
            guard hasChanged else { continue }
            // Whatever was taken may come again, and then changes nothing.
            let after = EngineImage(market.engine)
            _ = try? market.engine.apply(event, at: market.now)
            #expect(EngineImage(market.engine) == after, comment)
            #expect(market.engine.stopped == nil, comment)
        }
    }

    @Test func unknownJobsAndNodesAreRefused() throws {
        var market = try MarketFixture()
        let stranger = try Name.key("stranger")
        #expect(throws: MarketError.unknownNode(stranger.text)) { try market.apply(.nodeSeen(stranger)) }
        #expect(throws: MarketError.unknownValidator(stranger.text)) { try market.apply(.validatorSeen(stranger)) }
        #expect(throws: MarketError.unknownJob(.zero)) { try market.apply(.filesPresent(job: .zero)) }
    }

    @Test func aRepeatedOrderIsKnownByItsBodyAtAnyTime() throws {
        var market = try MarketFixture()
        let job = try market.job(at: .ended)
        let before = EngineImage(market.engine)
        let submission = try market.submission()
        for later: Int64 in [0, 1, 1000, 1_000_000, -5] {
            market.now += later
            #expect(try market.apply(.submit(submission)).isEmpty)
        }
        #expect(EngineImage(market.engine) == before)
        #expect(market.engine.jobs[job] == nil)
    }

    @Test func ordersThatCannotBePaidChangeNothing() throws {
        for (money, currency, account, word) in [
            (Int64(0), "credit", AccountKind.payer, "ledger"), (6_399_999, "credit", .payer, "ledger"),
            (1_000_000_000, "gold", .payer, "refused"), (1_000_000_000, "credit", .stake, "refused"),
        ] {
            var market = try MarketFixture(money: money)
            var terms = Terms()
            terms.currency = currency
            var submission = try market.submission(terms: terms)
            submission.account = market.engine.account(account, of: market.requester)
            let before = EngineImage(market.engine)
            do throws(MarketError) {
                _ = try market.engine.apply(.submit(submission), at: market.now)
                Issue.record("expected a refusal for \(money) \(currency)")
            } catch {
                #expect(error.word == word)
            }
            #expect(EngineImage(market.engine) == before)
        }
    }

    @Test func exactlyTheHoldIsEnough() throws {
        var market = try MarketFixture(money: 6_400_000)
        let id = try market.job(at: .funded)
        #expect(market.available(.payer, of: market.requester) == 0)
        #expect(market.engine.jobs[id]?.held == 6_400_000)
    }

    @Test func aLateVerdictOfAnEarlierDrawIsStale() throws {
        var market = try MarketFixture()
        let job = try market.job(at: .drawn)
        let late = market.judgement(of: job, by: market.validators[0])
        market.now = try #require(market.engine.jobs[job]).deadline
        try market.apply(.tick)
        #expect(throws: MarketError.self) { try market.apply(.judge(late)) }
        try market.apply(.validatorSeen(market.validators[1]))
        #expect(throws: MarketError.self) { try market.apply(.judge(late)) }
        let ending = try market.apply(.judge(market.judgement(of: job, by: market.validators[1]))).endings.first
        #expect(ending?.outcome == .accepted)
        #expect(market.balance(.validator, of: market.validators[0]) == 0)
    }

    @Test func resultsOfAnEarlierAttemptAreStale() throws {
        var market = try MarketFixture()
        let job = try market.job(at: .assigned)
        market.now = try #require(market.engine.jobs[job]).deadline
        try market.apply(.tick)
        let second = try Name.key("second node")
        try market.register(second)
        try market.apply(.nodeSeen(second))
        #expect(market.engine.jobs[job]?.attempt == 2)
        for attempt: UInt32 in [1, 2] {
            #expect(throws: MarketError.self) {
                try market.apply(.commit(job: job, attempt: attempt, node: market.node, claim: MarketFixture.claim))
            }
        }
        try market.apply(.commit(job: job, attempt: 2, node: second, claim: MarketFixture.claim))
    }

    @Test func silentValidatorsAreRedrawnAndThenTheJobGoesOn() throws {
        var terms = Terms()
        terms.attempts = 1
        var market = try MarketFixture()
        let job = try market.job(at: .drawn, terms: terms)
        for draw in 2...3 {
            market.now = try #require(market.engine.jobs[job]).deadline
            #expect(try market.apply(.tick).endings.isEmpty)
            try market.apply(.validatorSeen(market.validators[draw % 2]))
            #expect(market.engine.jobs[job]?.draws == UInt32(draw))
        }
        market.now = try #require(market.engine.jobs[job]).deadline
        let ending = try #require(try market.apply(.tick).endings.first)
        #expect(ending.outcome == .inconclusive)
        #expect(ending.reason.code == "validator-silent")
        #expect(market.balance(.payer, of: market.requester) == 1_000_000_000)
        #expect(market.available(.stake, of: market.node) == 100_000_000)
    }

    @Test func nobodyJudgesHisOwnWork() throws {
        var market = try MarketFixture(validators: ["node", "v1"])
        let job = try market.job(at: .undrawn)
        try market.apply(.validatorSeen(market.node))
        #expect(market.engine.verification(of: market.node) == nil)
        try market.apply(.validatorSeen(market.validators[1]))
        #expect(market.engine.verification(of: market.validators[1])?.id == job)
    }

    @Test func aFailureHalfWayStopsTheMarket() throws {
        // The stake's hold is taken away under the engine's feet, as a lost write would.
        var market = try MarketFixture()
        let job = try market.job(at: .drawn)
        let hold = try #require(market.engine.jobs[job]).stakeHoldID(attempt: 1)
        _ = try market.engine.book.apply(
            .resolve(Resolution(id: Name.transfer("theft"), hold: hold, legs: [], attempt: 1)),
            at: market.now
        )
        #expect(throws: MarketError.self) { try market.end(job, .accepted) }
        let reason = try #require(market.engine.stopped)
        #expect(throws: MarketError.stopped(reason: reason)) { try market.apply(.tick) }
    }
}
