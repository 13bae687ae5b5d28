// Hashing to curves (RFC 9380): hash_to_field, the simplified SWU map with isogenies, the Shallue-van de Woestijne map.

/// How a group's curve is reached from a field element.
public protocol HashableGroup: CurveGroup {
    /// A field element from uniform bytes: `hashLength` bytes per coefficient, reduced.
    static func coordinate(uniform bytes: ArraySlice<UInt8>) -> Coordinate
    /// The number of coefficients of a coordinate (m of RFC 9380).
    static var extensionDegree: Int { get }
    /// The number of uniform bytes per coefficient (L of RFC 9380 §5.1).
    static var hashLength: Int { get }
    /// The map from a field element to a point of the curve.
    static func map(_ u: Coordinate) -> AffinePoint<Self>
    /// The multiple that lies in the group of prime order (h_eff of RFC 9380 §7).
    static func clearCofactor(_ point: JacobianPoint<Self>) -> JacobianPoint<Self>
    /// Hashes to the group. A requirement, so that generic callers reach code specialised for this group.
    static func hash(_ message: [UInt8], tag: [UInt8], expander: MessageExpander, isUniform: Bool) -> AffinePoint<Self>
}

extension HashableGroup {
    public static func clearCofactor(_ point: JacobianPoint<Self>) -> JacobianPoint<Self> { point }

    /// `hash_to_curve`, or `encode_to_curve` when `isUniform` is false (RFC 9380 §3).
    public static func hash(
        _ message: [UInt8],
        tag: [UInt8],
        expander: MessageExpander = .xmd(.sha256),
        isUniform: Bool = true
    ) -> AffinePoint<Self> {
        let elements = hashToField(message, tag: tag, expander: expander, count: isUniform ? 2 : 1)
        var sum = JacobianPoint<Self>.infinity
        for element in elements { sum += map(element) }
        return clearCofactor(sum).affine
    }

    /// `hash_to_field` (RFC 9380 §5.2).
    public static func hashToField(
        _ message: [UInt8],
        tag: [UInt8],
        expander: MessageExpander,
        count: Int
    ) -> [Coordinate] {
        let size = hashLength * extensionDegree
        let uniform = expander.expand(message, tag: tag, count: count * size)
        return (0..<count).map { coordinate(uniform: uniform[$0 * size..<($0 + 1) * size]) }
    }
}

/// The simplified SWU map for a curve y^2 = x^3 + A x + B with A B != 0 (RFC 9380 §6.6.2), followed by an isogeny to the
/// group's own curve when there is one.
struct SimplifiedSWU<F: Field>: Sendable {
    let a: F
    let b: F
    let z: F
    private let minusBOverA: F
    private let exceptional: F
    let isogeny: Isogeny<F>?

    init(a: F, b: F, z: F, isogeny: Isogeny<F>? = nil) {
        self.a = a
        self.b = b
        self.z = z
        self.isogeny = isogeny
        minusBOverA = -b * (a.inverse() ?? .zero)
        exceptional = b * ((z * a).inverse() ?? .zero)
    }

    func callAsFunction(_ u: F) -> (x: F, y: F)? {
        let zuu = z * u.squared()
        let denominator = zuu.squared() + zuu
        var x = denominator.inverse().map { minusBOverA * (.one + $0) } ?? exceptional
        var y: F
        if let root = value(x).squareRoot() {
            y = root
        } else {
            x *= zuu
            // RFC 9380 §6.6.2: one of the two values is a square.
            guard let root = value(x).squareRoot() else { return nil }
            y = root
        }
        if u.parity != y.parity { y = -y }
        return isogeny == nil ? (x, y) : isogeny?(x, y)
    }

    private func value(_ x: F) -> F { (x.squared() + a) * x + b }
}

/// An isogeny of odd degree given by its kernel, by the formulas of Velu as Kohel wrote them:
/// with psi the product of x - x_i over the kernel's abscissas and f = x^3 + A x + B,
/// N = (l x - 2 s_1) psi^2 - 2 f' psi' psi - 4 f (psi'' psi - psi'^2), and x is mapped to c^2 N / psi^2.
struct Isogeny<F: Field>: Sendable {
    private let xNumerator: Polynomial<F>
    private let yNumerator: Polynomial<F>
    private let kernel: Polynomial<F>

    /// - Parameters:
    ///   - a, b: the curve it starts from.
    ///   - kernel: psi, monic, lowest coefficient first.
    ///   - scale: c, which makes the image's coefficients those of the target curve.
    init(a: F, b: F, kernel psi: Polynomial<F>, scale c: F) {
        func small(_ n: Int) -> F { (0..<n).reduce(F.zero) { sum, _ in sum + .one } }
        let d = psi.degree
        let f = Polynomial([b, a, .zero, .one])
        let first = psi.derivative
        let s1 = -psi[d - 1]
        let leading = Polynomial([-s1.doubled(), small(2 * d + 1)]) * psi * psi
        let middle = (f.derivative * first * psi).scaled(by: small(2))
        let last = (f * (first.derivative * psi - first * first)).scaled(by: small(4))
        let numerator = leading - middle - last
        let slope = numerator.derivative * psi - (numerator * first).scaled(by: small(2))
        xNumerator = numerator.scaled(by: c.squared())
        yNumerator = slope.scaled(by: c.squared() * c)
        kernel = psi
    }

    /// The image; `nil` for a point of the kernel, which goes to infinity.
    func callAsFunction(_ x: F, _ y: F) -> (x: F, y: F)? {
        guard let inverse = kernel.evaluated(at: x).inverse() else { return nil }
        let square = inverse.squared()
        return (xNumerator.evaluated(at: x) * square, y * yNumerator.evaluated(at: x) * square * inverse)
    }
}

/// The Shallue-van de Woestijne map (RFC 9380 §6.6.1), for curves where no simpler one is used.
struct ShallueVanDeWoestijne<F: Field>: Sendable {
    private let a: F, b: F, z: F
    private let c1: F, c2: F, c3: F, c4: F

    init(a: F, b: F, z: F) {
        (self.a, self.b, self.z) = (a, b, z)
        let g = (z.squared() + a) * z + b
        let h = z.squared().doubled() + z.squared() + a.doubled().doubled()
        let half = (F.one + F.one).inverse() ?? .zero
        let root = (-(g * h)).squareRoot() ?? .zero
        c1 = g
        c2 = -(z * half)
        c3 = root.parity ? -root : root
        c4 = -(g.doubled().doubled() * (h.inverse() ?? .zero))
    }

    func callAsFunction(_ u: F) -> (x: F, y: F)? {
        let t = u.squared() * c1
        let t2 = F.one + t
        let t1 = F.one - t
        let t3 = (t1 * t2).inverse() ?? .zero
        let t4 = u * t1 * t3 * c3
        for x in [c2 - t4, c2 + t4, z + c4 * (t2.squared() * t3).squared()] {
            if let y = ((x.squared() + a) * x + b).squareRoot() { return (x, u.parity == y.parity ? y : -y) }
        }
        return nil
    }
}
