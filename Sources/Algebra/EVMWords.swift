// Points as the words of EVM precompiles: 32-byte words for BN254 (EIP-196, EIP-197), 64-byte words for BLS12-381
// (EIP-2537). Both write infinity as zeros; EIP-197 puts the coefficient of u first, EIP-2537 last.
public import Codecs

/// A coordinate field that has a fixed form in precompile input.
public protocol EVMCoordinate: Field {
    /// The bytes of one coordinate.
    static var evmByteCount: Int { get }
    /// Reads one coordinate.
    init(evm bytes: ArraySlice<UInt8>, field: String) throws(ParseError)
    /// The bytes of the coordinate.
    var evmBytes: [UInt8] { get }
}

extension Field4: EVMCoordinate {
    public static var evmByteCount: Int { 32 }
    public init(evm bytes: ArraySlice<UInt8>, field: String) throws(ParseError) {
        try self.init(bigEndian: bytes, field: field)
    }
    public var evmBytes: [UInt8] { bigEndianBytes }
}

extension Field6: EVMCoordinate {
    public static var evmByteCount: Int { 64 }
    public init(evm bytes: ArraySlice<UInt8>, field: String) throws(ParseError) {
        guard bytes.count == 64, bytes.prefix(16).allSatisfy({ $0 == 0 }) else {
            throw ParseError(field: field, expected: "a word of 64 bytes that begins with 16 zeros", actual: "another")
        }
        try self.init(bigEndian: bytes.dropFirst(16), field: field)
    }
    public var evmBytes: [UInt8] { [UInt8](repeating: 0, count: 16) + bigEndianBytes }
}

extension Fp2: EVMCoordinate where T.Base: EVMCoordinate {
    public static var evmByteCount: Int { 2 * T.Base.evmByteCount }
    public init(evm bytes: ArraySlice<UInt8>, field: String) throws(ParseError) {
        guard bytes.count == Self.evmByteCount else {
            throw ParseError(field: field, expected: "\(Self.evmByteCount) bytes", actual: "\(bytes.count)")
        }
        let first = try T.Base(evm: bytes.prefix(T.Base.evmByteCount), field: field)
        let second = try T.Base(evm: bytes.dropFirst(T.Base.evmByteCount), field: field)
        self = T.isImaginaryFirstInEVM ? Self(second, first) : Self(first, second)
    }
    public var evmBytes: [UInt8] {
        T.isImaginaryFirstInEVM ? c1.evmBytes + c0.evmBytes : c0.evmBytes + c1.evmBytes
    }
}

extension Tower {
    /// EIP-197 writes the coefficient of u first; EIP-2537 does not.
    static var isImaginaryFirstInEVM: Bool { Base.byteCount == 32 }
}

extension UncheckedPoint where G.Coordinate: EVMCoordinate {
    /// The bytes of a point.
    public static var evmByteCount: Int { 2 * G.Coordinate.evmByteCount }

    /// Reads both coordinates; zeros are infinity.
    /// - Throws: `ParseError` for a wrong length or coordinates that are not canonical.
    public init(evm bytes: ArraySlice<UInt8>, field: String) throws(ParseError) {
        guard bytes.count == Self.evmByteCount else {
            throw ParseError(field: field, expected: "\(Self.evmByteCount) bytes", actual: "\(bytes.count)")
        }
        let size = G.Coordinate.evmByteCount
        let x = try G.Coordinate(evm: bytes.prefix(size), field: field + ".x")
        let y = try G.Coordinate(evm: bytes.dropFirst(size), field: field + ".y")
        self = x.isZero && y.isZero ? .infinity : Self(x: x, y: y)
    }
}

extension AffinePoint where G.Coordinate: EVMCoordinate {
    /// Both coordinates as words; zeros for infinity.
    public var evmBytes: [UInt8] { x.evmBytes + y.evmBytes }
}
