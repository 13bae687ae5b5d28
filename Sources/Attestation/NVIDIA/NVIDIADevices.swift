// NVIDIA GPUs and NVSwitches in the common frame: report signature, device chain, firmware identity, reference values.
public import Codecs
internal import Commitments
internal import Verdicts

/// What NVIDIA evidence says.
public struct NVIDIAClaims: EvidenceClaims {
    /// The evidence.
    public let evidence: NVIDIAEvidence

    public var json: JSONObject {
        let devices = evidence.devices.map { device -> JSONValue in
            let report = device.report
            func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
            return .object([
                "architecture": .string(device.architecture),
                "chip": .string(device.identity.chip),
                "certificate": .string(device.identity.certificate.commonName),
                "serialNumber": .string(device.identity.certificate.serialText),
                "nonce": .string(Hex.encode(report.nonce)),
                "driverVersion": text(report.driverVersion),
                "firmwareVersion": text(report.firmwareVersion),
                "mode": .string(report.mode.rawValue),
                "fwid": text(report.fwid.map { Hex.encode($0) }),
                "measurements": .array(report.measurements.map { .string(Hex.encode($0)) }),
            ])
        }
        return ["devices": .array(devices)]
    }
}

/// The verifier of NVIDIA device evidence.
public final class NVIDIADevices: EvidenceFamily {
    static let source = "DMTF DSP0274 §10.11; NVIDIA attestation SDK"

    /// A reference manifest whose own signature has been judged.
    private struct JudgedManifest: Sendable {
        let manifest: ReferenceManifest
        let findings: Findings
    }

    private let setting: AppraisalSetting
    private let revocation: RevocationInformation
    private let devices: LinkMemory
    private let manifests: [JudgedManifest]
    private let malformed: [ParseError]

    public init(_ setting: AppraisalSetting) {
        self.setting = setting
        let revocation = RevocationInformation(setting.collateral)
        self.revocation = revocation
        devices = LinkMemory(setting, .nvidiaDevice, revocation)
        let signers = LinkMemory(setting, .nvidiaRIM, revocation)
        var malformed = revocation.malformed
        let terms = [
            setting.policy.section(NVIDIAGPUPolicy.self)?.device,
            setting.policy.section(NVIDIASwitchPolicy.self)?.device,
        ]
        // The stricter of the two sections decides for manifests, which serve both.
        let rule: RevocationRule = terms.contains { $0?.revocation == .required } ? .required : .whenGiven
        var manifests: [JudgedManifest] = []
        for item in setting.collateral.items(.nvidiaRIM) {
            do throws(ParseError) {
                let manifest = try ReferenceManifest(parsing: item.body)
                var findings = Findings()
                manifest.verify(
                    id: "nvidia.rim",
                    signers,
                    revocation: { revocation.chainRule(rule, issuers: $0) },
                    into: &findings
                )
                manifests.append(JudgedManifest(manifest: manifest, findings: findings))
            } catch {
                malformed.append(error)
            }
        }
        self.manifests = manifests
        self.malformed = malformed
    }

    public static func recognises(_ evidence: [UInt8]) -> EvidenceKind? {
        guard NVIDIAEvidence.isRecognised(evidence) else { return nil }
        return TPMEvidence.contains("\"LS10\"", in: evidence[...].prefix(4096)) ? .nvidiaSwitch : .nvidiaGPU
    }

    public static func inspect(_ evidence: [UInt8]) throws(ParseError) -> JSONObject {
        NVIDIAClaims(evidence: try NVIDIAEvidence(parsing: evidence)).json
    }

    public func verify(
        _ bytes: [UInt8],
        expecting expectations: Expectations
    ) throws(ParseError) -> AttestationResult {
        let evidence = try NVIDIAEvidence(parsing: bytes)
        let kind: EvidenceKind = evidence.isSwitch ? .nvidiaSwitch : .nvidiaGPU
        let gpu = setting.policy.section(NVIDIAGPUPolicy.self)
        let terms = evidence.isSwitch ? setting.policy.section(NVIDIASwitchPolicy.self)?.device : gpu?.device
        var crypto = Findings()
        crypto.note(malformedCollateral: malformed)
        // One device that answers many times is not many devices.
        let keys = Set(evidence.devices.map { $0.identity.certificate.publicKey.bytes })
        crypto.require(
            "nvidia.distinct",
            keys.count == evidence.devices.count,
            expected: "\(evidence.devices.count) different devices",
            actual: "\(keys.count)",
            source: Self.source
        )
        var policy = Findings()
        for (index, device) in evidence.devices.enumerated() {
            let id = "nvidia[\(index)]"
            verifyDevice(device, id: id, terms?.revocation ?? .required, into: &crypto)
            compare(device, id: id, isSwitch: evidence.isSwitch, terms?.referenceValues ?? .required, into: &crypto)
            policy.requireBound(id + ".nonce", expectations.nonce, actual: device.report.nonce, source: Self.source)
        }
        if case .exactly = expectations.reportData {
            policy.require(
                "nvidia.reportData",
                false,
                expected: "report data",
                actual: "the report carries only a nonce"
            )
        }
        if case .exactly = expectations.publicKey {
            policy.require(
                "nvidia.publicKey",
                false,
                expected: "a public key",
                actual: "the report carries only a nonce"
            )
        }
        if let terms {
            judge(evidence, terms, gpu: evidence.isSwitch ? nil : gpu, into: &policy)
        } else {
            policy.refuseWithoutSection(kind.rawValue)
        }
        var span = SHA256()
        for device in evidence.devices { span.update(SHA256.hash(device.report.signedBytes)) }
        return AttestationResult(
            kind: kind,
            identity: EvidenceIdentity(
                kind: kind,
                signedSpan: span.finalized(),
                // A serial number alone is unique under one issuer only; the key itself says which device it was.
                key: evidence.devices.flatMap { device in
                    let certificate = device.identity.certificate
                    return certificate.serialNumber + SHA256.hash(Array(certificate.publicKey.bytes)).bytes
                }
            ),
            claims: NVIDIAClaims(evidence: evidence),
            crypto: crypto,
            policy: policy,
            time: setting.time,
            assumptions: [
                Assumption(
                    id: "vendor-root:nvidia",
                    text: "NVIDIA's device and manifest root keys certify only what NVIDIA made and measured"
                )
            ]
        )
    }

    private func verifyDevice(
        _ device: NVIDIAEvidence.Device,
        id: String,
        _ rule: RevocationRule,
        into findings: inout Findings
    ) {
        let leaf = device.identity.certificate
        let rules = ChainRules(
            id: id + ".chain",
            source: Self.source,
            revocation: revocation.chainRule(rule, issuers: Array(device.chain.dropFirst()))
        )
        devices.verify(device.chain, rules, into: &findings)
        let width = SignatureCurve.p384.coordinateCount
        let pair = ECDSASignature(
            r: device.report.signature.prefix(width),
            s: device.report.signature.dropFirst(width)
        )
        findings.require(
            id + ".signature",
            leaf.publicKey.kind == .ellipticCurve(.p384)
                && leaf.publicKey.isValid(pair, digest: HashAlgorithm.sha384.digest(device.report.signedBytes)),
            expected: "signed by '\(leaf.commonName)'",
            actual: "ECDSA with SHA-384, key \(leaf.publicKey.kind)",
            source: Self.source
        )
        findings.require(
            id + ".architecture",
            device.identity.architecture == device.architecture,
            expected: device.identity.architecture ?? "a known chip",
            actual: device.architecture,
            source: Self.source
        )
        // Reports before the field was introduced state no firmware identity; there is nothing to compare then.
        switch (device.report.fwid, device.identity.fwid) {
        case (let stated?, let certified?):
            findings.requireEqual(id + ".fwid", expected: certified, actual: stated, source: "TCG DICE §6.1.1")
        case (nil, _): findings.notApplicable(id + ".fwid", why: "the report states none", source: "TCG DICE §6.1.1")
        case (_?, nil):
            findings.require(
                id + ".fwid",
                false,
                expected: "a firmware identity in the certificate",
                actual: "none",
                source: "TCG DICE §6.1.1"
            )
        }
    }

    /// Compares the registers with the manifests for the versions that the report states: driver and firmware of a GPU,
    /// firmware of a switch. Each active register of a manifest must have one of its digests.
    private func compare(
        _ device: NVIDIAEvidence.Device,
        id: String,
        isSwitch: Bool,
        _ rule: ReferenceRule,
        into findings: inout Findings
    ) {
        let report = device.report
        var versions = [("firmware", report.firmwareVersion)]
        if !isSwitch { versions.insert(("driver", report.driverVersion), at: 0) }
        var judged: Set<Int> = []
        for (name, version) in versions {
            let line = "\(id).rim.\(name)"
            guard let version else {
                findings.missing(line, expected: "a version in the report", actual: "none", source: Self.source)
                continue
            }
            let candidates = manifests.filter { judged in
                judged.manifest.version.uppercased() == version.uppercased()
                    && judged.manifest.product == device.identity.chip
                    && judged.manifest.edition == (isSwitch ? "SWITCH" : "GPU")
            }
            // A forged or outdated copy beside a good one takes nothing away from it.
            let found = candidates.first { $0.findings.isClean } ?? candidates.first
            guard let found else {
                let expected = "a manifest for \(device.identity.chip) \(version)"
                if rule == .required {
                    findings.missing(line, expected: expected, source: Self.source)
                } else {
                    findings.notApplicable(line, why: "not given: \(expected)", source: Self.source)
                }
                continue
            }
            findings.append(found.findings)
            findings.rests(onUndated: "reference manifest \(found.manifest.product) \(found.manifest.version)")
            findings.require(line, true, expected: version, actual: version, source: Self.source)
            for measurement in found.manifest.measurements where measurement.isActive {
                let place = "\(line)[\(measurement.index)]"
                guard judged.insert(measurement.index).inserted else {
                    findings.require(place, false, expected: "one manifest for a register", actual: "two")
                    continue
                }
                if measurement.index == 35 && report.isNVDEC0Disabled {
                    findings.notApplicable(place, why: "NVDEC0 is off", source: Self.source)
                    continue
                }
                let actual =
                    report.measurements.indices.contains(measurement.index)
                    ? report.measurements[measurement.index] : []
                findings.require(
                    place,
                    measurement.alternatives.contains(actual),
                    expected: measurement.alternatives.prefix(2).map { Hex.encode($0) }.joined(separator: " or "),
                    actual: Hex.encode(actual),
                    source: Self.source
                )
            }
        }
    }

    private func judge(
        _ evidence: NVIDIAEvidence,
        _ terms: NVIDIADeviceTerms,
        gpu: NVIDIAGPUPolicy?,
        into findings: inout Findings
    ) {
        let count = UInt64(evidence.devices.count)
        findings.requireAllowed("nvidia.policy.deviceCount", terms.deviceCounts, count)
        for (index, device) in evidence.devices.enumerated() {
            let id = "nvidia.policy[\(index)]"
            let report = device.report
            findings.requireAllowed(id + ".firmwareVersion", terms.firmwareVersions, report.firmwareVersion ?? "")
            guard let gpu else { continue }
            findings.requireAllowed(id + ".architecture", gpu.architectures, device.architecture)
            findings.requireAllowed(id + ".driverVersion", gpu.driverVersions, report.driverVersion ?? "")
            findings.requireAllowed(id + ".mode", gpu.modes, report.mode.rawValue)
        }
    }
}
