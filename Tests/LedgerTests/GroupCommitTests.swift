// Many callers, one flush: who is told what, and in which order.
import Foundation
import Synchronization
import Testing

@testable import Ledger

@Suite struct GroupCommitTests {
    /// A disk whose first write waits until it is let go, so that a test decides what is queued meanwhile.
    private final class SlowDisk: Sendable {
        let groups = Mutex<[[String]]>([])
        private let gate = DispatchSemaphore(value: 0)
        private let entered = DispatchSemaphore(value: 0)
        private let fails: @Sendable (String) -> WriteFailure?

        init(failing fails: @escaping @Sendable (String) -> WriteFailure? = { _ in nil }) { self.fails = fails }

        func write(_ batches: [Batch]) throws(WriteFailure) {
            let names = batches.map { $0.records.first?.kind ?? "" }
            if names == ["first"] {
                entered.signal()
                gate.wait()
            }
            if let failure = names.lazy.compactMap(fails).first { throw failure }
            groups.withLock { $0.append(names) }
        }

        func waitUntilBusy() { entered.wait() }
        func letGo() { gate.signal() }
    }

    private func batch(_ name: String) -> Batch { Batch(records: [Record(kind: name, id: [1], body: [])]) }

    private func committer(_ disk: SlowDisk, _ limits: GroupCommitter.Limits = .init()) -> GroupCommitter {
        GroupCommitter(limits: limits) { batches throws(WriteFailure) in try disk.write(batches) }
    }

    @Test func whatWaitsSharesAFlushInOrderUpToTheLimit() async throws {
        let disk = SlowDisk()
        let committer = committer(disk, .init(batches: 64))
        var tickets = [committer.submit(batch("first"))]
        disk.waitUntilBusy()
        for index in 0..<100 { tickets.append(committer.submit(batch("\(index)"))) }
        #expect(disk.groups.withLock { $0.isEmpty }, "nothing is durable while the disk is busy")
        disk.letGo()
        for ticket in tickets { try await ticket.durable() }
        let groups = disk.groups.withLock { $0 }
        #expect(groups.map(\.count) == [1, 64, 36])
        let order: [String] = ["first"] + (0..<100).map { "\($0)" }
        #expect(Array(groups.joined()) == order)
    }

    @Test func aBadBatchFailsAlone() async throws {
        let refusal = LedgerError.conflict(field: "batch", expected: "a good one", actual: "a bad one")
        let disk = SlowDisk { $0 == "bad" ? WriteFailure(error: refusal, stopsSettlement: false) : nil }
        let committer = committer(disk)
        let first = committer.submit(batch("first"))
        disk.waitUntilBusy()
        let tickets = ["a", "bad", "c"].map { committer.submit(batch($0)) }
        disk.letGo()
        try await first.durable()
        try await tickets[0].durable()
        await #expect(throws: refusal) { try await tickets[1].durable() }
        try await tickets[2].durable()
        #expect(disk.groups.withLock { $0 } == [["first"], ["a"], ["c"]])
        #expect(committer.stopped == nil)
    }

    @Test func aBadBatchCostsItsFellowsFewFlushes() async throws {
        let refusal = LedgerError.conflict(field: "batch", expected: "a good one", actual: "a bad one")
        let disk = SlowDisk { $0 == "700" ? WriteFailure(error: refusal, stopsSettlement: false) : nil }
        let committer = committer(disk)
        let first = committer.submit(batch("first"))
        disk.waitUntilBusy()
        let tickets = (0..<1000).map { committer.submit(batch("\($0)")) }
        disk.letGo()
        try await first.durable()
        await #expect(throws: refusal) { try await tickets[700].durable() }
        for (index, ticket) in tickets.enumerated() where index != 700 { try await ticket.durable() }
        let groups = disk.groups.withLock { $0 }
        #expect(groups.count <= 12)
        let order: [String] = ["first"] + (0..<1000).filter { $0 != 700 }.map { "\($0)" }
        #expect(Array(groups.joined()) == order)
    }

    @Test func aGroupEndsWhenItHasEnoughToWrite() async throws {
        let disk = SlowDisk()
        let committer = committer(disk, .init(bytes: 100))
        let first = committer.submit(batch("first"))
        disk.waitUntilBusy()
        let sizes = [40, 60, 1, 500, 99]
        let tickets = sizes.map { size in
            committer.submit(Batch(records: [Record(kind: "r", id: [1], body: [UInt8](repeating: 0, count: size))]))
        }
        disk.letGo()
        try await first.durable()
        for ticket in tickets { try await ticket.durable() }
        #expect(disk.groups.withLock { $0.map(\.count) } == [1, 2, 1, 1, 1])
    }

    @Test func aViolationStopsSettlement() async throws {
        let violation = LedgerError.invariant(.noOverdraft, detail: "test")
        let disk = SlowDisk { $0 == "bad" ? WriteFailure(error: violation, stopsSettlement: true) : nil }
        let committer = committer(disk)
        let first = committer.submit(batch("first"))
        disk.waitUntilBusy()
        let tickets = ["a", "bad", "c"].map { committer.submit(batch($0)) }
        disk.letGo()
        try await first.durable()
        try await tickets[0].durable()
        await #expect(throws: violation) { try await tickets[1].durable() }
        await #expect(throws: LedgerError.settlementStopped(reason: violation.description)) {
            try await tickets[2].durable()
        }
        await #expect(throws: LedgerError.settlementStopped(reason: violation.description)) {
            try await committer.submit(batch("d")).durable()
        }
    }

    @Test func aBrokenDiskIsNotTriedAgain() async throws {
        let broken = LedgerError.storage(detail: "input/output error")
        let disk = SlowDisk { $0 == "bad" ? WriteFailure(error: broken, stopsSettlement: true) : nil }
        let committer = committer(disk)
        let first = committer.submit(batch("first"))
        disk.waitUntilBusy()
        let tickets = ["a", "bad", "c"].map { committer.submit(batch($0)) }
        disk.letGo()
        try await first.durable()
        for ticket in tickets { await #expect(throws: broken) { try await ticket.durable() } }
        #expect(disk.groups.withLock { $0 } == [["first"]])
    }

    /// A server that is gone is waited for once, and not again for every part of a group.
    @Test func aStoreThatIsGoneIsAskedOnce() async throws {
        let gone = LedgerError.storage(detail: "connection refused")
        let failure = WriteFailure(error: gone, stopsSettlement: false, isOfTheStore: true)
        let disk = SlowDisk { $0 == "bad" ? failure : nil }
        let committer = committer(disk)
        let first = committer.submit(batch("first"))
        disk.waitUntilBusy()
        let tickets = ["bad", "a", "b", "c"].map { committer.submit(batch($0)) }
        disk.letGo()
        try await first.durable()
        for ticket in tickets { await #expect(throws: gone) { try await ticket.durable() } }
        try await committer.submit(batch("later")).durable()
        #expect(disk.groups.withLock { $0 } == [["first"], ["later"]])
    }

    @Test func theQueueIsBounded() async throws {
        let disk = SlowDisk()
        let committer = committer(disk, .init(queued: 3))
        let first = committer.submit(batch("first"))
        disk.waitUntilBusy()
        let taken = (0..<3).map { committer.submit(batch("\($0)")) }
        await #expect(throws: LedgerError.storeBusy(queued: 3)) { try await committer.submit(batch("x")).durable() }
        disk.letGo()
        try await first.durable()
        for ticket in taken { try await ticket.durable() }
        try await committer.submit(batch("y")).durable()
    }

    @Test func closingWritesWhatIsQueuedAndRefusesTheRest() async throws {
        let disk = SlowDisk()
        let committer = committer(disk)
        let first = committer.submit(batch("first"))
        disk.waitUntilBusy()
        let queued = committer.submit(batch("queued"))
        disk.letGo()
        committer.close()
        try await first.durable()
        try await queued.durable()
        await #expect(throws: LedgerError.self) { try await committer.submit(batch("late")).durable() }
    }

    @Test func aTicketTellsEveryoneWhoAsks() async throws {
        let ticket = CommitTicket()
        async let one: Void = ticket.durable()
        async let two: Void = ticket.durable()
        ticket.finish(.success(()))
        ticket.finish(.failure(.storage(detail: "too late")))
        try await one
        try await two
        try await ticket.durable()
    }

    @Test func twoHundredConcurrentCallersAndOneBadOne() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        let town = Town()
        var book = Book(history: store)
        try await store.commit(Batch(effects: try town.open(&book, funds: 100_000)))
        var batches: [Batch] = []
        for index in 0..<200 {
            let effects = try book.apply(.transfer(town.transfer("t\(index)", town.alice, town.bob, 7)), at: 5)
            batches.append(Batch(effects: [effects], records: [Record(kind: "n", id: [UInt8(index)], body: [])]))
        }
        // The bad one repeats a transfer under another record.
        let bad = Batch(effects: batches[0].effects, records: [Record(kind: "bad", id: [1], body: [])])
        try await store.commit(batches[0])
        let failed = await withTaskGroup(of: Bool.self) { group in
            for batch in batches.dropFirst() + [bad] {
                group.addTask {
                    do throws(LedgerError) {
                        try await store.commit(batch)
                        return false
                    } catch {
                        return true
                    }
                }
            }
            return await group.reduce(0) { $1 ? $0 + 1 : $0 }
        }
        #expect(failed == 1)
        #expect(try store.account(town.bob.id)?.creditsPosted == 1400)
        #expect(try store.records(kind: "n").count == 200)
        #expect(try store.records(kind: "bad").isEmpty)
        #expect(try store.load().book.accounts == book.accounts)
        #expect(try Fsck.run(store).isClean)
        try store.close()
    }
}
