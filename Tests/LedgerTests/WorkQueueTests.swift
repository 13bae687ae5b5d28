// What both queues promise, and what only several processes on one PostgreSQL can show.
import AssayTesting
import Foundation
import PostgreSQL
import Synchronization
import Testing

@testable import Ledger

private func item(_ number: Int, queue: String = "q", priority: Int64 = 0, due: Int64 = 0) -> WorkItem {
    WorkItem(
        id: WorkID(deriving: Array("\(number)".utf8)),
        queue: queue,
        priority: priority,
        dueAtMilliseconds: due,
        body: Array("do \(number)".utf8)
    )
}

/// The promises, for any queue; `wait` lets the given number of milliseconds pass on the queue's clock.
private struct QueueContract {
    let queue: any WorkQueue & FenceStore
    let wait: (Int64) throws -> Void

    func run() throws {
        try order()
        try leases()
        try epochs()
        try results()
        try fences()
    }

    private func order() throws {
        try queue.enqueue([
            item(1, priority: 5), item(2, priority: 1), item(3, priority: 1, due: 7), item(4, queue: "r"),
        ])
        try queue.enqueue([item(1, priority: 9)])
        #expect(throws: LedgerError.self) {
            try queue.enqueue([WorkItem(id: item(1).id, queue: "q", body: [1])])
        }
        #expect(throws: LedgerError.self) { try queue.enqueue([item(1, queue: "r")]) }
        #expect(throws: LedgerError.self) { try queue.enqueue([item(9, queue: "")]) }
        let later = item(5, due: .max)
        try queue.enqueue([later])
        let backlog = try queue.backlog(queue: "q")
        #expect(backlog.ready == 3 && backlog.later == 1 && backlog.leased == 0 && backlog.finished == 0)
        #expect(backlog.oldestReadyMilliseconds > 0)
        let leases = try queue.claim(queue: "q", worker: [1], limit: 9, leaseMilliseconds: 60_000)
        #expect(leases.map(\.item) == [item(2, priority: 1), item(3, priority: 1, due: 7), item(1, priority: 5)])
        #expect(leases.allSatisfy { $0.epoch == 1 && $0.worker == [1] })
        #expect(try queue.claim(queue: "q", worker: [2], limit: 9, leaseMilliseconds: 60_000).isEmpty)
        for lease in leases { #expect(try queue.release(lease)) }
        for lease in leases { #expect(try !queue.release(lease)) }
        try queue.remove([item(1).id, item(2).id, item(3).id, item(4).id, later.id])
    }

    private func leases() throws {
        try queue.enqueue([item(10)])
        let first = try #require(try queue.claim(queue: "q", worker: [1], limit: 1, leaseMilliseconds: 40).first)
        try wait(60)
        #expect(try queue.backlog(queue: "q").ready == 1)
        let second = try #require(try queue.claim(queue: "q", worker: [2], limit: 1, leaseMilliseconds: 60_000).first)
        #expect(second.epoch == first.epoch + 1)
        #expect(try queue.extend(first, leaseMilliseconds: 1000) == nil)
        let longer = try #require(try queue.extend(second, leaseMilliseconds: 120_000))
        #expect(longer.expiresAtMilliseconds > second.expiresAtMilliseconds)
        // Who knows the epoch but is another has no say.
        let forged = WorkLease(item: second.item, worker: [9], epoch: second.epoch, expiresAtMilliseconds: 0)
        #expect(try queue.extend(forged, leaseMilliseconds: 1000) == nil)
        #expect(try !queue.release(forged))
        // The late result is kept and counts for nothing.
        #expect(try queue.finish(first, result: [1]) == .stale(current: second.epoch))
        #expect(try queue.finished(queue: "q", limit: 10).isEmpty)
        #expect(try queue.finish(second, result: [2]) == .accepted)
        #expect(try queue.finish(second, result: [2]) == .accepted)
        #expect(try queue.finish(first, result: [1]) == .stale(current: second.epoch))
        let all = try queue.results(of: item(10).id)
        #expect(all.map(\.isAccepted) == [false, true])
        #expect(all.map(\.body) == [[1], [2]])
        #expect(try queue.finished(queue: "q", limit: 10).map(\.body) == [[2]])
        #expect(try queue.backlog(queue: "q").finished == 1)
        #expect(try queue.claim(queue: "q", worker: [3], limit: 1, leaseMilliseconds: 10).isEmpty)
        try queue.remove([item(10).id])
        #expect(try queue.finish(first, result: [1]) == .gone)
        #expect(try queue.results(of: item(10).id).count == 2)
        let totals = try queue.resultTotals(beforeMilliseconds: .max)
        #expect(totals.forgettable == 2 && totals.forgettableBytes == 2)
        #expect(try queue.resultTotals(beforeMilliseconds: 0).kept == totals.forgettable + totals.kept)
        #expect(try queue.forgetResults(beforeMilliseconds: 0, limit: 10) == 0)
        #expect(try queue.forgetResults(beforeMilliseconds: .max, limit: 1) == 1)
        #expect(try queue.forgetResults(beforeMilliseconds: .max, limit: 10) == 1)
        #expect(try queue.forgetResults(beforeMilliseconds: .max, limit: 10) == 0)
        #expect(try queue.results(of: item(10).id).isEmpty)
    }

    /// A worker that gets an item again is not answered for what it did under its earlier lease.
    private func epochs() throws {
        try queue.enqueue([item(15)])
        let first = try #require(try queue.claim(queue: "q", worker: [1], limit: 1, leaseMilliseconds: 40).first)
        try wait(60)
        let second = try #require(try queue.claim(queue: "q", worker: [1], limit: 1, leaseMilliseconds: 60_000).first)
        #expect(second.epoch == first.epoch + 1)
        #expect(try queue.extend(first, leaseMilliseconds: 1000) == nil)
        #expect(try !queue.release(first))
        #expect(try queue.finish(first, result: [1]) == .stale(current: second.epoch))
        #expect(try queue.finish(second, result: [2]) == .accepted)
        #expect(try queue.finished(queue: "q", limit: 10).map(\.body) == [[2]])
        try queue.remove([item(15).id])
        try queue.forgetResults(beforeMilliseconds: .max, limit: 10)
    }

    private func results() throws {
        try queue.enqueue([item(20)])
        // A lease that has expired and that nobody else took is still the present one.
        let lease = try #require(try queue.claim(queue: "q", worker: [1], limit: 1, leaseMilliseconds: 20).first)
        try wait(40)
        #expect(try queue.finish(lease, result: [7]) == .accepted)
        try queue.enqueue([item(21)])
        let other = try #require(try queue.claim(queue: "q", worker: [1], limit: 1, leaseMilliseconds: 60_000).first)
        let forged = WorkLease(item: other.item, worker: [9], epoch: other.epoch, expiresAtMilliseconds: 0)
        #expect(try queue.finish(forged, result: [1]) != .accepted)
        try queue.release(other)
        #expect(try queue.finish(other, result: [1]) != .accepted)
        #expect(throws: LedgerError.self) {
            try queue.claim(queue: "q", worker: [], limit: 1, leaseMilliseconds: 60_000)
        }
        #expect(throws: LedgerError.self) { try queue.claim(queue: "q", worker: [1], limit: 1, leaseMilliseconds: 0) }
        #expect(throws: LedgerError.self) { try queue.finish(other, result: [UInt8](repeating: 0, count: 2 << 20)) }
    }

    private func fences() throws {
        #expect(try queue.present("scheduler") == nil)
        let first = try #require(try queue.acquire("scheduler", holder: [1], leaseMilliseconds: 60_000))
        #expect(first.epoch == 1)
        #expect(try queue.acquire("scheduler", holder: [2], leaseMilliseconds: 60_000) == nil)
        let again = try #require(try queue.acquire("scheduler", holder: [1], leaseMilliseconds: 40))
        #expect(again.epoch == 2)
        #expect(try !queue.renew(first, leaseMilliseconds: 60_000))
        #expect(try queue.renew(again, leaseMilliseconds: 40))
        try wait(60)
        let second = try #require(try queue.acquire("scheduler", holder: [2], leaseMilliseconds: 60_000))
        #expect(second.epoch == 3)
        #expect(try !queue.renew(again, leaseMilliseconds: 60_000))
        try queue.resign(again)
        #expect(try queue.acquire("scheduler", holder: [1], leaseMilliseconds: 60_000) == nil)
        try queue.resign(second)
        #expect(try queue.acquire("scheduler", holder: [1], leaseMilliseconds: 60_000)?.epoch == 4)
        #expect(try queue.present("scheduler")?.holder == [1])
    }
}

@Suite struct WorkQueueTests {
    @Test func sqliteKeepsTheContract() throws {
        let folder = try TemporaryFolder()
        let now = Mutex<Int64>(1_000_000)
        let box = Clock(now)
        let queue = try SQLiteWorkQueue(path: folder.path + "/queue.sqlite", clock: { box.now })
        try QueueContract(queue: queue, wait: { box.advance($0) }).run()
        try queue.close()
    }

    private final class Clock: Sendable {
        private let time: Mutex<Int64>
        init(_ time: consuming Mutex<Int64>) { self.time = time }
        var now: Int64 { time.withLock { $0 } }
        func advance(_ milliseconds: Int64) { time.withLock { $0 += milliseconds } }
    }

    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "WorkQueueTests")))
    func postgresKeepsTheContract() throws {
        let queue = try PostgresWorkQueue(url: PrivatePostgres.shared.get().newDatabase())
        try QueueContract(queue: queue, wait: { usleep(UInt32($0) * 1000) }).run()
    }

    /// Eight workers, 200 items, each enqueued twice, half of the leases left to expire: every item gets exactly one
    /// accepted result, and no two leases share an epoch (Jepsen's "set").
    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "WorkQueueTests")))
    func everyItemIsAcceptedOnce() async throws {
        let url = try PrivatePostgres.shared.get().newDatabase()
        let count = 200
        let leases = await withTaskGroup(of: [WorkLease].self) { group in
            for worker in 0..<8 {
                group.addTask { Self.work(url, worker: UInt8(worker), count: count) }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        let queue = try PostgresWorkQueue(url: url)
        let accepted = try queue.finished(queue: "q", limit: 1000)
        #expect(Set(accepted.map(\.id)) == Set((0..<count).map { item($0).id }))
        #expect(accepted.count == count)
        let names = leases.map { "\($0.item.id) \($0.epoch)" }
        #expect(Set(names).count == names.count, "two leases of one item have the same epoch")
        #expect(leases.count > count, "no lease expired, so nothing was tested")
    }

    /// Two that look for work at the same moment, before either has taken any, get different items.
    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "WorkQueueTests")))
    func whoClaimsAtTheSameMomentGetsOtherItems() throws {
        let url = try PrivatePostgres.shared.get().newDatabase()
        let queue = try PostgresWorkQueue(url: url)
        try queue.enqueue((0..<6).map { item($0) })
        // Each claim's statement sleeps when it has its snapshot and has locked nothing.
        try PostgresConnection(url: url).run(
            """
            CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$;
            CREATE TRIGGER dawdle BEFORE UPDATE ON work FOR EACH STATEMENT EXECUTE FUNCTION dawdle();
            """
        )
        let claims = Claims()
        let group = DispatchGroup()
        for worker in 1...2 as ClosedRange<UInt8> {
            let own = try PostgresWorkQueue(url: url)
            group.enter()
            Thread.detachNewThread {
                let leases = try? own.claim(queue: "q", worker: [worker], limit: 3, leaseMilliseconds: 60_000)
                claims.add(leases ?? [])
                group.leave()
            }
        }
        group.wait()
        #expect(Set(claims.all.map(\.item.id)).count == claims.all.count, "one item, two leases")
        #expect(claims.all.count >= 3)
        for lease in claims.all { #expect(try queue.finish(lease, result: [1]) == .accepted) }
    }

    private final class Claims: Sendable {
        private let leases = Mutex<[WorkLease]>([])
        var all: [WorkLease] { leases.withLock { $0 } }
        func add(_ more: [WorkLease]) { leases.withLock { $0 += more } }
    }

    private static func work(_ url: String, worker: UInt8, count: Int) -> [WorkLease] {
        var random = SeededGenerator(seed: UInt64(worker))
        var taken: [WorkLease] = []
        do throws(LedgerError) {
            let queue = try PostgresWorkQueue(url: url)
            try queue.enqueue((0..<count).map { item($0) })
            var idle = 0
            while idle < 8 {
                let leases = try queue.claim(queue: "q", worker: [worker], limit: 5, leaseMilliseconds: 30)
                idle = leases.isEmpty ? idle + 1 : 0
                if leases.isEmpty { usleep(15_000) }
                taken += leases
                for lease in leases where Bool.random(using: &random) {
                    _ = try queue.finish(lease, result: [worker])
                }
            }
        } catch {
            Issue.record("worker \(worker): \(error)")
        }
        return taken
    }
}
