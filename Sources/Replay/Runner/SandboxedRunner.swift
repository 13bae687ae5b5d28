// Runs replay specs in worker processes: admission, then a compile stage, then a run stage, each in a fresh process. This
// process touches no OpenCL; it keeps compiled binaries in its own memory, where no job can write.

internal import CSpawn
internal import Codecs
internal import Commitments
internal import Glibc
internal import Synchronization

/// Executes replay specs in the worker `assay-replay`.
///
/// Each run costs one process, or two when its kernels have not been compiled before. Waiting happens on threads of its own.
/// Cancelling the task ends the worker.
public final class SandboxedRunner: RangeRunner {
    /// The operator's bounds; a spec may ask for less, never for more.
    public struct Options: Sendable {
        /// The longest run stage in seconds, whatever the spec allows.
        public var wallSeconds: Int64 = 3600
        /// The longest compile stage in seconds.
        public var compileSeconds: Int64 = 60
        /// The longest simulated run of admission in seconds.
        public var simulateSeconds: Int64 = 120
        /// The weakest sandbox in which a job may run.
        public var minimumLevel: SandboxLevel = .seccomp
        /// Whether to try bubblewrap. Without it the level is lower, and said to be.
        public var usesNamespaces = true
        /// Whether to confine files by Landlock where there are no namespaces.
        public var usesLandlock = true
        /// Workers that wait, started, for a job; 0 for none. They need namespaces.
        public var warmWorkers = 0
        /// Bytes of compiled binaries that are kept.
        public var cacheBytes = 256 << 20

        /// The defaults.
        public init() {}
    }

    private let worker: String
    private let workDirectory: String
    private let options: Options
    private let skipsAdmission: Bool
    private let launcher = Mutex<SandboxLauncher?>(nil)
    private let cache: BinaryCache
    private let warm: WarmWorkers
    /// Another place for the OpenCL loader to look for drivers: how tests take them away.
    let vendors = Mutex<String?>(nil)
    private let counts = Mutex(RunnerCounts())

    /// Makes a runner.
    /// - Parameters:
    ///   - worker: the path of `assay-replay`.
    ///   - workDirectory: an existing folder for temporary files of workers that get no namespaces.
    ///   - options: the operator's bounds.
    public convenience init(worker: String, workDirectory: String = "/tmp", options: Options = Options()) {
        self.init(worker: worker, workDirectory: workDirectory, options: options, skipsAdmission: false)
    }

    /// A runner that can skip admission: the tests' way to give hostile kernels to the worker.
    package init(worker: String, workDirectory: String, options: Options, skipsAdmission: Bool) {
        self.worker = worker
        self.workDirectory = workDirectory
        self.options = options
        self.skipsAdmission = skipsAdmission
        cache = BinaryCache(limitBytes: options.cacheBytes)
        warm = WarmWorkers(target: options.warmWorkers)
    }

    /// The worker that a process should use: `ASSAY_REPLAY_WORKER`, else `assay-replay` beside the running executable.
    public static func defaultWorker() -> String? {
        if let named = getenv("ASSAY_REPLAY_WORKER") { return String(cString: named) }
        return OwnProgram.beside("assay-replay")
    }

    /// The devices that a worker finds; empty when there is none.
    /// - Throws: `RunFailure` when the worker cannot be started or breaks the protocol.
    public func devices() async throws(RunFailure) -> [DeviceDescription] {
        let result: Result<[DeviceDescription], RunFailure> = await onOwnThread { [self] control in
            Result { () throws(RunFailure) in try listDevices(control) }
        } orElse: {
            .failure(RunFailure(.sandbox, "cannot start a thread"))
        }
        return try result.get()
    }

    public func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
        switch prepare(spec, files) {
        case .refused(let faults): .refused(faults)
        case .failed(let failure): .failed(failure)
        case .ready(let job):
            switch await result(of: { [self] control throws(RunFailure) in
                try execute(job, control) { (stage, programs) throws(RunFailure) in
                    try stage.execute(programs, control: control)
                }
            }) {
            case .success(let execution): .completed(execution)
            case .failure(let failure): .failed(failure)
            }
        }
    }

    public func run(_ spec: ReplaySpec, files: [String: [UInt8]], range: ReplayRange) async -> RangeOutcome {
        if let misfit = range.misfit(spec) { return .failed(RunFailure(.input, misfit)) }
        switch prepare(spec, files) {
        case .refused(let faults): return .refused(faults)
        case .failed(let failure): return .failed(failure)
        case .ready(let job):
            switch await result(of: { [self] control throws(RunFailure) in
                try execute(job, control) { (stage, programs) throws(RunFailure) in
                    try stage.perform(range, programs, control: control, keeps: { _ in true })
                }
            }) {
            case .success(let execution): return .completed(execution)
            case .failure(let failure): return .failed(failure)
            }
        }
    }

    private enum Preparation {
        case ready(ReplayJob)
        case refused([AdmissionFault])
        case failed(RunFailure)
    }

    /// Takes the files and applies the rules of admission that need no device.
    private func prepare(_ spec: ReplaySpec, _ files: [String: [UInt8]]) -> Preparation {
        let job: ReplayJob
        do throws(RunFailure) {
            job = try ReplayJob(spec: spec, files: files)
        } catch {
            return .failed(error)
        }
        guard !skipsAdmission else { return .ready(job) }
        let faults = Admission.faults(in: spec, sources: job.sources)
        return faults.isEmpty ? .ready(job) : .refused(faults)
    }

    /// The programs of a job, from the cache or compiled now.
    func compiled(_ job: ReplayJob, _ control: ChildControl) throws(RunFailure) -> CompiledPrograms {
        if let cached = cache.entry(for: job.programKey) { return cached }
        let stage = CompileStage(
            job: job,
            launcher: try currentLauncher(control),
            options: options,
            workDirectory: workDirectory
        )
        let programs = try stage.execute(control: control)
        cache.insert(programs, for: job.programKey)
        return programs
    }

    /// Every launch of a job, without admission.
    func perform(_ job: ReplayJob, _ control: ChildControl) throws(RunFailure) -> RangeExecution {
        let range = ReplayRange(launches: 0..<job.spec.launchCount)
        return try execute(job, control) { (stage, programs) throws(RunFailure) in
            try stage.perform(range, programs, control: control, keeps: { _ in false })
        }
    }

    /// A run of a job in a simulator.
    func simulate(
        _ job: ReplayJob,
        simulator: String,
        _ control: ChildControl
    ) throws(RunFailure) -> Simulation {
        try SimulateStage(
            job: job,
            simulator: simulator,
            launcher: try currentLauncher(control),
            options: options,
            workDirectory: workDirectory
        ).execute(control: control)
    }

    /// What `body` gives on a thread of its own.
    func result<Value: Sendable>(
        of body: @escaping @Sendable (ChildControl) throws(RunFailure) -> Value
    ) async -> Result<Value, RunFailure> {
        counts.withLock { $0.running += 1 }
        return await onOwnThread { [self] control in
            defer { counts.withLock { $0.running -= 1 } }
            do throws(RunFailure) {
                let value = try body(control)
                counts.withLock { $0.completed += 1 }
                return .success(value)
            } catch {
                counts.withLock { $0.failed += 1 }
                return .failure(control.isCancelled ? RunFailure(.cancelled, "the run was cancelled") : error)
            }
        } orElse: {
            .failure(RunFailure(.sandbox, "cannot start a thread"))
        }
    }

    /// What the runner does at this moment, and what it has done.
    public var load: RunnerCounts {
        var load = counts.withLock { $0 }
        load.warm = warm.count
        return load
    }

    /// Starts the workers that are to wait, before the first job comes.
    public func warmUp() async throws(RunFailure) {
        let result: Result<Void, RunFailure> = await onOwnThread { [self] control in
            Result { () throws(RunFailure) in warm.fill(try currentLauncher(control)) }
        } orElse: {
            .failure(RunFailure(.sandbox, "cannot start a thread"))
        }
        return try result.get()
    }

    /// Compiles what is not in the cache, and runs.
    /// - Parameter body: performs the run stage; `nil` when the device is not the one of the programs.
    private func execute<Value>(
        _ job: ReplayJob,
        _ control: ChildControl,
        _ body: (RunStage, CompiledPrograms) throws(RunFailure) -> Value?
    ) throws(RunFailure) -> Value {
        let launcher = try currentLauncher(control)
        let stage = RunStage(
            job: job,
            launcher: launcher,
            options: options,
            workDirectory: workDirectory,
            warm: warm
        )
        defer { warm.fill(launcher) }
        if let cached = cache.entry(for: job.programKey) {
            // A device that changed since compiling makes the binary useless, not the job.
            if let value = try body(stage, cached) { return value }
            cache.remove(job.programKey)
        }
        let compiled = try compiled(job, control)
        guard let value = try body(stage, compiled) else {
            throw RunFailure(.device, "the device changed between compiling and running")
        }
        return value
    }

    private func listDevices(_ control: ChildControl) throws(RunFailure) -> [DeviceDescription] {
        let launcher = try currentLauncher(control)
        let folder = launcher.hasNamespaces ? nil : try TemporaryFolder(in: workDirectory)
        let child = try ChildProcess(
            launcher.launch(["devices"], folder: folder?.path),
            folder: folder,
            repliesOnOutput: true,
            deadline: .now + .seconds(options.compileSeconds),
            control: control
        )
        let bytes: [UInt8]?
        do throws(ChildStop) {
            bytes = try child.readToEnd(maxBytes: 1 << 20)
        } catch {
            throw RunFailure(error == .cancelled ? .cancelled : .timeout, "the worker did not list its devices")
        }
        let end = child.finish(graceMilliseconds: 2000)
        guard let bytes, end == .exited(0) else {
            throw RunFailure(.crashed, "the worker ended without a list of devices (\(end))")
        }
        do throws(ParseError) {
            var reader = try JSONReader(try JSONValue(parsing: bytes))
            let devices = try reader.array("devices", max: 256) {
                (value, path) throws(ParseError) -> DeviceDescription in
                try DeviceDescription(value, path)
            }
            try reader.finish()
            return devices
        } catch {
            throw RunFailure(.protocolViolation, "list of devices: \(error)")
        }
    }

    /// What works on this machine, found out once.
    private func currentLauncher(_ control: ChildControl) throws(RunFailure) -> SandboxLauncher {
        if var known = launcher.withLock({ $0 }) {
            if let vendors = vendors.withLock({ $0 }) { known.vendors = vendors }
            return known
        }
        let found = try SandboxLauncher(worker: worker, usesNamespaces: options.usesNamespaces, control: control)
        guard !control.isCancelled else { throw RunFailure(.cancelled, "the run was cancelled") }
        launcher.withLock { $0 = found }
        return try currentLauncher(control)
    }
}

/// Counts of a runner, for those who watch it.
public struct RunnerCounts: Sendable, Equatable {
    /// Runs and admissions under way.
    public var running = 0
    /// Those that came to a result.
    public var completed = 0
    /// Those that came to none.
    public var failed = 0
    /// Workers that wait for a job.
    public var warm = 0
}
