// Verification of COSE_Sign1 signatures (RFC 9053 §2): the algorithm in the protected header must be the one that belongs
// to the key, so that a signature cannot be moved to a weaker one.
internal import Codecs
public import Signatures

extension PublicKey {
    /// The one COSE algorithm that this key is used with; `nil` for keys that Assay takes no COSE signature from.
    public var coseAlgorithm: COSEAlgorithm? {
        switch kind {
        case .ellipticCurve(.p256): .es256
        case .ellipticCurve(.p384): .es384
        case .ellipticCurve(.p521): .es512
        case .rsa: .ps256
        }
    }
}

extension COSESign1 {
    /// Whether `key` made the signature over the protected header and the payload as they came.
    ///
    /// False when the protected header names no algorithm or another than `key.coseAlgorithm`; an algorithm in the
    /// unprotected header is not looked at.
    public func isSigned(by key: PublicKey, detached: [UInt8]? = nil, externalAAD: [UInt8] = []) -> Bool {
        guard let algorithm, algorithm == key.coseAlgorithm,
            let message = signedBytes(detached: detached, externalAAD: externalAAD)
        else { return false }
        let hash: HashAlgorithm
        switch algorithm {
        case .es256, .ps256: hash = .sha256
        case .es384: hash = .sha384
        case .es512: hash = .sha512
        case .edDSA: return false
        }
        switch key.kind {
        case .ellipticCurve(let curve):
            do throws(ParseError) {
                return key.isValid(try ECDSASignature(raw: signature, curve: curve), digest: hash.digest(message))
            } catch {
                return false
            }
        case .rsa:
            return key.isValid(rsa: signature, padding: .pss, hash: hash, message: message[...])
        }
    }
}
