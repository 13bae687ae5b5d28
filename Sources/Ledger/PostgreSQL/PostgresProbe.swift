// What a database that speaks PostgreSQL's protocol can do of what the ledger needs, found out by doing it, and what its
// settings make of an acknowledged commit.
internal import PostgreSQL

/// The answer of a database to each thing that the ledger and the queues need.
public struct PostgresProbe: Sendable, Equatable {
    /// One thing that is needed.
    public struct Feature: Sendable, Equatable {
        /// In plain words: `SKIP LOCKED`.
        public let name: String
        /// What the ledger does with it.
        public let use: String
        /// The server's words when it lacks it; `nil` when it has it.
        public let lack: String?
    }

    /// What the server calls itself.
    public let server: String
    public let features: [Feature]
    /// What makes it doubtful that an acknowledged commit lasts, in plain sentences.
    public let warnings: [String]
    /// How long one small commit takes, in microseconds: the median of sixteen. A commit that is faster than a disk can flush
    /// is among the warnings.
    public let commitMicroseconds: Int

    /// Whether nothing is lacking.
    public var isComplete: Bool { features.allSatisfy { $0.lack == nil } }

    /// One line for a log.
    public var summary: String {
        let lacking = features.compactMap { feature in feature.lack.map { "\(feature.name) (\(feature.use)): \($0)" } }
        let parts = (lacking.isEmpty ? [] : ["lacks " + lacking.joined(separator: ", ")]) + warnings
        return ([server, "a commit takes \(commitMicroseconds) µs"] + parts).joined(separator: "; ")
    }

    /// Asks the database at `url`. Tables are made under names of their own and dropped again.
    /// - Throws: `LedgerError.noLedger` when there is no database to ask.
    public static func run(url: String) throws(LedgerError) -> PostgresProbe {
        let (connection, other): (PostgresConnection, PostgresConnection)
        do throws(PostgresError) {
            (connection, other) = (try PostgresConnection(url: url), try PostgresConnection(url: url))
        } catch {
            throw .noLedger(.unreachable, detail: error.description)
        }
        return try PostgresDatabase.translating {
            let version = try connection.execute("SELECT version()").text(0, 0)
            let table = "assay_probe_" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
            var trial = Trial(table: table, connection: connection, other: other)
            let features = trial.run()
            let commit = (try? commitTime(table, connection)) ?? 0
            _ = try? connection.run("DROP TABLE IF EXISTS \(table)")
            var warnings = durability(connection)
            if commit > 0, commit < FlushMeasurement.doubtfulMicroseconds {
                warnings.append("a commit takes \(commit) µs: no disk flushes that fast")
            }
            return PostgresProbe(server: version, features: features, warnings: warnings, commitMicroseconds: commit)
        }
    }

    private static func commitTime(_ table: String, _ connection: PostgresConnection) throws -> Int {
        var times: [Int] = []
        for round in 0..<16 {
            let start = ContinuousClock.now
            try connection.execute(
                "INSERT INTO \(table) (id, amount) VALUES ($1, 1)",
                [.bytes([6, UInt8(round)])]
            )
            let spent = (ContinuousClock.now - start).components
            times.append(Int(spent.seconds) * 1_000_000 + Int(spent.attoseconds / 1_000_000_000_000))
        }
        return times.sorted()[times.count / 2]
    }

    /// What the settings say about durability; a setting that the server does not know is not judged.
    private static func durability(_ connection: PostgresConnection) -> [String] {
        func setting(_ name: String) -> String? { try? connection.execute("SHOW \(name)").text(0, 0) }
        var warnings: [String] = []
        if setting("fsync") == "off" {
            warnings.append("fsync is off: a power cut loses or damages acknowledged commits")
        }
        if let level = setting("synchronous_commit"), level == "off" {
            warnings.append("synchronous_commit is off: a crash loses the last acknowledged commits")
        }
        if setting("full_page_writes") == "off" {
            warnings.append("full_page_writes is off: a power cut can leave torn pages")
        }
        if (try? connection.execute("SELECT pg_is_in_recovery()").integer(0, 0)) == 1 {
            warnings.append("the server is a standby: it takes no writes")
        }
        return warnings
    }
}

/// Tries each feature on a table of its own.
private struct Trial {
    let table: String
    let connection: PostgresConnection
    let other: PostgresConnection

    mutating func run() -> [PostgresProbe.Feature] {
        [
            feature("CHECK constraints", "the invariants a second time") {
                try connection.run(
                    """
                    CREATE TABLE \(table) (seq BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, id BYTEA NOT NULL,
                        amount BIGINT NOT NULL, note TEXT, CONSTRAINT positive CHECK (amount >= 0))
                    """
                )
                do throws(PostgresError) {
                    try connection.execute(
                        "INSERT INTO \(table) (id, amount) VALUES ($1, $2)",
                        [.bytes([1]), .integer(-1)]
                    )
                } catch {
                    guard error.sqlState == "23514" else { throw error }
                    return nil
                }
                return "a row that breaks one is taken"
            },
            feature("partial unique indexes", "a leg is paid once") {
                try connection.run("CREATE UNIQUE INDEX \(table)_once ON \(table) (note) WHERE note IS NOT NULL")
                return nil
            },
            feature("unnest of arrays, WITH ORDINALITY", "many rows in one statement") {
                let rows = try connection.execute(
                    """
                    INSERT INTO \(table) (id, amount) SELECT id, amount FROM unnest($1::bytea[], $2::bigint[])
                    WITH ORDINALITY AS given (id, amount, ordinal) ORDER BY ordinal RETURNING amount
                    """,
                    [.blobs([[1], [2], [3]]), .integers([10, 20, 30])]
                )
                return rows.count == 3 ? nil : "\(rows.count) rows of 3"
            },
            feature("INSERT … ON CONFLICT", "requests that come twice") {
                let sql = "INSERT INTO \(table) (id, amount, note) VALUES ($1, 0, 'x') ON CONFLICT DO NOTHING"
                _ = try connection.execute(sql, [.bytes([9])])
                return try connection.execute(sql, [.bytes([9])]).changed == 0 ? nil : "the second was taken"
            },
            feature("WITH … UPDATE … RETURNING", "leases and folds in one statement") {
                let rows = try connection.execute(
                    """
                    WITH taken AS (DELETE FROM \(table) WHERE amount = 30 RETURNING id, amount)
                    UPDATE \(table) SET amount = \(table).amount + taken.amount FROM taken
                    WHERE \(table).amount = 20 RETURNING \(table).amount
                    """
                )
                return try rows.count == 1 && rows.integer(0, 0) == 50 ? nil : "another result"
            },
            feature("FOR UPDATE SKIP LOCKED", "workers that do not wait for each other") {
                let sql = "SELECT seq FROM \(table) ORDER BY seq LIMIT 1 FOR UPDATE SKIP LOCKED"
                return try connection.transaction { connection in
                    let mine = try connection.execute(sql).integer(0, 0)
                    let theirs = try other.transaction { try $0.execute(sql).integer(0, 0) }
                    return mine == theirs ? "two transactions got the same row" : nil
                }
            },
            feature("FOR SHARE", "fences") {
                try connection.transaction {
                    _ = try $0.execute("SELECT seq FROM \(table) FOR SHARE")
                    return nil
                }
            },
            feature("REPEATABLE READ, READ ONLY", "one state for an audit") {
                try connection.transaction(.repeatableRead, readOnly: true) { connection in
                    let before = try connection.execute("SELECT count(*) FROM \(table)").integer(0, 0)
                    try other.execute("INSERT INTO \(table) (id, amount) VALUES ($1, $2)", [.bytes([5]), .integer(1)])
                    let after = try connection.execute("SELECT count(*) FROM \(table)").integer(0, 0)
                    return before == after ? nil : "a later commit was seen"
                }
            },
            feature("clock_timestamp()", "leases by one clock") {
                try connection.execute("SELECT \(PostgresClock.milliseconds)").integer(0, 0) > 0 ? nil : "no time"
            },
        ]
    }

    private func feature(_ name: String, _ use: String, _ trial: () throws -> String?) -> PostgresProbe.Feature {
        do {
            return PostgresProbe.Feature(name: name, use: use, lack: try trial())
        } catch {
            return PostgresProbe.Feature(name: name, use: use, lack: "\(error)")
        }
    }
}
