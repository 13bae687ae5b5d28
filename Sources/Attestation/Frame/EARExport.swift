// An appraisal as the claims of an EAT Attestation Result (draft-ietf-rats-ear-04 §3) with the trustworthiness vector of AR4SI
// (draft-ietf-rats-ar4si), for relying parties that already read those.
public import Codecs
internal import Commitments
internal import Verdicts

extension AttestationResult {
    /// The trustworthiness claims that an appraisal can speak to (AR4SI §2.3).
    private enum Dimension: String, CaseIterable {
        case instanceIdentity = "instance-identity"
        case configuration
        case executables
        case hardware
        case runtimeOpaque = "runtime-opaque"
    }

    /// Values of trustworthiness claims (AR4SI §2.3.4).
    private enum Value {
        /// No claim is made.
        static let none: Int64 = 0
        /// Recognized, genuine, approved.
        static let affirming: Int64 = 2
        /// The executables at start are approved; those since are not known.
        static let approvedBoot: Int64 = 3
        /// Known to be unsafe, yet not compromised.
        static let warning: Int64 = 32
        /// Executables that nobody approved.
        static let unrecognized: Int64 = 33
        /// Not acceptable.
        static let contraindicated: Int64 = 96
        /// The evidence's cryptography failed.
        static let cryptographyFailed: Int64 = 99
    }

    /// The unsigned claims-set of an EAR with one submodule, named by the kind of evidence and its stable identity.
    ///
    /// The whole result with its check lines, dates and assumptions stands under `ear_verifier_claims`. `iat` is the
    /// verification time, because the appraisal reads no clock. Who hands it out signs it: names alone prove nothing.
    public var ear: JSONValue {
        var vector = JSONObject()
        for dimension in Dimension.allCases {
            let value = value(of: dimension)
            if value != Value.none { vector[dimension.rawValue] = Self.number(value) }
        }
        let status: Int64
        switch conclusion {
        case .verified:
            // A vector is as good as its worst claim.
            status =
                vector.members.contains { Self.integer($0.value) >= Value.warning } ? Value.warning : Value.affirming
        case .incomplete: status = Value.none
        case .rejected, .refusedByPolicy: status = Value.contraindicated
        }
        var submodule: JSONObject = [
            "ear_status": .string(Self.tier(status)),
            "ear_trustworthiness_vector": .object(vector),
        ]
        // Claims of evidence that is not genuine are nobody's claims.
        if crypto.isClean { submodule["ear_attester_claims"] = .object(claims.json) }
        submodule["ear_verifier_claims"] = .object(["assay_result": json])
        return .object([
            "eat_profile": .string("tag:ietf.org,2026:rats/ear#04"),
            "iat": Self.number(time.seconds),
            "ear_verifier_id": .object(["developer": .string("Assay"), "build": .string("assay-attestation-result-1")]),
            "submods": .object(["\(kind.rawValue)-\(identity.digest.hex.prefix(16))": .object(submodule)]),
        ])
    }

    private static func number(_ value: Int64) -> JSONValue {
        .integer(value)
    }

    private static func integer(_ value: JSONValue) -> Int64 {
        if case .number(let number) = value { number.integer ?? 0 } else { 0 }
    }

    private static func tier(_ status: Int64) -> String {
        switch status {
        case Value.affirming: "affirming"
        case Value.warning: "warning"
        case Value.contraindicated: "contraindicated"
        default: "none"
        }
    }

    private func value(of dimension: Dimension) -> Int64 {
        if crypto.hasFailure { return dimension == .runtimeOpaque ? Value.none : Value.cryptographyFailed }
        if crypto.isIncomplete { return Value.none }
        switch dimension {
        case .instanceIdentity: return Value.affirming
        case .hardware:
            switch tcbStatus {
            case nil, "UpToDate": return Value.affirming
            case "Revoked": return Value.contraindicated
            default: return Value.warning
            }
        case .runtimeOpaque:
            switch kind {
            case .sgx, .tdx, .sevSNP, .cca: return Value.affirming
            default: return Value.none
            }
        case .executables:
            return judged(Self.isMeasurement, pass: Value.approvedBoot, fail: Value.unrecognized)
        case .configuration:
            return judged(
                { !Self.isMeasurement($0) && !Self.isBinding($0) },
                pass: Value.affirming,
                fail: Value.contraindicated
            )
        }
    }

    /// What the policy's lines that `applies` picks come to; lines that were not judged make no claim.
    private func judged(_ applies: (String) -> Bool, pass: Int64, fail: Int64) -> Int64 {
        let lines = policy.checks.filter { applies($0.id) }
        if lines.contains(where: { $0.result == .fail }) { return fail }
        return lines.contains { $0.result == .pass } ? pass : Value.none
    }

    /// Whether a line judges what runs: registers, measurements, event logs.
    private static func isMeasurement(_ id: String) -> Bool {
        let words = ["pcr[", "measure", "signerID", "eventLog", "policy.mr-", "policy.rtmr", "mrEnclave", "mrSigner"]
        return words.contains { id.contains($0) }
    }

    /// Whether a line ties the evidence to a request. That it fails makes the result useless, and says nothing of the platform.
    private static func isBinding(_ id: String) -> Bool {
        let words = ["nonce", "userData", "report-data", "reportData", "challenge", "publicKey", "extraData"]
        return words.contains { id.contains($0) }
    }
}
