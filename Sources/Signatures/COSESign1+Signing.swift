// COSE_Sign1 with Assay's own keys: EdDSA and ES256 (RFC 9053 §2.1 and §2.2).
public import Codecs

extension VerifyingKey {
    /// The one COSE algorithm that this key is used with.
    public var coseAlgorithm: COSEAlgorithm {
        switch algorithm {
        case .ed25519: .edDSA
        case .es256: .es256
        }
    }
}

extension COSESign1 {
    /// Whether `key` made the signature over the protected header and the payload as they came.
    ///
    /// False unless the protected header names `key.coseAlgorithm`: a signature cannot be moved to another algorithm, and an
    /// algorithm in the unprotected header is not looked at.
    public func isSigned(by key: VerifyingKey, detached: [UInt8]? = nil, externalAAD: [UInt8] = []) -> Bool {
        guard algorithm == key.coseAlgorithm, let message = signedBytes(detached: detached, externalAAD: externalAAD)
        else { return false }
        return key.isValid(signature: Array(signature), for: message)
    }

    /// Makes a structure with tag 18, an empty unprotected header, and the payload inside.
    /// - Parameters:
    ///   - headers: the protected header without the algorithm, which is the key's.
    ///   - externalAAD: data that both sides know and that is signed with the rest.
    public static func sign(
        _ payload: [UInt8],
        headers: [CBORValue.Pair],
        with key: SigningKey,
        externalAAD: [UInt8] = []
    ) throws(KeyError) -> [UInt8] {
        let algorithm = CBORValue.integer(key.verifyingKey.coseAlgorithm.rawValue)
        let protected = CBORValue.map([CBORValue.Pair(.integer(1), algorithm)] + headers).encoded()
        let message = signedBytes(protected: protected[...], payload: payload[...], externalAAD: externalAAD[...])
        return CBORValue.tagged(
            tag,
            .array([.bytes(protected), .map([]), .bytes(payload), .bytes(try key.signature(for: message))])
        ).encoded()
    }
}
