// Reference integrity manifests of NVIDIA devices: a SWID tag (ISO/IEC 19770-2; TCG RIM Information Model) with an
// enveloped XML signature (W3C XMLDSig) that carries its own certificate chain.
public import Codecs

/// A parsed reference integrity manifest. Nothing about it has been verified yet.
public struct ReferenceManifest: Sendable {
    /// A reference value: one register may have any of several digests.
    public struct Measurement: Sendable, Equatable {
        /// The register, counted from 0.
        public let index: Int
        /// Whether the register is judged by this manifest.
        public let isActive: Bool
        /// The acceptable digests.
        public let alternatives: [[UInt8]]
    }

    /// The chip: `GH100`.
    public let product: String
    /// `GPU` or `SWITCH`.
    public let edition: String
    /// The version of driver or firmware that the values are for.
    public let version: String
    /// The reference values, each register at most once.
    public let measurements: [Measurement]
    /// The signature.
    public let signature: XMLSignature

    static let swidNamespace = "http://standards.iso.org/iso/19770/-2/2015/schema.xsd"
    static let digestNamespace = "http://www.w3.org/2001/04/xmlenc#sha384"

    /// Reads a manifest. Values are taken from the very tree that the signature's digest is computed over.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let root = try XMLReader.document(bytes)
        guard root.namespace == Self.swidNamespace, root.name == "SoftwareIdentity" else {
            throw ParseError(field: "rim", expected: "a SoftwareIdentity", actual: root.name)
        }
        signature = try XMLSignature(envelopedIn: root)
        let metas = root.elements(Self.swidNamespace, "Meta")
        let payloads = root.elements(Self.swidNamespace, "Payload")
        guard metas.count == 1, payloads.count == 1, let meta = metas.first, let payload = payloads.first else {
            throw ParseError(
                field: "rim",
                expected: "one Meta and one Payload",
                actual: "\(metas.count) and \(payloads.count)"
            )
        }
        func attribute(_ name: String) throws(ParseError) -> String {
            guard let value = meta.attribute(name), !value.isEmpty, value.utf8.count <= 128 else {
                throw ParseError(field: "rim.Meta." + name, expected: "a value", actual: "nothing")
            }
            return value
        }
        product = try attribute("product")
        edition = try attribute("edition")
        version = try attribute("colloquialVersion")
        var measurements: [Measurement] = []
        for (position, element) in payload.elements.enumerated() {
            let measurement = try Self.measurement(element, "rim.Payload[\(position)]")
            guard !measurements.contains(where: { $0.index == measurement.index }) else {
                let actual = "register \(measurement.index) twice"
                throw ParseError(field: "rim.Payload[\(position)]", expected: "each register once", actual: actual)
            }
            measurements.append(measurement)
        }
        self.measurements = measurements
    }

    private static func measurement(_ element: XMLElement, _ field: String) throws(ParseError) -> Measurement {
        guard element.namespace == swidNamespace, element.name == "Resource",
            element.attribute("type") == "Measurement"
        else {
            throw ParseError(field: field, expected: "a Resource of type Measurement", actual: element.name)
        }
        func number(_ name: String, _ range: ClosedRange<Int>) throws(ParseError) -> Int {
            guard let text = element.attribute(name), let value = Int(text), String(value) == text,
                range.contains(value)
            else {
                let expected = "\(range.lowerBound) to \(range.upperBound)"
                throw ParseError(field: field + "." + name, expected: expected, actual: element.attribute(name) ?? "")
            }
            return value
        }
        let index = try number("index", 0...255)
        let count = try number("alternatives", 1...64)
        _ = try number("size", 48...48)
        let active: Bool
        switch element.attribute("active") {
        case "True": active = true
        case "False": active = false
        default:
            let actual = element.attribute("active") ?? "nothing"
            throw ParseError(field: field + ".active", expected: "True or False", actual: actual)
        }
        let digests = element.attributes.filter { $0.namespace == digestNamespace }
        guard digests.count == count else {
            throw ParseError(field: field, expected: "\(count) digests", actual: "\(digests.count)")
        }
        var alternatives: [[UInt8]] = []
        for number in 0..<count {
            guard let text = digests.first(where: { $0.name == "Hash\(number)" })?.value else {
                throw ParseError(field: field, expected: "a digest Hash\(number)", actual: "nothing")
            }
            let path = "\(field).Hash\(number)"
            alternatives.append(try Hex.decode(text, count: 48, allowsUpperCase: true, field: path))
        }
        return Measurement(index: index, isActive: active, alternatives: alternatives)
    }
}

/// An enveloped XML signature in the one form that NVIDIA signs manifests in; every other is refused, so that there is
/// nothing to confuse a verifier with (transforms, references into the document, other algorithms).
public struct XMLSignature: Sendable {
    static let namespace = "http://www.w3.org/2000/09/xmldsig#"
    private static let canonicalization = "http://www.w3.org/2006/12/xml-c14n11"
    private static let enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
    private static let method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384"
    private static let digestMethod = "http://www.w3.org/2001/04/xmldsig-more#sha384"

    /// The digest that the signature states.
    public let digest: [UInt8]
    /// The digest of the document without the signature.
    public let actualDigest: [UInt8]
    /// The signed bytes: SignedInfo in canonical form.
    public let signedBytes: [UInt8]
    /// r ‖ s.
    public let value: [UInt8]
    /// The certificates, signer first.
    public let chain: [[UInt8]]

    /// Finds the signature among the children of `root` and reads it. It must cover the whole document.
    public init(envelopedIn root: XMLElement) throws(ParseError) {
        var found: (position: Int, element: XMLElement)?
        for (position, child) in root.children.enumerated() {
            guard case .element(let element) = child else { continue }
            // Anywhere deeper a signature would belong to something else.
            guard !Self.containsSignature(element, isRoot: true) else {
                throw ParseError(field: "signature", expected: "one signature below the root", actual: "a nested one")
            }
            guard element.namespace == Self.namespace, element.name == "Signature" else { continue }
            guard found == nil else {
                throw ParseError(field: "signature", expected: "one signature", actual: "more")
            }
            found = (position, element)
        }
        guard let (position, signature) = found else {
            throw ParseError(field: "signature", expected: "a signature", actual: "none")
        }
        let parts = try Self.children(signature, ["SignedInfo", "SignatureValue", "KeyInfo"])
        let info = try Self.children(parts[0], ["CanonicalizationMethod", "SignatureMethod", "Reference"])
        try Self.algorithm(info[0], Self.canonicalization)
        try Self.algorithm(info[1], Self.method)
        guard info[2].attribute("URI") == "", info[2].attributes.count == 1 else {
            throw ParseError(field: "signature.Reference", expected: "the whole document", actual: "another reference")
        }
        let reference = try Self.children(info[2], ["Transforms", "DigestMethod", "DigestValue"])
        let transforms = try Self.children(reference[0], ["Transform", "Transform"])
        try Self.algorithm(transforms[0], Self.enveloped)
        try Self.algorithm(transforms[1], Self.canonicalization)
        try Self.algorithm(reference[1], Self.digestMethod)
        digest = try Self.base64(reference[2], 48...48)
        value = try Self.base64(parts[1], 96...96)
        let data = try Self.children(parts[2], ["X509Data"])[0]
        var chain: [[UInt8]] = []
        for element in data.elements {
            guard element.namespace == Self.namespace, element.name == "X509Certificate", chain.count < 8 else {
                throw ParseError(field: "signature.X509Data", expected: "at most 8 certificates", actual: element.name)
            }
            chain.append(try Self.base64(element, 1...Certificate.maxBytes))
        }
        self.chain = chain
        signedBytes = parts[0].canonicalSubset(ancestors: [root, signature])
        actualDigest = HashAlgorithm.sha384.digest(root.canonical(skippingChild: position))
    }

    private static func containsSignature(_ element: XMLElement, isRoot: Bool) -> Bool {
        if !isRoot && element.namespace == namespace && element.name == "Signature" { return true }
        return element.elements.contains { containsSignature($0, isRoot: false) }
    }

    /// The child elements, which must be exactly `names` of the signature namespace, with only white space between them.
    private static func children(_ element: XMLElement, _ names: [String]) throws(ParseError) -> [XMLElement] {
        let field = "signature." + element.name
        let isClean = element.children.allSatisfy { child in
            guard case .text(let text) = child else { return true }
            return text.utf8.allSatisfy { $0 == 0x20 || $0 == 0x0a || $0 == 0x09 || $0 == 0x0d }
        }
        let found = element.elements
        guard isClean, found.map(\.name) == names, found.allSatisfy({ $0.namespace == namespace }) else {
            let actual = found.map(\.name).joined(separator: ", ")
            throw ParseError(field: field, expected: names.joined(separator: ", "), actual: actual)
        }
        return found
    }

    private static func algorithm(_ element: XMLElement, _ wanted: String) throws(ParseError) {
        let actual = element.attribute("Algorithm") ?? "nothing"
        guard actual == wanted, element.elements.isEmpty else {
            throw ParseError(field: "signature." + element.name, expected: wanted, actual: actual)
        }
    }

    /// Base 64 text with line breaks.
    private static func base64(_ element: XMLElement, _ counts: ClosedRange<Int>) throws(ParseError) -> [UInt8] {
        let field = "signature." + element.name
        guard let text = element.text else {
            throw ParseError(field: field, expected: "base 64 text", actual: "elements")
        }
        let characters = text.utf8.filter { $0 != 0x20 && $0 != 0x0a && $0 != 0x09 && $0 != 0x0d }
        let bytes = try Base64.decode(String(decoding: characters, as: UTF8.self), field: field)
        guard counts.contains(bytes.count) else {
            let expected = "\(counts.lowerBound) to \(counts.upperBound) bytes"
            throw ParseError(field: field, expected: expected, actual: "\(bytes.count) bytes")
        }
        return bytes
    }
}

extension ReferenceManifest {
    static let source = "W3C XML Signature §3.2; TCG Reference Integrity Manifest Information Model"

    /// Checks digest, signature and the signer's chain.
    func verify(
        id: String,
        _ links: LinkMemory,
        revocation: (_ issuers: [Certificate]) -> ChainRules.Revocation,
        into findings: inout Findings
    ) {
        findings.requireEqual(
            id + ".digest",
            expected: signature.digest,
            actual: signature.actualDigest,
            source: Self.source
        )
        var chain: [Certificate] = []
        do throws(ParseError) {
            for (index, der) in signature.chain.enumerated() {
                chain.append(try Certificate(der: der, field: "rim.X509Certificate[\(index)]"))
            }
        } catch {
            findings.malformed(id + ".chain", error, source: Self.source)
            return
        }
        guard let signer = chain.first else {
            findings.require(id + ".chain", false, expected: "a signer's certificate", actual: "none")
            return
        }
        links.verify(
            chain,
            ChainRules(id: id + ".chain", source: Self.source, revocation: revocation(Array(chain.dropFirst()))),
            into: &findings
        )
        let width = SignatureCurve.p384.coordinateCount
        let pair = ECDSASignature(r: signature.value.prefix(width), s: signature.value.dropFirst(width))
        let isSigned =
            signer.publicKey.kind == .ellipticCurve(.p384)
            && signer.publicKey.isValid(pair, digest: HashAlgorithm.sha384.digest(signature.signedBytes))
        findings.require(
            id + ".signature",
            isSigned,
            expected: "signed by '\(signer.commonName)'",
            actual: "ECDSA with SHA-384, key \(signer.publicKey.kind)",
            source: Self.source
        )
    }
}
