// BLS12-381 with parameter x = -0xd201000000010000 (RFC 9380 §8.8, EIP-2537, the ZCash protocol specification §5.4.9.2).
// Every constant that follows from x or from the moduli is derived here and re-derived in the tests.

/// The pairing-friendly curve of EIP-2537 and EIP-4844, about 120 bits of security.
public enum BLS12381: PairingCurve {
    /// The coordinate field.
    public typealias Fp = Field6<BLS12381FpParameters>
    /// The scalar field.
    public typealias Fr = Field4<BLS12381FrParameters>
    public typealias Fields = BLS12381Tower
    public typealias G1 = BLS12381G1
    public typealias G2 = BLS12381G2

    public static let name = "BLS12-381"
    public static var twist: Twist { .multiplicative }
    public static var isParameterNegative: Bool { true }
    /// The magnitude of the curve's parameter.
    static var parameter: UInt64 { 0xd201_0000_0001_0000 }
    public static let loopDigits: [Int8] = (0..<63).reversed().map { Int8(parameter >> UInt64($0) & 1) }

    public static func loopEnd(_ q: AffinePoint<G2>) -> AffinePoint<G2> { G2.loopEnd(q) }

    /// 4 (1 + u) a, by additions.
    public static func timesTwistConstant(_ a: Fp2<Fields>) -> Fp2<Fields> {
        Fields.timesNonResidue(a).doubled().doubled()
    }

    /// f^x in the cyclotomic subgroup. Most squarings are compressed: the powers at the parameter's three lowest bits are
    /// restored together, with one inversion, and the three highest bits are close above.
    static func powerOfParameter(_ f: Fp12<Fields>) -> Fp12<Fields> {
        var compressed: [Fp12<Fields>] = []
        var square = f
        var exponent = 0
        for bit in [16, 48, 57] {
            BLS12381Tower.compressedSquares(&square, count: bit - exponent)
            compressed.append(square)
            exponent = bit
        }
        guard let powers = BLS12381Tower.restore(compressed) else { return plainPowerOfParameter(f) }
        var result = powers[0] * powers[1]
        result.multiply(by: powers[2])
        square = powers[2]
        for bit in [60, 62, 63] {
            for _ in exponent..<bit { square.cyclotomicSquare() }
            result.multiply(by: square)
            exponent = bit
        }
        return result.conjugate
    }

    /// f^x by plain squarings: for the few elements whose squares cannot be restored, and for tests.
    static func plainPowerOfParameter(_ f: Fp12<Fields>) -> Fp12<Fields> {
        var result = f
        for digit in loopDigits {
            result.cyclotomicSquare()
            if digit != 0 { result.multiply(by: f) }
        }
        return result.conjugate
    }

    /// Three times the exact exponent, by the chain of Hayashida, Hayasaka and Teruya (eprint 2020/875):
    /// 3 (p^4 - p^2 + 1) / r = (x - 1)^2 (x + p) (x^2 + p^2 - 1) + 3.
    public static func finalExponentiation(_ f: Fp12<Fields>) -> TargetElement<BLS12381> {
        guard let inverse = f.inverse() else { return TargetElement(f) }
        var r = f.conjugate * inverse
        r = r.frobenius(2) * r
        var square = r
        square.cyclotomicSquare()
        let y1 = powerOfParameter(r) * r.conjugate
        let y2 = powerOfParameter(y1) * y1.conjugate
        let y3 = powerOfParameter(y2) * y2.frobenius(1)
        let y4 = powerOfParameter(powerOfParameter(y3)) * y3.frobenius(2) * y3.conjugate
        return TargetElement(r * square * y4)
    }
}

/// G1 of BLS12-381: y^2 = x^3 + 4 over Fp.
public enum BLS12381G1: CurveGroup {
    public typealias Coordinate = BLS12381.Fp
    public typealias ScalarParameters = BLS12381FrParameters
    public static let name = "BLS12-381 G1"
    public static let b: BLS12381.Fp = 4
    public static let generator = AffinePoint<Self>(
        trusted: constant(
            "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
        ),
        constant("8b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1")
    )

    /// The image under the endomorphism is -x^2 times the point exactly in the group (Scott, eprint 2021/1130).
    public static func isInSubgroup(_ point: AffinePoint<Self>) -> Bool {
        if point.isInfinity { return true }
        let twice = JacobianPoint(point).multiplied(bySmall: BLS12381.parameter).multiplied(
            bySmall: BLS12381.parameter
        )
        return -twice == endomorphism(point)
    }

    public static func endomorphism(_ point: AffinePoint<Self>) -> AffinePoint<Self> {
        var image = point
        image.x = image.x * beta
        return image
    }

    /// lambda = -x^2 modulo r, a cube root of unity.
    public static let endomorphismSplit: ScalarSplit? = {
        let x = Integer(BLS12381.parameter)
        return ScalarSplit(order: Scalar.modulus, lambda: Scalar.modulus - x * x)
    }()

    static let beta = cubeRootOfUnity(actingAs: endomorphismSplit?.lambda ?? 1, on: Self.self)
}

/// G2 of BLS12-381: y^2 = x^3 + 4 (1 + u) over Fp2.
public enum BLS12381G2: CurveGroup {
    public typealias Coordinate = Fp2<BLS12381Tower>
    public typealias ScalarParameters = BLS12381FrParameters
    public static let name = "BLS12-381 G2"
    public static let b = Coordinate(4, 4)
    public static let generator = AffinePoint<Self>(
        trusted: Fp2(
            constant("24aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"),
            constant("13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e")
        ),
        Fp2(
            constant("ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"),
            constant("606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be")
        )
    )

    /// xi^(-k (p - 1) / 6) for k = 2 and 3.
    private static let twistFactors: (Coordinate, Coordinate) = (
        BLS12381Tower.frobenius[0][2].inverse() ?? .zero, BLS12381Tower.frobenius[0][3].inverse() ?? .zero
    )

    /// The Frobenius endomorphism carried to the twist.
    static func frobenius(_ p: JacobianPoint<Self>) -> JacobianPoint<Self> {
        let (fx, fy) = twistFactors
        return JacobianPoint(x: p.x.conjugate * fx, y: p.y.conjugate * fy, z: p.z.conjugate)
    }

    /// Where the Miller loop ends, at |x| times the point, exactly for members: psi(P) = [x]P, and x is negative.
    static func loopEnd(_ point: AffinePoint<Self>) -> AffinePoint<Self> {
        let (fx, fy) = twistFactors
        return AffinePoint(trusted: point.x.conjugate * fx, -(point.y.conjugate * fy))
    }

    /// psi(P) = [x]P holds exactly in the group (Scott, eprint 2021/1130).
    public static func isInSubgroup(_ point: AffinePoint<Self>) -> Bool {
        if point.isInfinity { return true }
        let projective = JacobianPoint(point)
        return -projective.multiplied(bySmall: BLS12381.parameter) == frobenius(projective)
    }

    /// psi^2, which acts as x^2.
    public static func endomorphism(_ point: AffinePoint<Self>) -> AffinePoint<Self> {
        let table = BLS12381Tower.frobenius[1]
        var image = point
        image.x = point.x * (table[2].inverse() ?? .zero)
        image.y = point.y * (table[3].inverse() ?? .zero)
        return image
    }

    public static let endomorphismSplit: ScalarSplit? = {
        let x = Integer(BLS12381.parameter)
        return ScalarSplit(order: Scalar.modulus, lambda: x * x)
    }()
}
