// Random operations, many of them wrong on purpose.
import Commitments

@testable import Ledger

/// Draws operations over a small set of names, so that ids, jobs and holds meet again.
struct RandomOperations {
    var random: SeededGenerator
    let accounts: [Account]
    private var made: [LedgerOperation] = []
    private var holds: [TransferID] = []
    private var counter = 0

    init(seed: UInt64, accounts: [Account]) {
        random = SeededGenerator(seed: seed)
        self.accounts = accounts
    }

    mutating func next(at now: Int64) -> LedgerOperation {
        if !made.isEmpty, chance(12) { return made[Int.random(in: 0..<made.count, using: &random)] }
        let operation = fresh(at: now)
        made.append(operation)
        if made.count > 400 { made.removeFirst(200) }
        return operation
    }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func fresh(at now: Int64) -> LedgerOperation {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<15: return .transfer(transfer(.credit))
        case 15..<20: return .transfer(transfer(.withdraw))
        case 20..<40: return .transfer(transfer(.direct))
        case 40..<65:
            let hold = transfer(.hold)
            holds.append(hold.id)
            if holds.count > 60 { holds.removeFirst(30) }
            return .hold(hold, expiresAt: now + Int64.random(in: -1...200, using: &random))
        case 65..<90: return .resolve(resolution())
        default: return .expire(someHold())
        }
    }

    private mutating func newID() -> TransferID {
        // One id in forty is an old one with a new body.
        if !chance(97), counter > 0 { return name("random \(Int.random(in: 0..<counter, using: &random))") }
        counter += 1
        return name("random \(counter)")
    }

    private mutating func someHold() -> TransferID {
        if holds.isEmpty || chance(3) { return name("never made") }
        return holds[Int.random(in: 0..<holds.count, using: &random)]
    }

    private mutating func account(_ wanted: (Account) -> Bool) -> Account {
        let fitting = chance(95) ? accounts.filter(wanted) : accounts
        return fitting[Int.random(in: 0..<fitting.count, using: &random)]
    }

    private mutating func amount(_ limit: Int64) -> Int64 {
        chance(2) ? Int64.random(in: -5...0, using: &random) : Int64.random(in: 1...limit, using: &random)
    }

    private mutating func transfer(_ kind: TransferKind) -> Transfer {
        let debit = account { ($0.kind == .issuer) == (kind == .credit) && $0.kind != .escrow }
        let credit = account { ($0.kind == .issuer) == (kind == .withdraw) && $0.currency == debit.currency }
        let hasJob = kind == .hold || chance(20)
        return Transfer(
            id: newID(),
            debit: debit.id,
            credit: credit.id,
            amount: amount(kind == .credit ? 2000 : 300),
            currency: chance(98) ? debit.currency : "CREDIT",
            kind: kind,
            job: hasJob ? digest("job", Int.random(in: 0..<5000, using: &random)) : nil,
            attempt: UInt32.random(in: 0...2, using: &random),
            leg: hasJob ? "escrow" : ""
        )
    }

    private mutating func resolution() -> Resolution {
        let names = ["provider", "fee", "validator"].shuffled(using: &random)
        let legs = names.prefix(Int.random(in: 0...3, using: &random)).map { leg in
            Leg(credit: account { $0.kind != .issuer && $0.kind != .escrow }.id, amount: amount(120), name: leg)
        }
        return Resolution(
            id: newID(),
            hold: someHold(),
            legs: legs,
            attempt: UInt32.random(in: 0...2, using: &random),
            verdict: chance(97) ? digest("verdict", 1) : nil
        )
    }
}
