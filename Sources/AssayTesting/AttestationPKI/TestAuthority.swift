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

    /// An OCSP response of this authority about one of its certificates.
    /// - Parameters:
    ///   - tag: the status: 0 good, 1 revoked, 2 unknown.
    ///   - hash: the hash that names this authority.
    ///   - responder: who signs, with its certificate in the response; this authority itself when `nil`.
    public func ocspResponse(
        about certificate: Certificate,
        status tag: UInt8 = 0,
        thisUpdate: Timestamp = Timestamp(seconds: 1_577_836_800),
        nextUpdate: Timestamp = Timestamp(seconds: 2_208_988_800),
        hash: HashAlgorithm = .sha1,
        responder: TestIdentity? = nil
    ) -> [UInt8] {
        let names: [HashAlgorithm: OID] = [
            .sha1: OID(1, 3, 14, 3, 2, 26), .sha256: OID(2, 16, 840, 1, 101, 3, 4, 2, 1),
            .sha384: OID(2, 16, 840, 1, 101, 3, 4, 2, 2), .sha512: OID(2, 16, 840, 1, 101, 3, 4, 2, 3),
        ]
        let algorithm = DERWriter.sequence(names[hash].map { DERWriter.objectIdentifier($0) } ?? [])
        let identifier = DERWriter.sequence(
            algorithm,
            DERWriter.octetString(hash.digest(self.certificate.subject)),
            DERWriter.octetString(hash.digest(key.publicKey.bytes)),
            DERWriter.integer(certificate.serialNumber)
        )
        let status =
            tag == 1
            ? DERWriter.element(DERReader.Tag.constructed(1), DERWriter.time(thisUpdate))
            : DERWriter.element(DERReader.Tag.primitive(tag), [])
        let answer = DERWriter.sequence(
            identifier,
            status,
            DERWriter.time(thisUpdate),
            DERWriter.element(DERReader.Tag.constructed(0), DERWriter.time(nextUpdate))
        )
        let signer = responder ?? self
        let data = DERWriter.sequence(
            DERWriter.element(DERReader.Tag.constructed(1), Array(signer.certificate.subject)),
            DERWriter.time(thisUpdate),
            DERWriter.sequence(answer)
        )
        let certificates = responder.map {
            DERWriter.element(DERReader.Tag.constructed(0), DERWriter.sequence($0.certificate.der))
        }
        let basic = DERWriter.sequence(
            data,
            signer.key.signatureAlgorithm,
            DERWriter.bitString(signer.key.signDER(data)),
            certificates ?? []
        )
        let typed = DERWriter.sequence(
            DERWriter.objectIdentifier(OID(1, 3, 6, 1, 5, 5, 7, 48, 1, 1)),
            DERWriter.octetString(basic)
        )
        return DERWriter.sequence(
            DERWriter.element(DERReader.Tag.enumerated, [0]),
            DERWriter.element(DERReader.Tag.constructed(0), typed)
        )
    }

    /// A certificate that allows its holder to answer for this authority, or, without the purpose, not.
    public func ocspResponder(serial: UInt64 = 90, isPermitted: Bool = true, notAfter: Timestamp? = nil) -> TestIdentity
    {
        let purpose = DERWriter.extension(
            Certificate.Extension.extendedKeyUsage,
            isCritical: false,
            DERWriter.sequence(DERWriter.objectIdentifier(OID(1, 3, 6, 1, 5, 5, 7, 3, isPermitted ? 9 : 1)))
        )
        var form = TestCertificateForm(name: name + " responder", serial: serial, extensions: [purpose])
        if let notAfter { form.notAfter = notAfter }
        return issue(form)
    }
}
