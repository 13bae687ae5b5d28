// Ledgers that are wrong on purpose: each must be found on each store, by an invariant, by the audit, or by comparing what was
// acknowledged with what is there. A mutant that survives means that the suite is blind.
import AssayTesting
import Commitments
import Foundation
import GRDB
import PostgreSQL
import Testing

@testable import Ledger

/// One mistake.
enum LedgerMutant: String, CaseIterable, Sendable {
    /// What a resolution does not pay does not go back.
    case voidSkipped
    /// Each leg is paid one minor unit more.
    case legsRoundedUp
    /// A leg is paid without a receipt of its verdict.
    case paidWithoutReceipt
    /// A transfer is written a second time under another id.
    case paidTwice
    /// A credit reaches its account and never left the other one.
    case oneSided
    /// An account pays more than it has.
    case overdrawn
    /// A hold is ended by two operations.
    case resolvedTwice
    /// The unique index over (job, attempt, leg) is gone.
    case uniqueKeyDropped
    /// A batch is acknowledged and never written.
    case acknowledgedBeforeCommit
    /// A balance is changed without a transfer.
    case balanceEdited
    /// A transfer's amount is changed after it was made.
    case historyEdited
    /// A receipt's bundle is replaced.
    case receiptEdited
    /// A writer that was replaced has the same epoch as its successor, and settles what that one settles.
    case epochReused
    /// What was accrued for an account is dropped before it is folded in.
    case accrualLost
    /// What was accrued for an account is folded in and kept.
    case accrualFoldedTwice
    /// A transfer does not lead to the one before it of its account.
    case chainBroken

    /// Where a ledger has what the mistake is made in: SQLite's lock keeps a second writer out, and its accounts do not accrue;
    /// PostgreSQL finds an account's transfers by an index.
    var isOfSQLite: Bool { ![.epochReused, .accrualLost, .accrualFoldedTwice].contains(self) }
    var isOfPostgreSQL: Bool { self != .chainBroken }
}

/// A ledger, and a hand in its database.
private struct Victim {
    let store: any LedgerStore
    let execute: (String) throws -> Void
    /// Another writer on the same ledger whose fence has the same epoch; `nil` where a lock keeps all others out.
    let twin: (() throws -> any LedgerStore)?

    static func sqlite(_ path: String) throws -> Victim {
        let store = try SQLiteLedgerStore(path: path)
        return Victim(
            store: store,
            execute: { sql in try store.pool.writeWithoutTransaction { try $0.execute(sql: sql) } },
            twin: nil
        )
    }

    static func postgres() throws -> Victim {
        let url = try PrivatePostgres.shared.get().newDatabase()
        let database = try PostgresDatabase(url: url)
        let fence = try PostgresWorkQueue(database: database).acquire("ledger", holder: [1], leaseMilliseconds: 60_000)
        func writer() -> PostgresLedgerStore { PostgresLedgerStore(database: database, fence: fence) }
        return Victim(
            store: writer(),
            execute: { try PostgresConnection(url: url).run($0) },
            twin: { writer() }
        )
    }
}

@Suite struct MutantTests {
    let town = Town()

    @Test func theRightLedgerIsNotSuspected() async throws {
        let folder = try TemporaryFolder()
        let findings = try await findings(.sqlite(folder.ledger), nil)
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test(arguments: LedgerMutant.allCases.filter(\.isOfSQLite))
    func everyMutantIsFound(_ mutant: LedgerMutant) async throws {
        let folder = try TemporaryFolder()
        let findings = try await findings(.sqlite(folder.ledger), mutant)
        #expect(!findings.isEmpty, "\(mutant.rawValue) survives")
    }

    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "MutantTests")))
    func theRightLedgerIsNotSuspectedOnPostgreSQL() async throws {
        let findings = try await findings(.postgres(), nil)
        #expect(findings.isEmpty, "\(findings)")
    }

    @Test(
        .enabled(if: PrivatePostgres.isInstalled(for: "MutantTests")),
        arguments: LedgerMutant.allCases.filter(\.isOfPostgreSQL)
    )
    func everyMutantIsFoundOnPostgreSQL(_ mutant: LedgerMutant) async throws {
        let findings = try await findings(.postgres(), mutant)
        #expect(!findings.isEmpty, "\(mutant.rawValue) survives")
    }

    /// What is found wrong with ten jobs, of which the mutant spoils the fifth.
    private func findings(_ victim: Victim, _ mutant: LedgerMutant?) async throws -> [String] {
        let store = victim.store
        var book = Book(history: EmptyHistory())
        var findings: [String] = []
        var acknowledged: Set<Int> = []
        try await store.commit(Batch(effects: try town.open(&book, funds: 10_000)))
        if mutant == .uniqueKeyDropped { try victim.execute("DROP INDEX transfer_leg") }
        for job in 1...10 {
            var hold = town.hold("h\(job)", 800, job: job)
            hold.amount = 801
            var batch = Batch(effects: [try book.apply(.hold(hold, expiresAt: 1000), at: Int64(job))])
            let resolution = town.resolution("r\(job)", of: "h\(job)", provider: 500, fee: 25, job: job)
            batch.effects.append(try book.apply(.resolve(resolution), at: Int64(job)))
            batch.receipts = [town.receipt(job: job)]
            batch.records = [Record(kind: "job", id: [UInt8(job)], body: [1])]
            if job == 5, let mutant { spoil(&batch, mutant) }
            if job == 5, mutant == .epochReused, let twin = try victim.twin?() {
                try await twin.commit(batch)
                try twin.close()
            }
            if job == 5, mutant == .acknowledgedBeforeCommit {
                acknowledged.insert(job)
                continue
            }
            do throws(LedgerError) {
                try await store.commit(batch)
                acknowledged.insert(job)
            } catch {
                findings.append("refused: \(error)")
                break
            }
        }
        try damage(victim, mutant)
        let stored = Set(try store.records(kind: "job").map { Int($0.id[0]) })
        if !acknowledged.isSubset(of: stored) { findings.append("lost: \(acknowledged.subtracting(stored))") }
        findings += try Fsck.run(store).checks.flatMap(\.faults)
        do throws(LedgerError) { _ = try store.load() } catch { findings.append("load: \(error)") }
        try store.close()
        return findings
    }

    /// What a wrong book would hand to the store.
    private func spoil(_ batch: inout Batch, _ mutant: LedgerMutant) {
        switch mutant {
        case .voidSkipped: batch.effects[1].transfers.removeAll { $0.kind == .void }
        case .legsRoundedUp:
            for index in batch.effects[1].transfers.indices where batch.effects[1].transfers[index].kind == .post {
                batch.effects[1].transfers[index].amount += 1
            }
        case .paidWithoutReceipt: batch.receipts = []
        case .paidTwice, .uniqueKeyDropped:
            guard var again = batch.effects[1].transfers.first else { return }
            again.id = name("again")
            again.kind = .direct
            again.pendingID = nil
            var effects = LedgerEffects(id: again.id)
            effects.transfers = [again]
            batch.effects.append(effects)
        case .oneSided:
            var effects = LedgerEffects(id: name("one side"))
            var transfer = town.transfer("one side", town.alice, town.bob, 5)
            transfer.debit = name("nobody").asAccount
            effects.transfers = [transfer]
            batch.effects.append(effects)
        case .overdrawn:
            var effects = LedgerEffects(id: name("too much"))
            effects.transfers = [town.transfer("too much", town.bob, town.alice, 1_000_000)]
            batch.effects.append(effects)
        case .resolvedTwice:
            guard let resolution = batch.effects[1].resolution else { return }
            var effects = LedgerEffects(id: name("second end"))
            effects.resolution = HoldResolution(
                id: name("second end"),
                hold: resolution.hold,
                outcome: .void,
                posted: 0,
                returned: resolution.hold.amount,
                at: resolution.at
            )
            effects.transfers = [
                resolution.hold.giveBack(resolution.hold.amount, id: name("second end"), kind: .void, at: resolution.at)
            ]
            batch.effects.append(effects)
        case .acknowledgedBeforeCommit, .balanceEdited, .historyEdited, .receiptEdited, .epochReused, .accrualLost,
            .accrualFoldedTwice, .chainBroken:
            break
        }
    }

    /// What a hand or a broken disk does to the file.
    private func damage(_ victim: Victim, _ mutant: LedgerMutant?) throws {
        let sql: String
        switch mutant {
        case .balanceEdited: sql = "UPDATE account SET credits_posted = credits_posted + 1 WHERE kind = 'provider'"
        case .historyEdited: sql = "UPDATE transfer SET amount = amount - 1 WHERE seq = (SELECT max(seq) FROM transfer)"
        case .receiptEdited:
            sql =
                victim.store is SQLiteLedgerStore
                ? "UPDATE bundle SET bytes = x'00' WHERE receipt = 3"
                : "UPDATE bundle SET bytes = '\\x00' WHERE attempt = 1 AND job = (SELECT job FROM receipt ORDER BY job DESC LIMIT 1)"
        case .accrualLost: sql = "DELETE FROM accrual WHERE account = (SELECT id FROM account WHERE kind = 'fee')"
        case .accrualFoldedTwice:
            sql = """
                UPDATE account SET credits_posted = account.credits_posted + accrued.sum
                FROM (SELECT account, sum(credits_posted)::BIGINT AS sum FROM accrual GROUP BY account) AS accrued
                WHERE account.id = accrued.account AND kind = 'fee'
                """
        case .chainBroken:
            sql =
                "UPDATE transfer SET credit_before = NULL WHERE seq = (SELECT max(seq) FROM transfer WHERE kind = 'post')"
        default: return
        }
        try victim.execute(sql)
    }
}

extension TransferID {
    /// An account of the same bytes.
    fileprivate var asAccount: AccountID {
        Account(currency: "CREDIT", kind: .payer, owner: bytes).id
    }
}
