// How the refusals of market, ledger and documents are told to the outside: one stable id each.
internal import Codecs
internal import EngineAPI
internal import Ledger
internal import Market
internal import Receipts
internal import Signatures

extension EngineError {
    /// A refusal by the market.
    init(_ error: MarketError) {
        switch error {
        case .unknownJob(let id):
            self.init(
                .notFound,
                "job.unknown",
                error.description,
                field: "job",
                expected: "an open job",
                actual: id.hex
            )
        case .unknownNode(let key):
            self.init(
                .notFound,
                "node.unknown",
                error.description,
                field: "node",
                expected: "a registered node",
                actual: key
            )
        case .unknownValidator(let key):
            self.init(
                .forbidden,
                "validator.unknown",
                error.description,
                field: "validator",
                expected: "a member of the validator set",
                actual: key
            )
        case .wrongPhase(_, let expected, let actual):
            self.init(.conflict, "job.phase", error.description, field: "phase", expected: expected, actual: actual)
        case .staleLease(_, let expected, let actual):
            self.init(.conflict, "lease.stale", error.description, field: "lease", expected: expected, actual: actual)
        case .conflict(let field, let expected, let actual):
            self.init(
                .conflict,
                "\(field).conflict",
                error.description,
                field: field,
                expected: expected,
                actual: actual
            )
        case .refused(let cause): self.init(.refused, cause)
        case .ledger(let cause): self.init(cause)
        case .stopped: self.init(.unavailable, "engine.stopped", error.description)
        }
    }

    /// A refusal by the ledger.
    init(_ error: LedgerError) {
        let text = error.description
        switch error {
        case .unknownAccount(let id):
            self.init(
                .notFound,
                "account.unknown",
                text,
                field: "account",
                expected: "an open account",
                actual: id.text
            )
        case .insufficientFunds(let id, let needed, let available):
            self.init(
                .insufficientFunds,
                "funds.insufficient",
                text,
                field: "account \(id)",
                expected: "at least \(needed) available",
                actual: "\(available)"
            )
        case .conflict(let field, let expected, let actual):
            self.init(.conflict, "id.conflict", text, field: field, expected: expected, actual: actual)
        case .invariant, .settlementStopped, .storeBusy, .storage:
            self.init(.unavailable, "ledger.unavailable", text)
        case .malformed(let cause): self.init(cause, id: "ledger.malformed")
        default: self.init(.refused, "ledger.refused", text)
        }
    }

    /// A document that cannot be used.
    init(_ error: DocumentError, id: String) {
        switch error {
        case .malformed(let cause): self.init(cause, id: id + ".malformed")
        case .badSignature(let key):
            self.init(
                .forbidden,
                id + ".signature",
                error.description,
                field: "signature",
                expected: "one by \(key)",
                actual: "none that verifies"
            )
        case .foreignAuthor(let expected, let actual):
            self.init(
                .forbidden,
                id + ".author",
                error.description,
                field: "author",
                expected: expected.text,
                actual: actual.text
            )
        case .key: self.init(.unavailable, id + ".key", error.description)
        }
    }

    /// A well-formed value that a rule refuses.
    init(_ kind: Kind, _ error: ParseError) {
        self.init(
            kind,
            "\(error.field).refused",
            error.description,
            field: error.field,
            expected: error.expected,
            actual: error.actual
        )
    }

    /// A request for another thing than the call does.
    static func wrongAction(_ action: EngineRequest.Action, expected: String) -> EngineError {
        EngineError(
            .malformed,
            "request.action",
            "action: expected \(expected), found \(action.name)",
            field: "action",
            expected: expected,
            actual: action.name
        )
    }
}
