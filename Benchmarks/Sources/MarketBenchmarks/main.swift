// What the market does in a second, and how soon it is back: heartbeats, matching among many nodes, a restart.
//
// market-bench heartbeats NODES              beats of idle nodes, none of which may cause a row
// market-bench match NODES JOBS              from a job's last file to its lease, with so many idle nodes
// market-bench why NODES                     why a job waits, with so many nodes at work, in processor time
// market-bench restart FILE JOBS             opens a SQLite ledger with so many open jobs (made when missing) until it can work
import AssayTesting
import Codecs
import Commitments
import Foundation
import Ledger
import Market
import Receipts
import Replay
import Signatures

func fail(_ text: String) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(64)
}

func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}

func timed<Value>(_ body: () throws -> Value) rethrows -> (value: Value, seconds: Double) {
    let start = ContinuousClock.now
    let value = try body()
    return (value, seconds(ContinuousClock.now - start))
}

/// A market of named keys; nothing is signed, so that any 32 bytes are a key.
struct Town {
    static let start: Int64 = 1_700_000_000
    let engineKey: VerifyingKey
    let configuration: MarketConfiguration
    let spec: JobSpec

    init() throws {
        engineKey = try Self.key("engine")
        configuration = MarketConfiguration(
            engine: engineKey,
            validators: [try Self.key("validator")],
            ruleset: .default
        )
        guard case .object(var job) = TinyJob.authored else { fail("the tiny job is no object") }
        job["price"] = .object(["currency": .string("credit"), "maxPerMegaUnit": .string("50000000")])
        spec = try JobSpec(.object(job))
    }

    static func key(_ name: String) throws -> VerifyingKey {
        try VerifyingKey(bytes: SHA256.hash(Array("key \(name)".utf8)).bytes)
    }

    static func digest(_ word: String, _ number: Int) -> Digest { SHA256.hash(Array("\(word) \(number)".utf8)) }

    func requester(_ job: Int) throws -> VerifyingKey { try Self.key("requester \(job % 1000)") }

    /// Opens the market's accounts and those of its requesters, with money.
    func open(_ engine: inout Engine) throws -> [LedgerEffects] {
        var effects: [LedgerEffects] = []
        for account in engine.ownAccounts { effects += try engine.apply(.openAccount(account), at: Self.start).ledger }
        for number in 0..<1000 {
            let account = Account(currency: "credit", kind: .payer, owner: try requester(number).bytes)
            effects += try engine.apply(.openAccount(account), at: Self.start).ledger
            effects += try credit(account.id, 1 << 50, "payer \(number)", &engine)
        }
        return effects
    }

    func credit(_ account: AccountID, _ amount: Int64, _ name: String, _ engine: inout Engine) throws -> [LedgerEffects]
    {
        let transfer = Transfer(
            id: TransferID(deriving: Array(name.utf8)),
            debit: engine.account(.issuer, of: engineKey),
            credit: account,
            amount: amount,
            currency: "credit",
            kind: .credit
        )
        return try engine.apply(.transfer(transfer), at: Self.start).ledger
    }

    func submission(_ number: Int, _ engine: Engine) throws -> Submission {
        let requester = try requester(number)
        return Submission(
            id: Self.digest("job", number),
            requester: requester,
            account: engine.account(.payer, of: requester),
            nonce: Self.digest("nonce", number),
            orderDigest: Self.digest("order", number),
            specDigest: Self.digest("spec", 0),
            spec: spec
        )
    }

    /// A market with idle nodes of many prices and sizes.
    func market(nodes count: Int) throws -> (Engine, [VerifyingKey]) {
        var engine = Engine(configuration: configuration, book: Book())
        _ = try open(&engine)
        var keys: [VerifyingKey] = []
        for number in 0..<count {
            let key = try Self.key("node \(number)")
            let memory = UInt64(1) << UInt64(30 + number % 6)
            let ask = 1_000_000 + UInt64(number % 40_000) * 1000
            let node = Node(
                key: key,
                deviceKind: number % 3 == 0 ? .gpu : .cpu,
                memoryBytes: memory,
                askPerMegaUnit: ask
            )
            _ = try engine.apply(.register(node), at: Self.start)
            _ = try credit(engine.account(.stake, of: key), 1 << 42, "stake \(number)", &engine)
            keys.append(key)
        }
        return (engine, keys)
    }
}

/// Makes a ledger file with open jobs: half of them offered, half still waiting for their files.
func fill(_ path: String, _ jobs: Int, _ town: Town) async throws {
    let store = try SQLiteLedgerStore(path: path)
    var engine = Engine(configuration: town.configuration, book: Book())
    let opening = Batch(effects: try town.open(&engine))
    try await store.commit(opening)
    engine.release(opening)
    var waiting: [(Batch, CommitTicket)] = []
    for start in stride(from: 0, to: jobs, by: 500) {
        var batch = Batch()
        for number in start..<min(start + 500, jobs) {
            let submission = try town.submission(number, engine)
            var effects = try engine.apply(.submit(submission), at: Town.start)
            batch.effects += effects.ledger
            if number % 2 == 0 { effects = try engine.apply(.filesPresent(job: submission.id), at: Town.start) }
            batch.records += effects.jobs.map { Record(kind: Job.recordKind, id: $0.id.bytes, body: $0.row) }
        }
        waiting.append((batch, store.submit(batch)))
        if waiting.count == 8 {
            let (oldest, ticket) = waiting.removeFirst()
            try await ticket.durable()
            engine.release(oldest)
        }
    }
    for (_, ticket) in waiting { try await ticket.durable() }
    try store.close()
}

let arguments = Array(CommandLine.arguments.dropFirst())
let usage = "usage: market-bench heartbeats NODES | match NODES JOBS | why NODES | restart FILE JOBS"
let town = try Town()
switch arguments.first {
case "heartbeats":
    guard arguments.count == 2, let count = Int(arguments[1]), count > 0 else { fail(usage) }
    var (engine, keys) = try town.market(nodes: count)
    var rows = 0
    let rounds = 10
    let took = try timed {
        for round in 1...rounds {
            for key in keys where try !engine.apply(.nodeSeen(key), at: Town.start + Int64(round)).isEmpty { rows += 1 }
        }
    }
    print("heartbeats   \(Int(Double(count * rounds) / took.seconds))/s (\(count) nodes), \(rows) rows to write")
case "match":
    guard arguments.count == 3, let count = Int(arguments[1]), let jobs = Int(arguments[2]), jobs > 0 else {
        fail(usage)
    }
    var (engine, _) = try town.market(nodes: count)
    var times: [Double] = []
    var leases = 0
    for number in 0..<jobs {
        let submission = try town.submission(number, engine)
        _ = try engine.apply(.submit(submission), at: Town.start)
        let took = try timed { try engine.apply(.filesPresent(job: submission.id), at: Town.start) }
        leases += took.value.leases.count
        times.append(took.seconds)
    }
    times.sort()
    func percentile(_ part: Double) -> String {
        String(format: "%.3f ms", times[min(jobs - 1, Int(Double(jobs) * part))] * 1000)
    }
    print(
        "match        p50 \(percentile(0.5)), p99 \(percentile(0.99)), max \(percentile(1)) (\(count) nodes, \(leases) leases)"
    )
case "why":
    guard arguments.count == 2, let count = Int(arguments[1]), count > 0 else { fail(usage) }
    var (engine, _) = try town.market(nodes: count)
    // Jobs until no node is left for the last.
    var number = 0
    var job = Digest.zero
    repeat {
        let submission = try town.submission(number, engine)
        job = submission.id
        number += 1
        _ = try engine.apply(.submit(submission), at: Town.start)
        _ = try engine.apply(.filesPresent(job: job), at: Town.start)
    } while engine.jobs[job]?.phase == .assigned && number <= count
    var counts: [Mismatch: Int] = [:]
    let rounds = 20
    let start = clock()
    for _ in 0..<rounds { counts = engine.mismatches(of: job, at: Town.start) }
    let spent = Double(clock() - start) / Double(CLOCKS_PER_SEC) / Double(rounds)
    let words = counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) \($0.key.rawValue)" }
    print(
        "why          \(String(format: "%.3f ms", spent * 1000)) of processor time (\(words.joined(separator: ", ")))"
    )
case "restart":
    guard arguments.count == 3, let jobs = Int(arguments[2]), jobs > 0 else { fail(usage) }
    if !FileManager.default.fileExists(atPath: arguments[1]) {
        let start = ContinuousClock.now
        try await fill(arguments[1], jobs, town)
        print("made         \(jobs) open jobs in \(String(format: "%.1f", seconds(ContinuousClock.now - start))) s")
    }
    let start = ContinuousClock.now
    let store = try SQLiteLedgerStore(path: arguments[1])
    let image = try store.load(recordKinds: [Job.recordKind, Node.recordKind])
    let loaded = seconds(ContinuousClock.now - start)
    let open = try Job.decode(image.records)
    let decoded = seconds(ContinuousClock.now - start)
    let engine = Engine(configuration: town.configuration, book: image.book, jobs: open)
    let ready = seconds(ContinuousClock.now - start)
    let parts = [loaded, decoded - loaded, ready - decoded].map { String(format: "%.1f", $0) }
    print("restart      \(String(format: "%.1f", ready)) s with \(engine.jobs.count) open jobs")
    print("             \(parts[0]) s ledger and rows, \(parts[1]) s jobs, \(parts[2]) s indexes")
    try store.close()
default: fail(usage)
}
