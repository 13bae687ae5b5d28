// Linked operations, exchanges, and vesting accounts.
import Testing

@testable import Ledger

@Suite struct LinkedTests {
    let credits = Town()
    let euros = Town(currency: "EUR")

    private func book() throws -> Book {
        var book = try credits.book(funds: 1000)
        for account in euros.accounts { _ = try book.apply(.openAccount(account), at: 0) }
        _ = try book.apply(.transfer(euros.credit(euros.bob, 50, id: "euros")), at: 0)
        return book
    }

    /// Alice sells 300 credits for 3 euros to Bob, who has euros.
    private func exchange(_ sold: Int64 = 300, _ bought: Int64 = 3) -> Exchange {
        Exchange(
            id: name("x"),
            seller: credits.alice.id,
            sold: sold,
            soldCurrency: "CREDIT",
            maker: credits.bob.id,
            taker: euros.bob.id,
            bought: bought,
            boughtCurrency: "EUR",
            buyer: euros.alice.id
        )
    }

    @Test func bothLegsHappen() throws {
        var book = try book()
        let done = try book.applyLinked(exchange().operations, at: 1)
        #expect(done.count == 2 && done.allSatisfy { !$0.replayed })
        #expect(book.accounts[credits.alice.id]?.available == 700)
        #expect(book.accounts[credits.bob.id]?.available == 300)
        #expect(book.accounts[euros.bob.id]?.available == 47)
        #expect(book.accounts[euros.alice.id]?.available == 3)
        try book.verify()
        let again = try book.applyLinked(exchange().operations, at: 2)
        #expect(again.map(\.replayed) == [true, true])
        #expect(book.accounts[euros.alice.id]?.available == 3)
    }

    @Test(arguments: [(300, 51), (1001, 3), (300, 0)] as [(Int64, Int64)])
    func orNone(sold: Int64, bought: Int64) throws {
        var book = try book()
        let before = book.accounts
        let (latest, kept) = (book.latest, book.pendingRelease)
        #expect(throws: LedgerError.self) { try book.applyLinked(exchange(sold, bought).operations, at: 9) }
        #expect(book.accounts == before)
        #expect(book.latest == latest && book.pendingRelease == kept)
        // The refused id was never used: another body is no conflict.
        _ = try book.applyLinked(exchange(1, 1).operations, at: 9)
        try book.verify()
    }

    @Test func holdsAndAccountsAreTakenBackToo() throws {
        var book = try book()
        _ = try book.apply(.hold(credits.hold("h", 100), expiresAt: 100), at: 1)
        let before = (book.accounts, book.holds)
        let stranger = Account(currency: "CREDIT", kind: .payer, owner: [77])
        let operations: [LedgerOperation] = [
            .openAccount(stranger), .resolve(credits.resolution("r", of: "h", provider: 60, fee: 5)),
            .hold(credits.hold("h2", 10, job: 2), expiresAt: 100),
            .transfer(credits.transfer("t", credits.bob, stranger, 1)),
        ]
        #expect(throws: LedgerError.self) { try book.applyLinked(operations, at: 2) }
        #expect(book.accounts == before.0 && book.holds == before.1)
        _ = try book.applyLinked(Array(operations.dropLast()), at: 2)
        try book.verify()
    }

    @Test func halfDoneBeforeIsAConflict() throws {
        var book = try book()
        _ = try book.apply(exchange().operations[0], at: 1)
        let before = book.accounts
        #expect(throws: LedgerError.self) { try book.applyLinked(exchange().operations, at: 1) }
        #expect(book.accounts == before)
        #expect(throws: LedgerError.self) { try book.applyLinked([], at: 1) }
    }

    @Test func vestingFreesMoneyOverTime() throws {
        let schedule = try VestingSchedule(start: 1000, cliff: 1250, end: 2000)
        #expect(
            [0, 1249, 1250, 1500, 1999, 2000, .max].map { schedule.vested(of: 1000, at: $0) } == [
                0, 0, 250, 500, 999, 1000, 1000,
            ]
        )
        #expect(schedule.vested(of: .max, at: 1999) < .max)
        #expect(try VestingSchedule(owner: schedule.owner(beneficiary: [1, 2, 3])) == schedule)
        #expect(throws: (any Error).self) { try VestingSchedule(start: 5, cliff: 4, end: 9) }
        #expect(throws: (any Error).self) { try VestingSchedule(start: 5, cliff: 5, end: 5) }

        var book = try book()
        let grant = Account(currency: "CREDIT", kind: .vesting, owner: schedule.owner(beneficiary: [9]))
        _ = try book.apply(.openAccount(grant), at: 1)
        _ = try book.apply(.transfer(credits.transfer("grant", credits.alice, grant, 800)), at: 2)
        func take(_ amount: Int64, at second: Int64) throws {
            _ = try book.apply(
                .transfer(credits.transfer("take \(amount) \(second)", grant, credits.bob, amount)),
                at: second
            )
        }
        #expect(throws: LedgerError.self) { try take(1, at: 1249) }
        try take(200, at: 1250)
        #expect(throws: LedgerError.insufficientFunds(account: grant.id, needed: 1, available: 0)) {
            try take(1, at: 1250)
        }
        try take(200, at: 1500)
        #expect(throws: LedgerError.self) {
            _ = try book.apply(.transfer(credits.transfer("w", grant, credits.issuer, 1, .withdraw)), at: 3000)
        }
        #expect(throws: LedgerError.self) {
            _ = try book.apply(.hold(credits.transfer("h", grant, credits.escrow, 1, .hold), expiresAt: 9000), at: 3000)
        }
        try take(400, at: 3000)
        #expect(book.accounts[grant.id]?.available == 0)
        try book.verify()
        let plain = Account(currency: "CREDIT", kind: .vesting, owner: [1])
        #expect(throws: LedgerError.self) { try book.apply(.openAccount(plain), at: 1) }
    }
}
