// Faster checks for a P-256 key that signs much: a root or an authority. OpenSSL multiplies the standard base point by
// table; here the key's own point is made a base point too, with a table of its own.

internal import COpenSSL

/// A P-256 public key with a table of its multiples.
final class KeyTable: Sendable {
    /// The curve with its standard base point, whose table is built into OpenSSL.
    private nonisolated(unsafe) let standard: OpaquePointer
    /// The curve with the key's point as base point and a table for it.
    private nonisolated(unsafe) let own: OpaquePointer
    private nonisolated(unsafe) let order: OpaquePointer

    /// After how many checks of one key a table is worth its making, which costs about as much
    /// as so many checks save.
    static let worthwhileCount = 1024

    /// Makes the table; `nil` when OpenSSL does not do so for this key.
    init?(_ key: OpaquePointer) {
        guard let group = EC_KEY_get0_group(key), let point = EC_KEY_get0_public_key(key),
            EC_GROUP_get_curve_name(group) == NID_X9_62_prime256v1,
            let standard = EC_GROUP_dup(group), let own = EC_GROUP_dup(group),
            let order = BN_dup(EC_GROUP_get0_order(group))
        else { return nil }
        self.standard = standard
        self.own = own
        self.order = order
        guard EC_GROUP_set_generator(own, point, order, EC_GROUP_get0_cofactor(group)) == 1,
            EC_GROUP_precompute_mult(own, nil) == 1
        else {
            ERR_clear_error()
            return nil
        }
    }

    deinit {
        EC_GROUP_free(standard)
        EC_GROUP_free(own)
        BN_free(order)
    }

    /// Whether `signature` is the key's signature of a message with this digest of at most 32 bytes (FIPS 186-5 §6.4.2).
    /// Everything here is public, so nothing needs constant time.
    func isValid(_ signature: ECDSASignature, digest: [UInt8]) -> Bool {
        guard digest.count <= 32, let context = BN_CTX_new() else { return false }
        defer { BN_CTX_free(context) }
        BN_CTX_start(context)
        defer {
            BN_CTX_end(context)
            ERR_clear_error()
        }
        guard let r = BN_CTX_get(context), let s = BN_CTX_get(context), let z = BN_CTX_get(context),
            let inverse = BN_CTX_get(context), let u1 = BN_CTX_get(context), let u2 = BN_CTX_get(context),
            let x = BN_CTX_get(context),
            Self.read(signature.r, r), Self.read(signature.s, s), Self.read(digest[...], z),
            BN_is_zero(r) == 0, BN_is_zero(s) == 0, BN_ucmp(r, order) < 0, BN_ucmp(s, order) < 0,
            BN_mod_inverse(inverse, s, order, context) != nil,
            BN_mod_mul(u1, z, inverse, order, context) == 1,
            BN_mod_mul(u2, r, inverse, order, context) == 1,
            let first = EC_POINT_new(standard)
        else { return false }
        defer { EC_POINT_free(first) }
        guard let second = EC_POINT_new(own) else { return false }
        defer { EC_POINT_free(second) }
        guard EC_POINT_mul(standard, first, u1, nil, nil, context) == 1,
            EC_POINT_mul(own, second, u2, nil, nil, context) == 1,
            EC_POINT_add(standard, first, first, second, context) == 1,
            EC_POINT_is_at_infinity(standard, first) == 0,
            EC_POINT_get_affine_coordinates(standard, first, x, nil, context) == 1,
            BN_nnmod(x, x, order, context) == 1
        else { return false }
        return BN_ucmp(x, r) == 0
    }

    private static func read(_ bytes: ArraySlice<UInt8>, _ number: OpaquePointer) -> Bool {
        bytes.withUnsafeBytes {
            BN_bin2bn($0.bindMemory(to: UInt8.self).baseAddress, Int32($0.count), number) != nil
        }
    }
}
