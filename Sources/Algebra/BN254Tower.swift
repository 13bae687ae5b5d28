// The tower of BN254 over its C kernels.
public import CFieldKernels

/// The tower of BN254: xi = 9 + u.
public enum BN254Tower: Tower {
    public typealias Base = BN254.Fp
    public static let nonResidue = Fp2<Self>(9, 1)
    public static let frobenius = deriveFrobenius()
    @inlinable
    public static func timesNonResidue(_ a: Fp2<Self>) -> Fp2<Self> {
        let eight = a.doubled().doubled().doubled() + a
        return Fp2(eight.c0 - a.c1, eight.c1 + a.c0)
    }
    @inlinable
    public static func multiply2(
        _ r: UnsafeMutablePointer<Fp2<Self>>,
        _ a: UnsafePointer<Fp2<Self>>,
        _ b: UnsafePointer<Fp2<Self>>
    ) {
        afk_bn254_fp2_multiply(r, a, b)
    }
    @inlinable
    public static func square2(_ r: UnsafeMutablePointer<Fp2<Self>>, _ a: UnsafePointer<Fp2<Self>>) {
        afk_bn254_fp2_square(r, a)
    }
    @inlinable
    public static func multiply6(
        _ r: UnsafeMutablePointer<Fp6<Self>>,
        _ a: UnsafePointer<Fp6<Self>>,
        _ b: UnsafePointer<Fp6<Self>>
    ) {
        afk_bn254_fp6_multiply(r, a, b)
    }
    @inlinable
    public static func multiply12(
        _ r: UnsafeMutablePointer<Fp12<Self>>,
        _ a: UnsafePointer<Fp12<Self>>,
        _ b: UnsafePointer<Fp12<Self>>
    ) {
        afk_bn254_fp12_multiply(r, a, b)
    }
    @inlinable
    public static func square12(_ r: UnsafeMutablePointer<Fp12<Self>>, _ a: UnsafePointer<Fp12<Self>>) {
        afk_bn254_fp12_square(r, a)
    }
    @inlinable
    public static func cyclotomicSquare12(_ r: UnsafeMutablePointer<Fp12<Self>>, _ a: UnsafePointer<Fp12<Self>>) {
        afk_bn254_fp12_cyclotomic_square(r, a)
    }
    @inlinable
    public static func multiplyLine12(
        _ r: UnsafeMutablePointer<Fp12<Self>>,
        _ a: UnsafePointer<Fp12<Self>>,
        _ line: UnsafePointer<Line<Self>>
    ) {
        afk_bn254_fp12_multiply_line(r, a, line)
    }
}
