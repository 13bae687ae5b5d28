// What a scheduler answers that does not lead or has stopped: what the store holds, as of the last commits.
internal import Codecs
internal import Commitments
public import EngineAPI
public import Ledger
internal import Market
internal import Receipts
internal import Replay
internal import Signatures

/// Reads of a shared store, without the market's state, which only the leader has.
public struct StandbyReader: Sendable {
    private let store: any LedgerStore
    private let artefacts: any ArtefactKeeper
    /// The engine, as every process of it describes it.
    let description: EngineDescription
    /// Why the engine settles nothing any more; `nil` for a standby.
    private let stopped: String?

    /// Reads of `store`, opened for reading only.
    public init(store: any LedgerStore, artefacts: any ArtefactKeeper, description: EngineDescription) {
        self.init(store: store, artefacts: artefacts, description: description, stopped: nil)
    }

    /// Reads of the store of an engine that has stopped.
    init(store: any LedgerStore, artefacts: any ArtefactKeeper, description: EngineDescription, stopped: String?) {
        self.store = store
        self.artefacts = artefacts
        self.description = description
        self.stopped = stopped
    }

    func account(_ id: String) throws(EngineError) -> AccountView {
        let name: AccountName
        let account: AccountID
        do throws(ParseError) {
            name = try AccountName(text: id)
            account = try AccountID(text: name.text)
        } catch {
            throw EngineError(error, id: "account.malformed")
        }
        guard let found = try read({ (store) throws(LedgerError) in try store.account(account) }) else {
            throw .unknownAccount(name)
        }
        return try AccountView(found)
    }

    func job(_ id: Digest) throws(EngineError) -> JobView {
        // A job that ends between the two looks is found by the second.
        if let job = try open(id) {
            return JobView(
                id: job.id,
                name: job.name,
                phase: job.phase.rawValue,
                attempt: job.attempt,
                held: job.held,
                deadline: job.deadline,
                reason: stopped.map { "as the store has it; \($0)" } ?? "as the store has it; the leader knows more",
                metered: job.reading?.workUnits,
                topUps: job.topUps > 0 ? Int64(job.topUps) : nil,
                yields: job.yield?.rawValue,
                stopped: stopped
            )
        }
        if let view = try JobView(endOf: id, in: store) { return view }
        throw .unknownJob(id)
    }

    /// Jobs that have ended, latest first. The open ones are the leader's to list.
    func jobs(_ limit: Int) throws(EngineError) -> [JobView] {
        let rows = try read { (store) throws(LedgerError) in try store.latestReceipts(before: nil, limit: limit) }
        var views: [JobView] = []
        for row in rows {
            if let view = try JobView(endOf: row.row.job, in: store) { views.append(view) }
        }
        return views
    }

    func receipt(_ job: Digest) throws(EngineError) -> [UInt8] {
        if let row = try read({ (store) throws(LedgerError) in try store.receipt(job: job) }) { return row.bundleBytes }
        guard let open = try open(job) else { throw .unknownJob(job) }
        throw .noReceipt(job, phase: open.phase.rawValue)
    }

    func file(_ job: Digest, _ cid: CID) throws(EngineError) -> [UInt8] {
        let file: JobDocuments?
        let bytes: [UInt8]?
        do throws(StorageError) {
            file = try JobDocuments(job: job, in: store, engine: description.engine)
            bytes = file?.names(cid) == true ? try artefacts.get(cid) : nil
        } catch {
            throw EngineError(.unavailable, "storage", error.description)
        }
        guard let file else { throw .unknownJob(job) }
        guard file.names(cid) else { throw .unknownFile(cid, "a file of job \(job)") }
        guard let bytes else { throw .unknownFile(cid, "a file that has arrived") }
        return bytes
    }

    /// The nodes that have registered. Who of them is there, only the leader hears.
    func nodes() throws(EngineError) -> [NodeView] {
        let rows = try read { (store) throws(LedgerError) in try store.records(kind: Node.recordKind) }
        var views: [NodeView] = []
        for row in rows {
            do throws(ParseError) {
                let node = try Node(row: row.body ?? [])
                views.append(
                    NodeView(
                        key: node.key,
                        deviceType: node.deviceKind.rawValue,
                        memoryBytes: node.memoryBytes,
                        askPerMegaUnit: node.askPerMegaUnit,
                        isOnline: false,
                        job: nil
                    )
                )
            } catch {
                throw EngineError(error, id: "node.malformed")
            }
        }
        return views.map { ($0.key.text, $0) }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// The URL that the leader of the latest epoch gave.
    func leaderURL() throws(LedgerError) -> String? {
        try store.record(kind: FleetRecord.leader, id: FleetRecord.id)?.body.map { String(decoding: $0, as: UTF8.self) }
    }

    private func open(_ id: Digest) throws(EngineError) -> Job? {
        guard
            let row = try read({ (store) throws(LedgerError) in try store.record(kind: Job.recordKind, id: id.bytes) })
        else { return nil }
        do throws(ParseError) {
            return try Job(row: row.body ?? [])
        } catch {
            throw EngineError(error, id: "job.malformed")
        }
    }

    private func read<Value>(_ body: (any LedgerStore) throws(LedgerError) -> Value) throws(EngineError) -> Value {
        do throws(LedgerError) {
            return try body(store)
        } catch {
            throw EngineError(error)
        }
    }
}

/// The rows by which the processes of one engine know of each other.
enum FleetRecord {
    /// The kind of the row with the leader's URL.
    static let leader = "leader"
    /// The kind of the row with the engine's key.
    static let engine = "engine"
    /// There is one of each.
    static let id: [UInt8] = [0]
}

extension EngineError {
    static func noReceipt(_ job: Digest, phase: String) -> EngineError {
        EngineError(
            .conflict,
            "receipt.none",
            "job \(job): expected phase final, found \(phase)",
            field: "phase",
            expected: "final",
            actual: phase
        )
    }
}
