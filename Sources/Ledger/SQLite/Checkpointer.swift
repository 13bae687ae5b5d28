// Moves the write-ahead log into the database file beside the writer, so that no commit waits for it.
internal import Dispatch
internal import GRDB
internal import GRDBSQLite
internal import Synchronization

/// Runs checkpoints on a connection of its own.
final class Checkpointer: Sendable {
    /// The log is moved when it has grown by this many pages of 4 KiB: seldom enough to write a page once that changed many
    /// times, often enough that what goes to the disk at once delays no commit for long.
    private static let pages = 4000
    /// The same while commits are large. Whoever fills those waits for throughput, and what is moved seldom is written less.
    private static let pagesUnderLoad = 16_000
    /// From this many pages on the writer itself moves what is left, so that the log can begin again: under steady load it
    /// would otherwise grow for ever, and a growing file costs more to write than one that is written over.
    private static let pagesMax = 16_000
    private static let pagesMaxUnderLoad = 48_000
    /// A commit of this many pages is a large one.
    private static let largeCommit = 1000

    private struct State {
        var isRunning = false
        /// The log's length when a checkpoint was last begun.
        var tried = 0
        /// The log's length after the last commit.
        var length = 0
    }

    private let queue: DatabaseQueue
    private let thread = DispatchQueue(label: "assay.ledger.checkpoint", qos: .utility)
    private let state = Mutex(State())

    init(path: String) throws {
        var configuration = Configuration()
        configuration.label = "assay.ledger.checkpoint"
        configuration.busyMode = .timeout(1)
        configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
        queue = try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Has the writer's connection report its commits here, in place of SQLite's own checkpoints. The checkpointer must
    /// outlive the connection.
    func watch(_ db: Database) {
        sqlite3_wal_hook(
            db.sqliteConnection,
            { context, connection, _, pages in
                guard let context else { return SQLITE_OK }
                let checkpointer = Unmanaged<Checkpointer>.fromOpaque(context).takeUnretainedValue()
                if checkpointer.committed(logPages: Int(pages)) {
                    // As SQLite's own checkpoints: from inside the hook. A failure is tried again at the next commit.
                    sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
                }
                return SQLITE_OK
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    /// Notes the log's length after a commit.
    /// - Returns: whether the writer has to move the rest of the log itself.
    private func committed(logPages: Int) -> Bool {
        enum Next { case nothing, begin, finish }
        let next = state.withLock { state -> Next in
            // A log that is shorter than before was begun again.
            let commit = logPages < state.length ? logPages : logPages - state.length
            state.length = logPages
            if logPages < state.tried { state.tried = 0 }
            guard !state.isRunning else { return .nothing }
            let isLarge = commit >= Self.largeCommit
            let most = isLarge ? Self.pagesMaxUnderLoad : Self.pagesMax
            if logPages >= most, state.tried > 0, logPages - state.tried >= Self.pages / 2 {
                state.tried = logPages
                return .finish
            }
            guard logPages - state.tried >= (isLarge ? Self.pagesUnderLoad : Self.pages) else { return .nothing }
            state.isRunning = true
            state.tried = logPages
            return .begin
        }
        if next == .begin {
            thread.async { [self] in
                // A passive checkpoint blocks nobody. When it has moved everything, the writer begins the log again; what
                // a reader held back is tried again when the log has grown as much once more.
                _ = try? queue.writeWithoutTransaction { db in try db.checkpoint(.passive) }
                state.withLock { $0.isRunning = false }
            }
        }
        return next == .finish
    }

    func close() {
        thread.sync {}
        try? queue.close()
    }
}
