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
            The verified cosignature is added to the public checkpoint. Exit code 1 when the witness refuses, and when it has \\
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
        let client = try Failure.parsing("--witness") { () throws(ParseError) in try HTTPWitnessClient(url: witness) }
        let key = try Failure.parsing("--witness-key") { () throws(ParseError) in try NoteKey(text: witnessKey) }
        let signingKey = try keys.read(tool)
        let keeper: LogKeeper
        do throws(LogError) {
            keeper = try LogKeeper(path: log, queue: queue ?? log + ".queue", origin: origin, signingKey: signingKey)
        } catch {
            throw Failure(error, in: log)
        }
        let signed = try LogRoot.checkpoint(log)
        let folder = keeper.folder
        let size = signed.checkpoint.size
        var round = WitnessRound(checkpoint: signed, witness: key) { oldSize in
            try? TileTree(size: size, source: folder).consistencyProof(oldSize: oldSize)
        }
        var request = round.request()
        while let body = request {
            let answered = try await tool.call { () async throws(EngineError) in
                try await client.addCheckpoint(body.bytes)
            }
            let step: WitnessRound.Step
            do throws(ParseError) {
                step = try round.take(status: answered.status, body: answered.body)
            } catch {
                throw Failure(.rejected, "witness.answer", "\(witness): \(error)", field: "witness")
            }
            switch step {
            case .again(let next): request = next
            case .cosigned(let cosignature): return try await keep(cosignature, signed, keeper)
            case .splitView(let known):
                throw Failure(
                    .rejected,
                    "witness.splitView",
                    "\(witness) has seen another history: its \(known) entries are no prefix of this log's \(size)",
                    field: "witness",
                    expected: "a prefix of \(size) entries",
                    actual: "\(known) entries that are none"
                )
            case .refused(let status, let reason):
                let text = reason.split(separator: "\n").first.map(String.init) ?? "no reason given"
                throw Failure(.rejected, "witness.\(status)", "\(witness): \(text)", field: "witness")
            }
        }
        throw Failure(.ioError, "log.files", "\(log): there is no proof to send", field: "log")
    }

    private func keep(
        _ cosignature: SignedNote.Signature,
        _ signed: SignedCheckpoint,
        _ keeper: LogKeeper
    ) async throws(Failure) -> Answer {
        let isCurrent: Bool
        do throws(LogError) {
            isCurrent = try await keeper.add([cosignature], to: signed.checkpoint)
        } catch {
            throw Failure(error, in: log)
        }
        guard isCurrent else {
            throw Failure(.temporaryFailure, "log.moved", "\(log): the log grew meanwhile; ask again", field: "log")
        }
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
