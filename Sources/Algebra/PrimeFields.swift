// The prime fields by name. Moduli come from the curves' own documents; everything else is derived.

extension PrimeField {
    /// A square root by Tonelli and Shanks, for moduli that are 1 modulo 4; not a root when there is none.
    func tonelliShanks() -> Self {
        guard !isZero else { return self }
        let order = Self.modulus - 1
        var twoAdicity = 0
        while !order.bit(twoAdicity) { twoAdicity += 1 }
        let odd = order >> twoAdicity
        var candidate: Self = 2
        while candidate.power((order >> 1).words()) == .one { candidate += .one }
        var root = power(((odd + 1) >> 1).words())
        var remainder = power(odd.words())
        var generator = candidate.power(odd.words())
        var exponent = twoAdicity
        while remainder != .one {
            var steps = 0
            var square = remainder
            while square != .one && steps < exponent {
                square = square.squared()
                steps += 1
            }
            guard steps < exponent else { return .zero }
            for _ in 0..<(exponent - steps - 1) { generator = generator.squared() }
            root *= generator
            generator = generator.squared()
            remainder *= generator
            exponent = steps
        }
        return root
    }
}

/// floor(p / 4) + 1 for p = 3 mod 4, else nothing.
private func rootExponent(_ modulus: Integer) -> [UInt64] {
    modulus % 4 == 3 ? ((modulus >> 2) + 1).words() : []
}

private func hexadecimal(_ text: String) -> Integer {
    guard let value = Integer(text, radix: 16) else { preconditionFailure("a constant of this file is not a number") }
    return value
}

/// The coordinate field of BN254, also called alt_bn128 (EIP-196).
public enum BN254FpParameters: Field4Parameters {
    public static var kernel: Int32 { 0 }
    public static let modulus = hexadecimal("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47")
    public static let squareRootExponent = rootExponent(modulus)
}

/// The scalar field of BN254 (EIP-196).
public enum BN254FrParameters: Field4Parameters {
    public static var kernel: Int32 { 1 }
    public static let modulus = hexadecimal("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001")
    public static let squareRootExponent = rootExponent(modulus)
}

/// The scalar field of BLS12-381 (RFC 9380 §8.8, EIP-2537).
public enum BLS12381FrParameters: Field4Parameters {
    public static var kernel: Int32 { 2 }
    public static let modulus = hexadecimal("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001")
    public static let squareRootExponent = rootExponent(modulus)
}

/// The coordinate field of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3).
public enum P256FpParameters: Field4Parameters {
    public static var kernel: Int32 { 3 }
    public static let modulus = hexadecimal("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
    public static let squareRootExponent = rootExponent(modulus)
}

/// The scalar field of P-256 (SP 800-186 §3.2.1.3).
public enum P256FrParameters: Field4Parameters {
    public static var kernel: Int32 { 4 }
    public static let modulus = hexadecimal("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
    public static let squareRootExponent = rootExponent(modulus)
}

/// The coordinate field of secp256k1 (SEC 2 §2.4.1).
public enum Secp256k1FpParameters: Field4Parameters {
    public static var kernel: Int32 { 5 }
    public static let modulus = hexadecimal("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f")
    public static let squareRootExponent = rootExponent(modulus)
}

/// The scalar field of secp256k1 (SEC 2 §2.4.1).
public enum Secp256k1FrParameters: Field4Parameters {
    public static var kernel: Int32 { 6 }
    public static let modulus = hexadecimal("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
    public static let squareRootExponent = rootExponent(modulus)
}

/// The coordinate field of BLS12-381 (RFC 9380 §8.8, EIP-2537).
public enum BLS12381FpParameters: Field6Parameters {
    public static var kernel: Int32 { 0 }
    public static let modulus = hexadecimal(
        "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab"
    )
    public static let squareRootExponent = rootExponent(modulus)
}
