// A node whose processor and GPU are fakes under fake roots: it makes evidence that is bound to an execution as a real node's
// would be, and lies in every way that a test names.
internal import Appraisal
public import Attestation
public import Codecs
public import Commitments
public import Receipts

/// A TD on a fake Intel platform, with a fake NVIDIA GPU.
public struct FakeConfidentialNode: Sendable {
    /// How the node lies about one execution.
    public enum Lie: String, Sendable, CaseIterable {
        /// The report data names another job.
        case otherJob
        /// The report data names another lease of the same job.
        case otherLease
        /// The report data names other outputs.
        case otherOutputs
        /// The report data names another node.
        case otherNode
        /// The TD can be debugged.
        case debug
        /// The processor vouches for one GPU, and another one's evidence is handed over.
        case swappedDevice
        /// The GPU answers a nonce of its own choice.
        case otherDeviceNonce
        /// An enclave vouches where a TD was asked for.
        case enclave
        /// No collateral is handed over.
        case noCollateral
        /// The evidence is no evidence.
        case malformed
    }

    /// The processor.
    public let platform = FakeIntelPlatform()
    /// The GPU.
    public let device = FakeNVIDIADevice()
    /// A moment at which the fake collateral is current, in seconds since 1970.
    public static let time: Int64 = 1_736_553_600

    /// A node with fresh keys.
    public init() {}

    /// The roots under which its evidence verifies.
    public var anchors: TrustAnchors {
        TrustAnchors(roots: [.intelSGX: [platform.root.certificate], .nvidiaDevice: [device.root.certificate]])
    }

    /// The roots as a trust file holds them.
    public var roots: JSONValue {
        func pem(_ identity: TestIdentity) -> JSONValue {
            .array([.string(String(decoding: PEM.encode(identity.certificate.der), as: UTF8.self))])
        }
        return .object([
            "schema": .string("assay-trust-anchors-1"),
            "roots": .object([
                TrustDomain.intelSGX.rawValue: pem(platform.root), TrustDomain.nvidiaDevice.rawValue: pem(device.root),
            ]),
        ])
    }

    /// A policy under which the node's TD and GPU are acceptable.
    public static let policy = Array(
        """
        schema = "assay-attestation-policy-1"
        [collateral]
        maxAgeSeconds = "any"
        graceSeconds = 0
        [tdx]
        tcbStatuses = ["UpToDate"]
        advisories = "any"
        minTcbDate = "any"
        minTcbEvaluationDataNumber = "any"
        dynamicPlatform = "any"
        cachedKeys = "any"
        smt = "any"
        debug = false
        septVeDisable = true
        migratable = false
        pks = false
        keyLocker = false
        perfmon = false
        otherAttributes = false
        mrSeam = "any"
        mrTd = ["\(String(repeating: "11", count: 48))"]
        mrConfigId = "any"
        mrOwner = "any"
        mrOwnerConfig = "any"
        mrServiceTd = "any"
        rtMr0 = "any"
        rtMr1 = "any"
        rtMr2 = "any"
        rtMr3 = "any"
        xfam = "any"
        [nvidia-gpu]
        deviceCounts = [1]
        architectures = ["HOPPER"]
        driverVersions = "any"
        firmwareVersions = "any"
        modes = "any"
        referenceValues = "whenGiven"
        revocation = "whenGiven"
        """.utf8
    )

    /// The parts of the evidence for one requirement of a job, by their path.
    public func evidence(
        for requirement: AttestationRequirement,
        at index: Int,
        _ values: BoundValues,
        lie: Lie? = nil
    ) throws(ParseError) -> [String: [UInt8]] {
        var values = values
        switch lie {
        case .otherJob: values.jobID = JobID(.zero)
        case .otherLease: values.leaseDigest = .zero
        case .otherOutputs: values.outputRoot = .zero
        case .otherNode: values.nodeKey[0] ^= 1
        default: break
        }
        var parts: [String: [UInt8]] = [:]
        var devices: Digest?
        if requirement.devices != .none {
            let nonce = EvidenceBinding(values, devices: nil).deviceNonce.bytes
            let evidence = Self.evidence(
                device,
                nonce: lie == .otherDeviceNonce ? [UInt8](repeating: 7, count: 32) : nonce
            )
            devices = try identity(evidence, AttestationRequirement.devicePart, requirement)
            let other = FakeNVIDIADevice(root: device.root)
            parts[EvidencePart.path(index, AttestationRequirement.devicePart)] =
                lie == .swappedDevice ? Self.evidence(other, nonce: nonce) : evidence
        }
        let reportData = EvidenceBinding(values, devices: devices).reportData
        let body =
            lie == .enclave
            ? FakeIntelPlatform.enclaveBody(reportData: reportData)
            : FakeIntelPlatform.tdBody(attributes: 1 << 28 | (lie == .debug ? 1 : 0), reportData: reportData)
        parts[EvidencePart.path(index, AttestationRequirement.processorPart)] =
            lie == .malformed ? [1, 2, 3] : platform.quote(FakeIntelPlatform.QuoteForm(body: body))
        if lie != .noCollateral {
            parts[EvidencePart.path(index, AttestationRequirement.collateralPart)] =
                platform.collateral(isTDX: true).json.serialized()
        }
        return parts
    }

    private func identity(
        _ bytes: [UInt8],
        _ part: String,
        _ requirement: AttestationRequirement
    ) throws(ParseError) -> Digest? {
        try EvidenceAppraiser.identity(
            of: bytes,
            part: part,
            .attestation(requirement),
            files: [requirement.policy.path: Self.policy],
            values: .zero
        )
    }

    private static func evidence(_ device: FakeNVIDIADevice, nonce: [UInt8]) -> [UInt8] {
        var device = device
        device.nonce = nonce
        return device.evidence()
    }
}
