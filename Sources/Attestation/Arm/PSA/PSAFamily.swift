// PSA tokens in the common frame.
public import Codecs
internal import Commitments
public import Signatures
internal import Verdicts

/// A PSA attestation token. Nothing about it has been verified yet.
public struct PSAToken: Sendable {
    /// The CBOR tag of COSE_Mac0 (RFC 9052 §2).
    public static let macTag: UInt64 = 17

    /// The envelope. A COSE_Mac0 has the same shape, with the authentication tag in place of the signature.
    public let cose: COSESign1
    /// Whether the envelope is a COSE_Mac0: then only holders of the shared key can check it.
    public let isMAC: Bool
    /// The claims.
    public let claims: PSAClaimValues

    /// Reads a token: COSE_Sign1 or COSE_Mac0 with its tag in front (RFC 9783 §5.2).
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let item = try CBORItem(parsing: bytes, CBORRules(isDeterministic: false, bytes: 64 << 10))
        if case .tagged(Self.macTag, let inner) = item.content {
            isMAC = true
            cose = try COSESign1(inner, tag: .forbidden, field: "psa")
        } else {
            isMAC = false
            cose = try COSESign1(item, tag: .required, field: "psa")
        }
        guard let payload = cose.payload else {
            throw ParseError(field: "psa.payload", expected: "a payload", actual: "a detached one")
        }
        do throws(ParseError) {
            claims = try PSAClaimValues(try CBORItem(parsing: payload, .tolerant))
        } catch {
            throw error.within("psa.payload")
        }
    }
}

/// The section `psa` of a policy.
public struct PSAPolicy: FamilyPolicy, Equatable {
    public static let section = EvidenceKind.psa.rawValue
    /// What the platform must be.
    public var platform: ArmPlatformPolicy

    /// Makes a section.
    public init(platform: ArmPlatformPolicy) {
        self.platform = platform
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        platform = try ArmPlatformPolicy(&reader, profiles: PSAProfile.allCases.map(\.rawValue))
    }
}

/// What a PSA token says.
public struct PSAClaims: EvidenceClaims {
    /// The claims.
    public let values: PSAClaimValues

    public var json: JSONObject { values.json }
}

/// The verifier of PSA tokens. PSA has no certificates: device keys are pinned in the trust file, by instance id,
/// implementation id or for all devices.
public struct PSAFamily: EvidenceFamily {
    static let source = "RFC 9783"
    private let setting: AppraisalSetting

    public init(_ setting: AppraisalSetting) {
        self.setting = setting
    }

    public static func recognises(_ evidence: [UInt8]) -> EvidenceKind? {
        guard let first = evidence.first, first == 0xd2 || first == 0xd1, evidence.dropFirst().first == 0x84 else {
            return nil
        }
        return .psa
    }

    public static func inspect(_ evidence: [UInt8]) throws(ParseError) -> JSONObject {
        try PSAToken(parsing: evidence).claims.json
    }

    public func verify(
        _ evidence: [UInt8],
        expecting expectations: Expectations
    ) throws(ParseError) -> AttestationResult {
        let token = try PSAToken(parsing: evidence)
        let claims = token.claims
        var crypto = Findings()
        if token.isMAC {
            crypto.missing(
                "psa.signature",
                expected: "a COSE_Sign1 token",
                actual: "COSE_Mac0, which proves something only to who shares its key",
                source: Self.source
            )
        } else {
            ArmSigner.verify(
                id: "psa.signature",
                pins: setting.anchors.keys(.armPSA),
                instanceID: claims.instanceID,
                implementationID: claims.implementationID,
                source: "RFC 9783 §5.2",
                isSigned: { token.cose.isSigned(by: $0) },
                algorithm: token.cose.algorithmText,
                into: &crypto
            )
        }
        var policy = Findings()
        policy.requireBound("psa.nonce", expectations.nonce, actual: claims.nonce, source: Self.source)
        if case .exactly = expectations.reportData {
            policy.require("psa.reportData", false, expected: "report data", actual: "a PSA token carries only a nonce")
        }
        if case .exactly = expectations.publicKey {
            policy.require("psa.publicKey", false, expected: "a public key", actual: "a PSA token carries only a nonce")
        }
        if let rules = setting.policy.section(PSAPolicy.self) {
            rules.platform.judge(
                id: "psa.policy",
                profile: claims.profile.rawValue,
                implementationID: claims.implementationID,
                instanceID: claims.instanceID,
                lifecycle: claims.lifecycle,
                components: claims.components,
                source: Self.source,
                into: &policy
            )
        } else {
            policy.refuseWithoutSection(PSAPolicy.section)
        }
        return AttestationResult(
            kind: .psa,
            identity: EvidenceIdentity(
                kind: .psa,
                signedSpan: SHA256.hash(token.cose.signedBytes() ?? []),
                key: claims.instanceID
            ),
            claims: PSAClaims(values: claims),
            crypto: crypto,
            policy: policy,
            time: setting.time,
            assumptions: [
                Assumption(
                    id: "vendor-root:arm-psa",
                    text: "the pinned key is held only by the root of trust of the device that it is pinned for"
                )
            ]
        )
    }
}
