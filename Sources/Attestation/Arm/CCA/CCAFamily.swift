// CCA tokens in the common frame: the platform's signature by a pinned key, the realm's by a key that the platform binds.
public import Codecs
internal import Commitments
internal import Signatures
internal import Verdicts

/// The section `cca` of a policy.
public struct CCAPolicy: FamilyPolicy, Equatable {
    public static let section = EvidenceKind.cca.rawValue

    /// What the platform must be.
    public var platform: ArmPlatformPolicy
    /// Acceptable platform configurations.
    public var configurations: Allowed<[UInt8]>
    /// Acceptable initial measurements of the realm.
    public var initialMeasurements: Allowed<[UInt8]>
    /// Acceptable values of each of the realm's four registers.
    public var extensibleMeasurements: [Allowed<[UInt8]>]
    /// Acceptable personalization values.
    public var personalizations: Allowed<[UInt8]>

    /// Makes a section; `extensibleMeasurements` has a term for each of the four registers.
    public init(
        platform: ArmPlatformPolicy,
        configurations: Allowed<[UInt8]>,
        initialMeasurements: Allowed<[UInt8]>,
        extensibleMeasurements: [Allowed<[UInt8]>],
        personalizations: Allowed<[UInt8]>
    ) {
        precondition(extensibleMeasurements.count == 4, "a realm has four extensible measurements")
        self.platform = platform
        self.configurations = configurations
        self.initialMeasurements = initialMeasurements
        self.extensibleMeasurements = extensibleMeasurements
        self.personalizations = personalizations
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        platform = try ArmPlatformPolicy(&reader, profiles: CCAPlatformProfile.allCases.map(\.rawValue))
        configurations = try reader.allowedBytes("configurations")
        initialMeasurements = try reader.allowedBytes("initialMeasurements")
        personalizations = try reader.allowedBytes("personalizations", count: 64)
        extensibleMeasurements = []
        var registers = try reader.object("extensibleMeasurements")
        for index in 0..<4 { extensibleMeasurements.append(try registers.allowedBytes(String(index))) }
        try registers.finish()
    }
}

/// What a CCA token says.
public struct CCAClaims: EvidenceClaims {
    /// The token.
    public let token: CCAToken

    public var json: JSONObject {
        let platform = token.platform
        let realm = token.realm
        return [
            "platform": .object([
                "profile": .string(platform.profile.rawValue),
                "challenge": .string(Hex.encode(platform.challenge)),
                "implementationID": .string(Hex.encode(platform.implementationID)),
                "instanceID": .string(Hex.encode(platform.instanceID)),
                "configuration": .string(Hex.encode(platform.configuration)),
                "lifecycle": .string(platform.lifecycle.name),
                "hash": .string(platform.hash.rawValue),
                "components": .array(platform.components.map(\.json)),
                "verificationService": platform.verificationService.map { .string($0) } ?? .null,
            ]),
            "realm": .object([
                "profile": .string(realm.profile.rawValue),
                "challenge": .string(Hex.encode(realm.challenge)),
                "personalization": .string(Hex.encode(realm.personalization)),
                "initialMeasurement": .string(Hex.encode(realm.initialMeasurement)),
                "extensibleMeasurements": .array(realm.extensibleMeasurements.map { .string(Hex.encode($0)) }),
                "hash": .string(realm.hash.rawValue),
                "publicKey": .string(Hex.encode(realm.publicKeyBytes)),
                "publicKeyHash": .string(realm.publicKeyHash.rawValue),
            ]),
        ]
    }
}

/// The verifier of CCA tokens. Platform keys (CPAK) are pinned in the trust file.
public struct CCAFamily: EvidenceFamily {
    static let source = "Arm RMM specification, attestation; draft-ffm-rats-cca-token"
    private let setting: AppraisalSetting
    private let revocation: RevocationInformation

    public init(_ setting: AppraisalSetting) {
        self.setting = setting
        revocation = RevocationInformation(setting.collateral)
    }

    public static func recognises(_ evidence: [UInt8]) -> EvidenceKind? {
        evidence.starts(with: [0xd9, 0x01, 0x8f]) || evidence.starts(with: [0xd9, 0x03, 0x8b]) ? .cca : nil
    }

    public static func inspect(_ evidence: [UInt8]) throws(ParseError) -> JSONObject {
        CCAClaims(token: try CCAToken(parsing: evidence)).json
    }

    public func verify(
        _ evidence: [UInt8],
        expecting expectations: Expectations
    ) throws(ParseError) -> AttestationResult {
        let token = try CCAToken(parsing: evidence)
        var crypto = Findings()
        let chain = try token.platformChain()
        if !chain.isEmpty && !setting.anchors.roots(.armCCA).isEmpty {
            crypto.note(malformedCollateral: revocation.malformed)
            verifyChain(chain, token, into: &crypto)
        } else {
            ArmSigner.verify(
                id: "cca.platform.signature",
                pins: setting.anchors.keys(.armCCA),
                instanceID: token.platform.instanceID,
                implementationID: token.platform.implementationID,
                source: Self.source,
                isSigned: { token.platformEnvelope.isSigned(by: $0) },
                algorithm: token.platformEnvelope.algorithmText,
                into: &crypto
            )
        }
        verifyRealm(token, into: &crypto)

        var policy = Findings()
        let challenge = token.realm.challenge
        policy.requireBound("cca.realm.challenge", expectations.reportData, actual: challenge, source: Self.source)
        if case .exactly = expectations.nonce {
            policy.requireBound("cca.realm.nonce", expectations.nonce, actual: challenge, source: Self.source)
        }
        if case .exactly = expectations.publicKey {
            policy.require("cca.publicKey", false, expected: "a public key", actual: "a CCA token carries a challenge")
        }
        if let rules = setting.policy.section(CCAPolicy.self) {
            judge(token, rules, into: &policy)
        } else {
            policy.refuseWithoutSection(CCAPolicy.section)
        }
        let spans = [token.platformEnvelope, token.realmEnvelope].map { SHA256.hash($0.signedBytes() ?? []).bytes }
        return AttestationResult(
            kind: .cca,
            identity: EvidenceIdentity(
                kind: .cca,
                signedSpan: SHA256.hash(spans.flatMap { $0 }),
                key: token.platform.instanceID
            ),
            claims: CCAClaims(token: token),
            crypto: crypto,
            policy: policy,
            time: setting.time,
            assumptions: [
                Assumption(
                    id: "vendor-root:arm-cca",
                    text:
                        "the pinned platform key is held only by the root of trust that measures the monitor and firmware"
                )
            ]
        )
    }

    /// The platform key by a certificate chain in the token (RFC 9360 §2, x5chain) up to a pinned root. Lists are applied
    /// when they are given; makers of platforms publish none yet.
    private func verifyChain(_ chain: [Certificate], _ token: CCAToken, into findings: inout Findings) {
        let id = "cca.platform"
        let verifier = ChainVerifier(setting, .armCCA, revocation)
        let rule = revocation.chainRule(.whenGiven, issuers: Array(chain.dropFirst()) + verifier.roots)
        verifier.verify(chain, ChainRules(id: id + ".chain", source: "RFC 9360 §2", revocation: rule), into: &findings)
        findings.require(
            id + ".signature",
            chain.first.map { token.platformEnvelope.isSigned(by: $0.publicKey) } ?? false,
            expected: "signed by '\(chain.first?.commonName ?? "")'",
            actual: token.platformEnvelope.algorithmText,
            source: Self.source
        )
    }

    /// The platform's challenge is the hash of the realm key as it stands in the token, by the hash that the *realm* token
    /// names for it (44240, not the measurement hash 44236); that key signs the realm token.
    private func verifyRealm(_ token: CCAToken, into findings: inout Findings) {
        let realm = token.realm
        findings.requireEqual(
            "cca.binding",
            expected: realm.publicKeyHash.digest(realm.publicKeyBytes),
            actual: token.platform.challenge,
            source: Self.source
        )
        let key: PublicKey
        do throws(ParseError) { key = try realm.publicKey() } catch {
            findings.malformed("cca.realm.key", error, source: Self.source)
            return
        }
        findings.require(
            "cca.realm.signature",
            token.realmEnvelope.isSigned(by: key),
            expected: "signed by the realm key",
            actual: "\(token.realmEnvelope.algorithmText), key \(key.kind)",
            source: Self.source
        )
    }

    private func judge(_ token: CCAToken, _ rules: CCAPolicy, into findings: inout Findings) {
        let platform = token.platform
        rules.platform.judge(
            id: "cca.policy",
            profile: platform.profile.rawValue,
            implementationID: platform.implementationID,
            instanceID: platform.instanceID,
            lifecycle: platform.lifecycle,
            components: platform.components,
            source: Self.source,
            into: &findings
        )
        findings.requireAllowed(
            "cca.policy.configuration",
            rules.configurations,
            platform.configuration,
            source: Self.source
        )
        let realm = token.realm
        findings.requireAllowed(
            "cca.policy.initialMeasurement",
            rules.initialMeasurements,
            realm.initialMeasurement,
            source: Self.source
        )
        for (index, rule) in rules.extensibleMeasurements.enumerated() {
            findings.requireAllowed(
                "cca.policy.extensibleMeasurement[\(index)]",
                rule,
                realm.extensibleMeasurements[index],
                source: Self.source
            )
        }
        findings.requireAllowed(
            "cca.policy.personalization",
            rules.personalizations,
            realm.personalization,
            source: Self.source
        )
    }
}
