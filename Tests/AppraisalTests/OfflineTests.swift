// An audit cannot reach network, clock or files, because the target imports nothing that could.
import AssayTesting
import Foundation
import Testing

@Suite struct OfflineTests {
    @Test func appraisalImportsOnlyTargetsBelowIt() throws {
        let allowed: Set<String> = [
            "Codecs", "Verdicts", "Signatures", "TransparencyLog", "Commitments", "Replay", "Receipts", "Proofs",
            "Attestation",
        ]
        let folder = SharedVectors.packageRoot.appendingPathComponent("Sources/Appraisal")
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
        #expect(files.count > 3)
        for file in files {
            let text = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
            for line in text.split(separator: "\n") where line.contains("import ") && !line.hasPrefix("//") {
                let module = line.split(separator: " ").last.map(String.init) ?? ""
                #expect(allowed.contains(module), "\(file): \(line)")
            }
            for word in ["Date()", "ContinuousClock", "SuspendingClock", "Task.sleep"] {
                #expect(!text.contains(word), "\(file) uses \(word)")
            }
        }
    }
}
