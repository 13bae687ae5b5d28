// `assay trust`: the file that says whom an auditor believes.
internal import ArgumentParser
internal import Attestation
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Receipts
internal import Signatures
internal import TransparencyLog

struct TrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Make trust files.",
        subcommands: [TrustCreate.self]
    )
}

struct TrustCreate: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Write a trust file from what an engine says about itself.",
        discussion: """
            An engine's word about its own keys proves nothing: compare the keys with the operator over another channel before
            the file is used.
            """
    )

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String
    @Option(help: "How many validators must agree.")
    var quorum = 1
    @Option(help: ArgumentHelp("Believe settlements by this ruleset only; may be repeated.", valueName: "file"))
    var ruleset: [String] = []
    @Option(help: "Believe receipts that name this network only.")
    var network: String?
    @Option(
        help: ArgumentHelp("Roots by which attestation is judged, in JSON or TOML, to put in.", valueName: "file")
    )
    var attestation: String?
    @Option(
        help: ArgumentHelp(
            "Believe receipts only with a proof that a log of this policy (tlog-policy) has them.",
            valueName: "file"
        )
    )
    var logPolicy: String?
    @OptionGroup var engine: EngineOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let roots = try attestation.map { (path) throws(Failure) in try Self.roots(path) }
        let policy = try logPolicy.map { (path) throws(Failure) in try Self.policy(path) }
        let client = try engine.connect(tool)
        let description = try await tool.call { () throws(EngineError) in try await client.engine() }
        var rulesets: [Digest] = []
        for file in ruleset {
            let bytes = try Files.read(file, maxBytes: 1 << 20)
            rulesets.append(
                try Failure.reading(file) { () throws(ParseError) in try Ruleset(parsing: bytes).digest }
            )
        }
        let trust: TrustFile
        do throws(ParseError) {
            trust = try TrustFile(
                engines: [description.engine],
                validators: description.validators,
                quorum: quorum,
                rulesets: rulesets.isEmpty ? nil : rulesets,
                network: network,
                attestation: roots,
                log: policy
            )
        } catch {
            if error.field == "network" { throw Failure(option: "--network", error) }
            if error.field == "quorum" { throw Failure(option: "--quorum", error) }
            throw Failure(error, in: "the engine's description")
        }
        try Files.write(trust.bytes, to: output)
        let warning = "compare these keys with the operator over another channel before you rely on \(output)"
        return Answer(
            members: [
                "path": .string(output),
                "engines": .array(trust.engines.map { .string($0.text) }),
                "validators": .array(trust.validators.map { .string($0.text) }),
                "quorum": .integer(trust.quorum),
                "warning": .string(warning),
            ],
            lines: Table.facts(
                [("file", output)] + trust.engines.map { ("engine", $0.text) }
                    + trust.validators.map { ("validator", $0.text) } + [("quorum", String(trust.quorum))]
            ) + ["warning: \(warning)"]
        )
    }

    /// The lines of a policy file, after it has been read as such.
    private static func policy(_ path: String) throws(Failure) -> [String] {
        let bytes = try Files.read(path, maxBytes: 1 << 18)
        _ = try Failure.reading(path) { () throws(ParseError) in try LogPolicy(parsing: bytes) }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// The content of a file of roots, after it has been read as such.
    private static func roots(_ path: String) throws(Failure) -> JSONValue {
        let bytes = try Files.read(path, maxBytes: 4 << 20)
        do throws(ParseError) {
            let value = try DocumentText.parse(bytes, limits: JSONLimits(bytes: 4 << 20))
            _ = try TrustAnchors(value)
            return value
        } catch {
            throw Failure(error, id: "roots.malformed", in: path)
        }
    }
}
