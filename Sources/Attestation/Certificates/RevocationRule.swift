// What the absence of revocation lists means, for vendors whose evidence comes without them.

internal import Codecs

/// Whether a chain's certificates need a current revocation list.
public enum RevocationRule: String, Sendable, CaseIterable {
    /// A missing list or OCSP answer leaves the question open.
    case required
    /// Lists and answers are applied when some are given for the chain; a chain without any passes with a skipped line.
    case whenGiven
}

/// The revocation lists and OCSP answers of a bundle, read once for one family.
struct RevocationInformation: Sendable {
    let lists: [RevocationList]
    let responses: [OCSPResponse]
    /// Why items that are meant to be lists or answers could not be read; they cover nothing.
    let malformed: [ParseError]

    init(_ collateral: CollateralBundle) {
        var malformed: [ParseError] = []
        lists = collateral.revocationLists(malformed: &malformed)
        responses = collateral.ocspResponses(malformed: &malformed)
        self.malformed = malformed
    }

    /// What `rule` means for a chain whose issuers are `issuers`.
    func chainRule(_ rule: RevocationRule, issuers: [Certificate]) -> ChainRules.Revocation {
        let isCovered = issuers.contains { issuer in
            lists.contains { $0.issuer == issuer.subject }
                || responses.contains { $0.answers.contains { $0.isAbout(issuer: issuer) } }
        }
        if rule == .required || isCovered { return .required }
        return .notIssued("no revocation information given, and the policy does not require any")
    }
}
