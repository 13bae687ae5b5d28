// What a command may use: the console, the clock, engines, runners, files. Everything from outside comes through here, so
// that tests can give their own.
internal import Codecs
public import EngineAPI
internal import EngineClient
public import ExactOps
public import Replay

/// Something that runs jobs on this machine and knows its devices.
public protocol LocalRunner: Runner {
    /// The devices that are found; empty when there is none.
    func devices() async throws(RunFailure) -> [DeviceDescription]
    /// The self-test of the device that jobs for `kind` get.
    func selfTest(_ kind: ReplaySpec.DeviceRequirement.Kind) async -> SelfTestOutcome
    /// Admits the kernels of a job, as far as this machine can.
    func admit(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> AdmissionOutcome
}

extension LocalRunner {
    public func selfTest(_ kind: ReplaySpec.DeviceRequirement.Kind) async -> SelfTestOutcome {
        await SelfTest().run(self, device: kind)
    }
}

extension SandboxedRunner: LocalRunner {
    public func admit(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> AdmissionOutcome {
        await Admitter(runner: self).admit(spec, files: files)
    }
}

extension TestedRunner: LocalRunner where Base: LocalRunner {
    public func devices() async throws(RunFailure) -> [DeviceDescription] { try await base.devices() }

    public func selfTest(_ kind: ReplaySpec.DeviceRequirement.Kind) async -> SelfTestOutcome {
        await outcome(for: kind)
    }

    public func admit(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> AdmissionOutcome {
        await base.admit(spec, files: files)
    }
}

/// A command's surroundings.
public struct Tool: Sendable {
    /// Where words go.
    public var console: any Console
    /// The environment variables.
    public var environment: [String: String]
    /// Seconds since 1970.
    public var now: @Sendable () -> Int64
    /// Waits for so many milliseconds; throws when the command is to end.
    public var pause: @Sendable (Int) async throws -> Void
    /// Speaks to the engine at a URL, or to a fleet's at several.
    public var engine: @Sendable ([String]) throws -> any EngineAPI
    /// A runner over the worker at a path; the one beside this program for `nil`. `nil` when there is none.
    public var runner: @Sendable (_ worker: String?, SandboxedRunner.Options) -> (any LocalRunner)?
    /// Replaces this process by a program of Assay with these arguments; returns why it could not.
    public var become: @Sendable (_ program: String, _ arguments: [String]) -> String
    /// How long things take.
    public var stopwatch: Stopwatch
    /// Whether notes and progress are left out.
    public var isQuiet = false
    /// Whether a person reads the result.
    public var isHuman = true
    /// Whether colours are wanted.
    public var isColoured = false

    /// A command's surroundings.
    public init(
        console: any Console,
        environment: [String: String],
        now: @escaping @Sendable () -> Int64,
        pause: @escaping @Sendable (Int) async throws -> Void,
        engine: @escaping @Sendable ([String]) throws -> any EngineAPI,
        runner: @escaping @Sendable (_ worker: String?, SandboxedRunner.Options) -> (any LocalRunner)?,
        become: @escaping @Sendable (_ program: String, _ arguments: [String]) -> String,
        stopwatch: Stopwatch = .system
    ) {
        self.console = console
        self.environment = environment
        self.now = now
        self.pause = pause
        self.engine = engine
        self.runner = runner
        self.become = become
        self.stopwatch = stopwatch
    }

    /// Says something to whoever looks on.
    func note(_ text: String) {
        guard !isQuiet else { return }
        _ = console.write(text + "\n", to: .standardError)
    }

    var style: Style { Style(isColoured: isColoured) }

    /// Waits between two looks.
    func wait(milliseconds: Int) async throws(Failure) {
        do {
            try await pause(milliseconds)
        } catch {
            throw .interrupted
        }
    }

    /// Calls an engine.
    func call<Value: Sendable>(
        _ body: () async throws(EngineError) -> Value
    ) async throws(Failure) -> Value {
        do throws(EngineError) {
            return try await body()
        } catch {
            throw Failure(error)
        }
    }
}
