// Finds OpenCL devices and reads what they say of themselves.
import COpenCL
import Codecs
import Replay

/// A device and what it says of itself.
struct FoundDevice: @unchecked Sendable {
    /// Drivers allow a device's handle in every thread (OpenCL 1.2 §A.2).
    let id: cl_device_id
    let description: DeviceDescription

    /// Every CPU and GPU that has a compiler, GPUs first, else in the platforms' own order. Empty when there is no platform.
    static func all() -> [FoundDevice] { found }

    /// Looked for once in a process: a worker serves one job.
    private static let found = enumerate()

    private static func enumerate() -> [FoundDevice] {
        var platformCount: cl_uint = 0
        guard clGetPlatformIDs(0, nil, &platformCount) == CL_SUCCESS, platformCount > 0 else { return [] }
        var platforms = [cl_platform_id?](repeating: nil, count: Int(platformCount))
        guard clGetPlatformIDs(platformCount, &platforms, nil) == CL_SUCCESS else { return [] }
        var devices: [FoundDevice] = []
        for platform in platforms.compactMap({ $0 }) {
            var count: cl_uint = 0
            let kinds = cl_device_type(CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_GPU)
            guard clGetDeviceIDs(platform, kinds, 0, nil, &count) == CL_SUCCESS, count > 0 else { continue }
            var ids = [cl_device_id?](repeating: nil, count: Int(count))
            guard clGetDeviceIDs(platform, kinds, count, &ids, nil) == CL_SUCCESS else { continue }
            devices += ids.compactMap { $0 }.compactMap { FoundDevice($0, platform: platform) }
        }
        return devices.filter { $0.description.kind == .gpu } + devices.filter { $0.description.kind == .cpu }
    }

    private init?(_ id: cl_device_id, platform: cl_platform_id) {
        let available: cl_bool = Self.value(id, CL_DEVICE_AVAILABLE) ?? 0
        let compiler: cl_bool = Self.value(id, CL_DEVICE_COMPILER_AVAILABLE) ?? 0
        guard available != 0, compiler != 0, let type: cl_device_type = Self.value(id, CL_DEVICE_TYPE) else {
            return nil
        }
        let single: cl_device_fp_config = Self.value(id, CL_DEVICE_SINGLE_FP_CONFIG) ?? 0
        let double: cl_device_fp_config = Self.value(id, CL_DEVICE_DOUBLE_FP_CONFIG) ?? 0
        var capabilities: [DeviceDescription.Capability] = []
        if single & cl_device_fp_config(CL_FP_DENORM) != 0 { capabilities.append(.denormals) }
        if single & cl_device_fp_config(CL_FP_FMA) != 0 { capabilities.append(.fusedMultiplyAdd) }
        if single & cl_device_fp_config(CL_FP_ROUND_TO_NEAREST) != 0 { capabilities.append(.roundToNearest) }
        if single & cl_device_fp_config(CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) != 0 {
            capabilities.append(.correctlyRoundedDivideAndSquareRoot)
        }
        if double != 0 { capabilities.append(.doublePrecision) }
        let units: cl_uint = Self.value(id, CL_DEVICE_MAX_COMPUTE_UNITS) ?? 0
        let clock: cl_uint? = Self.value(id, CL_DEVICE_MAX_CLOCK_FREQUENCY)
        let correction: cl_bool? = Self.value(id, CL_DEVICE_ERROR_CORRECTION_SUPPORT)
        self.id = id
        var description = DeviceDescription(
            kind: type & cl_device_type(CL_DEVICE_TYPE_GPU) != 0 ? .gpu : .cpu,
            name: Self.text { clGetDeviceInfo(id, cl_device_info(CL_DEVICE_NAME), $0, $1, $2) },
            vendor: Self.text { clGetDeviceInfo(id, cl_device_info(CL_DEVICE_VENDOR), $0, $1, $2) },
            version: Self.text { clGetDeviceInfo(id, cl_device_info(CL_DEVICE_VERSION), $0, $1, $2) },
            driver: Self.text { clGetDeviceInfo(id, cl_device_info(CL_DRIVER_VERSION), $0, $1, $2) },
            platform: Self.text { clGetPlatformInfo(platform, cl_platform_info(CL_PLATFORM_NAME), $0, $1, $2) },
            memoryBytes: Self.value(id, CL_DEVICE_GLOBAL_MEM_SIZE) ?? 0,
            largestBufferBytes: Self.value(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE) ?? 0,
            computeUnits: UInt64(units),
            capabilities: capabilities
        )
        description.clockMegahertz = clock.flatMap { $0 == 0 || $0 > 1 << 20 ? nil : UInt64($0) }
        description.correctsMemoryErrors = correction.map { $0 != 0 }
        self.description = description
    }

    private static func value<Value: FixedWidthInteger>(_ id: cl_device_id, _ name: Int32) -> Value? {
        var value: Value = 0
        let status = clGetDeviceInfo(id, cl_device_info(name), MemoryLayout<Value>.size, &value, nil)
        return status == CL_SUCCESS ? value : nil
    }

    /// A text property, cut to what a description may hold.
    private static func text(
        _ get: (Int, UnsafeMutableRawPointer?, UnsafeMutablePointer<Int>?) -> cl_int
    ) -> String {
        var length = 0
        guard get(0, nil, &length) == CL_SUCCESS, length > 0, length < 65_536 else { return "" }
        var bytes = [UInt8](repeating: 0, count: length)
        guard get(length, &bytes, nil) == CL_SUCCESS else { return "" }
        let visible = bytes.prefix { $0 != 0 }.filter { $0 >= 0x20 && $0 < 0x7f }
        return String(decoding: visible.prefix(256), as: UTF8.self)
    }
}

enum DeviceList {
    /// Prints every device as one JSON document.
    /// - Returns: the exit status.
    static func print() -> Int32 {
        let document = JSONValue.object(["devices": .array(FoundDevice.all().map(\.description.json))])
        Swift.print(String(decoding: document.serialized(pretty: true), as: UTF8.self))
        return 0
    }
}
