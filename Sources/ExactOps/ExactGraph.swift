// Builds a replay spec from operations of the library, with every length checked.
public import Codecs
public import Replay

/// A computation made of the library's kernels: slots, and operations in order.
///
/// ```swift
/// var graph = ExactGraph(schedule: .vector)
/// let left = try graph.input("left", .f32, [64, 384], file: "inputs/left.raw")
/// let right = try graph.input("right", .f32, [384, 384], file: "inputs/right.raw")
/// let product = try graph.output("product", .f32, [64, 384])
/// try graph.add(.matmul, left, right, product, .u32(384), .u32(384), .u32(64))
/// let spec = try graph.spec(wallSeconds: 60)
/// ```
public struct ExactGraph: Sendable {
    /// A buffer of the computation.
    public struct Slot: Sendable, Equatable {
        /// The name in the spec.
        public let name: String
        /// The type of its elements.
        public let type: ElementType
        /// The number of its elements.
        public let count: UInt64
    }

    /// One argument of an operation.
    public enum Argument: Sendable, Equatable {
        case slot(Slot)
        case u32(UInt32)
        case i32(Int32)
        case u64(UInt64)
        case f32(Float)

        fileprivate var bits: UInt64 {
            switch self {
            case .slot: 0
            case .u32(let value): UInt64(value)
            case .i32(let value): UInt64(UInt32(bitPattern: value))
            case .u64(let value): value
            case .f32(let value): UInt64(value.bitPattern)
            }
        }
    }

    /// One program of the job: the kernels of one schedule with one width of work-groups.
    private struct Program: Hashable {
        let schedule: Schedule
        let group: UInt64
        var name: String { "exact-\(schedule.rawValue)-\(group)" }
    }

    private let schedule: Schedule
    private let group: UInt64?
    private let replayClass: ReplaySpec.Class
    private let device: ReplaySpec.DeviceRequirement.Kind
    private var slots: [JSONValue] = []
    private var bytes: UInt64 = 0
    private var outputBytes: UInt64 = 0
    private var steps: [JSONValue] = []
    private var programs: [(program: Program, kernels: Set<ExactKernel>)] = []

    /// An empty computation.
    /// - Parameters:
    ///   - schedule: the form of every kernel that has it; the others are in the form of their definition.
    ///   - group: the width of work-groups; `nil` for each kernel's usual one.
    public init(
        schedule: Schedule,
        group: UInt64? = nil,
        replayClass: ReplaySpec.Class = .exact,
        device: ReplaySpec.DeviceRequirement.Kind = .any
    ) {
        self.schedule = schedule
        self.group = group
        self.replayClass = replayClass
        self.device = device
    }

    /// A slot that is filled from a file of nothing but its elements.
    public mutating func input(
        _ name: String,
        _ type: ElementType,
        _ shape: [UInt64],
        file: String
    ) throws(ParseError) -> Slot {
        try slot(name, type, shape, role: "in", ["file": .string(file), "format": .string("raw")])
    }

    /// A slot for values between operations.
    public mutating func scratch(
        _ name: String,
        _ type: ElementType,
        _ shape: [UInt64]
    ) throws(ParseError) -> Slot {
        try slot(name, type, shape, role: "scratch", [:])
    }

    /// A slot whose content is a result.
    public mutating func output(
        _ name: String,
        _ type: ElementType,
        _ shape: [UInt64]
    ) throws(ParseError) -> Slot {
        try slot(name, type, shape, role: "out", [:])
    }

    private mutating func slot(
        _ name: String,
        _ type: ElementType,
        _ shape: [UInt64],
        role: String,
        _ more: JSONObject
    ) throws(ParseError) -> Slot {
        var count: UInt64 = 1
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard !overflow, product > 0, product < 1 << 40 else {
                throw ParseError(field: name + ".shape", expected: "1 to 2^40 elements", actual: "\(shape)")
            }
            count = product
        }
        var object: JSONObject = [
            "name": .string(name), "role": .string(role), "dtype": .string(type.rawValue),
            "shape": .array(shape.map { .integer($0) }),
        ]
        for (key, value) in more.members { object[key] = value }
        slots.append(.object(object))
        bytes += count * UInt64(type.byteCount)
        if role == "out" { outputBytes += count * UInt64(type.byteCount) }
        return Slot(name: name, type: type, count: count)
    }

    /// Appends one operation.
    /// - Parameters:
    ///   - kernel: what to compute.
    ///   - arguments: slots and scalars in the order of `kernel.parameters`.
    /// - Throws: `ParseError` when number or kind of the arguments differ, when a scalar is out of the kernel's bounds, or
    ///   when a slot is too short for them.
    public mutating func add(_ kernel: ExactKernel, _ arguments: Argument...) throws(ParseError) {
        try add(kernel, arguments)
    }

    /// Appends one operation, its arguments in an array.
    public mutating func add(_ kernel: ExactKernel, _ arguments: [Argument]) throws(ParseError) {
        let field = "steps[\(steps.count)].\(kernel.rawValue)"
        let parameters = kernel.parameters
        guard arguments.count == parameters.count else {
            throw ParseError(field: field, expected: "\(parameters.count) arguments", actual: "\(arguments.count)")
        }
        var members: [JSONValue] = []
        for (position, (argument, parameter)) in zip(arguments, parameters).enumerated() {
            members.append(try Self.member(argument, parameter, "\(field)[\(position)]"))
        }
        let scalars = arguments.dropFirst(kernel.slotCount).map(\.bits)
        guard let extent = kernel.extent(scalars: scalars) else {
            throw ParseError(field: field, expected: "scalars within the kernel's bounds", actual: "\(scalars)")
        }
        for (position, (argument, needed)) in zip(arguments, extent.elements).enumerated() {
            guard case .slot(let slot) = argument, slot.count < needed else { continue }
            throw ParseError(
                field: "\(field)[\(position)]",
                expected: "at least \(needed) elements",
                actual: "\(slot.name) with \(slot.count)"
            )
        }
        let form = kernel.schedules.contains(schedule) ? schedule : .definition
        let launch = kernel.launch(form, group: group ?? kernel.usualGroup(form), extent: extent, scalars: scalars)
        let program = Program(schedule: form, group: group ?? kernel.usualGroup(form))
        if let index = programs.firstIndex(where: { $0.program == program }) {
            programs[index].kernels.insert(kernel)
        } else {
            programs.append((program, [kernel]))
        }
        let items = launch.global.reduce(1, *)
        var step: JSONObject = [
            "kernel": .string(kernel.function(form)),
            "source": .string(program.name),
            "global": .array(launch.global.map { .integer($0) }),
            "local": .array(launch.local.map { .integer($0) }),
        ]
        let units = (extent.work + items - 1) / items
        if units > 1 { step["unitsPerItem"] = .string(String(units)) }
        step["args"] = .array(members)
        steps.append(.object(step))
    }

    private static func member(
        _ argument: Argument,
        _ parameter: ExactKernel.Parameter,
        _ field: String
    ) throws(ParseError) -> JSONValue {
        switch (argument, parameter) {
        case (.slot(let slot), .input(let type)) where slot.type == type: return .object(["slot": .string(slot.name)])
        case (.slot(let slot), .output(let type)) where slot.type == type:
            return .object(["slot": .string(slot.name), "access": .string("write")])
        case (.u32(let value), .u32): return .object(["u32": .string(String(value))])
        case (.i32(let value), .i32): return .object(["i32": .string(String(value))])
        case (.u64(let value), .u64): return .object(["u64": .string(String(value))])
        case (.f32(let value), .f32):
            var bits: [UInt8] = []
            bits.appendBigEndian(value.bitPattern)
            return .object(["f32": .string("0x" + Hex.encode(bits))])
        default: throw ParseError(field: field, expected: "\(parameter)", actual: "\(argument)")
        }
    }

    /// The sources by their path in a job folder.
    public var sources: [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for (program, kernels) in programs {
            let text = KernelText.program(kernels, program.schedule, group: program.group)
            files["kernels/\(program.name).cl"] = Array(text.utf8)
        }
        return files
    }

    /// The replay spec as a JSON object, in the form that an author writes.
    public func json(wallSeconds: Int64) -> JSONValue {
        let sources = programs.map { program, _ in
            JSONValue.object(["name": .string(program.name), "file": .string("kernels/\(program.name).cl")])
        }
        return .object([
            "version": .integer(ReplaySpec.version),
            "class": .string(replayClass.rawValue),
            "device": .object(["type": .string(device.rawValue), "memoryBytes": .string(String(bytes))]),
            "sources": .array(sources),
            "slots": .array(slots),
            "steps": .array(steps),
            "limits": .object([
                "wallSeconds": .integer(wallSeconds),
                "memoryBytes": .string(String(bytes)),
                "outputBytes": .string(String(max(1, outputBytes))),
            ]),
        ])
    }

    /// The replay spec.
    /// - Throws: `ParseError` when the whole is out of a spec's bounds.
    public func spec(wallSeconds: Int64) throws(ParseError) -> ReplaySpec {
        try ReplaySpec(json(wallSeconds: wallSeconds))
    }
}
