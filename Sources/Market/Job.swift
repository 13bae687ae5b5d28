// A paid job on its way from the hold to the final transaction.
public import Commitments
public import Ledger
public import Receipts
public import Replay
public import Signatures

/// An open job. Final jobs leave the engine; their receipt and their row in the store remain.
public struct Job: Sendable, Equatable {
    /// Where a job stands. Every phase but `final` has one deadline, kept by the engine, and one default outcome.
    public enum Phase: String, Sendable, CaseIterable {
        /// The money is held; files are still to come. Silent: refunded, the requester's fault.
        case funded
        /// Offered to nodes. No match: refunded, nobody's fault.
        case offered
        /// Leased to a node. Silent: the lease is void, offered again or refunded.
        case assigned
        /// The node has committed to roots; outputs are still to come. Silent: as `assigned`.
        case committed
        /// Waiting for, or with, a validator. Silent: another one is drawn, at last refunded.
        case verifying
        /// Settled.
        case final
    }

    /// A lease of the job to a node.
    public struct Assignment: Sendable, Equatable {
        public var node: VerifyingKey
        /// The node's price when the lease was made, in minor units per million work units.
        public var pricePerMegaUnit: UInt64
        /// The stake held for this attempt, in minor units.
        public var stake: Int64
        /// Engine seconds.
        public var grantedAt: Int64
        /// Engine seconds.
        public var expiresAt: Int64
    }

    /// What the node bound itself to.
    public struct Claim: Sendable, Equatable {
        /// The digest of the signed execution statement.
        public var executionDigest: Digest
        /// The commitment to the outputs.
        public var outputRoot: Digest

        /// A node's claim.
        public init(executionDigest: Digest, outputRoot: Digest) {
            self.executionDigest = executionDigest
            self.outputRoot = outputRoot
        }
    }

    /// An attempt that came to an end.
    public struct PastAttempt: Sendable, Equatable {
        public var attempt: UInt32
        public var node: VerifyingKey
        /// A stable word: `silent`, `abandoned`, `accepted`, `rejected`, `requesterFault`, `inconclusive`.
        public var end: String
    }

    public let id: Digest
    public let name: String
    public let requester: VerifyingKey
    /// The payer account that holds the money.
    public let account: AccountID
    /// The requester's 32-byte nonce; with the requester's key it names the order once and for all.
    public let nonce: Digest
    public let orderDigest: Digest
    public let specDigest: Digest
    public let currency: String
    /// Minor units held for the job.
    public let held: Int64
    public let workUnits: UInt64
    /// The most that the requester pays, in minor units per million work units.
    public let maxPerMegaUnit: UInt64
    public let device: ReplaySpec.DeviceRequirement
    public let deadlines: JobSpec.Deadlines
    /// How many attempts may be made.
    public let attemptsAllowed: UInt32
    /// Engine seconds.
    public let submittedAt: Int64

    /// Where the job stands.
    public internal(set) var phase: Phase
    /// When the engine acts by itself, in engine seconds.
    public internal(set) var deadline: Int64
    /// The current attempt, from 1; 0 before the first lease. It is the lease's fencing epoch.
    public internal(set) var attempt: UInt32 = 0
    public internal(set) var assignment: Assignment?
    public internal(set) var claim: Claim?
    /// The validator that has the job, while it has it.
    public internal(set) var validator: VerifyingKey?
    /// How many validators were drawn for this attempt.
    public internal(set) var draws: UInt32 = 0
    public internal(set) var history: [PastAttempt] = []

    /// The id of the hold on the requester's account.
    public var holdID: TransferID { TransferID(deriving: Array("job-hold".utf8), id.bytes) }

    /// The id of the hold on the node's stake for an attempt.
    public func stakeHoldID(attempt: UInt32) -> TransferID {
        TransferID(deriving: Array("stake-hold".utf8), id.bytes, Array(String(attempt).utf8))
    }
}

/// A node that offers to run jobs.
public struct Node: Sendable, Equatable {
    public let key: VerifyingKey
    /// What kind of device runs the jobs.
    public var deviceKind: DeviceDescription.Kind
    /// The device's memory in bytes.
    public var memoryBytes: UInt64
    /// The node's price in minor units per million work units.
    public var askPerMegaUnit: UInt64

    /// Describes a node.
    public init(
        key: VerifyingKey,
        deviceKind: DeviceDescription.Kind,
        memoryBytes: UInt64,
        askPerMegaUnit: UInt64
    ) {
        self.key = key
        self.deviceKind = deviceKind
        self.memoryBytes = memoryBytes
        self.askPerMegaUnit = askPerMegaUnit
    }

    /// Why this node cannot take `job`; `nil` when it can.
    func mismatch(with job: Job) -> Mismatch? {
        switch (job.device.kind, deviceKind) {
        case (.cpu, .gpu), (.gpu, .cpu): return .deviceClass
        default: break
        }
        if memoryBytes < job.device.memoryBytes { return .memory }
        if askPerMegaUnit > job.maxPerMegaUnit { return .price }
        if job.history.contains(where: { $0.node == key }) { return .triedBefore }
        return nil
    }
}

/// Why a node was passed over for a job.
public enum Mismatch: String, Sendable, CaseIterable {
    case deviceClass
    case memory
    case price
    /// The node has tried this job before and did not finish it.
    case triedBefore
    /// The node works on another job.
    case busy
    /// The node has not been heard of lately.
    case offline
    /// The node's stake account cannot cover the stake.
    case stake
}
