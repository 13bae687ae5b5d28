// The answer about one piece of evidence: what is true, what the policy says to it, and when either could change.

public import Codecs
internal import Commitments
public import Verdicts

/// The decoded content of evidence.
public protocol EvidenceClaims: Sendable {
    /// The fields by their vendor's names, byte strings in hexadecimal.
    var json: JSONObject { get }
}

/// How an appraisal ended, with the exit status of the command line.
public enum Conclusion: String, Sendable, CaseIterable {
    /// Genuine, current and within the policy.
    case verified
    /// The cryptography or the vendor's own statement says no.
    case rejected
    /// Genuine, but the policy refuses it.
    case refusedByPolicy = "refused-by-policy"
    /// Something needed was not given or is too old: nothing was decided.
    case incomplete

    /// 0, 1, 2 or 3.
    public var exitStatus: Int32 {
        switch self {
        case .verified: 0
        case .rejected: 1
        case .refusedByPolicy: 2
        case .incomplete: 3
        }
    }
}

/// The appraisal of one piece of evidence at one time.
///
/// It is a function of the evidence, the collateral, the trust anchors, the policy, the expectations and the time: the same
/// inputs give the same bytes of JSON.
public struct AttestationResult: Sendable {
    /// What the bytes were.
    public var kind: EvidenceKind
    /// The evidence's stable name.
    public var identity: EvidenceIdentity
    /// What the evidence says. Believe it only when `crypto` is clean.
    public var claims: any EvidenceClaims
    /// The vendor's word for the state of the platform (`UpToDate`, `OutOfDate`…); `nil` when the family has none or it
    /// could not be established.
    public var tcbStatus: String?
    /// The vendor's advisories that apply.
    public var advisories: [String]
    /// Whether it is genuine: signatures, chains, revocation, signed collateral, dates.
    public var crypto: Findings
    /// Whether it is acceptable to the given policy and expectations.
    public var policy: Findings
    /// The verification time.
    public var time: Timestamp
    /// What the verdict rests on.
    public var assumptions: [Assumption]

    /// Makes a result.
    public init(
        kind: EvidenceKind,
        identity: EvidenceIdentity,
        claims: any EvidenceClaims,
        tcbStatus: String? = nil,
        advisories: [String] = [],
        crypto: Findings,
        policy: Findings,
        time: Timestamp,
        assumptions: [Assumption]
    ) {
        self.kind = kind
        self.identity = identity
        self.claims = claims
        self.tcbStatus = tcbStatus
        self.advisories = advisories
        self.crypto = crypto
        self.policy = policy
        self.time = time
        self.assumptions = assumptions
    }

    /// How the appraisal ended. The cryptography is asked first: a policy means nothing on claims that are not genuine.
    public var conclusion: Conclusion {
        if crypto.hasFailure { return .rejected }
        if crypto.isIncomplete { return .incomplete }
        if policy.hasFailure { return .refusedByPolicy }
        return policy.isIncomplete ? .incomplete : .verified
    }

    /// From when on the cryptographic part holds, as far as dates say.
    public var validFrom: Timestamp? { crypto.validFrom }
    /// Until when the cryptographic part holds at most: the earliest of `changes`.
    public var validUntil: Timestamp? { changes.first?.at }
    /// What could change the verdict, and when, in the order of time; each date and thing once.
    public var changes: [Change] {
        var seen: [Change] = []
        for change in (crypto.changes + policy.changes).sorted() where seen.last != change { seen.append(change) }
        return seen
    }

    /// The cryptographic part as a verdict of its own.
    public var cryptoVerdict: Verdict { verdict(of: [crypto]) }
    /// The policy part as a verdict of its own.
    public var policyVerdict: Verdict { verdict(of: [policy]) }
    /// Both parts as one verdict, the cryptographic lines first.
    public var verdict: Verdict { verdict(of: [crypto, policy]) }

    private func verdict(of parts: [Findings]) -> Verdict {
        let checks = parts.flatMap(\.checks)
        let hasPass = checks.contains { $0.result == .pass }
        let outcome: Outcome
        if let first = parts.first(where: { !$0.isClean }) {
            outcome = first.hasFailure ? .rejected : .inconclusive
        } else {
            outcome = hasPass ? .accepted : .inconclusive
        }
        return Verdict(
            kind: kind.rawValue,
            outcome: outcome,
            fault: outcome == .accepted ? .none : outcome == .rejected ? .provider : .environment,
            soundness: outcome == .accepted ? .bits(128) : .none,
            assumptions: assumptions,
            checks: checks,
            subject: identity.signedSpan.text
        )
    }

    /// The whole result as a JSON object.
    public var json: JSONValue {
        var object: JSONObject = [
            "schema": .string("assay-attestation-result-1"),
            "ok": .bool(conclusion == .verified),
            "kind": .string(kind.rawValue),
            "conclusion": .string(conclusion.rawValue),
            "identity": .object([
                "evidence": .string(identity.digest.text),
                "signedSpan": .string(identity.signedSpan.text),
                "key": .string(identity.key),
            ]),
            "validAt": .string(time.text),
            "validFrom": validFrom.map { .string($0.text) } ?? .null,
            "validUntil": validUntil.map { .string($0.text) } ?? .null,
            "changes": .array(
                changes.map { .object(["at": .string($0.at.text), "what": .string($0.what)]) }
            ),
        ]
        object["tcbStatus"] = tcbStatus.map { .string($0) } ?? .null
        object["advisories"] = .array(advisories.map { .string($0) })
        object["crypto"] = cryptoVerdict.json
        object["policy"] = policyVerdict.json
        object["claims"] = .object(claims.json)
        return .object(object)
    }
}
