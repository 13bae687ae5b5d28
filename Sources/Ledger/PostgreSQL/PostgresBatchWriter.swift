// A group of batches as statements: one for each table, whatever the number of rows, and what each has to answer.
internal import Codecs
internal import Commitments
internal import PostgreSQL

/// How the movements of an account are written.
enum AccountMovement: Sendable {
    /// Its row is updated, and stays locked until the commit.
    case row
    /// A row of `accrual` is appended and folded in later, so that no two settlements wait for one row.
    case accrual
    /// The same for what it gets. What leaves it is taken from its row, after what has accrued was added, so that the
    /// database can refuse an overdraft.
    case accrualOfCredits

    /// Accounts that many settlements touch are accrued. Issuers may be overdrawn, and escrow has pending credits alone.
    init(_ kind: AccountKind) {
        switch kind {
        case .issuer, .escrow: self = .accrual
        case .fee, .treasury, .validator: self = .accrualOfCredits
        case .payer, .provider, .stake, .vesting: self = .row
        }
    }
}

struct PostgresBatchWriter {
    /// A statement and what its result must be.
    struct Step {
        let statement: PostgresStatement
        let check: (PostgresResult) throws -> Void

        init(
            _ sql: String,
            _ parameters: [PostgresValue],
            _ check: @escaping (PostgresResult) throws -> Void = { _ in }
        ) {
            self.init(PostgresStatement(sql, parameters), check)
        }

        init(_ statement: PostgresStatement, _ check: @escaping (PostgresResult) throws -> Void) {
            self.statement = statement
            self.check = check
        }
    }

    let rows: GroupRows

    /// Everything that is to be written, in order. Balances come last: their rows are what other writers wait for.
    /// - Parameter movement: how an account's movements are written.
    func steps(movement: (AccountID) -> AccountMovement) -> [Step] {
        receipts() + accounts() + transfers() + holds() + records() + messages() + deltas(movement)
    }

    private func receipts() -> [Step] {
        var steps: [Step] = []
        if !rows.receipts.isEmpty {
            let jobs = PostgresValue.blobs(rows.receipts.map(\.job.bytes))
            let attempts = PostgresValue.integers(rows.receipts.map { Int64($0.attempt) })
            steps.append(
                Step(
                    """
                    INSERT INTO receipt (job, attempt, bundle_cid, verdict, outcome, at)
                    SELECT job, attempt, cid, verdict, outcome, at FROM unnest(
                        $1::bytea[], $2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::bigint[]
                    ) WITH ORDINALITY AS given (job, attempt, cid, verdict, outcome, at, ordinal) ORDER BY ordinal
                    """,
                    [
                        jobs, attempts, .texts(rows.receipts.map(\.bundleCID)),
                        .blobs(rows.receipts.map(\.verdict.bytes)), .texts(rows.receipts.map(\.outcome)),
                        .integers(rows.receipts.map(\.at)),
                    ]
                )
            )
            steps.append(
                Step(
                    """
                    INSERT INTO bundle (job, attempt, bytes)
                    SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])
                    """,
                    [jobs, attempts, .blobs(rows.receipts.map(\.bundleBytes))]
                )
            )
        }
        guard !rows.paid.isEmpty else { return steps }
        let keys = Array(rows.paid)
        let missing = Step(
            """
            SELECT given.verdict FROM unnest($1::bytea[], $2::bytea[]) AS given (verdict, job) WHERE NOT EXISTS (
                SELECT 1 FROM receipt
                WHERE receipt.verdict = given.verdict AND (given.job IS NULL OR receipt.job = given.job)
            ) LIMIT 1
            """,
            [.blobs(keys.map(\.verdict.bytes)), .blobs(keys.map { $0.job?.bytes })]
        ) { missing in
            guard missing.count > 0 else { return }
            let verdict = Hex.encode(try missing.bytes(0, 0))
            throw LedgerError.invariant(.verdictBeforePay, detail: "no receipt of verdict \(verdict)")
        }
        return steps + [missing]
    }

    private func accounts() -> [Step] {
        guard !rows.accounts.isEmpty else { return [] }
        return [
            Step(
                """
                INSERT INTO account (id, currency, kind, owner)
                SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[])
                """,
                [
                    .blobs(rows.accounts.map(\.id.bytes)), .texts(rows.accounts.map(\.currency)),
                    .texts(rows.accounts.map(\.kind.rawValue)), .blobs(rows.accounts.map(\.owner)),
                ]
            )
        ]
    }

    private func transfers() -> [Step] {
        guard !rows.transfers.isEmpty else { return [] }
        return [
            Step(
                """
                INSERT INTO transfer (\(PostgresRows.transferColumns))
                SELECT \(PostgresRows.transferColumns) FROM unnest(
                    $1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::text[], $6::text[], $7::bytea[],
                    $8::bytea[], $9::bigint[], $10::text[], $11::bytea[], $12::bytea[], $13::bigint[]
                ) WITH ORDINALITY AS given (\(PostgresRows.transferColumns), ordinal) ORDER BY ordinal
                """,
                [
                    .blobs(rows.transfers.map(\.id.bytes)), .blobs(rows.transfers.map(\.debit.bytes)),
                    .blobs(rows.transfers.map(\.credit.bytes)), .integers(rows.transfers.map(\.amount)),
                    .texts(rows.transfers.map(\.currency)), .texts(rows.transfers.map(\.kind.rawValue)),
                    .blobs(rows.transfers.map { $0.pendingID?.bytes }), .blobs(rows.transfers.map { $0.job?.bytes }),
                    .integers(rows.transfers.map { Int64($0.attempt) }), .texts(rows.transfers.map(\.leg)),
                    .blobs(rows.transfers.map { $0.verdict?.bytes }), .blobs(rows.transfers.map { $0.ruleset?.bytes }),
                    .integers(rows.transfers.map(\.at)),
                ]
            )
        ]
    }

    private func holds() -> [Step] {
        var steps: [Step] = []
        if !rows.holds.isEmpty {
            steps.append(
                Step(
                    "INSERT INTO hold (id, expires_at) SELECT * FROM unnest($1::bytea[], $2::bigint[])",
                    [.blobs(rows.holds.map(\.id.bytes)), .integers(rows.holds.map(\.expiresAt))]
                )
            )
        }
        guard !rows.resolutions.isEmpty else { return steps }
        let count = rows.resolutions.count
        let update = Step(
            """
            UPDATE hold SET resolution = given.resolution, outcome = given.outcome, resolved_at = given.at
            FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::bigint[]) AS given (id, resolution, outcome, at)
            WHERE hold.id = given.id AND hold.resolution IS NULL
            """,
            [
                .blobs(rows.resolutions.map(\.hold.id.bytes)), .blobs(rows.resolutions.map(\.id.bytes)),
                .texts(rows.resolutions.map(\.outcome.rawValue)), .integers(rows.resolutions.map(\.at)),
            ]
        ) { updated in
            guard updated.changed == count else {
                let detail = "\(count) holds are resolved, \(updated.changed) of them were open"
                throw LedgerError.invariant(.holdResolvedOnce, detail: detail)
            }
        }
        return steps + [update]
    }

    private func deltas(_ movement: (AccountID) -> AccountMovement) -> [Step] {
        var direct: [BalanceDelta] = []
        var accrued: [BalanceDelta] = []
        var drawn: [AccountID] = []
        for delta in rows.deltas {
            switch movement(delta.account) {
            case .row: direct.append(delta)
            case .accrual: accrued.append(delta)
            case .accrualOfCredits:
                if delta.debitsPending > 0 || delta.debitsPosted > 0 || delta.creditsPosted < 0 {
                    drawn.append(delta.account)
                    direct.append(delta)
                } else {
                    accrued.append(delta)
                }
            }
        }
        var steps: [Step] = []
        if !drawn.isEmpty { steps.append(Self.fold(drawn)) }
        let types = "$1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]"
        if let first = direct.first {
            let count = direct.count
            steps.append(
                Step(
                    """
                    UPDATE account SET debits_pending = account.debits_pending + given.a,
                        debits_posted = account.debits_posted + given.b,
                        credits_pending = account.credits_pending + given.c,
                        credits_posted = account.credits_posted + given.d
                    FROM unnest(\(types), $6::text[]) AS given (id, a, b, c, d, currency)
                    WHERE account.id = given.id AND account.currency = given.currency
                    """,
                    Self.columns(direct) + [.texts(direct.map(\.currency))]
                ) { updated in
                    guard updated.changed == count else { throw LedgerError.unknownAccount(first.account) }
                }
            )
        }
        if !accrued.isEmpty {
            steps.append(
                Step(
                    """
                    INSERT INTO accrual (account, debits_pending, debits_posted, credits_pending, credits_posted)
                    SELECT * FROM unnest(\(types))
                    """,
                    Self.columns(accrued)
                )
            )
        }
        return steps
    }

    private static func columns(_ deltas: [BalanceDelta]) -> [PostgresValue] {
        [
            .blobs(deltas.map(\.account.bytes)), .integers(deltas.map(\.debitsPending)),
            .integers(deltas.map(\.debitsPosted)), .integers(deltas.map(\.creditsPending)),
            .integers(deltas.map(\.creditsPosted)),
        ]
    }

    /// Adds accruals to their accounts and deletes them: of some accounts, or of all for `nil`. Of two folds at once the
    /// second waits for the rows that the first has taken, and finds them gone.
    static func fold(_ accounts: [AccountID]?) -> Step {
        Step(
            """
            WITH taken AS (
                DELETE FROM accrual \(accounts == nil ? "" : "WHERE account = ANY($1::bytea[])")
                RETURNING account, debits_pending, debits_posted, credits_pending, credits_posted
            ), more AS (
                SELECT account, sum(debits_pending)::BIGINT AS a, sum(debits_posted)::BIGINT AS b,
                    sum(credits_pending)::BIGINT AS c, sum(credits_posted)::BIGINT AS d FROM taken GROUP BY account
            )
            UPDATE account SET debits_pending = account.debits_pending + more.a,
                debits_posted = account.debits_posted + more.b, credits_pending = account.credits_pending + more.c,
                credits_posted = account.credits_posted + more.d
            FROM more WHERE account.id = more.account
            """,
            accounts.map { [.blobs($0.map(\.bytes))] } ?? []
        )
    }

    private func records() -> [Step] {
        let kept = rows.records.filter { $0.value != nil }
        let deleted = rows.records.filter { $0.value == nil }
        var steps: [Step] = []
        if !kept.isEmpty {
            steps.append(
                Step(
                    """
                    INSERT INTO record (kind, id, body) SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[])
                    ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body
                    """,
                    [.texts(kept.map(\.key.kind)), .blobs(kept.map(\.key.id)), .blobs(kept.map(\.value))]
                )
            )
        }
        if !deleted.isEmpty {
            steps.append(
                Step(
                    """
                    DELETE FROM record USING unnest($1::text[], $2::bytea[]) AS given (kind, id)
                    WHERE record.kind = given.kind AND record.id = given.id
                    """,
                    [.texts(deleted.map(\.key.kind)), .blobs(deleted.map(\.key.id))]
                )
            )
        }
        return steps
    }

    private func messages() -> [Step] {
        var steps: [Step] = []
        if !rows.messages.isEmpty {
            steps.append(
                Step(
                    """
                    INSERT INTO outbox (id, kind, body, at) SELECT id, kind, body, at FROM unnest(
                        $1::bytea[], $2::text[], $3::bytea[], $4::bigint[]
                    ) WITH ORDINALITY AS given (id, kind, body, at, ordinal) ORDER BY ordinal ON CONFLICT (id) DO NOTHING
                    """,
                    [
                        .blobs(rows.messages.map(\.id.bytes)), .texts(rows.messages.map(\.kind)),
                        .blobs(rows.messages.map(\.body)), .integers(rows.messages.map(\.at)),
                    ]
                )
            )
        }
        if !rows.delivered.isEmpty {
            steps.append(
                Step("DELETE FROM outbox WHERE id = ANY($1::bytea[])", [.blobs(rows.delivered.map(\.bytes))])
            )
        }
        return steps
    }
}
