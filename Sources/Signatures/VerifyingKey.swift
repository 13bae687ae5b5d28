// Public keys: Ed25519 (RFC 8032), which Assay makes, and P-256 with ES256 (RFC 7518 §3.4), which hardware has.

internal import COpenSSL
public import Codecs

/// A public key that signatures are checked with.
public struct VerifyingKey: Hashable, Sendable, CustomStringConvertible {
    /// How a key signs. The raw value is the prefix of its text form.
    public enum Algorithm: String, Sendable, CaseIterable {
        /// Ed25519, RFC 8032 §5.1.
        case ed25519
        /// ECDSA on P-256 with SHA-256; the signature is r ‖ s, 64 bytes.
        case es256

        /// What the text form begins with.
        var prefix: String {
            switch self {
            case .ed25519: "ed25519:"
            case .es256: "es256:"
            }
        }

        /// The length of the key in bytes, by which the two are told apart.
        var keyBytes: Int {
            switch self {
            case .ed25519: 32
            case .es256: 33
            }
        }
    }

    /// How the key signs.
    public let algorithm: Algorithm
    /// Ed25519: the encoded point, RFC 8032 §5.1.2. ES256: the compressed point, SEC 1 §2.3.3.
    public let bytes: [UInt8]

    /// Takes an encoded point: 32 bytes for Ed25519, 33 for ES256.
    ///
    /// Refused: the Ed25519 points of small order, under which one signature holds for many messages, and P-256 points
    /// that are not on the curve. Whether another Ed25519 point is on its curve shows when a signature is checked.
    public init(bytes: [UInt8], field: @autoclosure () -> String = "key") throws(ParseError) {
        switch bytes.count {
        case Algorithm.ed25519.keyBytes:
            algorithm = .ed25519
            guard !Ed25519SmallOrder.contains(bytes) else {
                throw ParseError(field: field(), expected: "a point of large order", actual: Hex.encode(bytes))
            }
        case Algorithm.es256.keyBytes:
            algorithm = .es256
            guard P256.isPoint(bytes) else {
                throw ParseError(field: field(), expected: "a compressed point on P-256", actual: Hex.encode(bytes))
            }
        default:
            throw ParseError(field: field(), expected: "32 or 33 bytes", actual: "\(bytes.count) bytes")
        }
        self.bytes = bytes
    }

    /// Reads the text form: `ed25519:` and 64 hexadecimal digits, or `es256:` and 66.
    public init(text: String, field: @autoclosure () -> String = "key") throws(ParseError) {
        for algorithm in Algorithm.allCases where text.hasPrefix(algorithm.prefix) {
            let digits = text.utf8.dropFirst(algorithm.prefix.utf8.count)
            let bytes = try Hex.decode(Substring(digits), count: algorithm.keyBytes, field: field())
            try self.init(bytes: bytes, field: field())
            return
        }
        throw ParseError(
            field: field(),
            expected: "'ed25519:' and 64 hexadecimal digits, or 'es256:' and 66",
            actual: text
        )
    }

    /// The algorithm's name, a colon, and the bytes in hexadecimal.
    public var text: String { algorithm.prefix + Hex.encode(bytes) }
    public var description: String { text }

    /// Whether `signature` is this key's signature of exactly `message`.
    ///
    /// An Ed25519 key that is met again and again gets a `PreparedVerifyingKey`; the answer is OpenSSL's either way. With
    /// ES256 `n − s` is as good as `s`: the bytes of a signature identify nothing.
    public func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
        guard signature.count == 64 else { return false }
        if algorithm == .ed25519, let prepared = PreparedKeys.table(for: self) {
            return prepared.isValid(signature: signature, for: message)
        }
        return isValidByLibrary(signature: signature, for: message)
    }

    /// The same answer from OpenSSL alone, whatever has been prepared.
    public func isValidByLibrary(signature: [UInt8], for message: [UInt8]) -> Bool {
        guard signature.count == 64 else { return false }
        switch algorithm {
        case .ed25519: return isValidEd25519(signature, message)
        case .es256: return P256.isValid(signature, message: message, point: bytes)
        }
    }

    private func isValidEd25519(_ signature: [UInt8], _ message: [UInt8]) -> Bool {
        guard let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count) else {
            ERR_clear_error()
            return false
        }
        defer { EVP_PKEY_free(key) }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        defer { ERR_clear_error() }
        guard EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

/// The encodings, canonical and not, of the eight points whose order divides 8.
private enum Ed25519SmallOrder {
    /// The y coordinates in hexadecimal: 0, 1, the two of order 8, p − 1, and p and p + 1, which are 0 and 1 again.
    private static let coordinates = [
        String(repeating: "00", count: 32),
        "01" + String(repeating: "00", count: 31),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + String(repeating: "ff", count: 30) + "7f",
        "ed" + String(repeating: "ff", count: 30) + "7f",
        "ee" + String(repeating: "ff", count: 30) + "7f",
    ]
    private static let encodings = coordinates.compactMap { try? Hex.decode($0) }

    static func contains(_ bytes: [UInt8]) -> Bool {
        // The top bit is the sign of x and not part of y.
        encodings.contains { encoding in
            encoding[31] == bytes[31] & 0x7f && encoding[..<31] == bytes[..<31]
        }
    }
}
