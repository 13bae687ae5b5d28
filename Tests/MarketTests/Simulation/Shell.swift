// The part of a scheduler that the simulation needs: an engine over a store whose writes lag behind and can be lost.
import AssayTesting
import Codecs
import Commitments
import Ledger
import Receipts
import Signatures
import Verdicts

@testable import Market

/// What somebody hears from the engine.
enum Reply: Equatable {
    case taken
    case refused(MarketError)
    /// The answer to a node's or validator's question for work.
    case work(Job?)
}

/// A message to the engine.
struct Request {
    let sender: Int
    let tag: Int
    let event: Event
}

/// An engine, its store, and the batches between them.
///
/// As in the scheduler an answer leaves only when everything before it is in the store. A crash loses what was not.
struct Shell {
    private struct Pending {
        let batch: Batch
        let request: Request?
        let endings: [Ending]
    }

    let configuration: MarketConfiguration
    let store: MemoryLedgerStore
    let mutant: Mutant?
    var engine: Engine
    private var pending: [Pending] = []
    /// The ends of jobs that are in the store.
    private(set) var endings: [Ending] = []
    /// Jobs whose order was acknowledged, and transfers that were.
    private(set) var acknowledged: Set<Digest> = []
    private(set) var crashes = 0
    /// Answers that may leave and have not yet.
    private var deferred: [(Request, Reply)] = []

    init(configuration: MarketConfiguration, mutant: Mutant?, at: Int64) throws {
        self.configuration = configuration
        self.mutant = mutant
        store = MemoryLedgerStore()
        engine = Engine(configuration: configuration, book: Book(history: store))
        try start(at: at)
    }

    private mutating func start(at: Int64) throws {
        for account in engine.ownAccounts where engine.book.accounts[account.id] == nil {
            _ = try take(.openAccount(account), for: nil, at: at)
        }
    }

    /// Loses the last batches and starts again from the store, exactly as the scheduler does.
    mutating func crash(at: Int64, keeping count: Int) async throws {
        crashes += 1
        for entry in pending.prefix(count) { try await write(entry) }
        pending = []
        let image = try store.load(recordKinds: [Job.recordKind, Node.recordKind])
        var jobs: [Job] = []
        var nodes: [Node] = []
        for record in image.records {
            let row = record.body ?? []
            if record.kind == Job.recordKind {
                jobs.append(try Job(row: row))
            } else {
                nodes.append(try Node(row: row))
            }
        }
        engine = Engine(configuration: configuration, book: image.book, jobs: jobs, nodes: nodes)
        try start(at: at)
    }

    /// Applies a request.
    /// - Returns: the answer, if it can leave at once.
    mutating func handle(_ request: Request, at: Int64) async throws -> Reply? {
        if case .submit(let submission) = request.event, let refusal = try await conflict(submission) {
            return .refused(refusal)
        }
        do {
            return try take(request.event, for: request, at: at)
        } catch let error as MarketError {
            if let reason = engine.stopped ?? engine.book.stopped { throw Violation("the engine stopped: \(reason)") }
            return .refused(error)
        }
    }

    /// What the scheduler's row of the order says, which stays for ever.
    private mutating func conflict(_ submission: Submission) async throws -> MarketError? {
        if pending.contains(where: { !$0.endings.isEmpty }) { deferred += try await flush() }
        guard let body = try store.record(kind: "order", id: submission.nonce.bytes)?.body else { return nil }
        guard body != submission.id.bytes else { return nil }
        return .conflict(field: "nonce", expected: Hex.encode(body), actual: submission.id.hex)
    }

    /// Lets time pass.
    mutating func tick(at: Int64) throws {
        do {
            _ = try take(.tick, for: nil, at: at)
        } catch let error as MarketError {
            throw Violation("a tick failed: \(error)")
        }
    }

    private mutating func take(_ event: Event, for request: Request?, at: Int64) throws -> Reply? {
        var effects: Effects
        if let mutant {
            effects = try mutant.apply(event, to: &engine, at: at)
        } else {
            effects = try engine.apply(event, at: at)
        }
        var batch = Batch(effects: effects.ledger)
        if case .submit(let submission) = event {
            batch.records.append(Record(kind: "order", id: submission.nonce.bytes, body: submission.id.bytes))
        }
        if mutant == .lostRow, let job = effects.jobs.last, job.phase == .assigned {
            effects.jobs.removeLast()
        }
        for job in effects.jobs {
            batch.records.append(Record(kind: Job.recordKind, id: job.id.bytes, body: job.row))
        }
        for node in effects.nodes {
            batch.records.append(Record(kind: Node.recordKind, id: node.key.bytes, body: node.row))
        }
        for ending in effects.endings {
            let id = ending.job.id
            batch.records.append(Record(kind: Job.recordKind, id: id.bytes, body: nil))
            batch.receipts.append(
                ReceiptRow(
                    job: id,
                    attempt: ending.job.attempt,
                    verdict: ending.decision,
                    outcome: ending.outcome.rawValue,
                    at: ending.settledAt,
                    bundleBytes: id.bytes
                )
            )
        }
        if batch.isEmpty, pending.isEmpty || mutant == .answerBeforeCommit {
            return request.map { answer(to: $0) }
        }
        pending.append(Pending(batch: batch, request: request, endings: effects.endings))
        guard mutant == .answerBeforeCommit, let request else { return nil }
        return answer(to: request)
    }

    /// Writes what waits.
    /// - Returns: the answers that may leave now.
    mutating func flush() async throws -> [(Request, Reply)] {
        let written = pending
        pending = []
        for entry in written { try await write(entry) }
        guard mutant != .answerBeforeCommit else { return [] }
        var answers = deferred
        deferred = []
        for request in written.compactMap(\.request) { answers.append((request, answer(to: request))) }
        return answers
    }

    private mutating func write(_ entry: Pending) async throws {
        do {
            try await store.commit(entry.batch)
        } catch {
            throw Violation("the store refused a batch: \(error)")
        }
        engine.release(entry.batch)
        endings += entry.endings
    }

    private mutating func answer(to request: Request) -> Reply {
        switch request.event {
        case .nodeSeen(let key): return .work(engine.lease(of: key))
        case .validatorSeen(let key): return .work(engine.verification(of: key))
        case .submit(let submission):
            acknowledged.insert(submission.id)
            return .taken
        default: return .taken
        }
    }

    var pendingCount: Int { pending.count }
}

/// A property of the whole that does not hold.
struct Violation: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
