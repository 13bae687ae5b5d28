// `assay log check-statement`: the receipts in a SCITT statement, by the keys of the services that gave them.
internal import Appraisal
internal import ArgumentParser
internal import Attestation
internal import Codecs
internal import Commitments
internal import TransparencyLog
internal import Verdicts

struct LogCheckStatement: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-statement",
        abstract: "Check offline that services on CCF have registered a statement (RFC 9943).",
        discussion: """
            Opens no connection and reads no clock. The statement's own signature is not looked at: the receipts show that it was
            registered, not by whom it was made. Exit code 1 unless one of the keys has signed a receipt and no receipt is wrong.
            """
    )

    @Argument(help: "The statement, a COSE_Sign1 with receipts in its unprotected header.")
    var statement: String
    @Option(
        help: ArgumentHelp(
            "A PEM file with a service's public keys or certificates; may be repeated.",
            valueName: "file"
        )
    )
    var service: [String]
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        var keys: [PublicKey] = []
        for path in service { keys += try Self.keys(path) }
        let bytes = try Files.read(statement, maxBytes: TransparentStatement.maxBytes)
        let parsed = try Failure.reading(statement) { () throws(ParseError) in try TransparentStatement(parsing: bytes)
        }
        let checks = LogAppraiser.checks(parsed, services: keys)
        let holds = checks.contains { $0.result == .pass } && !checks.contains { $0.result == .fail }
        var answer = Answer(
            holds ? .ok : .rejected,
            members: ["claims": .string(parsed.claims.text), "checks": .array(checks.map(\.json))],
            lines: ["\(statement): \(holds ? tool.style.good("REGISTERED") : tool.style.bad("NOT PROVED"))"]
                + CheckLines.all(checks, tool.style)
        )
        if !holds {
            let first = checks.first { $0.result == .fail } ?? checks.first
            answer.failure = Failure(
                .rejected,
                first?.id ?? "ccf.receipt",
                "\(statement) is not proved to be registered",
                field: first?.id ?? "receipts",
                expected: first?.expected ?? "a receipt",
                actual: first?.actual ?? "none"
            )
        }
        return answer
    }

    /// The keys in a file of PEM blocks, all of one kind.
    private static func keys(_ path: String) throws(Failure) -> [PublicKey] {
        let bytes = try Files.read(path, maxBytes: 1 << 20)
        return try Failure.reading(path) { () throws(ParseError) in
            let isKey = bytes.starts(with: "-----BEGIN PUBLIC KEY-----".utf8)
            let blocks = try PEM.decode(bytes[...], label: isKey ? "PUBLIC KEY" : "CERTIFICATE", max: 64, field: "key")
            guard !blocks.isEmpty else {
                throw ParseError(field: "key", expected: "a CERTIFICATE or PUBLIC KEY block", actual: "none")
            }
            return try blocks.map { (der) throws(ParseError) in
                isKey ? try PublicKey(subjectPublicKeyInfo: der[...]) : try Certificate(der: der).publicKey
            }
        }
    }
}
