// `assay log`: keeps a transparency log in a folder, proves and checks entries, and witnesses other logs.
internal import Appraisal
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import LogKeeping
internal import Signatures
internal import TransparencyLog
internal import Verdicts

struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Keep, prove, check and witness transparency logs (C2SP tlog-tiles).",
        subcommands: [
            LogAppend.self, LogRoot.self, LogProve.self, LogCheckProof.self, LogReceipt.self, LogCheckReceipt.self,
            LogCheckStatement.self, LogCosign.self, LogWitness.self, LogFsck.self,
        ]
    )
}

extension Failure {
    init(_ error: LogError, in source: String) {
        switch error {
        case .key(let error): self.init(error, in: source)
        case .entryTooLong: self.init(.dataError, "log.entry", "\(source): \(error)")
        case .foreign, .inconsistent: self.init(.rejected, "log.inconsistent", "\(source): \(error)")
        case .database, .files: self.init(.ioError, "log.files", "\(source): \(error)")
        }
    }

    init(_ error: TileError, in source: String) {
        self.init(.ioError, "log.files", "\(source): \(error)")
    }

    /// Reads what stands in a file that the user named.
    static func reading<Value>(_ source: String, _ parse: () throws(ParseError) -> Value) throws(Failure) -> Value {
        do {
            return try parse()
        } catch {
            throw Failure(error, in: source)
        }
    }

    /// Runs `body` over a log's files.
    static func files<Value>(_ source: String, _ body: () throws(TileError) -> Value) throws(Failure) -> Value {
        do {
            return try body()
        } catch {
            throw Failure(error, in: source)
        }
    }
}

/// What stands in a log for a file.
struct EntryOptions: ParsableArguments {
    @Flag(help: "Log the SHA-256 of each file, in place of its bytes.")
    var digest = false
    @Flag(help: "The files are receipts: log what an engine's own log holds of them (Documentation/transparency.md).")
    var receipt = false

    func validate() throws {
        if digest, receipt { throw ValidationError("--digest and --receipt: expected one of them, found both") }
    }

    func entry(_ path: String) throws(Failure) -> [UInt8] {
        if receipt { return try LoggedReceipt.entry(path) }
        let bytes = try Files.read(path)
        return digest ? SHA256.hash(bytes).bytes : bytes
    }

    /// The leaf hash of a file's entry.
    func leaf(_ path: String) throws(Failure) -> Digest { MerkleTree.leafHash(try entry(path)) }
}

struct LogAppend: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "append",
        abstract: "Append files to a log and publish a new checkpoint.",
        discussion: "The folder can be served by any static web server; the queue file stays private."
    )

    @Argument(help: "The files, of at most 65535 bytes each.")
    var files: [String]
    @Option(help: "The log's public folder.")
    var log: String
    @Option(help: "The queue, an SQLite file; beside the folder when it is not given.")
    var queue: String?
    @Option(help: "The log's origin, which is also its key's name.")
    var origin: String
    @Option(help: ArgumentHelp("Ask this witness to cosign the checkpoint; may be repeated.", valueName: "url"))
    var witness: [String] = []
    @Option(help: ArgumentHelp("The key of the witness at the same place.", valueName: "vkey"))
    var witnessKey: [String] = []
    @OptionGroup var entries: EntryOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let witnesses = try WitnessAddress.list(witness, witnessKey)
        var list: [[UInt8]] = []
        for file in files { list.append(try entries.entry(file)) }
        let key = try keys.read(tool)
        let (this, checkpoint, first): (LogKeeper, SignedCheckpoint, UInt64)
        do throws(LogError) {
            let keeper = try LogKeeper(path: log, queue: queue ?? log + ".queue", origin: origin, signingKey: key)
            let indices = try await keeper.append(list)
            var signed = try await keeper.integrate()
            while signed.checkpoint.size < indices.upperBound { signed = try await keeper.integrate() }
            (this, checkpoint, first) = (keeper, signed, indices.lowerBound)
        } catch {
            throw Failure(error, in: log)
        }
        // The entries are public already: a witness that refuses is an error of the command and takes nothing back.
        var cosigners: [String] = []
        for witness in witnesses { cosigners.append(try await witness.cosign(checkpoint, of: this, log, tool).name) }
        return Answer(
            members: [
                "first": .string(String(first)), "entries": .integer(list.count),
                "size": .string(String(checkpoint.checkpoint.size)), "root": .string(checkpoint.checkpoint.root.hex),
                "vkey": .string(this.key.text), "cosigned": .array(cosigners.map { .string($0) }),
            ],
            lines: Table.facts(
                [
                    ("first index", String(first)), ("size", String(checkpoint.checkpoint.size)),
                    ("root", checkpoint.checkpoint.root.hex), ("key", this.key.text),
                ] + cosigners.map { ("cosigned by", $0) }
            )
        )
    }
}

struct LogRoot: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "root",
        abstract: "Show a log's checkpoint and who signed it."
    )

    @Argument(help: "The log's folder.")
    var log: String
    @Option(help: ArgumentHelp("Check the signature of this key; may be repeated.", valueName: "vkey"))
    var vkey: [String] = []
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let signed = try Self.checkpoint(log)
        let keys = try Self.keys(vkey)
        if !keys.isEmpty {
            do {
                _ = try signed.note.verify(keys)
            } catch {
                throw Failure(.rejected, "log.signature", "\(log): \(error)", field: "checkpoint")
            }
        }
        let signers = signed.note.signatures.map(\.name)
        return Answer(
            members: [
                "origin": .string(signed.checkpoint.origin), "size": .string(String(signed.checkpoint.size)),
                "root": .string(signed.checkpoint.root.hex), "signatures": .array(signers.map { .string($0) }),
                "verified": .bool(!keys.isEmpty),
            ],
            lines: Table.facts([
                ("origin", signed.checkpoint.origin), ("size", String(signed.checkpoint.size)),
                ("root", signed.checkpoint.root.hex),
                (keys.isEmpty ? "signatures, unchecked" : "signatures", signers.joined(separator: ", ")),
            ])
        )
    }

    static func checkpoint(_ log: String) throws(Failure) -> SignedCheckpoint {
        let folder = LogFolder(path: log)
        guard let signed = try Failure.files(log, { () throws(TileError) in try folder.checkpoint() }) else {
            throw Failure(.noInput, "log.missing", "\(log): expected a log with a checkpoint, found none", field: "log")
        }
        return signed
    }

    static func keys(_ texts: [String]) throws(Failure) -> [NoteKey] {
        var keys: [NoteKey] = []
        for text in texts {
            keys.append(try Failure.parsing("--vkey") { () throws(ParseError) in try NoteKey(text: text) })
        }
        return keys
    }
}

struct LogProve: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "prove",
        abstract: "Write the offline proof (tlog-proof) of one entry."
    )

    @Argument(help: "The log's folder.")
    var log: String
    @Argument(help: "The entry's index.")
    var index: UInt64
    @Option(name: .shortAndLong, help: "The file for the proof; the proof is shown when it is not given.")
    var output: String?
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let signed = try LogRoot.checkpoint(log)
        let path = try Self.path(log, index, under: signed.checkpoint)
        let proof = LogProof(index: index, path: path, checkpoint: signed)
        let text = String(decoding: proof.bytes, as: UTF8.self)
        if let output { try Files.write(proof.bytes, to: output) }
        return Answer(
            members: ["index": .string(String(index)), "proof": .string(text)],
            lines: output.map { ["proof of entry \(index) in \($0)"] }
                ?? text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        )
    }

    /// The inclusion path of one entry, read from tiles that give the checkpoint's root.
    static func path(_ log: String, _ index: UInt64, under checkpoint: Checkpoint) throws(Failure) -> [Digest] {
        let folder = LogFolder(path: log)
        let path = try Failure.files(log) { () throws(TileError) -> [Digest]? in
            let tree = TileTree(size: checkpoint.size, source: folder)
            try tree.checkRoot(checkpoint.root)
            return try tree.inclusionProof(index: index)
        }
        if let path { return path }
        let reason = "\(log): there is no entry \(index), the log has \(checkpoint.size)"
        throw Failure(.noInput, "log.index", reason, field: "index")
    }
}

struct LogCheckProof: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check offline that a file is in a log, by a proof and a policy of your own.",
        discussion: "Opens no connection and reads no clock. Exit code 1 when the proof does not hold."
    )

    @Argument(help: "The proof.")
    var proof: String
    @Option(help: "The file that is logged.")
    var file: String
    @Option(help: "The trust policy (tlog-policy): logs, witnesses, quorum.")
    var policy: String
    @OptionGroup var entries: EntryOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let (proofBytes, policyBytes) = (try Files.read(proof), try Files.read(policy))
        let leaf = try entries.leaf(file)
        let rules = try Failure.reading(policy) { () throws(ParseError) in try LogPolicy(parsing: policyBytes) }
        let parsed = try Failure.reading(proof) { () throws(ParseError) in try LogProof(parsing: proofBytes) }
        let checks = LogAppraiser.checks(parsed, leaf: leaf, policy: rules)
        let failed = checks.first { $0.result == .fail }
        var answer = Answer(
            failed == nil ? .ok : .rejected,
            members: [
                "index": .string(String(parsed.index)), "origin": .string(parsed.checkpoint.checkpoint.origin),
                "checks": .array(checks.map(\.json)),
            ],
            lines: ["\(file): \(failed == nil ? tool.style.good("LOGGED") : tool.style.bad("NOT PROVED"))"]
                + CheckLines.all(checks, tool.style)
        )
        if let failed {
            answer.failure = Failure(
                .rejected,
                failed.id,
                "\(file) is not proved to be in the log",
                field: failed.id,
                expected: failed.expected,
                actual: failed.actual
            )
        }
        return answer
    }
}

struct LogWitness: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "witness",
        abstract: "Answer one add-checkpoint request (tlog-witness) and remember what was cosigned.",
        discussion: "The answer's status is HTTP's; exit code 1 for any but 200."
    )

    @Argument(help: "The request's body; - for standard input.")
    var request: String
    @Option(help: "The folder with the witness's memory.")
    var state: String
    @Option(help: "The witness's name.")
    var name: String
    @Option(help: ArgumentHelp("A log's key, whose name is the origin; may be repeated.", valueName: "vkey"))
    var vkey: [String]
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let bytes = try Files.read(request, maxBytes: SignedNote.maxBytes)
        let key = try keys.read(tool)
        let logs = Dictionary(grouping: try LogRoot.keys(vkey), by: \.name)
        let parsed = try Failure.reading(request) { () throws(ParseError) in try AddCheckpointRequest(parsing: bytes) }
        let result: (answer: WitnessState.Answer, cosignature: SignedNote.Signature?)
        do throws(LogError) {
            let keeper = try WitnessKeeper(path: state, name: name, signingKey: key, logs: logs)
            result = try await keeper.add(parsed, at: tool.now())
        } catch {
            throw Failure(error, in: state)
        }
        let status = result.answer.status
        var members: JSONObject = ["status": .integer(status)]
        if case .conflict(let size) = result.answer { members["size"] = .string(String(size)) }
        if let cosignature = result.cosignature {
            members["cosignature"] = .string(cosignature.line)
            return Answer(members: members, lines: [String(cosignature.line.dropLast())])
        }
        var answer = Answer(.rejected, members: members, lines: ["\(status)"])
        answer.failure = Failure(.rejected, "witness.\(status)", "the checkpoint is not cosigned: \(result.answer)")
        return answer
    }
}

struct LogFsck: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "fsck",
        abstract: "Check a whole log offline: every entry, every tile, the root and its signature."
    )

    @Argument(help: "The log's folder.")
    var log: String
    @Option(help: ArgumentHelp("The log's key; may be repeated.", valueName: "vkey"))
    var vkey: [String]
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let keys = try LogRoot.keys(vkey)
        let folder = LogFolder(path: log)
        let check = try Failure.files(log) { () throws(TileError) in try LogCheck.run(folder, keys: keys) }
        var answer = Answer(
            check.isSound ? .ok : .rejected,
            members: [
                "size": .string(String(check.size)), "entries": .string(String(check.entries)),
                "tiles": .string(String(check.tiles)), "findings": .array(check.findings.map { .string($0) }),
            ],
            lines: ["\(log): \(check.isSound ? tool.style.good("SOUND") : tool.style.bad("DAMAGED"))"]
                + ["  \(check.entries) entries, \(check.tiles) tiles"] + check.findings.map { "  " + $0 }
        )
        if let first = check.findings.first { answer.failure = Failure(.rejected, "log.damaged", "\(log): \(first)") }
        return answer
    }
}
