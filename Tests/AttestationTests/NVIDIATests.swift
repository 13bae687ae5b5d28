// NVIDIA GPU and NVSwitch reports and reference manifests: the shared vectors, and the faults that need fake devices.
import AssayTesting
import Codecs
import Foundation
import Testing
import Verdicts

@testable import Attestation

private let anyDevice = NVIDIADeviceTerms(
    deviceCounts: .any,
    firmwareVersions: .any,
    referenceValues: .whenGiven,
    revocation: .whenGiven
)
private let anyGPU = NVIDIAGPUPolicy(device: anyDevice, architectures: .any, driverVersions: .any, modes: .any)

private func verifier(
    devices: [Certificate],
    manifests: [Certificate] = [],
    _ items: [CollateralItem] = [],
    gpu: NVIDIAGPUPolicy? = anyGPU,
    switches: NVIDIASwitchPolicy? = NVIDIASwitchPolicy(device: anyDevice),
    time: Timestamp
) -> AttestationVerifier {
    var policy = AttestationPolicy(collateral: laxCollateral)
    if let gpu { policy.set(gpu) }
    if let switches { policy.set(switches) }
    return AttestationVerifier(
        AppraisalSetting(
            anchors: TrustAnchors(roots: [.nvidiaDevice: devices, .nvidiaRIM: manifests]),
            collateral: CollateralBundle(items),
            policy: policy,
            time: time
        )
    )
}

private func rim(_ bytes: [UInt8]) -> CollateralItem { CollateralItem(kind: .nvidiaRIM, body: bytes) }

@Suite("NVIDIA vectors", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct NVIDIAVectorTests {
    static let entries = tokenManifest("nvidia-gpu")
    static let reports = entries.filter { $0.file.hasSuffix(".report.txt") }
    static let manifests = entries.filter { $0.file.hasPrefix("rim-") }

    static func root(_ name: String) throws -> Certificate {
        try #require(try Certificate.chain(pem: try vector("nvidia-gpu/verifier_\(name)_root.pem")[...]).first)
    }

    static func report(_ file: String) throws -> [UInt8] {
        let text = String(decoding: try vector("nvidia-gpu/" + file), as: UTF8.self)
        return try Hex.decode(text.filter { !$0.isWhitespace }, allowsUpperCase: true)
    }

    /// The report and its chain as an evidence list.
    static func evidence(_ file: String, _ architecture: String) throws -> [UInt8] {
        let chain =
            file.hasPrefix("switch-") ? "switch-ls10.chain.pem" : file.replacing(".report.txt", with: ".chain.pem")
        let entry = FakeNVIDIADevice.entry(
            architecture: architecture,
            chain: try vector("nvidia-gpu/" + chain),
            report: try report(file)
        )
        return FakeNVIDIADevice.evidence([entry])
    }

    static func architecture(_ file: String) -> String {
        file.hasPrefix("switch") ? "LS10" : file.hasPrefix("blackwell") ? "BLACKWELL" : "HOPPER"
    }

    @Test("Reports of the manifest", arguments: reports) func verdicts(_ entry: ManifestEntry) throws {
        let architecture = Self.architecture(entry.file)
        let evidence = try Self.evidence(entry.file, architecture)
        #expect(AttestationVerifier.kind(of: evidence) == (architecture == "LS10" ? .nvidiaSwitch : .nvidiaGPU))
        let time = try #require(entry.validAt)
        let result = try verifier(devices: [try Self.root("device")], time: time).verify(evidence, expecting: .unbound)
        if entry.verdict == "valid" {
            #expect(result.conclusion == .verified, "\(result.failures)")
            #expect(
                result.has("nvidia[0].fwid", entry.file.contains("nofwid") || architecture == "LS10" ? .skip : .pass)
            )
        } else {
            #expect(result.conclusion == .rejected)
            // The trustee sample pairs a report and a chain whose firmware identity may match, and the signature not.
            #expect(result.has("nvidia[0].signature", .fail) && result.has("nvidia[0].chain.links", .pass))
        }
        let foreign = TestIdentity.root(TestCertificateForm(name: "another root")).certificate
        let other = try verifier(devices: [foreign], time: time).verify(evidence, expecting: .unbound)
        #expect(other.conclusion == .rejected)
    }

    @Test("Fields of the manifest", arguments: reports.filter { !$0.fields.members.isEmpty })
    func fields(_ entry: ManifestEntry) throws {
        let report = try SPDMReport(parsing: try Self.report(entry.file))
        var reader = try JSONReader(.object(entry.fields))
        #expect(report.driverVersion == (try reader.string("driver")))
        #expect(Hex.encode(report.fields[SPDMReport.Field.vbiosVersion] ?? []) == (try reader.string("vbios_le")))
        #expect(Hex.encode(report.fwid ?? []) == (try reader.string("fwid")))
        #expect(Hex.encode(report.nonce) == (try reader.string("nonce")))
        #expect(report.measurements.count == Int(try reader.integer("measurement_count")))
        let values = try reader.array("measurements", max: 64)
        #expect(values == report.measurements.map { .string(Hex.encode($0)) })
        #expect(report.mode == (entry.file.contains("560.00") ? .protectedPCIe : .unstated))
    }

    @Test("The SDK's evidence list") func list() throws {
        let entry = try #require(Self.entries.first { $0.file == "hopper-evidence-590.12.json" })
        let evidence = try vector("nvidia-gpu/" + entry.file)
        let time = try #require(entry.validAt)
        let checker = verifier(devices: [try Self.root("device")], time: time)
        var reader = try JSONReader(.object(entry.fields))
        let nonce = try Hex.decode(try reader.string("nonce"))
        let bound = Expectations(reportData: .any, nonce: .exactly(nonce), publicKey: .any)
        let result = try checker.verify(evidence, expecting: bound)
        #expect(result.conclusion == .verified, "\(result.failures)")
        let parsed = try NVIDIAEvidence(parsing: evidence)
        #expect(parsed.devices[0].report.driverVersion == (try reader.string("driver")))
        #expect(Hex.encode(parsed.devices[0].report.fwid ?? []) == (try reader.string("fwid")))
        #expect(parsed.devices[0].report.firmwareVersion == "96.00.A5.00.01")
        let wrong = Expectations(reportData: .any, nonce: .exactly(nonce.reversed()), publicKey: .any)
        #expect(conclusion(checker, evidence, wrong) == .refusedByPolicy)
        // Without revocation information, which the policy can require.
        var strict = anyGPU
        strict.device.revocation = .required
        let open = verifier(devices: [try Self.root("device")], gpu: strict, time: time)
        #expect(conclusion(open, evidence) == .incomplete)
        strict = anyGPU
        strict.device.referenceValues = .required
        let unreferenced = verifier(devices: [try Self.root("device")], gpu: strict, time: time)
        #expect(conclusion(unreferenced, evidence) == .incomplete)
    }

    @Test("No flipped or cut report keeps its signature", arguments: ["blackwell-575.32", "switch-ls10"])
    func battery(_ name: String) throws {
        let bytes = try Self.report(name + ".report.txt")
        let key = try #require(
            try Certificate.chain(pem: try vector("nvidia-gpu/\(name).chain.pem")[...]).first
        ).publicKey
        func isGood(_ bytes: [UInt8]) -> Bool {
            guard let report = try? SPDMReport(parsing: bytes) else { return false }
            let pair = ECDSASignature(r: report.signature.prefix(48), s: report.signature.dropFirst(48))
            return key.isValid(pair, digest: HashAlgorithm.sha384.digest(report.signedBytes))
        }
        #expect(isGood(bytes))
        for offset in bytes.indices {
            var broken = bytes
            broken[offset] ^= 1 << UInt8(offset % 8)
            #expect(!isGood(broken), "byte \(offset)")
        }
        for count in 0..<bytes.count where count % 5 == 0 || count > bytes.count - 100 {
            #expect(throws: ParseError.self) { try SPDMReport(parsing: Array(bytes.prefix(count))) }
        }
        for tail: [UInt8] in [[0], [0, 0], [UInt8](repeating: 0, count: 96)] { #expect(!isGood(bytes + tail)) }
    }

    @Test("Reference manifests of the manifest", arguments: manifests) func rims(_ entry: ManifestEntry) throws {
        let bytes = try vector("nvidia-gpu/" + entry.file)
        let manifest = try ReferenceManifest(parsing: bytes)
        let time = try #require(entry.validAt)
        func verify(_ manifest: ReferenceManifest, at time: Timestamp) throws -> Findings {
            let links = manifestLinks([try Self.root("RIM")], at: time)
            var findings = Findings()
            manifest.verify(id: "rim", links, revocation: { _ in .notIssued("test") }, into: &findings)
            return findings
        }
        let findings = try verify(manifest, at: time)
        #expect(
            findings.isClean == (entry.verdict == "valid"),
            "\(findings.checks.filter { $0.result == .fail }.map { $0.id + ": " + $0.actual })"
        )
        var reader = try JSONReader(.object(entry.fields))
        if let version = try? reader.string("version") {
            #expect(manifest.version.lowercased() == version)
            #expect(manifest.measurements.count == Int(try reader.integer("measurement_count")))
        }
        let leaf = try Certificate(der: manifest.signature.chain[0])
        let window = try reader.array("cert_window", max: 2)
        // The manifest states when every certificate of the chain is valid.
        let chain = try manifest.signature.chain.map { try Certificate(der: $0) }
        let bounds = [chain.map(\.notBefore).max(), chain.map(\.notAfter).min()].compactMap { $0 }
        let texts = bounds.map { $0.text.replacing("T", with: " ").replacing("Z", with: "") }
        #expect(window == texts.map { .string($0) })
        // Good outside its signer's time is bad.
        if entry.verdict == "valid" {
            #expect(!(try verify(manifest, at: leaf.notAfter.adding(seconds: 1)).isClean))
        }
    }

    @Test("No flipped byte of a manifest passes, but in white space inside base 64") func rimBattery() throws {
        let bytes = try vector("nvidia-gpu/rim-g520_0202_885_9600740014_PROD.swidtag")
        let root = try Self.root("RIM")
        let links = manifestLinks([root], at: try Timestamp("2024-06-01T00:00:00Z"))
        func isGood(_ bytes: [UInt8]) -> Bool {
            guard let manifest = try? ReferenceManifest(parsing: bytes) else { return false }
            var findings = Findings()
            manifest.verify(id: "rim", links, revocation: { _ in .notIssued("test") }, into: &findings)
            return findings.isClean
        }
        #expect(isGood(bytes))
        // Head and SignedInfo densely, payload and certificates by sample.
        let signature = try #require(
            bytes.indices.first { bytes[$0...].starts(with: Array("<ds:Signature ".utf8)) }
        )
        var passed: [Int] = []
        let offsets = bytes.indices.filter { offset in
            let isDense = offset < 600 || (signature..<signature + 1300).contains(offset)
            return offset % (isDense ? 3 : 61) == 0
        }
        for offset in offsets {
            var broken = bytes
            broken[offset] ^= 1 << UInt8(offset % 7)
            if isGood(broken) { passed.append(offset) }
        }
        for offset in passed { #expect(bytes[offset] == 0x0a || bytes[offset] == 0x20, "byte \(offset)") }
        #expect(passed.count < 10, "\(passed)")
    }

    @Test("Every manifest entry has a test") func covered() {
        let rest = Self.entries.map(\.file).filter { file in
            !file.hasSuffix(".report.txt") && !file.hasPrefix("rim-") && !file.hasSuffix(".pem")
        }
        #expect(rest == ["hopper-evidence-590.12.json"])
    }
}

@Suite("NVIDIA faults") struct NVIDIAFaultTests {
    static let time = Timestamp(seconds: 1_760_000_000)

    private func check(
        _ device: FakeNVIDIADevice,
        _ evidence: [UInt8]? = nil,
        rims: [FakeReferenceManifest] = [],
        items: [CollateralItem]? = nil,
        gpu: NVIDIAGPUPolicy? = anyGPU
    ) throws -> AttestationResult {
        try verifier(
            devices: [device.root.certificate],
            manifests: rims.map(\.root.certificate),
            items ?? rims.map { rim($0.document()) },
            gpu: gpu,
            time: Self.time
        ).verify(evidence ?? device.evidence(), expecting: .unbound)
    }

    @Test("A fake device verifies in each form of the firmware identity, and not with another one") func fwid() throws {
        for isTCBInfo in [false, true] {
            var device = FakeNVIDIADevice(isTCBInfo: isTCBInfo)
            #expect(try check(device).conclusion == .verified)
            device.set(SPDMReport.Field.fwid, [UInt8](repeating: 0x60, count: 48))
            let other = try check(device)
            #expect(other.has("nvidia[0].fwid", .fail) && other.conclusion == .rejected)
            device.set(SPDMReport.Field.fwid, nil)
            #expect(try check(device).has("nvidia[0].fwid", .skip))
        }
        var bare = FakeNVIDIADevice(certifiedFWID: nil)
        #expect(try check(bare).conclusion == .verified)
        bare.set(SPDMReport.Field.fwid, [UInt8](repeating: 0x60, count: 48))
        #expect(try check(bare).conclusion == .rejected)
    }

    @Test("Another key, another architecture, a stated nonce that is not the report's") func identity() throws {
        var device = FakeNVIDIADevice()
        let forged = try check(device, device.evidence(key: TestKey(.p384)))
        #expect(forged.has("nvidia[0].signature", .fail) && forged.conclusion == .rejected)
        #expect(throws: ParseError.self) { try check(device, device.evidence(nonce: [UInt8](repeating: 1, count: 32))) }
        #expect(try check(device, device.evidence(nonce: device.nonce)).conclusion == .verified)
        device.architecture = "BLACKWELL"
        let wrong = try check(device)
        #expect(wrong.has("nvidia[0].architecture", .fail) && wrong.conclusion == .rejected)
    }

    @Test("One device that answers twice is not two devices") func twice() throws {
        let device = FakeNVIDIADevice()
        let other = FakeNVIDIADevice(root: device.root)
        var rules = anyGPU
        rules.device.deviceCounts = .only([2])
        let two = FakeNVIDIADevice.evidence([device.entry(), other.entry()])
        #expect(try check(device, two, gpu: rules).conclusion == .verified)
        let one = try check(device, FakeNVIDIADevice.evidence([device.entry(), device.entry()]), gpu: rules)
        #expect(one.has("nvidia.distinct", .fail) && one.conclusion == .rejected)
        #expect(try check(device, gpu: rules).conclusion == .refusedByPolicy)
        let mixed = FakeNVIDIADevice(chip: "LS_10", architecture: "LS10", root: device.root)
        #expect(throws: ParseError.self) {
            try check(device, FakeNVIDIADevice.evidence([device.entry(), mixed.entry()]))
        }
    }

    @Test("Modes of confidential computing are read from the signed part and judged") func modes() throws {
        let cases: [(UInt16?, [UInt8], NVIDIAMode)] = [
            (nil, [], .unstated), (SPDMReport.Field.protectedPCIeStatus, [0x55], .unstated),
            (SPDMReport.Field.protectedPCIeStatus, [0xaa], .protectedPCIe),
            (SPDMReport.Field.protectedPCIeStatus, [0x00], .unknown),
            (SPDMReport.Field.featureFlag, [0], .singleGPU), (SPDMReport.Field.featureFlag, [1, 0, 0, 0], .multiGPU),
            (SPDMReport.Field.featureFlag, [2], .protectedPCIe), (SPDMReport.Field.featureFlag, [3], .unknown),
            (SPDMReport.Field.featureFlag, [], .unknown), (SPDMReport.Field.featureFlag, [1, 1], .unknown),
        ]
        var rules = anyGPU
        rules.modes = .only(["single-gpu", "multi-gpu"])
        for (type, value, mode) in cases {
            var device = FakeNVIDIADevice()
            if let type { device.set(type, value) }
            #expect(try NVIDIAEvidence(parsing: device.evidence()).devices[0].report.mode == mode)
            let wanted: Conclusion = mode == .singleGPU || mode == .multiGPU ? .verified : .refusedByPolicy
            #expect(try check(device, gpu: rules).conclusion == wanted)
        }
    }

    @Test("Reports that are wrong in form") func malformed() throws {
        let device = FakeNVIDIADevice()
        let good = device.signedBytes + device.leaf.key.sign(device.signedBytes)
        #expect(throws: Never.self) { try SPDMReport(parsing: good) }
        for (offset, value) in [
            (0, 0x10), (1, 0xe1), (2, 0x00), (3, 0x01), (37, 0x12), (38, 0x61), (41, 63), (42, 0xff), (45, 2), (46, 2),
            (47, 50), (50, 47),
        ] {
            var broken = good
            broken[offset] = UInt8(value)
            #expect(throws: ParseError.self, "offset \(offset)") { try SPDMReport(parsing: broken) }
        }
        var twice = device
        twice.fields.append(twice.fields[0])
        #expect(throws: ParseError.self) { try check(twice) }
    }

    private func manifests(_ device: FakeNVIDIADevice) -> (
        driver: FakeReferenceManifest, firmware: FakeReferenceManifest
    ) {
        let root = TestIdentity.root(TestCertificateForm(name: "Test manifest root"))
        let zero = [UInt8](repeating: 0, count: 48)
        let driver = FakeReferenceManifest(
            version: "550.90.07",
            values: [
                (10, true, [zero, device.measurements[10]]), (11, false, [zero]), (12, true, [device.measurements[12]]),
            ],
            root: root
        )
        let firmware = FakeReferenceManifest(
            version: "96.00.9f.00.01",
            values: [(11, true, [device.measurements[11]]), (35, true, [device.measurements[35]])],
            root: root
        )
        return (driver, firmware)
    }

    @Test("Reference values: both manifests, alternatives, mismatch, conflict, NVDEC0") func references() throws {
        var rules = anyGPU
        rules.device.referenceValues = .required
        var device = FakeNVIDIADevice()
        let (driver, firmware) = manifests(device)
        #expect(try check(device, rims: [driver, firmware], gpu: rules).conclusion == .verified)
        #expect(try check(device, rims: [driver], gpu: rules).conclusion == .incomplete)
        #expect(try check(device, rims: [firmware], gpu: rules).conclusion == .incomplete)
        for index in [10, 11, 12, 35] {
            var changed = device
            changed.measurements[index][0] ^= 1
            let result = try check(changed, changed.evidence(), rims: [driver, firmware], gpu: rules)
            #expect(
                result.conclusion == .rejected && result.failures.count == 1
                    && result.failures[0].contains("[\(index)]")
            )
        }
        device.measurements[20][0] ^= 1
        #expect(try check(device, rims: [driver, firmware], gpu: rules).conclusion == .verified)
        device.measurements[35][0] ^= 1
        device.set(SPDMReport.Field.nvdec0Status, [0x55])
        #expect(try check(device, rims: [driver, firmware], gpu: rules).conclusion == .verified)
        var conflict = firmware
        conflict.values.append((10, true, [device.measurements[10]]))
        #expect(try check(device, rims: [driver, conflict], gpu: rules).conclusion == .rejected)
        // A device with fewer registers than its manifest judges.
        device.measurements.removeLast(53)
        #expect(try check(device, rims: [driver, firmware], gpu: rules).conclusion == .rejected)
    }

    @Test("A bound on age holds for lists and answers; a manifest, which states no date, is named as beyond it")
    func undatedManifests() throws {
        var rules = anyGPU
        rules.device.referenceValues = .required
        rules.device.revocation = .required
        let device = FakeNVIDIADevice()
        let (driver, firmware) = manifests(device)
        let issued = Self.time.adding(seconds: -100)
        let lists = [device.root, device.intermediate, driver.root].map {
            CollateralItem(kind: .revocationList, body: $0.revocationList(thisUpdate: issued))
        }
        for (bound, wanted) in [(UInt64(100), Conclusion.verified), (99, .refusedByPolicy)] {
            var policy = AttestationPolicy(collateral: CollateralPolicy(maxAgeSeconds: .atMost(bound), graceSeconds: 0))
            policy.set(rules)
            let setting = AppraisalSetting(
                anchors: TrustAnchors(
                    roots: [.nvidiaDevice: [device.root.certificate], .nvidiaRIM: [driver.root.certificate]]
                ),
                collateral: CollateralBundle(lists + [rim(driver.document()), rim(firmware.document())]),
                policy: policy,
                time: Self.time
            )
            let result = try AttestationVerifier(setting).verify(device.evidence(), expecting: .unbound)
            #expect(result.conclusion == wanted, "\(result.failures)")
            let id = "policy.collateral-age.reference manifest GH100 "
            #expect(result.has(id + driver.version, .skip) && result.has(id + firmware.version, .skip))
        }
    }

    @Test("Manifests for another chip, edition or version, by another signer or root, or outdated")
    func wrongManifests()
        throws
    {
        var rules = anyGPU
        rules.device.referenceValues = .required
        let device = FakeNVIDIADevice()
        let (driver, firmware) = manifests(device)
        for edit: (inout FakeReferenceManifest) -> Void in [
            { $0.product = "GB100" }, { $0.edition = "SWITCH" }, { $0.version = "96.00.9f.00.02" },
        ] {
            var other = firmware
            edit(&other)
            #expect(try check(device, rims: [driver, other], gpu: rules).conclusion == .incomplete)
        }
        let stranger = FakeReferenceManifest(version: firmware.version, values: firmware.values)
        func items(_ documents: [[UInt8]]) -> [CollateralItem] { ([driver.document()] + documents).map(rim) }
        let forged = firmware.document(key: TestKey(.p384))
        let forgedResult = try check(device, rims: [driver], items: items([forged]), gpu: rules)
        #expect(forgedResult.has("nvidia.rim.signature", .fail) && forgedResult.conclusion == .rejected)
        let foreign = try check(device, rims: [driver], items: items([stranger.document()]), gpu: rules)
        #expect(foreign.has("nvidia.rim.chain.root", .fail) && foreign.conclusion == .rejected)
        // A bad copy beside a good one changes nothing, in whatever order.
        for documents in [[forged, firmware.document()], [firmware.document(), forged]] {
            #expect(try check(device, rims: [driver], items: items(documents), gpu: rules).conclusion == .verified)
        }
        let rootless = firmware.document(chain: [stranger.signer, stranger.root])
        #expect(try check(device, rims: [driver], items: items([rootless]), gpu: rules).conclusion == .rejected)
    }

    @Test("Revocation: a listed device, provisioner or manifest signer") func revocation() throws {
        var rules = anyGPU
        rules.device.revocation = .required
        let device = FakeNVIDIADevice()
        func list(_ bytes: [UInt8]) -> CollateralItem { CollateralItem(kind: .revocationList, body: bytes) }
        let good = [list(device.root.revocationList()), list(device.intermediate.revocationList())]
        #expect(try check(device, items: [], gpu: rules).conclusion == .incomplete)
        #expect(try check(device, items: good, gpu: rules).conclusion == .verified)
        let revoked = [good[0], list(device.intermediate.revocationList(of: [3]))]
        #expect(try check(device, items: revoked, gpu: rules).conclusion == .rejected)
        #expect(
            try check(device, items: [list(device.root.revocationList(of: [2])), good[1]], gpu: rules).conclusion
                == .rejected
        )
        let (driver, firmware) = manifests(device)
        let signer = list(driver.root.revocationList(of: [2]))
        let result = try check(
            device,
            rims: [driver, firmware],
            items: good + [rim(driver.document()), rim(firmware.document()), signer],
            gpu: rules
        )
        #expect(result.has("nvidia.rim.chain.revocation", .fail) && result.conclusion == .rejected)
    }

    @Test("OCSP answers serve in place of lists: good, revoked, unknown, stale, by the wrong responder") func ocsp()
        throws
    {
        var rules = anyGPU
        rules.device.revocation = .required
        let device = FakeNVIDIADevice()
        func item(_ bytes: [UInt8]) -> CollateralItem { CollateralItem(kind: .ocspResponse, body: bytes) }
        let zone = item(device.root.ocspResponse(about: device.intermediate.certificate, hash: .sha256))
        let leaf = device.leaf.certificate
        func judged(_ responses: [[UInt8]], _ rules: NVIDIAGPUPolicy) throws -> Conclusion {
            try check(device, items: [zone] + responses.map(item), gpu: rules).conclusion
        }
        let authority = device.intermediate
        for hash in HashAlgorithm.allCases {
            #expect(try judged([authority.ocspResponse(about: leaf, hash: hash)], rules) == .verified)
        }
        #expect(try judged([], rules) == .incomplete)
        #expect(try judged([authority.ocspResponse(about: leaf, status: 1)], rules) == .rejected)
        #expect(try judged([authority.ocspResponse(about: leaf, status: 2)], rules) == .incomplete)
        let past = Self.time.adding(seconds: -1)
        #expect(try judged([authority.ocspResponse(about: leaf, nextUpdate: past)], rules) == .incomplete)
        let future = Self.time.adding(seconds: 1)
        #expect(try judged([authority.ocspResponse(about: leaf, thisUpdate: future)], rules) == .incomplete)
        // About another certificate, or signed by somebody who may not answer.
        #expect(try judged([authority.ocspResponse(about: authority.certificate)], rules) == .incomplete)
        #expect(try judged([device.root.ocspResponse(about: leaf)], rules) == .incomplete)
        let delegate = authority.ocspResponder()
        #expect(try judged([authority.ocspResponse(about: leaf, responder: delegate)], rules) == .verified)
        for wrong in [
            authority.ocspResponder(isPermitted: false), authority.ocspResponder(notAfter: past),
            device.root.ocspResponder(),
            FakeNVIDIADevice().intermediate.ocspResponder(), device.leaf,
        ] {
            #expect(try judged([authority.ocspResponse(about: leaf, responder: wrong)], rules) == .incomplete)
        }
        // An answer that says revoked decides beside a newer good one, and when nothing is required.
        let newer = authority.ocspResponse(about: leaf, thisUpdate: past)
        let revoked = authority.ocspResponse(about: leaf, status: 1)
        for responses in [[newer, revoked], [revoked, newer]] {
            #expect(try judged(responses, rules) == .rejected)
        }
        #expect(try judged([revoked], anyGPU) == .rejected)
        // Flipped and cut answers cover nothing.
        let good = authority.ocspResponse(about: leaf)
        for offset in stride(from: 0, to: good.count, by: 2) {
            var broken = good
            broken[offset] ^= 1 << UInt8(offset % 8)
            #expect(try judged([broken], rules) != .verified, "byte \(offset)")
            if offset % 16 == 0 { #expect(try judged([Array(good.prefix(offset))], rules) != .verified) }
        }
    }

    @Test("A policy is read from JSON, term by term") func policyText() throws {
        let text = """
            {"schema":"assay-attestation-policy-1","collateral":{"maxAgeSeconds":"any","graceSeconds":0},
             "nvidia-gpu":{"deviceCounts":[1,8],"firmwareVersions":"any","referenceValues":"required",
               "revocation":"whenGiven","architectures":["HOPPER"],"driverVersions":["550.90.07"],"modes":"any"},
             "nvidia-nvswitch":{"deviceCounts":"any","firmwareVersions":[],"referenceValues":"whenGiven",
               "revocation":"required"}}
            """
        let policy = try AttestationPolicy(parsing: Array(text.utf8))
        #expect(policy.section(NVIDIAGPUPolicy.self)?.device.deviceCounts == .only([1, 8]))
        #expect(policy.section(NVIDIASwitchPolicy.self)?.device.firmwareVersions == .only([]))
        for (from, to) in [
            ("\"HOPPER\"", "\"VOLTA\""), ("\"modes\":\"any\"", "\"modes\":[\"off\"]"),
            ("\"modes\":\"any\"", "\"mode\":\"any\""),
            ("\"referenceValues\":\"required\",", ""),
        ] {
            #expect(throws: ParseError.self, "\(from)") {
                try AttestationPolicy(parsing: Array(text.replacing(from, with: to).utf8))
            }
        }
    }
}
