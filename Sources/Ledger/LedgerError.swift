// Every way in which the ledger says no.
public import Codecs
public import Commitments

/// The ledger invariants that are asserted on every operation and every commit.
public enum LedgerInvariant: String, Sendable, CaseIterable {
    /// Per currency: Σ debits = Σ credits, pending and posted apart.
    case debitsEqualCredits = "I1"
    /// No account but an issuer's has more debited, pending and posted together, than credited.
    case noOverdraft = "I2"
    /// A hold is resolved exactly once, and what is posted and returned is what was held.
    case holdResolvedOnce = "I3"
    /// (job, attempt, leg) is unique.
    case legOnce = "I4"
    /// No leg of a hold is paid without a verdict whose receipt is durable or in the same commit.
    case verdictBeforePay = "I5"
    /// The parts of a split sum to their base and none is negative.
    case splitsAreExact = "I6"
    /// Every balance is the fold of the transfers.
    case balancesAreFold = "I7"
    /// What a node loses was held before it committed, and stays held until the verdict.
    case slashWithinStake = "I8"
    /// Every open job has one deadline, and whoever it waits for is known.
    case oneDeadline = "I9"
    /// Money enters by the operator's orders alone, and within the epoch's budget.
    case issueWithinBudget = "I10"
}

/// Why there is no ledger to open where one was named.
public enum NoLedger: String, Sendable, CaseIterable {
    /// There is nothing.
    case missing
    /// There is something else: another program's file or database.
    case foreign
    /// There is a ledger with tables that this program does not know, or without some that it needs.
    case otherVersion
    /// There is a ledger that does not add up.
    case damaged
    /// The database's server does not answer, or refuses the connection.
    case unreachable
}

/// Why an operation was refused or could not be made durable. Nothing has changed when one is thrown.
public enum LedgerError: Error, Sendable, Equatable {
    /// No account of that name has been opened.
    case unknownAccount(AccountID)
    /// The debited account has less available than the operation takes.
    case insufficientFunds(account: AccountID, needed: Int64, available: Int64)
    /// The account is kept in another currency.
    case wrongCurrency(account: AccountID, expected: String, actual: String)
    /// The transfer's kind does not go with the account's: a `credit` not from an issuer, a `direct` to one.
    case wrongAccountKind(account: AccountID, expected: String, actual: AccountKind)
    /// Debit and credit are the same account.
    case sameAccount(AccountID)
    /// An amount is zero or negative.
    case amountNotPositive(field: String, actual: Int64)
    /// The legs of a resolution sum to more than was held.
    case exceedsHold(hold: TransferID, held: Int64, legs: Int64)
    /// No hold of that name was ever made.
    case holdUnknown(TransferID)
    /// The hold has ended, by the operation named.
    case holdResolved(hold: TransferID, by: TransferID)
    /// The hold's time is not over yet.
    case notExpired(hold: TransferID, expiresAt: Int64, now: Int64)
    /// The clock is behind the last operation; nothing expires until it has caught up.
    case clockSteppedBack(last: Int64, now: Int64)
    /// A counter would leave the range of 64 bits.
    case overflow(account: AccountID, counter: String)
    /// The same id came before with another body.
    case conflict(field: String, expected: String, actual: String)
    /// Another operation has used this (job, attempt, leg).
    case legTaken(job: Digest, attempt: UInt32, leg: String)
    /// A resolution pays legs but names no verdict.
    case verdictMissing(hold: TransferID)
    /// A text, a count or a combination of fields is outside what the ledger takes.
    case malformed(ParseError)
    /// An invariant does not hold. The book or store that throws it settles nothing from then on.
    case invariant(LedgerInvariant, detail: String)
    /// An earlier violation or a failing disk stopped settlement; reads go on.
    case settlementStopped(reason: String)
    /// Another process has taken over: what this one still has to write is refused, whatever it is.
    case fenced(name: String, epoch: Int64, current: Int64)
    /// The store's queue is full. Nothing was queued; the same batch can be submitted again.
    case storeBusy(queued: Int)
    /// There is no ledger to open where one was named. Nothing was changed there.
    case noLedger(NoLedger, detail: String)
    /// The database could not do it: disk full, input/output error.
    case storage(detail: String)

    static func malformed(_ field: String, expected: String, actual: String) -> LedgerError {
        .malformed(ParseError(field: field, expected: expected, actual: actual))
    }
}

extension LedgerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownAccount(let id): "account \(id): expected an open account, found none"
        case .insufficientFunds(let account, let needed, let available):
            "account \(account): expected at least \(needed) available, found \(available)"
        case .wrongCurrency(let account, let expected, let actual):
            "account \(account): expected currency \(expected), found \(actual)"
        case .wrongAccountKind(let account, let expected, let actual):
            "account \(account): expected \(expected), found kind \(actual.rawValue)"
        case .sameAccount(let id): "credit: expected another account than debit, found \(id) in both"
        case .amountNotPositive(let field, let actual): "\(field): expected more than 0, found \(actual)"
        case .exceedsHold(let hold, let held, let legs):
            "legs: expected at most \(held) (hold \(hold)), found \(legs)"
        case .holdUnknown(let id): "hold \(id): expected an open hold, found none"
        case .holdResolved(let hold, let by): "hold \(hold): expected an open hold, found it resolved by \(by)"
        case .notExpired(let hold, let expiresAt, let now):
            "hold \(hold): expected second \(expiresAt) or later, found \(now)"
        case .clockSteppedBack(let last, let now): "clock: expected second \(last) or later, found \(now)"
        case .overflow(let account, let counter): "account \(account): \(counter) leaves the range of 64 bits"
        case .conflict(let field, let expected, let actual):
            "\(field): expected \(expected) as in the first request of this id, found \(actual)"
        case .legTaken(let job, let attempt, let leg):
            "leg: expected one not used by job \(job) attempt \(attempt), found \(leg)"
        case .verdictMissing(let hold): "verdict: expected a digest for the legs of hold \(hold), found none"
        case .malformed(let error): error.description
        case .invariant(let invariant, let detail): "ledger invariant \(invariant.rawValue) does not hold: \(detail)"
        case .settlementStopped(let reason): "settlement is stopped: \(reason)"
        case .fenced(let name, let epoch, let current):
            "fence \(name): expected epoch \(current), found \(epoch); another process has taken over"
        case .storeBusy(let queued): "store: \(queued) batches are waiting already"
        case .noLedger(_, let detail): detail
        case .storage(let detail): "store: \(detail)"
        }
    }
}
