// Certificate revocation lists (RFC 5280 §5), complete lists only.

public import Codecs

/// A revocation list as read from its DER; nothing has been checked but its form.
public final class RevocationList: Sendable {
    /// The whole list.
    public let der: [UInt8]
    /// The signed part.
    public let signedPart: ArraySlice<UInt8>
    /// The issuer's name in DER.
    public let issuer: ArraySlice<UInt8>
    /// When it was issued.
    public let thisUpdate: Timestamp
    /// When the next one is due at the latest.
    public let nextUpdate: Timestamp
    /// The serial numbers of the revoked certificates, as magnitudes.
    public let revokedSerialNumbers: [ArraySlice<UInt8>]
    /// The same as a set, for lists so long that looking through them would cost more than making it.
    private let index: Set<ArraySlice<UInt8>>?
    private static let indexedCount = 512
    /// The list's own number, when it has one.
    public let number: ArraySlice<UInt8>?
    /// How it is signed.
    public let scheme: SignatureScheme
    /// The signature.
    public let signature: ArraySlice<UInt8>

    private static let crlNumber = OID(2, 5, 29, 20)
    /// The most bytes of a list that is read.
    public static let maxBytes = 8 << 20

    /// Reads one DER list.
    /// - Throws: `ParseError` for other forms, for a list without `nextUpdate` (nobody could tell when it is stale) and for
    ///   critical extensions, which would narrow what the list covers.
    public init(der: [UInt8], field: String = "crl") throws(ParseError) {
        self.der = der
        let signed = try SignedDER(der, "tbsCertList", maxBytes: Self.maxBytes, field: field)
        signedPart = signed.body.encoded
        scheme = signed.scheme
        signature = signed.signature

        var reader = DERReader(signed.body.content, field)
        let version = try reader.unsigned("version")
        guard version == 1 else {
            throw ParseError(field: field + ".version", expected: "1 (CRL v2)", actual: "\(version)")
        }
        try signed.requireSameAlgorithm(&reader)
        issuer = try reader.next(DERReader.Tag.sequence, "issuer").encoded
        thisUpdate = try reader.time("thisUpdate")
        nextUpdate = try reader.time("nextUpdate")
        var serials: [ArraySlice<UInt8>] = []
        var lastExtensions: ArraySlice<UInt8> = []
        if let list = try reader.nextIf(DERReader.Tag.sequence, "revokedCertificates") {
            var entries = DERReader(list.content, field + ".revokedCertificates")
            while !entries.isAtEnd {
                var entry = try entries.nested()
                serials.append(try entry.magnitude("userCertificate"))
                // A listed certificate is revoked, whatever the date says: the date is only read over.
                let date = try entry.next("revocationDate")
                guard date.tag == DERReader.Tag.utcTime || date.tag == DERReader.Tag.generalizedTime else {
                    throw ParseError(field: field + ".revocationDate", expected: "a time", actual: "another type")
                }
                if !entry.isAtEnd {
                    let extensions = try entry.next(DERReader.Tag.sequence, "crlEntryExtensions")
                    // Most entries give the same reason in the same bytes.
                    if extensions.content != lastExtensions {
                        try Self.refuseCritical(extensions.content, field + ".crlEntryExtensions")
                        lastExtensions = extensions.content
                    }
                }
                try entry.finish()
            }
        }
        revokedSerialNumbers = serials
        index = serials.count > Self.indexedCount ? Set(serials) : nil
        var number: ArraySlice<UInt8>?
        if let wrapper = try reader.nextIf(DERReader.Tag.constructed(0), "crlExtensions") {
            var list = DERReader(wrapper.content, field + ".crlExtensions")
            let extensions = try list.next(DERReader.Tag.sequence)
            try list.finish()
            number = try Self.refuseCritical(extensions.content, field + ".crlExtensions")
        }
        try reader.finish()
        self.number = number
    }

    /// Refuses critical extensions; returns the list number when it is among them.
    @discardableResult
    private static func refuseCritical(
        _ bytes: ArraySlice<UInt8>,
        _ field: String
    ) throws(ParseError) -> ArraySlice<UInt8>? {
        var list = DERReader(bytes, field)
        var number: ArraySlice<UInt8>?
        while !list.isAtEnd {
            var item = try list.nested()
            let name = try item.objectIdentifier()
            let isCritical = try item.nextIf(DERReader.Tag.boolean).map { $0.content.first != 0 } ?? false
            let value = try item.octetString()
            try item.finish()
            guard !isCritical else {
                throw ParseError(field: field, expected: "no critical extension", actual: name.description)
            }
            if name == crlNumber {
                var content = DERReader(value, field)
                number = try content.magnitude("cRLNumber")
            }
        }
        return number
    }

    /// The issuer's common name.
    public var issuerCommonName: String { Certificate.commonName(of: issuer) }

    /// Whether the list names this certificate's serial number.
    public func isRevoked(_ certificate: Certificate) -> Bool {
        if let index { return index.contains(certificate.serialNumber) }
        return revokedSerialNumbers.contains { $0 == certificate.serialNumber }
    }

    /// Whether `issuer` may sign lists, is this list's issuer and did sign it.
    public func isSigned(by issuer: Certificate) -> Bool {
        self.issuer == issuer.subject && (issuer.keyUsage?.contains(.crlSign) ?? true)
            && issuer.publicKey.isValid(signature, scheme: scheme, message: signedPart)
    }
}
