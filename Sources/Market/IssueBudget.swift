// How much money may enter in an epoch, and how much has.
public import Ledger

/// A limit on what the operator's orders can issue.
public struct IssueBudget: Sendable, Equatable {
    /// The length of an epoch in engine seconds: epoch n is [n · seconds, (n + 1) · seconds).
    public var epochSeconds: Int64
    /// Minor units that may be issued in one epoch.
    public var units: Int64

    /// A budget; an epoch has at least one second.
    public init(epochSeconds: Int64, units: Int64) {
        self.epochSeconds = max(1, epochSeconds)
        self.units = units
    }

    /// The epoch of a moment.
    public func epoch(at moment: Int64) -> Int64 { EpochSummary.number(at: moment, seconds: epochSeconds) }
}

/// What has been issued in the present epoch.
public struct IssueTally: Sendable, Equatable {
    /// The epoch's number.
    public internal(set) var epoch: Int64 = .min
    /// Minor units issued in it.
    public internal(set) var issued: Int64 = 0

    /// Nothing yet.
    public init() {}

    /// What a store says was issued in the latest epoch that it knows.
    /// - Parameter issuer: the issuer's account.
    /// - Throws: `LedgerError.storage` when the store cannot be read.
    public init(_ store: some LedgerStore, issuer: AccountID, budget: IssueBudget) throws(LedgerError) {
        var limit = 64
        while true {
            self.init()
            let latest = try store.transfers(of: issuer, limit: limit)
            for transfer in latest.reversed() { note(transfer, issuer, budget) }
            let isWhole = latest.count < limit || latest.last.map { budget.epoch(at: $0.at) != epoch } ?? true
            if isWhole { return }
            limit *= 2
        }
    }

    /// Counts a transfer. A clock that goes back stays in the later epoch.
    mutating func note(_ transfer: Transfer, _ issuer: AccountID, _ budget: IssueBudget) {
        let now = budget.epoch(at: transfer.at)
        if now > epoch { (epoch, issued) = (now, 0) }
        guard transfer.kind == .credit, transfer.debit == issuer else { return }
        let (sum, overflow) = issued.addingReportingOverflow(transfer.amount)
        issued = overflow ? .max : sum
    }
}

extension Engine {
    /// Refuses a credit that the present epoch's budget does not cover.
    func checkBudget(_ transfer: Transfer, at: Int64) throws(MarketError) {
        guard let budget = configuration.issueBudget, transfer.kind == .credit else { return }
        let used = budget.epoch(at: ledgerTime(at)) > issue.epoch ? 0 : issue.issued
        let room = max(0, budget.units - used)
        guard transfer.amount > room else { return }
        let earlier: LedgerEffects?
        do throws(LedgerError) {
            earlier = try book.replay(.transfer(transfer))
        } catch {
            throw .ledger(error)
        }
        if earlier == nil {
            throw .ledger(.insufficientFunds(account: transfer.debit, needed: transfer.amount, available: room))
        }
    }
}
