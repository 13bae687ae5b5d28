// Rows of the database as values. A row that does not decode is a damaged database, reported with its field.
internal import Codecs
internal import Commitments
internal import Foundation
internal import GRDB

/// A hold with what is known of its end.
struct StoredHold {
    let hold: Hold
    let resolvedBy: TransferID?
    let outcome: TransferKind?
    let resolvedAt: Int64
    /// The places of the transfers that ended it, first and last.
    var parts: ClosedRange<Int64>?

    /// The end of the hold, whose amounts are those of its transfers; `nil` while it is open.
    func resolution(_ transfers: [Transfer]) -> HoldResolution? {
        guard let resolvedBy, let outcome else { return nil }
        let posted = transfers.reduce(0) { $1.kind == .post ? $0 &+ $1.amount : $0 }
        let returned = transfers.reduce(0) { $1.kind == .post ? $0 : $0 &+ $1.amount }
        return HoldResolution(
            id: resolvedBy,
            hold: hold,
            outcome: outcome,
            posted: posted,
            returned: returned,
            at: resolvedAt
        )
    }
}

enum Rows {
    static let accountColumns =
        "id, currency, kind, owner, debits_pending, debits_posted, credits_pending, credits_posted"
    static let transferColumns =
        "id, debit, credit, amount, currency, kind, pending_id, job, attempt, leg, verdict, ruleset, at"
    /// The transfer columns of a query that joins other tables.
    private static let joined =
        "transfer." + transferColumns.split(separator: ", ").joined(separator: ", transfer.")
    static let receiptColumns = "job, attempt, bundle_cid, verdict, outcome, at"

    static func bytes(_ row: Row, _ column: Int) throws -> [UInt8] {
        guard case .blob(let data) = (row[column] as DatabaseValue).storage else {
            throw wrongType(row, column, "a blob")
        }
        return [UInt8](data)
    }

    static func optionalBytes(_ row: Row, _ column: Int) throws -> [UInt8]? {
        row.hasNull(atIndex: column) ? nil : try bytes(row, column)
    }

    static func text(_ row: Row, _ column: Int) throws -> String {
        guard case .string(let text) = (row[column] as DatabaseValue).storage else {
            throw wrongType(row, column, "text")
        }
        return text
    }

    static func integer(_ row: Row, _ column: Int) throws -> Int64 {
        guard case .int64(let value) = (row[column] as DatabaseValue).storage else {
            throw wrongType(row, column, "an integer")
        }
        return value
    }

    /// STRICT tables hold no other types; a damaged page can.
    private static func wrongType(_ row: Row, _ column: Int, _ expected: String) -> ParseError {
        let name = Array(row.columnNames)[column]
        return ParseError(field: name, expected: expected, actual: "\(row[column] as DatabaseValue)")
    }

    static func account(_ row: RawStatement) throws -> Account {
        var account = Account(
            id: try row.accountID(0),
            currency: try row.text(1),
            kind: try row.kind(2),
            owner: try row.bytes(3)
        )
        account.debitsPending = try row.integer(4)
        account.debitsPosted = try row.integer(5)
        account.creditsPending = try row.integer(6)
        account.creditsPosted = try row.integer(7)
        return account
    }

    /// The accounts of a query that ends in `rest`, which may have one parameter.
    static func accounts(_ db: Database, _ rest: String, _ key: (some ContiguousStorage)?) throws -> [Account] {
        let rows = try RawStatement(db, "SELECT \(accountColumns) FROM account \(rest)")
        if let key { rows.bind(1, key) }
        var accounts: [Account] = []
        try rows.forEachRow { accounts.append(try account($0)) }
        return accounts
    }

    static func accounts(_ db: Database) throws -> [Account] { try accounts(db, "ORDER BY id", nil as [UInt8]?) }

    /// Reads the 13 transfer columns.
    static func transfer(_ row: RawStatement) throws -> Transfer {
        Transfer(
            id: try row.transferID(0),
            debit: try row.accountID(1),
            credit: try row.accountID(2),
            amount: try row.integer(3),
            currency: try row.text(4),
            kind: try row.kind(5),
            pendingID: row.isNull(6) ? nil : try row.transferID(6),
            job: try row.optionalDigest(7),
            attempt: try row.attempt(8),
            leg: try row.text(9),
            verdict: try row.optionalDigest(10),
            ruleset: try row.optionalDigest(11),
            at: try row.integer(12)
        )
    }

    /// All transfers in the order in which they were made, each with its place and the places of those before it on its two
    /// accounts.
    static func forEachTransfer(
        _ db: Database,
        _ body: (Transfer, _ seq: Int64, _ debitBefore: Int64?, _ creditBefore: Int64?) throws -> Void
    ) throws {
        let sql = "SELECT \(transferColumns), seq, debit_before, credit_before FROM transfer ORDER BY seq"
        try RawStatement(db, sql).forEachRow { row in
            try body(
                try transfer(row),
                try row.integer(13),
                try row.optionalInteger(14),
                try row.optionalInteger(15)
            )
        }
    }

    /// The balances that all transfers add up to.
    static func fold(_ db: Database) throws -> BalanceFold {
        var fold = BalanceFold()
        let sql = "SELECT kind, id, debit, credit, amount, pending_id FROM transfer ORDER BY seq"
        try RawStatement(db, sql).forEachRow { row in
            fold.add(
                try row.kind(0),
                try row.transferID(1),
                try row.accountID(2),
                try row.accountID(3),
                try row.integer(4),
                pendingID: row.isNull(5) ? nil : try row.transferID(5)
            )
        }
        return fold
    }

    /// Holds with their transfers, for `storedHold`.
    static let holdQuery =
        "SELECT \(joined), hold.expires_at, hold.resolution, hold.outcome, hold.resolved_at, hold.part_first, hold.part_last"
        + " FROM hold JOIN transfer ON transfer.seq = hold.seq"

    static func storedHold(_ row: RawStatement) throws -> StoredHold {
        let isOpen = row.isNull(14)
        return StoredHold(
            hold: Hold(transfer: try transfer(row), expiresAt: try row.integer(13)),
            resolvedBy: isOpen ? nil : try row.transferID(14),
            outcome: isOpen ? nil : try row.kind(15),
            resolvedAt: isOpen ? 0 : try row.integer(16),
            parts: isOpen ? nil : try row.integer(17)...max(try row.integer(17), try row.integer(18))
        )
    }

    static func openHolds(_ db: Database) throws -> [Hold] {
        var holds: [Hold] = []
        let rows = try RawStatement(db, "\(holdQuery) WHERE hold.resolution IS NULL ORDER BY hold.seq")
        try rows.forEachRow { holds.append(Hold(transfer: try transfer($0), expiresAt: try $0.integer(13))) }
        return holds
    }

    /// Reads the six receipt columns.
    static func receipt(_ row: RawStatement, bundle: [UInt8]) throws -> ReceiptRow {
        ReceiptRow(
            job: try row.digest(0),
            attempt: try row.attempt(1),
            bundleCID: try row.text(2),
            verdict: try row.digest(3),
            outcome: try row.text(4),
            at: try row.integer(5),
            bundleBytes: bundle
        )
    }
}
