// PostgreSQL beyond the common contract: fences, accruals, what others see meanwhile, artefacts.
import AssayTesting
import Commitments
import Foundation
import PostgreSQL
import Synchronization
import Testing

@testable import Ledger

@Suite(.enabled(if: PrivatePostgres.isInstalled(for: "PostgresStoreTests")))
struct PostgresStoreTests {
    let town = Town()
    let server: PrivatePostgres

    init() throws { server = try PrivatePostgres.shared.get() }

    private func writer(_ url: String, holder: UInt8 = 1) throws -> PostgresLedgerStore {
        try .writer(url, holder: holder)
    }

    @Test func aWriterThatWasTakenOverWritesNothing() async throws {
        let url = try server.newDatabase()
        let first = try writer(url)
        var book = try first.load().book
        try await first.commit(Batch(effects: try town.open(&book, funds: 1000)))
        let second = try writer(url)
        var next = try second.load().book
        let stale = try book.apply(.transfer(town.transfer("stale", town.alice, town.bob, 10)), at: 1)
        do throws(LedgerError) {
            try await first.commit(Batch(effects: [stale]))
            Issue.record("a fenced writer wrote")
        } catch {
            #expect(error == .fenced(name: "ledger", epoch: 1, current: 2))
        }
        await #expect(throws: LedgerError.self) {
            try await first.commit(Batch(records: [Record(kind: "x", id: [1], body: [])]))
        }
        let fresh = try next.apply(.transfer(town.transfer("fresh", town.alice, town.bob, 7)), at: 1)
        try await second.commit(Batch(effects: [fresh]))
        #expect(try second.account(town.bob.id)?.creditsPosted == 7)
        #expect(try Fsck.run(second).isClean)
    }

    /// A database that was put back to an earlier state, or whose fences somebody deleted, has no place for a writer who
    /// took a fence that it does not know.
    @Test(arguments: ["UPDATE fence SET epoch = epoch - 1", "DELETE FROM fence"])
    func aFenceThatTheDatabaseDoesNotKnowIsWorthNothing(_ change: String) async throws {
        let url = try server.newDatabase()
        try writer(url).close()
        let second = try writer(url)
        var book = try second.load().book
        try PostgresConnection(url: url).run(change)
        let batch = Batch(effects: try town.open(&book, funds: 1000))
        await #expect(throws: LedgerError.fenced(name: "ledger", epoch: 2, current: change.hasPrefix("U") ? 1 : 0)) {
            try await second.commit(batch)
        }
        #expect(try second.accounts(owner: nil).isEmpty)
    }

    /// A commit that is under way holds the fence: whoever takes it over finds what was committed, or it is not committed.
    @Test func aTakeoverWaitsForACommitUnderWay() async throws {
        let url = try server.newDatabase()
        let database = try PostgresDatabase(url: url)
        let fences = PostgresWorkQueue(database: database)
        // A lease that has ended, so that the next one need not wait for it.
        let fence = try #require(try fences.acquire("ledger", holder: [1], leaseMilliseconds: 1))
        let first = PostgresLedgerStore(database: database, fence: fence)
        var book = try first.load().book
        try await first.commit(Batch(effects: try town.open(&book, funds: 1000)))
        let other = try PostgresConnection(url: url)
        try other.run(
            """
            CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.4); RETURN NEW; END $$;
            CREATE TRIGGER dawdle BEFORE INSERT ON record FOR EACH STATEMENT EXECUTE FUNCTION dawdle();
            """
        )
        let effects = try book.apply(.transfer(town.transfer("slow", town.alice, town.bob, 7)), at: 1)
        let ticket = first.submit(Batch(effects: [effects], records: [Record(kind: "x", id: [1], body: [])]))
        let sleeping =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        for _ in 0..<1000 where try other.execute(sleeping).integer(0, 0) == 0 { usleep(2000) }
        let second = try PostgresLedgerStore.writer(url, holder: 2)
        #expect(try second.load().book.accounts[town.bob.id]?.creditsPosted == 7)
        try await ticket.durable()
    }

    @Test func accrualsAreFoldedAndLoseNothing() async throws {
        let store = try writer(server.newDatabase())
        var book = try store.load().book
        try await store.commit(Batch(effects: try town.open(&book, funds: 100_000)))
        for round in 0..<(PostgresLedgerStore.groupsPerFold + 5) {
            let effects = try book.apply(.transfer(town.transfer("f\(round)", town.alice, town.fee, 3)), at: 1)
            try await store.commit(Batch(effects: [effects]))
        }
        let rows = try store.read { try $0.execute("SELECT count(*) FROM accrual").integer(0, 0) }
        #expect((1...20).contains(rows), "\(rows) accruals are waiting")
        let folded = try store.read { connection in
            try connection.execute("SELECT credits_posted FROM account WHERE kind = 'fee'").integer(0, 0)
        }
        let all = Int64(PostgresLedgerStore.groupsPerFold + 5) * 3
        #expect(folded > 0 && folded < all)
        #expect(try store.account(town.fee.id)?.creditsPosted == all)
        #expect(try store.load().book.accounts == book.accounts)
        #expect(try Fsck.run(store).isClean)
    }

    /// Jepsen's "bank": whoever reads while money moves sees the same total in every state, and nobody below zero.
    @Test func everyConcurrentSnapshotHasTheSameTotal() async throws {
        let url = try server.newDatabase()
        let store = try writer(url)
        var book = try store.load().book
        let people = (0..<10).map {
            Account(currency: "CREDIT", kind: $0 == 9 ? .fee : .payer, owner: [50, UInt8($0)])
        }
        var opening = Batch(effects: try town.open(&book, funds: 1000))
        for person in people {
            opening.effects.append(try book.apply(.openAccount(person), at: 0))
            opening.effects.append(
                try book.apply(.transfer(town.transfer("in \(person.id)", town.issuer, person, 100, .credit)), at: 0)
            )
        }
        try await store.commit(opening)
        let readers = Readers(url: url, count: 3)
        var random = SeededGenerator(seed: 4)
        for round in 0..<60 {
            var tickets: [CommitTicket] = []
            for index in 0..<5 {
                let pair = people.shuffled(using: &random)
                let transfer = town.transfer(
                    "b\(round).\(index)",
                    pair[0],
                    pair[1],
                    Int64.random(in: 1...60, using: &random)
                )
                guard let effects = try? book.apply(.transfer(transfer), at: 1) else { continue }
                tickets.append(store.submit(Batch(effects: [effects])))
            }
            for ticket in tickets { try await ticket.durable() }
        }
        let (totals, failures) = await readers.stop()
        #expect(failures.isEmpty, "\(failures)")
        #expect(Set(totals) == [1000], "snapshots have the totals \(Set(totals))")
        #expect(totals.count > 10, "the readers saw \(totals.count) states")
    }

    /// Two writers take the ledger from each other under load, each sending every id twice: what was acknowledged is there,
    /// and everything is there at most once (Jepsen's "set").
    @Test func failoverUnderLoadPaysEachIdOnce() async throws {
        let url = try server.newDatabase()
        let first = try writer(url, holder: 1)
        var book = try first.load().book
        try await first.commit(Batch(effects: try town.open(&book, funds: 1_000_000)))
        let acknowledged = Mutex<Set<Int>>([])
        let known = Acknowledged(acknowledged)
        await withTaskGroup(of: Void.self) { group in
            for holder in 1...2 as ClosedRange<UInt8> {
                group.addTask { await takeTurns(url, holder: holder, known) }
            }
        }
        let audit = try PostgresLedgerStore(database: PostgresDatabase(url: url), fence: nil)
        let stored = try audit.transfers(of: town.bob.id, limit: 100_000)
        #expect(Set(stored.map(\.id)).count == stored.count)
        let there = Set(stored.map(\.id))
        for number in known.all {
            #expect(there.contains(name("set \(number)")), "\(number) was acknowledged and is lost")
        }
        #expect(known.all.count > 50, "\(known.all.count) were acknowledged")
        #expect(try audit.account(town.bob.id)?.creditsPosted == Int64(stored.count))
        #expect(try Fsck.run(audit).isClean)
    }

    /// Takes the fence by force, settles until it is taken away, and again.
    private func takeTurns(_ url: String, holder: UInt8, _ known: Acknowledged) async {
        do {
            let database = try PostgresDatabase(url: url)
            let fences = PostgresWorkQueue(database: database)
            for _ in 0..<6 {
                // 1 ms: the other can take over at once, while this one still believes in its fence.
                guard let fence = try fences.acquire("ledger", holder: [holder], leaseMilliseconds: 1) else { continue }
                let store = PostgresLedgerStore(database: database, fence: fence)
                var book = try store.load().book
                do {
                    for number in 0..<400 {
                        let operation = LedgerOperation.transfer(
                            town.transfer("set \(number)", town.alice, town.bob, 1)
                        )
                        let once = try book.apply(operation, at: 1)
                        let twice = try book.apply(operation, at: 1)
                        try await store.commit(Batch(effects: [once, twice]))
                        known.insert(number)
                    }
                } catch LedgerError.fenced, LedgerError.settlementStopped {
                    continue
                }
            }
        } catch {
            Issue.record("holder \(holder): \(error)")
        }
    }

    @Test func artefactsAreThereAsAWholeOrNotAtAll() async throws {
        let url = try server.newDatabase()
        let files = PostgresArtefacts(database: try PostgresDatabase(url: url))
        let other = PostgresArtefacts(database: try PostgresDatabase(url: url))
        let part = PostgresArtefacts.partBytes
        var random = SeededGenerator(seed: 9)
        for length in [0, 1, part - 1, part, part + 1, 9 * part + 3] {
            var bytes = [UInt8](repeating: 7, count: length)
            for index in stride(from: 0, to: length, by: 4093) {
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            let cid = CID.raw(bytes).text
            #expect(try !other.contains(cid) && other.get(cid) == nil)
            try files.put(bytes, cid: cid)
            try files.put(bytes, cid: cid)
            #expect(try other.contains(cid))
            #expect(try other.get(cid) == bytes, "\(length) bytes")
        }
        #expect(try files.names(after: "", limit: 100).count == 6)
        // Many at once make one.
        let bytes = [UInt8](repeating: 5, count: 3 * part)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try PostgresArtefacts(database: try PostgresDatabase(url: url)).put(bytes, cid: "many")
                }
            }
            try await group.waitForAll()
        }
        #expect(try other.get("many") == bytes)
    }

    @Test func theProbeSaysWhatIsThere() throws {
        let probe = try PostgresProbe.run(url: server.newDatabase())
        #expect(probe.isComplete, "\(probe.summary)")
        #expect(probe.server.contains("PostgreSQL"))
        // The private server is started without flushes, and the probe must say so.
        #expect(probe.warnings.contains { $0.contains("fsync") }, "\(probe.warnings)")
        #expect(throws: LedgerError.self) { try PostgresProbe.run(url: "postgres:///x?host=/nowhere") }
    }

    @Test func migrationsMeetEachOther() async throws {
        let url = try server.newDatabase()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 { group.addTask { _ = try PostgresDatabase(url: url) } }
            try await group.waitForAll()
        }
        let database = try PostgresDatabase(url: url)
        try database.transaction { try $0.execute("INSERT INTO assay_migration VALUES ('99 from the future', 0)") }
        for access in [PostgresDatabase.Access.read, .write] {
            #expect {
                try PostgresDatabase(url: url, access: access)
            } throws: { error in
                guard case .noLedger(.otherVersion, let detail)? = error as? LedgerError else { return false }
                return detail.contains("later version with the step '99 from the future'")
            }
        }
    }

    /// Who only looks makes no tables and brings none up to date, and another program's database is left alone by everybody.
    @Test func aLookChangesNothing() throws {
        func reason(_ url: String, _ access: PostgresDatabase.Access) -> NoLedger? {
            do throws(LedgerError) {
                _ = try PostgresDatabase(url: url, access: access)
                return nil
            } catch {
                guard case .noLedger(let reason, _) = error else { return nil }
                return reason
            }
        }
        func tables(_ url: String) throws -> [String] {
            let rows = try PostgresConnection(url: url).execute(
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            )
            return try (0..<rows.count).map { try rows.text($0, 0) }
        }
        let url = try server.newDatabase()
        #expect(reason(url, .read) == .missing)
        #expect(try tables(url).isEmpty)
        // A table of a name that the ledger has no use for is no hindrance; one that it needs is.
        try PostgresConnection(url: url).run("CREATE TABLE guests (name TEXT)")
        #expect(reason(url, .read) == .foreign)
        try PostgresConnection(url: url).run("CREATE TABLE account (id INTEGER)")
        #expect(reason(url, .read) == .foreign)
        #expect(reason(url, .write) == .foreign)
        #expect(try tables(url) == ["account", "guests"])
        try PostgresConnection(url: url).run("DROP TABLE account")
        let database = try PostgresDatabase(url: url)
        #expect(reason(url, .read) == nil)
        #expect(throws: LedgerError.self) {
            try PostgresDatabase(url: url, access: .read).transaction { try $0.run("DELETE FROM fence") }
        }
        try database.transaction { connection in
            try connection.run("DROP INDEX outbox_kind")
            try connection.run("DELETE FROM assay_migration WHERE name = '6 outbox by kind'")
        }
        for _ in 0..<2 { #expect(reason(url, .read) == .otherVersion) }
        #expect(try tables(url).contains("guests"))
        _ = try PostgresDatabase(url: url)
        #expect(reason(url, .read) == nil)
        #expect(reason("postgres:///x?host=/nowhere", .read) == .unreachable)
    }
}

/// Threads that read the sum of all balances again and again. Threads of their own: a loop that never suspends would keep the
/// writer's tasks from running.
private final class Readers: Sendable {
    private struct State {
        var isDone = false
        var totals: [Int64] = []
        var failures: [String] = []
    }

    private let state = Mutex(State())
    private let group = DispatchGroup()

    init(url: String, count: Int) {
        for _ in 0..<count {
            group.enter()
            Thread.detachNewThread { [self] in
                read(url)
                group.leave()
            }
        }
    }

    func stop() async -> (totals: [Int64], failures: [String]) {
        state.withLock { $0.isDone = true }
        await withCheckedContinuation { continuation in
            group.notify(queue: .global()) { continuation.resume() }
        }
        return state.withLock { ($0.totals, $0.failures) }
    }

    private func read(_ url: String) {
        do {
            let reader = PostgresLedgerStore(database: try PostgresDatabase(url: url), fence: nil)
            while !state.withLock({ $0.isDone }) {
                let balances = try reader.snapshot { snapshot throws(LedgerError) in
                    try snapshot.accounts().filter { $0.owner.first == 50 && $0.owner.count == 2 }.map(\.balance)
                }
                state.withLock { state in
                    state.totals.append(balances.reduce(0, +))
                    if balances.contains(where: { $0 < 0 }) { state.failures.append("below zero: \(balances)") }
                }
            }
        } catch {
            state.withLock { $0.failures.append("\(error)") }
        }
    }
}

private final class Acknowledged: Sendable {
    private let numbers: Mutex<Set<Int>>
    init(_ numbers: consuming Mutex<Set<Int>>) { self.numbers = numbers }
    var all: Set<Int> { numbers.withLock { $0 } }
    func insert(_ number: Int) { numbers.withLock { _ = $0.insert(number) } }
}
