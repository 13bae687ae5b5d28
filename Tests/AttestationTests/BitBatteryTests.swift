// One valid piece of evidence of every family: each bit changed, cut at each length, extended. What still passes is listed
// here by place and reason, and nothing else may pass. A plain run tries a sample of the bits; ASSAY_LONG=1 tries every bit.
import AssayTesting
import Codecs
import Foundation
import Testing
import Verdicts

@testable import Attestation

@Suite("Bit batteries", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct BitBatteryTests {
    /// A place that no signature covers, and why a change of these bits there says nothing else.
    struct Outside {
        var offsets: Set<Int>
        var bits: UInt8 = 0xff
        var reason: String
    }

    /// Evidence that is verified, and its places outside the signed meaning.
    struct Specimen {
        var evidence: [UInt8]
        var verifier: AttestationVerifier
        var outside: [Outside] = []
        /// Bytes that may follow the evidence without changing what it says.
        var tails: [[UInt8]] = []
        /// Lengths at which a cut takes away only what is listed above.
        var cuts: Set<Int> = []
    }

    private static let isLong = ProcessInfo.processInfo.environment["ASSAY_LONG"] == "1"
    /// Of how many bits a plain run tries one; a prime, so that every bit of a byte has its turn.
    private static let sample = 251

    static let specimens: [(name: String, make: @Sendable () throws -> Specimen)] = [
        ("SGX version 3", { try intel(2) }),
        ("TDX version 4", { try intel(0) }),
        ("TDX version 5", { try intel(1) }),
        ("SEV-SNP version 3", { try snp("milan-v3-gcp-dstack.report") }),
        ("SEV-SNP version 5", { try snp("genoa-v5.report") }),
        ("Nitro", nitro),
        ("CCA, tag 399", cca),
        ("CCA, tag 907", newerCCA),
        ("PSA profile 1", { try psa("psa-iot-1_sign1.bin") }),
        ("PSA profile 2", { try psa("psa-2_0_0_sign1.bin") }),
        ("TPM, JSON", bareTPM),
        ("TPM, message with an event log", loggedTPM),
        ("Azure vTPM on SEV-SNP", azure),
        ("NVIDIA GPU", gpu),
        ("NVIDIA NVSwitch", nvswitch),
    ]

    @Test("No changed bit passes outside the list", arguments: specimens.map(\.name))
    func bits(_ name: String) async throws {
        let make = try #require(Self.specimens.first { $0.name == name }).make
        let specimen = try make()
        #expect(conclusion(specimen.verifier, specimen.evidence) == .verified, "\(name)")
        var changes: [(offset: Int, bit: Int)] = []
        for offset in specimen.evidence.indices {
            for bit in 0..<8 where Self.isLong || (offset * 8 + bit) % Self.sample == 0 {
                changes.append((offset, bit))
            }
        }
        var passed: [(offset: Int, bit: Int)] = []
        for start in stride(from: 0, to: changes.count, by: 4096) {
            let part = changes[start..<min(start + 4096, changes.count)]
            let requests = part.map { change in
                var changed = specimen.evidence
                changed[change.offset] ^= 1 << UInt8(change.bit)
                return AttestationVerifier.Request(evidence: changed, expectations: .unbound)
            }
            for (change, outcome) in zip(part, await specimen.verifier.verify(batch: requests, workers: 2)) {
                if case .success(let result) = outcome, result.conclusion == .verified { passed.append(change) }
            }
        }
        let unlisted = passed.filter { change in
            !specimen.outside.contains { $0.offsets.contains(change.offset) && $0.bits & 1 << UInt8(change.bit) != 0 }
        }
        #expect(unlisted.isEmpty, "\(name): \(unlisted.prefix(20))")
        // A list that says more than it has to would hide something.
        for place in specimen.outside where Self.isLong {
            #expect(
                passed.contains { place.offsets.contains($0.offset) },
                "\(name): nothing passes in '\(place.reason)'"
            )
        }
    }

    @Test("No cut or extended evidence passes", arguments: specimens.map(\.name))
    func lengths(_ name: String) throws {
        let make = try #require(Self.specimens.first { $0.name == name }).make
        let specimen = try make()
        let count = specimen.evidence.count
        for length in 0..<count where Self.isLong || count < 1500 || length % 17 == 0 || length > count - 64 {
            let outcome = conclusion(specimen.verifier, Array(specimen.evidence.prefix(length)))
            #expect(outcome != .verified || specimen.cuts.contains(length), "\(name) cut to \(length)")
        }
        for tail: [UInt8] in [[0], [1], [0x20], [0xff], [0xf6], [UInt8](repeating: 0, count: 64)] {
            let outcome = conclusion(specimen.verifier, specimen.evidence + tail)
            #expect((outcome == .verified) == specimen.tails.contains(tail), "\(name) with \(tail.count) × \(tail[0])")
        }
    }

    // MARK: - Specimens

    private static func intel(_ index: Int) throws -> Specimen {
        let (file, path, time) = ByteBatteryTests.genuine[index]
        let bytes = try vector(file)
        let verifier = AttestationVerifier(try ByteBatteryTests.setting(try collateralBundle(path), time))
        return Specimen(
            evidence: Array(bytes.prefix(try IntelQuote(bytes).byteCount)),
            verifier: verifier,
            tails: [[0], [UInt8](repeating: 0, count: 64)]
        )
    }

    private static func snp(_ file: String) throws -> Specimen {
        let entry = try #require(FieldVectorTests.reports.first { $0.text("file") == file })
        let time = try Timestamp(try #require(entry.text("valid_at")))
        return Specimen(
            evidence: try vector("sev-snp/" + file),
            verifier: try FieldVectorTests.verifier(try FieldVectorTests.collateral(entry), at: time)
        )
    }

    private static func nitro() throws -> Specimen {
        let entry = try #require(tokenManifest("nitro").first { $0.file == "dstack.cose" })
        let section = NitroPolicy(debug: .must(false), pcrs: [:], maxAgeSeconds: .any, revocation: .whenGiven)
        let anchors = TrustAnchors(roots: [.awsNitro: [try NitroVectorTests.awsRoot()]])
        return Specimen(
            evidence: try vector("nitro/dstack.cose"),
            verifier: tokenVerifier(anchors, [section], time: try #require(entry.validAt))
        )
    }

    static let anyArm = ArmPlatformPolicy(
        profiles: .any,
        implementationIDs: .any,
        instanceIDs: .any,
        lifecycles: .any,
        measurements: .any,
        signerIDs: .any
    )
    static let anyRealm = CCAPolicy(
        platform: anyArm,
        configurations: .any,
        initialMeasurements: .any,
        extensibleMeasurements: [.any, .any, .any, .any],
        personalizations: .any
    )

    private static func cca() throws -> Specimen {
        let pin = PinnedKey(id: [], key: try CCAVectorTests.platformKey())
        return Specimen(
            evidence: try vector("cca/cca-token-01.cbor"),
            verifier: tokenVerifier(TrustAnchors(keys: [.armCCA: [pin]]), [anyRealm])
        )
    }

    private static func newerCCA() -> Specimen {
        let fake = FakeCCA()
        let pin = PinnedKey(id: [], key: fake.platformKey.publicKey)
        return Specimen(
            evidence: fake.token(tag: 907),
            verifier: tokenVerifier(TrustAnchors(keys: [.armCCA: [pin]]), [anyRealm])
        )
    }

    private static func psa(_ file: String) throws -> Specimen {
        let pin = PinnedKey(id: [], key: try PublicKey(pem: try vector("psa/public.pem")))
        return Specimen(
            evidence: try vector("psa/" + file),
            verifier: tokenVerifier(TrustAnchors(keys: [.armPSA: [pin]]), [PSAPolicy(platform: anyArm)])
        )
    }

    private static func pinned(_ evidence: [UInt8]) throws -> TrustAnchors {
        let parsed = try TPMEvidence(parsing: evidence)
        return TrustAnchors(keys: [.tpm: [PinnedKey(id: parsed.publicArea?.name ?? [], key: parsed.key)]])
    }

    private static func bareTPM() throws -> Specimen {
        let evidence = Array(try vector("tpm/tpm-evidence.json").dropLast())
        let section = TPMPolicy(registers: registerPolicy(), restrictedKey: .any, revocation: .required)
        return Specimen(evidence: evidence, verifier: tokenVerifier(try pinned(evidence), [section]), tails: [[0x20]])
    }

    private static func loggedTPM() throws -> Specimen {
        let evidence = try vector("tpm/gce-cos-85-nonce9009.pb")
        let section = TPMPolicy(
            registers: registerPolicy(log: .only(Array(0..<10)), separators: .must(true), exit: .must(true)),
            restrictedKey: .must(true),
            revocation: .required
        )
        let outside = try unmeasured(in: evidence, bank: .sha256)
        return Specimen(
            evidence: evidence,
            verifier: tokenVerifier(try pinned(evidence), [section]),
            outside: outside + [
                Outside(
                    offsets: [283, 2599],
                    bits: 0x20,
                    reason:
                        "the quote of SHA-1 or SHA-384, which the policy does not judge, becomes a certificate, which a pinned "
                        + "key leaves unread"
                )
            ],
            cuts: [outside.last?.offsets.min() ?? 0]
        )
    }

    /// The places of the event log in `evidence` that a replay of `bank` does not read. What they say is believed only where
    /// an event measures its own data.
    private static func unmeasured(in evidence: [UInt8], bank: HashAlgorithm) throws -> [Outside] {
        let bytes = try #require(try TPMEvidence(parsing: evidence).eventLog)
        let start = try #require(
            evidence.indices.first { evidence[$0] == bytes[0] && evidence[$0...].starts(with: bytes) }
        )
        let log = try TCGEventLog(parsing: bytes)
        let first = try #require(log.events.first).offset
        var kinds = Outside(offsets: [], reason: "the type of an event is a remark")
        var digests = Outside(offsets: [], reason: "digests of banks that the policy does not judge")
        var data = Outside(offsets: [], reason: "what an event says beside its digest is a remark")
        for event in log.events {
            var at = start + event.offset
            kinds.offsets.formUnion(at + 4..<at + 8)
            at += 12
            for _ in event.digests {
                let algorithm = UInt16(evidence[at]) | UInt16(evidence[at + 1]) << 8
                let size = try #require(TCGAlgorithm.size(algorithm))
                if algorithm != bank.tcgIdentifier { digests.offsets.formUnion(at + 2..<at + 2 + size) }
                at += 2 + size
            }
            data.offsets.formUnion(at + 4..<at + 4 + event.data.count)
        }
        // A remark that makes an event one of no action, or a digest list of another length, is not one of these.
        let header = Outside(
            offsets: Set(start..<start + first),
            reason: "the header names the banks and measures nothing"
        )
        let certificate = Outside(
            offsets: Set(start + bytes.count..<evidence.count),
            reason: "the key's certificate is not read when the key itself is pinned"
        )
        return [header, kinds, digests, data, certificate]
    }

    private static func azure() throws -> Specimen {
        let ask = CollateralItem(kind: .certificate, body: try vector("sev-snp/ask-milan.der"))
        let sections: [any FamilyPolicy] = [
            AzurePolicy(registers: registerPolicy(), secureBoot: .must(true)), SNPPolicy.vectorRules,
        ]
        let time = try Timestamp("2025-06-01T00:00:00Z")
        return Specimen(
            evidence: Array(try vector("tpm/azure-snp-evidence-v1.json").dropLast()),
            verifier: tokenVerifier(try vendorAnchors(), sections, [ask], time: time),
            tails: [[0x20]]
        )
    }

    private static let anyDevice = NVIDIADeviceTerms(
        deviceCounts: .any,
        firmwareVersions: .any,
        referenceValues: .whenGiven,
        revocation: .whenGiven
    )

    private static func nvidia(_ evidence: [UInt8], _ time: Timestamp) throws -> Specimen {
        let sections: [any FamilyPolicy] = [
            NVIDIAGPUPolicy(device: anyDevice, architectures: .any, driverVersions: .any, modes: .any),
            NVIDIASwitchPolicy(device: anyDevice),
        ]
        let anchors = TrustAnchors(roots: [.nvidiaDevice: [try NVIDIAVectorTests.root("device")]])
        return Specimen(evidence: evidence, verifier: tokenVerifier(anchors, sections, time: time), tails: [[0x20]])
    }

    private static func gpu() throws -> Specimen {
        let entry = try #require(tokenManifest("nvidia-gpu").first { $0.file == "hopper-evidence-590.12.json" })
        let evidence = Array(try vector("nvidia-gpu/hopper-evidence-590.12.json").dropLast())
        var specimen = try nvidia(evidence, try #require(entry.validAt))
        // The list repeats the report's nonce as text, in small letters or capitals.
        let nonce = Array(Hex.encode(try NVIDIAEvidence(parsing: evidence).devices[0].report.nonce).utf8)
        let start = try #require(evidence.indices.first { evidence[$0...].starts(with: nonce) })
        let letters = (start..<start + nonce.count).filter { evidence[$0] > UInt8(ascii: "9") }
        specimen.outside = [Outside(offsets: Set(letters), bits: 0x20, reason: "the case of hexadecimal digits")]
        return specimen
    }

    private static func nvswitch() throws -> Specimen {
        let entry = try #require(tokenManifest("nvidia-gpu").first { $0.file == "switch-ls10.report.txt" })
        return try nvidia(
            try NVIDIAVectorTests.evidence("switch-ls10.report.txt", "LS10"),
            try #require(entry.validAt)
        )
    }
}
