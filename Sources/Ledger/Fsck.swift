// The audit of a stored ledger: everything recomputed from the rows, nothing taken from the code that wrote them.
public import Codecs
internal import Commitments

/// What an audit found.
public struct FsckReport: Sendable, Equatable {
    /// One question that was asked of every row it concerns.
    public struct Check: Sendable, Equatable {
        /// A stable name: an invariant's number and a word, such as `I7-balances`.
        public let id: String
        /// How many rows were looked at.
        public let examined: Int
        /// How many of them failed.
        public let faultCount: Int
        /// The first faults, each naming the row, what was expected and what was found.
        public let faults: [String]

        /// Whether no row failed.
        public var passed: Bool { faultCount == 0 }
    }

    public let checks: [Check]

    /// Whether every check passed.
    public var isClean: Bool { checks.allSatisfy(\.passed) }

    /// The report as a document.
    public var json: JSONValue {
        .object([
            "clean": .bool(isClean),
            "checks": .array(
                checks.map { check in
                    .object([
                        "id": .string(check.id),
                        "result": .string(check.passed ? "pass" : "fail"),
                        "examined": .integer(check.examined),
                        "faultCount": .integer(check.faultCount),
                        "faults": .array(check.faults.map { .string($0) }),
                    ])
                }
            ),
        ])
    }
}

/// Audits a stored ledger.
public enum Fsck {
    /// How many faults of one check are told; all are counted.
    public static let faultsTold = 20

    /// Recomputes every balance from the transfers and every receipt from its bundle.
    ///
    /// Transfers are streamed, so that memory grows with accounts, open holds and receipts, not with transfers. Reads one
    /// consistent state; a store that settles meanwhile is not disturbed.
    /// - Parameter verifyBundle: looks deeper into one receipt, after its bytes were found to match its CID; returns what is
    ///   wrong.
    /// - Throws: `LedgerError.storage` when rows cannot be read at all.
    public static func run(
        _ store: some LedgerStore,
        verifyBundle: (ReceiptRow) -> [String] = { _ in [] }
    ) throws(LedgerError) -> FsckReport {
        try store.snapshot { snapshot throws(LedgerError) in
            var audit = Audit()
            try audit.storage(snapshot)
            try audit.receipts(snapshot, verifyBundle)
            try audit.money(snapshot)
            return audit.report
        }
    }
}

/// Counters of one check.
private struct Tally {
    var examined = 0
    var faultCount = 0
    var faults: [String] = []

    mutating func expect(_ condition: Bool, _ fault: @autoclosure () -> String) {
        examined += 1
        if !condition { fail(fault()) }
    }

    mutating func fail(_ fault: String) {
        faultCount += 1
        if faults.count < Fsck.faultsTold { faults.append(fault) }
    }
}

private struct Audit {
    private struct ReceiptKey: Hashable {
        let verdict: Digest
        let job: Digest?
    }

    /// A hold as its transfers tell it.
    private struct Held {
        let transfer: Transfer
        var left: Int64
    }

    private var storage = Tally()
    private var balanced = Tally()
    private var overdraft = Tally()
    private var holds = Tally()
    private var legs = Tally()
    private var verdicts = Tally()
    private var amounts = Tally()
    private var balances = Tally()
    private var order = Tally()
    private var bundles = Tally()
    private var receiptKeys: Set<ReceiptKey> = []

    mutating func storage(_ snapshot: any LedgerSnapshot) throws(LedgerError) {
        let faults = try snapshot.storageFaults()
        storage.examined = 1
        for fault in faults { storage.fail(fault) }
    }

    mutating func receipts(_ snapshot: any LedgerSnapshot, _ verify: (ReceiptRow) -> [String]) throws(LedgerError) {
        try snapshot.forEachReceipt { receipt in
            let name = "receipt of job \(receipt.job) attempt \(receipt.attempt)"
            let cid = CID.raw(receipt.bundleBytes).text
            bundles.expect(cid == receipt.bundleCID, "\(name): expected bundle \(receipt.bundleCID), found \(cid)")
            if cid == receipt.bundleCID { for fault in verify(receipt) { bundles.fail("\(name): \(fault)") } }
            receiptKeys.insert(ReceiptKey(verdict: receipt.verdict, job: receipt.job))
            receiptKeys.insert(ReceiptKey(verdict: receipt.verdict, job: nil))
        }
    }

    mutating func money(_ snapshot: any LedgerSnapshot) throws(LedgerError) {
        let accounts = try snapshot.accounts()
        let known = Dictionary(accounts.map { ($0.id, $0) }) { first, _ in first }
        var fold = known.mapValues { Account(id: $0.id, currency: $0.currency, kind: $0.kind, owner: $0.owner) }
        var open: [TransferID: Held] = [:]
        var latest = Int64.min

        try snapshot.forEachTransfer { transfer in
            let name = "transfer \(transfer.id)"
            order.expect(transfer.at >= latest, "\(name): expected second \(latest) or later, found \(transfer.at)")
            latest = max(latest, transfer.at)
            amounts.expect(transfer.amount > 0, "\(name): expected more than 0, found \(transfer.amount)")
            checkParties(transfer, known)
            checkVerdict(transfer)
            follow(transfer, &open)
            move(transfer, open, &fold)
            if let hold = transfer.pendingID, open[hold]?.left == 0 { open[hold] = nil }
        }
        let (repeated, examined) = try snapshot.repeatedLegs()
        legs.examined = examined
        for leg in repeated { legs.fail("expected one transfer, found \(leg)") }
        try compareHolds(snapshot, open)
        compareBalances(accounts, fold)
    }

    private mutating func checkParties(_ transfer: Transfer, _ accounts: [AccountID: Account]) {
        for id in [transfer.debit, transfer.credit] {
            let currency = accounts[id]?.currency ?? "no account"
            balanced.expect(
                currency == transfer.currency,
                "transfer \(transfer.id): expected account \(id) in \(transfer.currency), found \(currency)"
            )
        }
    }

    private mutating func checkVerdict(_ transfer: Transfer) {
        guard transfer.kind == .post else { return }
        let receipt = transfer.verdict.map { receiptKeys.contains(ReceiptKey(verdict: $0, job: transfer.job)) }
        let found = receipt == nil ? "no verdict" : "no receipt of its verdict"
        verdicts.expect(
            receipt == true,
            "transfer \(transfer.id) (\(transfer.leg)): expected a receipt, found \(found)"
        )
    }

    /// I3, from the transfers alone: a hold is taken from until nothing is left, and never beyond.
    private mutating func follow(_ transfer: Transfer, _ open: inout [TransferID: Held]) {
        if transfer.kind == .hold { open[transfer.id] = Held(transfer: transfer, left: transfer.amount) }
        guard let id = transfer.pendingID else { return }
        guard let held = open[id], held.left >= transfer.amount, held.transfer.debit == transfer.debit else {
            let left = open[id].map { "\($0.left) left" } ?? "it ended or unknown"
            return holds.fail("transfer \(transfer.id): expected \(transfer.amount) left of hold \(id), found \(left)")
        }
        open[id]?.left -= transfer.amount
    }

    /// I7: one transfer's part in the fold. Overflow wraps: it shows as a balance that differs.
    private func move(_ transfer: Transfer, _ open: [TransferID: Held], _ fold: inout [AccountID: Account]) {
        let amount = transfer.amount
        switch transfer.kind {
        case .credit, .withdraw, .direct:
            fold[transfer.debit]?.debitsPosted &+= amount
            fold[transfer.credit]?.creditsPosted &+= amount
        case .hold:
            fold[transfer.debit]?.debitsPending &+= amount
            fold[transfer.credit]?.creditsPending &+= amount
        case .post:
            fold[transfer.debit]?.debitsPending &-= amount
            fold[transfer.debit]?.debitsPosted &+= amount
            fold[transfer.credit]?.creditsPosted &+= amount
            if let hold = transfer.pendingID.flatMap({ open[$0] }) {
                fold[hold.transfer.credit]?.creditsPending &-= amount
            }
        case .void, .expire:
            fold[transfer.debit]?.debitsPending &-= amount
            fold[transfer.credit]?.creditsPending &-= amount
        }
    }

    /// The hold rows against the holds that the transfers left open.
    private mutating func compareHolds(_ snapshot: any LedgerSnapshot, _ left: [TransferID: Held]) throws(LedgerError) {
        var open = left
        try snapshot.forEachHold { hold, resolution in
            let remains = open.removeValue(forKey: hold.id)
            if let resolution {
                holds.expect(
                    remains == nil,
                    "hold \(hold.id): resolved by \(resolution), yet its transfers leave \(remains?.left ?? 0)"
                )
            } else {
                holds.expect(
                    remains?.left == hold.amount,
                    "hold \(hold.id): expected \(hold.amount) open, its transfers leave \(remains?.left ?? 0)"
                )
            }
        }
        for (id, held) in open.sorted(by: { $0.key < $1.key }) {
            holds.fail("hold \(id): its transfers leave \(held.left), yet there is no row of it")
        }
    }

    private mutating func compareBalances(_ accounts: [Account], _ fold: [AccountID: Account]) {
        var debits: [String: (pending: Int64, posted: Int64)] = [:]
        for account in accounts {
            debits[account.currency, default: (0, 0)].pending &+= account.debitsPending &- account.creditsPending
            debits[account.currency, default: (0, 0)].posted &+= account.debitsPosted &- account.creditsPosted
            overdraft.expect(
                account.kind == .issuer || account.available >= 0,
                "account \(account.id): expected 0 or more available, found \(account.available)"
            )
            let expected = fold[account.id] ?? account
            balances.expect(
                expected == account,
                "account \(account.id): expected \(Self.counters(expected)), found \(Self.counters(account))"
            )
            let id = AccountID(currency: account.currency, kind: account.kind, owner: account.owner)
            balances.expect(id == account.id, "account \(account.id): its fields name account \(id)")
        }
        for (currency, excess) in debits.sorted(by: { $0.key < $1.key }) {
            balanced.expect(
                excess == (0, 0),
                "\(currency): debits exceed credits by \(excess.pending) pending and \(excess.posted) posted"
            )
        }
    }

    private static func counters(_ account: Account) -> String {
        "debits \(account.debitsPending) pending \(account.debitsPosted) posted, "
            + "credits \(account.creditsPending) pending \(account.creditsPosted) posted"
    }

    var report: FsckReport {
        let tallies = [
            ("storage", storage), ("I1-balanced", balanced), ("I2-overdraft", overdraft), ("I3-holds", holds),
            ("I4-legs", legs), ("I5-verdicts", verdicts), ("I6-amounts", amounts), ("I7-balances", balances),
            ("order", order), ("receipts", bundles),
        ]
        return FsckReport(
            checks: tallies.map { id, tally in
                .init(id: id, examined: tally.examined, faultCount: tally.faultCount, faults: tally.faults)
            }
        )
    }
}
