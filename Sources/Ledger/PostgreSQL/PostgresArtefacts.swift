// Files by content in the fleet's database: every scheduler that takes over finds the inputs and outputs of its jobs here.
internal import PostgreSQL

/// Immutable files in a database, each under the text of its CID.
///
/// A file is there as a whole or not at all. Reading checks nothing: whoever needs certainty hashes what it got, and sets aside what
/// is damaged.
public final class PostgresArtefacts: Sendable {
    /// The bytes of one row.
    static let partBytes = 1 << 20
    /// How many rows go into one statement.
    private static let partsPerStatement = 8

    let database: PostgresDatabase
    /// How the names of files begin that were set aside.
    public static let damagedPrefix = ".damaged-"

    /// The files of a database.
    public init(database: PostgresDatabase) {
        self.database = database
    }

    /// Keeps `bytes` under `cid`, durably, in the place of a file that was about to be forgotten.
    /// - Precondition: the caller has checked that `cid` is the identifier of `bytes`.
    public func put(_ bytes: [UInt8], cid: String) throws(LedgerError) {
        guard try lengths(of: [cid]).isEmpty else { return }
        try database.repeatable { connection in
            // Some of its parts may be gone already.
            if try connection.execute("DELETE FROM artefact_going WHERE cid = $1", [.text(cid)]).changed == 1 {
                try connection.execute("DELETE FROM artefact WHERE cid = $1", [.text(cid)])
            }
            let first = try connection.execute(
                """
                INSERT INTO artefact (cid, part, bytes, at) VALUES ($1, 0, $2, \(PostgresClock.milliseconds))
                ON CONFLICT (cid, part) DO NOTHING
                """,
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
    }

    /// Whether the bytes of a file are there, also of one that is about to be forgotten: it stays readable until it goes.
    public func contains(_ cid: String, byteCount: UInt64? = nil) throws(LedgerError) -> Bool {
        let found = try database.transaction(readOnly: true) { connection -> UInt64? in
            let rows = try connection.execute(
                "SELECT sum(octet_length(bytes))::bigint FROM artefact WHERE cid = $1 HAVING min(part) = 0",
                [.text(cid)]
            )
            return rows.count == 1 ? UInt64(clamping: try rows.integer(0, 0)) : nil
        }
        return found.map { byteCount ?? $0 == $0 } ?? false
    }

    /// The lengths in bytes of those files that are there to stay. Asked of the database each time: whoever goes on because
    /// a file is there must not rest on an earlier look (see `condemn`).
    public func lengths(of cids: [String]) throws(LedgerError) -> [String: UInt64] {
        guard !cids.isEmpty else { return [:] }
        return try database.transaction(readOnly: true) { connection in
            let rows = try connection.execute(
                """
                SELECT cid, sum(octet_length(bytes))::bigint FROM artefact WHERE cid = ANY($1::text[])
                AND NOT EXISTS (SELECT 1 FROM artefact_going WHERE artefact_going.cid = artefact.cid)
                GROUP BY cid HAVING min(part) = 0
                """,
                [.texts(cids)]
            )
            var lengths: [String: UInt64] = [:]
            for row in 0..<rows.count { lengths[try rows.text(row, 0)] = UInt64(clamping: try rows.integer(row, 1)) }
            return lengths
        }
    }

    /// Takes a damaged file's name away from it and keeps its bytes for whoever wants to know what happened.
    public func setAside(_ cid: String) throws(LedgerError) {
        let damaged = PostgresValue.text(Self.damagedPrefix + cid)
        try database.repeatable { connection in
            try connection.execute("DELETE FROM artefact_going WHERE cid IN ($1, $2)", [.text(cid), damaged])
            try connection.execute("DELETE FROM artefact WHERE cid = $1", [damaged])
            try connection.execute(
                """
                UPDATE artefact SET cid = $2, at = CASE part WHEN 0 THEN \(PostgresClock.milliseconds) END
                WHERE cid = $1
                """,
                [.text(cid), damaged]
            )
        }
    }

    /// The bytes kept under `cid`; `nil` when there are none.
    public func get(_ cid: String) throws(LedgerError) -> [UInt8]? {
        try database.transaction(.repeatableRead, readOnly: true) { connection in
            var bytes: [UInt8] = []
            var next: Int64 = 0
            while true {
                let rows = try connection.execute(
                    "SELECT bytes, part FROM artefact WHERE cid = $1 AND part >= $2 ORDER BY part LIMIT $3",
                    [.text(cid), .integer(next), .integer(Int64(Self.partsPerStatement))]
                )
                for row in 0..<rows.count {
                    // Parts go in ascending order, so the rest of a file has no beginning.
                    guard try rows.integer(row, 1) == next else { return nil }
                    bytes += try rows.bytes(row, 0)
                    next += 1
                }
                if rows.count < Self.partsPerStatement { return next == 0 ? nil : bytes }
            }
        }
    }

    /// The identifiers after `cid` in ascending order, at most `limit`, without those that are about to be forgotten.
    public func names(after cid: String, limit: Int) throws(LedgerError) -> [String] {
        try database.transaction(readOnly: true) { connection in
            let rows = try connection.execute(
                """
                SELECT cid FROM artefact WHERE part = 0 AND cid > $1
                AND NOT EXISTS (SELECT 1 FROM artefact_going WHERE artefact_going.cid = artefact.cid)
                ORDER BY cid LIMIT $2
                """,
                [.text(cid), .integer(Int64(max(0, limit)))]
            )
            return try (0..<rows.count).map { try rows.text($0, 0) }
        }
    }
}
