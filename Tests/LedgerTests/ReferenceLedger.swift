// A second ledger, written to be obviously right rather than fast: it keeps lists and adds them up for every question.

import Commitments

@testable import Ledger

/// The slow twin of `Book`.
struct ReferenceLedger {
    /// Why the twin would refuse, without the details.
    enum Refusal: String {
        case unknownAccount, insufficientFunds, wrongCurrency, wrongAccountKind, sameAccount, amountNotPositive
        case exceedsHold, holdUnknown, holdResolved, notExpired, conflict, legTaken, verdictMissing, malformed
    }

    private struct Movement {
        let from: AccountID
        let to: AccountID
        let amount: Int64
    }

    private struct Pending {
        let request: Transfer
        let expiresAt: Int64
        var isOpen = true
    }

    private var accounts: [AccountID: Account] = [:]
    private var movements: [Movement] = []
    private var pending: [TransferID: Pending] = [:]
    private var done: [TransferID: LedgerOperation] = [:]
    private var legs: Set<String> = []

    init(accounts: [Account]) {
        for account in accounts { self.accounts[account.id] = account }
    }

    func posted(from id: AccountID) -> Int64 { movements.filter { $0.from == id }.reduce(0) { $0 + $1.amount } }
    func posted(to id: AccountID) -> Int64 { movements.filter { $0.to == id }.reduce(0) { $0 + $1.amount } }
    func held(from id: AccountID) -> Int64 {
        pending.values.filter { $0.isOpen && $0.request.debit == id }.reduce(0) { $0 + $1.request.amount }
    }
    func held(to id: AccountID) -> Int64 {
        pending.values.filter { $0.isOpen && $0.request.credit == id }.reduce(0) { $0 + $1.request.amount }
    }

    private func available(_ id: AccountID) -> Int64 { posted(to: id) - posted(from: id) - held(from: id) }

    /// Does the operation; returns why not, and whether it had been done before.
    mutating func apply(_ operation: LedgerOperation, at now: Int64) -> (refusal: Refusal?, replayed: Bool) {
        let id: TransferID
        switch operation {
        case .openAccount: return (nil, true)
        case .transfer(let transfer), .hold(let transfer, _): id = transfer.id
        case .resolve(let resolution): id = resolution.id
        case .expire(let hold): id = TransferID(deriving: Array("expire".utf8), hold.bytes)
        }
        if let earlier = done[id] { return earlier == Self.recorded(operation) ? (nil, true) : (.conflict, false) }
        let refusal =
            switch operation {
            case .openAccount: Refusal?.none
            case .transfer(let transfer): move(transfer)
            case .hold(let transfer, let expiresAt): hold(transfer, expiresAt, now)
            case .resolve(let resolution): resolve(resolution)
            case .expire(let hold): expire(hold, now)
            }
        if refusal == nil { done[id] = Self.recorded(operation) }
        return (refusal, false)
    }

    /// What is known of an operation afterwards: whose attempt it was stands in the legs, so without legs it is not known.
    private static func recorded(_ operation: LedgerOperation) -> LedgerOperation {
        guard case .resolve(var resolution) = operation, resolution.legs.isEmpty else { return operation }
        resolution.attempt = 0
        return .resolve(resolution)
    }

    private func refusal(_ transfer: Transfer) -> Refusal? {
        if transfer.amount <= 0 { return .amountNotPositive }
        if transfer.debit == transfer.credit { return .sameAccount }
        guard let debit = accounts[transfer.debit], let credit = accounts[transfer.credit] else {
            return .unknownAccount
        }
        if debit.currency != transfer.currency || credit.currency != transfer.currency { return .wrongCurrency }
        let fits =
            switch transfer.kind {
            case .credit: debit.kind == .issuer && credit.kind != .issuer
            case .withdraw: debit.kind != .issuer && credit.kind == .issuer
            default: debit.kind != .issuer && credit.kind != .issuer
            }
        if !fits { return .wrongAccountKind }
        return nil
    }

    private func fundsOrLeg(_ transfer: Transfer) -> Refusal? {
        if accounts[transfer.debit]?.kind != .issuer, available(transfer.debit) < transfer.amount {
            return .insufficientFunds
        }
        return legs.contains(key(transfer, transfer.attempt, transfer.leg)) ? .legTaken : nil
    }

    private func key(_ transfer: Transfer, _ attempt: UInt32, _ leg: String) -> String {
        transfer.job.map { "\($0.hex)/\(attempt)/\(leg)" } ?? ""
    }

    private mutating func take(_ key: String) {
        if !key.isEmpty { legs.insert(key) }
    }

    private mutating func move(_ transfer: Transfer) -> Refusal? {
        if let refusal = refusal(transfer) ?? fundsOrLeg(transfer) { return refusal }
        movements.append(Movement(from: transfer.debit, to: transfer.credit, amount: transfer.amount))
        take(key(transfer, transfer.attempt, transfer.leg))
        return nil
    }

    private mutating func hold(_ transfer: Transfer, _ expiresAt: Int64, _ now: Int64) -> Refusal? {
        if let refusal = refusal(transfer) { return refusal }
        if expiresAt <= now { return .malformed }
        if let refusal = fundsOrLeg(transfer) { return refusal }
        pending[transfer.id] = Pending(request: transfer, expiresAt: expiresAt)
        take(key(transfer, transfer.attempt, transfer.leg))
        return nil
    }

    private mutating func resolve(_ resolution: Resolution) -> Refusal? {
        guard let hold = pending[resolution.hold] else { return .holdUnknown }
        if !hold.isOpen { return .holdResolved }
        if !resolution.legs.isEmpty, resolution.verdict == nil { return .verdictMissing }
        var sum: Int64 = 0
        for leg in resolution.legs {
            if leg.amount <= 0 { return .amountNotPositive }
            guard let credit = accounts[leg.credit] else { return .unknownAccount }
            if credit.kind == .issuer { return .wrongAccountKind }
            if leg.credit == hold.request.debit { return .sameAccount }
            if credit.currency != hold.request.currency { return .wrongCurrency }
            sum += leg.amount
            if sum > hold.request.amount { return .exceedsHold }
        }
        for leg in resolution.legs where legs.contains(key(hold.request, resolution.attempt, leg.name)) {
            return .legTaken
        }
        for leg in resolution.legs {
            movements.append(Movement(from: hold.request.debit, to: leg.credit, amount: leg.amount))
            take(key(hold.request, resolution.attempt, leg.name))
        }
        pending[resolution.hold]?.isOpen = false
        return nil
    }

    private mutating func expire(_ id: TransferID, _ now: Int64) -> Refusal? {
        guard let hold = pending[id] else { return .holdUnknown }
        if !hold.isOpen { return .holdResolved }
        if now < hold.expiresAt { return .notExpired }
        pending[id]?.isOpen = false
        return nil
    }
}

extension LedgerError {
    /// The error without its details, as the twin says it.
    var refusal: ReferenceLedger.Refusal? {
        let word = "\(Mirror(reflecting: self).children.first?.label ?? "")"
        return ReferenceLedger.Refusal(rawValue: word)
    }
}
