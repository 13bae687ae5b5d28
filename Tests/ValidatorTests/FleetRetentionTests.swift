// A retention beside a scheduler at work on one database: jobs that are ordered between its steps keep their files.
import AssayTesting
import Commitments
import EngineAPI
import Ledger
import Receipts
import Testing

@testable import Validator

@Suite(.enabled(if: PrivatePostgres.isInstalled(for: "FleetRetentionTests")))
struct FleetRetentionTests {
    private let database: PostgresDatabase
    private let files: PostgresArtefacts
    private let run: [UInt8] = [1]
    private let policy = RetentionPolicy(seconds: [.inputs: 30 * RetentionPolicy.day])

    init() throws {
        database = try PostgresDatabase(url: try PrivatePostgres.shared.get().newDatabase())
        files = PostgresArtefacts(database: database)
    }

    private func world() async throws -> Harness {
        let fences = PostgresWorkQueue(database: database)
        let fence = try #require(try fences.acquire("ledger", holder: [1], leaseMilliseconds: 600_000))
        return try await Harness(
            store: PostgresLedgerStore(database: database, fence: fence),
            artefacts: DatabaseArtefacts(files)
        )
    }

    /// A world in which a job has ended so long ago that its inputs may go.
    private func ended() async throws -> (world: Harness, job: Ordered) {
        let world = try await world()
        let job = try await world.offered()
        let provider = try await world.provider()
        #expect(try await provider.step())
        #expect(try await world.validator().step())
        #expect(try await world.view(job).phase == "final")
        world.clock.advance(31 * RetentionPolicy.day)
        return (world, job)
    }

    private func retention() -> Retention {
        Retention(
            store: PostgresLedgerStore(database: database, fence: nil),
            place: DatabaseRetention(database: database, name: "test")
        )
    }

    private func inputs(_ ordered: Ordered) -> [String] { ordered.sealed.files.map(\.identity.cid.text) }

    /// The job is run, judged and paid.
    private func finish(_ world: Harness, _ ordered: Ordered) async throws {
        let provider = try await world.provider(1)
        #expect(try await provider.step())
        #expect(try await world.validator(1).step())
        let view = try await world.view(ordered)
        #expect(view.phase == "final" && view.outcome == "accepted", "\(view)")
    }

    @Test func filesOfEndedJobsGoAndAreAskedForAgain() async throws {
        let (world, first) = try await ended()
        let plan = try retention().plan(policy, now: world.clock.now)
        #expect(Set(plan.items.map(\.name)) == Set(inputs(first)) && plan.items.allSatisfy { $0.kind == .inputs })
        #expect(try await retention().apply(plan).items == plan.items)
        #expect(try files.lengths(of: inputs(first)).isEmpty)
        #expect(try await retention().apply(plan).items.isEmpty)
        // The engine that had them does not believe that it has them still.
        let second = try world.order(nonce: 2)
        #expect(try await world.submit(second).missing.count == Set(inputs(second)).count)
        #expect(try await world.upload(second).phase == "offered")
        try await finish(world, second)
    }

    @Test func aJobOrderedAfterTheListingKeepsItsFiles() async throws {
        let (world, _) = try await ended()
        let plan = try retention().plan(policy, now: world.clock.now)
        #expect(!plan.items.isEmpty)
        // The files are there, so nobody is asked for them.
        let second = try world.order(nonce: 2)
        #expect(try await world.submit(second).phase == "offered")
        let done = try await retention().apply(plan)
        #expect(done.items.isEmpty && done.counts[.inputs]?.kept == plan.counts[.inputs]?.going)
        try await finish(world, second)
    }

    /// Also when it has ended by then: its own receipt keeps them.
    @Test func aJobOrderedAndEndedAfterTheListingKeepsItsFiles() async throws {
        let (world, first) = try await ended()
        let plan = try retention().plan(policy, now: world.clock.now)
        let second = try world.order(nonce: 2)
        try await world.submit(second)
        try await finish(world, second)
        #expect(try await retention().apply(plan).items.isEmpty)
        #expect(try files.lengths(of: inputs(first)).count == Set(inputs(first)).count)
    }

    @Test func aJobOrderedAfterTheCondemnationIsAskedForItsFiles() async throws {
        let (world, first) = try await ended()
        let plan = try retention().plan(policy, now: world.clock.now)
        try files.condemn(plan.items.map(\.name), run: run)
        // The second reading comes before the order, and spares nothing.
        let second = try world.order(nonce: 2)
        #expect(try await world.submit(second).phase == "funded")
        let one = try #require(second.sealed.files.first)
        let bytes = try #require(second.files[one.path])
        _ = try await world.scheduler.putFile(job: second.id, cid: one.identity.cid, bytes: bytes)
        var gone: Set<String> = []
        while let some = try files.deleteSome(run: run) { gone.formUnion(some) }
        #expect(gone == Set(inputs(first)).subtracting([one.identity.cid.text]))
        #expect(try await world.view(second).phase == "funded")
        #expect(try await world.upload(second).phase == "offered")
        try await finish(world, second)
    }

    /// A job that rests on a file is served while the file is condemned, and ends by nobody's fault.
    @Test func aJobAtWorkNoticesNoCondemnation() async throws {
        let (world, _) = try await ended()
        let plan = try retention().plan(policy, now: world.clock.now)
        let second = try world.order(nonce: 2)
        try await world.submit(second)
        try files.condemn(plan.items.map(\.name), run: run)
        let provider = try await world.provider(1)
        for file in second.sealed.files {
            #expect(try await world.scheduler.file(job: second.id, cid: file.identity.cid) == second.files[file.path])
        }
        for file in second.sealed.files {
            try await world.scheduler.noteLoss(of: file.identity.cid, from: second.id)
        }
        #expect(try await provider.step())
        #expect(try await world.validator(1).step())
        #expect(try await world.view(second).outcome == "accepted")
        try files.spare(plan.items.map(\.name), run: run)
    }

    @Test func whatCannotBeReadAgainDeletesNothing() async throws {
        let (world, first) = try await ended()
        let plan = try retention().plan(policy, now: world.clock.now)
        let broken = Record(kind: JobDocuments.jobKind, id: SHA256.hash([1]).bytes, body: [1])
        try await world.store.commit(Batch(records: [broken]))
        await #expect(throws: StorageError.self) { try await retention().apply(plan) }
        #expect(throws: StorageError.self) { try retention().plan(policy, now: world.clock.now) }
        #expect(try files.lengths(of: inputs(first)).count == Set(inputs(first)).count)
        try await world.store.commit(Batch(records: [Record(kind: broken.kind, id: broken.id, body: nil)]))
        #expect(try await retention().apply(plan).items == plan.items)
    }
}
