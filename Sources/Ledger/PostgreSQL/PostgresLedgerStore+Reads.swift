// Lists for people, and the audit's snapshot.
internal import Codecs
public import Commitments
internal import PostgreSQL

extension PostgresLedgerStore {
    public func account(_ id: AccountID) throws(LedgerError) -> Account? {
        try read { try PostgresRows.accounts($0, "WHERE account.id = $1", [.bytes(id.bytes)]).first }
    }

    public func accounts(owner: [UInt8]?) throws(LedgerError) -> [Account] {
        try read { connection in
            guard let owner else { return try PostgresRows.accounts(connection) }
            return try PostgresRows.accounts(connection, "WHERE account.owner = $1", [.bytes(owner)])
        }
    }

    public func transfers(of account: AccountID, limit: Int) throws(LedgerError) -> [Transfer] {
        try read { connection in
            let rows = """
                WHERE seq IN (
                    SELECT seq FROM (SELECT seq FROM transfer WHERE debit = $1 ORDER BY seq DESC LIMIT $2) AS debits
                    UNION SELECT seq FROM (SELECT seq FROM transfer WHERE credit = $1 ORDER BY seq DESC LIMIT $2) AS credits
                ) ORDER BY seq DESC LIMIT $2
                """
            return try PostgresRows.transfers(
                connection,
                rows,
                [.bytes(account.bytes), .integer(Int64(max(0, limit)))]
            )
        }
    }

    public func transfers(ofJob job: Digest) throws(LedgerError) -> [Transfer] {
        try read { try PostgresRows.transfers($0, "WHERE job = $1 ORDER BY seq", [.bytes(job.bytes)]) }
    }

    public func openHolds() throws(LedgerError) -> [Hold] {
        try read { connection in
            let rows = try connection.execute(
                "\(PostgresRows.holdQuery) WHERE hold.resolution IS NULL ORDER BY hold.id"
            )
            return try (0..<rows.count).map { try PostgresRows.storedHold(rows, $0).hold }
        }
    }

    public func record(kind: String, id: [UInt8]) throws(LedgerError) -> Record? {
        try read { connection in
            let rows = try connection.execute(
                "SELECT body FROM record WHERE kind = $1 AND id = $2",
                [.text(kind), .bytes(id)]
            )
            return rows.count == 0 ? nil : Record(kind: kind, id: id, body: try rows.bytes(0, 0))
        }
    }

    public func records(kind: String) throws(LedgerError) -> [Record] {
        try read { connection in
            let rows = try connection.execute("SELECT id, body FROM record WHERE kind = $1 ORDER BY id", [.text(kind)])
            return try (0..<rows.count).map {
                Record(kind: kind, id: try rows.bytes($0, 0), body: try rows.bytes($0, 1))
            }
        }
    }

    public func receipt(job: Digest) throws(LedgerError) -> ReceiptRow? {
        try read { connection in
            let rows = try connection.execute(
                """
                SELECT receipt.job, receipt.attempt, bundle_cid, verdict, outcome, at, bytes
                FROM receipt JOIN bundle ON bundle.job = receipt.job AND bundle.attempt = receipt.attempt
                WHERE receipt.job = $1 ORDER BY receipt.attempt DESC LIMIT 1
                """,
                [.bytes(job.bytes)]
            )
            return rows.count == 0 ? nil : try PostgresRows.receipt(rows, 0, bundle: rows.bytes(0, 6))
        }
    }

    public func latestReceipts(before position: Int64?, limit: Int) throws(LedgerError) -> [PlacedReceipt] {
        try read { connection in
            let rows = try connection.execute(
                """
                SELECT job, attempt, bundle_cid, verdict, outcome, at, seq FROM receipt
                WHERE seq < $1 ORDER BY seq DESC LIMIT $2
                """,
                [.integer(position ?? .max), .integer(Int64(max(0, limit)))]
            )
            return try (0..<rows.count).map { row in
                PlacedReceipt(
                    position: try rows.integer(row, 6),
                    row: try PostgresRows.receipt(rows, row, bundle: [])
                )
            }
        }
    }

    public func receiptCount() throws(LedgerError) -> Int {
        try read { Int(try $0.execute("SELECT count(*) FROM receipt").integer(0, 0)) }
    }

    public func outbox(kind: String?, limit: Int) throws(LedgerError) -> [OutboxMessage] {
        try read { connection in
            let rows = try connection.execute(
                "SELECT id, kind, body, at FROM outbox \(kind == nil ? "" : "WHERE kind = $2") ORDER BY seq LIMIT $1",
                [.integer(Int64(max(0, limit)))] + (kind.map { [.text($0)] } ?? [])
            )
            return try (0..<rows.count).map { row in
                OutboxMessage(
                    id: try WorkID(bytes: rows.bytes(row, 0)),
                    kind: try rows.text(row, 1),
                    body: try rows.bytes(row, 2),
                    at: try rows.integer(row, 3)
                )
            }
        }
    }

    public func snapshot<Value>(_ body: (any LedgerSnapshot) throws(LedgerError) -> Value) throws(LedgerError) -> Value
    {
        try read { try body(PostgresSnapshot(connection: $0)) }
    }
}

private struct PostgresSnapshot: LedgerSnapshot {
    let connection: PostgresConnection

    /// PostgreSQL checks its pages when it reads them; what it has no constraint for is looked for here.
    func storageFaults() throws(LedgerError) -> [String] {
        try PostgresDatabase.translating {
            let checks = [
                (
                    "hold",
                    "SELECT id FROM hold WHERE NOT EXISTS (SELECT 1 FROM transfer WHERE transfer.id = hold.id AND transfer.pending_id IS NULL)"
                ),
                (
                    "receipt",
                    """
                    SELECT job FROM receipt WHERE NOT EXISTS (SELECT 1 FROM bundle
                        WHERE bundle.job = receipt.job AND bundle.attempt = receipt.attempt)
                    """
                ),
                (
                    "transfer",
                    """
                    SELECT id FROM transfer AS part WHERE pending_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM hold WHERE hold.id = part.pending_id)
                    """
                ),
                (
                    "accrual",
                    "SELECT account FROM accrual WHERE NOT EXISTS (SELECT 1 FROM account WHERE account.id = accrual.account)"
                ),
            ]
            var faults: [String] = []
            for (table, sql) in checks {
                let rows = try connection.execute(sql + " LIMIT 100")
                for row in 0..<rows.count {
                    faults.append("\(table) \(Hex.encode(try rows.bytes(row, 0))) refers to a missing row")
                }
            }
            return faults
        }
    }

    func hasOneClock() throws(LedgerError) -> Bool {
        try PostgresDatabase.translating { try connection.execute(PostgresSchema.hadSeveralWriters).integer(0, 0) == 0 }
    }

    func accounts() throws(LedgerError) -> [Account] {
        try PostgresDatabase.translating { try PostgresRows.accounts(connection) }
    }

    func forEachTransfer(_ body: (Transfer) -> Void) throws(LedgerError) -> [String] {
        try PostgresDatabase.translating {
            try PostgresRows.forEachPage(
                connection,
                "SELECT \(PostgresRows.transferColumns), seq FROM transfer WHERE seq > $1 ORDER BY seq LIMIT $2",
                key: 13,
                from: .integer(.min)
            ) { rows, row in body(try PostgresRows.transfer(rows, row)) }
            return []
        }
    }

    func repeatedLegs() throws(LedgerError) -> (repeated: [String], examined: Int) {
        try PostgresDatabase.translating {
            let examined = try connection.execute("SELECT count(*) FROM transfer WHERE job IS NOT NULL").integer(0, 0)
            let rows = try connection.execute(
                """
                SELECT job, attempt, leg, count(*) FROM transfer WHERE job IS NOT NULL
                GROUP BY job, attempt, leg HAVING count(*) > 1
                """
            )
            let repeated = try (0..<rows.count).map { row in
                let job = Hex.encode(try rows.bytes(row, 0))
                let name = "job \(job) attempt \(try rows.integer(row, 1)) leg \(try rows.text(row, 2))"
                return "\(name): \(try rows.integer(row, 3)) transfers"
            }
            return (repeated, Int(examined))
        }
    }

    func forEachVerdict(_ body: (Digest, Digest) -> Void) throws(LedgerError) {
        try PostgresDatabase.translating {
            try PostgresRows.forEachPage(
                connection,
                "SELECT verdict, job, seq FROM receipt WHERE seq > $1 ORDER BY seq LIMIT $2",
                key: 2,
                from: .integer(.min)
            ) { rows, row in
                body(
                    try Digest(try rows.bytes(row, 0), field: "verdict"),
                    try Digest(try rows.bytes(row, 1), field: "job")
                )
            }
        }
    }

    func forEachHold(_ body: (TransferID, Int64, TransferID?) -> Void) throws(LedgerError) {
        try PostgresDatabase.translating {
            try PostgresRows.forEachPage(
                connection,
                "\(PostgresRows.holdQuery) WHERE transfer.seq > $1 ORDER BY transfer.seq LIMIT $2",
                key: 17,
                from: .integer(.min)
            ) { rows, row in
                let stored = try PostgresRows.storedHold(rows, row)
                body(stored.hold.id, stored.hold.amount, stored.resolvedBy)
            }
        }
    }

    func forEachReceipt(_ body: (ReceiptRow) -> Void) throws(LedgerError) {
        try PostgresDatabase.translating {
            try PostgresRows.forEachPage(
                connection,
                """
                SELECT receipt.job, receipt.attempt, bundle_cid, verdict, outcome, at, bytes, seq
                FROM receipt LEFT JOIN bundle ON bundle.job = receipt.job AND bundle.attempt = receipt.attempt
                WHERE seq > $1 ORDER BY seq LIMIT $2
                """,
                key: 7,
                from: .integer(.min),
                size: 500
            ) { rows, row in
                body(try PostgresRows.receipt(rows, row, bundle: try rows.optionalBytes(row, 6) ?? []))
            }
        }
    }
}
