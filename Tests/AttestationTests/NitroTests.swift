// AWS Nitro documents: the shared vectors, the mutations that their manifest lists, and the faults that need a fake module.
import AssayTesting
import Codecs
import Foundation
import Signatures
import Testing
import Verdicts

@testable import Attestation

/// A policy that takes any image that is not in debug mode.
private let anyImage = NitroPolicy(
    debug: .must(false),
    pcrs: Dictionary(uniqueKeysWithValues: NitroPolicy.documentedRegisters.map { ($0, .any) }),
    maxAgeSeconds: .any,
    revocation: .whenGiven
)

private func verifier(
    roots: [Certificate],
    _ section: NitroPolicy? = anyImage,
    lists: [[UInt8]] = [],
    time: Timestamp
) -> AttestationVerifier {
    var policy = AttestationPolicy(collateral: laxCollateral)
    if let section { policy.set(section) }
    return AttestationVerifier(
        AppraisalSetting(
            anchors: TrustAnchors(roots: [.awsNitro: roots]),
            collateral: CollateralBundle(lists.map { CollateralItem(kind: .revocationList, body: $0) }),
            policy: policy,
            time: time
        )
    )
}

@Suite("Nitro vectors", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct NitroVectorTests {
    static let documents = tokenManifest("nitro").filter { $0.file.hasSuffix(".cose") }

    static func awsRoot() throws -> Certificate {
        try #require(try Certificate.chain(pem: try vector("nitro/aws-nitro-root-g1.pem")[...]).first)
    }

    @Test("The root is the one that AWS publishes") func root() throws {
        #expect(
            try Self.awsRoot().fingerprint == "641a0321a3e244efe456463195d606317ed7cdcc3c1756e09893f3c68f79bb5b"
        )
    }

    @Test("Verdicts of the manifest", arguments: documents)
    func verdicts(_ entry: ManifestEntry) throws {
        let evidence = try vector("nitro/" + entry.file)
        #expect(AttestationVerifier.kind(of: evidence) == .nitro)
        let time = try #require(entry.validAt)
        let result = try verifier(roots: [try Self.awsRoot()], time: time).verify(evidence, expecting: .unbound)
        switch entry.file {
        case "oyster-custom-root.cose":
            // The manifest says: valid only under its own root.
            #expect(result.conclusion == .rejected)
            #expect(result.has("nitro.chain.root", .fail))
            let document = try NitroDocument(parsing: evidence[...])
            let own = try Certificate(der: document.cabundle[0])
            let under = try verifier(roots: [own], time: time).verify(evidence, expecting: .unbound)
            // Its PCR0 is zero, which no real image has.
            #expect(under.crypto.isClean && under.has("nitro.policy.measured", .fail), "\(under.failures)")
            #expect(!document.isDebug)
        case let name where name.hasSuffix("-debug.cose"):
            #expect(entry.verdict == "invalid")
            #expect(result.conclusion == .refusedByPolicy, "\(result.failures)")
            #expect(result.has("nitro.policy.debug", .fail))
            #expect(result.crypto.isClean)
        default:
            #expect(entry.verdict == "valid")
            #expect(result.conclusion == .verified, "\(result.failures)")
            #expect(result.validUntil != nil)
        }
    }

    @Test("Fields of the manifest", arguments: documents)
    func fields(_ entry: ManifestEntry) throws {
        let document = try NitroDocument(parsing: try vector("nitro/" + entry.file)[...])
        var reader = try JSONReader(.object(entry.fields))
        #expect(document.moduleID == (try reader.string("module_id")))
        #expect(document.timestampMilliseconds == UInt64(try reader.integer("timestamp_ms")))
        #expect(document.isDebug == (try reader.bool("debug_mode")))
        #expect(document.pcrs.count == Int(try reader.integer("pcr_count")))
        #expect(document.cabundle.count == Int(try reader.integer("cabundle_len")))
        #expect(document.cose.isTagged == (try reader.bool("cose_tag18")))
        // The manifest lists the registers that are not zero.
        guard case .object(let registers) = try reader.value("pcrs") else { return }
        let nonZero = document.pcrs.filter { $0.value.contains { $0 != 0 } }
        #expect(nonZero.count == registers.members.count)
        for member in registers.members {
            let index = try #require(Int(member.name))
            #expect(member.value == .string(Hex.encode(document.pcrs[index] ?? [])))
        }
        switch try reader.value("user_data") {
        case .string(let text): #expect(Hex.encode(document.userData ?? []) == text)
        default: #expect((document.userData ?? []).isEmpty)
        }
        for (name, value) in [("nonce_len", document.nonce), ("public_key_len", document.publicKey)] {
            if case .number(let number) = try reader.value(name) {
                #expect(value?.count == number.integer.map(Int.init))
            } else {
                #expect(value?.count ?? 0 == 0)
            }
        }
        let leaf = try document.chain()[0]
        let window = try reader.array("cert_window", max: 2)
        let texts = [leaf.notBefore, leaf.notAfter].map { $0.text.replacing("T", with: " ").replacing("Z", with: "") }
        #expect(window == texts.map { .string($0) })
        #expect(try Certificate(der: document.cabundle[0]).fingerprint == (try reader.string("root_sha256")))
    }

    @Test("Mutations of the manifest") func mutations() throws {
        let entry = try #require(Self.documents.first { $0.file == "dstack.cose" })
        guard case .array(let listed)? = entry.object["mutations"] else {
            Issue.record("the manifest lists mutations")
            return
        }
        let evidence = try vector("nitro/dstack.cose")
        let time = try #require(entry.validAt)
        let root = try Self.awsRoot()
        let document = try NitroDocument(parsing: evidence[...])
        let verify = { (bytes: [UInt8], time: Timestamp) in conclusion(verifier(roots: [root], time: time), bytes) }
        #expect(verify(evidence, time) == .verified)
        func mutated(_ edit: (inout [(CBORValue, [UInt8])]) -> Void, indefinite: Bool = false) throws -> [UInt8] {
            let payload = try #require(document.cose.payload)
            let entries = try CBORItem(parsing: payload, .tolerant).entries(max: 9, "")
            var fields = entries.map { ($0.key.value, Array($0.value.encoding)) }
            edit(&fields)
            var bytes: [UInt8] = indefinite ? [0xbf] : [0xa0 | UInt8(fields.count)]
            for (key, value) in fields { bytes += key.encoded() + value }
            if indefinite { bytes.append(0xff) }
            let parts: [CBORValue] = [
                .bytes(Array(document.cose.protectedBytes)), .map([]), .bytes(bytes),
                .bytes(Array(document.cose.signature)),
            ]
            return CBORValue.array(parts).encoded()
        }
        func bundle(_ edit: (inout [[UInt8]]) -> Void) -> [UInt8] {
            var items = document.cabundle
            edit(&items)
            return CBORValue.array(items.map { .bytes($0) }).encoded()
        }
        func index(_ fields: [(CBORValue, [UInt8])], _ name: String) -> Int {
            fields.firstIndex { $0.0 == .text(name) } ?? 0
        }
        var done = 0
        for case .object(let item) in listed {
            guard case .string(let operation)? = item["op"] else { continue }
            done += 1
            switch operation {
            case "flip one bit in payload timestamp":
                let bytes = try mutated { fields in
                    let at = index(fields, "timestamp")
                    fields[at].1[fields[at].1.count - 1] ^= 1
                }
                #expect(verify(bytes, time) == .rejected)
            case "flip one bit in the COSE signature":
                var bytes = evidence
                bytes[bytes.count - 1] ^= 1
                #expect(verify(bytes, time) == .rejected)
            case "protected header alg -35 to -7":
                let parts: [CBORValue] = [
                    .bytes(CBORValue.labelled([1: .integer(-7)]).encoded()), .map([]),
                    .bytes(Array(try #require(document.cose.payload))), .bytes(Array(document.cose.signature)),
                ]
                #expect(verify(CBORValue.array(parts).encoded(), time) != .verified)
            case "drop cabundle[1]":
                let bytes = try mutated { $0[index($0, "cabundle")].1 = bundle { $0.remove(at: 1) } }
                let result = try verifier(roots: [root], time: time).verify(bytes, expecting: .unbound)
                #expect(result.has("nitro.chain.links", .fail))
                #expect(result.conclusion == .rejected)
            case "replace cabundle[0] by own root":
                let own = TestIdentity.root(TestCertificateForm(name: "aws.nitro-enclaves"))
                let bytes = try mutated { $0[index($0, "cabundle")].1 = bundle { $0[0] = own.certificate.der } }
                let result = try verifier(roots: [root], time: time).verify(bytes, expecting: .unbound)
                #expect(result.has("nitro.chain.root", .fail))
            case "time timestamp+4h":
                let later = try verifier(roots: [root], time: time.adding(seconds: 14_400))
                    .verify(evidence, expecting: .unbound)
                #expect(later.has("nitro.chain.dates", .fail))
                #expect(later.conclusion == .rejected)
            case "append bytes after the COSE item":
                #expect(verify(evidence + [0], time) == nil)
            case "indefinite-length map with same content":
                // Real modules write an indefinite-length map; the same content with a definite head is another message.
                #expect(try mutated({ _ in }, indefinite: true) == evidence)
                #expect(verify(try mutated({ _ in }), time) == .rejected)
            case "duplicate key pcrs in payload map":
                let bytes = try mutated { fields in fields.append(fields[index(fields, "pcrs")]) }
                #expect(verify(bytes, time) == nil)
            default: Issue.record("no test for '\(operation)'")
            }
        }
        #expect(done == listed.count)
    }

    @Test("No flipped, cut or extended document passes") func battery() throws {
        let entry = try #require(Self.documents.first { $0.file == "dstack.cose" })
        let checker = verifier(roots: [try Self.awsRoot()], time: try #require(entry.validAt))
        let evidence = try vector("nitro/dstack.cose")
        #expect(conclusion(checker, evidence) == .verified)
        #expect(survivors(of: evidence, checker, step: 7) == [])
    }

    @Test("A policy names registers, age, data and key") func policy() throws {
        let evidence = try vector("nitro/dstack.cose")
        let time = try Timestamp("2025-12-25T16:10:00Z")
        let document = try NitroDocument(parsing: evidence[...])
        let root = try Self.awsRoot()
        var section = anyImage
        section.pcrs[0] = .only([document.pcrs[0] ?? []])
        section.maxAgeSeconds = .atMost(400)
        let good = try verifier(roots: [root], section, time: time).verify(evidence, expecting: .unbound)
        #expect(good.conclusion == .verified, "\(good.failures)")
        #expect(good.validUntil == (try Timestamp("2025-12-25T16:10:59Z")))
        section.maxAgeSeconds = .atMost(300)
        let old = try verifier(roots: [root], section, time: time).verify(evidence, expecting: .unbound)
        #expect(old.has("nitro.policy.age", .fail) && old.conclusion == .refusedByPolicy)
        section = anyImage
        for values: [[UInt8]] in [[], [[UInt8](repeating: 7, count: 48)]] {
            section.pcrs[2] = .only(values)
            let other = try verifier(roots: [root], section, time: time).verify(evidence, expecting: .unbound)
            #expect(other.has("nitro.policy.pcr[2]", .fail) && other.conclusion == .refusedByPolicy)
        }
        let none = try verifier(roots: [root], nil, time: time).verify(evidence, expecting: .unbound)
        // Without a section revocation lists are required too, and none were given.
        #expect(none.has("nitro.policy", .fail) && none.conclusion == .incomplete)
        let bound = Expectations(
            reportData: .exactly(document.userData ?? []),
            nonce: .exactly([]),
            publicKey: .exactly([])
        )
        #expect(conclusion(verifier(roots: [root], time: time), evidence, bound) == .verified)
        for part in 0..<3 {
            var wrong = bound
            let value = Expected.exactly([1, 2, 3])
            if part == 0 {
                wrong.reportData = value
            } else if part == 1 {
                wrong.nonce = value
            } else {
                wrong.publicKey = value
            }
            #expect(conclusion(verifier(roots: [root], time: time), evidence, wrong) == .refusedByPolicy)
        }
    }
}

@Suite("Nitro faults") struct NitroFaultTests {
    static let time = Timestamp(seconds: 1_760_000_000)

    @Test("A document of the fake module verifies, and its policy is read from JSON") func good() throws {
        let module = FakeNitro(time: Self.time)
        let text = """
            {"schema":"assay-attestation-policy-1","collateral":{"maxAgeSeconds":"any","graceSeconds":0},
             "nitro":{"debug":false,"maxAgeSeconds":300,"revocation":"whenGiven",
               "pcrs":{"0":["\(String(repeating: "01", count: 48))"],"1":"any","2":"any","3":"any","4":"any","8":"any",
                       "15":["\(String(repeating: "10", count: 48))"]}}}
            """
        let policy = try AttestationPolicy(parsing: Array(text.utf8))
        let section = try #require(policy.section(NitroPolicy.self))
        #expect(
            conclusion(verifier(roots: [module.root.certificate], section, time: Self.time), module.document())
                == .verified
        )
        for (from, to) in [
            ("\"debug\":false,", ""), ("\"8\":\"any\",", ""), ("\"revocation\":\"whenGiven\"", "\"revocation\":\"no\""),
            ("\"debug\"", "\"debugg\""), ("\"15\"", "\"32\""),
        ] {
            #expect(throws: ParseError.self) {
                try AttestationPolicy(parsing: Array(text.replacing(from, with: to).utf8))
            }
        }
    }

    @Test("A debug enclave is refused with zero registers, with some of them zero and without them")
    func debug() throws {
        for zero in [[0, 1, 2], [0], [1], [2]] {
            var module = FakeNitro(time: Self.time)
            let registers = (0..<16).map { index in
                CBORValue.Pair(
                    .unsigned(UInt64(index)),
                    .bytes([UInt8](repeating: zero.contains(index) ? 0 : 9, count: 48))
                )
            }
            module.set("pcrs", .map(registers))
            let result = try verifier(roots: [module.root.certificate], time: Self.time)
                .verify(module.document(), expecting: .unbound)
            #expect(result.conclusion == .refusedByPolicy && result.has("nitro.policy.measured", .fail))
            #expect(result.has("nitro.policy.debug", zero.count == 3 ? .fail : .pass))
            module.set("pcrs", .map(registers.enumerated().filter { !zero.contains($0.offset) }.map(\.element)))
            #expect(
                conclusion(verifier(roots: [module.root.certificate], time: Self.time), module.document())
                    == .refusedByPolicy
            )
        }
    }

    @Test("Another key's signature, another algorithm and a foreign root are rejected") func signatures() throws {
        let module = FakeNitro(time: Self.time)
        let checker = verifier(roots: [module.root.certificate], time: Self.time)
        #expect(conclusion(checker, module.document()) == .verified)
        #expect(conclusion(checker, module.document(key: TestKey(.p384))) == .rejected)
        #expect(conclusion(checker, module.document(algorithm: .es256)) == .rejected)
        let other = FakeNitro(time: Self.time)
        #expect(conclusion(checker, other.document()) == .rejected)
        #expect(conclusion(verifier(roots: [], time: Self.time), module.document()) == .incomplete)
        // A root of the same name with another key.
        #expect(conclusion(verifier(roots: [other.root.certificate], time: Self.time), module.document()) == .rejected)
    }

    @Test("The leaf must not be an authority, nor an authority a leaf") func constraints() throws {
        var module = FakeNitro(time: Self.time)
        let rogue = module.leaf.issue(TestCertificateForm(name: "rogue", serial: 9))
        module.set("certificate", .bytes(rogue.certificate.der))
        module.set(
            "cabundle",
            .array([
                .bytes(module.root.certificate.der), .bytes(module.intermediate.certificate.der),
                .bytes(module.leaf.certificate.der),
            ])
        )
        let result = try verifier(roots: [module.root.certificate], time: Self.time)
            .verify(module.document(key: rogue.key), expecting: .unbound)
        #expect(result.has("nitro.chain.constraints", .fail) && result.conclusion == .rejected)
    }

    @Test("Revocation: missing lists leave the question open, a listed leaf or zone is rejected") func revocation()
        throws
    {
        let module = FakeNitro(time: Self.time)
        var section = anyImage
        section.revocation = .required
        func check(_ lists: [[UInt8]]) -> Conclusion? {
            conclusion(
                verifier(roots: [module.root.certificate], section, lists: lists, time: Self.time),
                module.document()
            )
        }
        let root = module.root.revocationList()
        let zone = module.intermediate.revocationList()
        #expect(check([]) == .incomplete)
        #expect(check([root]) == .incomplete)
        #expect(check([root, zone]) == .verified)
        #expect(check([root, module.intermediate.revocationList(of: [3])]) == .rejected)
        #expect(check([module.root.revocationList(of: [2]), zone]) == .rejected)
        #expect(
            check([root, module.intermediate.revocationList(nextUpdate: Self.time.adding(seconds: -1))]) == .incomplete
        )
        let forger = FakeNitro(time: Self.time)
        #expect(check([root, forger.intermediate.revocationList()]) == .rejected)
        #expect(check([root, zone.dropLast() + [0]]) != .verified)
        section.revocation = .whenGiven
        #expect(check([]) == .verified)
        #expect(check([root]) == .incomplete)
        #expect(check([root, module.intermediate.revocationList(of: [3])]) == .rejected)
    }

    @Test("A document from the future, or from before or after its key's life, is refused") func clocks() throws {
        var module = FakeNitro(time: Self.time)
        for seconds: Int64 in [-4, 10_801] {
            module.set("timestamp", .unsigned(UInt64(Self.time.seconds + seconds) * 1000))
            let result = try verifier(roots: [module.root.certificate], time: Self.time)
                .verify(module.document(), expecting: .unbound)
            #expect(result.has("nitro.timestamp", .fail) && result.conclusion == .rejected)
        }
        module.set("timestamp", .unsigned(UInt64(Self.time.seconds + 61) * 1000))
        let future = try verifier(roots: [module.root.certificate], time: Self.time)
            .verify(module.document(), expecting: .unbound)
        #expect(future.has("nitro.policy.age", .fail) && future.conclusion == .refusedByPolicy)
    }

    @Test("Replay within the leaf's life is bounded by the age of the document") func replayWithinLeafLife() throws {
        let module = FakeNitro(time: Self.time)
        var section = anyImage
        section.maxAgeSeconds = .atMost(300)
        let later = Self.time.adding(seconds: 3600)
        let result = try verifier(roots: [module.root.certificate], section, time: later)
            .verify(module.document(), expecting: .unbound)
        #expect(result.crypto.isClean && result.conclusion == .refusedByPolicy)
    }

    @Test("A remembered chain does not outlive its certificates' dates or a new root") func memory() throws {
        let module = FakeNitro(time: Self.time)
        let checker = verifier(roots: [module.root.certificate], time: Self.time)
        #expect(conclusion(checker, module.document()) == .verified)
        #expect(conclusion(checker, module.document()) == .verified)
        // The same leaf name and issuer, not signed by it: the memory must not take it for the known one.
        var forged = module
        let forger = FakeNitro(time: Self.time)
        forged.set("certificate", .bytes(forger.leaf.certificate.der))
        #expect(conclusion(checker, forged.document(key: forger.leaf.key)) == .rejected)
        // A zone whose certificate has ended, under the key that is remembered from its good one.
        var ended = TestCertificateForm(name: "Test Nitro zone", serial: 4, isAuthority: true)
        ended.notAfter = Self.time.adding(seconds: -1)
        let zone = module.root.issue(ended, key: module.intermediate.key)
        var late = module
        late.set("cabundle", .array([module.root, zone].map { .bytes($0.certificate.der) }))
        for _ in 0..<2 {
            let result = try checker.verify(late.document(), expecting: .unbound)
            #expect(result.has("nitro.chain.dates", .fail) && result.conclusion == .rejected)
        }
    }

    @Test("Malformed payloads are refused as such") func malformed() throws {
        func refused(_ edit: (inout FakeNitro) -> Void) {
            var module = FakeNitro(time: Self.time)
            edit(&module)
            #expect(throws: ParseError.self) { try NitroDocument(parsing: module.document()[...]) }
        }
        for name in ["digest", "timestamp", "pcrs", "certificate", "cabundle"] { refused { $0.set(name, nil) } }
        refused { $0.set("module_id", .text("")) }
        refused { $0.set("digest", .text("SHA256")) }
        refused { $0.set("timestamp", .unsigned(0)) }
        refused { $0.set("timestamp", .integer(-1)) }
        refused { $0.set("timestamp", .unsigned(.max)) }
        refused { $0.set("timestamp", .float(1)) }
        refused { $0.set("pcrs", .map([])) }
        refused { $0.set("pcrs", .map([.init(.unsigned(32), .bytes([UInt8](repeating: 1, count: 48)))])) }
        refused { $0.set("pcrs", .map([.init(.integer(-1), .bytes([UInt8](repeating: 1, count: 48)))])) }
        refused { $0.set("pcrs", .map([.init(.unsigned(0), .bytes([UInt8](repeating: 1, count: 32)))])) }
        refused { $0.set("cabundle", .array([])) }
        refused { $0.set("cabundle", .array([CBORValue](repeating: .bytes([1]), count: 9))) }
        refused { $0.set("certificate", .bytes([UInt8](repeating: 0, count: 1025))) }
        refused { $0.set("nonce", .bytes([UInt8](repeating: 0, count: 513))) }
        refused { $0.set("user_data", .text("x")) }
        refused { $0.set("more", .null) }
    }

    @Test("Nonce, data and key come through; empty and null mean the same") func bound() throws {
        var module = FakeNitro(time: Self.time)
        module.set("nonce", .bytes([1, 2]))
        module.set("user_data", .bytes([3]))
        module.set("public_key", .bytes([]))
        let checker = verifier(roots: [module.root.certificate], time: Self.time)
        let wanted = Expectations(reportData: .exactly([3]), nonce: .exactly([1, 2]), publicKey: .exactly([]))
        #expect(conclusion(checker, module.document(), wanted) == .verified)
        module.set("public_key", .null)
        #expect(conclusion(checker, module.document(), wanted) == .verified)
    }

    @Test("The identity is of what was signed, not of the bytes that carry it") func identity() throws {
        let module = FakeNitro(time: Self.time)
        let checker = verifier(roots: [module.root.certificate], time: Self.time)
        let first = try checker.verify(module.document(), expecting: .unbound)
        let second = try checker.verify(module.document(), expecting: .unbound)
        #expect(module.document() != module.document())
        #expect(first.identity == second.identity)
        // A tag in front changes the bytes and not the meaning.
        let tagged = try checker.verify([0xd2] + module.document(), expecting: .unbound)
        #expect(tagged.identity == first.identity && tagged.conclusion == .verified)
    }
}
