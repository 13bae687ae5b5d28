// gnark's binary keys and proofs (WriteTo and WriteRawTo of Consensys/gnark, backend/groth16). The same layout serves SP1's
// keys. Keys with Pedersen commitments (BSB22) are refused: their proofs need a check that is not made here.
public import Algebra
public import Codecs

extension ByteReader {
    fileprivate mutating func point<G: CurveGroup>(
        _ group: G.Type,
        _ flags: PointFlags,
        isRaw: Bool,
        _ field: String
    ) throws(ParseError) -> UncheckedPoint<G> {
        let size = G.Coordinate.byteCount * (isRaw ? 2 : 1)
        return try UncheckedPoint(flagged: try read(size, field), flags: flags, field: field)
    }
}

extension PairingCurve {
    static var gnarkFlags: PointFlags { G1.Coordinate.byteCount == 32 ? .gnark : .zcash }
}

extension Groth16Key {
    /// Reads a verifying key that gnark wrote, compressed or raw.
    /// - Throws: `ParseError` for a malformed key, a key with commitments, or a key that is refused.
    public init(gnark bytes: [UInt8], allowing compatibility: Set<Groth16Compatibility> = []) throws(ParseError) {
        self = try UncheckedGroth16Key(gnark: bytes).checked(allowing: compatibility)
    }
}

extension UncheckedGroth16Key {
    /// Reads the points of a verifying key that gnark wrote, compressed or raw.
    /// - Throws: `ParseError` for a malformed key or a key with commitments.
    public init(gnark bytes: [UInt8]) throws(ParseError) {
        var reader = ByteReader(bytes)
        let flags = C.gnarkFlags
        let isRaw = Self.isRaw(bytes)
        alpha = try reader.point(C.G1.self, flags, isRaw: isRaw, "alpha1")
        _ = try reader.point(C.G1.self, flags, isRaw: isRaw, "beta1")
        beta = try reader.point(C.G2.self, flags, isRaw: isRaw, "beta2")
        gamma = try reader.point(C.G2.self, flags, isRaw: isRaw, "gamma2")
        _ = try reader.point(C.G1.self, flags, isRaw: isRaw, "delta1")
        delta = try reader.point(C.G2.self, flags, isRaw: isRaw, "delta2")
        let count = Int(try reader.readBigEndian(UInt32.self, "K"))
        guard count >= 1, count <= Groth16Key<C>.maximumInputs + 1 else {
            let expected = "1 to \(Groth16Key<C>.maximumInputs + 1) points"
            throw ParseError(field: "K", expected: expected, actual: "\(count)")
        }
        inputs = []
        for index in 0..<count { inputs.append(try reader.point(C.G1.self, flags, isRaw: isRaw, "K[\(index)]")) }
        // Keys of old versions end here.
        if !reader.isAtEnd {
            for field in ["publicAndCommitmentCommitted", "commitmentKeys"] {
                let commitments = try reader.readBigEndian(UInt32.self, field)
                guard commitments == 0 else {
                    throw ParseError(
                        field: field,
                        expected: "a key without Pedersen commitments (BSB22)",
                        actual: "\(commitments)"
                    )
                }
            }
        }
        try reader.finish()
    }

    /// The first point says whether points are compressed: gnark marks every compressed point in its top bits.
    private static func isRaw(_ bytes: [UInt8]) -> Bool { (bytes.first ?? 0) & 0b1100_0000 == 0 }

    /// Whether the number of input points stands where a key over this curve has it and fits the length.
    static func hasGnarkShape(_ bytes: [UInt8]) -> Bool {
        let first = C.G1.Coordinate.byteCount * (isRaw(bytes) ? 2 : 1)
        let second = C.G2.Coordinate.byteCount * (isRaw(bytes) ? 2 : 1)
        var reader = ByteReader(bytes)
        guard (try? reader.read(3 * first + 3 * second)) != nil, let count = try? reader.readBigEndian(UInt32.self),
            count >= 1, count <= Groth16Key<C>.maximumInputs + 1
        else { return false }
        let rest = reader.remaining - Int(count) * first
        // Old keys end here; newer ones say how many commitments follow.
        return rest == 0 || rest >= 8
    }
}

extension Groth16Proof {
    /// Reads a proof that gnark wrote, compressed or raw, without commitments.
    /// - Throws: `ParseError` for a malformed proof or one with commitments.
    public init(gnark bytes: [UInt8]) throws(ParseError) {
        var reader = ByteReader(bytes)
        let flags = C.gnarkFlags
        let isRaw = (reader.peek() ?? 0) & 0b1100_0000 == 0
        a = try reader.point(C.G1.self, flags, isRaw: isRaw, "Ar")
        b = try reader.point(C.G2.self, flags, isRaw: isRaw, "Bs")
        c = try reader.point(C.G1.self, flags, isRaw: isRaw, "Krs")
        if !reader.isAtEnd {
            let count = try reader.readBigEndian(UInt32.self, "Commitments")
            guard count == 0 else {
                throw ParseError(
                    field: "Commitments",
                    expected: "a proof without Pedersen commitments (BSB22)",
                    actual: "\(count)"
                )
            }
            let knowledge = try reader.point(C.G1.self, flags, isRaw: isRaw, "CommitmentPok")
            guard knowledge == .infinity else {
                throw ParseError(field: "CommitmentPok", expected: "infinity without commitments", actual: "a point")
            }
        }
        try reader.finish()
    }

    /// Reads a public witness that gnark wrote: the numbers of public and secret elements, then the length and the elements
    /// of the vector, big-endian.
    /// - Throws: `ParseError` for secret elements, numbers that contradict each other or an element that is not canonical.
    public static func publicInputs(gnark bytes: [UInt8]) throws(ParseError) -> [C.G1.Scalar] {
        var reader = ByteReader(bytes)
        let count = try reader.readBigEndian(UInt32.self, "nbPublic")
        guard count <= Groth16Key<C>.maximumInputs else {
            let expected = "at most \(Groth16Key<C>.maximumInputs) inputs"
            throw ParseError(field: "nbPublic", expected: expected, actual: "\(count)")
        }
        let secrets = try reader.readBigEndian(UInt32.self, "nbSecret")
        guard secrets == 0 else {
            throw ParseError(field: "nbSecret", expected: "a public witness without secrets", actual: "\(secrets)")
        }
        let length = try reader.readBigEndian(UInt32.self, "length")
        guard length == count else {
            throw ParseError(field: "length", expected: "\(count)", actual: "\(length)")
        }
        var inputs: [C.G1.Scalar] = []
        for index in 0..<Int(count) {
            let field = "vector[\(index)]"
            inputs.append(try C.G1.Scalar(bigEndian: try reader.read(32, field), field: field))
        }
        try reader.finish()
        return inputs
    }
}

extension Groth16Proof where C.G1.Coordinate: EVMCoordinate, C.Fields.Base: EVMCoordinate {
    /// Reads a proof as contracts take it: A, B and C as the curve's EVM words, with nothing after them.
    /// - Throws: `ParseError` for a wrong length or coordinates that are not canonical.
    public init(evm bytes: [UInt8]) throws(ParseError) {
        var reader = ByteReader(bytes)
        a = try UncheckedPoint(evm: try reader.read(UncheckedPoint<C.G1>.evmByteCount, "A"), field: "A")
        b = try UncheckedPoint(evm: try reader.read(UncheckedPoint<C.G2>.evmByteCount, "B"), field: "B")
        c = try UncheckedPoint(evm: try reader.read(UncheckedPoint<C.G1>.evmByteCount, "C"), field: "C")
        try reader.finish()
    }

    /// Reads public inputs as 32-byte words below the scalar field's order.
    /// - Throws: `ParseError` for a length that is no multiple of 32 or a word that is not canonical.
    public static func publicInputs(evm bytes: [UInt8]) throws(ParseError) -> [C.G1.Scalar] {
        guard bytes.count.isMultiple(of: 32), bytes.count / 32 <= Groth16Key<C>.maximumInputs else {
            throw ParseError(field: "inputs", expected: "words of 32 bytes", actual: "\(bytes.count) bytes")
        }
        var inputs: [C.G1.Scalar] = []
        for start in stride(from: 0, to: bytes.count, by: 32) {
            inputs.append(try C.G1.Scalar(bigEndian: bytes[start..<start + 32], field: "inputs[\(start / 32)]"))
        }
        return inputs
    }
}
