// The published vectors of others and Assay's own, as the runner sees them.
import AssayTesting
import Codecs
import Conformance
import Foundation
import Testing
import Verdicts

@Suite struct VectorSuiteTests {
    @Test(.enabled(if: SharedVectors.has("vectors/commitments", for: "vectors of commitments and signatures")))
    func publishedVectors() async throws {
        let folder = try #require(SharedVectors.url("vectors/commitments", for: "published vectors"))
        let report = try await VectorSuite().run(folder: folder)
        #expect(report.isOK)
        for family in report.families {
            #expect(family.failures.isEmpty, "\(family.name): \(family.failures.prefix(5))")
        }
        func passed(_ name: String) -> Int { report.families.first { $0.name == name }?.passed ?? 0 }
        // 348 proofs, the reference tree and four traps; every row of the profiles and every dag-pb block; every signature.
        #expect(passed("rfc6962") == 353)
        #expect(passed("dsse") == 7)
        // 151 of Ed25519, the rest of ECDSA on P-256.
        #expect(passed("signatures") > 350)
        // Ten profile rows, 24 archives, three tables, every dag-pb and dag-cbor block, and forms that are neither.
        #expect(passed("ipfs") >= 180)
        #expect(passed("blake3") == 105)
        #expect(passed("sha3-keccak") >= 256)
        #expect(passed("bao") > 150)
        #expect(passed("filecoin") == 36)
        #expect(passed("oz-merkle") == 27)
        #expect(passed("tlog") >= 60)
        // Structures with one signer, four of which are forged, and the form of published receipts and statements.
        #expect(passed("cose") >= 11)
    }

    @Test func ownVectors() async throws {
        let folder = SharedVectors.packageRoot.appendingPathComponent("Vectors", isDirectory: true)
        let report = try await VectorSuite().run(folder: folder)
        #expect(report.failed == 0, "\(report.families.flatMap(\.failures).prefix(5))")
        #expect(report.skipped == 0)
        #expect(
            Set(report.families.map(\.name)).isSuperset(of: [
                "assay-tree-1", "assay-tree-1-opening", "cid", "job-id", "account-name", "bundle",
            ])
        )
        #expect(report.passed > 150)
    }

    @Test func committedVectorsAreTheGenerators() async throws {
        let folder = SharedVectors.packageRoot.appendingPathComponent("Vectors", isDirectory: true)
        for (path, bytes) in try await VectorGenerator.files() {
            let committed = try [UInt8](Data(contentsOf: folder.appendingPathComponent(path)))
            #expect(committed == bytes, "\(path); run: swift run make-vectors Vectors")
        }
    }

    @Test func theReportReadsBack() async throws {
        let folder = SharedVectors.packageRoot.appendingPathComponent("Vectors", isDirectory: true)
        let first = try await VectorSuite().run(folder: folder)
        let second = try await VectorSuite().run(folder: folder)
        #expect(first == second)
        let value = try JSONValue(parsing: first.json.serialized())
        var reader = try JSONReader(value)
        #expect(try reader.bool("ok"))
        #expect(try reader.integer("passed") == Int64(first.passed))
    }
}

@Suite final class BrokenVectorTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("assay-vectors-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    private func write(_ path: String, _ text: String) throws {
        let url = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    private func run() async throws -> VectorReport {
        try await VectorSuite().run(folder: folder)
    }

    @Test func nothingToRunIsAnError() async throws {
        await #expect(throws: VectorSuiteError.empty(path: folder.path)) { try await self.run() }
        let missing = folder.appendingPathComponent("none")
        await #expect(throws: VectorSuiteError.missing(path: missing.path)) {
            try await VectorSuite().run(folder: missing)
        }
        try write("MANIFEST.json", "{}")
        await #expect(throws: VectorSuiteError.self) { try await self.run() }
        try write("MANIFEST.json", "[{\"file\":\"../x\",\"sha256\":\"\",\"expected\":\"\"}]")
        await #expect(throws: VectorSuiteError.self) { try await self.run() }
    }

    @Test func changedAndMissingFilesFail() async throws {
        try write("dsse/pae-cases.json", "[]")
        let digest = String(repeating: "0", count: 64)
        try write(
            "dsse/MANIFEST.json",
            """
            [{"file":"pae-cases.json","sha256":"\(digest)","expected":"equal"},
             {"file":"none.json","sha256":"\(digest)","expected":"equal"}]
            """
        )
        let report = try await run()
        #expect(report.failed == 2)
        #expect(!report.isOK)
    }

    @Test func unknownFamiliesAreSkippedByName() async throws {
        try write("other/MANIFEST.json", "[{\"file\":\"a.bin\",\"sha256\":\"\",\"expected\":\"\"}]")
        let report = try await run()
        #expect(report.families.map(\.name) == ["other"])
        #expect(report.skipped == 1)
        #expect(!report.isOK)
    }

    @Test(arguments: [
        // An outcome that does not come about, an outcome that nobody knows, a member that nobody knows, another family.
        ("cid", "{\"id\":\"x\",\"outcome\":\"invalid\",\"input\":{\"hex\":\"\",\"cid\":\"CID\"}}", 1),
        ("cid", "{\"id\":\"x\",\"outcome\":\"fine\",\"input\":{\"hex\":\"\",\"cid\":\"CID\"}}", 1),
        ("cid", "{\"id\":\"x\",\"outcome\":\"valid\",\"input\":{\"hex\":\"\",\"cid\":\"CID\",\"more\":1}}", 1),
        ("cid", "{\"id\":\"x\",\"outcome\":\"valid\",\"input\":{\"hex\":\"\",\"cid\":\"CID\"},\"more\":1}", 1),
        ("cid", "{\"id\":\"x\",\"outcome\":\"valid\",\"input\":{\"hex\":\"\"}}", 1),
        ("cid", "{\"id\":\"x\",\"outcome\":\"valid\",\"input\":{\"hex\":\"\",\"cid\":\"CID\"}}", 0),
        ("nonsense", "{\"id\":\"x\",\"outcome\":\"valid\",\"input\":{}}", 0),
        ("bundle", "{\"id\":\"x\",\"outcome\":\"malformed\",\"input\":{\"bundle\":\"../x\",\"trust\":\"t\"}}", 1),
    ])
    func ownCasesThatDoNotHoldFail(_ family: String, _ vector: String, _ failures: Int) async throws {
        let empty = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
        try write(
            "suite.json",
            """
            {"schema":"assay.vectors/1","family":"\(family)","about":"",
             "cases":[\(vector.replacing("CID", with: empty))]}
            """
        )
        let report = try await run()
        #expect(report.failed == failures, "\(report.families.flatMap(\.failures))")
    }
}
