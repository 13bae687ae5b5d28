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
}
