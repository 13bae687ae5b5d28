public import CFieldKernels
// Prime fields of four 64-bit words in Montgomery form, over the C kernels.
internal import CGMP
public import Codecs

/// Which of the kernels' four-word fields is meant.
public protocol Field4Parameters: Sendable {
    /// The number of the field in the kernels.
    static var kernel: Int32 { get }
    /// floor(p / 4) + 1 when p is 3 modulo 4, as words: the exponent of a square root. Empty when p is 1 modulo 4.
    static var squareRootExponent: [UInt64] { get }
    /// The order of the field.
    static var modulus: Integer { get }
}

/// An element of a prime field below 2^256.
public struct Field4<Parameters: Field4Parameters>: PrimeField {
    /// Montgomery form, canonical.
    @usableFromInline var limbs: afk_limbs4

    @inlinable
    init(limbs: afk_limbs4) { self.limbs = limbs }

    public static var wordCount: Int { 4 }
    public static var byteCount: Int { 32 }
    public static var modulus: Integer { Parameters.modulus }

    @inlinable
    public static var zero: Self { Self(limbs: afk_limbs4()) }
    @inlinable
    public static var one: Self { Self(limbs: afk_one4(Parameters.kernel)) }
    @inlinable
    public var isZero: Bool { afk_is_zero4(limbs) != 0 }

    public init(_ value: UInt64) {
        limbs = afk_to_montgomery4(afk_limbs4(l: (value, 0, 0, 0)), Parameters.kernel)
    }

    public init(integerLiteral value: UInt64) { self.init(value) }

    public init?(words: [UInt64]) {
        guard words.count <= 4 else { return nil }
        var plain = afk_limbs4()
        withUnsafeMutableBytes(of: &plain) { $0.copyBytes(from: UnsafeRawBufferPointer(words.withUnsafeBytes { $0 })) }
        guard let element = Self(canonical: plain) else { return nil }
        self = element
    }

    /// The element of a canonical integer in words, or `nil` when it is not below the modulus.
    @inlinable
    init?(canonical plain: afk_limbs4) {
        guard afk_is_canonical4(plain, Parameters.kernel) != 0 else { return nil }
        limbs = afk_to_montgomery4(plain, Parameters.kernel)
    }

    /// The canonical integer.
    @inlinable var canonical: afk_limbs4 { afk_from_montgomery4(limbs, Parameters.kernel) }

    public var words: [UInt64] {
        let l = canonical.l
        return [l.0, l.1, l.2, l.3]
    }

    public init(bigEndian bytes: ArraySlice<UInt8>, field: String) throws(ParseError) {
        guard bytes.count == 32 else {
            throw ParseError(field: field, expected: "32 bytes", actual: "\(bytes.count)")
        }
        let plain = bytes.withUnsafeBytes { raw in
            afk_limbs4(
                l: (
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
        // Horner over 31-byte digits: each digit is canonical for moduli above 2^248.
        var result = Self.zero
        let base = Self(limbs: afk_to_montgomery4(afk_limbs4(l: (0, 0, 0, 1 << 56)), Parameters.kernel))
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.count % 31 == 0 ? 31 : rest.count % 31
            var plain = afk_limbs4()
            withUnsafeMutableBytes(of: &plain) { target in
                for (index, byte) in rest.prefix(count).reversed().enumerated() { target[index] = byte }
            }
            result = result * base + Self(limbs: afk_to_montgomery4(plain, Parameters.kernel))
            rest = rest.dropFirst(count)
        }
        self = result
    }

    @inlinable
    public static func == (a: Self, b: Self) -> Bool { afk_is_equal4(a.limbs, b.limbs) != 0 }
    @inlinable
    public static func + (a: Self, b: Self) -> Self { Self(limbs: afk_add4(a.limbs, b.limbs, Parameters.kernel)) }
    @inlinable
    public static func - (a: Self, b: Self) -> Self { Self(limbs: afk_subtract4(a.limbs, b.limbs, Parameters.kernel)) }
    @inlinable
    public static func * (a: Self, b: Self) -> Self { Self(limbs: afk_multiply4(a.limbs, b.limbs, Parameters.kernel)) }
    @inlinable
    public static prefix func - (a: Self) -> Self { Self(limbs: afk_negate4(a.limbs, Parameters.kernel)) }
    @inlinable
    public func squared() -> Self { self * self }

    public func inverse() -> Self? {
        var result = afk_limbs4()
        let modulus = afk_modulus4(Parameters.kernel)
        let exists = withUnsafePointer(to: limbs) { value in
            withUnsafePointer(to: modulus) { assay_mpn_inverse(&result, value, $0, 4) }
        }
        guard exists != 0 else { return nil }
        return Self(limbs: afk_finish_inverse4(result, Parameters.kernel))
    }

    public func squareRoot() -> Self? {
        let exponent = Parameters.squareRootExponent
        let root = exponent.isEmpty ? tonelliShanks() : power(exponent)
        return root.squared() == self ? root : nil
    }

    public var parity: Bool { canonical.l.0 & 1 == 1 }

    public var isLargerRoot: Bool {
        // 2a > p exactly when 2a wraps around, and 2a - p is odd because p is.
        !isZero && doubled().parity
    }
}
