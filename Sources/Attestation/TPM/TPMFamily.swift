// TPM quotes in the common frame.
public import Codecs
internal import Commitments
internal import Verdicts

/// The section `tpm` of a policy.
public struct TPMPolicy: FamilyPolicy, Equatable {
    public static let section = EvidenceKind.tpm.rawValue

    /// What registers and event log must be.
    public var registers: RegisterPolicy
    /// Whether the key must be shown to be a restricted signing key that never left its TPM.
    public var restrictedKey: FlagRule
    /// Whether missing revocation lists for the attestation key's certificate leave the question open.
    public var revocation: RevocationRule

    /// Makes a section.
    public init(registers: RegisterPolicy, restrictedKey: FlagRule, revocation: RevocationRule) {
        self.registers = registers
        self.restrictedKey = restrictedKey
        self.revocation = revocation
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        restrictedKey = try reader.flagRule("restrictedKey")
        revocation = try reader.choice("revocation")
        registers = try RegisterPolicy(&reader)
    }
}

/// What TPM evidence says.
public struct TPMClaims: EvidenceClaims {
    /// The evidence.
    public let evidence: TPMEvidence

    public var json: JSONObject {
        [
            "key": .string(evidence.key.kind.description),
            "keyDigest": .string(HashAlgorithm.sha256.digest(evidence.key.bytes).hexText),
            "restrictedKey": evidence.publicArea.map { .bool($0.isAttestationKey) } ?? .null,
            "quotes": .array(evidence.parts.map { .object($0.quote.json($0.values)) }),
            "eventLogBytes": evidence.eventLog.map { .string(String($0.count)) } ?? .null,
        ]
    }
}

extension TPMQuote {
    /// The fields of the quote, and those of `values` that it covers.
    func json(_ values: PCRValues) -> JSONObject {
        var banks = JSONObject()
        for selection in selections {
            guard let bank = HashAlgorithm(tcg: selection.bank) else { continue }
            var registers = JSONObject()
            for (index, value) in quotedValues(values, bank: bank).sorted(by: { $0.key < $1.key }) {
                registers[String(index)] = .string(Hex.encode(value))
            }
            banks[bank.rawValue] = .object(registers)
        }
        return [
            "extraData": .string(Hex.encode(extraData)),
            "qualifiedSigner": .string(Hex.encode(qualifiedSigner)),
            "clock": .string(String(clock)),
            "resetCount": .string(String(resetCount)),
            "restartCount": .string(String(restartCount)),
            "isClockSafe": .bool(isClockSafe),
            "firmwareVersion": .string(String(firmwareVersion)),
            "pcrDigest": .string(Hex.encode(pcrDigest)),
            "pcrs": .object(banks),
        ]
    }
}

extension [UInt8] {
    /// `sha256:` and the bytes in hexadecimal.
    var hexText: String { "sha256:" + Hex.encode(self) }
}

/// The verifier of bare TPM quotes. What makes an attestation key genuine is a pin in the trust file or a certificate that
/// leads to a pinned root; the quote itself cannot tell.
public struct TPMFamily: EvidenceFamily {
    private let setting: AppraisalSetting
    private let revocation: RevocationInformation
    private let links: LinkMemory

    public init(_ setting: AppraisalSetting) {
        self.setting = setting
        revocation = RevocationInformation(setting.collateral)
        links = LinkMemory(setting, .tpm, revocation)
    }

    public static func recognises(_ evidence: [UInt8]) -> EvidenceKind? {
        TPMEvidence.isRecognised(evidence) ? .tpm : nil
    }

    public static func inspect(_ evidence: [UInt8]) throws(ParseError) -> JSONObject {
        TPMClaims(evidence: try TPMEvidence(parsing: evidence)).json
    }

    public func verify(
        _ bytes: [UInt8],
        expecting expectations: Expectations
    ) throws(ParseError) -> AttestationResult {
        let evidence = try TPMEvidence(parsing: bytes)
        let rules = setting.policy.section(TPMPolicy.self)
        var crypto = Findings()
        crypto.note(malformedCollateral: revocation.malformed)
        verifyKey(evidence, rules?.revocation ?? .required, into: &crypto)
        for (index, part) in evidence.parts.enumerated() {
            part.quote.verify(
                id: "tpm.quote[\(index)]",
                signature: part.signature,
                key: evidence.key,
                values: part.values,
                into: &crypto
            )
            judgeSigner(part.quote, evidence.publicArea, id: "tpm.quote[\(index)].qualifiedSigner", into: &crypto)
        }
        var policy = Findings()
        for (index, part) in evidence.parts.enumerated() {
            policy.requireBound(
                "tpm.quote[\(index)].extraData",
                expectations.nonce,
                actual: part.quote.extraData,
                source: TPMQuote.source
            )
        }
        if case .exactly = expectations.reportData {
            policy.require("tpm.reportData", false, expected: "report data", actual: "a TPM quote carries only a nonce")
        }
        if case .exactly = expectations.publicKey {
            policy.require("tpm.publicKey", false, expected: "a public key", actual: "a TPM quote carries only a nonce")
        }
        if let rules { judge(evidence, rules, into: &policy) } else { policy.refuseWithoutSection(TPMPolicy.section) }
        var span = SHA256()
        for part in evidence.parts { span.update(SHA256.hash(part.quote.signedBytes)) }
        return AttestationResult(
            kind: .tpm,
            identity: EvidenceIdentity(
                kind: .tpm,
                signedSpan: span.finalized(),
                key: HashAlgorithm.sha256.digest(evidence.key.bytes)
            ),
            claims: TPMClaims(evidence: evidence),
            crypto: crypto,
            policy: policy,
            time: setting.time,
            assumptions: [
                Assumption(
                    id: "vendor-root:tpm",
                    text: "the pinned TPM key or root belongs to a TPM that is wired to the machine it measures"
                )
            ]
        )
    }

    /// Where the signing key stands in its TPM, as far as the evidence shows. The name of a key below other keys needs
    /// their names, which no wrapping carries; a key of the null hierarchy is made anew at every start.
    private func judgeSigner(_ quote: TPMQuote, _ area: TPMPublic?, id: String, into findings: inout Findings) {
        let source = "TCG TPM 2.0 Library Part 1 §16.5"
        guard let area else {
            findings.notApplicable(id, why: "the evidence has no public area of its key", source: source)
            return
        }
        guard let hierarchy = area.hierarchy(of: quote.qualifiedSigner) else {
            // A name that ends in a hash of another size cannot be the name of this key below any parent.
            findings.require(
                id,
                quote.qualifiedSigner.count == area.name.count
                    && quote.qualifiedSigner.prefix(2).elementsEqual(area.name.prefix(2)),
                expected: "a qualified name by the hash that names the key",
                actual: "a name below another key: \(Hex.encode(quote.qualifiedSigner.prefix(10)))…",
                source: source
            )
            return
        }
        findings.require(
            id,
            hierarchy != "null",
            expected: "a primary key of a lasting hierarchy, or a key below one",
            actual: "primary key of the \(hierarchy) hierarchy",
            source: source
        )
    }

    /// The pin of the evidence's key: one without an id fits any key area, one with an id only the area of that name.
    private func pin(of evidence: TPMEvidence) -> PinnedKey? {
        let pins = setting.anchors.keys(.tpm).filter { $0.key == evidence.key }
        let named = pins.first { !$0.id.isEmpty && $0.id == evidence.publicArea?.name }
        return named ?? pins.first { $0.id.isEmpty }
    }

    /// The key is pinned, or the first certificate is for it and leads to a pinned root.
    private func verifyKey(_ evidence: TPMEvidence, _ rule: RevocationRule, into findings: inout Findings) {
        let id = "tpm.key"
        let source = "TCG EK Credential Profile; TCG TPM 2.0 Keys for Device Identity and Attestation"
        if let pin = pin(of: evidence) {
            let actual = pin.id.isEmpty ? "pinned" : "pinned by name"
            findings.require(id, true, expected: "a pinned key", actual: actual, source: source)
            return
        }
        guard !evidence.certificates.isEmpty else {
            findings.missing(
                id,
                expected: "a pinned attestation key, or a certificate that leads to a pinned root",
                actual: "neither",
                source: source
            )
            return
        }
        var chain: [Certificate] = []
        do throws(ParseError) {
            for (index, der) in evidence.certificates.enumerated() {
                chain.append(try Certificate(der: der, field: "certificates[\(index)]"))
            }
        } catch {
            findings.malformed(id, error, source: source)
            return
        }
        let rules = ChainRules(
            id: id + ".chain",
            source: source,
            revocation: revocation.chainRule(rule, issuers: Array(chain.dropFirst()) + links.roots),
            knownCriticalExtensions: [
                Certificate.Extension.extendedKeyUsage, Certificate.Extension.subjectAlternativeName,
            ]
        )
        links.verify(chain, rules, into: &findings)
        findings.require(
            id,
            chain[0].publicKey == evidence.key,
            expected: "the certificate's key",
            actual: chain[0].publicKey == evidence.key ? "the same" : "another key",
            source: source
        )
    }

    private func judge(_ evidence: TPMEvidence, _ rules: TPMPolicy, into findings: inout Findings) {
        judgeKey(evidence, rules, into: &findings)
        let bank = rules.registers.bank
        var quoted: [Int: [UInt8]] = [:]
        for part in evidence.parts {
            // Two quotes over one register agree, or a register is not what either says.
            for (index, value) in part.quote.quotedValues(part.values, bank: bank) {
                if let other = quoted[index], other != value {
                    findings.require(
                        "tpm.policy.quotes",
                        false,
                        expected: "quotes that agree on PCR \(index)",
                        actual: "two values"
                    )
                }
                quoted[index] = value
            }
        }
        rules.registers.judge(quoted, id: "tpm.policy", into: &findings)
        let logs = (evidence.eventLog.map { [$0] } ?? []) + setting.collateral.items(.eventLog).map(\.body)
        rules.registers.judge(logs: logs, quoted: quoted, id: "tpm.policy", into: &findings)
    }

    /// Attributes are the evidence's own word until a pinned name or a certificate vouches for the key area: a pin of the
    /// bare key leaves the question open.
    private func judgeKey(_ evidence: TPMEvidence, _ rules: TPMPolicy, into findings: inout Findings) {
        let id = "tpm.policy.restrictedKey"
        guard rules.restrictedKey != .any else {
            findings.notApplicable(id, why: "any accepted")
            return
        }
        let pin = pin(of: evidence)
        guard let area = evidence.publicArea, pin.map({ !$0.id.isEmpty }) ?? true else {
            findings.missing(
                id,
                expected: "a key area vouched for by a pinned name or a certificate",
                actual: "neither"
            )
            return
        }
        findings.requireFlag(
            id,
            rules.restrictedKey,
            area.isAttestationKey,
            source: "TCG TPM 2.0 Library Part 2 §8.3"
        )
    }
}
