// The library in Oclgrind, a second implementation of OpenCL that shares no compiled code with the device.
import Codecs
import Commitments
import Foundation
import Testing

@testable import ExactOps
@testable import Replay

@Suite struct OclgrindTests {
    private static let library = "/usr/lib/oclgrind/liboclgrind-rt-icd.so"
    static let isInstalled = FileManager.default.fileExists(atPath: library)

    /// A worker whose only OpenCL platform is Oclgrind: a script, because the runner passes no environment on.
    private static func worker(in folder: URL) throws -> String {
        let vendors = folder.appendingPathComponent("vendors")
        try FileManager.default.createDirectory(at: vendors, withIntermediateDirectories: true)
        try Data((library + "\n").utf8).write(to: vendors.appendingPathComponent("oclgrind.icd"))
        let script = folder.appendingPathComponent("worker")
        let text = "#!/bin/sh\nOCL_ICD_VENDORS=\(vendors.path) exec \(Support.worker) \"$@\"\n"
        try Data(text.utf8).write(to: script)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.path)
        return script.path
    }

    @Test(.enabled(if: isInstalled, "oclgrind is not installed"), arguments: Schedule.allCases)
    func oclgrindComputesTheOraclesBits(schedule: Schedule) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        defer { try? FileManager.default.removeItem(at: folder) }
        let runner = Support.runner(worker: try Self.worker(in: folder), usesNamespaces: false)
        let job = try ConformanceJob(schedule: schedule, group: 4, seed: 7)
        let outcome = await runner.run(job.spec, files: job.files)
        guard case .completed(let execution) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(execution.device.name.contains("Oclgrind"))
        let oracle = try ExactOracle().execute(job.spec, files: job.files)
        let wrong = oracle.outputs.keys.filter { execution.outputs[$0] != oracle.outputs[$0] }.sorted()
        #expect(wrong == [])
    }
}
