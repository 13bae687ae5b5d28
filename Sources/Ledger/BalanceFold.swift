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
        let amount = transfer.amount
        switch transfer.kind {
        case .credit, .withdraw, .direct:
            sums[transfer.debit, default: .zero].y &+= amount
            sums[transfer.credit, default: .zero].w &+= amount
        case .hold:
            sums[transfer.debit, default: .zero].x &+= amount
            sums[transfer.credit, default: .zero].z &+= amount
            held[transfer.id] = Held(credit: transfer.credit, left: amount)
        case .post:
            sums[transfer.debit, default: .zero] &+= SIMD4(0 &- amount, amount, 0, 0)
            sums[transfer.credit, default: .zero].w &+= amount
            if let hold = transfer.pendingID.flatMap({ held[$0] }) { sums[hold.credit, default: .zero].z &-= amount }
        case .void, .expire:
            sums[transfer.debit, default: .zero].x &-= amount
            sums[transfer.credit, default: .zero].z &-= amount
        }
        if let id = transfer.pendingID { take(amount, from: id) }
    }

    private mutating func take(_ amount: Int64, from id: TransferID) {
        guard var hold = held[id] else { return }
        hold.left &-= amount
        held[id] = hold.left == 0 ? nil : hold
    }
}
