// Balances from nothing but the transfers: what a start compares the stored counters with (I7).

/// Adds up transfers in the order in which they were made.
///
/// Memory grows with accounts and open holds. Sums wrap: an overflow shows as a balance that differs.
struct BalanceFold {
    private struct Held {
        let credit: AccountID
        var left: Int64
    }

    /// Debits pending and posted, credits pending and posted.
    private var sums: [AccountID: SIMD4<Int64>] = [:]
    private var held: [TransferID: Held] = [:]

    /// The counters of every account that a transfer names.
    var counters: [AccountID: [Int64]] { sums.mapValues { [$0.x, $0.y, $0.z, $0.w] } }

    mutating func add(_ transfer: Transfer) {
        add(
            transfer.kind,
            transfer.id,
            transfer.debit,
            transfer.credit,
            transfer.amount,
            pendingID: transfer.pendingID
        )
    }

    /// Adds a transfer of which nothing else has been read.
    mutating func add(
        _ kind: TransferKind,
        _ id: TransferID,
        _ debit: AccountID,
        _ credit: AccountID,
        _ amount: Int64,
        pendingID: TransferID?
    ) {
        switch kind {
        case .credit, .withdraw, .direct:
            sums[debit, default: .zero].y &+= amount
            sums[credit, default: .zero].w &+= amount
        case .hold:
            sums[debit, default: .zero].x &+= amount
            sums[credit, default: .zero].z &+= amount
            held[id] = Held(credit: credit, left: amount)
        case .post:
            sums[debit, default: .zero] &+= SIMD4(0 &- amount, amount, 0, 0)
            sums[credit, default: .zero].w &+= amount
            if let hold = pendingID.flatMap({ held[$0] }) { sums[hold.credit, default: .zero].z &-= amount }
        case .void, .expire:
            sums[debit, default: .zero].x &-= amount
            sums[credit, default: .zero].z &-= amount
        }
        if let pendingID { take(amount, from: pendingID) }
    }

    private mutating func take(_ amount: Int64, from id: TransferID) {
        guard var hold = held[id] else { return }
        hold.left &-= amount
        held[id] = hold.left == 0 ? nil : hold
    }
}
