// What comes along with SEV-SNP reports: the host's certificate table, and the owner's ID block.
import AssayTesting
import Codecs
import Testing
import Verdicts

@testable import Attestation

@Suite("SEV-SNP certificate tables and ID blocks") struct SNPOwnerTests {
    static let processor = FakeAMDProcessor(.milan)
    static let owner = FakeAMDOwner()
    static let time = Timestamp(seconds: 1_760_000_000)
    static let measurement = [UInt8](repeating: 0x44, count: 48)

    private static func verify(_ evidence: [UInt8], _ items: [CollateralItem] = []) throws -> AttestationResult {
        var policy = AttestationPolicy(collateral: laxCollateral)
        policy.set(SNPPolicy.vectorRules)
        let setting = AppraisalSetting(
            anchors: processor.anchors,
            collateral: CollateralBundle(items),
            policy: policy,
            time: time
        )
        return try AttestationVerifier(setting).verify(evidence, expecting: .unbound)
    }

    private static func table(_ more: [(kind: SNPCertificateTable.Kind, body: [UInt8])] = []) -> [UInt8] {
        FakeAMDOwner.table(
            [
                (.vcek, processor.endorsement().certificate.der), (.ask, processor.authority.certificate.der),
                (.ark, processor.root.certificate.der),
            ] + more
        )
    }

    @Test("A report with its host's table needs no other collateral, and the table's root is not believed")
    func extended() throws {
        let report = Self.processor.report()
        #expect(try Self.verify(report).conclusion == .incomplete)
        let extended = report + Self.table()
        #expect(AttestationVerifier.kind(of: extended) == .sevSNP)
        let result = try Self.verify(extended)
        #expect(result.conclusion == .verified, "\(result.failures)")
        // The same report with and without its table is the same evidence.
        let bundle = Self.processor.collateral([Self.processor.endorsement()])
        #expect(try Self.verify(report, bundle.items).identity == result.identity)
        // Another processor of the same maker, with a table that is right in itself: its root is not the pinned one.
        let other = FakeAMDProcessor(.milan)
        let foreign = FakeAMDOwner.table([
            (.vcek, other.endorsement().certificate.der), (.ask, other.authority.certificate.der),
            (.ark, other.root.certificate.der),
        ])
        #expect(try Self.verify(other.report() + foreign).conclusion == .rejected)
        // A list in the table counts as any other.
        let list = Self.processor.root.revocationList(of: [2])
        #expect(try Self.verify(report + Self.table([(.crl, list)])).conclusion == .rejected)
    }

    @Test("Tables that overlap, point outside, repeat, or hide bytes are malformed") func malformedTables() throws {
        let table = Self.table()
        #expect(try SNPCertificateTable(parsing: table[...]).entries.compactMap(\.kind) == [.vcek, .ask, .ark])
        func refused(_ edit: (inout [UInt8]) -> Void) -> Bool {
            var bytes = table
            edit(&bytes)
            return (try? SNPCertificateTable(parsing: bytes[...])) == nil
        }
        #expect(refused { $0[16] -= 1 })
        #expect(refused { $0[16] = 10 })
        #expect(refused { $0[19] = 0x7f })
        #expect(refused { $0[23] = 0xff })
        #expect(refused { $0[20...23] = [0, 0, 0, 0] })
        #expect(refused { $0.replaceSubrange(24..<40, with: $0[0..<16]) })
        #expect(refused { $0 += [1] })
        #expect(refused { $0 = Array($0.prefix(40)) })
        #expect(refused { $0 = [UInt8](repeating: 1, count: 24 * 40) })
        #expect(!refused { $0 += [0, 0] })
        #expect(!refused { $0[0] ^= 1 }, "an unknown identifier is passed over")
        for count in stride(from: 0, to: table.count - 1, by: 7) {
            #expect((try? SNPCertificateTable(parsing: table.prefix(count))) == nil || count == 0, "\(count)")
        }
    }

    private static func owned(_ edit: (inout FakeAMDProcessor.ReportForm) -> Void = { _ in }) -> [UInt8] {
        var form = FakeAMDProcessor.ReportForm()
        form.idKeyDigest = owner.digests.id
        form.authorKeyDigest = owner.digests.author
        form.flags = 1
        edit(&form)
        return processor.report(form) + table()
    }

    @Test("An ID block is verified against the report that names its keys") func idBlock() throws {
        let block = Self.owner.block(measurement: Self.measurement)
        let item = CollateralItem(kind: .amdIDBlock, body: block)
        let result = try Self.verify(Self.owned(), [item])
        #expect(result.conclusion == .verified, "\(result.failures)")
        for id in ["measurement", "policy", "guest-svn", "signature", "author", "author.signature"] {
            #expect(result.has("amd.id-block." + id, .pass), "\(id)")
        }
        // A block of another owner says nothing about this guest.
        let foreign = FakeAMDOwner().block(measurement: Self.measurement)
        let unrelated = try Self.verify(Self.owned(), [CollateralItem(kind: .amdIDBlock, body: foreign)])
        #expect(unrelated.conclusion == .verified)
        #expect(!unrelated.crypto.checks.contains { $0.id.hasPrefix("amd.id-block") })
    }

    @Test("What the owner did not sign for is rejected") func otherGuest() throws {
        func conclusion(_ block: [UInt8], _ evidence: [UInt8] = SNPOwnerTests.owned()) throws -> Conclusion {
            try Self.verify(evidence, [CollateralItem(kind: .amdIDBlock, body: block)]).conclusion
        }
        let good = Self.owner.block(measurement: Self.measurement)
        #expect(try conclusion(Self.owner.block(measurement: [UInt8](repeating: 9, count: 48))) == .rejected)
        #expect(try conclusion(Self.owner.block(measurement: Self.measurement, policy: 0xb0000)) == .rejected)
        #expect(try conclusion(Self.owner.block(measurement: Self.measurement, guestSvn: 2)) == .rejected)
        // Without the author's flag in the report the author's part is not judged, and the block still is.
        #expect(try conclusion(good, Self.owned { $0.flags = 0 }) == .verified)
        #expect(try conclusion(good, Self.owned { $0.authorKeyDigest[0] ^= 1 }) == .rejected)
        // Every byte of the block, the signatures, and the keys.
        let judged = [0..<96, 160..<304, 672..<820, 1760..<1904, 2272..<2420]
        for offset in judged.joined() where offset % 3 == 0 {
            var broken = good
            broken[offset] ^= 0x10
            let item = CollateralItem(kind: .amdIDBlock, body: broken)
            let result = try? Self.verify(Self.owned(), [item])
            // A changed ID key is another key, so the block is not of this guest; everything else is rejected.
            let isOther = (672..<820).contains(offset)
            #expect(result?.conclusion == .rejected || isOther || (80..<84).contains(offset), "byte \(offset)")
        }
        #expect(throws: ParseError.self) { try SNPIdentityBlock(parsing: Array(good.dropLast())) }
        #expect(throws: ParseError.self) { try SNPIdentityBlock(parsing: good + [0]) }
    }
}
