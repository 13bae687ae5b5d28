// One batch into the open transaction: receipts first, then money, then the engine's rows.
internal import Commitments
internal import Foundation
internal import GRDB

enum BatchWriter {
    static func write(_ batch: Batch, to db: Database) throws {
        for receipt in batch.receipts { try write(receipt, to: db) }
        for effects in batch.effects where !effects.replayed { try write(effects, to: db) }
        for record in batch.records { try write(record, to: db) }
    }

    private static func write(_ effects: LedgerEffects, to db: Database) throws {
        try Invariants.checkTransfers(effects)
        if let account = effects.account {
            try run(
                db,
                "INSERT INTO account (id, currency, kind, owner) VALUES (?, ?, ?, ?)",
                [Data(account.id.bytes), account.currency, account.kind.rawValue, Data(account.owner)]
            )
        }
        for transfer in effects.transfers { try write(transfer, to: db) }
        if let hold = effects.hold {
            try run(db, "INSERT INTO hold (id, expires_at) VALUES (?, ?)", [Data(hold.id.bytes), hold.expiresAt])
        }
        if let resolution = effects.resolution {
            try run(
                db,
                "UPDATE hold SET resolution = ?, outcome = ?, resolved_at = ? WHERE id = ? AND resolution IS NULL",
                [
                    Data(resolution.id.bytes), resolution.outcome.rawValue, resolution.at,
                    Data(resolution.hold.id.bytes),
                ]
            )
            guard db.changesCount == 1 else {
                throw LedgerError.invariant(.holdResolvedOnce, detail: "hold \(resolution.hold.id) is not open")
            }
        }
        let deltas = effects.deltas
        try Invariants.checkBalanced(deltas)
        for delta in deltas { try write(delta, to: db) }
    }

    private static func write(_ transfer: Transfer, to db: Database) throws {
        if transfer.kind == .post { try requireReceipt(transfer, in: db) }
        try run(
            db,
            """
            INSERT INTO transfer
                (id, debit, credit, amount, currency, kind, pending_id, job, attempt, leg, verdict, ruleset, at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                Data(transfer.id.bytes), Data(transfer.debit.bytes), Data(transfer.credit.bytes), transfer.amount,
                transfer.currency, transfer.kind.rawValue, (transfer.pendingID?.bytes).map { Data($0) },
                (transfer.job?.bytes).map { Data($0) }, Int64(transfer.attempt), transfer.leg,
                (transfer.verdict?.bytes).map { Data($0) }, (transfer.ruleset?.bytes).map { Data($0) }, transfer.at,
            ]
        )
    }

    /// I5: the receipt of the verdict that allows a payout is in the database, or was written earlier in this transaction.
    private static func requireReceipt(_ transfer: Transfer, in db: Database) throws {
        guard let verdict = transfer.verdict else {
            throw LedgerError.invariant(.verdictBeforePay, detail: "leg \(transfer.leg) names no verdict")
        }
        let statement = try db.cachedStatement(
            sql: "SELECT 1 FROM receipt WHERE verdict = ?1 AND (?2 IS NULL OR job = ?2)"
        )
        let job = (transfer.job?.bytes).map { Data($0) }
        guard try Int.fetchOne(statement, arguments: [Data(verdict.bytes), job]) != nil else {
            throw LedgerError.invariant(
                .verdictBeforePay,
                detail: "leg \(transfer.leg): no receipt of verdict \(verdict)"
            )
        }
    }

    private static func write(_ delta: BalanceDelta, to db: Database) throws {
        try run(
            db,
            """
            UPDATE account SET debits_pending = debits_pending + ?, debits_posted = debits_posted + ?,
                credits_pending = credits_pending + ?, credits_posted = credits_posted + ?
            WHERE id = ? AND currency = ?
            """,
            [
                delta.debitsPending, delta.debitsPosted, delta.creditsPending, delta.creditsPosted,
                Data(delta.account.bytes), delta.currency,
            ]
        )
        guard db.changesCount == 1 else { throw LedgerError.unknownAccount(delta.account) }
    }

    private static func write(_ receipt: ReceiptRow, to db: Database) throws {
        try run(
            db,
            "INSERT INTO receipt (job, attempt, bundle_cid, verdict, outcome, at) VALUES (?, ?, ?, ?, ?, ?)",
            [
                Data(receipt.job.bytes), Int64(receipt.attempt), receipt.bundleCID, Data(receipt.verdict.bytes),
                receipt.outcome, receipt.at,
            ]
        )
        let row = db.lastInsertedRowID
        try run(db, "INSERT INTO bundle (receipt, bytes) VALUES (?, ?)", [row, Data(receipt.bundleBytes)])
    }

    private static func write(_ record: Record, to db: Database) throws {
        guard let body = record.body else {
            return try run(db, "DELETE FROM record WHERE kind = ? AND id = ?", [record.kind, Data(record.id)])
        }
        try run(
            db,
            """
            INSERT INTO record (kind, id, body) VALUES (?, ?, ?)
            ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body
            """,
            [record.kind, Data(record.id), Data(body)]
        )
    }

    private static func run(
        _ db: Database,
        _ sql: String,
        _ arguments: [(any DatabaseValueConvertible)?]
    ) throws {
        try db.cachedStatement(sql: sql).execute(arguments: StatementArguments(arguments))
    }
}
