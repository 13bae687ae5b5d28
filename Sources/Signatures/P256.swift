// ECDSA on P-256 with SHA-256 through OpenSSL's EC layer: EVP would decode and fetch for every key, which costs as much as a
// check. Signatures are r ‖ s, 32 bytes each, big-endian (RFC 7518 §3.4, RFC 9053 §2.1).

internal import COpenSSL

enum P256 {
    /// OpenSSL's group, made once; groups are read-only after that, so threads may share them.
    private nonisolated(unsafe) static let group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)

    /// Whether `bytes` are a compressed point on the curve. Its order is prime, so every point but infinity is a key.
    static func isPoint(_ bytes: [UInt8]) -> Bool {
        guard let key = key(bytes) else { return false }
        EC_KEY_free(key)
        return true
    }

    private static func key(_ point: [UInt8]) -> OpaquePointer? {
        guard let group, point.count == 33, point[0] == 2 || point[0] == 3, let key = EC_KEY_new() else { return nil }
        defer { ERR_clear_error() }
        guard EC_KEY_set_group(key, group) == 1, EC_KEY_oct2key(key, point, point.count, nil) == 1 else {
            EC_KEY_free(key)
            return nil
        }
        return key
    }

    static func isValid(_ signature: [UInt8], message: [UInt8], point: [UInt8]) -> Bool {
        guard signature.count == 64, let key = key(point) else { return false }
        defer { EC_KEY_free(key) }
        guard let pair = ECDSA_SIG_new() else { return false }
        defer { ECDSA_SIG_free(pair) }
        defer { ERR_clear_error() }
        let halves = signature.withUnsafeBufferPointer { bytes -> (OpaquePointer?, OpaquePointer?) in
            guard let start = bytes.baseAddress else { return (nil, nil) }
            return (BN_bin2bn(start, 32, nil), BN_bin2bn(start + 32, 32, nil))
        }
        // The pair owns its halves from here on.
        guard let r = halves.0, let s = halves.1, ECDSA_SIG_set0(pair, r, s) == 1 else {
            BN_free(halves.0)
            BN_free(halves.1)
            return false
        }
        let digest = digest(message)
        return ECDSA_do_verify(digest, Int32(digest.count), pair, key) == 1
    }

    private static func digest(_ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        COpenSSL.SHA256(message, message.count, &digest)
        return digest
    }

    /// The compressed point of an EVP key; `nil` unless it is one of P-256.
    static func point(of key: OpaquePointer) -> [UInt8]? {
        guard EVP_PKEY_get_id(key) == EVP_PKEY_EC, let pair = EVP_PKEY_get1_EC_KEY(key) else {
            ERR_clear_error()
            return nil
        }
        defer { EC_KEY_free(pair) }
        guard let curve = EC_KEY_get0_group(pair), EC_GROUP_get_curve_name(curve) == NID_X9_62_prime256v1,
            let point = EC_KEY_get0_public_key(pair)
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: 33)
        guard EC_POINT_point2oct(curve, point, POINT_CONVERSION_COMPRESSED, &bytes, bytes.count, nil) == 33 else {
            ERR_clear_error()
            return nil
        }
        return bytes
    }

    /// A new key.
    static func generate() throws(KeyError) -> OpaquePointer {
        guard let pair = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1) else {
            throw .library(operation: "make a P-256 key", detail: LibraryErrors.drain())
        }
        defer { EC_KEY_free(pair) }
        guard EC_KEY_generate_key(pair) == 1, let key = EVP_PKEY_new() else {
            throw .library(operation: "make a P-256 key", detail: LibraryErrors.drain())
        }
        guard EVP_PKEY_set1_EC_KEY(key, pair) == 1 else {
            EVP_PKEY_free(key)
            throw .library(operation: "make a P-256 key", detail: LibraryErrors.drain())
        }
        return key
    }

    /// Signs; every signature of a message is another one.
    static func signature(_ message: [UInt8], with key: OpaquePointer) throws(KeyError) -> [UInt8] {
        guard let pair = EVP_PKEY_get1_EC_KEY(key) else {
            throw .library(operation: "sign", detail: LibraryErrors.drain())
        }
        defer { EC_KEY_free(pair) }
        let digest = digest(message)
        guard let made = ECDSA_do_sign(digest, Int32(digest.count), pair) else {
            throw .library(operation: "sign", detail: LibraryErrors.drain())
        }
        defer { ECDSA_SIG_free(made) }
        var signature = [UInt8](repeating: 0, count: 64)
        let isWritten = signature.withUnsafeMutableBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return false }
            return BN_bn2binpad(ECDSA_SIG_get0_r(made), start, 32) == 32
                && BN_bn2binpad(ECDSA_SIG_get0_s(made), start + 32, 32) == 32
        }
        guard isWritten else { throw .library(operation: "write a signature", detail: LibraryErrors.drain()) }
        return signature
    }
}
