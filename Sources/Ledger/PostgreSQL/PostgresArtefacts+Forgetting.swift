// How files leave the database while engines run: condemned first, looked at again, and only then deleted.
//
// The danger is a job that is ordered while somebody decides that a file is needed by nobody: the engine finds the file there,
// asks the requester for nothing, and then the file goes. It cannot happen, by the order of four steps in one database:
//
//   an engine:    1. the documents of a job, which name the file, are committed;   2. it looks whether the file is there
//                    (`lengths`, never an earlier answer), and goes on only if it is;
//   a forgetting: 3. the condemnation of the file is committed;   4. all open jobs and new receipts are read again, and what
//                    they name is spared; the rest is deleted.
//
// If 2 saw the file, it came before 3 was committed; 1 was committed before 2, so 4, which begins after 3, reads it and spares
// the file. If 2 came after 3, the file counts as missing, the engine asks for it, and `put` writes it anew. No lock is held
// over any of this, so the engines do not wait, and a reading of millions of jobs in 4 disturbs nobody. A condemned file stays
// readable until it is deleted, and a job that named it before 3 notices nothing.
//
// Each run marks what it condemns. Whoever condemns a file again takes it over, and only what is still a run's own is deleted by
// it: two runs at once do not rely on each other's readings. What a killed run leaves is spared or finished by the next one.
internal import PostgreSQL

/// A file as a forgetting lists it.
public struct ListedArtefact: Sendable, Equatable {
    /// Its name: a CID, or that of a damaged file.
    public let cid: String
    /// Its length.
    public let byteCount: UInt64
    /// When it was written or set aside, by the database's clock, in milliseconds since 1970.
    public let atMilliseconds: Int64
}

extension PostgresArtefacts {
    /// How many parts, of 1 MiB each, one transaction deletes at most.
    static let partsPerDeletion = 64
    /// How many names go into one statement.
    private static let namesPerStatement = 1000

    /// The files after `cid` in ascending order of name, at most `limit`, condemned ones among them.
    public func list(after cid: String, limit: Int) throws(LedgerError) -> [ListedArtefact] {
        try database.transaction(readOnly: true) { connection in
            let rows = try connection.execute(
                """
                SELECT cid, sum(octet_length(bytes))::bigint,
                    coalesce(max(at), (SELECT applied_at FROM assay_migration WHERE name = $3))
                FROM artefact WHERE cid IN (
                    SELECT cid FROM artefact WHERE part = 0 AND cid > $1 ORDER BY cid LIMIT $2
                ) GROUP BY cid ORDER BY cid
                """,
                [.text(cid), .integer(Int64(max(0, limit))), .text(PostgresSchema.artefactTimes)]
            )
            return try (0..<rows.count).map { row in
                ListedArtefact(
                    cid: try rows.text(row, 0),
                    byteCount: UInt64(clamping: try rows.integer(row, 1)),
                    atMilliseconds: try rows.integer(row, 2)
                )
            }
        }
    }

    /// Condemns files: from the return on nobody takes them for there who did not before. What an earlier run has condemned
    /// and this one does not is spared, or goes with this run when it was deleted in part.
    /// - Parameter run: a random name of this run.
    public func condemn(_ cids: [String], run: [UInt8]) throws(LedgerError) {
        for names in Self.batches(cids) {
            try database.repeatable { connection in
                _ = try connection.execute(
                    """
                    INSERT INTO artefact_going (cid, run) SELECT DISTINCT cid, $2::bytea FROM artefact
                    WHERE part = 0 AND cid = ANY($1::text[]) ORDER BY cid
                    ON CONFLICT (cid) DO UPDATE SET run = excluded.run
                    """,
                    [.texts(names), .bytes(run)]
                )
            }
        }
        try database.repeatable { connection in
            let hasBeginning = "EXISTS (SELECT 1 FROM artefact WHERE artefact.cid = artefact_going.cid AND part = 0)"
            try connection.execute("DELETE FROM artefact_going WHERE run <> $1 AND \(hasBeginning)", [.bytes(run)])
            try connection.execute(
                "UPDATE artefact_going SET run = $1 WHERE run <> $1 AND NOT \(hasBeginning)",
                [.bytes(run)]
            )
        }
    }

    /// Takes back what this run condemned: these files, or all for `nil`. To be called before the first `deleteSome`.
    public func spare(_ cids: [String]?, run: [UInt8]) throws(LedgerError) {
        guard let cids else {
            try database.repeatable { connection in
                _ = try connection.execute(
                    """
                    DELETE FROM artefact_going WHERE run = $1
                    AND EXISTS (SELECT 1 FROM artefact WHERE artefact.cid = artefact_going.cid AND part = 0)
                    """,
                    [.bytes(run)]
                )
            }
            return
        }
        for names in Self.batches(cids) {
            try database.repeatable { connection in
                _ = try connection.execute(
                    "DELETE FROM artefact_going WHERE run = $1 AND cid = ANY($2::text[])",
                    [.bytes(run), .texts(names)]
                )
            }
        }
    }

    /// Deletes some of what is still condemned by this run, in one short transaction.
    /// - Returns: the names of the files that are gone as a whole; `nil` when nothing is left to delete.
    public func deleteSome(run: [UInt8]) throws(LedgerError) -> [String]? {
        try database.repeatable { connection in
            let limit = PostgresValue.integer(Int64(Self.partsPerDeletion))
            let condemned = try connection.execute(
                "SELECT cid FROM artefact_going WHERE run = $1 ORDER BY cid LIMIT $2 FOR UPDATE",
                [.bytes(run), limit]
            )
            guard condemned.count > 0 else { return nil }
            let names = PostgresValue.texts(try (0..<condemned.count).map { try condemned.text($0, 0) })
            try connection.execute(
                """
                DELETE FROM artefact WHERE (cid, part) IN (
                    SELECT cid, part FROM artefact WHERE cid = ANY($1::text[]) ORDER BY cid, part LIMIT $2)
                """,
                [names, limit]
            )
            let gone = try connection.execute(
                """
                DELETE FROM artefact_going WHERE cid = ANY($1::text[])
                AND NOT EXISTS (SELECT 1 FROM artefact WHERE artefact.cid = artefact_going.cid) RETURNING cid
                """,
                [names]
            )
            return try (0..<gone.count).map { try gone.text($0, 0) }
        }
    }

    static func batches<Element>(_ all: [Element]) -> [[Element]] {
        stride(from: 0, to: all.count, by: namesPerStatement).map { start in
            Array(all[start..<min(start + namesPerStatement, all.count)])
        }
    }
}

extension PostgresDatabase {
    /// Deletes rows of the engine's, beside the writer. Only for rows on which nothing rests: no fence is asked.
    public func deleteRecords(kind: String, ids: [[UInt8]]) throws(LedgerError) {
        for names in PostgresArtefacts.batches(ids) {
            try repeatable { connection in
                _ = try connection.execute(
                    "DELETE FROM record WHERE kind = $1 AND id = ANY($2::bytea[])",
                    [.text(kind), .blobs(names)]
                )
            }
        }
    }
}
