// The job's result: one vector of length 1 for each sentence.
public import Codecs

/// The vectors of sentences.
public struct Embeddings: Sendable {
    /// One row of `MiniLMModel.width` numbers for each sentence.
    public let rows: [[Float]]

    /// Reads the bytes of the output slot.
    /// - Throws: `ParseError` when they are not `count` rows.
    public init(_ bytes: [UInt8], count: Int) throws(ParseError) {
        let width = MiniLMModel.width
        guard bytes.count == count * width * 4 else {
            throw ParseError(
                field: "embeddings",
                expected: "\(count * width * 4) bytes for \(count) sentences",
                actual: "\(bytes.count)"
            )
        }
        var reader = ByteReader(bytes)
        var rows: [[Float]] = []
        for _ in 0..<count {
            var row: [Float] = []
            for _ in 0..<width {
                row.append(Float(bitPattern: try reader.readLittleEndian(UInt32.self, "embeddings")))
            }
            rows.append(row)
        }
        self.rows = rows
    }

    /// The cosine of the angle between two sentences' vectors.
    public func similarity(_ a: Int, _ b: Int) -> Double {
        zip(rows[a], rows[b]).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
}
