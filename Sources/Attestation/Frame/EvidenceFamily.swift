// What a family of evidence gives to the verifier, and the list of the families.

public import Codecs

/// Everything about a verification that does not depend on the evidence.
public struct AppraisalSetting: Sendable {
    /// What is believed without proof.
    public var anchors: TrustAnchors
    /// What else is known.
    public var collateral: CollateralBundle
    /// What is acceptable.
    public var policy: AttestationPolicy
    /// When the verification takes place.
    public var time: Timestamp
    /// How many evidence keys whose certification has been checked a family may remember, so that more evidence by the same
    /// key costs one signature; 0 for none. It changes the cost, never a verdict.
    public var rememberedKeys = 1024

    /// Makes a setting.
    public init(anchors: TrustAnchors, collateral: CollateralBundle, policy: AttestationPolicy, time: Timestamp) {
        self.anchors = anchors
        self.collateral = collateral
        self.policy = policy
        self.time = time
    }
}

/// A verifier of one family of evidence for one setting.
///
/// Making it verifies the collateral once; after that it is immutable, so many threads may use it.
public protocol EvidenceFamily: Sendable {
    /// Verifies the collateral of `setting` that concerns this family. What is wrong with it shows in the verdicts.
    init(_ setting: AppraisalSetting)
    /// The kind of `evidence` when it is of this family, judged by magic numbers and sizes only.
    static func recognises(_ evidence: [UInt8]) -> EvidenceKind?
    /// The decoded fields, without any judgement.
    static func inspect(_ evidence: [UInt8]) throws(ParseError) -> JSONObject
    /// Appraises one piece of evidence.
    /// - Throws: `ParseError` when the bytes do not have the form of the family's evidence.
    func verify(_ evidence: [UInt8], expecting expectations: Expectations) throws(ParseError) -> AttestationResult
}

/// The families that Assay knows, asked in this order.
enum EvidenceFamilies {
    /// Every family.
    static let all: [any EvidenceFamily.Type] = cpu + tokens
    /// The policy sections of the families.
    static let policies: [any FamilyPolicy.Type] = cpuPolicies + tokenPolicies
    /// Processors that isolate enclaves or virtual machines.
    private static let cpu: [any EvidenceFamily.Type] = [
        IntelQuotes.self,
        SNPReports.self,
    ]
    /// Their policy sections.
    private static let cpuPolicies: [any FamilyPolicy.Type] = [
        SGXPolicy.self,
        TDXPolicy.self,
        TDXServiceTDPolicy.self,
        SNPPolicy.self,
    ]
}
