// The orders in which open jobs are looked at: by deadline, by age, by what a node must have to take them. Every change of a
// job goes through `replace`, so that no question is answered by looking at all jobs.
internal import Commitments
internal import Dispatch
internal import Receipts
internal import Replay
internal import Synchronization

/// A job at a moment: the key of the engine's orders.
struct JobMoment: Comparable, Hashable, Sendable {
    /// Engine seconds.
    let at: Int64
    let id: Digest

    static func < (left: JobMoment, right: JobMoment) -> Bool {
        left.at == right.at ? left.id < right.id : left.at < right.at
    }
}

/// What a node must have for an offered job, in powers of two: jobs of one class can be passed over together.
struct OfferClass: Hashable, Sendable {
    let kind: ReplaySpec.DeviceRequirement.Kind
    let memoryBits: Int
    let priceBits: Int
    let stakeBits: Int

    init(_ job: Job, stake: Int64) {
        kind = job.device.kind
        memoryBits = job.device.memoryBytes.bits
        priceBits = job.maxPerMegaUnit.bits
        stakeBits = UInt64(stake).bits
    }

    /// Whether some job of this class may fit.
    func mayFit(_ node: Node, available: Int64) -> Bool {
        switch (kind, node.deviceKind) {
        case (.cpu, .gpu), (.gpu, .cpu): false
        default:
            memoryBits <= node.memoryBytes.bits && priceBits >= node.askPerMegaUnit.bits
                && stakeBits <= UInt64(Swift.max(0, available)).bits
        }
    }
}

extension UInt64 {
    /// The number of significant bits.
    var bits: Int { Self.bitWidth - leadingZeroBitCount }
}

/// Open jobs in every order that the engine needs.
struct JobIndex: Sendable {
    private(set) var byDeadline = SortedSet<JobMoment>()
    private(set) var byAge = SortedSet<JobMoment>()
    /// Offered jobs that one node alone can take.
    private(set) var offers: [OfferClass: SortedSet<JobMoment>] = [:]
    /// Offered jobs that start with their whole gang only.
    private(set) var gangOffers = SortedSet<JobMoment>()
    /// Jobs that wait for a validator.
    private(set) var unjudged = SortedSet<JobMoment>()
    /// Leased jobs that may be cut short and have not been asked to be.
    private(set) var preemptible = SortedSet<JobMoment>()
    /// How many jobs are in each phase.
    private(set) var counts: [Job.Phase: Int] = [:]
    /// Minor units held for open jobs.
    private(set) var held: Int64 = 0

    private let stake: @Sendable (Job) -> Int64

    /// An index of `jobs`, each id once.
    ///
    /// A start waits for it: the jobs are looked at once, and the two orders that have all of them are sorted side by side.
    /// - Parameter stake: what a node must put up for a job.
    init(_ jobs: [Job], stake: @escaping @Sendable (Job) -> Int64) {
        self.stake = stake
        var orders: [[JobMoment]] = [[], []]
        for place in orders.indices { orders[place].reserveCapacity(jobs.count) }
        var (waiting, yielding, gangs): ([JobMoment], [JobMoment], [JobMoment]) = ([], [], [])
        var alone: [OfferClass: [JobMoment]] = [:]
        for job in jobs {
            let age = job.age
            orders[0].append(JobMoment(at: job.deadline, id: job.id))
            orders[1].append(age)
            counts[job.phase, default: 0] += 1
            held += job.held + job.terms.bondUnits
            if job.isUnjudged { waiting.append(age) }
            if job.canYield { yielding.append(age) }
            guard job.phase == .offered else { continue }
            if job.waitsForGang {
                gangs.append(age)
            } else {
                alone[OfferClass(job, stake: stake(job)), default: []].append(age)
            }
        }
        let unsorted = orders
        let sorted = Mutex([SortedSet<JobMoment>](repeating: SortedSet(), count: unsorted.count))
        DispatchQueue.concurrentPerform(iterations: unsorted.count) { place in
            let set = SortedSet(unsorted[place])
            sorted.withLock { $0[place] = set }
        }
        (byDeadline, byAge) = sorted.withLock { ($0[0], $0[1]) }
        unjudged = SortedSet(waiting)
        preemptible = SortedSet(yielding)
        gangOffers = SortedSet(gangs)
        offers = alone.mapValues { SortedSet($0) }
    }

    /// Follows a change of one job: from `old`, `nil` for a new one, to `new`, `nil` for one that ended.
    mutating func replace(_ old: Job?, with new: Job?) {
        if let old {
            byDeadline.remove(JobMoment(at: old.deadline, id: old.id))
            if new == nil { byAge.remove(old.age) }
            counts[old.phase, default: 0] -= 1
            held -= old.held + old.terms.bondUnits
            if old.isUnjudged { unjudged.remove(old.age) }
            if old.canYield { preemptible.remove(old.age) }
            if old.phase == .offered { removeOffer(old) }
        }
        guard let new else { return }
        byDeadline.insert(JobMoment(at: new.deadline, id: new.id))
        if old == nil { byAge.insert(new.age) }
        counts[new.phase, default: 0] += 1
        held += new.held + new.terms.bondUnits
        if new.isUnjudged { unjudged.insert(new.age) }
        if new.canYield { preemptible.insert(new.age) }
        guard new.phase == .offered else { return }
        if new.waitsForGang {
            gangOffers.insert(new.age)
        } else {
            offers[OfferClass(new, stake: stake(new)), default: SortedSet()].insert(new.age)
        }
    }

    private mutating func removeOffer(_ job: Job) {
        guard !job.waitsForGang else { return gangOffers.remove(job.age) }
        let name = OfferClass(job, stake: stake(job))
        offers[name]?.remove(job.age)
        if offers[name]?.isEmpty ?? false { offers[name] = nil }
    }

    /// The oldest offered job that `fits`, among those of classes that `node` may fit.
    func oldestOffer(for node: Node, available: Int64, where fits: (Digest) -> Bool) -> JobMoment? {
        var best: JobMoment?
        for (name, jobs) in offers where name.mayFit(node, available: available) {
            for job in jobs {
                if let best, best < job { break }
                guard fits(job.id) else { continue }
                best = job
                break
            }
        }
        return best
    }
}

extension Job {
    /// Where the job stands among all: first submitted first.
    var age: JobMoment { JobMoment(at: submittedAt, id: id) }
    /// Whether it waits for a validator.
    var isUnjudged: Bool { phase == .verifying && validator == nil }
    /// Whether its first lease must come together with those of its gang.
    var waitsForGang: Bool { terms.gang != nil && attempt == 0 }
    /// Whether its node could be asked to stop early.
    var canYield: Bool { phase == .assigned && terms.isPreemptible && yield == nil }
}
