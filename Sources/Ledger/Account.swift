// Accounts: four counters that only the fold of transfers moves.

/// What an account is for. It decides which transfers may touch it and whether it may be overdrawn.
public enum AccountKind: String, Sendable, CaseIterable {
    /// The outside of the ledger: money enters by a debit of an issuer and leaves by a credit. The only kind that may go
    /// negative; its balance is minus the money in circulation.
    case issuer
    /// A requester's prepaid money.
    case payer
    /// A provider's earnings.
    case provider
    /// Money that a provider or validator can lose.
    case stake
    /// A validator's earnings.
    case validator
    /// The operator's fees.
    case fee
    /// The operator's own money: rewards, burnt stake.
    case treasury
    /// Money that becomes its owner's own over time; the schedule is in the owner field (`VestingSchedule`). It leaves by
    /// direct transfers alone, and never faster than the schedule says.
    case vesting
    /// The far side of holds whose receiver is not known yet. It never holds posted money.
    case escrow
}

/// One account and its counters, in minor units of its currency.
///
/// The model is TigerBeetle's (docs/reference/account.md): money is never a single balance, but what was debited and
/// credited, pending and posted apart.
public struct Account: Sendable, Equatable {
    /// The name that follows from `currency`, `kind` and `owner`.
    public let id: AccountID
    /// The currency's code; one ledger per currency, and no transfer crosses it.
    public let currency: String
    public let kind: AccountKind
    /// Whose account it is: for persons and nodes the 32 bytes of a public key.
    public let owner: [UInt8]
    /// Money that open holds may still take away.
    public internal(set) var debitsPending: Int64 = 0
    /// Money that has left.
    public internal(set) var debitsPosted: Int64 = 0
    /// Money that open holds may still bring.
    public internal(set) var creditsPending: Int64 = 0
    /// Money that has arrived.
    public internal(set) var creditsPosted: Int64 = 0

    /// An account that nothing has touched yet.
    public init(currency: String, kind: AccountKind, owner: [UInt8]) {
        self.id = AccountID(currency: currency, kind: kind, owner: owner)
        self.currency = currency
        self.kind = kind
        self.owner = owner
    }

    /// Reads an account back from a store, which vouches for the counters.
    init(id: AccountID, currency: String, kind: AccountKind, owner: [UInt8]) {
        self.id = id
        self.currency = currency
        self.kind = kind
        self.owner = owner
    }

    /// What the owner can spend: posted credits less posted and pending debits. Negative for an issuer only.
    public var available: Int64 { creditsPosted &- debitsPosted &- debitsPending }
    /// What the owner has, whether held or not: posted credits less posted debits.
    public var balance: Int64 { creditsPosted &- debitsPosted }

    /// Moves the counters.
    /// - Throws: `LedgerError.overflow` when a counter leaves the range of 64 bits.
    mutating func add(_ delta: BalanceDelta) throws(LedgerError) {
        let id = id
        func sum(_ counter: Int64, _ change: Int64, _ name: String) throws(LedgerError) -> Int64 {
            let (value, overflow) = counter.addingReportingOverflow(change)
            if overflow { throw .overflow(account: id, counter: name) }
            return value
        }
        debitsPending = try sum(debitsPending, delta.debitsPending, "debitsPending")
        debitsPosted = try sum(debitsPosted, delta.debitsPosted, "debitsPosted")
        creditsPending = try sum(creditsPending, delta.creditsPending, "creditsPending")
        creditsPosted = try sum(creditsPosted, delta.creditsPosted, "creditsPosted")
    }
}

/// How one operation moves the counters of one account.
public struct BalanceDelta: Sendable, Equatable {
    public let account: AccountID
    public let currency: String
    public internal(set) var debitsPending: Int64 = 0
    public internal(set) var debitsPosted: Int64 = 0
    public internal(set) var creditsPending: Int64 = 0
    public internal(set) var creditsPosted: Int64 = 0

    /// Adds another movement of the same account. Wraps: an overflow shows as a counter that its constraint refuses.
    mutating func add(_ other: BalanceDelta) {
        debitsPending &+= other.debitsPending
        debitsPosted &+= other.debitsPosted
        creditsPending &+= other.creditsPending
        creditsPosted &+= other.creditsPosted
    }
}
