// Azure confidential VM bundles: the shared vectors, their mutations, and one bundle from the AMD root to the registers.
import AssayTesting
import Codecs
import Foundation
import Testing
import Verdicts

@testable import Attestation

@Suite("Azure vectors", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct AzureVectorTests {
    static let files = ["azure-tdx-evidence-v1.json", "azure-snp-evidence-v1.json", "azure-snp-evidence-v0.json"]

    private func appraise(_ evidence: [UInt8], _ expectations: Expectations = .unbound) throws -> AttestationResult {
        let section = AzurePolicy(registers: registerPolicy(), secureBoot: .must(true))
        return try tokenVerifier(TrustAnchors(), [section]).verify(evidence, expecting: expectations)
    }

    /// The lines that the manifest's own check covers: quote signature, PCR digest, binding.
    private static let lines = ["azure.vtpm.signature", "azure.vtpm.pcrDigest", "azure.binding"]

    @Test("vTPM quote, registers and binding verify", arguments: files) func valid(_ file: String) throws {
        let evidence = try vector("tpm/" + file)
        #expect(AttestationVerifier.kind(of: evidence) == .azureVTPM)
        let nonce = Expectations(reportData: .any, nonce: .exactly(Array("challenge".utf8)), publicKey: .any)
        let result = try appraise(evidence, nonce)
        for id in Self.lines { #expect(result.has(id, .pass), "\(id): \(result.failures)") }
        #expect(result.has("azure.nonce", .pass) && result.has("azure.policy.secureBoot", .pass))
        // No roots are pinned, so the hardware evidence is not vouched for.
        #expect(result.conclusion != .verified)
        let other = Expectations(reportData: .any, nonce: .exactly([1]), publicKey: .any)
        #expect(try appraise(evidence, other).has("azure.nonce", .fail))
    }

    @Test("Both forms of the SNP evidence say the same") func forms() throws {
        let old = try appraise(try vector("tpm/azure-snp-evidence-v0.json"))
        let new = try appraise(try vector("tpm/azure-snp-evidence-v1.json"))
        #expect(old.claims.json["configuration"] == new.claims.json["configuration"])
        #expect(old.claims.json["attestationKey"] == new.claims.json["attestationKey"])
    }

    @Test("Mutations of the manifest") func mutations() throws {
        let entry = try #require(tokenManifest("tpm").first { $0.file == "azure-tdx-evidence-v1.json" })
        guard case .array(let listed)? = entry.object["mutations"] else {
            Issue.record("the manifest lists mutations")
            return
        }
        let text = String(decoding: try vector("tpm/azure-tdx-evidence-v1.json"), as: UTF8.self)
        let value = try JSONValue(parsing: Array(text.utf8))
        var json = try JSONReader(value)
        var tpm = try json.object("tpm_quote")
        for case .object(let item) in listed {
            guard case .string(let operation)? = item["op"] else { continue }
            switch operation {
            case "flip in pcrs[8]":
                guard case .string(let register) = try tpm.array("pcrs", max: 24)[8] else { continue }
                var bytes = try Hex.decode(register)
                bytes[0] ^= 1
                // Equal registers stand more than once; replacing all of them is a flip too.
                let broken = text.replacing(register, with: Hex.encode(bytes))
                let result = try appraise(Array(broken.utf8))
                #expect(result.has("azure.vtpm.pcrDigest", .fail) && result.conclusion == .rejected)
            case "flip in TPM quote magic ff544347":
                let broken = text.replacing("ff544347", with: "ff544346")
                #expect(throws: ParseError.self) { try appraise(Array(broken.utf8)) }
            case "flip in HCL var data":
                var report = try Base64.decode(try json.string("hcl_report", maxBytes: 8192))
                let old = try json.string("hcl_report", maxBytes: 8192)
                // A digit of vmUniqueId.
                let at = try #require(
                    report.indices.first { report[$0...].starts(with: Array("6332533D".utf8)) }
                )
                report[at] = UInt8(ascii: "7")
                let broken = text.replacing(old, with: Base64.encode(report))
                let result = try appraise(Array(broken.utf8))
                #expect(result.has("azure.binding", .fail) && result.conclusion == .rejected)
            case "swap td_quote for tdx/azure-v4-90c0.quote":
                let old = try json.string("td_quote", maxBytes: 16384)
                let broken = text.replacing(old, with: Base64.encode(try vector("tdx/azure-v4-90c0.quote")))
                let result = try appraise(Array(broken.utf8))
                #expect(result.has("azure.binding", .fail) && result.conclusion == .rejected)
            default: Issue.record("no test for '\(operation)'")
            }
        }
        #expect(listed.count == 4)
    }

    @Test("An SNP bundle verifies from the AMD root to the registers") func wholeSNP() throws {
        let evidence = try vector("tpm/azure-snp-evidence-v1.json")
        let ask = CollateralItem(kind: .certificate, body: try vector("sev-snp/ask-milan.der"))
        let sections: [any FamilyPolicy] = [
            AzurePolicy(registers: registerPolicy(), secureBoot: .must(true)), SNPPolicy.vectorRules,
        ]
        let time = try Timestamp("2025-06-01T00:00:00Z")
        let checker = tokenVerifier(try vendorAnchors(), sections, [ask], time: time)
        let result = try checker.verify(evidence, expecting: .unbound)
        #expect(result.conclusion == .verified, "\(result.failures)")
        #expect(conclusion(tokenVerifier(try vendorAnchors(), sections, [], time: time), evidence) != .verified)
        #expect(conclusion(tokenVerifier(TrustAnchors(), sections, [ask], time: time), evidence) != .verified)
        // Each part has its own section.
        for index in sections.indices {
            var fewer = sections
            fewer.remove(at: index)
            #expect(conclusion(tokenVerifier(try vendorAnchors(), fewer, [ask], time: time), evidence) != .verified)
        }
        var debug = SNPPolicy.vectorRules
        debug.vmpl = .only([3])
        let wrong = tokenVerifier(try vendorAnchors(), [sections[0], debug], [ask], time: time)
        #expect(conclusion(wrong, evidence) == .refusedByPolicy)
        // Flips anywhere in the text of the bundle; only its white space means nothing.
        var generator = SeededGenerator(state: UInt64.random(in: 0...UInt64.max))
        let seed = generator.state
        for _ in 0..<250 {
            var broken = evidence
            let offset = Int(generator.next() % UInt64(evidence.count - 1))
            broken[offset] ^= 1 << UInt8(generator.next() % 8)
            if conclusion(checker, broken) == .verified {
                #expect(evidence[offset] == 0x20 || evidence[offset] == 0x0a, "seed \(seed), byte \(offset)")
            }
        }
    }

    @Test("Hardware evidence of another kind or another machine is rejected") func wrongHardware() throws {
        let text = String(decoding: try vector("tpm/azure-tdx-evidence-v1.json"), as: UTF8.self)
        var json = try JSONReader(try JSONValue(parsing: Array(text.utf8)))
        let old = try json.string("td_quote", maxBytes: 16384)
        let sgx = Base64.encode(try vector("sev-snp/milan-v2-azure-hcl.report"))
        let result = try appraise(Array(text.replacing(old, with: sgx).utf8))
        #expect(result.has("azure.binding", .fail) && result.has("azure.hardware", .fail))
        #expect(result.conclusion == .rejected)
    }

    @Test("HCL reports: flips in JSON and headers break the binding or the form") func hclBattery() throws {
        let value = try JSONValue(parsing: try vector("tpm/azure-snp-evidence-v1.json"))
        var json = try JSONReader(value)
        let bytes = try Base64.decode(try json.string("hcl_report", maxBytes: 8192))
        let report = try HCLReport(parsing: bytes)
        let start = 32 + HCLReport.hardwareReportBytes
        for offset in bytes.indices where !(32..<start).contains(offset) {
            var broken = bytes
            broken[offset] ^= 1
            let parsed = try? HCLReport(parsing: broken)
            #expect(parsed?.expectedReportData != report.expectedReportData, "byte \(offset)")
        }
        for count in 0..<start + 20 + report.variableData.count {
            #expect(throws: ParseError.self) { try HCLReport(parsing: Array(bytes.prefix(count))) }
        }
    }
}
