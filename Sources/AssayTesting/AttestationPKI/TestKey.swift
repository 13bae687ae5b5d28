// Private keys for fake signers. They are made for a test and forgotten; nothing here guards a secret.
public import Attestation
internal import COpenSSL
internal import Codecs

/// An elliptic curve key pair of a fake signer.
public final class TestKey: Sendable {
    /// The curve.
    public let curve: SignatureCurve
    /// The public half.
    public let publicKey: PublicKey
    private nonisolated(unsafe) let key: OpaquePointer

    /// Makes a new key.
    public init(_ curve: SignatureCurve) {
        let number: Int32
        switch curve {
        case .p256: number = NID_X9_62_prime256v1
        case .p384: number = NID_secp384r1
        case .p521: number = NID_secp521r1
        }
        guard let key = EC_KEY_new_by_curve_name(number), EC_KEY_generate_key(key) == 1 else {
            preconditionFailure("OpenSSL makes a key")
        }
        var point = [UInt8](repeating: 0, count: 1 + 2 * curve.coordinateCount)
        let count = EC_POINT_point2oct(
            EC_KEY_get0_group(key),
            EC_KEY_get0_public_key(key),
            POINT_CONVERSION_UNCOMPRESSED,
            &point,
            point.count,
            nil
        )
        precondition(count == point.count, "an uncompressed point has two coordinates")
        do throws(ParseError) {
            publicKey = try PublicKey(uncompressedPoint: point[...], on: curve)
        } catch {
            preconditionFailure("OpenSSL reads its own point: \(error)")
        }
        self.curve = curve
        self.key = key
    }

    deinit { EC_KEY_free(key) }

    /// The hash that goes with the curve.
    public var hash: HashAlgorithm {
        switch curve {
        case .p256: .sha256
        case .p384: .sha384
        case .p521: .sha512
        }
    }

    /// The coordinates x ‖ y.
    public var coordinates: [UInt8] { Array(publicKey.bytes.dropFirst()) }

    /// The signature of `message` as r ‖ s, over the curve's hash unless another is named.
    public func sign(_ message: [UInt8], hash: HashAlgorithm? = nil) -> [UInt8] {
        let digest = (hash ?? self.hash).digest(message)
        guard let pair = ECDSA_do_sign(digest, Int32(digest.count), key) else {
            preconditionFailure("OpenSSL signs")
        }
        defer { ECDSA_SIG_free(pair) }
        let width = curve.coordinateCount
        var output = [UInt8](repeating: 0, count: 2 * width)
        output.withUnsafeMutableBufferPointer { buffer in
            _ = BN_bn2binpad(ECDSA_SIG_get0_r(pair), buffer.baseAddress, Int32(width))
            _ = BN_bn2binpad(ECDSA_SIG_get0_s(pair), buffer.baseAddress.map { $0 + width }, Int32(width))
        }
        return output
    }

    /// The signature of `message` in DER, as X.509 writes it.
    public func signDER(_ message: [UInt8]) -> [UInt8] {
        let raw = sign(message)
        let width = curve.coordinateCount
        return DERWriter.sequence(DERWriter.integer(raw.prefix(width)), DERWriter.integer(raw.dropFirst(width)))
    }

    /// The `SubjectPublicKeyInfo` of the public half.
    public var subjectPublicKeyInfo: [UInt8] {
        let curveName: OID
        switch curve {
        case .p256: curveName = OID(1, 2, 840, 10045, 3, 1, 7)
        case .p384: curveName = OID(1, 3, 132, 0, 34)
        case .p521: curveName = OID(1, 3, 132, 0, 35)
        }
        return DERWriter.sequence(
            DERWriter.sequence(
                DERWriter.objectIdentifier(OID(1, 2, 840, 10045, 2, 1)),
                DERWriter.objectIdentifier(curveName)
            ),
            DERWriter.bitString(publicKey.bytes)
        )
    }

    /// The X.509 algorithm identifier of this key's signatures.
    var signatureAlgorithm: [UInt8] {
        let number: UInt64 =
            switch curve {
            case .p256: 2
            case .p384: 3
            case .p521: 4
            }
        return DERWriter.sequence(DERWriter.objectIdentifier(OID(1, 2, 840, 10045, 4, 3, number)))
    }
}
