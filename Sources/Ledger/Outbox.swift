// What is to be done outside once a commit is durable: anchoring a root, calling a webhook, pinning a bundle.
internal import Codecs

/// One effect outside of the ledger, written in the transaction that causes it and deleted in one after it was done.
///
/// Delivery is at least once: the receiver tells repetitions apart by the id.
public struct OutboxMessage: Sendable, Equatable {
    /// The same for each delivery.
    public var id: WorkID
    /// Who is to deliver it: 1 to 32 bytes.
    public var kind: String
    /// What is to be delivered: at most 1 MiB.
    public var body: [UInt8]
    /// When it was written, in engine seconds.
    public var at: Int64

    /// An effect to be written with a batch.
    public init(id: WorkID, kind: String, body: [UInt8], at: Int64) {
        self.id = id
        self.kind = kind
        self.body = body
        self.at = at
    }

    func checkBounds() throws(LedgerError) {
        try WorkLimits.checkName(kind, "outbox.kind")
        guard body.count <= WorkLimits.bodyBytes else {
            throw .malformed("outbox.body", expected: "at most \(WorkLimits.bodyBytes) bytes", actual: "\(body.count)")
        }
    }
}
