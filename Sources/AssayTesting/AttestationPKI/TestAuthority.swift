// A certificate authority for tests: roots, intermediates, leaves and revocation lists with any fault that is asked for.
public import Attestation
public import Codecs

/// What a test certificate says; the defaults make a good one.
public struct TestCertificateForm: Sendable {
    /// The subject's common name.
    public var name: String
    /// The serial number.
    public var serial: UInt64
    /// The first second of validity.
    public var notBefore: Timestamp
    /// The last second of validity.
    public var notAfter: Timestamp
    /// Whether the subject is an authority.
    public var isAuthority: Bool
    /// Encoded extensions besides basic constraints and key usage.
    public var extensions: [[UInt8]]

    /// A form valid from 2020 to 2040.
    public init(
        name: String,
        serial: UInt64 = 1,
        notBefore: Timestamp = Timestamp(seconds: 1_577_836_800),
        notAfter: Timestamp = Timestamp(seconds: 2_208_988_800),
        isAuthority: Bool = false,
        extensions: [[UInt8]] = []
    ) {
        self.name = name
        self.serial = serial
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.isAuthority = isAuthority
        self.extensions = extensions
    }
}

/// A key with a certificate for it.
public struct TestIdentity: Sendable {
    /// The key.
    public let key: TestKey
    /// The certificate.
    public let certificate: Certificate
    /// The subject's common name.
    public let name: String

    /// A self-signed authority.
    public static func root(_ form: TestCertificateForm, key: TestKey = TestKey(.p384)) -> TestIdentity {
        var form = form
        form.isAuthority = true
        return issue(form, key: key, issuerName: form.name, issuerKey: key)
    }

    /// A certificate that this identity signs.
    public func issue(_ form: TestCertificateForm, key: TestKey = TestKey(.p384)) -> TestIdentity {
        Self.issue(form, key: key, issuerName: name, issuerKey: self.key)
    }

    private static func issue(
        _ form: TestCertificateForm,
        key: TestKey,
        issuerName: String,
        issuerKey: TestKey
    ) -> TestIdentity {
        let constraints = DERWriter.extension(
            Certificate.Extension.basicConstraints,
            isCritical: true,
            DERWriter.sequence(form.isAuthority ? DERWriter.element(DERReader.Tag.boolean, [0xff]) : [])
        )
        let usage = DERWriter.extension(
            Certificate.Extension.keyUsage,
            isCritical: true,
            // Bits 5 and 6 (keyCertSign, cRLSign), or bit 0 (digitalSignature).
            DERWriter.element(DERReader.Tag.bitString, form.isAuthority ? [1, 0x06] : [7, 0x80])
        )
        let extensions = DERWriter.element(
            DERReader.Tag.sequence,
            constraints + usage + form.extensions.flatMap { $0 }
        )
        let body = DERWriter.sequence(
            DERWriter.element(DERReader.Tag.constructed(0), DERWriter.integer(2)),
            DERWriter.integer(form.serial),
            issuerKey.signatureAlgorithm,
            DERWriter.name(issuerName),
            DERWriter.sequence(DERWriter.time(form.notBefore), DERWriter.time(form.notAfter)),
            DERWriter.name(form.name),
            key.subjectPublicKeyInfo,
            DERWriter.element(DERReader.Tag.constructed(3), extensions)
        )
        let der = DERWriter.sequence(
            body,
            issuerKey.signatureAlgorithm,
            DERWriter.bitString(issuerKey.signDER(body))
        )
        do throws(ParseError) {
            return TestIdentity(key: key, certificate: try Certificate(der: der), name: form.name)
        } catch {
            preconditionFailure("the reader reads what the test authority writes: \(error)")
        }
    }

    /// A revocation list of this authority over `serials`.
    public func revocationList(
        of serials: [UInt64] = [],
        thisUpdate: Timestamp = Timestamp(seconds: 1_577_836_800),
        nextUpdate: Timestamp = Timestamp(seconds: 2_208_988_800)
    ) -> [UInt8] {
        let entries = serials.map { DERWriter.sequence(DERWriter.integer($0), DERWriter.time(thisUpdate)) }
        let body = DERWriter.sequence(
            DERWriter.integer(1),
            key.signatureAlgorithm,
            DERWriter.name(name),
            DERWriter.time(thisUpdate),
            DERWriter.time(nextUpdate),
            entries.isEmpty ? [] : DERWriter.element(DERReader.Tag.sequence, entries.flatMap { $0 })
        )
        return DERWriter.sequence(body, key.signatureAlgorithm, DERWriter.bitString(key.signDER(body)))
    }
}
