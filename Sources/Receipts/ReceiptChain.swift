// The updates of one job's receipt: each names the one before it by digest, so that none can be left out or put in between.
public import Commitments

/// Why receipts are no chain.
public enum ReceiptChainError: Error, Equatable, Sendable, CustomStringConvertible {
    /// There is no receipt at all.
    case empty
    /// The first receipt names an earlier one, which is missing.
    case missingFirst(Digest)
    /// The receipt at this place does not name the one before it.
    case broken(place: Int, expected: Digest, actual: Digest?)
    /// The receipt at this place is about another job or engine than the first.
    case foreign(place: Int)
    /// The receipt at this place was settled before the one before it.
    case earlier(place: Int)
    /// The receipt at this place was settled after the dispute window of the one before it.
    case late(place: Int, end: Int64)

    public var description: String {
        switch self {
        case .empty: "there is no receipt"
        case .missingFirst(let digest): "the receipt \(digest.hex), which the first one follows, is missing"
        case .broken(let place, let expected, let actual):
            "receipt \(place + 1): expected one that follows \(expected.hex), found \(actual?.hex ?? "a first one")"
        case .foreign(let place): "receipt \(place + 1) is about another job or by another engine"
        case .earlier(let place): "receipt \(place + 1) is older than the one it follows"
        case .late(let place, let end):
            "receipt \(place + 1): expected one settled not after \(end), when the dispute window of the one before it ended"
        }
    }
}

/// A job's receipts from the first to the last update.
public struct ReceiptChain: Sendable, Equatable {
    /// The receipts in order; not empty.
    public let receipts: [Signed<Receipt>]
    /// The receipt that counts now.
    public let current: Signed<Receipt>

    /// Checks that `receipts` are all receipts of one job by one engine in their order.
    ///
    /// That there is no later update only the engine or a log can say.
    public init(_ receipts: [Signed<Receipt>]) throws(ReceiptChainError) {
        guard let first = receipts.first, let last = receipts.last else { throw .empty }
        if let previous = first.predicate.previousReceipt { throw .missingFirst(previous) }
        for (place, (before, after)) in zip(receipts, receipts.dropFirst()).enumerated() {
            guard after.predicate.previousReceipt == before.digest else {
                throw .broken(place: place + 1, expected: before.digest, actual: after.predicate.previousReceipt)
            }
            guard after.predicate.jobID == first.predicate.jobID, after.signer == first.signer else {
                throw .foreign(place: place + 1)
            }
            guard after.predicate.settledAt >= before.predicate.settledAt else { throw .earlier(place: place + 1) }
            if let end = before.predicate.disputeEndsAt, after.predicate.settledAt > end {
                throw .late(place: place + 1, end: end)
            }
        }
        self.receipts = receipts
        current = last
    }
}
