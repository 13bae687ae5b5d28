// The book against its slow twin: random operations, every counter of every account compared after each.
import AssayTesting
import Commitments
import Foundation
import Testing

@testable import Ledger

@Suite struct ModelTests {
    private static let accounts = Town().accounts + Town(currency: "EUR").accounts

    /// Runs `count` operations on both and compares after each one; `visit` sees what was done.
    private func run(
        seed: UInt64,
        count: Int,
        on book: inout Book,
        _ visit: (LedgerEffects) throws -> Void = { _ in }
    ) throws -> [String: Int] {
        var twin = ReferenceLedger(accounts: Self.accounts)
        var operations = RandomOperations(seed: seed, accounts: Self.accounts)
        var tally: [String: Int] = [:]
        var now: Int64 = 0
        for account in Self.accounts { try visit(book.apply(.openAccount(account), at: 0)) }
        for step in 0..<count {
            now += Int64.random(in: 0...3, using: &operations.random)
            let operation = operations.next(at: now)
            let expected = twin.apply(operation, at: now)
            var refusal: ReferenceLedger.Refusal?
            var replayed = false
            do throws(LedgerError) {
                let effects = try book.apply(operation, at: now)
                replayed = effects.replayed
                do { try visit(effects) } catch { Issue.record("seed \(seed) step \(step): \(error)") }
            } catch {
                refusal = error.refusal
                if refusal == nil { Issue.record("seed \(seed) step \(step): \(error)") }
            }
            let agree = refusal == expected.refusal && replayed == expected.replayed
            if !agree || !same(book, twin) {
                Issue.record(
                    """
                    seed \(seed) step \(step): \(operation)
                    book: \(refusal?.rawValue ?? "done") replayed \(replayed), twin: \
                    \(expected.refusal?.rawValue ?? "done") replayed \(expected.replayed)
                    """
                )
                return tally
            }
            tally[refusal?.rawValue ?? (replayed ? "replayed" : "done"), default: 0] += 1
        }
        try book.verify()
        return tally
    }

    private func same(_ book: Book, _ twin: ReferenceLedger) -> Bool {
        book.accounts.values.allSatisfy { account in
            account.debitsPosted == twin.posted(from: account.id)
                && account.creditsPosted == twin.posted(to: account.id)
                && account.debitsPending == twin.held(from: account.id)
                && account.creditsPending == twin.held(to: account.id)
        }
    }

    /// 20 seeds in the normal run, 1,000 in the long one.
    private static let seeds: ClosedRange<UInt64> =
        ProcessInfo.processInfo.environment["ASSAY_LONG"] == nil ? 1...20 : 1...1000

    /// Each seed is 1,000 operations. The twin adds up lists, so many short runs cost less than one long one.
    @Test(arguments: seeds)
    func bookAgreesWithTheTwin(seed: UInt64) throws {
        var book = Book()
        let tally = try run(seed: seed, count: 1000, on: &book)
        // The operations must reach what they are meant to reach.
        for outcome in ["done", "replayed", "insufficientFunds", "holdResolved", "exceedsHold", "notExpired"] {
            #expect(tally[outcome, default: 0] > 0, "seed \(seed): no operation ended as \(outcome): \(tally)")
        }
    }

    @Test(arguments: 1...3 as ClosedRange<UInt64>)
    func storedLedgerAgreesWithTheBook(seed: UInt64) async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        var book = try store.load().book
        var tickets = [
            store.submit(
                Batch(
                    receipts: (0..<5000).map { ReceiptRow.plain(job: digest("job", $0), verdict: digest("verdict", 1)) }
                )
            )
        ]
        _ = try run(seed: seed, count: 1000, on: &book) { tickets.append(store.submit(Batch(effects: [$0]))) }
        for ticket in tickets { try await ticket.durable() }
        let loaded = try store.load().book
        #expect(loaded.accounts == book.accounts, "seed \(seed)")
        #expect(loaded.holds == book.holds, "seed \(seed)")
        let report = try Fsck.run(store)
        #expect(report.isClean, "seed \(seed): \(report.checks.filter { !$0.passed })")
        try store.close()
    }

    @Test func bothStoresKeepTheSame() async throws {
        let folder = try TemporaryFolder()
        try await keepsWhatMemoryKeeps(try SQLiteLedgerStore(path: folder.ledger))
    }

    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "ModelTests")))
    func postgresKeepsTheSame() async throws {
        try await keepsWhatMemoryKeeps(try PostgresLedgerStore.fresh())
    }

    private func keepsWhatMemoryKeeps(_ database: any LedgerStore) async throws {
        let memory = MemoryLedgerStore()
        var book = Book()
        let receipts = Batch(
            receipts: (0..<5000).map { ReceiptRow.plain(job: digest("job", $0), verdict: digest("verdict", 1)) }
        )
        var tickets = [database.submit(receipts), memory.submit(receipts)]
        _ = try run(seed: 77, count: 500, on: &book) {
            tickets += [database.submit(Batch(effects: [$0])), memory.submit(Batch(effects: [$0]))]
        }
        for ticket in tickets { try await ticket.durable() }
        #expect(try database.accounts(owner: nil) == memory.accounts(owner: nil))
        #expect(try database.openHolds() == memory.openHolds())
        for account in Self.accounts {
            #expect(try database.transfers(of: account.id, limit: 50) == memory.transfers(of: account.id, limit: 50))
        }
        for job in 0..<50 {
            let job = digest("job", job)
            #expect(try database.transfers(ofJob: job) == memory.transfers(ofJob: job))
        }
        #expect(try Fsck.run(memory).isClean)
        #expect(try Fsck.run(database).isClean)
        #expect(try database.load().book.accounts == book.accounts)
        try database.close()
    }
}

extension ReceiptRow {
    /// A receipt without content, for transfers that must have one.
    static func plain(job: Digest, verdict: Digest) -> ReceiptRow {
        ReceiptRow(job: job, attempt: 0, verdict: verdict, outcome: "accepted", at: 0, bundleBytes: [])
    }
}
