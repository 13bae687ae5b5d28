// Workers that lie, stall or vanish: each of their replies ends in `.failed`, in bounded time and memory.
import Codecs
import Foundation
import Testing

@testable import Replay

@Suite struct HostileWorkerTests {
    /// A worker made of a shell script; its folder goes with it.
    final class FakeWorker {
        let folder: URL
        var path: String { folder.appendingPathComponent("worker").path }

        /// - Parameters:
        ///   - compile: what it does when asked to compile, in shell.
        ///   - run: what it does when asked to run, in shell.
        ///   - replies: files that `cat "$here/name" >&4` finds.
        init(compile: String, run: String = "exit 3", replies: [String: [UInt8]] = [:]) throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("fake-" + UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for (name, bytes) in replies { try Data(bytes).write(to: folder.appendingPathComponent(name)) }
            let script = """
                #!/bin/sh
                here='\(folder.path)'
                case "$1" in
                libraries) echo /usr/lib ;;
                --version) echo fake ;;
                devices) echo '{"devices":[]}' ;;
                compile) \(compile) ;;
                run) \(run) ;;
                esac
                """
            try script.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }

        deinit {
            try? FileManager.default.removeItem(at: folder)
        }
    }

    private static func frame(_ kind: UInt8, _ payload: [UInt8], length: UInt64? = nil) -> [UInt8] {
        var bytes = [kind]
        bytes.appendLittleEndian(length ?? UInt64(payload.count))
        return bytes + payload
    }

    private static let walls = frame(1, Array(#"["rlimits","no-new-privileges","seccomp"]"#.utf8))
    static let plainDevice = DeviceDescription(
        kind: .cpu,
        name: "fake",
        vendor: "",
        version: "",
        driver: "",
        platform: "",
        memoryBytes: 1,
        largestBufferBytes: 1,
        computeUnits: 1,
        capabilities: []
    )
    private static let device = frame(2, plainDevice.json.serialized())
    private static let compiled = walls + device + frame(3, [1, 2, 3]) + frame(5, [])

    private static let done = frame(
        5,
        ResourceUsage(processorMicroseconds: 7, peakMemoryBytes: 9).json.serialized()
    )

    private static func slot(step: UInt32 = 0, index: UInt32 = 2, count: Int = 256, length: UInt64? = nil) -> [UInt8] {
        var place: [UInt8] = []
        place.appendLittleEndian(step)
        place.appendLittleEndian(index)
        return frame(4, place + [UInt8](repeating: 7, count: count), length: length)
    }

    private func outcome(of worker: FakeWorker, wallSeconds: Int64 = 60) async throws -> RunOutcome {
        var options = SandboxedRunner.Options()
        options.usesNamespaces = false
        options.compileSeconds = wallSeconds
        options.wallSeconds = wallSeconds
        let runner = SandboxedRunner(worker: worker.path, workDirectory: NSTemporaryDirectory(), options: options)
        let source = AdmissionTests.source("c[i] = a[i];")
        let files = [
            "k.cl": Array(source.utf8), "a.npy": NPYTests.file(descriptor: "<f4", shape: "(64,)", content: 256),
        ]
        return await runner.run(try AdmissionTests.spec(), files: files)
    }

    private func expectFailure(
        _ worker: FakeWorker,
        _ reason: RunFailure.Reason,
        wallSeconds: Int64 = 60,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await outcome(of: worker, wallSeconds: wallSeconds)
        guard case .failed(let failure) = outcome else {
            Issue.record("\(outcome)", sourceLocation: location)
            return
        }
        #expect(failure.reason == reason, "\(failure)", sourceLocation: location)
    }

    /// The fake itself is good enough to be believed when it does nothing wrong.
    @Test func anObedientFakeIsBelieved() async throws {
        let worker = try FakeWorker(
            compile: #"cat "$here/compiled" >&4"#,
            run: #"cat "$here/ran" >&4"#,
            replies: ["compiled": Self.compiled, "ran": Self.walls + Self.device + Self.slot() + Self.done]
        )
        guard case .completed(let execution) = try await outcome(of: worker) else {
            Issue.record("not completed")
            return
        }
        #expect(execution.outputs == ["c": [UInt8](repeating: 7, count: 256)])
        #expect(execution.sandbox.level == .seccomp)
        #expect(execution.usage == ResourceUsage(processorMicroseconds: 7, peakMemoryBytes: 9))
    }

    struct Reply: Sendable, CustomTestStringConvertible {
        let name: String
        let compile: [UInt8]
        var run: [UInt8] = []
        let reason: RunFailure.Reason
        var testDescription: String { name }
    }

    @Test(arguments: [
        Reply(name: "nothing", compile: [], reason: .crashed),
        Reply(name: "half a frame head", compile: [1, 2, 0], reason: .crashed),
        Reply(
            name: "garbage",
            compile: (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) },
            reason: .protocolViolation
        ),
        Reply(name: "no walls first", compile: device, reason: .protocolViolation),
        Reply(name: "walls that are no JSON", compile: frame(1, [0x7b]), reason: .protocolViolation),
        Reply(
            name: "walls that are not known",
            compile: frame(1, Array(#"["moat"]"#.utf8)),
            reason: .protocolViolation
        ),
        Reply(
            name: "walls that are the parent's to claim",
            compile: frame(1, Array(#"["namespaces"]"#.utf8)),
            reason: .protocolViolation
        ),
        Reply(name: "too few walls", compile: frame(1, Array(#"["rlimits"]"#.utf8)), reason: .sandbox),
        Reply(name: "an announced exabyte", compile: walls + frame(2, [], length: 1 << 60), reason: .protocolViolation),
        Reply(name: "a length of all ones", compile: walls + frame(2, [], length: .max), reason: .protocolViolation),
        Reply(
            name: "a device of another form",
            compile: walls + frame(2, Array("{}".utf8)),
            reason: .protocolViolation
        ),
        Reply(
            name: "a binary above its bound",
            compile: walls + device + frame(3, [], length: 65 << 20),
            reason: .protocolViolation
        ),
        Reply(name: "no end", compile: walls + device + frame(3, [1]), reason: .crashed),
        Reply(
            name: "an end with a payload",
            compile: walls + device + frame(3, [1]) + frame(5, [1]),
            reason: .protocolViolation
        ),
        Reply(
            name: "a truthful failure",
            compile: walls + frame(6, Array(#"{"reason":"noDevice","detail":"none"}"#.utf8)),
            reason: .noDevice
        ),
        Reply(
            name: "a failure that is not its to claim",
            compile: walls + frame(6, Array(#"{"reason":"cancelled","detail":""}"#.utf8)),
            reason: .protocolViolation
        ),
        Reply(name: "a failure of another form", compile: walls + frame(6, [0xff]), reason: .protocolViolation),
        Reply(
            name: "another device when running",
            compile: compiled,
            run: walls + frame(2, Array("[]".utf8)),
            reason: .protocolViolation
        ),
        Reply(
            name: "a slot too short",
            compile: compiled,
            run: walls + device + slot(count: 255),
            reason: .protocolViolation
        ),
        Reply(
            name: "a slot too long",
            compile: compiled,
            run: walls + device + slot(count: 257),
            reason: .protocolViolation
        ),
        Reply(
            name: "a slot of another step",
            compile: compiled,
            run: walls + device + slot(step: 1),
            reason: .protocolViolation
        ),
        Reply(
            name: "another slot",
            compile: compiled,
            run: walls + device + slot(index: 1),
            reason: .protocolViolation
        ),
        Reply(
            name: "a slot cut off",
            compile: compiled,
            run: walls + device + slot(count: 100, length: 264),
            reason: .crashed
        ),
        Reply(name: "no slot", compile: compiled, run: walls + device + done, reason: .protocolViolation),
        Reply(
            name: "an end of a run without usage",
            compile: compiled,
            run: walls + device + slot() + frame(5, []),
            reason: .protocolViolation
        ),
        Reply(
            name: "an end of a run with more than usage",
            compile: compiled,
            run: walls + device + slot() + frame(5, Array(#"{"peakMemoryBytes":"1"}"#.utf8)),
            reason: .protocolViolation
        ),
        Reply(name: "two slots", compile: compiled, run: walls + device + slot() + slot(), reason: .protocolViolation),
    ]) func repliesThatAreWrongFail(_ reply: Reply) async throws {
        let worker = try FakeWorker(
            compile: #"cat "$here/compile" >&4"#,
            run: #"cat "$here/run" >&4"#,
            replies: ["compile": reply.compile, "run": reply.run]
        )
        try await expectFailure(worker, reply.reason)
    }

    @Test func hangingEndsWithTheWallClock() async throws {
        try await expectFailure(try FakeWorker(compile: "sleep 600"), .timeout, wallSeconds: 1)
    }

    @Test func endlessOutputIsCutOff() async throws {
        try await expectFailure(try FakeWorker(compile: "yes >&4"), .protocolViolation)
        try await expectFailure(try FakeWorker(compile: "yes >&2"), .timeout, wallSeconds: 1)
    }

    @Test func signalsAreCrashes() async throws {
        try await expectFailure(try FakeWorker(compile: "kill -SEGV $$"), .crashed)
        try await expectFailure(try FakeWorker(compile: "exit 139"), .crashed)
        try await expectFailure(try FakeWorker(compile: "exit 1"), .crashed)
    }

    @Test func aMissingWorkerIsAFailure() async throws {
        let runner = SandboxedRunner(worker: "/nonexistent/worker", workDirectory: NSTemporaryDirectory())
        let job = try Support.job("Examples/digits")
        guard case .failed(let failure) = await runner.run(job.spec, files: job.files) else {
            Issue.record("ran without a worker")
            return
        }
        #expect(failure.reason == .sandbox)
    }

    /// The worker's environment is what the parent makes it, and holds nothing of the parent's own.
    @Test(arguments: [true, false]) func theEnvironmentIsEmpty(namespaces: Bool) async throws {
        setenv("ASSAY_TEST_SECRET", AttackTests.secret, 1)
        let worker = try FakeWorker(
            compile:
                #"detail=$(env | tr '\n' ' ' | tr -d '"\\'); text="{\"reason\":\"compile\",\"detail\":\"$detail\"}"; "#
                + #"printf '\001\051\000\000\000\000\000\000\000["rlimits","no-new-privileges","seccomp"]' >&4; "#
                + #"printf '\006' >&4; printf "\\$(printf %o $((${#text} % 256)))\\$(printf %o $((${#text} / 256)))" >&4; "#
                + #"printf '\000\000\000\000\000\000' >&4; printf %s "$text" >&4"#
        )
        var options = SandboxedRunner.Options()
        options.usesNamespaces = namespaces
        let runner = SandboxedRunner(worker: worker.path, workDirectory: NSTemporaryDirectory(), options: options)
        let source = AdmissionTests.source("c[i] = a[i];")
        let files = [
            "k.cl": Array(source.utf8), "a.npy": NPYTests.file(descriptor: "<f4", shape: "(64,)", content: 256),
        ]
        guard case .failed(let failure) = await runner.run(try AdmissionTests.spec(), files: files) else {
            Issue.record("not failed")
            return
        }
        #expect(failure.reason == .compile, "\(failure)")
        #expect(failure.detail.contains("POCL_CACHE_DIR="))
        #expect(!failure.detail.contains("ASSAY_TEST_SECRET"))
    }

    @Test func cancellingEndsTheWorker() async throws {
        let worker = try FakeWorker(compile: "sleep 600")
        let task = Task { try await outcome(of: worker, wallSeconds: 30) }
        try await Task.sleep(for: .milliseconds(300))
        let start = ContinuousClock.now
        task.cancel()
        guard case .failed(let failure) = try await task.value else {
            Issue.record("not failed")
            return
        }
        #expect(failure.reason == .cancelled)
        #expect(ContinuousClock.now - start < .seconds(10))
    }
}
