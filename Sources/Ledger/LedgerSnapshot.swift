// One consistent state of a stored ledger, row by row: what an audit reads, and all that it trusts.
public import Commitments

/// The rows of a ledger at one moment, as they are stored and unchecked.
public protocol LedgerSnapshot {
    /// What the database finds wrong with its own file; empty when nothing.
    func storageFaults() throws(LedgerError) -> [String]
    /// Whether all transfers were made by one writer at a time, so that their seconds never go back.
    func hasOneClock() throws(LedgerError) -> Bool
    /// Every account.
    func accounts() throws(LedgerError) -> [Account]
    /// Calls `body` with each transfer in the order in which they were made.
    /// - Returns: what is wrong with the places that rows keep of each other; empty where a store keeps none.
    @discardableResult
    func forEachTransfer(_ body: (Transfer) -> Void) throws(LedgerError) -> [String]
    /// The (job, attempt, leg) that more than one transfer has, as text, and how many transfers belong to a job.
    func repeatedLegs() throws(LedgerError) -> (repeated: [String], examined: Int)
    /// Calls `body` with each hold, its amount, and the operation that ended it.
    func forEachHold(_ body: (_ hold: TransferID, _ amount: Int64, _ resolution: TransferID?) -> Void)
        throws(LedgerError)
    /// Calls `body` with the verdict and the job of each receipt.
    func forEachVerdict(_ body: (_ verdict: Digest, _ job: Digest) -> Void) throws(LedgerError)
    /// Calls `body` with each receipt and its bundle; a missing bundle is an empty one.
    func forEachReceipt(_ body: (ReceiptRow) -> Void) throws(LedgerError)
}

extension LedgerSnapshot {
    /// True: most stores let no second writer in.
    public func hasOneClock() throws(LedgerError) -> Bool { true }
}
