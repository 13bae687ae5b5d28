// `assay log cosign`: brings a log's checkpoint to its witnesses and keeps their cosignatures.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import EngineClient
internal import LogKeeping
internal import Signatures
internal import TransparencyLog

struct LogCosign: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "cosign",
        abstract: "Ask a witness over HTTP to cosign the log's checkpoint (tlog-witness).",
        discussion: """
            The verified cosignature is added to the public checkpoint. Exit code 1 when the witness refuses, and when it has
            seen another history of this log.
            """
    )

    @Argument(help: "The log's public folder.")
    var log: String
    @Option(help: "The queue, an SQLite file; beside the folder when it is not given.")
    var queue: String?
    @Option(help: "The log's origin, which is also its key's name.")
    var origin: String
    @Option(help: ArgumentHelp("The witness's prefix; add-checkpoint is below it.", valueName: "url"))
    var witness: String
    @Option(help: ArgumentHelp("The witness's key.", valueName: "vkey"))
    var witnessKey: String
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let address = try WitnessAddress(url: witness, key: witnessKey)
        let signingKey = try keys.read(tool)
        let keeper: LogKeeper
        do throws(LogError) {
            keeper = try LogKeeper(path: log, queue: queue ?? log + ".queue", origin: origin, signingKey: signingKey)
        } catch {
            throw Failure(error, in: log)
        }
        let signed = try LogRoot.checkpoint(log)
        let cosignature = try await address.cosign(signed, of: keeper, log, tool)
        let time = NoteKey.cosignatureTime(cosignature).map(Timestamp.text) ?? "unknown"
        return Answer(
            members: [
                "size": .string(String(signed.checkpoint.size)), "witness": .string(cosignature.name),
                "time": .string(time), "cosignature": .string(cosignature.line),
            ],
            lines: ["\(cosignature.name) cosigned \(signed.checkpoint.size) entries at \(time)"]
        )
    }
}

/// Where a witness answers and by which key it is known.
struct WitnessAddress {
    let url: String
    let client: HTTPWitnessClient
    let key: NoteKey

    init(url: String, key: String) throws(Failure) {
        self.url = url
        client = try Failure.parsing("--witness") { () throws(ParseError) in try HTTPWitnessClient(url: url) }
        self.key = try Failure.parsing("--witness-key") { () throws(ParseError) in try NoteKey(text: key) }
    }

    /// The witnesses of two lists of the same length.
    static func list(_ urls: [String], _ keys: [String]) throws(Failure) -> [WitnessAddress] {
        guard urls.count == keys.count else {
            throw Failure(
                option: "--witness-key",
                ParseError(field: "", expected: "\(urls.count) keys, one for each witness", actual: "\(keys.count)")
            )
        }
        return try zip(urls, keys).map { (url, key) throws(Failure) in try WitnessAddress(url: url, key: key) }
    }

    /// Brings a checkpoint to the witness and keeps its cosignature.
    func cosign(
        _ signed: SignedCheckpoint,
        of keeper: LogKeeper,
        _ log: String,
        _ tool: Tool
    ) async throws(Failure) -> SignedNote.Signature {
        let outcome: WitnessOutcome
        do {
            outcome = try await keeper.cosign(signed, by: key) { [client] body in
                try await tool.call { () async throws(EngineError) in try await client.addCheckpoint(body) }
            }
        } catch let failure as Failure {
            throw failure
        } catch let error as LogError {
            throw Failure(error, in: log)
        } catch {
            throw Failure(.unavailable, "witness.unreachable", "\(url): \(error)", field: "witness")
        }
        switch outcome {
        case .cosigned(let cosignature): return cosignature
        case .late:
            throw Failure(.temporaryFailure, "log.moved", "\(log): the log grew meanwhile; ask again", field: "log")
        case .splitView(let known):
            let size = signed.checkpoint.size
            throw Failure(
                .rejected,
                "witness.splitView",
                "\(url) has seen another history: its \(known) entries are no prefix of this log's \(size)",
                field: "witness",
                expected: "a prefix of \(size) entries",
                actual: "\(known) entries that are none"
            )
        case .refused(let status, let reason):
            let text = reason.split(separator: "\n").first.map(String.init) ?? "no reason given"
            throw Failure(.rejected, "witness.\(status)", "\(url): \(text)", field: "witness")
        case .malformed(let reason):
            throw Failure(.rejected, "witness.answer", "\(url): \(reason)", field: "witness")
        case .unproved:
            throw Failure(.ioError, "log.files", "\(log): there is no proof to send", field: "log")
        }
    }
}
