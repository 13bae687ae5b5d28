// Points as bytes: the ZCash form of BLS12-381, gnark's form of BN254, and the words of EVM precompiles. Decoding yields
// unchecked points: the curve follows from a compressed form, the subgroup never does.
public import Codecs

extension UncheckedPoint where G == BLS12381G1 {
    /// Reads 48 compressed or 96 uncompressed bytes (ZCash protocol specification §5.4.9.2).
    /// - Throws: `ParseError` for a wrong length, flags that contradict it or coordinates that are not canonical.
    public init(zcash bytes: ArraySlice<UInt8>, field: String) throws(ParseError) {
        try self.init(flagged: bytes, flags: .zcash, field: field)
    }
}

extension UncheckedPoint where G == BLS12381G2 {
    /// Reads 96 compressed or 192 uncompressed bytes (ZCash protocol specification §5.4.9.2).
    /// - Throws: `ParseError` for a wrong length, flags that contradict it or coordinates that are not canonical.
    public init(zcash bytes: ArraySlice<UInt8>, field: String) throws(ParseError) {
        try self.init(flagged: bytes, flags: .zcash, field: field)
    }
}

extension AffinePoint where G == BLS12381G1 {
    /// The compressed form of 48 bytes.
    public var zcash: [UInt8] { compressed(.zcash) }
}

extension AffinePoint where G == BLS12381G2 {
    /// The compressed form of 96 bytes.
    public var zcash: [UInt8] { compressed(.zcash) }
}

/// Which flag bits stand in the first byte.
public enum PointFlags: Sendable {
    /// Three bits: compressed, infinity, larger root. gnark uses the same for BLS12-381.
    case zcash
    /// gnark's two bits for BN254: 00 uncompressed, 10 smaller root, 11 larger root, 01 compressed infinity.
    case gnark

    fileprivate var mask: UInt8 { self == .zcash ? 0b1110_0000 : 0b1100_0000 }

    fileprivate func value(isInfinity: Bool, isLarger: Bool) -> UInt8 {
        switch self {
        case .zcash: isInfinity ? 0b1100_0000 : isLarger ? 0b1010_0000 : 0b1000_0000
        case .gnark: isInfinity ? 0b0100_0000 : isLarger ? 0b1100_0000 : 0b1000_0000
        }
    }
}

extension UncheckedPoint {
    /// Reads a point whose first byte carries flags; the length says whether both coordinates are there.
    /// - Throws: `ParseError` for a wrong length, flags that contradict it, coordinates that are not canonical, or a
    ///   compressed abscissa that no point of the curve has.
    public init(flagged bytes: ArraySlice<UInt8>, flags: PointFlags, field: String) throws(ParseError) {
        let size = G.Coordinate.byteCount
        guard bytes.count == size || bytes.count == 2 * size, let first = bytes.first else {
            throw ParseError(field: field, expected: "\(size) or \(2 * size) bytes", actual: "\(bytes.count)")
        }
        let isCompressed = bytes.count == size
        let bits = first & flags.mask
        var body = Array(bytes)
        body[0] &= ~flags.mask
        func refuse(_ expected: String) -> ParseError {
            ParseError(field: field, expected: expected, actual: "flag bits 0x" + String(bits, radix: 16))
        }
        // An uncompressed infinity has the infinity flag in the ZCash form and is all zeros in gnark's.
        let infinity =
            switch (flags, isCompressed) {
            case (_, true): bits == flags.value(isInfinity: true, isLarger: false)
            case (.zcash, false): bits == 0b0100_0000
            case (.gnark, false): bits == 0 && body.allSatisfy { $0 == 0 }
            }
        if infinity {
            guard body.allSatisfy({ $0 == 0 }) else { throw refuse("zeros after the infinity flag") }
            self = .infinity
            return
        }
        guard isCompressed else {
            guard bits == 0 else { throw refuse("no flag in an uncompressed point") }
            self.init(
                x: try G.Coordinate(bigEndian: body[..<size], field: field + ".x"),
                y: try G.Coordinate(bigEndian: body[size...], field: field + ".y")
            )
            return
        }
        let isLarger = bits == flags.value(isInfinity: false, isLarger: true)
        guard isLarger || bits == flags.value(isInfinity: false, isLarger: false) else {
            throw refuse("the flags of a compressed point")
        }
        let x = try G.Coordinate(bigEndian: body[...], field: field + ".x")
        guard let y = G.decompress(x, larger: isLarger) else {
            throw ParseError(field: field, expected: "the abscissa of a point of the curve", actual: Hex.encode(bytes))
        }
        self.init(x: x, y: y)
    }
}

extension CurveGroup {
    public static func decompress(_ x: Coordinate, larger: Bool) -> Coordinate? {
        guard let y = ((x.squared() + a) * x + b).squareRoot() else { return nil }
        // A point with y = 0 has no sign; asking for the larger root of it is not canonical.
        if y.isZero { return larger ? nil : y }
        return y.isLargerRoot == larger ? y : -y
    }
}

extension AffinePoint {
    /// The compressed form: flags and the first coordinate.
    public func compressed(_ flags: PointFlags) -> [UInt8] {
        var bytes = isInfinity ? [UInt8](repeating: 0, count: G.Coordinate.byteCount) : x.bigEndianBytes
        bytes[0] |= flags.value(isInfinity: isInfinity, isLarger: !isInfinity && y.isLargerRoot)
        return bytes
    }

    /// Both coordinates without compression.
    public func uncompressed(_ flags: PointFlags) -> [UInt8] {
        guard isInfinity else { return x.bigEndianBytes + y.bigEndianBytes }
        var bytes = [UInt8](repeating: 0, count: 2 * G.Coordinate.byteCount)
        if flags == .zcash { bytes[0] = 0b0100_0000 }
        return bytes
    }
}
