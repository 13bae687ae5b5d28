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
public final class SandboxedRunner: Runner {
    /// The operator's bounds; a spec may ask for less, never for more.
    public struct Options: Sendable {
        /// The longest run stage in seconds, whatever the spec allows.
        public var wallSeconds: Int64 = 3600
        /// The longest compile stage in seconds.
        public var compileSeconds: Int64 = 60
        /// The weakest sandbox in which a job may run.
        public var minimumLevel: SandboxLevel = .seccomp
        /// Whether to try bubblewrap. Without it the level is lower, and said to be.
        public var usesNamespaces = true
        /// Whether to confine files by Landlock where there are no namespaces.
        public var usesLandlock = true
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
    }

    /// The worker that a process should use: `ASSAY_REPLAY_WORKER`, else `assay-replay` beside the running executable.
    public static func defaultWorker() -> String? {
        if let named = getenv("ASSAY_REPLAY_WORKER") { return String(cString: named) }
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard length > 0 else { return nil }
        let executable = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let slash = executable.lastIndex(of: "/") else { return nil }
        let candidate = executable[...slash] + "assay-replay"
        return access(String(candidate), X_OK) == 0 ? String(candidate) : nil
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
        let job: ReplayJob
        do throws(RunFailure) {
            job = try ReplayJob(spec: spec, files: files)
        } catch {
            return .failed(error)
        }
        if !skipsAdmission {
            let faults = Admission.faults(in: spec, sources: job.sources)
            guard faults.isEmpty else { return .refused(faults) }
        }
        return await onOwnThread { [self] control in
            do throws(RunFailure) {
                return .completed(try execute(job, control))
            } catch {
                return .failed(control.isCancelled ? RunFailure(.cancelled, "the run was cancelled") : error)
            }
        } orElse: {
            .failed(RunFailure(.sandbox, "cannot start a thread"))
        }
    }

    private func execute(_ job: ReplayJob, _ control: ChildControl) throws(RunFailure) -> Execution {
        let launcher = try currentLauncher(control)
        if let cached = cache.entry(for: job.programKey) {
            let stage = RunStage(job: job, launcher: launcher, options: options, workDirectory: workDirectory)
            // A device that changed since compiling makes the binary useless, not the job.
            if let execution = try stage.execute(cached, control: control) { return execution }
            cache.remove(job.programKey)
        }
        let compiled = try CompileStage(
            job: job,
            launcher: launcher,
            options: options,
            workDirectory: workDirectory
        ).execute(control: control)
        cache.insert(compiled, for: job.programKey)
        let stage = RunStage(job: job, launcher: launcher, options: options, workDirectory: workDirectory)
        guard let execution = try stage.execute(compiled, control: control) else {
            throw RunFailure(.device, "the device changed between compiling and running")
        }
        return execution
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
        if let known = launcher.withLock({ $0 }) { return known }
        let found = try SandboxLauncher(worker: worker, usesNamespaces: options.usesNamespaces, control: control)
        guard !control.isCancelled else { throw RunFailure(.cancelled, "the run was cancelled") }
        launcher.withLock { $0 = found }
        return found
    }
}

/// A spec with the content of its files.
struct ReplayJob: Sendable {
    let spec: ReplaySpec
    /// The text of each source, in the spec's order.
    let sources: [[UInt8]]
    /// The initial content of each input slot, by slot index.
    let inputs: [Int: ArraySlice<UInt8>]
    /// What identifies the compiled programs.
    let programKey: Digest

    /// Takes the files that the spec names.
    /// - Throws: `RunFailure` with reason `input` when one is missing or is not what the spec says.
    init(spec: ReplaySpec, files: [String: [UInt8]]) throws(RunFailure) {
        var sources: [[UInt8]] = []
        for source in spec.sources {
            let text = try Self.file(source.file, source.byteCount, files)
            guard UInt64(text.count) <= ReplaySpec.Bounds.sourceBytes else {
                throw RunFailure(.input, "\(source.file) is longer than \(ReplaySpec.Bounds.sourceBytes) bytes")
            }
            sources.append(text)
        }
        var inputs: [Int: ArraySlice<UInt8>] = [:]
        for (index, slot) in spec.slots.enumerated() {
            guard let file = slot.file else { continue }
            let bytes = try Self.file(file.path, file.byteCount, files)
            do throws(ParseError) {
                inputs[index] = try slot.content(of: bytes, format: file.format)
            } catch {
                throw RunFailure(.input, "\(file.path): \(error)")
            }
        }
        self.spec = spec
        self.sources = sources
        self.inputs = inputs
        programKey = Self.key(spec, sources)
    }

    private static func file(
        _ path: String,
        _ byteCount: UInt64?,
        _ files: [String: [UInt8]]
    ) throws(RunFailure) -> [UInt8] {
        guard let bytes = files[path] else { throw RunFailure(.input, "\(path) is missing") }
        if let byteCount, byteCount != UInt64(bytes.count) {
            throw RunFailure(.input, "\(path) has \(bytes.count) bytes, the spec says \(byteCount)")
        }
        return bytes
    }

    /// Everything that a binary depends on, except the device, which the run stage compares.
    private static func key(_ spec: ReplaySpec, _ sources: [[UInt8]]) -> Digest {
        var hash = SHA256()
        hash.update("assay-binary-1\0")
        hash.update(Prelude.digest)
        hash.update(SHA256.hash(Array(Prelude.options.utf8)))
        hash.update(spec.device.kind.rawValue)
        hash.update(bigEndian: spec.device.memoryBytes)
        for source in sources { hash.update(SHA256.hash(source)) }
        for unit in ProgramUnit.needed(by: spec) { hash.update("\(unit.source) \(unit.specialization)\n") }
        return hash.finalized()
    }
}

/// Compiled programs in the order of `ProgramUnit.needed`, for one device.
struct CompiledPrograms: Sendable {
    let binaries: [[UInt8]]
    let device: DeviceDescription

    var byteCount: Int { binaries.reduce(0) { $0 + $1.count } }
}

/// Compiled programs by content, in memory.
final class BinaryCache: Sendable {
    private struct State {
        var entries: [Digest: (programs: CompiledPrograms, lastUse: UInt64)] = [:]
        var byteCount = 0
        var clock: UInt64 = 0
    }

    private let state = Mutex(State())
    private let limitBytes: Int

    init(limitBytes: Int) {
        self.limitBytes = limitBytes
    }

    func entry(for key: Digest) -> CompiledPrograms? {
        state.withLock { state in
            guard let entry = state.entries[key] else { return nil }
            state.clock += 1
            state.entries[key]?.lastUse = state.clock
            return entry.programs
        }
    }

    func insert(_ programs: CompiledPrograms, for key: Digest) {
        state.withLock { state in
            Self.remove(key, &state)
            guard programs.byteCount <= limitBytes else { return }
            while state.byteCount + programs.byteCount > limitBytes {
                guard let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse }) else { break }
                Self.remove(oldest.key, &state)
            }
            state.clock += 1
            state.entries[key] = (programs, state.clock)
            state.byteCount += programs.byteCount
        }
    }

    func remove(_ key: Digest) {
        state.withLock { Self.remove(key, &$0) }
    }

    private static func remove(_ key: Digest, _ state: inout State) {
        if let old = state.entries.removeValue(forKey: key) { state.byteCount -= old.programs.byteCount }
    }
}
