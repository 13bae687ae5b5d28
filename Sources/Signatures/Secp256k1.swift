// ECDSA on secp256k1 (SEC 2 §2.4.1), the curve of settlement on EVM chains: checked here, never made. Through OpenSSL's EC
// layer, with recovery of the key from a signature (SEC 1 §4.1.6).

internal import COpenSSL
public import Codecs

/// A public key on secp256k1.
public struct Secp256k1Key: Hashable, Sendable {
    /// A signature: r and s, 32 bytes each, big-endian.
    public struct Signature: Hashable, Sendable {
        /// r ‖ s.
        public let bytes: [UInt8]

        /// Takes r ‖ s.
        public init(_ bytes: [UInt8], field: String = "signature") throws(ParseError) {
            guard bytes.count == 64 else {
                throw ParseError(field: field, expected: "64 bytes", actual: "\(bytes.count) bytes")
            }
            self.bytes = bytes
        }

        /// Takes a DER sequence of two integers (SEC 1 §C.5), in its one encoding.
        public init(der: [UInt8], field: String = "signature") throws(ParseError) {
            guard let bytes = Secp256k1.fixed(der) else {
                throw ParseError(
                    field: field,
                    expected: "two integers of at most 32 bytes in DER",
                    actual: "other bytes"
                )
            }
            self.bytes = bytes
        }

        /// Whether s is at most half the group's order, as EIP-2 and Bitcoin demand: of s and n − s only one is taken.
        public var hasLowS: Bool { bytes[32...].lexicographicallyPrecedes(Secp256k1.halfOrderAndOne) }
    }

    /// The compressed point, SEC 1 §2.3.3.
    public let bytes: [UInt8]
    /// The uncompressed point: 4, x, y.
    public let uncompressed: [UInt8]

    /// Takes a point, compressed or not.
    public init(point: [UInt8], field: String = "key") throws(ParseError) {
        guard let forms = Secp256k1.forms(of: point) else {
            throw ParseError(field: field, expected: "a point on secp256k1", actual: Hex.encode(point.prefix(65)))
        }
        (bytes, uncompressed) = forms
    }

    /// The key that made a signature of `digest`.
    /// - Parameters:
    ///   - recovery: 0 or 1: whether the y coordinate of the signature's point is odd. Points whose x coordinate exceeds the
    ///     group's order are not recovered: nobody can find one.
    /// - Returns: `nil` when there is no such key.
    public init?(recoveringFrom signature: Signature, recovery: UInt8, digest: [UInt8]) {
        guard recovery <= 1, digest.count == 32,
            let point = Secp256k1.recover(signature.bytes, recovery, digest),
            let forms = Secp256k1.forms(of: point)
        else { return nil }
        (bytes, uncompressed) = forms
    }

    /// Whether `signature` is this key's signature of the message with this digest of 32 bytes.
    /// - Parameter demandsLowS: whether n − s in the place of s is refused.
    public func isValid(_ signature: Signature, digest: [UInt8], demandsLowS: Bool = true) -> Bool {
        guard digest.count == 32, !demandsLowS || signature.hasLowS else { return false }
        return Secp256k1.isValid(signature.bytes, digest: digest, point: bytes)
    }
}

/// The arithmetic, in OpenSSL.
private enum Secp256k1 {
    /// Made once; groups are read-only after that, so threads may share them.
    private nonisolated(unsafe) static let group = EC_GROUP_new_by_curve_name(NID_secp256k1)

    /// (n − 1) / 2 + 1, for n the order of the group.
    static let halfOrderAndOne: [UInt8] =
        [0x7f] + [UInt8](repeating: 0xff, count: 15) + [
            0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa1,
        ]

    /// The compressed and the uncompressed form of a point.
    static func forms(of bytes: [UInt8]) -> (compressed: [UInt8], uncompressed: [UInt8])? {
        guard let group, bytes.count == 33 && (bytes[0] == 2 || bytes[0] == 3) || bytes.count == 65 && bytes[0] == 4,
            let point = EC_POINT_new(group)
        else { return nil }
        defer { EC_POINT_free(point) }
        defer { ERR_clear_error() }
        guard EC_POINT_oct2point(group, point, bytes, bytes.count, nil) == 1 else { return nil }
        return forms(of: point, group)
    }

    private static func forms(
        of point: OpaquePointer,
        _ group: OpaquePointer
    ) -> (compressed: [UInt8], uncompressed: [UInt8])? {
        var compressed = [UInt8](repeating: 0, count: 33)
        var uncompressed = [UInt8](repeating: 0, count: 65)
        guard EC_POINT_point2oct(group, point, POINT_CONVERSION_COMPRESSED, &compressed, 33, nil) == 33,
            EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, &uncompressed, 65, nil) == 65
        else { return nil }
        return (compressed, uncompressed)
    }

    static func isValid(_ signature: [UInt8], digest: [UInt8], point: [UInt8]) -> Bool {
        guard let group, let key = EC_KEY_new() else { return false }
        defer { EC_KEY_free(key) }
        defer { ERR_clear_error() }
        guard EC_KEY_set_group(key, group) == 1, EC_KEY_oct2key(key, point, point.count, nil) == 1,
            let pair = ECDSA_SIG_new()
        else { return false }
        defer { ECDSA_SIG_free(pair) }
        guard let r = number(signature[..<32]) else { return false }
        guard let s = number(signature[32...]) else {
            BN_free(r)
            return false
        }
        guard ECDSA_SIG_set0(pair, r, s) == 1 else {
            BN_free(r)
            BN_free(s)
            return false
        }
        return ECDSA_do_verify(digest, Int32(digest.count), pair, key) == 1
    }

    /// r ‖ s of a DER signature; `nil` unless writing it again gives the same bytes.
    static func fixed(_ der: [UInt8]) -> [UInt8]? {
        defer { ERR_clear_error() }
        guard (8...72).contains(der.count) else { return nil }
        var fixed = [UInt8](repeating: 0, count: 64)
        let isRead = der.withUnsafeBufferPointer { bytes -> Bool in
            var start = bytes.baseAddress
            guard let pair = d2i_ECDSA_SIG(nil, &start, bytes.count) else { return false }
            defer { ECDSA_SIG_free(pair) }
            guard let r = ECDSA_SIG_get0_r(pair), let s = ECDSA_SIG_get0_s(pair),
                BN_is_negative(r) == 0, BN_is_negative(s) == 0
            else { return false }
            var again = [UInt8](repeating: 0, count: 80)
            let length = again.withUnsafeMutableBufferPointer { buffer -> Int32 in
                var end = buffer.baseAddress
                return i2d_ECDSA_SIG(pair, nil) <= 80 ? i2d_ECDSA_SIG(pair, &end) : -1
            }
            guard length == Int32(bytes.count), again.prefix(bytes.count).elementsEqual(bytes) else { return false }
            return fixed.withUnsafeMutableBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return false }
                return BN_bn2binpad(r, start, 32) == 32 && BN_bn2binpad(s, start + 32, 32) == 32
            }
        }
        return isRead ? fixed : nil
    }

    /// r⁻¹ (s R − e G), compressed (SEC 1 §4.1.6).
    static func recover(_ signature: [UInt8], _ recovery: UInt8, _ digest: [UInt8]) -> [UInt8]? {
        guard let group, let order = EC_GROUP_get0_order(group), let context = BN_CTX_new() else { return nil }
        defer { BN_CTX_free(context) }
        defer { ERR_clear_error() }
        guard let r = number(signature[..<32]) else { return nil }
        defer { BN_free(r) }
        guard let s = number(signature[32...]) else { return nil }
        defer { BN_free(s) }
        guard let e = number(digest[...]) else { return nil }
        defer { BN_free(e) }
        guard BN_is_zero(r) == 0, BN_is_zero(s) == 0, BN_cmp(r, order) < 0, BN_cmp(s, order) < 0,
            let inverse = BN_mod_inverse(nil, r, order, context)
        else { return nil }
        defer { BN_free(inverse) }
        guard let point = EC_POINT_new(group), let result = EC_POINT_new(group) else { return nil }
        defer { EC_POINT_free(point) }
        defer { EC_POINT_free(result) }
        // u1 = −e / r takes the place of e, u2 = s / r that of s.
        guard EC_POINT_oct2point(group, point, [2 + recovery] + signature[..<32], 33, context) == 1,
            BN_mod_mul(e, e, inverse, order, context) == 1, BN_sub(e, order, e) == 1,
            BN_mod_mul(s, s, inverse, order, context) == 1,
            EC_POINT_mul(group, result, e, point, s, context) == 1,
            EC_POINT_is_at_infinity(group, result) == 0
        else { return nil }
        return forms(of: result, group)?.compressed
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> OpaquePointer? {
        bytes.withUnsafeBufferPointer { BN_bin2bn($0.baseAddress, Int32($0.count), nil) }
    }
}
