// NVIDIA reports and reference manifests, TPM quotes, Azure bundles and event logs.
internal import Attestation
public import Codecs
public import Verdicts

/// Family `nvidia-gpu`: reports of GPUs and switches, the SDK's evidence list, reference manifests.
public struct NVIDIAVectors: VectorFamily {
    public let name = "nvidia-gpu"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        let device = try Certificate.chain(pem: try file.sibling("verifier_device_root.pem")[...])
        let manifest = try Certificate.chain(pem: try file.sibling("verifier_RIM_root.pem")[...])
        let anchors = TrustAnchors(roots: [.nvidiaDevice: device, .nvidiaRIM: manifest])
        let time = try file.validAt()
        if file.path.hasPrefix("rim-") { return try reference(file, anchors, time) }
        if file.path.hasSuffix(".chain.pem") {
            return [file.skip("", "a device's chain, which is verified with its report")]
        }
        var evidence = file.bytes
        if file.path.hasSuffix(".report.txt") {
            let chain = try file.sibling(file.entry.text("certificate_chain"))
            evidence = Self.list(Self.architecture(file.path), chain, try Self.report(file))
        } else if !file.path.hasSuffix(".json") {
            return [file.skip("", "a root, which is pinned")]
        }
        let setting = AppraisalSetting(
            anchors: anchors,
            collateral: CollateralBundle(),
            policy: try AttestationRules.policy(),
            time: time
        )
        let conclusion = AttestationRules.conclusion(setting, evidence)
        let actual = conclusion == "verified" ? "valid" : "invalid"
        var checks = [file.check("", actual == file.verdict, expected: file.verdict, actual: conclusion)]
        let parsed = try NVIDIAEvidence(parsing: evidence)
        guard let report = parsed.devices.first?.report else { return checks }
        let fields: [String: JSONValue] = [
            "arch": .string(parsed.devices[0].architecture), "driver": .string(report.driverVersion ?? ""),
            "vbios_le": .string(Hex.encode(report.fields[SPDMReport.Field.vbiosVersion] ?? [])),
            "fwid": .string(Hex.encode(report.fwid ?? [])), "nonce": .string(Hex.encode(report.nonce)),
            "measurement_count": .integer(report.measurements.count),
            "measurements": .array(report.measurements.map { .string(Hex.encode($0)) }),
        ]
        for (name, expected) in file.fields { checks.append(file.field(name, expected, fields[name])) }
        for (number, mutation) in file.objects("mutations").enumerated() {
            checks.append(try self.mutation(file, number, mutation, setting))
        }
        return checks
    }

    private static func architecture(_ path: String) -> String {
        path.hasPrefix("switch") ? "LS10" : path.hasPrefix("blackwell") ? "BLACKWELL" : "HOPPER"
    }

    private static func report(_ file: VectorFile) throws(ParseError) -> [UInt8] {
        let text = String(decoding: file.bytes, as: UTF8.self).filter { !$0.isWhitespace }
        return try Hex.decode(text, allowsUpperCase: true, field: file.path)
    }

    private static func list(_ architecture: String, _ chain: [UInt8], _ report: [UInt8]) -> [UInt8] {
        JSONValue.array([
            .object([
                "arch": .string(architecture), "certificate": .string(Base64.encode(chain)),
                "evidence": .string(Base64.encode(report)),
            ])
        ]).serialized()
    }

    private func mutation(
        _ file: VectorFile,
        _ number: Int,
        _ mutation: JSONObject,
        _ setting: AppraisalSetting
    ) throws(ParseError) -> Check {
        var report = try Self.report(file)
        var chain = try file.sibling(file.entry.text("certificate_chain"))
        let operation = mutation.text("op")
        switch operation {
        case "":
            guard let offset = mutation.integer("flip_byte"), offset < report.count else { fallthrough }
            report[offset] ^= UInt8(truncatingIfNeeded: mutation.integer("xor") ?? 1)
        case "flip in measurement block 10": report[37 + 8 + 10 * 55 + 20] ^= 1
        case "flip in the last 96 bytes": report[report.count - 40] ^= 1
        case "flip in opaque driver version": report[report.count - 96 - 200] ^= 1
        case "chain of blackwell-575.32": chain = try file.sibling("blackwell-575.32.chain.pem")
        default:
            return file.skip("mutations/\(number)", "made with a fake device in the tests of the verifier")
        }
        let actual = AttestationRules.conclusion(setting, Self.list(Self.architecture(file.path), chain, report))
        let what = operation.isEmpty ? mutation.text("what") : operation
        return file.check(
            "mutations/\(number) \(what)",
            actual != "verified",
            expected: mutation.text("must"),
            actual: actual
        )
    }

    /// A reference manifest under NVIDIA's root.
    private func reference(
        _ file: VectorFile,
        _ anchors: TrustAnchors,
        _ time: Timestamp
    ) throws(ParseError) -> [Check] {
        let manifest = try ReferenceManifest(parsing: file.bytes)
        let bundle = CollateralBundle([CollateralItem(kind: .nvidiaRIM, body: file.bytes)])
        var checks = [CollateralVectors.verdict(file, bundle.check(anchors: anchors, time: time))]
        for (name, expected) in file.fields {
            switch name {
            case "version": checks.append(file.field(name, expected, .string(manifest.version)))
            case "measurement_count":
                checks.append(file.field(name, expected, .integer(manifest.measurements.count)))
            default: continue
            }
        }
        return checks
    }
}

/// Family `tpm`: bare quotes, messages of go-tpm-tools, Azure bundles, event logs.
public struct TPMVectors: VectorFamily {
    public let name = "tpm"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        if file.path.hasSuffix(".bin") {
            let log = try TCGEventLog(parsing: file.bytes)
            return [file.check("", !log.events.isEmpty, expected: "a log that is read", actual: "no events")]
        }
        let time = try file.validAt(or: "2025-06-01T00:00:00Z")
        if file.path.hasPrefix("azure") { return [try azure(file, time)] }
        let evidence = try TPMEvidence(parsing: file.bytes)
        let setting = AppraisalSetting(
            anchors: TrustAnchors(keys: [.tpm: [PinnedKey(id: evidence.publicArea?.name ?? [], key: evidence.key)]]),
            collateral: CollateralBundle(),
            policy: try AttestationRules.policy(),
            time: time
        )
        let conclusion = AttestationRules.conclusion(setting, file.bytes)
        let actual = conclusion == "verified" ? "valid" : conclusion
        return [file.check("", actual == file.verdict, expected: file.verdict, actual: actual)]
    }

    /// What the manifest's verdict covers: the quote's signature, the digest over its registers, and the binding of the key
    /// by the hardware report. The hardware report itself is judged by its own family.
    private func azure(_ file: VectorFile, _ time: Timestamp) throws(ParseError) -> Check {
        let setting = AppraisalSetting(
            anchors: TrustAnchors(),
            collateral: CollateralBundle(),
            policy: try AttestationRules.policy(),
            time: time
        )
        let result = try AttestationVerifier(setting).verify(file.bytes, expecting: .unbound)
        let lines = ["azure.vtpm.signature", "azure.vtpm.pcrDigest", "azure.binding"]
        let failed = lines.filter { id in !result.crypto.checks.contains { $0.id == id && $0.result == .pass } }
        let actual = failed.isEmpty ? "valid" : "invalid"
        return file.check("", actual == file.verdict, expected: file.verdict, actual: "\(actual) \(failed)")
    }
}
