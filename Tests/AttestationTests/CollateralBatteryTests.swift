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
        /// A time at which all signed items are out of date, and certificates still count.
        var late: Timestamp
        var time: Timestamp
        var testDescription: String { name }

        func conclusion(_ items: [CollateralItem], at time: Timestamp? = nil) -> Conclusion? {
            AttestationTests.conclusion(tokenVerifier(anchors, sections, items, time: time ?? self.time), evidence)
        }
    }

    static let cases: [Case] = [intel(isTDX: true), intel(isTDX: false), amd, nitro, tpm]

    private static func intel(isTDX: Bool) -> Case {
        let platform = FakeIntelTests.platform
        let body = isTDX ? FakeIntelPlatform.tdBody() : FakeIntelPlatform.enclaveBody()
        return Case(
            name: isTDX ? "TDX" : "SGX",
            evidence: platform.quote(FakeIntelPlatform.QuoteForm(body: body)),
            anchors: platform.anchors,
            sections: [TDXPolicy.peerRules, SGXPolicy.peerRules],
            items: platform.collateral(isTDX: isTDX).items,
            needed: [0, 1, 2, 3],
            foreign: FakeIntelPlatform().collateral(isTDX: isTDX).items,
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
            late: until.adding(seconds: 1),
            time: Timestamp(seconds: 1_760_000_000)
        )
    }

    @Test("Missing, stale, foreign, changed", arguments: cases) func battery(_ entry: Case) {
        #expect(entry.conclusion(entry.items) == .verified)
        #expect(entry.conclusion(entry.items.reversed()) == .verified, "the order of a bundle means nothing")
        #expect(entry.conclusion(entry.items, at: entry.late) == .incomplete)
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
}
