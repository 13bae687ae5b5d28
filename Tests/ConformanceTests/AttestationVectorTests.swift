// The published attestation vectors as `assay vectors run` sees them, and the same with every expectation turned round.
import AssayTesting
import Conformance
import Foundation
import Testing

@Suite(.enabled(if: SharedVectors.has("vectors/attestation", for: "vectors of attestation")))
struct AttestationVectorTests {
    @Test func everyVerdictAndEveryField() async throws {
        let folder = try #require(SharedVectors.url("vectors/attestation", for: "attestation vectors"))
        let report = try await VectorSuite().run(folder: folder)
        for family in report.families {
            #expect(family.failures.isEmpty, "\(family.name): \(family.failures.prefix(5))")
        }
        func passed(_ name: String) -> Int { report.families.first { $0.name == name }?.passed ?? 0 }
        // 23 and 7 quotes with their fields, the peer's 89 answers, 122 mutations.
        #expect(passed("tdx") >= 730)
        #expect(passed("sgx") >= 140)
        #expect(passed("collateral") >= 90)
        #expect(passed("sev-snp") >= 320)
        #expect(passed("nitro") >= 80)
        #expect(passed("cca") == 38)
        #expect(passed("psa") == 37)
        #expect(passed("nvidia-gpu") >= 75)
        #expect(passed("tpm") == 11)
    }

    /// A runner that could not fail would pass this folder too: each verdict says the opposite of what is so.
    @Test(arguments: ["cca", "nitro", "nvidia-gpu", "psa", "sev-snp", "sgx", "tpm"])
    func turnedRoundEveryVerdictFails(family: String) async throws {
        let source = try #require(SharedVectors.url("vectors/attestation", for: "attestation vectors"))
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("assay-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for name in [family, "collateral"] {
            try FileManager.default.copyItem(
                at: source.appendingPathComponent(name),
                to: folder.appendingPathComponent(name)
            )
        }
        let manifest = folder.appendingPathComponent("\(family)/MANIFEST.json")
        let text = try String(contentsOf: manifest, encoding: .utf8)
        let turned = text.replacing("\"verdict\": \"valid\"", with: "\"verdict\": \"@\"")
            .replacing("\"verdict\": \"invalid\"", with: "\"verdict\": \"valid\"")
            .replacing("\"verdict\": \"incomplete\"", with: "\"verdict\": \"valid\"")
            .replacing("\"verdict\": \"@\"", with: "\"verdict\": \"invalid\"")
        try FileManager.default.removeItem(at: manifest)
        try Data(turned.utf8).write(to: manifest)
        let before = try await VectorSuite().run(folder: source.appendingPathComponent(family))
        let after = try await VectorSuite().run(folder: folder)
        let verdicts = { (report: VectorReport) in report.families.first { $0.name == family }?.passed ?? 0 }
        let failed = after.families.first { $0.name == family }?.failures.count ?? 0
        // Every entry with a verdict, but for mutations and fields, which are judged as before.
        let expected: [String: Int] = [
            "cca": 33, "nitro": 7, "nvidia-gpu": 18, "psa": 37, "sev-snp": 31, "sgx": 7, "tpm": 6,
        ]
        #expect(failed >= (expected[family] ?? 0), "\(failed) failed")
        #expect(verdicts(after) == verdicts(before) - failed)
    }
}
