// SGX and TDX quotes from the bytes to the result: signatures, PCK chain, TCB status, quoting enclave, then the policy.

public import Codecs
internal import Commitments
internal import Synchronization
internal import Verdicts

/// The verifier of Intel quotes.
public final class IntelQuotes: EvidenceFamily {
    private let setting: AppraisalSetting
    private let collateral: IntelCollateral
    /// Attestation keys whose certification has been checked, by the SHA-256 of everything that certifies them: one
    /// platform's quotes share it, so each costs one signature after the first.
    private let certifiedKeys: Mutex<[Digest: CertifiedKey]> = Mutex([:])

    /// What is known about an attestation key: everything but the quote's own signature and body.
    private struct CertifiedKey: Sendable {
        var findings = Findings()
        var attestationKey: PublicKey?
        var pck: Certificate?
        var platform: PCKPlatform?
    }

    public init(_ setting: AppraisalSetting) {
        self.setting = setting
        collateral = IntelCollateral(setting)
    }

    private static let sgxSource = "Intel SGX ECDSA QuoteLibReference DCAP API, Appendix A"
    private static let tdxSource = "Intel TDX DCAP Quoting Library API, A.3 and A.4"
    private static let profileSource = "Intel SGX PCK Certificate and CRL Profile"
    private static let moduleSource = "Intel TDX Module 1.5 ABI, TD attributes"

    public static func recognises(_ evidence: [UInt8]) -> EvidenceKind? {
        guard evidence.count >= 48, evidence[1] == 0, (3...5).contains(evidence[0]), evidence[2] == 2, evidence[3] == 0
        else { return nil }
        switch (evidence[4], evidence[5], evidence[6], evidence[7]) {
        case (0, 0, 0, 0): return .sgx
        case (0x81, 0, 0, 0): return evidence[0] == 3 ? nil : .tdx
        default: return nil
        }
    }

    public static func inspect(_ evidence: [UInt8]) throws(ParseError) -> JSONObject {
        let quote = try IntelQuote(evidence)
        guard quote.certificationType == 5 || quote.certificationType == 4 else {
            return IntelQuoteClaims(quote: quote, platform: nil, pckAuthority: "").json
        }
        let chain = try embeddedChain(quote)
        let platform = try chain.first.map { (leaf) throws(ParseError) -> PCKPlatform in try PCKPlatform(leaf) }
        return IntelQuoteClaims(
            quote: quote,
            platform: platform,
            pckAuthority: chain.first?.issuerCommonName ?? ""
        ).json
    }

    public func verify(_ evidence: [UInt8], expecting expectations: Expectations) throws(ParseError)
        -> AttestationResult
    {
        let quote = try IntelQuote(evidence)
        let kind: EvidenceKind = quote.isTDX ? .tdx : .sgx
        let source = quote.isTDX ? Self.tdxSource : Self.sgxSource
        var crypto = Findings()
        crypto.requireEqual(
            "intel.quote.vendor",
            expected: IntelQuote.intelVendorId,
            actual: quote.qeVendorId,
            source: source
        )
        let span = SHA256.hash(quote.signedSpan)
        let key = certify(quote)
        checkQuoteSignature(quote, key, span, source, into: &crypto)
        crypto.append(key.findings)
        let evaluation = evaluate(quote, key, into: &crypto)

        var policy = Findings()
        switch quote.body {
        case .enclave(let report): appraise(report, evaluation, key.platform, expectations, into: &policy)
        case .td(let report): appraise(report, evaluation, key.platform, expectations, into: &policy)
        }
        return AttestationResult(
            kind: kind,
            identity: EvidenceIdentity(kind: kind, signedSpan: span, key: identityKey(quote, key)),
            claims: IntelQuoteClaims(
                quote: quote,
                platform: key.platform,
                pckAuthority: key.pck?.issuerCommonName ?? ""
            ),
            tcbStatus: evaluation?.evaluation.status.rawValue,
            advisories: evaluation?.evaluation.advisories ?? [],
            crypto: crypto,
            policy: policy,
            time: setting.time,
            assumptions: Self.assumptions
        )
    }

    private static let assumptions = [
        Assumption(
            id: "vendor-root:intel-sgx",
            text: "Intel's root key signs only platforms and collateral that are what Intel says they are"
        ),
        Assumption(
            id: "tee-isolation:intel",
            text:
                "at the stated TCB status the processor keeps the enclave or TD apart from its host and from physical access"
        ),
    ]

    /// The serial number of the PCK certificate; without one, the attestation key itself.
    private func identityKey(_ quote: IntelQuote, _ key: CertifiedKey) -> ArraySlice<UInt8> {
        key.pck?.serialNumber ?? quote.attestationKey
    }
}

// MARK: - The signature chain of a quote

extension IntelQuotes {
    private func checkQuoteSignature(
        _ quote: IntelQuote,
        _ key: CertifiedKey,
        _ span: Digest,
        _ source: String,
        into findings: inout Findings
    ) {
        let signature = ECDSASignature(r: quote.signature.prefix(32), s: quote.signature.dropFirst(32))
        let isValid = key.attestationKey?.isValid(signature, digest: span.bytes) ?? false
        findings.require(
            "intel.quote.signature",
            isValid,
            expected: "ECDSA P-256 of the attestation key over \(quote.signedSpan.count) bytes",
            actual: isValid
                ? "verified" : key.attestationKey == nil ? "the attestation key is no point" : "does not verify",
            source: source
        )
    }

    /// Checks what certifies the attestation key, or recalls it.
    private func certify(_ quote: IntelQuote) -> CertifiedKey {
        guard setting.rememberedKeys > 0 else { return certifyAnew(quote) }
        var hash = SHA256()
        hash.update(UInt8(quote.isTDX ? 1 : 0))
        hash.update(quote.keyCertification)
        let digest = hash.finalized()
        if let known = certifiedKeys.withLock({ $0[digest] }) { return known }
        let made = certifyAnew(quote)
        certifiedKeys.withLock { keys in
            if keys.count >= setting.rememberedKeys { keys.removeAll(keepingCapacity: true) }
            keys[digest] = made
        }
        return made
    }

    private func certifyAnew(_ quote: IntelQuote) -> CertifiedKey {
        var result = CertifiedKey()
        do throws(ParseError) {
            result.attestationKey = try PublicKey(
                coordinates: quote.attestationKey,
                on: .p256,
                field: "attestationKey"
            )
        } catch {
            result.findings.malformed("intel.quote.key", error, source: Self.sgxSource)
        }
        let chain = pckChain(quote, into: &result.findings)
        guard let pck = chain.first else { return result }
        result.pck = pck
        let rules = ChainRules(id: "intel.pck", source: Self.profileSource, revocation: .required)
        collateral.chains.verify(chain, rules, into: &result.findings)
        let authority = pck.issuerCommonName
        result.findings.require(
            "intel.pck.authority",
            authority == "Intel SGX PCK Platform CA" || authority == "Intel SGX PCK Processor CA",
            expected: "Intel SGX PCK Platform CA or Processor CA",
            actual: authority,
            source: Self.profileSource
        )
        do throws(ParseError) {
            result.platform = try PCKPlatform(pck)
        } catch {
            result.findings.malformed("intel.pck.platform", error, source: Self.profileSource)
        }
        let isSigned = Self.isSigned(quote, by: pck)
        result.findings.require(
            "intel.qe.signature",
            isSigned,
            expected: "ECDSA P-256 of the PCK over the quoting enclave's report",
            actual: isSigned ? "verified" : "does not verify",
            source: Self.sgxSource
        )
        // Both halves are compared: the upper one must be zero.
        let bound =
            HashAlgorithm.sha256.digest(quote.attestationKey, quote.qeAuthenticationData)
            + [UInt8](repeating: 0, count: 32)
        result.findings.require(
            "intel.qe.binding",
            quote.qeReport.reportData.elementsEqual(bound),
            expected: "SHA-256(attestation key ‖ authentication data) and 32 zeros",
            actual: quote.qeReport.reportData.elementsEqual(bound) ? "equal" : Hex.encode(quote.qeReport.reportData),
            source: Self.sgxSource
        )
        return result
    }

    private static func isSigned(_ quote: IntelQuote, by pck: Certificate) -> Bool {
        guard case .ellipticCurve(.p256) = pck.publicKey.kind else { return false }
        let signature = ECDSASignature(
            r: quote.qeReportSignature.prefix(32),
            s: quote.qeReportSignature.dropFirst(32)
        )
        return pck.publicKey.isValid(signature, digest: HashAlgorithm.sha256.digest(quote.qeReport.bytes))
    }

    /// The certificates in a quote of certification type 4 or 5.
    private static func embeddedChain(
        _ quote: IntelQuote,
        known: [Certificate] = []
    ) throws(ParseError) -> [Certificate] {
        let data = quote.certificationData
        let field = "qeCertificationData"
        guard quote.certificationType == 4 else { return try Certificate.chain(pem: data, field: field, known: known) }
        if data.first == DERReader.Tag.sequence { return [try Certificate(der: Array(data), field: field)] }
        // Nothing signs the type. A chain under the type of a lone certificate would be the same quote in other bytes.
        return try Certificate.chain(pem: data, max: 1, field: field, known: known)
    }

    /// The PCK certificate and its issuers: from the quote when it carries PEM, otherwise the certificate of the bundle
    /// whose key made the signature on the quoting enclave's report.
    private func pckChain(_ quote: IntelQuote, into findings: inout Findings) -> [Certificate] {
        let id = "intel.pck.certificate"
        let isEmbedded =
            quote.certificationType == 4
            || (quote.certificationType == 5 && quote.certificationData.first == UInt8(ascii: "-"))
        if isEmbedded {
            do throws(ParseError) {
                let chain = try Self.embeddedChain(quote, known: collateral.known)
                guard let leaf = chain.first else {
                    findings.missing(id, expected: "a PCK certificate in the quote", actual: "an empty chain")
                    return []
                }
                findings.require(
                    id,
                    PCKPlatform.isPCK(leaf),
                    expected: "a PCK certificate",
                    actual: "'\(leaf.commonName)' in the quote",
                    source: Self.profileSource
                )
                return chain.count > 1 ? chain : chain + issuers(of: leaf)
            } catch {
                findings.malformed(id, error, source: Self.profileSource)
                return []
            }
        }
        guard let leaf = collateral.certificates.first(where: { PCKPlatform.isPCK($0) && Self.isSigned(quote, by: $0) })
        else {
            findings.missing(
                id,
                expected: "the PCK certificate of this platform",
                actual: "the quote names it only (certification type \(quote.certificationType))",
                source: Self.profileSource
            )
            return []
        }
        findings.require(id, true, expected: "a PCK certificate", actual: "'\(leaf.commonName)' in the collateral")
        return [leaf] + issuers(of: leaf)
    }

    private func issuers(of leaf: Certificate) -> [Certificate] {
        collateral.certificates.filter { $0.isAuthority && !$0.isSelfIssued && $0.subject == leaf.issuer }.prefix(1)
            .map { $0 }
    }
}

// MARK: - Status

extension IntelQuotes {
    /// The platform's status with the documents that it comes from.
    fileprivate struct Evaluation {
        var evaluation: TCBEvaluation
        var tcbInfo: TCBInfo
        var identity: EnclaveIdentity
    }

    /// Finds the platform's status. Every statement that is used is checked first, and a bad status never ends the
    /// checks early.
    private func evaluate(_ quote: IntelQuote, _ key: CertifiedKey, into findings: inout Findings) -> Evaluation? {
        let source = IntelCollateral.pcsSource
        guard let platform = key.platform else { return nil }
        let family = quote.isTDX ? "TDX" : "SGX"
        let info = collateral.tcbInfos.first { $0.content.id == family && $0.content.fmspc == platform.fmspc }
        let identityName = quote.isTDX ? "TD_QE" : "QE"
        let identity = collateral.identities.first { $0.content.id == identityName }
        if info == nil || identity == nil { findings.append(collateral.malformed) }
        if info == nil {
            let others = collateral.tcbInfos.map { "\($0.content.id) \(Hex.encode($0.content.fmspc))" }
            findings.missing(
                "intel.tcb-info",
                expected: "\(family) TCB info of FMSPC \(Hex.encode(platform.fmspc))",
                actual: others.isEmpty ? "not given" : "only " + others.joined(separator: ", "),
                source: source
            )
        }
        if identity == nil {
            findings.missing("intel.qe-identity", expected: "identity of \(identityName)", source: source)
        }
        guard let info, let identity else { return nil }
        findings.append(info.findings)
        findings.append(identity.findings)
        findings.requireEqual(
            "intel.tcb-info.pce",
            expected: info.content.pceId,
            actual: platform.pceId,
            source: source
        )
        let mismatch = identity.content.mismatch(quote.qeReport)
        findings.require(
            "intel.qe.identity",
            mismatch == nil,
            expected: "the enclave of the signed identity \(identityName)",
            actual: mismatch ?? "as signed",
            source: source
        )
        let qeLevel = identity.content.level(of: quote.qeReport)
        findings.require(
            "intel.qe.level",
            qeLevel != nil && qeLevel?.status != .revoked,
            expected: "a level that is not revoked",
            actual: qeLevel.map { "\($0.status.rawValue) since \($0.date)" } ?? "older than every known level",
            source: source
        )
        guard let qeLevel else { return nil }
        let outcome: Result<TCBEvaluation, TCBFaultError>
        switch quote.body {
        case .enclave: outcome = info.content.evaluate(platform, qe: qeLevel)
        case .td(let report): outcome = info.content.evaluate(platform, report, qe: qeLevel)
        }
        switch outcome {
        case .failure(let error):
            findings.require(
                "intel.tcb.level",
                false,
                expected: "a TCB level that the platform reaches",
                actual: error.fault.text,
                source: source
            )
            return nil
        case .success(let evaluation):
            findings.require(
                "intel.tcb.level",
                evaluation.status != .revoked,
                expected: "a TCB level that is not revoked",
                actual: evaluation.status.rawValue,
                source: source
            )
            return Evaluation(evaluation: evaluation, tcbInfo: info.content, identity: identity.content)
        }
    }
}

// MARK: - Policy

extension IntelQuotes {
    private func appraise(
        _ report: EnclaveReport,
        _ evaluation: Evaluation?,
        _ platform: PCKPlatform?,
        _ expectations: Expectations,
        into findings: inout Findings
    ) {
        findings.requireBound(
            "policy.report-data",
            expectations.reportData,
            actual: report.reportData,
            source: Self.sgxSource
        )
        guard let rules = setting.policy.section(SGXPolicy.self) else {
            findings.require("policy.sgx", false, expected: "a section for SGX", actual: "none")
            return
        }
        appraise(rules.platform, evaluation, platform, into: &findings)
        findings.requireFlag("policy.debug", rules.debug, report.isDebug, source: Self.sgxSource)
        findings.requireFlag("policy.provision-key", rules.provisionKey, report.hasProvisionKey, source: Self.sgxSource)
        findings.requireAllowed("policy.mr-enclave", rules.mrEnclave, report.mrEnclave, source: Self.sgxSource)
        findings.requireAllowed("policy.mr-signer", rules.mrSigner, report.mrSigner, source: Self.sgxSource)
        findings.requireAllowed("policy.isv-prod-id", rules.isvProdId, UInt64(report.isvProdId), source: Self.sgxSource)
        findings.requireMinimum("policy.isv-svn", rules.minIsvSvn, UInt64(report.isvSvn), source: Self.sgxSource)
        findings.requireAllowed("policy.config-id", rules.configId, report.configId, source: Self.sgxSource)
    }

    private func appraise(
        _ report: TDReport,
        _ evaluation: Evaluation?,
        _ platform: PCKPlatform?,
        _ expectations: Expectations,
        into findings: inout Findings
    ) {
        let source = Self.tdxSource
        findings.requireBound("policy.report-data", expectations.reportData, actual: report.reportData, source: source)
        guard let rules = setting.policy.section(TDXPolicy.self) else {
            findings.require("policy.tdx", false, expected: "a section for TDX", actual: "none")
            return
        }
        appraise(rules.platform, evaluation, platform, into: &findings)
        let bits = report.attributeBits
        let terms: [(String, FlagRule, UInt64)] = [
            ("policy.debug", rules.attributes.debug, TDAttributePolicy.debugMask),
            ("policy.sept-ve-disable", rules.attributes.septVeDisable, TDAttributePolicy.septVeDisableMask),
            ("policy.migratable", rules.attributes.migratable, TDAttributePolicy.migratableMask),
            ("policy.pks", rules.attributes.pks, TDAttributePolicy.pksMask),
            ("policy.key-locker", rules.attributes.keyLocker, TDAttributePolicy.keyLockerMask),
            ("policy.perfmon", rules.attributes.perfmon, TDAttributePolicy.perfmonMask),
            ("policy.other-attributes", rules.attributes.otherBits, TDAttributePolicy.otherMask),
        ]
        for (id, rule, mask) in terms { findings.requireFlag(id, rule, bits & mask != 0, source: Self.moduleSource) }
        findings.requireAllowed("policy.mr-seam", rules.mrSeam, report.mrSeam, source: source)
        findings.requireAllowed("policy.mr-td", rules.mrTd, report.mrTd, source: source)
        findings.requireAllowed("policy.mr-config-id", rules.mrConfigId, report.mrConfigId, source: source)
        findings.requireAllowed("policy.mr-owner", rules.mrOwner, report.mrOwner, source: source)
        findings.requireAllowed("policy.mr-owner-config", rules.mrOwnerConfig, report.mrOwnerConfig, source: source)
        findings.requireAllowed("policy.mr-service-td", rules.mrServiceTd, report.mrServiceTd, source: source)
        for index in 0..<4 {
            findings.requireAllowed(Self.registerIds[index], rules.rtMr[index], report.rtMr(index), source: source)
        }
        findings.requireAllowed("policy.xfam", rules.xfam, report.xfam, source: source)
        if let log = setting.policy.section(TDXEventLogPolicy.self) {
            log.judge(report, logs: setting.collateral.items(.eventLog).map(\.body), into: &findings)
        }
        if bits & TDAttributePolicy.serviceTdExtensionMask != 0 {
            let section = setting.policy.section(TDXServiceTDPolicy.self)
            TDXServiceTDPolicy.judge(section, report.serviceTd, source: Self.moduleSource, into: &findings)
        }
    }

    private static let registerIds = ["policy.rtmr0", "policy.rtmr1", "policy.rtmr2", "policy.rtmr3"]

    private func appraise(
        _ rules: IntelPlatformPolicy,
        _ evaluation: Evaluation?,
        _ platform: PCKPlatform?,
        into findings: inout Findings
    ) {
        let source = IntelCollateral.pcsSource
        guard let evaluation, let platform else {
            findings.missing("policy.tcb-status", expected: "a TCB status", actual: "not established", source: source)
            return
        }
        let state = evaluation.evaluation
        findings.requireAllowed("policy.tcb-status", rules.tcbStatuses, state.status.rawValue, source: source)
        if case .only(let accepted) = rules.advisories {
            let open = state.advisories.filter { !accepted.contains($0) }
            findings.require(
                "policy.advisories",
                open.isEmpty,
                expected: accepted.isEmpty ? "no advisory" : "only " + accepted.joined(separator: ", "),
                actual: state.advisories.isEmpty ? "none" : state.advisories.joined(separator: ", "),
                source: source
            )
        } else {
            findings.notApplicable("policy.advisories", why: "any accepted", source: source)
        }
        findings.requireMinimum("policy.tcb-date", rules.minTcbDate, state.date, source: source)
        let number = min(evaluation.tcbInfo.evaluationDataNumber, evaluation.identity.evaluationDataNumber)
        findings.requireMinimum(
            "policy.tcb-evaluation-number",
            rules.minTcbEvaluationDataNumber,
            number,
            source: source
        )
        let oldest = min(evaluation.tcbInfo.issueDate, evaluation.identity.issueDate)
        findings.requireAge("policy.collateral-age", setting, issued: oldest, source: source)
        requirePlatformFlag("policy.dynamic-platform", rules.dynamicPlatform, platform.isDynamicPlatform, &findings)
        requirePlatformFlag("policy.cached-keys", rules.cachedKeys, platform.hasCachedKeys, &findings)
        requirePlatformFlag("policy.smt", rules.smt, platform.isSMTEnabled, &findings)
    }

    private func requirePlatformFlag(_ id: String, _ rule: FlagRule, _ flag: Bool?, _ findings: inout Findings) {
        guard case .must(let wanted) = rule else {
            findings.notApplicable(id, why: "any accepted", source: Self.profileSource)
            return
        }
        findings.require(
            id,
            flag == wanted,
            expected: "\(wanted)",
            actual: flag.map { "\($0)" } ?? "the certificate does not say",
            source: Self.profileSource
        )
    }
}
