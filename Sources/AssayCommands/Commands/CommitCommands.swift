// `assay commit`: the names of files and folders, made and checked.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import Synchronization
internal import Verdicts

struct CommitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "commit",
        abstract: "Commit to files and folders, and check commitments.",
        subcommands: [CommitCreate.self, CommitVerify.self]
    )
}

/// What a file or folder is called.
enum CommittedPath {
    case file(ArtefactNames)
    case folder(FolderNames)

    /// Reads everything below `path` once.
    init(_ path: String, blake3: Bool = false, piece: Bool = false, _ tool: Tool) throws(Failure) {
        let progress = Progress(tool, "hash")
        defer { progress.finish() }
        do throws(FileError) {
            if Files.isFolder(path) {
                let sum = Mutex(UInt64(0))
                self = .folder(
                    try FolderScan.folder(path) { name, bytes in
                        let done = sum.withLock { sum in
                            sum += bytes
                            return sum
                        }
                        progress.show(done, of: done, "bytes, \(name)")
                    }
                )
            } else {
                self = .file(
                    try ArtefactScan.file(path, options: ScanOptions(blake3: blake3, piece: piece)) { done, total in
                        progress.show(done, of: total, "bytes")
                    }
                )
            }
        } catch {
            // A path that is no file at all has the better words of the operating system.
            if !Files.isFolder(path) { _ = try Files.read(path, maxBytes: Int.max) }
            throw Failure(
                .ioError,
                "file.\(error.operation)",
                error.description,
                field: path,
                actual: error.reason
            )
        }
    }

    /// Names and values in order.
    var names: [(name: String, value: String)] {
        switch self {
        case .file(let names):
            var list = [
                ("commitment", names.commitment.commitment.hex), ("cid", names.cid.text),
                ("treeRoot", names.commitment.treeRoot.hex),
            ]
            if let sha256 = names.sha256 { list.append(("sha256", sha256.hex)) }
            if let blake3 = names.blake3 { list.append(("blake3", blake3.hex)) }
            if let piece = names.piece { list.append(("piece", piece.id.text)) }
            return list
        case .folder(let names):
            return [("cid", names.cid.text), ("manifest", names.manifest.digest.hex)]
        }
    }

    var members: JSONObject {
        var object = JSONObject()
        switch self {
        case .file(let names):
            object["kind"] = .string("file")
            object["bytes"] = .string(String(names.commitment.length))
            object["suite"] = .string("sha2-256")
            object["chunkSize"] = .string(String(names.commitment.chunkSize))
            object["chunks"] = .integer(names.commitment.chunkDigests.count)
        case .folder(let names):
            object["kind"] = .string("folder")
            object["bytes"] = .string(String(names.totalBytes))
            object["entries"] = .integer(names.manifest.entries.count)
        }
        for (name, value) in names { object[name] = .string(value) }
        return object
    }
}

struct CommitCreate: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Commit to a file (assay-tree-1, CIDv1, SHA-256) or a folder (UnixFS CID, canonical manifest)."
    )

    @Argument(help: "A file or a folder.")
    var path: String
    @Flag(help: "Compute BLAKE3 too.")
    var blake3 = false
    @Flag(help: "Compute the Filecoin piece commitment too.")
    var piece = false
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let committed = try CommittedPath(path, blake3: blake3, piece: piece, tool)
        var members: JSONObject = ["path": .string(path)]
        for member in committed.members.members { members[member.name] = member.value }
        return Answer(members: members, lines: Table.facts([("path", path)] + committed.names))
    }
}

struct CommitVerify: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a file or folder against its commitment or identifier.",
        discussion: "Every name that is given must hold. Exit code 1 when one does not."
    )

    @Argument(help: "A file or a folder.")
    var path: String
    @Option(help: ArgumentHelp("The assay-tree-1 commitment of a file.", valueName: "hex"))
    var commitment: String?
    @Option(help: ArgumentHelp("The CIDv1 of a file or folder.", valueName: "cid"))
    var cid: String?
    @Option(help: ArgumentHelp("The SHA-256 of a file.", valueName: "hex"))
    var sha256: String?
    @Option(help: ArgumentHelp("The SHA-256 of a folder's manifest.", valueName: "hex"))
    var manifest: String?
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        var wanted: [(name: String, value: String)] = []
        for (name, text) in [("commitment", commitment), ("sha256", sha256), ("manifest", manifest)] {
            guard let text else { continue }
            let digest = try Failure.parsing("--\(name)") { () throws(ParseError) in
                try Digest(hex: text.hasPrefix("sha256:") ? String(text.dropFirst(7)) : text, field: name)
            }
            wanted.append((name, digest.hex))
        }
        if let cid {
            wanted.append(("cid", try Failure.parsing("--cid") { () throws(ParseError) in try CID(text: cid) }.text))
        }
        guard !wanted.isEmpty else {
            let error = ParseError(field: "cid", expected: "--commitment, --cid, --sha256 or --manifest", actual: "none")
            throw Failure(option: "--cid", error)
        }
        let committed = try CommittedPath(path, tool)
        let checks = wanted.map { name, value -> Check in
            let actual = committed.names.first { $0.name == name }?.value
            return .that("commit.\(name)", actual == value, expected: value, actual: actual ?? "none: not of this kind")
        }
        let failed = checks.first { $0.result == .fail }
        var answer = Answer(
            failed == nil ? .ok : .rejected,
            members: ["path": .string(path), "checks": .array(checks.map(\.json))],
            lines: ["\(path): \(failed == nil ? tool.style.good("VERIFIED") : tool.style.bad("DIFFERENT"))"]
                + CheckLines.all(checks, tool.style)
        )
        if let failed {
            answer.failure = Failure(
                .rejected,
                failed.id,
                "\(path) is not what the commitment names",
                field: failed.id,
                expected: failed.expected,
                actual: failed.actual
            )
        }
        return answer
    }
}
