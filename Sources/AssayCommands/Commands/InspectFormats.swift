// What `assay inspect` knows besides documents in JSON and bundles: CBOR, COSE, notes, checkpoints, proofs and tiles.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Signatures
internal import TransparencyLog

enum InspectFormats {
    /// The bytes decoded by the first format that fits; `nil` when none does.
    /// - Parameter path: the file's name: tiles have no mark of their own and are known by their place alone.
    static func decode(_ bytes: [UInt8], path: String) throws(ParseError) -> (kind: String, value: JSONValue)? {
        if let tile = tilePath(path) { return try decode(tile, bytes) }
        if let text = String(validating: bytes, as: UTF8.self) {
            if text.hasPrefix("c2sp.org/tlog-proof") { return ("tlog-proof", proof(try LogProof(parsing: bytes))) }
            if text.contains("\n\n\u{2014} ") { return try note(bytes) }
        }
        // Whole files only, and a lone small integer is rather text than CBOR.
        guard let first = bytes.first, first >= 0x80, let item = try? CBORItem(parsing: bytes, .tolerant) else {
            return nil
        }
        if bytes[0] == 0xd2 || bytes[0] == 0x84, let message = try? COSESign1(item) {
            return ("cose-sign1", try cose(message, bytes))
        }
        return ("cbor", diagnostic(item))
    }

    // MARK: CBOR

    private static func cose(_ message: COSESign1, _ bytes: [UInt8]) throws(ParseError) -> JSONValue {
        var object: JSONObject = [
            "algorithm": .string(message.algorithmText), "protected": diagnostic(message.protectedHeader),
            "unprotected": diagnostic(message.unprotectedHeader),
            "signature": .string("h'\(Hex.encode(message.signature))'"),
        ]
        if let statement = try? COSEStatement.json(parsing: bytes) {
            object["payload"] = statement
        } else if let payload = message.payload {
            let inner = try? CBORItem(parsing: payload, .tolerant)
            object["payload"] = inner.map(diagnostic) ?? .string("h'\(Hex.encode(payload))'")
        } else {
            object["payload"] = .null
        }
        return .object(object)
    }

    /// An item in words that JSON has: bytes as `h'…'`, keys as text, tags as objects.
    static func diagnostic(_ item: CBORItem) -> JSONValue {
        switch item.content {
        case .unsigned, .negative: item.integer.map { .integer($0) } ?? .string(word(item))
        case .text(let text): .string(text)
        case .bytes, .float, .simple, .undefined: .string(word(item))
        case .bool(let value): .bool(value)
        case .null: .null
        case .array(let elements): .array(elements.map(diagnostic))
        case .map(let entries): .object(JSONObject(entries.map { (word($0.key), diagnostic($0.value)) }))
        case .tagged(let tag, let inner): .object(["tag": .string(String(tag)), "value": diagnostic(inner)])
        }
    }

    private static func word(_ item: CBORItem) -> String {
        switch item.content {
        case .unsigned(let value): String(value)
        case .negative(let value): value == .max ? "-18446744073709551616" : "-\(value + 1)"
        case .bytes(let bytes): "h'\(Hex.encode(bytes))'"
        case .text(let text): text
        case .float(let value): "\(value)"
        case .simple(let value): "simple(\(value))"
        case .bool(let value): "\(value)"
        case .null: "null"
        case .undefined: "undefined"
        case .array, .map, .tagged: "h'\(Hex.encode(item.encoding))'"
        }
    }

    // MARK: Logs

    private static func note(_ bytes: [UInt8]) throws(ParseError) -> (kind: String, value: JSONValue) {
        if let signed = try? SignedCheckpoint(parsing: bytes) { return ("checkpoint", checkpoint(signed)) }
        let note = try SignedNote(parsing: bytes)
        return ("note", .object(["text": .string(note.text), "signatures": signatures(note)]))
    }

    private static func checkpoint(_ signed: SignedCheckpoint) -> JSONValue {
        .object([
            "origin": .string(signed.checkpoint.origin),
            "size": .string(String(signed.checkpoint.size)),
            "root": .string(signed.checkpoint.root.hex),
            "extensions": .array(signed.checkpoint.extensions.map { .string($0) }),
            "signatures": signatures(signed.note),
        ])
    }

    private static func signatures(_ note: SignedNote) -> JSONValue {
        .array(
            note.signatures.map { signature in
                var keyID: [UInt8] = []
                keyID.appendBigEndian(signature.keyID)
                return .object([
                    "name": .string(signature.name), "keyId": .string(Hex.encode(keyID)),
                    "bytes": .integer(signature.bytes.count),
                ])
            }
        )
    }

    private static func proof(_ proof: LogProof) -> JSONValue {
        var object: JSONObject = [
            "index": .string(String(proof.index)), "path": .array(proof.path.map { .string($0.hex) }),
            "checkpoint": checkpoint(proof.checkpoint),
        ]
        if let extra = proof.extra { object["extra"] = .string("h'\(Hex.encode(extra))'") }
        return .object(object)
    }

    /// The end of a path that names a tile.
    private static func tilePath(_ path: String) -> TilePath? {
        let parts = path.split(separator: "/")
        guard let start = parts.lastIndex(of: "tile") else { return nil }
        return try? TilePath(text: parts[start...].joined(separator: "/"))
    }

    private static func decode(_ tile: TilePath, _ bytes: [UInt8]) throws(ParseError) -> (String, JSONValue) {
        guard let level = tile.level else {
            let entries = try EntryBundle.decode(bytes, count: tile.width)
            return (
                "entry-bundle",
                .object([
                    "index": .string(String(tile.index)),
                    "entries": .array(
                        entries.map { entry in
                            .object([
                                "bytes": .integer(entry.count), "leafHash": .string(MerkleTree.leafHash(entry).hex),
                            ])
                        }
                    ),
                ])
            )
        }
        var reader = ByteReader(bytes)
        var hashes: [JSONValue] = []
        for _ in 0..<tile.width { hashes.append(.string(try Digest(try reader.read(32, "tile"), field: "tile").hex)) }
        try reader.finish("tile")
        return (
            "tile",
            .object([
                "level": .integer(level), "index": .string(String(tile.index)), "hashes": .array(hashes),
            ])
        )
    }
}
