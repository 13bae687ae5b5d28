// Azure confidential VMs in the common frame: a vTPM quote whose key hardware evidence vouches for.
public import Codecs
internal import Commitments
internal import Verdicts

/// The section `azure-vtpm` of a policy. The hardware evidence inside is judged by its own section, `tdx` or `sev-snp`.
public struct AzurePolicy: FamilyPolicy, Equatable {
    public static let section = EvidenceKind.azureVTPM.rawValue

    /// What registers and event log must be.
    public var registers: RegisterPolicy
    /// Whether the VM's configuration, as the hardware evidence commits to it, must say secure boot.
    public var secureBoot: FlagRule

    /// Makes a section.
    public init(registers: RegisterPolicy, secureBoot: FlagRule) {
        self.registers = registers
        self.secureBoot = secureBoot
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        secureBoot = try reader.flagRule("secureBoot")
        registers = try RegisterPolicy(&reader)
    }
}

/// What Azure evidence says.
public struct AzureClaims: EvidenceClaims {
    /// The evidence.
    public let evidence: AzureEvidence
    /// What the hardware evidence inside says, when it could be read.
    public let hardware: JSONObject?

    public var json: JSONObject {
        [
            "hardwareKind": .string(evidence.report.kind == .tdx ? "tdx" : "sev-snp"),
            "attestationKey": .string(HashAlgorithm.sha256.digest(evidence.report.attestationKey.bytes).hexText),
            "userData": evidence.report.userData.map { .string(Hex.encode($0)) } ?? .null,
            "configuration": evidence.report.configuration ?? .null,
            "quote": .object(evidence.quote.json(evidence.values)),
            "hardware": hardware.map { .object($0) } ?? .null,
        ]
    }
}

/// The verifier of Azure confidential VM evidence.
///
/// The chain of belief: the hardware vendor signs a report, whose user data is the hash of the HCL report's JSON; the JSON
/// holds the vTPM's attestation key; that key signs the quote; the quote covers the registers.
public struct AzureFamily: EvidenceFamily {
    private let setting: AppraisalSetting
    private let hardware: AttestationVerifier

    public init(_ setting: AppraisalSetting) {
        self.setting = setting
        hardware = AttestationVerifier(setting)
    }

    public static func recognises(_ evidence: [UInt8]) -> EvidenceKind? {
        guard TPMEvidence.isObject(evidence) else { return nil }
        let text = evidence[...].prefix(256 << 10)
        if TPMEvidence.contains("\"hcl_report\"", in: text) { return .azureVTPM }
        // The earlier form: byte arrays, and no version.
        return TPMEvidence.contains("\"report\"", in: text) && TPMEvidence.contains("\"quote\"", in: text)
            ? .azureVTPM : nil
    }

    private static func read(_ bytes: [UInt8]) throws(ParseError) -> AzureEvidence {
        let limits = JSONLimits(bytes: 1 << 20, depth: 8, values: 65_536)
        return try AzureEvidence(try JSONValue(parsing: bytes, limits: limits))
    }

    public static func inspect(_ evidence: [UInt8]) throws(ParseError) -> JSONObject {
        let parsed = try read(evidence)
        let inner = try? AttestationVerifier.inspect(hardwareEvidence(parsed))
        return AzureClaims(evidence: parsed, hardware: inner).json
    }

    /// The report of the processor inside `evidence`, which is evidence of its own kind.
    /// - Throws: `ParseError` when `evidence` is no Azure bundle.
    public static func hardwareEvidence(in evidence: [UInt8]) throws(ParseError) -> [UInt8] {
        hardwareEvidence(try read(evidence))
    }

    private static func hardwareEvidence(_ evidence: AzureEvidence) -> [UInt8] {
        evidence.tdQuote ?? Array(evidence.report.hardwareReport)
    }

    /// The 64 bytes of user data of the hardware evidence; `nil` when it is not of the kind that the report names.
    private static func reportData(_ evidence: AzureEvidence) -> [UInt8]? {
        switch evidence.report.kind {
        case .sevSNP:
            // AMD 56860 table 21: REPORT_DATA at 0x50.
            return Array(evidence.report.hardwareReport.dropFirst(0x50).prefix(64))
        case .tdx:
            guard let quote = evidence.tdQuote, let parsed = try? IntelQuote(quote), case .td(let report) = parsed.body
            else { return nil }
            return Array(report.reportData)
        }
    }

    public func verify(
        _ bytes: [UInt8],
        expecting expectations: Expectations
    ) throws(ParseError) -> AttestationResult {
        let evidence = try Self.read(bytes)
        var crypto = Findings()
        evidence.verifyQuote(into: &crypto)
        if let reportData = Self.reportData(evidence) {
            evidence.verifyBinding(reportData: reportData, into: &crypto)
        } else {
            crypto.require(
                "azure.binding",
                false,
                expected: "a TD quote",
                actual: "another kind of evidence",
                source: AzureEvidence.source
            )
        }
        let inner = verifyHardware(evidence, into: &crypto)

        var policy = Findings()
        policy.requireBound(
            "azure.nonce",
            expectations.nonce,
            actual: evidence.quote.extraData,
            source: AzureEvidence.source
        )
        policy.requireBound(
            "azure.userData",
            expectations.reportData,
            actual: evidence.report.userData ?? [],
            source: AzureEvidence.source
        )
        if case .exactly = expectations.publicKey {
            policy.require("azure.publicKey", false, expected: "a public key", actual: "this format carries none")
        }
        if let inner { policy.append(inner.policy) }
        if let rules = setting.policy.section(AzurePolicy.self) {
            judge(evidence, rules, into: &policy)
        } else {
            policy.refuseWithoutSection(AzurePolicy.section)
        }
        return AttestationResult(
            kind: .azureVTPM,
            identity: EvidenceIdentity(
                kind: .azureVTPM,
                signedSpan: SHA256.hash(evidence.quote.signedBytes),
                key: HashAlgorithm.sha256.digest(evidence.report.attestationKey.bytes)
            ),
            claims: AzureClaims(evidence: evidence, hardware: inner?.claims.json),
            tcbStatus: inner?.tcbStatus,
            advisories: inner?.advisories ?? [],
            crypto: crypto,
            policy: policy,
            time: setting.time,
            assumptions: (inner?.assumptions ?? []) + [
                Assumption(
                    id: "paravisor:azure",
                    text: "the paravisor that the hardware evidence measures keeps its virtual TPM's keys to itself"
                )
            ]
        )
    }

    /// Appraises the hardware evidence with its own family; its lines become lines of this result.
    private func verifyHardware(_ evidence: AzureEvidence, into findings: inout Findings) -> AttestationResult? {
        let wanted: EvidenceKind = evidence.report.kind == .tdx ? .tdx : .sevSNP
        let inner = Self.hardwareEvidence(evidence)
        guard AttestationVerifier.kind(of: inner) == wanted else {
            findings.require(
                "azure.hardware",
                false,
                expected: wanted.rawValue,
                actual: AttestationVerifier.kind(of: inner)?.rawValue ?? "no known evidence",
                source: AzureEvidence.source
            )
            return nil
        }
        let bound = Expectations(reportData: .exactly(evidence.report.expectedReportData), nonce: .any, publicKey: .any)
        do throws(ParseError) {
            let result = try verifier(for: evidence).verify(inner, expecting: bound)
            findings.append(result.crypto)
            return result
        } catch {
            findings.malformed("azure.hardware", error, source: AzureEvidence.source)
            return nil
        }
    }

    /// The verifier of the hardware evidence; a VCEK that came along joins the collateral, where its chain decides.
    private func verifier(for evidence: AzureEvidence) -> AttestationVerifier {
        guard let vcek = evidence.vcek else { return hardware }
        let item = CollateralItem(kind: .certificate, body: vcek)
        guard !setting.collateral.items.contains(item) else { return hardware }
        var extended = setting
        extended.collateral.items.append(item)
        return AttestationVerifier(extended)
    }

    private func judge(_ evidence: AzureEvidence, _ rules: AzurePolicy, into findings: inout Findings) {
        var secureBoot: Bool?
        if case .object(let configuration)? = evidence.report.configuration,
            case .bool(let value)? = configuration["secure-boot"]
        {
            secureBoot = value
        }
        if let secureBoot {
            findings.requireFlag("azure.policy.secureBoot", rules.secureBoot, secureBoot, source: AzureEvidence.source)
        } else if rules.secureBoot != .any {
            findings.require("azure.policy.secureBoot", false, expected: "a statement", actual: "none")
        }
        let quoted = evidence.quote.quotedValues(evidence.values, bank: rules.registers.bank)
        rules.registers.judge(quoted, id: "azure.policy", into: &findings)
        let logs = setting.collateral.items(.eventLog).map(\.body)
        rules.registers.judge(logs: logs, quoted: quoted, id: "azure.policy", into: &findings)
    }
}
