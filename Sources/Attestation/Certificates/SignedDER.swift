// The envelope that certificates, revocation lists and basic OCSP responses share: what is signed, how, and the signature.
// Sources: RFC 5280 §4.1.1 and §5.1.1, RFC 6960 §4.2.1; all three are X.509's SIGNED{}.

internal import Codecs

/// A signed DER structure split into its three parts; nothing has been checked but its form.
struct SignedDER {
    /// What is signed.
    let body: DERElement
    /// How it is signed.
    let scheme: SignatureScheme
    /// The signature.
    let signature: ArraySlice<UInt8>
    private let algorithm: DERElement
    private let field: String

    /// Reads the three parts at the front of `reader`; what may follow them is the caller's.
    init(_ reader: inout DERReader, _ name: String, field: String) throws(ParseError) {
        self.field = field
        body = try reader.next(DERReader.Tag.sequence, name)
        algorithm = try reader.next(DERReader.Tag.sequence, "signatureAlgorithm")
        scheme = try SignatureScheme(algorithm, field + ".signatureAlgorithm")
        signature = try reader.bitString("signature")
    }

    /// Reads a whole structure of at most `maxBytes` bytes.
    init(_ der: [UInt8], _ name: String, maxBytes: Int, field: String) throws(ParseError) {
        guard der.count <= maxBytes else {
            throw ParseError(field: field, expected: "at most \(maxBytes) bytes", actual: "\(der.count) bytes")
        }
        var outer = DERReader(der[...], field)
        var reader = try outer.nested()
        try outer.finish()
        try self.init(&reader, name, field: field)
        try reader.finish()
    }

    /// Reads the algorithm that certificates and lists repeat inside the signed part. It must be the outer one, which is
    /// under no signature itself (RFC 5280 §4.1.1.2).
    func requireSameAlgorithm(_ reader: inout DERReader) throws(ParseError) {
        guard try reader.next(DERReader.Tag.sequence, "signature").encoded == algorithm.encoded else {
            throw ParseError(field: field + ".signature", expected: "the outer algorithm", actual: "another one")
        }
    }
}
