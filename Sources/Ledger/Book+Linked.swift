// Operations that happen together or not at all, and the exchange of one currency for another, which is two of them.

/// Money of one currency for money of another, by way of an account that has both.
///
/// Each currency keeps its own books: the exchange is one transfer in each, linked. The rate is whatever the two amounts
/// are; who may ask for which rate is not the ledger's business.
public struct Exchange: Sendable, Equatable {
    /// The client's name for it; both transfers derive theirs.
    public var id: TransferID
    /// Gives `sold`, in the first currency, to `maker`.
    public var seller: AccountID
    public var sold: Int64
    public var soldCurrency: String
    /// The dealer's account in the first currency.
    public var maker: AccountID
    /// The dealer's account in the second currency, from which `bought` comes.
    public var taker: AccountID
    public var bought: Int64
    public var boughtCurrency: String
    /// Where `bought` goes.
    public var buyer: AccountID

    /// An exchange to be applied.
    public init(
        id: TransferID,
        seller: AccountID,
        sold: Int64,
        soldCurrency: String,
        maker: AccountID,
        taker: AccountID,
        bought: Int64,
        boughtCurrency: String,
        buyer: AccountID
    ) {
        self.id = id
        self.seller = seller
        self.sold = sold
        self.soldCurrency = soldCurrency
        self.maker = maker
        self.taker = taker
        self.bought = bought
        self.boughtCurrency = boughtCurrency
        self.buyer = buyer
    }

    /// The two transfers.
    public var operations: [LedgerOperation] {
        func leg(_ name: String, _ debit: AccountID, _ credit: AccountID, _ amount: Int64, _ currency: String)
            -> Transfer
        {
            Transfer(
                id: TransferID(deriving: id.bytes, Array(name.utf8)),
                debit: debit,
                credit: credit,
                amount: amount,
                currency: currency,
                kind: .direct
            )
        }
        return [
            .transfer(leg("exchange.sell", seller, maker, sold, soldCurrency)),
            .transfer(leg("exchange.buy", taker, buyer, bought, boughtCurrency)),
        ]
    }
}

extension Book {
    /// How many operations can be linked.
    public static let linkedAtMost = 64

    /// Does all of `operations` in order, or says why not and changes nothing. Put what it returns into one batch: the
    /// store writes a batch as a whole.
    /// - Throws: what `apply` throws for the first that is refused; `.conflict` when some were done before and others not.
    public mutating func applyLinked(
        _ operations: [LedgerOperation],
        at: Int64
    ) throws(LedgerError) -> [LedgerEffects] {
        guard (1...Self.linkedAtMost).contains(operations.count) else {
            let expected = "1 to \(Self.linkedAtMost) operations"
            throw .malformed("linked", expected: expected, actual: "\(operations.count)")
        }
        let before = latest
        var done: [LedgerEffects] = []
        for operation in operations {
            do throws(LedgerError) {
                done.append(try apply(operation, at: at))
            } catch {
                undo(done, latest: before)
                throw error
            }
        }
        let replayed = done.filter(\.replayed).count
        guard replayed == 0 || replayed == done.count else {
            undo(done, latest: before)
            let actual = "\(replayed) of \(done.count) were done before"
            throw .conflict(field: "linked", expected: "all or none", actual: actual)
        }
        return done
    }

    /// Takes back what `apply` has just done, the last first. Nobody has seen it: it is in no batch yet.
    private mutating func undo(_ done: [LedgerEffects], latest before: Int64) {
        for effects in done.reversed() where !effects.replayed {
            for delta in effects.deltas { accounts[delta.account]?.subtract(delta) }
            if let hold = effects.hold { holds[hold.id] = nil }
            if let resolution = effects.resolution { holds[resolution.hold.id] = resolution.hold }
            if let account = effects.account { accounts[account.id] = nil }
            recent.forget(effects)
        }
        latest = before
    }
}

extension Account {
    /// Undoes a movement that `add` has made.
    fileprivate mutating func subtract(_ delta: BalanceDelta) {
        debitsPending -= delta.debitsPending
        debitsPosted -= delta.debitsPosted
        creditsPending -= delta.creditsPending
        creditsPosted -= delta.creditsPosted
    }
}
