// Work queues and fences in one SQLite file: for several processes of one machine, and the same contract as PostgreSQL's.
internal import Codecs
internal import Foundation
internal import GRDB

/// Queues and fences of one machine. Any number of its processes may open the file; SQLite lets one write at a time, so
/// nothing has to be skipped. The clock is the machine's.
public final class SQLiteWorkQueue: WorkQueue, FenceStore {
    private let pool: DatabasePool
    private let clock: @Sendable () -> Int64

    /// Opens or creates the file at `path`.
    /// - Parameter clock: milliseconds since 1970; the machine's clock unless a test gives another.
    /// - Throws: `LedgerError.storage` when the file cannot be opened or is not a queue.
    public init(path: String, clock: (@Sendable () -> Int64)? = nil) throws(LedgerError) {
        self.clock = clock ?? { Int64(Date().timeIntervalSince1970 * 1000) }
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            configuration.label = "assay.queue"
            configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            pool = try DatabasePool(path: path, configuration: configuration)
            var migrator = DatabaseMigrator()
            migrator.registerMigration("1 fences, work queues") { db in try db.execute(sql: Self.schema) }
            try migrator.migrate(pool)
            guard try pool.read(migrator.hasCompletedMigrations) else {
                throw LedgerError.storage(detail: "\(path): the file is of another version")
            }
        } catch {
            throw Self.failure(error)
        }
    }

    /// Closes the file.
    public func close() throws(LedgerError) {
        do { try pool.close() } catch { throw Self.failure(error) }
    }

    private static let schema = """
        CREATE TABLE fence (
            name TEXT NOT NULL PRIMARY KEY, holder BLOB NOT NULL, epoch INTEGER NOT NULL CHECK (epoch > 0),
            expires_at INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE work (
            id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
            queue TEXT NOT NULL,
            state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 2),
            priority INTEGER NOT NULL,
            due_at INTEGER NOT NULL,
            epoch INTEGER NOT NULL DEFAULT 0,
            leased_until INTEGER NOT NULL DEFAULT 0,
            worker BLOB
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX work_open ON work (queue, priority, due_at, id) WHERE state = 0;
        CREATE INDEX work_leased ON work (queue, leased_until) WHERE state = 1;
        CREATE INDEX work_finished ON work (queue, leased_until) WHERE state = 2;
        CREATE TABLE work_body (id BLOB NOT NULL PRIMARY KEY, body BLOB NOT NULL) STRICT;
        CREATE TABLE work_result (
            id BLOB NOT NULL, epoch INTEGER NOT NULL, worker BLOB NOT NULL, accepted INTEGER NOT NULL, at INTEGER NOT NULL,
            body BLOB NOT NULL, PRIMARY KEY (id, epoch)
        ) STRICT;
        CREATE UNIQUE INDEX work_result_once ON work_result (id) WHERE accepted = 1;
        CREATE INDEX work_result_at ON work_result (at);
        """

    // MARK: Work

    public func enqueue(_ items: [WorkItem]) throws(LedgerError) {
        try WorkLimits.check(items)
        try write { db in
            for item in items {
                let id = Data(item.id.bytes)
                try Self.run(
                    db,
                    "INSERT INTO work (id, queue, priority, due_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    [id, item.queue, item.priority, item.dueAtMilliseconds]
                )
                if db.changesCount == 1 {
                    try Self.run(db, "INSERT INTO work_body (id, body) VALUES (?, ?)", [id, Data(item.body)])
                } else {
                    let sql = """
                        SELECT 1 FROM work JOIN work_body USING (id) WHERE id = ? AND queue = ? AND body = ?
                        """
                    guard try Int.fetchOne(db, sql: sql, arguments: [id, item.queue, Data(item.body)]) != nil else {
                        let expected = "the first body of \(item.id)"
                        throw LedgerError.conflict(field: "work", expected: expected, actual: "another")
                    }
                }
            }
        }
    }

    public func claim(
        queue: String,
        worker: [UInt8],
        limit: Int,
        leaseMilliseconds: Int64
    ) throws(LedgerError) -> [WorkLease] {
        try WorkLimits.checkHolder(worker, "worker")
        try WorkLimits.checkLease(leaseMilliseconds)
        guard limit > 0 else { return [] }
        let now = clock()
        return try write { db in
            try Self.run(
                db,
                "UPDATE work SET state = 0, worker = NULL WHERE queue = ? AND state = 1 AND leased_until <= ?",
                [queue, now]
            )
            let free = try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT id, priority, due_at, epoch, body FROM work JOIN work_body USING (id)
                        WHERE queue = ? AND state = 0 AND due_at <= ? ORDER BY priority, due_at, id LIMIT ?
                        """
                ),
                arguments: [queue, now, min(limit, WorkLimits.claim)]
            )
            return try free.map { row in
                let id = try Rows.bytes(row, 0)
                let epoch = try Rows.integer(row, 3) + 1
                try Self.run(
                    db,
                    "UPDATE work SET state = 1, worker = ?, epoch = ?, leased_until = ? WHERE id = ?",
                    [Data(worker), epoch, now + leaseMilliseconds, Data(id)]
                )
                return WorkLease(
                    item: WorkItem(
                        id: try WorkID(bytes: id),
                        queue: queue,
                        priority: try Rows.integer(row, 1),
                        dueAtMilliseconds: try Rows.integer(row, 2),
                        body: try Rows.bytes(row, 4)
                    ),
                    worker: worker,
                    epoch: epoch,
                    expiresAtMilliseconds: now + leaseMilliseconds
                )
            }
        }
    }

    public func extend(_ lease: WorkLease, leaseMilliseconds: Int64) throws(LedgerError) -> WorkLease? {
        try WorkLimits.checkLease(leaseMilliseconds)
        let until = clock() + leaseMilliseconds
        return try write { db in
            try Self.run(
                db,
                "UPDATE work SET leased_until = ? WHERE id = ? AND epoch = ? AND worker = ? AND state = 1",
                [until] + Self.names(lease)
            )
            guard db.changesCount == 1 else { return nil }
            return WorkLease(
                item: lease.item,
                worker: lease.worker,
                epoch: lease.epoch,
                expiresAtMilliseconds: until
            )
        }
    }

    @discardableResult
    public func release(_ lease: WorkLease) throws(LedgerError) -> Bool {
        try write { db in
            try Self.run(
                db,
                "UPDATE work SET state = 0, worker = NULL WHERE id = ? AND epoch = ? AND worker = ? AND state = 1",
                Self.names(lease)
            )
            return db.changesCount == 1
        }
    }

    private static func names(_ lease: WorkLease) -> [any DatabaseValueConvertible] {
        [Data(lease.item.id.bytes), lease.epoch, Data(lease.worker)]
    }

    public func finish(_ lease: WorkLease, result: [UInt8]) throws(LedgerError) -> WorkAcceptance {
        try WorkLimits.check(result: result)
        let now = clock()
        return try write { db in
            let id = Data(lease.item.id.bytes)
            let row = try Row.fetchOne(db, sql: "SELECT epoch, state, worker FROM work WHERE id = ?", arguments: [id])
            let current = try row.map { try Rows.integer($0, 0) }
            let isMine =
                try row.map { try current == lease.epoch && Rows.optionalBytes($0, 2) == lease.worker } ?? false
            let isOpen = try row.map { try Rows.integer($0, 1) == 1 } ?? false
            try Self.run(
                db,
                """
                INSERT INTO work_result (id, epoch, worker, accepted, at, body) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (id, epoch) DO NOTHING
                """,
                [id, lease.epoch, Data(lease.worker), isMine && isOpen ? 1 : 0, now, Data(result)]
            )
            let isNew = db.changesCount == 1
            if isMine, isOpen, isNew {
                try Self.run(db, "UPDATE work SET state = 2, leased_until = ? WHERE id = ?", [now, id])
                return .accepted
            }
            let accepted = "SELECT accepted FROM work_result WHERE id = ? AND epoch = ? AND worker = ?"
            let arguments: StatementArguments = [id, lease.epoch, Data(lease.worker)]
            if !isNew, try Int.fetchOne(db, sql: accepted, arguments: arguments) == 1 { return .accepted }
            return current.map { .stale(current: $0) } ?? .gone
        }
    }

    public func finished(queue: String, limit: Int) throws(LedgerError) -> [WorkResult] {
        try results(
            """
            SELECT result.id, result.epoch, result.worker, result.accepted, result.at, result.body
            FROM work JOIN work_result AS result ON result.id = work.id AND result.accepted = 1
            WHERE work.queue = ? AND work.state = 2 ORDER BY work.leased_until, work.id LIMIT ?
            """,
            [queue, max(0, limit)]
        )
    }

    public func results(of id: WorkID) throws(LedgerError) -> [WorkResult] {
        try results(
            "SELECT id, epoch, worker, accepted, at, body FROM work_result WHERE id = ? ORDER BY epoch",
            [Data(id.bytes)]
        )
    }

    private func results(_ sql: String, _ arguments: StatementArguments) throws(LedgerError) -> [WorkResult] {
        try read { db in
            try Row.fetchAll(db, sql: sql, arguments: arguments).map { row in
                WorkResult(
                    id: try WorkID(bytes: try Rows.bytes(row, 0)),
                    epoch: try Rows.integer(row, 1),
                    worker: try Rows.bytes(row, 2),
                    body: try Rows.bytes(row, 5),
                    isAccepted: try Rows.integer(row, 3) == 1,
                    atMilliseconds: try Rows.integer(row, 4)
                )
            }
        }
    }

    public func remove(_ ids: [WorkID]) throws(LedgerError) {
        try write { db in
            for id in ids {
                try Self.run(db, "DELETE FROM work WHERE id = ?", [Data(id.bytes)])
                try Self.run(db, "DELETE FROM work_body WHERE id = ?", [Data(id.bytes)])
            }
        }
    }

    @discardableResult
    public func forgetResults(beforeMilliseconds: Int64, limit: Int) throws(LedgerError) -> Int {
        try write { db in
            try Self.run(
                db,
                """
                DELETE FROM work_result WHERE rowid IN (
                    SELECT rowid FROM work_result WHERE at < ? AND id NOT IN (SELECT id FROM work) LIMIT ?)
                """,
                [beforeMilliseconds, Int64(max(0, limit))]
            )
            return db.changesCount
        }
    }

    public func resultTotals(beforeMilliseconds: Int64) throws(LedgerError) -> WorkResultTotals {
        try read { db in
            let sql = """
                SELECT count(*) FILTER (WHERE goes), coalesce(sum(bytes) FILTER (WHERE goes), 0), count(*),
                    coalesce(sum(bytes), 0)
                FROM (SELECT length(body) AS bytes, at < ? AND id NOT IN (SELECT id FROM work) AS goes FROM work_result)
                """
            guard let row = try Row.fetchOne(db, sql: sql, arguments: [beforeMilliseconds]) else {
                throw LedgerError.storage(detail: "no totals of results")
            }
            let (count, bytes): (Int, Int64) = (row[0], row[1])
            return WorkResultTotals(
                forgettable: count,
                forgettableBytes: UInt64(clamping: bytes),
                kept: (row[2] as Int) - count,
                keptBytes: UInt64(clamping: (row[3] as Int64) - bytes)
            )
        }
    }

    public func backlog(queue: String) throws(LedgerError) -> WorkBacklog {
        let now = clock()
        return try read { db in
            let sql = """
                SELECT count(*) FILTER (WHERE (state = 0 AND due_at <= ?2) OR (state = 1 AND leased_until <= ?2)),
                    count(*) FILTER (WHERE state = 1 AND leased_until > ?2),
                    count(*) FILTER (WHERE state = 0 AND due_at > ?2),
                    count(*) FILTER (WHERE state = 2),
                    coalesce(max(?2 - due_at) FILTER (WHERE state = 0 AND due_at <= ?2 AND due_at > 0), 0)
                FROM work WHERE queue = ?1
                """
            guard let row = try Row.fetchOne(db, sql: sql, arguments: [queue, now]) else {
                return WorkBacklog(ready: 0, leased: 0, later: 0, finished: 0, oldestReadyMilliseconds: 0)
            }
            return WorkBacklog(
                ready: Int(try Rows.integer(row, 0)),
                leased: Int(try Rows.integer(row, 1)),
                later: Int(try Rows.integer(row, 2)),
                finished: Int(try Rows.integer(row, 3)),
                oldestReadyMilliseconds: try Rows.integer(row, 4)
            )
        }
    }

    // MARK: Fences

    public func acquire(_ name: String, holder: [UInt8], leaseMilliseconds: Int64) throws(LedgerError) -> Fence? {
        try WorkLimits.checkName(name, "name")
        try WorkLimits.checkHolder(holder, "holder")
        try WorkLimits.checkLease(leaseMilliseconds)
        let now = clock()
        return try write { db in
            let sql = """
                INSERT INTO fence (name, holder, epoch, expires_at) VALUES (?1, ?2, 1, ?3)
                ON CONFLICT (name) DO UPDATE
                SET holder = excluded.holder, epoch = fence.epoch + 1, expires_at = excluded.expires_at
                WHERE fence.holder = excluded.holder OR fence.expires_at <= ?4
                RETURNING epoch
                """
            let arguments: StatementArguments = [name, Data(holder), now + leaseMilliseconds, now]
            return try Int64.fetchAll(db, sql: sql, arguments: arguments).first
                .map { Fence(name: name, holder: holder, epoch: $0) }
        }
    }

    public func renew(_ fence: Fence, leaseMilliseconds: Int64) throws(LedgerError) -> Bool {
        try WorkLimits.checkLease(leaseMilliseconds)
        let until = clock() + leaseMilliseconds
        return try write { db in
            let sql = "UPDATE fence SET expires_at = ? WHERE name = ? AND epoch = ?"
            try Self.run(db, sql, [until, fence.name, fence.epoch])
            return db.changesCount == 1
        }
    }

    public func resign(_ fence: Fence) throws(LedgerError) {
        try write { db in
            let sql = "UPDATE fence SET expires_at = 0 WHERE name = ? AND epoch = ?"
            try Self.run(db, sql, [fence.name, fence.epoch])
        }
    }

    public func present(_ name: String) throws(LedgerError) -> Fence? {
        try read { db in
            let sql = "SELECT holder, epoch FROM fence WHERE name = ?"
            return try Row.fetchOne(db, sql: sql, arguments: [name]).map { row in
                Fence(name: name, holder: try Rows.bytes(row, 0), epoch: try Rows.integer(row, 1))
            }
        }
    }

    // MARK: Access

    private static func run(_ db: Database, _ sql: String, _ arguments: [any DatabaseValueConvertible]) throws {
        try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
    }

    private func write<Value>(_ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        do {
            return try pool.writeWithoutTransaction { db in
                var value: Value?
                try db.inTransaction(.immediate) {
                    value = try body(db)
                    return .commit
                }
                guard let value else { throw LedgerError.storage(detail: "the transaction did not run") }
                return value
            }
        } catch {
            throw Self.failure(error)
        }
    }

    private func read<Value>(_ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        do { return try pool.read(body) } catch { throw Self.failure(error) }
    }

    private static func failure(_ error: any Error) -> LedgerError {
        (error as? LedgerError) ?? .storage(detail: "\(error)")
    }
}
