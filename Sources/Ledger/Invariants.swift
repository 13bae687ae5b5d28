// The assertions that stay on in production. Each states what must be true after an operation, independently of the code
// that made it true; none is meant to fail.

enum Invariants {
    /// Asserts what one operation did (I1, I2, I3, I5).
    /// - Parameter touched: the accounts that `deltas` move, after the move.
    static func check(
        _ effects: LedgerEffects,
        deltas: [BalanceDelta],
        touched: [Account]
    ) throws(LedgerError) {
        try checkBalanced(deltas)
        for account in touched { try check(account) }
        try checkTransfers(effects)
    }

    /// I3, I5 and I6 of the transfers of one operation: amounts, verdicts, and that a hold's end accounts for the hold.
    static func checkTransfers(_ effects: LedgerEffects) throws(LedgerError) {
        for transfer in effects.transfers {
            guard transfer.amount > 0 else {
                throw .invariant(.splitsAreExact, detail: "transfer \(transfer.id) moves \(transfer.amount)")
            }
            guard transfer.kind != .post || transfer.verdict != nil else {
                throw .invariant(.verdictBeforePay, detail: "leg \(transfer.leg) is paid without a verdict")
            }
        }
        if let resolution = effects.resolution { try check(resolution, effects.transfers) }
    }

    /// I1: what one set of movements debits it credits, per currency, pending and posted apart.
    static func checkBalanced(_ deltas: [BalanceDelta]) throws(LedgerError) {
        var pending: [String: Int64] = [:]
        var posted: [String: Int64] = [:]
        for delta in deltas {
            pending[delta.currency, default: 0] &+= delta.debitsPending &- delta.creditsPending
            posted[delta.currency, default: 0] &+= delta.debitsPosted &- delta.creditsPosted
        }
        for (currency, excess) in pending where excess != 0 {
            throw .invariant(.debitsEqualCredits, detail: "\(currency): pending debits exceed credits by \(excess)")
        }
        for (currency, excess) in posted where excess != 0 {
            throw .invariant(.debitsEqualCredits, detail: "\(currency): posted debits exceed credits by \(excess)")
        }
    }

    /// I2, and that no counter is negative.
    static func check(_ account: Account) throws(LedgerError) {
        let counters = [account.debitsPending, account.debitsPosted, account.creditsPending, account.creditsPosted]
        guard counters.allSatisfy({ $0 >= 0 }) else {
            throw .invariant(.balancesAreFold, detail: "account \(account.id) has a negative counter: \(counters)")
        }
        guard account.kind == .issuer || account.available >= 0 else {
            throw .invariant(.noOverdraft, detail: "account \(account.id) has \(account.available) available")
        }
    }

    /// I3: a hold's end accounts for all of it, once.
    private static func check(_ resolution: HoldResolution, _ transfers: [Transfer]) throws(LedgerError) {
        let hold = resolution.hold
        var posted: Int64 = 0
        var returned: Int64 = 0
        for transfer in transfers {
            guard transfer.pendingID == hold.id, transfer.debit == hold.transfer.debit else {
                throw .invariant(.holdResolvedOnce, detail: "transfer \(transfer.id) is not of hold \(hold.id)")
            }
            if transfer.kind == .post { posted &+= transfer.amount } else { returned &+= transfer.amount }
        }
        let (sum, overflow) = posted.addingReportingOverflow(returned)
        guard !overflow, sum == hold.amount, posted == resolution.posted, returned == resolution.returned else {
            let detail = "hold \(hold.id) of \(hold.amount) was resolved as \(posted) posted and \(returned) returned"
            throw .invariant(.holdResolvedOnce, detail: detail)
        }
    }

    /// I1 and I2 over all accounts, and pending counters against open holds.
    static func check(
        accounts: some Collection<Account>,
        holds: some Collection<Hold>
    ) throws(LedgerError) {
        var pending: [AccountID: (debits: Int64, credits: Int64)] = [:]
        for hold in holds {
            pending[hold.transfer.debit, default: (0, 0)].debits &+= hold.amount
            pending[hold.transfer.credit, default: (0, 0)].credits &+= hold.amount
        }
        let whole = accounts.map { account in
            var delta = BalanceDelta(account: account.id, currency: account.currency)
            delta.debitsPending = account.debitsPending
            delta.debitsPosted = account.debitsPosted
            delta.creditsPending = account.creditsPending
            delta.creditsPosted = account.creditsPosted
            return delta
        }
        try checkBalanced(whole)
        for account in accounts {
            try check(account)
            let held = pending[account.id, default: (0, 0)]
            guard held.debits == account.debitsPending, held.credits == account.creditsPending else {
                let detail =
                    "account \(account.id) has \(account.debitsPending) and \(account.creditsPending) pending, "
                    + "its open holds sum to \(held.debits) and \(held.credits)"
                throw .invariant(.balancesAreFold, detail: detail)
            }
        }
    }

    /// I7: the counters of accounts against the fold of all transfers, in the order of `Schema.fold`.
    static func checkFold(_ accounts: [Account], _ fold: [AccountID: [Int64]]) throws(LedgerError) {
        var expected = fold
        for account in accounts {
            let found = [account.debitsPending, account.debitsPosted, account.creditsPending, account.creditsPosted]
            let sums = expected.removeValue(forKey: account.id) ?? [0, 0, 0, 0]
            guard found == sums else {
                let detail = "account \(account.id) has \(found), its transfers sum to \(sums)"
                throw .invariant(.balancesAreFold, detail: detail)
            }
        }
        if let orphan = expected.keys.min() {
            throw .invariant(.balancesAreFold, detail: "transfers name account \(orphan), which is not there")
        }
    }
}
