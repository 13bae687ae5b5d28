// Judges attestation as evidence: the devices first, then the processor, whose report data must name this job, this result,
// this node and exactly that evidence of the devices.
public import Attestation
internal import Codecs
public import Commitments
public import Receipts
internal import Verdicts

extension EvidenceBinding {
    /// The binding of an execution.
    /// - Parameter devices: the identity of the devices' evidence; `nil` when there is none.
    public init(_ values: BoundValues, devices: Digest?) {
        self.init(
            jobID: values.jobID.digest,
            nonce: values.leaseDigest,
            inputRoot: values.inputRoot,
            outputRoot: values.outputRoot,
            nodeKey: values.nodeKey,
            gpuEvidence: devices.map { [$0] } ?? []
        )
    }
}

/// Everything that a judgement of attestation needs beside the evidence.
public struct AttestationTrust: Sendable {
    /// The roots that are believed; `nil` when the appraiser was given none, so that it can decide nothing.
    public var anchors: TrustAnchors?
    /// When the evidence is judged, in seconds since 1970.
    public var time: Int64

    /// Names roots and time.
    public init(anchors: TrustAnchors?, time: Int64) {
        self.anchors = anchors
        self.time = time
    }
}

/// The verdict on one attestation.
struct AttestationAppraiser {
    let requirement: AttestationRequirement
    let index: Int
    let claim: ExecutionClaim
    let trust: AttestationTrust
    let subject: Digest
    private var checks: [Check] = []
    private var hasFailure = false

    init(
        _ requirement: AttestationRequirement,
        at index: Int,
        of claim: ExecutionClaim,
        _ trust: AttestationTrust,
        subject: Digest
    ) {
        self.requirement = requirement
        self.index = index
        self.claim = claim
        self.trust = trust
        self.subject = subject
    }

    private var id: String { "evidence-\(index)" }

    /// The policy of a requirement, if evidence can be judged by it.
    static func policy(_ requirement: AttestationRequirement, _ bytes: [UInt8]) throws(ParseError) -> AttestationPolicy
    {
        let policy: AttestationPolicy
        do throws(ParseError) {
            policy = try AttestationPolicy(parsing: bytes)
        } catch {
            throw error.within(requirement.policy.path)
        }
        // A family without a section is refused, whatever the evidence is: such a job could never be paid.
        let devices = requirement.devices == .none ? [] : [EvidenceKind.nvidiaGPU.rawValue]
        for name in requirement.processors.map(\.rawValue) + devices where !policy.sectionNames.contains(name) {
            throw ParseError(field: requirement.policy.path, expected: "a section \(name)", actual: "none")
        }
        return policy
    }

    /// What is wrong with a requirement and its policy before anything was executed; `nil` when nothing is.
    static func fault(in requirement: AttestationRequirement, policy bytes: [UInt8]?) -> ParseError? {
        guard let bytes else { return ParseError(field: requirement.policy.path, expected: "a file", actual: "none") }
        do throws(ParseError) {
            _ = try policy(requirement, bytes)
            return nil
        } catch {
            return error
        }
    }

    /// The stable identity of a part: what was signed and by which key. It needs neither roots nor collateral.
    static func identity(
        of bytes: [UInt8],
        part: String,
        _ requirement: AttestationRequirement,
        policy: [UInt8]
    ) throws(ParseError) -> Digest? {
        guard part != AttestationRequirement.collateralPart else { return nil }
        let setting = AppraisalSetting(
            anchors: TrustAnchors(),
            collateral: CollateralBundle(),
            policy: try Self.policy(requirement, policy),
            time: Timestamp(seconds: 0)
        )
        return try AttestationVerifier(setting).verify(bytes, expecting: .unbound).identity.digest
    }

    /// Judges.
    mutating func verdict() -> Verdict {
        guard let bytes = claim.files[requirement.policy.path] else {
            return lacking(".policy", requirement.policy.path, "not at hand")
        }
        let policy: AttestationPolicy
        do throws(ParseError) {
            policy = try Self.policy(requirement, bytes)
        } catch {
            failed(".policy", error)
            return verdict(.requesterFault, .requester)
        }
        guard let anchors = trust.anchors else {
            return lacking(".roots", "roots to judge attestation by", "none were given")
        }
        for part in parts where claim.evidence[part.path] == nil {
            return lacking(".\(part.name)", "\(part.file.cid)", "not at hand")
        }
        for part in parts {
            guard let bytes = claim.evidence[part.path] else { continue }
            append(claim.file(part, bytes, "\(id).\(part.name).file"))
        }
        var collateral = CollateralBundle()
        if let bytes = self.bytes(AttestationRequirement.collateralPart) {
            do throws(ParseError) {
                collateral = try CollateralBundle(parsing: bytes)
            } catch {
                failed(".collateral", error)
                return verdict(.rejected, .provider)
            }
        }
        let verifier = AttestationVerifier(
            AppraisalSetting(
                anchors: anchors,
                collateral: collateral,
                policy: policy,
                time: Timestamp(seconds: trust.time)
            )
        )
        return judge(verifier)
    }

    /// Judges the devices, then the processor.
    private mutating func judge(_ verifier: AttestationVerifier) -> Verdict {
        let values = BoundValues(claim.statement)
        var results: [AttestationResult] = []
        var devices: Digest?
        if requirement.devices != .none {
            let nonce = EvidenceBinding(values, devices: nil).deviceNonce
            let expected = Expectations(reportData: .any, nonce: .exactly(nonce.bytes), publicKey: .any)
            let kinds = [EvidenceKind.nvidiaGPU.rawValue]
            guard let result = appraise(AttestationRequirement.devicePart, verifier, expected, kinds) else {
                return verdict(.rejected, .provider)
            }
            results.append(result)
            devices = result.identity.digest
        }
        let reportData = EvidenceBinding(values, devices: devices).reportData
        let expected = Expectations(reportData: .exactly(reportData), nonce: .any, publicKey: .any)
        let kinds = requirement.processors.map(\.rawValue)
        guard let result = appraise(AttestationRequirement.processorPart, verifier, expected, kinds) else {
            return verdict(.rejected, .provider)
        }
        results.append(result)
        return conclude(results)
    }

    /// Appraises one part and appends its lines; `nil` when it is missing or malformed.
    private mutating func appraise(
        _ name: String,
        _ verifier: AttestationVerifier,
        _ expectations: Expectations,
        _ kinds: [String]
    ) -> AttestationResult? {
        let prefix = "\(id).\(name)"
        let result: AttestationResult
        do throws(ParseError) {
            result = try verifier.verify(bytes(name) ?? [], expecting: expectations)
        } catch {
            failed(".\(name)", error)
            return nil
        }
        append(
            .that(
                prefix + ".kind",
                kinds.contains(result.kind.rawValue),
                expected: kinds.joined(separator: " or "),
                actual: result.kind.rawValue
            )
        )
        let stated = parts.first { $0.name == name }?.identity?.hex ?? "none"
        append(.equal(prefix + ".identity", expected: result.identity.digest.hex, actual: stated))
        checks += result.verdict.checks.map { $0.within(prefix) }
        if let change = result.changes.first {
            let until = "\(change.at.text): \(change.what)"
            checks.append(Check(id: prefix + ".valid-until", result: .pass, expected: "", actual: until))
        }
        return result
    }

    /// The weakest of the results decides: the result is believed only when processor and devices are both genuine, so the
    /// larger error bounds it, and the assumptions of all are needed.
    private mutating func conclude(_ results: [AttestationResult]) -> Verdict {
        let verdicts = results.map(\.verdict)
        guard !hasFailure, !verdicts.contains(where: { $0.outcome == .rejected }) else {
            return verdict(.rejected, .provider)
        }
        if let open = results.first(where: { $0.conclusion != .verified }) {
            let name = open.kind.rawValue
            checks.append(
                Check(id: id + ".conclusion", result: .skip, expected: "verified", actual: "\(name) is incomplete")
            )
            return verdict(.inconclusive, .environment)
        }
        var accepted = verdict(.accepted, .none)
        accepted.soundness = Soundness(millibits: verdicts.map { $0.soundness.millibits ?? Int64.max }.min())
        for assumption in verdicts.flatMap(\.assumptions) where !accepted.assumptions.contains(assumption) {
            accepted.assumptions.append(assumption)
        }
        return accepted
    }

    private var parts: [EvidencePart] { claim.statement.evidence.filter { $0.requirement == index } }

    private func bytes(_ name: String) -> [UInt8]? { claim.evidence[EvidencePart.path(index, name)] }

    /// Appends a line; one that fails is the provider's.
    private mutating func append(_ check: Check) {
        checks.append(check)
        if check.result == .fail { hasFailure = true }
    }

    private mutating func failed(_ suffix: String, _ error: ParseError) {
        let expected = error.field.isEmpty ? error.expected : "\(error.field): \(error.expected)"
        append(Check(id: id + suffix, result: .fail, expected: expected, actual: error.actual))
    }

    private mutating func lacking(_ suffix: String, _ expected: String, _ actual: String) -> Verdict {
        checks.append(Check(id: id + suffix, result: .skip, expected: expected, actual: actual))
        return verdict(.inconclusive, .validator)
    }

    private func verdict(_ outcome: Outcome, _ fault: Fault) -> Verdict {
        Verdict(
            kind: AttestationRequirement.kind,
            outcome: outcome,
            fault: fault,
            soundness: .none,
            assumptions: [],
            checks: checks,
            subject: subject.text
        )
    }
}
