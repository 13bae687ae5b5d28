// What PostgreSQL and the way to it can do to a settlement: connections lost at each statement, killed servers and sessions,
// transactions that the server wants again.
import AssayTesting
import Commitments
import Foundation
import PostgreSQL
import Testing

@testable import Ledger

@Suite(.enabled(if: PrivatePostgres.isInstalled(for: "PostgresFailureTests")))
struct PostgresFailureTests {
    let town = Town()
    let server: PrivatePostgres

    init() throws { server = try PrivatePostgres.shared.get() }

    /// One whole job: hold, payout, receipt, row, message.
    private func job(_ number: Int, _ book: inout Book) throws -> Batch {
        var hold = town.hold("h\(number)", 800, job: number)
        hold.amount = 800
        var batch = Batch(effects: [try book.apply(.hold(hold, expiresAt: 1000), at: 5)])
        let resolution = town.resolution("r\(number)", of: "h\(number)", provider: 500, fee: 25, job: number)
        batch.effects.append(try book.apply(.resolve(resolution), at: 6))
        batch.receipts = [town.receipt(job: number)]
        let name = Array("\(number)".utf8)
        batch.records = [Record(kind: "job", id: name, body: [1])]
        batch.messages = [OutboxMessage(id: WorkID(deriving: name), kind: "anchor", body: [7], at: 6)]
        return batch
    }

    /// That `settled` jobs are there once, as a reader finds them who was not there.
    private func audit(_ url: String, _ settled: Int, _ book: Book) throws {
        let audit = try PostgresLedgerStore(database: PostgresDatabase(url: url), fence: nil)
        #expect(try audit.account(town.provider.id)?.creditsPosted == 500 * Int64(settled))
        #expect(try audit.account(town.fee.id)?.creditsPosted == 25 * Int64(settled))
        #expect(try audit.receiptCount() == settled)
        #expect(try audit.outbox(kind: nil, limit: 100_000).count == settled)
        #expect(try audit.load().book.accounts == book.accounts)
        let report = try Fsck.run(audit)
        #expect(report.isClean, "\(report.checks.filter { !$0.passed })")
    }

    /// One settlement, with the connection lost at every message in turn, before and after the server got it; on a session
    /// that has to be made first and on one that has prepared everything.
    @Test(arguments: CuttingProxy.Loss.allCases, [true, false])
    func aConnectionLostAtAnyStatementLosesAndDoublesNothing(_ loss: CuttingProxy.Loss, isFresh: Bool) async throws {
        let proxy = try CuttingProxy(server: server)
        defer { proxy.stop() }
        let direct = try server.newDatabase()
        let database = try PostgresDatabase(url: proxy.url(of: direct, server: server))
        let fence = try PostgresWorkQueue(database: database).acquire("ledger", holder: [1], leaseMilliseconds: 60_000)
        func writer() -> PostgresLedgerStore {
            PostgresLedgerStore(database: database, fence: fence, patienceSeconds: 10)
        }
        var store = writer()
        var book = try store.load().book
        try await store.commit(Batch(effects: try town.open(&book, funds: 100_000)))
        var message = 0
        while message < 90 {
            if isFresh {
                try store.close()
                store = writer()
            }
            let batch = try job(message + 1, &book)
            proxy.cut(at: message, losing: loss)
            try await store.commit(batch)
            book.release(batch)
            message += 1
            if proxy.cuts < message { break }
        }
        proxy.cut(at: nil)
        // Begin, mark, fence, seven tables, commit; a new session starts, has its settings and prepares each.
        #expect(message > (isFresh ? 25 : 11) && message < 90, "\(message) messages were cut")
        try store.close()
        try audit(direct, message, book)
    }

    /// Who is killed.
    enum Victim: CaseIterable { case server, session }

    /// The server's first process, or the process of the writer's session, is killed while jobs are settled; the server is
    /// started again or recovers. Every acknowledged job is there, once, and all others as a whole or not at all.
    @Test(arguments: Victim.allCases)
    func aKillWhileSettlingLosesNothingAcknowledged(_ victim: Victim) async throws {
        let own = try PrivatePostgres()
        defer { own.stop() }
        // A server that is started on a machine with other work needs a while to recover.
        let store = try PostgresLedgerStore.writer(own.url(), patienceSeconds: 60)
        var book = try store.load().book
        try await store.commit(Batch(effects: try town.open(&book, funds: 1_000_000_000)))
        var settled = 0
        var kills = 0
        for round in 0..<Self.kills {
            let killer = Task.detached {
                try await Task.sleep(for: .milliseconds(20 + 37 * (round % 5)))
                switch victim {
                case .server:
                    own.kill()
                    try own.start()
                    return true
                case .session: return own.killBackend(of: "postgres")
                }
            }
            let end = ContinuousClock.now + .milliseconds(300)
            var turns = 0
            while ContinuousClock.now < end || turns < 5 {
                turns += 1
                var batches: [(Batch, CommitTicket)] = []
                for _ in 0..<8 {
                    settled += 1
                    let batch = try job(settled, &book)
                    batches.append((batch, store.submit(batch)))
                }
                for (batch, ticket) in batches {
                    try await ticket.durable()
                    book.release(batch)
                }
            }
            if try await killer.value { kills += 1 }
        }
        #expect(kills == Self.kills)
        #expect(settled >= 40 * Self.kills)
        try store.close()
        try audit(own.url(), settled, book)
    }

    /// What the book asks about the past waits for a server that is away, as commits do: it is in the middle of an operation.
    @Test func aRequestThatComesAgainWaitsForTheServer() async throws {
        let own = try PrivatePostgres()
        defer { own.stop() }
        let store = try PostgresLedgerStore.writer(own.url(), patienceSeconds: 60)
        var book = try store.load().book
        try await store.commit(Batch(effects: try town.open(&book, funds: 1_000_000)))
        let batch = try job(1, &book)
        try await store.commit(batch)
        book.release(batch)
        own.kill()
        #expect(throws: LedgerError.self) {
            try PostgresLedgerStore(database: store.database, fence: nil).account(town.provider.id)
        }
        let starter = Task.detached {
            // Longer than a transaction alone is tried again.
            try await Task.sleep(for: .seconds(4))
            try own.start()
        }
        let again = try job(1, &book)
        #expect(again.effects.allSatisfy(\.replayed) && again.effects.count == 2)
        try await starter.value
        try store.close()
    }

    private static let kills = ProcessInfo.processInfo.environment["ASSAY_LONG"] == nil ? 2 : 100

    /// A server that wants a transaction again (serialisation failure, deadlock) gets it, under the same keys.
    @Test(arguments: ["40001", "40P01"], ["record", "accrual"])
    func aTransactionThatMetAnotherIsRepeated(_ state: String, table: String) async throws {
        let url = try server.newDatabase()
        let store = try PostgresLedgerStore.writer(url)
        var book = try store.load().book
        try await store.commit(Batch(effects: try town.open(&book, funds: 100_000)))
        // A sequence keeps what a transaction that is rolled back has counted.
        try PostgresConnection(url: url).run(
            """
            CREATE SEQUENCE attempts;
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('attempts') <= 3 THEN RAISE EXCEPTION 'again' USING ERRCODE = '\(state)'; END IF;
                RETURN NEW;
            END $$;
            CREATE TRIGGER refuse BEFORE INSERT ON \(table) FOR EACH STATEMENT EXECUTE FUNCTION refuse();
            """
        )
        for number in 1...3 {
            let batch = try job(number, &book)
            try await store.commit(batch)
            book.release(batch)
        }
        let attempts = try store.read { try $0.execute("SELECT last_value FROM attempts").integer(0, 0) }
        #expect(attempts == 6, "three refusals and three commits")
        try audit(url, 3, book)
    }

    /// Another refusal is the caller's to know, and leaves the session usable.
    @Test func aRefusalInTheMiddleOfAPipelineChangesNothing() async throws {
        let connection = try PostgresConnection(url: try server.newDatabase())
        try connection.run("CREATE TABLE t (id BIGINT PRIMARY KEY)")
        let insert = "INSERT INTO t VALUES ($1)"
        for _ in 0..<2 {
            let statements = [
                PostgresStatement(insert, [.integer(1)]), PostgresStatement("SELECT no_such_function()"),
                PostgresStatement("SELECT count(*) FROM t"),
            ]
            do {
                try connection.transaction(statements) { #expect($0.count == 1) }
                Issue.record("it was not refused")
            } catch let error as PostgresError {
                #expect(error.sqlState == "42883")
            }
        }
        #expect(throws: LedgerError.holdUnknown(name("no"))) {
            // What the results say comes before what was refused after them.
            let statements = [
                PostgresStatement(insert, [.integer(1)]), PostgresStatement("SELECT no_such_function()"),
            ]
            try connection.transaction(statements) { results in
                #expect(results.map(\.changed) == [1])
                throw LedgerError.holdUnknown(name("no"))
            }
        }
        #expect(try connection.execute("SELECT count(*) FROM t").integer(0, 0) == 0)
        try connection.transaction([
            PostgresStatement(insert, [.integer(1)]), PostgresStatement(insert, [.integer(2)]),
        ]) { #expect($0.count == 2) }
        #expect(try connection.execute("SELECT count(*) FROM t").integer(0, 0) == 2)
    }
}
