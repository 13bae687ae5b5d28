// Each operation of the book once, and each way in which it refuses.
import Codecs
import Commitments
import Testing

@testable import Ledger

@Suite struct BookTests {
    let town = Town()

    @Test func creditDirectAndWithdrawMoveMoneyAtOnce() throws {
        var book = try town.book(funds: 1000)
        _ = try book.apply(.transfer(town.transfer("gift", town.alice, town.bob, 300)), at: 5)
        _ = try book.apply(.transfer(town.transfer("out", town.bob, town.issuer, 100, .withdraw)), at: 6)
        #expect(book.accounts[town.alice.id]?.available == 700)
        #expect(book.accounts[town.bob.id]?.available == 200)
        #expect(book.accounts[town.issuer.id]?.balance == -900)
        try book.verify()
    }

    @Test func holdSetsAsideAndResolutionPaysLegsAndReturnsTheRest() throws {
        var book = try town.book(funds: 1000)
        _ = try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5)
        #expect(book.accounts[town.alice.id]?.available == 200)
        #expect(book.accounts[town.alice.id]?.balance == 1000)
        #expect(book.accounts[town.escrow.id]?.creditsPending == 800)

        let effects = try book.apply(.resolve(town.resolution("r", of: "h", provider: 500, fee: 25)), at: 9)
        #expect(effects.transfers.map(\.kind) == [.post, .post, .void])
        #expect(effects.transfers.map(\.amount) == [500, 25, 275])
        #expect(effects.transfers.map(\.leg) == ["provider", "fee", "escrow.returned"])
        #expect(effects.transfers.allSatisfy { $0.at == 9 && $0.job == digest("job", 1) })
        #expect(effects.resolution?.outcome == .post)
        #expect(effects.resolution?.posted == 525)
        #expect(effects.resolution?.returned == 275)
        #expect(book.accounts[town.alice.id]?.available == 475)
        #expect(book.accounts[town.provider.id]?.available == 500)
        #expect(book.accounts[town.fee.id]?.available == 25)
        #expect(book.accounts[town.escrow.id]?.creditsPending == 0)
        #expect(book.accounts[town.escrow.id]?.creditsPosted == 0)
        #expect(book.holds.isEmpty)
        try book.verify()
    }

    @Test func resolutionWithoutLegsReturnsEverythingAndNeedsNoVerdict() throws {
        var book = try town.book()
        _ = try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5)
        let void = Resolution(id: name("r"), hold: name("h"), legs: [], attempt: 1)
        let effects = try book.apply(.resolve(void), at: 9)
        #expect(effects.resolution?.outcome == .void)
        #expect(effects.transfers.map(\.kind) == [.void])
        #expect(book.accounts[town.alice.id]?.available == 1000)
    }

    @Test func resolutionOfTheWholeHoldReturnsNothing() throws {
        var book = try town.book()
        _ = try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5)
        let effects = try book.apply(.resolve(town.resolution("r", of: "h", provider: 799, fee: 1)), at: 9)
        #expect(effects.transfers.map(\.kind) == [.post, .post])
        #expect(book.accounts[town.alice.id]?.available == 200)
    }

    @Test func expiryComesAtItsTimeAndNotBefore() throws {
        var book = try town.book()
        _ = try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5)
        #expect(throws: LedgerError.notExpired(hold: name("h"), expiresAt: 100, now: 99)) {
            try book.apply(.expire(name("h")), at: 99)
        }
        let effects = try book.apply(.expire(name("h")), at: 100)
        #expect(effects.transfers.map(\.kind) == [.expire])
        #expect(effects.resolution?.outcome == .expire)
        #expect(book.accounts[town.alice.id]?.available == 1000)
        #expect(book.accounts[town.escrow.id]?.creditsPending == 0)
    }

    @Test func aHoldWhoseTimeIsOverIsOpenUntilItExpires() throws {
        var book = try town.book()
        _ = try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5)
        _ = try book.apply(.resolve(town.resolution("r", of: "h", provider: 1, fee: 0)), at: 200)
        #expect(throws: LedgerError.holdResolved(hold: name("h"), by: name("r"))) {
            try book.apply(.expire(name("h")), at: 201)
        }
    }

    @Test func aClockThatStepsBackFreezesExpiryAndRecordedTime() throws {
        var book = try town.book()
        _ = try book.apply(.hold(town.hold("h", 100), expiresAt: 100), at: 5)
        _ = try book.apply(.transfer(town.transfer("t", town.alice, town.bob, 1)), at: 500)
        #expect(throws: LedgerError.clockSteppedBack(last: 500, now: 400)) {
            try book.apply(.expire(name("h")), at: 400)
        }
        let effects = try book.apply(.transfer(town.transfer("u", town.alice, town.bob, 1)), at: 400)
        #expect(effects.transfers.first?.at == 500)
        _ = try book.apply(.expire(name("h")), at: 500)
    }

    @Test func fundsHeldCannotBeSpentOrHeldAgain() throws {
        var book = try town.book(funds: 1000)
        _ = try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5)
        let missing = LedgerError.insufficientFunds(account: town.alice.id, needed: 201, available: 200)
        #expect(throws: missing) { try book.apply(.transfer(town.transfer("t", town.alice, town.bob, 201)), at: 6) }
        #expect(throws: missing) { try book.apply(.hold(town.hold("h2", 201, job: 2), expiresAt: 100), at: 6) }
        #expect(throws: missing) {
            try book.apply(.transfer(town.transfer("w", town.alice, town.issuer, 201, .withdraw)), at: 6)
        }
        _ = try book.apply(.transfer(town.transfer("t", town.alice, town.bob, 200)), at: 6)
    }

    @Test func refusesWhatDoesNotFitTheAccounts() throws {
        var book = try town.book()
        let stranger = Account(currency: "CREDIT", kind: .payer, owner: [99])
        let euro = Account(currency: "EUR", kind: .payer, owner: [2])
        _ = try book.apply(.openAccount(euro), at: 0)
        func refused(_ transfer: Transfer) -> LedgerError? {
            var copy = book
            do throws(LedgerError) {
                _ = try copy.apply(.transfer(transfer), at: 1)
                return nil
            } catch {
                return error
            }
        }
        #expect(refused(town.transfer("t", town.alice, stranger, 1)) == .unknownAccount(stranger.id))
        #expect(refused(town.transfer("t", stranger, town.alice, 1)) == .unknownAccount(stranger.id))
        #expect(refused(town.transfer("t", town.alice, town.alice, 1)) == .sameAccount(town.alice.id))
        #expect(refused(town.transfer("t", town.alice, town.bob, 0)) == .amountNotPositive(field: "amount", actual: 0))
        #expect(
            refused(town.transfer("t", town.alice, town.bob, .min)) == .amountNotPositive(field: "amount", actual: .min)
        )
        #expect(
            refused(town.transfer("t", town.alice, euro, 1))
                == .wrongCurrency(account: euro.id, expected: "EUR", actual: "CREDIT")
        )
        for (debit, credit, kind) in [
            (town.alice, town.bob, TransferKind.credit), (town.alice, town.bob, .withdraw),
            (town.issuer, town.alice, .direct), (town.alice, town.issuer, .direct),
        ] {
            guard case .wrongAccountKind = refused(town.transfer("t", debit, credit, 1, kind)) else {
                Issue.record("\(kind) from \(debit.kind) to \(credit.kind) was not refused for its kinds")
                continue
            }
        }
        for kind in [TransferKind.hold, .post, .void, .expire] {
            guard case .malformed(let error) = refused(town.transfer("t", town.alice, town.bob, 1, kind)) else {
                Issue.record("\(kind) was taken as a direct transfer")
                continue
            }
            #expect(error.field == "kind")
        }
    }

    @Test func refusesResolutionsThatDoNotFitTheHold() throws {
        var book = try town.book()
        _ = try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5)
        #expect(throws: LedgerError.exceedsHold(hold: name("h"), held: 800, legs: 801)) {
            try book.apply(.resolve(town.resolution("r", of: "h", provider: 800, fee: 1)), at: 6)
        }
        #expect(throws: LedgerError.exceedsHold(hold: name("h"), held: 800, legs: .max)) {
            var huge = town.resolution("r", of: "h", provider: 1, fee: 1)
            huge.legs[1].amount = .max
            return try book.apply(.resolve(huge), at: 6)
        }
        #expect(throws: LedgerError.holdUnknown(name("other"))) {
            try book.apply(.resolve(town.resolution("r", of: "other", provider: 1, fee: 0)), at: 6)
        }
        #expect(throws: LedgerError.holdUnknown(name("other"))) { try book.apply(.expire(name("other")), at: 6) }
        #expect(throws: LedgerError.verdictMissing(hold: name("h"))) {
            var unverified = town.resolution("r", of: "h", provider: 1, fee: 0)
            unverified.verdict = nil
            return try book.apply(.resolve(unverified), at: 6)
        }
        #expect(throws: LedgerError.amountNotPositive(field: "legs[0].amount", actual: -5)) {
            var negative = town.resolution("r", of: "h", provider: 1, fee: 0)
            negative.legs[0].amount = -5
            return try book.apply(.resolve(negative), at: 6)
        }
        #expect(throws: LedgerError.sameAccount(town.alice.id)) {
            let legs = [Leg(credit: town.alice.id, amount: 1, name: "refund")]
            let refund = Resolution(id: name("r"), hold: name("h"), legs: legs, attempt: 1, verdict: digest("v", 1))
            return try book.apply(.resolve(refund), at: 6)
        }
        #expect(throws: LedgerError.self) {
            var twice = town.resolution("r", of: "h", provider: 1, fee: 1)
            twice.legs[1].name = "provider"
            return try book.apply(.resolve(twice), at: 6)
        }
        #expect(throws: LedgerError.self) {
            var reserved = town.resolution("r", of: "h", provider: 1, fee: 0)
            reserved.legs[0].name = "escrow.returned"
            return try book.apply(.resolve(reserved), at: 6)
        }
        #expect(book.holds.count == 1)
        #expect(book.accounts[town.alice.id]?.debitsPending == 800)
        try book.verify()
    }

    @Test func aHoldEndsOnce() throws {
        var book = try town.book()
        _ = try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5)
        _ = try book.apply(.resolve(town.resolution("r", of: "h", provider: 1, fee: 0)), at: 6)
        #expect(throws: LedgerError.holdResolved(hold: name("h"), by: name("r"))) {
            try book.apply(.resolve(town.resolution("r2", of: "h", provider: 1, fee: 0)), at: 6)
        }
        #expect(book.accounts[town.provider.id]?.available == 1)
    }

    @Test func aLegOfAJobAndAttemptHappensOnce() throws {
        var book = try town.book()
        _ = try book.apply(.hold(town.hold("h", 100), expiresAt: 100), at: 5)
        #expect(throws: LedgerError.legTaken(job: digest("job", 1), attempt: 0, leg: "escrow")) {
            try book.apply(.hold(town.hold("h2", 100), expiresAt: 100), at: 5)
        }
        _ = try book.apply(.hold(town.hold("h3", 100, attempt: 1), expiresAt: 100), at: 5)
        _ = try book.apply(.resolve(town.resolution("r", of: "h", provider: 1, fee: 0)), at: 6)
        #expect(throws: LedgerError.legTaken(job: digest("job", 1), attempt: 1, leg: "provider")) {
            try book.apply(.resolve(town.resolution("r3", of: "h3", provider: 1, fee: 0)), at: 6)
        }
        // Returns are named after their holds, so both can go back.
        _ = try book.apply(.resolve(town.resolution("r4", of: "h3", provider: 0, fee: 0)), at: 6)
    }

    @Test func countersThatWouldOverflowAreRefused() throws {
        var book = try town.book(funds: .max)
        #expect(throws: LedgerError.overflow(account: town.issuer.id, counter: "debitsPosted")) {
            try book.apply(.transfer(town.credit(town.bob, 1, id: "more")), at: 1)
        }
        #expect(book.accounts[town.bob.id]?.creditsPosted == 0)
        #expect(book.stopped == nil)
    }

    @Test func refusesBadNames() throws {
        var book = Book()
        for currency in ["", "WITH SPACE", "TOO-LONG-A-NAME-FOR-A-CURRENCY", "ÄÖ"] {
            #expect(throws: LedgerError.self) {
                try book.apply(.openAccount(Account(currency: currency, kind: .payer, owner: [1])), at: 0)
            }
        }
        #expect(throws: LedgerError.self) {
            try book.apply(.openAccount(Account(currency: "EUR", kind: .payer, owner: [])), at: 0)
        }
        var full = Account(currency: "EUR", kind: .payer, owner: [1])
        full.creditsPosted = 5
        #expect(throws: LedgerError.self) { try book.apply(.openAccount(full), at: 0) }
        #expect(book.accounts.isEmpty)
    }

    @Test func refusesAHoldThatIsOverBeforeItBegins() throws {
        var book = try town.book()
        #expect(throws: LedgerError.self) { try book.apply(.hold(town.hold("h", 1), expiresAt: 5), at: 5) }
    }
}
