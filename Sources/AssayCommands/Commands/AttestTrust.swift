// `assay attest trust`: the file of pinned roots and keys.
internal import ArgumentParser
internal import Attestation
internal import Codecs

struct AttestTrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "Make files of pinned roots and keys.",
        subcommands: [AttestTrustCreate.self]
    )
}

struct AttestTrustCreate: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Write a trust file from root certificates and keys.",
        discussion: """
            Domains: \(TrustDomain.allCases.map(\.rawValue).joined(separator: ", ")). A root is believed without proof: \
            compare its digest, which is printed, with what its vendor publishes.
            """
    )

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
    var output: String
    @Option(help: ArgumentHelp("A root certificate, DER or PEM.", valueName: "domain=file"))
    var root: [String] = []
    @Option(
        help: ArgumentHelp(
            "A public key in PEM; with an id, for the device or implementation of that id only.",
            valueName: "domain[:hex]=file"
        )
    )
    var key: [String] = []
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard !root.isEmpty || !key.isEmpty else {
            throw Failure(.usage, "usage", "nothing to pin", expected: "--root or --key", actual: "none")
        }
        var roots: [TrustDomain: [JSONValue]] = [:]
        var keys: [TrustDomain: [JSONValue]] = [:]
        var facts: [(String, String)] = []
        for text in root {
            let (domain, _, path) = try Self.split("--root", text)
            let certificate = try AttestInput.read(path, "trust.malformed", maxBytes: 1 << 16) {
                (bytes) throws(ParseError) in
                guard bytes.first == UInt8(ascii: "-") else { return try Certificate(der: bytes) }
                let chain = try Certificate.chain(pem: bytes[...], max: 1, field: "root")
                guard let root = chain.first else {
                    throw ParseError(field: "root", expected: "a certificate", actual: "none")
                }
                return root
            }
            roots[domain, default: []].append(.string(String(decoding: PEM.encode(certificate.der), as: UTF8.self)))
            let digest = HashAlgorithm.sha256.digest(certificate.der)
            facts.append((domain.rawValue, "\(certificate.commonName), SHA-256 \(Hex.encode(digest))"))
        }
        for text in key {
            let (domain, id, path) = try Self.split("--key", text)
            let (pem, digest) = try AttestInput.read(path, "trust.malformed", maxBytes: 1 << 16) {
                (bytes) throws(ParseError) in
                (bytes, HashAlgorithm.sha256.digest(try PublicKey(pem: bytes).bytes))
            }
            keys[domain, default: []].append(
                .object(["id": .string(Hex.encode(id)), "key": .string(String(decoding: pem, as: UTF8.self))])
            )
            facts.append((domain.rawValue, "key, SHA-256 \(Hex.encode(digest))"))
        }
        let document = JSONValue.object([
            "schema": .string("assay-trust-anchors-1"),
            "roots": .object(Self.object(roots)),
            "keys": .object(Self.object(keys)),
        ])
        // Read back before it is written: what this command makes, every other command takes.
        do throws(ParseError) { _ = try TrustAnchors(document) } catch { throw Failure(error, in: output) }
        try Files.write(document.serialized(pretty: true) + [0x0a], to: output)
        return Answer(
            members: [
                "path": .string(output),
                "pins": .array(facts.map { .object(["domain": .string($0.0), "what": .string($0.1)]) }),
            ],
            lines: [output + ":"] + Table.facts(facts, indent: 2)
        )
    }

    private static func object(_ pins: [TrustDomain: [JSONValue]]) -> JSONObject {
        var object = JSONObject()
        for domain in TrustDomain.allCases { if let list = pins[domain] { object[domain.rawValue] = .array(list) } }
        return object
    }

    /// `domain[:hex]=file` in its parts.
    private static func split(_ option: String, _ text: String) throws(Failure) -> (TrustDomain, [UInt8], String) {
        try Failure.parsing(option) { () throws(ParseError) in
            let parts = text.split(separator: "=", maxSplits: 1)
            let names = (parts.first ?? "").split(separator: ":", maxSplits: 1)
            guard parts.count == 2, let name = names.first, let domain = TrustDomain(rawValue: String(name)) else {
                let known = TrustDomain.allCases.map(\.rawValue).joined(separator: ", ")
                throw ParseError(field: option, expected: "DOMAIN=FILE with a domain of \(known)", actual: text)
            }
            let id = names.count == 2 ? try Hex.decode(String(names[1]), field: option) : []
            return (domain, id, String(parts[1]))
        }
    }
}
