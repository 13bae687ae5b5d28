// The market as a pure state machine: `apply(event, at:) → effects`. No clock, no randomness, no store, no network.
public import Commitments
public import Ledger
public import Receipts
public import Signatures

/// What an operator sets.
public struct MarketConfiguration: Sendable {
    /// The engine's own key: owner of the fee, treasury and escrow accounts.
    public var engine: VerifyingKey
    /// The only currency of this market.
    public var currency: String
    /// Who may judge.
    public var validators: Set<VerifyingKey>
    public var ruleset: Ruleset
    /// After how many seconds of silence a node is offered nothing.
    public var nodeTimeoutSeconds: Int64
    /// How many validators are drawn for an attempt before it counts as inconclusive.
    public var drawsAllowed: UInt32
    /// How many seconds a node has to hand over what it has done when it is asked to stop early.
    public var yieldSeconds: Int64
    /// How much money may enter in an epoch; `nil` for no limit but the operator's signature.
    public var issueBudget: IssueBudget?

    /// Sets up a market.
    public init(
        engine: VerifyingKey,
        currency: String = "credit",
        validators: Set<VerifyingKey>,
        ruleset: Ruleset,
        nodeTimeoutSeconds: Int64 = 30,
        drawsAllowed: UInt32 = 3,
        yieldSeconds: Int64 = 30,
        issueBudget: IssueBudget? = nil
    ) {
        self.engine = engine
        self.currency = currency
        self.validators = validators
        self.ruleset = ruleset
        self.nodeTimeoutSeconds = nodeTimeoutSeconds
        self.drawsAllowed = drawsAllowed
        self.yieldSeconds = yieldSeconds
        self.issueBudget = issueBudget
    }
}

/// The market's state: the book, the open jobs, the nodes.
///
/// One owner applies events one after another. An event that throws has changed nothing, or it has stopped the engine.
public struct Engine: Sendable {
    public let configuration: MarketConfiguration
    /// Why the engine takes no more events: one of them failed half way, which only a failing store or a broken invariant can
    /// cause. What is in memory is then of no more use; load it again from the store.
    public private(set) var stopped: String?
    /// The money.
    public internal(set) var book: Book
    /// Jobs that have not ended, by id.
    public private(set) var jobs: [Digest: Job]

    /// What has been issued in the present epoch; kept only when there is a budget.
    public private(set) var issue: IssueTally

    /// The orders in which the jobs are looked at.
    private(set) var index: JobIndex
    /// The nodes and who of them is idle.
    var registry: NodeRegistry
    /// Which job a node works on.
    var leases: [VerifyingKey: Digest] = [:]
    /// Which job a validator works on.
    var judging: [VerifyingKey: Digest] = [:]
    /// Which job an order's requester and nonce named.
    var orders: [OrderKey: Digest] = [:]
    /// The open jobs of each gang that have not had a lease yet, by their places.
    var gangs: [GangKey: [Int64: Digest]] = [:]
    /// The jobs of each gang that has started and settles together, by their places: all of them open, or none.
    var together: [GangKey: [Int64: Digest]] = [:]

    struct OrderKey: Hashable, Sendable {
        let requester: VerifyingKey
        let nonce: Digest
    }

    struct GangKey: Hashable, Sendable {
        let requester: VerifyingKey
        let group: Digest
    }

    /// A market over `book`, going on with the open jobs and nodes that a store has kept.
    /// - Parameter issue: what was issued in the present epoch, when there is a budget.
    public init(
        configuration: MarketConfiguration,
        book: Book,
        jobs: [Job] = [],
        nodes: [Node] = [],
        issue: IssueTally = IssueTally()
    ) {
        self.issue = issue
        self.configuration = configuration
        self.book = book
        self.jobs = Dictionary(jobs.lazy.map { ($0.id, $0) }) { first, _ in first }
        // The order of the rows is nearer to that of the indexes than the dictionary's.
        let jobs = jobs.count == self.jobs.count ? jobs : Array(self.jobs.values)
        registry = NodeRegistry(nodes)
        let ruleset = configuration.ruleset
        index = JobIndex(jobs) { Int64(ruleset.stake(forHold: UInt64($0.firstHold))) }
        orders.reserveCapacity(jobs.count)
        for job in jobs {
            orders[OrderKey(requester: job.requester, nonce: job.nonce)] = job.id
            if let key = job.gangKey, let gang = job.terms.gang {
                if job.waitsForGang {
                    gangs[key, default: [:]][gang.index] = job.id
                } else if gang.settles == .together {
                    together[key, default: [:]][gang.index] = job.id
                }
            }
            switch job.phase {
            case .assigned, .committed: if let node = job.assignment?.node { occupy(node, with: job.id) }
            case .verifying: if let validator = job.validator { judging[validator] = job.id }
            case .funded, .offered, .judged, .final: break
            }
        }
    }

    /// Registered nodes, by key.
    public var nodes: [VerifyingKey: Node] { registry.nodes }

    /// How many open jobs are in each phase.
    public var jobCounts: [Job.Phase: Int] { index.counts.filter { $0.value > 0 } }

    /// Minor units held for open jobs, bonds included.
    public var heldUnits: Int64 { index.held }

    /// How many executions wait for a validator.
    public var unjudgedCount: Int { index.unjudged.count }

    /// The latest open jobs, latest first.
    public func latestJobs(_ limit: Int) -> [Job] { index.byAge.last(limit).compactMap { jobs[$0.id] } }

    /// Does what follows from `event`, or throws and changes nothing.
    /// - Parameter at: now, in engine seconds.
    /// - Throws: `MarketError`. When `stopped` is set afterwards, this and every further event failed for good.
    public mutating func apply(_ event: Event, at: Int64) throws(MarketError) -> Effects {
        if let stopped { throw .stopped(reason: stopped) }
        var effects = Effects()
        do throws(MarketError) {
            try follow(event, at: at, &effects)
            try assertInvariants(effects, after: event)
        } catch {
            // Every refusal comes before the first change, so this one is none.
            if !effects.isEmpty { stopped = error.description }
            throw error
        }
        return effects
    }

    private mutating func follow(_ event: Event, at: Int64, _ effects: inout Effects) throws(MarketError) {
        switch event {
        case .openAccount(let account): try move(.openAccount(account), at: at, &effects)
        case .transfer(let transfer):
            try checkBudget(transfer, at: at)
            let done = try move(.transfer(transfer), at: at, &effects)
            guard let budget = configuration.issueBudget, !done.replayed else { return }
            for made in done.transfers { issue.note(made, account(.issuer, of: configuration.engine), budget) }
        case .submit(let submission): try submit(submission, at: at, &effects)
        case .filesPresent(let id): try filesPresent(id, at: at, &effects)
        case .refuse(let id, let reason): try refuse(id, reason, at: at, &effects)
        case .register(let node): try register(node, at: at, &effects)
        case .nodeSeen(let key): try nodeSeen(key, at: at, &effects)
        case .commit(let id, let attempt, let node, let claim):
            try commit(id, attempt, node, claim, at: at, &effects)
        case .outputsPresent(let id, let attempt): try outputsPresent(id, attempt, at: at, &effects)
        case .abandon(let id, let attempt, let node, let reason):
            try abandon(id, attempt, node, reason, at: at, &effects)
        case .validatorSeen(let key): try validatorSeen(key, at: at, &effects)
        case .judge(let judgement): try judge(judgement, at: at, &effects)
        case .topUp(let topUp): try self.topUp(topUp, at: at, &effects)
        case .read(let id, let attempt, let node, let reading): try read(id, attempt, node, reading, &effects)
        case .close(let id): try close(id, at: at, &effects)
        case .fail(let id, let reason): try fail(id, reason, at: at, &effects)
        case .tick: try tick(at: at, &effects)
        }
    }

    /// The accounts that the market itself needs; open them before the first event.
    public var ownAccounts: [Account] {
        let engine = configuration.engine.bytes
        let kinds: [AccountKind] = [.issuer, .escrow, .fee, .treasury]
        return kinds.map { Account(currency: configuration.currency, kind: $0, owner: engine) }
            + configuration.validators.sorted { $0.text < $1.text }.map {
                Account(currency: configuration.currency, kind: .validator, owner: $0.bytes)
            }
    }

    /// The account of a kind and an owner in the market's currency.
    public func account(_ kind: AccountKind, of owner: VerifyingKey) -> AccountID {
        AccountID(currency: configuration.currency, kind: kind, owner: owner.bytes)
    }

    /// The job that a node has a lease on.
    public func lease(of node: VerifyingKey) -> Job? { leases[node].flatMap { jobs[$0] } }

    /// The job that a validator is to judge.
    public func verification(of validator: VerifyingKey) -> Job? { judging[validator].flatMap { jobs[$0] } }

    /// The earliest moment at which `tick` has something to do.
    public var nextDeadline: Int64? { index.byDeadline.first?.at }

    /// The jobs that the next `tick` ends or moves, the most overdue first.
    public func due(at: Int64) -> [Job] {
        index.byDeadline.prefix { $0.at <= at }.compactMap { jobs[$0.id] }
    }

    /// Drops a batch from the book's memory, because its commit has been acknowledged.
    public mutating func release(_ batch: Batch) {
        book.release(batch)
    }

    /// The job of this id, if it is open.
    func open(_ id: Digest) throws(MarketError) -> Job {
        guard let job = jobs[id] else { throw .unknownJob(id) }
        return job
    }

    /// The job, if it is open and in one of `phases`.
    func open(_ id: Digest, in phases: Job.Phase...) throws(MarketError) -> Job {
        let job = try open(id)
        guard phases.contains(job.phase) else {
            let expected = phases.map(\.rawValue).joined(separator: " or ")
            throw .wrongPhase(job: id, expected: expected, actual: job.phase.rawValue)
        }
        return job
    }

    /// The job, if `node` holds its lease of `attempt`.
    func leased(_ id: Digest, _ attempt: UInt32, _ node: VerifyingKey) throws(MarketError) -> Job {
        let job = try open(id)
        guard job.attempt == attempt, job.assignment?.node == node else {
            let holder = job.assignment.map { "attempt \(job.attempt) by \($0.node)" } ?? "no lease"
            throw .staleLease(job: id, expected: holder, actual: "attempt \(attempt) by \(node)")
        }
        return job
    }

    /// The time that the book stamps: it never goes back. Holds are given their ends by it, so that a clock that was far ahead
    /// for a while does not make the ledger refuse every hold until it is there again.
    func ledgerTime(_ at: Int64) -> Int64 { max(at, book.latest) }

    /// Keeps a changed job.
    mutating func keep(_ job: Job, _ effects: inout Effects) {
        index.replace(jobs.updateValue(job, forKey: job.id), with: job)
        effects.jobs.removeAll { $0.id == job.id }
        effects.jobs.append(job)
    }

    /// Forgets a job that has ended.
    mutating func forget(_ job: Job, _ effects: inout Effects) {
        index.replace(jobs.removeValue(forKey: job.id), with: nil)
        orders[OrderKey(requester: job.requester, nonce: job.nonce)] = nil
        effects.jobs.removeAll { $0.id == job.id }
    }

    /// Notes that a node works on a job.
    mutating func occupy(_ node: VerifyingKey, with job: Digest) {
        leases[node] = job
        registry.setBusy(node, true)
    }

    /// Notes that a node is free.
    mutating func vacate(_ node: VerifyingKey) {
        leases[node] = nil
        registry.setBusy(node, false)
    }

    /// Moves money.
    @discardableResult
    mutating func move(
        _ operation: LedgerOperation,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) -> LedgerEffects {
        let done: LedgerEffects
        do {
            done = try book.apply(operation, at: at)
        } catch {
            throw .ledger(error)
        }
        effects.ledger.append(done)
        return done
    }
}
