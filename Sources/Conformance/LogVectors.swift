// Transparency logs as they are published: notes, a whole small log, a split view, proofs and policies.
public import Codecs
internal import Commitments
internal import TransparencyLog
public import Verdicts

/// Family `tlog`.
public struct LogVectors: VectorFamily {
    public let name = "tlog"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        switch file.path {
        case "tlog-proof-malformed.json": return try malformedProofs(file)
        case "notes/x-mod-note-cases.json": return try noteCases(file)
        case _ where file.path.hasPrefix("notes/"): return [try note(file)]
        case _ where file.path.hasPrefix("policy/"):
            let policy = try LogPolicy(parsing: file.bytes)
            return [file.check("", policy.quorum != nil, expected: "a quorum", actual: "none")]
        case _ where file.path.hasPrefix("tessera-log/checkpoint"): return [try checkpoint(file)]
        case _ where file.path.hasPrefix("tessera-log/tile/"): return [try tile(file)]
        case "tessera-log/log.vkey":
            let key = try NoteKey(text: Self.text(file.bytes))
            return [file.check("", true, expected: file.expected, actual: key.text)]
        case "sunlight/mirror-checkpoint": return [try splitView(file)]
        case "sunlight/witness-checkpoint":
            let signed = try SignedCheckpoint(parsing: file.bytes)
            let isCosigned = Self.isSigned(signed.note, by: try Self.key(file, "witness"))
            return [file.check("", isCosigned, expected: "cosigned by the witness", actual: "not cosigned")]
        case _ where file.path.hasPrefix("sunlight/mirror-tile"): return [try mirrorTile(file)]
        case "sunlight/mirror.v0.json", "sunlight/witness.v0.json":
            let key = try Self.key(file, file.path.contains("mirror") ? "mirror" : "witness")
            return [file.check("", key.algorithm == .cosignature, expected: "a cosigner's key", actual: key.text)]
        case "navigli/tile-0-003.p-10":
            return [file.skip("", "the full tile of which it is the beginning is not published")]
        case _ where file.path.hasPrefix("navigli/"):
            return [file.skip("", "the root of 1024 leaves needs tile 003, which is not published")]
        default: return [file.skip("", "an ECDSA key of signature type 5, which is passed over here")]
        }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline })
    }

    private static func isSigned(_ note: SignedNote, by key: NoteKey) -> Bool {
        (try? note.verify([key])) != nil
    }

    private static func other(_ file: VectorFile, _ path: String) throws(ParseError) -> [UInt8] {
        try file.sibling(path)
    }

    /// The key in the description of the sunlight witness or mirror.
    private static func key(_ file: VectorFile, _ name: String) throws(ParseError) -> NoteKey {
        var reader = try JSONReader(try JSONValue(parsing: try other(file, "sunlight/\(name).v0.json")))
        guard case .string(let text)? = try reader.array("verifier_keys", max: 8).first else {
            throw ParseError(field: "verifier_keys", expected: "a key", actual: "none")
        }
        return try NoteKey(text: text)
    }

    /// The manifest says under which key a note is valid.
    private func note(_ file: VectorFile) throws(ParseError) -> Check {
        let key = try NoteKey(text: file.expected.split(separator: " ").last.map(String.init) ?? "")
        let note = try SignedNote(parsing: file.bytes)
        let isGood = note.bytes == file.bytes && Self.isSigned(note, by: key)
        return file.check("", isGood, expected: file.expected, actual: "not valid")
    }

    private func noteCases(_ file: VectorFile) throws(ParseError) -> [Check] {
        var reader = try JSONReader(try JSONValue(parsing: file.bytes))
        var checks: [Check] = []
        for (index, row) in try reader.array("cases", max: 1000).enumerated() {
            var row = try JSONReader(row, "cases[\(index)]")
            let message = try Base64.decode(try row.string("msg_base64", maxBytes: 1 << 20))
            let keys = try row.array("vkeys", max: 100) { value, field throws(ParseError) in
                guard case .string(let text) = value else {
                    throw ParseError(field: field, expected: "a key", actual: value.typeName)
                }
                return try NoteKey(text: text, field: field)
            }
            let expected = try row.string("expected")
            let isAccepted = (try? SignedNote(parsing: message).verify(keys)) != nil
            let isRight = isAccepted == expected.hasPrefix("accept")
            checks.append(
                file.check("cases/\(index)", isRight, expected: expected, actual: isAccepted ? "accept" : "reject")
            )
        }
        for (index, value) in try reader.array("bad_vkeys", max: 1000).enumerated() {
            guard case .string(let text) = value else { continue }
            let isRefused = (try? NoteKey(text: text)) == nil
            checks.append(file.check("bad_vkeys/\(index)", isRefused, expected: "reject", actual: "accept"))
        }
        return checks
    }

    private func malformedProofs(_ file: VectorFile) throws(ParseError) -> [Check] {
        guard case .array(let texts) = try JSONValue(parsing: file.bytes) else {
            throw ParseError(field: "", expected: "an array", actual: "another value")
        }
        return texts.enumerated().map { index, value in
            guard case .string(let text) = value else {
                return file.check("\(index)", false, expected: "text", actual: value.typeName)
            }
            let isRefused = (try? LogProof(parsing: Array(text.utf8))) == nil
            return file.check("\(index)", isRefused, expected: "reject", actual: "accept")
        }
    }

    /// A checkpoint of the small log: signed, and its root comes out of the last bundle.
    private func checkpoint(_ file: VectorFile) throws(ParseError) -> Check {
        let key = try NoteKey(text: Self.text(try Self.other(file, "tessera-log/log.vkey")))
        let signed = try SignedCheckpoint(parsing: file.bytes)
        let entries = try EntryBundle.decode(try Self.other(file, "tessera-log/tile/entries/000.p/15"), count: 15)
        let leaves = entries.prefix(Int(min(15, signed.checkpoint.size))).map { MerkleTree.leafHash($0) }
        let root = MerkleTree.root(ofLeafHashes: leaves)
        let isGood = Self.isSigned(signed.note, by: key) && root == signed.checkpoint.root
        return file.check("", isGood, expected: signed.checkpoint.root.hex, actual: root.hex)
    }

    /// A partial tile or bundle of the small log, under its published path.
    private func tile(_ file: VectorFile) throws(ParseError) -> Check {
        let path = try TilePath(text: String(file.path.dropFirst("tessera-log/".count)))
        let bundle = try Self.other(file, "tessera-log/tile/entries/000.p/15")
        let entries = Array(try EntryBundle.decode(bundle, count: 15).prefix(path.width))
        let isTile = path.level != nil
        let expected = isTile ? entries.flatMap { MerkleTree.leafHash($0).bytes } : EntryBundle.encode(entries)
        return file.check("", file.bytes == expected, expected: "what its entries give", actual: "other bytes")
    }

    /// Witness and mirror hold valid cosignatures of two trees of one size.
    private func splitView(_ file: VectorFile) throws(ParseError) -> Check {
        let mirrored = try SignedCheckpoint(parsing: file.bytes)
        let witnessed = try SignedCheckpoint(parsing: try Self.other(file, "sunlight/witness-checkpoint"))
        let isCosigned = Self.isSigned(mirrored.note, by: try Self.key(file, "mirror"))
        let comparison = ViewComparison.compare(mirrored.checkpoint, witnessed.checkpoint)
        let isGood = isCosigned && comparison == .splitView(size: mirrored.checkpoint.size)
        return file.check("", isGood, expected: "a split view", actual: "\(comparison)")
    }

    /// The mirror's tiles give the mirror's root.
    private func mirrorTile(_ file: VectorFile) throws(ParseError) -> Check {
        let mirrored = try SignedCheckpoint(parsing: try Self.other(file, "sunlight/mirror-checkpoint"))
        let leaves =
            try Self.other(file, "sunlight/mirror-tile-0-000") + Self.other(file, "sunlight/mirror-tile-0-001.p-44")
        guard leaves.count == 300 * Digest.count else {
            throw ParseError(field: "tiles", expected: "300 hashes", actual: "\(leaves.count) bytes")
        }
        var hashes: [Digest] = []
        for index in 0..<300 { hashes.append(try Digest(leaves[32 * index..<32 * index + 32])) }
        var root = MerkleTree.root(ofLeafHashes: hashes)
        var expected = mirrored.checkpoint.root
        if file.path.contains("tile-1") {
            root = MerkleTree.root(ofLeafHashes: Array(hashes.prefix(TilePath.fullWidth)))
            expected = try Digest(file.bytes)
        }
        return file.check("", root == expected, expected: expected.hex, actual: root.hex)
    }
}
