// Several writers on one PostgreSQL ledger: they share the accounts that accrue, wait for none of them, and the database keeps
// each from taking what another has taken.
import AssayTesting
import Commitments
import Foundation
import PostgreSQL
import Testing

@testable import Ledger

@Suite(.enabled(if: PrivatePostgres.isInstalled(for: "PostgresWritersTests")))
struct PostgresWritersTests {
    let town = Town()
    let validator = Account(currency: "CREDIT", kind: .validator, owner: [7])
    let url: String

    init() throws { url = try PrivatePostgres.shared.get().newDatabase() }

    private func writer(_ number: Int, options: String = "") throws -> PostgresLedgerStore {
        try .writer(url + options, fence: "ledger \(number)", holder: UInt8(number), writers: .several)
    }

    private func payer(_ number: Int) -> Account {
        Account(currency: "CREDIT", kind: .payer, owner: [100, UInt8(number)])
    }

    /// Opens every account and gives each payer its money.
    private func open(payers: Int) async throws {
        let store = try writer(0)
        var book = try store.load().book
        var effects = try town.open(&book, funds: 1000)
        effects.append(try book.apply(.openAccount(validator), at: 0))
        for number in 1...payers {
            effects.append(try book.apply(.openAccount(payer(number)), at: 0))
            effects.append(try book.apply(.transfer(town.credit(payer(number), 1_000_000, id: "in \(number)")), at: 0))
        }
        try await store.commit(Batch(effects: effects))
        try store.close()
    }

    /// A whole job of a writer's own payer: 100 held, 60 to the provider, 20 to the validator, 5 to the operator.
    private func job(_ number: Int, of writer: Int, _ book: inout Book) throws -> Batch {
        let job = writer * 1_000_000 + number
        var hold = town.transfer("hold \(job)", payer(writer), town.escrow, 100, .hold)
        hold.job = digest("job", job)
        hold.leg = "escrow"
        let pay = Resolution(
            id: name("pay \(job)"),
            hold: hold.id,
            legs: [
                Leg(credit: town.provider.id, amount: 60, name: "provider"),
                Leg(credit: validator.id, amount: 20, name: "validator"),
                Leg(credit: town.fee.id, amount: 5, name: "fee"),
            ],
            attempt: 1,
            verdict: digest("verdict", job)
        )
        return Batch(
            effects: [
                try book.apply(.hold(hold, expiresAt: .max), at: 1), try book.apply(.resolve(pay), at: 1),
            ],
            receipts: [town.receipt(job: job)]
        )
    }

    private func settle(_ jobs: Range<Int>, writer number: Int, drawing: Bool) async throws -> Int64 {
        let store = try writer(number)
        var book = try store.load().book
        var drawn: Int64 = 0
        for job in jobs {
            let batch = try self.job(job, of: number, &book)
            try await store.commit(batch)
            book.release(batch)
            guard drawing, job % 8 == 0 else { continue }
            // The operator takes what this writer knows to be there; the others' fees are there too, and stay.
            let out = town.transfer("out \(number) \(job)", town.fee, town.issuer, 5, .withdraw)
            let taken = Batch(effects: [try book.apply(.transfer(out), at: 2)])
            try await store.commit(taken)
            book.release(taken)
            drawn += 5
        }
        try store.close()
        return drawn
    }

    @Test func writersShareWhatAccrues() async throws {
        try await open(payers: 3)
        // Enough groups of each that accruals are folded while the others add to them.
        let jobs = PostgresLedgerStore.groupsPerFold + 30
        let drawn = try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 1...3 {
                group.addTask { try await settle(1..<jobs + 1, writer: number, drawing: number == 1) }
            }
            return try await group.reduce(0, +)
        }
        let audit = try PostgresLedgerStore(database: PostgresDatabase(url: url), fence: nil)
        let all = Int64(3 * jobs)
        #expect(drawn > 0)
        #expect(try audit.account(town.fee.id)?.balance == 5 * all - drawn)
        #expect(try audit.account(validator.id)?.balance == 20 * all)
        #expect(try audit.account(town.provider.id)?.balance == 60 * all)
        #expect(try audit.account(town.escrow.id)?.creditsPending == 0)
        #expect(try audit.receiptCount() == Int(all))
        let report = try Fsck.run(audit)
        #expect(report.isClean, "\(report.checks.filter { !$0.passed })")
        _ = try audit.load()
    }

    /// Somebody has the rows of the accounts that accrue locked for good. Settlements do not notice; a withdrawal from one of
    /// them does.
    @Test func aSettlementWaitsForNoHotRow() async throws {
        try await open(payers: 2)
        let store = try writer(1, options: "&options=-c%20lock_timeout%3D300ms")
        var book = try store.load().book
        let first = try job(1, of: 1, &book)
        try await store.commit(first)
        let other = try PostgresConnection(url: url)
        try other.run("BEGIN")
        let kinds = "('issuer', 'escrow', 'fee', 'treasury', 'validator')"
        let locked = try other.execute("SELECT id FROM account WHERE kind IN \(kinds) FOR UPDATE")
        #expect(locked.count == 4)
        for number in 2...4 { try await store.commit(try job(number, of: 1, &book)) }
        let out = town.transfer("out", town.fee, town.issuer, 5, .withdraw)
        let withdrawal = Batch(effects: [try book.apply(.transfer(out), at: 2)])
        do throws(LedgerError) {
            try await store.commit(withdrawal)
            Issue.record("the row was not locked")
        } catch {
            #expect("\(error)".contains("55P03"), "\(error)")
        }
        try other.run("ROLLBACK")
        try await store.commit(withdrawal)
        #expect(try store.account(town.fee.id)?.balance == 15)
        #expect(try Fsck.run(store).isClean)
    }

    /// Two books that do not know of each other: what the one has taken the database does not give to the other, and the other
    /// goes on with a new book.
    @Test func theDatabaseRefusesWhatAnotherHasTaken() async throws {
        try await open(payers: 2)
        let (one, two) = (try writer(1), try writer(2))
        var first = try one.load().book
        var second = try two.load().book
        // Money of one payer.
        let rich = town.transfer("all", payer(1), town.bob, 1_000_000)
        let late = town.transfer("late", payer(1), town.bob, 1)
        try await one.commit(Batch(effects: [try first.apply(.transfer(rich), at: 1)]))
        try await refused("I2", two, Batch(effects: [try second.apply(.transfer(late), at: 1)]))
        // What has accrued: five, which one of them takes.
        second = try two.load().book
        try await two.commit(try job(1, of: 2, &second))
        first = try one.load().book
        second = try two.load().book
        let outs = [1, 2].map { town.transfer("out \($0)", town.fee, town.issuer, 5, .withdraw) }
        try await one.commit(Batch(effects: [try first.apply(.transfer(outs[0]), at: 2)]))
        try await refused("I2", two, Batch(effects: [try second.apply(.transfer(outs[1]), at: 2)]))
        // The end of one hold, and one leg.
        var hold = town.hold("h", 10)
        hold.job = nil
        hold.leg = ""
        try await one.commit(Batch(effects: [try first.apply(.hold(hold, expiresAt: .max), at: 3)]))
        second = try two.load().book
        let ends = [1, 2].map { Resolution(id: name("end \($0)"), hold: hold.id, legs: [], attempt: UInt32($0)) }
        try await one.commit(Batch(effects: [try first.apply(.resolve(ends[0]), at: 4)]))
        try await refused("I3", two, Batch(effects: [try second.apply(.resolve(ends[1]), at: 4)]))
        hold = town.hold("h 2", 10, job: 9)
        var same = town.hold("h 3", 10, job: 9)
        same.debit = payer(2).id
        try await one.commit(Batch(effects: [try first.apply(.hold(hold, expiresAt: .max), at: 5)]))
        var stale = try Book(
            accounts: Array(two.load().book.accounts.values),
            holds: [],
            latest: 5,
            history: EmptyHistory()
        )
        try await refused("I4", two, Batch(effects: [try stale.apply(.hold(same, expiresAt: .max), at: 5)]))

        // A request that the other has written is answered, not done again.
        second = try two.load().book
        let new = LedgerOperation.transfer(town.transfer("new", town.bob, town.alice, 3))
        first = try one.load().book
        try await one.commit(Batch(effects: [try first.apply(new, at: 6)]))
        #expect(try second.apply(new, at: 6).replayed)
        try await two.commit(try job(2, of: 2, &second))
        let report = try Fsck.run(two)
        #expect(report.isClean, "\(report.checks.filter { !$0.passed })")
    }

    /// Whatever the account, money that two books believe in leaves it once, also when it came by accruals.
    @Test(arguments: AccountKind.allCases.filter { $0 != .issuer && $0 != .escrow }, [false, true])
    func whatTwoBooksWouldTakeLeavesOnce(_ kind: AccountKind, isHeld: Bool) async throws {
        // What vests cannot be held.
        guard kind != .vesting || !isHeld else { return }
        try await open(payers: 1)
        let (one, two) = (try writer(1), try writer(2))
        let owner = try VestingSchedule(start: 0, cliff: 0, end: 1).owner(beneficiary: [99])
        let purse = Account(currency: "CREDIT", kind: kind, owner: owner)
        var first = try one.load().book
        try await one.commit(
            Batch(effects: [
                try first.apply(.openAccount(purse), at: 1),
                try first.apply(.transfer(town.credit(purse, 10, id: "purse")), at: 1),
            ])
        )
        var books = [try one.load().book, try two.load().book]
        func take(_ index: Int) throws -> Batch {
            var taking = town.transfer(
                "take \(index)",
                purse,
                isHeld ? town.escrow : town.bob,
                7,
                isHeld ? .hold : .direct
            )
            let operation: LedgerOperation
            if isHeld {
                taking.job = digest("job", index)
                taking.leg = "stake"
                operation = .hold(taking, expiresAt: .max)
            } else {
                operation = .transfer(taking)
            }
            return Batch(effects: [try books[index].apply(operation, at: 2)])
        }
        try await one.commit(try take(0))
        try await refused("I2", two, try take(1))
        #expect(try two.account(purse.id)?.available == 3)
        #expect(try Fsck.run(two).isClean)
    }

    /// A group is taken apart for a batch that the database refuses, and not for a server that does not answer.
    @Test func aWriterKnowsTheBatchesFaultFromTheServers() async throws {
        try await open(payers: 1)
        let fence = try PostgresWorkQueue(url: url).acquire("ledger 5", holder: [5], leaseMilliseconds: 60_000)
        func isOfTheStore(_ url: String, _ batch: Batch) -> Bool? {
            let patience = PostgresPatience(seconds: 0)
            let writer = PostgresGroupWriter(url: url, fence: fence, writers: .several, patience: patience)
            do throws(WriteFailure) {
                try writer.write([batch])
                return nil
            } catch {
                return error.isOfTheStore
            }
        }
        let note = Batch(records: [Record(kind: "note", id: [1], body: [1])])
        #expect(isOfTheStore("postgres:///x?host=/nowhere", note) == true)
        var again = Batch()
        again.effects = [LedgerEffects(id: name("again"))]
        again.effects[0].account = payer(1)
        #expect(isOfTheStore(url, again) == false)
        #expect(isOfTheStore(url, note) == nil)
    }

    private func refused(_ invariant: String, _ store: PostgresLedgerStore, _ batch: Batch) async throws {
        do throws(LedgerError) {
            try await store.commit(batch)
            Issue.record("\(invariant): it was written")
        } catch {
            guard case .conflict(invariant, _, _) = error else {
                Issue.record("\(invariant): \(error)")
                return
            }
        }
        #expect(store.stopped == nil)
    }
}
