// A store whose disk can be slow or broken on demand.
import Commitments
import Ledger
import Synchronization

/// A memory store behind a disk that a test holds up or breaks.
final class LaggingStore: LedgerStore {
    private struct State {
        var isHeld = false
        var isBroken = false
        var waiting: [(Batch, CommitTicket)] = []
    }

    private let inner = MemoryLedgerStore()
    private let state = Mutex(State())

    /// Batches wait from now on.
    func hold() { state.withLock { $0.isHeld = true } }

    /// Batches fail from now on.
    func fail() { state.withLock { $0.isBroken = true } }

    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Writes what waits, in order, and whatever comes then.
    func release() async {
        let waiting = state.withLock { state in
            defer { (state.waiting, state.isHeld) = ([], false) }
            return state.waiting
        }
        for (batch, ticket) in waiting {
            do throws(LedgerError) {
                try await inner.commit(batch)
                ticket.finish(.success(()))
            } catch {
                ticket.finish(.failure(error))
            }
        }
    }

    func submit(_ batch: Batch) -> CommitTicket {
        state.withLock { state in
            if state.isBroken { return CommitTicket(result: .failure(.storage(detail: "input/output error"))) }
            guard state.isHeld else { return inner.submit(batch) }
            let ticket = CommitTicket()
            state.waiting.append((batch, ticket))
            return ticket
        }
    }

    func load(recordKinds: [String]?) throws(LedgerError) -> LedgerImage { try inner.load(recordKinds: recordKinds) }
    func outbox(kind: String?, limit: Int) throws(LedgerError) -> [OutboxMessage] {
        try inner.outbox(kind: kind, limit: limit)
    }
    var stopped: LedgerError? { nil }
    func close() throws(LedgerError) {}
    func account(_ id: AccountID) throws(LedgerError) -> Account? { try inner.account(id) }
    func accounts(owner: [UInt8]?) throws(LedgerError) -> [Account] { try inner.accounts(owner: owner) }
    func transfers(of account: AccountID, limit: Int) throws(LedgerError) -> [Transfer] {
        try inner.transfers(of: account, limit: limit)
    }
    func transfers(ofJob job: Digest) throws(LedgerError) -> [Transfer] { try inner.transfers(ofJob: job) }
    func openHolds() throws(LedgerError) -> [Hold] { try inner.openHolds() }
    func record(kind: String, id: [UInt8]) throws(LedgerError) -> Record? { try inner.record(kind: kind, id: id) }
    func records(kind: String) throws(LedgerError) -> [Record] { try inner.records(kind: kind) }
    func receipt(job: Digest) throws(LedgerError) -> ReceiptRow? { try inner.receipt(job: job) }
    func latestReceipts(before position: Int64?, limit: Int) throws(LedgerError) -> [PlacedReceipt] {
        try inner.latestReceipts(before: position, limit: limit)
    }
    func receiptCount() throws(LedgerError) -> Int { try inner.receiptCount() }
    func snapshot<Value>(_ body: (any LedgerSnapshot) throws(LedgerError) -> Value) throws(LedgerError) -> Value {
        try inner.snapshot(body)
    }
    func entry(_ id: TransferID) throws(LedgerError) -> LedgerEntry? { try inner.entry(id) }
    func resolution(ofHold id: TransferID) throws(LedgerError) -> TransferID? { try inner.resolution(ofHold: id) }
    func legsTaken(job: Digest, attempt: UInt32, among legs: [String]) throws(LedgerError) -> Set<String> {
        try inner.legsTaken(job: job, attempt: attempt, among: legs)
    }
}
