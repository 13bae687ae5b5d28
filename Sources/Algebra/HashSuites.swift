// The groups that hashes reach: BLS12-381 (RFC 9380 §8.8), P-256 (§8.2), secp256k1 (§8.7), and BN254 by the SVDW map.

extension BLS12381G1: HashableGroup {
    public static var extensionDegree: Int { 1 }
    public static var hashLength: Int { 64 }
    public static func coordinate(uniform bytes: ArraySlice<UInt8>) -> BLS12381.Fp {
        BLS12381.Fp(reducing: Array(bytes))
    }

    /// RFC 9380 §8.8.1; the 11-isogeny has c = 1/11 and this kernel.
    private static let swu: SimplifiedSWU<BLS12381.Fp> = {
        let a: BLS12381.Fp = constant(
            "144698a3b8e9433d693a02c96d4982b0ea985383ee66a8d8e8981aefd881ac98936f8da0e0f97f5cf428082d584c1d"
        )
        let b: BLS12381.Fp = constant(
            "12e2908d11688030018b12e8753eee3b2016c1f0f24f4070a0b9c14fcef35ef55a23215a316ceaa5d1cc48e98e172be0"
        )
        let kernel = Polynomial<BLS12381.Fp>([
            constant(
                "133341fb0962a34cb0504a9c4fada0a5090d38679b4c040d5d1c3afb023a3409fcc0815fea66d8b02bbef9c8b5a66e07"
            ),
            constant("264908af037bcede00d054cf5d4775e83eb6cf63c76b969f8ed174fb59fcff78d201f46f6cfc4ed6552e59ce75177b0"),
            constant(
                "1335c502c1f54c49aceea65e87fd7203ba0f626f305fc0cfd606a5dae9f3c8e81a4b3b69600129fabd307c69bf319d39"
            ),
            constant("94440f65f408a6e930e16e3e92dd17bf60d6e9679a8d3d58593de55ac23703042d609537eb3549aac234d896ca82944"),
            constant("4afe09d5cf4956a23b6b71f59d2b3407b415a774b7be81bbb6fa99cbc798e0ac98ba725a5bc328016b1c268b4766e85"),
            .one,
        ])
        let scale = (11 as BLS12381.Fp).inverse() ?? .zero
        return SimplifiedSWU(a: a, b: b, z: 11, isogeny: Isogeny(a: a, b: b, kernel: kernel, scale: scale))
    }()

    public static func map(_ u: BLS12381.Fp) -> AffinePoint<Self> { .image(swu(u)) }

    /// 1 - x times the point.
    public static func clearCofactor(_ point: JacobianPoint<Self>) -> JacobianPoint<Self> {
        point.multiplied(bySmall: BLS12381.parameter + 1)
    }
}

extension BLS12381G2: HashableGroup {
    public static var extensionDegree: Int { 2 }
    public static var hashLength: Int { 64 }
    public static func coordinate(uniform bytes: ArraySlice<UInt8>) -> Coordinate {
        Fp2(BLS12381.Fp(reducing: Array(bytes.prefix(64))), BLS12381.Fp(reducing: Array(bytes.dropFirst(64))))
    }

    /// RFC 9380 §8.8.2; the 3-isogeny has c = -1/3 and its kernel at -6 + 6u.
    private static let swu: SimplifiedSWU<Coordinate> = {
        let a = Coordinate(0, 240)
        let b = Coordinate(1012, 1012)
        let kernel = Polynomial<Coordinate>([Coordinate(6, -(6 as BLS12381.Fp)), .one])
        let scale = Coordinate(-((3 as BLS12381.Fp).inverse() ?? .zero), .zero)
        return SimplifiedSWU(
            a: a,
            b: b,
            z: -Coordinate(2, 1),
            isogeny: Isogeny(a: a, b: b, kernel: kernel, scale: scale)
        )
    }()

    public static func map(_ u: Coordinate) -> AffinePoint<Self> { .image(swu(u)) }

    /// [x^2 - x - 1] P + [x - 1] psi(P) + psi^2(2P) (Budroni and Pintore, eprint 2017/419; RFC 9380 §G.3).
    public static func clearCofactor(_ point: JacobianPoint<Self>) -> JacobianPoint<Self> {
        // With t = [x] P: [x](t + psi(P)) - t - psi(P) - P + psi^2(2P).
        let mixed = frobenius(point) - point.multiplied(bySmall: BLS12381.parameter)
        let product = -mixed.multiplied(bySmall: BLS12381.parameter)
        return product - mixed - point + frobenius(frobenius(point.doubled()))
    }
}

extension BN254G1: HashableGroup {
    public static var extensionDegree: Int { 1 }
    public static var hashLength: Int { 48 }
    public static func coordinate(uniform bytes: ArraySlice<UInt8>) -> BN254.Fp { BN254.Fp(reducing: Array(bytes)) }
    private static let svdw = ShallueVanDeWoestijne<BN254.Fp>(a: .zero, b: 3, z: 1)
    public static func map(_ u: BN254.Fp) -> AffinePoint<Self> { .image(svdw(u)) }
}

/// P-256 (SP 800-186 §3.2.1.3), here for hashing to it; signatures are libcrypto's.
public enum P256: HashableGroup {
    public typealias Coordinate = Field4<P256FpParameters>
    public typealias ScalarParameters = P256FrParameters
    public static let name = "P-256"
    public static let a: Coordinate = -(3 as Coordinate)
    public static let b: Coordinate = constant("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b")
    public static let generator = AffinePoint<Self>(
        trusted: constant("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
        constant("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
    )
    public static func isInSubgroup(_ point: AffinePoint<Self>) -> Bool { true }
    public static var extensionDegree: Int { 1 }
    public static var hashLength: Int { 48 }
    public static func coordinate(uniform bytes: ArraySlice<UInt8>) -> Coordinate { Coordinate(reducing: Array(bytes)) }
    private static let swu = SimplifiedSWU<Coordinate>(a: a, b: b, z: -(10 as Coordinate))
    public static func map(_ u: Coordinate) -> AffinePoint<Self> { .image(swu(u)) }
}

/// secp256k1 (SEC 2 §2.4.1), here for hashing to it.
public enum Secp256k1: HashableGroup {
    public typealias Coordinate = Field4<Secp256k1FpParameters>
    public typealias ScalarParameters = Secp256k1FrParameters
    public static let name = "secp256k1"
    public static let b: Coordinate = 7
    public static let generator = AffinePoint<Self>(
        trusted: constant("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
        constant("483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8")
    )
    public static func isInSubgroup(_ point: AffinePoint<Self>) -> Bool { true }
    public static var extensionDegree: Int { 1 }
    public static var hashLength: Int { 48 }
    public static func coordinate(uniform bytes: ArraySlice<UInt8>) -> Coordinate { Coordinate(reducing: Array(bytes)) }

    /// RFC 9380 §8.7; the 3-isogeny has c = 1/3 and this kernel.
    private static let swu: SimplifiedSWU<Coordinate> = {
        let a: Coordinate = constant("3f8731abdd661adca08a5558f0f5d272e953d363cb6f0e5d405447c01a444533")
        let b: Coordinate = 1771
        let abscissa: Coordinate = constant("89291c84de3e11f1041da6957255eed5fc964a4df050df221d6ad4ce6ab9c5a5")
        let scale = (3 as Coordinate).inverse() ?? .zero
        let isogeny = Isogeny(a: a, b: b, kernel: Polynomial([-abscissa, .one]), scale: scale)
        return SimplifiedSWU(a: a, b: b, z: -(11 as Coordinate), isogeny: isogeny)
    }()

    public static func map(_ u: Coordinate) -> AffinePoint<Self> { .image(swu(u)) }
}

extension AffinePoint {
    /// A map's result; points of an isogeny's kernel go to infinity.
    static func image(_ coordinates: (x: G.Coordinate, y: G.Coordinate)?) -> Self {
        guard let coordinates else { return .infinity }
        return Self(x: coordinates.x, y: coordinates.y)
    }
}
