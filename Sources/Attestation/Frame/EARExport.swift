// A result as an EAT Attestation Result, for relying parties that speak RATS.
// Sources: draft-ietf-rats-ear (claims), draft-ietf-rats-ar4si §2.3 (trustworthiness vector and its tiers).

public import Codecs
internal import Commitments

extension AttestationResult {
    /// The tiers of AR4SI: the value that stands for the whole tier.
    private enum Tier: Int64 {
        case none = 0
        case affirming = 2
        case warning = 32
        case contraindicated = 96
        case cryptoFailed = 99
    }

    /// The claims set of an EAR, unsigned: `eat_profile`, `iat`, `ear.verifier-id` and one submodule named by the evidence
    /// kind and the key that vouches for it.
    ///
    /// A part that was not decided is `0` (no claim), never an affirmation.
    /// - Parameter verifier: the name and the build of the verifier.
    public func ear(verifier: (developer: String, build: String)) -> JSONValue {
        let crypto: Tier = self.crypto.hasFailure ? .cryptoFailed : self.crypto.isIncomplete ? .none : .affirming
        let isDecided = self.crypto.isClean
        let policyTier: Tier =
            !isDecided ? .none : policy.hasFailure ? .contraindicated : policy.isIncomplete ? .none : .affirming
        let hardware: Tier
        switch (crypto, tcbStatus) {
        case (.affirming, nil), (.affirming, TCBStatus.upToDate.rawValue?): hardware = .affirming
        case (.affirming, _): hardware = .warning
        default: hardware = crypto
        }
        let overall: String
        switch conclusion {
        case .verified: overall = hardware == .warning ? "warning" : "affirming"
        case .rejected, .refusedByPolicy: overall = "contraindicated"
        case .incomplete: overall = "none"
        }
        var appraisal: JSONObject = [
            "ear.status": .string(overall),
            "ear.trustworthiness-vector": .object([
                "instance-identity": .integer(crypto.rawValue),
                "hardware": .integer(hardware.rawValue),
                "executables": .integer(policyTier.rawValue),
                "configuration": .integer(policyTier.rawValue),
            ]),
            "assay.conclusion": .string(conclusion.rawValue),
            "assay.evidence": .string(identity.digest.text),
            "assay.valid-until": validUntil.map { .string($0.text) } ?? .null,
        ]
        if let tcbStatus { appraisal["assay.tcb-status"] = .string(tcbStatus) }
        if !advisories.isEmpty { appraisal["assay.advisories"] = .array(advisories.map { .string($0) }) }
        return .object([
            "eat_profile": .string("tag:github.com,2023:veraison/ear"),
            "iat": .integer(time.seconds),
            "ear.verifier-id": .object([
                "developer": .string(verifier.developer), "build": .string(verifier.build),
            ]),
            "submods": .object(["\(kind.rawValue):\(identity.key.prefix(40))": .object(appraisal)]),
        ])
    }
}
