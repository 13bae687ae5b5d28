// Parsers under random changes of real and fake evidence: nothing may crash, and nothing changed may be accepted as verified
// except what is known to be outside the signed meaning. The seed is printed with a failure.

import AssayTesting
import Codecs
import Foundation
import Testing

@testable import Attestation

@Suite("Attestation fuzz")
struct AttestationFuzzTests {
    /// SplitMix64, so that one seed replays one run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }

    /// How many inputs each parser gets; `ASSAY_FUZZ_COUNT` asks for more.
    private static let count = Int(ProcessInfo.processInfo.environment["ASSAY_FUZZ_COUNT"] ?? "") ?? 2000

    private static func mutated(_ bytes: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            guard !result.isEmpty else { return [UInt8.random(in: 0...255, using: &generator)] }
            let offset = Int.random(in: 0..<result.count, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: result[offset] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1: result[offset] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &generator) ?? 0
            case 2: result.removeLast(min(result.count, Int.random(in: 1...64, using: &generator)))
            case 3: result.insert(UInt8.random(in: 0...255, using: &generator), at: offset)
            case 4: result.remove(at: offset)
            default:
                // A length field somewhere: the largest number of its width.
                for index in offset..<min(offset + 4, result.count) { result[index] = 0xff }
            }
        }
        return result
    }

    @Test("Random changes crash no parser", arguments: [0, 1, 2, 3, 4, 5, 6, 7])
    func parsers(kind: Int) throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = Generator(state: seed)
        let platform = FakeIntelPlatform()
        let bundle = platform.collateral(isTDX: true)
        let seeds: [[UInt8]] = [
            platform.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.tdBody())),
            platform.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.enclaveBody())),
            FakeAMDProcessor(.turin).report(),
            platform.pck.certificate.der,
            platform.authority.revocationList(of: [1, 2, 3]),
            bundle.items(.intelTCBInfo)[0].body,
            bundle.items(.intelQEIdentity)[0].body,
            platform.pemChain,
        ]
        let start = seeds[kind]
        var accepted = 0
        for _ in 0..<Self.count {
            let bytes = Self.mutated(start, &generator)
            guard bytes != start else { continue }
            do throws(ParseError) {
                switch kind {
                case 0, 1, 2: _ = try AttestationVerifier.inspect(bytes)
                case 3: _ = try PCKPlatform(try Certificate(der: bytes))
                case 4: _ = try RevocationList(der: bytes)
                case 5: _ = try TCBInfo(parsing: bytes)
                case 6: _ = try EnclaveIdentity(parsing: bytes)
                default: _ = try Certificate.chain(pem: bytes[...])
                }
                accepted += 1
            } catch {
                #expect(error.actual.count <= 120, "seed \(seed)")
            }
        }
        // Most changes break a form; if none were ever readable, the loop would have tested only the first check.
        #expect(accepted < Self.count, "seed \(seed)")
    }

    @Test("No random change of a fake quote or report is verified")
    func verifiers() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = Generator(state: seed)
        let platform = FakeIntelPlatform()
        let processor = FakeAMDProcessor(.genoa)
        var anchors = platform.anchors
        anchors.pin(processor.root.certificate, in: .amdSEV)
        var policy = AttestationPolicy.peerRules
        policy.set(SNPPolicy.vectorRules)
        let setting = AppraisalSetting(
            anchors: anchors,
            collateral: CollateralBundle(
                platform.collateral(isTDX: true).items + processor.collateral([processor.endorsement()]).items
            ),
            policy: policy,
            time: FakeIntelTests.time
        )
        let verifier = AttestationVerifier(setting)
        let quote = platform.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.tdBody()))
        for start in [quote, processor.report()] {
            let genuine = try verifier.verify(start, expecting: .unbound)
            #expect(genuine.conclusion == .verified)
            for _ in 0..<Self.count / 4 {
                let bytes = Self.mutated(start, &generator)
                guard bytes != start else { continue }
                do throws(ParseError) {
                    let result = try verifier.verify(bytes, expecting: .unbound)
                    // What still verifies must be the same evidence: line ends in the PEM text, zeros behind the quote.
                    if result.conclusion == .verified {
                        #expect(result.identity == genuine.identity, "seed \(seed)")
                    }
                } catch {
                    continue
                }
            }
        }
    }
}
