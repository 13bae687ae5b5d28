// Random damage to real and fake evidence of every token family: whatever comes in, a parser answers or throws, and nothing
// but the untouched evidence verifies.
import AssayTesting
import Codecs
import Foundation
import Testing
import Verdicts

@testable import Attestation

@Suite("Token fuzzing") struct TokenFuzzTests {
    /// How many damaged inputs each parser gets; `ASSAY_FUZZ` multiplies it.
    static let rounds = 400 * (ProcessInfo.processInfo.environment["ASSAY_FUZZ"].flatMap { Int($0) } ?? 1)

    /// Cuts, repeats, overwrites and splices a few spans; numbers with edge values are put where lengths may stand.
    private static func damage(_ input: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = input
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            guard !bytes.isEmpty else { break }
            let at = Int.random(in: 0..<bytes.count, using: &generator)
            let end = min(bytes.count, at + Int.random(in: 1...32, using: &generator))
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes.removeSubrange(at..<end)
            case 1: bytes.insert(contentsOf: bytes[at..<end], at: at)
            case 2: for index in at..<end { bytes[index] = UInt8.random(in: 0...255, using: &generator) }
            case 3: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 4:
                let edges: [UInt8] = [
                    0x00, 0x01, 0x7f, 0x80, 0xff, 0x9f, 0xbf, 0x5f, 0x1b, 0x3b, 0x5b, 0x9b, 0xbb, 0xdb,
                ]
                for index in at..<min(end, at + 8) { bytes[index] = edges.randomElement(using: &generator) ?? 0 }
            default:
                let from = Int.random(in: 0..<input.count, using: &generator)
                bytes.replaceSubrange(at..<end, with: input[from..<min(input.count, from + end - at)])
            }
        }
        return bytes
    }

    private static func check(_ name: String, _ inputs: [[UInt8]], _ parse: ([UInt8]) -> Bool) {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(state: seed)
        for input in inputs {
            #expect(parse(input), "\(name): the input itself")
            for round in 0..<rounds / inputs.count {
                let damaged = damage(input, &generator)
                let isTaken = parse(damaged)
                #expect(damaged == input || !isTaken || name.hasSuffix("?"), "\(name), seed \(seed), round \(round)")
            }
        }
    }

    private static func verifier(_ anchors: TrustAnchors, _ items: [CollateralItem] = []) -> AttestationVerifier {
        var policy = AttestationPolicy(collateral: laxCollateral)
        let pcrs = Dictionary(uniqueKeysWithValues: NitroPolicy.documentedRegisters.map { ($0, Allowed<[UInt8]>.any) })
        policy.set(NitroPolicy(debug: .must(false), pcrs: pcrs, maxAgeSeconds: .any, revocation: .whenGiven))
        let platform = ArmPlatformPolicy(
            profiles: .any,
            implementationIDs: .any,
            instanceIDs: .any,
            lifecycles: .any,
            measurements: .any,
            signerIDs: .any
        )
        policy.set(PSAPolicy(platform: platform))
        policy.set(
            CCAPolicy(
                platform: platform,
                configurations: .any,
                initialMeasurements: .any,
                extensibleMeasurements: [.any, .any, .any, .any],
                personalizations: .any
            )
        )
        let terms = NVIDIADeviceTerms(
            deviceCounts: .any,
            firmwareVersions: .any,
            referenceValues: .whenGiven,
            revocation: .whenGiven
        )
        policy.set(NVIDIAGPUPolicy(device: terms, architectures: .any, driverVersions: .any, modes: .any))
        let log = EventLogTerms(registers: .any, separators: .any, exitBootServices: .any)
        let registers = RegisterPolicy(bank: .sha256, pcrs: [:], log: log)
        policy.set(TPMPolicy(registers: registers, restrictedKey: .must(true), revocation: .whenGiven))
        return AttestationVerifier(
            AppraisalSetting(
                anchors: anchors,
                collateral: CollateralBundle(items),
                policy: policy,
                time: Timestamp(seconds: 1_760_000_000)
            )
        )
    }

    @Test("Nitro, PSA and CCA tokens") func tokens() {
        let nitro = FakeNitro(time: Timestamp(seconds: 1_760_000_000))
        let aws = Self.verifier(TrustAnchors(roots: [.awsNitro: [nitro.root.certificate]]))
        Self.check("nitro", [nitro.document()]) { conclusion(aws, $0) == .verified }
        let psa = FakePSA()
        let cca = FakeCCA()
        let keys: [TrustDomain: [PinnedKey]] = [
            .armPSA: [PinnedKey(id: [], key: psa.key.publicKey)],
            .armCCA: [PinnedKey(id: [], key: cca.platformKey.publicKey)],
        ]
        let arm = Self.verifier(TrustAnchors(keys: keys))
        Self.check("psa", [psa.token()]) { conclusion(arm, $0) == .verified }
        Self.check("cca", [cca.token(), cca.token(tag: 907)]) { conclusion(arm, $0) == .verified }
    }

    @Test("TPM messages, event logs, public areas") func tpm() {
        let fake = FakeTPM()
        let checker = Self.verifier(TrustAnchors(roots: [.tpm: [fake.root.certificate]]))
        var bare = fake
        bare.eventLog = nil
        // The message's fields may come in another order and be repeated where they are lists; what is signed may not change.
        Self.check("tpm?", [bare.evidence()]) { conclusion(checker, $0) == .verified }
        Self.check("event log?", [FakeEventLog(bank: .sha256).bytes]) { bytes in
            guard let log = try? TCGEventLog(parsing: bytes) else { return false }
            return (try? EventLogReplay(log, bank: .sha256, registers: .tpm)) != nil
        }
        Self.check("public area?", [fake.publicArea]) { (try? TPMPublic(parsing: $0)) != nil }
    }

    @Test("NVIDIA reports, manifests, OCSP responses") func devices() {
        let device = FakeNVIDIADevice()
        let report = device.signedBytes + device.leaf.key.sign(device.signedBytes)
        let key = device.leaf.key.publicKey
        Self.check("spdm", [report]) { bytes in
            guard let parsed = try? SPDMReport(parsing: bytes) else { return false }
            let pair = ECDSASignature(r: parsed.signature.prefix(48), s: parsed.signature.dropFirst(48))
            return key.isValid(pair, digest: HashAlgorithm.sha384.digest(parsed.signedBytes))
        }
        let manifest = FakeReferenceManifest(version: "1", values: [(0, true, [[UInt8](repeating: 1, count: 48)])])
        // Space between attributes and inside base 64 text means nothing.
        Self.check("rim?", [manifest.document()]) { (try? ReferenceManifest(parsing: $0)) != nil }
        Self.check("ocsp?", [device.intermediate.ocspResponse(about: device.leaf.certificate)]) {
            (try? OCSPResponse(der: $0)) != nil
        }
    }

    @Test("Real evidence", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
    func real() throws {
        let files = [
            "nitro/dstack.cose", "psa/psa-iot-1_sign1.bin", "cca/cca-trustee-example.cbor",
            "tpm/azure-snp-evidence-v1.json",
            "tpm/gce-cos-85-nonce9009.pb", "tpm/tpm-evidence.json", "nvidia-gpu/hopper-evidence-590.12.json",
        ]
        for file in files {
            Self.check(file + "?", [try vector(file)]) { bytes in
                // Inspection judges nothing; it must only come back.
                (try? AttestationVerifier.inspect(bytes)) != nil
            }
        }
        Self.check("log?", [Array(try vector("tdx/tappd-ccel.bin").prefix(2100))]) {
            (try? TCGEventLog(parsing: $0)) != nil
        }
    }
}
