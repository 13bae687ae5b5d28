// The ledger on PostgreSQL: one writer at a time, chosen by a fence, so that another process can take over.
internal import Codecs
public import Commitments
internal import PostgreSQL

/// A ledger in a PostgreSQL database.
///
/// Every commit checks the writer's fence in its own transaction: a process that was taken over cannot write any more,
/// whatever it still believes. A commit whose answer was lost is asked for again under the same mark, so it happens once.
/// The server's `synchronous_commit` and `fsync` decide what an acknowledgement is worth (see `PostgresProbe`).
public final class PostgresLedgerStore: LedgerStore {
    /// For how long a commit, and what the book asks about the past, waits for a server that has gone away, in seconds,
    /// unless told otherwise.
    public static let patienceSeconds = 30
    /// The accruals of this many groups are folded into their accounts at once.
    static let groupsPerFold = 128

    /// Who else writes to the ledger.
    public enum Writers: Sendable {
        /// Nobody while the fence is held. What the database finds wrong then is an error of this process.
        case one
        /// Other stores, each under a fence of another name and with a book of its own. They share the accounts that accrue
        /// (issuers, escrow, fees, treasury, validators), which no writer waits for; a job, its payer and what else it
        /// debits belong to one of them. What another has done first, to an account, a hold or a leg, is a refusal
        /// (`.conflict`) that the database finds, after which the book is loaded again; requests that were written before
        /// are looked for in the database, not in a filter.
        case several
    }

    let database: PostgresDatabase
    let filter = SeenFilter()
    /// Whether this process writes. Only then does the filter know of every commit.
    private let isWriter: Bool
    private let writers: Writers
    private let committer: GroupCommitter
    private let writer: PostgresGroupWriter
    private let patience: PostgresPatience

    /// The ledger of a database, for writing under `fence`, or for reading without one.
    ///
    /// Acquire the fence before `load`: what another process wrote until then is loaded, and it writes nothing after.
    /// - Parameters:
    ///   - writers: who else writes.
    ///   - patienceSeconds: for how long a commit, and what the book asks about the past, waits for a server that has gone
    ///     away. Without a fence nothing waits.
    public convenience init(
        database: PostgresDatabase,
        fence: Fence?,
        writers: Writers = .one,
        patienceSeconds: Int = PostgresLedgerStore.patienceSeconds
    ) {
        // PostgreSQL's round trips cost more than its rows, so its groups are larger than SQLite's.
        let limits = GroupCommitter.Limits(batches: 256)
        self.init(
            database: database,
            fence: fence,
            writers: writers,
            patienceSeconds: patienceSeconds,
            limits: limits
        )
    }

    init(
        database: PostgresDatabase,
        fence: Fence?,
        writers: Writers = .one,
        patienceSeconds: Int,
        limits: GroupCommitter.Limits
    ) {
        self.database = database
        self.writers = writers
        isWriter = fence != nil
        patience = PostgresPatience(seconds: fence == nil ? 0 : patienceSeconds)
        let filter = filter
        let writer = PostgresGroupWriter(url: database.pool.url, fence: fence, writers: writers, patience: patience)
        self.writer = writer
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
        writer.close()
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
        if isWriter, writers == .one { fillFilter() }
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
            let counted = try recall { try $0.execute("SELECT count(*) FROM transfer").integer(0, 0) }
            // The filter is emptied before the state that fills it is fixed: what is committed later adds itself.
            let generation = filter.reset(expecting: Int(counted) * 2)
            try recall { connection in
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
        return try recall { connection in
            if let hold = try PostgresRows.hold(connection, "resolution", id) {
                let transfers = try PostgresRows.transfers(
                    connection,
                    "WHERE pending_id = $1 ORDER BY seq",
                    [.bytes(hold.hold.id.bytes)]
                )
                guard let resolution = hold.resolution(transfers) else { return nil }
                return .resolution(resolution, transfers: transfers)
            }
            let found = try PostgresRows.transfers(
                connection,
                "WHERE id = $1 AND pending_id IS NULL",
                [.bytes(id.bytes)]
            )
            guard let transfer = found.first else { return nil }
            if transfer.kind == .hold, let hold = try PostgresRows.hold(connection, "id", id) {
                return .hold(hold.hold)
            }
            return .transfer(transfer)
        }
    }

    public func resolution(ofHold id: TransferID) throws(LedgerError) -> TransferID? {
        try recall { connection in try PostgresRows.hold(connection, "id", id)?.resolvedBy }
    }

    public func legsTaken(job: Digest, attempt: UInt32, among legs: [String]) throws(LedgerError) -> Set<String> {
        let possible = legs.filter { filter.mayContain(SeenFilter.hash(job: job, attempt: attempt, leg: $0)) }
        guard !possible.isEmpty else { return [] }
        return try recall { connection in
            let rows = try connection.execute(
                "SELECT leg FROM transfer WHERE job = $1 AND attempt = $2 AND leg = ANY($3::text[])",
                [.bytes(job.bytes), .integer(Int64(attempt)), .texts(possible)]
            )
            return Set(try (0..<rows.count).map { try rows.text($0, 0) })
        }
    }

    /// Reads the past for a book that is in the middle of an operation, part of which it may have done, or for the filter that
    /// saves it from asking.
    private func recall<Value>(_ body: (PostgresConnection) throws -> Value) throws(LedgerError) -> Value {
        try PostgresDatabase.translating {
            try patience.wait(for: database.pool) { _ in
                try database.pool.transaction(.repeatableRead, readOnly: true, body)
            }
        }
    }

    /// Runs reads on one consistent state of the database.
    func read<Value>(_ body: (PostgresConnection) throws -> Value) throws(LedgerError) -> Value {
        try database.transaction(.repeatableRead, readOnly: true, body)
    }
}
