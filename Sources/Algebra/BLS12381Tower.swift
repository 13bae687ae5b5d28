// The tower of BLS12-381 over its C kernels.
public import CFieldKernels

/// The tower of BLS12-381: xi = 1 + u.
public enum BLS12381Tower: Tower {
    public typealias Base = BLS12381.Fp
    public static let nonResidue = Fp2<Self>(1, 1)
    public static let frobenius = deriveFrobenius()
    @inlinable
    public static func timesNonResidue(_ a: Fp2<Self>) -> Fp2<Self> {
        Fp2(a.c0 - a.c1, a.c0 + a.c1)
    }
    @inlinable
    public static func multiply2(
        _ r: UnsafeMutablePointer<Fp2<Self>>,
        _ a: UnsafePointer<Fp2<Self>>,
        _ b: UnsafePointer<Fp2<Self>>
    ) {
        afk_bls12_381_fp2_multiply(r, a, b)
    }
    @inlinable
    public static func square2(_ r: UnsafeMutablePointer<Fp2<Self>>, _ a: UnsafePointer<Fp2<Self>>) {
        afk_bls12_381_fp2_square(r, a)
    }
    @inlinable
    public static func multiply6(
        _ r: UnsafeMutablePointer<Fp6<Self>>,
        _ a: UnsafePointer<Fp6<Self>>,
        _ b: UnsafePointer<Fp6<Self>>
    ) {
        afk_bls12_381_fp6_multiply(r, a, b)
    }
    @inlinable
    public static func multiply12(
        _ r: UnsafeMutablePointer<Fp12<Self>>,
        _ a: UnsafePointer<Fp12<Self>>,
        _ b: UnsafePointer<Fp12<Self>>
    ) {
        afk_bls12_381_fp12_multiply(r, a, b)
    }
    @inlinable
    public static func square12(_ r: UnsafeMutablePointer<Fp12<Self>>, _ a: UnsafePointer<Fp12<Self>>) {
        afk_bls12_381_fp12_square(r, a)
    }
    @inlinable
    public static func cyclotomicSquare12(_ r: UnsafeMutablePointer<Fp12<Self>>, _ a: UnsafePointer<Fp12<Self>>) {
        afk_bls12_381_fp12_cyclotomic_square(r, a)
    }
    @inlinable
    public static func multiplyLine12(
        _ r: UnsafeMutablePointer<Fp12<Self>>,
        _ a: UnsafePointer<Fp12<Self>>,
        _ line: UnsafePointer<Line<Self>>
    ) {
        afk_bls12_381_fp12_multiply_line(r, a, line)
    }
    @inlinable
    public static func multiplyUnitLine12(
        _ r: UnsafeMutablePointer<Fp12<Self>>,
        _ a: UnsafePointer<Fp12<Self>>,
        _ line: UnsafePointer<UnitLine<Self>>
    ) {
        afk_bls12_381_fp12_multiply_unit_line(r, a, line)
    }
}

// Squarings that keep four of six coefficients (Karabina, eprint 2010/542).
extension BLS12381Tower {
    /// f^(2^count) for f in the cyclotomic subgroup, without the coefficients at 1 and v w, which stay as they were.
    static func compressedSquares(_ f: inout Fp12<Self>, count: Int) {
        withUnsafeMutablePointer(to: &f) { afk_bls12_381_fp12_compressed_squares($0, $0, Int32(count)) }
    }

    /// The missing coefficients of compressed elements, with one inversion for all.
    /// - Returns: `nil` when one of them has a zero at w, where the formula does not hold; the neutral element has.
    static func restore(_ compressed: [Fp12<Self>]) -> [Fp12<Self>]? {
        var reciprocals = compressed.map { $0.c1.c0.doubled().doubled() }
        guard !reciprocals.contains(where: \.isZero) else { return nil }
        Fp2<Self>.invertAll(&reciprocals)
        return zip(compressed, reciprocals).map { element, reciprocal in
            let (b, c) = (element.c0.c1, element.c0.c2)
            let (d, f) = (element.c1.c0, element.c1.c2)
            let square = b.squared()
            var restored = element
            // (xi f^2 + 3 b^2 - 2 c) / 4d
            let e = (timesNonResidue(f.squared()) + square + square.doubled() - c.doubled()) * reciprocal
            let product = b * c
            restored.c1.c1 = e
            // 1 + xi (2 e^2 + d f - 3 b c)
            restored.c0.c0 =
                .one + timesNonResidue(e.squared().doubled() + d * f - product - product.doubled())
            return restored
        }
    }
}
