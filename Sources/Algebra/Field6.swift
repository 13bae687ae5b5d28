public import CFieldKernels
// Prime fields of six 64-bit words in Montgomery form, over the C kernels.
internal import CGMP
public import Codecs

/// Which of the kernels' six-word fields is meant.
public protocol Field6Parameters: Sendable {
    /// The number of the field in the kernels.
    static var kernel: Int32 { get }
    /// floor(p / 4) + 1 when p is 3 modulo 4, as words: the exponent of a square root. Empty when p is 1 modulo 4.
    static var squareRootExponent: [UInt64] { get }
    /// The order of the field.
    static var modulus: Integer { get }
}

/// An element of a prime field below 2^384.
public struct Field6<Parameters: Field6Parameters>: PrimeField {
    /// Montgomery form, canonical.
    @usableFromInline var limbs: afk_limbs6

    @inlinable
    init(limbs: afk_limbs6) { self.limbs = limbs }

    public static var wordCount: Int { 6 }
    public static var byteCount: Int { 48 }
    public static var modulus: Integer { Parameters.modulus }

    @inlinable
    public static var zero: Self { Self(limbs: afk_limbs6()) }
    @inlinable
    public static var one: Self { Self(limbs: afk_one6(Parameters.kernel)) }
    @inlinable
    public var isZero: Bool { afk_is_zero6(limbs) != 0 }

    public init(_ value: UInt64) {
        limbs = afk_to_montgomery6(afk_limbs6(l: (value, 0, 0, 0, 0, 0)), Parameters.kernel)
    }

    public init(integerLiteral value: UInt64) { self.init(value) }

    public init?(words: [UInt64]) {
        guard words.count <= 6 else { return nil }
        var plain = afk_limbs6()
        withUnsafeMutableBytes(of: &plain) { $0.copyBytes(from: UnsafeRawBufferPointer(words.withUnsafeBytes { $0 })) }
        guard let element = Self(canonical: plain) else { return nil }
        self = element
    }

    /// The element of a canonical integer in words, or `nil` when it is not below the modulus.
    @inlinable
    init?(canonical plain: afk_limbs6) {
        guard afk_is_canonical6(plain, Parameters.kernel) != 0 else { return nil }
        limbs = afk_to_montgomery6(plain, Parameters.kernel)
    }

    /// The canonical integer.
    @inlinable var canonical: afk_limbs6 { afk_from_montgomery6(limbs, Parameters.kernel) }

    public var words: [UInt64] {
        let l = canonical.l
        return [l.0, l.1, l.2, l.3, l.4, l.5]
    }

    public init(bigEndian bytes: ArraySlice<UInt8>, field: String) throws(ParseError) {
        guard bytes.count == 48 else {
            throw ParseError(field: field, expected: "48 bytes", actual: "\(bytes.count)")
        }
        let plain = bytes.withUnsafeBytes { raw in
            afk_limbs6(
                l: (
                    UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 40, as: UInt64.self)),
                    UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 32, as: UInt64.self)),
                    UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 24, as: UInt64.self)),
                    UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
                    UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
                    UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
                )
            )
        }
        guard let element = Self(canonical: plain) else {
            throw ParseError(field: field, expected: "a number below the modulus", actual: "0x" + Hex.encode(bytes))
        }
        self = element
    }

    public var bigEndianBytes: [UInt8] {
        withUnsafeBytes(of: canonical) { Array($0.reversed()) }
    }

    /// The residue of a big-endian number of any length, as hash-to-field needs it.
    public init(reducing bytes: [UInt8]) {
        // Horner over 47-byte digits: each digit is canonical for moduli above 2^376.
        var result = Self.zero
        let base = Self(limbs: afk_to_montgomery6(afk_limbs6(l: (0, 0, 0, 0, 0, 1 << 56)), Parameters.kernel))
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.count % 47 == 0 ? 47 : rest.count % 47
            var plain = afk_limbs6()
            withUnsafeMutableBytes(of: &plain) { target in
                for (index, byte) in rest.prefix(count).reversed().enumerated() { target[index] = byte }
            }
            result = result * base + Self(limbs: afk_to_montgomery6(plain, Parameters.kernel))
            rest = rest.dropFirst(count)
        }
        self = result
    }

    @inlinable
    public static func == (a: Self, b: Self) -> Bool { afk_is_equal6(a.limbs, b.limbs) != 0 }
    @inlinable
    public static func + (a: Self, b: Self) -> Self { Self(limbs: afk_add6(a.limbs, b.limbs, Parameters.kernel)) }
    @inlinable
    public static func - (a: Self, b: Self) -> Self { Self(limbs: afk_subtract6(a.limbs, b.limbs, Parameters.kernel)) }
    @inlinable
    public static func * (a: Self, b: Self) -> Self { Self(limbs: afk_multiply6(a.limbs, b.limbs, Parameters.kernel)) }
    @inlinable
    public static prefix func - (a: Self) -> Self { Self(limbs: afk_negate6(a.limbs, Parameters.kernel)) }
    @inlinable
    public func squared() -> Self { self * self }

    public func inverse() -> Self? {
        var result = afk_limbs6()
        let modulus = afk_modulus6(Parameters.kernel)
        let exists = withUnsafePointer(to: limbs) { value in
            withUnsafePointer(to: modulus) { assay_mpn_inverse(&result, value, $0, 6) }
        }
        guard exists != 0 else { return nil }
        return Self(limbs: afk_finish_inverse6(result, Parameters.kernel))
    }

    public func squareRoot() -> Self? {
        let exponent = Parameters.squareRootExponent
        let root = power(exponent)
        return root.squared() == self ? root : nil
    }

    public var parity: Bool { canonical.l.0 & 1 == 1 }

    public var isLargerRoot: Bool {
        // 2a > p exactly when 2a wraps around, and 2a - p is odd because p is.
        !isZero && doubled().parity
    }
}
