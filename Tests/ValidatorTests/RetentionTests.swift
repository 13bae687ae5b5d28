// What a data folder may forget, and above all what it may not: files of open jobs, of disputes, of the job that needs them longest.
import AssayTesting
import Commitments
import EngineAPI
import Foundation
import Ledger
import Market
import Receipts
import Testing

@testable import Validator

@Suite struct RetentionTests {
    /// Everything goes at once.
    private let nothing = RetentionPolicy(
        seconds: Dictionary(uniqueKeysWithValues: RetentionPolicy.Kind.allCases.map { ($0, 0) })
    )
    private let farAway: Int64 = 1 << 40

    private func retention(_ world: Harness) -> Retention {
        retention(world.store, world.folder)
    }

    private func retention(_ store: any LedgerStore, _ folder: TemporaryFolder) -> Retention {
        Retention(store: store, place: FolderRetention(store: store, data: DataFolder(path: folder.path)))
    }

    private func names(_ plan: RetentionPlan) -> Set<String> { Set(plan.items.map(\.name)) }

    private func inputs(_ ordered: Ordered) -> Set<String> { Set(ordered.sealed.files.map(\.identity.cid.text)) }

    @Test func whatAnOpenJobNamesStays() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        _ = try await world.provider()
        let work = try await world.result()
        _ = try await world.scheduler.commit(job: ordered.id, execution: try work.execution(), trace: work.trace)
        for output in work.statement.outputs {
            let bytes = try #require(work.outputs[output.slot])
            _ = try await world.scheduler.putOutput(job: ordered.id, cid: output.identity.cid, bytes: bytes)
        }
        let open = try retention(world).plan(nothing, now: farAway)
        #expect(open.items.isEmpty && open.needed == inputs(ordered).count + work.statement.outputs.count)
        #expect(try await world.validator().step())
        let ended = try retention(world).plan(nothing, now: farAway)
        #expect(names(ended) == inputs(ordered).union(work.statement.outputs.map(\.identity.cid.text)))
        #expect(ended.needed == 0)

        // An order for the same files: they are an open job's again, whatever was done with them before.
        let again = try world.order(nonce: 2)
        try await world.submit(again)
        let shared = try retention(world).plan(nothing, now: farAway)
        #expect(names(shared) == Set(work.statement.outputs.map(\.identity.cid.text)))
        try await retention(world).apply(shared)
        let left = try FileManager.default.contentsOfDirectory(atPath: world.folder.path + "/artefacts")
        #expect(inputs(ordered).isSubset(of: left) && names(shared).isDisjoint(with: left))
    }

    @Test func filesGoAfterTheEndOfTheLastJobThatHadThem() async throws {
        let world = try await Harness()
        let first = try await world.offered()
        try await world.expire(first)
        let second = try world.order(nonce: 2)
        try await world.submit(second)
        world.clock.advance(500)
        try await world.expire(second)
        let end = try #require(try world.store.latestReceipts(before: nil, limit: 1).first).row.at
        let policy = RetentionPolicy(seconds: [.inputs: 100])
        #expect(try retention(world).plan(policy, now: end + 99).items.isEmpty)
        #expect(names(try retention(world).plan(policy, now: end + 100)) == inputs(first))
        #expect(try retention(world).plan(RetentionPolicy(seconds: [:]), now: farAway).items.isEmpty)
    }

    @Test func lateResultsGoAfterTheEndOfTheirJob() async throws {
        let world = try await Harness()
        let ended = try await world.offered()
        let open = try world.order(nonce: 2)
        try await world.submit(open)
        func late(_ job: Ordered) -> Record {
            Record(kind: Scheduler.lateRecordKind, id: job.id.bytes + [1], body: [7])
        }
        try await world.store.commit(Batch(records: [late(ended), late(open)]))
        let job = try #require(try world.store.record(kind: JobDocuments.jobKind, id: ended.id.bytes))
        #expect(job.body != nil)
        #expect(try retention(world).plan(nothing, now: farAway).items.isEmpty)
        try await world.scheduler.perform(.close(job: ended.id))
        let end = try #require(try world.store.latestReceipts(before: nil, limit: 1).first).row.at
        let policy = RetentionPolicy(seconds: [.late: 100])
        #expect(try retention(world).plan(policy, now: end + 99).items.isEmpty)
        let plan = try retention(world).plan(policy, now: end + 100)
        #expect(plan.items.map(\.kind) == [.late])
        try await retention(world).apply(plan)
        #expect(try world.store.records(kind: Scheduler.lateRecordKind).map(\.id) == [open.id.bytes + [1]])
    }

    /// A store with the receipts of `bundles`, the first of them `count` times and before the others, and a file in the folder.
    private func store(
        _ folder: TemporaryFolder,
        _ bundles: [[UInt8]],
        repeating count: Int = 1,
        file: String
    ) async throws -> MemoryLedgerStore {
        let store = MemoryLedgerStore()
        var receipts: [ReceiptRow] = []
        for (index, bundle) in (bundles.dropLast() + Array(repeating: bundles[bundles.count - 1], count: count))
            .enumerated()
        {
            receipts.append(
                ReceiptRow(
                    job: SHA256.hash(Array("\(index)".utf8)),
                    attempt: 1,
                    verdict: SHA256.hash(bundle),
                    outcome: "accepted",
                    at: BundleFactory.settledAt,
                    bundleBytes: bundle
                )
            )
        }
        try await store.commit(Batch(receipts: receipts))
        try FileManager.default.createDirectory(atPath: folder.path + "/artefacts", withIntermediateDirectories: true)
        try Data([1]).write(to: URL(fileURLWithPath: folder.path + "/artefacts/" + file))
        return store
    }

    @Test func whatADisputeMayBeAboutStays() async throws {
        let factory = try BundleFactory()
        let end = BundleFactory.settledAt + 1000
        let bundle = try await factory.bundle(.accepted) { $0.disputeEndsAt = end }
        let folder = try TemporaryFolder()
        let file = try #require(factory.tiny.job.files.first).identity.cid.text
        let store = try await store(folder, [bundle], file: file)
        let retention = self.retention(store, folder)
        let open = try retention.plan(nothing, now: end - 1)
        #expect(open.items.isEmpty && open.needed == 1)
        #expect(names(try retention.plan(nothing, now: end)) == [file])
    }

    /// More receipts than are read at a time: the oldest one's files are known too.
    @Test func everyReceiptIsLookedAt() async throws {
        let oldest = try BundleFactory(seed: 2)
        let folder = try TemporaryFolder()
        // Every tiny job has the same source.
        let file = try #require(oldest.tiny.job.files.first { $0.path == "inputs/x.raw" }).identity.cid.text
        let bundles = [try await oldest.bundle(), try await BundleFactory().bundle()]
        let store = try await store(folder, bundles, repeating: 256, file: file)
        let retention = self.retention(store, folder)
        let policy = RetentionPolicy(seconds: [.strays: 0])
        #expect(try retention.plan(policy, now: farAway).items.isEmpty)
    }

    @Test func whatNobodyNamesIsCountedFromItsLastChange() async throws {
        let world = try await Harness()
        let folder = world.folder.path + "/artefacts/"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in ["stray", ArtefactStore.damagedPrefix + "x"] {
            try Data([1]).write(to: URL(fileURLWithPath: folder + name))
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: 1000)],
                ofItemAtPath: folder + name
            )
        }
        let policy = RetentionPolicy(seconds: [.strays: 10, .damaged: 20])
        #expect(try retention(world).plan(policy, now: 1009).items.isEmpty)
        #expect(try retention(world).plan(policy, now: 1010).items.map(\.kind) == [.strays])
        #expect(try retention(world).plan(policy, now: 1019).items.map(\.kind) == [.strays])
        #expect(try retention(world).plan(policy, now: 1020).items.map(\.kind) == [.damaged, .strays])
    }
}
