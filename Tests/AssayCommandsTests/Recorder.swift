// A command run in this process: what it printed, its exit code, and the engine and runner it talked to.
import AssayCommands
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineTesting
import Foundation
import Replay
import Synchronization
import Testing

/// Swift Testing has a type of this name too.
typealias ExitStatus = AssayCommands.ExitStatus

/// Keeps what a command prints.
final class Recorder: Console {
    private let state = Mutex((output: "", error: "", isClosed: false))
    let isTerminal: Bool

    init(isTerminal: Bool = false) {
        self.isTerminal = isTerminal
    }

    func write(_ text: String, to stream: AssayCommands.OutputStream) -> Bool {
        state.withLock { state in
            if stream == .standardError {
                state.error += text
                return true
            }
            guard !state.isClosed else { return false }
            state.output += text
            return true
        }
    }

    func isTerminal(_ stream: AssayCommands.OutputStream) -> Bool { isTerminal }

    var output: String { state.withLock { $0.output } }
    var error: String { state.withLock { $0.error } }

    func closeOutput() {
        state.withLock { $0.isClosed = true }
    }
}

/// A runner that computes the tiny job and has one device, or none.
struct TinyLocalRunner: LocalRunner {
    var fault: TinyRunner.Fault = .none
    var hasDevice = true

    func admit(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> AdmissionOutcome {
        guard hasDevice else { return .failed(RunFailure(.noDevice, "no device")) }
        var report = AdmissionReport(
            key: .zero,
            stages: [AdmissionReport.Stage(.rules, .passed, "1 source")],
            faults: [],
            device: "tiny",
            simulator: nil
        )
        if fault == .refuses {
            let place = AdmissionFault(
                rule: .outOfBounds,
                source: "tiny",
                line: 4,
                column: 12,
                detail: "square: Invalid read"
            )
            report.faults = [place]
            report.stages.append(AdmissionReport.Stage(.dryRun, .refused, place.description))
        } else {
            report.stages.append(AdmissionReport.Stage(.dryRun, .skipped, "Oclgrind is missing"))
        }
        return .reported(report)
    }

    func devices() async throws(RunFailure) -> [DeviceDescription] { hasDevice ? [TinyRunner.device] : [] }

    func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
        guard hasDevice else { return .failed(RunFailure(.noDevice, "no device")) }
        return await TinyRunner(fault).run(spec, files: files)
    }
}

/// What a command left behind.
struct Run {
    var status: ExitStatus
    var output: String
    var error: String

    /// The document on standard output.
    func document() throws -> JSONObject {
        guard case .object(let object) = try JSONValue(parsing: Array(output.utf8)) else {
            throw ParseError(field: "", expected: "a document", actual: output)
        }
        return object
    }

    /// A member by its path.
    func member(_ path: String) throws -> JSONValue? {
        var value: JSONValue? = .object(try document())
        for name in path.split(separator: ".") {
            guard case .object(let object)? = value else { return nil }
            value = object[String(name)]
        }
        return value
    }
}

/// The surroundings of commands in a test: a folder of its own, an engine in memory, a tiny runner, a clock that stands.
struct Workplace {
    let folder: URL
    let engine: FakeEngine
    var runner: TinyLocalRunner? = TinyLocalRunner()
    var environment: [String: String]
    var stopwatch = Stopwatch.system
    static let now: Int64 = 1_760_000_200

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("assay-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        engine = try FakeEngine(now: { Self.now })
        environment = ["HOME": folder.path, "ASSAY_ENGINE": "memory"]
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    func write(_ bytes: [UInt8], _ name: String) throws {
        let url = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    /// Runs a command.
    /// - Parameter pause: called instead of waiting.
    func run(
        _ arguments: [String],
        recorder: Recorder = Recorder(),
        pause: @escaping @Sendable () throws -> Void = {}
    ) async -> Run {
        let (engine, runner) = (engine, runner)
        let tool = Tool(
            console: recorder,
            environment: environment,
            now: { Self.now },
            pause: { _ in try pause() },
            engine: { urls in
                guard urls == ["memory"] else {
                    throw ParseError(
                        field: "engine",
                        expected: "a URL that begins with http://",
                        actual: urls.joined(separator: " ")
                    )
                }
                return engine
            },
            runner: { _, _ in runner },
            become: { "\($0) was to be started with \($1)" },
            stopwatch: stopwatch
        )
        let status = await CommandLineTool.run(arguments, tool: tool)
        return Run(status: status, output: recorder.output, error: recorder.error)
    }

    /// The tiny job's folder.
    func writeTinyJob() throws -> String {
        let tiny = try TinyJob()
        guard case .object(var authored) = TinyJob.authored else { return "" }
        authored["price"] = .object(["currency": .string("TEST"), "maxPerMegaUnit": .string("50000000")])
        try write(JSONValue.object(authored).serialized(pretty: true), "job/job.json")
        for (path, bytes) in tiny.files { try write(bytes, "job/" + path) }
        return path("job")
    }

    /// A requester's key with an account of so much money.
    func fund(_ amount: Int) async throws -> String {
        let key = path("requester.pem")
        if !FileManager.default.fileExists(atPath: key) { #expect(await run(["key", "new", key]).status == .ok) }
        let opened = await run(["escrow", "open", "--key", key, "--json"])
        guard case .string(let account)? = try opened.member("account.id") else {
            throw ParseError(field: "account.id", expected: "an account", actual: opened.output)
        }
        engine.with { state in
            state.accounts[account]?.available = Int64(amount)
            state.accounts[account]?.balance = Int64(amount)
        }
        return key
    }
}
