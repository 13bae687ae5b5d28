// One consistent state of a stored ledger, row by row: what an audit reads, and all that it trusts.

/// The rows of a ledger at one moment, as they are stored and unchecked.
public protocol LedgerSnapshot {
    /// What the database finds wrong with its own file; empty when nothing.
    func storageFaults() throws(LedgerError) -> [String]
    /// Every account.
    func accounts() throws(LedgerError) -> [Account]
    /// Calls `body` with each transfer in the order in which they were made.
    func forEachTransfer(_ body: (Transfer) -> Void) throws(LedgerError)
    /// The (job, attempt, leg) that more than one transfer has, as text, and how many transfers belong to a job.
    func repeatedLegs() throws(LedgerError) -> (repeated: [String], examined: Int)
    /// Calls `body` with each hold and the operation that ended it.
    func forEachHold(_ body: (_ hold: Hold, _ resolution: TransferID?) -> Void) throws(LedgerError)
    /// Calls `body` with each receipt and its bundle; a missing bundle is an empty one.
    func forEachReceipt(_ body: (ReceiptRow) -> Void) throws(LedgerError)
}
