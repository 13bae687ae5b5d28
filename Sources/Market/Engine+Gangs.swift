// Gangs: jobs of one requester of which all get a node in the same event, or none does. Once they have started, each is judged
// and, if need be, offered again alone; they are paid alone or, where their terms say so, all in one event or not at all.
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
        guard let key = job.gangKey, let gang = job.terms.gang else { return }
        guard together[key] == nil else {
            throw .conflict(field: "terms.gang.group", expected: "a gang that has not started", actual: key.group.hex)
        }
        guard let members = gangs[key] else { return }
        if let other = members[gang.index], other != job.id {
            throw .conflict(field: "terms.gang.index", expected: "job \(other)", actual: "job \(job.id)")
        }
        let size = members.values.lazy.compactMap { jobs[$0]?.terms.gang?.size }.first
        guard size == nil || size == gang.size else {
            throw .conflict(field: "terms.gang.size", expected: "\(size ?? 0)", actual: "\(gang.size)")
        }
        guard let first = members.values.lazy.compactMap({ jobs[$0] }).first, let settles = first.terms.gang?.settles
        else { return }
        guard settles == gang.settles else {
            throw .conflict(field: "terms.gang.settles", expected: settles.rawValue, actual: gang.settles.rawValue)
        }
        // What is held for each must outlast the slowest of those that it is settled with.
        guard settles == .each || (first.deadlines == job.deadlines && first.attemptsAllowed == job.attemptsAllowed)
        else {
            let expected = "those of job \(first.id), which it is settled with"
            throw .conflict(field: "deadlines", expected: expected, actual: "other deadlines or attempts")
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
        if job.terms.gang?.settles == .together { together[key] = places }
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
            code: GangLeg.incomplete,
            text: "job \(job.id) of the same gang has ended before it could start"
        )
        for (_, id) in members.sorted(by: { $0.key < $1.key }) where id != job.id {
            guard let member = jobs[id] else { continue }
            try finish(member, .inconclusive, .environment, reason, end: "inconclusive", at: at, &effects)
        }
    }
}

extension Engine {
    /// How long before its money would be given back a job stops waiting for the others. No course of the others takes so
    /// long; the timer is there so that nothing waits for ever.
    private static let margin: Int64 = 43_200

    /// Keeps an accepted job until the rest of its gang is judged, and settles all of them with the last.
    mutating func wait(
        _ job: Job,
        with judgement: Judgement,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        var job = job
        judging[judgement.validator] = nil
        job.phase = .judged
        job.finding = Job.Finding(verdictDigest: judgement.verdictDigest, reason: judgement.reason)
        job.deadline = max(at + 1, (book.holds[job.holdID]?.expiresAt ?? at) - Self.margin)
        keep(job, &effects)
        guard let key = job.gangKey, let places = together[key] else { return }
        let legs = places.sorted { $0.key < $1.key }.compactMap { jobs[$0.value] }
        guard legs.allSatisfy({ $0.phase == .judged }) else { return }
        together[key] = nil
        for leg in legs { try pay(leg, at: at, &effects) }
        nameLegs(of: key, &effects)
    }

    /// Ends the rest of a gang that settles together when one of its jobs has ended in any other way than with all. What was
    /// accepted is paid when the requester is at fault, and goes back otherwise; nobody else loses anything.
    mutating func breakGang(
        of job: Job,
        by outcome: Outcome,
        _ fault: Fault,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        guard let key = job.gangKey, job.attempt > 0, let places = together.removeValue(forKey: key) else { return }
        let reason = Reason(code: GangLeg.incomplete, text: "job \(job.id) of the same gang was not accepted")
        for (_, id) in places.sorted(by: { $0.key < $1.key }) where id != job.id {
            guard let leg = jobs[id] else { continue }
            if outcome == .requesterFault, leg.phase == .judged {
                try pay(leg, at: at, &effects)
            } else {
                let cause = fault == .engine ? Fault.engine : .environment
                try finish(leg, .inconclusive, cause, reason, end: "inconclusive", at: at, &effects)
            }
        }
        nameLegs(of: key, &effects)
    }

    mutating func pay(_ leg: Job, at: Int64, _ effects: inout Effects) throws(MarketError) {
        guard let finding = leg.finding else { throw .stopped(reason: "job \(leg.id) is to be paid without a verdict") }
        try finish(
            leg,
            .accepted,
            .none,
            finding.reason,
            end: Outcome.accepted.rawValue,
            verdict: finding.verdictDigest,
            at: at,
            &effects
        )
    }

    /// Tells each of the jobs of a gang that have ended in this event about all of them.
    private func nameLegs(of key: GangKey, _ effects: inout Effects) {
        let members = effects.endings.indices.filter { effects.endings[$0].job.gangKey == key }
        let legs = members.map { effects.endings[$0] }.map { ending in
            GangLeg(
                index: ending.job.terms.gang?.index ?? 0,
                jobID: JobID(ending.job.id),
                outcome: ending.outcome,
                reason: ending.reason.code,
                verdictDigest: ending.verdictDigest ?? ending.job.finding?.verdictDigest
            )
        }
        for index in members { effects.endings[index].gang = legs.sorted { $0.index < $1.index } }
    }
}

extension Job {
    /// The gang that the job belongs to.
    var gangKey: Engine.GangKey? {
        terms.gang.map { Engine.GangKey(requester: requester, group: $0.group) }
    }
}
