// The SQLite store as a snapshot for audits.
internal import Codecs
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
        try wrap { try Rows.accounts(db, "SELECT \(Rows.accountColumns) FROM account ORDER BY id") }
    }

    func forEachTransfer(_ body: (Transfer) -> Void) throws(LedgerError) {
        try forEach("SELECT \(Rows.transferColumns) FROM transfer ORDER BY seq") { body(try Rows.transfer($0)) }
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

    func forEachHold(_ body: (Hold, TransferID?) -> Void) throws(LedgerError) {
        try forEach(Rows.holdQuery + " ORDER BY transfer.seq") { row in
            let stored = try Rows.storedHold(row)
            body(stored.hold, stored.resolvedBy)
        }
    }

    func forEachReceipt(_ body: (ReceiptRow) -> Void) throws(LedgerError) {
        let sql = """
            SELECT \(Rows.receiptColumns), bytes FROM receipt LEFT JOIN bundle ON bundle.receipt = seq ORDER BY seq
            """
        try forEach(sql) { row in body(try Rows.receipt(row, bundle: try Rows.optionalBytes(row, 6) ?? [])) }
    }

    private func forEach(_ sql: String, _ body: (Row) throws -> Void) throws(LedgerError) {
        try wrap {
            let rows = try Row.fetchCursor(db, sql: sql)
            while let row = try rows.next() { try body(row) }
        }
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
