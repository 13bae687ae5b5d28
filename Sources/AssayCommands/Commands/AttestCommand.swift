// `assay attest`: hardware evidence verified, shown, and what a verification needs put together.
internal import ArgumentParser
internal import Attestation
internal import Codecs
internal import Commitments

struct AttestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attest",
        abstract: "Verify evidence of TEEs, TPMs and GPUs: offline, at a given time, from given roots.",
        subcommands: [
            AttestVerify.self, AttestInspect.self, AttestPolicyCommand.self, AttestCollateralCommand.self,
            AttestTrustCommand.self, AttestFetch.self,
        ]
    )
}

struct AttestInspect: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show the decoded fields of evidence, without judgement.",
        discussion:
            "Exit code 0 says that the evidence has its form, nothing more: nothing in it is believed or checked."
    )

    @Argument(help: ArgumentHelp("The evidence; - is standard input.", valueName: "evidence"))
    var file: String
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let bytes = try AttestInput.evidence(file)
        let claims: JSONObject
        do throws(ParseError) {
            claims = try AttestationVerifier.inspect(bytes)
        } catch {
            throw Failure(error, id: "evidence.malformed", in: file)
        }
        let kind = AttestationVerifier.kind(of: bytes)?.rawValue ?? "unknown"
        let value = JSONValue.object(claims)
        return Answer(
            members: [
                "path": .string(file), "kind": .string(kind), "bytes": .integer(bytes.count),
                "sha256": .string(SHA256.hash(bytes).hex), "claims": value,
            ],
            lines: ["\(file): \(kind), \(bytes.count) bytes; nothing of this was checked", value.text(pretty: true)]
        )
    }
}

/// The files that a verification reads, each with the failure that names it.
enum AttestInput {
    /// The most bytes of a piece of evidence: event logs may be long.
    static let maxEvidenceBytes = 24 << 20

    /// Evidence as it stands in its file.
    static func evidence(_ path: String) throws(Failure) -> [UInt8] {
        try Files.read(path, maxBytes: maxEvidenceBytes)
    }

    /// The time that `--time` names.
    static func time(_ text: String, _ tool: Tool) throws(Failure) -> Timestamp {
        if text == "now" { return Timestamp(seconds: tool.now()) }
        return try Failure.parsing("--time") { () throws(ParseError) in try Timestamp(text, field: "time") }
    }

    /// Whom to believe.
    static func anchors(_ path: String) throws(Failure) -> TrustAnchors {
        try read(path, "trust.malformed", maxBytes: 4 << 20) { (bytes) throws(ParseError) in
            try TrustAnchors(parsing: bytes)
        }
    }

    /// What is acceptable.
    static func policy(_ path: String) throws(Failure) -> AttestationPolicy {
        try read(path, "policy.malformed", maxBytes: 1 << 20) { (bytes) throws(ParseError) in
            try AttestationPolicy(parsing: bytes)
        }
    }

    /// A collateral bundle.
    static func collateral(_ path: String) throws(Failure) -> CollateralBundle {
        try read(path, "collateral.malformed", maxBytes: 64 << 20) { (bytes) throws(ParseError) in
            try CollateralBundle(parsing: bytes)
        }
    }

    /// Reads a file in one form.
    static func read<Value>(
        _ path: String,
        _ id: String,
        maxBytes: Int,
        _ parse: ([UInt8]) throws(ParseError) -> Value
    ) throws(Failure) -> Value {
        let bytes = try Files.read(path, maxBytes: maxBytes)
        do throws(ParseError) {
            return try parse(bytes)
        } catch {
            throw Failure(error, id: id, in: path)
        }
    }
}
