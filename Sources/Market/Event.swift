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
    /// The job's own files break a rule, so that nobody can run it as specified.
    case refuse(job: Digest, reason: Reason)
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
    /// A requester adds money and time to a metered job.
    case topUp(ToppingUp)
    /// A node says how far it has come.
    case read(job: Digest, attempt: UInt32, node: VerifyingKey, reading: Job.Reading)
    /// The requester wants no more: nothing more is done for the job, and what was done is paid for where the terms allow that.
    case close(job: Digest)
    /// The engine has lost what the job needs.
    case fail(job: Digest, reason: Reason)
    /// Time has passed.
    case tick
}

/// A requester's top-up whose signature has been checked.
public struct ToppingUp: Sendable, Equatable {
    public var job: Digest
    /// Which top-up of the job it is, from 1.
    public var number: UInt32
    /// Minor units.
    public var amount: Int64
    /// Seconds by which the present deadline moves.
    public var seconds: Int64

    /// A top-up.
    public init(job: Digest, number: UInt32, amount: Int64, seconds: Int64) {
        self.job = job
        self.number = number
        self.amount = amount
        self.seconds = seconds
    }
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
    /// What the validator found.
    public var reason: Reason

    /// A decision whose signature has been checked.
    public init(
        job: Digest,
        attempt: UInt32,
        validator: VerifyingKey,
        executionDigest: Digest,
        verdictDigest: Digest,
        outcome: Outcome,
        fault: Fault,
        reason: Reason
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
public struct Ending: Sendable, Equatable {
    /// The job as it stood when it ended.
    public var job: Job
    public var outcome: Outcome
    public var fault: Fault
    public var reason: Reason
    /// The deciding verdict document; `nil` when no validator decided.
    public var verdictDigest: Digest?
    /// What the payments name as their reason: the verdict, or the engine's own decision (`EngineDecision`).
    public var decision: Digest
    /// Where the money went.
    public var settlement: Settlement
    /// Engine seconds.
    public var settledAt: Int64
    /// The jobs that were settled in the same event, itself among them, when their gang settles together.
    public var gang: [GangLeg]?
}

/// Why a job ended as it did, or stands where it stands.
public struct Reason: Sendable, Equatable {
    /// A stable code for programs: `verified`, `no-node`, the id of a failed check.
    public var code: String
    /// A sentence for people, at most 1,024 bytes.
    public var text: String

    /// Names a reason. A code is made of letters, digits, `.`, `_` and `-`, as receipts demand: any other character becomes
    /// `-`, and what is beyond 64 characters is cut, as is a text that is too long; part of both may come from a peer.
    public init(code: String, text: String) {
        let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-".utf8)
        let name = code.utf8.prefix(64).map { allowed.contains($0) ? $0 : UInt8(ascii: "-") }
        self.code = name.isEmpty ? "unnamed" : String(decoding: name, as: UTF8.self)
        var room = 1024
        self.text = String(
            text.prefix { character in
                room -= character.utf8.count
                return room >= 0
            }
        )
    }
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
    public var endings: [Ending] = []

    /// Nothing.
    public init() {}

    /// Whether nothing has to be written.
    public var isEmpty: Bool {
        ledger.isEmpty && jobs.isEmpty && nodes.isEmpty && leases.isEmpty && endings.isEmpty
    }
}
