// The kernels of the library: their parameters, the part of the text in which they stand, and the schedules that they have.
public import Replay

/// In which form an operation is computed. The bits are the same in all of them.
public enum Schedule: String, Sendable, CaseIterable {
    /// One element or row for each work-item: the text that C compiles too.
    case definition
    /// Many elements for each work-item, 16 lanes at a time: for CPUs.
    case vector
    /// Work-groups that share local memory: for GPUs.
    case tiled
}

/// One kernel of the library, by the name that it has in the definition's text.
public enum ExactKernel: String, Sendable, CaseIterable {
    case matmul
    case matmulBias = "matmul_bias"
    case matmulHalf = "matmul_half"
    case toHalf = "to_half"
    case fromHalf = "from_half"
    case matmulI8 = "matmul_i8"
    case requantise
    case reduce
    case softmax
    case addLayernorm = "add_layernorm"
    case layernorm
    case rmsnorm
    case normalise
    case argmax
    case topK = "top_k"
    case attention
    case rotary
    case convolution
    case pool
    case apply
    case combine
    case embed
    case meanPool = "mean_pool"
    case transpose
    case randomBits = "random_bits"
    case randomUniform = "random_uniform"
    case randomNormal = "random_normal"
    case probe

    /// What one parameter of a kernel takes.
    public enum Parameter: Sendable, Equatable {
        /// A slot that is read.
        case input(ElementType)
        /// A slot that is written.
        case output(ElementType)
        case u32
        case i32
        case u64
        case f32
    }

    /// The parameters in order: slots first, then scalars.
    public var parameters: [Parameter] {
        let f = Parameter.input(.f32)
        let out = Parameter.output(.f32)
        switch self {
        case .matmul: return [f, f, out, .u32, .u32, .u32]
        case .matmulBias: return [f, f, f, out, .u32, .u32, .u32, .u32]
        case .matmulHalf: return [.input(.u16), .input(.u16), out, .u32, .u32, .u32, .u32]
        case .toHalf: return [f, .output(.u16), .u32, .u32, .u32]
        case .fromHalf: return [.input(.u16), out, .u32, .u32, .u32]
        case .matmulI8: return [.input(.i8), .input(.i8), .output(.i32), .u32, .u32, .u32]
        case .requantise: return [.input(.i32), .input(.i32), .output(.i8), .u32, .u32, .u32, .i32]
        case .reduce: return [f, out, .u32, .u32, .u32]
        case .softmax: return [f, out, .u32, .u32]
        case .addLayernorm: return [f, f, f, f, out, .u32, .u32, .f32]
        case .layernorm: return [f, f, f, out, .u32, .u32, .f32]
        case .rmsnorm: return [f, f, out, .u32, .u32, .f32]
        case .normalise: return [f, out, .u32, .u32, .f32]
        case .argmax: return [f, .output(.u32), .u32, .u32]
        case .topK: return [f, out, .output(.u32), .u32, .u32, .u32]
        case .attention: return [f, f, f, .input(.u32), out] + Array(repeating: .u32, count: 10) + [.f32]
        case .rotary: return [f, f, out, .u32, .u32, .u32, .u32]
        case .convolution: return [f, f, f, out] + Array(repeating: .u32, count: 10)
        case .pool: return [f, out] + Array(repeating: .u32, count: 6)
        case .apply: return [f, out, .u32, .u32, .u32]
        case .combine: return [f, f, out, .u32, .u32, .u32, .u32]
        case .embed: return [f, .input(.u32), out, .u32, .u32, .u32]
        case .meanPool: return [f, .input(.u32), out, .u32, .u32, .u32]
        case .transpose: return [f, out, .u32, .u32]
        case .randomBits: return [.output(.u32), .u64, .u32, .u32]
        case .randomUniform, .randomNormal: return [out, .u64, .u32, .u32]
        case .probe: return [.input(.u32), .input(.u32), .input(.u32), .output(.u32), .u32]
        }
    }

    /// Whether the kernel has no floating-point operation, so that a job of class `integer` may use it.
    public var isInteger: Bool { self == .matmulI8 || self == .requantise }

    /// The schedules in which the kernel is written.
    public var schedules: [Schedule] {
        switch self {
        case .matmul, .matmulBias, .matmulHalf, .matmulI8, .reduce, .softmax, .addLayernorm, .layernorm, .rmsnorm,
            .attention, .convolution:
            Schedule.allCases
        default: [.definition]
        }
    }

    /// The name of the kernel's function in a schedule.
    public func function(_ schedule: Schedule) -> String {
        schedule == .definition ? rawValue : rawValue + "_" + schedule.rawValue
    }

    /// The kernel and the schedule of a function's name; `nil` for a name that is not the library's.
    public init?(function name: String) {
        for schedule in [Schedule.vector, .tiled] where name.hasSuffix("_" + schedule.rawValue) {
            guard let kernel = ExactKernel(rawValue: String(name.dropLast(schedule.rawValue.count + 1))),
                kernel.schedules.contains(schedule)
            else { return nil }
            self = kernel
            return
        }
        self.init(rawValue: name)
    }

    /// The part of the library in which the definition stands.
    var part: String {
        switch self {
        case .matmul, .matmulBias, .matmulHalf, .toHalf, .fromHalf: "matmul"
        case .matmulI8, .requantise: "integer"
        case .reduce, .softmax, .addLayernorm, .layernorm, .rmsnorm, .normalise, .argmax, .topK: "rows"
        case .attention, .rotary: "attention"
        case .convolution, .pool: "grids"
        case .apply, .combine, .embed, .meanPool, .transpose: "elements"
        case .randomBits, .randomUniform, .randomNormal: "random"
        case .probe: "probe"
        }
    }
}
