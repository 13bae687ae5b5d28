// What the absence of revocation lists means, for vendors whose evidence comes without them.

/// Whether a chain's certificates need a current revocation list.
public enum RevocationRule: String, Sendable, CaseIterable {
    /// A missing list or OCSP answer leaves the question open.
    case required
    /// Lists and answers are applied when some are given for the chain; a chain without any passes with a skipped line.
    case whenGiven

    /// The chain rule for a chain whose issuers are `issuers`, given `lists` and `responses`.
    func chainRule(
        lists: [RevocationList],
        responses: [OCSPResponse] = [],
        issuers: [Certificate]
    ) -> ChainRules.Revocation {
        let isCovered = issuers.contains { issuer in
            lists.contains { $0.issuer == issuer.subject }
                || responses.contains { $0.answers.contains { $0.isAbout(issuer: issuer) } }
        }
        if self == .required || isCovered { return .required }
        return .notIssued("no revocation information given, and the policy does not require any")
    }
}
