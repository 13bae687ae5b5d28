// A group of batches in one transaction: one statement for each table, whatever the number of rows.
internal import Codecs
internal import Commitments
internal import PostgreSQL

struct PostgresBatchWriter {
    /// Accounts that many settlements credit: their movements are appended as accrual rows and folded later, so that no
    /// two settlements wait for one row.
    static let hotKinds: Set<AccountKind> = [.fee, .treasury, .escrow]

    let rows: GroupRows

    /// Writes everything into the connection's open transaction.
    /// - Parameter isHot: whether an account's movements are accrued.
    func write(to connection: PostgresConnection, isHot: (AccountID) -> Bool) throws {
        try writeReceipts(connection)
        try writeAccounts(connection)
        try writeTransfers(connection)
        try writeHolds(connection)
        try writeDeltas(connection, isHot)
        try writeRecords(connection)
        try writeMessages(connection)
    }

    private func writeReceipts(_ connection: PostgresConnection) throws {
        if !rows.receipts.isEmpty {
            let jobs = PostgresValue.blobs(rows.receipts.map(\.job.bytes))
            let attempts = PostgresValue.integers(rows.receipts.map { Int64($0.attempt) })
            try connection.execute(
                """
                INSERT INTO receipt (job, attempt, bundle_cid, verdict, outcome, at)
                SELECT job, attempt, cid, verdict, outcome, at FROM unnest(
                    $1::bytea[], $2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::bigint[]
                ) WITH ORDINALITY AS given (job, attempt, cid, verdict, outcome, at, ordinal) ORDER BY ordinal
                """,
                [
                    jobs, attempts, .texts(rows.receipts.map(\.bundleCID)), .blobs(rows.receipts.map(\.verdict.bytes)),
                    .texts(rows.receipts.map(\.outcome)), .integers(rows.receipts.map(\.at)),
                ]
            )
            try connection.execute(
                "INSERT INTO bundle (job, attempt, bytes) SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])",
                [jobs, attempts, .blobs(rows.receipts.map(\.bundleBytes))]
            )
        }
        guard !rows.paid.isEmpty else { return }
        let keys = Array(rows.paid)
        let missing = try connection.execute(
            """
            SELECT given.verdict FROM unnest($1::bytea[], $2::bytea[]) AS given (verdict, job) WHERE NOT EXISTS (
                SELECT 1 FROM receipt
                WHERE receipt.verdict = given.verdict AND (given.job IS NULL OR receipt.job = given.job)
            ) LIMIT 1
            """,
            [.blobs(keys.map(\.verdict.bytes)), .blobs(keys.map { $0.job?.bytes })]
        )
        if missing.count > 0 {
            let verdict = Hex.encode(try missing.bytes(0, 0))
            throw LedgerError.invariant(.verdictBeforePay, detail: "no receipt of verdict \(verdict)")
        }
    }

    private func writeAccounts(_ connection: PostgresConnection) throws {
        guard !rows.accounts.isEmpty else { return }
        try connection.execute(
            """
            INSERT INTO account (id, currency, kind, owner)
            SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bytea[])
            """,
            [
                .blobs(rows.accounts.map(\.id.bytes)), .texts(rows.accounts.map(\.currency)),
                .texts(rows.accounts.map(\.kind.rawValue)), .blobs(rows.accounts.map(\.owner)),
            ]
        )
    }

    private func writeTransfers(_ connection: PostgresConnection) throws {
        guard !rows.transfers.isEmpty else { return }
        try connection.execute(
            """
            INSERT INTO transfer (\(PostgresRows.transferColumns))
            SELECT \(PostgresRows.transferColumns) FROM unnest(
                $1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::text[], $6::text[], $7::bytea[], $8::bytea[],
                $9::bigint[], $10::text[], $11::bytea[], $12::bytea[], $13::bigint[]
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
    }

    private func writeHolds(_ connection: PostgresConnection) throws {
        if !rows.holds.isEmpty {
            try connection.execute(
                "INSERT INTO hold (id, expires_at) SELECT * FROM unnest($1::bytea[], $2::bigint[])",
                [.blobs(rows.holds.map(\.id.bytes)), .integers(rows.holds.map(\.expiresAt))]
            )
        }
        guard !rows.resolutions.isEmpty else { return }
        let updated = try connection.execute(
            """
            UPDATE hold SET resolution = given.resolution, outcome = given.outcome, resolved_at = given.at
            FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::bigint[]) AS given (id, resolution, outcome, at)
            WHERE hold.id = given.id AND hold.resolution IS NULL
            """,
            [
                .blobs(rows.resolutions.map(\.hold.id.bytes)), .blobs(rows.resolutions.map(\.id.bytes)),
                .texts(rows.resolutions.map(\.outcome.rawValue)), .integers(rows.resolutions.map(\.at)),
            ]
        )
        guard updated.changed == rows.resolutions.count else {
            let detail = "\(rows.resolutions.count) holds are resolved, \(updated.changed) of them were open"
            throw LedgerError.invariant(.holdResolvedOnce, detail: detail)
        }
    }

    private func writeDeltas(_ connection: PostgresConnection, _ isHot: (AccountID) -> Bool) throws {
        let all = rows.deltas
        let cold = all.filter { !isHot($0.account) }
        let hot = all.filter { isHot($0.account) }
        let types = "$1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]"
        if !cold.isEmpty {
            let updated = try connection.execute(
                """
                UPDATE account SET debits_pending = account.debits_pending + given.a,
                    debits_posted = account.debits_posted + given.b,
                    credits_pending = account.credits_pending + given.c,
                    credits_posted = account.credits_posted + given.d
                FROM unnest(\(types), $6::text[]) AS given (id, a, b, c, d, currency)
                WHERE account.id = given.id AND account.currency = given.currency
                """,
                Self.columns(cold) + [.texts(cold.map(\.currency))]
            )
            guard updated.changed == cold.count else { throw LedgerError.unknownAccount(cold[0].account) }
        }
        if !hot.isEmpty {
            try connection.execute(
                """
                INSERT INTO accrual (account, debits_pending, debits_posted, credits_pending, credits_posted)
                SELECT * FROM unnest(\(types))
                """,
                Self.columns(hot)
            )
        }
    }

    private static func columns(_ deltas: [BalanceDelta]) -> [PostgresValue] {
        [
            .blobs(deltas.map(\.account.bytes)), .integers(deltas.map(\.debitsPending)),
            .integers(deltas.map(\.debitsPosted)), .integers(deltas.map(\.creditsPending)),
            .integers(deltas.map(\.creditsPosted)),
        ]
    }

    /// Adds all accruals to their accounts and deletes them.
    static func fold(_ connection: PostgresConnection) throws {
        try connection.execute(
            """
            WITH taken AS (
                DELETE FROM accrual RETURNING account, debits_pending, debits_posted, credits_pending, credits_posted
            ), more AS (
                SELECT account, sum(debits_pending)::BIGINT AS a, sum(debits_posted)::BIGINT AS b,
                    sum(credits_pending)::BIGINT AS c, sum(credits_posted)::BIGINT AS d FROM taken GROUP BY account
            )
            UPDATE account SET debits_pending = account.debits_pending + more.a,
                debits_posted = account.debits_posted + more.b, credits_pending = account.credits_pending + more.c,
                credits_posted = account.credits_posted + more.d
            FROM more WHERE account.id = more.account
            """
        )
    }

    private func writeRecords(_ connection: PostgresConnection) throws {
        let kept = rows.records.filter { $0.value != nil }
        let deleted = rows.records.filter { $0.value == nil }
        if !kept.isEmpty {
            try connection.execute(
                """
                INSERT INTO record (kind, id, body) SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[])
                ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body
                """,
                [.texts(kept.map(\.key.kind)), .blobs(kept.map(\.key.id)), .blobs(kept.map(\.value))]
            )
        }
        if !deleted.isEmpty {
            try connection.execute(
                """
                DELETE FROM record USING unnest($1::text[], $2::bytea[]) AS given (kind, id)
                WHERE record.kind = given.kind AND record.id = given.id
                """,
                [.texts(deleted.map(\.key.kind)), .blobs(deleted.map(\.key.id))]
            )
        }
    }

    private func writeMessages(_ connection: PostgresConnection) throws {
        if !rows.messages.isEmpty {
            try connection.execute(
                """
                INSERT INTO outbox (id, kind, body, at) SELECT id, kind, body, at FROM unnest(
                    $1::bytea[], $2::text[], $3::bytea[], $4::bigint[]
                ) WITH ORDINALITY AS given (id, kind, body, at, ordinal) ORDER BY ordinal ON CONFLICT (id) DO NOTHING
                """,
                [
                    .blobs(rows.messages.map(\.id.bytes)), .texts(rows.messages.map(\.kind)),
                    .blobs(rows.messages.map(\.body)),
                    .integers(rows.messages.map(\.at)),
                ]
            )
        }
        if !rows.delivered.isEmpty {
            try connection.execute(
                "DELETE FROM outbox WHERE id = ANY($1::bytea[])",
                [.blobs(rows.delivered.map(\.bytes))]
            )
        }
    }
}
