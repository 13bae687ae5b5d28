// Products, keys and faults of SEV-SNP platforms that no public vector shows, made by a fake AMD.

import AssayTesting
import Codecs
import Testing
import Verdicts

@testable import Attestation

@Suite("Fake AMD processor")
struct FakeAMDTests {
    typealias Form = FakeAMDProcessor.ReportForm
    static let processors: [AMDProduct: FakeAMDProcessor] = [
        .milan: FakeAMDProcessor(.milan), .genoa: FakeAMDProcessor(.genoa), .turin: FakeAMDProcessor(.turin),
    ]
    static let time = Timestamp(seconds: 1_736_553_600)

    static func verify(
        _ report: [UInt8],
        _ processor: FakeAMDProcessor,
        _ collateral: CollateralBundle? = nil,
        rules: SNPPolicy = .vectorRules
    ) throws -> AttestationResult {
        var policy = AttestationPolicy(collateral: CollateralPolicy(maxAgeSeconds: .any, graceSeconds: 0))
        policy.set(rules)
        let setting = AppraisalSetting(
            anchors: processor.anchors,
            collateral: collateral ?? processor.collateral([processor.endorsement()]),
            policy: policy,
            time: time
        )
        return try AttestationVerifier(setting).verify(report, expecting: .unbound)
    }

    private func processor(_ product: AMDProduct) throws -> FakeAMDProcessor {
        try #require(Self.processors[product])
    }

    @Test("Good reports of every product, version and key", arguments: AMDProduct.allCases)
    func good(product: AMDProduct) throws {
        let processor = try processor(product)
        for version in [UInt32(2), 3, 5] {
            var form = Form()
            form.version = version
            let result = try Self.verify(processor.report(form), processor)
            #expect(result.conclusion == .verified, "v\(version): \(result.verdict.firstFailure as Any)")
        }
        var form = Form()
        form.flags = 1 << 2
        form.chipId = [UInt8](repeating: 0, count: 64)
        let loaded = processor.collateral([processor.endorsement(.vlek)])
        #expect(try Self.verify(processor.report(form), processor, loaded).conclusion == .verified)
        // A VLEK report is not answered by a VCEK certificate, nor the other way round.
        #expect(try Self.verify(processor.report(form), processor).conclusion == .incomplete)
        #expect(try Self.verify(processor.report(), processor, loaded).conclusion == .incomplete)
    }

    @Test("The bytes of a TCB version mean other things on Turin")
    func turin() throws {
        let turin = SNPTCBVersion([1, 2, 3, 4, 0, 0, 0, 9], product: .turin)
        #expect(turin.fmc == 1 && turin.bootLoader == 2 && turin.tee == 3 && turin.snp == 4 && turin.microcode == 9)
        let milan = SNPTCBVersion([1, 2, 3, 4, 0, 0, 7, 9], product: .milan)
        #expect(milan.fmc == nil && milan.bootLoader == 1 && milan.tee == 2 && milan.snp == 7 && milan.microcode == 9)
        #expect(!turin.reaches(milan) && turin.reaches(turin))
        // The chip identifier has eight bytes there; the rest must be zero.
        let processor = try processor(.turin)
        var form = Form()
        form.chipId = processor.chipId
        form.chipId?[20] = 1
        #expect(try Self.verify(processor.report(form), processor).conclusion == .incomplete)
    }

    @Test("The certificate answers to the reported versions, not to the current ones")
    func reportedTCB() throws {
        let processor = try processor(.milan)
        var form = Form()
        form.currentTcb = [5, 0, 0, 0, 0, 0, 24, 214]
        #expect(try Self.verify(processor.report(form), processor).conclusion == .verified)
        let wrong = processor.collateral([processor.endorsement(tcb: [5, 0, 0, 0, 0, 0, 24, 214])])
        let result = try Self.verify(processor.report(form), processor, wrong)
        #expect(result.conclusion == .rejected && result.verdict.firstFailure?.id == "amd.certificate.tcb")
    }

    @Test("Another chip, a masked chip, another product, another processor's key")
    func mismatches() throws {
        let processor = try processor(.milan)
        let other = processor.collateral([processor.endorsement(chip: [UInt8](repeating: 1, count: 64))])
        #expect(try Self.verify(processor.report(), processor, other).conclusion == .incomplete)
        var form = Form()
        form.flags = 2
        #expect(try Self.verify(processor.report(form), processor).conclusion == .verified)
        // CPUID decides the product. A certificate that says otherwise does not count.
        form = Form()
        form.cpuid = (0x19, 0x11)
        #expect(try Self.verify(processor.report(form), processor).conclusion == .incomplete)
        // Bergamo and Siena (model A0h) are endorsed under Genoa's name.
        let genoa = try self.processor(.genoa)
        form.cpuid = (0x19, 0xa0)
        #expect(try Self.verify(genoa.report(form), genoa).conclusion == .verified)
        form.cpuid = (0x19, 0x50)
        let unknown = try Self.verify(genoa.report(form), genoa)
        #expect(unknown.conclusion == .rejected && unknown.verdict.firstFailure?.id == "amd.certificate.product")
        let impostor = FakeAMDProcessor(.milan)
        let forged = try Self.verify(impostor.report(), processor)
        #expect(forged.conclusion == .rejected && forged.verdict.firstFailure?.id == "amd.report.signature")
        let foreign = try Self.verify(impostor.report(), processor, impostor.collateral([impostor.endorsement()]))
        #expect(foreign.conclusion == .rejected && foreign.verdict.firstFailure?.id == "amd.chain.links")
        form = Form()
        form.flags = 7 << 2
        let unsigned = try Self.verify(processor.report(form), processor)
        #expect(unsigned.conclusion == .rejected && unsigned.verdict.firstFailure?.id == "amd.report.key")
    }

    @Test("AMD's revocation list: demanded, given, listing, stale")
    func revocation() throws {
        let processor = try processor(.milan)
        var rules = SNPPolicy.vectorRules
        rules.revocationList = .must(true)
        let endorsement = [processor.endorsement()]
        #expect(try Self.verify(processor.report(), processor, rules: rules).conclusion == .incomplete)
        let good = processor.collateral(endorsement, list: processor.root.revocationList())
        #expect(try Self.verify(processor.report(), processor, good, rules: rules).conclusion == .verified)
        // A list that is given counts even where none is demanded.
        let listed = processor.collateral(endorsement, list: processor.root.revocationList(of: [2]))
        let revoked = try Self.verify(processor.report(), processor, listed)
        #expect(revoked.conclusion == .rejected && revoked.verdict.firstFailure?.id == "amd.chain.revocation")
        let stale = processor.root.revocationList(nextUpdate: Self.time.adding(seconds: -1))
        let old = try Self.verify(
            processor.report(),
            processor,
            processor.collateral(endorsement, list: stale),
            rules: rules
        )
        #expect(old.conclusion == .incomplete)
        let forged = FakeAMDProcessor(.milan).root.revocationList()
        let wrong = try Self.verify(
            processor.report(),
            processor,
            processor.collateral(endorsement, list: forged),
            rules: rules
        )
        #expect(wrong.conclusion == .rejected)
    }

    @Test("Every term of the policy can refuse")
    func policy() throws {
        let processor = try processor(.milan)
        let zeros = [UInt8](repeating: 0, count: 48)
        var form = Form()
        form.vmpl = 2
        form.platformInfo = 0x05
        form.policy = 0xf0000
        form.flags = 1
        form.idKeyDigest = [UInt8](repeating: 1, count: 48)
        form.authorKeyDigest = [UInt8](repeating: 2, count: 48)
        let report = processor.report(form)
        let bound = SNPTCBVersionBound(SNPTCBVersion([4, 0, 0, 0, 0, 0, 24, 213], product: .milan))
        let terms: [(String, (inout SNPPolicy) -> Void)] = [
            ("policy.tcb", { $0.minTcb = [.milan: .atLeast(bound)] }),
            ("policy.tcb", { $0.minTcb = [.genoa: .any] }),
            ("policy.tcb", { $0.minTcb = [:] }),
            ("policy.signing-key", { $0.signingKeys = .only(["vlek"]) }),
            ("policy.vmpl", { $0.vmpl = .only([0]) }),
            ("policy.measurement", { $0.measurement = .only([zeros]) }),
            ("policy.host-data", { $0.hostData = .only([]) }),
            ("policy.id-key", { $0.idKeyDigest = .only([zeros]) }),
            ("policy.author-key", { $0.authorKeyDigest = .only([zeros]) }),
            ("policy.family-id", { $0.familyId = .only([]) }),
            ("policy.image-id", { $0.imageId = .only([]) }),
            ("policy.chip-id", { $0.chipId = .only([]) }),
            ("policy.guest-svn", { $0.minGuestSvn = .atLeast(1) }),
            ("policy.debug", { $0.debug = .must(false) }),
            ("policy.migration", { $0.migration = .must(false) }),
            ("policy.smt-allowed", { $0.smtAllowed = .must(false) }),
            ("policy.single-socket", { $0.singleSocket = .must(true) }),
            ("policy.platform-smt", { $0.platformSMT = .must(false) }),
            ("policy.platform-tsme", { $0.platformTSME = .must(true) }),
            ("policy.platform-ecc", { $0.platformECC = .must(false) }),
            ("policy.platform-rapl-disabled", { $0.platformRAPLDisabled = .must(true) }),
            ("policy.platform-ciphertext-hiding", { $0.platformCiphertextHiding = .must(true) }),
            ("policy.platform-alias-check", { $0.platformAliasCheck = .must(true) }),
        ]
        var open = SNPPolicy.vectorRules
        open.debug = .any
        #expect(try Self.verify(report, processor, rules: open).conclusion == .verified)
        for (id, change) in terms {
            var rules = open
            change(&rules)
            let result = try Self.verify(report, processor, rules: rules)
            #expect(result.conclusion == .refusedByPolicy && result.verdict.firstFailure?.id == id, "\(id)")
            #expect(result.cryptoVerdict.isAccepted)
        }
    }

    @Test("The identity of a report is its signed span and its key, not its bytes")
    func identity() throws {
        let processor = try processor(.milan)
        let first = processor.report()
        let second = processor.report()
        #expect(first != second)
        #expect(try Self.verify(first, processor).identity == Self.verify(second, processor).identity)
        var form = Form()
        form.reportData[0] ^= 1
        #expect(try Self.verify(processor.report(form), processor).identity != Self.verify(first, processor).identity)
    }
}
