// A store in memory: for simulations that replay many runs, and the slow twin of the database stores in tests.
public import Commitments
internal import Synchronization

/// A ledger store that forgets everything when it is released. Batches are durable as soon as they are submitted.
public final class MemoryLedgerStore: LedgerStore {
    private struct RecordKey: Hashable, Comparable {
        let kind: String
        let id: [UInt8]

        static func < (left: RecordKey, right: RecordKey) -> Bool {
            left.kind == right.kind ? left.id.lexicographicallyPrecedes(right.id) : left.kind < right.kind
        }
    }

    private struct State {
        var accounts: [AccountID: Account] = [:]
        var transfers: [Transfer] = []
        var positions: [TransferID: Int] = [:]
        var holds: [TransferID: Hold] = [:]
        var resolutions: [TransferID: HoldResolution] = [:]
        var resolutionOfHold: [TransferID: TransferID] = [:]
        var legs: Set<RecentHistory.LegKey> = []
        var records: [RecordKey: [UInt8]] = [:]
        var receipts: [ReceiptRow] = []
        var messages: [OutboxMessage] = []
    }

    private let state = Mutex(State())
    private let refuse: @Sendable (Batch) -> LedgerError?

    /// An empty store.
    /// - Parameter refuse: asked before each batch; an error makes the store lose the batch and report it, as a failing
    ///   disk would.
    public init(refusing refuse: @escaping @Sendable (Batch) -> LedgerError? = { _ in nil }) {
        self.refuse = refuse
    }

    public func load(recordKinds: [String]?) throws(LedgerError) -> LedgerImage {
        let state = state.withLock { $0 }
        let open = state.holds.values.filter { state.resolutionOfHold[$0.id] == nil }
        let book = Book(
            accounts: Array(state.accounts.values),
            holds: open,
            latest: state.transfers.last?.at ?? .min,
            history: self
        )
        try book.verify()
        let records = state.records.filter { recordKinds?.contains($0.key.kind) ?? true }
        let sorted = records.sorted { $0.key < $1.key }.map { Record(kind: $0.key.kind, id: $0.key.id, body: $0.value) }
        return LedgerImage(book: book, records: sorted)
    }

    public func submit(_ batch: Batch) -> CommitTicket {
        if let error = refuse(batch) { return CommitTicket(result: .failure(error)) }
        let result = state.withLock { state in
            Result { () throws(LedgerError) in
                try batch.checkBounds()
                try Self.write(batch, to: &state)
            }
        }
        return CommitTicket(result: result)
    }

    /// Checks the whole batch before the first change, so that a refused one leaves no trace.
    private static func write(_ batch: Batch, to state: inout State) throws(LedgerError) {
        let fresh = batch.effects.filter { !$0.replayed }
        var touched: [AccountID: Account] = [:]
        var ids: Set<TransferID> = []
        var legs: Set<RecentHistory.LegKey> = []
        for effects in fresh {
            try Invariants.checkTransfers(effects)
            if let account = effects.account {
                guard state.accounts[account.id] == nil, touched.updateValue(account, forKey: account.id) == nil else {
                    throw .conflict(field: "account.id", expected: "a new account", actual: account.id.text)
                }
            }
            for transfer in effects.transfers {
                guard state.positions[transfer.id] == nil, ids.insert(transfer.id).inserted else {
                    throw .conflict(field: "transfer.id", expected: "a new id", actual: transfer.id.text)
                }
                if let job = transfer.job {
                    let key = RecentHistory.LegKey(job: job, attempt: transfer.attempt, leg: transfer.leg)
                    guard !state.legs.contains(key), legs.insert(key).inserted else {
                        throw .invariant(.legOnce, detail: "job \(job) attempt \(transfer.attempt) leg \(transfer.leg)")
                    }
                }
                guard transfer.kind != .post || hasReceipt(transfer, batch, state) else {
                    throw .invariant(.verdictBeforePay, detail: "leg \(transfer.leg) has no receipt")
                }
            }
            if let hold = effects.resolution?.hold, state.resolutionOfHold[hold.id] != nil {
                throw .invariant(.holdResolvedOnce, detail: "hold \(hold.id)")
            }
            let deltas = effects.deltas
            try Invariants.checkBalanced(deltas)
            for delta in deltas {
                guard var account = touched[delta.account] ?? state.accounts[delta.account] else {
                    throw .unknownAccount(delta.account)
                }
                try account.add(delta)
                try Invariants.check(account)
                touched[account.id] = account
            }
        }
        for receipt in batch.receipts
        where state.receipts.contains(where: { $0.job == receipt.job && $0.attempt == receipt.attempt }) {
            throw .conflict(field: "receipt", expected: "a new (job, attempt)", actual: receipt.job.hex)
        }

        state.accounts.merge(touched) { $1 }
        for effects in fresh {
            for transfer in effects.transfers {
                state.positions[transfer.id] = state.transfers.count
                state.transfers.append(transfer)
            }
            if let hold = effects.hold { state.holds[hold.id] = hold }
            if let resolution = effects.resolution {
                state.resolutions[resolution.id] = resolution
                state.resolutionOfHold[resolution.hold.id] = resolution.id
            }
        }
        state.legs.formUnion(legs)
        state.receipts += batch.receipts
        for record in batch.records { state.records[RecordKey(kind: record.kind, id: record.id)] = record.body }
        for message in batch.messages where !state.messages.contains(where: { $0.id == message.id }) {
            state.messages.append(message)
        }
        state.messages.removeAll { batch.delivered.contains($0.id) }
    }

    private static func hasReceipt(_ transfer: Transfer, _ batch: Batch, _ state: State) -> Bool {
        func matches(_ receipt: ReceiptRow) -> Bool {
            receipt.verdict == transfer.verdict && (transfer.job == nil || receipt.job == transfer.job)
        }
        return batch.receipts.contains(where: matches) || state.receipts.contains(where: matches)
    }

    public func entry(_ id: TransferID) throws(LedgerError) -> LedgerEntry? {
        state.withLock { state in
            if let resolution = state.resolutions[id] {
                return .resolution(resolution, transfers: state.transfers.filter { $0.pendingID == resolution.hold.id })
            }
            if let hold = state.holds[id] { return .hold(hold) }
            return state.positions[id].map { .transfer(state.transfers[$0]) }
        }
    }

    public func resolution(ofHold id: TransferID) throws(LedgerError) -> TransferID? {
        state.withLock { $0.resolutionOfHold[id] }
    }

    public func legsTaken(job: Digest, attempt: UInt32, among legs: [String]) throws(LedgerError) -> Set<String> {
        state.withLock { state in
            Set(legs.filter { state.legs.contains(.init(job: job, attempt: attempt, leg: $0)) })
        }
    }

    public func account(_ id: AccountID) throws(LedgerError) -> Account? {
        state.withLock { $0.accounts[id] }
    }

    public func accounts(owner: [UInt8]?) throws(LedgerError) -> [Account] {
        let accounts = state.withLock { $0.accounts }
        return accounts.values.filter { owner == nil || $0.owner == owner }.sorted { $0.id < $1.id }
    }

    public func transfers(of account: AccountID, limit: Int) throws(LedgerError) -> [Transfer] {
        let transfers = state.withLock { $0.transfers }
        return Array(transfers.reversed().filter { $0.debit == account || $0.credit == account }.prefix(max(0, limit)))
    }

    public func transfers(ofJob job: Digest) throws(LedgerError) -> [Transfer] {
        state.withLock { $0.transfers.filter { $0.job == job } }
    }

    public func openHolds() throws(LedgerError) -> [Hold] {
        state.withLock { state in
            state.holds.values.filter { state.resolutionOfHold[$0.id] == nil }.sorted { $0.id < $1.id }
        }
    }

    public func record(kind: String, id: [UInt8]) throws(LedgerError) -> Record? {
        state.withLock { $0.records[RecordKey(kind: kind, id: id)] }.map { Record(kind: kind, id: id, body: $0) }
    }

    public func records(kind: String) throws(LedgerError) -> [Record] {
        let records = state.withLock { $0.records }
        return records.filter { $0.key.kind == kind }.sorted { $0.key < $1.key }
            .map { Record(kind: kind, id: $0.key.id, body: $0.value) }
    }

    public func receipt(job: Digest) throws(LedgerError) -> ReceiptRow? {
        state.withLock { $0.receipts.filter { $0.job == job }.max { $0.attempt < $1.attempt } }
    }

    public func latestReceipts(before position: Int64?, limit: Int) throws(LedgerError) -> [PlacedReceipt] {
        let receipts = state.withLock { $0.receipts }
        let end = min(receipts.count, max(0, position.map { Int(clamping: $0) - 1 } ?? receipts.count))
        return receipts[..<end].indices.reversed().prefix(max(0, limit)).map { index in
            var copy = receipts[index]
            copy.bundleBytes = []
            return PlacedReceipt(position: Int64(index) + 1, row: copy)
        }
    }

    public func receiptCount() throws(LedgerError) -> Int {
        state.withLock { $0.receipts.count }
    }

    public func outbox(kind: String?, limit: Int) throws(LedgerError) -> [OutboxMessage] {
        state.withLock { Array($0.messages.lazy.filter { kind == nil || $0.kind == kind }.prefix(max(0, limit))) }
    }

    /// Memory never fails.
    public var stopped: LedgerError? { nil }

    /// Nothing waits and nothing is open.
    public func close() throws(LedgerError) {}

    public func snapshot<Value>(_ body: (any LedgerSnapshot) throws(LedgerError) -> Value) throws(LedgerError) -> Value
    {
        try body(Snapshot(state: state.withLock { $0 }))
    }

    private struct Snapshot: LedgerSnapshot {
        let state: State

        func storageFaults() throws(LedgerError) -> [String] { [] }

        func accounts() throws(LedgerError) -> [Account] { state.accounts.values.sorted { $0.id < $1.id } }

        func forEachTransfer(_ body: (Transfer) -> Void) throws(LedgerError) -> [String] {
            for transfer in state.transfers { body(transfer) }
            return []
        }

        func repeatedLegs() throws(LedgerError) -> (repeated: [String], examined: Int) {
            let keys = state.transfers.compactMap { transfer in
                transfer.job.map { "job \($0) attempt \(transfer.attempt) leg \(transfer.leg)" }
            }
            let counts = Dictionary(keys.map { ($0, 1) }, uniquingKeysWith: +).filter { $0.value > 1 }
            return (counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value) transfers" }, keys.count)
        }

        func forEachHold(_ body: (TransferID, Int64, TransferID?) -> Void) throws(LedgerError) {
            for hold in state.holds.values.sorted(by: { $0.id < $1.id }) {
                body(hold.id, hold.amount, state.resolutionOfHold[hold.id])
            }
        }

        func forEachVerdict(_ body: (Digest, Digest) -> Void) throws(LedgerError) {
            for receipt in state.receipts { body(receipt.verdict, receipt.job) }
        }

        func forEachReceipt(_ body: (ReceiptRow) -> Void) throws(LedgerError) {
            for receipt in state.receipts { body(receipt) }
        }
    }
}
