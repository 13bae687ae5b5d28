// An engine in memory for tests of transports and commands: it keeps the form of every call and no market at all.
internal import Codecs
public import Commitments
public import EngineAPI
public import Receipts
public import Signatures
internal import Synchronization

/// An engine that tests set up and look into.
public final class FakeEngine: EngineAPI {
    /// What a test may set or look at.
    public struct State: Sendable {
        public var description: EngineDescription
        public var accounts: [String: AccountView] = [:]
        /// Newest last.
        public var jobs: [JobView] = []
        public var specs: [Digest: SealedJob] = [:]
        public var files: [Digest: [CID: [UInt8]]] = [:]
        public var receipts: [Digest: [UInt8]] = [:]
        /// The proofs of a log by the receipt's digest; `nil` for an engine that keeps none.
        public var logProofs: [Digest: [UInt8]]?
        public var nodes: [NodeView] = []
        public var work: LeasedWork?
        public var verification: VerificationWork?
        /// Thrown by every call when it is set.
        public var failure: EngineError?
        /// Every call with its arguments in short, in order.
        public var calls: [String] = []
        fileprivate var nonces: [String: Digest] = [:]
    }

    /// Signs for the engine.
    public let key: SigningKey
    /// May credit accounts.
    public let operatorKey: SigningKey
    private let state: Mutex<State>
    private let now: @Sendable () -> Int64

    /// An engine with fixed keys.
    /// - Parameter now: the engine's clock, against which requests must be timely.
    public init(now: @escaping @Sendable () -> Int64) throws {
        key = try SigningKey(seed: [UInt8](repeating: 1, count: 32))
        operatorKey = try SigningKey(seed: [UInt8](repeating: 2, count: 32))
        let validator = try SigningKey(seed: [UInt8](repeating: 3, count: 32))
        self.now = now
        state = Mutex(
            State(
                description: EngineDescription(
                    engine: key.verifyingKey,
                    operatorKey: operatorKey.verifyingKey,
                    currency: "TEST",
                    validators: [validator.verifyingKey],
                    ruleset: try JSONValue(parsing: Ruleset.default.bytes),
                    version: "1.2.3"
                )
            )
        )
    }

    /// Looks into the state or changes it.
    public func with<Value: Sendable>(_ body: (inout sending State) -> sending Value) -> sending Value {
        state.withLock(body)
    }

    /// Puts `view` in place of the job of that id, or adds it.
    public func update(_ view: JobView) {
        with { state in
            if let index = state.jobs.firstIndex(where: { $0.id == view.id }) {
                state.jobs[index] = view
            } else {
                state.jobs.append(view)
            }
        }
    }

    /// The calls so far.
    public var calls: [String] { with { $0.calls } }

    private func enter(_ call: String) throws(EngineError) {
        let failure = with { state in
            state.calls.append(call)
            return state.failure
        }
        if let failure { throw failure }
    }

    private func find(_ id: Digest) throws(EngineError) -> JobView {
        guard let job = with({ $0.jobs.first { $0.id == id } }) else {
            throw EngineError(.notFound, "job.unknown", "there is no job \(id)", field: "job", actual: id.hex)
        }
        return job
    }

    private func request(_ bytes: [UInt8]) throws(EngineError) -> EngineRequest {
        let request: EngineRequest
        do throws(DocumentError) {
            request = try Signed<EngineRequest>(verifying: bytes).predicate
        } catch {
            switch error {
            case .malformed(let error): throw EngineError(error, id: "request.malformed")
            default: throw EngineError(.forbidden, "request.signature", error.description)
            }
        }
        guard request.engine == key.verifyingKey, request.isTimely(at: now()) else {
            throw EngineError(.forbidden, "request.time", "the request is for another engine or another time")
        }
        return request
    }

    // MARK: EngineAPI

    public func engine() async throws(EngineError) -> EngineDescription {
        try enter("engine")
        return with { $0.description }
    }

    public func account(request bytes: [UInt8]) async throws(EngineError) -> AccountView {
        let request = try request(bytes)
        try enter("account \(request.action.name)")
        switch request.action {
        case .open:
            let name = AccountName(currency: "TEST", purpose: .payer, owner: request.signer)
            return with { state in
                let known = state.accounts[name.text]
                let view =
                    known
                    ?? AccountView(
                        id: name.text,
                        kind: "payer",
                        currency: "TEST",
                        owner: request.signer,
                        available: 0,
                        held: 0,
                        balance: 0
                    )
                state.accounts[name.text] = view
                return view
            }
        case .credit(let account, let amount), .withdraw(let account, let amount):
            guard request.signer == operatorKey.verifyingKey else {
                throw EngineError(
                    .forbidden,
                    "account.operator",
                    "only the operator may move money in or out",
                    field: "signer",
                    expected: operatorKey.verifyingKey.text,
                    actual: request.signer.text
                )
            }
            var sign: Int64 = 1
            if case .withdraw = request.action { sign = -1 }
            let change = sign * Int64(amount)
            let view = with { state -> AccountView? in
                guard var view = state.accounts[account.text] else { return nil }
                view.available += change
                view.balance += change
                if view.available >= 0 { state.accounts[account.text] = view }
                return view
            }
            guard let view else { throw EngineError(.notFound, "account.unknown", "there is no account \(account)") }
            guard view.available >= 0 else {
                throw EngineError(
                    .insufficientFunds,
                    "funds.insufficient",
                    "the account has less than that",
                    field: "amount",
                    expected: "at most \(view.available - change)",
                    actual: "\(amount)"
                )
            }
            return view
        default: throw EngineError(.malformed, "request.action", "not an action of accounts", field: "action")
        }
    }

    public func account(id: String) async throws(EngineError) -> AccountView {
        try enter("account \(id)")
        guard let view = with({ $0.accounts[id] }) else {
            throw EngineError(.notFound, "account.unknown", "there is no account \(id)", field: "account", actual: id)
        }
        return view
    }

    public func submit(order: [UInt8], spec: [UInt8]) async throws(EngineError) -> JobView {
        try enter("submit")
        let signed: Signed<Order>
        let job: SealedJob
        do throws(DocumentError) {
            signed = try Signed<Order>(verifying: order)
        } catch {
            throw EngineError(.forbidden, "order.signature", error.description)
        }
        do throws(ParseError) {
            job = try SealedJob(parsing: spec)
        } catch {
            throw EngineError(error, id: "spec.malformed")
        }
        let id = signed.predicate.jobID.digest
        let nonce = signed.signer.text + Hex.encode(signed.predicate.nonce)
        if let known = with({ $0.nonces[nonce] }) {
            guard known == id else {
                throw EngineError(
                    .conflict,
                    "order.conflict",
                    "the nonce was used for another job",
                    field: "nonce",
                    expected: "the order of job \(known)",
                    actual: "job \(id)"
                )
            }
            return try find(id)
        }
        let hold = Int64(job.spec.holdAmount)
        let available = with { $0.accounts[signed.predicate.account.text]?.available ?? 0 }
        guard available >= hold else {
            throw EngineError(
                .insufficientFunds,
                "funds.insufficient",
                "the account has less than the job may cost",
                field: "account",
                expected: "at least \(hold)",
                actual: "\(available)"
            )
        }
        var missing: [CID] = []
        for file in job.files where !missing.contains(file.identity.cid) { missing.append(file.identity.cid) }
        let view = JobView(
            id: id,
            name: job.spec.name,
            phase: "funded",
            attempt: 0,
            held: hold,
            deadline: now() + 600,
            reason: "waits for files",
            missing: missing
        )
        with { state in
            state.nonces[nonce] = id
            state.specs[id] = job
            state.jobs.append(view)
            state.accounts[signed.predicate.account.text]?.available -= hold
            state.accounts[signed.predicate.account.text]?.held += hold
        }
        return view
    }

    public func putFile(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView {
        try enter("putFile \(bytes.count)")
        var view = try find(job)
        guard ArtefactIdentity(of: bytes).cid == cid else {
            throw EngineError(.malformed, "file.cid", "the bytes are not that file", field: "cid", expected: cid.text)
        }
        view.missing.removeAll { $0 == cid }
        if view.missing.isEmpty && view.phase == "funded" {
            view.phase = "offered"
            view.reason = "waits for a node"
        }
        let stored = view
        with { $0.files[job, default: [:]][cid] = bytes }
        update(stored)
        return stored
    }

    public func file(job: Digest, cid: CID) async throws(EngineError) -> [UInt8] {
        try enter("file")
        guard let bytes = with({ $0.files[job]?[cid] }) else {
            throw EngineError(.notFound, "file.unknown", "there is no such file", field: "cid", actual: cid.text)
        }
        return bytes
    }

    public func job(id: Digest) async throws(EngineError) -> JobView {
        try enter("job")
        return try find(id)
    }

    public func jobs(limit: Int) async throws(EngineError) -> [JobView] {
        try enter("jobs \(limit)")
        return with { Array($0.jobs.reversed().prefix(limit)) }
    }

    public func logProof(receipt: Digest) async throws(EngineError) -> [UInt8] {
        guard let proofs = with({ $0.logProofs }) else {
            throw EngineError(.notFound, "log.none", "this engine keeps no log of its receipts")
        }
        guard let proof = proofs[receipt] else { throw EngineError(.notFound, "log.pending", "not yet") }
        return proof
    }

    public func receipt(job: Digest) async throws(EngineError) -> [UInt8] {
        try enter("receipt")
        _ = try find(job)
        guard let bytes = with({ $0.receipts[job] }) else {
            throw EngineError(.conflict, "job.open", "the job has not ended", field: "phase", expected: "final")
        }
        return bytes
    }

    public func node(request bytes: [UInt8]) async throws(EngineError) -> LeasedWork? {
        try enter("node \(try request(bytes).action.name)")
        return with { $0.work }
    }

    public func nodes() async throws(EngineError) -> [NodeView] {
        try enter("nodes")
        return with { $0.nodes }
    }

    public func read(job: Digest, reading: [UInt8]) async throws(EngineError) -> JobView {
        try enter("read \(reading.count)")
        return try find(job)
    }

    public func topUp(job: Digest, topUp: [UInt8]) async throws(EngineError) -> JobView {
        let document: TopUp
        do throws(DocumentError) {
            document = try Signed<TopUp>(verifying: topUp).predicate
        } catch {
            throw EngineError(.forbidden, "top-up.signature", error.description)
        }
        try enter("topUp \(document.number) \(document.amount) \(document.seconds)")
        var view = try find(job)
        view.held += Int64(document.amount)
        view.deadline += document.seconds
        view.topUps = document.number
        update(view)
        return view
    }

    public func close(job: Digest, request bytes: [UInt8]) async throws(EngineError) -> JobView {
        try enter("close \(try request(bytes).action.name)")
        return try find(job)
    }

    public func commit(job: Digest, execution: [UInt8], trace: [UInt8]) async throws(EngineError) -> JobView {
        try enter("commit \(execution.count) \(trace.count)")
        return try find(job)
    }

    public func putOutput(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView {
        try enter("putOutput \(bytes.count)")
        return try find(job)
    }

    public func validator(request bytes: [UInt8]) async throws(EngineError) -> VerificationWork? {
        try enter("validator \(try request(bytes).action.name)")
        return with { $0.verification }
    }

    public func judge(job: Digest, verdict: [UInt8]) async throws(EngineError) -> JobView {
        try enter("judge \(verdict.count)")
        return try find(job)
    }
}
