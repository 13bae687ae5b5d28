// A receipt and the proof that a log has it: fetched from the engine, attached to the bundle, taken from it.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Receipts
internal import TransparencyLog

/// The receipt of a bundle, for those who want to know whether a log has it. No signature has been looked at.
struct LoggedReceipt {
    private let document: UnverifiedDocument<Receipt>

    init(_ bundle: Bundle) throws(Failure) {
        document = try Failure.reading("the bundle's receipt") { () throws(ParseError) in
            try UnverifiedDocument(parsing: try bundle.member(BundleMember.receipt))
        }
    }

    /// The entry of a receipt, in a bundle or by itself in DSSE, whose author has signed it.
    static func entry(_ path: String) throws(Failure) -> [UInt8] {
        let bytes = try AnyDocument.bytes(path)
        do throws(DocumentError) {
            return try Signed<Receipt>(verifying: bytes).logEntry
        } catch {
            throw Failure(error, in: path)
        }
    }

    /// Asks the engine for the proof, and makes sure that it is about this receipt. Whom to believe is the auditor's matter.
    /// - Parameter patience: for how many seconds to wait; `nil` takes what there is.
    /// - Returns: `nil` where there is none and none is demanded.
    func proof(from engine: any EngineAPI, within patience: Int64?, _ tool: Tool) async throws(Failure) -> [UInt8]? {
        let start = tool.now()
        while true {
            do throws(EngineError) {
                let bytes = try await engine.logProof(receipt: document.digest)
                try check(bytes)
                return bytes
            } catch {
                guard error.kind == .notFound else { throw Failure(error) }
                guard let patience else { return nil }
                guard error.id == "log.pending" else { throw Failure(error) }
                guard tool.now() - start < patience else {
                    throw Failure(
                        .temporaryFailure,
                        "log.pending",
                        "the engine's log has not had the receipt within \(patience) s",
                        field: "log",
                        hint: "without --logged the receipt is written as it is"
                    )
                }
            }
            try await tool.wait(milliseconds: JobWatcher.intervalMilliseconds)
        }
    }

    private func check(_ bytes: [UInt8]) throws(EngineError) {
        let proof: LogProof
        do throws(ParseError) {
            proof = try LogProof(parsing: bytes)
        } catch {
            throw EngineError(error, id: "answer.malformed")
        }
        guard proof.includes(leaf: MerkleTree.leafHash(document.logEntry)) else {
            throw EngineError(
                .malformed,
                "answer.malformed",
                "the engine's proof is not about this receipt",
                field: "log"
            )
        }
    }

    /// The bundle with the proof in it.
    static func attach(_ proof: [UInt8], to bundle: [UInt8], _ source: String) throws(Failure) -> [UInt8] {
        do throws(BundleError) {
            return try Bundle.attaching(logProof: proof, to: bundle)
        } catch {
            throw Failure(error, in: source)
        }
    }

    /// What a proof says of itself.
    static func json(_ proof: [UInt8]) -> JSONValue {
        guard let proof = try? LogProof(parsing: proof) else { return .null }
        let checkpoint = proof.checkpoint.checkpoint
        return .object([
            "origin": .string(checkpoint.origin), "index": .string(String(proof.index)),
            "size": .string(String(checkpoint.size)),
        ])
    }
}

struct ReceiptAttach: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Put the proof that a log has the receipt into its bundle.",
        discussion: """
            The proof (tlog-proof) becomes the bundle's last block, in place of one that is there. It is outside the engine's
            signature: assay audit judges it by the log's policy in the trust file.
            """
    )

    @Argument(help: "The bundle.")
    var file: String
    @Option(help: ArgumentHelp("The proof, as assay log prove writes it.", valueName: "file"))
    var proof: String
    @Option(name: .shortAndLong, help: ArgumentHelp("The bundle to write.", valueName: "file"))
    var output: String
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let bundleBytes = try Files.read(file, maxBytes: Bundle.maxBytes)
        let proofBytes = try Files.read(proof, maxBytes: Bundle.maxLogProofBytes)
        let leaf = MerkleTree.leafHash(try LoggedReceipt.entry(file))
        let parsed = try Failure.reading(proof) { () throws(ParseError) in try LogProof(parsing: proofBytes) }
        guard parsed.includes(leaf: leaf) else {
            throw Failure(
                .rejected,
                "log.inclusion",
                "\(proof) is not about the receipt of \(file)",
                field: "proof",
                expected: "entry \(parsed.index)",
                actual: "another entry"
            )
        }
        let attached = try LoggedReceipt.attach(proofBytes, to: bundleBytes, file)
        try Files.write(attached, to: output)
        return Answer(
            members: [
                "path": .string(output), "bytes": .integer(attached.count), "log": LoggedReceipt.json(proofBytes),
            ],
            lines: [output]
        )
    }
}
