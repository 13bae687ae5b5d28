// Accounts, amounts and folders that the ledger's tests share.
import Commitments
import Foundation

@testable import Ledger

/// A small economy in one currency.
struct Town {
    let currency: String
    let issuer: Account
    let alice: Account
    let bob: Account
    let escrow: Account
    let provider: Account
    let fee: Account
    let stake: Account

    init(currency: String = "CREDIT") {
        self.currency = currency
        issuer = Account(currency: currency, kind: .issuer, owner: [1])
        alice = Account(currency: currency, kind: .payer, owner: [2])
        bob = Account(currency: currency, kind: .payer, owner: [3])
        escrow = Account(currency: currency, kind: .escrow, owner: [4])
        provider = Account(currency: currency, kind: .provider, owner: [5])
        fee = Account(currency: currency, kind: .fee, owner: [6])
        stake = Account(currency: currency, kind: .stake, owner: [5])
    }

    var accounts: [Account] { [issuer, alice, bob, escrow, provider, fee, stake] }

    /// A book in which all accounts are open and alice has `funds`.
    func book(funds: Int64 = 1000, history: any LedgerHistory = EmptyHistory()) throws -> Book {
        var book = Book(history: history)
        _ = try open(&book, funds: funds)
        return book
    }

    /// Opens all accounts and gives alice `funds`; returns what happened.
    func open(_ book: inout Book, funds: Int64) throws -> [LedgerEffects] {
        var effects = try accounts.map { try book.apply(.openAccount($0), at: 0) }
        effects.append(try book.apply(.transfer(credit(alice, funds)), at: 0))
        return effects
    }

    func credit(_ account: Account, _ amount: Int64, id: String = "credit") -> Transfer {
        transfer(id, issuer, account, amount, .credit)
    }

    func transfer(
        _ id: String,
        _ debit: Account,
        _ credit: Account,
        _ amount: Int64,
        _ kind: TransferKind = .direct
    ) -> Transfer {
        Transfer(id: name(id), debit: debit.id, credit: credit.id, amount: amount, currency: currency, kind: kind)
    }

    /// A hold of alice's money for job `job`.
    func hold(_ id: String, _ amount: Int64, job: Int = 1, attempt: UInt32 = 0) -> Transfer {
        var hold = transfer(id, alice, escrow, amount, .hold)
        hold.job = digest("job", job)
        hold.attempt = attempt
        hold.leg = "escrow"
        return hold
    }

    func resolution(_ id: String, of hold: String, provider: Int64, fee: Int64, job: Int = 1) -> Resolution {
        var legs: [Leg] = []
        if provider > 0 { legs.append(Leg(credit: self.provider.id, amount: provider, name: "provider")) }
        if fee > 0 { legs.append(Leg(credit: self.fee.id, amount: fee, name: "fee")) }
        return Resolution(
            id: name(id),
            hold: name(hold),
            legs: legs,
            attempt: 1,
            verdict: digest("verdict", job),
            ruleset: digest("ruleset", 0)
        )
    }

    func receipt(job: Int = 1, attempt: UInt32 = 1, bundle: String = "bundle") -> ReceiptRow {
        ReceiptRow(
            job: digest("job", job),
            attempt: attempt,
            verdict: digest("verdict", job),
            outcome: "accepted",
            at: 10,
            bundleBytes: Array("\(bundle) \(job)".utf8)
        )
    }
}

func name(_ text: String) -> TransferID { TransferID(deriving: Array(text.utf8)) }

func digest(_ word: String, _ number: Int) -> Digest { SHA256.hash(Array("\(word) \(number)".utf8)) }

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

/// A folder that goes away with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        // As SQLite names it: without doubled slashes and links.
        let temporary = URL(fileURLWithPath: NSTemporaryDirectory()).resolvingSymlinksInPath().path
        path = temporary + "/ledger-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var ledger: String { path + "/ledger.sqlite" }
}
