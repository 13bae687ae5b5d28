// Fake NVIDIA devices and manifests: reports in any mode, with and without a firmware identity, and signed manifests.
public import Attestation
public import Codecs

/// A fake GPU or NVSwitch.
public struct FakeNVIDIADevice: Sendable {
    /// The root to pin.
    public let root: TestIdentity
    /// The device's key.
    public let leaf: TestIdentity
    /// The authority between them.
    public let intermediate: TestIdentity
    /// What the list says of the architecture.
    public var architecture: String
    /// The nonce that was asked for.
    public var nonce = [UInt8](repeating: 0x77, count: 32)
    /// The registers.
    public var measurements: [[UInt8]]
    /// The opaque fields, in order.
    public var fields: [(type: UInt16, value: [UInt8])]

    /// A device whose certificate and report state the same firmware identity.
    /// - Parameters:
    ///   - chip: the chip in the certificate's name.
    ///   - certifiedFWID: the firmware identity in the certificate; `nil` for none.
    ///   - isTCBInfo: whether the certificate has it in a DiceTcbInfo, as Blackwell's, or in Hopper's form.
    public init(
        chip: String = "GH100",
        architecture: String = "HOPPER",
        certifiedFWID: [UInt8]? = [UInt8](repeating: 0x5f, count: 48),
        isTCBInfo: Bool = false,
        root: TestIdentity? = nil
    ) {
        let root = root ?? TestIdentity.root(TestCertificateForm(name: "Test device root"))
        self.root = root
        intermediate = root.issue(TestCertificateForm(name: "Test provisioner", serial: 2, isAuthority: true))
        var extensions: [[UInt8]] = []
        if let certifiedFWID {
            let fwid = DERWriter.sequence(
                DERWriter.objectIdentifier(OID(2, 16, 840, 1, 101, 3, 4, 2, 2)),
                DERWriter.octetString(certifiedFWID)
            )
            if isTCBInfo {
                let list = DERWriter.element(DERReader.Tag.constructed(6), fwid)
                let vendor = DERWriter.element(DERReader.Tag.primitive(0), Array("NVIDIA".utf8))
                extensions.append(
                    DERWriter.extension(
                        OID(2, 23, 133, 5, 4, 1, 1),
                        isCritical: false,
                        DERWriter.sequence(vendor, list)
                    )
                )
            } else {
                let key = TestKey(.p384).subjectPublicKeyInfo
                extensions.append(
                    DERWriter.extension(
                        OID(2, 23, 133, 5, 4, 1),
                        isCritical: false,
                        DERWriter.sequence(DERWriter.integer(1), key, fwid)
                    )
                )
            }
        }
        leaf = intermediate.issue(
            TestCertificateForm(name: "\(chip) A01 GSP FMC LF", serial: 3, extensions: extensions)
        )
        self.architecture = architecture
        measurements = (0..<64).map { [UInt8](repeating: UInt8($0), count: 48) }
        fields = [
            (SPDMReport.Field.vbiosVersion, [0x00, 0x9f, 0x00, 0x96, 0x01, 0, 0, 0]),
            (SPDMReport.Field.driverVersion, Array("550.90.07\0".utf8)),
            (SPDMReport.Field.nvdec0Status, [0xaa]),
        ]
        if let certifiedFWID { fields.append((SPDMReport.Field.fwid, certifiedFWID)) }
    }

    /// Sets or adds an opaque field; `nil` takes it away.
    public mutating func set(_ type: UInt16, _ value: [UInt8]?) {
        fields.removeAll { $0.type == type }
        if let value { fields.append((type, value)) }
    }

    /// Request and response without the signature.
    public var signedBytes: [UInt8] {
        var bytes: [UInt8] = [0x11, 0xe0, 0x01, 0xff] + nonce + [0]
        bytes += [0x11, 0x60, 0, 0, UInt8(measurements.count)]
        let length = 55 * measurements.count
        bytes += [UInt8(length & 0xff), UInt8(length >> 8), 0]
        for (index, value) in measurements.enumerated() {
            bytes += [UInt8(index + 1), 0x01, 51, 0, 0x01, 48, 0] + value
        }
        bytes += [UInt8](repeating: 0x99, count: 32)
        var opaque: [UInt8] = []
        for (type, value) in fields {
            opaque.appendLittleEndian(type)
            opaque.appendLittleEndian(UInt16(value.count))
            opaque += value
        }
        bytes.appendLittleEndian(UInt16(opaque.count))
        return bytes + opaque
    }

    /// The evidence list of one device.
    public func evidence(key: TestKey? = nil, nonce: [UInt8]? = nil) -> [UInt8] {
        Self.evidence([self.entry(key: key, nonce: nonce)])
    }

    /// The device's entry in a list.
    public func entry(key: TestKey? = nil, nonce: [UInt8]? = nil) -> JSONValue {
        let message = signedBytes
        let chain = [leaf, intermediate, root].flatMap { PEM.encode($0.certificate.der) }
        return Self.entry(
            architecture: architecture,
            chain: chain,
            report: message + (key ?? leaf.key).sign(message),
            nonce: nonce
        )
    }

    /// An entry from its parts.
    public static func entry(architecture: String, chain: [UInt8], report: [UInt8], nonce: [UInt8]? = nil) -> JSONValue
    {
        var object: JSONObject = [
            "arch": .string(architecture), "certificate": .string(Base64.encode(chain)),
            "evidence": .string(Base64.encode(report)),
        ]
        if let nonce { object["nonce"] = .string(Hex.encode(nonce)) }
        return .object(object)
    }

    /// A list of entries.
    public static func evidence(_ entries: [JSONValue]) -> [UInt8] {
        JSONValue.array(entries).serialized()
    }
}

/// A fake signer of reference manifests. It writes documents that are canonical as they stand, so that it needs no
/// canonicalization of its own.
public struct FakeReferenceManifest: Sendable {
    /// The root to pin.
    public let root: TestIdentity
    /// The signer.
    public let signer: TestIdentity
    /// The chip.
    public var product = "GH100"
    /// `GPU` or `SWITCH`.
    public var edition = "GPU"
    /// The version.
    public var version: String
    /// Register, whether it is judged, digests.
    public var values: [(index: Int, isActive: Bool, digests: [[UInt8]])]

    /// A manifest with `values`.
    public init(version: String, values: [(index: Int, isActive: Bool, digests: [[UInt8]])], root: TestIdentity? = nil)
    {
        let root = root ?? TestIdentity.root(TestCertificateForm(name: "Test manifest root"))
        self.root = root
        signer = root.issue(TestCertificateForm(name: "Test manifest signer", serial: 2))
        self.version = version
        self.values = values
    }

    private static let swid = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
    private static let hashes = "http://www.w3.org/2001/04/xmlenc#sha384"
    private static let dsig = "http://www.w3.org/2000/09/xmldsig#"
    private static let c14n = "http://www.w3.org/2006/12/xml-c14n11"
    private static let sha384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"

    /// The root's start tag.
    public var head: String {
        "<SoftwareIdentity xmlns=\"\(Self.swid)\" xmlns:ns2=\"\(Self.hashes)\" name=\"\(product)\" version=\"1.0\">"
    }

    /// The content of the root before the signature.
    public var body: String {
        var text =
            "<Meta colloquialVersion=\"\(version)\" edition=\"\(edition)\" product=\"\(product)\"></Meta><Payload>"
        for (index, isActive, digests) in values {
            text += "<Resource active=\"\(isActive ? "True" : "False")\" alternatives=\"\(digests.count)\""
            text += " index=\"\(index)\" size=\"48\" type=\"Measurement\""
            for (number, digest) in digests.enumerated() { text += " ns2:Hash\(number)=\"\(Hex.encode(digest))\"" }
            text += "></Resource>"
        }
        return text + "</Payload>"
    }

    /// The signature over `head`, `body` and the root's end tag.
    public func signature(key: TestKey? = nil, chain: [TestIdentity]? = nil) -> String {
        let digest = HashAlgorithm.sha384.digest(Array((head + body + "</SoftwareIdentity>").utf8))
        func info(_ namespaces: String) -> String {
            "<ds:SignedInfo\(namespaces)>"
                + "<ds:CanonicalizationMethod Algorithm=\"\(Self.c14n)\"></ds:CanonicalizationMethod>"
                + "<ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384\"></ds:SignatureMethod>"
                + "<ds:Reference URI=\"\"><ds:Transforms>"
                + "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform>"
                + "<ds:Transform Algorithm=\"\(Self.c14n)\"></ds:Transform></ds:Transforms>"
                + "<ds:DigestMethod Algorithm=\"\(Self.sha384)\"></ds:DigestMethod>"
                + "<ds:DigestValue>\(Base64.encode(digest))</ds:DigestValue></ds:Reference></ds:SignedInfo>"
        }
        // As the apex of a subset SignedInfo carries the namespaces around it, in the order of their prefixes.
        let signed = info(" xmlns=\"\(Self.swid)\" xmlns:ds=\"\(Self.dsig)\" xmlns:ns2=\"\(Self.hashes)\"")
        let value = (key ?? signer.key).sign(Array(signed.utf8), hash: .sha384)
        let certificates = (chain ?? [signer, root]).map {
            "<ds:X509Certificate>\(Base64.encode($0.certificate.der))</ds:X509Certificate>"
        }
        return "<ds:Signature xmlns:ds=\"\(Self.dsig)\">" + info("")
            + "<ds:SignatureValue>\(Base64.encode(value))</ds:SignatureValue>"
            + "<ds:KeyInfo><ds:X509Data>\(certificates.joined())</ds:X509Data></ds:KeyInfo></ds:Signature>"
    }

    /// The signed document.
    public func document(key: TestKey? = nil, chain: [TestIdentity]? = nil) -> [UInt8] {
        Array((head + body + signature(key: key, chain: chain) + "</SoftwareIdentity>").utf8)
    }
}
