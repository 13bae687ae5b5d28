// An engine that ends at any point goes on from there: nothing is lost, nothing happens twice.
import Appraisal
import AssayTesting
import Commitments
import EngineAPI
import Foundation
import Ledger
import Market
import Receipts
import Signatures
import Testing
import Verdicts

@testable import Validator

@Suite("Restarts") struct RestartTests {
    @Test(arguments: ["funded", "offered", "assigned", "committed", "verifying", "drawn", "final"])
    func theJobGoesOn(_ phase: String) async throws {
        let world = try await Harness()
        try await world.fund()
        let ordered = try world.order()
        try await world.submit(ordered)
        var done = false
        func pass(_ name: String) async throws {
            guard !done, name == phase else { return }
            let before = try await world.view(ordered)
            try await world.restart()
            #expect(try await world.view(ordered) == before)
            done = true
        }
        try await pass("funded")
        try await world.upload(ordered)
        try await pass("offered")
        _ = try await world.provider()
        let work = try await world.result()
        try await pass("assigned")
        _ = try await world.scheduler.commit(job: ordered.id, execution: try work.execution(), trace: work.trace)
        try await pass("committed")
        for output in work.statement.outputs {
            let bytes = try #require(work.outputs[output.slot])
            _ = try await world.scheduler.putOutput(job: ordered.id, cid: output.identity.cid, bytes: bytes)
        }
        try await pass("verifying")
        if phase == "drawn" {
            let poll = try world.request(.poll, world.keys.validators[0])
            #expect(try await world.scheduler.validator(request: poll) != nil)
            try await pass("drawn")
        }
        #expect(try await world.validator().step())
        try await pass("final")
        #expect(done)
        let report = try await world.audit(ordered, deep: TinyRunner())
        #expect(report.conclusion == .accepted)
        #expect(try await world.balance(world.account(.provider, of: world.keys.nodes[0])) == 4_736_000)
        let sqlite = try #require(world.store as? SQLiteLedgerStore)
        #expect(try Fsck.run(sqlite).isClean)
    }

    @Test func aRestartBringsNoFreshBudget() async throws {
        let world = try await Harness(issueBudget: IssueBudget(epochSeconds: 1000, units: 100))
        try await world.fund(90)
        try await world.restart()
        let payer = world.account(.payer, of: world.keys.requester)
        await #expect(throws: EngineError.self) { try await world.credit(payer, 11) }
        try await world.credit(payer, 10)
        world.clock.advance(1000)
        try await world.credit(payer, 100)
        #expect(try await world.balance(payer) == 200)
    }

    @Test func filesThatCameJustBeforeTheEndAreNoticed() async throws {
        let world = try await Harness()
        try await world.fund()
        let ordered = try world.order()
        try await world.submit(ordered)
        try keep(ordered.files.values.map { $0 }, world)
        #expect(try await world.view(ordered).phase == "funded")
        try await world.restart()
        #expect(try await world.view(ordered).phase == "offered")
    }

    @Test func aRepeatedOrderNoticesFilesThatAreThere() async throws {
        let world = try await Harness()
        try await world.fund()
        let ordered = try world.order()
        try await world.submit(ordered)
        try keep(ordered.files.values.map { $0 }, world)
        #expect(try await world.submit(ordered).phase == "offered")
    }

    @Test func outputsThatCameJustBeforeTheEndAreNoticed() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        _ = try await world.provider()
        let work = try await world.result()
        _ = try await world.scheduler.commit(job: ordered.id, execution: try work.execution(), trace: work.trace)
        try keep(work.outputs.values.map { $0 }, world)
        try await world.restart()
        #expect(try await world.view(ordered).phase == "verifying")
    }

    private func keep(_ files: [[UInt8]], _ world: Harness) throws {
        let artefacts = try ArtefactStore(folder: world.folder.path + "/artefacts")
        for bytes in files { try artefacts.put(bytes, cid: ArtefactIdentity(of: bytes).cid) }
    }

    /// A lease that was lost with the engine's last writes is granted anew; what was signed under the old one is not sent.
    @Test func aProviderDoesNotSendWhatItSignedUnderALostLease() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        let agent = try await world.provider()
        let work = try await world.result()
        var foreign = work.statement
        foreign.leaseDigest = .zero
        let kept = NodeResult(
            execution: try ExecutionStatement.sign(foreign, outputs: work.outputs, with: work.key).envelope,
            trace: work.trace,
            outputs: foreign.outputs.map(\.identity.cid)
        )
        try ResultFolder(folder: world.folder.path + "/results-0").write(kept, job: ordered.id, attempt: 1)
        #expect(try await agent.step())
        #expect(try await world.view(ordered).phase == "verifying")
    }

    /// A node that crashed after it signed sends the same statement.
    @Test func aProviderSendsWhatItSignedAgain() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        let agent = try await world.provider(0, TinyRunner(.crashes))
        let work = try await world.result()
        let kept = NodeResult(
            execution: try work.execution(),
            trace: work.trace,
            outputs: work.statement.outputs.map(\.identity.cid)
        )
        try ResultFolder(folder: world.folder.path + "/results-0").write(kept, job: ordered.id, attempt: 1)
        let artefacts = try ArtefactStore(folder: world.folder.path + "/node-0")
        for output in work.statement.outputs {
            try artefacts.put(try #require(work.outputs[output.slot]), cid: output.identity.cid)
        }
        #expect(try await agent.step())
        #expect(try await world.view(ordered).phase == "verifying")
        #expect(try await agent.step() == false)
        #expect(try FileManager.default.contentsOfDirectory(atPath: world.folder.path + "/results-0").isEmpty)
    }
}
