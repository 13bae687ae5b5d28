// Transfers, holds and their resolutions: the immutable records from which every balance follows.
public import Commitments

/// What a transfer does.
public enum TransferKind: String, Sendable, CaseIterable {
    /// Money enters: issuer → any other account.
    case credit
    /// Money leaves: any other account → issuer.
    case withdraw
    /// Money moves at once between two accounts that are not issuers.
    case direct
    /// Money is set aside until a resolution or an expiry (two-phase transfer, phase one).
    case hold
    /// A part of a hold goes to the receiver of a leg (phase two).
    case post
    /// What a resolution does not post goes back to the debited account.
    case void
    /// The whole of a hold goes back because its time is over.
    case expire
}

/// One movement of money, never changed after it was made.
public struct Transfer: Sendable, Equatable {
    /// The client's name for it; resolutions derive the names of their legs.
    public var id: TransferID
    /// Where the money comes from.
    public var debit: AccountID
    /// Where it goes to.
    public var credit: AccountID
    /// Minor units, more than zero.
    public var amount: Int64
    /// The currency of both accounts.
    public var currency: String
    public var kind: TransferKind
    /// For `post`, `void` and `expire`: the hold that it resolves.
    public var pendingID: TransferID?
    /// The job that it belongs to. With `attempt` and `leg` it is unique over the whole ledger (I4).
    public var job: Digest?
    /// The attempt at the job, counted by the engine.
    public var attempt: UInt32
    /// What the movement is within job and attempt: `escrow`, `provider`, `fee`; at most 64 bytes.
    public var leg: String
    /// The digest of the verdict that allows it. Every `post` has one (I5).
    public var verdict: Digest?
    /// The digest of the ruleset by which the amount was computed.
    public var ruleset: Digest?
    /// When the ledger made it, in engine seconds. Written by the book; whatever a client puts here is replaced.
    public var at: Int64

    /// A transfer to be applied; its time is set when it is.
    public init(
        id: TransferID,
        debit: AccountID,
        credit: AccountID,
        amount: Int64,
        currency: String,
        kind: TransferKind,
        pendingID: TransferID? = nil,
        job: Digest? = nil,
        attempt: UInt32 = 0,
        leg: String = "",
        verdict: Digest? = nil,
        ruleset: Digest? = nil,
        at: Int64 = 0
    ) {
        self.id = id
        self.debit = debit
        self.credit = credit
        self.amount = amount
        self.currency = currency
        self.kind = kind
        self.pendingID = pendingID
        self.job = job
        self.attempt = attempt
        self.leg = leg
        self.verdict = verdict
        self.ruleset = ruleset
        self.at = at
    }
}

/// Money set aside by a `hold` transfer.
public struct Hold: Sendable, Equatable {
    /// The transfer of kind `hold` that made it.
    public let transfer: Transfer
    /// From this engine second on an `expire` operation gives the money back.
    public let expiresAt: Int64

    /// The hold's name, which is its transfer's.
    public var id: TransferID { transfer.id }
    /// How much is set aside, in minor units.
    public var amount: Int64 { transfer.amount }
}

/// One part of a hold on its way to a receiver.
public struct Leg: Sendable, Equatable {
    public var credit: AccountID
    /// Minor units, more than zero.
    public var amount: Int64
    /// The leg's name within job and attempt, unique in its resolution; at most 64 bytes.
    public var name: String

    /// Pays `amount` of a hold to `credit`.
    public init(credit: AccountID, amount: Int64, name: String) {
        self.credit = credit
        self.amount = amount
        self.name = name
    }
}

/// The one operation that ends a hold: posts its legs and gives the rest back.
public struct Resolution: Sendable, Equatable {
    /// The client's name for this operation.
    public var id: TransferID
    /// The hold that it ends.
    public var hold: TransferID
    /// What is paid out of it; an empty list gives everything back.
    public var legs: [Leg]
    /// The attempt that the legs are recorded under (I4); the hold's own attempt may be an earlier one. Without legs it is
    /// recorded nowhere, and a request that comes again with another one is the same request.
    public var attempt: UInt32
    /// The digest of the verdict that allows the legs; demanded as soon as there is one (I5).
    public var verdict: Digest?
    /// The digest of the ruleset by which the legs were computed.
    public var ruleset: Digest?

    /// Ends `hold` by paying `legs` and returning what they leave.
    public init(
        id: TransferID,
        hold: TransferID,
        legs: [Leg],
        attempt: UInt32,
        verdict: Digest? = nil,
        ruleset: Digest? = nil
    ) {
        self.id = id
        self.hold = hold
        self.legs = legs
        self.attempt = attempt
        self.verdict = verdict
        self.ruleset = ruleset
    }
}

/// How a hold ended.
public struct HoldResolution: Sendable, Equatable {
    /// The operation that ended it.
    public let id: TransferID
    public let hold: Hold
    /// `post` when something was paid, `void` when all went back on request, `expire` when time did it.
    public let outcome: TransferKind
    /// What was paid out, in minor units.
    public let posted: Int64
    /// What went back; `posted + returned` is the hold's amount (I3).
    public let returned: Int64
    /// When, in engine seconds.
    public let at: Int64
}
