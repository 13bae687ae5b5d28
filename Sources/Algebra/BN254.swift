// BN254, also called alt_bn128 and BN_SNARK1: the curve of EIP-196 and EIP-197, with parameter x = 4965661367192848881.
// Every constant that follows from x or from the moduli is derived here and re-derived in the tests.

/// The pairing-friendly curve of EIP-196 and EIP-197, about 100 bits of security.
public enum BN254: PairingCurve {
    /// The coordinate field.
    public typealias Fp = Field4<BN254FpParameters>
    /// The scalar field.
    public typealias Fr = Field4<BN254FrParameters>
    public typealias Fields = BN254Tower
    public typealias G1 = BN254G1
    public typealias G2 = BN254G2

    public static let name = "BN254"
    public static var twist: Twist { .divisive }
    public static var isParameterNegative: Bool { false }
    /// The curve's parameter x.
    static var parameter: UInt64 { 4_965_661_367_192_848_881 }
    public static let loopDigits = Array(nonAdjacentForm(6 * Integer(parameter) + 2).dropFirst())
    /// x in signed windows, for powers in the final exponentiation.
    private static let parameterWindows = signedWindows([parameter], isNegative: false, width: 4)

    public static func finalSteps(_ q: AffinePoint<G2>) -> [AffinePoint<G2>] {
        let first = G2.frobenius(q)
        return [first, -G2.frobenius(first)]
    }

    /// [6x + 2]Q + psi(Q) - psi^2(Q) = -psi^3(Q) holds exactly in the group: as an endomorphism, the difference of the sides
    /// has a norm that is prime to the cofactor 2p - r (a test computes it).
    public static func loopEnd(_ q: AffinePoint<G2>) -> AffinePoint<G2> {
        -G2.frobenius(G2.frobenius(G2.frobenius(q)))
    }

    /// f^(-x) in the cyclotomic subgroup.
    private static func powerOfNegativeParameter(_ f: Fp12<Fields>) -> Fp12<Fields> {
        var square = f
        square.cyclotomicSquare()
        var odd = [f]
        for i in 1..<4 { odd.append(odd[i - 1] * square) }
        var result: Fp12<Fields>?
        for digit in parameterWindows.reversed() {
            result?.cyclotomicSquare()
            guard digit != 0 else { continue }
            let entry = odd[Int(digit.magnitude) >> 1]
            let factor = digit < 0 ? entry.conjugate : entry
            if result == nil {
                result = factor
            } else {
                result?.multiply(by: factor)
            }
        }
        return (result ?? .one).conjugate
    }

    /// The hard part is the chain of Fuentes-Castaneda, Knapp and Rodriguez-Henriquez (SAC 2011): a multiple of the exact
    /// exponent by 2x(6x^2 + 3x + 1).
    public static func finalExponentiation(_ f: Fp12<Fields>) -> TargetElement<BN254> {
        guard let inverse = f.inverse() else { return TargetElement(f) }
        var r = f.conjugate * inverse
        r = r.frobenius(2) * r
        let y0 = powerOfNegativeParameter(r)
        var y1 = y0
        y1.cyclotomicSquare()
        var y2 = y1
        y2.cyclotomicSquare()
        var y3 = y2 * y1
        let y4 = powerOfNegativeParameter(y3)
        var y5 = y4
        y5.cyclotomicSquare()
        let y6 = powerOfNegativeParameter(y5).conjugate
        y3 = y3.conjugate
        let y7 = y6 * y4
        let y8 = y7 * y3
        let y9 = y8 * y1
        let y10 = y8 * y4
        let y11 = y10 * r
        let y13 = y9.frobenius(1) * y11
        let y14 = y8.frobenius(2) * y13
        let y15 = (r.conjugate * y9).frobenius(3)
        return TargetElement(y15 * y14)
    }
}

/// G1 of BN254: y^2 = x^3 + 3 over Fp. The curve has prime order.
public enum BN254G1: CurveGroup {
    public typealias Coordinate = BN254.Fp
    public typealias ScalarParameters = BN254FrParameters
    public static let name = "BN254 G1"
    public static let b: BN254.Fp = 3
    public static let generator = AffinePoint<Self>(trusted: 1, 2)

    /// The curve's order is prime, so every point is in the group.
    public static func isInSubgroup(_ point: AffinePoint<Self>) -> Bool { true }

    /// (beta x, y) for the cube root of unity beta that belongs to lambda.
    public static func endomorphism(_ point: AffinePoint<Self>) -> AffinePoint<Self> {
        var image = point
        image.x = image.x * beta
        return image
    }

    /// lambda = 36x^3 + 18x^2 + 6x + 1, a cube root of unity modulo r.
    public static let endomorphismSplit: ScalarSplit? = {
        let x = Integer(BN254.parameter)
        return ScalarSplit(order: Scalar.modulus, lambda: 36 * x.power(3) + 18 * x.power(2) + 6 * x + 1)
    }()

    static let beta = cubeRootOfUnity(actingAs: endomorphismSplit?.lambda ?? 1, on: Self.self)
}

/// G2 of BN254: y^2 = x^3 + 3 / (9 + u) over Fp2.
public enum BN254G2: CurveGroup {
    public typealias Coordinate = Fp2<BN254Tower>
    public typealias ScalarParameters = BN254FrParameters
    public static let name = "BN254 G2"
    public static let b: Coordinate = (BN254Tower.nonResidue.inverse() ?? .zero).scaled(by: 3)
    /// The generator of EIP-197.
    public static let generator = AffinePoint<Self>(
        trusted: Fp2(
            constant("1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"),
            constant("198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2")
        ),
        Fp2(
            constant("12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"),
            constant("90689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b")
        )
    )

    /// The Frobenius endomorphism carried to the twist.
    static func frobenius(_ point: AffinePoint<Self>) -> AffinePoint<Self> {
        var image = point
        image.x = point.x.conjugate * BN254Tower.frobenius[0][2]
        image.y = point.y.conjugate * BN254Tower.frobenius[0][3]
        return image
    }

    /// [x + 1]P + psi([x]P) + psi^2([x]P) = psi^3([2x]P) holds exactly in the group (El Housni, Guillevic and Piellard,
    /// eprint 2022/352).
    public static func isInSubgroup(_ point: AffinePoint<Self>) -> Bool {
        if point.isInfinity { return true }
        let multiple = JacobianPoint(point).multiplied(bySmall: BN254.parameter)
        let first = image(multiple)
        let second = image(first)
        let left = multiple + point + first + second
        return left == image(second).doubled()
    }

    /// psi on projective coordinates: it acts on each one.
    private static func image(_ p: JacobianPoint<Self>) -> JacobianPoint<Self> {
        JacobianPoint(
            x: p.x.conjugate * BN254Tower.frobenius[0][2],
            y: p.y.conjugate * BN254Tower.frobenius[0][3],
            z: p.z.conjugate
        )
    }

    public static func endomorphism(_ point: AffinePoint<Self>) -> AffinePoint<Self> { frobenius(point) }

    /// psi acts as p, which is 6x^2 modulo r.
    public static let endomorphismSplit: ScalarSplit? = {
        let x = Integer(BN254.parameter)
        return ScalarSplit(order: Scalar.modulus, lambda: 6 * x * x)
    }()
}

/// A field element from the hexadecimal text of a parameter file.
func constant<F: PrimeField>(_ text: String) -> F {
    guard let value = Integer(text, radix: 16), let element = F(words: value.words()) else {
        preconditionFailure("a curve constant is not a canonical field element")
    }
    return element
}

/// The cube root of unity in the coordinate field for which (beta x, y) is lambda * (x, y).
func cubeRootOfUnity<G: CurveGroup>(actingAs lambda: Integer, on group: G.Type) -> G.Coordinate
where G.Coordinate: PrimeField {
    var base: G.Coordinate = 2
    var root = base
    repeat {
        root = base.power(((G.Coordinate.modulus - 1) / 3).words())
        base += .one
    } while root == .one
    let target = JacobianPoint(G.generator).multiplied(by: lambda)
    let image = AffinePoint<G>(x: G.generator.x * root, y: G.generator.y)
    return target == image ? root : root.squared()
}
