// The start-up image. A start waits for it, so the books and the engine's rows are read at the same time.
internal import Dispatch
internal import GRDB
internal import Synchronization

extension SQLiteLedgerStore {
    public func load(recordKinds: [String]?) throws(LedgerError) -> LedgerImage {
        // A filling is begun again below; until then it would take the processor from what a start waits for.
        if isWriter { filter.stopFilling() }
        let (money, records) = try readTogether(
            { db in try Self.money(db) },
            { db in try Self.records(db, kinds: recordKinds) }
        )
        let book = Book(accounts: money.accounts, holds: money.holds, latest: money.latest, history: self)
        try book.verify()
        if isWriter { fillFilter() }
        return LedgerImage(book: book, records: records)
    }

    private struct Money: Sendable {
        let accounts: [Account]
        let holds: [Hold]
        let latest: Int64
    }

    private static func money(_ db: Database) throws -> Money {
        let accounts = try Rows.accounts(db)
        try Invariants.checkFold(accounts, try Rows.fold(db).counters)
        let latest = try Int64.fetchOne(db, sql: "SELECT at FROM transfer ORDER BY seq DESC LIMIT 1")
        return Money(accounts: accounts, holds: try Rows.openHolds(db), latest: latest ?? .min)
    }

    private static func records(_ db: Database, kinds: [String]?) throws -> [Record] {
        let all = "SELECT DISTINCT kind FROM record ORDER BY kind"
        return try (kinds?.sorted() ?? String.fetchAll(db, sql: all)).flatMap { try records(db, kind: $0) }
    }

    /// Runs two reads on one consistent state of the database: at the same time where this process can hold its writer until
    /// both have begun, else one after the other.
    private func readTogether<First: Sendable, Second: Sendable>(
        _ first: @escaping @Sendable (Database) throws -> First,
        _ second: @escaping @Sendable (Database) throws -> Second
    ) throws(LedgerError) -> (First, Second) {
        // Another process may commit between the beginnings of two reads.
        guard isWriter else { return try read { db in (try first(db), try second(db)) } }
        let (one, two) = (ConcurrentRead(first), ConcurrentRead(second))
        pool.writeWithoutTransaction { _ in
            // Each call returns when its read sees the last commit, whatever is committed from then on.
            pool.spawnConcurrentRead { one.run($0) }
            pool.spawnConcurrentRead { two.run($0) }
        }
        let results = (one.wait(), two.wait())
        do {
            return (try results.0.get(), try results.1.get())
        } catch {
            throw Self.failure(error).error
        }
    }
}

/// One read on a thread of its own, and its result.
private final class ConcurrentRead<Value: Sendable>: Sendable {
    private let body: @Sendable (Database) throws -> Value
    private let result = Mutex<Result<Value, any Error>?>(nil)
    private let done = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable (Database) throws -> Value) { self.body = body }

    func run(_ db: Result<Database, any Error>) {
        let found = Result { try body(try db.get()) }
        result.withLock { $0 = found }
        done.signal()
    }

    func wait() -> Result<Value, any Error> {
        done.wait()
        return result.withLock { $0 } ?? .failure(LedgerError.storage(detail: "a read ended without a result"))
    }
}
