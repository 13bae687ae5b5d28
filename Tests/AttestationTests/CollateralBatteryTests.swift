// Every piece of collateral that a verification of each family needs: missing, out of date, another platform's, signed by the
// wrong key, changed in one bit. Nothing of it may leave the evidence verified.
import AssayTesting
import Codecs
import Testing
import Verdicts

@testable import Attestation

@Suite("Collateral battery") struct CollateralBatteryTests {
    /// Evidence that is verified with these items, and what may take an item's place.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var evidence: [UInt8]
        var anchors: TrustAnchors
        var sections: [any FamilyPolicy]
        var items: [CollateralItem]
        /// The places of the items without which nothing is verified.
        var needed: [Int]
        /// The same items of another platform under names that are the same.
        var foreign: [CollateralItem]
        /// Items that say the same as those at these places, signed by a key that may not.
        var forged: [Int: CollateralItem] = [:]
        /// The anchors of another platform.
        var foreignAnchors: TrustAnchors
        /// A time at which all signed items are out of date, and certificates still count.
        var late: Timestamp
        var time: Timestamp
        var testDescription: String { name }

        func conclusion(_ items: [CollateralItem], at time: Timestamp? = nil) -> Conclusion? {
            AttestationTests.conclusion(tokenVerifier(anchors, sections, items, time: time ?? self.time), evidence)
        }
    }

    static let cases: [Case] = [intel(isTDX: true), intel(isTDX: false), amd, nitro, tpm, nvidia, cca]

    private static func intel(isTDX: Bool) -> Case {
        let platform = FakeIntelTests.platform
        let other = FakeIntelPlatform()
        let body = isTDX ? FakeIntelPlatform.tdBody() : FakeIntelPlatform.enclaveBody()
        return Case(
            name: isTDX ? "TDX" : "SGX",
            evidence: platform.quote(FakeIntelPlatform.QuoteForm(body: body)),
            anchors: platform.anchors,
            sections: [TDXPolicy.peerRules, SGXPolicy.peerRules],
            items: platform.collateral(isTDX: isTDX).items,
            needed: [0, 1, 2, 3],
            foreign: other.collateral(isTDX: isTDX).items,
            foreignAnchors: other.anchors,
            late: FakeIntelTests.time.adding(seconds: 60 * 86_400),
            time: FakeIntelTests.time
        )
    }

    private static var amd: Case {
        let (processor, other) = (FakeAMDProcessor(.milan), FakeAMDProcessor(.milan))
        let until = Timestamp(seconds: 1_760_100_000)
        func items(_ processor: FakeAMDProcessor) -> [CollateralItem] {
            processor.collateral(
                [processor.endorsement()],
                list: processor.root.revocationList(nextUpdate: until)
            ).items
        }
        var rules = SNPPolicy.vectorRules
        rules.revocationList = .must(true)
        return Case(
            name: "SEV-SNP",
            evidence: processor.report(),
            anchors: processor.anchors,
            sections: [rules],
            items: items(processor),
            needed: [0, 2, 3],
            foreign: items(other),
            foreignAnchors: other.anchors,
            late: until.adding(seconds: 1),
            time: Timestamp(seconds: 1_760_000_000)
        )
    }

    private static var nitro: Case {
        let time = Timestamp(seconds: 1_760_000_000)
        let (enclave, other) = (FakeNitro(time: time), FakeNitro(time: time))
        let until = time.adding(seconds: 60)
        func lists(_ enclave: FakeNitro) -> [CollateralItem] {
            [enclave.root, enclave.intermediate].map {
                CollateralItem(kind: .revocationList, body: $0.revocationList(nextUpdate: until))
            }
        }
        return Case(
            name: "Nitro",
            evidence: enclave.document(),
            anchors: TrustAnchors(roots: [.awsNitro: [enclave.root.certificate]]),
            sections: [NitroPolicy(debug: .any, pcrs: [:], maxAgeSeconds: .any, revocation: .required)],
            items: lists(enclave),
            needed: [0, 1],
            foreign: lists(other),
            foreignAnchors: TrustAnchors(roots: [.awsNitro: [other.root.certificate]]),
            late: until.adding(seconds: 1),
            time: time
        )
    }

    private static var tpm: Case {
        let (tpm, other) = (FakeTPM(), FakeTPM())
        let until = Timestamp(seconds: 1_760_100_000)
        func list(_ tpm: FakeTPM) -> [CollateralItem] {
            [CollateralItem(kind: .revocationList, body: tpm.root.revocationList(nextUpdate: until))]
        }
        return Case(
            name: "TPM",
            evidence: tpm.evidence(),
            anchors: TrustAnchors(roots: [.tpm: [tpm.root.certificate]]),
            sections: [TPMPolicy(registers: registerPolicy(), restrictedKey: .any, revocation: .required)],
            items: list(tpm),
            needed: [0],
            foreign: list(other),
            foreignAnchors: TrustAnchors(roots: [.tpm: [other.root.certificate]]),
            late: until.adding(seconds: 1),
            time: Timestamp(seconds: 1_760_000_000)
        )
    }

    /// Both reference manifests, lists of the device root and of the manifest root, an OCSP answer about the device.
    private static var nvidia: Case {
        let until = Timestamp(seconds: 1_760_100_000)
        struct Maker {
            let device = FakeNVIDIADevice()
            let root = TestIdentity.root(TestCertificateForm(name: "Test manifest root"))
            var anchors: TrustAnchors {
                TrustAnchors(roots: [.nvidiaDevice: [device.root.certificate], .nvidiaRIM: [root.certificate]])
            }
            func manifests() -> [FakeReferenceManifest] {
                [("550.90.07", 10), ("96.00.9f.00.01", 11)].map { version, register in
                    FakeReferenceManifest(
                        version: version,
                        values: [(register, true, [FakeNVIDIADevice().measurements[register]])],
                        root: root
                    )
                }
            }
            func answer(by responder: TestIdentity, until: Timestamp) -> CollateralItem {
                let body = responder.ocspResponse(about: device.leaf.certificate, nextUpdate: until)
                return CollateralItem(kind: .ocspResponse, body: body)
            }
            func items(until: Timestamp) -> [CollateralItem] {
                manifests().map { CollateralItem(kind: .nvidiaRIM, body: $0.document()) }
                    + [root, device.root].map {
                        CollateralItem(kind: .revocationList, body: $0.revocationList(nextUpdate: until))
                    } + [answer(by: device.intermediate, until: until)]
            }
        }
        let (maker, other) = (Maker(), Maker())
        let stranger = FakeNVIDIADevice().intermediate
        return Case(
            name: "NVIDIA",
            evidence: maker.device.evidence(),
            anchors: maker.anchors,
            sections: [
                NVIDIAGPUPolicy(
                    device: NVIDIADeviceTerms(
                        deviceCounts: .any,
                        firmwareVersions: .any,
                        referenceValues: .required,
                        revocation: .required
                    ),
                    architectures: .any,
                    driverVersions: .any,
                    modes: .any
                )
            ],
            items: maker.items(until: until),
            needed: [0, 1, 2, 3, 4],
            foreign: other.items(until: until),
            forged: [
                0: CollateralItem(kind: .nvidiaRIM, body: maker.manifests()[0].document(key: TestKey(.p384))),
                1: CollateralItem(kind: .nvidiaRIM, body: maker.manifests()[1].document(key: maker.device.leaf.key)),
                4: maker.answer(by: stranger, until: until),
            ],
            foreignAnchors: other.anchors,
            late: until.adding(seconds: 1),
            time: Timestamp(seconds: 1_760_000_000)
        )
    }

    /// A platform token with a certificate chain; lists count once one is given for the chain.
    private static var cca: Case {
        let until = Timestamp(seconds: 1_760_100_000)
        let fake = FakeCCA()
        func maker() -> (root: TestIdentity, maker: TestIdentity) {
            let root = TestIdentity.root(TestCertificateForm(name: "Test platform root"))
            return (root, root.issue(TestCertificateForm(name: "Test maker", serial: 2, isAuthority: true)))
        }
        let (good, other) = (maker(), maker())
        let leaf = good.maker.issue(TestCertificateForm(name: "Test CPAK", serial: 3))
        func lists(_ chain: (root: TestIdentity, maker: TestIdentity)) -> [CollateralItem] {
            [chain.root, chain.maker].map {
                CollateralItem(kind: .revocationList, body: $0.revocationList(nextUpdate: until))
            }
        }
        return Case(
            name: "CCA",
            evidence: fake.token(platform: fake.platformToken(chain: [leaf, good.maker])),
            anchors: TrustAnchors(roots: [.armCCA: [good.root.certificate]]),
            sections: [BitBatteryTests.anyRealm],
            items: lists(good),
            needed: [0, 1],
            foreign: lists(other),
            foreignAnchors: TrustAnchors(roots: [.armCCA: [other.root.certificate]]),
            late: until.adding(seconds: 1),
            time: Timestamp(seconds: 1_760_000_000)
        )
    }

    @Test("Missing, stale, foreign, changed", arguments: cases) func battery(_ entry: Case) {
        #expect(entry.conclusion(entry.items) == .verified)
        #expect(entry.conclusion(entry.items.reversed()) == .verified, "the order of a bundle means nothing")
        #expect(entry.conclusion(entry.items, at: entry.late) == .incomplete)
        var foreignRoot = entry
        foreignRoot.anchors = entry.foreignAnchors
        #expect(foreignRoot.conclusion(entry.items) == .rejected, "another platform's root of the same name")
        foreignRoot.anchors = TrustAnchors()
        #expect(foreignRoot.conclusion(entry.items) == .incomplete, "no root")
        for (index, item) in entry.forged {
            var items = entry.items
            items[index] = item
            let outcome = entry.conclusion(items)
            #expect(outcome == .rejected || outcome == .incomplete, "item \(index) by a wrong key")
        }
        for index in entry.needed {
            var missing = entry.items
            missing.remove(at: index)
            #expect(entry.conclusion(missing) == .incomplete, "without item \(index)")
            var foreign = entry.items
            foreign[index] = entry.foreign[index]
            let swapped = entry.conclusion(foreign)
            #expect(
                swapped == .rejected || swapped == .incomplete,
                "item \(index) of another platform: \(swapped as Any)"
            )
            // One bit at the beginning, in the middle, and in the signature.
            let count = entry.items[index].body.count
            for offset in [1, count / 3, count / 2, count - 5] {
                var changed = entry.items
                changed[index].body[offset] ^= 4
                #expect(entry.conclusion(changed) != .verified, "item \(index), byte \(offset)")
            }
            for cut in [0, 1, count / 2, count - 1] {
                var short = entry.items
                short[index].body = Array(short[index].body.prefix(cut))
                #expect(entry.conclusion(short) != .verified, "item \(index) cut to \(cut)")
            }
            var longer = entry.items
            longer[index].body.append(0)
            #expect(entry.conclusion(longer) != .verified, "item \(index) with a byte more")
            guard !entry.items[index].signature.isEmpty else { continue }
            // By another key under the same root, and by the right key over something else.
            var signed = entry.items
            signed[index].signature = FakeIntelTests.platform.pck.key.sign(signed[index].body)
            #expect(entry.conclusion(signed) == .rejected, "item \(index) by the wrong key")
            signed[index].signature = FakeIntelTests.platform.tcbSigner.key.sign([1, 2, 3])
            #expect(entry.conclusion(signed) == .rejected, "item \(index) signed for something else")
        }
    }

    @Test("Pinned keys: missing, another device's, for another device") func pins() throws {
        let (psa, cca, tpm) = (FakePSA(), FakeCCA(), FakeTPM())
        let registers = TPMPolicy(registers: registerPolicy(), restrictedKey: .any, revocation: .required)
        let families: [(TrustDomain, [UInt8], PublicKey, PublicKey, any FamilyPolicy)] = [
            (
                .armPSA, psa.token(), psa.key.publicKey, FakePSA().key.publicKey,
                PSAPolicy(platform: BitBatteryTests.anyArm)
            ),
            (
                .armCCA, cca.token(), cca.platformKey.publicKey, FakeCCA().platformKey.publicKey,
                BitBatteryTests.anyRealm
            ),
            (
                .tpm, tpm.evidence(withCertificate: false), tpm.attestationKey.key.publicKey, TestKey(.p256).publicKey,
                registers
            ),
        ]
        for (domain, evidence, key, other, section) in families {
            func outcome(_ pins: [PinnedKey]) -> Conclusion? {
                AttestationTests.conclusion(tokenVerifier(TrustAnchors(keys: [domain: pins]), [section]), evidence)
            }
            #expect(outcome([PinnedKey(id: [], key: key)]) == .verified, "\(domain)")
            #expect(outcome([]) == .incomplete, "\(domain): none")
            let swapped = outcome([PinnedKey(id: [], key: other)])
            #expect(swapped == .rejected || swapped == .incomplete, "\(domain): another device's")
            #expect(outcome([PinnedKey(id: [9, 9], key: key)]) != .verified, "\(domain): for another device")
        }
    }

    @Test(
        "An Azure bundle needs the collateral of the processor inside",
        .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found")
    )
    func azure() throws {
        let evidence = try vector("tpm/azure-snp-evidence-v1.json")
        let sections: [any FamilyPolicy] = [
            AzurePolicy(registers: registerPolicy(), secureBoot: .must(true)), SNPPolicy.vectorRules,
        ]
        let anchors = try vendorAnchors()
        let time = try Timestamp("2025-06-01T00:00:00Z")
        func outcome(_ items: [CollateralItem], _ anchors: TrustAnchors, _ time: Timestamp) -> Conclusion? {
            AttestationTests.conclusion(tokenVerifier(anchors, sections, items, time: time), evidence)
        }
        let ask = CollateralItem(kind: .certificate, body: try vector("sev-snp/ask-milan.der"))
        #expect(outcome([ask], anchors, time) == .verified)
        #expect(outcome([], anchors, time) == .incomplete)
        #expect(outcome([ask], TrustAnchors(), time) == .incomplete)
        let genoa = CollateralItem(kind: .certificate, body: try vector("sev-snp/ask-genoa.der"))
        #expect(outcome([genoa], anchors, time) == .incomplete)
        // The right name over another key.
        let fake = FakeAMDProcessor(.milan)
        let foreign = CollateralItem(kind: .certificate, body: fake.authority.certificate.der)
        #expect(outcome([foreign], anchors, time) != .verified)
        #expect(outcome([foreign], fake.anchors, time) != .verified)
        #expect(outcome([ask], anchors, Timestamp(seconds: 4_000_000_000)) != .verified)
        for offset in stride(from: 0, to: ask.body.count, by: 29) {
            var changed = ask
            changed.body[offset] ^= 4
            #expect(outcome([changed], anchors, time) != .verified, "byte \(offset)")
        }
    }
}
