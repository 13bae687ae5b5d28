// A range of an artefact shown to somebody who has only its commitment: which chunks, and the hashes that lead from them to
// the root (schema `assay.opening/1`).
public import Codecs

/// What proves that some bytes are certain chunks of a committed artefact. The bytes themselves travel beside it.
public struct ArtefactOpening: Sendable, Equatable {
    /// The schema that this code reads and writes.
    public static let schema = "assay.opening/1"

    /// The artefact.
    public let commitment: Digest
    /// The artefact's length in bytes.
    public let length: UInt64
    /// The length of its chunks in bytes.
    public let chunkSize: UInt64
    /// The first chunk that is shown.
    public let firstChunk: UInt64
    /// The hashes of the subtrees to the left and to the right, as `MerkleNodes.rangeProof(_:)` gives them.
    public let proof: [Digest]

    /// Opens `chunks` of an artefact.
    /// - Returns: `nil` when the range is empty or reaches beyond the last chunk.
    public init?(of artefact: ArtefactCommitment, chunks: Range<UInt64>) {
        guard let proof = artefact.rangeProof(chunks) else { return nil }
        commitment = artefact.commitment
        length = artefact.length
        chunkSize = artefact.chunkSize
        firstChunk = chunks.lowerBound
        self.proof = proof
    }

    /// Reads an opening.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let limits = JSONLimits(bytes: 1 << 16, depth: 3, values: 256)
        var reader = try JSONReader(try JSONValue(parsing: bytes, limits: limits))
        try reader.constant("schema", Self.schema)
        commitment = try Digest(hex: try reader.string("commitment", maxBytes: 64), field: "commitment")
        length = try reader.decimal("length", in: 1...1 << 50)
        chunkSize = try reader.decimal("chunkSize", in: 1...1 << 30)
        firstChunk = try reader.decimal("firstChunk")
        // Two paths of at most 50 subtrees each.
        proof = try reader.array("proof", max: 128) { (value, path) throws(ParseError) -> Digest in
            guard case .string(let text) = value else {
                throw ParseError(field: path, expected: "a digest", actual: value.typeName)
            }
            return try Digest(hex: text, field: path)
        }
        try reader.finish()
    }

    /// The opening as JSON.
    public var json: JSONValue {
        .object([
            "schema": .string(Self.schema),
            "commitment": .string(commitment.hex),
            "length": .string(String(length)),
            "chunkSize": .string(String(chunkSize)),
            "firstChunk": .string(String(firstChunk)),
            "proof": .array(proof.map { .string($0.hex) }),
        ])
    }

    /// Whether `bytes` are the chunks from `firstChunk` on: whole ones, and at the end of the artefact its rest.
    public func verifies(_ bytes: [UInt8]) -> Bool {
        ArtefactTree.verifyRange(
            bytes,
            firstChunk: firstChunk,
            length: length,
            chunkSize: chunkSize,
            proof: proof,
            commitment: commitment
        )
    }
}
