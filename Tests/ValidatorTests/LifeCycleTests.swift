// Metered, preemptible and bonded jobs through scheduler, agents, receipt and audit.
import Appraisal
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import Ledger
import Receipts
import Replay
import Signatures
import Testing
import Verdicts

@testable import Market
@testable import Validator

@Suite("Life cycle, end to end") struct LifeCycleTests {
    /// An ordered job with terms, whose files are there.
    private func offered(_ world: Harness, _ text: String) async throws -> Ordered {
        var terms = Terms()
        terms.member = ("terms", try JSONValue(parsing: Array(text.utf8)))
        return try await world.offered(terms)
    }

    private func topUp(_ world: Harness, _ ordered: Ordered, _ number: Int64, _ amount: UInt64) async throws -> JobView
    {
        let document = TopUp(
            jobID: JobID(ordered.id),
            number: number,
            amount: amount,
            seconds: 100,
            requester: world.keys.requester.verifyingKey,
            engine: world.keys.engine.verifyingKey,
            createdAt: world.clock.now
        )
        return try await world.scheduler.topUp(
            job: ordered.id,
            topUp: try TopUp.sign(document, with: world.keys.requester).envelope
        )
    }

    private func close(_ world: Harness, _ ordered: Ordered, by key: SigningKey) async throws -> JobView {
        let request = try world.request(.close(job: JobID(ordered.id)), key)
        return try await world.scheduler.close(job: ordered.id, request: request)
    }

    /// The receipt, after an audit that finds nothing, also when the work is done again.
    private func receipt(_ world: Harness, _ ordered: Ordered) async throws -> Receipt {
        let report = try await world.audit(ordered, deep: TinyRunner())
        #expect(report.verdict.firstFailure == nil, "\(String(describing: report.verdict.firstFailure))")
        let bundle = try Bundle(parsing: try await world.scheduler.receipt(job: ordered.id))
        return try UnverifiedDocument<Receipt>(parsing: try bundle.member(BundleMember.receipt)).predicate
    }

    private static let metered = #"{"mode":"metered","depositUnits":"64000"}"#

    @Test func aDepositPaysForThePrefixThatItCovers() async throws {
        let world = try await Harness()
        let ordered = try await offered(world, Self.metered)
        let provider = try await world.provider()
        #expect(try await provider.step())
        let view = try await world.view(ordered)
        #expect(view.phase == "verifying" && view.metered == 64_000 && view.covered == 80_000)
        #expect(try await world.validator().step())
        let receipt = try await receipt(world, ordered)
        #expect(receipt.outcome == .accepted && receipt.readingDigest != nil)
        #expect(receipt.settlement.workUnits == 64_000 && receipt.settlement.gross == 2_560_000)
        #expect(receipt.settlement.refunded == 640_000)
        #expect(try await world.balance(world.account(.payer, of: world.keys.requester)) == 1_000_000_000 - 2_560_000)
    }

    @Test func aTopUpLetsTheNodeGoToTheEnd() async throws {
        let world = try await Harness()
        let ordered = try await offered(world, Self.metered)
        let before = try await world.view(ordered)
        let view = try await topUp(world, ordered, 1, 1_920_000)
        #expect(view.held == before.held + 1_920_000 && view.deadline == before.deadline + 100 && view.topUps == 1)
        // Sent again it is the same; another one of that number is not.
        #expect(try await topUp(world, ordered, 1, 1_920_000).held == view.held)
        await #expect(throws: EngineError.self) { try await topUp(world, ordered, 1, 5) }
        try await world.restart()
        let provider = try await world.provider()
        #expect(try await provider.step())
        #expect(try await world.validator().step())
        let receipt = try await receipt(world, ordered)
        #expect(receipt.settlement.workUnits == 128_000 && receipt.settlement.gross == 5_120_000)
        #expect(receipt.settlement.held == 5_120_000 && receipt.topUpDigests.count == 1)
    }

    @Test func aSpotJobThatNobodyDisturbsRunsToItsEnd() async throws {
        let world = try await Harness()
        let ordered = try await offered(world, #"{"preemptible":true}"#)
        let provider = try await world.provider()
        #expect(try await provider.step())
        #expect(try await world.validator().step())
        #expect(try await receipt(world, ordered).settlement.workUnits == 128_000)
    }

    @Test func anEngineThatAsksForItGetsWhatThereIs() async throws {
        let world = try await Harness()
        let ordered = try await offered(world, #"{"preemptible":true}"#)
        let runner = ClosingRunner()
        let provider = try await world.provider(0, runner)
        // The requester has had enough while the first half is being computed.
        let request = try world.request(.close(job: JobID(ordered.id)), world.keys.requester)
        await runner.before { [scheduler = world.scheduler, id = ordered.id] in
            _ = try? await scheduler.close(job: id, request: request)
        }
        #expect(try await provider.step())
        #expect(await runner.runs == 1)
        #expect(try await world.validator().step())
        let receipt = try await receipt(world, ordered)
        #expect(receipt.outcome == .accepted && receipt.settlement.workUnits == 64_000)
        #expect(receipt.settlement.gross == 2_560_000 && receipt.settlement.refunded == 3_840_000)
    }

    @Test func onlyTheRequesterCloses() async throws {
        let world = try await Harness()
        let ordered = try await offered(world, Self.metered)
        await #expect(throws: EngineError.self) { try await close(world, ordered, by: world.keys.stranger) }
        let view = try await close(world, ordered, by: world.keys.requester)
        #expect(view.isFinal && view.refunded == view.held)
        let receipt = try await receipt(world, ordered)
        #expect(receipt.reason == "closed" && receipt.fault == .none)
    }

    @Test func aBondIsHeldAndComesBack() async throws {
        let world = try await Harness()
        let ordered = try await offered(world, #"{"bond":"777"}"#)
        let provider = try await world.provider()
        #expect(try await provider.step())
        #expect(try await world.validator().step())
        let receipt = try await receipt(world, ordered)
        #expect(receipt.settlement.bond == Settlement.Stake(held: 777, slashed: 0, released: 777, legs: []))
    }

    @Test func aReadingByAnotherNodeOrOfAnotherLeaseIsRefused() async throws {
        let world = try await Harness()
        let ordered = try await offered(world, Self.metered)
        _ = try await world.provider()
        let work = try await world.result()
        func reading(_ change: (inout MeterReading) -> Void, by key: SigningKey) throws -> [UInt8] {
            var reading = MeterReading(
                jobID: work.statement.jobID,
                attempt: work.statement.attempt,
                epoch: work.statement.epoch,
                leaseDigest: work.statement.leaseDigest,
                node: key.verifyingKey,
                sequence: 1,
                workUnits: 5,
                wallMicroseconds: 5,
                at: world.clock.now
            )
            change(&reading)
            return try MeterReading.sign(reading, with: key).envelope
        }
        let node = world.keys.nodes[0]
        for bytes in [
            try reading({ _ in }, by: world.keys.stranger), try reading({ $0.leaseDigest = .zero }, by: node),
            try reading({ $0.epoch = 7 }, by: node), try reading({ $0.workUnits = 80_001 }, by: node),
        ] {
            await #expect(throws: EngineError.self) {
                try await world.scheduler.read(job: ordered.id, reading: bytes)
            }
        }
        let view = try await world.scheduler.read(job: ordered.id, reading: try reading({ _ in }, by: node))
        #expect(view.metered == 5)
        #expect(await world.scheduler.isHealthy)
    }

    @Test func aLateResultIsKeptAndNotPaid() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        _ = try await world.provider()
        let late = try await world.result()
        try await world.expire(ordered)
        let second = try await world.provider(1)
        let execution = try late.execution()
        // The lease of the second attempt stands; the first node's result comes now.
        _ = try await world.scheduler.node(request: try world.request(.poll, world.keys.nodes[1]))
        let before = try await world.view(ordered)
        #expect(before.phase == "assigned" && before.attempt == 2)
        for _ in 0..<2 {
            await #expect(throws: EngineError.self) {
                try await world.scheduler.commit(job: ordered.id, execution: execution, trace: late.trace)
            }
        }
        #expect(try await world.view(ordered) == before)
        let kept = try world.store.record(kind: Scheduler.lateRecordKind, id: ordered.id.bytes + [1])
        #expect(kept?.body == execution)
        // Who never had a lease leaves no result on record, and puts none in another's place.
        var foreign = late
        foreign.statement.node = world.keys.stranger.verifyingKey
        foreign.key = world.keys.stranger
        let forged = try foreign.execution()
        await #expect(throws: EngineError.self) {
            try await world.scheduler.commit(job: ordered.id, execution: forged, trace: late.trace)
        }
        #expect(try world.store.records(kind: Scheduler.lateRecordKind).map(\.body) == [execution])
        #expect(try await second.step())
        #expect(try await world.validator().step())
        #expect(try await receipt(world, ordered).attempts.map(\.end) == ["silent", "accepted"])
        #expect(try await world.balance(world.account(.provider, of: world.keys.nodes[0])) == 0)
    }
}

/// Runs as `TinyRunner` does, after something that a test wants to happen first.
private actor ClosingRunner: Runner {
    private(set) var runs = 0
    private var first: (@Sendable () async -> Void)?

    func before(_ body: @escaping @Sendable () async -> Void) { first = body }

    func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
        runs += 1
        await first?()
        first = nil
        return await TinyRunner().run(spec, files: files)
    }
}
