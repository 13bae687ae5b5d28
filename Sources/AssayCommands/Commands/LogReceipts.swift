// `assay log receipt` and `assay log check-receipt`: a log's proofs as COSE Receipts (RFC 9942).
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import LogKeeping
internal import Signatures
internal import TransparencyLog

struct LogReceipt: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt",
        abstract: "Write a COSE Receipt (RFC 9942) of one entry, signed by the log.",
        discussion: """
            The signature covers the root alone, neither size nor index nor the log's name. A proof by `assay log prove` says \
            more; this is for readers that have COSE only.
            """
    )

    @Argument(help: "The log's folder.")
    var log: String
    @Argument(help: "The entry's index.")
    var index: UInt64
    @Option(name: .shortAndLong, help: "The file for the receipt.")
    var output: String
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let checkpoint = try LogRoot.checkpoint(log).checkpoint
        let key = try keys.read(tool)
        let path = try LogProve.path(log, index, under: checkpoint)
        let bytes: [UInt8]
        do throws(KeyError) {
            let proof = COSEReceipt.Proof.inclusion(size: checkpoint.size, index: index, path: path)
            bytes = try COSEReceipt.sign(proof, root: checkpoint.root, with: key)
        } catch {
            throw Failure(error, in: keys.path(tool))
        }
        try Files.write(bytes, to: output)
        return Answer(
            members: [
                "path": .string(output), "index": .string(String(index)), "size": .string(String(checkpoint.size)),
                "root": .string(checkpoint.root.hex), "key": .string(key.verifyingKey.text),
            ],
            lines: ["COSE receipt of entry \(index) in \(output)"]
        )
    }
}

struct LogCheckReceipt: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-receipt",
        abstract: "Check offline that a file is in a tree whose root a key has signed (RFC 9942).",
        discussion: "Opens no connection and reads no clock. Exit code 1 when the receipt does not hold."
    )

    @Argument(help: "The COSE Receipt.")
    var receipt: String
    @Option(help: "The file that is logged.")
    var file: String
    @Option(help: ArgumentHelp("The log's key: ed25519:… or es256:…", valueName: "key"))
    var by: String
    @OptionGroup var entries: EntryOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let bytes = try Files.read(receipt, maxBytes: COSEReceipt.maxBytes)
        let key = try Failure.parsing("--by") { () throws(ParseError) in try VerifyingKey(text: by) }
        let leaf = try entries.leaf(file)
        let parsed = try Failure.reading(receipt) { () throws(ParseError) in try COSEReceipt(parsing: bytes) }
        guard case .inclusion(let size, let index, _) = parsed.proof else {
            throw Failure(.dataError, "receipt.kind", "\(receipt): expected a proof of inclusion", field: "receipt")
        }
        guard parsed.includes(leaf: leaf, by: key) else {
            throw Failure(
                .rejected,
                "receipt.inclusion",
                "\(receipt) does not show that \(file) is under a root that \(key) signed",
                field: "receipt",
                expected: "entry \(index) of \(size)",
                actual: "another entry, root or signature"
            )
        }
        return Answer(
            members: ["index": .string(String(index)), "size": .string(String(size)), "key": .string(key.text)],
            lines: ["\(file): \(tool.style.good("LOGGED")) under a root signed by \(key)"]
        )
    }
}
