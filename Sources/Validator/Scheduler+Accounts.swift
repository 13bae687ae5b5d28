// The engine's answers about itself and about accounts.
internal import Codecs
internal import Commitments
public import EngineAPI
internal import Ledger
public import Market
internal import Receipts
public import Signatures

extension Scheduler {
    public func engine() async throws(EngineError) -> EngineDescription {
        description
    }

    public func account(request: [UInt8]) async throws(EngineError) -> AccountView {
        try requireHealth()
        let signed = try verified(request)
        switch signed.predicate.action {
        case .open:
            let account = Account(currency: engine.configuration.currency, kind: .payer, owner: signed.signer.bytes)
            try await perform(.openAccount(account))
            return try await self.account(id: account.id.text)
        case .credit(let name, let amount):
            let account = try known(name)
            guard account.kind == .payer || account.kind == .stake else {
                throw EngineError(
                    .refused,
                    "account.kind",
                    "account \(name): expected a payer or stake account, found \(account.kind.rawValue)",
                    field: "account",
                    expected: "payer or stake",
                    actual: account.kind.rawValue
                )
            }
            let issuer = engine.account(.issuer, of: key.verifyingKey)
            return try await move(.credit, from: issuer, to: account.id, amount, signed, shows: account.id)
        case .withdraw(let name, let amount):
            let account = try known(name)
            let issuer = engine.account(.issuer, of: key.verifyingKey)
            return try await move(.withdraw, from: account.id, to: issuer, amount, signed, shows: account.id)
        case .register, .poll, .abandon, .close, .refund:
            throw EngineError.wrongAction(signed.predicate.action, expected: "open, credit or withdraw")
        }
    }

    public func account(id: String) async throws(EngineError) -> AccountView {
        let name: AccountName
        do throws(ParseError) {
            name = try AccountName(text: id)
        } catch {
            throw EngineError(error, id: "account.malformed")
        }
        do throws(EngineError) {
            try requireHealth()
            try await latestIsDurable()
            return try AccountView(try known(name))
        } catch {
            return try stored(after: error).account(id)
        }
    }

    private func known(_ name: AccountName) throws(EngineError) -> Account {
        do throws(ParseError) {
            let id = try AccountID(text: name.text)
            if let account = engine.book.accounts[id] { return account }
        } catch {
            throw EngineError(error, id: "account.malformed")
        }
        throw .unknownAccount(name)
    }

    /// Moves money by the operator's order; the transfer's id is the request's.
    private func move(
        _ kind: TransferKind,
        from debit: AccountID,
        to credit: AccountID,
        _ amount: UInt64,
        _ request: Signed<EngineRequest>,
        shows account: AccountID
    ) async throws(EngineError) -> AccountView {
        try requireOperator(request)
        let id: TransferID
        do throws(ParseError) {
            id = try TransferID(bytes: request.predicate.id)
        } catch {
            throw EngineError(error, id: "request.malformed")
        }
        let transfer = Transfer(
            id: id,
            debit: debit,
            credit: credit,
            amount: Int64(amount),
            currency: engine.configuration.currency,
            kind: kind,
            at: clock.now
        )
        try await perform(.transfer(transfer))
        return try await self.account(id: account.text)
    }

    /// Refuses a request that the engine's operator has not signed.
    func requireOperator(_ request: Signed<EngineRequest>) throws(EngineError) {
        guard request.signer == operatorKey else {
            throw EngineError(
                .forbidden,
                "account.operator",
                "signer: expected the engine's operator \(operatorKey), found \(request.signer)",
                field: "signer",
                expected: operatorKey.text,
                actual: request.signer.text
            )
        }
    }

    /// A request whose signature holds, that is for this engine and not old.
    func verified(_ request: [UInt8]) throws(EngineError) -> Signed<EngineRequest> {
        let signed: Signed<EngineRequest>
        do throws(DocumentError) {
            signed = try Signed<EngineRequest>(verifying: request)
        } catch {
            throw EngineError(error, id: "request")
        }
        guard signed.predicate.engine == key.verifyingKey else {
            throw EngineError(
                .forbidden,
                "request.engine",
                "engine: expected \(key.verifyingKey), found \(signed.predicate.engine)",
                field: "engine",
                expected: key.verifyingKey.text,
                actual: signed.predicate.engine.text
            )
        }
        guard signed.predicate.isTimely(at: clock.wallNow) else {
            throw EngineError(
                .forbidden,
                "request.time",
                "at: expected \(clock.wallNow) ± \(EngineRequest.toleranceSeconds), found \(signed.predicate.at)",
                field: "at",
                expected: "\(clock.wallNow) ± \(EngineRequest.toleranceSeconds)",
                actual: "\(signed.predicate.at)"
            )
        }
        return signed
    }
}

extension EngineDescription {
    /// An engine that works by a configuration.
    public init(
        operatorKey: VerifyingKey,
        configuration: MarketConfiguration,
        version: String
    ) throws(EngineError) {
        let ruleset: JSONValue
        do throws(ParseError) {
            ruleset = try JSONValue(parsing: configuration.ruleset.bytes)
        } catch {
            throw EngineError(error, id: "ruleset.malformed")
        }
        self.init(
            engine: configuration.engine,
            operatorKey: operatorKey,
            currency: configuration.currency,
            validators: configuration.validators.sorted { $0.text < $1.text },
            ruleset: ruleset,
            version: version
        )
    }
}

extension AccountView {
    /// An account as the ledger keeps it.
    init(_ account: Account) throws(EngineError) {
        do throws(ParseError) {
            self.init(
                id: account.id.text,
                kind: account.kind.rawValue,
                currency: account.currency,
                owner: try VerifyingKey(bytes: account.owner, field: "account.owner"),
                available: account.available,
                held: account.debitsPending,
                balance: account.balance
            )
        } catch {
            throw EngineError(error, id: "account.malformed")
        }
    }
}

extension EngineError {
    static func unknownAccount(_ name: AccountName) -> EngineError {
        EngineError(
            .notFound,
            "account.unknown",
            "account \(name): expected an open account, found none",
            field: "account",
            expected: "an open account",
            actual: name.text
        )
    }
}
