// Files by content in the fleet's database: every scheduler that takes over finds the inputs and outputs of its jobs here.
internal import PostgreSQL
internal import Synchronization

/// Immutable files in a database, each under the text of its CID.
///
/// A file is there as a whole or not at all. Reading checks nothing: whoever needs certainty hashes what it got, and sets aside what
/// is damaged.
public final class PostgresArtefacts: Sendable {
    /// The bytes of one row.
    static let partBytes = 1 << 20
    /// How many rows go into one statement.
    private static let partsPerStatement = 8
    /// How many names that are known to be there are remembered.
    private static let knownMax = 100_000

    private let database: PostgresDatabase
    /// The lengths of files that are known to be there.
    private let known = Mutex<[String: UInt64]>([:])
    /// How the names of files begin that were set aside.
    public static let damagedPrefix = ".damaged-"

    /// The files of a database.
    public init(database: PostgresDatabase) {
        self.database = database
    }

    /// Keeps `bytes` under `cid`, durably.
    /// - Precondition: the caller has checked that `cid` is the identifier of `bytes`.
    public func put(_ bytes: [UInt8], cid: String) throws(LedgerError) {
        guard try !contains(cid) else { return }
        try database.repeatable { connection in
            let first = try connection.execute(
                "INSERT INTO artefact (cid, part, bytes) VALUES ($1, 0, $2) ON CONFLICT (cid, part) DO NOTHING",
                [.text(cid), .bytes(Array(bytes.prefix(Self.partBytes)))]
            )
            // Another process was first; its commit has been waited for.
            guard first.changed == 1 else { return }
            let step = Self.partBytes * Self.partsPerStatement
            for start in stride(from: Self.partBytes, to: bytes.count, by: step) {
                let parts = stride(from: start, to: min(start + step, bytes.count), by: Self.partBytes)
                try connection.execute(
                    """
                    INSERT INTO artefact (cid, part, bytes)
                    SELECT $1, part, bytes FROM unnest($2::bigint[], $3::bytea[]) AS given (part, bytes)
                    """,
                    [
                        .text(cid), .integers(parts.map { Int64($0 / Self.partBytes) }),
                        .blobs(parts.map { Array(bytes[$0..<min($0 + Self.partBytes, bytes.count)]) }),
                    ]
                )
            }
        }
        remember(cid, UInt64(bytes.count))
    }

    /// Whether a file of this identifier is there, and of this length if one is given. Files go only when they are damaged, so
    /// a yes is remembered until somebody fails to read one.
    public func contains(_ cid: String, byteCount: UInt64? = nil) throws(LedgerError) -> Bool {
        if let length = known.withLock({ $0[cid] }) { return byteCount ?? length == length }
        let found = try database.transaction(readOnly: true) { connection -> UInt64? in
            let rows = try connection.execute(
                "SELECT sum(octet_length(bytes))::bigint FROM artefact WHERE cid = $1 HAVING count(*) > 0",
                [.text(cid)]
            )
            return rows.count == 1 ? UInt64(clamping: try rows.integer(0, 0)) : nil
        }
        guard let found else { return false }
        remember(cid, found)
        return byteCount ?? found == found
    }

    /// Takes a damaged file's name away from it and keeps its bytes for whoever wants to know what happened.
    public func setAside(_ cid: String) throws(LedgerError) {
        forget(cid)
        try database.repeatable { connection in
            try connection.execute("DELETE FROM artefact WHERE cid = $1", [.text(Self.damagedPrefix + cid)])
            try connection.execute(
                "UPDATE artefact SET cid = $2 WHERE cid = $1",
                [.text(cid), .text(Self.damagedPrefix + cid)]
            )
        }
    }

    /// The bytes kept under `cid`; `nil` when there are none.
    public func get(_ cid: String) throws(LedgerError) -> [UInt8]? {
        let bytes = try read(cid)
        if bytes == nil { forget(cid) }
        return bytes
    }

    private func read(_ cid: String) throws(LedgerError) -> [UInt8]? {
        try database.transaction(.repeatableRead, readOnly: true) { connection in
            var bytes: [UInt8] = []
            var next: Int64 = 0
            while true {
                let rows = try connection.execute(
                    "SELECT bytes FROM artefact WHERE cid = $1 AND part >= $2 ORDER BY part LIMIT $3",
                    [.text(cid), .integer(next), .integer(Int64(Self.partsPerStatement))]
                )
                for row in 0..<rows.count { bytes += try rows.bytes(row, 0) }
                next += Int64(rows.count)
                if rows.count < Self.partsPerStatement { return next == 0 ? nil : bytes }
            }
        }
    }

    /// The identifiers after `cid` in ascending order, at most `limit`.
    public func names(after cid: String, limit: Int) throws(LedgerError) -> [String] {
        try database.transaction(readOnly: true) { connection in
            let rows = try connection.execute(
                "SELECT cid FROM artefact WHERE part = 0 AND cid > $1 ORDER BY cid LIMIT $2",
                [.text(cid), .integer(Int64(max(0, limit)))]
            )
            return try (0..<rows.count).map { try rows.text($0, 0) }
        }
    }

    private func remember(_ cid: String, _ byteCount: UInt64) {
        known.withLock { known in
            if known.count >= Self.knownMax { known.removeAll(keepingCapacity: true) }
            known[cid] = byteCount
        }
    }

    private func forget(_ cid: String) {
        known.withLock { known in known[cid] = nil }
    }
}
