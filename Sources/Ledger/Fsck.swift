// The audit of a stored ledger: everything recomputed from the rows, nothing taken from the code that wrote them.
public import Codecs
internal import Commitments
internal import Dispatch
internal import Synchronization

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
        // Two threads, each with a consistent state of its own: what one looks at says nothing about the other's.
        let money = Mutex<Result<MoneyAudit, LedgerError>?>(nil)
        let finished = DispatchSemaphore(value: 0)
        DispatchQueue.global(qos: .userInitiated).async {
            let result = Result { () throws(LedgerError) -> MoneyAudit in
                try store.snapshot { snapshot throws(LedgerError) in
                    var audit = MoneyAudit()
                    try audit.run(snapshot)
                    return audit
                }
            }
            money.withLock { $0 = result }
            finished.signal()
        }
        let documents = Result { () throws(LedgerError) -> DocumentAudit in
            try store.snapshot { snapshot throws(LedgerError) in
                var audit = DocumentAudit()
                try audit.run(snapshot, verifyBundle)
                return audit
            }
        }
        finished.wait()
        let tallies = try documents.get().tallies
        guard let others = try money.withLock({ $0 })?.get().tallies else {
            throw .storage(detail: "the audit did not end")
        }
        return FsckReport(
            checks: (tallies + others).sorted { $0.0 < $1.0 }.map { id, tally in
                .init(id: id, examined: tally.examined, faultCount: tally.faultCount, faults: tally.faults)
            }
        )
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

/// The database's own pages, the bundles, and the names of legs.
private struct DocumentAudit {
    private var storage = Tally()
    private var legs = Tally()
    private var bundles = Tally()

    var tallies: [(String, Tally)] { [("storage", storage), ("I4-legs", legs), ("receipts", bundles)] }

    mutating func run(_ snapshot: any LedgerSnapshot, _ verify: (ReceiptRow) -> [String]) throws(LedgerError) {
        storage.examined = 1
        for fault in try snapshot.storageFaults() { storage.fail(fault) }
        try snapshot.forEachReceipt { receipt in
            let cid = CID.raw(receipt.bundleBytes).text
            let isRight = cid == receipt.bundleCID
            bundles.expect(isRight, "\(Self.name(receipt)): expected bundle \(receipt.bundleCID), found \(cid)")
            if isRight { for fault in verify(receipt) { bundles.fail("\(Self.name(receipt)): \(fault)") } }
        }
        let (repeated, examined) = try snapshot.repeatedLegs()
        legs.examined = examined
        for leg in repeated { legs.fail("expected one transfer, found \(leg)") }
    }

    private static func name(_ receipt: ReceiptRow) -> String {
        "receipt of job \(receipt.job) attempt \(receipt.attempt)"
    }
}

/// Everything that follows from the transfers.
private struct MoneyAudit {
    /// A hold as its transfers tell it.
    private struct Held {
        let debit: AccountID
        let credit: AccountID
        var left: Int64
    }

    private var balanced = Tally()
    private var overdraft = Tally()
    private var holds = Tally()
    private var verdicts = Tally()
    private var amounts = Tally()
    private var balances = Tally()
    private var order = Tally()
    private var history = Tally()
    /// The jobs that each verdict has a receipt for; nearly always one.
    private var receipts: [Digest: Digest] = [:]
    private var moreReceipts: [Digest: Set<Digest>] = [:]

    var tallies: [(String, Tally)] {
        [
            ("I1-balanced", balanced), ("I2-overdraft", overdraft), ("I3-holds", holds), ("I5-verdicts", verdicts),
            ("I6-amounts", amounts), ("I7-balances", balances), ("history", history), ("order", order),
        ]
    }

    mutating func run(_ snapshot: any LedgerSnapshot) throws(LedgerError) {
        try snapshot.forEachVerdict { verdict, job in
            if let other = receipts.updateValue(job, forKey: verdict) {
                moreReceipts[verdict, default: [job]].insert(other)
            }
        }
        let accounts = try snapshot.accounts()
        let currencies = Dictionary(accounts.map { ($0.id, $0.currency) }) { first, _ in first }
        var fold = Dictionary(accounts.map { ($0.id, Counters()) }) { first, _ in first }
        var open: [TransferID: Held] = [:]
        var latest = Int64.min
        let hasOneClock = try snapshot.hasOneClock()

        let faults = try snapshot.forEachTransfer { transfer in
            order.expect(
                transfer.at >= latest || !hasOneClock,
                "transfer \(transfer.id): expected second \(latest) or later, found \(transfer.at)"
            )
            latest = max(latest, transfer.at)
            amounts.expect(
                transfer.amount > 0,
                "transfer \(transfer.id): expected more than 0, found \(transfer.amount)"
            )
            checkParties(transfer, currencies)
            checkVerdict(transfer)
            follow(transfer, &open)
            move(transfer, open, &fold)
            if let hold = transfer.pendingID, open[hold]?.left == 0 { open[hold] = nil }
        }
        history.examined = order.examined
        for fault in faults { history.fail(fault) }
        try compareHolds(snapshot, open)
        compareBalances(accounts, fold)
    }

    private mutating func checkParties(_ transfer: Transfer, _ currencies: [AccountID: String]) {
        func check(_ id: AccountID) {
            let currency = currencies[id]
            balanced.expect(
                currency == transfer.currency,
                "transfer \(transfer.id): expected account \(id) in \(transfer.currency), found \(currency ?? "none")"
            )
        }
        check(transfer.debit)
        check(transfer.credit)
    }

    private mutating func checkVerdict(_ transfer: Transfer) {
        guard transfer.kind == .post else { return }
        let receipt = transfer.verdict.map { hasReceipt($0, transfer.job) }
        verdicts.expect(
            receipt == true,
            "transfer \(transfer.id) (\(transfer.leg)): expected a receipt, found "
                + (receipt == nil ? "no verdict" : "no receipt of its verdict")
        )
    }

    private func hasReceipt(_ verdict: Digest, _ job: Digest?) -> Bool {
        guard let known = receipts[verdict] else { return false }
        return job == nil || known == job || job.map { moreReceipts[verdict]?.contains($0) ?? false } ?? false
    }

    /// I3, from the transfers alone: a hold is taken from until nothing is left, and never beyond.
    private mutating func follow(_ transfer: Transfer, _ open: inout [TransferID: Held]) {
        if transfer.kind == .hold {
            open[transfer.id] = Held(debit: transfer.debit, credit: transfer.credit, left: transfer.amount)
        }
        guard let id = transfer.pendingID else { return }
        guard let held = open[id], held.left >= transfer.amount, held.debit == transfer.debit else {
            let left = open[id].map { "\($0.left) left" } ?? "it ended or unknown"
            return holds.fail("transfer \(transfer.id): expected \(transfer.amount) left of hold \(id), found \(left)")
        }
        open[id]?.left -= transfer.amount
    }

    /// I7: one transfer's part in the fold. Overflow wraps: it shows as a balance that differs.
    private func move(_ transfer: Transfer, _ open: [TransferID: Held], _ fold: inout [AccountID: Counters]) {
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
                fold[hold.credit]?.creditsPending &-= amount
            }
        case .void, .expire:
            fold[transfer.debit]?.debitsPending &-= amount
            fold[transfer.credit]?.creditsPending &-= amount
        }
    }

    /// The hold rows against the holds that the transfers left open.
    private mutating func compareHolds(_ snapshot: any LedgerSnapshot, _ left: [TransferID: Held]) throws(LedgerError) {
        var open = left
        try snapshot.forEachHold { hold, amount, resolution in
            let remains = open.removeValue(forKey: hold)
            if let resolution {
                holds.expect(
                    remains == nil,
                    "hold \(hold): resolved by \(resolution), yet its transfers leave \(remains?.left ?? 0)"
                )
            } else {
                holds.expect(
                    remains?.left == amount,
                    "hold \(hold): expected \(amount) open, its transfers leave \(remains?.left ?? 0)"
                )
            }
        }
        for (id, held) in open.sorted(by: { $0.key < $1.key }) {
            holds.fail("hold \(id): its transfers leave \(held.left), yet there is no row of it")
        }
    }

    private mutating func compareBalances(_ accounts: [Account], _ fold: [AccountID: Counters]) {
        var debits: [String: (pending: Int64, posted: Int64)] = [:]
        for account in accounts {
            debits[account.currency, default: (0, 0)].pending &+= account.debitsPending &- account.creditsPending
            debits[account.currency, default: (0, 0)].posted &+= account.debitsPosted &- account.creditsPosted
            overdraft.expect(
                account.kind == .issuer || account.available >= 0,
                "account \(account.id): expected 0 or more available, found \(account.available)"
            )
            let (expected, found) = (fold[account.id] ?? Counters(), Counters(account))
            balances.expect(expected == found, "account \(account.id): expected \(expected), found \(found)")
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
}

/// The counters of one account.
private struct Counters: Equatable, CustomStringConvertible {
    var debitsPending: Int64 = 0
    var debitsPosted: Int64 = 0
    var creditsPending: Int64 = 0
    var creditsPosted: Int64 = 0

    init() {}

    init(_ account: Account) {
        debitsPending = account.debitsPending
        debitsPosted = account.debitsPosted
        creditsPending = account.creditsPending
        creditsPosted = account.creditsPosted
    }

    var description: String {
        "debits \(debitsPending) pending \(debitsPosted) posted, credits \(creditsPending) pending \(creditsPosted) posted"
    }
}
