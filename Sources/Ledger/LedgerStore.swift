// What a durable ledger offers: atomic batches in, reads out. SQLite is one; the contract fits any transactional database.
internal import Codecs
public import Commitments

/// A row that another part of the engine keeps in the ledger's database, so that it changes in the same transaction.
public struct Record: Sendable, Equatable {
    /// What sort of row: at most 32 bytes.
    public var kind: String
    /// Its name within the sort: at most 128 bytes.
    public var id: [UInt8]
    /// Its content, replaced as a whole; `nil` deletes the row.
    public var body: [UInt8]?

    /// A row to be written, or deleted when `body` is `nil`.
    public init(kind: String, id: [UInt8], body: [UInt8]?) {
        self.kind = kind
        self.id = id
        self.body = body
    }
}

/// The receipt of one attempt at a job.
public struct ReceiptRow: Sendable, Equatable {
    public var job: Digest
    public var attempt: UInt32
    /// The text of the bundle's CID: raw codec, SHA-256 of `bundleBytes`.
    public var bundleCID: String
    /// The digest of the verdict document; what payout legs name (I5).
    public var verdict: Digest
    /// The verdict's outcome, in the words of the verdict document.
    public var outcome: String
    /// When it was made, in engine seconds.
    public var at: Int64
    /// The whole bundle.
    public var bundleBytes: [UInt8]

    /// A receipt whose CID is computed from its bytes.
    public init(job: Digest, attempt: UInt32, verdict: Digest, outcome: String, at: Int64, bundleBytes: [UInt8]) {
        self.init(
            job: job,
            attempt: attempt,
            bundleCID: CID.raw(bundleBytes).text,
            verdict: verdict,
            outcome: outcome,
            at: at,
            bundleBytes: bundleBytes
        )
    }

    /// A receipt as it was found.
    public init(
        job: Digest,
        attempt: UInt32,
        bundleCID: String,
        verdict: Digest,
        outcome: String,
        at: Int64,
        bundleBytes: [UInt8]
    ) {
        self.job = job
        self.attempt = attempt
        self.bundleCID = bundleCID
        self.verdict = verdict
        self.outcome = outcome
        self.at = at
        self.bundleBytes = bundleBytes
    }
}

/// A receipt and its place among all receipts of a store.
public struct PlacedReceipt: Sendable, Equatable {
    /// Grows with every receipt that is written; gaps are possible.
    public let position: Int64
    /// The receipt, without its bundle.
    public let row: ReceiptRow

    /// A receipt as it was found.
    public init(position: Int64, row: ReceiptRow) {
        self.position = position
        self.row = row
    }
}

/// Everything that becomes durable together: money, the engine's rows, receipts.
public struct Batch: Sendable, Equatable {
    /// What the book did, in order. Replayed effects are skipped: they are durable, or in an earlier batch.
    public var effects: [LedgerEffects]
    public var records: [Record]
    public var receipts: [ReceiptRow]
    /// Effects outside that this batch causes. A message whose id is waiting already is not written again.
    public var messages: [OutboxMessage]
    /// Messages that have been delivered, and go.
    public var delivered: [WorkID]

    /// A batch of what happened in one step of the engine.
    public init(
        effects: [LedgerEffects] = [],
        records: [Record] = [],
        receipts: [ReceiptRow] = [],
        messages: [OutboxMessage] = [],
        delivered: [WorkID] = []
    ) {
        self.effects = effects
        self.records = records
        self.receipts = receipts
        self.messages = messages
        self.delivered = delivered
    }

    /// Whether there is nothing to write.
    public var isEmpty: Bool {
        records.isEmpty && receipts.isEmpty && messages.isEmpty && delivered.isEmpty && effects.allSatisfy(\.replayed)
    }

    /// How much there is to write of what does not come from the book.
    var bytes: Int {
        records.reduce(0) { $0 + ($1.body?.count ?? 0) } + receipts.reduce(0) { $0 + $1.bundleBytes.count }
            + messages.reduce(0) { $0 + $1.body.count }
    }

    /// Checks the bounds of rows that do not come from the book.
    func checkBounds() throws(LedgerError) {
        for record in records {
            guard (1...32).contains(record.kind.utf8.count) else {
                throw .malformed("record.kind", expected: "1 to 32 bytes", actual: record.kind)
            }
            guard (1...128).contains(record.id.count) else {
                throw .malformed("record.id", expected: "1 to 128 bytes", actual: "\(record.id.count)")
            }
            guard (record.body?.count ?? 0) <= Self.bodyBytes else {
                throw .malformed(
                    "record.body",
                    expected: "\(Self.bodyBytes) bytes",
                    actual: "\(record.body?.count ?? 0)"
                )
            }
        }
        for message in messages { try message.checkBounds() }
        for receipt in receipts {
            guard receipt.bundleBytes.count <= Self.bundleBytes else {
                let actual = "\(receipt.bundleBytes.count)"
                throw .malformed("receipt.bundle", expected: "at most \(Self.bundleBytes) bytes", actual: actual)
            }
            guard (1...64).contains(receipt.outcome.utf8.count) else {
                throw .malformed("receipt.outcome", expected: "1 to 64 bytes", actual: receipt.outcome)
            }
            guard receipt.bundleCID == CID.raw(receipt.bundleBytes).text else {
                let expected = CID.raw(receipt.bundleBytes).text
                throw .malformed("receipt.bundleCID", expected: expected, actual: receipt.bundleCID)
            }
        }
    }

    private static let bodyBytes = 64 << 20
    private static let bundleBytes = 256 << 20
}

/// A book and the engine's rows as they were at one moment.
public struct LedgerImage: Sendable {
    public var book: Book
    /// In ascending order of kind and id.
    public var records: [Record]
}

/// A durable ledger.
///
/// There is one writer. Batches become durable in the order in which they are submitted, each as a whole or not at all,
/// and reads see every batch that was acknowledged. Reads may block for the time of a disk access.
public protocol LedgerStore: LedgerHistory {
    /// The book, checked against the fold of the transfers (I7), and the engine's rows of the given kinds (all for `nil`).
    /// - Throws: `LedgerError.invariant` when what is stored does not add up.
    func load(recordKinds: [String]?) throws(LedgerError) -> LedgerImage

    /// Queues a batch. The order of calls is the order of commits, so call it where the book was changed.
    func submit(_ batch: Batch) -> CommitTicket

    /// An account; `nil` when it was never opened.
    func account(_ id: AccountID) throws(LedgerError) -> Account?
    /// Accounts in ascending order, of one owner or of all.
    func accounts(owner: [UInt8]?) throws(LedgerError) -> [Account]
    /// The latest transfers of an account, newest first.
    func transfers(of account: AccountID, limit: Int) throws(LedgerError) -> [Transfer]
    /// The transfers of a job, oldest first.
    func transfers(ofJob job: Digest) throws(LedgerError) -> [Transfer]
    /// The open holds in ascending order.
    func openHolds() throws(LedgerError) -> [Hold]

    /// An engine row.
    func record(kind: String, id: [UInt8]) throws(LedgerError) -> Record?
    /// The engine rows of one kind, in ascending order of id.
    func records(kind: String) throws(LedgerError) -> [Record]

    /// The receipt of the latest attempt at a job.
    func receipt(job: Digest) throws(LedgerError) -> ReceiptRow?
    /// Receipts, latest first, without their bundles, of those written before the one at `position`; all for `nil`. A page
    /// costs the same wherever it begins.
    func latestReceipts(before position: Int64?, limit: Int) throws(LedgerError) -> [PlacedReceipt]
    /// How many receipts there are.
    func receiptCount() throws(LedgerError) -> Int

    /// Messages that have not been delivered, oldest first: those of one kind, or all for `nil`. What waits of other kinds costs
    /// a reader of one nothing.
    func outbox(kind: String?, limit: Int) throws(LedgerError) -> [OutboxMessage]

    /// Why the store takes no batches any more; `nil` while it does.
    var stopped: LedgerError? { get }

    /// Writes what is queued, refuses the rest, and lets go of the database.
    func close() throws(LedgerError)

    /// Reads one consistent state, unchecked, for an audit.
    func snapshot<Value>(_ body: (any LedgerSnapshot) throws(LedgerError) -> Value) throws(LedgerError) -> Value
}

extension LedgerStore {
    /// The checked book and all of the engine's rows.
    public func load() throws(LedgerError) -> LedgerImage {
        try load(recordKinds: nil)
    }

    /// Makes a batch durable.
    /// - Throws: `LedgerError` when it was not written. `.storeBusy` leaves the caller's book good; after any other error
    ///   load it again.
    nonisolated(nonsending) public func commit(_ batch: Batch) async throws(LedgerError) {
        try await submit(batch).durable()
    }
}
