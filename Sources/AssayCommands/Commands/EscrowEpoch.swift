// `assay escrow epoch`: the money of a period, and the engine's signed word for it.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import Ledger
internal import Receipts
internal import Signatures
internal import Validator

struct EscrowEpoch: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "epoch",
        abstract: "Sum up a ledger's epochs: issued, withdrawn, held, paid, returned, and a chained digest.",
        discussion: """
            An epoch is an accounting period of a fixed length, counted from 1970. Its row follows from the transfers alone, so \
            that anybody with the ledger makes the same one; its digest names all transfers up to its end. The last epoch is \
            open until its time is over.

            --close signs a statement of every closed epoch with the engine's key and keeps it in a folder; one that is there \
            already is compared and not written again. --check compares such statements with the ledger. Exit code 1 when a \
            statement and the ledger differ: the history before the statement has been changed.
            """
    )

    @OptionGroup var ledger: LedgerOptions
    @Option(help: ArgumentHelp("The length of an epoch.", valueName: "seconds"))
    var seconds: Int64 = 86_400
    @Option(help: ArgumentHelp("Only this epoch.", valueName: "n"))
    var number: Int64?
    @Option(help: ArgumentHelp("Sign every closed epoch into this folder.", valueName: "folder"))
    var close: String?
    @Option(
        help: ArgumentHelp("Compare a signed epoch with the ledger; may be given several times.", valueName: "file")
    )
    var check: [String] = []
    @Option(
        help: ArgumentHelp("With --close: the engine's key; the data folder's when not given.", valueName: "file")
    )
    var key: String?
    @Option(
        help: ArgumentHelp(
            "With --check: the engine that must have signed; the data folder's when not given.",
            valueName: "key"
        )
    )
    var engineKey: String?
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard (1...31_622_400).contains(seconds) else {
            let error = ParseError(field: "seconds", expected: "1 to 31622400", actual: "\(seconds)")
            throw Failure(option: "--seconds", error)
        }
        let (store, name) = try ledger.open()
        let all: [EpochSummary]
        do throws(LedgerError) {
            all = try EpochSummary.all(store, seconds: seconds)
            try store.close()
        } catch {
            throw Failure(error, in: name)
        }
        if let close { return try sign(all, into: close, tool) }
        if !check.isEmpty { return try compare(all, tool) }
        let shown = all.filter { number == nil || $0.number == number }.map { ($0, isClosed($0, in: all, tool)) }
        return Answer(
            members: [
                "seconds": .integer(seconds), "epochs": .array(shown.map { $0.json(isClosed: $1) }),
            ],
            lines: shown.isEmpty ? ["no epochs"] : shown.flatMap { $0.lines(isClosed: $1) }
        )
    }
}

extension EscrowEpoch {
    /// For how long after its end an epoch may still get transfers from an engine whose clock is behind.
    private static let graceSeconds: Int64 = 3600
    /// The most bytes of a signed epoch.
    private static let maxBytes = 64 << 10

    /// Signs what is closed.
    private func sign(_ all: [EpochSummary], into folder: String, _ tool: Tool) throws(Failure) -> Answer {
        let signer = try engineSigner()
        if !Files.isFolder(folder) { try Files.makeFolder(folder) }
        let present = try Set(Files.names(in: folder))
        var written: [String] = []
        var kept: [String] = []
        for epoch in all where isClosed(epoch, in: all, tool) && (number == nil || number == epoch.number) {
            let statement = try statement(epoch, by: signer.verifyingKey)
            let name = "\(epoch.currency)-\(seconds)-\(epoch.number).epoch.json"
            let path = folder + "/" + name
            if present.contains(name) {
                try demand(statement, path)
                kept.append(path)
                continue
            }
            let envelope: [UInt8]
            do throws(DocumentError) {
                envelope = try EpochStatement.sign(statement, with: signer).envelope
            } catch {
                throw Failure(error, in: path)
            }
            try Files.write(envelope, to: path)
            written.append(path)
        }
        return Answer(
            members: [
                "seconds": .integer(seconds), "engine": .string(signer.verifyingKey.text),
                "signed": .array(written.map { .string($0) }), "unchanged": .array(kept.map { .string($0) }),
            ],
            lines: written + ["\(written.count) epochs signed, \(kept.count) were and are unchanged"]
        )
    }

    /// Compares signed epochs with the ledger.
    private func compare(_ all: [EpochSummary], _ tool: Tool) throws(Failure) -> Answer {
        let engine = try expectedEngine()
        for path in check {
            let signed = try read(path)
            guard let epoch = all.first(where: { $0.number == signed.number && $0.currency == signed.currency }) else {
                throw Self.contradiction(path, "epoch \(signed.number) of \(signed.currency)", "none in the ledger")
            }
            try demand(try statement(epoch, by: engine), path)
        }
        return Answer(
            members: ["engine": .string(engine.text), "checked": .array(check.map { .string($0) })],
            lines: check.map { "\($0): \(tool.style.good("agrees with the ledger"))" }
        )
    }

    /// Whether nothing can be added to an epoch any more.
    private func isClosed(_ epoch: EpochSummary, in all: [EpochSummary], _ tool: Tool) -> Bool {
        // Times in a ledger never go back, in whichever currency.
        all.contains { $0.number > epoch.number }
            || EpochSummary.number(at: tool.now() - Self.graceSeconds, seconds: seconds) > epoch.number
    }

    private func statement(_ epoch: EpochSummary, by engine: VerifyingKey) throws(Failure) -> EpochStatement {
        let sums: [EpochStatement.Sum: Int64] = [
            .issued: epoch.issued, .withdrawn: epoch.withdrawn, .held: epoch.held, .paid: epoch.paid,
            .returned: epoch.returned,
        ]
        // A negative sum would be a ledger that no book wrote.
        guard sums.values.allSatisfy({ $0 >= 0 }), epoch.paidTo.values.allSatisfy({ $0 >= 0 }) else {
            throw Self.contradiction("epoch \(epoch.number)", "amounts above zero", "a negative sum")
        }
        return EpochStatement(
            engine: engine,
            currency: epoch.currency,
            number: epoch.number,
            seconds: seconds,
            transfers: Int64(epoch.transfers),
            sums: sums.mapValues { UInt64($0) },
            paidTo: Dictionary(uniqueKeysWithValues: epoch.paidTo.map { ($0.key.rawValue, UInt64($0.value)) }),
            digest: epoch.digest
        )
    }

    /// The statement in a file, signed by the engine that it names.
    private func read(_ path: String) throws(Failure) -> EpochStatement {
        let bytes = try Files.read(path, maxBytes: Self.maxBytes)
        do throws(DocumentError) {
            return try Signed<EpochStatement>(verifying: bytes).predicate
        } catch {
            throw Failure(error, in: path)
        }
    }

    /// Refuses a file that says something else than the ledger.
    private func demand(_ statement: EpochStatement, _ path: String) throws(Failure) {
        let signed = try read(path)
        guard signed != statement else { return }
        let isSums = signed.digest == statement.digest
        throw Self.contradiction(
            path,
            isSums ? "\(statement.json)" : statement.digest.hex,
            isSums ? "\(signed.json)" : signed.digest.hex
        )
    }

    private static func contradiction(_ path: String, _ expected: String, _ actual: String) -> Failure {
        Failure(
            .rejected,
            "epoch.contradiction",
            "\(path): the signed epoch and the ledger differ",
            field: "epoch",
            expected: expected,
            actual: actual
        )
    }

    private func engineSigner() throws(Failure) -> SigningKey {
        guard let path = key ?? ledger.data.map({ DataFolder(path: $0).keyPath(.engine) }) else {
            let error = ParseError(field: "key", expected: "the engine's key, with --store", actual: "none")
            throw Failure(option: "--key", error)
        }
        do throws(KeyFileError) {
            return try KeyFile.read(path)
        } catch {
            throw Failure(error)
        }
    }

    private func expectedEngine() throws(Failure) -> VerifyingKey {
        if let engineKey {
            return try Failure.parsing("--engine-key") { () throws(ParseError) in try VerifyingKey(text: engineKey) }
        }
        return try engineSigner().verifyingKey
    }
}

extension EpochSummary {
    fileprivate func json(isClosed: Bool) -> JSONValue {
        func amount(_ value: Int64) -> JSONValue { .string(String(value)) }
        var kinds = JSONObject()
        for (kind, sum) in paidTo.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            kinds[kind.rawValue] = amount(sum)
        }
        return .object([
            "number": .integer(number), "currency": .string(currency), "closed": .bool(isClosed),
            "transfers": .integer(transfers), "issued": amount(issued), "withdrawn": amount(withdrawn),
            "held": amount(held), "paid": amount(paid), "returned": amount(returned), "paidTo": .object(kinds),
            "digest": .string(digest.hex),
        ])
    }

    fileprivate func lines(isClosed: Bool) -> [String] {
        let kinds = paidTo.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key.rawValue) \($0.value)" }
        return Table.facts([
            ("epoch", "\(number) \(currency)\(isClosed ? "" : " (open)")"), ("transfers", "\(transfers)"),
            ("issued", "\(issued)"), ("withdrawn", "\(withdrawn)"), ("held", "\(held)"),
            ("paid", kinds.isEmpty ? "\(paid)" : "\(paid) (\(kinds.joined(separator: ", ")))"),
            ("returned", "\(returned)"), ("digest", digest.hex),
        ])
    }
}
