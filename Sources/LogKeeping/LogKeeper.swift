// Keeps a log: entries wait in SQLite, are integrated into tiles in order, and become public with the next signed checkpoint.
//
// What makes a crash harmless: an entry's index is given when it is queued and never changes, so the tiles that an integration
// writes are the same whenever it is repeated. The order is tiles on disk, then the new size in the database, then the
// checkpoint. Nothing is signed that is not durable, and what was durable but not signed is signed when the log is opened.
internal import Commitments
internal import Foundation
internal import GRDB
public import Signatures
public import TransparencyLog

/// Why a log could not be opened, appended to or integrated.
public enum LogError: Error, Sendable, CustomStringConvertible {
    /// The database failed.
    case database(String)
    /// The files failed, or do not agree with what was signed.
    case files(TileError)
    /// The published checkpoint is not of this log.
    case foreign(String)
    /// Signing failed.
    case key(KeyError)
    /// An entry is longer than 65535 bytes.
    case entryTooLong(Int)
    /// A new tree does not extend the published one. Nothing has been signed.
    case inconsistent(String)

    public var description: String {
        switch self {
        case .database(let reason): "the log's database: \(reason)"
        case .files(let error): "the log's files: \(error)"
        case .foreign(let reason): reason
        case .key(let error): error.description
        case .entryTooLong(let count): "an entry of \(count) bytes; the format holds 65535"
        case .inconsistent(let reason): reason
        }
    }
}

/// The one writer of a log.
public actor LogKeeper {
    /// The log's folder.
    public nonisolated let folder: LogFolder
    /// The log's identity, which is also the name of its key.
    public nonisolated let origin: String
    /// The key by which others check the checkpoints.
    public nonisolated let key: NoteKey

    private let signer: NoteSigner
    private let database: DatabaseQueue
    private let lock: FolderLock
    /// The size that the next queued entry gets as its index.
    private var queuedSize: UInt64
    private var tree: KeptTree

    /// Opens a log, or begins one in an empty folder, and takes up what a crash interrupted.
    /// - Parameters:
    ///   - path: the folder with the public files.
    ///   - queue: the database file, outside of what is served.
    /// - Throws: `LogError` when another process keeps the log, and when checkpoint, tiles and database do not agree.
    public init(path: String, queue: String, origin: String, signingKey: SigningKey) throws(LogError) {
        do {
            signer = try NoteSigner(name: origin, algorithm: .ed25519, key: signingKey)
        } catch {
            throw .foreign("'\(origin)' is no origin: \(error)")
        }
        self.origin = origin
        key = signer.key
        folder = LogFolder(path: path)
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
            lock = try FolderLock(path: queue + ".lock")
            var configuration = Configuration()
            configuration.prepareDatabase { database in
                try database.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
            }
            database = try DatabaseQueue(path: queue, configuration: configuration)
            try database.write { database in
                try database.execute(
                    sql: """
                        CREATE TABLE IF NOT EXISTS log (
                            id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL,
                            size INTEGER NOT NULL, root BLOB NOT NULL, range BLOB NOT NULL
                        ) STRICT;
                        CREATE TABLE IF NOT EXISTS pending (
                            position INTEGER PRIMARY KEY, entry BLOB NOT NULL
                        ) STRICT;
                        CREATE TABLE IF NOT EXISTS named (
                            name BLOB PRIMARY KEY, position INTEGER NOT NULL
                        ) STRICT, WITHOUT ROWID;
                        """
                )
                try database.execute(
                    sql: "INSERT OR IGNORE INTO log VALUES (1, ?, 0, ?, x'')",
                    arguments: [origin, Data(MerkleTree.emptyRoot.bytes)]
                )
            }
            let state = try database.read { database in try StoredState(database) }
            guard state.origin == origin else {
                throw LogError.foreign("the database is of the log '\(state.origin)', not '\(origin)'")
            }
            tree = try KeptTree(state)
            queuedSize = state.next
        } catch let error as LogError {
            throw error
        } catch let error as TileError {
            throw .files(error)
        } catch {
            throw .database("\(error)")
        }
        do {
            try tree.load(folder)
        } catch {
            throw .files(error)
        }
        try Self.publish(tree, folder: folder, signer: signer, origin: origin)
    }

    /// The number of integrated entries.
    public var size: UInt64 { tree.range.size }

    /// Queues entries in one transaction; when this returns they are on disk and will keep their indices.
    /// - Returns: the indices, in the order of the entries.
    public func append(_ entries: [[UInt8]]) throws(LogError) -> Range<UInt64> {
        if let long = entries.first(where: { $0.count > EntryBundle.maxEntryBytes }) { throw .entryTooLong(long.count) }
        let first = queuedSize
        do {
            try database.write { database in
                let statement = try database.cachedStatement(sql: "INSERT INTO pending VALUES (?, ?)")
                for (offset, entry) in entries.enumerated() {
                    try statement.execute(arguments: [Int64(first) + Int64(offset), Data(entry)])
                }
            }
        } catch {
            throw .database("\(error)")
        }
        queuedSize += UInt64(entries.count)
        return first..<queuedSize
    }

    /// Queues entries that have names, each name once for ever, in one transaction: what is delivered again gets the index that
    /// it has.
    /// - Returns: the indices, in the order of the entries.
    public func append(once entries: [(name: [UInt8], entry: [UInt8])]) throws(LogError) -> [UInt64] {
        if let long = entries.first(where: { $0.entry.count > EntryBundle.maxEntryBytes }) {
            throw .entryTooLong(long.entry.count)
        }
        var next = queuedSize
        var indices: [UInt64] = []
        do {
            try database.write { database in
                let pending = try database.cachedStatement(sql: "INSERT INTO pending VALUES (?, ?)")
                let named = try database.cachedStatement(sql: "INSERT INTO named VALUES (?, ?)")
                for (name, entry) in entries {
                    if let known = try Self.index(of: name, in: database) {
                        indices.append(known)
                        continue
                    }
                    try pending.execute(arguments: [Int64(next), Data(entry)])
                    try named.execute(arguments: [Data(name), Int64(next)])
                    indices.append(next)
                    next += 1
                }
            }
        } catch {
            throw .database("\(error)")
        }
        queuedSize = next
        return indices
    }

    /// The index of the entry that was queued under a name; `nil` when none was.
    public func index(of name: [UInt8]) throws(LogError) -> UInt64? {
        do {
            return try database.read { database in try Self.index(of: name, in: database) }
        } catch {
            throw .database("\(error)")
        }
    }

    private static func index(of name: [UInt8], in database: Database) throws -> UInt64? {
        let statement = try database.cachedStatement(sql: "SELECT position FROM named WHERE name = ?")
        return try Int64.fetchOne(statement, arguments: [Data(name)]).map { UInt64($0) }
    }

    /// Integrates queued entries, at most `limit` of them, and publishes a new checkpoint.
    /// - Returns: the checkpoint that is public afterwards.
    public func integrate(limit: Int = 100_000) throws(LogError) -> SignedCheckpoint {
        let entries: [[UInt8]]
        do {
            let first = Int64(tree.range.size)
            entries = try database.read { database in
                try Row.fetchAll(
                    database,
                    sql: "SELECT position, entry FROM pending WHERE position >= ? ORDER BY position LIMIT ?",
                    arguments: [first, limit]
                )
                .enumerated().map { offset, row in
                    guard row["position"] == first + Int64(offset) else {
                        throw LogError.inconsistent("the queue has no entry \(first + Int64(offset))")
                    }
                    return [UInt8](row["entry"] as Data)
                }
            }
        } catch let error as LogError {
            throw error
        } catch {
            throw .database("\(error)")
        }
        if !entries.isEmpty {
            var next = tree
            do {
                try next.append(entries, to: folder)
            } catch {
                throw .files(error)
            }
            do {
                try database.write { database in try next.store(database) }
            } catch {
                throw .database("\(error)")
            }
            tree = next
        }
        return try Self.publish(tree, folder: folder, signer: signer, origin: origin)
    }

    /// The proof of one entry under a checkpoint of this log, or under the public one.
    /// - Returns: `nil` for an entry that is not integrated yet.
    public func proof(index: UInt64, under signed: SignedCheckpoint? = nil) throws(LogError) -> LogProof? {
        do {
            var under = signed
            if under == nil { under = try folder.checkpoint() }
            guard let checkpoint = under else { return nil }
            let reader = TileTree(size: checkpoint.checkpoint.size, source: folder)
            guard let path = try reader.inclusionProof(index: index) else { return nil }
            return LogProof(index: index, path: path, checkpoint: checkpoint)
        } catch {
            throw .files(error)
        }
    }

    /// Adds witnesses' signatures to the public checkpoint, if it is still the one they saw.
    /// - Returns: whether it was.
    public func add(_ cosignatures: [SignedNote.Signature], to checkpoint: Checkpoint) throws(LogError) -> Bool {
        do {
            guard var current = try folder.checkpoint(), current.checkpoint == checkpoint else { return false }
            for signature in cosignatures where !current.note.signatures.contains(signature) {
                current.note.signatures.append(signature)
            }
            try folder.write("checkpoint", current.bytes)
            try folder.sync(["checkpoint"])
            return true
        } catch {
            throw .files(error)
        }
    }

    /// Signs and publishes the tree unless the public checkpoint is of this tree already.
    ///
    /// The published checkpoint must verify, and its tree must come out of the tiles as a prefix of the new one: a log that lost
    /// or changed something stops here instead of signing a second history.
    @discardableResult
    private static func publish(
        _ tree: KeptTree,
        folder: LogFolder,
        signer: NoteSigner,
        origin: String
    ) throws(LogError) -> SignedCheckpoint {
        let root = tree.range.root
        do {
            if let current = try folder.checkpoint() {
                do {
                    _ = try current.note.verify([signer.key])
                } catch {
                    throw LogError.foreign("the published checkpoint: \(error)")
                }
                guard current.checkpoint.origin == origin else {
                    throw LogError.foreign("the published checkpoint is of '\(current.checkpoint.origin)'")
                }
                let (old, size) = (current.checkpoint, tree.range.size)
                guard old.size <= size else {
                    throw LogError.inconsistent("\(old.size) entries are published, \(size) are stored")
                }
                let reader = TileTree(size: size, source: folder)
                guard let proof = try reader.consistencyProof(oldSize: old.size),
                    old.size == 0
                        || MerkleTree.verifyConsistency(
                            oldSize: old.size,
                            newSize: size,
                            proof: proof,
                            oldRoot: old.root,
                            newRoot: root
                        )
                else {
                    throw LogError.inconsistent("the published tree of \(old.size) entries is no prefix of the new one")
                }
                if old.size == size { return current }
            }
            var signed = try SignedCheckpoint(try Checkpoint(origin: origin, size: tree.range.size, root: root))
            signed.note.signatures = [try signer.sign(signed.note)]
            try folder.write("checkpoint", signed.bytes)
            try folder.sync(["checkpoint"])
            return signed
        } catch let error as LogError {
            throw error
        } catch let error as TileError {
            throw .files(error)
        } catch let error as KeyError {
            throw .key(error)
        } catch {
            throw .foreign("\(error)")
        }
    }
}
