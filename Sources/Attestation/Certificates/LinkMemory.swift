// Remembers certificate links that were verified, for families whose evidence brings its own chain each time.
internal import Codecs
internal import Synchronization

/// A chain verifier that learns: a link verified once costs no signature when the same bytes come again.
///
/// Only signatures are remembered. Roots, dates, constraints and revocation are judged anew for every piece of evidence, so
/// a remembered link cannot outlive its certificates.
final class LinkMemory: Sendable {
    private struct State {
        var verifier: ChainVerifier
        var known: Set<Certificate> = []
    }

    /// The most certificates that are remembered; then everything is forgotten and learnt again.
    private static let limit = 2048

    private let fresh: ChainVerifier
    private let state: Mutex<State>

    /// Starts with no links known, under the roots of `domain` and with the bundle's revocation information.
    init(_ setting: AppraisalSetting, _ domain: TrustDomain, _ revocation: RevocationInformation) {
        fresh = ChainVerifier(setting, domain, revocation)
        state = Mutex(State(verifier: fresh))
    }

    /// The pinned roots.
    var roots: [Certificate] { fresh.roots }

    /// Checks `chain` as `ChainVerifier` does, and remembers its links when every line passed: a chain that does not lead
    /// to a pinned root leaves nothing behind.
    @discardableResult
    func verify(_ chain: [Certificate], _ rules: ChainRules, into findings: inout Findings) -> Bool {
        let verifier = state.withLock { $0.verifier }
        guard verifier.verify(chain, rules, into: &findings) else { return false }
        state.withLock { state in
            guard !chain.allSatisfy(state.known.contains) else { return }
            if state.known.count + chain.count > Self.limit { state = State(verifier: fresh) }
            state.verifier.trustAuthorities(of: chain)
            state.known.formUnion(chain)
        }
        return true
    }
}

extension ChainVerifier {
    /// A verifier under the roots of `domain` and with the bundle's revocation information.
    init(_ setting: AppraisalSetting, _ domain: TrustDomain, _ revocation: RevocationInformation) {
        self.init(
            roots: setting.anchors.roots(domain),
            lists: revocation.lists,
            time: setting.time,
            graceSeconds: setting.policy.collateral.graceSeconds
        )
        responses = revocation.responses
    }
}
