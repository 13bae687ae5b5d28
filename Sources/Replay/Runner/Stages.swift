// The two stages of a run, seen from the parent: what goes into the request, and what is accepted from the reply.
internal import CSpawn
internal import Codecs
internal import Commitments
internal import Glibc

/// The compile stage: sources in, binaries out. Each program has a process of its own, because a driver may read once per
/// process for which work-group shapes to compile.
struct CompileStage {
    let job: ReplayJob
    let launcher: SandboxLauncher
    let options: SandboxedRunner.Options
    let workDirectory: String

    private static let binaryBytesMax = 64 << 20

    func execute(control: ChildControl) throws(RunFailure) -> CompiledPrograms {
        let deadline = ContinuousClock.now + .seconds(options.compileSeconds)
        var programs: [(binary: [UInt8], device: DeviceDescription)] = []
        for (index, unit) in ProgramUnit.needed(by: job.spec).enumerated() {
            programs.append(try compile(unit, index: index, deadline: deadline, control: control))
        }
        guard let device = programs.first?.device, programs.allSatisfy({ $0.device.isSameDevice(as: device) }) else {
            throw RunFailure(.device, "the device changed while compiling")
        }
        return CompiledPrograms(binaries: programs.map(\.binary), device: device)
    }

    private func compile(
        _ unit: ProgramUnit,
        index: Int,
        deadline: ContinuousClock.Instant,
        control: ChildControl
    ) throws(RunFailure) -> (binary: [UInt8], device: DeviceDescription) {
        let worker = try StagedWorker(
            .compile,
            job: job,
            unit: index,
            blobs: [Prelude.program(job.sources[unit.source], isSmallGrid: unit.isSmallGrid)[...]],
            inputs: [],
            walls: StageWalls(addressSpaceBytes: 4 << 30, seconds: UInt64(options.compileSeconds)),
            launcher: launcher,
            options: options,
            workDirectory: workDirectory,
            deadline: deadline,
            control: control
        )
        let reply = WorkerReply(
            worker.child,
            bounds: [.device: 65_536, .binary: Self.binaryBytesMax, .done: 0, .failure: 65_536]
        )
        let device = try worker.device(reply)
        let binary = try reply.expect(.binary)
        _ = try reply.expect(.done)
        return (binary, device)
    }
}

/// The run stage: binaries and inputs in, written slots out.
struct RunStage {
    let job: ReplayJob
    let launcher: SandboxLauncher
    let options: SandboxedRunner.Options
    let workDirectory: String
    /// Workers that may have been started already.
    let warm: WarmWorkers

    /// Runs every step.
    /// - Returns: `nil` when the device is not the one for which `programs` was compiled.
    func execute(_ programs: CompiledPrograms, control: ChildControl) throws(RunFailure) -> Execution? {
        let spec = job.spec
        let range = ReplayRange(launches: 0..<spec.launchCount)
        guard let results = try perform(range, programs, control: control, keeps: { spec.slots[$0].role == .output })
        else { return nil }
        var outputs: [String: [UInt8]] = [:]
        for (index, content) in results.slots { outputs[spec.slots[index].name] = content }
        var execution = Execution(
            outputs: outputs,
            trace: Trace(leaves: results.leaves),
            device: results.device,
            sandbox: results.sandbox,
            wallMicroseconds: results.wallMicroseconds,
            workUnits: spec.workUnits,
            comparedInputs: comparedInputs
        )
        execution.usage = results.usage
        execution.diagnostics = results.diagnostics
        return execution
    }

    /// Runs some launches.
    /// - Parameter keeps: whether the last content of a slot, by its index, is wanted.
    /// - Returns: `nil` when the device is not the one for which `programs` was compiled.
    func perform(
        _ range: ReplayRange,
        _ programs: CompiledPrograms,
        control: ChildControl,
        keeps: (Int) -> Bool
    ) throws(RunFailure) -> RangeExecution? {
        let spec = job.spec
        let start = ContinuousClock.now
        let wallSeconds = min(spec.limits.wallSeconds, options.wallSeconds)
        let worker = try StagedWorker(
            .run,
            job: job,
            range: range,
            blobs: programs.binaries.map { $0[...] },
            inputs: spec.slots.indices.compactMap { job.inputs[$0] ?? range.states[$0].map { $0[...] } },
            walls: StageWalls(
                addressSpaceBytes: addressSpace(programs),
                seconds: UInt64(wallSeconds) * max(1, programs.device.computeUnits)
            ),
            launcher: launcher,
            options: options,
            workDirectory: workDirectory,
            warm: warm,
            deadline: start + .seconds(wallSeconds),
            control: control
        )
        let longest = spec.slots.map(\.byteCount).max() ?? 0
        let reply = WorkerReply(
            worker.child,
            bounds: [.device: 65_536, .slot: longest + 8, .done: 256, .failure: 65_536]
        )
        guard try worker.device(reply).isSameDevice(as: programs.device) else { return nil }
        let stream = SlotStream(reply, spec: spec)
        var leaves: [Trace.Leaf] = []
        var slots: [Int: [UInt8]] = [:]
        for index in range.launches {
            let step = spec.steps[spec.launch(index).step]
            var roots: [Trace.SlotRoot] = []
            for slotIndex in step.writtenSlots {
                let (root, content) = try stream.next(launch: index, slot: slotIndex, keeps: keeps(slotIndex))
                roots.append(Trace.SlotRoot(index: slotIndex, name: spec.slots[slotIndex].name, root: root))
                if let content { slots[slotIndex] = content }
            }
            let kernel = Prelude.kernelDigest(source: job.sources[step.source], kernel: step.kernel)
            leaves.append(Trace.Leaf(step: UInt32(index), kernelDigest: kernel, slots: roots))
        }
        let end = try reply.expectJSON(.done)
        let usage: ResourceUsage
        do throws(ParseError) {
            usage = try ResourceUsage(end)
        } catch {
            throw RunFailure(.protocolViolation, "frame done: \(error)")
        }
        return RangeExecution(
            range: range,
            leaves: leaves,
            slots: slots,
            device: programs.device,
            sandbox: worker.report,
            wallMicroseconds: microseconds(ContinuousClock.now - start),
            usage: usage,
            diagnostics: worker.child.drainedErrorText()
        )
    }

    /// The inputs to which the spec's agreements refer.
    private var comparedInputs: [Int: [UInt8]] {
        var inputs: [Int: [UInt8]] = [:]
        for agreement in job.spec.agreements {
            guard case .product(let left, let right, _, _) = agreement.rule else { continue }
            for index in [left, right] { inputs[index] = job.inputs[index].map { Array($0) } }
        }
        return inputs
    }

    /// Slots, the request that is mapped, the copies that the driver makes while filling and reading a slot, and what driver
    /// and compiler take themselves. A GPU driver maps far more than it uses, so that only the wall clock bounds it.
    private func addressSpace(_ programs: CompiledPrograms) -> UInt64 {
        guard programs.device.kind == .cpu else { return 0 }
        let longest = UInt64(job.spec.slots.map(\.byteCount).max() ?? 0)
        let given = UInt64(job.spec.slots.reduce(0) { $0 + $1.byteCount } + programs.byteCount)
        return job.spec.limits.memoryBytes + given + 3 * longest + 2 << 30 + programs.device.computeUnits << 24
    }

    private func microseconds(_ duration: Duration) -> UInt64 {
        let parts = duration.components
        return UInt64(max(0, parts.seconds)) * 1_000_000 + UInt64(max(0, parts.attoseconds)) / 1_000_000_000_000
    }
}

/// The limits of one stage.
struct StageWalls {
    var addressSpaceBytes: UInt64
    var seconds: UInt64
}

/// A worker that has started, put up its walls and said so.
struct StagedWorker {
    let child: ChildProcess
    let report: SandboxReport

    init(
        _ stage: WorkerStage,
        job: ReplayJob,
        unit: Int = 0,
        range: ReplayRange? = nil,
        blobs: [ArraySlice<UInt8>],
        inputs: [ArraySlice<UInt8>],
        walls: StageWalls,
        simulator: String? = nil,
        launcher: SandboxLauncher,
        options: SandboxedRunner.Options,
        workDirectory: String,
        warm: WarmWorkers? = nil,
        deadline: ContinuousClock.Instant,
        control: ChildControl
    ) throws(RunFailure) {
        let folder = launcher.hasNamespaces ? nil : try TemporaryFolder(in: workDirectory)
        let mayUseGPU = stage != .simulate && job.spec.device.kind != .cpu && !SandboxLauncher.deviceFiles().isEmpty
        let request = WorkerRequest(
            stage: stage,
            spec: job.spec,
            walls: WorkerRequest.Walls(
                addressSpaceBytes: mayUseGPU ? 0 : walls.addressSpaceBytes,
                processorSeconds: walls.seconds + 2,
                fileBytes: 256 << 20,
                allowsDeviceControl: mayUseGPU,
                // Counted per user, so that it can be set only where the worker's user is its own.
                processes: launcher.hasNamespaces ? 1024 : 0,
                readable: options.usesLandlock ? launcher.readable : [],
                devices: launcher.writableDevices,
                writable: folder?.path ?? SandboxLauncher.innerFolder
            ),
            unit: unit,
            launches: range?.launches ?? 0..<job.spec.launchCount,
            states: range?.states.keys.sorted() ?? [],
            programLengths: blobs.map { UInt64($0.count) }
        )
        let descriptor = try Self.memoryFile([request.head[...]] + blobs + inputs)
        defer { close(descriptor) }
        if let waiting = warm?.take(), waiting.begin(descriptor, deadline: deadline, control: control),
            let walls = try? Self.report(waiting.child, launcher: launcher)
        {
            child = waiting.child
            report = walls
        } else {
            // None waits, or the one that did has died since: a run may not suffer from that.
            child = try ChildProcess(
                launcher.launch([stage.rawValue], folder: folder?.path, simulator: simulator),
                request: descriptor,
                folder: folder,
                deadline: deadline,
                control: control
            )
            report = try Self.report(child, launcher: launcher)
        }
        guard report.level >= options.minimumLevel else {
            let levels = "\(report.level.rawValue), the least allowed is \(options.minimumLevel.rawValue)"
            throw RunFailure(.sandbox, "the sandbox reached only \(levels)")
        }
    }

    /// Reads the device frame.
    func device(_ reply: WorkerReply) throws(RunFailure) -> DeviceDescription {
        let value = try reply.expectJSON(.device)
        do throws(ParseError) {
            return try DeviceDescription(value)
        } catch {
            throw RunFailure(.protocolViolation, "device: \(error)")
        }
    }

    /// The walls that the worker put up, and those that were put up around it. The frame comes before the worker has read
    /// anything of the job, so that no kernel can have written it.
    private static func report(_ child: ChildProcess, launcher: SandboxLauncher) throws(RunFailure) -> SandboxReport {
        let value = try WorkerReply(child, bounds: [.walls: 4096, .failure: 65_536]).expectJSON(.walls)
        guard case .array(let names) = value else {
            throw RunFailure(.protocolViolation, "walls: expected an array, found \(value.typeName)")
        }
        var measures: [SandboxReport.Measure] = [.clearedEnvironment, .wallClock]
        if launcher.hasNamespaces { measures.append(.namespaces) }
        let own: Set<SandboxReport.Measure> = [.landlock, .seccomp, .noNewPrivileges, .rlimits]
        for name in names {
            guard case .string(let text) = name, let measure = SandboxReport.Measure(rawValue: text),
                own.contains(measure)
            else {
                throw RunFailure(.protocolViolation, "walls: an unknown name")
            }
            measures.append(measure)
        }
        return SandboxReport(measures: measures)
    }

    private static func memoryFile(_ parts: [ArraySlice<UInt8>]) throws(RunFailure) -> Int32 {
        let descriptor = assay_memory_file("assay-request")
        guard descriptor >= 0 else { throw RunFailure(.sandbox, "cannot make a memory file: errno \(-descriptor)") }
        for part in parts {
            let error = part.withUnsafeBytes { assay_write_all(descriptor, $0.baseAddress, $0.count) }
            guard error == 0 else {
                close(descriptor)
                throw RunFailure(.outOfMemory, "cannot write the request: errno \(error)")
            }
        }
        let error = assay_seal(descriptor)
        guard error == 0 else {
            close(descriptor)
            throw RunFailure(.sandbox, "cannot seal the request: errno \(error)")
        }
        return descriptor
    }
}
