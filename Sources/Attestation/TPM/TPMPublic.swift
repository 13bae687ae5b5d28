// The layout of a TPM public area (TPMT_PUBLIC, TCG TPM 2.0 Library Part 2 §12.2.4): what kind of key signs the quotes.
public import Codecs

/// A parsed public area of an attestation key.
public struct TPMPublic: Sendable {
    /// The key itself.
    public enum Key: Sendable, Equatable {
        /// RSA: modulus, big-endian, and public exponent.
        case rsa(modulus: [UInt8], exponent: UInt32)
        /// A point on a TCG curve (3: P-256, 4: P-384, 5: P-521), both coordinates at full width.
        case ecc(curve: UInt16, x: [UInt8], y: [UInt8])
    }

    /// Bits of TPMA_OBJECT (Part 2 §8.3).
    public enum Attribute {
        /// The key cannot leave its TPM.
        public static let fixedTPM: UInt32 = 1 << 1
        /// The key cannot get another parent.
        public static let fixedParent: UInt32 = 1 << 4
        /// The TPM made the key itself.
        public static let sensitiveDataOrigin: UInt32 = 1 << 5
        /// The key signs only what the TPM made, or decrypts only its structures.
        public static let restricted: UInt32 = 1 << 16
        /// The key decrypts.
        public static let decrypt: UInt32 = 1 << 17
        /// The key signs.
        public static let sign: UInt32 = 1 << 18
    }

    /// The TCG algorithm id of the hash that names the key.
    public let nameAlgorithm: UInt16
    /// TPMA_OBJECT.
    public let attributes: UInt32
    /// The policy that guards the key; empty when there is none.
    public let authPolicy: [UInt8]
    /// The key.
    public let key: Key
    /// Exactly the bytes of the public area.
    public let bytes: [UInt8]

    /// Whether the TPM signs only what it generated itself with this key: fixed to the TPM, made inside it, restricted,
    /// and for signing only. A key without these properties can sign a forged quote.
    public var isAttestationKey: Bool {
        let wanted =
            Attribute.fixedTPM | Attribute.fixedParent | Attribute.sensitiveDataOrigin | Attribute.restricted
            | Attribute.sign
        return attributes & wanted == wanted && attributes & Attribute.decrypt == 0
    }

    /// The key's name: the id of the naming hash and the digest of the public area (Part 1 §16). Whoever pins the name pins
    /// the attributes too. Empty when the hash is not a known one.
    public var name: [UInt8] {
        guard let hash = HashAlgorithm(tcg: nameAlgorithm) else { return [] }
        var name: [UInt8] = []
        name.appendBigEndian(nameAlgorithm)
        return name + hash.digest(bytes)
    }

    /// The hierarchies under which a primary key may stand (Part 2 §7.4).
    private static let hierarchies: [(name: String, handle: UInt32)] = [
        ("owner", 0x4000_0001), ("null", 0x4000_0007), ("endorsement", 0x4000_000b), ("platform", 0x4000_000c),
    ]

    /// The hierarchy of which a key with this area is a primary key, when `qualifiedName` says so: the hash of the
    /// hierarchy's handle and the key's name (Part 1 §16.5). `nil` for a key below another key, whose name goes into it.
    func hierarchy(of qualifiedName: [UInt8]) -> String? {
        guard let hash = HashAlgorithm(tcg: nameAlgorithm) else { return nil }
        for (title, handle) in Self.hierarchies {
            var bytes: [UInt8] = []
            bytes.appendBigEndian(handle)
            var expected: [UInt8] = []
            expected.appendBigEndian(nameAlgorithm)
            if expected + hash.digest(bytes + name) == qualifiedName { return title }
        }
        return nil
    }

    /// Reads TPMT_PUBLIC of an RSA or ECC key.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        var reader = ByteReader(bytes)
        let type = try reader.readBigEndian(UInt16.self, "tpm.public.type")
        nameAlgorithm = try reader.readBigEndian(UInt16.self, "tpm.public.nameAlg")
        attributes = try reader.readBigEndian(UInt32.self, "tpm.public.objectAttributes")
        authPolicy = try TPMQuote.sized(&reader, 0...64, "tpm.public.authPolicy")
        switch type {
        case 0x0001:
            try Self.skipSymmetric(&reader)
            try Self.skipScheme(&reader)
            let bits = try reader.readBigEndian(UInt16.self, "tpm.public.keyBits")
            let exponent = try reader.readBigEndian(UInt32.self, "tpm.public.exponent")
            guard bits >= 2048, bits <= 4096, bits.isMultiple(of: 8) else {
                throw ParseError(field: "tpm.public.keyBits", expected: "2048 to 4096", actual: "\(bits)")
            }
            let size = Int(bits) / 8
            let modulus = try TPMQuote.sized(&reader, size...size, "tpm.public.unique")
            // Zero stands for the default exponent (Part 2 §12.2.3.5).
            key = .rsa(modulus: modulus, exponent: exponent == 0 ? 65537 : exponent)
        case 0x0023:
            try Self.skipSymmetric(&reader)
            try Self.skipScheme(&reader)
            let curve = try reader.readBigEndian(UInt16.self, "tpm.public.curveID")
            try Self.skipScheme(&reader)
            let widths: [UInt16: Int] = [3: 32, 4: 48, 5: 66]
            guard let width = widths[curve] else {
                throw ParseError(field: "tpm.public.curveID", expected: "P-256, P-384 or P-521", actual: "\(curve)")
            }
            let x = try TPMQuote.sized(&reader, 1...width, "tpm.public.unique.x")
            let y = try TPMQuote.sized(&reader, 1...width, "tpm.public.unique.y")
            key = .ecc(
                curve: curve,
                x: [UInt8](repeating: 0, count: width - x.count) + x,
                y: [UInt8](repeating: 0, count: width - y.count) + y
            )
        default:
            let actual = String(type, radix: 16)
            throw ParseError(field: "tpm.public.type", expected: "RSA or ECC", actual: actual)
        }
        try reader.finish("tpm.public")
        self.bytes = bytes
    }

    /// TPM_ALG_NULL.
    private static let none: UInt16 = 0x0010

    /// TPMT_SYM_DEF_OBJECT: an algorithm, and unless it is null its key size and mode.
    private static func skipSymmetric(_ reader: inout ByteReader) throws(ParseError) {
        if try reader.readBigEndian(UInt16.self, "tpm.public.symmetric") != none {
            _ = try reader.read(4, "tpm.public.symmetric")
        }
    }

    /// TPMT_RSA_SCHEME, TPMT_ECC_SCHEME or TPMT_KDF_SCHEME: a scheme, and unless it is null its hash.
    private static func skipScheme(_ reader: inout ByteReader) throws(ParseError) {
        if try reader.readBigEndian(UInt16.self, "tpm.public.scheme") != none {
            _ = try reader.read(2, "tpm.public.scheme")
        }
    }
}
