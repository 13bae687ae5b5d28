// Straight certificate chains up to a pinned root (RFC 5280 §6, without path building, name constraints and policies,
// which no attestation vendor uses: a certificate that marks them critical is refused).

public import Codecs

/// What a chain must satisfy.
public struct ChainRules: Sendable {
    /// The prefix of the check lines: `intel.pck`.
    public var id: String
    /// The document that describes this chain.
    public var source: String
    /// Whether each certificate below the root must be covered by a current revocation list of its issuer. A vendor that
    /// issues no lists is named by `.notIssued` with the reason, which is written into the verdict.
    public var revocation: Revocation
    /// Critical extensions that the caller reads itself.
    public var knownCriticalExtensions: [OID]
    /// Whether the first certificate must be an end entity that may sign data.
    public var leafIsEndEntity: Bool
    /// The most certificates, the root included.
    public var maxCount: Int

    /// How revocation is known.
    public enum Revocation: Sendable {
        /// Every certificate below the root needs a list.
        case required
        /// Every certificate from the one at this index on needs a list; those before it have an issuer that issues none,
        /// for the reason given.
        case requiredFrom(Int, String)
        /// As `requiredFrom`, but a list that is not given is not missed, because the policy says so.
        case optionalFrom(Int, String)
        /// The vendor issues no lists for this chain.
        case notIssued(String)
    }

    /// Makes rules.
    public init(
        id: String,
        source: String,
        revocation: Revocation,
        knownCriticalExtensions: [OID] = [],
        leafIsEndEntity: Bool = true,
        maxCount: Int = 8
    ) {
        self.id = id
        self.source = source
        self.revocation = revocation
        self.knownCriticalExtensions = knownCriticalExtensions
        self.leafIsEndEntity = leafIsEndEntity
        self.maxCount = maxCount
    }
}

/// Pinned roots and revocation lists for one verification time.
///
/// Work that does not depend on the evidence is done once: a list's signature when it is added, an issuer's link to its
/// root when it is learnt by `trustAuthorities(of:)`.
public struct ChainVerifier: Sendable {
    /// The pinned roots.
    public let roots: [Certificate]
    /// The verification time.
    public let time: Timestamp
    /// How many seconds after `nextUpdate` a list still counts.
    public let graceSeconds: Int64
    private var lists: [RevocationList]
    /// OCSP answers; one about a certificate serves in place of a list, and one that says `revoked` beside it.
    public var responses: [OCSPResponse] = []
    /// Signatures known to be good: the certificate or list, and the issuer whose key made it.
    private var verifiedLinks: [Certificate: Certificate] = [:]
    private var verifiedLists: [(list: RevocationList, issuer: Certificate)] = []

    /// Takes the pinned roots, the lists and the time.
    public init(roots: [Certificate], lists: [RevocationList], time: Timestamp, graceSeconds: Int64 = 0) {
        self.roots = roots
        self.lists = lists
        self.time = time
        self.graceSeconds = graceSeconds
    }

    /// Verifies the links of an authority's own chain once, so that evidence that carries the same bytes costs no more
    /// signatures for them. Links that do not verify are simply not remembered.
    /// - Parameter chain: an authority first, then its issuers.
    public mutating func trustAuthorities(of chain: [Certificate]) {
        for (index, certificate) in chain.enumerated() where verifiedLinks[certificate] == nil {
            let issuers = (index + 1 < chain.count ? [chain[index + 1]] : []) + roots
            if let issuer = issuers.first(where: { certificate != $0 && certificate.isSigned(by: $0) }) {
                verifiedLinks[certificate] = issuer
            }
        }
        for list in lists where !verifiedLists.contains(where: { $0.list === list }) {
            if let issuer = (chain + roots).first(where: { list.isSigned(by: $0) }) {
                verifiedLists.append((list, issuer))
            }
        }
    }

    private func isLinked(_ certificate: Certificate, to issuer: Certificate) -> Bool {
        if let known = verifiedLinks[certificate], known == issuer { return true }
        return certificate.isSigned(by: issuer)
    }

    private func isSigned(_ list: RevocationList, by issuer: Certificate) -> Bool {
        verifiedLists.contains { $0.list === list && $0.issuer == issuer } || list.isSigned(by: issuer)
    }

    /// Checks a chain, first the certificate whose key is wanted, then its issuers in order; the root may be left out.
    /// - Returns: whether every line passed. The lines `ID.root`, `ID.links`, `ID.constraints`, `ID.dates` and
    ///   `ID.revocation` are added to `findings`, with the dates on which they depend.
    @discardableResult
    public func verify(_ given: [Certificate], _ rules: ChainRules, into findings: inout Findings) -> Bool {
        guard let chain = anchored(given, rules, into: &findings) else { return false }
        var brokenLink: Int?
        for index in chain.indices.dropLast() where !isLinked(chain[index], to: chain[index + 1]) {
            brokenLink = index
            break
        }
        var isGood = findings.require(
            rules.id + ".links",
            brokenLink == nil,
            expected: "each certificate signed by the next, up to the root",
            actual: brokenLink.map { "'\(chain[$0].commonName)' not signed by '\(chain[$0 + 1].commonName)'" }
                ?? "\(chain.count) certificates",
            source: rules.source
        )
        let fault = constraintFault(chain, rules)
        isGood =
            findings.require(
                rules.id + ".constraints",
                fault == nil,
                expected: "authorities that may sign, a leaf that is none, no unknown critical extension",
                actual: fault ?? "as expected",
                source: "RFC 5280 §6.1.4"
            ) && isGood
        let outdated = chain.first { time < $0.notBefore || time > $0.notAfter }
        isGood =
            findings.require(
                rules.id + ".dates",
                outdated == nil,
                expected: "valid at \(time)",
                actual: outdated.map { "'\($0.commonName)' valid \($0.notBefore) to \($0.notAfter)" }
                    ?? "all certificates valid",
                source: "RFC 5280 §6.1.3"
            ) && isGood
        for certificate in chain {
            findings.holds(from: certificate.notBefore)
            findings.holds(until: certificate.notAfter, what: "certificate '\(certificate.commonName)' (notAfter)")
        }
        // A list says something only about certificates that its issuer really issued.
        guard brokenLink == nil else { return false }
        switch rules.revocation {
        case .notIssued(let reason):
            findings.notApplicable(rules.id + ".revocation", why: reason, source: rules.source)
            return isGood
        case .required:
            return checkRevocation(chain, rules, into: &findings) && isGood
        case .requiredFrom(let index, let reason):
            findings.notApplicable(rules.id + ".revocation.leaf", why: reason, source: rules.source)
            return checkRevocation(chain, rules, from: index, into: &findings) && isGood
        case .optionalFrom(let index, let reason):
            findings.notApplicable(rules.id + ".revocation.leaf", why: reason, source: rules.source)
            return checkRevocation(chain, rules, from: index, isOptional: true, into: &findings) && isGood
        }
    }

    /// The chain with its pinned root at the end, or `nil` when it does not end in one.
    private func anchored(_ given: [Certificate], _ rules: ChainRules, into findings: inout Findings) -> [Certificate]?
    {
        let id = rules.id + ".root"
        guard let last = given.last else {
            findings.missing(id, expected: "a certificate chain", source: rules.source)
            return nil
        }
        guard !roots.isEmpty else {
            findings.missing(id, expected: "a pinned root", actual: "none in the trust file", source: rules.source)
            return nil
        }
        var chain = given
        if let root = roots.first(where: { $0 == last }) {
            findings.require(id, true, expected: "a pinned root", actual: root.commonName, source: rules.source)
        } else if !last.isSelfIssued, let root = roots.first(where: { $0.subject == last.issuer }) {
            chain.append(root)
            findings.require(id, true, expected: "a pinned root", actual: root.commonName, source: rules.source)
        } else {
            let actual = "'\(last.isSelfIssued ? last.commonName : last.issuerCommonName)', not pinned"
            findings.require(id, false, expected: "a pinned root", actual: actual, source: rules.source)
            return nil
        }
        guard chain.count <= rules.maxCount else {
            let actual = "\(chain.count)"
            findings.require(
                rules.id + ".links",
                false,
                expected: "at most \(rules.maxCount) certificates",
                actual: actual,
                source: rules.source
            )
            return nil
        }
        return chain
    }

    private func constraintFault(_ chain: [Certificate], _ rules: ChainRules) -> String? {
        for (index, certificate) in chain.enumerated() {
            for item in certificate.extensions where item.isCritical {
                let isKnown =
                    item.name == Certificate.Extension.basicConstraints || item.name == Certificate.Extension.keyUsage
                    || rules.knownCriticalExtensions.contains(item.name)
                if !isKnown { return "'\(certificate.commonName)' has critical extension \(item.name)" }
            }
            if index == 0 && rules.leafIsEndEntity && chain.count > 1 {
                if certificate.isAuthority { return "'\(certificate.commonName)' is an authority" }
                if let usage = certificate.keyUsage, usage.isDisjoint(with: [.digitalSignature, .nonRepudiation]) {
                    return "'\(certificate.commonName)' may not sign data"
                }
                continue
            }
            guard index > 0 else { continue }
            if !certificate.isAuthority { return "'\(certificate.commonName)' is no authority" }
            if let usage = certificate.keyUsage, !usage.contains(.keyCertSign) {
                return "'\(certificate.commonName)' may not sign certificates"
            }
            // Self-issued intermediates do not count (RFC 5280 §6.1.4 l), but attestation chains have none.
            if let limit = certificate.pathLength, UInt64(index - 1) > limit {
                return "'\(certificate.commonName)' allows \(limit) intermediates, has \(index - 1)"
            }
        }
        return nil
    }

    private func checkRevocation(
        _ chain: [Certificate],
        _ rules: ChainRules,
        from start: Int = 0,
        isOptional: Bool = false,
        into findings: inout Findings
    ) -> Bool {
        var isGood = true
        for index in chain.indices.dropLast().dropFirst(start) {
            let certificate = chain[index]
            let issuer = chain[index + 1]
            let id = rules.id + ".revocation"
            let status = checkStatus(of: certificate, issuer: issuer, rules, into: &findings)
            if status == false { isGood = false }
            let named = lists.filter { $0.issuer == issuer.subject }
            // The newest list that already existed at the verification time decides.
            let usable = named.filter { $0.thisUpdate <= time }.max { $0.thisUpdate < $1.thisUpdate }
            guard let list = usable else {
                if status != nil { continue }
                let actual = named.isEmpty ? "not given" : "only lists from after \(time)"
                let expected = "a revocation list of '\(issuer.commonName)'"
                if isOptional {
                    let why = "no list of '\(issuer.commonName)' given; the policy accepts any"
                    findings.notApplicable(id, why: why, source: rules.source)
                    continue
                }
                findings.missing(id, expected: expected, actual: actual, source: rules.source)
                isGood = false
                continue
            }
            guard isSigned(list, by: issuer) else {
                findings.require(
                    id,
                    false,
                    expected: "a list signed by '\(issuer.commonName)'",
                    actual: "its signature does not verify",
                    source: "RFC 5280 §6.3"
                )
                isGood = false
                continue
            }
            findings.holds(from: list.thisUpdate)
            findings.rests(onIssueAt: list.thisUpdate, what: "revocation list of '\(issuer.commonName)'")
            findings.holds(until: list.nextUpdate, what: "revocation list of '\(issuer.commonName)' (nextUpdate)")
            let isFresh = findings.requireFresh(
                rules.id + ".revocation.current",
                time <= list.nextUpdate.adding(seconds: graceSeconds),
                expected: "nextUpdate not before \(time)",
                actual: "\(list.nextUpdate)",
                source: "RFC 5280 §5.1.2.5"
            )
            let isListed = list.isRevoked(certificate)
            let isUnlisted = findings.require(
                id,
                !isListed,
                expected: "'\(certificate.commonName)' not listed by '\(issuer.commonName)'",
                actual: isListed ? "serial \(certificate.serialText) is revoked" : "not listed",
                source: "RFC 5280 §6.3"
            )
            isGood = isGood && isFresh && isUnlisted
        }
        return isGood
    }
}
