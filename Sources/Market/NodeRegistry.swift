// The nodes of a market, in memory: who has been heard of lately, who is idle, cheapest first. A heartbeat touches nothing
// else, and no row is written for it.
internal import Commitments
internal import Replay
internal import Signatures

/// Nodes by key, and the idle ones among them in the order in which they get work.
struct NodeRegistry: Sendable {
    private struct Ask: Comparable, Sendable {
        let price: UInt64
        let key: VerifyingKey

        static func < (left: Ask, right: Ask) -> Bool {
            left.price == right.price
                ? left.key.bytes.lexicographicallyPrecedes(right.key.bytes) : left.price < right.price
        }
    }

    private struct Heartbeat: Comparable, Sendable {
        let at: Int64
        let key: VerifyingKey

        static func < (left: Heartbeat, right: Heartbeat) -> Bool {
            left.at == right.at ? left.key.bytes.lexicographicallyPrecedes(right.key.bytes) : left.at < right.at
        }
    }

    private struct NodeClass: Hashable, Sendable {
        let kind: DeviceDescription.Kind
        let memoryBits: Int
    }

    /// Registered nodes, by key.
    private(set) var nodes: [VerifyingKey: Node] = [:]
    /// When a node that is online was last heard of. Lives in memory only: after a restart a node is unknown until it calls.
    private var lastSeen: [VerifyingKey: Int64] = [:]
    private var heartbeats = SortedSet<Heartbeat>()
    private var idle: [NodeClass: SortedSet<Ask>] = [:]
    private var busy: Set<VerifyingKey> = []
    private var tally = NodeTally()

    /// The most idle nodes of one class that are looked at for one job. A node beyond that gets the job when it asks itself.
    private static let candidatesMax = 256
    /// The most idle nodes whose stake is looked at to say why a job waits.
    static let examinedMax = 1024

    init(_ nodes: [Node]) {
        self.nodes = Dictionary(nodes.map { ($0.key, $0) }) { first, _ in first }
        for node in self.nodes.values { tally.add(node, .offline) }
    }

    /// When a node was last heard of; `nil` when that is too long ago, or never was.
    func lastHeard(of key: VerifyingKey) -> Int64? { lastSeen[key] }

    /// How many nodes were heard of since `moment`.
    func onlineCount(since moment: Int64) -> Int {
        lastSeen.count - heartbeats.prefix { $0.at < moment }.count
    }

    private func isOnline(_ key: VerifyingKey) -> Bool { lastSeen[key] != nil }

    /// Whether a node may get work at once.
    func isIdle(_ key: VerifyingKey) -> Bool { activity(of: key) == .idle }

    private func activity(of key: VerifyingKey) -> NodeTally.Activity {
        if busy.contains(key) { return .busy }
        return isOnline(key) ? .idle : .offline
    }

    /// Notes what a node offers, and that it is there.
    mutating func register(_ node: Node, at: Int64) {
        let activity = activity(of: node.key)
        if activity == .idle { leave(node.key) }
        if let old = nodes.updateValue(node, forKey: node.key) { tally.remove(old, activity) }
        tally.add(node, activity)
        if activity == .idle { enter(node) }
        seen(node.key, at: at)
    }

    /// Notes that a node is there.
    mutating func seen(_ key: VerifyingKey, at: Int64) {
        guard let node = nodes[key] else { return }
        let last = lastSeen.updateValue(at, forKey: key)
        guard last != at else { return }
        if let last {
            heartbeats.remove(Heartbeat(at: last, key: key))
        } else if !busy.contains(key) {
            tally.remove(node, .offline)
            tally.add(node, .idle)
            enter(node)
        }
        heartbeats.insert(Heartbeat(at: at, key: key))
    }

    /// Takes nodes that have been silent since before `moment` for gone.
    mutating func sweep(before moment: Int64) {
        while let first = heartbeats.first, first.at < moment {
            if !busy.contains(first.key), let node = nodes[first.key] {
                leave(first.key)
                tally.remove(node, .idle)
                tally.add(node, .offline)
            }
            heartbeats.remove(first)
            lastSeen[first.key] = nil
        }
    }

    /// Notes that a node got work, or is free again.
    mutating func setBusy(_ key: VerifyingKey, _ isBusy: Bool) {
        guard isBusy != busy.contains(key) else { return }
        let node = nodes[key]
        if let node { tally.remove(node, activity(of: key)) }
        if isBusy {
            if isOnline(key) { leave(key) }
            busy.insert(key)
        } else {
            busy.remove(key)
            if isOnline(key), let node { enter(node) }
        }
        if let node { tally.add(node, activity(of: key)) }
    }

    /// The cheapest idle node that can take `job` and `fits`; among equal ones the one with the least key.
    func cheapestIdle(for job: Job, where fits: (Node) -> Bool) -> Node? {
        var best: Ask?
        for (name, asks) in idle where name.memoryBits >= job.device.memoryBytes.bits {
            switch (job.device.kind, name.kind) {
            case (.cpu, .gpu), (.gpu, .cpu): continue
            default: break
            }
            for (index, ask) in asks.enumerated() {
                if index == Self.candidatesMax || ask.price > job.maxPerMegaUnit { break }
                if let best, best < ask { break }
                guard let node = nodes[ask.key], node.mismatch(with: job) == nil, fits(node) else { continue }
                best = ask
                break
            }
        }
        return best.flatMap { nodes[$0.key] }
    }

    /// How many nodes cannot take `job`, by reason. Costs a look at every offer that differs from the others, and at
    /// `examinedMax` nodes.
    /// - Parameters:
    ///   - moment: nodes that have been silent since before it are offline.
    ///   - hasStake: whether a node can put up what the job demands.
    func mismatches(
        with job: Job,
        silentSince moment: Int64,
        hasStake: (Node) -> Bool
    ) -> [Mismatch: Int] {
        var counts: [Mismatch: Int] = [:]
        var free = NodeTally.Count()
        for (offering, count) in tally.counts {
            if let reason = offering.mismatch(with: job) {
                counts[reason, default: 0] += count.all
            } else {
                free.idle += count.idle
                free.busy += count.busy
                free.offline += count.offline
            }
        }
        // Nodes that tried are counted as such, whatever they do now.
        for key in Set(job.history.map(\.node)) {
            guard let node = nodes[key], NodeTally.Offering(node).mismatch(with: job) == nil else { continue }
            counts[.triedBefore, default: 0] += 1
            free.add(-1, activity(of: key))
        }
        // Silent nodes that nobody has swept yet.
        for silent in heartbeats.prefix(while: { $0.at < moment }) where !busy.contains(silent.key) {
            guard let node = nodes[silent.key], node.mismatch(with: job) == nil else { continue }
            free.add(-1, .idle)
            free.add(1, .offline)
        }
        counts[.busy] = free.busy
        counts[.offline] = free.offline
        let (examined, poor) = idleWithoutStake(for: job, silentSince: moment, hasStake)
        counts[.stake] = poor
        counts[.unexamined] = free.idle - examined
        return counts.filter { $0.value > 0 }
    }

    /// Looks at idle nodes that fit `job`, cheapest first.
    private func idleWithoutStake(
        for job: Job,
        silentSince moment: Int64,
        _ hasStake: (Node) -> Bool
    ) -> (examined: Int, poor: Int) {
        var (looks, examined, poor) = (0, 0, 0)
        for (name, asks) in idle where name.memoryBits >= job.device.memoryBytes.bits {
            switch (job.device.kind, name.kind) {
            case (.cpu, .gpu), (.gpu, .cpu): continue
            default: break
            }
            for ask in asks {
                guard looks < Self.examinedMax else { return (examined, poor) }
                if ask.price > job.maxPerMegaUnit { break }
                looks += 1
                guard let node = nodes[ask.key], node.mismatch(with: job) == nil,
                    let heard = lastSeen[ask.key], heard >= moment
                else { continue }
                examined += 1
                if !hasStake(node) { poor += 1 }
            }
        }
        return (examined, poor)
    }

    private mutating func enter(_ node: Node) {
        let name = NodeClass(kind: node.deviceKind, memoryBits: node.memoryBytes.bits)
        idle[name, default: SortedSet()].insert(Ask(price: node.askPerMegaUnit, key: node.key))
    }

    private mutating func leave(_ key: VerifyingKey) {
        guard let node = nodes[key] else { return }
        let name = NodeClass(kind: node.deviceKind, memoryBits: node.memoryBytes.bits)
        idle[name]?.remove(Ask(price: node.askPerMegaUnit, key: key))
    }
}
