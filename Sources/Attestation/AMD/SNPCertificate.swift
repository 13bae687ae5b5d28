// The AMD extensions of VCEK and VLEK certificates: for which chip and for which firmware versions a key was derived.
// Source: AMD 57230 "Versioned Chip Endorsement Key (VCEK) Certificate and KDS Interface Specification" §3.

internal import Codecs

/// What a VCEK or VLEK certificate says.
struct SNPCertificate: Sendable {
    /// The certificate.
    let certificate: Certificate
    /// Which key it certifies.
    let kind: SNPSigningKey
    /// The product that the certificate names.
    let product: AMDProduct
    /// The firmware versions for which the key was derived.
    let tcb: SNPTCBVersion
    /// The chip's identifier, 64 bytes (8 for Turin); empty in a VLEK certificate.
    let hardwareId: ArraySlice<UInt8>

    private static let productName = OID(1, 3, 6, 1, 4, 1, 3704, 1, 2)
    private static let hardwareIdName = OID(1, 3, 6, 1, 4, 1, 3704, 1, 4)
    private static let bootLoaderName = OID(1, 3, 6, 1, 4, 1, 3704, 1, 3, 1)
    private static let teeName = OID(1, 3, 6, 1, 4, 1, 3704, 1, 3, 2)
    private static let snpName = OID(1, 3, 6, 1, 4, 1, 3704, 1, 3, 3)
    private static let microcodeName = OID(1, 3, 6, 1, 4, 1, 3704, 1, 3, 8)
    private static let fmcName = OID(1, 3, 6, 1, 4, 1, 3704, 1, 3, 9)
    private static let field = "amd.certificate"

    /// Whether `certificate` carries AMD's extensions.
    static func isSNP(_ certificate: Certificate) -> Bool {
        certificate.value(of: productName) != nil
    }

    init(_ certificate: Certificate) throws(ParseError) {
        self.certificate = certificate
        switch certificate.commonName {
        case "SEV-VCEK": kind = .vcek
        case "SEV-VLEK": kind = .vlek
        default:
            throw ParseError(
                field: Self.field + ".subject",
                expected: "SEV-VCEK or SEV-VLEK",
                actual: certificate.commonName
            )
        }
        guard case .ellipticCurve(.p384) = certificate.publicKey.kind else {
            let actual = certificate.publicKey.kind.description
            throw ParseError(field: Self.field + ".key", expected: "P-384", actual: actual)
        }
        guard let nameValue = certificate.value(of: Self.productName) else {
            throw ParseError(field: Self.field, expected: "extension \(Self.productName)", actual: "none")
        }
        var nameReader = DERReader(nameValue, Self.field + ".productName")
        let name = String(decoding: try nameReader.next(DERReader.Tag.ia5String).content, as: UTF8.self)
        // The name may carry a stepping: "Milan-B0".
        let line = String(name.prefix { $0 != "-" })
        guard let product = AMDProduct(rawValue: line) else {
            throw ParseError(field: Self.field + ".productName", expected: "Milan, Genoa or Turin", actual: name)
        }
        self.product = product
        let bootLoader = try Self.version(certificate, Self.bootLoaderName)
        let tee = try Self.version(certificate, Self.teeName)
        let snp = try Self.version(certificate, Self.snpName)
        let microcode = try Self.version(certificate, Self.microcodeName)
        let bytes: [UInt8]
        if product == .turin {
            bytes = [try Self.version(certificate, Self.fmcName), bootLoader, tee, snp, 0, 0, 0, microcode]
        } else {
            bytes = [bootLoader, tee, 0, 0, 0, 0, snp, microcode]
        }
        tcb = SNPTCBVersion(bytes, product: product)
        hardwareId = try Self.hardwareId(certificate, kind, product)
    }

    /// The value is a bare INTEGER, not wrapped in a structure.
    private static func version(_ certificate: Certificate, _ name: OID) throws(ParseError) -> UInt8 {
        guard let value = certificate.value(of: name) else {
            throw ParseError(field: field, expected: "extension \(name)", actual: "none")
        }
        var reader = DERReader(value, field)
        let number = try reader.unsigned()
        try reader.finish()
        guard let version = UInt8(exactly: number) else {
            throw ParseError(field: field, expected: "a version below 256", actual: "\(number)")
        }
        return version
    }

    private static func hardwareId(
        _ certificate: Certificate,
        _ kind: SNPSigningKey,
        _ product: AMDProduct
    ) throws(ParseError) -> ArraySlice<UInt8> {
        guard kind == .vcek else { return [] }
        guard let value = certificate.value(of: hardwareIdName) else {
            throw ParseError(field: field, expected: "extension \(hardwareIdName)", actual: "none")
        }
        let count = product == .turin ? 8 : 64
        // Older certificates hold the raw identifier, newer ones an OCTET STRING.
        if value.count == count { return value }
        var reader = DERReader(value, field + ".hwID")
        let content = try reader.octetString()
        try reader.finish()
        guard content.count == count else {
            throw ParseError(field: field + ".hwID", expected: "\(count) bytes", actual: "\(content.count) bytes")
        }
        return content
    }

    /// Whether the certificate is for the chip with this identifier.
    func isFor(chip chipId: ArraySlice<UInt8>) -> Bool {
        chipId.prefix(hardwareId.count).elementsEqual(hardwareId)
            && chipId.dropFirst(hardwareId.count).allSatisfy { $0 == 0 }
    }
}

extension SNPReport {
    /// Whether `certificate` says that it is for the key of this report: the kind of key, the product as far as the report
    /// names it, the reported firmware versions and the chip. No signature is checked.
    public func isEndorsed(by certificate: Certificate) -> Bool {
        guard SNPCertificate.isSNP(certificate), let endorsement = try? SNPCertificate(certificate) else {
            return false
        }
        return endorsement.kind == signingKey && (product == nil || product == endorsement.product)
            && endorsement.tcb == SNPTCBVersion(reportedTcb, product: endorsement.product)
            && (endorsement.kind == .vlek || isChipKeyMasked || endorsement.isFor(chip: chipId))
    }
}
