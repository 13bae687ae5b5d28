// A computation that uses every kernel of the library, with seeded inputs and ragged shapes: what two devices, or a device and
// the oracle, are compared by.
public import Codecs
public import Replay

/// A job of every kernel in one schedule.
///
/// Two jobs of one seed and size that differ in schedule or width of work-groups have the same outputs, bit for bit.
public struct ConformanceJob: Sendable {
    /// The computation.
    public let spec: ReplaySpec
    /// The files that the spec names, by path.
    public let files: [String: [UInt8]]

    /// Makes the job.
    /// - Parameters:
    ///   - group: the width of work-groups; `nil` for each kernel's usual one. A power of two up to 16.
    ///   - size: how many rows, images and sequences there are, in multiples of the least.
    public init(schedule: Schedule, group: UInt64? = nil, seed: UInt64, size: UInt64 = 1) throws(ParseError) {
        var builder = ConformanceBuilder(graph: ExactGraph(schedule: schedule, group: group), seed: seed)
        try builder.addProducts(rows: 35 * size)
        try builder.addRowOperations(rows: 5 * size)
        try builder.addAttention(sequences: 2 * size)
        try builder.addGrids(images: size)
        try builder.addElements(rows: 9 * size)
        try builder.addRandomNumbers(count: 512 * size)
        spec = try builder.graph.spec(wallSeconds: 600)
        files = builder.files.merging(builder.graph.sources) { first, _ in first }
    }

    /// The number of elements in all outputs.
    public var outputCount: Int { spec.outputSlots.reduce(0) { $0 + spec.slots[$1].elementCount } }
}

private struct ConformanceBuilder {
    var graph: ExactGraph
    var files: [String: [UInt8]] = [:]
    private var state: UInt64

    init(graph: ExactGraph, seed: UInt64) {
        self.graph = graph
        state = seed
    }

    private mutating func word() -> UInt32 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt32(truncatingIfNeeded: state >> 32)
    }

    private mutating func input(
        _ name: String,
        _ type: ElementType,
        _ shape: [UInt64],
        _ element: (UInt32) -> UInt64
    ) throws(ParseError) -> ExactGraph.Slot {
        let slot = try graph.input(name, type, shape, file: name)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(slot.count) * type.byteCount)
        for _ in 0..<slot.count {
            let value = element(word())
            for place in 0..<type.byteCount { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(place)))) }
        }
        files[name] = bytes
        return slot
    }

    /// Numbers from -4 to 4 with 24 random bits.
    private mutating func floats(_ name: String, _ shape: [UInt64]) throws(ParseError) -> ExactGraph.Slot {
        try input(name, .f32, shape) { UInt64((Float(Int32(bitPattern: $0)) * 0x1p-29).bitPattern) }
    }

    private mutating func integers(
        _ name: String,
        _ type: ElementType,
        _ shape: [UInt64],
        below bound: UInt32
    ) throws(ParseError) -> ExactGraph.Slot {
        try input(name, type, shape) { UInt64($0 % bound) }
    }

    private mutating func out(
        _ name: String,
        _ shape: [UInt64],
        _ type: ElementType = .f32
    ) throws(ParseError) -> ExactGraph.Argument {
        .slot(try graph.output(name, type, shape))
    }

    private func u(_ value: UInt64) -> ExactGraph.Argument { .u32(UInt32(truncatingIfNeeded: value)) }

    mutating func addProducts(rows: UInt64) throws(ParseError) {
        // Ragged in every direction; the second is longer than one block, the third than four.
        for (name, inner, columns) in [("short", 70, 45), ("long", 1030, 7), ("longest", 4500, 3)]
            as [(String, UInt64, UInt64)]
        {
            let height = inner > 1000 ? rows / 8 + 1 : rows
            let left = try floats("left-\(name)", [height, inner])
            let right = try floats("right-\(name)", [inner, columns])
            let product = try out("product-\(name)", [height, columns])
            try graph.add(.matmul, .slot(left), .slot(right), product, u(inner), u(columns), u(height))
            guard name == "short" else { continue }
            let bias = try floats("bias", [columns])
            for activation in 0...4 as ClosedRange<UInt64> {
                let result = try out("activated-\(activation)", [height, columns])
                try graph.add(
                    .matmulBias,
                    .slot(left),
                    .slot(right),
                    .slot(bias),
                    result,
                    u(inner),
                    u(columns),
                    u(height),
                    u(activation)
                )
            }
        }
        let values = try floats("values", [rows, 41])
        let matrix = try floats("matrix", [41, 37])
        for format in 0...1 as ClosedRange<UInt64> {
            let left = try graph.output("half-left-\(format)", .u16, [rows, 41])
            let right = try graph.output("half-right-\(format)", .u16, [41, 37])
            try graph.add(.toHalf, .slot(values), .slot(left), u(41), u(rows), u(format))
            try graph.add(.toHalf, .slot(matrix), .slot(right), u(37), u(41), u(format))
            let product = try out("half-product-\(format)", [rows, 37])
            try graph.add(.matmulHalf, .slot(left), .slot(right), product, u(41), u(37), u(rows), u(format))
            let back = try out("half-back-\(format)", [rows, 41])
            try graph.add(.fromHalf, .slot(left), back, u(41), u(rows), u(format))
        }
        let left = try integers("bytes-left", .i8, [rows, 77], below: 256)
        let right = try integers("bytes-right", .i8, [77, 35], below: 256)
        let product = try graph.output("integers", .i32, [rows, 35])
        try graph.add(.matmulI8, .slot(left), .slot(right), .slot(product), u(77), u(35), u(rows))
        let multipliers = try integers("multipliers", .i32, [35], below: 1 << 20)
        let bytes = try out("requantised", [rows, 35], .i8)
        try graph.add(.requantise, .slot(product), .slot(multipliers), bytes, u(35), u(rows), u(29), .i32(-3))
    }

    mutating func addRowOperations(rows: UInt64) throws(ParseError) {
        for columns in [5, 301, 768] as [UInt64] {
            let x = try floats("rows-\(columns)", [rows, columns])
            let y = try floats("residual-\(columns)", [rows, columns])
            let gain = try floats("gain-\(columns)", [columns])
            let shift = try floats("shift-\(columns)", [columns])
            for operation in 0...4 as ClosedRange<UInt64> {
                let result = try out("reduced-\(columns)-\(operation)", [rows])
                try graph.add(.reduce, .slot(x), result, u(columns), u(rows), u(operation))
            }
            let shape = [rows, columns]
            try graph.add(.softmax, .slot(x), try out("softmax-\(columns)", shape), u(columns), u(rows))
            try graph.add(
                .addLayernorm,
                .slot(x),
                .slot(y),
                .slot(gain),
                .slot(shift),
                try out("added-\(columns)", shape),
                u(columns),
                u(rows),
                .f32(1e-5)
            )
            try graph.add(
                .layernorm,
                .slot(x),
                .slot(gain),
                .slot(shift),
                try out("layernorm-\(columns)", shape),
                u(columns),
                u(rows),
                .f32(1e-5)
            )
            try graph.add(
                .rmsnorm,
                .slot(x),
                .slot(gain),
                try out("rmsnorm-\(columns)", shape),
                u(columns),
                u(rows),
                .f32(1e-6)
            )
            try graph.add(
                .normalise,
                .slot(x),
                try out("normalised-\(columns)", shape),
                u(columns),
                u(rows),
                .f32(1e-12)
            )
            try graph.add(.argmax, .slot(x), try out("argmax-\(columns)", [rows], .u32), u(columns), u(rows))
            try graph.add(
                .topK,
                .slot(x),
                try out("kept-\(columns)", [rows, 3]),
                try out("places-\(columns)", [rows, 3], .u32),
                u(columns),
                u(rows),
                u(3)
            )
        }
    }

    mutating func addAttention(sequences: UInt64) throws(ParseError) {
        let (heads, shared, size, tokens) = (4, 2, 20, 37) as (UInt64, UInt64, UInt64, UInt64)
        let width = heads * size
        let stride = width + 2 * width / shared
        let rows = sequences * tokens
        let packed = try floats("packed", [rows, stride])
        let lengths = try integers("lengths", .u32, [sequences], below: UInt32(tokens) + 1)
        for causal in 0...1 as ClosedRange<UInt64> {
            try graph.add(
                .attention,
                .slot(packed),
                .slot(packed),
                .slot(packed),
                .slot(lengths),
                try out("attention-\(causal)", [rows, width]),
                u(stride),
                u(0),
                u(width),
                u(width + width / shared),
                u(heads),
                u(shared),
                u(size),
                u(tokens),
                u(sequences),
                u(causal),
                .f32(0.22360679)
            )
        }
        let frequencies = try floats("frequencies", [size / 2])
        let turned = try floats("turned", [rows, width])
        try graph.add(
            .rotary,
            .slot(turned),
            .slot(frequencies),
            try out("rotary", [rows, width]),
            u(heads),
            u(size),
            u(rows),
            u(1000)
        )
        try graph.add(
            .meanPool,
            .slot(turned),
            .slot(lengths),
            try out("pooled-rows", [sequences, width]),
            u(width),
            u(tokens),
            u(sequences)
        )
    }

    mutating func addGrids(images: UInt64) throws(ParseError) {
        let planes = try floats("planes", [images, 3, 11, 13])
        let weights = try floats("weights", [3, 3, 2, 19])
        let bias = try floats("filter-bias", [19])
        for (stride, padding) in [(1, 1), (2, 0)] as [(UInt64, UInt64)] {
            let height = (11 + 2 * padding - 3) / stride + 1
            let width = (13 + 2 * padding - 2) / stride + 1
            try graph.add(
                .convolution,
                .slot(planes),
                .slot(weights),
                .slot(bias),
                try out("convolution-\(stride)", [images, 19, height, width]),
                u(3),
                u(11),
                u(13),
                u(19),
                u(3),
                u(2),
                u(stride),
                u(padding),
                u(images),
                u(stride)
            )
        }
        for operation in 0...1 as ClosedRange<UInt64> {
            try graph.add(
                .pool,
                .slot(planes),
                try out("pool-\(operation)", [images * 3, 5, 6]),
                u(images * 3),
                u(11),
                u(13),
                u(2),
                u(2),
                u(operation)
            )
        }
    }

    mutating func addElements(rows: UInt64) throws(ParseError) {
        let columns: UInt64 = 53
        let shape = [rows, columns]
        let any = try input("any", .f32, shape) { UInt64($0) }
        let some = try floats("some", shape)
        for function in 0...10 as ClosedRange<UInt64> {
            try graph.add(.apply, .slot(any), try out("any-\(function)", shape), u(columns), u(rows), u(function))
            try graph.add(.apply, .slot(some), try out("some-\(function)", shape), u(columns), u(rows), u(function))
        }
        let repeated = try floats("repeated", [3, columns])
        for operation in 0...3 as ClosedRange<UInt64> {
            try graph.add(
                .combine,
                .slot(some),
                .slot(repeated),
                try out("combined-\(operation)", shape),
                u(columns),
                u(rows),
                u(3),
                u(operation)
            )
        }
        let table = try floats("table", [29, columns])
        let ids = try integers("ids", .u32, [rows], below: 31)
        try graph.add(.embed, .slot(table), .slot(ids), try out("embedded", shape), u(columns), u(rows), u(29))
        try graph.add(.transpose, .slot(some), try out("transposed", [columns, rows]), u(columns), u(rows))
    }

    mutating func addRandomNumbers(count: UInt64) throws(ParseError) {
        let seed = ExactGraph.Argument.u64(0x0123_4567_89ab_cdef)
        try graph.add(.randomBits, try out("bits", [count], .u32), seed, u(1), u(count))
        try graph.add(.randomUniform, try out("uniform", [count]), seed, u(2), u(count))
        try graph.add(.randomNormal, try out("normal", [count]), seed, u(3), u(count))
    }
}
