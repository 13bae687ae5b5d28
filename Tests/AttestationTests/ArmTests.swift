// Arm CCA and PSA tokens: the shared vectors in both serializations, and the faults that need fake platforms.
import AssayTesting
import Codecs
import Foundation
import Signatures
import Testing
import Verdicts

@testable import Attestation

private let anyPlatform = ArmPlatformPolicy(
    profiles: .any,
    implementationIDs: .any,
    instanceIDs: .any,
    lifecycles: .only(["secured"]),
    measurements: .any,
    signerIDs: .any
)
private let anyRealm = CCAPolicy(
    platform: anyPlatform,
    configurations: .any,
    initialMeasurements: .any,
    extensibleMeasurements: [.any, .any, .any, .any],
    personalizations: .any
)

private func verifier(
    cca: [PinnedKey] = [],
    psa: [PinnedKey] = [],
    _ realm: CCAPolicy? = anyRealm,
    _ device: PSAPolicy? = PSAPolicy(platform: anyPlatform)
) -> AttestationVerifier {
    var policy = AttestationPolicy(collateral: laxCollateral)
    if let realm { policy.set(realm) }
    if let device { policy.set(device) }
    return AttestationVerifier(
        AppraisalSetting(
            anchors: TrustAnchors(keys: [.armCCA: cca, .armPSA: psa]),
            collateral: CollateralBundle(),
            policy: policy,
            time: Timestamp(seconds: 1_760_000_000)
        )
    )
}

private func pin(_ key: PublicKey, _ id: [UInt8] = []) -> PinnedKey { PinnedKey(id: id, key: key) }

@Suite("CCA vectors", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct CCAVectorTests {
    static let entries = tokenManifest("cca")
    static let tokens = entries.filter {
        ["cca-token-01.cbor", "cca-token-draft-ffm-00.cbor", "bug-33-repro.cbor", "cca-trustee-example.cbor"]
            .contains($0.file)
    }

    static func platformKey() throws -> PublicKey {
        try PublicKey(jwk: try JSONValue(parsing: try vector("cca/cpak.json")))
    }

    @Test("Tokens of the manifest", arguments: tokens) func verdicts(_ entry: ManifestEntry) throws {
        let evidence = try vector("cca/" + entry.file)
        #expect(AttestationVerifier.kind(of: evidence) == .cca)
        let checker = verifier(cca: [pin(try Self.platformKey())])
        let result = try checker.verify(evidence, expecting: .unbound)
        if entry.verdict == "valid" {
            #expect(result.conclusion == .verified, "\(result.failures)")
        } else {
            #expect(result.conclusion == .rejected)
            #expect(result.crypto.checks.filter { $0.result == .fail }.map(\.id) == ["cca.binding"])
        }
        #expect(conclusion(verifier(), evidence) == .incomplete || entry.verdict == "invalid")
        #expect(conclusion(verifier(cca: [pin(TestKey(.p384).publicKey)]), evidence) == .rejected)
    }

    @Test("The platform key is the same as JWK and PEM, and as pinned by device") func keys() throws {
        #expect(try PublicKey(pem: try vector("cca/cca_platform.pub")) == (try Self.platformKey()))
        let evidence = try vector("cca/cca-token-01.cbor")
        let platform = try CCAToken(parsing: evidence).platform
        let key = try Self.platformKey()
        for id in [platform.instanceID, platform.implementationID, []] {
            #expect(conclusion(verifier(cca: [pin(key, id)]), evidence) == .verified)
        }
        #expect(conclusion(verifier(cca: [pin(key, [9])]), evidence) == .incomplete)
        // A pin of the very device is the only one that counts for it.
        let other = TestKey(.p384).publicKey
        #expect(conclusion(verifier(cca: [pin(key), pin(other, platform.instanceID)]), evidence) == .rejected)
    }

    @Test("Mutations of the manifest") func mutations() throws {
        let entry = try #require(Self.tokens.first { $0.file == "cca-token-01.cbor" })
        guard case .array(let listed)? = entry.object["mutations"] else {
            Issue.record("the manifest lists mutations")
            return
        }
        let evidence = try vector("cca/cca-token-01.cbor")
        let other = try vector("cca/cca-token-draft-ffm-00.cbor")
        let checker = verifier(cca: [pin(try Self.platformKey())])
        func members(_ bytes: [UInt8]) throws -> (platform: [UInt8], realm: [UInt8]) {
            guard case .tagged(_, let map) = try CBORItem(parsing: bytes, .tolerant).content else { return ([], []) }
            return (
                Array(try #require(map[44234]).byteString(0...9999, "")),
                Array(try #require(map[44241]).byteString(0...9999, ""))
            )
        }
        func collection(_ platform: [UInt8], _ realm: [UInt8]) -> [UInt8] {
            CBORValue.tagged(399, .labelled([44234: .bytes(platform), 44241: .bytes(realm)])).encoded()
        }
        let (platform, realm) = try members(evidence)
        #expect(conclusion(checker, collection(platform, realm)) == .verified)
        for case .object(let item) in listed {
            guard case .string(let operation)? = item["op"] else { continue }
            switch operation {
            case "flip in realm payload":
                var broken = realm
                // Inside the challenge.
                let at = try #require(broken.indices.first { broken[$0...].starts(with: [0xab, 0xab, 0xab]) })
                broken[at + 5] ^= 1
                let result = try checker.verify(collection(platform, broken), expecting: .unbound)
                #expect(result.has("cca.realm.signature", .fail) && result.conclusion == .rejected)
            case "flip in platform payload":
                var broken = platform
                let at = try #require(broken.indices.first { broken[$0...].starts(with: Array("whatever".utf8)) })
                broken[at] ^= 1
                let result = try checker.verify(collection(broken, realm), expecting: .unbound)
                #expect(result.has("cca.platform.signature", .fail) && result.conclusion == .rejected)
            case "realm token of cca-token-draft-ffm-00 with the platform token of cca-token-01":
                // Two profiles: refused before anything is verified.
                #expect(conclusion(checker, collection(platform, try members(other).realm)) == nil)
                // The same mix within one profile fails in the binding.
                let bug = try members(try vector("cca/bug-33-repro.cbor"))
                let result = try checker.verify(collection(bug.platform, realm), expecting: .unbound)
                #expect(result.has("cca.binding", .fail) && result.conclusion == .rejected)
            case "tag 399 to 907":
                // The newer collection has records for members, so the plain ones under its tag are malformed.
                #expect(conclusion(checker, [0xd9, 0x03, 0x8b] + evidence.dropFirst(3)) == nil)
            case "lifecycle 12291 (secured) to 16384 with re-signing by a test key":
                var fake = FakeCCA(isLegacy: true)
                let pinned = verifier(cca: [pin(fake.platformKey.publicKey)])
                fake.platform[2395] = .unsigned(12291)
                #expect(conclusion(pinned, fake.token()) == .verified)
                fake.platform[2395] = .unsigned(16384)
                #expect(conclusion(pinned, fake.token()) == .refusedByPolicy)
            default: Issue.record("no test for '\(operation)'")
            }
        }
        #expect(listed.count == 5)
    }

    @Test("No flipped, cut or extended token passes") func battery() throws {
        let checker = verifier(cca: [pin(try Self.platformKey())])
        let evidence = try vector("cca/cca-token-01.cbor")
        #expect(conclusion(checker, evidence) == .verified)
        #expect(survivors(of: evidence, checker, step: 11) == [])
        let fake = FakeCCA()
        let pinned = verifier(cca: [pin(fake.platformKey.publicKey)])
        let newer = fake.token(tag: 907)
        #expect(conclusion(pinned, newer) == .verified)
        #expect(survivors(of: newer, pinned, step: 11) == [])
    }

    @Test("Bare claim sets of the manifest") func claims() throws {
        #expect(throws: Never.self) {
            try CCAPlatformClaims(try CBORItem(parsing: try vector("cca/platform-claims.cbor"), .tolerant))
        }
        for name in ["realm-claims", "realm-claims-spurious-numeric-key", "realm-claims-spurious-text-key"] {
            #expect(throws: Never.self, "\(name)") {
                try CCARealmClaims(try CBORItem(parsing: try vector("cca/\(name).cbor"), .tolerant))
            }
        }
        #expect(throws: ParseError.self) {
            let bytes = try vector("cca/realm-claims-missing-challenge.cbor")
            return try CCARealmClaims(try CBORItem(parsing: bytes, .tolerant))
        }
    }

    @Test("Claims in JSON", arguments: entries.filter { $0.file.hasPrefix("claims-") })
    func json(_ entry: ManifestEntry) throws {
        var refusal: ParseError?
        do throws(ParseError) {
            let value: JSONValue
            do { value = try JSONValue(parsing: try vector("cca/" + entry.file)) } catch let error as ParseError {
                throw error
            } catch {
                Issue.record("\(error)")
                return
            }
            if entry.file.hasPrefix("claims-platform") {
                _ = try CCAPlatformClaims(value)
            } else {
                _ = try CCARealmClaims(value)
            }
        } catch {
            refusal = error
        }
        #expect((refusal == nil) == (entry.verdict == "valid"), "\(refusal?.description ?? "accepted")")
    }
}

@Suite("PSA vectors", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct PSAVectorTests {
    static let entries = tokenManifest("psa")

    @Test("Tokens of the manifest", arguments: entries.filter { $0.file.hasSuffix(".bin") })
    func verdicts(_ entry: ManifestEntry) throws {
        let evidence = try vector("psa/" + entry.file)
        #expect(AttestationVerifier.kind(of: evidence) == .psa)
        let key = try PublicKey(pem: try vector("psa/public.pem"))
        let checker = verifier(psa: [pin(key)])
        let result = try checker.verify(evidence, expecting: .unbound)
        if entry.verdict == "valid" {
            #expect(result.conclusion == .verified, "\(result.failures)")
            #expect(conclusion(verifier(), evidence) == .incomplete)
            #expect(survivors(of: evidence, checker) == [])
        } else {
            #expect(entry.verdict == "incomplete" && result.conclusion == .incomplete)
        }
        let claims = try PSAToken(parsing: evidence).claims
        #expect(claims.profile == (entry.file.contains("iot-1") ? .one : .two))
        #expect(claims.components.map(\.type) == ["SPE", "NSPE"] && claims.lifecycle == .secured)
    }

    /// Which of the profiles takes the JSON claims; the files carry the members of both.
    private func profiles(_ file: String) throws -> Set<PSAProfile> {
        let value = try JSONValue(parsing: try vector("psa/" + file))
        return Set([PSAProfile.one, .two].filter { (try? PSAClaimValues(value, as: $0)) != nil })
    }

    @Test("Claims in JSON", arguments: entries.filter { $0.file.hasPrefix("claims-") })
    func json(_ entry: ManifestEntry) throws {
        let accepted = try profiles(entry.file)
        switch entry.file {
        case "claims-test-token-valid-full.json": #expect(accepted == [.one, .two])
        case "claims-test-token-valid-minimalist-p2.json": #expect(accepted == [.two])
        // Both files are the same claims without any profile: that is profile 1 by default, and no profile 2.
        case "claims-test-profile-valid-missing.json", "claims-test-profile-invalid-missing.json":
            #expect(accepted == [.one])
        // Mandatory in profile 1, optional in profile 2.
        case "claims-test-boot-seed-invalid-missing.json": #expect(accepted == [.two])
        case let name where entry.verdict == "valid":
            #expect(accepted == [.one], "\(name)")
        default: #expect(accepted.isEmpty, "\(accepted)")
        }
    }
}

@Suite("Arm faults") struct ArmFaultTests {
    @Test("Platform keys on P-256, P-384 and P-521, both collections, both profiles") func forms() throws {
        for curve in SignatureCurve.allCases {
            for isLegacy in [false, true] {
                for tag: UInt64 in [399, 907] {
                    let fake = FakeCCA(isLegacy: isLegacy, platformCurve: curve)
                    let checker = verifier(cca: [pin(fake.platformKey.publicKey)])
                    let result = try checker.verify(fake.token(tag: tag), expecting: .unbound)
                    #expect(result.conclusion == .verified, "\(result.failures)")
                    #expect(conclusion(checker, fake.token(tag: tag, asRecords: tag == 399)) == nil)
                }
            }
        }
    }

    @Test("The binding uses the hash that the realm names for its key, not the measurement hash") func bindingHash()
        throws
    {
        for hash in [HashAlgorithm.sha256, .sha384, .sha512] {
            var fake = FakeCCA()
            fake.realm[44240] = .text(hash.rawValue)
            let checker = verifier(cca: [pin(fake.platformKey.publicKey)])
            fake.bindingHash = hash
            #expect(conclusion(checker, fake.token()) == .verified)
            fake.bindingHash = hash == .sha512 ? .sha256 : .sha512
            let result = try checker.verify(fake.token(), expecting: .unbound)
            #expect(result.has("cca.binding", .fail) && result.conclusion == .rejected)
        }
    }

    @Test("The binding is over the key's bytes as they stand, not over another encoding of the key") func bindingBytes()
        throws
    {
        var fake = FakeCCA()
        fake.challenge = HashAlgorithm.sha256.digest([4] + fake.realmKey.coordinates)
        let checker = verifier(cca: [pin(fake.platformKey.publicKey)])
        #expect(conclusion(checker, fake.token()) == .rejected)
    }

    @Test("A realm of one platform with the platform token of another fails") func mix() throws {
        let one = FakeCCA()
        let two = FakeCCA()
        let checker = verifier(cca: [pin(one.platformKey.publicKey), pin(two.platformKey.publicKey)])
        #expect(conclusion(checker, one.token()) == .verified && conclusion(checker, two.token()) == .verified)
        let result = try checker.verify(one.token(realm: two.realmToken()), expecting: .unbound)
        #expect(result.has("cca.binding", .fail) && result.conclusion == .rejected)
        let forged = try checker.verify(one.token(realm: one.realmToken(key: two.realmKey)), expecting: .unbound)
        #expect(forged.has("cca.realm.signature", .fail) && forged.conclusion == .rejected)
        let platform = try checker.verify(
            one.token(platform: one.platformToken(key: TestKey(.p384))),
            expecting: .unbound
        )
        #expect(platform.has("cca.platform.signature", .fail) && platform.conclusion == .rejected)
    }

    @Test("Lifecycle states", arguments: ArmLifecycle.allCases) func lifecycle(_ state: ArmLifecycle) throws {
        let wanted: Conclusion = state == .secured ? .verified : .refusedByPolicy
        for low: Int64 in [0, 0xff] {
            var cca = FakeCCA()
            cca.platform[2395] = .integer(state.rawValue | low)
            #expect(conclusion(verifier(cca: [pin(cca.platformKey.publicKey)]), cca.token()) == wanted)
            var psa = FakePSA()
            psa.claims[2395] = .integer(state.rawValue | low)
            #expect(conclusion(verifier(psa: [pin(psa.key.publicKey)]), psa.token()) == wanted)
        }
        var undefined = FakePSA()
        undefined.claims[2395] = .integer(state.rawValue | 0x100)
        #expect(conclusion(verifier(psa: [pin(undefined.key.publicKey)]), undefined.token()) == nil)
    }

    @Test("Realm keys that are no P-384 points are rejected") func realmKeys() throws {
        var fake = FakeCCA(isLegacy: true)
        let checker = verifier(cca: [pin(fake.platformKey.publicKey)])
        fake.realm[44237] = .bytes([4] + [UInt8](repeating: 1, count: 96))
        let off = try checker.verify(fake.token(), expecting: .unbound)
        #expect(off.has("cca.realm.key", .fail) && off.conclusion == .rejected)
        var small = FakeCCA()
        let key = TestKey(.p256)
        small.realm[44237] = .bytes(
            CBORValue.labelled([
                1: .integer(2), -1: .integer(1), -2: .bytes(Array(key.coordinates.prefix(32))),
                -3: .bytes(Array(key.coordinates.dropFirst(32))),
            ]).encoded()
        )
        let weak = verifier(cca: [pin(small.platformKey.publicKey)])
        #expect(conclusion(weak, small.token(realm: small.realmToken(key: key))) == .rejected)
    }

    @Test("Claims that are missing, short or undefined are malformed") func malformedClaims() throws {
        for label: Int64 in [265, 2396, 256, 2401, 2395, 2402, 2399] {
            var fake = FakeCCA()
            fake.platform[label] = nil
            #expect(throws: ParseError.self, "\(label)") { try CCAToken(parsing: fake.token()) }
        }
        for label: Int64 in [10, 44235, 44236, 44237, 44240, 44238, 44239] {
            var fake = FakeCCA()
            fake.realm[label] = nil
            #expect(throws: ParseError.self, "\(label)") { try CCAToken(parsing: fake.token()) }
        }
        let wrong: [(Int64, CBORValue)] = [
            (10, .bytes([UInt8](repeating: 0, count: 63))), (44240, .text("sha-1")), (44240, .text("md5")),
            (44239, .array([CBORValue](repeating: .bytes([UInt8](repeating: 7, count: 64)), count: 3))),
            (44239, .array([CBORValue](repeating: .bytes([UInt8](repeating: 7, count: 64)), count: 5))),
            (44238, .bytes([UInt8](repeating: 0, count: 33))), (265, .text("tag:arm.com,2023:realm#9")),
        ]
        for (label, value) in wrong {
            var fake = FakeCCA()
            fake.realm[label] = value
            #expect(throws: ParseError.self, "\(label)") { try CCAToken(parsing: fake.token()) }
        }
        var psa = FakePSA()
        psa.claims[256] = .bytes([2] + [UInt8](repeating: 2, count: 32))
        #expect(throws: ParseError.self) { try PSAToken(parsing: psa.token()) }
        #expect(throws: ParseError.self) { try PSAToken(parsing: FakePSA().token(tag: nil)) }
    }

    @Test("Every component must be acceptable, and nonce and challenge must be the asked ones") func policies() throws {
        let psa = FakePSA()
        let cca = FakeCCA()
        func check(_ measurements: Allowed<[UInt8]>, _ signers: Allowed<[UInt8]>, _ wanted: Conclusion) {
            var platform = anyPlatform
            platform.measurements = measurements
            platform.signerIDs = signers
            var realm = anyRealm
            realm.platform = platform
            let checker = verifier(
                cca: [pin(cca.platformKey.publicKey)],
                psa: [pin(psa.key.publicKey)],
                realm,
                PSAPolicy(platform: platform)
            )
            #expect(conclusion(checker, psa.token()) == wanted)
            #expect(conclusion(checker, cca.token()) == wanted)
        }
        let (first, second) = ([UInt8](repeating: 0x11, count: 32), [UInt8](repeating: 0x12, count: 32))
        check(.only([first, second]), .only([[UInt8](repeating: 0x51, count: 32)]), .verified)
        check(.only([first]), .any, .refusedByPolicy)
        check(.only([]), .any, .refusedByPolicy)
        check(.any, .only([first]), .refusedByPolicy)
        let nonce = [UInt8](repeating: 0x0a, count: 32)
        let device = verifier(psa: [pin(psa.key.publicKey)])
        func expecting(_ nonce: [UInt8]) -> Expectations {
            Expectations(reportData: .any, nonce: .exactly(nonce), publicKey: .any)
        }
        #expect(conclusion(device, psa.token(), expecting(nonce)) == .verified)
        #expect(conclusion(device, psa.token(), expecting(nonce + [0])) == .refusedByPolicy)
        let realm = verifier(cca: [pin(cca.platformKey.publicKey)])
        let challenge = [UInt8](repeating: 0x0a, count: 64)
        let bound = Expectations(reportData: .exactly(challenge), nonce: .any, publicKey: .any)
        #expect(conclusion(realm, cca.token(), bound) == .verified)
        let other = Expectations(reportData: .exactly(challenge.dropLast() + [0]), nonce: .any, publicKey: .any)
        #expect(conclusion(realm, cca.token(), other) == .refusedByPolicy)
        for index in 0..<4 {
            var rules = anyRealm
            rules.extensibleMeasurements[index] = .only([[UInt8](repeating: 8, count: 64)])
            #expect(
                conclusion(verifier(cca: [pin(cca.platformKey.publicKey)], rules), cca.token()) == .refusedByPolicy
            )
        }
        #expect(conclusion(verifier(cca: [pin(cca.platformKey.publicKey)], nil), cca.token()) == .refusedByPolicy)
    }

    @Test("A CCA policy is read from JSON, term by term") func policyText() throws {
        let text = """
            {"schema":"assay-attestation-policy-1","collateral":{"maxAgeSeconds":"any","graceSeconds":0},
             "cca":{"profiles":["tag:arm.com,2023:cca_platform#1.0.0"],"implementationIDs":"any","instanceIDs":"any",
               "lifecycles":["secured"],"measurements":"any","signerIDs":"any","configurations":["cf"],
               "initialMeasurements":"any","personalizations":"any",
               "extensibleMeasurements":{"0":"any","1":"any","2":"any","3":"any"}}}
            """
        let policy = try AttestationPolicy(parsing: Array(text.utf8))
        let fake = FakeCCA()
        #expect(
            conclusion(verifier(cca: [pin(fake.platformKey.publicKey)], policy.section(CCAPolicy.self)), fake.token())
                == .verified
        )
        for (from, to) in [
            ("\"3\":\"any\"", "\"4\":\"any\""), ("\"secured\"", "\"safe\""), ("\"configurations\":[\"cf\"],", ""),
            ("cca_platform#1", "cca_platform#2"), ("\"signerIDs\"", "\"signerIds\""),
        ] {
            #expect(throws: ParseError.self, "\(from)") {
                try AttestationPolicy(parsing: Array(text.replacing(from, with: to).utf8))
            }
        }
    }
}

@Suite("COSE") struct COSETests {
    @Test("Each algorithm verifies with its own key and with no other") func algorithms() throws {
        let payload: [UInt8] = Array("payload".utf8)
        for curve in SignatureCurve.allCases {
            let key = TestKey(curve)
            let cose = try COSESign1(parsing: FakeCOSE.sign1(payload: payload, key: key).encoded()[...])
            #expect(cose.isSigned(by: key.publicKey))
            #expect(!cose.isSigned(by: TestKey(curve).publicKey))
            for other in COSEAlgorithm.allCases where other != key.publicKey.coseAlgorithm {
                let renamed = FakeCOSE.sign1(payload: payload, key: key, algorithm: other).encoded()
                #expect(!(try COSESign1(parsing: renamed[...])).isSigned(by: key.publicKey))
            }
        }
        let key = try SigningKey.generate()
        let protected = CBORValue.labelled([1: .integer(-8)]).encoded()
        let message = COSESign1.signedBytes(protected: protected[...], payload: payload[...])
        let parts: [CBORValue] = [
            .bytes(protected), .map([]), .bytes(payload), .bytes(try key.signature(for: message)),
        ]
        let cose = try COSESign1(parsing: CBORValue.array(parts).encoded()[...])
        #expect(cose.isSigned(by: key.verifyingKey))
        #expect(!cose.isSigned(by: key.verifyingKey, externalAAD: [1]))
    }

    @Test("The example of RFC 9052 Appendix C.2.1 verifies") func rfcExample() throws {
        // ES256 by the key "11" of Appendix C.7.1, payload "This is the content."
        let bytes = try Hex.decode(
            "d28443a10126a10442313154546869732069732074686520636f6e74656e742e58408eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4"
                + "d25a91aef0b0117e2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36"
        )
        let x = try Hex.decode("bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff")
        let y = try Hex.decode("20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e")
        let key = try PublicKey(coordinates: (x + y)[...], on: .p256)
        let cose = try COSESign1(parsing: bytes[...], tag: .required)
        #expect(cose.isSigned(by: key))
        #expect(cose.payload.map { String(decoding: $0, as: UTF8.self) } == "This is the content.")
        for offset in bytes.indices {
            var broken = bytes
            broken[offset] ^= 1
            if let parsed = try? COSESign1(parsing: broken[...], tag: .required), parsed.isSigned(by: key) {
                // The unprotected key identifier is under no signature.
                #expect((7...11).contains(offset), "byte \(offset)")
            }
        }
    }

    @Test("Structures that are wrong in form are refused") func malformed() throws {
        func parse(_ parts: [CBORValue], tag: COSETagRule = .optional) throws -> COSESign1 {
            try COSESign1(parsing: CBORValue.array(parts).encoded()[...], tag: tag)
        }
        let header = CBORValue.labelled([1: .integer(-7)])
        let good: [CBORValue] = [.bytes(header.encoded()), .map([]), .bytes([1]), .bytes([2])]
        #expect(throws: Never.self) { try parse(good) }
        #expect(throws: ParseError.self) { try parse(good, tag: .required) }
        #expect(throws: ParseError.self) { try parse(good + [.null]) }
        #expect(throws: ParseError.self) { try parse(Array(good.dropLast())) }
        #expect(throws: ParseError.self) {
            try COSESign1(parsing: CBORValue.tagged(18, .array(good)).encoded()[...], tag: .forbidden)
        }
        #expect(throws: ParseError.self) { try COSESign1(parsing: CBORValue.tagged(17, .array(good)).encoded()[...]) }
        let critical = CBORValue.labelled([1: .integer(-7), 2: .array([.integer(99)]), 99: .null])
        #expect(throws: ParseError.self) { try parse([.bytes(critical.encoded())] + good.dropFirst()) }
        #expect(throws: ParseError.self) { try parse([good[0], header, good[2], good[3]]) }
        #expect(throws: ParseError.self) { try parse([.bytes([0xff]), .map([]), good[2], good[3]]) }
        #expect(throws: ParseError.self) { try parse([.bytes([0x01]), .map([]), good[2], good[3]]) }
        // An algorithm that stands only in the unprotected header decides nothing.
        let loose = try parse([.bytes([]), header, good[2], good[3]])
        #expect(loose.algorithm == nil)
        // A detached payload is signed only when it is given.
        let detached = try parse([good[0], .map([]), .null, good[3]])
        let whole = try parse(good).signedBytes()
        #expect(detached.signedBytes() == nil && detached.signedBytes(detached: [1]) == whole)
    }
}
