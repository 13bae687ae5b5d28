// What can be read: the start-up image, histories for repeated requests, and lists for people.

internal import Codecs
public import Commitments
internal import Foundation
internal import GRDB

extension SQLiteLedgerStore {
    public func load(recordKinds: [String]?) throws(LedgerError) -> LedgerImage {
        let (accounts, holds, latest, records) = try read { db in
            let accounts = try Rows.accounts(db, "SELECT \(Rows.accountColumns) FROM account")
            try Self.checkFold(db, accounts)
            let latest = try Int64.fetchOne(db, sql: "SELECT at FROM transfer ORDER BY seq DESC LIMIT 1")
            var records: [Record] = []
            let filter = recordKinds.map { kinds in
                "WHERE kind IN (\(kinds.map { _ in "?" }.joined(separator: ", ")))"
            }
            let rows = try Row.fetchCursor(
                db,
                sql: "SELECT kind, id, body FROM record \(filter ?? "") ORDER BY kind, id",
                arguments: StatementArguments(recordKinds ?? [])
            )
            while let row = try rows.next() {
                records.append(
                    Record(kind: try Rows.text(row, 0), id: try Rows.bytes(row, 1), body: try Rows.bytes(row, 2))
                )
            }
            return (accounts, try Rows.openHolds(db), latest ?? .min, records)
        }
        let book = Book(accounts: accounts, holds: holds, latest: latest, history: self)
        try book.verify()
        if isWriter { fillFilter() }
        return LedgerImage(book: book, records: records)
    }

    /// I7: the stored counters against the fold of all transfers.
    private static func checkFold(_ db: Database, _ accounts: [Account]) throws {
        var expected: [AccountID: [Int64]] = [:]
        let rows = try Row.fetchCursor(db, sql: Schema.fold)
        while let row = try rows.next() {
            expected[try AccountID(bytes: try Rows.bytes(row, 0))] = try (1...4).map { try Rows.integer(row, $0) }
        }
        try Invariants.checkFold(accounts, expected)
    }

    private func fillFilter() {
        filter.fill { [self] in
            let counted = try read { db in try Int.fetchOne(db, sql: "SELECT max(seq) FROM transfer") ?? 0 }
            // The filter is emptied before the state that fills it is fixed: what is committed later adds itself.
            let generation = filter.reset(expecting: counted * 2)
            try read { db in
                var hashes: [UInt64] = []
                let rows = try Row.fetchCursor(db, sql: "SELECT id, job, attempt, leg FROM transfer")
                while let row = try rows.next() {
                    hashes.append(SeenFilter.hash(try TransferID(bytes: try Rows.bytes(row, 0))))
                    if let job = try Rows.optionalBytes(row, 1) {
                        let attempt = UInt32(truncatingIfNeeded: try Rows.integer(row, 2))
                        let leg = try Rows.text(row, 3)
                        hashes.append(SeenFilter.hash(job: try Digest(job, field: "job"), attempt: attempt, leg: leg))
                    }
                    if hashes.count > 10_000 {
                        guard filter.isWanted(generation) else { return }
                        filter.insert(hashes)
                        hashes = []
                    }
                }
                let resolutions = try Row.fetchCursor(
                    db,
                    sql: "SELECT resolution FROM hold WHERE resolution IS NOT NULL"
                )
                while let row = try resolutions.next() {
                    hashes.append(SeenFilter.hash(try TransferID(bytes: try Rows.bytes(row, 0))))
                }
                filter.insert(hashes)
                filter.complete(generation)
            }
        }
    }

    public func entry(_ id: TransferID) throws(LedgerError) -> LedgerEntry? {
        guard filter.mayContain(SeenFilter.hash(id)) else { return nil }
        return try read { db in
            let key = Data(id.bytes)
            if let hold = try Rows.hold(db, "resolution", key) {
                let transfers = try Rows.transfers(db, "WHERE pending_id = ? ORDER BY seq", [Data(hold.hold.id.bytes)])
                guard let resolution = hold.resolution(transfers) else { return nil }
                return .resolution(resolution, transfers: transfers)
            }
            guard let transfer = try Rows.transfers(db, "WHERE id = ?", [key]).first else { return nil }
            if transfer.kind == .hold, let hold = try Rows.hold(db, "id", key) { return .hold(hold.hold) }
            return .transfer(transfer)
        }
    }

    public func resolution(ofHold id: TransferID) throws(LedgerError) -> TransferID? {
        try read { db in try Rows.hold(db, "id", Data(id.bytes))?.resolvedBy }
    }

    public func legsTaken(job: Digest, attempt: UInt32, among legs: [String]) throws(LedgerError) -> Set<String> {
        let possible = legs.filter { filter.mayContain(SeenFilter.hash(job: job, attempt: attempt, leg: $0)) }
        guard !possible.isEmpty else { return [] }
        return try read { db in
            let sql = "SELECT 1 FROM transfer WHERE job = ? AND attempt = ? AND leg = ?"
            let statement = try db.cachedStatement(sql: sql)
            let job = Data(job.bytes)
            var taken: Set<String> = []
            for leg in possible where try Int.fetchOne(statement, arguments: [job, Int64(attempt), leg]) != nil {
                taken.insert(leg)
            }
            return taken
        }
    }

    public func account(_ id: AccountID) throws(LedgerError) -> Account? {
        try read { db in
            let sql = "SELECT \(Rows.accountColumns) FROM account WHERE id = ?"
            return try Rows.accounts(db, sql, [Data(id.bytes)]).first
        }
    }

    public func accounts(owner: [UInt8]?) throws(LedgerError) -> [Account] {
        try read { db in
            guard let owner else {
                return try Rows.accounts(db, "SELECT \(Rows.accountColumns) FROM account ORDER BY id")
            }
            let sql = "SELECT \(Rows.accountColumns) FROM account WHERE owner = ? ORDER BY id"
            return try Rows.accounts(db, sql, [Data(owner)])
        }
    }

    public func transfers(of account: AccountID, limit: Int) throws(LedgerError) -> [Transfer] {
        let key = Data(account.bytes)
        return try read { db in
            let rows = """
                WHERE seq IN (
                    SELECT seq FROM (SELECT seq FROM transfer WHERE debit = ?1 ORDER BY seq DESC LIMIT ?2)
                    UNION SELECT seq FROM (SELECT seq FROM transfer WHERE credit = ?1 ORDER BY seq DESC LIMIT ?2)
                ) ORDER BY seq DESC LIMIT ?2
                """
            return try Rows.transfers(db, rows, [key, max(0, limit)])
        }
    }

    public func transfers(ofJob job: Digest) throws(LedgerError) -> [Transfer] {
        try read { db in try Rows.transfers(db, "WHERE job = ? ORDER BY seq", [Data(job.bytes)]) }
    }

    public func openHolds() throws(LedgerError) -> [Hold] {
        try read(Rows.openHolds)
    }

    public func record(kind: String, id: [UInt8]) throws(LedgerError) -> Record? {
        try read { db in
            let sql = "SELECT body FROM record WHERE kind = ? AND id = ?"
            return try Row.fetchOne(db.cachedStatement(sql: sql), arguments: [kind, Data(id)])
                .map { Record(kind: kind, id: id, body: try Rows.bytes($0, 0)) }
        }
    }

    public func records(kind: String) throws(LedgerError) -> [Record] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT id, body FROM record WHERE kind = ? ORDER BY id", arguments: [kind])
                .map { Record(kind: kind, id: try Rows.bytes($0, 0), body: try Rows.bytes($0, 1)) }
        }
    }

    public func receipt(job: Digest) throws(LedgerError) -> ReceiptRow? {
        try read { db in
            let sql = """
                SELECT \(Rows.receiptColumns), bytes FROM receipt JOIN bundle ON bundle.receipt = seq
                WHERE job = ? ORDER BY attempt DESC LIMIT 1
                """
            return try Row.fetchOne(db, sql: sql, arguments: [Data(job.bytes)])
                .map { try Rows.receipt($0, bundle: Rows.bytes($0, 6)) }
        }
    }

    public func latestReceipts(before position: Int64?, limit: Int) throws(LedgerError) -> [PlacedReceipt] {
        try read { db in
            let sql = "SELECT \(Rows.receiptColumns), seq FROM receipt WHERE seq < ? ORDER BY seq DESC LIMIT ?"
            return try Row.fetchAll(db.cachedStatement(sql: sql), arguments: [position ?? .max, max(0, limit)])
                .map { PlacedReceipt(position: try Rows.integer($0, 6), row: try Rows.receipt($0, bundle: [])) }
        }
    }

    public func receiptCount() throws(LedgerError) -> Int {
        try read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM receipt") ?? 0 }
    }

    public func outbox(limit: Int) throws(LedgerError) -> [OutboxMessage] {
        try read { db in
            let sql = "SELECT id, kind, body, at FROM outbox ORDER BY seq LIMIT ?"
            return try Row.fetchAll(db, sql: sql, arguments: [max(0, limit)]).map { row in
                OutboxMessage(
                    id: try WorkID(bytes: try Rows.bytes(row, 0)),
                    kind: try Rows.text(row, 1),
                    body: try Rows.bytes(row, 2),
                    at: try Rows.integer(row, 3)
                )
            }
        }
    }
}
