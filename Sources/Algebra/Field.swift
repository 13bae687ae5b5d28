// What every field in Assay can do. The prime fields stand in Field4.swift and Field6.swift, the towers in Tower.swift.
public import Codecs

/// A finite field. Elements are canonical, so equality is equality of values.
public protocol Field: Equatable, Sendable {
    /// The neutral element of addition.
    static var zero: Self { get }
    /// The neutral element of multiplication.
    static var one: Self { get }
    /// Whether this is `zero`.
    var isZero: Bool { get }
    static func + (a: Self, b: Self) -> Self
    static func - (a: Self, b: Self) -> Self
    static func * (a: Self, b: Self) -> Self
    static prefix func - (a: Self) -> Self
    /// self * self
    func squared() -> Self
    /// 1 / self, or `nil` for zero.
    func inverse() -> Self?
    /// A square root, or `nil` when there is none. Which of the two is returned is fixed but not specified.
    func squareRoot() -> Self?
    /// The sign bit of RFC 9380 §4.1: the parity of the first coefficient that is not zero.
    var parity: Bool { get }
    /// Whether this is the larger of the pair (self, -self) in the order of the ZCash and gnark encodings: coefficients
    /// compared as integers, the last one first.
    var isLargerRoot: Bool { get }
    /// The number of bytes of a fixed-width encoding.
    static var byteCount: Int { get }
    /// The coefficients as big-endian bytes, the last coefficient first (the order of the ZCash encodings).
    var bigEndianBytes: [UInt8] { get }
    /// Reads `byteCount` bytes as `bigEndianBytes` writes them.
    /// - Throws: `ParseError` for a wrong length or a coefficient that is not below the modulus.
    init(bigEndian bytes: ArraySlice<UInt8>, field: String) throws(ParseError)
}

extension Field {
    /// self + self
    @inlinable
    public func doubled() -> Self { self + self }
    @inlinable
    public static func += (a: inout Self, b: Self) { a = a + b }
    @inlinable
    public static func -= (a: inout Self, b: Self) { a = a - b }
    @inlinable
    public static func *= (a: inout Self, b: Self) { a = a * b }

    /// self^exponent for an exponent of little-endian words.
    public func power(_ exponent: [UInt64]) -> Self {
        // Fixed windows of four bits: the exponents here are long and dense.
        var table = [Self.one, self]
        for i in 2..<16 { table.append(i.isMultiple(of: 2) ? table[i / 2].squared() : table[i - 1] * self) }
        var result = Self.one
        var started = false
        for word in exponent.reversed() {
            for shift in stride(from: 60, through: 0, by: -4) {
                if started { result = result.squared().squared().squared().squared() }
                let digit = Int(word >> UInt64(shift) & 15)
                if digit != 0 {
                    result = started ? result * table[digit] : table[digit]
                    started = true
                }
            }
        }
        return result
    }

    /// Replaces every element by its inverse with one field inversion; zeros stay zeros.
    public static func invertAll(_ values: inout [Self]) {
        var products: [Self] = []
        products.reserveCapacity(values.count)
        var running = Self.one
        for value in values {
            products.append(running)
            if !value.isZero { running *= value }
        }
        guard var inverse = running.inverse() else { return }
        for index in values.indices.reversed() where !values[index].isZero {
            let next = inverse * values[index]
            values[index] = inverse * products[index]
            inverse = next
        }
    }
}

/// A field of prime order whose elements have a canonical integer.
public protocol PrimeField: Field, ExpressibleByIntegerLiteral {
    /// The order of the field.
    static var modulus: Integer { get }
    /// The number of 64-bit words of an element.
    static var wordCount: Int { get }
    /// The element of a machine word.
    init(_ value: UInt64)
    /// The element of little-endian words.
    /// - Returns: `nil` when the number is not below the modulus or there are more than `wordCount` words.
    init?(words: [UInt64])
    /// The canonical integer as little-endian words.
    var words: [UInt64] { get }
}

extension PrimeField {
    /// The residue of any integer, negative ones included.
    public init(reducing value: Integer) {
        let reduced = (value % Self.modulus).words(count: Self.wordCount)
        // A residue is below the modulus.
        self = Self(words: reduced) ?? .zero
    }

    /// The canonical integer.
    public var integer: Integer { Integer(words: words) }
}
