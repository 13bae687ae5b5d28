// `assay receipt`: one receipt, or another signed document, in either of its encodings. The whole story of a job is for
// `assay audit`.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import Receipts
internal import Signatures

struct ReceiptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt",
        abstract: "Show, verify and export receipts and the other signed documents.",
        subcommands: [
            ReceiptShow.self, ReceiptVerify.self, ReceiptExport.self, ReceiptChainCommand.self, ReceiptAttach.self,
        ]
    )
}

/// A signed document of any kind, in DSSE or COSE, with its signature looked at or not.
struct AnyDocument {
    /// How a document is encoded.
    enum Encoding: String {
        case dsse, cose
    }

    let encoding: Encoding
    let predicateType: String
    let predicate: JSONValue
    let author: VerifyingKey
    let digest: Digest

    /// The receipt inside a bundle, or the file itself when it is a document.
    static func bytes(_ path: String) throws(Failure) -> [UInt8] {
        let bytes = try Files.read(path, maxBytes: Bundle.maxBytes)
        guard let bundle = try? Bundle(parsing: bytes) else { return bytes }
        return try Failure.reading(path) { () throws(ParseError) in try bundle.member(BundleMember.receipt) }
    }

    static func encoding(of bytes: [UInt8]) -> Encoding {
        // Tag 18 is the first byte of every COSE_Sign1 that stands alone; JSON cannot begin with it.
        bytes.first == 0xd2 ? .cose : .dsse
    }

    /// Reads a document and checks that the author it names has signed it, or the key that is demanded.
    init(verifying bytes: [UInt8], key: VerifyingKey?) throws(DocumentError) {
        let type: String
        do throws(ParseError) {
            type = try Self.predicateType(of: bytes)
        } catch {
            throw .malformed(error)
        }
        switch type {
        case Receipt.predicateType: self = try Self.read(Receipt.self, bytes, key)
        case Order.predicateType: self = try Self.read(Order.self, bytes, key)
        case Lease.predicateType: self = try Self.read(Lease.self, bytes, key)
        case ExecutionStatement.predicateType: self = try Self.read(ExecutionStatement.self, bytes, key)
        case VerdictStatement.predicateType: self = try Self.read(VerdictStatement.self, bytes, key)
        case TopUp.predicateType: self = try Self.read(TopUp.self, bytes, key)
        case MeterReading.predicateType: self = try Self.read(MeterReading.self, bytes, key)
        default:
            throw .malformed(
                ParseError(field: "predicateType", expected: "a document of Assay's", actual: type)
            )
        }
    }

    private static func predicateType(of bytes: [UInt8]) throws(ParseError) -> String {
        let statement: JSONValue
        switch encoding(of: bytes) {
        case .cose: statement = try COSEStatement.json(parsing: bytes)
        case .dsse:
            let limits = JSONLimits(bytes: Envelope.maxBytes)
            statement = try JSONValue(parsing: try Envelope(parsing: bytes).payload, limits: limits)
        }
        var reader = try JSONReader(statement)
        return try reader.string("predicateType", maxBytes: 256)
    }

    private static func read<Predicate: DocumentPredicate>(
        _ type: Predicate.Type,
        _ bytes: [UInt8],
        _ key: VerifyingKey?
    ) throws(DocumentError) -> AnyDocument {
        let encoding = encoding(of: bytes)
        switch encoding {
        case .dsse:
            let document = try Signed<Predicate>(verifying: bytes, key: key)
            return AnyDocument(encoding, document.predicate, document.digest)
        case .cose:
            let document = try COSEDocument<Predicate>(verifying: bytes, key: key)
            return AnyDocument(encoding, document.predicate, document.digest)
        }
    }

    private init<Predicate: DocumentPredicate>(_ encoding: Encoding, _ predicate: Predicate, _ digest: Digest) {
        self.encoding = encoding
        self.predicateType = Predicate.predicateType
        self.predicate = predicate.json
        self.author = predicate.author
        self.digest = digest
    }

    /// Reads a document that the user named.
    static func reading(_ path: String, key: VerifyingKey? = nil) throws(Failure) -> AnyDocument {
        let bytes = try bytes(path)
        do throws(DocumentError) {
            return try AnyDocument(verifying: bytes, key: key)
        } catch {
            throw Failure(error, in: path)
        }
    }

    var members: JSONObject {
        [
            "kind": .string(predicateType), "encoding": .string(encoding.rawValue), "signer": .string(author.text),
            "digest": .string(digest.text), "document": predicate,
        ]
    }
}

struct ReceiptShow: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what a receipt says, once its own signature holds.",
        discussion: "Whether the key that signed is one to believe, assay receipt verify and assay audit say."
    )

    @Argument(help: "A bundle, or a signed document in DSSE or COSE; - is standard input.")
    var file: String
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let document = try AnyDocument.reading(file)
        var members: JSONObject = ["path": .string(file)]
        for member in document.members.members { members[member.name] = member.value }
        return Answer(
            members: members,
            lines: Table.facts([
                ("kind", document.predicateType), ("encoding", document.encoding.rawValue),
                ("signed by", document.author.text), ("digest", document.digest.text),
            ]) + [document.predicate.text(pretty: true)]
        )
    }
}

struct ReceiptVerify: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that one of these keys signed a receipt or another document.",
        discussion:
            "Form and signature only; assay audit re-checks everything that a receipt refers to. Exit code 1 when not."
    )

    @Argument(help: "A bundle, or a signed document in DSSE or COSE; - is standard input.")
    var file: String
    @Option(name: .customLong("by"), help: ArgumentHelp("A key that is believed; may be repeated.", valueName: "key"))
    var keys: [String]
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        var believed: [VerifyingKey] = []
        for text in keys {
            believed.append(try Failure.parsing("--by") { () throws(ParseError) in try VerifyingKey(text: text) })
        }
        let document = try AnyDocument.reading(file)
        guard believed.contains(document.author) else {
            throw Failure(
                .rejected,
                "receipt.author",
                "\(file): signed by \(document.author), which is none of the given keys",
                field: "signer",
                expected: keys.joined(separator: ", "),
                actual: document.author.text
            )
        }
        var members: JSONObject = ["path": .string(file)]
        for member in document.members.members where member.name != "document" {
            members[member.name] = member.value
        }
        return Answer(
            members: members,
            lines: [
                "\(file): \(tool.style.good("SIGNED")) by \(document.author)",
                "  \(document.predicateType), \(document.digest.text)",
            ]
        )
    }
}

struct ReceiptExport: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a receipt as COSE_Sign1, signed again with its author's key.",
        discussion:
            "The same fields as deterministic CBOR; both encodings have one digest. The key must be the author's."
    )

    @Argument(help: "A bundle, or a receipt in DSSE.")
    var file: String
    @Option(name: .shortAndLong, help: ArgumentHelp("The file for the COSE structure.", valueName: "file"))
    var output: String
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let bytes = try AnyDocument.bytes(file)
        let key = try keys.read(tool)
        let made: COSEDocument<Receipt>
        do throws(DocumentError) {
            let receipt = try Signed<Receipt>(verifying: bytes)
            made = try .sign(receipt.predicate, subjects: receipt.subjects, with: key)
        } catch {
            throw Failure(error, in: file)
        }
        try Files.write(made.bytes, to: output)
        return Answer(
            members: [
                "output": .string(output), "bytes": .integer(made.bytes.count), "digest": .string(made.digest.text),
                "signer": .string(made.signer.text),
            ],
            lines: Table.facts([
                ("written", output), ("bytes", String(made.bytes.count)), ("digest", made.digest.text),
            ])
        )
    }
}

struct ReceiptChainCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "chain",
        abstract: "Check that receipts are one job's updates, each naming the one before it.",
        discussion: "Exit code 1 when one is missing, foreign or out of order."
    )

    @Argument(help: "Bundles or receipts in DSSE, the first one first.")
    var files: [String]
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        var receipts: [Signed<Receipt>] = []
        for file in files {
            let bytes = try AnyDocument.bytes(file)
            do throws(DocumentError) {
                receipts.append(try Signed<Receipt>(verifying: bytes))
            } catch {
                throw Failure(error, in: file)
            }
        }
        do throws(ReceiptChainError) {
            let chain = try ReceiptChain(receipts)
            let job = chain.current.predicate.jobID.text
            return Answer(
                members: [
                    "jobId": .string(job), "receipts": .array(chain.receipts.map { .string($0.digest.text) }),
                    "current": .string(chain.current.digest.text), "signer": .string(chain.current.signer.text),
                ],
                lines: Table.facts([
                    ("job", job), ("receipts", String(chain.receipts.count)), ("current", chain.current.digest.text),
                    ("signed by", chain.current.signer.text),
                ])
            )
        } catch {
            throw Failure(.rejected, "receipt.chain", error.description, field: "receipts")
        }
    }
}
