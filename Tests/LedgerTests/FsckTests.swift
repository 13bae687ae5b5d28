// A ledger damaged behind the engine's back: fsck must name the fault, and start-up must refuse the money ones.
import Codecs
import Commitments
import GRDB
import Testing

@testable import Ledger

@Suite struct FsckTests {
    let town = Town()

    private func settledLedger(_ path: String) async throws -> SQLiteLedgerStore {
        let store = try SQLiteLedgerStore(path: path)
        var book = Book(history: store)
        var batch = Batch(effects: try town.open(&book, funds: 1000))
        batch.effects.append(try book.apply(.hold(town.hold("h", 600), expiresAt: 100), at: 5))
        batch.effects.append(try book.apply(.resolve(town.resolution("r", of: "h", provider: 500, fee: 25)), at: 6))
        batch.effects.append(try book.apply(.hold(town.hold("h2", 70, job: 2), expiresAt: 100), at: 7))
        batch.effects.append(try book.apply(.transfer(town.transfer("gift", town.alice, town.bob, 3)), at: 8))
        batch.receipts = [town.receipt()]
        try await store.commit(batch)
        return store
    }

    struct Damage: Sendable, CustomStringConvertible {
        let description: String
        let sql: String
        /// The checks that must fail, and no others.
        let fails: Set<String>
        var stopsLoading = true
    }

    static let damages = [
        Damage(
            description: "a balance was raised",
            sql: "UPDATE account SET credits_posted = credits_posted + 5 WHERE kind = 'provider'",
            fails: ["I1-balanced", "I7-balances"]
        ),
        Damage(
            description: "money was moved without a transfer",
            sql: """
                UPDATE account SET credits_posted = credits_posted + 5 WHERE kind = 'provider';
                UPDATE account SET credits_posted = credits_posted - 5 WHERE kind = 'fee'
                """,
            fails: ["I7-balances"]
        ),
        Damage(
            description: "an account is overdrawn",
            sql: "UPDATE account SET debits_posted = 5000 WHERE kind = 'provider'",
            fails: ["I1-balanced", "I2-overdraft", "I7-balances"]
        ),
        Damage(
            description: "a transfer's amount was changed",
            sql: "UPDATE transfer SET amount = 4 WHERE kind = 'direct'",
            fails: ["I7-balances"]
        ),
        Damage(
            description: "a transfer is gone",
            sql: "DELETE FROM transfer WHERE kind = 'direct'",
            fails: ["I7-balances", "history"]
        ),
        Damage(
            description: "a transfer moves nothing",
            sql: "UPDATE transfer SET amount = 0 WHERE kind = 'direct'",
            fails: ["I6-amounts", "I7-balances"]
        ),
        Damage(
            description: "a transfer changed its currency",
            sql: "UPDATE transfer SET currency = 'EUR' WHERE kind = 'direct'",
            fails: ["I1-balanced"],
            stopsLoading: false
        ),
        Damage(
            description: "a resolved hold was opened again",
            sql: "UPDATE hold SET resolution = NULL, outcome = NULL, resolved_at = NULL WHERE resolution IS NOT NULL",
            fails: ["I3-holds"]
        ),
        Damage(
            description: "an open hold was closed without a transfer",
            sql: """
                UPDATE hold SET resolution = x'000102030405060708090a0b0c0d0e0f', outcome = 'void', resolved_at = 9
                WHERE resolution IS NULL
                """,
            fails: ["I3-holds"]
        ),
        Damage(
            description: "a hold's row is gone",
            sql: "DELETE FROM hold WHERE resolution IS NULL",
            fails: ["I3-holds"]
        ),
        Damage(
            description: "a leg was paid twice",
            sql: """
                DROP INDEX transfer_leg;
                INSERT INTO transfer (id, debit, credit, amount, currency, kind, pending_id, job, attempt, leg, verdict, at)
                SELECT x'000102030405060708090a0b0c0d0e0f', debit, credit, amount, currency, kind, pending_id, job, attempt,
                    leg, verdict, 8 FROM transfer WHERE leg = 'provider'
                """,
            fails: ["I3-holds", "I4-legs", "I7-balances", "history"]
        ),
        Damage(
            description: "a receipt is gone",
            sql: "DELETE FROM bundle; DELETE FROM receipt",
            fails: ["I5-verdicts"],
            stopsLoading: false
        ),
        Damage(
            description: "a leg names another verdict",
            sql: "UPDATE transfer SET verdict = zeroblob(32) WHERE leg = 'provider'",
            fails: ["I5-verdicts"],
            stopsLoading: false
        ),
        Damage(
            description: "a leg names no verdict",
            sql: "UPDATE transfer SET verdict = NULL WHERE leg = 'provider'",
            fails: ["I5-verdicts"],
            stopsLoading: false
        ),
        Damage(
            description: "a bundle was changed",
            sql: "UPDATE bundle SET bytes = zeroblob(5)",
            fails: ["receipts"],
            stopsLoading: false
        ),
        Damage(
            description: "a bundle is gone",
            sql: "DELETE FROM bundle",
            fails: ["receipts"],
            stopsLoading: false
        ),
        Damage(
            description: "time ran backwards",
            sql: "UPDATE transfer SET at = 1 WHERE kind = 'direct'",
            fails: ["order"],
            stopsLoading: false
        ),
        Damage(
            description: "an account changed its owner",
            sql: "UPDATE account SET owner = x'ff' WHERE kind = 'provider'",
            fails: ["I7-balances"],
            stopsLoading: false
        ),
        Damage(
            description: "an account is gone",
            sql: "DELETE FROM account WHERE kind = 'provider'",
            fails: ["I1-balanced"]
        ),
        Damage(
            description: "a transfer no longer knows the one before it",
            sql: "UPDATE transfer SET credit_before = NULL WHERE kind = 'direct'; UPDATE account SET latest = 1",
            fails: ["history"],
            stopsLoading: false
        ),
    ]

    @Test func anUndamagedLedgerIsClean() async throws {
        let folder = try TemporaryFolder()
        let store = try await settledLedger(folder.ledger)
        let report = try Fsck.run(store)
        #expect(report.isClean, "\(report)")
        #expect(report.checks.first { $0.id == "I7-balances" }?.examined == 14)
        #expect(report.checks.first { $0.id == "receipts" }?.examined == 1)
        #expect(report.checks.first { $0.id == "I4-legs" }?.examined == 5)
        guard case .object(let document) = report.json else {
            Issue.record("the report is not an object")
            return
        }
        #expect(document["clean"] == .bool(true))
        try store.close()
    }

    @Test(arguments: damages)
    func damageIsNamed(damage: Damage) async throws {
        let folder = try TemporaryFolder()
        let store = try await settledLedger(folder.ledger)
        _ = try store.load()
        try inflict(damage, on: store)
        let report = try Fsck.run(store)
        let failed = report.checks.filter { !$0.passed }
        #expect(Set(failed.map(\.id)) == damage.fails, "\(failed)")
        #expect(failed.allSatisfy { !$0.faults.isEmpty })
        #expect(!report.isClean)
        if damage.stopsLoading { #expect(throws: LedgerError.self) { try store.load() } }
        try store.close()
    }

    private func inflict(_ damage: Damage, on store: SQLiteLedgerStore) throws {
        try store.pool.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON")
            try db.execute(sql: damage.sql)
        }
    }

    @Test func bundlesAreLookedIntoByTheCaller() async throws {
        let folder = try TemporaryFolder()
        let store = try await settledLedger(folder.ledger)
        let report = try Fsck.run(store) { receipt in
            #expect(receipt == town.receipt())
            return ["the signature is not the node's"]
        }
        let receipts = report.checks.first { $0.id == "receipts" }
        #expect(receipts?.faultCount == 1)
        #expect(receipts?.faults.first?.contains("the signature is not the node's") == true)
        try store.close()
    }

    /// Pages overwritten in the file: whatever comes of it, no crash and no clean report.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func aDamagedFileIsNeverClean(seed: UInt64) async throws {
        let folder = try TemporaryFolder()
        let intact = try await settledLedger(folder.ledger)
        try intact.close()
        var random = SeededGenerator(seed: seed)
        try overwrite(folder.ledger, &random)
        do throws(LedgerError) {
            let store = try SQLiteLedgerStore(path: folder.ledger, access: .read)
            let report = try Fsck.run(store)
            #expect(!report.isClean, "seed \(seed)")
        } catch {
            switch error {
            case .storage, .noLedger(.damaged, _), .noLedger(.foreign, _): break
            default: Issue.record("seed \(seed): \(error)")
            }
        }
    }
}
