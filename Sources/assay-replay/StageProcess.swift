// One stage from start to end: read the request's header, put up the walls, say so, and only then touch what the job brought.
import CSandbox
import Codecs
import Glibc
import Replay

enum StageProcess {
    /// Performs `stage` and ends the process.
    static func perform(_ stage: WorkerStage) -> Never {
        do throws(RunFailure) {
            var reader = try RequestReader()
            let request = try reader.header()
            guard request.stage == stage else {
                throw RunFailure(.protocolViolation, "asked for stage \(request.stage.rawValue)")
            }
            let walls = try raise(request.walls, stage)
            Reply.send(.walls, JSONValue.array(walls.map { .string($0.rawValue) }).serialized())
            switch stage {
            case .compile: try compile(request, &reader)
            case .run: try run(request, &reader)
            case .simulate: try simulate(request, &reader)
            }
            Reply.send(.done, stage == .run ? usage.json.serialized() : [])
        } catch {
            Reply.fail(error)
        }
        // Without exit handlers: a driver's own could wait for threads that a kernel still holds.
        _exit(0)
    }

    /// What this process has taken up to now. Linux counts the resident set in KiB.
    private static var usage: ResourceUsage {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        let microseconds = [usage.ru_utime, usage.ru_stime].map { UInt64($0.tv_sec) * 1_000_000 + UInt64($0.tv_usec) }
        return ResourceUsage(
            processorMicroseconds: microseconds.reduce(0, +),
            peakMemoryBytes: UInt64(usage.ru_maxrss) << 10
        )
    }

    private static func raise(
        _ walls: WorkerRequest.Walls,
        _ stage: WorkerStage
    ) throws(RunFailure) -> [SandboxReport.Measure] {
        var standing: [SandboxReport.Measure] = []
        var limits = assay_limits(
            address_space: walls.addressSpaceBytes,
            cpu_seconds: walls.processorSeconds,
            file_bytes: walls.fileBytes,
            descriptors: 256,
            processes: walls.processes
        )
        guard assay_limit_resources(&limits) == 0 else { throw RunFailure(.sandbox, "cannot set resource limits") }
        standing.append(.rlimits)
        guard assay_forbid_new_privileges() == 0 else { throw RunFailure(.sandbox, "cannot give up privileges") }
        standing.append(.noNewPrivileges)
        if !walls.readable.isEmpty {
            let paths = walls.readable.map { UnsafePointer<CChar>(strdup($0)) }
            let devices = walls.devices.map { UnsafePointer<CChar>(strdup($0)) }
            let error = assay_confine_files(
                paths,
                Int32(paths.count),
                devices,
                Int32(devices.count),
                walls.writable
            )
            guard error == 0 || error == ENOSYS || error == EPERM else {
                throw RunFailure(.sandbox, "Landlock: errno \(error)")
            }
            if error == 0 { standing.append(.landlock) }
        }
        let profile = stage == .compile ? assay_stage_compile : assay_stage_run
        let error = assay_filter_system_calls(profile, walls.allowsDeviceControl ? 1 : 0)
        // Where filters are not to be had the parent decides whether the level that is left will do.
        guard error == 0 || error == EINVAL || error == ECANCELED else {
            throw RunFailure(.sandbox, "seccomp: errno \(error)")
        }
        if error == 0 { standing.append(.seccomp) }
        return standing
    }

    private static func compile(_ request: WorkerRequest, _ reader: inout RequestReader) throws(RunFailure) {
        let context = try DeviceContext.open(request.spec)
        Reply.send(.device, context.description.json.serialized())
        let unit = ProgramUnit.needed(by: request.spec)[request.unit]
        let text = try reader.read(Int(request.programLengths[0]))
        Reply.send(.binary, try context.compile(text, unit: unit))
    }

    private static func run(_ request: WorkerRequest, _ reader: inout RequestReader) throws(RunFailure) {
        let context = try DeviceContext.open(request.spec)
        Reply.send(.device, context.description.json.serialized())
        var programs: [Program] = []
        for length in request.programLengths {
            programs.append(try context.load(try reader.read(Int(length))))
        }
        try launch(request, &reader, context, programs, isSimulated: false)
    }

    private static func simulate(_ request: WorkerRequest, _ reader: inout RequestReader) throws(RunFailure) {
        let context = try DeviceContext.openFirst()
        Reply.send(.device, context.description.json.serialized())
        var programs: [Program] = []
        for length in request.programLengths {
            programs.append(try context.compileForSimulation(try reader.read(Int(length))))
        }
        try launch(request, &reader, context, programs, isSimulated: true)
        let log = SimulatorFindings.read(in: request.walls.writable)
        log.withUnsafeBytes { Reply.send(.log, [], $0) }
    }

    /// Performs the launches of a request and sends what they write.
    /// - Parameter isSimulated: whether each step first runs over patterns in the slots that it overwrites.
    private static func launch(
        _ request: WorkerRequest,
        _ reader: inout RequestReader,
        _ context: DeviceContext,
        _ programs: [Program],
        isSimulated: Bool
    ) throws(RunFailure) {
        let units = ProgramUnit.needed(by: request.spec)
        var buffers: [Buffer] = []
        for (index, slot) in request.spec.slots.enumerated() {
            let isGiven = slot.file != nil || request.states.contains(index)
            let content = isGiven ? try reader.view(slot.byteCount) : nil
            buffers.append(
                try context.buffer(byteCount: slot.byteCount, content: content, isWritten: slot.file == nil)
            )
        }
        for index in request.launches {
            let launch = request.spec.launch(index)
            let step = request.spec.steps[launch.step]
            guard let unit = ProgramUnit.index(of: step, in: units) else {
                throw RunFailure(.protocolViolation, "no program for step \(launch.step)")
            }
            for slot in request.spec.slotsCleared(before: launch) { try context.clear(buffers[slot]) }
            let arguments = request.spec.arguments(of: launch)
            if isSimulated, !step.overwrittenSlots.isEmpty {
                var before: [[UInt8]] = []
                for slot in step.writtenSlots { before.append(try context.read(buffers[slot])) }
                for round in 0..<2 {
                    for slot in step.overwrittenSlots {
                        let pattern = WorkerRequest.patterns(for: request.spec.slots[slot].type)[round]
                        try context.fill(buffers[slot], with: pattern)
                    }
                    try context.launch(step, arguments: arguments, program: programs[unit], buffers: buffers)
                    for slot in step.overwrittenSlots { try send(.patterned, index, slot, buffers, context) }
                    for (slot, content) in zip(step.writtenSlots, before) {
                        try context.write(content, to: buffers[slot])
                    }
                }
            }
            try context.launch(step, arguments: arguments, program: programs[unit], buffers: buffers)
            for slot in step.writtenSlots { try send(.slot, index, slot, buffers, context) }
        }
    }

    private static func send(
        _ kind: WorkerFrame,
        _ launch: Int,
        _ slot: Int,
        _ buffers: [Buffer],
        _ context: DeviceContext
    ) throws(RunFailure) {
        var place: [UInt8] = []
        place.appendLittleEndian(UInt32(launch))
        place.appendLittleEndian(UInt32(slot))
        try context.withContent(of: buffers[slot]) { Reply.send(kind, place, $0) }
    }
}
