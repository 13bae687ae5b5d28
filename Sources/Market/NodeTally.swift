// How many nodes offer the same, and how many of them could not work now: what says why a job waits without a look at every
// node.
internal import Replay

/// Nodes counted by what they offer.
struct NodeTally: Sendable {
    /// What a node offers. Nodes that offer the same are passed over for the same reason, whatever the job.
    struct Offering: Hashable, Sendable {
        let kind: DeviceDescription.Kind
        let memoryBytes: UInt64
        let askPerMegaUnit: UInt64

        init(_ node: Node) {
            kind = node.deviceKind
            memoryBytes = node.memoryBytes
            askPerMegaUnit = node.askPerMegaUnit
        }

        /// Why no node with this offer can take `job`; `nil` when one could.
        func mismatch(with job: Job) -> Mismatch? {
            switch (job.device.kind, kind) {
            case (.cpu, .gpu), (.gpu, .cpu): return .deviceClass
            default: break
            }
            if memoryBytes < job.device.memoryBytes { return .memory }
            return askPerMegaUnit > job.maxPerMegaUnit ? .price : nil
        }
    }

    /// What a node does: one of these.
    enum Activity: Sendable {
        case idle
        case busy
        case offline
    }

    /// Nodes of one offering.
    struct Count: Sendable, Equatable {
        var idle = 0
        var busy = 0
        var offline = 0

        var all: Int { idle + busy + offline }

        mutating func add(_ number: Int, _ activity: Activity) {
            switch activity {
            case .idle: idle += number
            case .busy: busy += number
            case .offline: offline += number
            }
        }
    }

    private(set) var counts: [Offering: Count] = [:]

    /// Counts a node.
    mutating func add(_ node: Node, _ activity: Activity) {
        counts[Offering(node), default: Count()].add(1, activity)
    }

    /// Counts a node no more.
    mutating func remove(_ node: Node, _ activity: Activity) {
        let offering = Offering(node)
        counts[offering]?.add(-1, activity)
        if counts[offering]?.all == 0 { counts[offering] = nil }
    }
}
