// Subgroups of roots of unity and the number-theoretic transforms over them.
//
// Transforms are Cooley-Tukey with the twiddles in bit-reversed order: a block of any level multiplies by one constant, so
// the table is read once and in order. Blocks are visited depth first, so that they stay in the caches once they fit.
internal import CFieldKernels
public import Codecs

/// A scalar field with a large power-of-two subgroup.
public protocol TransformParameters: Field4Parameters {
    /// A generator of the whole multiplicative group.
    static var groupGenerator: UInt64 { get }
    /// The exponent of two in the group's order.
    static var twoAdicity: Int { get }
    /// The transform itself, in place, from natural to bit-reversed order. A requirement, so that callers reach
    /// specialised code.
    static func transformToReversed(_ values: inout [Field4<Self>], _ twiddles: [Field4<Self>])
    /// The value at a point of the polynomial given by its values at the roots of unity in bit-reversed order, with the
    /// inverses of the roots in the same order. A requirement for the same reason.
    static func evaluateReversed(
        _ values: [Field4<Self>],
        at point: Field4<Self>,
        _ inverses: [Field4<Self>]
    ) -> Field4<Self>
    /// Reads elements of 32 big-endian bytes each. A requirement for the same reason.
    /// - Throws: `ParseError` for a wrong length or an element that is not below the modulus.
    static func elements(bigEndian bytes: ArraySlice<UInt8>, field: String) throws(ParseError) -> [Field4<Self>]
}

extension BN254FrParameters: TransformParameters {
    public static var groupGenerator: UInt64 { 5 }
    public static var twoAdicity: Int { 28 }
}

extension BLS12381FrParameters: TransformParameters {
    public static var groupGenerator: UInt64 { 7 }
    public static var twoAdicity: Int { 32 }
}

/// The 2^n-th roots of unity of a scalar field.
public struct EvaluationDomain<P: TransformParameters>: Sendable {
    /// An element of the field.
    public typealias Scalar = Field4<P>

    /// The number of roots.
    public let size: Int
    /// The logarithm of the size.
    public let log: Int
    /// The primitive root that generates the domain: a power of the group's generator.
    public let root: Scalar
    /// The powers of the root below size / 2, in bit-reversed order.
    private let twiddles: [Scalar]
    private let inverseTwiddles: [Scalar]

    /// The domain of 2^log elements.
    /// - Returns: `nil` when the field has no such subgroup or `log` is above 30.
    public init?(log: Int) {
        guard log >= 0, log <= min(P.twoAdicity, 30) else { return nil }
        self.log = log
        size = 1 << log
        root = Scalar(P.groupGenerator).power(((P.modulus - 1) >> log).words())
        twiddles = Self.reversedPowers(of: root, log: log - 1)
        inverseTwiddles = Self.reversedPowers(of: root.inverse() ?? .one, log: log - 1)
    }

    /// The powers of `base` below 2^log in bit-reversed order.
    static func reversedPowers(of base: Scalar, log: Int) -> [Scalar] {
        // Index 2^k + j holds the power of j times that of 2^k, whose exponent is 2^(log - 1 - k).
        var result = [Scalar.one]
        var squares = [base]
        for _ in 0..<max(log, 0) { squares.append(squares[squares.count - 1].squared()) }
        for k in 0..<max(log, 0) {
            let step = squares[log - 1 - k]
            for j in 0..<1 << k { result.append(result[j] * step) }
        }
        return result
    }

    /// Replaces coefficients by the values at root^0, root^1, ...
    public func transform(_ values: inout [Scalar]) {
        precondition(values.count == size, "as many values as the domain has elements")
        P.transformToReversed(&values, twiddles)
        Self.reverseBits(&values)
    }

    /// Replaces values at root^0, root^1, ... by coefficients.
    public func inverseTransform(_ values: inout [Scalar]) {
        precondition(values.count == size, "as many values as the domain has elements")
        P.transformToReversed(&values, inverseTwiddles)
        Self.reverseBits(&values)
        guard let scale = Scalar(UInt64(size)).inverse() else { return }
        for index in values.indices { values[index] *= scale }
    }

    /// Replaces coefficients by the values at shift root^0, shift root^1, ...
    public func cosetTransform(_ values: inout [Scalar], shift: Scalar) {
        Self.scale(&values, by: shift)
        transform(&values)
    }

    /// Replaces values at shift root^0, shift root^1, ... by coefficients. The shift must not be zero.
    public func inverseCosetTransform(_ values: inout [Scalar], shift: Scalar) {
        inverseTransform(&values)
        guard let inverse = shift.inverse() else { preconditionFailure("a coset's shift is not zero") }
        Self.scale(&values, by: inverse)
    }

    private static func scale(_ values: inout [Scalar], by base: Scalar) {
        var power = Scalar.one
        for index in values.indices {
            values[index] *= power
            power *= base
        }
    }

    /// Exchanges element i with the element whose index has the bits of i in reverse.
    public static func reverseBits(_ values: inout [Scalar]) {
        let log = values.count.trailingZeroBitCount
        guard log > 1 else { return }
        values.withUnsafeMutableBufferPointer { buffer in
            for index in 0..<buffer.count {
                let other = Int(UInt64(index).bitReversed >> UInt64(64 - log))
                if index < other { buffer.swapAt(index, other) }
            }
        }
    }

    /// The inverses of the roots at even places of the bit-reversed order, for `evaluateReversed`.
    public var reversedInverses: [Scalar] { inverseTwiddles }
}

extension UInt64 {
    /// The bits in opposite order.
    var bitReversed: UInt64 {
        var v = byteSwapped
        v = (v >> 4) & 0x0f0f_0f0f_0f0f_0f0f | (v & 0x0f0f_0f0f_0f0f_0f0f) << 4
        v = (v >> 2) & 0x3333_3333_3333_3333 | (v & 0x3333_3333_3333_3333) << 2
        return (v >> 1) & 0x5555_5555_5555_5555 | (v & 0x5555_5555_5555_5555) << 1
    }
}

extension TransformParameters {
    public static func transformToReversed(_ values: inout [Field4<Self>], _ twiddles: [Field4<Self>]) {
        values.withUnsafeMutableBufferPointer { values in
            twiddles.withUnsafeBufferPointer { twiddles in
                guard let start = values.baseAddress, let table = twiddles.baseAddress else { return }
                transformBlock(start, values.count, 0, table)
            }
        }
    }

    /// Transforms block number `block` of its level: its halves are combined with one constant, then each is a block of
    /// the next level. Two levels are done at a time, which halves the trips through memory.
    private static func transformBlock(
        _ values: UnsafeMutablePointer<Field4<Self>>,
        _ count: Int,
        _ block: Int,
        _ twiddles: UnsafePointer<Field4<Self>>
    ) {
        if count == 2 {
            let right = block == 0 ? values[1] : values[1] * twiddles[block]
            let left = values[0]
            values[0] = left + right
            values[1] = left - right
            return
        }
        guard count >= 4 else { return }
        let quarter = count / 4
        let (w, u, v) = (twiddles[block], twiddles[2 * block], twiddles[2 * block + 1])
        if block == 0 {
            for j in 0..<quarter {
                let (x0, x1, x2, x3) = (
                    values[j], values[j + quarter], values[j + 2 * quarter], values[j + 3 * quarter]
                )
                let (a, c, b, d) = (x0 + x2, x0 - x2, x1 + x3, (x1 - x3) * v)
                values[j] = a + b
                values[j + quarter] = a - b
                values[j + 2 * quarter] = c + d
                values[j + 3 * quarter] = c - d
            }
        } else {
            for j in 0..<quarter {
                let (x0, x1) = (values[j], values[j + quarter])
                let (x2, x3) = (values[j + 2 * quarter] * w, values[j + 3 * quarter] * w)
                let (a, c, b, d) = (x0 + x2, x0 - x2, (x1 + x3) * u, (x1 - x3) * v)
                values[j] = a + b
                values[j + quarter] = a - b
                values[j + 2 * quarter] = c + d
                values[j + 3 * quarter] = c - d
            }
        }
        if quarter == 1 { return }
        for part in 0..<4 { transformBlock(values + part * quarter, quarter, 4 * block + part, twiddles) }
    }

    public static func evaluateReversed(
        _ values: [Field4<Self>],
        at point: Field4<Self>,
        _ inverses: [Field4<Self>]
    ) -> Field4<Self> {
        // Neighbours belong to roots w and -w: f(z) = (f(w) + f(-w)) / 2 + z (f(w) - f(-w)) / 2w as a polynomial in z^2.
        precondition(values.count.nonzeroBitCount == 1 && inverses.count >= values.count / 2, "a whole domain")
        var level = values
        var z = point
        var count = values.count
        level.withUnsafeMutableBufferPointer { level in
            inverses.withUnsafeBufferPointer { inverses in
                while count > 1 {
                    count /= 2
                    for i in 0..<count {
                        let (a, b) = (level[2 * i], level[2 * i + 1])
                        level[i] = a + b + z * ((a - b) * inverses[i])
                    }
                    z = z.squared()
                }
            }
        }
        // Each level left out a division by two.
        guard let scale = Field4<Self>(UInt64(values.count)).inverse() else { return .zero }
        return level[0] * scale
    }

    public static func elements(bigEndian bytes: ArraySlice<UInt8>, field: String) throws(ParseError) -> [Field4<Self>]
    {
        guard bytes.count.isMultiple(of: 32) else {
            throw ParseError(field: field, expected: "elements of 32 bytes", actual: "\(bytes.count) bytes")
        }
        var result: [Field4<Self>] = []
        result.reserveCapacity(bytes.count / 32)
        for start in stride(from: bytes.startIndex, to: bytes.endIndex, by: 32) {
            result.append(try Field4(bigEndian: bytes[start..<start + 32], field: field))
        }
        return result
    }
}
