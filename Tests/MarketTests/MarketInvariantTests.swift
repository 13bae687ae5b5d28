// The market's production assertions must see the faults that they are there for, and an epoch's budget must hold.
import AssayTesting
import Commitments
import Ledger
import Testing

@testable import Market

@Suite struct MarketInvariantTests {
    /// Applies an event to a market in which something is wrong: it must throw the invariant, and stop.
    private func expect(_ invariant: LedgerInvariant, _ market: inout MarketFixture, _ event: Event) throws {
        do throws(MarketError) {
            _ = try market.engine.apply(event, at: market.now)
            Issue.record("nothing was thrown")
        } catch {
            guard case .ledger(.invariant(invariant, _)) = error else {
                Issue.record("expected \(invariant), found \(error)")
                return
            }
        }
        #expect(market.engine.stopped != nil)
        let before = market.engine.jobs
        #expect(throws: MarketError.self) { try market.apply(.tick) }
        #expect(market.engine.jobs == before)
    }

    private func commitment(of job: Digest, _ market: MarketFixture) -> Event {
        .commit(job: job, attempt: 1, node: market.node, claim: MarketFixture.claim)
    }

    @Test func aStakeThatIsLetGoBeforeTheVerdictStopsTheMarket() throws {
        var market = try MarketFixture()
        let id = try market.job(at: .assigned)
        let hold = try #require(market.engine.jobs[id]).stakeHoldID(attempt: 1)
        let away = Resolution(id: Name.transfer("away"), hold: hold, legs: [], attempt: 1)
        _ = try market.engine.book.apply(.resolve(away), at: market.now)
        try expect(.slashWithinStake, &market, commitment(of: id, market))
    }

    @Test func aJobWithoutItsHoldStopsTheMarket() throws {
        var market = try MarketFixture()
        let id = try market.job(at: .assigned)
        let hold = try #require(market.engine.jobs[id]).holdID
        let away = Resolution(id: Name.transfer("away"), hold: hold, legs: [], attempt: 1)
        _ = try market.engine.book.apply(.resolve(away), at: market.now)
        try expect(.oneDeadline, &market, commitment(of: id, market))
    }

    @Test func aJobThatWaitsForNobodyStopsTheMarket() throws {
        var market = try MarketFixture()
        let id = try market.job(at: .assigned)
        market.engine.leases = [:]
        try expect(.oneDeadline, &market, commitment(of: id, market))
    }

    private func credit(_ name: String, _ amount: Int64, _ market: MarketFixture) -> Event {
        .transfer(
            Transfer(
                id: Name.transfer(name),
                debit: market.engine.account(.issuer, of: market.engineKey),
                credit: market.engine.account(.payer, of: market.requester),
                amount: amount,
                currency: "credit",
                kind: .credit
            )
        )
    }

    @Test func anEpochIssuesNoMoreThanItsBudget() throws {
        var market = try MarketFixture(money: 0, budget: IssueBudget(epochSeconds: 1000, units: 100))
        market.now = 1_700_000_999
        try market.apply(credit("a", 60, market))
        try market.apply(credit("a", 60, market))
        #expect(throws: MarketError.self) { try market.apply(credit("b", 41, market)) }
        #expect(market.engine.stopped == nil)
        try market.apply(credit("c", 40, market))
        #expect(market.engine.issue.epoch == 1_700_000)
        #expect(market.engine.issue.issued == 100)
        market.now += 1
        try market.apply(credit("d", 100, market))
        // A clock that goes back brings no fresh budget.
        market.now -= 500
        #expect(throws: MarketError.self) { try market.apply(credit("e", 1, market)) }
        #expect(market.available(.payer, of: market.requester) == 200)
    }

    /// What leaves makes no room for more: a budget is of what was issued, not of what is there.
    @Test func whatIsWithdrawnIsNotIssuedAgain() throws {
        var market = try MarketFixture(money: 0, budget: IssueBudget(epochSeconds: 1000, units: 100))
        try market.apply(credit("a", 100, market))
        let out = Transfer(
            id: TransferID(deriving: Array("out".utf8)),
            debit: market.engine.account(.payer, of: market.requester),
            credit: market.engine.account(.issuer, of: market.engineKey),
            amount: 60,
            currency: "credit",
            kind: .withdraw
        )
        try market.apply(.transfer(out))
        #expect(throws: MarketError.self) { try market.apply(credit("b", 1, market)) }
        #expect(market.engine.issue.issued == 100)
    }

    @Test func aRestartKnowsWhatTheEpochHasIssued() async throws {
        let store = MemoryLedgerStore()
        let budget = IssueBudget(epochSeconds: 1000, units: 1_000_000)
        var market = try MarketFixture(money: 0, budget: budget)
        var batch = Batch()
        var opener = Book()
        for account in market.engine.book.accounts.values {
            let fresh = Account(currency: account.currency, kind: account.kind, owner: account.owner)
            batch.effects.append(try opener.apply(.openAccount(fresh), at: 0))
        }
        for index in 0..<200 {
            market.now = 1_700_000_000 + Int64(index) * 10
            batch.effects += try market.apply(credit("\(index)", 7, market)).ledger
        }
        try await store.commit(batch)
        let issuer = market.engine.account(.issuer, of: market.engineKey)
        #expect(try IssueTally(store, issuer: issuer, budget: budget) == market.engine.issue)
        #expect(market.engine.issue.issued == 700)
    }
}
