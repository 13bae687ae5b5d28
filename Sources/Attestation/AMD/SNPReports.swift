// SEV-SNP reports from the bytes to the result: signature, endorsement certificate, chain, then the policy.

public import Codecs
internal import Commitments
internal import Verdicts

/// The verifier of SEV-SNP reports.
public struct SNPReports: EvidenceFamily {
    private let setting: AppraisalSetting
    private let chains: ChainVerifier
    private let endorsements: [SNPCertificate]
    private let authorities: [Certificate]
    private let malformed: Findings
    private let revocation: ChainRules.Revocation
    private let identityBlocks: [SNPIdentityBlock]

    private static let abiSource = "AMD 56860 §7.3"
    private static let kdsSource = "AMD 57230 §3"
    private static let policySource = "AMD 56860 §4.3"
    private static let platformSource = "AMD 56860 §7.3, PLATFORM_INFO"

    public init(_ setting: AppraisalSetting) {
        self.setting = setting
        var errors: [ParseError] = []
        let certificates = setting.collateral.certificates(malformed: &errors)
        var chains = ChainVerifier(
            roots: setting.anchors.roots(.amdSEV),
            lists: setting.collateral.revocationLists(malformed: &errors),
            time: setting.time,
            graceSeconds: setting.policy.collateral.graceSeconds
        )
        var endorsements: [SNPCertificate] = []
        let authorities = certificates.filter { $0.isAuthority && !$0.isSelfIssued }
        for certificate in certificates where SNPCertificate.isSNP(certificate) {
            do throws(ParseError) {
                endorsements.append(try SNPCertificate(certificate))
                let issuers = authorities.filter { $0.subject == certificate.issuer }
                chains.trustAuthorities(of: [certificate] + issuers.prefix(1))
            } catch {
                errors.append(error)
            }
        }
        var identityBlocks: [SNPIdentityBlock] = []
        for item in setting.collateral.items(.amdIDBlock) {
            do throws(ParseError) {
                identityBlocks.append(try SNPIdentityBlock(parsing: item.body))
            } catch {
                errors.append(error)
            }
        }
        self.identityBlocks = identityBlocks
        var malformed = Findings()
        for error in errors {
            malformed.missing("collateral.item", expected: error.expected, actual: "\(error)", source: Self.kdsSource)
        }
        self.chains = chains
        self.endorsements = endorsements
        self.authorities = authorities
        self.malformed = malformed
        let leafReason = "AMD revokes firmware versions and authorities, not single endorsement keys"
        let isRequired = setting.policy.section(SNPPolicy.self)?.revocationList != .any
        revocation = isRequired ? .requiredFrom(1, leafReason) : .optionalFrom(1, leafReason)
    }

    public static func recognises(_ evidence: [UInt8]) -> EvidenceKind? {
        guard evidence.count == SNPReport.byteCount || hasTable(evidence), (2...5).contains(evidence[0]),
            evidence[1] == 0, evidence[2] == 0,
            evidence[3] == 0, evidence[0x34] == 1, evidence[0x35] == 0, evidence[0x36] == 0, evidence[0x37] == 0
        else { return nil }
        return .sevSNP
    }

    /// Whether behind a report a row of a certificate table begins.
    private static func hasTable(_ evidence: [UInt8]) -> Bool {
        guard evidence.count >= SNPReport.byteCount + 48 else { return false }
        let identifier = Hex.encode(evidence[SNPReport.byteCount..<SNPReport.byteCount + 16])
        return SNPCertificateTable.Kind(rawValue: identifier) != nil
    }

    /// The report, and the host's certificate table when there is one behind it.
    static func parts(of evidence: [UInt8]) throws(ParseError) -> (report: SNPReport, table: SNPCertificateTable?) {
        guard hasTable(evidence) else { return (try SNPReport(evidence), nil) }
        let report = try SNPReport(Array(evidence.prefix(SNPReport.byteCount)))
        return (report, try SNPCertificateTable(parsing: evidence[SNPReport.byteCount...]))
    }

    public static func inspect(_ evidence: [UInt8]) throws(ParseError) -> JSONObject {
        let report = try parts(of: evidence).report
        return SNPClaims(report: report, product: report.product).json
    }

    public func verify(_ evidence: [UInt8], expecting expectations: Expectations) throws(ParseError)
        -> AttestationResult
    {
        let (report, table) = try Self.parts(of: evidence)
        guard let table else { return appraise(report, expectations) }
        // What the host brings along is collateral like any other: only pinned roots are believed.
        var extended = setting
        extended.collateral.items += table.items
        return SNPReports(extended).appraise(report, expectations)
    }

    private func appraise(_ report: SNPReport, _ expectations: Expectations) -> AttestationResult {
        var crypto = Findings()
        let endorsement = endorse(report, into: &crypto)
        checkSignature(report, endorsement, into: &crypto)
        for block in identityBlocks where block.isOf(report) { block.verify(report, into: &crypto) }
        let product = report.product ?? endorsement?.product
        var policy = Findings()
        appraise(report, product, expectations, into: &policy)
        let key: [UInt8]
        // A VCEK has no serial number of its own: the chip and the firmware versions name it.
        switch report.signingKey {
        case .vlek: key = endorsement.map { Array($0.certificate.serialNumber) } ?? []
        default: key = Array(report.chipId) + report.reportedTcb
        }
        return AttestationResult(
            kind: .sevSNP,
            identity: EvidenceIdentity(kind: .sevSNP, signedSpan: SHA256.hash(report.signedSpan), key: key),
            claims: SNPClaims(report: report, product: product),
            crypto: crypto,
            policy: policy,
            time: setting.time,
            assumptions: Self.assumptions
        )
    }

    private static let assumptions = [
        Assumption(
            id: "vendor-root:amd-sev",
            text: "AMD's root keys sign only endorsement keys that their own security processors hold"
        ),
        Assumption(
            id: "tee-isolation:amd",
            text:
                "at the stated firmware versions the processor keeps the guest apart from its host and from physical access"
        ),
    ]
}

// MARK: - The signature chain of a report

extension SNPReports {
    /// Finds the certificate of the report's key and checks it: chain, key kind, product, chip and firmware versions.
    private func endorse(_ report: SNPReport, into findings: inout Findings) -> SNPCertificate? {
        guard
            findings.require(
                "amd.report.key",
                report.signingKey != nil,
                expected: "VCEK or VLEK",
                actual: report.signingKey?.rawValue.uppercased() ?? "signing key \(report.flags >> 2 & 7)",
                source: Self.abiSource
            ), let kind = report.signingKey
        else { return nil }
        guard let endorsement = endorsement(for: report, kind) else {
            findings.append(malformed)
            findings.missing(
                "amd.certificate",
                expected: kind == .vlek
                    ? "the VLEK certificate for firmware \(Hex.encode(report.reportedTcb))"
                    : "the VCEK certificate of chip \(Hex.encode(report.chipId)) for firmware "
                        + Hex.encode(report.reportedTcb),
                source: Self.kdsSource
            )
            return nil
        }
        let certificate = endorsement.certificate
        let issuers = authorities.filter { $0.subject == certificate.issuer }
        let rules = ChainRules(id: "amd.chain", source: Self.kdsSource, revocation: revocation)
        if issuers.isEmpty && !certificate.isSelfIssued {
            findings.missing(
                "amd.chain.root",
                expected: "the certificate of '\(certificate.issuerCommonName)'",
                source: Self.kdsSource
            )
        } else {
            chains.verify([certificate] + issuers.prefix(1), rules, into: &findings)
        }

        let issuerName = (kind == .vlek ? "SEV-VLEK-" : "SEV-") + endorsement.product.rawValue
        findings.requireEqual(
            "amd.certificate.issuer",
            expected: issuerName,
            actual: certificate.issuerCommonName,
            source: Self.kdsSource
        )
        if let cpuid = report.cpuid {
            findings.require(
                "amd.certificate.product",
                report.product == endorsement.product,
                expected: report.product?.rawValue ?? "a known processor",
                actual:
                    "CPUID family \(cpuid.family), model \(cpuid.model); certificate \(endorsement.product.rawValue)",
                source: Self.abiSource
            )
        } else {
            let why = "version \(report.version) has no CPUID; the certificate says \(endorsement.product.rawValue)"
            findings.notApplicable("amd.certificate.product", why: why, source: Self.abiSource)
        }
        // The key is derived from REPORTED_TCB; CURRENT_TCB may be newer.
        findings.requireEqual(
            "amd.certificate.tcb",
            expected: SNPTCBVersion(report.reportedTcb, product: endorsement.product).text,
            actual: endorsement.tcb.text,
            source: Self.kdsSource
        )
        switch kind {
        case .vlek: findings.notApplicable("amd.certificate.chip", why: "a VLEK names no chip", source: Self.kdsSource)
        case .vcek where report.isChipKeyMasked:
            findings.notApplicable("amd.certificate.chip", why: "the chip identifier is masked", source: Self.abiSource)
        case .vcek:
            findings.require(
                "amd.certificate.chip",
                endorsement.isFor(chip: report.chipId),
                expected: Hex.encode(report.chipId),
                actual: Hex.encode(endorsement.hardwareId),
                source: Self.kdsSource
            )
        }
        return endorsement
    }

    /// The certificate for the report among the collateral: of the right kind and chip, with the right firmware versions
    /// if there is such a one.
    private func endorsement(for report: SNPReport, _ kind: SNPSigningKey) -> SNPCertificate? {
        let candidates = endorsements.filter { candidate in
            guard candidate.kind == kind, report.product == nil || report.product == candidate.product else {
                return false
            }
            return kind == .vlek || report.isChipKeyMasked || candidate.isFor(chip: report.chipId)
        }
        let exact = candidates.filter {
            $0.tcb == SNPTCBVersion(report.reportedTcb, product: $0.product)
        }
        // The same key may have been certified more than once: take one that is valid at the verification time.
        let ranked = exact.isEmpty ? candidates : exact
        let current = ranked.filter {
            $0.certificate.notBefore <= setting.time && setting.time <= $0.certificate.notAfter
        }
        let usable = current.isEmpty ? ranked : current
        if usable.count > 1, let signer = usable.first(where: { Self.isSigned(report, by: $0) }) { return signer }
        return usable.first
    }

    private static func isSigned(_ report: SNPReport, by endorsement: SNPCertificate) -> Bool {
        let (r, s) = report.signatureFields
        let signature = ECDSASignature(r: Array(r.prefix(48).reversed())[...], s: Array(s.prefix(48).reversed())[...])
        let digest = HashAlgorithm.sha384.digest(report.signedSpan)
        return endorsement.certificate.publicKey.isValid(signature, digest: digest)
    }

    private func checkSignature(_ report: SNPReport, _ endorsement: SNPCertificate?, into findings: inout Findings) {
        // Nothing signs these bytes: if they could hold anything, one report would have many forms.
        let (r, s) = report.signatureFields
        let isPadded =
            r.dropFirst(48).allSatisfy { $0 == 0 } && s.dropFirst(48).allSatisfy { $0 == 0 }
            && report.signatureReserved.allSatisfy { $0 == 0 }
        findings.require(
            "amd.report.padding",
            isPadded,
            expected: "zeros around the signature",
            actual: isPadded ? "zeros" : "other bytes",
            source: Self.abiSource
        )
        guard let endorsement else { return }
        let isValid = Self.isSigned(report, by: endorsement)
        findings.require(
            "amd.report.signature",
            isValid,
            expected:
                "ECDSA P-384 of the \(endorsement.kind.rawValue.uppercased()) over \(SNPReport.signedCount) bytes",
            actual: isValid ? "verified" : "does not verify",
            source: Self.abiSource
        )
    }
}

// MARK: - Policy

extension SNPReports {
    private func appraise(
        _ report: SNPReport,
        _ product: AMDProduct?,
        _ expectations: Expectations,
        into findings: inout Findings
    ) {
        let source = Self.abiSource
        findings.requireBound("policy.report-data", expectations.reportData, actual: report.reportData, source: source)
        guard let rules = setting.policy.section(SNPPolicy.self) else {
            findings.require("policy.sev-snp", false, expected: "a section for SEV-SNP", actual: "none")
            return
        }
        if let product {
            let actual = SNPTCBVersion(report.reportedTcb, product: product)
            switch rules.minTcb[product] {
            case nil:
                let named = rules.minTcb.keys.map(\.rawValue).sorted().joined(separator: ", ")
                findings.require(
                    "policy.tcb",
                    false,
                    expected: named.isEmpty ? "no product is accepted" : "one of \(named)",
                    actual: product.rawValue,
                    source: source
                )
            case .any?: findings.notApplicable("policy.tcb", why: "any accepted", source: source)
            case .atLeast(let bound)?:
                findings.require(
                    "policy.tcb",
                    actual.reaches(bound.tcb),
                    expected: "at least " + bound.tcb.text,
                    actual: actual.text,
                    source: source
                )
            }
        } else {
            findings.missing("policy.tcb", expected: "the product", actual: "not known", source: source)
        }
        findings.requireAllowed(
            "policy.signing-key",
            rules.signingKeys,
            report.signingKey?.rawValue ?? "none",
            source: source
        )
        findings.requireAllowed("policy.vmpl", rules.vmpl, UInt64(report.vmpl), source: source)
        findings.requireAllowed("policy.measurement", rules.measurement, report.measurement, source: source)
        findings.requireAllowed("policy.host-data", rules.hostData, report.hostData, source: source)
        findings.requireAllowed("policy.id-key", rules.idKeyDigest, report.idKeyDigest, source: source)
        findings.requireAllowed("policy.author-key", rules.authorKeyDigest, report.authorKeyDigest, source: source)
        findings.requireAllowed("policy.family-id", rules.familyId, report.familyId, source: source)
        findings.requireAllowed("policy.image-id", rules.imageId, report.imageId, source: source)
        findings.requireAllowed("policy.chip-id", rules.chipId, report.chipId, source: source)
        findings.requireMinimum("policy.guest-svn", rules.minGuestSvn, UInt64(report.guestSvn), source: source)
        let guest: [(String, FlagRule, Bool)] = [
            ("policy.debug", rules.debug, report.isDebugAllowed),
            ("policy.migration", rules.migration, report.isMigrationAllowed),
            ("policy.smt-allowed", rules.smtAllowed, report.isSMTAllowed),
            ("policy.single-socket", rules.singleSocket, report.isSingleSocket),
        ]
        for (id, rule, flag) in guest { findings.requireFlag(id, rule, flag, source: Self.policySource) }
        let bits = report.platformInfo
        let platform: [(String, FlagRule, UInt64)] = [
            ("policy.platform-smt", rules.platformSMT, 0),
            ("policy.platform-tsme", rules.platformTSME, 1),
            ("policy.platform-ecc", rules.platformECC, 2),
            ("policy.platform-rapl-disabled", rules.platformRAPLDisabled, 3),
            ("policy.platform-ciphertext-hiding", rules.platformCiphertextHiding, 4),
            ("policy.platform-alias-check", rules.platformAliasCheck, 5),
        ]
        for (id, rule, bit) in platform {
            findings.requireFlag(id, rule, bits >> bit & 1 == 1, source: Self.platformSource)
        }
    }
}
