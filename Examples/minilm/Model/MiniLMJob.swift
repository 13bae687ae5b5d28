// The model as a job: the library's kernels in order, with the weights as inputs. Everything after the tokens is part of the job.
public import Codecs
public import ExactOps
public import Replay

/// The embedding of sentences by all-MiniLM-L6-v2 as a class-A computation.
public struct MiniLMJob: Sendable {
    /// The replay spec in the form that an author writes.
    public let replay: JSONValue
    /// The content of every file that it names, by path.
    public let files: [String: [UInt8]]

    /// The slot that holds one row of `MiniLMModel.width` numbers for each sentence.
    public static let output = "embeddings"

    /// Makes the job.
    /// - Parameters:
    ///   - weights: the model's safetensors file.
    ///   - sentences: the ids of each sentence, at most `tokens` each and at least one.
    ///   - padding: the id that fills the rows up.
    ///   - tokens: the length of every row.
    ///   - schedule: the form of the kernels: `vector` for CPUs, `tiled` for GPUs.
    /// - Throws: `ParseError` when a tensor is missing or has another shape, or a sentence is empty or too long.
    public init(
        weights: SafetensorsFile,
        sentences: [[Int32]],
        padding: Int32,
        tokens: Int,
        schedule: Schedule
    ) throws(ParseError) {
        var builder = try Builder(weights: weights, sentences: sentences, padding: padding, tokens: tokens, schedule)
        try builder.embed()
        for layer in 0..<MiniLMModel.layers { try builder.addLayer(layer) }
        try builder.pool()
        replay = builder.graph.json(wallSeconds: 600)
        files = builder.files.merging(builder.graph.sources) { first, _ in first }
    }

    /// `job.json` for this computation.
    public var document: JSONValue {
        .object([
            "schema": .string("assay.job/1"),
            "name": .string("minilm"),
            "replay": replay,
            "evidence": .object(["kind": .string("replay-exact"), "scope": .string("whole")]),
            "price": .object(["currency": .string("credit"), "maxPerMegaUnit": .string("200")]),
            "attempts": .integer(2),
        ])
    }
}

/// Slots and steps as they are added. `hidden` always holds what goes into the next layer.
private struct Builder {
    var graph: ExactGraph
    var files: [String: [UInt8]] = [:]
    private let weights: SafetensorsFile
    private let sequences: UInt64
    private let tokens: UInt64
    private let ids: ExactGraph.Slot
    private let lengths: ExactGraph.Slot
    private let hidden: ExactGraph.Slot
    private let packed: ExactGraph.Slot
    private let seen: ExactGraph.Slot
    private let projected: ExactGraph.Slot
    private let middle: ExactGraph.Slot
    private let inner: ExactGraph.Slot

    private static let width = UInt64(MiniLMModel.width)
    private static let innerWidth = UInt64(MiniLMModel.inner)
    private var rows: UInt64 { sequences * tokens }

    init(
        weights: SafetensorsFile,
        sentences: [[Int32]],
        padding: Int32,
        tokens: Int,
        _ schedule: Schedule
    ) throws(ParseError) {
        guard !sentences.isEmpty, (1...MiniLMModel.positions).contains(tokens) else {
            throw ParseError(
                field: "sentences",
                expected: "at least one, in rows of 1 to \(MiniLMModel.positions) tokens",
                actual: "\(sentences.count) in rows of \(tokens)"
            )
        }
        var idBytes: [UInt8] = []
        var lengthBytes: [UInt8] = []
        for (index, sentence) in sentences.enumerated() {
            guard (1...tokens).contains(sentence.count) else {
                let field = "sentences[\(index)]"
                throw ParseError(field: field, expected: "1 to \(tokens) tokens", actual: "\(sentence.count)")
            }
            let padded = sentence + Array(repeating: padding, count: tokens - sentence.count)
            for id in padded { idBytes.appendLittleEndian(UInt32(bitPattern: id)) }
            lengthBytes.appendLittleEndian(UInt32(sentence.count))
        }
        self.weights = weights
        self.tokens = UInt64(tokens)
        sequences = UInt64(sentences.count)
        graph = ExactGraph(schedule: schedule)
        let rows = UInt64(sentences.count * tokens)
        ids = try graph.input("ids", .u32, [sequences, self.tokens], file: "inputs/ids.raw")
        lengths = try graph.input("lengths", .u32, [sequences], file: "inputs/lengths.raw")
        files = ["inputs/ids.raw": idBytes, "inputs/lengths.raw": lengthBytes]
        hidden = try graph.scratch("hidden", .f32, [rows, Self.width])
        packed = try graph.scratch("packed", .f32, [rows, 3 * Self.width])
        seen = try graph.scratch("seen", .f32, [rows, Self.width])
        projected = try graph.scratch("projected", .f32, [rows, Self.width])
        middle = try graph.scratch("middle", .f32, [rows, Self.width])
        inner = try graph.scratch("inner", .f32, [rows, Self.innerWidth])
    }

    private func u(_ value: UInt64) -> ExactGraph.Argument { .u32(UInt32(truncatingIfNeeded: value)) }

    /// An input that holds a tensor as it stands.
    private mutating func tensor(_ name: String, _ shape: [Int]) throws(ParseError) -> ExactGraph.Argument {
        try input(name, shape, try weights.floats(name, shape: shape))
    }

    private mutating func input(
        _ name: String,
        _ shape: [Int],
        _ bytes: [UInt8]
    ) throws(ParseError) -> ExactGraph.Argument {
        let file = "inputs/\(name).raw"
        files[file] = bytes
        return .slot(try graph.input(name, .f32, shape.map { UInt64($0) }, file: file))
    }

    /// The matrices of linear layers side by side, turned so that the products' columns are consecutive: a checkpoint has
    /// them [out][in].
    private mutating func matrix(
        _ name: String,
        of parts: [String],
        rows: Int,
        columns: Int
    ) throws(ParseError) -> ExactGraph.Argument {
        var turned = [UInt8](repeating: 0, count: rows * columns * parts.count * 4)
        for (place, part) in parts.enumerated() {
            let bytes = try weights.floats(part + ".weight", shape: [columns, rows])
            turned.withUnsafeMutableBytes { target in
                bytes.withUnsafeBytes { source in
                    for column in 0..<columns {
                        for row in 0..<rows {
                            let word = source.load(fromByteOffset: (column * rows + row) * 4, as: UInt32.self)
                            let offset = (row * columns * parts.count + place * columns + column) * 4
                            target.storeBytes(of: word, toByteOffset: offset, as: UInt32.self)
                        }
                    }
                }
            }
        }
        return try input(name, [rows, columns * parts.count], turned)
    }

    private mutating func biases(_ name: String, of parts: [String]) throws(ParseError) -> ExactGraph.Argument {
        var bytes: [UInt8] = []
        for part in parts { bytes += try weights.floats(part + ".bias", shape: [MiniLMModel.width]) }
        return try input(name, [MiniLMModel.width * parts.count], bytes)
    }

    /// word + position + type of token, then a layer norm.
    mutating func embed() throws(ParseError) {
        let width = MiniLMModel.width
        let words = try tensor("embeddings.word_embeddings.weight", [MiniLMModel.vocabulary, width])
        let positions = try tensor("embeddings.position_embeddings.weight", [MiniLMModel.positions, width])
        let types = try tensor("embeddings.token_type_embeddings.weight", [2, width])
        let gain = try tensor("embeddings.LayerNorm.weight", [width])
        let shift = try tensor("embeddings.LayerNorm.bias", [width])
        let (w, r) = (u(Self.width), u(rows))
        try graph.add(.embed, words, .slot(ids), .slot(seen), w, r, u(UInt64(MiniLMModel.vocabulary)))
        try graph.add(.combine, .slot(seen), positions, .slot(middle), w, r, u(tokens), u(0))
        try graph.add(.combine, .slot(middle), types, .slot(projected), w, r, u(1), u(0))
        try graph.add(.layernorm, .slot(projected), gain, shift, .slot(hidden), w, r, .f32(1e-12))
    }

    mutating func addLayer(_ layer: Int) throws(ParseError) {
        let at = "encoder.layer.\(layer)."
        let width = MiniLMModel.width
        let (w, i, r) = (u(Self.width), u(Self.innerWidth), u(rows))
        let parts = ["query", "key", "value"].map { at + "attention.self." + $0 }
        let matrix = try matrix(at + "attention.qkv.weight", of: parts, rows: width, columns: width)
        let bias = try biases(at + "attention.qkv.bias", of: parts)
        let three = u(3 * Self.width)
        try graph.add(.matmulBias, .slot(hidden), matrix, bias, .slot(packed), w, three, r, u(0))
        let size = Self.width / UInt64(MiniLMModel.heads)
        try graph.add(
            .attention,
            .slot(packed),
            .slot(packed),
            .slot(packed),
            .slot(lengths),
            .slot(seen),
            three,
            u(0),
            w,
            u(2 * Self.width),
            u(UInt64(MiniLMModel.heads)),
            u(1),
            u(size),
            u(tokens),
            u(sequences),
            u(0),
            .f32(1 / Float(size).squareRoot())
        )
        try addLinear(at + "attention.output.dense", from: seen, to: projected, width, width, activation: 0)
        try addNorm(at + "attention.output.LayerNorm", projected, hidden, to: middle)
        try addLinear(at + "intermediate.dense", from: middle, to: inner, width, MiniLMModel.inner, activation: 2)
        try addLinear(at + "output.dense", from: inner, to: projected, MiniLMModel.inner, width, activation: 0)
        try addNorm(at + "output.LayerNorm", projected, middle, to: hidden)
    }

    private mutating func addLinear(
        _ name: String,
        from: ExactGraph.Slot,
        to: ExactGraph.Slot,
        _ rows: Int,
        _ columns: Int,
        activation: UInt64
    ) throws(ParseError) {
        let matrix = try matrix(name + ".weight", of: [name], rows: rows, columns: columns)
        let bias = try tensor(name + ".bias", [columns])
        try graph.add(
            .matmulBias,
            .slot(from),
            matrix,
            bias,
            .slot(to),
            u(UInt64(rows)),
            u(UInt64(columns)),
            u(self.rows),
            u(activation)
        )
    }

    private mutating func addNorm(
        _ name: String,
        _ values: ExactGraph.Slot,
        _ residual: ExactGraph.Slot,
        to: ExactGraph.Slot
    ) throws(ParseError) {
        let gain = try tensor(name + ".weight", [MiniLMModel.width])
        let shift = try tensor(name + ".bias", [MiniLMModel.width])
        try graph.add(
            .addLayernorm,
            .slot(values),
            .slot(residual),
            gain,
            shift,
            .slot(to),
            u(Self.width),
            u(rows),
            .f32(1e-12)
        )
    }

    /// The mean over a sentence's own tokens, made as long as 1.
    mutating func pool() throws(ParseError) {
        let pooled = try graph.scratch("pooled", .f32, [sequences, Self.width])
        let result = try graph.output(MiniLMJob.output, .f32, [sequences, Self.width])
        try graph.add(.meanPool, .slot(hidden), .slot(lengths), .slot(pooled), u(Self.width), u(tokens), u(sequences))
        try graph.add(.normalise, .slot(pooled), .slot(result), u(Self.width), u(sequences), .f32(1e-12))
    }
}
