// The keys of signed notes in their text form (c2sp.org/signed-note, "Verifier keys"; c2sp.org/tlog-cosignature).
public import Codecs
internal import Commitments
public import Signatures

/// A public key with the name and the algorithm under which its signatures count.
public struct NoteKey: Hashable, Sendable, CustomStringConvertible {
    /// The algorithms that are checked, by their signature type byte.
    public enum Algorithm: UInt8, Sendable {
        /// Ed25519 over the text.
        case ed25519 = 0x01
        /// A time and Ed25519 over the time and the text: a witness's cosignature.
        case cosignature = 0x04
    }

    /// The name, usually a URL without a scheme.
    public let name: String
    /// How it signs.
    public let algorithm: Algorithm
    /// The key.
    public let key: VerifyingKey

    /// Names a key.
    /// - Throws: `ParseError` for a name that is empty or holds white space or `+`, and for a key that is not Ed25519.
    public init(name: String, algorithm: Algorithm, key: VerifyingKey) throws(ParseError) {
        guard Self.isValid(name: name) else {
            throw ParseError(field: "name", expected: "a name without spaces and '+'", actual: name)
        }
        guard key.algorithm == .ed25519 else {
            throw ParseError(field: "key", expected: "an Ed25519 key", actual: key.text)
        }
        self.name = name
        self.algorithm = algorithm
        self.key = key
    }

    /// Reads the text form `name+identifier+base64`.
    /// - Throws: `ParseError` for another algorithm than those above and for an identifier that is not the key's.
    public init(text: String, field: String = "vkey") throws(ParseError) {
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, text.utf8.count <= 1024 else {
            throw ParseError(field: field, expected: "'NAME+ID+KEY'", actual: text)
        }
        let stated = try Hex.decode(parts[1], count: 4, field: field)
        let payload = try Base64.decode(parts[2], field: field)
        guard Base64.encode(payload) == parts[2], let type = payload.first, payload.count == 33 else {
            throw ParseError(field: field, expected: "canonical base64 of 33 bytes", actual: String(parts[2]))
        }
        guard let algorithm = Algorithm(rawValue: type) else {
            throw ParseError(field: field, expected: "signature type 1 or 4", actual: "\(type)")
        }
        let key = try VerifyingKey(bytes: Array(payload.dropFirst()), field: field)
        try self.init(name: String(parts[0]), algorithm: algorithm, key: key)
        guard keyID == stated.reduce(UInt32(0), { $0 << 8 | UInt32($1) }) else {
            throw ParseError(field: field, expected: "identifier \(keyIDText)", actual: String(parts[1]))
        }
    }

    /// The first four bytes of SHA-256(name ‖ newline ‖ type ‖ key).
    public var keyID: UInt32 {
        let digest = SHA256.hash(Array(name.utf8) + [0x0a, algorithm.rawValue] + key.bytes)
        return digest.bytes.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    }

    private var keyIDText: String {
        var bytes: [UInt8] = []
        bytes.appendBigEndian(keyID)
        return Hex.encode(bytes)
    }

    /// The text form.
    public var text: String {
        "\(name)+\(keyIDText)+\(Base64.encode([algorithm.rawValue] + key.bytes))"
    }
    public var description: String { text }

    /// Whether `signature` is this key's signature of `text`.
    public func isValid(_ signature: SignedNote.Signature, for text: String) -> Bool {
        guard signature.name == name, signature.keyID == keyID else { return false }
        switch algorithm {
        case .ed25519:
            return key.isValid(signature: signature.bytes, for: Array(text.utf8))
        case .cosignature:
            guard let time = Self.cosignatureTime(signature) else { return false }
            return key.isValid(
                signature: Array(signature.bytes.dropFirst(8)),
                for: Self.cosignedMessage(text: text, time: time)
            )
        }
    }

    /// The seconds since 1970 that stand before a cosignature; `nil` when the signature is no cosignature's length or the time
    /// exceeds 2^63 − 1.
    public static func cosignatureTime(_ signature: SignedNote.Signature) -> Int64? {
        guard signature.bytes.count == 72 else { return nil }
        return Int64(exactly: signature.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    static func cosignedMessage(text: String, time: Int64) -> [UInt8] {
        Array("cosignature/v1\ntime \(time)\n\(text)".utf8)
    }

    /// Whether a key or a log can have this name: not empty, without white space of any kind and without `+`.
    public static func isValid(name: some StringProtocol) -> Bool {
        !name.isEmpty && !name.unicodeScalars.contains { $0.properties.isWhitespace || $0 == "+" }
            && !name.utf8.contains { $0 < 0x20 || $0 == 0x7f }
    }
}

/// A key that signs notes.
public struct NoteSigner: Sendable {
    /// The public half.
    public let key: NoteKey
    private let signingKey: SigningKey

    /// Gives a signing key a name and an algorithm.
    ///
    /// A cosignature does not bind the cosigner's name: use one key for each cosigner.
    public init(name: String, algorithm: NoteKey.Algorithm, key: SigningKey) throws(ParseError) {
        self.key = try NoteKey(name: name, algorithm: algorithm, key: key.verifyingKey)
        signingKey = key
    }

    /// Signs a note's text.
    /// - Parameter time: seconds since 1970, for cosignatures; it must not be zero.
    public func sign(_ note: SignedNote, time: Int64 = 0) throws(KeyError) -> SignedNote.Signature {
        switch key.algorithm {
        case .ed25519:
            let bytes = try signingKey.signature(for: Array(note.text.utf8))
            return SignedNote.Signature(name: key.name, keyID: key.keyID, bytes: bytes)
        case .cosignature:
            precondition(time > 0, "a cosignature states its time")
            var bytes: [UInt8] = []
            bytes.appendBigEndian(UInt64(time))
            bytes += try signingKey.signature(for: NoteKey.cosignedMessage(text: note.text, time: time))
            return SignedNote.Signature(name: key.name, keyID: key.keyID, bytes: bytes)
        }
    }
}
