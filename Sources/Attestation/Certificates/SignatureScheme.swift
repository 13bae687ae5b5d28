// The signature algorithms that certificates and CRLs of attestation chains name in their AlgorithmIdentifier.

public import Codecs

/// A signature algorithm of X.509.
public enum SignatureScheme: Sendable, Equatable {
    /// ECDSA over a hash (RFC 5758 §3.2).
    case ecdsa(HashAlgorithm)
    /// RSASSA-PSS with equal hashes and a salt as long as the digest (RFC 4055 §3.1).
    case rsaPSS(HashAlgorithm)
    /// RSASSA-PKCS1-v1_5 (RFC 4055 §5).
    case rsaPKCS1(HashAlgorithm)

    /// Reads an `AlgorithmIdentifier` element.
    public init(_ element: DERElement, _ field: String) throws(ParseError) {
        var reader = DERReader(element.content, field)
        let name = try reader.objectIdentifier()
        switch name {
        case Names.ecdsaSHA256: self = .ecdsa(.sha256)
        case Names.ecdsaSHA384: self = .ecdsa(.sha384)
        case Names.ecdsaSHA512: self = .ecdsa(.sha512)
        case Names.rsaSHA256: self = .rsaPKCS1(.sha256)
        case Names.rsaSHA384: self = .rsaPKCS1(.sha384)
        case Names.rsaSHA512: self = .rsaPKCS1(.sha512)
        case Names.rsaPSS: self = .rsaPSS(try Self.readPSSHash(&reader, field))
        default: throw ParseError(field: field, expected: "a known signature algorithm", actual: name.description)
        }
        // RFC 4055 §5 wants NULL parameters for PKCS#1, RFC 5758 §3.2 none for ECDSA.
        if case .rsaPKCS1 = self, let null = try reader.nextIf(DERReader.Tag.null), !null.content.isEmpty {
            throw ParseError(field: field, expected: "NULL parameters", actual: "others")
        }
        try reader.finish()
    }

    private enum Names {
        static let ecdsaSHA256 = OID(1, 2, 840, 10045, 4, 3, 2)
        static let ecdsaSHA384 = OID(1, 2, 840, 10045, 4, 3, 3)
        static let ecdsaSHA512 = OID(1, 2, 840, 10045, 4, 3, 4)
        static let rsaSHA256 = OID(1, 2, 840, 113549, 1, 1, 11)
        static let rsaSHA384 = OID(1, 2, 840, 113549, 1, 1, 12)
        static let rsaSHA512 = OID(1, 2, 840, 113549, 1, 1, 13)
        static let rsaPSS = OID(1, 2, 840, 113549, 1, 1, 10)
        static let mgf1 = OID(1, 2, 840, 113549, 1, 1, 8)
        static let sha256 = OID(2, 16, 840, 1, 101, 3, 4, 2, 1)
        static let sha384 = OID(2, 16, 840, 1, 101, 3, 4, 2, 2)
        static let sha512 = OID(2, 16, 840, 1, 101, 3, 4, 2, 3)
    }

    /// RSASSA-PSS-params: `[0]` hash, `[1]` MGF1 over the same hash, `[2]` salt length, `[3]` trailer 1.
    private static func readPSSHash(_ reader: inout DERReader, _ field: String) throws(ParseError) -> HashAlgorithm {
        var parameters = try reader.nested(DERReader.Tag.sequence, "pss")
        var hashField = try parameters.nested(DERReader.Tag.constructed(0), "hash")
        let hash = try readHash(&hashField, field)
        try hashField.finish()
        var maskField = try parameters.nested(DERReader.Tag.constructed(1), "mask")
        var mask = try maskField.nested()
        try maskField.finish()
        guard try mask.objectIdentifier() == Names.mgf1, try readHash(&mask, field) == hash else {
            throw ParseError(field: field, expected: "MGF1 over the same hash", actual: "another mask")
        }
        try mask.finish()
        var saltField = try parameters.nested(DERReader.Tag.constructed(2), "salt")
        let salt = try saltField.unsigned()
        try saltField.finish()
        guard salt == UInt64(hash.digestCount) else {
            throw ParseError(field: field, expected: "a salt of \(hash.digestCount) bytes", actual: "\(salt)")
        }
        if let trailer = try parameters.nextIf(DERReader.Tag.constructed(3), "trailer") {
            var trailerField = DERReader(trailer.content, field)
            guard try trailerField.unsigned() == 1 else {
                throw ParseError(field: field, expected: "trailer 1", actual: "another trailer")
            }
        }
        try parameters.finish()
        return hash
    }

    private static func readHash(_ reader: inout DERReader, _ field: String) throws(ParseError) -> HashAlgorithm {
        var algorithm = try reader.nested(DERReader.Tag.sequence, "hash")
        let name = try algorithm.objectIdentifier()
        if let null = try algorithm.nextIf(DERReader.Tag.null), !null.content.isEmpty {
            throw ParseError(field: field, expected: "NULL parameters", actual: "others")
        }
        try algorithm.finish()
        switch name {
        case Names.sha256: return .sha256
        case Names.sha384: return .sha384
        case Names.sha512: return .sha512
        default: throw ParseError(field: field, expected: "SHA-256, SHA-384 or SHA-512", actual: name.description)
        }
    }
}

extension PublicKey {
    /// Whether `signature` is this key's signature of `message` under `scheme`, as X.509 writes signatures.
    public func isValid(_ signature: ArraySlice<UInt8>, scheme: SignatureScheme, message: ArraySlice<UInt8>) -> Bool {
        switch scheme {
        case .ecdsa(let hash):
            do throws(ParseError) {
                return isValid(try ECDSASignature(der: signature), digest: hash.digest(message))
            } catch {
                return false
            }
        case .rsaPSS(let hash): return isValid(rsa: signature, padding: .pss, hash: hash, message: message)
        case .rsaPKCS1(let hash): return isValid(rsa: signature, padding: .pkcs1, hash: hash, message: message)
        }
    }
}
