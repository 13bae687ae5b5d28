// A group of batches into the open transaction of the writer's connection: receipts first, then money, then the engine's rows.
internal import Codecs
internal import Commitments
internal import GRDB

/// The statements of one writing connection.
final class SQLiteGroupWriter {
    private let receipt: RawStatement
    private let bundle: RawStatement
    private let receiptOfVerdict: RawStatement
    private let anyReceiptOfVerdict: RawStatement
    private let account: RawStatement
    private let transfer: RawStatement
    private let hold: RawStatement
    private let resolution: RawStatement
    private let delta: RawStatement
    private let record: RawStatement
    private let recordGone: RawStatement
    private let message: RawStatement
    private let messageGone: RawStatement
    private let operation: RawStatement
    private let operationAt: RawStatement
    private let latestOf: RawStatement
    private let lastTransfer: RawStatement

    /// The place of the next transfer, and of the latest one of each account that was asked for: what the tables say, so it is
    /// dropped when a group is not committed.
    private var next: Int64?
    private var latest: [AccountID: Int64] = [:]

    init(_ db: Database) throws {
        receipt = try RawStatement(
            db,
            "INSERT INTO receipt (job, attempt, bundle_cid, verdict, outcome, at) VALUES (?, ?, ?, ?, ?, ?)"
        )
        bundle = try RawStatement(db, "INSERT INTO bundle (receipt, bytes) VALUES (?, ?)")
        receiptOfVerdict = try RawStatement(
            db,
            "SELECT 1 FROM receipt WHERE verdict = ? AND job = ?"
        )
        anyReceiptOfVerdict = try RawStatement(db, "SELECT 1 FROM receipt WHERE verdict = ?")
        account = try RawStatement(db, "INSERT INTO account (id, currency, kind, owner) VALUES (?, ?, ?, ?)")
        transfer = try RawStatement(
            db,
            """
            INSERT INTO transfer (\(Rows.transferColumns), seq, debit_before, credit_before)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        hold = try RawStatement(db, "INSERT INTO hold (seq, expires_at) VALUES (?, ?)")
        resolution = try RawStatement(
            db,
            """
            UPDATE hold SET resolution = ?, outcome = ?, resolved_at = ?, part_first = ?, part_last = ?
            WHERE seq = ? AND resolution IS NULL
            """
        )
        operation = try RawStatement(db, "INSERT INTO operation (id, seq) VALUES (?, ?)")
        operationAt = try RawStatement(db, "SELECT seq FROM operation WHERE id = ?")
        latestOf = try RawStatement(db, "SELECT latest FROM account WHERE id = ?")
        lastTransfer = try RawStatement(db, "SELECT seq FROM transfer ORDER BY seq DESC LIMIT 1")
        delta = try RawStatement(
            db,
            """
            UPDATE account SET debits_pending = debits_pending + ?, debits_posted = debits_posted + ?,
                credits_pending = credits_pending + ?, credits_posted = credits_posted + ?,
                latest = coalesce(?, latest)
            WHERE id = ? AND currency = ?
            """
        )
        record = try RawStatement(
            db,
            """
            INSERT INTO record (kind, id, body) VALUES (?, ?, ?)
            ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body
            """
        )
        recordGone = try RawStatement(db, "DELETE FROM record WHERE kind = ? AND id = ?")
        message = try RawStatement(
            db,
            "INSERT INTO outbox (id, kind, body, at) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
        )
        messageGone = try RawStatement(db, "DELETE FROM outbox WHERE id = ?")
    }

    /// Forgets what a group has left behind that was not committed.
    func forget() {
        next = nil
        latest = [:]
    }

    func write(_ rows: GroupRows) throws {
        for receipt in rows.receipts { try write(receipt) }
        for key in rows.paid { try requireReceipt(key) }
        for account in rows.accounts {
            self.account.bind(1, account.id)
            self.account.bind(2, account.currency)
            self.account.bind(3, account.kind.rawValue)
            self.account.bind(4, account.owner)
            try self.account.run()
        }
        try writeMoney(rows)
        for (key, body) in rows.records.sorted(by: { $0.key < $1.key }) { try write(key, body) }
        for message in rows.messages {
            self.message.bind(1, message.id.bytes)
            self.message.bind(2, message.kind)
            self.message.bind(3, message.body)
            self.message.bind(4, message.at)
            try self.message.run()
        }
        for id in rows.delivered {
            messageGone.bind(1, id.bytes)
            try messageGone.run()
        }
    }

    private func write(_ receipt: ReceiptRow) throws {
        self.receipt.bind(1, receipt.job)
        self.receipt.bind(2, Int64(receipt.attempt))
        self.receipt.bind(3, receipt.bundleCID)
        self.receipt.bind(4, receipt.verdict)
        self.receipt.bind(5, receipt.outcome)
        self.receipt.bind(6, receipt.at)
        try self.receipt.run()
        bundle.bind(1, self.receipt.lastRow)
        bundle.bind(2, receipt.bundleBytes)
        try bundle.run()
    }

    /// I5: the receipt of the verdict that allows a payout is in the database.
    private func requireReceipt(_ key: GroupRows.PaidKey) throws {
        // A payout without a job is rare; it looks at all receipts.
        let query = key.job == nil ? anyReceiptOfVerdict : receiptOfVerdict
        query.bind(1, key.verdict)
        if let job = key.job { query.bind(2, job) }
        guard try query.hasRow() else {
            throw LedgerError.invariant(.verdictBeforePay, detail: "no receipt of verdict \(key.verdict)")
        }
    }

    private func writeMoney(_ rows: GroupRows) throws {
        /// Where the holds of this group are, and the parts of those that it ends.
        var places: [TransferID: Int64] = [:]
        var parts: [TransferID: ClosedRange<Int64>] = [:]
        var seq = try next ?? (lastTransfer.first { try $0.integer(0) } ?? 0) + 1
        for transfer in rows.transfers {
            try write(transfer, seq)
            if let hold = transfer.pendingID {
                parts[hold] = (parts[hold]?.lowerBound ?? seq)...seq
            } else {
                try write(operation: transfer.id, seq)
            }
            if transfer.kind == .hold { places[transfer.id] = seq }
            seq += 1
        }
        next = seq
        for hold in rows.holds {
            guard let place = places[hold.id] else {
                throw LedgerError.invariant(.holdResolvedOnce, detail: "hold \(hold.id) has no transfer")
            }
            self.hold.bind(1, place)
            self.hold.bind(2, hold.expiresAt)
            try self.hold.run()
        }
        for resolution in rows.resolutions {
            let hold = resolution.hold.id
            operationAt.bind(1, hold)
            guard let place = try places[hold] ?? operationAt.first({ try $0.integer(0) }), let parts = parts[hold]
            else {
                throw LedgerError.invariant(.holdResolvedOnce, detail: "hold \(hold) is unknown or has no parts")
            }
            try write(resolution, place, parts)
            try write(operation: resolution.id, place)
        }
        guard parts.count == rows.resolutions.count else {
            throw LedgerError.invariant(.holdResolvedOnce, detail: "parts of holds that no operation ends")
        }
        for delta in rows.deltas { try write(delta) }
    }

    private func write(operation id: TransferID, _ seq: Int64) throws {
        operation.bind(1, id)
        operation.bind(2, seq)
        try operation.run()
    }

    /// The place of the account's latest transfer, which from now on is `seq`.
    private func latest(of account: AccountID, becomes seq: Int64) throws -> Int64? {
        if let known = latest.updateValue(seq, forKey: account) { return known }
        latestOf.bind(1, account)
        return try latestOf.first { try $0.optionalInteger(0) } ?? nil
    }

    private func write(_ transfer: Transfer, _ seq: Int64) throws {
        let row = self.transfer
        row.bind(1, transfer.id)
        row.bind(2, transfer.debit)
        row.bind(3, transfer.credit)
        row.bind(4, transfer.amount)
        row.bind(5, transfer.currency)
        row.bind(6, transfer.kind.rawValue)
        row.bind(7, orNull: transfer.pendingID)
        row.bind(8, orNull: transfer.job)
        row.bind(9, Int64(transfer.attempt))
        row.bind(10, transfer.leg)
        row.bind(11, orNull: transfer.verdict)
        row.bind(12, orNull: transfer.ruleset)
        row.bind(13, transfer.at)
        row.bind(14, seq)
        row.bind(15, orNull: try latest(of: transfer.debit, becomes: seq))
        row.bind(16, orNull: try latest(of: transfer.credit, becomes: seq))
        try row.run()
    }

    private func write(_ resolution: HoldResolution, _ place: Int64, _ parts: ClosedRange<Int64>) throws {
        self.resolution.bind(1, resolution.id)
        self.resolution.bind(2, resolution.outcome.rawValue)
        self.resolution.bind(3, resolution.at)
        self.resolution.bind(4, parts.lowerBound)
        self.resolution.bind(5, parts.upperBound)
        self.resolution.bind(6, place)
        guard try self.resolution.run() == 1 else {
            throw LedgerError.invariant(.holdResolvedOnce, detail: "hold \(resolution.hold.id) is not open")
        }
    }

    private func write(_ delta: BalanceDelta) throws {
        self.delta.bind(1, delta.debitsPending)
        self.delta.bind(2, delta.debitsPosted)
        self.delta.bind(3, delta.creditsPending)
        self.delta.bind(4, delta.creditsPosted)
        self.delta.bind(5, orNull: latest[delta.account])
        self.delta.bind(6, delta.account)
        self.delta.bind(7, delta.currency)
        guard try self.delta.run() == 1 else { throw LedgerError.unknownAccount(delta.account) }
    }

    private func write(_ key: GroupRows.RecordKey, _ body: [UInt8]?) throws {
        guard let body else {
            recordGone.bind(1, key.kind)
            recordGone.bind(2, key.id)
            try recordGone.run()
            return
        }
        record.bind(1, key.kind)
        record.bind(2, key.id)
        record.bind(3, body)
        try record.run()
    }
}
