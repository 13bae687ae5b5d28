// Integers of any size over GMP. The fixed-width fields do the fast work; this type derives constants, parses and prints
// numbers, and is the slow twin of every fixed-width routine in the tests.
internal import CGMP
internal import Codecs

/// An integer of any size.
///
/// Values are immutable. Times depend on the operands, except for `powerSecret(_:modulo:)`.
public struct Integer: Sendable, Hashable, Comparable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    final class Storage: @unchecked Sendable {
        // Written only between creation and the end of the initialiser that owns it, so sharing is safe.
        let z: UnsafeMutablePointer<__mpz_struct>

        init() {
            z = .allocate(capacity: 1)
            __gmpz_init(z)
        }

        deinit {
            __gmpz_clear(z)
            z.deallocate()
        }
    }

    let storage: Storage

    init(_ fill: (UnsafeMutablePointer<__mpz_struct>) -> Void) {
        storage = Storage()
        fill(storage.z)
    }

    /// The integer with the value of `literal`.
    public init(integerLiteral literal: Int) {
        self.init { __gmpz_set_si($0, literal) }
    }

    /// The integer with the value of a machine word.
    public init(_ value: UInt64) {
        self.init { __gmpz_set_ui($0, UInt(value)) }
    }

    /// The non-negative integer of little-endian 64-bit words.
    public init(words: some Collection<UInt64>) {
        let array = Array(words)
        self.init { __gmpz_import($0, array.count, -1, 8, 0, 0, array) }
    }

    /// The non-negative integer of big-endian bytes.
    public init(bigEndian bytes: some Collection<UInt8>) {
        let array = Array(bytes)
        self.init { __gmpz_import($0, array.count, 1, 1, 1, 0, array) }
    }

    /// The integer written in `text`, in base 10 or 16, with an optional leading minus sign.
    /// - Returns: `nil` when `text` is empty or holds anything else, blanks included.
    public init?(_ text: some StringProtocol, radix: Int = 10) {
        precondition(radix == 10 || radix == 16, "only bases 10 and 16 are written in Assay's formats")
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.dropFirst() : text[...]
        let isValid = digits.utf8.allSatisfy { character in
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): radix == 16
            default: false
            }
        }
        guard !digits.isEmpty, isValid else { return nil }
        let copy = String(text)
        self.init { _ = __gmpz_set_str($0, copy, Int32(radix)) }
    }

    // MARK: Inspection

    /// -1, 0 or 1.
    public var sign: Int { Int(assay_mpz_sign(storage.z)) }
    /// Whether this is an odd number.
    public var isOdd: Bool { assay_mpz_is_odd(storage.z) != 0 }
    /// Whether this is zero.
    public var isZero: Bool { sign == 0 }
    /// The number of bits of the magnitude; 0 for zero.
    public var bitWidth: Int { isZero ? 0 : __gmpz_sizeinbase(storage.z, 2) }

    /// Bit `index` of a non-negative number, counted from the lowest.
    public func bit(_ index: Int) -> Bool { __gmpz_tstbit(storage.z, UInt(index)) != 0 }

    /// The magnitude as little-endian words, at least `count` of them.
    public func words(count: Int = 0) -> [UInt64] {
        var result = [UInt64](repeating: 0, count: max(count, (bitWidth + 63) / 64))
        if !isZero { __gmpz_export(&result, nil, -1, 8, 0, 0, storage.z) }
        return result
    }

    /// The magnitude as big-endian bytes, padded with zeros to at least `count`.
    public func bigEndianBytes(count: Int = 0) -> [UInt8] {
        let used = (bitWidth + 7) / 8
        var result = [UInt8](repeating: 0, count: used)
        if used > 0 { __gmpz_export(&result, nil, 1, 1, 1, 0, storage.z) }
        return [UInt8](repeating: 0, count: max(0, count - used)) + result
    }

    public var description: String { text(radix: 10) }

    /// The number in base 10 or 16, lower case, without a prefix.
    public func text(radix: Int) -> String {
        guard radix == 16 || radix == 10 else { preconditionFailure("only bases 10 and 16") }
        var buffer = [CChar](repeating: 0, count: __gmpz_sizeinbase(storage.z, Int32(radix)) + 2)
        __gmpz_get_str(&buffer, Int32(radix), storage.z)
        let end = buffer.firstIndex(of: 0) ?? buffer.count
        return String(decoding: buffer[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    public static func == (a: Integer, b: Integer) -> Bool { __gmpz_cmp(a.storage.z, b.storage.z) == 0 }
    public static func < (a: Integer, b: Integer) -> Bool { __gmpz_cmp(a.storage.z, b.storage.z) < 0 }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(sign)
        hasher.combine(words())
    }

    // MARK: Arithmetic

    public static func + (a: Integer, b: Integer) -> Integer { Integer { __gmpz_add($0, a.storage.z, b.storage.z) } }
    public static func - (a: Integer, b: Integer) -> Integer { Integer { __gmpz_sub($0, a.storage.z, b.storage.z) } }
    public static func * (a: Integer, b: Integer) -> Integer { Integer { __gmpz_mul($0, a.storage.z, b.storage.z) } }
    public static prefix func - (a: Integer) -> Integer { Integer { __gmpz_neg($0, a.storage.z) } }
    public static func << (a: Integer, bits: Int) -> Integer {
        Integer { __gmpz_mul_2exp($0, a.storage.z, UInt(bits)) }
    }
    /// The quotient by 2^bits, rounded down.
    public static func >> (a: Integer, bits: Int) -> Integer {
        Integer { __gmpz_fdiv_q_2exp($0, a.storage.z, UInt(bits)) }
    }
    /// The quotient rounded down. The divisor must not be zero.
    public static func / (a: Integer, b: Integer) -> Integer {
        precondition(!b.isZero, "division by zero")
        return Integer { __gmpz_fdiv_q($0, a.storage.z, b.storage.z) }
    }
    /// The remainder with the sign of the divisor: in 0 ..< b for a positive b. The divisor must not be zero.
    public static func % (a: Integer, b: Integer) -> Integer {
        precondition(!b.isZero, "division by zero")
        return Integer { __gmpz_fdiv_r($0, a.storage.z, b.storage.z) }
    }

    /// self^exponent mod modulus for a non-negative exponent and a positive modulus.
    public func power(_ exponent: Integer, modulo modulus: Integer) -> Integer {
        precondition(exponent.sign >= 0 && modulus.sign > 0, "the exponent is not negative and the modulus is positive")
        return Integer { __gmpz_powm($0, storage.z, exponent.storage.z, modulus.storage.z) }
    }

    /// self^exponent mod modulus in time that depends only on the sizes, for a positive exponent and an odd modulus.
    public func powerSecret(_ exponent: Integer, modulo modulus: Integer) -> Integer {
        precondition(exponent.sign > 0 && modulus.sign > 0 && modulus.isOdd, "a positive exponent and an odd modulus")
        return Integer { __gmpz_powm_sec($0, storage.z, exponent.storage.z, modulus.storage.z) }
    }

    /// self^exponent for a small exponent.
    public func power(_ exponent: Int) -> Integer {
        precondition(exponent >= 0, "the exponent is not negative")
        return Integer { __gmpz_pow_ui($0, storage.z, UInt(exponent)) }
    }

    /// 1 / self mod modulus, or `nil` when they share a factor.
    public func inverse(modulo modulus: Integer) -> Integer? {
        precondition(modulus.sign > 0, "the modulus is positive")
        var exists: Int32 = 0
        let result = Integer { exists = __gmpz_invert($0, storage.z, modulus.storage.z) }
        return exists != 0 ? result : nil
    }

    /// The greatest common divisor.
    public func greatestCommonDivisor(with other: Integer) -> Integer {
        Integer { __gmpz_gcd($0, storage.z, other.storage.z) }
    }

    /// Whether this is a prime, by Baillie-PSW and `rounds` - 24 rounds of Miller and Rabin (GMP's own rule).
    public func isProbablePrime(rounds: Int = 40) -> Bool { __gmpz_probab_prime_p(storage.z, Int32(rounds)) > 0 }
}
