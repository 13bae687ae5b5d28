// Public keys of attestation chains: ECDSA on P-256, P-384 and P-521, RSA-PSS and RSA PKCS#1 v1.5, through OpenSSL 3.
// Elliptic curve keys use OpenSSL's EC layer directly: EVP decodes and fetches per key, which costs as much as a check.

internal import COpenSSL
public import Codecs
internal import Synchronization

/// A curve that attestation signatures use.
public enum SignatureCurve: String, Sendable, CaseIterable {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"

    /// The number of bytes of a coordinate and of each half of a signature.
    public var coordinateCount: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    /// The `namedCurve` parameter of RFC 5480 §2.1.1.
    var objectIdentifier: OID {
        switch self {
        case .p256: CurveIdentifiers.p256
        case .p384: CurveIdentifiers.p384
        case .p521: CurveIdentifiers.p521
        }
    }

    /// OpenSSL's group, made once; groups are read-only after that, so threads may share them.
    fileprivate var group: OpaquePointer? {
        switch self {
        case .p256: CurveGroups.p256
        case .p384: CurveGroups.p384
        case .p521: CurveGroups.p521
        }
    }
}

private enum CurveIdentifiers {
    static let p256 = OID(1, 2, 840, 10045, 3, 1, 7)
    static let p384 = OID(1, 3, 132, 0, 34)
    static let p521 = OID(1, 3, 132, 0, 35)
}

private enum CurveGroups {
    nonisolated(unsafe) static let p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)
    nonisolated(unsafe) static let p384 = EC_GROUP_new_by_curve_name(NID_secp384r1)
    nonisolated(unsafe) static let p521 = EC_GROUP_new_by_curve_name(NID_secp521r1)
}

/// The two halves of an ECDSA signature as big-endian numbers.
public struct ECDSASignature: Sendable, Equatable {
    /// The first half.
    public let r: ArraySlice<UInt8>
    /// The second half. `n − s` is as good as `s`: the bytes of a signature identify nothing.
    public let s: ArraySlice<UInt8>

    /// Takes the halves.
    public init(r: ArraySlice<UInt8>, s: ArraySlice<UInt8>) {
        self.r = r
        self.s = s
    }

    /// Splits `r ‖ s`, both of the same length (IEEE P1363 form: Intel quotes, COSE, SPDM).
    public init(raw: ArraySlice<UInt8>, curve: SignatureCurve, field: String = "signature") throws(ParseError) {
        guard raw.count == 2 * curve.coordinateCount else {
            let expected = "\(2 * curve.coordinateCount) bytes"
            throw ParseError(field: field, expected: expected, actual: "\(raw.count) bytes")
        }
        r = raw.prefix(curve.coordinateCount)
        s = raw.dropFirst(curve.coordinateCount)
    }

    /// Reads `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3).
    public init(der: ArraySlice<UInt8>, field: String = "signature") throws(ParseError) {
        var outer = DERReader(der, field)
        var reader = try outer.nested()
        r = try reader.magnitude("r")
        s = try reader.magnitude("s")
        try reader.finish()
        try outer.finish()
        guard r.count <= 66, s.count <= 66 else {
            throw ParseError(field: field, expected: "numbers of at most 66 bytes", actual: "longer ones")
        }
    }
}

/// A public key. Immutable, so it may be shared between threads.
public final class PublicKey: Sendable {
    /// What kind of key it is.
    public enum Kind: Sendable, Equatable, CustomStringConvertible {
        case ellipticCurve(SignatureCurve)
        /// RSA with a modulus of so many bits.
        case rsa(Int)

        public var description: String {
            switch self {
            case .ellipticCurve(let curve): curve.rawValue
            case .rsa(let bits): "RSA-\(bits)"
            }
        }
    }

    /// How an RSA signature is padded.
    public enum RSAPadding: Sendable {
        /// RSASSA-PSS with MGF1 over the same hash and a salt as long as the digest (RFC 8017 §8.1).
        case pss
        /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
        case pkcs1
    }

    /// What kind of key it is.
    public let kind: Kind
    /// The uncompressed point `04 ‖ x ‖ y`, or the DER of the RSA key: equal bytes mean equal keys.
    public let bytes: [UInt8]
    private nonisolated(unsafe) let ellipticCurveKey: OpaquePointer?
    private nonisolated(unsafe) let rsaKey: OpaquePointer?
    private let usage = Mutex(KeyTableUse())

    /// Makes this key one of an authority's, which has its count and its table in common with every equal key.
    func shareTable() {
        guard case .ellipticCurve(.p256) = kind else { return }
        let shared = KeyTableUse.shared(for: bytes)
        usage.withLock { $0 = shared }
    }

    /// The key at an uncompressed point `04 ‖ x ‖ y`.
    /// - Throws: `ParseError` for another form or a point that is not on the curve.
    public init(uncompressedPoint point: ArraySlice<UInt8>, on curve: SignatureCurve, field: String = "key")
        throws(ParseError)
    {
        guard point.count == 1 + 2 * curve.coordinateCount, point.first == 4 else {
            let expected = "04 and \(2 * curve.coordinateCount) bytes"
            throw ParseError(field: field, expected: expected, actual: "\(point.count) bytes")
        }
        guard let group = curve.group, let key = EC_KEY_new() else {
            throw ParseError(field: field, expected: "room for a key", actual: "no memory")
        }
        defer { ERR_clear_error() }
        let isSet = point.withUnsafeBytes { bytes in
            EC_KEY_set_group(key, group) == 1
                && EC_KEY_oct2key(key, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, nil) == 1
        }
        guard isSet else {
            EC_KEY_free(key)
            throw ParseError(field: field, expected: "a point on \(curve.rawValue)", actual: "another point")
        }
        kind = .ellipticCurve(curve)
        bytes = Array(point)
        ellipticCurveKey = key
        rsaKey = nil
    }

    /// The key with the coordinates `x ‖ y` (Intel quotes, COSE).
    public convenience init(coordinates: ArraySlice<UInt8>, on curve: SignatureCurve, field: String = "key")
        throws(ParseError)
    {
        var point: [UInt8] = [4]
        point.append(contentsOf: coordinates)
        try self.init(uncompressedPoint: point[...], on: curve, field: field)
    }

    /// The RSA key with this DER `RSAPublicKey` (RFC 8017 §A.1.1).
    public init(rsaPublicKey der: ArraySlice<UInt8>, field: String = "key") throws(ParseError) {
        var outer = DERReader(der, field)
        var reader = try outer.nested()
        let modulus = try reader.magnitude("modulus")
        let exponent = try reader.unsigned("exponent")
        try reader.finish()
        try outer.finish()
        guard let first = modulus.first else {
            throw ParseError(field: field, expected: "a modulus", actual: "zero")
        }
        let bits = modulus.count * 8 - first.leadingZeroBitCount
        guard (2048...8192).contains(bits), exponent >= 3, exponent <= UInt64(UInt32.max),
            !exponent.isMultiple(of: 2)
        else {
            let actual = "\(bits) bits, exponent \(exponent)"
            throw ParseError(field: field, expected: "RSA of 2048 to 8192 bits, odd exponent", actual: actual)
        }
        defer { ERR_clear_error() }
        let key = der.withUnsafeBytes { bytes -> OpaquePointer? in
            var cursor = bytes.bindMemory(to: UInt8.self).baseAddress
            return d2i_PublicKey(EVP_PKEY_RSA, nil, &cursor, bytes.count)
        }
        guard let key else {
            throw ParseError(field: field, expected: "an RSA public key", actual: "refused by OpenSSL")
        }
        kind = .rsa(bits)
        bytes = Array(der)
        ellipticCurveKey = nil
        rsaKey = key
    }

    /// Reads a `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7) of one of the supported kinds.
    public convenience init(subjectPublicKeyInfo der: ArraySlice<UInt8>, field: String = "key") throws(ParseError) {
        var outer = DERReader(der, field)
        var info = try outer.nested()
        try outer.finish()
        var algorithm = try info.nested(DERReader.Tag.sequence, "algorithm")
        let name = try algorithm.objectIdentifier()
        let key = try info.bitString("subjectPublicKey")
        try info.finish()
        switch name {
        case Self.ellipticCurveKeyType:
            let curveName = try algorithm.objectIdentifier("namedCurve")
            try algorithm.finish()
            guard let curve = SignatureCurve.allCases.first(where: { $0.objectIdentifier == curveName }) else {
                throw ParseError(field: field, expected: "P-256, P-384 or P-521", actual: curveName.description)
            }
            try self.init(uncompressedPoint: key, on: curve, field: field)
        case Self.rsaKeyType:
            guard try algorithm.next(DERReader.Tag.null, "parameters").content.isEmpty else {
                throw ParseError(field: field, expected: "NULL parameters", actual: "others")
            }
            try algorithm.finish()
            try self.init(rsaPublicKey: key, field: field)
        default:
            throw ParseError(field: field, expected: "an EC or RSA key", actual: name.description)
        }
    }

    /// Reads one PEM `PUBLIC KEY` block.
    public convenience init(pem: [UInt8], field: String = "key") throws(ParseError) {
        let blocks = try PEM.decode(pem[...], label: "PUBLIC KEY", max: 1, field: field)
        guard let der = blocks.first else {
            throw ParseError(field: field, expected: "a PUBLIC KEY block", actual: "none")
        }
        try self.init(subjectPublicKeyInfo: der[...], field: field)
    }

    private static let ellipticCurveKeyType = OID(1, 2, 840, 10045, 2, 1)
    private static let rsaKeyType = OID(1, 2, 840, 113549, 1, 1, 1)

    deinit {
        EC_KEY_free(ellipticCurveKey)
        EVP_PKEY_free(rsaKey)
    }

    /// Whether `signature` is this elliptic curve key's signature of a message with this digest (FIPS 186-5 §6.4).
    public func isValid(_ signature: ECDSASignature, digest: [UInt8]) -> Bool {
        guard let key = ellipticCurveKey, !digest.isEmpty else { return false }
        if let table = table(for: key), digest.count <= 32 { return table.isValid(signature, digest: digest) }
        guard let pair = ECDSA_SIG_new() else { return false }
        defer {
            ECDSA_SIG_free(pair)
            ERR_clear_error()
        }
        let r = signature.r.withUnsafeBytes {
            BN_bin2bn($0.bindMemory(to: UInt8.self).baseAddress, Int32($0.count), nil)
        }
        let s = signature.s.withUnsafeBytes {
            BN_bin2bn($0.bindMemory(to: UInt8.self).baseAddress, Int32($0.count), nil)
        }
        guard let r, let s, ECDSA_SIG_set0(pair, r, s) == 1 else {
            BN_free(r)
            BN_free(s)
            return false
        }
        return ECDSA_do_verify(digest, Int32(digest.count), pair, key) == 1
    }

    /// The key's table, once the key has been used so often that making one pays.
    private func table(for key: OpaquePointer) -> KeyTable? {
        guard case .ellipticCurve(.p256) = kind else { return nil }
        return usage.withLock { $0 }.table(for: key)
    }

    /// Whether `signature` is this RSA key's signature of `message`.
    public func isValid(
        rsa signature: ArraySlice<UInt8>,
        padding: RSAPadding,
        hash: HashAlgorithm,
        message: ArraySlice<UInt8>
    ) -> Bool {
        guard let rsaKey, let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        let function: OpaquePointer?
        switch hash {
        case .sha1: return false
        case .sha256: function = EVP_sha256()
        case .sha384: function = EVP_sha384()
        case .sha512: function = EVP_sha512()
        }
        var keyContext: OpaquePointer?
        guard EVP_DigestVerifyInit(context, &keyContext, function, nil, rsaKey) == 1 else { return false }
        switch padding {
        case .pkcs1:
            guard EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PADDING) == 1 else { return false }
        case .pss:
            guard EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING) == 1,
                EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, RSA_PSS_SALTLEN_DIGEST) == 1,
                EVP_PKEY_CTX_set_rsa_mgf1_md(keyContext, function) == 1
            else { return false }
        }
        return signature.withUnsafeBytes { s in
            message.withUnsafeBytes { m in
                EVP_DigestVerify(
                    context,
                    s.bindMemory(to: UInt8.self).baseAddress,
                    s.count,
                    m.bindMemory(to: UInt8.self).baseAddress,
                    m.count
                ) == 1
            }
        }
    }
}

extension PublicKey: Equatable {
    public static func == (left: PublicKey, right: PublicKey) -> Bool {
        left.kind == right.kind && left.bytes == right.bytes
    }
}
