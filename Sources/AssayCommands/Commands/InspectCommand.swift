// `assay inspect`: what is in a file, decoded and not judged.
internal import ArgumentParser
internal import Attestation
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Signatures

struct InspectCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Decode a receipt bundle, a document, a job spec, a trust file, evidence or a proof. No judgement.",
        discussion: """
            Exit code 0 says that the file has its form, nothing more: signatures are shown, not checked. Of proof systems, it
            knows Groth16 keys, proofs and inputs of snarkjs and gnark, KZG openings, blobs and setups, BLS claims, and drand
            chains and beacons.
            """
    )

    @Argument(help: "The file; - is standard input.")
    var file: String
    @Option(help: ArgumentHelp("Of a bundle, write this member's bytes to standard output.", valueName: "name"))
    var member: String?
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let bytes = try Files.read(file, maxBytes: Bundle.maxBytes)
        do throws(ParseError) {
            let (kind, value) = try Self.decode(bytes)
            if let member { return try Self.member(member, of: value, kind) }
            return Answer(
                members: [
                    "path": .string(file), "kind": .string(kind), "bytes": .integer(bytes.count),
                    "sha256": .string(SHA256.hash(bytes).hex), "value": value,
                ],
                lines: ["\(file): \(kind), \(bytes.count) bytes", value.text(pretty: true)]
            )
        } catch {
            throw Failure(error, in: file)
        }
    }

    private static func member(_ name: String, of value: JSONValue, _ kind: String) throws(ParseError) -> Answer {
        guard kind == "bundle", case .object(let object) = value, case .array(let members)? = object["members"] else {
            throw ParseError(field: "", expected: "a bundle", actual: kind)
        }
        for case .object(let member) in members where member["name"] == .string(name) {
            if let value = member["value"] {
                return Answer(members: ["value": value], lines: [value.text(pretty: true)])
            }
            throw ParseError(field: name, expected: "a document", actual: "a file that is no document")
        }
        throw ParseError(field: name, expected: "a member of this name", actual: "none")
    }

    /// What the bytes are, and their content.
    static func decode(_ bytes: [UInt8]) throws(ParseError) -> (kind: String, value: JSONValue) {
        let first = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
        guard first == UInt8(ascii: "{") else {
            if let kind = AttestationVerifier.kind(of: bytes) {
                return ("\(kind.rawValue) evidence", .object(try AttestationVerifier.inspect(bytes)))
            }
            guard first != UInt8(ascii: "-") else {
                throw ParseError(field: "", expected: "a document", actual: "a PEM file; assay key show reads keys")
            }
            if let proof = try InspectProofs.decode(bytes) { return proof }
            do throws(BundleError) {
                return ("bundle", bundle(try Bundle(parsing: bytes)))
            } catch {
                switch error {
                case .malformed(let error): throw error
                case .corrupt(let block):
                    throw ParseError(field: "blocks", expected: "bytes of \(block)", actual: "bytes of another name")
                }
            }
        }
        let value = try JSONValue(parsing: bytes, limits: JSONLimits(bytes: 64 << 20, values: 2_000_000))
        guard case .object(let object) = value else { return ("json", value) }
        if object["payloadType"] != nil { return try document(bytes) }
        if let proof = try InspectProofs.decode(object, bytes) { return proof }
        if case .string(let schema)? = object["schema"] {
            switch schema {
            case JobSpec.schema: return ("job", try job(bytes))
            case TrustFile.schema: _ = try TrustFile(parsing: bytes)
            case Ruleset.schema: _ = try Ruleset(parsing: bytes)
            case "assay-attestation-policy-1": _ = try AttestationPolicy(value)
            case "assay-trust-anchors-1": _ = try TrustAnchors(value)
            case "assay-collateral-1": _ = try CollateralBundle(value)
            default: break
            }
            return (
                schema.split(separator: "/").first.map { String($0.split(separator: ".").last ?? $0) } ?? "json", value
            )
        }
        // Evidence in JSON has no schema of ours; its family tells it by its members.
        if let kind = AttestationVerifier.kind(of: bytes) {
            return ("\(kind.rawValue) evidence", .object(try AttestationVerifier.inspect(bytes)))
        }
        return ("json", value)
    }

    private static func job(_ bytes: [UInt8]) throws(ParseError) -> JSONValue {
        let spec = try JobSpec(parsing: bytes)
        return .object([
            "spec": spec.json,
            "sealed": .bool(spec.isSealed),
            "workUnits": .string(String(spec.replay.workUnits)),
            "held": .string(String(spec.holdAmount)),
        ])
    }

    private static func document(_ bytes: [UInt8]) throws(ParseError) -> (kind: String, value: JSONValue) {
        let envelope = try Envelope(parsing: bytes)
        let payload = try JSONValue(parsing: envelope.payload, limits: JSONLimits(bytes: Envelope.maxBytes))
        var kind = "envelope"
        if case .object(let statement) = payload, case .string(let type)? = statement["predicateType"] { kind = type }
        return (
            kind,
            .object([
                "payloadType": .string(envelope.payloadType),
                "digest": .string(SHA256.hash(envelope.payload).text),
                "signatures": .array(
                    envelope.signatures.map { signature in
                        .object(["keyid": .string(signature.keyID), "bytes": .integer(signature.bytes.count)])
                    }
                ),
                "payload": payload,
            ])
        )
    }

    private static func bundle(_ bundle: Bundle) -> JSONValue {
        let members = bundle.names.map { name -> JSONValue in
            let bytes = bundle.members[name] ?? []
            var object: JSONObject = [
                "name": .string(name), "bytes": .integer(bytes.count), "cid": .string(CID.raw(bytes).text),
            ]
            if name.hasSuffix(".json") && !name.contains("/"), let (_, value) = try? decode(bytes) {
                object["value"] = value
            }
            return .object(object)
        }
        return .object([
            "jobId": .string(bundle.jobID.text),
            "manifestSignatures": .array(bundle.manifest.signatures.map { .string($0.keyID) }),
            "members": .array(members),
            "absent": .array(
                bundle.absent.map { absent in
                    .object([
                        "name": .string(absent.name), "cid": .string(absent.identity.cid.text),
                        "bytes": .string(String(absent.identity.byteCount)),
                    ])
                }
            ),
        ])
    }
}
