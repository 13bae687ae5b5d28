// The device of one stage: its context, queue, programs and buffers. Nothing is ever released: the process is.
import COpenCL
import Codecs
import Glibc
import Replay

/// A built program.
struct Program {
    let handle: cl_program
}

/// A slot's memory on the device.
struct Buffer {
    let handle: cl_mem
    let byteCount: Int
}

struct DeviceContext {
    let description: DeviceDescription
    private let device: cl_device_id
    private let context: cl_context
    private let queue: cl_command_queue
    private let isSimulator: Bool

    /// Opens the first device that does what `spec` needs.
    static func open(_ spec: ReplaySpec) throws(RunFailure) -> DeviceContext {
        let all = FoundDevice.all()
        guard !all.isEmpty else { throw RunFailure(.noDevice, "no OpenCL device") }
        var reasons: [String] = []
        for found in all {
            if let reason = unfitness(found.description, spec) {
                reasons.append("\(found.description.name): \(reason)")
            } else {
                return try DeviceContext(found)
            }
        }
        throw RunFailure(.noDevice, reasons.joined(separator: "; "))
    }

    /// Opens the first device there is: the simulator, which a worker of that stage finds alone.
    static func openFirst() throws(RunFailure) -> DeviceContext {
        guard let first = FoundDevice.all().first else { throw RunFailure(.noDevice, "no simulator") }
        return try DeviceContext(first, isSimulator: true)
    }

    private static func unfitness(_ device: DeviceDescription, _ spec: ReplaySpec) -> String? {
        switch spec.device.kind {
        case .any: break
        case .cpu: if device.kind != .cpu { return "not a CPU" }
        case .gpu: if device.kind != .gpu { return "not a GPU" }
        }
        guard device.memoryBytes >= spec.device.memoryBytes else { return "only \(device.memoryBytes) bytes of memory" }
        let longest = UInt64(spec.slots.map(\.byteCount).max() ?? 0)
        guard device.largestBufferBytes >= longest else { return "no buffer above \(device.largestBufferBytes) bytes" }
        let missing = device.missingCapabilities(for: spec.replayClass)
        return missing.isEmpty ? nil : "without " + missing.map(\.rawValue).joined(separator: ", ")
    }

    private init(_ found: FoundDevice, isSimulator: Bool = false) throws(RunFailure) {
        self.isSimulator = isSimulator
        description = found.description
        device = found.id
        var status: cl_int = 0
        var id: cl_device_id? = found.id
        guard let context = clCreateContext(nil, 1, &id, nil, nil, &status) else {
            throw Self.failure("clCreateContext", status)
        }
        guard let queue = clCreateCommandQueue(context, found.id, 0, &status) else {
            throw Self.failure("clCreateCommandQueue", status)
        }
        self.context = context
        self.queue = queue
    }

    /// Compiles `text` for the work-group shapes of `unit` and returns the binary.
    func compile(_ text: [UInt8], unit: ProgramUnit) throws(RunFailure) -> [UInt8] {
        setenv("POCL_BINARY_SPECIALIZE_WG", unit.specialization, 1)
        let program = try self.program(text)
        try build(program, options: Prelude.options)
        return try binary(of: program)
    }

    /// Compiles `text` for launches in the simulator, without optimisation, which could hide what a kernel does.
    func compileForSimulation(_ text: [UInt8]) throws(RunFailure) -> Program {
        let program = try self.program(text)
        try build(program, options: Prelude.options + " -cl-opt-disable")
        return Program(handle: program)
    }

    private func program(_ text: [UInt8]) throws(RunFailure) -> cl_program {
        var status: cl_int = 0
        let program = text.withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                var pointer = characters.baseAddress
                var length = characters.count
                return clCreateProgramWithSource(context, 1, &pointer, &length, &status)
            }
        }
        guard let program else { throw Self.failure("clCreateProgramWithSource", status) }
        return program
    }

    private func binary(of program: cl_program) throws(RunFailure) -> [UInt8] {
        var length = 0
        var status = clGetProgramInfo(
            program,
            cl_program_info(CL_PROGRAM_BINARY_SIZES),
            MemoryLayout<Int>.size,
            &length,
            nil
        )
        guard status == CL_SUCCESS, length > 0, length <= 64 << 20 else {
            throw Self.failure("clGetProgramInfo", status)
        }
        let binary = [UInt8](unsafeUninitializedCapacity: length) { buffer, filled in
            var pointer = buffer.baseAddress
            let size = MemoryLayout<UnsafeMutablePointer<UInt8>?>.size
            status = clGetProgramInfo(program, cl_program_info(CL_PROGRAM_BINARIES), size, &pointer, nil)
            filled = status == CL_SUCCESS ? length : 0
        }
        guard status == CL_SUCCESS else { throw Self.failure("clGetProgramInfo", status) }
        return binary
    }

    /// Makes a program from a binary that the compile stage returned.
    func load(_ binary: [UInt8]) throws(RunFailure) -> Program {
        var status: cl_int = 0
        let program = binary.withUnsafeBufferPointer { bytes in
            var pointer = bytes.baseAddress
            var length = bytes.count
            var id: cl_device_id? = device
            return clCreateProgramWithBinary(context, 1, &id, &length, &pointer, nil, &status)
        }
        guard let program else { throw Self.failure("clCreateProgramWithBinary", status) }
        try build(program, options: "")
        return Program(handle: program)
    }

    private func build(_ program: cl_program, options: String) throws(RunFailure) {
        var id: cl_device_id? = device
        let status = clBuildProgram(program, 1, &id, options, nil, nil)
        guard status != CL_SUCCESS else { return }
        var length = 0
        clGetProgramBuildInfo(program, device, cl_program_build_info(CL_PROGRAM_BUILD_LOG), 0, nil, &length)
        var log = [UInt8](repeating: 0, count: min(max(length, 1), 1 << 20))
        clGetProgramBuildInfo(program, device, cl_program_build_info(CL_PROGRAM_BUILD_LOG), log.count, &log, nil)
        let text = String(decoding: log.prefix { $0 != 0 }.prefix(4000), as: UTF8.self)
        throw RunFailure(.compile, "clBuildProgram: \(status)\n\(text)")
    }

    /// Makes a buffer with `content`, or filled with zeros.
    func buffer(byteCount: Int, content: UnsafeRawBufferPointer?, isWritten: Bool) throws(RunFailure) -> Buffer {
        var status: cl_int = 0
        let flags = cl_mem_flags(isWritten ? CL_MEM_READ_WRITE : CL_MEM_READ_ONLY)
        guard let handle = clCreateBuffer(context, flags, byteCount, nil, &status) else {
            throw Self.failure("clCreateBuffer", status)
        }
        let buffer = Buffer(handle: handle, byteCount: byteCount)
        if let content { try write(content, to: buffer) } else { try clear(buffer) }
        return buffer
    }

    /// Writes a buffer's whole content.
    func write(_ content: UnsafeRawBufferPointer, to buffer: Buffer) throws(RunFailure) {
        let status = enqueueWrite(content, to: buffer)
        guard status == CL_SUCCESS else { throw Self.failure("clEnqueueWriteBuffer", status) }
    }

    /// Writes a buffer's whole content.
    func write(_ content: [UInt8], to buffer: Buffer) throws(RunFailure) {
        let status = content.withUnsafeBytes { enqueueWrite($0, to: buffer) }
        guard status == CL_SUCCESS else { throw Self.failure("clEnqueueWriteBuffer", status) }
    }

    private func enqueueWrite(_ content: UnsafeRawBufferPointer, to buffer: Buffer) -> cl_int {
        let blocking = cl_bool(CL_TRUE)
        return clEnqueueWriteBuffer(
            queue,
            buffer.handle,
            blocking,
            0,
            content.count,
            content.baseAddress,
            0,
            nil,
            nil
        )
    }

    /// Fills a buffer with zeros.
    func clear(_ buffer: Buffer) throws(RunFailure) { try fill(buffer, with: 0) }

    /// Fills a buffer with a byte.
    func fill(_ buffer: Buffer, with byte: UInt8) throws(RunFailure) {
        // The simulator takes a filled buffer for one that nothing was written to.
        if isSimulator { return try write([UInt8](repeating: byte, count: buffer.byteCount), to: buffer) }
        var byte = byte
        var status = clEnqueueFillBuffer(queue, buffer.handle, &byte, 1, 0, buffer.byteCount, 0, nil, nil)
        if status == CL_SUCCESS { status = clFinish(queue) }
        guard status == CL_SUCCESS else { throw Self.failure("clEnqueueFillBuffer", status) }
    }

    /// Launches a step and waits for its end.
    /// - Parameter arguments: slots, scalars and local memory, as `ReplaySpec.arguments(of:)` gives them.
    func launch(
        _ step: ReplaySpec.Step,
        arguments: [ReplaySpec.Argument],
        program: Program,
        buffers: [Buffer]
    ) throws(RunFailure) {
        var status: cl_int = 0
        guard let kernel = clCreateKernel(program.handle, step.kernel, &status) else {
            throw Self.failure("clCreateKernel(\(step.kernel))", status)
        }
        for (index, argument) in arguments.enumerated() {
            let position = cl_uint(index)
            switch argument {
            case .slot(let slot, _):
                var handle: cl_mem? = buffers[slot].handle
                status = clSetKernelArg(kernel, position, MemoryLayout<cl_mem?>.size, &handle)
            case .local(let byteCount): status = clSetKernelArg(kernel, position, Int(byteCount), nil)
            case .i32(let value): status = Self.set(kernel, position, value)
            case .u32(let value), .f32(let value): status = Self.set(kernel, position, value)
            case .i64(let value): status = Self.set(kernel, position, value)
            case .u64(let value), .f64(let value): status = Self.set(kernel, position, value)
            case .slotByIteration, .seedWord, .counter:
                throw RunFailure(.protocolViolation, "argument \(index) of \(step.kernel) has no value")
            }
            guard status == CL_SUCCESS else {
                throw Self.failure("clSetKernelArg(\(step.kernel), \(index))", status)
            }
        }
        let global = step.global.map(Int.init)
        let local = step.local.map(Int.init)
        status = clEnqueueNDRangeKernel(queue, kernel, cl_uint(global.count), nil, global, local, 0, nil, nil)
        if status == CL_SUCCESS { status = clFinish(queue) }
        guard status == CL_SUCCESS else { throw Self.failure("launching \(step.kernel)", status) }
        clReleaseKernel(kernel)
    }

    private static func set(_ kernel: cl_kernel, _ position: cl_uint, _ value: some FixedWidthInteger) -> cl_int {
        withUnsafeBytes(of: value) { clSetKernelArg(kernel, position, $0.count, $0.baseAddress) }
    }

    /// The content of a buffer.
    func read(_ buffer: Buffer) throws(RunFailure) -> [UInt8] {
        var status: cl_int = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: buffer.byteCount) { target, filled in
            status = clEnqueueReadBuffer(
                queue,
                buffer.handle,
                cl_bool(CL_TRUE),
                0,
                buffer.byteCount,
                target.baseAddress,
                0,
                nil,
                nil
            )
            filled = status == CL_SUCCESS ? buffer.byteCount : 0
        }
        guard status == CL_SUCCESS else { throw Self.failure("clEnqueueReadBuffer", status) }
        return bytes
    }

    /// Shows `body` the content of a buffer. A CPU's driver maps a buffer where it lies, without a copy.
    func withContent(of buffer: Buffer, _ body: (UnsafeRawBufferPointer) -> Void) throws(RunFailure) {
        // The simulator's mapping is a copy both ways.
        if isSimulator { return try read(buffer).withUnsafeBytes(body) }
        var status: cl_int = 0
        let (flags, blocking) = (cl_map_flags(CL_MAP_READ), cl_bool(CL_TRUE))
        let place = clEnqueueMapBuffer(
            queue,
            buffer.handle,
            blocking,
            flags,
            0,
            buffer.byteCount,
            0,
            nil,
            nil,
            &status
        )
        guard status == CL_SUCCESS, let place else { throw Self.failure("clEnqueueMapBuffer", status) }
        body(UnsafeRawBufferPointer(start: place, count: buffer.byteCount))
        status = clEnqueueUnmapMemObject(queue, buffer.handle, place, 0, nil, nil)
        guard status == CL_SUCCESS else { throw Self.failure("clEnqueueUnmapMemObject", status) }
    }

    private static func failure(_ call: String, _ status: cl_int) -> RunFailure {
        switch status {
        case CL_OUT_OF_HOST_MEMORY, CL_OUT_OF_RESOURCES, CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_INVALID_BUFFER_SIZE:
            RunFailure(.outOfMemory, "\(call): OpenCL error \(status)")
        case CL_DEVICE_NOT_FOUND, CL_DEVICE_NOT_AVAILABLE:
            RunFailure(.noDevice, "\(call): OpenCL error \(status)")
        default:
            RunFailure(.device, "\(call): OpenCL error \(status)")
        }
    }
}
