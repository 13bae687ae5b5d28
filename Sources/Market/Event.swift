// What can happen to the market, and what follows from it.
public import Commitments
public import Ledger
public import Receipts
public import Signatures
public import Verdicts

/// Something that happened. Signatures have been checked before an event is made.
public enum Event: Sendable, Equatable {
    /// An account is opened.
    case openAccount(Account)
    /// Money moves by somebody's signed order outside of jobs: credit, withdrawal, stake.
    case transfer(Transfer)
    /// A requester's order for a job.
    case submit(Submission)
    /// Every file of the job has arrived and hashes to its identifier.
    case filesPresent(job: Digest)
    /// A node says what it offers, or offers something else from now on.
    case register(Node)
    /// A node asks for work, which also says that it is alive.
    case nodeSeen(VerifyingKey)
    /// A node binds itself to a result.
    case commit(job: Digest, attempt: UInt32, node: VerifyingKey, claim: Job.Claim)
    /// Every output has arrived and hashes to what the node bound itself to.
    case outputsPresent(job: Digest, attempt: UInt32)
    /// A node gives its lease back without a result.
    case abandon(job: Digest, attempt: UInt32, node: VerifyingKey, reason: String)
    /// A validator asks for work.
    case validatorSeen(VerifyingKey)
    /// A validator's verdict on the committed execution.
    case judge(Judgement)
    /// Time has passed.
    case tick
}

/// A requester's order with what the engine needs of its spec.
public struct Submission: Sendable, Equatable {
    public var id: Digest
    public var requester: VerifyingKey
    public var account: AccountID
    public var nonce: Digest
    public var orderDigest: Digest
    public var specDigest: Digest
    public var spec: JobSpec

    /// An order whose signature and ids have been checked.
    public init(
        id: Digest,
        requester: VerifyingKey,
        account: AccountID,
        nonce: Digest,
        orderDigest: Digest,
        specDigest: Digest,
        spec: JobSpec
    ) {
        self.id = id
        self.requester = requester
        self.account = account
        self.nonce = nonce
        self.orderDigest = orderDigest
        self.specDigest = specDigest
        self.spec = spec
    }
}

/// A validator's decision about one execution.
public struct Judgement: Sendable, Equatable {
    public var job: Digest
    public var attempt: UInt32
    public var validator: VerifyingKey
    public var executionDigest: Digest
    /// The digest of the signed verdict document.
    public var verdictDigest: Digest
    public var outcome: Outcome
    public var fault: Fault
    /// What the validator found, in a sentence.
    public var reason: String

    /// A decision whose signature has been checked.
    public init(
        job: Digest,
        attempt: UInt32,
        validator: VerifyingKey,
        executionDigest: Digest,
        verdictDigest: Digest,
        outcome: Outcome,
        fault: Fault,
        reason: String
    ) {
        self.job = job
        self.attempt = attempt
        self.validator = validator
        self.executionDigest = executionDigest
        self.verdictDigest = verdictDigest
        self.outcome = outcome
        self.fault = fault
        self.reason = reason
    }
}

/// How a job ended, with every amount: what the receipt says.
public struct Settlement: Sendable, Equatable {
    /// One payment.
    public struct Payment: Sendable, Equatable {
        public var leg: String
        /// What the leg is a share of.
        public var base: String
        public var account: AccountID
        public var amount: Int64
        public var transfer: TransferID
    }

    /// What became of the node's stake.
    public struct Stake: Sendable, Equatable {
        public var held: Int64
        public var slashed: Int64
        public var payments: [Payment]
        public var released: Int64 { held - slashed }
    }

    /// The job as it stood when it ended.
    public var job: Job
    public var outcome: Outcome
    public var fault: Fault
    /// A sentence.
    public var reason: String
    /// The deciding verdict document; `nil` when no validator decided.
    public var verdictDigest: Digest?
    public var gross: Int64
    public var payments: [Payment]
    public var stake: Stake?
    /// Engine seconds.
    public var settledAt: Int64
    public var refunded: Int64 { job.held - gross }
}

/// What an event changed. The caller makes all of it durable in one transaction before it answers anybody.
public struct Effects: Sendable, Equatable {
    /// What the book did, in order.
    public var ledger: [LedgerEffects] = []
    /// Open jobs that changed.
    public var jobs: [Job] = []
    /// Nodes that changed.
    public var nodes: [Node] = []
    /// Leases that were made: the job's assignment says to whom.
    public var leases: [Job] = []
    /// Jobs that ended.
    public var settlements: [Settlement] = []

    /// Nothing.
    public init() {}

    /// Whether nothing has to be written.
    public var isEmpty: Bool {
        ledger.isEmpty && jobs.isEmpty && nodes.isEmpty && leases.isEmpty && settlements.isEmpty
    }
}
