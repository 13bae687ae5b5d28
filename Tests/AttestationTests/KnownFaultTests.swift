// Faults that other verifiers had and layouts that trip parsers, each with a test of its own; those that a family's own suite
// already names are listed in Documentation/attestation.md.
import AssayTesting
import Codecs
import Commitments
import Foundation
import Testing
import Verdicts

@testable import Attestation

@Suite("Known faults: Intel") struct KnownIntelFaultTests {
    private typealias Fake = FakeIntelTests
    private static let good = Fake.platform.collateral(isTDX: true)

    @Test("A quote's bytes are no identity: zeros behind it and n − s name the same evidence") func identity() throws {
        let quote = Fake.td()
        let result = try Fake.verify(quote, Self.good)
        let padded = try Fake.verify(quote + [UInt8](repeating: 0, count: 64), Self.good)
        #expect(padded.conclusion == .verified && padded.identity == result.identity)
        // The same claims signed anew: other bytes of the signature, the same evidence.
        let again = try Fake.verify(Fake.td(), Self.good)
        #expect(Fake.td() != quote && again.identity == result.identity)
        // Another TD, or the same report certified by another platform, is other evidence.
        let other = Fake.td(FakeIntelPlatform.tdBody(reportData: [UInt8](repeating: 1, count: 64)))
        #expect(try Fake.verify(other, Self.good).identity != result.identity)
        var form = FakeIntelPlatform.PlatformForm()
        form.serial = 0x9999
        let platform = FakeIntelPlatform(form)
        let moved = platform.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.tdBody()))
        #expect(
            try Fake.verify(moved, platform.collateral(isTDX: true), anchors: platform.anchors).identity
                != result.identity
        )
    }

    @Test("A NUL after the PEM text and a quote without one are the same") func stringEnd() throws {
        var form = FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.tdBody())
        form.certificationData = Fake.platform.pemChain + [0]
        #expect(try Fake.verify(Fake.platform.quote(form), Self.good).conclusion == .verified)
        form.certificationData = Fake.platform.pemChain + [0, 0]
        #expect(try Fake.verify(Fake.platform.quote(form), Self.good).conclusion == .rejected)
    }

    @Test("A body whose size is not that of its type is malformed") func bodyDescriptor() throws {
        let quote = Fake.td(FakeIntelPlatform.tdBody(version: .v1_5), version: 5)
        for (offset, value) in [(48, UInt8(2)), (48, 1), (48, 4), (48, 9), (50, 0x49), (51, 0), (53, 1)] {
            var broken = quote
            #expect(broken[offset] != value)
            broken[offset] = value
            #expect(throws: ParseError.self) { try Fake.verify(broken, Self.good) }
        }
    }

    @Test("Lengths of the signature data are held against what they stand in") func lengths() throws {
        let quote = Fake.td()
        let start = 48 + 584
        // The whole data, the outer certification data, the authentication data, the inner certification data.
        let outer = start + 4 + 128 + 2
        let authentication = outer + 4 + 384 + 64
        let inner = authentication + 2 + 19 + 2
        for offset in [start, outer, authentication, inner] {
            for change in [UInt8(1), 0xff] {
                var broken = quote
                broken[offset] = broken[offset] &+ change
                let outcome = try? Fake.verify(broken, Self.good)
                #expect(outcome?.conclusion != .verified, "length at \(offset)")
            }
            var huge = quote
            huge.replaceSubrange(offset..<offset + 2, with: [0xff, 0xff])
            #expect((try? Fake.verify(huge, Self.good))?.conclusion != .verified)
        }
        #expect(quote[start + 4 + 128] == 6 && quote[authentication] == 19)
    }

    @Test("The list of the platform authority does not stand for that of the processor authority") func authorities()
        throws
    {
        var form = FakeIntelPlatform.PlatformForm()
        form.authorityName = "Intel SGX PCK Processor CA"
        let processor = FakeIntelPlatform(form)
        let quote = processor.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.tdBody()))
        var collateral = processor.collateral(isTDX: true)
        #expect(try Fake.verify(quote, collateral, anchors: processor.anchors).conclusion == .verified)
        let own = collateral.items(.revocationList)[1]
        collateral.items.removeAll { $0 == own }
        collateral.items.append(Self.good.items(.revocationList)[1])
        let result = try Fake.verify(quote, collateral, anchors: processor.anchors)
        #expect(result.conclusion == .incomplete)
        #expect(result.crypto.checks.contains { $0.id == "intel.pck.revocation" && $0.result == .skip })
    }

    @Test("Of two TCB signing certificates with one key the one that is valid counts") func renewedSigner() throws {
        let platform = FakeIntelPlatform()
        var old = TestCertificateForm(name: "Intel SGX TCB Signing", serial: 3)
        old.notAfter = Timestamp(seconds: 1_735_689_599)
        let expired = platform.root.issue(old, key: platform.tcbSigner.key)
        var collateral = platform.collateral(isTDX: true)
        let chain = [expired, platform.root].flatMap { PEM.encode($0.certificate.der) }
        for index in collateral.items.indices where !collateral.items[index].chain.isEmpty {
            collateral.items[index].chain = chain
        }
        let result = try Fake.verify(
            platform.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.tdBody())),
            collateral,
            anchors: platform.anchors
        )
        #expect(result.conclusion == .rejected && result.verdict.firstFailure?.id == "intel.tcb-info.chain.dates")
    }

    @Test("Lists and answers older than the policy's bound are refused, though current") func ages() throws {
        var policy = AttestationPolicy.peerRules
        for (days, isYoung) in [(UInt64(30), true), (5, false)] {
            policy.collateral.maxAgeSeconds = .atMost(days * 86_400)
            let result = try Fake.verify(Fake.td(), Self.good, policy: policy)
            #expect(result.conclusion == (isYoung ? .verified : .refusedByPolicy))
            let lines = result.policy.checks.filter { $0.id.hasPrefix("policy.collateral-age.") }
            #expect(lines.count == 2 && lines.allSatisfy { ($0.result == .pass) == isYoung })
        }
    }
}

@Suite("Known faults: AMD") struct KnownAMDFaultTests {
    private typealias Fake = FakeAMDTests

    @Test("A root that comes along is not believed, and dates count") func roots() throws {
        let processor = FakeAMDProcessor(.milan)
        let other = FakeAMDProcessor(.milan)
        var collateral = other.collateral([other.endorsement()])
        collateral.items.append(CollateralItem(kind: .certificate, body: other.root.certificate.der))
        #expect(try Fake.verify(other.report(), processor, collateral).conclusion == .rejected)
        var policy = AttestationPolicy(collateral: laxCollateral)
        policy.set(SNPPolicy.vectorRules)
        for time in [Int64(0), 4_000_000_000] {
            let setting = AppraisalSetting(
                anchors: processor.anchors,
                collateral: processor.collateral([processor.endorsement()]),
                policy: policy,
                time: Timestamp(seconds: time)
            )
            let result = try AttestationVerifier(setting).verify(processor.report(), expecting: .unbound)
            #expect(result.conclusion == .rejected && result.has("amd.chain.dates", .fail))
        }
    }

    @Test("Bergamo and Siena are signed under Genoa's name") func families() throws {
        let genoa = FakeAMDProcessor(.genoa)
        var form = FakeAMDProcessor.ReportForm()
        form.version = 5
        form.cpuid = (0x19, 0xa0)
        #expect(try Fake.verify(genoa.report(form), genoa).conclusion == .verified)
        #expect(AMDProduct(family: 0x19, model: 0xa2) == .genoa && AMDProduct(family: 0x1a, model: 0x40) == nil)
    }

    @Test("Key selections other than VCEK and VLEK are refused") func signingKeys() throws {
        let processor = FakeAMDProcessor(.milan)
        for key in UInt32(2)...7 {
            var form = FakeAMDProcessor.ReportForm()
            form.flags = key << 2
            let result = try Fake.verify(processor.report(form), processor)
            #expect(result.conclusion == .rejected && result.has("amd.report.key", .fail), "key \(key)")
        }
    }

    @Test("The halves of a signature have 48 bytes; the rest of their fields is zero") func signatureFields() throws {
        let processor = FakeAMDProcessor(.milan)
        let report = processor.report()
        for offset in [0x2a0 + 48, 0x2a0 + 71, 0x2e8 + 48, 0x2e8 + 71, 0x330, 0x49f] {
            var broken = report
            broken[offset] = 1
            #expect(try Fake.verify(broken, processor).has("amd.report.padding", .fail))
        }
    }
}

@Suite("Known faults: certificates and lists") struct KnownCertificateFaultTests {
    @Test("The algorithm beside a signature is under no signature: it must be the one inside") func outerAlgorithm()
        throws
    {
        let root = TestIdentity.root(TestCertificateForm(name: "root"))
        // ecdsa-with-SHA384, which is made ecdsa-with-SHA256.
        let name: [UInt8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03]
        for der in [root.certificate.der, root.revocationList()] {
            let places = der.indices.filter { der[$0...].starts(with: name) }
            #expect(places.count == 2)
            for place in places {
                var broken = der
                broken[place + 7] = 2
                #expect(throws: ParseError.self) { try Certificate(der: broken) }
                #expect(throws: ParseError.self) { try RevocationList(der: broken) }
            }
        }
        let leaf = root.issue(TestCertificateForm(name: "leaf", serial: 2))
        #expect(throws: Never.self) { try Certificate(der: leaf.certificate.der) }
        #expect(throws: Never.self) { try RevocationList(der: root.revocationList()) }
    }
}

@Suite("Known faults: tokens and devices") struct KnownTokenFaultTests {
    @Test("A platform key by a certificate chain in the token, up to a pinned root") func certificateChain() throws {
        let fake = FakeCCA()
        let root = TestIdentity.root(TestCertificateForm(name: "Test platform root"))
        let maker = root.issue(TestCertificateForm(name: "Test maker", serial: 2, isAuthority: true))
        let leaf = maker.issue(TestCertificateForm(name: "Test CPAK", serial: 3))
        let token = fake.token(platform: fake.platformToken(chain: [leaf, maker]))
        func verify(_ token: [UInt8], _ roots: [Certificate], _ items: [CollateralItem] = []) throws
            -> AttestationResult
        {
            let anyPlatform = ArmPlatformPolicy(
                profiles: .any,
                implementationIDs: .any,
                instanceIDs: .any,
                lifecycles: .any,
                measurements: .any,
                signerIDs: .any
            )
            let section = CCAPolicy(
                platform: anyPlatform,
                configurations: .any,
                initialMeasurements: .any,
                extensibleMeasurements: [.any, .any, .any, .any],
                personalizations: .any
            )
            return try tokenVerifier(TrustAnchors(roots: [.armCCA: roots]), [section], items)
                .verify(token, expecting: .unbound)
        }
        let good = try verify(token, [root.certificate])
        #expect(good.conclusion == .verified, "\(good.failures)")
        // Not by itself, not under another root, not by a key that the chain does not certify, not when revoked.
        #expect(try verify(token, []).conclusion == .incomplete)
        let foreign = TestIdentity.root(TestCertificateForm(name: "Test platform root"))
        #expect(try verify(token, [foreign.certificate]).conclusion == .rejected)
        let forged = fake.token(platform: fake.platformToken(key: TestKey(.p384), chain: [leaf, maker]))
        #expect(try verify(forged, [root.certificate]).has("cca.platform.signature", .fail))
        let list = CollateralItem(kind: .revocationList, body: maker.revocationList(of: [3]))
        #expect(try verify(token, [root.certificate], [list]).conclusion != .verified)
        let lone = fake.token(platform: fake.platformToken(chain: [foreign]))
        #expect(try verify(lone, [root.certificate]).conclusion == .rejected)
    }

    @Test("A quote names where its key stands; a key of the null hierarchy is made anew at every start")
    func hierarchy()
        throws
    {
        var tpm = FakeTPM()
        let area = try TPMPublic(parsing: tpm.publicArea)
        func name(_ handle: UInt32) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.appendBigEndian(handle)
            return [0, 0x0b] + HashAlgorithm.sha256.digest(bytes + area.name)
        }
        let section = TPMPolicy(registers: registerPolicy(), restrictedKey: .any, revocation: .whenGiven)
        for (signer, passes) in [
            (name(0x4000_0001), true), (name(0x4000_000b), true), (name(0x4000_0007), false),
            ([0, 0x0b] + [UInt8](repeating: 1, count: 32), true),
            ([0, 0x0c] + [UInt8](repeating: 1, count: 48), false),
        ] {
            tpm.qualifiedSigner = signer
            let result = try tokenVerifier(TrustAnchors(roots: [.tpm: [tpm.root.certificate]]), [section])
                .verify(tpm.evidence(), expecting: .unbound)
            #expect(result.has("tpm.quote[0].qualifiedSigner", passes ? .pass : .fail), "\(result.failures)")
        }
    }

    @Test(
        "Device certificates that end in the year 9999 count in every year before",
        .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found")
    )
    func farDates() throws {
        let evidence = try NVIDIAVectorTests.evidence("hopper-550.90.07.report.txt", "HOPPER")
        let section = NVIDIAGPUPolicy(
            device: NVIDIADeviceTerms(
                deviceCounts: .any,
                firmwareVersions: .any,
                referenceValues: .whenGiven,
                revocation: .whenGiven
            ),
            architectures: .any,
            driverVersions: .any,
            modes: .any
        )
        let anchors = TrustAnchors(roots: [.nvidiaDevice: [try NVIDIAVectorTests.root("device")]])
        let time = try Timestamp("2240-01-01T00:00:00Z")
        let result = try tokenVerifier(anchors, [section], time: time).verify(evidence, expecting: .unbound)
        #expect(result.conclusion == .verified, "\(result.failures)")
    }
}
