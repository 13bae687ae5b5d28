// Rows of the PostgreSQL tables as values.
internal import Codecs
internal import Commitments
internal import PostgreSQL

enum PostgresRows {
    /// Accounts with their accruals added.
    private static let accounts = """
        SELECT account.id, account.currency, account.kind, account.owner,
            account.debits_pending + coalesce(more.debits_pending, 0),
            account.debits_posted + coalesce(more.debits_posted, 0),
            account.credits_pending + coalesce(more.credits_pending, 0),
            account.credits_posted + coalesce(more.credits_posted, 0)
        FROM account LEFT JOIN (
            SELECT account, sum(debits_pending)::BIGINT AS debits_pending, sum(debits_posted)::BIGINT AS debits_posted,
                sum(credits_pending)::BIGINT AS credits_pending, sum(credits_posted)::BIGINT AS credits_posted
            FROM accrual GROUP BY account
        ) AS more ON more.account = account.id
        """

    static let transferColumns =
        "id, debit, credit, amount, currency, kind, pending_id, job, attempt, leg, verdict, ruleset, at"

    static let holdQuery =
        "SELECT transfer." + transferColumns.split(separator: ", ").joined(separator: ", transfer.")
        + ", hold.expires_at, hold.resolution, hold.outcome, hold.resolved_at, transfer.seq"
        + " FROM hold JOIN transfer ON transfer.id = hold.id AND transfer.pending_id IS NULL"

    static func accounts(
        _ connection: PostgresConnection,
        _ condition: String = "",
        _ parameters: [PostgresValue] = []
    ) throws -> [Account] {
        let rows = try connection.execute("\(accounts) \(condition) ORDER BY account.id", parameters)
        return try (0..<rows.count).map { row in
            let id = try AccountID(bytes: rows.bytes(row, 0))
            var account = Account(
                id: id,
                currency: try rows.text(row, 1),
                kind: try kind(rows.text(row, 2)),
                owner: try rows.bytes(row, 3)
            )
            account.debitsPending = try rows.integer(row, 4)
            account.debitsPosted = try rows.integer(row, 5)
            account.creditsPending = try rows.integer(row, 6)
            account.creditsPosted = try rows.integer(row, 7)
            return account
        }
    }

    private static func kind<Kind: RawRepresentable<String>>(_ name: String) throws -> Kind {
        guard let kind = Kind(rawValue: name) else {
            throw ParseError(field: "kind", expected: "a known kind", actual: name)
        }
        return kind
    }

    private static func attempt(_ value: Int64) throws -> UInt32 {
        guard let attempt = UInt32(exactly: value) else {
            throw ParseError(field: "attempt", expected: "32 bits", actual: "\(value)")
        }
        return attempt
    }

    /// Reads the 13 transfer columns.
    static func transfer(_ rows: PostgresResult, _ row: Int) throws -> Transfer {
        func digest(_ column: Int, _ field: String) throws -> Digest? {
            try rows.optionalBytes(row, column).map { try Digest($0, field: field) }
        }
        return Transfer(
            id: try TransferID(bytes: rows.bytes(row, 0)),
            debit: try AccountID(bytes: rows.bytes(row, 1)),
            credit: try AccountID(bytes: rows.bytes(row, 2)),
            amount: try rows.integer(row, 3),
            currency: try rows.text(row, 4),
            kind: try kind(rows.text(row, 5)),
            pendingID: try rows.optionalBytes(row, 6).map { try TransferID(bytes: $0) },
            job: try digest(7, "transfer.job"),
            attempt: try attempt(rows.integer(row, 8)),
            leg: try rows.text(row, 9),
            verdict: try digest(10, "transfer.verdict"),
            ruleset: try digest(11, "transfer.ruleset"),
            at: try rows.integer(row, 12)
        )
    }

    static func transfers(
        _ connection: PostgresConnection,
        _ rest: String,
        _ parameters: [PostgresValue]
    ) throws -> [Transfer] {
        let rows = try connection.execute("SELECT \(transferColumns) FROM transfer \(rest)", parameters)
        return try (0..<rows.count).map { try transfer(rows, $0) }
    }

    static func storedHold(_ rows: PostgresResult, _ row: Int) throws -> StoredHold {
        let resolution = try rows.optionalBytes(row, 14)
        return StoredHold(
            hold: Hold(transfer: try transfer(rows, row), expiresAt: try rows.integer(row, 13)),
            resolvedBy: try resolution.map { try TransferID(bytes: $0) },
            outcome: resolution == nil ? nil : try kind(rows.text(row, 15)),
            resolvedAt: resolution == nil ? 0 : try rows.integer(row, 16)
        )
    }

    /// The hold whose `column` (`id` or `resolution`) is `key`.
    static func hold(_ connection: PostgresConnection, _ column: String, _ key: TransferID) throws -> StoredHold? {
        let rows = try connection.execute("\(holdQuery) WHERE hold.\(column) = $1", [.bytes(key.bytes)])
        return rows.count == 0 ? nil : try storedHold(rows, 0)
    }

    /// Reads the columns job, attempt, bundle_cid, verdict, outcome, at.
    static func receipt(_ rows: PostgresResult, _ row: Int, bundle: [UInt8]) throws -> ReceiptRow {
        ReceiptRow(
            job: try Digest(rows.bytes(row, 0), field: "receipt.job"),
            attempt: try attempt(rows.integer(row, 1)),
            bundleCID: try rows.text(row, 2),
            verdict: try Digest(rows.bytes(row, 3), field: "receipt.verdict"),
            outcome: try rows.text(row, 4),
            at: try rows.integer(row, 5),
            bundleBytes: bundle
        )
    }

    /// Calls `body` with every row of a query in pages, so that no table has to fit into memory.
    /// - Parameter sql: has `$1`, the last page's greatest key, and `$2`, the page's size; it ends in an order by the key.
    static func forEachPage(
        _ connection: PostgresConnection,
        _ sql: String,
        key: Int,
        from first: PostgresValue,
        size: Int64 = 10_000,
        _ body: (PostgresResult, Int) throws -> Void
    ) throws {
        var last = first
        while true {
            let rows = try connection.execute(sql, [last, .integer(size)])
            for row in 0..<rows.count { try body(rows, row) }
            guard rows.count == size else { return }
            switch first {
            case .integer: last = .integer(try rows.integer(rows.count - 1, key))
            default: last = .bytes(try rows.bytes(rows.count - 1, key))
            }
        }
    }
}
