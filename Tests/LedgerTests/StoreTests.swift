// What every store promises, on SQLite and in memory, and what the SQLite file adds.
import AssayTesting
import Commitments
import Foundation
import GRDB
import Testing

@testable import Ledger

@Suite struct StoreTests {
    let town = Town()

    /// Calls `body` with a fresh store of each sort.
    private func onEachStore(_ body: (any LedgerStore) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let database = try SQLiteLedgerStore(path: folder.ledger)
        try await body(database)
        try database.close()
        try await body(MemoryLedgerStore())
        // The suite is not skipped without a server: PostgresStoreTests says that one is missing.
        if PrivatePostgres.programs != nil { try await body(try PostgresLedgerStore.fresh()) }
    }

    /// One settled job and one open hold.
    private func settledTown(_ store: any LedgerStore) async throws -> Book {
        var book = Book(history: store)
        var batch = Batch(effects: try town.open(&book, funds: 1000))
        batch.effects.append(try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5))
        batch.effects.append(try book.apply(.resolve(town.resolution("r", of: "h", provider: 500, fee: 25)), at: 6))
        batch.effects.append(try book.apply(.hold(town.hold("h2", 70, job: 2), expiresAt: 100), at: 7))
        batch.receipts = [town.receipt()]
        batch.records = [Record(kind: "job", id: [1], body: [9]), Record(kind: "node", id: [2], body: [8])]
        try await store.commit(batch)
        book.release(batch)
        return book
    }

    @Test func loadsWhatWasCommitted() async throws {
        try await onEachStore { store in
            let book = try await settledTown(store)
            let image = try store.load()
            #expect(image.book.accounts == book.accounts)
            #expect(image.book.holds == book.holds)
            #expect(image.book.latest == 7)
            #expect(image.records.map(\.kind) == ["job", "node"])
            #expect(try store.load(recordKinds: ["node"]).records.map(\.id) == [[2]])
            #expect(try store.load(recordKinds: []).records.isEmpty)
        }
    }

    @Test func readsAccountsTransfersAndHolds() async throws {
        try await onEachStore { store in
            let book = try await settledTown(store)
            #expect(try store.account(town.alice.id) == book.accounts[town.alice.id])
            #expect(try store.account(AccountID(currency: "X", kind: .payer, owner: [7])) == nil)
            #expect(try store.accounts(owner: nil).count == 7)
            #expect(Set(try store.accounts(owner: [5]).map(\.kind)) == [.provider, .stake])
            let ofAlice = try store.transfers(of: town.alice.id, limit: 10)
            #expect(ofAlice.map(\.kind) == [.hold, .void, .post, .post, .hold, .credit])
            #expect(try store.transfers(of: town.alice.id, limit: 2) == Array(ofAlice.prefix(2)))
            #expect(
                try store.transfers(ofJob: digest("job", 1)).map(\.leg) == [
                    "escrow", "provider", "fee", "escrow.returned",
                ]
            )
            #expect(try store.openHolds().map(\.id) == [name("h2")])
        }
    }

    @Test func keepsRecordsAndReceipts() async throws {
        try await onEachStore { store in
            _ = try await settledTown(store)
            try await store.commit(
                Batch(
                    records: [
                        Record(kind: "job", id: [1], body: nil), Record(kind: "job", id: [3], body: []),
                        Record(kind: "node", id: [2], body: [7, 7]), Record(kind: "job", id: [2], body: [1]),
                    ],
                    receipts: [town.receipt(attempt: 2, bundle: "second"), town.receipt(job: 5)]
                )
            )
            #expect(try store.record(kind: "job", id: [1]) == nil)
            #expect(try store.record(kind: "job", id: [3])?.body == [])
            #expect(try store.record(kind: "node", id: [2])?.body == [7, 7])
            #expect(try store.records(kind: "job").map(\.id) == [[2], [3]])
            #expect(try store.receipt(job: digest("job", 1)) == town.receipt(attempt: 2, bundle: "second"))
            #expect(try store.receipt(job: digest("job", 9)) == nil)
            #expect(try store.receiptCount() == 3)
            let latest = try store.latestReceipts(before: nil, limit: 2)
            #expect(latest.map(\.row.job) == [digest("job", 5), digest("job", 1)])
            #expect(latest.allSatisfy { $0.row.bundleBytes.isEmpty })
            let older = try store.latestReceipts(before: latest.last?.position, limit: 5)
            #expect(older.map(\.row.attempt) == [1])
        }
    }

    @Test func aRefusedBatchLeavesNothing() async throws {
        try await onEachStore { store in
            var book = try await settledTown(store)
            let good = try book.apply(.transfer(town.transfer("t", town.alice, town.bob, 5)), at: 8)
            // The receipt is there already, so nothing of the batch may stay.
            let batch = Batch(
                effects: [good],
                records: [Record(kind: "job", id: [1], body: [1, 1])],
                receipts: [town.receipt()]
            )
            await #expect(throws: LedgerError.self) { try await store.commit(batch) }
            #expect(try store.record(kind: "job", id: [1])?.body == [9])
            #expect(try store.account(town.bob.id)?.creditsPosted == 0)
            #expect(try store.entry(name("t")) == nil)
            // The same effects without the receipt are fine: the store still settles.
            try await store.commit(Batch(effects: [good]))
            #expect(try store.account(town.bob.id)?.creditsPosted == 5)
        }
    }

    @Test func theSameTransferIsNotWrittenTwice() async throws {
        try await onEachStore { store in
            var book = try await settledTown(store)
            let effects = try book.apply(.transfer(town.transfer("t", town.alice, town.bob, 5)), at: 8)
            try await store.commit(Batch(effects: [effects]))
            await #expect(throws: LedgerError.self) { try await store.commit(Batch(effects: [effects])) }
            #expect(try store.account(town.bob.id)?.creditsPosted == 5)
            var replayed = effects
            replayed.replayed = true
            try await store.commit(Batch(effects: [replayed]))
            #expect(try store.account(town.bob.id)?.creditsPosted == 5)
        }
    }

    @Test func whatABookHasForgottenTheStoreRemembers() async throws {
        try await onEachStore { store in
            var book = try await settledTown(store)
            #expect(book.pendingRelease == 0)
            var again = town.hold("another id", 10)
            #expect(throws: LedgerError.legTaken(job: digest("job", 1), attempt: 0, leg: "escrow")) {
                try book.apply(.hold(again, expiresAt: 100), at: 8)
            }
            again.leg = "bond"
            _ = try book.apply(.hold(again, expiresAt: 100), at: 8)
            #expect(throws: LedgerError.holdResolved(hold: name("h"), by: name("r"))) {
                try book.apply(.resolve(town.resolution("another id 2", of: "h", provider: 1, fee: 0)), at: 8)
            }
            #expect(throws: LedgerError.legTaken(job: digest("job", 1), attempt: 1, leg: "provider")) {
                try book.apply(.resolve(town.resolution("another id 3", of: "another id", provider: 1, fee: 0)), at: 8)
            }
        }
    }

    /// Two books of one image, as after a failover: the store, not the book, must stop the second resolution.
    @Test func aStaleBookCannotResolveAHoldAgain() async throws {
        try await onEachStore { store in
            var first = Book(history: EmptyHistory())
            var batch = Batch(effects: try town.open(&first, funds: 1000))
            var hold = town.hold("h", 100)
            hold.job = nil
            hold.leg = ""
            batch.effects.append(try first.apply(.hold(hold, expiresAt: 100), at: 5))
            try await store.commit(batch)
            var stale = first
            let void = Resolution(id: name("r"), hold: hold.id, legs: [], attempt: 0)
            try await store.commit(Batch(effects: [try first.apply(.resolve(void), at: 6)]))
            let second = try stale.apply(.expire(hold.id), at: 100)
            do throws(LedgerError) {
                try await store.commit(Batch(effects: [second]))
                Issue.record("\(type(of: store)) resolved a hold twice")
            } catch {
                guard case .invariant(.holdResolvedOnce, _) = error else {
                    Issue.record("\(error)")
                    return
                }
            }
            let alice = try store.account(town.alice.id)
            #expect(alice?.available == 1000)
        }
    }

    @Test func keepsMessagesUntilTheyAreDelivered() async throws {
        try await onEachStore { store in
            _ = try await settledTown(store)
            let messages = (1...3).map { number in
                let id = WorkID(deriving: [UInt8(number)])
                return OutboxMessage(id: id, kind: "anchor", body: [UInt8(number)], at: Int64(number))
            }
            try await store.commit(Batch(messages: messages))
            var again = messages[0]
            again.body = [9]
            try await store.commit(Batch(messages: [again]))
            #expect(try store.outbox(kind: nil, limit: 10) == messages)
            #expect(try store.outbox(kind: nil, limit: 2).count == 2)
            try await store.commit(Batch(delivered: [messages[1].id]))
            #expect(try store.outbox(kind: nil, limit: 10) == [messages[0], messages[2]])
            let long = OutboxMessage(id: messages[0].id, kind: "", body: [], at: 0)
            await #expect(throws: LedgerError.self) { try await store.commit(Batch(messages: [long])) }
        }
    }

    /// A slow consumer's messages, however many there are, stand in nobody else's way.
    @Test func messagesOfOneKindAreReadAlone() async throws {
        try await onEachStore { store in
            let messages = (0..<40).map { number in
                let kind = number % 20 == 19 ? "receipt.log" : "webhook"
                return OutboxMessage(id: WorkID(deriving: [UInt8(number)]), kind: kind, body: [], at: Int64(number))
            }
            try await store.commit(Batch(messages: messages))
            #expect(try store.outbox(kind: "receipt.log", limit: 10) == [messages[19], messages[39]])
            #expect(try store.outbox(kind: "receipt.log", limit: 1) == [messages[19]])
            #expect(try store.outbox(kind: "receipt", limit: 10).isEmpty)
            #expect(try store.outbox(kind: "webhook", limit: 100).count == 38)
            try await store.commit(Batch(delivered: [messages[19].id]))
            #expect(try store.outbox(kind: "receipt.log", limit: 10) == [messages[39]])
            #expect(try store.outbox(kind: nil, limit: 3) == Array(messages.prefix(3)))
        }
    }

    @Test func messagesOfOneKindAreFoundByAnIndex() throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        let plan = try store.pool.read { db in
            let query = "EXPLAIN QUERY PLAN SELECT id FROM outbox WHERE kind = 'receipt.log' ORDER BY seq LIMIT 10"
            return try Row.fetchAll(db, sql: query).map { $0["detail"] as String }
        }
        #expect(plan.count == 1 && plan[0].contains("USING INDEX outbox_kind"), "\(plan)")
        try store.close()
    }

    @Test func refusesRowsOutOfBounds() async throws {
        try await onEachStore { store in
            var wrongCID = town.receipt()
            wrongCID.bundleBytes[0] ^= 1
            let batches = [
                Batch(records: [Record(kind: "", id: [1], body: [])]),
                Batch(records: [Record(kind: "job", id: [], body: [])]),
                Batch(records: [Record(kind: String(repeating: "k", count: 33), id: [1], body: [])]),
                Batch(records: [Record(kind: "job", id: [UInt8](repeating: 1, count: 129), body: [])]),
                Batch(receipts: [wrongCID]),
            ]
            for batch in batches {
                await #expect(throws: LedgerError.self) { try await store.commit(batch) }
            }
            let count = try store.receiptCount()
            #expect(count == 0)
        }
    }

    @Test func settingsOfTheFile() throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        try store.pool.writeWithoutTransaction { db in
            #expect(try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal")
            #expect(try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2)
            #expect(try Int.fetchOne(db, sql: "PRAGMA foreign_keys") == 1)
            let loose = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0"
            let tables = try String.fetchAll(db, sql: loose)
            #expect(Set(tables).subtracting(["sqlite_schema", "grdb_migrations"]).isEmpty, "\(tables)")
        }
        for file in [folder.ledger, folder.ledger + "-wal"] {
            let rights = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(rights == 0o600, "\(file)")
        }
        try store.close()
    }

    @Test func onlyOneWriterAndAnyReaders() async throws {
        let folder = try TemporaryFolder()
        let writer = try SQLiteLedgerStore(path: folder.ledger)
        let book = try await settledTown(writer)
        #expect(throws: LedgerError.self) { try SQLiteLedgerStore(path: folder.ledger) }
        let reader = try SQLiteLedgerStore(path: folder.ledger, access: .read)
        #expect(try reader.load().book.accounts == book.accounts)
        // What is committed after the reader has loaded is there for it.
        var later = try writer.load().book
        try await writer.commit(
            Batch(effects: [try later.apply(.transfer(town.transfer("later", town.alice, town.bob, 1)), at: 9)])
        )
        #expect(try reader.entry(name("later")) != nil)
        await #expect(throws: LedgerError.self) { try await reader.commit(Batch(records: [])) }
        try reader.close()
        try writer.close()
        let next = try SQLiteLedgerStore(path: folder.ledger)
        #expect(try next.load().book.accounts == later.accounts)
        try next.close()
    }

    /// Two writers in one process are refused as two processes are, whatever they call the file.
    @Test func oneFileHasOneWriterByAnyName() throws {
        let folder = try TemporaryFolder()
        let files = FileManager.default
        let (link, other) = (folder.path + "/link.sqlite", folder.path + "/other.sqlite")
        let writer = try SQLiteLedgerStore(path: folder.ledger)
        try files.createSymbolicLink(atPath: link, withDestinationPath: folder.ledger)
        try files.linkItem(atPath: folder.ledger, toPath: other)
        for path in [folder.ledger, folder.path + "/./ledger.sqlite", link, other] {
            #expect(throws: LedgerError.storage(detail: "\(path): expected no other writer, found one")) {
                try SQLiteLedgerStore(path: path)
            }
        }
        try writer.close()
        // A file of two names has room for two logs, so it is not written by either while both are there.
        for path in [folder.ledger, other] {
            #expect { try SQLiteLedgerStore(path: path) } throws: { "\($0)".contains("found 2 hard links") }
        }
        try SQLiteLedgerStore(path: other, access: .read).close()
        try files.removeItem(atPath: other)
        for path in [link, folder.ledger, link] { try SQLiteLedgerStore(path: path).close() }
    }

    @Test func aFailedOpeningLetsOthersWrite() throws {
        let folder = try TemporaryFolder()
        let files = FileManager.default
        let queue = try DatabaseQueue(path: folder.ledger)
        try queue.write { try $0.execute(sql: "CREATE TABLE mine (id INTEGER)") }
        for _ in 0..<3 {
            #expect { try SQLiteLedgerStore(path: folder.ledger) } throws: {
                "\($0)".contains("expected a ledger file")
            }
        }
        // The same file, so the same device and inode, made fit to be a ledger.
        try queue.write { try $0.execute(sql: "DROP TABLE mine") }
        try queue.close()
        try SQLiteLedgerStore(path: folder.ledger).close()
        // A store that nobody closes gives the right back when it goes.
        do { _ = try SQLiteLedgerStore(path: folder.ledger) }
        try SQLiteLedgerStore(path: folder.ledger).close()
        #expect(files.fileExists(atPath: folder.ledger))
    }

    @Test func foreignFilesAreRefusedAndLeftAlone() throws {
        let folder = try TemporaryFolder()
        let text = folder.path + "/text"
        try Data("this is not a database, whatever its name says".utf8).write(to: URL(fileURLWithPath: text))
        #expect(throws: LedgerError.self) { try SQLiteLedgerStore(path: text) }
        let other = folder.path + "/other.sqlite"
        let queue = try DatabaseQueue(path: other)
        try queue.write { try $0.execute(sql: "CREATE TABLE mine (id INTEGER)") }
        try queue.close()
        #expect(throws: LedgerError.self) { try SQLiteLedgerStore(path: other) }
        let again = try DatabaseQueue(path: other)
        #expect(try again.read { try $0.tableExists("mine") && !$0.tableExists("account") })
        #expect(throws: LedgerError.self) { try SQLiteLedgerStore(path: folder.path + "/missing", access: .read) }
        #expect(throws: LedgerError.self) { try SQLiteLedgerStore(path: folder.path + "/no/such/folder/x") }
    }

    @Test func backupIsALedger() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        let book = try await settledTown(store)
        let copy = folder.path + "/copy.sqlite"
        try store.backup(to: copy)
        #expect(throws: LedgerError.self) { try store.backup(to: copy) }
        let restored = try SQLiteLedgerStore(path: copy)
        #expect(try restored.load().book.accounts == book.accounts)
        #expect(try Fsck.run(restored).isClean)
        try restored.close()
        try store.close()
    }

    @Test func aStoreThatLosesBatchesSaysSo() async throws {
        let store = MemoryLedgerStore { batch in batch.records.isEmpty ? nil : .storage(detail: "lost") }
        await #expect(throws: LedgerError.storage(detail: "lost")) {
            try await store.commit(Batch(records: [Record(kind: "job", id: [1], body: [])]))
        }
        #expect(try store.records(kind: "job").isEmpty)
    }

    @Test func flushesAreMeasured() throws {
        let folder = try TemporaryFolder()
        let measured = try FlushMeasurement.measure(directory: folder.path, rounds: 5)
        #expect(measured.rounds == 5)
        #expect(measured.minimumMicroseconds <= measured.medianMicroseconds)
        #expect(measured.medianMicroseconds <= measured.maximumMicroseconds)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        #expect(throws: LedgerError.self) { try FlushMeasurement.measure(directory: folder.path + "/missing") }
    }
}

extension PostgresLedgerStore {
    /// A writer that takes the fence of that name.
    static func writer(
        _ url: String,
        fence name: String = "ledger",
        holder: UInt8 = 1,
        writers: Writers = .one,
        patienceSeconds: Int = 10
    ) throws -> PostgresLedgerStore {
        let database = try PostgresDatabase(url: url)
        let fence = try PostgresWorkQueue(database: database).acquire(
            name,
            holder: [holder],
            leaseMilliseconds: 60_000
        )
        return PostgresLedgerStore(
            database: database,
            fence: try #require(fence),
            writers: writers,
            patienceSeconds: patienceSeconds
        )
    }

    /// A writer on an empty database of the shared private server.
    static func fresh() throws -> PostgresLedgerStore {
        try writer(PrivatePostgres.shared.get().newDatabase())
    }
}
