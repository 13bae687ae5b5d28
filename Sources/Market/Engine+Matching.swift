// Who runs what: device class, memory, price, stake; cheapest node first, first job first; one job a node.
public import Commitments
internal import Ledger
internal import Receipts
public import Signatures

extension Engine {
    mutating func register(_ node: Node, at: Int64, _ effects: inout Effects) throws(MarketError) {
        let accounts = [AccountKind.provider, .stake].map {
            Account(currency: configuration.currency, kind: $0, owner: node.key.bytes)
        }
        for account in accounts where book.accounts[account.id] == nil {
            try move(.openAccount(account), at: at, &effects)
        }
        let isNew = nodes[node.key] != node
        registry.register(node, at: at)
        if isNew { effects.nodes.append(node) }
    }

    mutating func nodeSeen(_ key: VerifyingKey, at: Int64, _ effects: inout Effects) throws(MarketError) {
        guard let node = nodes[key] else { throw .unknownNode(key.text) }
        registry.seen(key, at: at)
        guard leases[key] == nil else { return }
        registry.sweep(before: at - configuration.nodeTimeoutSeconds)
        if try joinGang(node, at: at, &effects) { return }
        guard let offer = oldestOffer(for: node), let job = jobs[offer.id] else { return }
        _ = try assign(job, to: node, at: at, &effects)
    }

    /// The oldest job that one node alone can take and `node` fits.
    func oldestOffer(for node: Node) -> JobMoment? {
        let available = book.accounts[account(.stake, of: node.key)]?.available ?? 0
        return index.oldestOffer(for: node, available: available) { id in
            jobs[id].map { node.mismatch(with: $0) == nil && stake(for: $0) <= available } ?? false
        }
    }

    /// What a node must put up for a job, in minor units.
    func stake(for job: Job) -> Int64 { Int64(configuration.ruleset.stake(forHold: UInt64(job.firstHold))) }

    /// Whether a node can put up what a job demands.
    func hasStake(_ node: Node, for job: Job) -> Bool {
        book.accounts[account(.stake, of: node.key)]?.available ?? 0 >= stake(for: job)
    }

    /// Why `node` cannot take `job` now; `nil` when it can.
    func mismatch(of node: Node, with job: Job, at: Int64) -> Mismatch? {
        if let mismatch = node.mismatch(with: job) { return mismatch }
        if leases[node.key] != nil { return .busy }
        guard isOnline(node.key, at: at) else { return .offline }
        return hasStake(node, for: job) ? nil : .stake
    }

    /// Whether a node has been heard of lately.
    public func isOnline(_ node: VerifyingKey, at: Int64) -> Bool {
        registry.lastHeard(of: node).map { at - $0 <= configuration.nodeTimeoutSeconds } ?? false
    }

    /// How many nodes have been heard of lately.
    public func onlineCount(at: Int64) -> Int {
        registry.onlineCount(since: at - configuration.nodeTimeoutSeconds)
    }

    /// How many nodes were passed over for a job, by reason: what a requester who waits is told. Costs a look at every offer
    /// that differs from the others, not at every node.
    public func mismatches(of id: Digest, at: Int64) -> [Mismatch: Int] {
        guard let job = jobs[id] else { return [:] }
        return registry.mismatches(with: job, silentSince: at - configuration.nodeTimeoutSeconds) { node in
            hasStake(node, for: job)
        }
    }

    /// Leases `job` to `node`, with the node's stake held first.
    /// - Returns: whether there is a lease; without enough stake there is none.
    mutating func assign(
        _ job: Job,
        to node: Node,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) -> Bool {
        var job = job
        let attempt = job.attempt + 1
        let stake = stake(for: job)
        let hold = Transfer(
            id: job.stakeHoldID(attempt: attempt),
            debit: account(.stake, of: node.key),
            credit: account(.escrow, of: configuration.engine),
            amount: stake,
            currency: job.currency,
            kind: .hold,
            job: job.id,
            attempt: attempt,
            leg: "stake",
            at: at
        )
        let life =
            2 * job.deadlines.runSeconds + Int64(configuration.drawsAllowed) * job.deadlines.verifySeconds + 86_400
        // A job that is settled with others may be judged long before the last of them.
        let held = job.terms.gang?.settles == .together ? book.holds[job.holdID]?.expiresAt ?? 0 : 0
        // A ruleset may ask for no stake, and the ledger moves no zero amounts.
        if stake > 0 {
            do throws(MarketError) {
                try move(.hold(hold, expiresAt: max(held, ledgerTime(at) + life)), at: at, &effects)
            } catch .ledger(.insufficientFunds) {
                return false
            }
        }
        leaveGang(job)
        job.attempt = attempt
        job.phase = .assigned
        job.deadline = at + job.deadlines.runSeconds
        job.assignment = Job.Assignment(
            node: node.key,
            pricePerMegaUnit: node.askPerMegaUnit,
            stake: stake,
            grantedAt: at,
            expiresAt: job.deadline
        )
        occupy(node.key, with: job.id)
        keep(job, &effects)
        effects.leases.append(job)
        return true
    }
}
