// The safetensors container: a JSON header that names tensors, then their bytes, little-endian and without gaps.
// Read with the checks that the format's own description asks of a reader.
public import Codecs

/// A safetensors file held in memory: each tensor's type, shape and bytes by name.
///
/// Layout: u64le header length, JSON header `{name: {dtype, shape, data_offsets}}` with an optional `__metadata__` of
/// strings, then the data. Refused: a header over 100 MB, an offset outside the data, overlaps, gaps, a length that is not
/// that of the shape.
public struct SafetensorsFile: Sendable {
    /// One tensor as the header describes it.
    public struct Tensor: Sendable, Equatable {
        /// The element type as written: `F32`, `F16`, `BF16`, `I64`, …
        public let type: String
        /// Extents, outermost first.
        public let shape: [Int]
        /// Where its bytes lie in the file.
        public let range: Range<Int>
    }

    /// The tensors by name.
    public let tensors: [String: Tensor]
    private let bytes: [UInt8]

    private static let widths: [String: Int] = [
        "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2, "I32": 4,
        "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
    ]

    /// Parses a whole file.
    ///
    /// - Throws: `ParseError` naming the tensor and what is wrong with it.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        var reader = ByteReader(bytes)
        let length = try reader.readLittleEndian(UInt64.self, "header length")
        guard length <= 100_000_000, length <= UInt64(bytes.count - 8) else {
            throw ParseError(
                field: "header length",
                expected: "at most \(min(bytes.count - 8, 100_000_000))",
                actual: "\(length)"
            )
        }
        let start = 8 + Int(length)
        let limits = JSONLimits(bytes: Int(length), depth: 8, values: 2_000_000)
        guard case .object(let header) = try JSONValue(parsing: Array(bytes[8..<start]), limits: limits) else {
            throw ParseError(field: "header", expected: "an object", actual: "another value")
        }
        var tensors: [String: Tensor] = [:]
        for (name, value) in header.members where name != "__metadata__" {
            tensors[name] = try Self.tensor(JSONReader(value, name), dataStart: start, end: bytes.count)
        }
        var position = start
        for (name, tensor) in tensors.sorted(by: { $0.value.range.lowerBound < $1.value.range.lowerBound }) {
            guard tensor.range.lowerBound == position else {
                throw ParseError(
                    field: "\(name).data_offsets",
                    expected: "a start at \(position - start)",
                    actual: "\(tensor.range.lowerBound - start)"
                )
            }
            position = tensor.range.upperBound
        }
        guard position == bytes.count else {
            throw ParseError(field: "data", expected: "\(position - start) bytes", actual: "\(bytes.count - start)")
        }
        self.tensors = tensors
        self.bytes = bytes
    }

    /// The bytes of an `F32` tensor, as they stand: little-endian, row by row.
    ///
    /// - Throws: `ParseError` when there is no such tensor, or its type or shape is another.
    public func floats(_ name: String, shape: [Int]) throws(ParseError) -> [UInt8] {
        guard let tensor = tensors[name] else {
            throw ParseError(field: name, expected: "a tensor of this name", actual: "none")
        }
        guard tensor.type == "F32", tensor.shape == shape else {
            throw ParseError(field: name, expected: "F32 \(shape)", actual: "\(tensor.type) \(tensor.shape)")
        }
        return Array(bytes[tensor.range])
    }

    private static func tensor(_ reader: JSONReader, dataStart: Int, end: Int) throws(ParseError) -> Tensor {
        var reader = reader
        let type = try reader.string("dtype", maxBytes: 16)
        guard let width = widths[type] else {
            throw ParseError(field: reader.path("dtype"), expected: "a known element type", actual: type)
        }
        let shape = try integers(reader.array("shape", max: 16), reader.path("shape"))
        let offsets = try integers(reader.array("data_offsets", max: 2), reader.path("data_offsets"))
        try reader.finish()
        var size = width
        for extent in shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            guard !overflow else {
                throw ParseError(field: reader.path("shape"), expected: "a size within 64 bits", actual: "\(shape)")
            }
            size = product
        }
        guard offsets.count == 2, offsets[0] <= offsets[1], offsets[1] <= end - dataStart else {
            throw ParseError(
                field: reader.path("data_offsets"),
                expected: "a range within \(end - dataStart) bytes",
                actual: "\(offsets)"
            )
        }
        guard offsets[1] - offsets[0] == size else {
            throw ParseError(
                field: reader.path("data_offsets"),
                expected: "\(size) bytes",
                actual: "\(offsets[1] - offsets[0])"
            )
        }
        return Tensor(type: type, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    private static func integers(_ values: [JSONValue], _ field: String) throws(ParseError) -> [Int] {
        var integers: [Int] = []
        for value in values {
            guard case .number(let number) = value, let integer = number.integer, integer >= 0 else {
                throw ParseError(field: field, expected: "whole numbers from 0", actual: value.typeName)
            }
            integers.append(Int(integer))
        }
        return integers
    }
}
