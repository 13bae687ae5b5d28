// Records of admission on the disk: kept under the daemon's signature, and worth nothing under another or when changed.
import Codecs
import Commitments
import Foundation
import Receipts
import Replay
import Signatures
import Testing

@testable import Validator

@Suite struct AdmissionFolderTests {
    private let folder: URL
    private let key: SigningKey
    private let report: AdmissionReport

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("admissions-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        key = try SigningKey(seed: [UInt8](repeating: 5, count: 32))
        report = AdmissionReport(
            key: SHA256.hash([1]),
            stages: [AdmissionReport.Stage(.rules, .passed, "1 source")],
            faults: [],
            device: "a device",
            simulator: nil
        )
    }

    private func cache(_ key: SigningKey) -> AdmissionFolder {
        AdmissionFolder(path: folder.path, key: key, now: { 1_760_000_000 })
    }

    @Test func recordsOutliveTheProcess() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        cache(key).insert(report)
        #expect(cache(key).report(for: report.key) == report)
        #expect(cache(key).report(for: SHA256.hash([2])) == nil)
        // Another key's record, and a changed one, are none.
        #expect(cache(try SigningKey(seed: [UInt8](repeating: 6, count: 32))).report(for: report.key) == nil)
        let file = folder.appendingPathComponent(report.key.hex + ".json")
        var bytes = [UInt8](try Data(contentsOf: file))
        bytes[bytes.count / 2] ^= 1
        try Data(bytes).write(to: file)
        #expect(cache(key).report(for: report.key) == nil)
    }

    @Test func aRecordUnderAnotherNameIsNone() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        cache(key).insert(report)
        let other = SHA256.hash([3])
        try FileManager.default.moveItem(
            at: folder.appendingPathComponent(report.key.hex + ".json"),
            to: folder.appendingPathComponent(other.hex + ".json")
        )
        #expect(cache(key).report(for: other) == nil)
    }
}
