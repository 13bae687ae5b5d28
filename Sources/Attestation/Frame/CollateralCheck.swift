// Collateral judged without any evidence: whether each item is signed by whom it should be and counts at a given time.
// A service that fetches bundles asks this before it hands them out; a verification asks it anew for what it uses.

public import Codecs
public import Verdicts

/// What was found about one item of a bundle.
public struct CollateralReport: Sendable {
    /// The item's place in the bundle.
    public var index: Int
    /// What the item is.
    public var kind: CollateralKind
    /// What the item says about itself; `nil` when it does not have its form.
    public var summary: CollateralSummary?
    /// The lines about its form, chain, signature and dates.
    public var findings: Findings
}

extension CollateralBundle {
    /// Judges every item on its own under the pinned roots: form, chain, signature, dates at `time`, and revocation as far
    /// as the bundle holds lists. Event logs carry no signature; only their form is judged.
    public func check(
        anchors: TrustAnchors,
        time: Timestamp,
        collateral rule: CollateralPolicy = CollateralPolicy(maxAgeSeconds: .any, graceSeconds: 0)
    ) -> [CollateralReport] {
        let checker = CollateralChecker(self, anchors, time, rule)
        return items.indices.map { checker.report(on: $0) }
    }
}

/// What the items of one bundle share: roots, authorities, lists.
private struct CollateralChecker {
    private let bundle: CollateralBundle
    private let setting: AppraisalSetting
    private let roots: [Certificate]
    private let certificates: [Certificate]
    private let revocation: RevocationInformation

    private static let source = "RFC 5280 §6"

    init(_ bundle: CollateralBundle, _ anchors: TrustAnchors, _ time: Timestamp, _ rule: CollateralPolicy) {
        var errors: [ParseError] = []
        self.bundle = bundle
        setting = AppraisalSetting(
            anchors: anchors,
            collateral: bundle,
            policy: AttestationPolicy(collateral: rule),
            time: time
        )
        roots = TrustDomain.allCases.flatMap { anchors.roots($0) }
        certificates = bundle.certificates(malformed: &errors, known: roots)
        revocation = RevocationInformation(bundle)
    }

    func report(on index: Int) -> CollateralReport {
        let item = bundle.items[index]
        var findings = Findings()
        var summary: CollateralSummary?
        do throws(ParseError) {
            summary = try item.summary(field: "items[\(index)]")
            try judge(item, into: &findings)
        } catch {
            findings.malformed("collateral.form", error)
        }
        return CollateralReport(index: index, kind: item.kind, summary: summary, findings: findings)
    }

    private func judge(_ item: CollateralItem, into findings: inout Findings) throws(ParseError) {
        switch item.kind {
        case .certificate: judge(try Certificate(der: item.body), into: &findings)
        case .revocationList: judge(try RevocationList(der: item.body), into: &findings)
        case .intelTCBInfo, .intelQEIdentity:
            // The Intel verifier's own statements, with nothing else in its bundle that could stand in for this item.
            var alone = setting
            alone.collateral = CollateralBundle(
                [item] + bundle.items.filter { $0.kind == .certificate || $0.kind == .revocationList }
            )
            let intel = IntelCollateral(alone)
            for statement in intel.tcbInfos.map(\.findings) + intel.identities.map(\.findings) {
                findings.append(statement)
            }
        case .nvidiaRIM:
            let manifest = try ReferenceManifest(parsing: item.body)
            manifest.verify(
                id: "collateral.rim",
                LinkMemory(setting, .nvidiaRIM, revocation),
                revocation: { revocation.chainRule(.whenGiven, issuers: $0) },
                into: &findings
            )
        case .ocspResponse: judge(try OCSPResponse(der: item.body), into: &findings)
        case .amdIDBlock:
            findings.notApplicable("collateral.id-block", why: "the keys that sign a block are named by a report")
        case .eventLog:
            findings.notApplicable("collateral.event-log", why: "a log carries no signature; attested registers do")
        }
    }

    private func judge(_ certificate: Certificate, into findings: inout Findings) {
        var chain = [certificate]
        while let last = chain.last, !roots.contains(last), chain.count < 8,
            let issuer = certificates.first(where: { $0.subject == last.issuer && $0.isAuthority && $0 != last })
        {
            if roots.contains(where: { $0.subject == last.issuer }) { break }
            chain.append(issuer)
        }
        let verifier = ChainVerifier(
            roots: roots,
            lists: revocation.lists,
            time: setting.time,
            graceSeconds: setting.policy.collateral.graceSeconds
        )
        // Extensions that a family reads are judged with evidence; here a critical one only has to be known to some family.
        let rules = ChainRules(
            id: "collateral.certificate",
            source: Self.source,
            revocation: .optionalFrom(0, "lists are applied as far as they are in the bundle"),
            knownCriticalExtensions: certificate.extensions.filter(\.isCritical).map(\.name),
            leafIsEndEntity: false
        )
        verifier.verify(chain, rules, into: &findings)
    }

    private func judge(_ list: RevocationList, into findings: inout Findings) {
        let id = "collateral.crl"
        let issuers = (roots + certificates).filter { $0.subject == list.issuer }
        if issuers.isEmpty {
            findings.missing(
                id + ".issuer",
                expected: "the certificate of '\(list.issuerCommonName)'",
                source: Self.source
            )
        } else {
            let signer = issuers.first { list.isSigned(by: $0) }
            findings.require(
                id + ".signature",
                signer != nil,
                expected: "signed by '\(list.issuerCommonName)'",
                actual: signer == nil ? "does not verify" : "verified",
                source: "RFC 5280 §6.3"
            )
            if let signer, !roots.contains(signer) { judge(signer, into: &findings) }
        }
        requireCurrent(id, list.thisUpdate, list.nextUpdate, "RFC 5280 §5.1.2", into: &findings)
    }

    private func judge(_ response: OCSPResponse, into findings: inout Findings) {
        let id = "collateral.ocsp"
        for (index, answer) in response.answers.enumerated() {
            let issuers = (roots + certificates).filter { answer.isAbout(issuer: $0) }
            if issuers.isEmpty {
                findings.missing(
                    "\(id)[\(index)].issuer",
                    expected: "the certificate of the issuer that the answer names",
                    source: "RFC 6960 §4.2.2.2"
                )
            } else {
                let isSigned = issuers.contains { response.isSigned(by: $0, at: setting.time) }
                findings.require(
                    "\(id)[\(index)].signature",
                    isSigned,
                    expected: "signed by the issuer or its responder",
                    actual: isSigned ? "verified" : "does not verify",
                    source: "RFC 6960 §4.2.2.2"
                )
            }
            requireCurrent(
                "\(id)[\(index)]",
                answer.thisUpdate,
                answer.nextUpdate,
                "RFC 6960 §4.2.2.1",
                into: &findings
            )
        }
    }

    private func requireCurrent(
        _ id: String,
        _ from: Timestamp,
        _ until: Timestamp,
        _ source: String,
        into findings: inout Findings
    ) {
        findings.requireFresh(
            id + ".current",
            from <= setting.time && setting.time <= until.adding(seconds: setting.policy.collateral.graceSeconds),
            expected: "current at \(setting.time)",
            actual: "\(from) to \(until)",
            source: source
        )
        findings.holds(from: from)
        findings.holds(until: until, what: id + " (nextUpdate)")
    }
}
