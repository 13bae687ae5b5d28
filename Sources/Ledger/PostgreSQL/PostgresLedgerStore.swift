// The ledger on PostgreSQL: one writer at a time, chosen by a fence, so that another process can take over.
internal import Codecs
public import Commitments
internal import PostgreSQL
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// A ledger in a PostgreSQL database.
///
/// Every commit checks the writer's fence in its own transaction: a process that was taken over cannot write any more,
/// whatever it still believes. A commit whose answer was lost is asked for again under the same mark, so it happens once.
/// The server's `synchronous_commit` and `fsync` decide what an acknowledgement is worth (see `PostgresProbe`).
public final class PostgresLedgerStore: LedgerStore {
    /// For how long a commit waits for a server that has gone away, in seconds, unless told otherwise.
    public static let patienceSeconds = 30
    /// The accruals of this many groups are folded into their accounts at once.
    static let groupsPerFold = 128

    let database: PostgresDatabase
    private let filter = SeenFilter()
    /// Whether this process writes. Only then does the filter know of every commit.
    private let isWriter: Bool
    private let committer: GroupCommitter

    /// The ledger of a database, for writing under `fence`, or for reading without one.
    ///
    /// Acquire the fence before `load`: what another process wrote until then is loaded, and it writes nothing after.
    /// - Parameter patienceSeconds: for how long a commit waits for a server that has gone away.
    public convenience init(
        database: PostgresDatabase,
        fence: Fence?,
        patienceSeconds: Int = PostgresLedgerStore.patienceSeconds
    ) {
        // PostgreSQL's round trips cost more than its rows, so its groups are larger than SQLite's.
        let limits = GroupCommitter.Limits(batches: 256)
        self.init(database: database, fence: fence, patienceSeconds: patienceSeconds, limits: limits)
    }

    init(database: PostgresDatabase, fence: Fence?, patienceSeconds: Int, limits: GroupCommitter.Limits) {
        self.database = database
        isWriter = fence != nil
        let filter = filter
        let writer = GroupWriter(database: database, fence: fence, patienceSeconds: patienceSeconds)
        committer = GroupCommitter(limits: limits) { batches throws(WriteFailure) in
            try writer.write(batches)
            // After the commit and before its acknowledgement: a filling sees either the rows or this.
            filter.insert(SeenFilter.hashes(batches))
        }
        if fence == nil { committer.stop(.settlementStopped(reason: "the store is open for reading only")) }
    }

    public func submit(_ batch: Batch) -> CommitTicket {
        do throws(LedgerError) {
            try batch.checkBounds()
        } catch {
            return CommitTicket(result: .failure(error))
        }
        return committer.submit(batch)
    }

    public var stopped: LedgerError? { committer.stopped }

    /// Writes what is queued and refuses the rest. The database stays open for others that use it.
    public func close() throws(LedgerError) {
        committer.close()
        filter.stopFilling()
    }

    // MARK: Start

    public func load(recordKinds: [String]?) throws(LedgerError) -> LedgerImage {
        // What another writer has committed since an earlier load is not in the filter.
        _ = filter.reset(expecting: 0)
        let (accounts, holds, latest, records) = try read { connection in
            let accounts = try PostgresRows.accounts(connection)
            try Self.checkFold(connection, accounts)
            let last = try connection.execute("SELECT at FROM transfer ORDER BY seq DESC LIMIT 1")
            let latest = last.count == 1 ? try last.integer(0, 0) : Int64.min
            var holds: [Hold] = []
            try PostgresRows.forEachPage(
                connection,
                "\(PostgresRows.holdQuery) WHERE hold.resolution IS NULL AND hold.id > $1 ORDER BY hold.id LIMIT $2",
                key: 0,
                from: .bytes([])
            ) { rows, row in holds.append(try PostgresRows.storedHold(rows, row).hold) }
            return (accounts, holds, latest, try Self.records(connection, recordKinds))
        }
        let book = Book(accounts: accounts, holds: holds, latest: latest, history: self)
        try book.verify()
        if isWriter { fillFilter() }
        return LedgerImage(book: book, records: records)
    }

    private static func records(_ connection: PostgresConnection, _ kinds: [String]?) throws -> [Record] {
        let names: [String]
        if let kinds {
            names = kinds.sorted()
        } else {
            let rows = try connection.execute("SELECT DISTINCT kind FROM record ORDER BY kind")
            names = try (0..<rows.count).map { try rows.text($0, 0) }
        }
        var records: [Record] = []
        for kind in names {
            var last: [UInt8] = []
            while true {
                let rows = try connection.execute(
                    "SELECT id, body FROM record WHERE kind = $1 AND id > $2 ORDER BY id LIMIT 5000",
                    [.text(kind), .bytes(last)]
                )
                for row in 0..<rows.count {
                    last = try rows.bytes(row, 0)
                    records.append(Record(kind: kind, id: last, body: try rows.bytes(row, 1)))
                }
                if rows.count < 5000 { break }
            }
        }
        return records
    }

    /// I7: the stored counters against the fold of all transfers.
    private static func checkFold(_ connection: PostgresConnection, _ accounts: [Account]) throws {
        var expected: [AccountID: [Int64]] = [:]
        let rows = try connection.execute(PostgresSchema.fold)
        for row in 0..<rows.count {
            expected[try AccountID(bytes: rows.bytes(row, 0))] = try (1...4).map { try rows.integer(row, $0) }
        }
        try Invariants.checkFold(accounts, expected)
    }

    /// Reads every id and leg into the filter, on a thread of its own; until then every request costs a read.
    private func fillFilter() {
        filter.fill { [self] in
            let counted = try read { try $0.execute("SELECT count(*) FROM transfer").integer(0, 0) }
            // The filter is emptied before the state that fills it is fixed: what is committed later adds itself.
            let generation = filter.reset(expecting: Int(counted) * 2)
            try read { connection in
                var hashes: [UInt64] = []
                try PostgresRows.forEachPage(
                    connection,
                    "SELECT seq, id, job, attempt, leg FROM transfer WHERE seq > $1 ORDER BY seq LIMIT $2",
                    key: 0,
                    from: .integer(.min)
                ) { rows, row in
                    hashes.append(SeenFilter.hash(try TransferID(bytes: rows.bytes(row, 1))))
                    guard let job = try rows.optionalBytes(row, 2) else { return }
                    let digest = try Digest(job, field: "job")
                    let attempt = UInt32(truncatingIfNeeded: try rows.integer(row, 3))
                    hashes.append(SeenFilter.hash(job: digest, attempt: attempt, leg: try rows.text(row, 4)))
                    if hashes.count > 10_000, filter.isWanted(generation) {
                        filter.insert(hashes)
                        hashes = []
                    }
                }
                let resolutions = try connection.execute("SELECT resolution FROM hold WHERE resolution IS NOT NULL")
                for row in 0..<resolutions.count {
                    hashes.append(SeenFilter.hash(try TransferID(bytes: resolutions.bytes(row, 0))))
                }
                filter.insert(hashes)
                filter.complete(generation)
            }
        }
    }

    // MARK: History

    public func entry(_ id: TransferID) throws(LedgerError) -> LedgerEntry? {
        guard filter.mayContain(SeenFilter.hash(id)) else { return nil }
        return try read { connection in
            if let hold = try PostgresRows.hold(connection, "resolution", id) {
                let transfers = try PostgresRows.transfers(
                    connection,
                    "WHERE pending_id = $1 ORDER BY seq",
                    [.bytes(hold.hold.id.bytes)]
                )
                guard let resolution = hold.resolution(transfers) else { return nil }
                return .resolution(resolution, transfers: transfers)
            }
            let found = try PostgresRows.transfers(connection, "WHERE id = $1", [.bytes(id.bytes)])
            guard let transfer = found.first else { return nil }
            if transfer.kind == .hold, let hold = try PostgresRows.hold(connection, "id", id) {
                return .hold(hold.hold)
            }
            return .transfer(transfer)
        }
    }

    public func resolution(ofHold id: TransferID) throws(LedgerError) -> TransferID? {
        try read { connection in try PostgresRows.hold(connection, "id", id)?.resolvedBy }
    }

    public func legsTaken(job: Digest, attempt: UInt32, among legs: [String]) throws(LedgerError) -> Set<String> {
        let possible = legs.filter { filter.mayContain(SeenFilter.hash(job: job, attempt: attempt, leg: $0)) }
        guard !possible.isEmpty else { return [] }
        return try read { connection in
            let rows = try connection.execute(
                "SELECT leg FROM transfer WHERE job = $1 AND attempt = $2 AND leg = ANY($3::text[])",
                [.bytes(job.bytes), .integer(Int64(attempt)), .texts(possible)]
            )
            return Set(try (0..<rows.count).map { try rows.text($0, 0) })
        }
    }

    /// Runs reads on one consistent state of the database.
    func read<Value>(_ body: (PostgresConnection) throws -> Value) throws(LedgerError) -> Value {
        try database.transaction(.repeatableRead, readOnly: true, body)
    }
}

/// Writes groups: fence, mark, rows, commit.
private final class GroupWriter: Sendable {
    private struct State {
        var hot: [AccountID: Bool] = [:]
        var groups = 0
    }

    private let database: PostgresDatabase
    private let fence: Fence?
    private let patience: Duration
    private let state = Mutex(State())

    init(database: PostgresDatabase, fence: Fence?, patienceSeconds: Int) {
        self.database = database
        self.fence = fence
        patience = .seconds(patienceSeconds)
    }

    func write(_ batches: [Batch]) throws(WriteFailure) {
        do {
            let rows = PostgresBatchWriter(rows: try GroupRows(batches))
            var mark = [UInt8](repeating: 0, count: 16)
            for index in mark.indices { mark[index] = UInt8.random(in: 0...255) }
            let start = ContinuousClock.now
            while true {
                do {
                    return try database.pool.transaction { connection in try write(rows, mark, to: connection) }
                } catch let error as PostgresError
                    where error.isConnectionLoss && ContinuousClock.now - start < patience
                {
                    // The same rows under the same mark: if the lost commit happened, this one finds that out.
                    database.pool.dropIdle()
                    usleep(100_000)
                }
            }
        } catch {
            throw PostgresDatabase.failure(error)
        }
    }

    private func write(_ rows: PostgresBatchWriter, _ mark: [UInt8], to connection: PostgresConnection) throws {
        let isNew = try connection.execute(
            "INSERT INTO commit_mark (id, at) VALUES ($1, \(PostgresClock.milliseconds)) ON CONFLICT (id) DO NOTHING",
            [.bytes(mark)]
        )
        guard isNew.changed == 1 else { return }
        try checkFence(connection)
        let hot = try hotAccounts(rows.rows.deltas.map(\.account), connection)
        try rows.write(to: connection) { hot.contains($0) }
        let groups = state.withLock { state in
            state.groups += 1
            return state.groups
        }
        if groups % PostgresLedgerStore.groupsPerFold == 0 {
            try PostgresBatchWriter.fold(connection)
            // A mark is of use as long as its writer may still ask for it.
            let age = "\(PostgresClock.milliseconds) - 3600000"
            try connection.execute("DELETE FROM commit_mark WHERE at < \(age)")
        }
    }

    /// Holds the fence's row until the commit, so that nobody can acquire it in between.
    private func checkFence(_ connection: PostgresConnection) throws {
        guard let fence else { return }
        let rows = try connection.execute("SELECT epoch FROM fence WHERE name = $1 FOR SHARE", [.text(fence.name)])
        let current = rows.count == 1 ? try rows.integer(0, 0) : 0
        guard current == fence.epoch else {
            throw LedgerError.fenced(name: fence.name, epoch: fence.epoch, current: current)
        }
    }

    /// Which of these accounts are of a kind whose movements are accrued. An account's kind never changes.
    private func hotAccounts(_ ids: [AccountID], _ connection: PostgresConnection) throws -> Set<AccountID> {
        let known = state.withLock { $0.hot }
        let unknown = ids.filter { known[$0] == nil }
        var found = Set(ids.filter { known[$0] == true })
        guard !unknown.isEmpty else { return found }
        let kinds = PostgresBatchWriter.hotKinds.map(\.rawValue)
        let rows = try connection.execute(
            "SELECT id FROM account WHERE id = ANY($1::bytea[]) AND kind = ANY($2::text[])",
            [.blobs(unknown.map(\.bytes)), .texts(kinds)]
        )
        let hot = Set(try (0..<rows.count).map { try AccountID(bytes: rows.bytes($0, 0)) })
        // Only accounts that are there: one that is opened by this group has no row yet.
        let there = try connection.execute(
            "SELECT id FROM account WHERE id = ANY($1::bytea[])",
            [.blobs(unknown.map(\.bytes))]
        )
        let ids = try (0..<there.count).map { try AccountID(bytes: there.bytes($0, 0)) }
        state.withLock { state in for id in ids { state.hot[id] = hot.contains(id) } }
        found.formUnion(hot)
        return found
    }
}
