// `assay ledger`: a ledger as a thing to look after: exported, backed up, restored, its database asked what it can do.
internal import ArgumentParser
internal import Codecs
internal import Foundation
internal import Ledger
internal import Validator

struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Export, back up and restore a ledger; ask a database what it can do.",
        subcommands: [LedgerExportCommand.self, LedgerBackup.self, LedgerRestore.self, LedgerProbe.self]
    )
}

/// Which ledger.
struct LedgerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The data folder of an engine.", valueName: "folder"))
    var data: String?
    @Option(help: ArgumentHelp("The ledger itself: postgres://… or a SQLite file.", valueName: "url"))
    var store: String?

    /// The ledger that is named.
    func location() throws(Failure) -> LedgerLocation {
        switch (data, store) {
        case (let data?, nil): return .file(path: DataFolder(path: data).ledger)
        case (nil, let store?):
            return try Failure.parsing("--store") { () throws(ParseError) in try LedgerLocation(text: store) }
        default:
            let actual = data == nil ? "neither" : "both"
            throw Failure(
                option: "--data",
                ParseError(field: "ledger", expected: "--data or --store", actual: actual)
            )
        }
    }

    /// The ledger, open for reading.
    func open() throws(Failure) -> (store: any LedgerStore, name: String) {
        let location = try location()
        do throws(LedgerError) {
            return (try location.openForReading(), location.publicText)
        } catch {
            throw Failure(error, in: location.publicText)
        }
    }
}

struct LedgerExportCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write every transfer to a file.",
        discussion: """
            csv has all transfers; beancount and ledger have posted money as plain-text double entry. Amounts are minor \
            units.
            """
    )

    @OptionGroup var ledger: LedgerOptions
    @Option(help: ArgumentHelp("csv, beancount or ledger.", valueName: "format"))
    var format: String = "csv"
    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard let format = LedgerExport.Format(rawValue: format) else {
            let expected = LedgerExport.Format.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(option: "--format", ParseError(field: "format", expected: expected, actual: format))
        }
        let (store, name) = try ledger.open()
        guard FileManager.default.createFile(atPath: output, contents: nil),
            let file = FileHandle(forWritingAtPath: output)
        else {
            throw Failure(.ioError, "ledger.output", "\(output): cannot be written", field: "output")
        }
        do {
            let count = try LedgerExport(format).run(store) { try file.write(contentsOf: Data($0.utf8)) }
            try file.close()
            try store.close()
            return Answer(
                members: ["output": .string(output), "transfers": .integer(count)],
                lines: ["\(output): \(count) transfers"]
            )
        } catch let error as LedgerError {
            throw Failure(error, in: name)
        } catch {
            throw Failure(.ioError, "ledger.output", "\(output): \(error.localizedDescription)", field: "output")
        }
    }
}

struct LedgerBackup: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a ledger file as it is now, while an engine uses it.",
        discussion: "Of a PostgreSQL database pg_dump makes the copy."
    )

    @OptionGroup var ledger: LedgerOptions
    @Option(name: .shortAndLong, help: ArgumentHelp("The file to make; there must be none.", valueName: "file"))
    var output: String
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard case .file(let path) = try ledger.location() else {
            throw Failure(
                option: "--store",
                ParseError(field: "store", expected: "a SQLite file (pg_dump copies databases)", actual: "postgres://")
            )
        }
        do throws(LedgerError) {
            let store = try SQLiteLedgerStore(path: path, access: .read)
            try store.backup(to: output)
            try store.close()
            let copy = try SQLiteLedgerStore(path: output, access: .read)
            let report = try Fsck.run(copy)
            try copy.close()
            guard report.isClean else {
                throw .noLedger(.damaged, detail: "\(output): the copy is damaged, and so is \(path)")
            }
        } catch {
            throw Failure(error, in: path)
        }
        return Answer(members: ["output": .string(output)], lines: ["\(output): copied and audited"])
    }
}

struct LedgerRestore: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put a backup into a data folder that has no ledger.",
        discussion: "The backup is audited first. What was settled after it is not in it."
    )

    @Argument(help: "The backup.")
    var backup: String
    @Option(help: ArgumentHelp("The data folder.", valueName: "folder"))
    var data: String
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard FileManager.default.fileExists(atPath: backup) else {
            let error = LedgerError.noLedger(.missing, detail: "\(backup): expected a backup, found none")
            throw Failure(error, in: backup)
        }
        if !Files.isFolder(data) { try Files.makeFolder(data) }
        let path = DataFolder(path: data).ledger
        do throws(LedgerError) {
            try SQLiteLedgerStore.restore(backup: backup, to: path)
        } catch {
            throw Failure(error, in: backup)
        }
        return Answer(members: ["ledger": .string(path)], lines: ["\(path): restored and audited"])
    }
}

struct LedgerProbe: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract:
            "Ask a database that speaks PostgreSQL's protocol what it lacks, and a disk how honest its flushes are.",
        discussion: "Exit code 1 when something that the ledger needs is lacking."
    )

    @OptionGroup var ledger: LedgerOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let location = try ledger.location()
        if case .file(let path) = location, !Files.isFolder(Self.folder(of: path)) {
            let folder = Self.folder(of: path)
            let error = LedgerError.noLedger(.missing, detail: "\(folder): expected a folder to flush in, found none")
            throw Failure(error, in: folder)
        }
        do throws(LedgerError) {
            switch location {
            case .file(let path):
                let flush = try FlushMeasurement.measure(directory: Self.folder(of: path))
                return Answer(
                    members: [
                        "medianMicroseconds": .integer(flush.medianMicroseconds),
                        "doubtful": .bool(flush.isDoubtful),
                    ],
                    lines: ["\(Self.folder(of: path)): \(flush.summary)"]
                )
            case .postgres(let url): return Self.answer(try PostgresProbe.run(url: url), tool)
            }
        } catch {
            throw Failure(error, in: location.publicText)
        }
    }

    /// The folder whose disk a ledger file is on.
    private static func folder(of path: String) -> String {
        let folder = (path as NSString).deletingLastPathComponent
        return folder.isEmpty ? "." : folder
    }

    private static func answer(_ probe: PostgresProbe, _ tool: Tool) -> Answer {
        let lines = probe.features.map { feature in
            let word = feature.lack == nil ? tool.style.good("has ") : tool.style.bad("LACKS")
            return "  \(word)  \(feature.name) (\(feature.use))" + (feature.lack.map { ": \($0)" } ?? "")
        }
        var answer = Answer(
            probe.isComplete ? .ok : .rejected,
            members: [
                "server": .string(probe.server), "complete": .bool(probe.isComplete),
                "features": .array(
                    probe.features.map { feature in
                        .object([
                            "name": .string(feature.name), "present": .bool(feature.lack == nil),
                            "lack": feature.lack.map { JSONValue.string($0) } ?? JSONValue.null,
                        ])
                    }
                ),
                "warnings": .array(probe.warnings.map { .string($0) }),
            ],
            lines: [probe.server] + lines + probe.warnings.map { "  warning: \($0)" }
        )
        if !probe.isComplete {
            answer.failure = Failure(.rejected, "ledger.probe", "the database lacks what the ledger needs")
        }
        return answer
    }
}
