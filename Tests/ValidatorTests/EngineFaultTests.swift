// The engine's own faults: what it has lost, and when it was not there. Requester and node get everything back.
import Appraisal
import AssayTesting
import Commitments
import EngineAPI
import Foundation
import Ledger
import Receipts
import Replay
import Signatures
import Testing
import Verdicts

@testable import Validator

@Suite("Engine faults") struct EngineFaultTests {
    private func lose(_ bytes: [UInt8], _ world: Harness) throws {
        let path = world.folder.path + "/artefacts/" + ArtefactIdentity(of: bytes).cid.text
        try FileManager.default.removeItem(atPath: path)
    }

    /// The job has ended by the engine's fault, everybody has what was his, and an auditor believes the receipt.
    private func checkFault(
        _ world: Harness,
        _ ordered: Ordered,
        _ reason: String,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let report = try await world.audit(ordered)
        let failed = report.verdict.checks.filter { $0.result == .fail }
        #expect(failed.isEmpty, "\(failed)", sourceLocation: location)
        let receipt = try #require(report.summary?.receipt, sourceLocation: location)
        #expect(receipt.outcome == .inconclusive && receipt.fault == .engine, sourceLocation: location)
        #expect(receipt.reason == reason, sourceLocation: location)
        #expect(receipt.settlement.gross == 0 && receipt.settlement.stake?.slashed == 0, sourceLocation: location)
        let payer = world.account(.payer, of: world.keys.requester)
        #expect(try await world.balance(payer) == 1_000_000_000, sourceLocation: location)
        let stake = try await world.balance(try world.stake(of: world.keys.nodes[0]))
        #expect(stake == 100_000_000, sourceLocation: location)
        #expect(try world.store.openHolds().isEmpty, sourceLocation: location)
    }

    @Test func anInputThatIsLostIsNobodyElsesFault() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        let provider = try await world.provider()
        try lose(try #require(ordered.files["inputs/x.raw"]), world)
        _ = try? await provider.step()
        try await checkFault(world, ordered, Scheduler.lostFile)
    }

    @Test func anOutputThatIsLostIsNobodyElsesFault() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        let provider = try await world.provider()
        let work = try await world.result()
        #expect(try await provider.step())
        #expect(try await world.view(ordered).phase == "verifying")
        try lose(try #require(work.outputs.values.first), world)
        _ = try? await world.validator().step()
        try await checkFault(world, ordered, Scheduler.lostFile)
    }

    @Test(arguments: [true, false])
    func silenceIsTheNodesOnlyWhenTheFilesAreThere(_ isLost: Bool) async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        _ = try await world.provider()
        _ = try await world.scheduler.node(request: try world.request(.poll, world.keys.nodes[0]))
        if isLost { try lose(try #require(ordered.files["inputs/x.raw"]), world) }
        world.clock.advance(40)
        try await world.scheduler.fireTimers()
        guard isLost else { return #expect(try await world.view(ordered).phase == "offered") }
        try await checkFault(world, ordered, Scheduler.lostFile)
    }

    /// Nobody is silent while there is no engine to answer: after a start everybody has some time.
    @Test func whoCouldNotAnswerIsNotSilent() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        _ = try await world.provider()
        _ = try await world.scheduler.node(request: try world.request(.poll, world.keys.nodes[0]))
        world.clock.advance(3600)
        try await world.restart()
        let provider = try world.agent(0, TinyRunner())
        try await world.scheduler.fireTimers()
        #expect(try await world.view(ordered).phase == "assigned")
        #expect(try await provider.step())
        #expect(try await world.view(ordered).phase == "verifying")
        // The time is bounded.
        world.clock.advance(30)
        try await world.scheduler.fireTimers()
        #expect(try await world.view(ordered).phase == "verifying")
        for _ in 0..<3 {
            world.clock.advance(Scheduler.graceSeconds + 30)
            try await world.scheduler.fireTimers()
        }
        #expect(try await world.view(ordered).phase == "offered")
    }

    @Test func theOperatorRefundsWhatTheEngineCannotFinish() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        _ = try await world.provider()
        _ = try await world.scheduler.node(request: try world.request(.poll, world.keys.nodes[0]))
        let action = EngineRequest.Action.refund(job: JobID(ordered.id), reason: "the rack is on fire")
        for key in [world.keys.requester, world.keys.stranger, world.keys.nodes[0]] {
            let request = try world.request(action, key)
            await #expect(throws: EngineError.self) {
                try await world.scheduler.close(job: ordered.id, request: request)
            }
        }
        #expect(try await world.view(ordered).phase == "assigned")
        let request = try world.request(action, world.keys.operator)
        let view = try await world.scheduler.close(job: ordered.id, request: request)
        #expect(view.isFinal && view.refunded == view.held && view.reason == "the rack is on fire")
        #expect(try await world.scheduler.close(job: ordered.id, request: request) == view)
        try await checkFault(world, ordered, "operator-refund")
    }
}
