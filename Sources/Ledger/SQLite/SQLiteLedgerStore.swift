// The default store: one SQLite file, write-ahead log, every commit flushed before it is acknowledged.
internal import Foundation
internal import GRDB

/// A ledger in one SQLite file.
///
/// WAL with `synchronous=FULL`: a commit that was acknowledged survives a crash of the process, and one of the machine as
/// far as the disk keeps what it says it flushed (see `FlushMeasurement`). One process may write; any number may read.
/// Not for network file systems.
public final class SQLiteLedgerStore: LedgerStore {
    /// How a file is opened.
    public enum Access: Sendable {
        /// Creates or migrates the file and takes the writer's lock beside it.
        case write
        /// Reads an existing file, beside a writer if there is one; every commit is refused.
        case read
    }

    /// How much of the database the writer keeps in memory: indexes by random ids touch many pages.
    private static let writerCacheMebibytes = 64

    let pool: DatabasePool
    let filter = SeenFilter()
    private let committer: GroupCommitter
    private let checkpointer: Checkpointer?
    /// Whether this process may write. Only then does the filter know of every commit.
    let isWriter: Bool
    private let lock: WriterLock?
    private let statements = WriterStatements()

    /// Opens the ledger at `path`.
    /// - Throws: `LedgerError.noLedger` when it is not there, or something else; `.storage` when the file cannot be opened, or
    ///   has a writer: another process, or another store of this one, by whatever name it opened the file.
    public convenience init(path: String, access: Access = .write) throws(LedgerError) {
        try self.init(path: path, access: access, limits: GroupCommitter.Limits())
    }

    /// - Parameter creates: whether a file that is not there, or empty, becomes a new ledger when it is opened for writing.
    init(path: String, access: Access, limits: GroupCommitter.Limits, creates: Bool = true) throws(LedgerError) {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        if !exists, access == .read || !creates {
            throw .noLedger(.missing, detail: "\(path): expected a ledger file, found none")
        }
        if isFolder.boolValue { throw .noLedger(.foreign, detail: "\(path): expected a ledger file, found a folder") }
        isWriter = access == .write
        lock = access == .write ? try WriterLock(database: path) : nil
        if access == .write {
            Self.createPrivately(path)
            try lock?.claim()
        }
        do {
            pool = try DatabasePool(path: path, configuration: Self.configuration(access))
            let pool = pool
            try pool.writeWithoutTransaction { db in
                let found = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
                let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
                let isEmpty = found == 0 && tables == 0
                guard found == Schema.applicationID || (isEmpty && access == .write && creates) else {
                    let actual = isEmpty ? "an empty one" : "another program's database, of application id \(found)"
                    throw LedgerError.noLedger(.foreign, detail: "\(path): expected a ledger file, found \(actual)")
                }
                let mismatch = LedgerVersion.mismatch(
                    found: try Schema.migrator.appliedIdentifiers(db),
                    known: Schema.migrator.migrations,
                    canStep: access == .write,
                    place: "\(path): "
                )
                if let mismatch { throw mismatch }
                if access == .write {
                    // The pool sets NORMAL when it turns on the write-ahead log.
                    try db.execute(sql: "PRAGMA synchronous = FULL")
                    guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
                        throw LedgerError.storage(detail: "\(path): synchronous=FULL is not available")
                    }
                    try db.execute(sql: "PRAGMA cache_size = -\(Self.writerCacheMebibytes << 10)")
                }
            }
            if access == .write { try Schema.migrator.migrate(pool) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw .noLedger(.foreign, detail: "\(path): expected a ledger file, found one that is no database")
        } catch let error as DatabaseError where error.resultCode == .SQLITE_CORRUPT {
            throw .noLedger(.damaged, detail: "\(path): expected a whole ledger file, found a damaged one")
        } catch {
            throw Self.failure(error).error
        }
        do {
            checkpointer = access == .write ? try Checkpointer(path: path) : nil
            let checkpointer = checkpointer
            pool.writeWithoutTransaction { db in checkpointer?.watch(db) }
        } catch {
            throw Self.failure(error).error
        }
        let pool = pool
        let checkpointer = checkpointer
        let filter = filter
        let writer = statements
        committer = GroupCommitter(limits: limits) { batches throws(WriteFailure) in
            do {
                let rows = try GroupRows(batches)
                try pool.writeWithoutTransaction { db in
                    try db.inTransaction(.immediate) {
                        try writer.of(db).write(rows)
                        return .commit
                    }
                }
                // The connection reports its commits to the checkpointer, which must not be gone by then.
                withExtendedLifetime(checkpointer) {}
                // After the commit and before its acknowledgement: a filling sees either the rows or this.
                filter.insert(SeenFilter.hashes(batches))
            } catch {
                writer.forget()
                throw Self.failure(error)
            }
        }
        if access == .read { committer.stop(.settlementStopped(reason: "the store is open for reading only")) }
    }

    /// Makes a new file readable for its owner only; SQLite gives its log the same rights. An existing file stays as it is.
    private static func createPrivately(_ path: String) {
        _ =
            FileManager.default.fileExists(atPath: path)
            || FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600])
    }

    private static func configuration(_ access: Access) -> Configuration {
        var configuration = Configuration()
        configuration.label = "assay.ledger"
        configuration.readonly = access == .read
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(10)
        configuration.maximumReaderCount = 8
        return configuration
    }

    public func submit(_ batch: Batch) -> CommitTicket {
        do throws(LedgerError) {
            try batch.checkBounds()
        } catch {
            return CommitTicket(result: .failure(error))
        }
        return committer.submit(batch)
    }

    /// Why settlement is stopped; `nil` while the store takes batches.
    public var stopped: LedgerError? { committer.stopped }

    /// Writes what is queued, refuses the rest, moves the write-ahead log into the file, and closes it.
    public func close() throws(LedgerError) {
        // Also when the file does not close: nothing is written any more.
        defer { lock?.release() }
        committer.close()
        filter.stopFilling()
        do {
            // Another reader can keep the log busy; then it stays beside the file, which is as good.
            checkpointer?.close()
            if lock != nil { try? pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) } }
            statements.drop()
            try pool.close()
        } catch {
            throw Self.failure(error).error
        }
    }

    /// Copies the ledger as it is now to a new file, while it is in use.
    public func backup(to path: String) throws(LedgerError) {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw .storage(detail: "\(path): expected no file, found one")
        }
        do {
            try pool.writeWithoutTransaction { db in
                try db.execute(sql: "VACUUM INTO ?", arguments: [path])
            }
        } catch {
            throw Self.failure(error).error
        }
    }

    /// Runs reads on one consistent state of the database.
    func read<Value>(_ body: (Database) throws -> Value) throws(LedgerError) -> Value {
        do {
            return try pool.read(body)
        } catch {
            throw Self.failure(error).error
        }
    }

    /// What an error of the database means for the ledger.
    static func failure(_ error: any Error) -> WriteFailure {
        if let error = error as? LedgerError {
            if case .invariant = error { return WriteFailure(error: error, stopsSettlement: true) }
            return WriteFailure(error: error, stopsSettlement: false)
        }
        guard let error = error as? DatabaseError else {
            return WriteFailure(error: .storage(detail: "\(error)"), stopsSettlement: false)
        }
        let message = error.message ?? "no message"
        if error.resultCode == .SQLITE_CONSTRAINT {
            if message.contains("transfer.job, transfer.attempt, transfer.leg") {
                return WriteFailure(error: .invariant(.legOnce, detail: message), stopsSettlement: true)
            }
            for invariant in LedgerInvariant.allCases where message.contains(": \(invariant.rawValue)_") {
                return WriteFailure(error: .invariant(invariant, detail: message), stopsSettlement: true)
            }
            let conflict = LedgerError.conflict(field: "batch", expected: "new and known ids", actual: message)
            return WriteFailure(error: conflict, stopsSettlement: false)
        }
        let isBroken = [.SQLITE_IOERR, .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_READONLY].contains(error.resultCode)
        return WriteFailure(error: .storage(detail: "\(error.resultCode): \(message)"), stopsSettlement: isBroken)
    }
}

/// The writer's prepared statements: made on the first commit, used on the writing connection's thread alone.
private final class WriterStatements: @unchecked Sendable {
    // Unchecked: every use is inside a closure that the pool runs on its one writing connection.
    private var prepared: SQLiteGroupWriter?

    func of(_ db: Database) throws -> SQLiteGroupWriter {
        if let prepared { return prepared }
        let made = try SQLiteGroupWriter(db)
        prepared = made
        return made
    }

    /// After a group that was not committed.
    func forget() { prepared?.forget() }

    /// Before the connection closes: an open statement keeps it open.
    func drop() { prepared = nil }
}
