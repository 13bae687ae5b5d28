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

    private static func kind<Kind: RawRepresentable<String>>(_ row: Row, _ column: Int) throws -> Kind {
        let name = try text(row, column)
        guard let kind = Kind(rawValue: name) else {
            throw ParseError(field: "kind", expected: "a known kind", actual: name)
        }
        return kind
    }

    private static func attempt(_ row: Row, _ column: Int) throws -> UInt32 {
        let value = try integer(row, column)
        guard let attempt = UInt32(exactly: value) else {
            throw ParseError(field: "attempt", expected: "32 bits", actual: "\(value)")
        }
        return attempt
    }

    static func account(_ row: Row) throws -> Account {
        let id = try AccountID(bytes: bytes(row, 0))
        var account = Account(id: id, currency: try text(row, 1), kind: try kind(row, 2), owner: try bytes(row, 3))
        account.debitsPending = try integer(row, 4)
        account.debitsPosted = try integer(row, 5)
        account.creditsPending = try integer(row, 6)
        account.creditsPosted = try integer(row, 7)
        return account
    }

    static func accounts(_ db: Database, _ sql: String, _ arguments: StatementArguments = []) throws -> [Account] {
        var accounts: [Account] = []
        let rows = try Row.fetchCursor(db, sql: sql, arguments: arguments)
        while let row = try rows.next() { accounts.append(try account(row)) }
        return accounts
    }

    /// Reads the 13 transfer columns.
    static func transfer(_ row: Row) throws -> Transfer {
        func digest(_ column: Int, _ field: String) throws -> Digest? {
            try optionalBytes(row, column).map { try Digest($0, field: field) }
        }
        return Transfer(
            id: try TransferID(bytes: bytes(row, 0)),
            debit: try AccountID(bytes: bytes(row, 1)),
            credit: try AccountID(bytes: bytes(row, 2)),
            amount: try integer(row, 3),
            currency: try text(row, 4),
            kind: try kind(row, 5),
            pendingID: try optionalBytes(row, 6).map { try TransferID(bytes: $0) },
            job: try digest(7, "transfer.job"),
            attempt: try attempt(row, 8),
            leg: try text(row, 9),
            verdict: try digest(10, "transfer.verdict"),
            ruleset: try digest(11, "transfer.ruleset"),
            at: try integer(row, 12)
        )
    }

    static func transfers(_ db: Database, _ rest: String, _ arguments: StatementArguments) throws -> [Transfer] {
        let statement = try db.cachedStatement(sql: "SELECT \(transferColumns) FROM transfer \(rest)")
        var transfers: [Transfer] = []
        let rows = try Row.fetchCursor(statement, arguments: arguments)
        while let row = try rows.next() { transfers.append(try transfer(row)) }
        return transfers
    }

    /// Holds with their transfers, for `storedHold`.
    static let holdQuery =
        "SELECT transfer." + transferColumns.split(separator: ", ").joined(separator: ", transfer.")
        + ", hold.expires_at, hold.resolution, hold.outcome, hold.resolved_at"
        + " FROM hold JOIN transfer ON transfer.id = hold.id"

    static func storedHold(_ row: Row) throws -> StoredHold {
        let resolution = try optionalBytes(row, 14)
        return StoredHold(
            hold: Hold(transfer: try transfer(row), expiresAt: try integer(row, 13)),
            resolvedBy: try resolution.map { try TransferID(bytes: $0) },
            outcome: resolution == nil ? nil : try kind(row, 15),
            resolvedAt: resolution == nil ? 0 : try integer(row, 16)
        )
    }

    /// The hold whose `column` (`id` or `resolution`) is `key`.
    static func hold(_ db: Database, _ column: String, _ key: Data) throws -> StoredHold? {
        let statement = try db.cachedStatement(sql: "\(holdQuery) WHERE hold.\(column) = ?")
        return try Row.fetchOne(statement, arguments: [key]).map(storedHold)
    }

    static func openHolds(_ db: Database) throws -> [Hold] {
        let rows = try Row.fetchCursor(db, sql: "\(holdQuery) WHERE hold.resolution IS NULL ORDER BY hold.id")
        var holds: [Hold] = []
        while let row = try rows.next() { holds.append(try storedHold(row).hold) }
        return holds
    }

    static func receipt(_ row: Row, bundle: [UInt8]) throws -> ReceiptRow {
        ReceiptRow(
            job: try Digest(bytes(row, 0), field: "receipt.job"),
            attempt: try attempt(row, 1),
            bundleCID: try text(row, 2),
            verdict: try Digest(bytes(row, 3), field: "receipt.verdict"),
            outcome: try text(row, 4),
            at: try integer(row, 5),
            bundleBytes: bundle
        )
    }
}
