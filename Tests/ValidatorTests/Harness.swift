// An engine with real SQLite and real files in a folder of its own, agents in the same process, and a clock that tests move.
import Appraisal
import AssayTesting
import Attestation
import Codecs
import Commitments
import EngineAPI
import Foundation
import Ledger
import Logging
import Market
import Receipts
import Replay
import Signatures
import Synchronization
import Verdicts

@testable import Validator

/// A clock that stands still until it is told.
final class TestClock: EngineClock {
    private let seconds = Mutex<Int64>(1_700_000_000)

    var now: Int64 { seconds.withLock { $0 } }
    var monotonicMicroseconds: UInt64 { UInt64(now) * 1_000_000 }

    func advance(_ count: Int64) { seconds.withLock { $0 += count } }
}

/// A folder that goes when nobody needs it any more.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "assay-validator-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The keys of one test's world.
struct Keys {
    let engine = Keys.make("engine")
    let `operator` = Keys.make("operator")
    let requester = Keys.make("requester")
    let stranger = Keys.make("stranger")
    let nodes = [Keys.make("node 0"), Keys.make("node 1")]
    let validators = [Keys.make("validator 0"), Keys.make("validator 1")]

    private static func make(_ name: String) -> SigningKey {
        do {
            return try SigningKey(seed: SHA256.hash(Array(name.utf8)).bytes)
        } catch {
            preconditionFailure("a hash is a seed: \(error)")
        }
    }
}

/// The tiny job with a test's own deadlines and text.
struct Terms {
    var attempts: Int64 = 3
    var source = TinyJob.source
    var currency = "TEST"
    var member: (name: String, value: JSONValue)?
    /// What the job asks for instead of a replay, and the files that this names.
    var evidence: (value: JSONValue, files: [String: [UInt8]])?

    func job() throws -> (sealed: SealedJob, files: [String: [UInt8]]) {
        let tiny = try TinyJob()
        guard case .object(var document) = TinyJob.authored else {
            throw HarnessError("no object")
        }
        document["attempts"] = .integer(attempts)
        document["price"] = .object(["currency": .string(currency), "maxPerMegaUnit": .string("50000000")])
        document["deadlines"] = .object([
            "uploadSeconds": .integer(60), "matchSeconds": .integer(50), "runSeconds": .integer(40),
            "verifySeconds": .integer(30),
        ])
        var files = tiny.files
        files["kernels/tiny.cl"] = Array(source.utf8)
        if let evidence {
            document["evidence"] = evidence.value
            files.merge(evidence.files) { _, new in new }
        }
        let spec = try JobSpec(.object(document)).sealing(with: files.mapValues { ArtefactIdentity(of: $0) })
        guard let member, case .object(var changed) = spec.json else { return (try SealedJob(spec), files) }
        changed[member.name] = member.value
        return (try SealedJob(parsing: JSONValue.object(changed).serialized()), files)
    }
}

struct HarnessError: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

/// A job that was ordered.
struct Ordered {
    let id: Digest
    let order: [UInt8]
    let sealed: SealedJob
    let files: [String: [UInt8]]
}

/// The whole world of one test.
final class Harness {
    let keys = Keys()
    let clock = TestClock()
    let folder: TemporaryFolder
    private(set) var store: any LedgerStore
    private(set) var scheduler: Scheduler
    private let configuration: MarketConfiguration
    private let artefacts: any ArtefactKeeper
    private var closesStore = true

    init(
        store given: (any LedgerStore)? = nil,
        artefacts kept: (any ArtefactKeeper)? = nil,
        drawsAllowed: UInt32 = 3,
        issueBudget: IssueBudget? = nil
    ) async throws {
        folder = try TemporaryFolder()
        artefacts = try kept ?? ArtefactStore(folder: folder.path + "/artefacts")
        configuration = MarketConfiguration(
            engine: keys.engine.verifyingKey,
            currency: "TEST",
            validators: Set(keys.validators.map(\.verifyingKey)),
            ruleset: .default,
            nodeTimeoutSeconds: 1000,
            drawsAllowed: drawsAllowed,
            issueBudget: issueBudget
        )
        store = try given ?? SQLiteLedgerStore(path: folder.path + "/ledger.sqlite")
        scheduler = try await Self.scheduler(keys, configuration, store, artefacts, clock)
    }

    private static func scheduler(
        _ keys: Keys,
        _ configuration: MarketConfiguration,
        _ store: any LedgerStore,
        _ artefacts: any ArtefactKeeper,
        _ clock: TestClock
    ) async throws -> Scheduler {
        try await Scheduler(
            key: keys.engine,
            operatorKey: keys.operator.verifyingKey,
            configuration: configuration,
            store: store,
            artefacts: artefacts,
            clock: clock,
            version: "test",
            logsReceipts: true,
            log: Self.log
        )
    }

    static let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A new scheduler on what the old one left on the disk.
    func restart() async throws {
        if let sqlite = store as? SQLiteLedgerStore {
            try sqlite.close()
            store = try SQLiteLedgerStore(path: folder.path + "/ledger.sqlite")
        }
        scheduler = try await Self.scheduler(keys, configuration, store, artefacts, clock)
    }

    // MARK: Money

    func request(_ action: EngineRequest.Action, _ key: SigningKey, id: [UInt8]? = nil, at: Int64 = 0) throws -> [UInt8]
    {
        try EngineRequest.sign(
            action,
            engine: keys.engine.verifyingKey,
            at: clock.now + at,
            id: id,
            with: key
        ).envelope
    }

    func account(_ purpose: AccountName.Purpose, of key: SigningKey) -> AccountName {
        AccountName(currency: "TEST", purpose: purpose, owner: key.verifyingKey)
    }

    func stake(of key: SigningKey) throws -> AccountName {
        let id = AccountID(currency: "TEST", kind: .stake, owner: key.verifyingKey.bytes)
        return try AccountName(text: id.text)
    }

    func fund(_ amount: UInt64 = 1_000_000_000) async throws {
        _ = try await scheduler.account(request: try request(.open, keys.requester))
        try await credit(account(.payer, of: keys.requester), amount)
    }

    func credit(_ account: AccountName, _ amount: UInt64) async throws {
        _ = try await scheduler.account(request: try request(.credit(account: account, amount: amount), keys.operator))
    }

    func balance(_ account: AccountName) async throws -> Int64 {
        try await scheduler.account(id: account.text).balance
    }

    // MARK: Jobs

    func order(_ terms: Terms = Terms(), nonce: UInt8 = 1, with key: SigningKey? = nil) throws -> Ordered {
        let (sealed, files) = try terms.job()
        let order = try Order.sign(
            sealed,
            nonce: [UInt8](repeating: nonce, count: JobID.nonceBytes),
            createdAt: clock.now,
            engine: keys.engine.verifyingKey,
            with: key ?? keys.requester
        )
        return Ordered(id: order.predicate.jobID.digest, order: order.envelope, sealed: sealed, files: files)
    }

    @discardableResult
    func submit(_ ordered: Ordered) async throws -> JobView {
        try await scheduler.submit(order: ordered.order, spec: ordered.sealed.bytes)
    }

    @discardableResult
    func upload(_ ordered: Ordered) async throws -> JobView {
        for (path, bytes) in ordered.files.sorted(by: { $0.key < $1.key }) {
            guard ordered.sealed.files.contains(where: { $0.path == path }) else { continue }
            let cid = ArtefactIdentity(of: bytes).cid
            _ = try await scheduler.putFile(job: ordered.id, cid: cid, bytes: bytes)
        }
        return try await scheduler.job(id: ordered.id)
    }

    /// A funded requester's job whose files are there.
    func offered(_ terms: Terms = Terms()) async throws -> Ordered {
        try await fund()
        let ordered = try order(terms)
        try await submit(ordered)
        try await upload(ordered)
        return ordered
    }

    func view(_ ordered: Ordered) async throws -> JobView { try await scheduler.job(id: ordered.id) }

    /// Lets the job's next deadline come.
    func expire(_ ordered: Ordered) async throws {
        let deadline = try await view(ordered).deadline
        clock.advance(max(0, deadline - clock.now))
        try await scheduler.perform(.tick)
    }

    // MARK: Agents

    func session(_ key: SigningKey) -> EngineSession {
        EngineSession(engine: scheduler, engineKey: keys.engine.verifyingKey, key: key, clock: clock)
    }

    /// A provider with stake, registered.
    func provider(
        _ index: Int = 0,
        _ runner: any Runner = TinyRunner(),
        producer: (any EvidenceProducer)? = nil
    ) async throws -> ProviderAgent {
        let agent = try self.agent(index, runner, producer: producer)
        try await agent.register()
        try await credit(try stake(of: keys.nodes[index]), 100_000_000)
        return agent
    }

    func agent(
        _ index: Int,
        _ runner: any Runner,
        producer: (any EvidenceProducer)? = nil
    ) throws -> ProviderAgent {
        ProviderAgent(
            session: session(keys.nodes[index]),
            runner: runner,
            offer: NodeOffer(deviceKind: .cpu, memoryBytes: 1 << 30, askPerMegaUnit: 40_000_000),
            results: try ResultFolder(folder: folder.path + "/results-\(index)"),
            artefacts: try ArtefactStore(folder: folder.path + "/node-\(index)"),
            producer: producer,
            log: Self.log
        )
    }

    func validator(
        _ index: Int = 0,
        _ runner: any Runner = TinyRunner(),
        anchors: TrustAnchors? = nil,
        beacon: BeaconSource? = nil
    ) throws -> ValidatorAgent {
        ValidatorAgent(
            session: session(keys.validators[index]),
            runner: runner,
            artefacts: try ArtefactStore(folder: folder.path + "/validator-\(index)"),
            anchors: anchors,
            beacon: beacon,
            log: Self.log
        )
    }

    /// A node's lease and an honest result under it.
    func result(_ index: Int = 0, _ runner: any Runner = TinyRunner()) async throws -> NodeWork {
        let key = keys.nodes[index]
        guard let work = try await scheduler.node(request: try request(.poll, key)) else {
            throw HarnessError("no work")
        }
        let job = try LeasedJob(work, engine: keys.engine.verifyingKey, node: key.verifyingKey)
        guard case .completed(let execution) = await runner.run(job.sealed.spec.replay, files: try Terms().job().files)
        else { throw HarnessError("no result") }
        let statement = try ExecutionStatement(
            reporting: execution,
            of: job.sealed,
            under: job.lease,
            startedAt: clock.now,
            finishedAt: clock.now
        )
        return NodeWork(
            job: work.job,
            statement: statement,
            outputs: execution.outputs,
            trace: execution.trace.json.serialized(),
            key: key
        )
    }

    // MARK: Receipts

    /// Audits the job's receipt by itself and by a replay.
    func audit(_ ordered: Ordered, deep: (any Runner)? = nil) async throws -> AuditReport {
        let trust = try TrustFile(
            engines: [keys.engine.verifyingKey],
            validators: keys.validators.map(\.verifyingKey),
            quorum: 1
        )
        return try await Audit.run(
            bundle: try await scheduler.receipt(job: ordered.id),
            trust: trust,
            deep: deep,
            time: clock.now
        )
    }
}

/// A result that a test may spoil before it is sent.
struct NodeWork {
    let job: Digest
    var statement: ExecutionStatement
    var outputs: [String: [UInt8]]
    var trace: [UInt8]
    var key: SigningKey

    func execution() throws -> [UInt8] {
        try ExecutionStatement.sign(statement, outputs: outputs, with: key).envelope
    }
}
