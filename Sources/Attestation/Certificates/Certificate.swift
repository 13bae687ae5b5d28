// X.509 version 3 certificates (RFC 5280 §4) read strictly, with what attestation chains need of them.

public import Codecs
internal import Commitments

/// One extension of a certificate.
public struct CertificateExtension: Sendable {
    /// Its name.
    public let name: OID
    /// Whether a reader that does not know it must refuse the certificate.
    public let isCritical: Bool
    /// The content of its OCTET STRING.
    public let value: ArraySlice<UInt8>
}

/// The bits of the `keyUsage` extension (RFC 5280 §4.2.1.3).
public struct KeyUsage: OptionSet, Sendable {
    /// Bit 0 of the extension is the highest bit here.
    public let rawValue: UInt16
    /// Takes the bits as the extension has them.
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// Signatures of data.
    public static let digitalSignature = KeyUsage(rawValue: 0x8000)
    /// Signatures of data that bind the signer.
    public static let nonRepudiation = KeyUsage(rawValue: 0x4000)
    /// Signatures of certificates.
    public static let keyCertSign = KeyUsage(rawValue: 0x0400)
    /// Signatures of revocation lists.
    public static let crlSign = KeyUsage(rawValue: 0x0200)
}

/// A certificate as read from its DER; nothing has been checked but its form.
public final class Certificate: Sendable {
    /// The whole certificate.
    public let der: [UInt8]
    /// The signed part.
    public let signedPart: ArraySlice<UInt8>
    /// The serial number as a magnitude, big-endian, without leading zeros.
    public let serialNumber: ArraySlice<UInt8>
    /// The issuer's name in DER.
    public let issuer: ArraySlice<UInt8>
    /// The subject's name in DER.
    public let subject: ArraySlice<UInt8>
    /// The first second of its validity.
    public let notBefore: Timestamp
    /// The last second of its validity.
    public let notAfter: Timestamp
    /// The subject's key.
    public let publicKey: PublicKey
    /// Its extensions, names unique.
    public let extensions: [CertificateExtension]
    /// How it is signed.
    public let scheme: SignatureScheme
    /// The signature.
    public let signature: ArraySlice<UInt8>
    /// Whether `basicConstraints` says that the subject is an authority.
    public let isAuthority: Bool
    /// The most intermediate certificates below this authority, when it says so.
    public let pathLength: UInt64?
    /// The key's uses; `nil` when the extension is missing.
    public let keyUsage: KeyUsage?
    /// The last common name of the subject; empty when there is none.
    public let commonName: String

    /// Names of the extensions that chain validation knows.
    public enum Extension {
        /// RFC 5280 §4.2.1.9: whether the subject is an authority.
        public static let basicConstraints = OID(2, 5, 29, 19)
        /// RFC 5280 §4.2.1.3: what the key may do.
        public static let keyUsage = OID(2, 5, 29, 15)
        /// RFC 5280 §4.2.1.12: purposes of the key.
        public static let extendedKeyUsage = OID(2, 5, 29, 37)
        /// RFC 5280 §4.2.1.2.
        public static let subjectKeyIdentifier = OID(2, 5, 29, 14)
        /// RFC 5280 §4.2.1.1.
        public static let authorityKeyIdentifier = OID(2, 5, 29, 35)
        /// RFC 5280 §4.2.1.6: further names of the subject.
        public static let subjectAlternativeName = OID(2, 5, 29, 17)
        /// RFC 5280 §4.2.1.4.
        public static let certificatePolicies = OID(2, 5, 29, 32)
        /// RFC 5280 §4.2.1.13: where lists are.
        public static let crlDistributionPoints = OID(2, 5, 29, 31)
    }

    /// The most bytes of a certificate that is read.
    public static let maxBytes = 16_384

    /// Reads one DER certificate.
    public init(der: [UInt8], field: String = "certificate") throws(ParseError) {
        self.der = der
        let signed = try SignedDER(der, "tbsCertificate", maxBytes: Self.maxBytes, field: field)
        signedPart = signed.body.encoded
        scheme = signed.scheme
        signature = signed.signature

        var reader = DERReader(signed.body.content, field)
        var versionField = try reader.nested(DERReader.Tag.constructed(0), "version")
        let version = try versionField.unsigned("version")
        try versionField.finish()
        guard version == 2 else {
            throw ParseError(field: field + ".version", expected: "2 (X.509 v3)", actual: "\(version)")
        }
        serialNumber = try reader.magnitude("serialNumber")
        try signed.requireSameAlgorithm(&reader)
        issuer = try reader.next(DERReader.Tag.sequence, "issuer").encoded
        var validity = try reader.nested(DERReader.Tag.sequence, "validity")
        notBefore = try validity.time("notBefore")
        notAfter = try validity.time("notAfter")
        try validity.finish()
        subject = try reader.next(DERReader.Tag.sequence, "subject").encoded
        commonName = Self.commonName(of: subject)
        let keyInfo = try reader.next(DERReader.Tag.sequence, "subjectPublicKeyInfo")
        publicKey = try PublicKey(subjectPublicKeyInfo: keyInfo.encoded, field: field + ".subjectPublicKeyInfo")
        _ = try reader.nextIf(DERReader.Tag.primitive(1), "issuerUniqueID")
        _ = try reader.nextIf(DERReader.Tag.primitive(2), "subjectUniqueID")
        var found: [CertificateExtension] = []
        if let wrapper = try reader.nextIf(DERReader.Tag.constructed(3), "extensions") {
            found = try Self.readExtensions(wrapper.content, field)
        }
        try reader.finish()
        extensions = found

        var isAuthority = false
        var pathLength: UInt64?
        var usage: KeyUsage?
        for item in found {
            switch item.name {
            case Extension.basicConstraints:
                var value = DERReader(item.value, field + ".basicConstraints")
                var constraints = try value.nested()
                try value.finish()
                if !constraints.isAtEnd, let flag = try constraints.nextIf(DERReader.Tag.boolean) {
                    // DER leaves out a false `cA`, but issuers of attestation leaves write it; both mean the same.
                    isAuthority = flag.content.first == 0xff
                }
                if !constraints.isAtEnd { pathLength = try constraints.unsigned("pathLenConstraint") }
                try constraints.finish()
            case Extension.keyUsage:
                var value = DERReader(item.value, field + ".keyUsage")
                let bits = try value.next(DERReader.Tag.bitString).content
                try value.finish()
                guard (2...3).contains(bits.count), let unused = bits.first, unused < 8 else {
                    let actual = "\(bits.count) bytes"
                    throw ParseError(field: field + ".keyUsage", expected: "one or two bytes of bits", actual: actual)
                }
                let high = UInt16(bits[bits.startIndex + 1]) << 8
                usage = KeyUsage(rawValue: high | (bits.count == 3 ? UInt16(bits[bits.startIndex + 2]) : 0))
            default: break
            }
        }
        self.isAuthority = isAuthority
        if isAuthority { publicKey.shareTable() }
        self.pathLength = pathLength
        self.keyUsage = usage
    }

    private static func readExtensions(
        _ bytes: ArraySlice<UInt8>,
        _ field: String
    ) throws(ParseError) -> [CertificateExtension] {
        var outer = DERReader(bytes, field + ".extensions")
        var list = try outer.nested()
        try outer.finish()
        var found: [CertificateExtension] = []
        while !list.isAtEnd {
            guard found.count < 64 else {
                throw ParseError(field: field + ".extensions", expected: "at most 64", actual: "more")
            }
            var item = try list.nested()
            let name = try item.objectIdentifier()
            // A false `critical` written out breaks DER, but vendors do it; it means what its absence means.
            var isCritical = false
            if let flag = try item.nextIf(DERReader.Tag.boolean) { isCritical = flag.content.first != 0 }
            let value = try item.octetString()
            try item.finish()
            guard !found.contains(where: { $0.name == name }) else {
                let actual = "\(name) twice"
                throw ParseError(field: field + ".extensions", expected: "each extension once", actual: actual)
            }
            found.append(CertificateExtension(name: name, isCritical: isCritical, value: value))
        }
        return found
    }

    /// Reads the certificates of PEM text, in order.
    /// - Parameter known: certificates that have been read before; where the bytes are the same, they are taken as they are.
    public static func chain(
        pem: ArraySlice<UInt8>,
        max: Int = 8,
        field: String = "chain",
        known: [Certificate] = []
    ) throws(ParseError) -> [Certificate] {
        var chain: [Certificate] = []
        for (index, der) in try PEM.decode(pem, max: max, field: field).enumerated() {
            if let certificate = known.first(where: { $0.der == der }) {
                chain.append(certificate)
            } else {
                chain.append(try Certificate(der: der, field: "\(field)[\(index)]"))
            }
        }
        return chain
    }

    /// The value of an extension.
    public func value(of name: OID) -> ArraySlice<UInt8>? {
        extensions.first { $0.name == name }?.value
    }

    /// SHA-256 of the DER, in hexadecimal.
    public var fingerprint: String { SHA256.hash(der).hex }
    /// The serial number in hexadecimal.
    public var serialText: String { Hex.encode(serialNumber) }
    /// Whether issuer and subject are the same name.
    public var isSelfIssued: Bool { issuer == subject }
    /// The last common name of the issuer; empty when there is none.
    public var issuerCommonName: String { Self.commonName(of: issuer) }

    /// The last `commonName` (2.5.4.3) in a DER name; empty when there is none or the name is malformed.
    public static func commonName(of name: ArraySlice<UInt8>) -> String {
        var found = ""
        do throws(ParseError) {
            var outer = DERReader(name)
            var list = try outer.nested()
            while !list.isAtEnd {
                var set = try list.nested(DERReader.Tag.set)
                while !set.isAtEnd {
                    var pair = try set.nested()
                    let type = try pair.next()
                    guard type.content.elementsEqual(commonNameType.encoded) else { continue }
                    found = String(decoding: try pair.next().content, as: UTF8.self)
                }
            }
        } catch {
            return ""
        }
        return found
    }

    private static let commonNameType = OID(2, 5, 4, 3)

    /// The attributes of a DER name in order; empty when the name is malformed.
    public static func attributes(of name: ArraySlice<UInt8>) -> [(name: OID, text: String)] {
        var result: [(name: OID, text: String)] = []
        do throws(ParseError) {
            var outer = DERReader(name)
            var list = try outer.nested()
            while !list.isAtEnd {
                var set = try list.nested(DERReader.Tag.set)
                while !set.isAtEnd {
                    var pair = try set.nested()
                    let type = try pair.objectIdentifier()
                    let value = try pair.next()
                    result.append((type, String(decoding: value.content, as: UTF8.self)))
                }
            }
        } catch {
            return []
        }
        return result
    }

    /// Whether `issuer`'s key signed this certificate and `issuer`'s subject is this certificate's issuer.
    public func isSigned(by issuer: Certificate) -> Bool {
        self.issuer == issuer.subject && issuer.publicKey.isValid(signature, scheme: scheme, message: signedPart)
    }
}

extension Certificate: Hashable {
    public static func == (left: Certificate, right: Certificate) -> Bool {
        left === right || left.der == right.der
    }

    public func hash(into hasher: inout Hasher) {
        // The signature is as distinctive as the whole certificate and far shorter.
        hasher.combine(signature)
    }
}
