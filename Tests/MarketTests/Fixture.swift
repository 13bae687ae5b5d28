// A small market for tests: keys and digests by name, specs with chosen terms, and a job in any phase.
import AssayTesting
import Codecs
import Commitments
import Ledger
import Receipts
import Replay
import Signatures
import Verdicts

@testable import Market

/// What a test chooses of a job; everything else is the tiny job's.
struct Terms {
    var attempts: Int64 = 3
    var device = "any"
    var memoryBytes = "1048576"
    var maxPerMegaUnit = "50000000"
    var currency = "credit"
    /// The spec's `terms` object, if it has one.
    var more: String?
    var seconds: (upload: Int64, match: Int64, run: Int64, verify: Int64) = (60, 50, 40, 30)

    func spec() throws -> JobSpec {
        guard case .object(var job) = TinyJob.authored, case .object(var replay) = job["replay"] else {
            throw FixtureError.notAnObject
        }
        replay["device"] = .object(["type": .string(device), "memoryBytes": .string(memoryBytes)])
        job["replay"] = .object(replay)
        job["attempts"] = .integer(attempts)
        if let more { job["terms"] = try JSONValue(parsing: Array(more.utf8)) }
        job["price"] = .object(["currency": .string(currency), "maxPerMegaUnit": .string(maxPerMegaUnit)])
        job["deadlines"] = .object([
            "uploadSeconds": .integer(seconds.upload),
            "matchSeconds": .integer(seconds.match),
            "runSeconds": .integer(seconds.run),
            "verifySeconds": .integer(seconds.verify),
        ])
        return try JobSpec(.object(job))
    }
}

enum FixtureError: Error {
    case notAnObject
    case noEnding
}

/// Names for tests: nothing is signed, so that any 32 bytes are a key.
enum Name {
    static func digest(_ parts: String...) -> Digest { SHA256.hash(Array(parts.joined(separator: "\0").utf8)) }

    static func key(_ name: String) throws -> VerifyingKey { try VerifyingKey(bytes: digest("key", name).bytes) }

    static func transfer(_ name: String) -> TransferID { TransferID(deriving: Array(name.utf8)) }
}

/// A market with one requester who has money, two validators, and nodes as the test wants them.
struct MarketFixture {
    var engine: Engine
    var now: Int64 = 1_700_000_000
    let engineKey: VerifyingKey
    let requester: VerifyingKey
    let node: VerifyingKey
    let validators: [VerifyingKey]
    private var credits = 0

    init(
        ruleset: Ruleset = .default,
        money: Int64 = 1_000_000_000,
        validators names: [String] = ["v0", "v1"],
        book: Book = Book(),
        budget: IssueBudget? = nil
    ) throws {
        engineKey = try Name.key("engine")
        requester = try Name.key("requester")
        node = try Name.key("node")
        validators = try names.map(Name.key)
        engine = Engine(
            configuration: MarketConfiguration(
                engine: engineKey,
                validators: Set(validators),
                ruleset: ruleset,
                issueBudget: budget
            ),
            book: book
        )
        for account in engine.ownAccounts { try apply(.openAccount(account)) }
        try apply(.openAccount(Account(currency: "credit", kind: .payer, owner: requester.bytes)))
        if money > 0 { try credit(.payer, of: requester, money) }
    }

    @discardableResult
    mutating func apply(_ event: Event) throws -> Effects {
        try engine.apply(event, at: now)
    }

    mutating func credit(_ kind: AccountKind, of owner: VerifyingKey, _ amount: Int64) throws {
        credits += 1
        let transfer = Transfer(
            id: Name.transfer("credit \(credits)"),
            debit: engine.account(.issuer, of: engineKey),
            credit: engine.account(kind, of: owner),
            amount: amount,
            currency: "credit",
            kind: .credit
        )
        try apply(.transfer(transfer))
    }

    /// Registers a node with a stake.
    mutating func register(
        _ key: VerifyingKey,
        kind: DeviceDescription.Kind = .cpu,
        memoryBytes: UInt64 = 1 << 30,
        ask: UInt64 = 40_000_000,
        stake: Int64 = 100_000_000
    ) throws {
        try apply(.register(Node(key: key, deviceKind: kind, memoryBytes: memoryBytes, askPerMegaUnit: ask)))
        if stake > 0 { try credit(.stake, of: key, stake) }
    }

    func submission(_ name: String = "job", nonce: String? = nil, terms: Terms = Terms()) throws -> Submission {
        let spec = try terms.spec()
        return Submission(
            id: Name.digest("job", name),
            requester: requester,
            account: engine.account(.payer, of: requester),
            nonce: Name.digest("nonce", nonce ?? name),
            orderDigest: Name.digest("order", name),
            specDigest: Name.digest("spec", name),
            spec: spec
        )
    }

    static let claim = Job.Claim(
        executionDigest: Name.digest("execution"),
        outputRoot: Name.digest("outputs"),
        workUnits: 128_000
    )

    func judgement(
        of job: Digest,
        by validator: VerifyingKey,
        _ outcome: Outcome = .accepted,
        execution: Digest = claim.executionDigest
    ) -> Judgement {
        let faults: [Outcome: Fault] = [.rejected: .provider, .requesterFault: .requester, .inconclusive: .environment]
        return Judgement(
            job: job,
            attempt: engine.jobs[job]?.attempt ?? 1,
            validator: validator,
            executionDigest: execution,
            verdictDigest: Name.digest("verdict", outcome.rawValue),
            outcome: outcome,
            fault: faults[outcome] ?? .none,
            reason: Reason(code: "test", text: "found by a test")
        )
    }

    /// The stages of a job's life, finer than phases.
    enum Stage: String, CaseIterable {
        case funded, offered, assigned, committed, undrawn, drawn, ended
    }

    /// Takes a fresh job to a stage with `node` as its provider and the first validator as its judge.
    mutating func job(at stage: Stage, terms: Terms = Terms()) throws -> Digest {
        let submission = try submission(terms: terms)
        let id = submission.id
        try apply(.submit(submission))
        if stage == .funded { return id }
        try apply(.filesPresent(job: id))
        if stage == .offered { return id }
        if engine.nodes[node] == nil { try register(node) }
        try apply(.nodeSeen(node))
        if stage == .assigned { return id }
        try apply(.commit(job: id, attempt: 1, node: node, claim: Self.claim))
        if stage == .committed { return id }
        try apply(.outputsPresent(job: id, attempt: 1))
        if stage == .undrawn { return id }
        try apply(.validatorSeen(validators[0]))
        if stage == .drawn { return id }
        try apply(.judge(judgement(of: id, by: validators[0])))
        return id
    }

    /// The end of a job that is with the first validator.
    mutating func end(_ job: Digest, _ outcome: Outcome) throws -> Ending {
        let effects = try apply(.judge(judgement(of: job, by: validators[0], outcome)))
        guard let ending = effects.endings.first else { throw FixtureError.noEnding }
        return ending
    }

    func balance(_ kind: AccountKind, of owner: VerifyingKey) -> Int64 {
        engine.book.accounts[engine.account(kind, of: owner)]?.balance ?? 0
    }

    func available(_ kind: AccountKind, of owner: VerifyingKey) -> Int64 {
        engine.book.accounts[engine.account(kind, of: owner)]?.available ?? 0
    }
}

extension Engine {
    /// The offered jobs, oldest first.
    var offered: [Digest] { (index.offers.values.flatMap { $0 } + index.gangOffers).sorted().map(\.id) }
}

/// Everything of an engine that an event may change.
struct EngineImage: Equatable {
    let jobs: [Digest: Job]
    let nodes: [VerifyingKey: Node]
    let accounts: [AccountID: Account]
    let holds: [TransferID: Hold]
    let offered: [Digest]
    let unjudged: [Digest]
    let deadlines: [JobMoment]
    let leases: [VerifyingKey: Digest]
    let judging: [VerifyingKey: Digest]

    init(_ engine: Engine) {
        jobs = engine.jobs
        nodes = engine.nodes
        accounts = engine.book.accounts
        holds = engine.book.holds
        offered = engine.offered
        unjudged = engine.index.unjudged.map(\.id)
        deadlines = engine.index.byDeadline.map { $0 }
        leases = engine.leases
        judging = engine.judging
    }
}

extension MarketError {
    /// The case's name, for tables.
    var word: String {
        switch self {
        case .unknownJob: "unknownJob"
        case .unknownNode: "unknownNode"
        case .unknownValidator: "unknownValidator"
        case .wrongPhase: "wrongPhase"
        case .staleLease: "staleLease"
        case .conflict: "conflict"
        case .refused: "refused"
        case .ledger: "ledger"
        case .stopped: "stopped"
        }
    }
}
