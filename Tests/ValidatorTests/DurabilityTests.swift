// No answer before its batch is on the disk; no change after the disk has failed, and reads of what is on it.
import Appraisal
import AssayTesting
import Commitments
import EngineAPI
import Ledger
import Market
import Receipts
import Signatures
import Synchronization
import Testing

@testable import Validator

/// Something that has happened or not.
private final class Flag: Sendable {
    private let value = Mutex(false)
    var isRaised: Bool { value.withLock { $0 } }
    func raise() { value.withLock { $0 = true } }
}

@Suite("Durability") struct DurabilityTests {
    /// Runs `call` while the disk is held up, and says whether it answered before the disk went on.
    private func answersEarly<Answer: Sendable>(
        _ store: LaggingStore,
        after first: (@Sendable () async throws -> Void)? = nil,
        _ call: @escaping @Sendable () async throws -> Answer
    ) async throws -> (isEarly: Bool, answer: Answer) {
        store.hold()
        var earlier: Task<Void, any Error>?
        if let first {
            earlier = Task { try await first() }
            while store.waitingCount == 0 { await Task.yield() }
        }
        let isDone = Flag()
        let (early, answer): (Bool, Answer) = try await withThrowingTaskGroup(of: Answer.self) { group in
            group.addTask {
                let answer = try await call()
                isDone.raise()
                return answer
            }
            // Long enough for a call that does not wait; one that waits cannot end however long this is.
            for _ in 0..<2000 { await Task.yield() }
            let early = isDone.isRaised
            await store.release()
            for try await answer in group { return (early, answer) }
            throw HarnessError("no answer")
        }
        try await earlier?.value
        return (early, answer)
    }

    @Test func anOrderIsAcknowledgedWhenItsHoldIsOnTheDisk() async throws {
        let store = LaggingStore()
        let world = try await Harness(store: store)
        try await world.fund()
        let ordered = try world.order()
        let scheduler = world.scheduler
        let (early, view) = try await answersEarly(store) {
            try await scheduler.submit(order: ordered.order, spec: ordered.sealed.bytes)
        }
        #expect(!early)
        #expect(view.phase == "funded")
    }

    /// Whoever forgets files spares what the store says that a job names; the engine may not rest on them before it does.
    @Test func filesAreLookedAtWhenTheOrderThatNamesThemIsOnTheDisk() async throws {
        let store = LaggingStore()
        let world = try await Harness(store: store)
        try await world.fund()
        let ordered = try world.order()
        let scheduler = world.scheduler
        store.hold()
        let order = Task { try await scheduler.submit(order: ordered.order, spec: ordered.sealed.bytes) }
        while store.waitingCount == 0 { await Task.yield() }
        let uploads = ordered.files.values.map { bytes in
            Task { try await scheduler.putFile(job: ordered.id, cid: ArtefactIdentity(of: bytes).cid, bytes: bytes) }
        }
        // Long enough for a look that does not wait, which would offer the job; one that waits cannot end however long this is.
        for _ in 0..<2000 { await Task.yield() }
        #expect(store.waitingCount == 1)
        await store.release()
        _ = try await order.value
        for upload in uploads { _ = try? await upload.value }
        #expect(try await world.view(ordered).phase == "offered")
    }

    @Test func aRepeatedCallWaitsForTheFirst() async throws {
        let store = LaggingStore()
        let world = try await Harness(store: store)
        let ordered = try await world.offered()
        _ = try await world.provider()
        let work = try await world.result()
        let (execution, trace, id, scheduler) = (try work.execution(), work.trace, ordered.id, world.scheduler)
        let (early, view) = try await answersEarly(
            store,
            after: { _ = try await scheduler.commit(job: id, execution: execution, trace: trace) },
            { try await scheduler.commit(job: id, execution: execution, trace: trace) }
        )
        #expect(!early)
        #expect(view.phase == "committed")
    }

    @Test func aLeaseIsHandedOutWhenItIsOnTheDisk() async throws {
        let store = LaggingStore()
        let world = try await Harness(store: store)
        _ = try await world.offered()
        _ = try await world.provider()
        let scheduler = world.scheduler
        let polls = [try world.request(.poll, world.keys.nodes[0]), try world.request(.poll, world.keys.nodes[0])]
        let (early, work) = try await answersEarly(
            store,
            after: { _ = try await scheduler.node(request: polls[0]) },
            { try await scheduler.node(request: polls[1]) }
        )
        #expect(!early)
        #expect(work != nil)
    }

    /// Between the last event of a job and its receipt on the disk the job is in neither place; it is never unknown.
    @Test func aJobIsKnownWhileItsEndIsOnTheWay() async throws {
        let store = LaggingStore()
        let world = try await Harness(store: store)
        let ordered = try await world.offered()
        let (scheduler, id, clock) = (world.scheduler, ordered.id, world.clock)
        clock.advance(60)
        let end: @Sendable () async throws -> Void = { try await scheduler.perform(.tick) }
        let (early, view) = try await answersEarly(store, after: end) { try await scheduler.job(id: id) }
        #expect(!early)
        #expect(view.phase == "final")
        #expect(try await world.submit(ordered).phase == "final")
        #expect(try await world.upload(ordered).phase == "final")
    }

    @Test func afterAFailedWriteTheEngineChangesNothingAndShowsTheDisk() async throws {
        let store = LaggingStore()
        let world = try await Harness(store: store)
        let ended = try await world.offered()
        #expect(try await world.provider().step())
        #expect(try await world.validator().step())
        let ordered = try world.order(nonce: 2)
        try await world.submit(ordered)
        let payer = world.account(.payer, of: world.keys.requester)
        let before = try await world.scheduler.account(id: payer.text)
        let third = try world.order(nonce: 3)
        store.fail()
        let scheduler = world.scheduler
        let (node, validator) = (world.keys.nodes[0], world.keys.validators[0])
        let credit = try world.request(.credit(account: payer, amount: 5), world.keys.operator)
        let close = try world.request(.close(job: JobID(ordered.id)), world.keys.requester)
        let polls = [try world.request(.poll, node), try world.request(.poll, validator)]
        let calls: [(String, () async throws(EngineError) -> Void)] = [
            (
                "new job",
                { () async throws(EngineError) in
                    _ = try await scheduler.submit(order: third.order, spec: third.sealed.bytes)
                }
            ),
            ("upload", { () async throws(EngineError) in try await self.upload(world, ordered) }),
            (
                "submit",
                { () async throws(EngineError) in
                    _ = try await scheduler.submit(order: ordered.order, spec: ordered.sealed.bytes)
                }
            ),
            ("credit", { () async throws(EngineError) in _ = try await scheduler.account(request: credit) }),
            (
                "close",
                { () async throws(EngineError) in _ = try await scheduler.close(job: ordered.id, request: close) }
            ),
            ("top up", { () async throws(EngineError) in _ = try await scheduler.topUp(job: ordered.id, topUp: []) }),
            ("node", { () async throws(EngineError) in _ = try await scheduler.node(request: polls[0]) }),
            ("reading", { () async throws(EngineError) in _ = try await scheduler.read(job: ordered.id, reading: []) }),
            (
                "result",
                { () async throws(EngineError) in
                    _ = try await scheduler.commit(job: ended.id, execution: [], trace: [])
                }
            ),
            ("validator", { () async throws(EngineError) in _ = try await scheduler.validator(request: polls[1]) }),
            ("verdict", { () async throws(EngineError) in _ = try await scheduler.judge(job: ended.id, verdict: []) }),
            ("tick", { () async throws(EngineError) in _ = try await scheduler.perform(.tick) }),
        ]
        for (name, call) in calls {
            do throws(EngineError) {
                try await call()
                Issue.record("\(name) was answered")
            } catch {
                #expect(error.id == "engine.stopped", "\(name): \(error)")
            }
        }
        #expect(await scheduler.isHealthy == false)
        // What is on the disk is still true, and shown: the third job's money is not gone.
        #expect(try await scheduler.account(id: payer.text) == before)
        #expect(try await scheduler.job(id: ended.id).outcome == "accepted")
        let open = try await scheduler.job(id: ordered.id)
        #expect(open.phase == "assigned" && open.stopped?.contains("input/output error") == true, "\(open)")
        await #expect { try await scheduler.job(id: third.id) } throws: { ($0 as? EngineError)?.id == "job.unknown" }
        #expect(try await scheduler.jobs(limit: 10).map(\.id) == [ended.id])
        #expect(try await scheduler.nodes().map(\.key) == [node.verifyingKey])
        let input = try #require(ended.sealed.files.first)
        #expect(try await scheduler.file(job: ordered.id, cid: input.identity.cid) == ended.files[input.path])
        #expect(try await world.audit(ended).conclusion == .accepted)
        #expect(try await scheduler.engine().engine == world.keys.engine.verifyingKey)
    }

    private func upload(_ world: Harness, _ ordered: Ordered) async throws(EngineError) {
        for bytes in ordered.files.values {
            _ = try await world.scheduler.putFile(job: ordered.id, cid: ArtefactIdentity(of: bytes).cid, bytes: bytes)
        }
    }

    @Test func aFullQueueIsARefusalAndNotAnEnd() async throws {
        let store = LaggingStore()
        let world = try await Harness(store: store)
        store.hold()
        let scheduler = world.scheduler
        let requests = try (0...Scheduler.inFlightMax).map { _ in try world.request(.open, try SigningKey.generate()) }
        let busy = await withTaskGroup(of: Bool.self) { group in
            for request in requests {
                group.addTask {
                    do throws(EngineError) {
                        _ = try await scheduler.account(request: request)
                        return false
                    } catch {
                        return error.id == "engine.busy"
                    }
                }
            }
            while store.waitingCount < Scheduler.inFlightMax { await Task.yield() }
            for _ in 0..<1000 { await Task.yield() }
            await store.release()
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(busy == 1)
        #expect(await scheduler.isHealthy)
        try await world.fund()
    }
}
