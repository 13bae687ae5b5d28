// The first OpenCL device, driven directly: the same kernels and launches as a replay, with nothing read back and nothing hashed.
import COpenCLHost
import Codecs
import Glibc
import Replay

struct BareFailure: Error, CustomStringConvertible {
    let description: String
}

/// A spec on a device, ready to be performed many times.
final class BareDevice {
    private let queue: cl_command_queue
    private var buffers: [cl_mem] = []
    private var launches: [(kernel: cl_kernel, global: [Int], local: [Int])] = []
    private let spec: ReplaySpec

    init(_ spec: ReplaySpec, files: [String: [UInt8]]) throws {
        self.spec = spec
        var platform: cl_platform_id?
        var device: cl_device_id?
        guard clGetPlatformIDs(1, &platform, nil) == CL_SUCCESS,
            clGetDeviceIDs(platform, cl_device_type(CL_DEVICE_TYPE_ALL), 1, &device, nil) == CL_SUCCESS
        else { throw BareFailure(description: "no OpenCL device") }
        var status: cl_int = 0
        guard let context = clCreateContext(nil, 1, &device, nil, nil, &status),
            let queue = clCreateCommandQueue(context, device, 0, &status)
        else { throw BareFailure(description: "no context: \(status)") }
        self.queue = queue
        for slot in spec.slots {
            guard let buffer = clCreateBuffer(context, 0, slot.byteCount, nil, &status) else {
                throw BareFailure(description: "no buffer: \(status)")
            }
            if let file = slot.file, let bytes = files[file.path] {
                let yes = cl_bool(CL_TRUE)
                _ = clEnqueueWriteBuffer(queue, buffer, yes, 0, bytes.count, bytes, 0, nil, nil)
            }
            buffers.append(buffer)
        }
        var programs: [cl_program] = []
        for source in spec.sources {
            let text = Prelude.text + String(decoding: files[source.file] ?? [], as: UTF8.self)
            let program = text.withCString { characters in
                var pointer: UnsafePointer<CChar>? = characters
                return clCreateProgramWithSource(context, 1, &pointer, nil, &status)
            }
            guard let program, clBuildProgram(program, 1, &device, Prelude.options, nil, nil) == CL_SUCCESS else {
                throw BareFailure(description: "\(source.name) does not build")
            }
            programs.append(program)
        }
        for step in spec.steps {
            guard let kernel = clCreateKernel(programs[step.source], step.kernel, &status) else {
                throw BareFailure(description: "no kernel \(step.kernel): \(status)")
            }
            for (index, argument) in step.arguments.enumerated() {
                let place = cl_uint(index)
                switch argument {
                case .slot(let slot, _):
                    var buffer: cl_mem? = buffers[slot]
                    status = clSetKernelArg(kernel, place, MemoryLayout<cl_mem?>.size, &buffer)
                case .u32(var value), .f32(var value): status = clSetKernelArg(kernel, place, 4, &value)
                case .i32(var value): status = clSetKernelArg(kernel, place, 4, &value)
                case .u64(var value), .f64(var value): status = clSetKernelArg(kernel, place, 8, &value)
                default: throw BareFailure(description: "an argument that the library does not use")
                }
                guard status == CL_SUCCESS else { throw BareFailure(description: "\(step.kernel): \(status)") }
            }
            launches.append((kernel, step.global.map(Int.init), step.local.map(Int.init)))
        }
    }

    /// Performs every step once and waits.
    func perform() throws {
        for launch in launches {
            let count = cl_uint(launch.global.count)
            let status = clEnqueueNDRangeKernel(
                queue,
                launch.kernel,
                count,
                nil,
                launch.global,
                launch.local,
                0,
                nil,
                nil
            )
            guard status == CL_SUCCESS else { throw BareFailure(description: "launch: \(status)") }
        }
        clFinish(queue)
    }

    /// The content of a slot.
    func content(_ name: String) -> [UInt8] {
        guard let index = spec.slots.firstIndex(where: { $0.name == name }) else { return [] }
        let count = spec.slots[index].byteCount
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            _ = clEnqueueReadBuffer(
                queue,
                buffers[index],
                cl_bool(CL_TRUE),
                0,
                count,
                buffer.baseAddress,
                0,
                nil,
                nil
            )
            filled = count
        }
    }
}
