// What can be read: histories for repeated requests, and lists for people.
internal import Codecs
public import Commitments
internal import Foundation
internal import GRDB

extension SQLiteLedgerStore {
    func fillFilter() {
        filter.fill { [self] in
            let counted = try read { db in try Int.fetchOne(db, sql: "SELECT max(seq) FROM transfer") ?? 0 }
            // The filter is emptied before the state that fills it is fixed: what is committed later adds itself.
            let generation = filter.reset(expecting: counted * 2)
            try read { db in
                var hashes: [UInt64] = []
                func add(_ hash: UInt64) throws {
                    hashes.append(hash)
                    guard hashes.count == 10_000 else { return }
                    guard filter.isWanted(generation) else { throw CancellationError() }
                    filter.insert(hashes)
                    hashes.removeAll(keepingCapacity: true)
                }
                try RawStatement(db, "SELECT id FROM operation").forEachRow { row in
                    try add(SeenFilter.hash(try row.transferID(0)))
                }
                let legs = try RawStatement(db, "SELECT job, attempt, leg FROM transfer WHERE job IS NOT NULL")
                try legs.forEachRow { row in
                    let (job, attempt, leg) = (try row.digest(0), try row.attempt(1), try row.text(2))
                    try add(SeenFilter.hash(job: job, attempt: attempt, leg: leg))
                }
                filter.insert(hashes)
                filter.complete(generation)
            }
        }
    }

    public func entry(_ id: TransferID) throws(LedgerError) -> LedgerEntry? {
        guard filter.mayContain(SeenFilter.hash(id)) else { return nil }
        return try read { db in
            let operation = try RawStatement(db, "SELECT seq FROM operation WHERE id = ?")
            operation.bind(1, id)
            guard let seq = try operation.first({ try $0.integer(0) }) else { return nil }
            let transfers = try Self.transfers(db, "WHERE seq = ?", seq)
            if let transfer = transfers.first, transfer.id == id, transfer.kind != .hold { return .transfer(transfer) }
            guard let stored = try Self.hold(db, seq) else { return nil }
            if stored.hold.id == id { return .hold(stored.hold) }
            guard stored.resolvedBy == id, let parts = stored.parts else { return nil }
            let ended = try Self.transfers(db, "WHERE seq BETWEEN ? AND ?", parts.lowerBound, parts.upperBound)
            return stored.resolution(ended).map { .resolution($0, transfers: ended) }
        }
    }

    private static func hold(_ db: Database, _ seq: Int64) throws -> StoredHold? {
        let row = try RawStatement(db, "\(Rows.holdQuery) WHERE hold.seq = ?")
        row.bind(1, seq)
        return try row.first(Rows.storedHold)
    }

    /// The transfers of a query that ends in `rest`, in the order in which they were made.
    private static func transfers(_ db: Database, _ rest: String, _ keys: Int64...) throws -> [Transfer] {
        let rows = try RawStatement(db, "SELECT \(Rows.transferColumns) FROM transfer \(rest) ORDER BY seq")
        for (index, key) in keys.enumerated() { rows.bind(Int32(index + 1), key) }
        var transfers: [Transfer] = []
        try rows.forEachRow { transfers.append(try Rows.transfer($0)) }
        return transfers
    }

    public func resolution(ofHold id: TransferID) throws(LedgerError) -> TransferID? {
        try read { db in
            let row = try RawStatement(
                db,
                "SELECT resolution FROM operation JOIN hold USING (seq) JOIN transfer USING (seq)"
                    + " WHERE operation.id = ?1 AND transfer.id = ?1"
            )
            row.bind(1, id)
            return try row.first { $0.isNull(0) ? nil : try $0.transferID(0) } ?? nil
        }
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
            try Rows.accounts(db, "WHERE id = ?", id).first
        }
    }

    public func accounts(owner: [UInt8]?) throws(LedgerError) -> [Account] {
        try read { db in
            guard let owner else { return try Rows.accounts(db) }
            return try Rows.accounts(db, "WHERE owner = ? ORDER BY id", owner)
        }
    }

    /// Follows the account's chain back from its latest transfer.
    public func transfers(of account: AccountID, limit: Int) throws(LedgerError) -> [Transfer] {
        try read { db in
            let latest = try RawStatement(db, "SELECT latest FROM account WHERE id = ?")
            latest.bind(1, account)
            let row = try RawStatement(
                db,
                "SELECT \(Rows.transferColumns), debit_before, credit_before FROM transfer WHERE seq = ?"
            )
            var transfers: [Transfer] = []
            var next = try latest.first { try $0.optionalInteger(0) } ?? nil
            while let seq = next, transfers.count < limit {
                row.bind(1, seq)
                let found = try row.first { row in
                    let transfer = try Rows.transfer(row)
                    return (transfer, before: try row.optionalInteger(transfer.debit == account ? 13 : 14))
                }
                guard let found, found.before ?? 0 < seq else {
                    throw LedgerError.storage(detail: "account \(account): its chain of transfers breaks at \(seq)")
                }
                transfers.append(found.0)
                next = found.before
            }
            return transfers
        }
    }

    public func transfers(ofJob job: Digest) throws(LedgerError) -> [Transfer] {
        try read { db in
            let rows = try RawStatement(
                db,
                "SELECT \(Rows.transferColumns) FROM transfer WHERE job = ? ORDER BY seq"
            )
            rows.bind(1, job)
            var transfers: [Transfer] = []
            try rows.forEachRow { transfers.append(try Rows.transfer($0)) }
            return transfers
        }
    }

    public func openHolds() throws(LedgerError) -> [Hold] {
        try read(Rows.openHolds).sorted { $0.id < $1.id }
    }

    public func record(kind: String, id: [UInt8]) throws(LedgerError) -> Record? {
        try read { db in
            let sql = "SELECT body FROM record WHERE kind = ? AND id = ?"
            return try Row.fetchOne(db.cachedStatement(sql: sql), arguments: [kind, Data(id)])
                .map { Record(kind: kind, id: id, body: try Rows.bytes($0, 0)) }
        }
    }

    public func records(kind: String) throws(LedgerError) -> [Record] {
        try read { db in try Self.records(db, kind: kind) }
    }

    static func records(_ db: Database, kind: String) throws -> [Record] {
        let rows = try RawStatement(db, "SELECT id, body FROM record WHERE kind = ? ORDER BY id")
        rows.bind(1, kind)
        var records: [Record] = []
        try rows.forEachRow { records.append(Record(kind: kind, id: try $0.bytes(0), body: try $0.bytes(1))) }
        return records
    }

    public func receipt(job: Digest) throws(LedgerError) -> ReceiptRow? {
        try read { db in
            let sql = """
                SELECT \(Rows.receiptColumns), bytes FROM receipt JOIN bundle ON bundle.receipt = seq
                WHERE job = ? ORDER BY attempt DESC LIMIT 1
                """
            let row = try RawStatement(db, sql)
            row.bind(1, job)
            return try row.first { try Rows.receipt($0, bundle: try $0.bytes(6)) }
        }
    }

    public func latestReceipts(before position: Int64?, limit: Int) throws(LedgerError) -> [PlacedReceipt] {
        try read { db in
            let sql = "SELECT \(Rows.receiptColumns), seq FROM receipt WHERE seq < ? ORDER BY seq DESC LIMIT ?"
            let rows = try RawStatement(db, sql)
            rows.bind(1, position ?? .max)
            rows.bind(2, Int64(max(0, limit)))
            var receipts: [PlacedReceipt] = []
            try rows.forEachRow {
                receipts.append(PlacedReceipt(position: try $0.integer(6), row: try Rows.receipt($0, bundle: [])))
            }
            return receipts
        }
    }

    public func receiptCount() throws(LedgerError) -> Int {
        try read { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM receipt") ?? 0 }
    }

    public func outbox(kind: String?, limit: Int) throws(LedgerError) -> [OutboxMessage] {
        try read { db in
            let sql =
                "SELECT id, kind, body, at FROM outbox \(kind == nil ? "" : "WHERE kind = ?") ORDER BY seq LIMIT ?"
            let arguments = StatementArguments(kind.map { [$0] } ?? []) + [max(0, limit)]
            return try Row.fetchAll(db, sql: sql, arguments: arguments).map { row in
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
