// The families whose evidence is a token, a quote or a report of a device rather than of a CPU, and the lines they share.
internal import Codecs

extension EvidenceFamilies {
    /// Token, TPM and device families.
    static let tokens: [any EvidenceFamily.Type] = [
        NitroFamily.self, AzureFamily.self, TPMFamily.self, CCAFamily.self, PSAFamily.self, NVIDIADevices.self,
    ]
    /// Their policy sections.
    static let tokenPolicies: [any FamilyPolicy.Type] = [
        NitroPolicy.self, TPMPolicy.self, AzurePolicy.self, CCAPolicy.self, PSAPolicy.self, NVIDIAGPUPolicy.self,
        NVIDIASwitchPolicy.self, TDXEventLogPolicy.self,
    ]
}

extension Findings {
    /// The line for a policy that has no section for the evidence's family: nothing of it is accepted.
    mutating func refuseWithoutSection(_ section: String) {
        require(
            section + ".policy",
            false,
            expected: "a section '\(section)' in the policy",
            actual: "none, so this kind of evidence is refused"
        )
    }

    /// Lines for items of collateral that could not be read; they cover nothing.
    mutating func note(malformedCollateral errors: [ParseError]) {
        for error in errors { notApplicable("collateral.malformed", why: error.description) }
    }
}
