// Several addresses of one engine: the leader's and those of the schedulers that stand by.
public import Codecs
public import Commitments
public import EngineAPI
internal import Synchronization

/// An engine that is reached at several URLs.
///
/// A call goes to the address that answered last. When nobody is there, or the one who is there stands by or has stopped, the
/// same call goes to the next: every call of `EngineAPI` may be repeated, so one whose answer was lost on the way may be too.
public final class FleetClient: EngineAPI {
    private let members: FleetAsker<any EngineAPI>
    /// The addresses, for messages.
    public let urls: [String]

    /// A client of the engine at `urls`, in the order in which they are tried. Nothing is sent yet.
    /// - Parameter patienceSeconds: how long a call may take or a transfer stand still when there are other addresses to try: a
    ///   process that hangs must not hold its clients for long.
    /// - Throws: `ParseError` for a URL that `HTTPEngineClient` does not take, and when there is none.
    public init(urls: [String], patienceSeconds: Int = 10) throws(ParseError) {
        guard !urls.isEmpty else { throw ParseError(field: "engine", expected: "a URL", actual: "none") }
        let timeouts = HTTPEngineClient.Timeouts(
            connectMilliseconds: min(3000, 1000 * patienceSeconds),
            callMilliseconds: 1000 * patienceSeconds,
            stallSeconds: patienceSeconds
        )
        var members: [any EngineAPI] = []
        for url in urls {
            members.append(
                urls.count == 1
                    ? try HTTPEngineClient(url: url) : try HTTPEngineClient(url: url, timeouts: timeouts)
            )
        }
        self.urls = urls
        self.members = FleetAsker(members)
    }

    /// A client of these engines.
    init(_ members: [any EngineAPI]) {
        urls = []
        self.members = FleetAsker(members)
    }

    public func engine() async throws(EngineError) -> EngineDescription {
        try await members.ask { (engine) throws(EngineError) in try await engine.engine() }
    }

    public func account(request: [UInt8]) async throws(EngineError) -> AccountView {
        try await members.ask { (engine) throws(EngineError) in try await engine.account(request: request) }
    }

    public func account(id: String) async throws(EngineError) -> AccountView {
        try await members.ask { (engine) throws(EngineError) in try await engine.account(id: id) }
    }

    public func submit(order: [UInt8], spec: [UInt8]) async throws(EngineError) -> JobView {
        try await members.ask { (engine) throws(EngineError) in try await engine.submit(order: order, spec: spec) }
    }

    public func putFile(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView {
        try await members.ask { (engine) throws(EngineError) in
            try await engine.putFile(job: job, cid: cid, bytes: bytes)
        }
    }

    public func file(job: Digest, cid: CID) async throws(EngineError) -> [UInt8] {
        try await members.ask { (engine) throws(EngineError) in try await engine.file(job: job, cid: cid) }
    }

    public func topUp(job: Digest, topUp: [UInt8]) async throws(EngineError) -> JobView {
        try await members.ask { (engine) throws(EngineError) in try await engine.topUp(job: job, topUp: topUp) }
    }

    public func close(job: Digest, request: [UInt8]) async throws(EngineError) -> JobView {
        try await members.ask { (engine) throws(EngineError) in try await engine.close(job: job, request: request) }
    }

    public func job(id: Digest) async throws(EngineError) -> JobView {
        try await members.ask { (engine) throws(EngineError) in try await engine.job(id: id) }
    }

    public func jobs(limit: Int) async throws(EngineError) -> [JobView] {
        try await list { (engine) throws(EngineError) in try await engine.jobs(limit: limit) }
    }

    public func receipt(job: Digest) async throws(EngineError) -> [UInt8] {
        try await members.ask { (engine) throws(EngineError) in try await engine.receipt(job: job) }
    }

    public func logProof(receipt: Digest) async throws(EngineError) -> [UInt8] {
        try await members.ask { (engine) throws(EngineError) in try await engine.logProof(receipt: receipt) }
    }

    public func node(request: [UInt8]) async throws(EngineError) -> LeasedWork? {
        try await members.ask { (engine) throws(EngineError) in try await engine.node(request: request) }
    }

    public func nodes() async throws(EngineError) -> [NodeView] {
        try await list { (engine) throws(EngineError) in try await engine.nodes() }
    }

    /// The leader's list, because a standby's lacks what only the leader knows; a standby's when nobody leads.
    private func list<Value: Sendable>(
        _ body: (any EngineAPI) async throws(EngineError) -> Value
    ) async throws(EngineError) -> Value {
        do throws(EngineError) {
            return try await members.ask { (engine) throws(EngineError) in
                let standing = try await engine.engine().standing
                guard standing?.role != .standby else {
                    throw EngineError(.unavailable, "engine.standby", "a standby lists only what is stored")
                }
                return try await body(engine)
            }
        } catch {
            guard error.id == "engine.standby" else { throw error }
            return try await members.ask(body)
        }
    }

    public func read(job: Digest, reading: [UInt8]) async throws(EngineError) -> JobView {
        try await members.ask { (engine) throws(EngineError) in try await engine.read(job: job, reading: reading) }
    }

    public func commit(job: Digest, execution: [UInt8], trace: [UInt8]) async throws(EngineError) -> JobView {
        try await members.ask { (engine) throws(EngineError) in
            try await engine.commit(job: job, execution: execution, trace: trace)
        }
    }

    public func putOutput(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView {
        try await members.ask { (engine) throws(EngineError) in
            try await engine.putOutput(job: job, cid: cid, bytes: bytes)
        }
    }

    public func validator(request: [UInt8]) async throws(EngineError) -> VerificationWork? {
        try await members.ask { (engine) throws(EngineError) in try await engine.validator(request: request) }
    }

    public func judge(job: Digest, verdict: [UInt8]) async throws(EngineError) -> JobView {
        try await members.ask { (engine) throws(EngineError) in try await engine.judge(job: job, verdict: verdict) }
    }
}

/// Members of a fleet, and who of them is asked first.
final class FleetAsker<Member: Sendable>: Sendable {
    /// The refusals of a member that say nothing about the engine.
    static var passing: Set<String> {
        [
            "engine.unreachable", "engine.timeout", "engine.standby", "engine.stopped", "answer.status",
            "ledger.unavailable",
        ]
    }

    private let members: [Member]
    private let preferred = Mutex(0)

    /// - Precondition: there is at least one.
    init(_ members: [Member]) {
        self.members = members
    }

    /// Asks one member after another, and gives the first answer that is the engine's own.
    func ask<Value: Sendable>(_ body: (Member) async throws(EngineError) -> Value) async throws(EngineError) -> Value {
        let first = preferred.withLock { $0 }
        var refusal: EngineError?
        for offset in members.indices {
            let index = (first + offset) % members.count
            do throws(EngineError) {
                let value = try await body(members[index])
                preferred.withLock { $0 = index }
                return value
            } catch {
                guard error.kind == .unavailable, Self.passing.contains(error.id) else {
                    preferred.withLock { $0 = index }
                    throw error
                }
                // Of all that is wrong the leader's address is told rather than a dead one's.
                if refusal?.id != "engine.standby" { refusal = error }
            }
        }
        // Whoever answered last and now hangs is not waited for first a second time.
        preferred.withLock { $0 = (first + 1) % members.count }
        throw refusal ?? EngineError(.unavailable, "engine.unreachable", "no engine was named")
    }
}
