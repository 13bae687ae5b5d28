// Intel's signed collateral, verified once for one setting: TCB infos, quoting enclave identities, authorities and lists.

public import Codecs

/// A document that Intel signs and dates.
protocol IntelStatement: Sendable {
    /// Its place in a bundle of collateral.
    static var kind: CollateralKind { get }
    /// What the lines about it are called.
    static var checkID: String { get }
    var issueDate: Timestamp { get }
    var nextUpdate: Timestamp { get }
    /// What people call it.
    var title: String { get }

    init(parsing text: [UInt8]) throws(ParseError)
}

extension TCBInfo: IntelStatement {
    static var kind: CollateralKind { .intelTCBInfo }
    static var checkID: String { "intel.tcb-info" }
    var title: String { "TCB info \(Hex.encode(fmspc))" }
}

extension EnclaveIdentity: IntelStatement {
    static var kind: CollateralKind { .intelQEIdentity }
    static var checkID: String { "intel.qe-identity" }
    var title: String { "identity of \(id)" }
}

/// A signed document of Intel with the findings about its signature, chain and dates.
struct SignedStatement<Content: IntelStatement>: Sendable {
    var content: Content
    var findings: Findings
}

/// Everything that Intel signed and that does not depend on a quote.
struct IntelCollateral: Sendable {
    /// Knows the root, the lists and the authorities whose links have been verified.
    var chains: ChainVerifier
    /// The TCB infos, the best first: verified before unverified, newer before older.
    var tcbInfos: [SignedStatement<TCBInfo>] = []
    /// The quoting enclave identities in the same order.
    var identities: [SignedStatement<EnclaveIdentity>] = []
    /// Certificates that came apart from any quote: PCK certificates for quotes that only name their platform.
    var certificates: [Certificate] = []
    /// Every certificate that has been read, so that the same bytes are read once.
    private(set) var known: [Certificate] = []
    /// The issuer chain that was read last: both kinds of documents usually carry the same text.
    private var lastChain: (text: [UInt8], chain: [Certificate])?
    /// What in the bundle could not be read.
    var malformed = Findings()

    static let pcsSource = "Intel PCS API v4"
    static let tcbSignerName = "Intel SGX TCB Signing"

    init(_ setting: AppraisalSetting) {
        let grace = setting.policy.collateral.graceSeconds
        var errors: [ParseError] = []
        chains = ChainVerifier(
            roots: setting.anchors.roots(.intelSGX),
            lists: setting.collateral.revocationLists(malformed: &errors),
            time: setting.time,
            graceSeconds: grace
        )
        certificates = setting.collateral.certificates(malformed: &errors, known: chains.roots)
        known = chains.roots + certificates
        for error in errors { malformed.missing("collateral.item", expected: error.expected, actual: "\(error)") }
        let authorities = certificates.filter { $0.isAuthority }
        for authority in authorities { chains.trustAuthorities(of: [authority]) }

        tcbInfos = statements(setting)
        identities = statements(setting)
    }

    /// Reads and verifies the documents of one kind.
    /// - Returns: the best first.
    private mutating func statements<Content>(_ setting: AppraisalSetting) -> [SignedStatement<Content>] {
        var statements: [SignedStatement<Content>] = []
        for item in setting.collateral.items(Content.kind) {
            do throws(ParseError) {
                let content = try Content(parsing: item.body)
                var findings = verifySignature(of: item, id: Content.checkID)
                Self.checkDates(of: content, setting, into: &findings)
                statements.append(SignedStatement(content: content, findings: findings))
            } catch {
                malformed.missing(
                    Content.checkID,
                    expected: error.expected,
                    actual: "\(error)",
                    source: Self.pcsSource
                )
            }
        }
        return statements.sorted { a, b in
            if a.findings.isClean != b.findings.isClean { return a.findings.isClean }
            return a.content.issueDate > b.content.issueDate
        }
    }

    /// The chain with its root last. Services send the signer first; some stored sets have the root first.
    private static func leafFirst(_ chain: [Certificate]) -> [Certificate] {
        guard let first = chain.first, first.isSelfIssued, chain.count > 1 else { return chain }
        return chain.reversed()
    }

    private static func checkDates<Content: IntelStatement>(
        of content: Content,
        _ setting: AppraisalSetting,
        into findings: inout Findings
    ) {
        let (issueDate, nextUpdate) = (content.issueDate, content.nextUpdate)
        let last = nextUpdate.adding(seconds: setting.policy.collateral.graceSeconds)
        findings.requireFresh(
            Content.checkID + ".current",
            issueDate <= setting.time && setting.time <= last,
            expected: "issued not after \(setting.time) and nextUpdate not before it",
            actual: "\(issueDate) to \(nextUpdate)",
            source: pcsSource
        )
        findings.holds(from: issueDate)
        findings.holds(until: nextUpdate, what: "\(content.title) (nextUpdate)")
    }

    /// Checks the chain of a signed document, that its first certificate is Intel's signer of such documents, and the
    /// signature over exactly the bytes of the document.
    private mutating func verifySignature(of item: CollateralItem, id: String) -> Findings {
        var findings = Findings()
        let chain: [Certificate]
        if let last = lastChain, last.text == item.chain {
            chain = last.chain
        } else {
            do throws(ParseError) {
                let given = try Certificate.chain(pem: item.chain[...], field: id + ".chain", known: known)
                chain = Self.leafFirst(given)
            } catch {
                findings.malformed(id + ".chain", error, source: Self.pcsSource)
                return findings
            }
            lastChain = (item.chain, chain)
        }
        guard let signer = chain.first else {
            findings.missing(id + ".chain", expected: "the issuer chain", source: Self.pcsSource)
            return findings
        }
        signer.publicKey.shareTable()
        // Both documents usually carry the same chain: its links are verified once.
        chains.trustAuthorities(of: chain)
        let rules = ChainRules(id: id + ".chain", source: Self.pcsSource, revocation: .required)
        chains.verify(chain, rules, into: &findings)
        // Every PCK certificate chains to the same root. Only the named signer may issue TCB infos and identities.
        findings.require(
            id + ".signer",
            signer.commonName == Self.tcbSignerName && !PCKPlatform.isPCK(signer),
            expected: Self.tcbSignerName,
            actual: signer.commonName,
            source: Self.pcsSource
        )
        var isValid = false
        if case .ellipticCurve(.p256) = signer.publicKey.kind, item.signature.count == 64 {
            let signature = ECDSASignature(r: item.signature[0..<32], s: item.signature[32..<64])
            isValid = signer.publicKey.isValid(signature, digest: HashAlgorithm.sha256.digest(item.body))
        }
        findings.require(
            id + ".signature",
            isValid,
            expected: "signature over the exact \(item.body.count) bytes",
            actual: isValid ? "verified" : "does not verify",
            source: Self.pcsSource
        )
        return findings
    }
}

extension CollateralItem {
    /// Reads the body of a PCS or PCCS answer for TCB info or a quoting enclave identity, `{"tcbInfo": …, "signature": …}` or
    /// `{"enclaveIdentity": …, "signature": …}`. The signed text is taken exactly as it stands.
    /// - Parameters:
    ///   - response: the body of the answer.
    ///   - chain: the issuer chain in PEM, which comes in a header of the answer.
    /// - Throws: `ParseError` unless the answer has that form and the signed text can be read.
    public init(pcsResponse response: [UInt8], chain: [UInt8]) throws(ParseError) {
        var scanner = try JSONScanner(response, field: "pcs")
        var kind: CollateralKind?
        var body: [UInt8] = []
        var signature: [UInt8]?
        try scanner.object { (scanner, name) throws(ParseError) in
            switch name {
            case "tcbInfo" where kind == nil:
                kind = .intelTCBInfo
                body = Array(try scanner.rawValue())
            case "enclaveIdentity" where kind == nil:
                kind = .intelQEIdentity
                body = Array(try scanner.rawValue())
            case "signature": signature = try scanner.hex(count: 64)
            default: throw scanner.unknown(name, in: "the answer")
            }
        }
        try scanner.finish()
        guard let kind, let signature else {
            throw scanner.error("tcbInfo or enclaveIdentity, and signature", "not both")
        }
        if kind == .intelTCBInfo { _ = try TCBInfo(parsing: body) } else { _ = try EnclaveIdentity(parsing: body) }
        _ = try Certificate.chain(pem: chain[...], field: "pcs.chain")
        self.init(kind: kind, body: body, signature: signature, chain: chain)
    }
}

extension CollateralBundle {
    /// Reads the JSON form in which quote verification libraries pass collateral around ("QuoteCollateralV3"): PEM chains
    /// and signed texts as strings, lists and signatures in hexadecimal.
    public init(quoteCollateralV3 bytes: [UInt8]) throws(ParseError) {
        let document = try JSONValue(parsing: bytes, limits: JSONLimits(bytes: 4 << 20, depth: 8))
        var reader = try JSONReader(document)
        let limit = 1 << 20
        let crlChain = Array(try reader.string("pck_crl_issuer_chain", maxBytes: limit).utf8)
        var items: [CollateralItem] = []
        for name in ["root_ca_crl", "pck_crl"] {
            let der = try Hex.decode(try reader.string(name, maxBytes: limit), allowsUpperCase: true, field: name)
            items.append(CollateralItem(kind: .revocationList, body: der))
        }
        for (kind, name) in [(CollateralKind.intelTCBInfo, "tcb_info"), (.intelQEIdentity, "qe_identity")] {
            let chain = try reader.string(name + "_issuer_chain", maxBytes: limit)
            let body = try reader.string(name, maxBytes: limit)
            let signatureName = name + "_signature"
            let signature = try Hex.decode(
                try reader.string(signatureName),
                allowsUpperCase: true,
                field: signatureName
            )
            items.append(
                CollateralItem(kind: kind, body: Array(body.utf8), signature: signature, chain: Array(chain.utf8))
            )
        }
        if let chain = try reader.optionalString("pck_certificate_chain", maxBytes: limit) {
            for der in try PEM.decode(Array(chain.utf8)[...], field: "pck_certificate_chain") {
                items.append(CollateralItem(kind: .certificate, body: der))
            }
        }
        try reader.finish()
        for der in try PEM.decode(crlChain[...], field: "pck_crl_issuer_chain") {
            items.append(CollateralItem(kind: .certificate, body: der))
        }
        self.init(items)
    }
}
