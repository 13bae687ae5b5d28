// Work queues and fences on PostgreSQL: leases by `FOR UPDATE SKIP LOCKED`, times by the database's clock.
internal import Codecs
internal import PostgreSQL

/// Queues and fences of a fleet.
public final class PostgresWorkQueue: WorkQueue, FenceStore {
    private let database: PostgresDatabase

    /// The queues of a database.
    public init(database: PostgresDatabase) {
        self.database = database
    }

    /// The queues of the database at `url`, on connections of their own.
    /// - Throws: `LedgerError.storage` as `PostgresDatabase` does.
    public convenience init(url: String) throws(LedgerError) {
        self.init(database: try PostgresDatabase(url: url))
    }

    // MARK: Work

    public func enqueue(_ items: [WorkItem]) throws(LedgerError) {
        try WorkLimits.check(items)
        guard !items.isEmpty else { return }
        let ids = PostgresValue.blobs(items.map(\.id.bytes))
        let bodies = PostgresValue.blobs(items.map(\.body))
        try database.repeatable { connection in
            try connection.execute(
                """
                INSERT INTO work (id, queue, priority, due_at)
                SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[]) ON CONFLICT (id) DO NOTHING
                """,
                [
                    ids, .texts(items.map(\.queue)), .integers(items.map(\.priority)),
                    .integers(items.map(\.dueAtMilliseconds)),
                ]
            )
            try connection.execute(
                """
                INSERT INTO work_body (id, body) SELECT * FROM unnest($1::bytea[], $2::bytea[])
                ON CONFLICT (id) DO NOTHING
                """,
                [ids, bodies]
            )
            let other = try connection.execute(
                """
                SELECT work.id FROM work JOIN work_body ON work_body.id = work.id
                JOIN unnest($1::bytea[], $2::text[], $3::bytea[]) AS given (id, queue, body) ON given.id = work.id
                WHERE work.queue <> given.queue OR work_body.body <> given.body LIMIT 1
                """,
                [ids, .texts(items.map(\.queue)), bodies]
            )
            if other.count > 0 {
                let name = Hex.encode(try other.bytes(0, 0))
                throw LedgerError.conflict(field: "work", expected: "the first body of \(name)", actual: "another")
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
        // A commit whose answer is lost leaves leases that nobody knows of; they expire.
        return try database.repeatable { connection in
            try connection.execute(
                """
                UPDATE work SET state = 0, worker = NULL WHERE id IN (
                    SELECT id FROM work WHERE queue = $1 AND state = 1 AND leased_until <= \(PostgresClock.milliseconds)
                    LIMIT \(WorkLimits.claim) FOR UPDATE SKIP LOCKED)
                """,
                [.text(queue)]
            )
            let rows = try connection.execute(
                """
                WITH free AS (
                    SELECT id FROM work
                    WHERE queue = $1 AND state = 0 AND due_at <= \(PostgresClock.milliseconds)
                    ORDER BY priority, due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
                ), leased AS (
                    UPDATE work SET state = 1, worker = $3, epoch = epoch + 1,
                        leased_until = \(PostgresClock.milliseconds) + $4
                    FROM free WHERE work.id = free.id
                    RETURNING work.id, work.priority, work.due_at, work.epoch, work.leased_until
                )
                SELECT leased.id, priority, due_at, epoch, leased_until, body
                FROM leased JOIN work_body ON work_body.id = leased.id ORDER BY priority, due_at, leased.id
                """,
                [
                    .text(queue), .integer(Int64(min(limit, WorkLimits.claim))), .bytes(worker),
                    .integer(leaseMilliseconds),
                ]
            )
            return try (0..<rows.count).map { row in
                WorkLease(
                    item: WorkItem(
                        id: try WorkID(bytes: try rows.bytes(row, 0)),
                        queue: queue,
                        priority: try rows.integer(row, 1),
                        dueAtMilliseconds: try rows.integer(row, 2),
                        body: try rows.bytes(row, 5)
                    ),
                    worker: worker,
                    epoch: try rows.integer(row, 3),
                    expiresAtMilliseconds: try rows.integer(row, 4)
                )
            }
        }
    }

    public func extend(_ lease: WorkLease, leaseMilliseconds: Int64) throws(LedgerError) -> WorkLease? {
        try WorkLimits.checkLease(leaseMilliseconds)
        return try database.repeatable { connection in
            let rows = try connection.execute(
                """
                UPDATE work SET leased_until = \(PostgresClock.milliseconds) + $1
                WHERE id = $2 AND epoch = $3 AND worker = $4 AND state = 1 RETURNING leased_until
                """,
                [.integer(leaseMilliseconds)] + Self.names(lease)
            )
            guard rows.count == 1 else { return nil }
            return WorkLease(
                item: lease.item,
                worker: lease.worker,
                epoch: lease.epoch,
                expiresAtMilliseconds: try rows.integer(0, 0)
            )
        }
    }

    @discardableResult
    public func release(_ lease: WorkLease) throws(LedgerError) -> Bool {
        try database.repeatable { connection in
            try connection.execute(
                "UPDATE work SET state = 0, worker = NULL WHERE id = $1 AND epoch = $2 AND worker = $3 AND state = 1",
                Self.names(lease)
            ).changed == 1
        }
    }

    private static func names(_ lease: WorkLease) -> [PostgresValue] {
        [.bytes(lease.item.id.bytes), .integer(lease.epoch), .bytes(lease.worker)]
    }

    public func finish(_ lease: WorkLease, result: [UInt8]) throws(LedgerError) -> WorkAcceptance {
        try WorkLimits.check(result: result)
        return try database.repeatable { connection in
            let id = PostgresValue.bytes(lease.item.id.bytes)
            let rows = try connection.execute(
                "SELECT epoch, state, worker FROM work WHERE id = $1 FOR UPDATE",
                [id]
            )
            let current = rows.count == 1 ? try rows.integer(0, 0) : 0
            let isMine =
                try rows.count == 1 && current == lease.epoch && rows.optionalBytes(0, 2) == lease.worker
            let isOpen = try rows.count == 1 && rows.integer(0, 1) == 1
            let inserted = try connection.execute(
                """
                INSERT INTO work_result (id, epoch, worker, accepted, at, body)
                VALUES ($1, $2, $3, $4, \(PostgresClock.milliseconds), $5) ON CONFLICT (id, epoch) DO NOTHING
                """,
                [id, .integer(lease.epoch), .bytes(lease.worker), .boolean(isMine && isOpen), .bytes(result)]
            )
            if isMine, isOpen, inserted.changed == 1 {
                try connection.execute(
                    "UPDATE work SET state = 2, leased_until = \(PostgresClock.milliseconds) WHERE id = $1",
                    [id]
                )
                return .accepted
            }
            if inserted.changed == 0 {
                let earlier = try connection.execute(
                    "SELECT accepted FROM work_result WHERE id = $1 AND epoch = $2 AND worker = $3",
                    Self.names(lease)
                )
                if try earlier.count == 1 && earlier.integer(0, 0) == 1 { return .accepted }
            }
            return rows.count == 1 ? .stale(current: current) : .gone
        }
    }

    public func finished(queue: String, limit: Int) throws(LedgerError) -> [WorkResult] {
        try database.transaction(readOnly: true) { connection in
            let rows = try connection.execute(
                """
                SELECT result.id, result.epoch, result.worker, result.accepted, result.at, result.body
                FROM work JOIN work_result AS result ON result.id = work.id AND result.accepted
                WHERE work.queue = $1 AND work.state = 2 ORDER BY work.leased_until, work.id LIMIT $2
                """,
                [.text(queue), .integer(Int64(max(0, limit)))]
            )
            return try (0..<rows.count).map { try Self.result(rows, $0) }
        }
    }

    public func results(of id: WorkID) throws(LedgerError) -> [WorkResult] {
        try database.transaction(readOnly: true) { connection in
            let rows = try connection.execute(
                "SELECT id, epoch, worker, accepted, at, body FROM work_result WHERE id = $1 ORDER BY epoch",
                [.bytes(id.bytes)]
            )
            return try (0..<rows.count).map { try Self.result(rows, $0) }
        }
    }

    private static func result(_ rows: PostgresResult, _ row: Int) throws -> WorkResult {
        WorkResult(
            id: try WorkID(bytes: try rows.bytes(row, 0)),
            epoch: try rows.integer(row, 1),
            worker: try rows.bytes(row, 2),
            body: try rows.bytes(row, 5),
            isAccepted: try rows.integer(row, 3) == 1,
            atMilliseconds: try rows.integer(row, 4)
        )
    }

    public func remove(_ ids: [WorkID]) throws(LedgerError) {
        let names = PostgresValue.blobs(ids.map(\.bytes))
        try database.repeatable { connection in
            try connection.execute("DELETE FROM work WHERE id = ANY($1::bytea[])", [names])
            try connection.execute("DELETE FROM work_body WHERE id = ANY($1::bytea[])", [names])
        }
    }

    @discardableResult
    public func forgetResults(beforeMilliseconds: Int64, limit: Int) throws(LedgerError) -> Int {
        try database.repeatable { connection in
            try connection.execute(
                """
                DELETE FROM work_result WHERE (id, epoch) IN (
                    SELECT id, epoch FROM work_result WHERE at < $1
                    AND NOT EXISTS (SELECT 1 FROM work WHERE work.id = work_result.id) LIMIT $2)
                """,
                [.integer(beforeMilliseconds), .integer(Int64(max(0, limit)))]
            ).changed
        }
    }

    public func resultTotals(beforeMilliseconds: Int64) throws(LedgerError) -> WorkResultTotals {
        try database.transaction(readOnly: true) { connection in
            let rows = try connection.execute(
                """
                SELECT count(*) FILTER (WHERE goes), coalesce(sum(bytes) FILTER (WHERE goes), 0)::bigint, count(*),
                    coalesce(sum(bytes), 0)::bigint
                FROM (
                    SELECT octet_length(body) AS bytes,
                        at < $1 AND NOT EXISTS (SELECT 1 FROM work WHERE work.id = work_result.id) AS goes
                    FROM work_result
                ) AS result
                """,
                [.integer(beforeMilliseconds)]
            )
            let (count, bytes) = (try rows.integer(0, 0), try rows.integer(0, 1))
            return WorkResultTotals(
                forgettable: Int(count),
                forgettableBytes: UInt64(clamping: bytes),
                kept: Int(try rows.integer(0, 2) - count),
                keptBytes: UInt64(clamping: try rows.integer(0, 3) - bytes)
            )
        }
    }

    public func backlog(queue: String) throws(LedgerError) -> WorkBacklog {
        try database.transaction(readOnly: true) { connection in
            let rows = try connection.execute(
                """
                SELECT count(*) FILTER (WHERE (state = 0 AND due_at <= now_ms) OR (state = 1 AND leased_until <= now_ms)),
                    count(*) FILTER (WHERE state = 1 AND leased_until > now_ms),
                    count(*) FILTER (WHERE state = 0 AND due_at > now_ms),
                    count(*) FILTER (WHERE state = 2),
                    coalesce(max(now_ms - due_at) FILTER (WHERE state = 0 AND due_at <= now_ms AND due_at > 0), 0)
                FROM work, (SELECT \(PostgresClock.milliseconds) AS now_ms) AS clock WHERE queue = $1
                """,
                [.text(queue)]
            )
            return WorkBacklog(
                ready: Int(try rows.integer(0, 0)),
                leased: Int(try rows.integer(0, 1)),
                later: Int(try rows.integer(0, 2)),
                finished: Int(try rows.integer(0, 3)),
                oldestReadyMilliseconds: try rows.integer(0, 4)
            )
        }
    }

    // MARK: Fences

    public func acquire(_ name: String, holder: [UInt8], leaseMilliseconds: Int64) throws(LedgerError) -> Fence? {
        try WorkLimits.checkName(name, "name")
        try WorkLimits.checkHolder(holder, "holder")
        try WorkLimits.checkLease(leaseMilliseconds)
        return try database.repeatable { connection in
            let rows = try connection.execute(
                """
                INSERT INTO fence (name, holder, epoch, expires_at) VALUES ($1, $2, 1, \(PostgresClock.milliseconds) + $3)
                ON CONFLICT (name) DO UPDATE
                SET holder = excluded.holder, epoch = fence.epoch + 1, expires_at = excluded.expires_at
                WHERE fence.holder = excluded.holder OR fence.expires_at <= \(PostgresClock.milliseconds)
                RETURNING epoch
                """,
                [.text(name), .bytes(holder), .integer(leaseMilliseconds)]
            )
            return rows.count == 1 ? Fence(name: name, holder: holder, epoch: try rows.integer(0, 0)) : nil
        }
    }

    public func renew(_ fence: Fence, leaseMilliseconds: Int64) throws(LedgerError) -> Bool {
        try WorkLimits.checkLease(leaseMilliseconds)
        return try database.repeatable { connection in
            try connection.execute(
                "UPDATE fence SET expires_at = \(PostgresClock.milliseconds) + $1 WHERE name = $2 AND epoch = $3",
                [.integer(leaseMilliseconds), .text(fence.name), .integer(fence.epoch)]
            ).changed == 1
        }
    }

    public func resign(_ fence: Fence) throws(LedgerError) {
        _ = try database.repeatable { connection in
            try connection.execute(
                "UPDATE fence SET expires_at = 0 WHERE name = $1 AND epoch = $2",
                [.text(fence.name), .integer(fence.epoch)]
            )
        }
    }

    public func present(_ name: String) throws(LedgerError) -> Fence? {
        try database.transaction(readOnly: true) { connection in
            let rows = try connection.execute("SELECT holder, epoch FROM fence WHERE name = $1", [.text(name)])
            guard rows.count == 1 else { return nil }
            return Fence(name: name, holder: try rows.bytes(0, 0), epoch: try rows.integer(0, 1))
        }
    }
}
