// The SQLite store as a snapshot for audits.
internal import Codecs
internal import Commitments
internal import GRDB

extension SQLiteLedgerStore {
    public func snapshot<Value>(_ body: (any LedgerSnapshot) throws(LedgerError) -> Value) throws(LedgerError) -> Value
    {
        try read { db in try body(SQLiteSnapshot(db: db)) }
    }
}

private struct SQLiteSnapshot: LedgerSnapshot {
    let db: Database

    func storageFaults() throws(LedgerError) -> [String] {
        try wrap {
            var faults = try String.fetchAll(db, sql: "PRAGMA integrity_check(100)").filter { $0 != "ok" }
            for row in try Row.fetchAll(db, sql: "PRAGMA foreign_key_check") {
                let name = { (column: Int) in "\(row[column] as DatabaseValue)" }
                faults.append("\(name(0)) row \(name(1)) refers to a missing row of \(name(2))")
            }
            return faults
        }
    }

    func accounts() throws(LedgerError) -> [Account] {
        try wrap { try Rows.accounts(db) }
    }

    func forEachTransfer(_ body: (Transfer) -> Void) throws(LedgerError) -> [String] {
        try wrap {
            var latest: [AccountID: Int64] = [:]
            var faults: [String] = []
            try Rows.forEachTransfer(db) { transfer, seq, debitBefore, creditBefore in
                let before = (latest.updateValue(seq, forKey: transfer.debit), latest[transfer.credit])
                latest[transfer.credit] = seq
                if before != (debitBefore, creditBefore) {
                    let (expected, found) = ("\(before)", "\((debitBefore, creditBefore))")
                    faults.append("transfer \(transfer.id): expected \(expected) before it, found \(found)")
                }
                body(transfer)
            }
            try RawStatement(db, "SELECT id, latest FROM account").forEachRow { row in
                let (account, found) = (try row.accountID(0), try row.optionalInteger(1))
                guard found != latest[account] else { return }
                let expected = latest[account].map { "\($0)" } ?? "none"
                faults.append(
                    "account \(account): expected latest \(expected), found \(found.map { "\($0)" } ?? "none")"
                )
            }
            return faults
        }
    }

    func repeatedLegs() throws(LedgerError) -> (repeated: [String], examined: Int) {
        try wrap {
            let examined = try Int.fetchOne(db, sql: "SELECT count(*) FROM transfer WHERE job IS NOT NULL") ?? 0
            let sql = """
                SELECT 'job ' || lower(hex(job)) || ' attempt ' || attempt || ' leg ' || leg || ': ' || count(*) || ' transfers'
                FROM transfer WHERE job IS NOT NULL GROUP BY job, attempt, leg HAVING count(*) > 1
                """
            return (try String.fetchAll(db, sql: sql), examined)
        }
    }

    func forEachHold(_ body: (TransferID, Int64, TransferID?) -> Void) throws(LedgerError) {
        try forEach(
            "SELECT transfer.id, amount, resolution FROM hold JOIN transfer USING (seq) ORDER BY seq"
        ) { row in
            body(try row.transferID(0), try row.integer(1), row.isNull(2) ? nil : try row.transferID(2))
        }
    }

    func forEachVerdict(_ body: (Digest, Digest) -> Void) throws(LedgerError) {
        try forEach("SELECT verdict, job FROM receipt ORDER BY seq") { body(try $0.digest(0), try $0.digest(1)) }
    }

    func forEachReceipt(_ body: (ReceiptRow) -> Void) throws(LedgerError) {
        let sql = """
            SELECT \(Rows.receiptColumns), bytes FROM receipt LEFT JOIN bundle ON bundle.receipt = seq ORDER BY seq
            """
        try forEach(sql) { row in body(try Rows.receipt(row, bundle: try row.optionalBytes(6) ?? [])) }
    }

    private func forEach(_ sql: String, _ body: (RawStatement) throws -> Void) throws(LedgerError) {
        try wrap { try RawStatement(db, sql).forEachRow(body) }
    }

    private func wrap<Value>(_ body: () throws -> Value) throws(LedgerError) -> Value {
        do {
            return try body()
        } catch let error as LedgerError {
            throw error
        } catch {
            throw .storage(detail: "\(error)")
        }
    }
}
