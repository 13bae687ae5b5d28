// Bundles of sigstore (protobuf-specs, sigstore_bundle.proto, as JSON): the signature by the key in the bundle, what the log
// holds against what the bundle shows, the inclusion proof and the checkpoint.
//
// Not checked, and needed by whoever wants to believe a bundle: the certificate's chain and identity, signed certificate
// timestamps, signed times, and ECDSA signatures of version 1 logs.
internal import Attestation
public import Codecs
internal import Commitments
internal import Receipts
internal import Signatures
internal import TransparencyLog
public import Verdicts

/// Family `sigstore`.
public struct SigstoreVectors: VectorFamily {
    public let name = "sigstore"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        if file.path == "a.txt" {
            let actual = "sha256 " + SHA256.hash(file.bytes).hex
            return [file.check("", actual == file.expected, expected: file.expected, actual: actual)]
        }
        guard file.path.hasSuffix("bundle.sigstore.json") else {
            return [file.skip("", "a part of a case, which is read with its bundle")]
        }
        let folder = String(file.path.dropLast("bundle.sigstore.json".count))
        let own = try? file.sibling(folder + "artifact")
        let artefact: [UInt8]
        if let own { artefact = own } else { artefact = try file.sibling("a.txt") }
        let key = try? file.sibling(folder + "key.pub")
        let logs = try Self.logKeys(try? file.sibling(folder + "trusted_root.json"))
        let flaw: String?
        do throws(ParseError) {
            flaw = try SigstoreBundle(parsing: file.bytes, key: key).flaw(artefact: artefact, logs: logs)
        } catch {
            flaw = error.description
        }
        let actual = flaw == nil ? "accept" : "reject"
        return [
            file.check(
                "",
                actual == file.expected,
                expected: file.expected,
                actual: actual + (flaw.map { ": " + $0 } ?? "")
            )
        ]
    }

    /// The Ed25519 keys of a trusted root's logs, under the names that their checkpoints have: hosts without a scheme.
    private static func logKeys(_ root: [UInt8]?) throws(ParseError) -> [NoteKey] {
        guard let root else { return [] }
        var reader = try JSONReader(try JSONValue(parsing: root, limits: .sigstore), "trusted_root")
        var keys: [NoteKey] = []
        for (index, value) in try reader.array("tlogs", max: 64).enumerated() {
            var log = try JSONReader(value, "tlogs[\(index)]")
            let url = try log.string("baseUrl")
            var publicKey = try log.object("publicKey")
            guard try publicKey.string("keyDetails") == "PKIX_ED25519" else { continue }
            // An Ed25519 SubjectPublicKeyInfo is 12 fixed bytes and the point (RFC 8410 §4).
            let info = try Base64.decode(try publicKey.string("rawBytes"), field: "rawBytes")
            guard info.count == 44, let host = url.split(separator: "/").last else { continue }
            keys.append(
                try NoteKey(
                    name: String(host),
                    algorithm: .ed25519,
                    key: try VerifyingKey(bytes: Array(info.dropFirst(12)))
                )
            )
        }
        return keys
    }
}

extension JSONLimits {
    fileprivate static let sigstore = JSONLimits(bytes: 4 << 20, values: 100_000)
}

/// A bundle with one log entry.
private struct SigstoreBundle {
    /// What is signed.
    enum Content {
        /// A file by its digest.
        case message(digest: [UInt8], signature: [UInt8])
        case envelope(Envelope)
    }

    private let content: Content
    private let key: PublicKey
    private let entry: SigstoreEntry

    init(parsing bytes: [UInt8], key pem: [UInt8]?) throws(ParseError) {
        var reader = try JSONReader(try JSONValue(parsing: bytes, limits: .sigstore), "bundle")
        var material = try reader.object("verificationMaterial")
        key = try Self.key(&material, pem)
        let entries = try material.array("tlogEntries", max: 1)
        guard let first = entries.first else {
            throw ParseError(field: "tlogEntries", expected: "one entry", actual: "none")
        }
        entry = try SigstoreEntry(first)
        if reader.has("dsseEnvelope") {
            content = .envelope(try Envelope(parsing: try reader.value("dsseEnvelope").serialized()))
        } else {
            var message = try reader.object("messageSignature")
            var digest = try message.object("messageDigest")
            try digest.constant("algorithm", "SHA2_256")
            content = .message(
                digest: try Base64.decode(try digest.string("digest"), field: "messageDigest"),
                signature: try Base64.decode(try message.string("signature"), field: "signature")
            )
        }
    }

    /// The certificate's key, or the one that the verifier was given.
    private static func key(_ material: inout JSONReader, _ pem: [UInt8]?) throws(ParseError) -> PublicKey {
        if let pem { return try PublicKey(pem: pem) }
        let text: String
        if material.has("certificate") {
            var certificate = try material.object("certificate")
            text = try certificate.string("rawBytes", maxBytes: 1 << 16)
        } else {
            var chain = try material.object("x509CertificateChain")
            guard let first = try chain.array("certificates", max: 16).first else {
                throw ParseError(field: "x509CertificateChain", expected: "a certificate", actual: "none")
            }
            var certificate = try JSONReader(first, "certificates[0]")
            text = try certificate.string("rawBytes", maxBytes: 1 << 16)
        }
        return try Certificate(der: try Base64.decode(text, field: "rawBytes"), field: "certificate").publicKey
    }

    /// Why the bundle is not believed; `nil` when everything that is looked at holds.
    func flaw(artefact: [UInt8], logs: [NoteKey]) throws(ParseError) -> String? {
        let signed: [UInt8]
        let signature: [UInt8]
        switch content {
        case .message(let digest, let bytes):
            guard digest == SHA256.hash(artefact).bytes else { return "the message digest is another file's" }
            (signed, signature) = (artefact, bytes)
        case .envelope(let envelope):
            guard envelope.signatures.count == 1 else { return "\(envelope.signatures.count) signatures" }
            signed = Envelope.preAuthenticationEncoding(type: envelope.payloadType, payload: envelope.payload)
            signature = envelope.signatures[0].bytes
        }
        guard key.isValid(signature[...], scheme: .ecdsa(.sha256), message: signed[...]) else {
            return "the signature is not valid"
        }
        return try entry.flaw(content, signed: signed, signature: signature, logs: logs)
    }
}

/// An entry of a Rekor log with its proof.
private struct SigstoreEntry {
    private let kind: String
    private let body: [UInt8]
    private let index: UInt64
    private let size: UInt64
    private let root: Digest
    private let hashes: [Digest]
    private let checkpoint: SignedCheckpoint

    init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "tlogEntries[0]")
        _ = try reader.decimal("logIndex", in: 0...UInt64(Int64.max))
        var kindVersion = try reader.object("kindVersion")
        kind = try kindVersion.string("kind") + "/" + (try kindVersion.string("version"))
        body = try Base64.decode(try reader.string("canonicalizedBody", maxBytes: 1 << 20), field: "canonicalizedBody")
        var proof = try reader.object("inclusionProof")
        index = try proof.decimal("logIndex")
        size = try proof.decimal("treeSize")
        root = try Digest(try Base64.decode(try proof.string("rootHash"), field: "rootHash"), field: "rootHash")
        // Without siblings the member is left out: an entry alone in its tree.
        hashes =
            proof.has("hashes")
            ? try proof.array("hashes", max: 64) { (value, path) throws(ParseError) -> Digest in
                guard case .string(let text) = value else {
                    throw ParseError(field: path, expected: "a hash", actual: value.typeName)
                }
                return try Digest(try Base64.decode(text, field: path), field: path)
            } : []
        var note = try proof.object("checkpoint")
        checkpoint = try SignedCheckpoint(parsing: Array(try note.string("envelope", maxBytes: 1 << 16).utf8))
    }

    func flaw(
        _ content: SigstoreBundle.Content,
        signed: [UInt8],
        signature: [UInt8],
        logs: [NoteKey]
    ) throws(ParseError) -> String? {
        if let flaw = try bodyFlaw(content, signed: signed, signature: signature) { return flaw }
        guard checkpoint.checkpoint.root == root, checkpoint.checkpoint.size == size else {
            return "the checkpoint is of another tree"
        }
        guard
            MerkleTree.verifyInclusion(
                leaf: MerkleTree.leafHash(body),
                index: index,
                size: size,
                proof: hashes,
                root: root
            )
        else { return "the entry is not in the tree" }
        let known = logs.filter { $0.name == checkpoint.checkpoint.origin }
        guard known.isEmpty || (try? checkpoint.note.verify(known)) != nil else { return "the log has not signed" }
        return nil
    }

    /// What was logged must be what is shown: another signature of the same file is another event.
    private func bodyFlaw(
        _ content: SigstoreBundle.Content,
        signed: [UInt8],
        signature: [UInt8]
    ) throws(ParseError) -> String? {
        var reader = try JSONReader(try JSONValue(parsing: body, limits: .sigstore), "body")
        var spec = try reader.object("spec")
        let logged: (digest: Digest, signature: [UInt8])
        let shown: Digest
        switch (kind, content) {
        case ("hashedrekord/0.0.1", .message):
            var data = try spec.object("data")
            var hash = try data.object("hash")
            try hash.constant("algorithm", "sha256")
            var made = try spec.object("signature")
            logged = (try Digest(hex: try hash.string("value")), try Self.base64("content", &made))
            shown = SHA256.hash(signed)
        case ("hashedrekord/0.0.2", _):
            var record = try spec.object("hashedRekordV002")
            var data = try record.object("data")
            try data.constant("algorithm", "SHA2_256")
            var made = try record.object("signature")
            logged = (try Digest(try Self.base64("digest", &data)), try Self.base64("content", &made))
            shown = SHA256.hash(signed)
        case ("dsse/0.0.1", .envelope(let envelope)):
            var hash = try spec.object("payloadHash")
            try hash.constant("algorithm", "sha256")
            guard let first = try spec.array("signatures", max: 1).first else { return "no logged signature" }
            var made = try JSONReader(first, "signatures[0]")
            logged = (try Digest(hex: try hash.string("value")), try Self.base64("signature", &made))
            shown = SHA256.hash(envelope.payload)
        case ("intoto/0.0.2", .envelope(let envelope)):
            var logContent = try spec.object("content")
            var hash = try logContent.object("payloadHash")
            try hash.constant("algorithm", "sha256")
            var inner = try logContent.object("envelope")
            guard let first = try inner.array("signatures", max: 1).first else { return "no logged signature" }
            var made = try JSONReader(first, "signatures[0]")
            // The log holds the base 64 text of the envelope's base 64 text.
            let text = try Self.base64("sig", &made)
            logged = (
                try Digest(hex: try hash.string("value")),
                try Base64.decode(String(decoding: text, as: UTF8.self), field: "sig")
            )
            shown = SHA256.hash(envelope.payload)
        default: return "an entry of kind \(kind), which does not log this content"
        }
        guard logged.digest == shown else { return "the log holds another content" }
        return logged.signature == signature ? nil : "the log holds another signature"
    }

    private static func base64(_ name: String, _ reader: inout JSONReader) throws(ParseError) -> [UInt8] {
        try Base64.decode(try reader.string(name, maxBytes: 1 << 16), field: reader.path(name))
    }
}
