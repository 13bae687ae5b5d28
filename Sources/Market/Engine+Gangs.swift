// Gangs: jobs of one requester of which all get a node in the same event, or none does. Once they have started, each goes its
// own way: it is judged, paid and, if need be, offered again alone.
internal import Commitments
internal import Ledger
internal import Receipts
internal import Signatures
internal import Verdicts

extension Engine {
    /// The most gangs that are tried when one node asks for work.
    private static let gangsTried = 16

    /// Refuses a job whose place in its gang is taken, or that thinks differently of the gang's size.
    func checkPlace(of job: Job) throws(MarketError) {
        guard let key = job.gangKey, let gang = job.terms.gang, let members = gangs[key] else { return }
        if let other = members[gang.index], other != job.id {
            throw .conflict(field: "terms.gang.index", expected: "job \(other)", actual: "job \(job.id)")
        }
        let size = members.values.lazy.compactMap { jobs[$0]?.terms.gang?.size }.first
        guard size == nil || size == gang.size else {
            throw .conflict(field: "terms.gang.size", expected: "\(size ?? 0)", actual: "\(gang.size)")
        }
    }

    mutating func enterGang(_ job: Job) {
        guard let key = job.gangKey, let gang = job.terms.gang else { return }
        gangs[key, default: [:]][gang.index] = job.id
    }

    /// Takes a job out of those that wait for each other.
    mutating func leaveGang(_ job: Job) {
        guard let key = job.gangKey, let gang = job.terms.gang, gangs[key]?[gang.index] == job.id else { return }
        gangs[key]?[gang.index] = nil
        if gangs[key]?.isEmpty ?? false { gangs[key] = nil }
    }

    /// Leases every job of a gang at once, if all are offered and there is an idle node for each.
    mutating func assignGang(of job: Job, at: Int64, _ effects: inout Effects) throws(MarketError) {
        guard let key = job.gangKey, let size = job.terms.gang?.size, let places = gangs[key],
            places.count == Int(size)
        else { return }
        registry.sweep(before: at - configuration.nodeTimeoutSeconds)
        let members = places.sorted { $0.key < $1.key }.compactMap { jobs[$0.value] }
        guard members.allSatisfy({ $0.phase == .offered }) else { return }
        var taken: Set<VerifyingKey> = []
        var nodes: [Node] = []
        for member in members {
            let fits: (Node) -> Bool = { !taken.contains($0.key) && hasStake($0, for: member) }
            guard let node = registry.cheapestIdle(for: member, where: fits) else { return }
            taken.insert(node.key)
            nodes.append(node)
        }
        for (member, node) in zip(members, nodes) {
            guard try assign(member, to: node, at: at, &effects) else {
                // Every stake was there a moment ago, on an account of its own.
                throw .stopped(reason: "a gang's node has lost its stake while it was being leased")
            }
        }
    }

    /// Tries the oldest gangs that `node` could belong to and that are older than every other job for it.
    /// - Returns: whether the node has a lease now.
    mutating func joinGang(_ node: Node, at: Int64, _ effects: inout Effects) throws(MarketError) -> Bool {
        guard !index.gangOffers.isEmpty else { return false }
        let alone = oldestOffer(for: node)
        var tried: Set<GangKey> = []
        for moment in index.gangOffers {
            guard tried.count < Self.gangsTried, alone.map({ moment < $0 }) ?? true else { break }
            guard let job = jobs[moment.id], let key = job.gangKey, !tried.contains(key),
                mismatch(of: node, with: job, at: at) == nil
            else { continue }
            tried.insert(key)
            try assignGang(of: job, at: at, &effects)
            if leases[node.key] != nil { return true }
        }
        return false
    }

    /// Ends the rest of a gang when one of its jobs has ended before the gang could start.
    mutating func dissolveGang(of job: Job, at: Int64, _ effects: inout Effects) throws(MarketError) {
        guard job.waitsForGang, let key = job.gangKey, let members = gangs.removeValue(forKey: key) else { return }
        let reason = Reason(
            code: "gang-incomplete",
            text: "job \(job.id) of the same gang has ended before it could start"
        )
        for (_, id) in members.sorted(by: { $0.key < $1.key }) where id != job.id {
            guard let member = jobs[id] else { continue }
            try finish(member, .inconclusive, .environment, reason, end: "inconclusive", at: at, &effects)
        }
    }
}

extension Job {
    /// The gang that the job belongs to.
    var gangKey: Engine.GangKey? {
        terms.gang.map { Engine.GangKey(requester: requester, group: $0.group) }
    }
}
