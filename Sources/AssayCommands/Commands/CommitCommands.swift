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
        subcommands: [CommitCreate.self, CommitOpen.self, CommitVerify.self]
    )
}

/// What a file or folder is called.
enum CommittedPath {
    case file(ArtefactNames)
    case folder(FolderNames)

    /// Reads everything below `path` once.
    /// - Parameters:
    ///   - options: what to compute of a file besides tree and CID; a folder has its own names.
    ///   - archive: gets every block.
    init(_ path: String, _ options: ScanOptions, archive: ArchiveWriter? = nil, _ tool: Tool) throws(Failure) {
        let progress = Progress(tool, "hash")
        defer { progress.finish() }
        do throws(FileError) {
            if Files.isFolder(path) {
                let sum = Mutex(UInt64(0))
                self = .folder(
                    try FolderScan.folder(path, archive: archive) { name, bytes in
                        let done = sum.withLock { sum in
                            sum += bytes
                            return sum
                        }
                        progress.show(done, of: done, "bytes, \(name)")
                    }
                )
            } else {
                let names = try ArtefactScan.file(path, options: options) { done, total in
                    progress.show(done, of: total, "bytes")
                }
                try archive?.append(file: path, names.commitment)
                self = .file(names)
            }
        } catch {
            // A path that is no file at all has the better words of the operating system.
            if !Files.isFolder(path) { _ = try Files.read(path, maxBytes: Int.max) }
            throw Self.failure(error)
        }
    }

    static func translating<Value>(_ body: () throws(FileError) -> Value) throws(Failure) -> Value {
        do throws(FileError) {
            return try body()
        } catch {
            throw failure(error)
        }
    }

    private static func failure(_ error: FileError) -> Failure {
        Failure(.ioError, "file.\(error.operation)", error.description, field: error.path, actual: error.reason)
    }

    /// The identifier under which the blocks hang together.
    var cid: CID {
        switch self {
        case .file(let names): names.cid
        case .folder(let names): names.cid
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
        abstract: "Commit to a file (assay-tree-1, CIDv1) or a folder (UnixFS CID, canonical manifest).",
        discussion: """
            A file is read once. The tree and the CID are computed on all cores; a flat SHA-256 is one chain from the first \
            byte to the last, slower than all the rest, and therefore only computed when it is asked for.
            """
    )

    @Argument(help: "A file or a folder.")
    var path: String
    @Flag(help: "Compute the flat SHA-256 too.")
    var sha256 = false
    @Flag(help: "Compute BLAKE3 too.")
    var blake3 = false
    @Option(help: ArgumentHelp("Write the Bao outboard here; computes BLAKE3 too.", valueName: "file"))
    var outboard: String?
    @Flag(help: "Compute the Filecoin piece commitment too.")
    var piece = false
    @Option(help: ArgumentHelp("Write every block here, a CARv1 archive for IPFS tools.", valueName: "file"))
    var car: String?
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let options = ScanOptions(flatSHA256: sha256, blake3: blake3, outboardPath: outboard, piece: piece)
        let archive = try CommittedPath.translating { () throws(FileError) -> ArchiveWriter? in
            guard let car else { return nil }
            return try ArchiveWriter(path: car)
        }
        let committed = try CommittedPath(path, options, archive: archive, tool)
        var members: JSONObject = ["path": .string(path)]
        for member in committed.members.members { members[member.name] = member.value }
        var facts = [("path", path)] + committed.names
        if let car, let archive {
            let bytes = try CommittedPath.translating { () throws(FileError) in try archive.finish(root: committed.cid)
            }
            members["car"] = .object([
                "path": .string(car), "blocks": .integer(archive.blockCount), "bytes": .string(String(bytes)),
            ])
            facts.append(("car", "\(car) (\(archive.blockCount) blocks, \(bytes) bytes)"))
        }
        return Answer(members: members, lines: Table.facts(facts))
    }
}

struct CommitVerify: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a file or folder against its commitment or identifier, or chunks against an opening.",
        discussion: """
            Every name that is given must hold. With --opening the file holds chunks of an artefact that need not be here; \
            --commitment is then the artefact's, and without it the opening's own is only shown. Exit code 1 when one does not hold.
            """
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
    @Option(help: ArgumentHelp("What assay commit open wrote for these chunks.", valueName: "file"))
    var opening: String?
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
        if let opening { return try Self.check(path, opening: opening, wanted, tool) }
        guard !wanted.isEmpty else {
            let error = ParseError(
                field: "cid",
                expected: "--commitment, --cid, --sha256 or --manifest",
                actual: "none"
            )
            throw Failure(option: "--cid", error)
        }
        let committed = try CommittedPath(path, ScanOptions(flatSHA256: sha256 != nil), tool)
        let checks = wanted.map { name, value -> Check in
            let actual = committed.names.first { $0.name == name }?.value
            return .that("commit.\(name)", actual == value, expected: value, actual: actual ?? "none: not of this kind")
        }
        return Self.answer(path, checks, tool)
    }

    private static func check(
        _ path: String,
        opening file: String,
        _ wanted: [(name: String, value: String)],
        _ tool: Tool
    ) throws(Failure) -> Answer {
        let openingBytes = try Files.read(file, maxBytes: 1 << 16)
        let opening = try Failure.reading(file) { () throws(ParseError) in try ArtefactOpening(parsing: openingBytes) }
        let chunks = try Files.read(path)
        var checks: [Check] = []
        for (name, value) in wanted {
            let actual = name == "commitment" ? opening.commitment.hex : "none: an opening has no \(name)"
            checks.append(.that("opening.\(name)", actual == value, expected: value, actual: actual))
        }
        checks.append(
            .that(
                "opening.chunks",
                opening.verifies(chunks),
                expected: "chunks from \(opening.firstChunk) on of \(opening.commitment.hex)",
                actual: "other bytes, or another proof"
            )
        )
        return answer(path, checks, tool)
    }

    private static func answer(_ path: String, _ checks: [Check], _ tool: Tool) -> Answer {
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
