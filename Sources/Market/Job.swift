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
        /// Accepted, and waiting for the rest of a gang that settles together. Never complete: refunded, all of them.
        case judged
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
        /// The work that was done: all of the job's, or that of its first steps.
        public var workUnits: UInt64

        /// A node's claim.
        public init(executionDigest: Digest, outputRoot: Digest, workUnits: UInt64) {
            self.executionDigest = executionDigest
            self.outputRoot = outputRoot
            self.workUnits = workUnits
        }
    }

    /// How far the node says it has come.
    public struct Reading: Sendable, Equatable {
        /// The digest of the signed reading.
        public var digest: Digest
        /// Which reading under this lease it is, from 1.
        public var sequence: Int64
        /// Work units since the beginning.
        public var workUnits: UInt64
        /// Microseconds since the beginning; informative.
        public var wallMicroseconds: UInt64

        /// A node's reading.
        public init(digest: Digest, sequence: Int64, workUnits: UInt64, wallMicroseconds: UInt64) {
            self.digest = digest
            self.sequence = sequence
            self.workUnits = workUnits
            self.wallMicroseconds = wallMicroseconds
        }
    }

    /// What a validator found of a job that is settled with others.
    public struct Finding: Sendable, Equatable {
        /// The digest of the signed verdict document.
        public var verdictDigest: Digest
        public var reason: Reason
    }

    /// Why a node was asked to hand over what it has.
    public enum Yield: String, Sendable, CaseIterable {
        /// Its device is wanted for a job that may not be cut short.
        case preempted
        /// The requester has had enough.
        case closed
    }

    /// An attempt that came to an end.
    public struct PastAttempt: Sendable, Equatable {
        public var attempt: UInt32
        public var node: VerifyingKey
        /// A stable word: `silent`, `abandoned`, `preempted`, `closed`, `accepted`, `rejected`, `requesterFault`,
        /// `inconclusive`.
        public var end: String
        /// What stays held of the node's stake until the job ends, because it was silent; in minor units.
        public var penalty: Int64 = 0
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
    /// How the job is paid for beside the price.
    public let terms: JobSpec.Terms
    public let workUnits: UInt64
    /// The most that the requester pays, in minor units per million work units.
    public let maxPerMegaUnit: UInt64
    public let device: ReplaySpec.DeviceRequirement
    public let deadlines: JobSpec.Deadlines
    /// How many attempts may be made.
    public let attemptsAllowed: UInt32
    /// Engine seconds.
    public let submittedAt: Int64

    /// Minor units held for the job, top-ups included.
    public internal(set) var held: Int64
    /// How many top-ups there were.
    public internal(set) var topUps: UInt32 = 0
    /// Where the job stands.
    public internal(set) var phase: Phase
    /// When the engine acts by itself, in engine seconds.
    public internal(set) var deadline: Int64
    /// The current attempt, from 1; 0 before the first lease. It is the lease's fencing epoch.
    public internal(set) var attempt: UInt32 = 0
    public internal(set) var assignment: Assignment?
    public internal(set) var claim: Claim?
    /// The last meter reading under the current lease.
    public internal(set) var reading: Reading?
    /// Why the node is to hand over what it has, if it is.
    public internal(set) var yield: Yield?
    /// The validator that has the job, while it has it; in phase `judged` the one that accepted it.
    public internal(set) var validator: VerifyingKey?
    /// What was found, in phase `judged`.
    public internal(set) var finding: Finding?
    /// How many validators were drawn for this attempt.
    public internal(set) var draws: UInt32 = 0
    public internal(set) var history: [PastAttempt] = []

    /// The id of the hold on the requester's account; each top-up replaces the hold by a larger one.
    public var holdID: TransferID {
        guard topUps > 0 else { return TransferID(deriving: Array("job-hold".utf8), id.bytes) }
        return TransferID(deriving: Array("job-hold".utf8), id.bytes, Array(String(topUps).utf8))
    }

    /// What was held when the job was ordered, which is also what the node's stake is measured by.
    var firstHold: Int64 {
        let units = terms.depositUnits ?? workUnits
        return Int64(max(1, Charge.amount(workUnits: units, pricePerMegaUnit: maxPerMegaUnit) ?? 0))
    }

    /// The id of the hold of the requester's bond.
    public var bondHoldID: TransferID { TransferID(deriving: Array("bond-hold".utf8), id.bytes) }

    /// The id of the hold of what a silent node's stake loses when the job ends.
    public func penaltyHoldID(attempt: UInt32) -> TransferID {
        TransferID(deriving: Array("penalty-hold".utf8), id.bytes, Array(String(attempt).utf8))
    }

    /// The work units that the hold covers at the lease's price, at most all; 0 without a lease.
    public var coveredUnits: UInt64 {
        guard let assignment else { return 0 }
        return min(
            workUnits,
            Charge.units(coveredBy: UInt64(held), pricePerMegaUnit: assignment.pricePerMegaUnit)
        )
    }

    /// The work that the node says it has done under the current lease.
    public var meteredUnits: UInt64 { claim?.workUnits ?? reading?.workUnits ?? 0 }

    /// The id of the hold on the node's stake for an attempt.
    public func stakeHoldID(attempt: UInt32) -> TransferID {
        TransferID(deriving: Array("stake-hold".utf8), id.bytes, Array(String(attempt).utf8))
    }
}

extension JobSpec.Terms {
    /// The bond as the ledger counts it; the reader of specs keeps it within 63 bits.
    var bondUnits: Int64 { Int64(bond) }
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
        if let mismatch = NodeTally.Offering(self).mismatch(with: job) { return mismatch }
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
    /// The node is idle and fits, and so do so many others that its stake was not looked at.
    case unexamined
}
