// Every way in which a job can end, with a receipt that an auditor believes.
import Appraisal
import AssayTesting
import Commitments
import EngineAPI
import Ledger
import Receipts
import Replay
import Signatures
import Testing
import Verdicts

@testable import Validator

@Suite("Endings") struct EndingTests {
    /// What the receipt says when everything in it holds.
    private func check(
        _ world: Harness,
        _ ordered: Ordered,
        _ outcome: Outcome,
        _ reason: String,
        deep: (any Runner)? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) async throws -> AuditReport {
        let report = try await world.audit(ordered, deep: deep)
        let failed = report.verdict.checks.filter { $0.result == .fail }
        #expect(failed.isEmpty, "\(failed)", sourceLocation: location)
        #expect(report.isAuthentic, sourceLocation: location)
        #expect(report.conclusion == (outcome == .accepted ? .accepted : .notAccepted), sourceLocation: location)
        let receipt = try #require(report.summary?.receipt, sourceLocation: location)
        #expect(receipt.outcome == outcome, sourceLocation: location)
        #expect(receipt.reason == reason, sourceLocation: location)
        let view = try await world.view(ordered)
        #expect(view.isFinal, sourceLocation: location)
        #expect(view.outcome == outcome.rawValue, "\(view.reason)", sourceLocation: location)
        #expect(view.paid == Int64(receipt.settlement.gross), sourceLocation: location)
        #expect((view.paid ?? 0) + (view.refunded ?? 0) == view.held, sourceLocation: location)
        let summary = await world.scheduler.summary
        #expect(summary.heldUnits == 0, sourceLocation: location)
        let accounts = try world.store.accounts(owner: nil)
        #expect(accounts.reduce(0) { $0 + $1.balance } == 0, sourceLocation: location)
        #expect(try world.store.openHolds().isEmpty, sourceLocation: location)
        return report
    }

    @Test func honestWorkIsPaid() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        let provider = try await world.provider()
        #expect(try await provider.step())
        #expect(try await world.view(ordered).phase == "verifying")
        #expect(try await world.validator().step())
        let report = try await check(world, ordered, .accepted, "verified", deep: TinyRunner())
        #expect(report.summary?.receipt.settlement.gross == 5_120_000)
        #expect(try await world.balance(world.account(.provider, of: world.keys.nodes[0])) == 4_736_000)
        #expect(try await world.balance(world.account(.payer, of: world.keys.requester)) == 994_880_000)
        #expect(try await provider.step() == false)
    }

    @Test func aLieIsFoundAndTheStakeLost() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        let lie = CheatingRunner(TinyRunner(), lie: .flippedOutputBit(slot: "y", byte: 9, bit: 3))
        #expect(try await world.provider(0, lie).step())
        #expect(try await world.validator().step())
        let report = try await check(world, ordered, .rejected, "replay.trace-root", deep: TinyRunner())
        #expect(report.summary?.divergence?.slot == "y")
        #expect(report.summary?.divergence?.element == 2)
        #expect(report.summary?.receipt.settlement.stake?.slashed == 12_800_000)
        #expect(try await world.balance(world.account(.payer, of: world.keys.requester)) == 1_000_000_000)
        #expect(try await world.balance(try world.stake(of: world.keys.nodes[0])) == 100_000_000 - 12_800_000)
    }

    @Test func aProviderThatGivesUpIsFollowedByAnother() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        #expect(try await world.provider(0, TinyRunner(.crashes)).step())
        #expect(try await world.view(ordered).phase == "offered")
        #expect(try await world.provider(1).step())
        #expect(try await world.validator().step())
        let report = try await check(world, ordered, .accepted, "verified")
        #expect(report.summary?.receipt.attempts.map(\.end) == ["abandoned", "accepted"])
        #expect(report.summary?.receipt.attempt == 2)
    }

    @Test func aProviderThatGivesUpTheLastAttemptEndsTheJob() async throws {
        let world = try await Harness()
        var terms = Terms()
        terms.attempts = 1
        let ordered = try await world.offered(terms)
        #expect(try await world.provider(0, TinyRunner(.crashes)).step())
        _ = try await check(world, ordered, .inconclusive, "provider-abandoned")
    }

    @Test func aSilentProviderLosesItsLeaseAndNothingElse() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        _ = try await world.provider()
        _ = try await world.result()
        #expect(try await world.view(ordered).phase == "assigned")
        try await world.expire(ordered)
        #expect(try await world.view(ordered).phase == "offered")
        try await world.expire(ordered)
        let report = try await check(world, ordered, .inconclusive, "no-node")
        #expect(report.summary?.receipt.attempts.map(\.end) == ["silent"])
        #expect(try await world.balance(try world.stake(of: world.keys.nodes[0])) == 100_000_000)
    }

    @Test func outputsThatNeverComeEndTheAttempt() async throws {
        let world = try await Harness()
        var terms = Terms()
        terms.attempts = 1
        let ordered = try await world.offered(terms)
        _ = try await world.provider()
        let work = try await world.result()
        let view = try await world.scheduler.commit(job: ordered.id, execution: try work.execution(), trace: work.trace)
        #expect(view.phase == "committed")
        #expect(view.missing == work.statement.outputs.map(\.identity.cid))
        try await world.expire(ordered)
        _ = try await check(world, ordered, .inconclusive, "provider-silent")
    }

    @Test func nobodyToRunItMeansARefund() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        try await world.expire(ordered)
        _ = try await check(world, ordered, .inconclusive, "no-node")
    }

    @Test func filesThatNeverComeAreTheRequestersFault() async throws {
        let world = try await Harness()
        try await world.fund()
        let ordered = try world.order()
        #expect(try await world.submit(ordered).missing.count == 2)
        try await world.expire(ordered)
        _ = try await check(world, ordered, .requesterFault, "files-missing")
    }

    @Test func kernelsThatBreakARuleAreNeverOffered() async throws {
        let world = try await Harness()
        var terms = Terms()
        terms.source = "#include <stdio.h>\n" + TinyJob.source
        let ordered = try await world.offered(terms)
        _ = try await check(world, ordered, .requesterFault, "kernel-refused")
    }

    @Test func aValidatorThatRefusesTheKernelsDoesNotCostAnything() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        #expect(try await world.provider().step())
        #expect(try await world.validator(0, TinyRunner(.refuses)).step())
        _ = try await check(world, ordered, .requesterFault, "replay.admission")
    }

    @Test func aValidatorThatCannotTellLeadsToAnotherAttempt() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        #expect(try await world.provider().step())
        #expect(try await world.validator(0, TinyRunner(.crashes)).step())
        #expect(try await world.view(ordered).phase == "offered")
        #expect(try await world.provider(1).step())
        #expect(try await world.validator().step())
        let report = try await check(world, ordered, .accepted, "verified")
        #expect(report.summary?.receipt.attempts.map(\.end) == ["inconclusive", "accepted"])
    }

    @Test func whatNobodyCanTellIsRefunded() async throws {
        let world = try await Harness()
        var terms = Terms()
        terms.attempts = 1
        let ordered = try await world.offered(terms)
        #expect(try await world.provider().step())
        #expect(try await world.validator(0, TinyRunner(.crashes)).step())
        let report = try await check(world, ordered, .inconclusive, "replay.run")
        #expect(report.summary?.receipt.verdictDigests.count == 1)
    }

    @Test func aSilentValidatorIsRedrawn() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        #expect(try await world.provider().step())
        let poll = try world.request(.poll, world.keys.validators[0])
        #expect(try await world.scheduler.validator(request: poll) != nil)
        try await world.expire(ordered)
        #expect(try await world.validator(1).step())
        let report = try await check(world, ordered, .accepted, "verified")
        let paid = report.summary?.receipt.settlement.legs.first { $0.leg == .validator }
        #expect(paid?.account == world.account(.validator, of: world.keys.validators[1]))
    }

    @Test func validatorsThatAreAllSilentEndTheAttempt() async throws {
        let world = try await Harness(drawsAllowed: 2)
        var terms = Terms()
        terms.attempts = 1
        let ordered = try await world.offered(terms)
        #expect(try await world.provider().step())
        try await world.expire(ordered)
        try await world.expire(ordered)
        _ = try await check(world, ordered, .inconclusive, "validator-silent")
    }

    @Test func theListShowsOpenAndEndedJobs() async throws {
        let world = try await Harness()
        let first = try await world.offered()
        #expect(try await world.provider().step())
        #expect(try await world.validator().step())
        world.clock.advance(1)
        let second = try world.order(nonce: 2)
        try await world.submit(second)
        #expect(try await world.scheduler.jobs(limit: 10).map(\.id) == [second.id, first.id])
        #expect(try await world.scheduler.jobs(limit: 1).map(\.id) == [second.id])
        #expect(try await world.scheduler.jobs(limit: 0).isEmpty)
        #expect(try await world.scheduler.jobs(limit: -5).isEmpty)
    }
}
