// Requests that come again: the first answer for the same body, a conflict that names the field for another.
internal import Commitments

extension Book {
    /// The answer to an earlier request of the same id; `nil` when there was none.
    /// - Throws: `LedgerError.conflict` when that request had another body, `.storage` when the history cannot be read.
    public func replay(_ operation: LedgerOperation) throws(LedgerError) -> LedgerEffects? {
        switch operation {
        case .openAccount(let account):
            guard let open = accounts[account.id] else { return nil }
            try Self.match("currency", open.currency, account.currency)
            try Self.match("kind", open.kind.rawValue, account.kind.rawValue)
            try Self.match("owner", open.owner, account.owner)
            var effects = LedgerEffects(id: nil, replayed: true)
            effects.account = Account(currency: open.currency, kind: open.kind, owner: open.owner)
            return effects
        case .transfer(let request):
            guard let entry = try entry(request.id) else { return nil }
            guard case .transfer(let first) = entry else { throw Self.otherKind(entry, request.kind.rawValue) }
            try Self.match(first, request)
            return LedgerEffects(id: request.id, replayed: true, transfers: [first])
        case .hold(let request, let expiresAt):
            guard let entry = try entry(request.id) else { return nil }
            guard case .hold(let first) = entry else { throw Self.otherKind(entry, request.kind.rawValue) }
            try Self.match(first.transfer, request)
            try Self.match("expiresAt", first.expiresAt, expiresAt)
            return LedgerEffects(id: request.id, replayed: true, transfers: [first.transfer], hold: first)
        case .resolve(let request):
            guard let entry = try entry(request.id) else { return nil }
            guard case .resolution(let first, let transfers) = entry else { throw Self.otherKind(entry, "resolve") }
            try Self.match(first, transfers, request)
            return LedgerEffects(id: request.id, replayed: true, transfers: transfers, resolution: first)
        case .expire(let hold):
            let id = Self.expiryID(ofHold: hold)
            guard case .resolution(let first, let transfers)? = try entry(id) else { return nil }
            return LedgerEffects(id: id, replayed: true, transfers: transfers, resolution: first)
        }
    }

    private func entry(_ id: TransferID) throws(LedgerError) -> LedgerEntry? {
        if let entry = recent.entry(id) { return entry }
        return try history.entry(id)
    }

    private static func match(_ first: Transfer, _ second: Transfer) throws(LedgerError) {
        try match("kind", first.kind.rawValue, second.kind.rawValue)
        try match("debit", first.debit, second.debit)
        try match("credit", first.credit, second.credit)
        try match("amount", first.amount, second.amount)
        try match("currency", first.currency, second.currency)
        try match("pendingID", first.pendingID, second.pendingID)
        try match("job", first.job, second.job)
        try match("attempt", first.attempt, second.attempt)
        try match("leg", first.leg, second.leg)
        try match("verdict", first.verdict, second.verdict)
        try match("ruleset", first.ruleset, second.ruleset)
    }

    private static func match(
        _ first: HoldResolution,
        _ transfers: [Transfer],
        _ request: Resolution
    ) throws(LedgerError) {
        try match("hold", first.hold.id, request.hold)
        let posts = transfers.filter { $0.kind == .post }
        try match("legs.count", posts.count, request.legs.count)
        for (index, (post, leg)) in zip(posts, request.legs).enumerated() {
            try match("legs[\(index)].name", post.leg, leg.name)
            try match("legs[\(index)].credit", post.credit, leg.credit)
            try match("legs[\(index)].amount", post.amount, leg.amount)
            try match("attempt", post.attempt, request.attempt)
        }
        for transfer in transfers {
            try match("verdict", transfer.verdict, request.verdict)
            try match("ruleset", transfer.ruleset, request.ruleset)
        }
    }

    private static func match<Value: Equatable>(
        _ field: String,
        _ expected: Value,
        _ actual: Value
    ) throws(LedgerError) {
        guard expected == actual else {
            throw .conflict(field: field, expected: describe(expected), actual: describe(actual))
        }
    }

    private static func describe(_ value: Any) -> String {
        switch value {
        case Optional<Any>.none: "none"
        case let digest as Digest: digest.hex
        case let id as TransferID: id.text
        case let id as AccountID: id.text
        default: "\(value)"
        }
    }

    private static func otherKind(_ entry: LedgerEntry, _ actual: String) -> LedgerError {
        let expected =
            switch entry {
            case .transfer(let transfer): transfer.kind.rawValue
            case .hold: "hold"
            case .resolution(let resolution, _): resolution.outcome == .expire ? "expire" : "resolve"
            }
        return .conflict(field: "operation", expected: expected, actual: actual)
    }
}
