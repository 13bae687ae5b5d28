// What can be asked of the book, and what it answers.

/// One request to the ledger. Each can be sent any number of times; it happens once.
public enum LedgerOperation: Sendable, Equatable {
    /// Opens an account with all counters at zero.
    case openAccount(Account)
    /// Moves money at once: kinds `credit`, `withdraw`, `direct`.
    case transfer(Transfer)
    /// Sets money aside (kind `hold`) until a resolution, or until an expiry at or after `expiresAt` engine seconds.
    case hold(Transfer, expiresAt: Int64)
    /// Ends a hold. A hold whose time is over but that has not expired by an operation is still open: who comes first wins.
    case resolve(Resolution)
    /// Gives a hold back because its time is over. The operation's id follows from the hold's.
    case expire(TransferID)
}

/// What an operation did: the rows that a store writes and the engine passes on.
public struct LedgerEffects: Sendable, Equatable {
    /// The operation's id; `nil` for the opening of an account.
    public let id: TransferID?
    /// Whether this is the answer to an earlier request of the same id and body. Stores skip such effects.
    public internal(set) var replayed = false
    /// The account opened.
    public internal(set) var account: Account?
    /// The transfers made, in order: legs in the order asked for, then what was returned.
    public internal(set) var transfers: [Transfer] = []
    /// The hold made.
    public internal(set) var hold: Hold?
    /// The hold ended.
    public internal(set) var resolution: HoldResolution?

    /// How the counters move, in ascending order of account: the fold of `transfers`.
    public var deltas: [BalanceDelta] {
        var deltas: [AccountID: BalanceDelta] = [:]
        func move(_ account: AccountID, _ transfer: Transfer, _ change: (inout BalanceDelta) -> Void) {
            change(&deltas[account, default: BalanceDelta(account: account, currency: transfer.currency)])
        }
        for transfer in transfers {
            let amount = transfer.amount
            switch transfer.kind {
            case .credit, .withdraw, .direct:
                move(transfer.debit, transfer) { $0.debitsPosted += amount }
                move(transfer.credit, transfer) { $0.creditsPosted += amount }
            case .hold:
                move(transfer.debit, transfer) { $0.debitsPending += amount }
                move(transfer.credit, transfer) { $0.creditsPending += amount }
            case .post:
                move(transfer.debit, transfer) {
                    $0.debitsPending -= amount
                    $0.debitsPosted += amount
                }
                move(transfer.credit, transfer) { $0.creditsPosted += amount }
                move(resolution?.hold.transfer.credit ?? transfer.credit, transfer) { $0.creditsPending -= amount }
            case .void, .expire:
                move(transfer.debit, transfer) { $0.debitsPending -= amount }
                move(transfer.credit, transfer) { $0.creditsPending -= amount }
            }
        }
        return deltas.values.sorted { $0.account < $1.account }
    }
}
