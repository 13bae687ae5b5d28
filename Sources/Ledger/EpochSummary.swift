// Accounting periods: what a ledger did in each epoch, in one row that anybody with the ledger can make again.
internal import Codecs
public import Commitments

/// What the transfers of one epoch and one currency add up to.
///
/// Epoch n is the engine seconds [n · length, (n + 1) · length). A summary follows from the transfers alone: it is closed when a
/// later transfer or the clock has left its seconds behind, and from then on it never changes.
public struct EpochSummary: Sendable, Equatable {
    /// The epoch's number.
    public let number: Int64
    public let currency: String
    /// How many transfers there were.
    public internal(set) var transfers = 0
    /// Minor units that entered through an issuer.
    public internal(set) var issued: Int64 = 0
    /// Minor units that left through an issuer.
    public internal(set) var withdrawn: Int64 = 0
    /// Minor units set aside by holds.
    public internal(set) var held: Int64 = 0
    /// Minor units paid out of holds, and moved directly.
    public internal(set) var paid: Int64 = 0
    /// Minor units that holds gave back.
    public internal(set) var returned: Int64 = 0
    /// Minor units paid to accounts of each kind.
    public internal(set) var paidTo: [AccountKind: Int64] = [:]
    /// SHA-256("assay-epoch-1\0" ‖ the previous epoch's digest, or 32 zero bytes ‖ u64be number ‖ for each transfer: id ‖ debit ‖
    /// credit ‖ u64be amount ‖ u64be second): it names the ledger's whole history up to here.
    public internal(set) var digest: Digest = .zero

    /// The number of the epoch that a moment is in.
    public static func number(at moment: Int64, seconds: Int64) -> Int64 {
        let (quotient, remainder) = moment.quotientAndRemainder(dividingBy: max(1, seconds))
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// Every epoch in which something happened, oldest first, currencies in alphabetical order.
    /// - Parameter seconds: the length of an epoch.
    /// - Throws: `LedgerError.storage` when the store cannot be read, or when a sum is beyond 63 bits.
    public static func all(_ store: some LedgerStore, seconds: Int64) throws(LedgerError) -> [EpochSummary] {
        try store.snapshot { snapshot throws(LedgerError) in
            let kinds = Dictionary(try snapshot.accounts().map { ($0.id, $0.kind) }) { first, _ in first }
            var closed: [EpochSummary] = []
            var open: [String: (summary: EpochSummary, hash: SHA256)] = [:]
            var beyond: String?
            func close(_ currency: String) -> Digest {
                guard case (var summary, let hash)? = open.removeValue(forKey: currency) else { return .zero }
                summary.digest = hash.finalized()
                closed.append(summary)
                return summary.digest
            }
            try snapshot.forEachTransfer { transfer in
                // Stored times never go back, so that an epoch that is left is left for good.
                let number = number(at: transfer.at, seconds: seconds)
                if open[transfer.currency]?.summary.number != number {
                    let before = close(transfer.currency)
                    var hash = SHA256()
                    hash.update("assay-epoch-1\0")
                    hash.update(before.bytes)
                    hash.update(bigEndian: UInt64(bitPattern: number))
                    open[transfer.currency] = (EpochSummary(number: number, currency: transfer.currency), hash)
                }
                if open[transfer.currency]?.summary.add(transfer, kinds[transfer.credit]) == false {
                    beyond = beyond ?? "epoch \(number) of \(transfer.currency)"
                }
                for part in [transfer.id.bytes, transfer.debit.bytes, transfer.credit.bytes] {
                    open[transfer.currency]?.hash.update(part)
                }
                open[transfer.currency]?.hash.update(bigEndian: UInt64(bitPattern: transfer.amount))
                open[transfer.currency]?.hash.update(bigEndian: UInt64(bitPattern: transfer.at))
            }
            if let beyond { throw .storage(detail: "\(beyond): a sum of its transfers is beyond 2^63 - 1") }
            for currency in open.keys.sorted() { _ = close(currency) }
            return closed.sorted { ($0.number, $0.currency) < ($1.number, $1.currency) }
        }
    }

    /// Counts a transfer.
    /// - Returns: whether every sum is within 63 bits.
    private mutating func add(_ transfer: Transfer, _ kind: AccountKind?) -> Bool {
        transfers += 1
        func isWithin(_ sum: inout Int64) -> Bool {
            let (total, overflow) = sum.addingReportingOverflow(transfer.amount)
            sum = total
            return !overflow
        }
        switch transfer.kind {
        case .credit: return isWithin(&issued)
        case .withdraw: return isWithin(&withdrawn)
        case .hold: return isWithin(&held)
        case .void, .expire: return isWithin(&returned)
        case .post, .direct:
            // What a kind of account got is a part of all that was paid.
            guard isWithin(&paid) else { return false }
            return kind.map { isWithin(&paidTo[$0, default: 0]) } ?? true
        }
    }
}
