// Everything that can go wrong in a command, as one value: which exit code, which stable id, which field.
internal import Appraisal
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Ledger
internal import Receipts
internal import Replay
internal import Signatures

/// Why a command did not do what it was asked for.
struct Failure: Error, Sendable, Equatable {
    var status: ExitStatus
    /// A stable, dotted id.
    var id: String
    /// A sentence.
    var message: String
    var field = ""
    var expected = ""
    var actual = ""
    /// What to do about it.
    var hint = ""

    /// Makes a failure.
    init(
        _ status: ExitStatus,
        _ id: String,
        _ message: String,
        field: String = "",
        expected: String = "",
        actual: String = "",
        hint: String = ""
    ) {
        self.status = status
        self.id = id
        self.message = message
        self.field = field
        self.expected = expected
        self.actual = actual
        self.hint = hint
    }

    /// The `error` member of a document; empty texts are left out.
    var json: JSONValue {
        var object: JSONObject = ["id": .string(id), "message": .string(message)]
        for (name, text) in [("field", field), ("expected", expected), ("actual", actual), ("hint", hint)]
        where !text.isEmpty {
            object[name] = .string(text)
        }
        return .object(object)
    }

    /// The same failure with a hint, unless it has one.
    func hinting(_ hint: String) -> Failure {
        var copy = self
        if copy.hint.isEmpty { copy.hint = hint }
        return copy
    }

    /// Ended by a signal.
    static let interrupted = Failure(.interrupted, "interrupted", "ended before it was done")
}

extension Failure {
    /// Malformed input.
    /// - Parameter source: the file or option it came from.
    init(_ error: ParseError, id: String = "input.malformed", in source: String) {
        self.init(
            .dataError,
            id,
            "\(source): \(error.description)",
            field: error.field,
            expected: error.expected,
            actual: error.actual
        )
    }

    /// An option's value that is not what it should be.
    init(option: String, _ error: ParseError) {
        self.init(
            .usage,
            "usage",
            "\(option): expected \(error.expected), found \(error.actual)",
            field: option,
            expected: error.expected,
            actual: error.actual
        )
    }

    /// What an engine, or the way to it, says.
    init(_ error: EngineError) {
        let status: ExitStatus
        switch error.kind {
        case .malformed, .conflict, .tooLarge: status = .dataError
        case .forbidden: status = .noPermission
        case .notFound: status = .noInput
        case .insufficientFunds: status = .temporaryFailure
        case .refused: status = .policy
        case .unavailable: status = error.id == "call.cancelled" ? .interrupted : .unavailable
        }
        self.init(
            status,
            error.id,
            error.message,
            field: error.field,
            expected: error.expected,
            actual: error.actual
        )
        switch error.kind {
        case .insufficientFunds: hint = "ask the engine's operator to credit the account: assay escrow topup"
        case .unavailable where error.id == "engine.unreachable":
            hint = "start one with assayd, or name others with --engine URL, several times for a fleet"
        case .unavailable where error.id == "engine.standby":
            hint = "name every scheduler with --engine, several times; when none leads, try again: one will"
        default: break
        }
    }

    init(_ error: DocumentError, in source: String) {
        switch error {
        case .malformed(let error): self.init(error, in: source)
        case .badSignature(let key):
            self.init(
                .rejected,
                "signature.bad",
                "\(source): \(error)",
                field: "signatures",
                expected: key.text,
                actual: "none by this key"
            )
        case .foreignAuthor(let expected, let actual):
            self.init(
                .rejected,
                "signature.author",
                "\(source): \(error)",
                field: "author",
                expected: expected.text,
                actual: actual.text
            )
        case .key(let error): self.init(error, in: source)
        }
    }

    init(_ error: KeyError, in source: String) {
        switch error {
        case .malformed(let error): self.init(error, id: "key.malformed", in: source)
        case .library(let operation, let detail):
            self.init(.software, "key.library", "OpenSSL could not \(operation): \(detail)")
        }
    }

    init(_ error: KeyFileError) {
        switch error {
        case .missing(let path):
            self.init(
                .noInput,
                "key.missing",
                error.description,
                field: "key",
                expected: "a key file",
                actual: path,
                hint: "make one with assay key new \(path)"
            )
        case .exists(let path):
            self.init(.ioError, "key.exists", error.description, field: "key", expected: "no file", actual: path)
        case .permissions(let path, let expected, let actual):
            self.init(
                .noPermission,
                "key.permissions",
                error.description,
                field: "mode",
                expected: expected,
                actual: actual,
                hint: "chmod 600 \(path)"
            )
        case .system: self.init(.ioError, "key.system", error.description, field: "key")
        case .key(let path, let error): self.init(error, in: path)
        }
    }

    init(_ error: JobFolderError, in source: String) {
        switch error {
        case .malformed(let error): self.init(error, id: "job.malformed", in: source)
        case .missing(let path):
            self.init(
                .noInput,
                "job.missing",
                "\(source): \(error)",
                field: path,
                expected: "a file",
                actual: "nothing"
            )
        case .unreadable(let path, let detail):
            self.init(
                .noInput,
                "job.unreadable",
                "\(source): \(error)",
                field: path,
                expected: "a readable file",
                actual: detail
            )
        }
    }

    init(_ error: BundleError, in source: String) {
        switch error {
        case .malformed(let error): self.init(error, id: "bundle.malformed", in: source)
        case .corrupt(let block):
            self.init(
                .rejected,
                "bundle.corrupt",
                "\(source): \(error)",
                field: "blocks",
                expected: block.text,
                actual: "bytes of another name"
            )
        }
    }

    init(_ error: LedgerError, in source: String) {
        switch error {
        case .invariant(let invariant, let detail):
            self.init(
                .rejected,
                "ledger.\(invariant.rawValue)",
                "\(source): invariant \(invariant.rawValue) does not hold: \(detail)"
            )
        case .malformed(let error): self.init(error, id: "ledger.malformed", in: source)
        case .storeBusy: self.init(.temporaryFailure, "ledger.busy", "\(source): the ledger is busy")
        case .noLedger(let reason, let detail):
            let status: ExitStatus
            switch reason {
            case .missing: status = .noInput
            case .foreign, .otherVersion: status = .dataError
            case .damaged: status = .rejected
            case .unreachable: status = .unavailable
            }
            self.init(status, "ledger.\(reason.rawValue)", Self.naming(source, detail))
        case .storage(let detail): self.init(.ioError, "ledger.storage", Self.naming(source, detail))
        default: self.init(.ioError, "ledger.storage", "\(source): \(error)")
        }
    }

    /// A sentence that names its source once.
    private static func naming(_ source: String, _ detail: String) -> String {
        detail.hasPrefix(source) ? detail : "\(source): \(detail)"
    }

    /// A run that gave no result. Nobody's fault, so nothing is rejected.
    init(_ failure: RunFailure) {
        let status: ExitStatus
        switch failure.reason {
        case .cancelled: status = .interrupted
        case .input: status = .dataError
        case .sandbox: status = .unavailable
        default: status = .incomplete
        }
        self.init(status, "run.\(failure.reason.rawValue)", failure.detail)
        if failure.reason == .noDevice {
            hint = "assay replay devices shows what is found; pocl-opencl-icd gives the CPU"
        }
    }
}
