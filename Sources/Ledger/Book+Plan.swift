// From an operation to its effects: every rule that refuses one stands here. Nothing is changed.
internal import Codecs
internal import Commitments

/// Bounds on what an operation may carry.
enum LedgerLimits {
    static let currencyBytes = 16
    static let ownerBytes = 128
    static let legBytes = 64
    static let legs = 256
    /// The suffix of the leg under which a resolution records what went back; clients' legs cannot end in it.
    static let returned = ".returned"
}

extension Book {
    /// What `operation` would do now.
    func plan(_ operation: LedgerOperation, at: Int64) throws(LedgerError) -> LedgerEffects {
        let time = max(at, latest)
        switch operation {
        case .openAccount(let account): return try planOpening(account)
        case .transfer(let transfer): return try planTransfer(transfer, at: time)
        case .hold(let transfer, let expiresAt): return try planHold(transfer, expiresAt: expiresAt, at: time)
        case .resolve(let resolution): return try planResolution(resolution, at: time)
        case .expire(let hold): return try planExpiry(hold, now: at)
        }
    }

    private func planOpening(_ account: Account) throws(LedgerError) -> LedgerEffects {
        try Self.checkText(account.currency, "currency", LedgerLimits.currencyBytes)
        guard (1...LedgerLimits.ownerBytes).contains(account.owner.count) else {
            let expected = "1 to \(LedgerLimits.ownerBytes) bytes"
            throw .malformed("owner", expected: expected, actual: "\(account.owner.count)")
        }
        if account.kind == .vesting {
            do throws(ParseError) {
                _ = try VestingSchedule(owner: account.owner)
            } catch {
                throw .malformed(error)
            }
        }
        let fresh = Account(currency: account.currency, kind: account.kind, owner: account.owner)
        guard account == fresh else {
            throw .malformed("account", expected: "counters at zero", actual: "others")
        }
        var effects = LedgerEffects(id: nil)
        effects.account = fresh
        return effects
    }

    private func planTransfer(_ request: Transfer, at time: Int64) throws(LedgerError) -> LedgerEffects {
        let (debit, credit) = try checkedParties(request)
        switch request.kind {
        case .credit:
            try Self.require(debit.kind == .issuer, debit, "an issuer to debit")
            try Self.require(credit.kind != .issuer, credit, "no issuer to credit")
        case .withdraw:
            try Self.require(
                debit.kind != .issuer && debit.kind != .vesting,
                debit,
                "no issuer or vesting account to debit"
            )
            try Self.require(credit.kind == .issuer, credit, "an issuer to credit")
        case .direct:
            try Self.require(debit.kind != .issuer, debit, "no issuer to debit")
            try Self.require(credit.kind != .issuer, credit, "no issuer to credit")
        case .hold, .post, .void, .expire:
            throw .malformed("kind", expected: "credit, withdraw or direct", actual: request.kind.rawValue)
        }
        try Self.requireFunds(debit, request.amount)
        if debit.kind == .vesting { try Self.requireVested(debit, request.amount, at: time) }
        try requireFreeLegs(request.job, request.attempt, [request.leg])
        var effects = LedgerEffects(id: request.id)
        effects.transfers = [request.stamped(time)]
        return effects
    }

    private func planHold(_ request: Transfer, expiresAt: Int64, at time: Int64) throws(LedgerError) -> LedgerEffects {
        guard request.kind == .hold else {
            throw .malformed("kind", expected: "hold", actual: request.kind.rawValue)
        }
        let (debit, credit) = try checkedParties(request)
        try Self.require(
            debit.kind != .issuer && debit.kind != .vesting,
            debit,
            "no issuer or vesting account to debit"
        )
        try Self.require(credit.kind != .issuer, credit, "no issuer to credit")
        guard expiresAt > time else {
            throw .malformed("expiresAt", expected: "a second after \(time)", actual: "\(expiresAt)")
        }
        try Self.requireFunds(debit, request.amount)
        try requireFreeLegs(request.job, request.attempt, [request.leg])
        let transfer = request.stamped(time)
        var effects = LedgerEffects(id: request.id)
        effects.transfers = [transfer]
        effects.hold = Hold(transfer: transfer, expiresAt: expiresAt)
        return effects
    }

    private func planResolution(_ request: Resolution, at time: Int64) throws(LedgerError) -> LedgerEffects {
        let hold = try openHold(request.hold)
        guard request.legs.count <= LedgerLimits.legs else {
            throw .malformed("legs", expected: "at most \(LedgerLimits.legs)", actual: "\(request.legs.count)")
        }
        if !request.legs.isEmpty, request.verdict == nil { throw .verdictMissing(hold: hold.id) }
        var transfers: [Transfer] = []
        var names: Set<String> = []
        var posted: Int64 = 0
        for (index, leg) in request.legs.enumerated() {
            guard leg.amount > 0 else { throw .amountNotPositive(field: "legs[\(index)].amount", actual: leg.amount) }
            try Self.checkText(leg.name, "legs[\(index)].name", LedgerLimits.legBytes)
            try Self.checkNotReserved(leg.name, "legs[\(index)].name")
            guard names.insert(leg.name).inserted else {
                throw .malformed("legs[\(index)].name", expected: "a name not used by another leg", actual: leg.name)
            }
            let credit = try account(leg.credit)
            try Self.require(credit.kind != .issuer, credit, "no issuer to credit")
            guard credit.id != hold.transfer.debit else { throw .sameAccount(credit.id) }
            try Self.requireCurrency(credit, hold.transfer.currency)
            let (sum, overflow) = posted.addingReportingOverflow(leg.amount)
            guard !overflow, sum <= hold.amount else {
                throw .exceedsHold(hold: hold.id, held: hold.amount, legs: overflow ? .max : sum)
            }
            posted = sum
            transfers.append(
                Transfer(
                    id: TransferID(deriving: request.id.bytes, Array(leg.name.utf8)),
                    debit: hold.transfer.debit,
                    credit: leg.credit,
                    amount: leg.amount,
                    currency: hold.transfer.currency,
                    kind: .post,
                    pendingID: hold.id,
                    job: hold.transfer.job,
                    attempt: request.attempt,
                    leg: leg.name,
                    verdict: request.verdict,
                    ruleset: request.ruleset,
                    at: time
                )
            )
        }
        try requireFreeLegs(hold.transfer.job, request.attempt, request.legs.map(\.name))
        let returned = hold.amount - posted
        if returned > 0 {
            let id = TransferID(deriving: request.id.bytes, Array(LedgerLimits.returned.utf8))
            var void = hold.giveBack(returned, id: id, kind: .void, at: time)
            void.verdict = request.verdict
            void.ruleset = request.ruleset
            transfers.append(void)
        }
        var effects = LedgerEffects(id: request.id)
        effects.transfers = transfers
        effects.resolution = HoldResolution(
            id: request.id,
            hold: hold,
            outcome: posted > 0 ? .post : .void,
            posted: posted,
            returned: returned,
            at: time
        )
        return effects
    }

    private func planExpiry(_ id: TransferID, now: Int64) throws(LedgerError) -> LedgerEffects {
        let hold = try openHold(id)
        guard now >= latest else { throw .clockSteppedBack(last: latest, now: now) }
        guard now >= hold.expiresAt else { throw .notExpired(hold: id, expiresAt: hold.expiresAt, now: now) }
        let operation = Self.expiryID(ofHold: id)
        var effects = LedgerEffects(id: operation)
        effects.transfers = [hold.giveBack(hold.amount, id: operation, kind: .expire, at: now)]
        effects.resolution = HoldResolution(
            id: operation,
            hold: hold,
            outcome: .expire,
            posted: 0,
            returned: hold.amount,
            at: now
        )
        return effects
    }

    /// The id of the operation that expires a hold; it follows from the hold's, so that sending it twice does it once.
    static func expiryID(ofHold id: TransferID) -> TransferID {
        TransferID(deriving: Array("expire".utf8), id.bytes)
    }

    private func account(_ id: AccountID) throws(LedgerError) -> Account {
        guard let account = accounts[id] else { throw .unknownAccount(id) }
        return account
    }

    private func openHold(_ id: TransferID) throws(LedgerError) -> Hold {
        if let hold = holds[id] { return hold }
        if let by = recent.resolution(ofHold: id) { throw .holdResolved(hold: id, by: by) }
        if let by = try history.resolution(ofHold: id) { throw .holdResolved(hold: id, by: by) }
        throw .holdUnknown(id)
    }

    /// The two accounts of a transfer, after the checks that every kind shares.
    private func checkedParties(_ request: Transfer) throws(LedgerError) -> (debit: Account, credit: Account) {
        guard request.amount > 0 else { throw .amountNotPositive(field: "amount", actual: request.amount) }
        guard request.debit != request.credit else { throw .sameAccount(request.debit) }
        guard request.pendingID == nil else {
            throw .malformed("pendingID", expected: "none for kind \(request.kind.rawValue)", actual: "one")
        }
        if request.job != nil || !request.leg.isEmpty {
            try Self.checkText(request.leg, "leg", LedgerLimits.legBytes)
            try Self.checkNotReserved(request.leg, "leg")
        }
        let debit = try account(request.debit)
        let credit = try account(request.credit)
        try Self.requireCurrency(debit, request.currency)
        try Self.requireCurrency(credit, request.currency)
        return (debit, credit)
    }

    private func requireFreeLegs(_ job: Digest?, _ attempt: UInt32, _ legs: [String]) throws(LedgerError) {
        guard let job, !legs.isEmpty else { return }
        for leg in legs where recent.isTaken(.init(job: job, attempt: attempt, leg: leg)) {
            throw .legTaken(job: job, attempt: attempt, leg: leg)
        }
        let taken = try history.legsTaken(job: job, attempt: attempt, among: legs)
        if let leg = legs.first(where: taken.contains) { throw .legTaken(job: job, attempt: attempt, leg: leg) }
    }

    private static func require(_ condition: Bool, _ account: Account, _ expected: String) throws(LedgerError) {
        guard condition else {
            throw .wrongAccountKind(account: account.id, expected: expected, actual: account.kind)
        }
    }

    private static func requireCurrency(_ account: Account, _ currency: String) throws(LedgerError) {
        guard account.currency == currency else {
            throw .wrongCurrency(account: account.id, expected: account.currency, actual: currency)
        }
    }

    private static func requireFunds(_ account: Account, _ amount: Int64) throws(LedgerError) {
        guard account.kind == .issuer || account.available >= amount else {
            throw .insufficientFunds(account: account.id, needed: amount, available: account.available)
        }
    }

    private static func requireVested(_ account: Account, _ amount: Int64, at time: Int64) throws(LedgerError) {
        let schedule: VestingSchedule
        do throws(ParseError) {
            schedule = try VestingSchedule(owner: account.owner)
        } catch {
            throw .malformed(error)
        }
        let free = schedule.vested(of: account.creditsPosted, at: time) - account.debitsPosted
        guard amount <= free else {
            throw .insufficientFunds(account: account.id, needed: amount, available: max(0, free))
        }
    }

    private static func checkNotReserved(_ leg: String, _ field: String) throws(LedgerError) {
        guard !leg.hasSuffix(LedgerLimits.returned) else {
            throw .malformed(field, expected: "a name that does not end in \(LedgerLimits.returned)", actual: leg)
        }
    }

    /// Names are printable ASCII without spaces, so that they read the same in every export.
    private static func checkText(_ text: String, _ field: String, _ limit: Int) throws(LedgerError) {
        guard (1...limit).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw .malformed(field, expected: "1 to \(limit) printable ASCII characters", actual: text)
        }
    }
}

extension Transfer {
    /// The transfer as the ledger records it.
    func stamped(_ time: Int64) -> Transfer {
        var copy = self
        copy.at = time
        return copy
    }
}

extension Hold {
    /// The transfer that returns `amount` of this hold. Its leg follows from the hold's own, which is unique (I4), so the
    /// return of a hold can never be refused for a name.
    func giveBack(_ amount: Int64, id: TransferID, kind: TransferKind, at time: Int64) -> Transfer {
        Transfer(
            id: id,
            debit: transfer.debit,
            credit: transfer.credit,
            amount: amount,
            currency: transfer.currency,
            kind: kind,
            pendingID: self.id,
            job: transfer.job,
            attempt: transfer.attempt,
            leg: transfer.job == nil ? "" : transfer.leg + LedgerLimits.returned,
            at: time
        )
    }
}
