// Workers that are started before their job: they compute the same, serve one job each, are replaced, and are missed by nobody
// when they are gone.
import Codecs
import Commitments
import Foundation
import Synchronization
import Testing

@testable import Replay

@Suite(.serialized) struct WarmWorkerTests {
    private static func runner(warm: Int) -> SandboxedRunner {
        var options = SandboxedRunner.Options()
        options.warmWorkers = warm
        return SandboxedRunner(worker: Support.worker, workDirectory: NSTemporaryDirectory(), options: options)
    }

    private static func wait(_ runner: SandboxedRunner, for count: Int) async throws {
        for _ in 0..<500 where runner.load.warm < count { try await Task.sleep(for: .milliseconds(20)) }
    }

    private static func trace(_ outcome: RunOutcome) throws -> Trace {
        guard case .completed(let execution) = outcome else {
            throw ParseError(field: "run", expected: "a completed run", actual: "\(outcome)")
        }
        return execution.trace
    }

    @Test func theyComputeTheSameAndAreReplaced() async throws {
        let spec = try RepeatTests.spec()
        let cold = try Self.trace(await Support.runner().run(spec, files: RepeatTests.files))
        let runner = Self.runner(warm: 2)
        try await runner.warmUp()
        try await Self.wait(runner, for: 2)
        // Machines without namespaces keep none.
        guard runner.load.warm == 2 else { return }
        for _ in 0..<4 {
            #expect(try Self.trace(await runner.run(spec, files: RepeatTests.files)) == cold)
        }
        try await Self.wait(runner, for: 2)
        #expect(runner.load == RunnerCounts(running: 0, completed: 4, failed: 0, warm: 2))
    }

    @Test func aJobThatCrashesCostsItsOwnWorker() async throws {
        let runner = SandboxedRunner(
            worker: Support.worker,
            workDirectory: NSTemporaryDirectory(),
            options: {
                var options = SandboxedRunner.Options()
                options.warmWorkers = 1
                return options
            }(),
            skipsAdmission: true
        )
        try await runner.warmUp()
        try await Self.wait(runner, for: 1)
        let spec = try AdmissionTests.spec(type: "i32")
        let wild = AdmissionTests.source("c[(ulong)1 << 40] = 1;").replacing("float", with: "int")
        let files = ["a.npy": NPYTests.file(descriptor: "<i4", shape: "(64,)", content: 256)]
        let outcome = await runner.run(spec, files: files.merging(["k.cl": Array(wild.utf8)]) { $1 })
        guard case .failed(let failure) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(failure.reason == .crashed)
        let tame = AdmissionTests.source("c[i] = a[i];").replacing("float", with: "int")
        _ = try Self.trace(await runner.run(spec, files: files.merging(["k.cl": Array(tame.utf8)]) { $1 }))
        #expect(runner.load.failed == 1)
        #expect(runner.load.completed == 1)
    }

    /// Workers that die while they wait are noticed when a job comes, which then gets one of its own.
    @Test func theDeadAreMissedByNobody() async throws {
        let runner = Self.runner(warm: 1)
        try await runner.warmUp()
        try await Self.wait(runner, for: 1)
        guard runner.load.warm == 1 else { return }
        let children = try Self.children()
        #expect(!children.isEmpty)
        for child in children { kill(child, SIGKILL) }
        _ = try Self.trace(await runner.run(try RepeatTests.spec(), files: RepeatTests.files))
    }

    /// Processes of this one that wait for a job.
    private static func children() throws -> [pid_t] {
        let folders = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }
        return folders.filter { process in
            let status = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
            let arguments = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/cmdline"))) ?? Data()
            return status.contains("PPid:\t\(getpid())\n")
                && arguments.range(of: Data(WarmWorkers.argument.utf8)) != nil
        }
    }

    /// The loader loses its drivers and finds them again: the jobs between fail, and blame nobody.
    @Test func losingTheDriversIsSurvived() async throws {
        let runner = Support.runner()
        let spec = try RepeatTests.spec()
        let empty = FileManager.default.temporaryDirectory.appendingPathComponent("vendors-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: empty, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: empty) }
        let before = try Self.trace(await runner.run(spec, files: RepeatTests.files))
        let lost = SandboxedRunner(worker: Support.worker, workDirectory: NSTemporaryDirectory())
        lost.vendors.withLock { $0 = empty.path }
        guard case .failed(let failure) = await lost.run(spec, files: RepeatTests.files) else {
            Issue.record("ran without a driver")
            return
        }
        #expect(failure.reason == .noDevice)
        lost.vendors.withLock { $0 = nil }
        #expect(try Self.trace(await lost.run(spec, files: RepeatTests.files)) == before)
    }
}
