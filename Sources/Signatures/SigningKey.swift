// Private keys and what they sign: Ed25519 (RFC 8032) and, for keys like those of hardware, ES256, through OpenSSL 3.

internal import COpenSSL
public import Codecs

/// Why a key operation could not be done.
public enum KeyError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The bytes or the text are not a key of the wanted kind.
    case malformed(ParseError)
    /// OpenSSL refused an operation that should always succeed (no memory, no entropy, no provider).
    case library(operation: String, detail: String)

    public var description: String {
        switch self {
        case .malformed(let error): error.description
        case .library(let operation, let detail): "OpenSSL could not \(operation): \(detail)"
        }
    }
}

/// A private key, held by OpenSSL and wiped by it when the last reference goes.
public final class SigningKey: Sendable {
    private nonisolated(unsafe) let key: OpaquePointer
    /// The public half.
    public let verifyingKey: VerifyingKey

    private init(owning key: OpaquePointer) throws(KeyError) {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        // X25519 keys have 32 bytes too.
        if EVP_PKEY_get_id(key) != EVP_PKEY_ED25519 || EVP_PKEY_get_raw_public_key(key, &bytes, &count) != 1 {
            guard let point = P256.point(of: key) else {
                EVP_PKEY_free(key)
                let expected = "an Ed25519 key or one of P-256"
                throw .malformed(ParseError(field: "key", expected: expected, actual: "another kind of key"))
            }
            bytes = point
        }
        self.key = key
        do throws(ParseError) {
            self.verifyingKey = try VerifyingKey(bytes: bytes)
        } catch {
            EVP_PKEY_free(key)
            throw .malformed(error)
        }
    }

    deinit {
        EVP_PKEY_free(key)
    }

    /// Makes a new key from OpenSSL's random source.
    public static func generate(_ algorithm: VerifyingKey.Algorithm = .ed25519) throws(KeyError) -> SigningKey {
        switch algorithm {
        case .ed25519: try SigningKey(seed: Random.bytes(32))
        case .es256: try SigningKey(owning: P256.generate())
        }
    }

    /// The Ed25519 key whose 32-byte RFC 8032 private key is `seed`.
    public convenience init(seed: [UInt8]) throws(KeyError) {
        guard seed.count == 32 else {
            throw .malformed(ParseError(field: "seed", expected: "32 bytes", actual: "\(seed.count) bytes"))
        }
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else {
            throw .library(operation: "make an Ed25519 key", detail: LibraryErrors.drain())
        }
        try self.init(owning: key)
    }

    /// Reads an unencrypted PKCS #8 key in PEM (RFC 8410 §7; RFC 5915 for P-256).
    public convenience init(pem: [UInt8]) throws(KeyError) {
        guard pem.count <= 16384 else {
            throw .malformed(ParseError(field: "key", expected: "a PEM file", actual: "\(pem.count) bytes"))
        }
        // The buffer keeps a pointer into the bytes, so it must not outlive this closure. The callback answers "no
        // passphrase", so that OpenSSL never asks on the terminal.
        let key: OpaquePointer? = pem.withUnsafeBytes { bytes in
            guard let bio = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return nil }
            defer { BIO_free(bio) }
            return PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil)
        }
        guard let key else {
            let detail = LibraryErrors.drain()
            throw .malformed(
                ParseError(field: "key", expected: "an unencrypted PKCS #8 private key in PEM", actual: detail)
            )
        }
        try self.init(owning: key)
    }

    /// The key as unencrypted PKCS #8 in PEM. Store it where only its owner can read it.
    public func pem() throws(KeyError) -> [UInt8] {
        guard let bio = BIO_new(BIO_s_secmem()) else {
            throw .library(operation: "allocate a buffer", detail: LibraryErrors.drain())
        }
        defer { BIO_free(bio) }
        guard PEM_write_bio_PKCS8PrivateKey(bio, key, nil, nil, 0, nil, nil) == 1 else {
            throw .library(operation: "write the key", detail: LibraryErrors.drain())
        }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = BIO_read(bio, &bytes, Int32(bytes.count))
        guard count > 0 else { throw .library(operation: "read the key back", detail: LibraryErrors.drain()) }
        return Array(bytes.prefix(Int(count)))
    }

    /// The 64-byte signature of `message`: RFC 8032 §5.1.6, deterministic, or ES256, another one every time.
    public func signature(for message: [UInt8]) throws(KeyError) -> [UInt8] {
        if verifyingKey.algorithm == .es256 { return try P256.signature(message, with: key) }
        guard let context = EVP_MD_CTX_new() else {
            throw .library(operation: "allocate a context", detail: LibraryErrors.drain())
        }
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: 64)
        var count = signature.count
        guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1,
            EVP_DigestSign(context, &signature, &count, message, message.count) == 1, count == 64
        else { throw .library(operation: "sign", detail: LibraryErrors.drain()) }
        return signature
    }
}
