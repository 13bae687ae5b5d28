// Every byte of real evidence changed, every length cut, bytes appended; every manifest mutation; every piece of collateral
// missing, damaged, stale or another platform's.

import Codecs
import Testing
import Verdicts

@testable import Attestation

@Suite("Byte batteries", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct ByteBatteryTests {
    static let genuine: [(file: String, collateral: String, time: String)] = [
        ("tdx/dcapqvl-v4-b0c0.quote", "collateral/tdx-b0c06f000000-2025-06-19.json", "2025-06-19T10:33:27Z"),
        ("tdx/gotdx-v5-sample.quote", "collateral/tdx-90c06f000000-2026-02-01.json", "2026-02-01T14:50:26Z"),
        ("sgx/dcapqvl-v3.quote", "collateral/sgx-00a067110000-2025-06-19.json", "2025-06-19T10:57:11Z"),
    ]

    static func setting(_ collateral: CollateralBundle, _ time: String) throws -> AppraisalSetting {
        AppraisalSetting(
            anchors: try vendorAnchors(),
            collateral: collateral,
            policy: .peerRules,
            time: try Timestamp(time)
        )
    }

    /// What became of `evidence`: the conclusion, or `nil` when it was refused before there was a verdict.
    static func conclusion(_ verifier: AttestationVerifier, _ evidence: [UInt8]) -> Conclusion? {
        do throws(ParseError) {
            return try verifier.verify(evidence, expecting: .unbound).conclusion
        } catch {
            return nil
        }
    }

    @Test("No changed byte passes: Intel", arguments: genuine.indices)
    func intelFlips(index: Int) async throws {
        let (file, path, time) = Self.genuine[index]
        let evidence = try vector(file)
        let verifier = AttestationVerifier(try Self.setting(try collateralBundle(path), time))
        let quote = try IntelQuote(evidence)
        #expect(Self.conclusion(verifier, evidence) == .verified)
        // Zeros after the quote are not part of it: a byte there that is no longer zero is refused like any other.
        // The version 5 quote shares its certificates' layout with the others: there every third byte is changed.
        let offsets = evidence.indices.filter { index != 1 || $0 < quote.byteCount - 3600 || $0.isMultiple(of: 3) }
        let requests = offsets.map { offset in
            var changed = evidence
            changed[offset] ^= 1 << UInt8(offset % 8)
            return AttestationVerifier.Request(evidence: changed, expectations: .unbound)
        }
        for (offset, outcome) in zip(offsets, await verifier.verify(batch: requests, workers: 2)) {
            if case .success(let result) = outcome {
                #expect(result.conclusion != .verified, "byte \(offset) of \(file)")
            }
        }
        for length in stride(from: 0, to: quote.byteCount, by: length(step: quote.byteCount)) {
            #expect(Self.conclusion(verifier, Array(evidence.prefix(length))) == nil, "\(length) bytes of \(file)")
        }
        #expect(Self.conclusion(verifier, Array(evidence.prefix(quote.byteCount - 1))) == nil)
        #expect(Self.conclusion(verifier, evidence + [1]) == nil)
        #expect(Self.conclusion(verifier, Array(evidence.prefix(quote.byteCount)) + [0, 0, 0, 1]) == nil)
        #expect(Self.conclusion(verifier, evidence + [UInt8](repeating: 0, count: 3000)) == .verified)
    }

    /// Every length of small evidence, a prime stride through large evidence.
    private func length(step count: Int) -> Int { count < 2000 ? 1 : 3 }

    @Test("No changed byte passes: SEV-SNP")
    func snpFlips() throws {
        let entry = try #require(
            FieldVectorTests.reports.first { $0.text("file") == "milan-v3-gcp-dstack.report" }
        )
        let evidence = try vector("sev-snp/milan-v3-gcp-dstack.report")
        let time = try Timestamp(try #require(entry.text("valid_at")))
        let verifier = try FieldVectorTests.verifier(try FieldVectorTests.collateral(entry), at: time)
        #expect(Self.conclusion(verifier, evidence) == .verified)
        for offset in evidence.indices {
            var changed = evidence
            changed[offset] ^= 1 << UInt8(offset % 8)
            #expect(Self.conclusion(verifier, changed) != .verified, "byte \(offset)")
        }
        for length in evidence.indices { #expect(Self.conclusion(verifier, Array(evidence.prefix(length))) == nil) }
        #expect(Self.conclusion(verifier, evidence + [0]) == nil)
    }

    @Test("The mutations of the Intel manifests", arguments: genuine.indices)
    func intelMutations(index: Int) throws {
        let (file, path, time) = Self.genuine[index]
        let evidence = try vector(file)
        let base = try collateralBundle(path)
        let genuineResult = try AttestationVerifier(try Self.setting(base, time)).verify(evidence, expecting: .unbound)
        let entry = try #require(
            IntelVectorTests.quotes.first { "\($0.family)/\($0.entry.text("file") ?? "")" == file }
        ).entry
        var count = 0
        for item in entry.list("mutations") {
            let mutation = try #require(ManifestObject(item))
            let what = "\(file): \(mutation.text("op") ?? "flip") \(mutation.text("what") ?? "")"
            var bytes = evidence
            var collateral = base
            var at = time
            var mustPass = false
            if let offset = mutation.integer("flip_byte"), let mask = mutation.integer("xor") {
                bytes[Int(offset)] ^= UInt8(mask)
            } else {
                switch mutation.text("op") {
                case "truncate": bytes = Array(bytes.prefix(Int(try #require(mutation.integer("keep")))))
                case "append":
                    bytes += try Hex.decode(try #require(mutation.text("bytes")))
                    mustPass = true
                case "replace quote signature s by n-s":
                    bytes = try Self.otherSignature(bytes)
                    mustPass = true
                case "zero quote signature":
                    let start = try IntelQuote(bytes).signature.startIndex
                    for offset in start..<start + 64 { bytes[offset] = 0 }
                case "collateral tcb_info", "collateral tcb_info_signature", "collateral tcb_info_issuer_chain":
                    Self.damage(&collateral, .intelTCBInfo, mutation.text("what") ?? "")
                case "collateral qe_identity", "collateral qe_identity_signature":
                    Self.damage(&collateral, .intelQEIdentity, mutation.text("what") ?? "")
                case "collateral pck_crl", "collateral root_ca_crl":
                    Self.damageList(&collateral, mutation.text("op") ?? "", mutation.text("what") ?? "")
                case "collateral swap":
                    let other = try collateralBundle(Self.genuine[(index + 1) % Self.genuine.count].collateral)
                    collateral.items.removeAll { $0.kind == .intelTCBInfo }
                    collateral.items += other.items(.intelTCBInfo)
                case "verification time": at = try #require(mutation.text("at"))
                default: Issue.record("unknown mutation \(what)")
                }
            }
            let verifier = AttestationVerifier(try Self.setting(collateral, at))
            let outcome = Self.conclusion(verifier, bytes)
            #expect((outcome == .verified) == mustPass, "\(what)")
            if mustPass {
                // Other bytes, the same evidence.
                #expect(try verifier.verify(bytes, expecting: .unbound).identity == genuineResult.identity, "\(what)")
            }
            count += 1
        }
        #expect(count >= 38)
    }

    /// The same quote with `n − s` for `s`.
    private static func otherSignature(_ quote: [UInt8]) throws -> [UInt8] {
        let order = try Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
        let start = try IntelQuote(quote).signature.startIndex + 32
        var changed = quote
        var borrow = 0
        for index in (0..<32).reversed() {
            var difference = Int(order[index]) - Int(quote[start + index]) - borrow
            borrow = difference < 0 ? 1 : 0
            if difference < 0 { difference += 256 }
            changed[start + index] = UInt8(difference)
        }
        return changed
    }

    private static func damage(_ bundle: inout CollateralBundle, _ kind: CollateralKind, _ what: String) {
        for index in bundle.items.indices where bundle.items[index].kind == kind {
            if what.contains("status") {
                let text = String(decoding: bundle.items[index].body, as: UTF8.self)
                let status = text.contains("\"OutOfDate\"") ? "\"OutOfDate\"" : "\"SWHardeningNeeded\""
                let parts = text.split(separator: status, maxSplits: 1, omittingEmptySubsequences: false)
                bundle.items[index].body = Array(parts.joined(separator: "\"UpToDate\"").utf8)
            } else if what.contains("space") {
                bundle.items[index].body.insert(0x20, at: 1)
            } else if what.contains("chain") {
                let authority = bundle.items(.certificate).map { PEM.encode($0.body) }
                bundle.items[index].chain = authority.flatMap { $0 }
            } else {
                bundle.items[index].signature[5] ^= 1
            }
        }
    }

    private static func damageList(_ bundle: inout CollateralBundle, _ operation: String, _ what: String) {
        let lists = bundle.items.indices.filter { bundle.items[$0].kind == .revocationList }
        let target = operation.contains("root") ? lists[0] : lists[1]
        if what.contains("replaced") {
            bundle.items[target].body = bundle.items[lists[0]].body
        } else if what.contains("empty") {
            bundle.items[target].body = []
        } else {
            bundle.items[target].body[bundle.items[target].body.count - 1] ^= 1
        }
    }

    @Test("Each piece of collateral missing leaves the question open", arguments: genuine.indices)
    func missingCollateral(index: Int) throws {
        let (file, path, time) = Self.genuine[index]
        let evidence = try vector(file)
        let base = try collateralBundle(path)
        for (position, item) in base.items.enumerated() where item.kind != .certificate {
            var bundle = base
            bundle.items.remove(at: position)
            let result = try AttestationVerifier(try Self.setting(bundle, time)).verify(evidence, expecting: .unbound)
            #expect(result.conclusion == .incomplete, "without \(item.kind) \(position): \(result.conclusion)")
            #expect(result.verdict.outcome == .inconclusive && !result.verdict.isAccepted)
        }
        var anchors = try vendorAnchors()
        anchors = TrustAnchors(roots: [.amdSEV: anchors.roots(.amdSEV)])
        let setting = AppraisalSetting(
            anchors: anchors,
            collateral: base,
            policy: .peerRules,
            time: try Timestamp(time)
        )
        #expect(try AttestationVerifier(setting).verify(evidence, expecting: .unbound).conclusion == .incomplete)
        // Another vendor's root in the place of the right one is not a missing root but a wrong chain.
        let wrong = TrustAnchors(roots: [.intelSGX: try vendorAnchors().roots(.amdSEV)])
        var wrongSetting = setting
        wrongSetting.anchors = wrong
        #expect(try AttestationVerifier(wrongSetting).verify(evidence, expecting: .unbound).conclusion == .rejected)
    }

    @Test("A verdict says until when it holds, and one second later it does not hold")
    func validity() throws {
        for (file, path, time) in Self.genuine {
            let evidence = try vector(file)
            let bundle = try collateralBundle(path)
            var setting = try Self.setting(bundle, time)
            let result = try AttestationVerifier(setting).verify(evidence, expecting: .unbound)
            let last = try #require(result.validUntil)
            let first = try #require(result.validFrom)
            #expect(first <= setting.time && setting.time <= last)
            setting.time = last
            #expect(try AttestationVerifier(setting).verify(evidence, expecting: .unbound).conclusion == .verified)
            setting.time = last.adding(seconds: 1)
            #expect(try AttestationVerifier(setting).verify(evidence, expecting: .unbound).conclusion == .incomplete)
            setting.time = first
            #expect(try AttestationVerifier(setting).verify(evidence, expecting: .unbound).conclusion == .verified)
            setting.time = first.adding(seconds: -1)
            #expect(try AttestationVerifier(setting).verify(evidence, expecting: .unbound).conclusion != .verified)
            // Grace keeps stale collateral usable, and no longer than it says.
            setting.time = last.adding(seconds: 3600)
            setting.policy.collateral.graceSeconds = 3600
            #expect(try AttestationVerifier(setting).verify(evidence, expecting: .unbound).conclusion == .verified)
            setting.time = last.adding(seconds: 3601)
            #expect(try AttestationVerifier(setting).verify(evidence, expecting: .unbound).conclusion == .incomplete)
        }
    }
}
