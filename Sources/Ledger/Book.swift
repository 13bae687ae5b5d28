// The ledger's pure core: accounts, open holds, and one function that moves money.

/// The state of the ledger, and the only code that changes it.
///
/// A book keeps balances and open holds. What is done is kept until `release(_:)` says that it is durable; from then on
/// repeated requests are answered from the `LedgerHistory`. Given the same history, the same operations at the same times
/// have the same effects.
///
/// The book is ahead of the store between `apply` and the acknowledgement of the commit. When a commit fails, the book is
/// of no more use: load it again from the store.
public struct Book: Sendable {
    /// Every account.
    public internal(set) var accounts: [AccountID: Account]
    /// The holds that have not ended.
    public internal(set) var holds: [TransferID: Hold]
    /// The time of the latest operation, in engine seconds. Recorded times never go back behind it.
    public internal(set) var latest: Int64
    /// Why the book settles nothing any more; `nil` as long as every invariant held.
    public private(set) var stopped: String?

    let history: any LedgerHistory
    var recent = RecentHistory()

    /// An empty book that answers repeated requests from `history` and from its own memory.
    public init(history: any LedgerHistory = EmptyHistory()) {
        self.init(accounts: [], holds: [], latest: .min, history: history)
    }

    /// The book that a store has kept.
    public init(accounts: [Account], holds: [Hold], latest: Int64, history: any LedgerHistory) {
        self.accounts = Dictionary(accounts.lazy.map { ($0.id, $0) }) { first, _ in first }
        self.holds = Dictionary(holds.lazy.map { ($0.id, $0) }) { first, _ in first }
        self.latest = latest
        self.history = history
    }

    /// How many operations the book keeps because they may not be durable yet.
    public var pendingRelease: Int { recent.count }

    /// Does `operation`, or says why not and changes nothing.
    ///
    /// The same id with the same body gets the first answer again, marked `replayed`.
    /// - Parameter at: now, in engine seconds. A clock that went back is recorded as standing still and expires nothing.
    /// - Throws: `LedgerError`. After `.invariant` every further call throws `.settlementStopped`.
    public mutating func apply(_ operation: LedgerOperation, at: Int64) throws(LedgerError) -> LedgerEffects {
        if let stopped { throw .settlementStopped(reason: stopped) }
        if let earlier = try replay(operation) { return earlier }
        let effects = try plan(operation, at: at)
        do {
            let touched = try settle(effects)
            for account in touched { accounts[account.id] = account }
        } catch .invariant(let invariant, let detail) {
            stopped = "\(invariant.rawValue): \(detail)"
            throw .invariant(invariant, detail: detail)
        }
        if let account = effects.account { accounts[account.id] = account }
        if let hold = effects.hold { holds[hold.id] = hold }
        if let resolution = effects.resolution { holds[resolution.hold.id] = nil }
        latest = max(latest, at)
        recent.remember(effects)
        return effects
    }

    /// Drops `effects` from memory, because a commit that holds them has been acknowledged.
    public mutating func release(_ effects: LedgerEffects) {
        recent.forget(effects)
    }

    /// Drops all effects of `batch` from memory, because its commit has been acknowledged.
    public mutating func release(_ batch: Batch) {
        for effects in batch.effects { recent.forget(effects) }
    }

    /// The touched accounts after `effects`, if every invariant holds then (I1, I2, I3, I5).
    private func settle(_ effects: LedgerEffects) throws(LedgerError) -> [Account] {
        let deltas = effects.deltas
        var touched: [Account] = []
        touched.reserveCapacity(deltas.count)
        for delta in deltas {
            guard var account = accounts[delta.account] else { throw .unknownAccount(delta.account) }
            try account.add(delta)
            touched.append(account)
        }
        try Invariants.check(effects, deltas: deltas, touched: touched)
        if let resolution = effects.resolution, holds[resolution.hold.id] != resolution.hold {
            throw .invariant(.holdResolvedOnce, detail: "hold \(resolution.hold.id) is not open")
        }
        return touched
    }

    /// Checks the whole state: I1 over all accounts, I2 for each, and that pending counters are the sum of open holds.
    ///
    /// For start-up, audits and tests; `apply` checks what it touches. Linear in accounts and open holds.
    /// - Throws: `LedgerError.invariant` for the first that does not hold.
    public func verify() throws(LedgerError) {
        try Invariants.check(accounts: accounts.values, holds: holds.values)
    }
}
