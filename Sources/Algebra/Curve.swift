// Points of a short Weierstrass curve y^2 = x^3 + a x + b: unchecked bytes-level points, checked affine points, and the
// projective points that arithmetic runs on.

/// The data of one group of prime order on a curve. A conformance is a parameter file; the algorithms are generic.
public protocol CurveGroup: Sendable {
    associatedtype Coordinate: Field
    associatedtype ScalarParameters: Field4Parameters
    /// The coefficient of x.
    static var a: Coordinate { get }
    /// The constant coefficient.
    static var b: Coordinate { get }
    /// The generator of the group.
    static var generator: AffinePoint<Self> { get }
    /// The group's name in errors: `BN254 G2`.
    static var name: String { get }
    /// Whether a point of the curve lies in the group of prime order.
    static func isInSubgroup(_ point: AffinePoint<Self>) -> Bool
    /// The endomorphism that acts as multiplication by `endomorphismSplit.lambda`.
    static func endomorphism(_ point: AffinePoint<Self>) -> AffinePoint<Self>
    /// How scalars are cut in two halves for the endomorphism; `nil` when there is none.
    static var endomorphismSplit: ScalarSplit? { get }
    /// The sum of scalar_i * point_i. A requirement, so that generic callers reach code specialised for this group.
    static func multiScalar(
        _ points: [AffinePoint<Self>],
        _ scalars: [Field4<ScalarParameters>],
        threads: Int
    ) -> JacobianPoint<Self>
    /// scalar * point. A requirement for the same reason.
    static func multiply(_ point: AffinePoint<Self>, by scalar: Field4<ScalarParameters>) -> JacobianPoint<Self>
    /// The affine forms of many points with one inversion. A requirement for the same reason.
    static func normalize(_ points: [JacobianPoint<Self>]) -> [AffinePoint<Self>]
    /// The ordinate of a compressed point, or `nil` when there is none. A requirement for the same reason.
    static func decompress(_ x: Coordinate, larger: Bool) -> Coordinate?
    /// The sum over a table of multiples as `FixedBaseTable` makes it. A requirement for the same reason.
    static func sum(
        table: [AffinePoint<Self>],
        scalars: [Field4<ScalarParameters>],
        width: Int,
        windows: Int
    ) -> JacobianPoint<Self>
    /// weight_i * point_i, point by point. A requirement for the same reason.
    static func weighted(_ points: [AffinePoint<Self>], by weights: [RandomWeight]) -> [AffinePoint<Self>]
    /// Curve and subgroup check. A requirement for the same reason.
    static func check(_ point: UncheckedPoint<Self>) throws(PointError) -> AffinePoint<Self>
}

extension CurveGroup {
    /// The scalar field of the group.
    public typealias Scalar = Field4<ScalarParameters>

    public static var a: Coordinate { .zero }
    public static func endomorphism(_ point: AffinePoint<Self>) -> AffinePoint<Self> { point }
    public static var endomorphismSplit: ScalarSplit? { nil }

    public static func normalize(_ points: [JacobianPoint<Self>]) -> [AffinePoint<Self>] {
        JacobianPoint.normalizeAll(points)
    }

    public static func check(_ point: UncheckedPoint<Self>) throws(PointError) -> AffinePoint<Self> {
        guard let coordinates = point.coordinates else { return .infinity }
        let candidate = AffinePoint<Self>(x: coordinates.x, y: coordinates.y)
        guard candidate.isOnCurve else { throw .notOnCurve }
        guard isInSubgroup(candidate) else { throw .notInSubgroup }
        return candidate
    }
}

/// Why coordinates are not a point of the group.
public enum PointError: Error, Equatable, Sendable, CustomStringConvertible {
    case notOnCurve
    case notInSubgroup

    public var description: String {
        switch self {
        case .notOnCurve: "a point that is not on the curve"
        case .notInSubgroup: "a point outside the group of prime order"
        }
    }
}

/// Coordinates from outside, about which nothing is known but that they are canonical field elements.
public struct UncheckedPoint<G: CurveGroup>: Equatable, Sendable {
    /// The coordinates; `nil` for the point at infinity.
    public var coordinates: (x: G.Coordinate, y: G.Coordinate)?

    /// The point with these coordinates.
    public init(x: G.Coordinate, y: G.Coordinate) { coordinates = (x, y) }
    /// The point at infinity.
    public static var infinity: Self { Self(nil) }

    private init(_ coordinates: (x: G.Coordinate, y: G.Coordinate)?) { self.coordinates = coordinates }

    public static func == (p: Self, q: Self) -> Bool {
        p.coordinates?.x == q.coordinates?.x && p.coordinates?.y == q.coordinates?.y
    }

    /// The same point as a member of the group.
    /// - Throws: `PointError` when it is not on the curve or not in the subgroup.
    public func checked() throws(PointError) -> AffinePoint<G> { try G.check(self) }
}

/// A point of the group of prime order. It comes from a check, from a generator or from arithmetic on such points.
public struct AffinePoint<G: CurveGroup>: Equatable, Sendable {
    /// The first coordinate; zero for the point at infinity.
    public internal(set) var x: G.Coordinate
    /// The second coordinate; zero for the point at infinity.
    public internal(set) var y: G.Coordinate
    /// Whether this is the neutral element.
    public internal(set) var isInfinity: Bool

    init(x: G.Coordinate, y: G.Coordinate) {
        self.x = x
        self.y = y
        isInfinity = false
    }

    private init() {
        x = .zero
        y = .zero
        isInfinity = true
    }

    /// The neutral element.
    public static var infinity: Self { Self() }

    /// A constant of a parameter file, trusted without a check; the tests check each.
    init(trusted x: G.Coordinate, _ y: G.Coordinate) { self.init(x: x, y: y) }

    var isOnCurve: Bool {
        isInfinity || y.squared() == (x.squared() + G.a) * x + G.b
    }

    public static prefix func - (p: Self) -> Self { p.isInfinity ? p : Self(x: p.x, y: -p.y) }

    /// scalar * point, in time that depends on the scalar.
    public static func * (scalar: Field4<G.ScalarParameters>, point: Self) -> JacobianPoint<G> {
        G.multiply(point, by: scalar)
    }

    public static func + (p: Self, q: Self) -> JacobianPoint<G> { JacobianPoint(p) + q }

    /// The coordinates, as bytes-level formats take them.
    public var unchecked: UncheckedPoint<G> { isInfinity ? .infinity : UncheckedPoint(x: x, y: y) }
}

/// A point in Jacobian coordinates: (x / z^2, y / z^3), infinity when z is zero.
public struct JacobianPoint<G: CurveGroup>: Sendable {
    var x: G.Coordinate
    var y: G.Coordinate
    var z: G.Coordinate

    init(x: G.Coordinate, y: G.Coordinate, z: G.Coordinate) {
        self.x = x
        self.y = y
        self.z = z
    }

    /// The same point in other coordinates.
    public init(_ point: AffinePoint<G>) {
        self = point.isInfinity ? .infinity : Self(x: point.x, y: point.y, z: .one)
    }

    /// The neutral element.
    public static var infinity: Self { Self(x: .one, y: .one, z: .zero) }
    /// Whether this is the neutral element.
    public var isInfinity: Bool { z.isZero }

    public static prefix func - (p: Self) -> Self { Self(x: p.x, y: -p.y, z: p.z) }

    /// self + self (formulas dbl-2009-l and, for a curve with a, dbl-2007-bl of the Explicit-Formulas Database).
    public func doubled() -> Self {
        if isInfinity { return self }
        let xx = x.squared()
        let yy = y.squared()
        let yyyy = yy.squared()
        let s = ((x + yy).squared() - xx - yyyy).doubled()
        var m = xx.doubled() + xx
        if !G.a.isZero { m += G.a * z.squared().squared() }
        let x3 = m.squared() - s.doubled()
        let y3 = m * (s - x3) - yyyy.doubled().doubled().doubled()
        return Self(x: x3, y: y3, z: (y * z).doubled())
    }

    /// Formula add-2007-bl of the Explicit-Formulas Database, with every special case.
    public static func + (p: Self, q: Self) -> Self {
        if p.isInfinity { return q }
        if q.isInfinity { return p }
        let z1z1 = p.z.squared()
        let z2z2 = q.z.squared()
        let u1 = p.x * z2z2
        let s1 = p.y * q.z * z2z2
        let h = q.x * z1z1 - u1
        let r = (q.y * p.z * z1z1 - s1).doubled()
        if h.isZero { return r.isZero ? p.doubled() : .infinity }
        let i = h.doubled().squared()
        let j = h * i
        let v = u1 * i
        let x3 = r.squared() - j - v.doubled()
        let y3 = r * (v - x3) - (s1 * j).doubled()
        return Self(x: x3, y: y3, z: ((p.z + q.z).squared() - z1z1 - z2z2) * h)
    }

    /// Formula madd-2007-bl of the Explicit-Formulas Database, with every special case.
    public static func + (p: Self, q: AffinePoint<G>) -> Self {
        if q.isInfinity { return p }
        if p.isInfinity { return Self(q) }
        let z1z1 = p.z.squared()
        let h = q.x * z1z1 - p.x
        let r = (q.y * p.z * z1z1 - p.y).doubled()
        if h.isZero { return r.isZero ? p.doubled() : .infinity }
        let hh = h.squared()
        let i = hh.doubled().doubled()
        let j = h * i
        let v = p.x * i
        let x3 = r.squared() - j - v.doubled()
        let y3 = r * (v - x3) - (p.y * j).doubled()
        return Self(x: x3, y: y3, z: (p.z + h).squared() - z1z1 - hh)
    }

    public static func - (p: Self, q: Self) -> Self { p + -q }
    public static func - (p: Self, q: AffinePoint<G>) -> Self { p + -q }
    public static func += (p: inout Self, q: Self) { p = p + q }
    public static func += (p: inout Self, q: AffinePoint<G>) { p = p + q }

    /// Whether both are the same point, whatever their coordinates.
    public static func == (p: Self, q: Self) -> Bool {
        if p.isInfinity || q.isInfinity { return p.isInfinity && q.isInfinity }
        let z1z1 = p.z.squared()
        let z2z2 = q.z.squared()
        return p.x * z2z2 == q.x * z1z1 && p.y * q.z * z2z2 == q.y * p.z * z1z1
    }

    /// Whether both are the same point.
    public static func == (p: Self, q: AffinePoint<G>) -> Bool {
        if p.isInfinity || q.isInfinity { return p.isInfinity && q.isInfinity }
        let zz = p.z.squared()
        return p.x == q.x * zz && p.y == q.y * p.z * zz
    }

    /// The affine form, by one inversion.
    public var affine: AffinePoint<G> { G.normalize([self])[0] }

    /// The affine forms of many points, with one inversion for all.
    static func normalizeAll(_ points: [Self]) -> [AffinePoint<G>] {
        var inverses = points.map(\.z)
        G.Coordinate.invertAll(&inverses)
        return zip(points, inverses).map { point, inverse in
            if point.isInfinity { return .infinity }
            let square = inverse.squared()
            return AffinePoint(x: point.x * square, y: point.y * square * inverse)
        }
    }

    /// exponent * self by doubling and adding, for the short fixed multipliers of subgroup checks.
    func multiplied(bySmall multiplier: UInt64) -> Self {
        var result = Self.infinity
        for bit in stride(from: 63 - multiplier.leadingZeroBitCount, through: 0, by: -1) {
            result = result.doubled()
            if multiplier >> UInt64(bit) & 1 == 1 { result += self }
        }
        return result
    }

    /// multiplier * self for any non-negative integer, without any shortcut: for cofactors and as the slow twin in tests.
    public func multiplied(by multiplier: Integer) -> Self {
        var result = Self.infinity
        for bit in stride(from: multiplier.bitWidth - 1, through: 0, by: -1) {
            result = result.doubled()
            if multiplier.bit(bit) { result += self }
        }
        return result
    }
}

extension JacobianPoint: Equatable {}
