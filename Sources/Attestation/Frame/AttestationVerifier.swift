// The front door: evidence of any family in, one result out.

public import Codecs
internal import Synchronization

/// Verifies attestation evidence of every family for one setting: trust anchors, collateral, policy and time.
///
/// Collateral is verified when evidence of its family is first seen, and kept: many pieces of evidence cost only their own
/// signatures. An instance may be used by many threads.
public final class AttestationVerifier: Sendable {
    /// What does not depend on the evidence.
    public let setting: AppraisalSetting
    private let prepared: Mutex<[ObjectIdentifier: any EvidenceFamily]> = Mutex([:])

    /// Makes a verifier.
    public init(_ setting: AppraisalSetting) {
        self.setting = setting
    }

    private static func family(of evidence: [UInt8]) throws(ParseError) -> any EvidenceFamily.Type {
        for family in EvidenceFamilies.all where family.recognises(evidence) != nil { return family }
        let start = Hex.encode(evidence.prefix(16))
        throw ParseError(
            field: "evidence",
            expected: "evidence of a known kind",
            actual: "\(evidence.count) bytes that begin with \(start)"
        )
    }

    /// The kind of `evidence`, judged by magic numbers and sizes only; `nil` when it is of no known kind.
    public static func kind(of evidence: [UInt8]) -> EvidenceKind? {
        for family in EvidenceFamilies.all {
            if let kind = family.recognises(evidence) { return kind }
        }
        return nil
    }

    /// The decoded fields of `evidence`, without any judgement.
    /// - Throws: `ParseError` when the bytes are of no known kind or malformed.
    public static func inspect(_ evidence: [UInt8]) throws(ParseError) -> JSONObject {
        try family(of: evidence).inspect(evidence)
    }

    /// Appraises one piece of evidence.
    /// - Throws: `ParseError` when the bytes are of no known kind or malformed. Everything else ends in a result.
    public func verify(
        _ evidence: [UInt8],
        expecting expectations: Expectations
    ) throws(ParseError) -> AttestationResult {
        let type = try Self.family(of: evidence)
        var result = try family(type).verify(evidence, expecting: expectations)
        // The bound on the age of collateral holds for every list and answer of every family, so it stands here.
        guard case .atMost = setting.policy.collateral.maxAgeSeconds else { return result }
        let judged = Set(result.policy.checks.map(\.id))
        for issue in result.crypto.issues {
            let id = "policy.collateral-age." + issue.what
            if judged.contains(id) { continue }
            if let issued = issue.at {
                result.policy.requireAge(id, setting, issued: issued, source: "RFC 5280 §5.1.2.4; RFC 6960 §4.2.2.1")
            } else {
                let why = "it states no date; its signer's certificate and revocation information are judged instead"
                result.policy.notApplicable(id, why: why)
            }
        }
        return result
    }

    private func family(_ type: any EvidenceFamily.Type) -> any EvidenceFamily {
        let key = ObjectIdentifier(type)
        if let known = prepared.withLock({ $0[key] }) { return known }
        // Two threads may prepare the same family at once; both come to the same state, and the first to finish is kept.
        let made = type.init(setting)
        return prepared.withLock { families in
            if let known = families[key] { return known }
            families[key] = made
            return made
        }
    }
}
