// What the ledger does in a second: whole settlements with receipt rows and invariants, on SQLite or PostgreSQL.
//
// ledger-bench settle STORE JOBS        as many settlements as the store takes, after JOBS jobs were given their holds
// ledger-bench rate STORE PER_SECOND SECONDS    a steady rate of whole jobs, and how long their settlements took
// ledger-bench writers POSTGRES WRITERS JOBS    as many settlements as so many writers of one ledger get through
// ledger-bench audit STORE              restart and full audit of what is there
// STORE is a file, made when missing, or postgres://…
import Commitments
import Foundation
import Ledger

func fail(_ text: String) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(64)
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 2 else { fail("usage: ledger-bench settle|rate|writers|audit STORE …") }
let (verb, place) = (arguments[0], arguments[1])

func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}

func open(_ place: String) throws -> any LedgerStore {
    guard place.hasPrefix("postgres") else {
        let folder = (place as NSString).deletingLastPathComponent
        print(try FlushMeasurement.measure(directory: folder.isEmpty ? "." : folder).summary)
        return try SQLiteLedgerStore(path: place)
    }
    print(try PostgresProbe.run(url: place).summary)
    let database = try PostgresDatabase(url: place)
    let fence = try PostgresWorkQueue(database: database).acquire("ledger", holder: [1], leaseMilliseconds: 60_000)
    return PostgresLedgerStore(database: database, fence: fence)
}

/// Who takes part: 20,000 payers, 1,000 providers with stakes, three validators, the operator.
struct Economy {
    static let payers = 20_000
    static let providers = 1_000
    let currency = "CREDIT"

    func account(_ kind: AccountKind, _ number: Int) -> Account {
        Account(currency: currency, kind: kind, owner: Array("\(number)".utf8))
    }

    func payer(_ job: Int) -> Account { account(.payer, job &* 7919 % Self.payers) }
    func provider(_ job: Int) -> Account { account(.provider, job &* 104_729 % Self.providers) }
    func stake(_ job: Int) -> Account { account(.stake, job &* 104_729 % Self.providers) }
    func id(_ word: String, _ job: Int) -> TransferID {
        TransferID(deriving: Array(word.utf8), Array("\(job)".utf8))
    }
    func digest(_ word: String, _ job: Int) -> Digest { SHA256.hash(Array("\(word) \(job)".utf8)) }

    /// Opens and funds every account.
    func open(_ store: any LedgerStore, _ book: inout Book) async throws {
        let issuer = account(.issuer, 0)
        let rich = (0..<Self.payers).map { account(.payer, $0) } + (0..<Self.providers).map { account(.stake, $0) }
        let poor =
            (0..<Self.providers).map { account(.provider, $0) } + (0..<3).map { account(.validator, $0) }
            + [account(.fee, 0), account(.escrow, 0)]
        var effects = try ([issuer] + rich + poor).map { try book.apply(.openAccount($0), at: 0) }
        for (index, account) in rich.enumerated() {
            let credit = Transfer(
                id: id("credit", index),
                debit: issuer.id,
                credit: account.id,
                amount: 1 << 40,
                currency: currency,
                kind: .credit
            )
            effects.append(try book.apply(.transfer(credit), at: 0))
        }
        for start in stride(from: 0, to: effects.count, by: 2000) {
            let batch = Batch(effects: Array(effects[start..<min(start + 2000, effects.count)]))
            try await store.commit(batch)
            book.release(batch)
        }
    }

    /// The first half of a job: its money and the provider's stake are held.
    func begin(_ job: Int, _ book: inout Book) throws -> Batch {
        func hold(_ name: String, _ debit: Account, _ amount: Int64) throws -> LedgerEffects {
            let transfer = Transfer(
                id: id(name, job),
                debit: debit.id,
                credit: account(.escrow, 0).id,
                amount: amount,
                currency: currency,
                kind: .hold,
                job: digest("job", job),
                attempt: 1,
                leg: name
            )
            return try book.apply(.hold(transfer, expiresAt: .max), at: 1)
        }
        return Batch(
            effects: [try hold("hold", payer(job), 2438), try hold("stake", stake(job), 4876)],
            records: [Record(kind: "job", id: digest("job", job).bytes, body: [UInt8](repeating: 1, count: 500))]
        )
    }

    /// The second half: everything that an accepted job's end does, in one transaction.
    func settle(_ job: Int, _ book: inout Book, bundle: [UInt8]) throws -> Batch {
        let verdict = digest("verdict", job)
        let pay = Resolution(
            id: id("pay", job),
            hold: id("hold", job),
            legs: [
                Leg(credit: provider(job).id, amount: 1128, name: "provider"),
                Leg(credit: account(.validator, job % 3).id, amount: 61, name: "validator"),
                Leg(credit: account(.fee, 0).id, amount: 30, name: "fee"),
            ],
            attempt: 1,
            verdict: verdict,
            ruleset: digest("ruleset", 0)
        )
        let release = Resolution(id: id("release", job), hold: id("stake", job), legs: [], attempt: 1, verdict: verdict)
        return Batch(
            effects: [try book.apply(.resolve(pay), at: 2), try book.apply(.resolve(release), at: 2)],
            records: [Record(kind: "job", id: digest("job", job).bytes, body: [UInt8](repeating: 2, count: 500))],
            receipts: [
                ReceiptRow(
                    job: digest("job", job),
                    attempt: 1,
                    verdict: verdict,
                    outcome: "accepted",
                    at: 2,
                    bundleBytes: bundle + Array("\(job)".utf8)
                )
            ]
        )
    }
}

/// Keeps a bounded number of batches on their way to the disk.
struct Pipeline {
    private var waiting: [(Batch, CommitTicket)] = []
    private var next = 0
    let depth: Int

    init(depth: Int) { self.depth = depth }

    nonisolated(nonsending) mutating func push(_ batch: Batch, _ store: any LedgerStore, _ book: inout Book)
        async throws
    {
        waiting.append((batch, store.submit(batch)))
        while waiting.count - next >= depth { try await pop(&book) }
    }

    nonisolated(nonsending) mutating func pop(_ book: inout Book) async throws {
        try await waiting[next].1.durable()
        book.release(waiting[next].0)
        next += 1
        if next == depth {
            waiting.removeFirst(next)
            next = 0
        }
    }

    nonisolated(nonsending) mutating func drain(_ book: inout Book) async throws {
        while next < waiting.count { try await pop(&book) }
        waiting = []
        next = 0
    }
}

/// Processor seconds of this process, all threads, user and system.
func processorSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// Bytes that this process has handed to the disk's queue so far; zero where the system does not say.
func bytesWritten() -> Double {
    let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("write_bytes: ") }
    return line.flatMap { Double($0.dropFirst("write_bytes: ".count)) } ?? 0
}

let economy = Economy()
let bundle = [UInt8](repeating: 0x5A, count: 4096)

switch verb {
case "settle":
    guard arguments.count >= 3, let jobs = Int(arguments[2]) else { fail("usage: ledger-bench settle STORE JOBS") }
    let store = try open(place)
    var book = try store.load(recordKinds: []).book
    let first = try store.receiptCount()
    if book.accounts.isEmpty { try await economy.open(store, &book) }
    var pipeline = Pipeline(depth: 4000)
    var start = ContinuousClock.now
    for job in first..<first + jobs { try await pipeline.push(economy.begin(job, &book), store, &book) }
    try await pipeline.drain(&book)
    let held = seconds(ContinuousClock.now - start)
    start = ContinuousClock.now
    let (processor, written) = (processorSeconds(), bytesWritten())
    for job in first..<first + jobs {
        try await pipeline.push(economy.settle(job, &book, bundle: bundle), store, &book)
    }
    try await pipeline.drain(&book)
    let settled = seconds(ContinuousClock.now - start)
    print("holds        \(Int(Double(jobs) / held))/s (two holds and a row each)")
    print(
        "settlements  \(Int(Double(jobs) / settled))/s (5 transfers, receipt row, 4 KiB bundle, job row; \(jobs) jobs)"
    )
    let each = (processorSeconds() - processor, bytesWritten() - written)
    print(
        "             \(Int(each.0 / Double(jobs) * 1e6)) µs of processor time and \(Int(each.1 / Double(jobs) / 1024)) KiB to disk each"
    )
    print("whole jobs   \(Int(Double(jobs) / (held + settled)))/s")
    try book.verify()
    try store.close()
case "rate":
    guard arguments.count >= 4, let rate = Int(arguments[2]), let length = Int(arguments[3]), rate > 0 else {
        fail("usage: ledger-bench rate STORE PER_SECOND SECONDS")
    }
    let store = try open(place)
    var book = try store.load(recordKinds: []).book
    let first = try store.receiptCount()
    if book.accounts.isEmpty { try await economy.open(store, &book) }
    let start = ContinuousClock.now
    var waiting: [Task<Double, any Error>] = []
    var batches: [Batch] = []
    for index in 0..<rate * length {
        let due = start + .microseconds(index * 1_000_000 / rate)
        if due > ContinuousClock.now { try await Task.sleep(until: due, clock: .continuous) }
        let job = first + index
        let opened = try economy.begin(job, &book)
        let holding = store.submit(opened)
        let batch = try economy.settle(job, &book, bundle: bundle)
        let submitted = ContinuousClock.now
        let ticket = store.submit(batch)
        waiting.append(
            Task.detached {
                try await holding.durable()
                try await ticket.durable()
                return seconds(ContinuousClock.now - submitted)
            }
        )
        batches += [opened, batch]
        if batches.count > 4000 {
            for task in waiting.dropLast(100) { _ = try await task.value }
            for batch in batches.dropLast(400) { book.release(batch) }
            batches = Array(batches.suffix(400))
        }
    }
    var times: [Double] = []
    for task in waiting { times.append(try await task.value) }
    let spent = seconds(ContinuousClock.now - start)
    times.sort()
    func percentile(_ part: Double) -> String {
        String(format: "%.1f ms", times[min(times.count - 1, Int(Double(times.count) * part))] * 1000)
    }
    print("jobs         \(times.count) in \(String(format: "%.1f", spent)) s, \(Int(Double(times.count) / spent))/s")
    print(
        "settlement   p50 \(percentile(0.5)), p99 \(percentile(0.99)), p99.9 \(percentile(0.999)), max \(percentile(1))"
    )
    try store.close()
case "audit":
    let store = try open(place)
    var start = ContinuousClock.now
    let image = try store.load(recordKinds: nil)
    print(
        "restart      \(String(format: "%.1f", seconds(ContinuousClock.now - start))) s (\(image.book.holds.count) open holds, \(image.records.count) rows)"
    )
    start = ContinuousClock.now
    let report = try Fsck.run(store)
    let transfers = report.checks.first { $0.id == "order" }?.examined ?? 0
    let receipts = report.checks.first { $0.id == "receipts" }?.examined ?? 0
    let took = seconds(ContinuousClock.now - start)
    print(
        "audit        \(String(format: "%.1f", took)) s (\(receipts) receipts, \(transfers) transfers), clean: \(report.isClean)"
    )
    print("a million    \(String(format: "%.0f", took * 1e6 / Double(max(1, receipts)))) s at this speed")
    try store.close()
case "writers":
    guard arguments.count >= 4, let writers = Int(arguments[2]), let jobs = Int(arguments[3]), writers > 0 else {
        fail("usage: ledger-bench writers POSTGRES WRITERS JOBS")
    }
    try await Writers.run(place, writers: writers, jobs: jobs)
default: fail("usage: ledger-bench settle|rate|writers|audit STORE …")
}
