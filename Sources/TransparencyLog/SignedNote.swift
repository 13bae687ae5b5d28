// Signed notes (c2sp.org/signed-note): a text, an empty line, and one line for each signature. A note has exactly one byte
// string, and a signature covers exactly the bytes of the text.
public import Codecs

/// A parsed note. That it parses says nothing about its signatures: see `verify(_:)`.
public struct SignedNote: Sendable, Equatable {
    /// One signature line.
    public struct Signature: Hashable, Sendable {
        /// The key's name.
        public let name: String
        /// The key's identifier: the first four bytes of a hash over name, algorithm and key.
        public let keyID: UInt32
        /// What the algorithm gave, for cosignatures with the time before it.
        public let bytes: [UInt8]

        /// A signature from its parts.
        public init(name: String, keyID: UInt32, bytes: [UInt8]) {
            self.name = name
            self.keyID = keyID
            self.bytes = bytes
        }

        /// The line with its newline.
        public var line: String {
            var payload: [UInt8] = []
            payload.appendBigEndian(keyID)
            return "\u{2014} \(name) \(Base64.encode(payload + bytes))\n"
        }
    }

    /// The longest note that is read, in bytes.
    public static let maxBytes = 1 << 20
    /// The most signature lines.
    public static let maxSignatures = 100

    /// The text with its final newline: what is signed.
    public let text: String
    /// The signature lines in order.
    public var signatures: [Signature]

    /// A note from a text.
    /// - Throws: `ParseError` for a text that is empty, does not end in a newline or holds control characters.
    public init(text: String, signatures: [Signature] = []) throws(ParseError) {
        guard text.utf8.last == 0x0a, !text.utf8.contains(where: { $0 < 0x20 && $0 != 0x0a || $0 == 0x7f }) else {
            throw ParseError(field: "text", expected: "lines without control characters", actual: "other bytes")
        }
        self.text = text
        self.signatures = signatures
    }

    /// Reads a note.
    ///
    /// Refused: text that is not UTF-8, control characters, no signature, more than `maxSignatures`, names with spaces or `+`,
    /// base 64 in any but its one form, anything after the last signature line.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= Self.maxBytes else {
            throw ParseError(field: "note", expected: "at most \(Self.maxBytes) bytes", actual: "\(bytes.count)")
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw ParseError(field: "note", expected: "UTF-8", actual: "other bytes")
        }
        // The last empty line divides: a text may hold empty lines of its own, a signature block may not.
        guard let split = (0..<max(0, bytes.count - 1)).last(where: { bytes[$0] == 0x0a && bytes[$0 + 1] == 0x0a })
        else {
            throw ParseError(field: "note", expected: "an empty line before the signatures", actual: "none")
        }
        let block = bytes[(split + 2)...]
        guard block.last == 0x0a else {
            throw ParseError(
                field: "signatures",
                expected: "lines that end in a newline",
                actual: "\(block.count) bytes"
            )
        }
        var signatures: [Signature] = []
        for line in block.dropLast().split(separator: 0x0a, omittingEmptySubsequences: false) {
            let field = "signatures[\(signatures.count)]"
            guard signatures.count < Self.maxSignatures else {
                throw ParseError(field: field, expected: "at most \(Self.maxSignatures) signatures", actual: "more")
            }
            signatures.append(try Self.signature(String(decoding: line, as: UTF8.self), field))
        }
        try self.init(text: String(decoding: bytes[...split], as: UTF8.self), signatures: signatures)
    }

    private static func signature(_ line: String, _ field: String) throws(ParseError) -> Signature {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "\u{2014}", NoteKey.isValid(name: parts[1]) else {
            throw ParseError(field: field, expected: "an em dash, a key name and base64", actual: line)
        }
        let payload = try Base64.decode(parts[2], field: field)
        guard payload.count >= 5, Base64.encode(payload) == parts[2] else {
            throw ParseError(field: field, expected: "canonical base64 of at least 5 bytes", actual: String(parts[2]))
        }
        let keyID = payload.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        return Signature(name: String(parts[1]), keyID: keyID, bytes: Array(payload.dropFirst(4)))
    }

    /// The note's bytes.
    public var bytes: [UInt8] {
        Array((text + "\n" + signatures.map(\.line).joined()).utf8)
    }

    /// What a set of keys says about a note.
    public struct Verification: Sendable, Equatable {
        /// The keys that signed, each once, in the order of their signatures.
        public var verified: [(key: NoteKey, signature: Signature)]
        /// Signatures of keys that were not given, each once.
        public var unknown: [Signature]

        public static func == (left: Verification, right: Verification) -> Bool {
            left.verified.map(\.key) == right.verified.map(\.key) && left.unknown == right.unknown
        }
    }

    /// Checks the signatures of `keys`; those of other keys are passed over, as the format demands.
    /// - Throws: `NoteError` when two keys share name and identifier, when a signature of a known key is not valid (such a note
    ///   is malformed as a whole), and when no known key signed.
    public func verify(_ keys: [NoteKey]) throws(NoteError) -> Verification {
        var known: [String: NoteKey] = [:]
        for key in keys {
            let place = "\(key.keyID) \(key.name)"
            if known.updateValue(key, forKey: place) != nil { throw .ambiguousKey(name: key.name) }
        }
        var result = Verification(verified: [], unknown: [])
        var seen: Set<String> = []
        for signature in signatures {
            let place = "\(signature.keyID) \(signature.name)"
            guard let key = known[place] else {
                if !result.unknown.contains(signature) { result.unknown.append(signature) }
                continue
            }
            guard seen.insert(place).inserted else { continue }
            guard key.isValid(signature, for: text) else { throw .badSignature(name: key.name) }
            result.verified.append((key, signature))
        }
        guard !result.verified.isEmpty else { throw .unsigned }
        return result
    }
}

/// Why a note is not believed.
public enum NoteError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Two of the given keys have the same name and identifier.
    case ambiguousKey(name: String)
    /// A signature line of a known key does not verify.
    case badSignature(name: String)
    /// No given key signed.
    case unsigned

    public var description: String {
        switch self {
        case .ambiguousKey(let name): "two keys are called '\(name)' and share an identifier"
        case .badSignature(let name): "the signature of '\(name)' is not valid"
        case .unsigned: "no trusted key signed the note"
        }
    }
}
