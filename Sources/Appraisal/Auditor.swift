// The state of an audit and the checks on the bundle itself: who signed it and whether it holds what the receipt names.
internal import Attestation
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

/// An audit under way. Each `check…` method appends its checks; none of them stops at the first failure, so that a report
/// says everything that is wrong.
struct Auditor {
    static let kind = "receipt-audit"

    let bundle: Bundle
    let file: BundleFile
    let trust: TrustFile
    /// The roots of the trust file by which attestation is judged, if it has any.
    let anchors: TrustAnchors?
    let time: Int64?
    var checks: [Check] = []
    /// Whether something that the audit has to judge again is not at hand.
    var isUndecided = false

    /// The receipt.
    var receipt: Receipt { file.receipt.predicate }

    init(bundle: Bundle, file: BundleFile, trust: TrustFile, anchors: TrustAnchors?, time: Int64?) {
        self.bundle = bundle
        self.file = file
        self.trust = trust
        self.anchors = anchors
        self.time = time
    }

    /// Appends a check that passes exactly when both sides are equal.
    mutating func equal<Value: CustomStringConvertible & Equatable>(_ id: String, _ expected: Value, _ actual: Value) {
        checks.append(.equal(id, expected: expected, actual: actual))
    }

    /// Appends a check that passes exactly when `condition` holds.
    mutating func that(_ id: String, _ condition: Bool, expected: String, actual: String) {
        checks.append(.that(id, condition, expected: expected, actual: actual))
    }

    /// Appends a check of a document's signature by the author that it names.
    mutating func signature(_ id: String, of document: UnverifiedDocument<some DocumentPredicate>) {
        let author = document.predicate.author
        let isSigned = document.isSignedByAuthor
        checks.append(
            .that(
                id + ".signature",
                isSigned,
                expected: "a signature by \(author)",
                actual: isSigned ? "valid" : "none that is valid",
                source: "DSSE protocol.md; RFC 8032 §5.1.7"
            )
        )
    }

    /// Appends a check that a document's subjects are exactly one of this name and digest.
    mutating func subject(_ id: String, _ name: String, _ digest: Digest, of subjects: [Subject]) {
        let actual = subjects.map { "\($0.name) \($0.digest)" }.joined(separator: ", ")
        equal(id + ".subject", "\(name) \(digest)", actual)
    }

    /// Signatures of engine and manifest, and the list of members.
    mutating func checkBundle() {
        let engine = receipt.engine
        checks.append(
            Check(
                id: "bundle.blocks",
                result: .pass,
                expected: "every block hashes to its name",
                actual: "\(Set(bundle.names).count) members",
                source: "CARv1"
            )
        )
        that(
            "trust.engine",
            trust.engines.contains(engine),
            expected: "an engine of the trust file",
            actual: engine.text
        )
        let isSigned = bundle.isSigned(by: engine)
        that(
            "bundle.signature",
            isSigned,
            expected: "a signature by \(engine)",
            actual: isSigned ? "valid" : "none that is valid"
        )
        equal("bundle.job-id", receipt.jobID, bundle.jobID)
        checkMembers()
        signature("receipt", of: file.receipt)
        subject("receipt", "spec", file.job.digest, of: file.receipt.subjects)
        equal("receipt.spec", file.job.digest, receipt.specDigest)
        equal("receipt.ruleset", file.ruleset.digest, receipt.rulesetDigest)
        if let rulesets = trust.rulesets {
            that(
                "trust.ruleset",
                rulesets.contains(file.ruleset.digest),
                expected: "a ruleset of the trust file",
                actual: file.ruleset.digest.hex
            )
        }
        if let time {
            that(
                "receipt.time",
                receipt.settledAt <= time,
                expected: "settled not after \(time)",
                actual: "\(receipt.settledAt)"
            )
        } else {
            checks.append(Check(id: "receipt.time", result: .skip, actual: "no time of audit given"))
        }
    }

    /// Every member has its place, and every file of the job is there or listed as absent.
    private mutating func checkMembers() {
        var known: Set<String> = [
            BundleMember.receipt, BundleMember.order, BundleMember.spec, BundleMember.ruleset,
        ]
        if file.lease != nil { known.insert(BundleMember.lease) }
        if file.execution != nil { known.formUnion([BundleMember.execution, BundleMember.trace]) }
        if file.commitment != nil { known.insert(BundleMember.commitment) }
        if file.reading != nil { known.insert(BundleMember.reading) }
        known.formUnion(file.topUps.indices.map { BundleMember.topUp($0 + 1) })
        known.formUnion(file.verdicts.indices.map(BundleMember.verdict))
        var identities: [String: ArtefactIdentity] = [:]
        for file in file.job.files { identities[BundleMember.input(file.path)] = file.identity }
        for output in file.execution?.predicate.outputs ?? [] {
            identities[BundleMember.output(output.slot)] = output.identity
        }
        if let log = file.execution?.predicate.log { identities[BundleMember.log] = log.file }
        for part in file.execution?.predicate.evidence ?? [] { identities[BundleMember.evidence(part)] = part.file }
        let unknown = bundle.names.first { !known.contains($0) && identities[$0] == nil }
        that(
            "bundle.members",
            unknown == nil,
            expected: "only members that the receipt leads to",
            actual: unknown ?? "\(bundle.names.count) members"
        )
        for file in file.job.files {
            let name = BundleMember.input(file.path)
            guard let bytes = bundle.members[name], let stated = identities[name] else { continue }
            let found = ArtefactIdentity(of: bytes)
            that(
                "bundle.input",
                found == stated,
                expected: "\(file.path): \(stated.cid), \(stated.byteCount) bytes",
                actual: "\(found.cid), \(found.byteCount) bytes"
            )
        }
        let absent = Dictionary(bundle.absent.map { ($0.name, $0.identity) }, uniquingKeysWith: { first, _ in first })
        let stray = bundle.absent.first { identities[$0.name] != $0.identity }
        let lost = identities.keys.sorted().first { bundle.members[$0] == nil && absent[$0] == nil }
        that(
            "bundle.absent",
            stray == nil && lost == nil,
            expected: "every file of the job in the bundle or listed as absent",
            actual: stray.map { "\($0.name) is listed as another file" } ?? lost.map { "no \($0)" }
                ?? "\(absent.count) absent"
        )
    }

    /// The report over all checks so far.
    func report(_ bytes: [UInt8]) -> AuditReport {
        let digest = SHA256.hash(bytes)
        let isRefuted = checks.contains { $0.result == .fail }
        let conclusion: AuditReport.Conclusion
        let outcome: Outcome
        if isRefuted {
            (conclusion, outcome) = (.refuted, .rejected)
        } else if isUndecided {
            (conclusion, outcome) = (.undecided, .inconclusive)
        } else {
            outcome = receipt.outcome
            conclusion = outcome == .accepted ? .accepted : .notAccepted
        }
        let isAccepted = conclusion == .accepted
        let divergence = file.verdicts.lazy.map(\.predicate)
            .filter { trust.validators.contains($0.validator) && $0.verdict.outcome == receipt.outcome }
            .compactMap(\.divergence).first
        return AuditReport(
            conclusion: conclusion,
            verdict: Verdict(
                kind: Self.kind,
                outcome: outcome,
                fault: isRefuted || isUndecided ? .none : receipt.fault,
                soundness: isAccepted ? soundness : .none,
                assumptions: assumptions,
                checks: checks,
                subject: digest.text
            ),
            summary: AuditReport.Summary(
                receipt: receipt,
                receiptDigest: file.receipt.digest,
                jobName: file.job.spec.name,
                node: file.lease?.predicate.node.text,
                divergence: divergence,
                outputs: file.execution?.predicate.outputs ?? []
            ),
            bundleDigest: digest,
            time: time
        )
    }

    /// The error bound that the validators whom the auditor trusts give; it has been computed again from the evidence.
    private var soundness: Soundness {
        file.verdicts.lazy.map(\.predicate)
            .first { trust.validators.contains($0.validator) && $0.verdict.outcome == receipt.outcome }?
            .verdict.soundness ?? .none
    }

    /// What the audit rests on beside its checks.
    private var assumptions: [Assumption] {
        let verdicts = file.verdicts.map(\.predicate.verdict).filter { $0.outcome == receipt.outcome }
        var assumptions = [
            Assumption(
                id: "validator-quorum",
                text: "at least one of every \(trust.quorum) validators of the trust file says what it really found"
            )
        ]
        for assumption in verdicts.flatMap(\.assumptions) where !assumptions.contains(assumption) {
            assumptions.append(assumption)
        }
        return assumptions
    }
}
