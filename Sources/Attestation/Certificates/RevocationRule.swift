// What the absence of revocation lists means, for vendors whose evidence comes without them.

/// Whether a chain's certificates need a current revocation list.
public enum RevocationRule: String, Sendable, CaseIterable {
    /// A missing list leaves the question open.
    case required
    /// Lists are applied when some are given for the chain; a chain without any passes with a skipped line.
    case whenGiven

    /// The chain rule for a chain whose issuers are `issuers`, given `lists`.
    func chainRule(lists: [RevocationList], issuers: [Certificate]) -> ChainRules.Revocation {
        let isCovered = lists.contains { list in issuers.contains { $0.subject == list.issuer } }
        if self == .required || isCovered { return .required }
        return .notIssued("no revocation list given, and the policy does not require one")
    }
}
