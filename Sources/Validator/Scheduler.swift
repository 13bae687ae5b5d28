// The engine at work: one owner of the market's state, who makes every change durable before anybody hears of it.
public import Attestation
internal import Codecs
internal import Commitments
internal import EngineAPI
public import Ledger
public import Logging
public import Market
public import Receipts
public import Signatures
internal import Verdicts

/// What an engine says about itself in its receipts.
public struct EngineIdentity: Sendable, Equatable {
    /// The network that it belongs to: 1 to 128 visible ASCII characters.
    public var network: String?
    /// The program that it runs.
    public var software: Software?

    /// Makes an identity; without arguments one that says nothing.
    public init(network: String? = nil, software: Software? = nil) {
        self.network = network
        self.software = software
    }
}

/// The scheduler's state in numbers.
public struct SchedulerSummary: Sendable, Equatable {
    public var jobsByPhase: [String: Int]
    public var nodesOnline: Int
    /// Executions that wait for a validator.
    public var unjudged: Int
    /// Minor units held for open jobs.
    public var heldUnits: Int64
}

/// An engine: the market's state machine, its store, its key.
///
/// Calls run one after another up to the point where their batch is queued; the store commits batches in that order, many
/// at a time. An answer leaves only when what it rests on is on the disk, also when the call itself changed nothing. When a
/// commit fails, or something does not add up, the scheduler refuses every change from then on and answers reads from the
/// store: what is in memory is ahead of the disk, and a restart reads the truth.
public actor Scheduler {
    let key: SigningKey
    let operatorKey: VerifyingKey
    let store: any LedgerStore
    let artefacts: any ArtefactKeeper
    let clock: any EngineClock
    /// The roots by which the engine judges attestation again before it pays; without them it believes its validators.
    let anchors: TrustAnchors?
    let log: Logger
    /// The engine in its own words.
    let description: EngineDescription
    let identity: EngineIdentity
    /// Whether each receipt is to get into a log: a message in the outbox goes with it.
    let logsReceipts: Bool

    /// When this scheduler took over, in engine seconds.
    let openedAt: Int64
    var engine: Engine
    var documents: [Digest: JobDocuments] = [:]
    private var failure: EngineError?
    /// Whether it stopped because something does not add up: a person has to look at that before anybody settles again.
    private(set) var isViolated = false
    /// Ends when `stop` is called for a reason that a scheduler made anew from the store does not have.
    private nonisolated let replaceable = AsyncStream.makeStream(of: Never.self)
    /// The batch that was queued last.
    private var last: CommitTicket?
    /// The batches on their way to the disk that end jobs: such a job is no longer in the market and not yet in the store.
    private var endings: [Digest: CommitTicket] = [:]
    private var inFlight = 0
    /// How many batches with documents of a job are on their way to the disk.
    private(set) var writing: [Digest: Int] = [:]
    /// Jobs of an earlier process that have still to be looked at once.
    var unchecked: [Digest] = []

    /// The most batches on their way to the disk: fewer than a store queues, because what the market has done must be
    /// written.
    static let inFlightMax = 2048
    /// The most bytes of a spec.
    static let specBytes = JobSpec.maxBytes
    /// How many jobs are looked at again before the first answer; the others are before the first deadline.
    static let recheckedAtStart = 1000
    /// Inputs and outputs above this many bytes in all stay out of the receipt's bundle.
    static let bundledBytes: UInt64 = 64 << 20

    /// Opens an engine on what its store has kept, and opens the accounts that it needs itself.
    /// - Throws: `LedgerError` when the store does not add up, `StorageError` when a job's documents cannot be read.
    public init(
        key: SigningKey,
        operatorKey: VerifyingKey,
        configuration: MarketConfiguration,
        store: any LedgerStore,
        artefacts: any ArtefactKeeper,
        clock: any EngineClock,
        anchors: TrustAnchors? = nil,
        version: String,
        identity: EngineIdentity = EngineIdentity(),
        logsReceipts: Bool = false,
        log: Logger
    ) async throws {
        self.key = key
        self.operatorKey = operatorKey
        self.store = store
        self.artefacts = artefacts
        self.clock = clock
        self.anchors = anchors
        description = try EngineDescription(
            operatorKey: operatorKey,
            configuration: configuration,
            version: version
        )
        self.identity = identity
        self.logsReceipts = logsReceipts
        self.log = log
        openedAt = clock.now
        let image = try store.load(recordKinds: [Job.recordKind, Node.recordKind])
        let jobs = try Job.decode(image.records)
        let nodes = try image.records.filter { $0.kind == Node.recordKind }.map { try Node(row: $0.body ?? []) }
        let issuer = AccountID(currency: configuration.currency, kind: .issuer, owner: configuration.engine.bytes)
        let issue = try configuration.issueBudget.map { try IssueTally(store, issuer: issuer, budget: $0) }
        engine = Engine(
            configuration: configuration,
            book: image.book,
            jobs: jobs,
            nodes: nodes,
            issue: issue ?? IssueTally()
        )
        if !jobs.isEmpty { log.notice("scheduler: going on with \(jobs.count) open jobs") }
        for account in engine.ownAccounts where engine.book.accounts[account.id] == nil {
            try await perform(.openAccount(account))
        }
        unchecked = jobs.filter { $0.phase == .funded || $0.phase == .committed }.map(\.id)
        try await recheck(Self.recheckedAtStart)
    }

    /// Fires deadlines until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            do throws(EngineError) {
                while !unchecked.isEmpty, failure == nil { try await recheck(256) }
                if failure == nil { try await fireTimers() }
            } catch {
                log.error("scheduler: \(error)")
            }
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    /// Returns when this scheduler has failed and one that is made anew from the store can go on, or when the task is
    /// cancelled. For one caller.
    nonisolated func mustBeReplaced() async {
        for await _ in replaceable.stream {}
    }

    /// Whether the engine still settles.
    public var isHealthy: Bool { failure == nil }

    /// The state in numbers.
    public var summary: SchedulerSummary {
        SchedulerSummary(
            jobsByPhase: Dictionary(uniqueKeysWithValues: engine.jobCounts.map { ($0.key.rawValue, $0.value) }),
            nodesOnline: engine.onlineCount(at: clock.now),
            unjudged: engine.unjudgedCount,
            heldUnits: engine.heldUnits
        )
    }

    /// Applies an event, queues everything that follows from it, and waits until that is durable.
    /// - Parameters:
    ///   - records: rows of the caller that become durable with it.
    ///   - prepare: changes to the job documents that belong to the event; run only when the market takes it.
    @discardableResult
    func perform(
        _ event: Event,
        records: [Record] = [],
        prepare: (inout [Digest: JobDocuments]) -> Void = { _ in }
    ) async throws(EngineError) -> Effects {
        try requireHealth()
        guard inFlight < Self.inFlightMax else {
            throw EngineError(.unavailable, "engine.busy", "\(inFlight) changes wait for the disk; try again later")
        }
        let now = clock.now
        let effects: Effects
        do throws(MarketError) {
            effects = try engine.apply(event, at: now)
        } catch {
            if let reason = engine.stopped ?? engine.book.stopped {
                isViolated = true
                throw stop(reason)
            }
            throw EngineError(error)
        }
        prepare(&documents)
        guard !effects.isEmpty || !records.isEmpty else {
            try await durable(last)
            return effects
        }
        let batch: Batch
        let concerned = Set((effects.jobs + effects.leases).map(\.id))
        do {
            batch = try self.batch(for: effects, records: records)
        } catch {
            throw stop("a document could not be made: \(error)")
        }
        let ticket = store.submit(batch)
        last = ticket
        inFlight += 1
        for ending in effects.endings { endings[ending.job.id] = ticket }
        for job in concerned { writing[job, default: 0] += 1 }
        try await durable(ticket)
        inFlight -= 1
        for ending in effects.endings { endings[ending.job.id] = nil }
        for job in concerned { writing[job] = writing[job].flatMap { $0 > 1 ? $0 - 1 : nil } }
        engine.release(batch)
        trimDocuments()
        return effects
    }

    /// Makes rows durable that no event goes with.
    func keep(_ records: Record...) async throws(EngineError) {
        try requireHealth()
        let ticket = store.submit(Batch(records: records))
        last = ticket
        try await durable(ticket)
    }

    /// Waits for a batch.
    private func durable(_ ticket: CommitTicket?) async throws(EngineError) {
        do throws(LedgerError) {
            try await ticket?.durable()
        } catch {
            if case .invariant = error { isViolated = true }
            // Why the store has stopped is told to the batch that it stopped for, which need not be heard of first.
            if case .settlementStopped = error { throw stop("the store failed: \(error)", isConsequence: true) }
            throw stop("the store failed: \(error)")
        }
        try requireHealth()
    }

    /// Returns when the end of this job, or of any job for `nil`, is on the disk if it was on its way there.
    func endingIsDurable(of job: Digest?) async throws(EngineError) {
        if let job {
            try await durable(endings[job])
        } else if !endings.isEmpty {
            try await durable(last)
        }
    }

    /// Returns when the documents of this job are on the disk if they were on their way there. To be awaited before a look
    /// whether its files are there: who forgets files beside a running engine (`PostgresArtefacts.condemn`) spares what the
    /// store says that a job names, and a look must not come before that.
    func documentsAreDurable(of job: Digest) async throws(EngineError) {
        if writing[job] != nil { try await durable(last) }
    }

    /// Returns when everything is on the disk that was on its way there.
    func latestIsDurable() async throws(EngineError) { try await durable(last) }

    /// Throws what stopped the scheduler.
    func requireHealth() throws(EngineError) {
        if let failure { throw failure }
    }

    /// What answers reads once the scheduler has stopped; `nil` while it settles.
    var stored: StandbyReader? {
        failure.map { failure in
            StandbyReader(store: store, artefacts: artefacts, description: description, stopped: failure.message)
        }
    }

    /// What answers a read that `error` has ended because the scheduler has stopped.
    /// - Throws: `error` while it has not.
    func stored(after error: EngineError) throws(EngineError) -> StandbyReader {
        guard let stored else { throw error }
        return stored
    }

    /// Refuses everything from now on.
    private func stop(_ reason: String, isConsequence: Bool = false) -> EngineError {
        let error = EngineError(.unavailable, "engine.stopped", "the engine has stopped: \(reason)")
        if failure == nil { log.critical("scheduler: \(error)") }
        failure = error
        if !isViolated, !isConsequence { replaceable.continuation.finish() }
        return error
    }

    /// Everything that has to become durable together.
    private func batch(for effects: Effects, records: [Record]) throws -> Batch {
        var batch = Batch(effects: effects.ledger, records: records)
        for job in effects.leases {
            guard let assignment = job.assignment, var file = try documents(of: job.id) else { continue }
            let drawsReplay = file.sealed.spec.evidence.replay?.draw != nil
            let lease = Lease(
                jobID: JobID(job.id),
                attempt: Int64(job.attempt),
                epoch: UInt64(job.attempt),
                engine: key.verifyingKey,
                node: assignment.node,
                orderDigest: job.orderDigest,
                pricePerMegaUnit: assignment.pricePerMegaUnit,
                stakeAmount: UInt64(assignment.stake),
                grantedAt: assignment.grantedAt,
                expiresAt: assignment.expiresAt,
                beacon: drawsReplay ? CommitmentStatement.digest(ofSeed: try seed(job.id, job.attempt)) : nil
            )
            file.begin(try Lease.sign(lease, with: key))
            documents[job.id] = file
        }
        for job in effects.jobs {
            if job.phase == .offered, let past = job.history.last {
                log.notice(
                    "scheduler: job \(job.id): attempt \(past.attempt) of node \(past.node) is over: \(past.end)"
                )
            }
            batch.records.append(Record(kind: Job.recordKind, id: job.id.bytes, body: job.row))
            // What is not in memory has not changed.
            if let changes = documents[job.id]?.changes(job: job.id) { batch.records += changes }
        }
        for node in effects.nodes {
            batch.records.append(Record(kind: Node.recordKind, id: node.key.bytes, body: node.row))
        }
        for ending in effects.endings {
            let id = ending.job.id
            guard
                let file = try documents.removeValue(forKey: id)
                    ?? JobDocuments(job: id, in: store, engine: key.verifyingKey)
            else {
                throw StorageError(
                    path: id.hex,
                    operation: "write a receipt",
                    reason: "the job's documents are missing"
                )
            }
            let receipt = try receipt(of: ending, file)
            batch.receipts.append(receipt.row)
            if logsReceipts {
                batch.messages.append(ReceiptLog.message(for: receipt.document, at: ending.settledAt))
            }
            batch.records.append(Record(kind: Job.recordKind, id: id.bytes, body: nil))
            batch.records += file.removal(job: id)
            batch.records.append(
                Record(kind: JobView.finalRecordKind, id: id.bytes, body: JobView(ending).json.serialized())
            )
            log.info("scheduler: job \(id) ended: \(ending.outcome.rawValue) (\(ending.reason.code))")
        }
        return batch
    }
}
