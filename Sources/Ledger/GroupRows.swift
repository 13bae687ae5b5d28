// What a group of batches writes, table by table: collected and checked once, for every store.
internal import Commitments

/// The rows of one commit. Movements of one account are summed, and of several versions of a row the last counts.
struct GroupRows {
    struct RecordKey: Hashable, Comparable {
        let kind: String
        let id: [UInt8]

        static func < (left: RecordKey, right: RecordKey) -> Bool {
            left.kind == right.kind ? left.id.lexicographicallyPrecedes(right.id) : left.kind < right.kind
        }
    }

    /// A verdict that payouts name, with the job they are of.
    struct PaidKey: Hashable {
        let verdict: Digest
        let job: Digest?
    }

    private(set) var accounts: [Account] = []
    private(set) var transfers: [Transfer] = []
    private(set) var holds: [Hold] = []
    private(set) var resolutions: [HoldResolution] = []
    private(set) var receipts: [ReceiptRow] = []
    private(set) var messages: [OutboxMessage] = []
    private(set) var delivered: [WorkID] = []
    private(set) var records: [RecordKey: [UInt8]?] = [:]
    /// Payouts whose receipt is not in this group before them, so that it must be in the database already (I5).
    private(set) var paid: Set<PaidKey> = []
    private var sums: [AccountID: BalanceDelta] = [:]
    private var receipted: Set<PaidKey> = []

    /// Collects a group.
    /// - Throws: `LedgerError.invariant` when what an operation did does not add up in itself (I1, I3, I5, I6).
    init(_ batches: [Batch]) throws(LedgerError) {
        for batch in batches { try add(batch) }
    }

    /// How the counters move, in ascending order of account: the order in which rows are locked.
    var deltas: [BalanceDelta] { sums.values.sorted { $0.account < $1.account } }

    private mutating func add(_ batch: Batch) throws(LedgerError) {
        for receipt in batch.receipts {
            receipted.insert(PaidKey(verdict: receipt.verdict, job: receipt.job))
            receipted.insert(PaidKey(verdict: receipt.verdict, job: nil))
        }
        receipts += batch.receipts
        for effects in batch.effects where !effects.replayed { try add(effects) }
        for record in batch.records {
            records.updateValue(record.body, forKey: RecordKey(kind: record.kind, id: record.id))
        }
        messages += batch.messages
        delivered += batch.delivered
    }

    private mutating func add(_ effects: LedgerEffects) throws(LedgerError) {
        try Invariants.checkTransfers(effects)
        if let account = effects.account { accounts.append(account) }
        for transfer in effects.transfers where transfer.kind == .post {
            guard let verdict = transfer.verdict else {
                throw .invariant(.verdictBeforePay, detail: "leg \(transfer.leg) names no verdict")
            }
            let key = PaidKey(verdict: verdict, job: transfer.job)
            if !receipted.contains(key) { paid.insert(key) }
        }
        transfers += effects.transfers
        if let hold = effects.hold { holds.append(hold) }
        if let resolution = effects.resolution { resolutions.append(resolution) }
        let moved = effects.deltas
        try Invariants.checkBalanced(moved)
        for delta in moved {
            sums[delta.account, default: BalanceDelta(account: delta.account, currency: delta.currency)].add(delta)
        }
    }
}
