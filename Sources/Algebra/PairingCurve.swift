// What a pairing-friendly curve gives: two groups, a tower, and the Miller loop that joins them.

/// Which sextic twist carries G2: it decides where a line's coefficients stand in Fp12.
public enum Twist: Sendable {
    /// y^2 = x^3 + b / xi
    case divisive
    /// y^2 = x^3 + b xi
    case multiplicative
}

/// A curve with an efficient pairing G1 x G2 -> GT. A conformance is a parameter file.
public protocol PairingCurve: Sendable {
    associatedtype G1: CurveGroup where G1.Coordinate == Fields.Base
    associatedtype G2: CurveGroup
    where G2.Coordinate == Fp2<Fields>, G2.ScalarParameters == G1.ScalarParameters
    associatedtype Fields: Tower
    /// The name in reports: `BN254`, `BLS12-381`.
    static var name: String { get }
    /// The twist of G2.
    static var twist: Twist { get }
    /// The Miller loop's multiplier in signed binary digits, highest first, without the leading one.
    static var loopDigits: [Int8] { get }
    /// Whether the curve's parameter is negative, so that the loop's value is inverted.
    static var isParameterNegative: Bool { get }
    /// The further line steps after the loop: images of the point under Frobenius (BN curves only).
    static func finalSteps(_ q: AffinePoint<G2>) -> [AffinePoint<G2>]
    /// The constant coefficient of G2's curve times `a`.
    static func timesTwistConstant(_ a: Fp2<Fields>) -> Fp2<Fields>
    /// f^((p^12 - 1) / r), or a fixed power of it that is prime to r.
    static func finalExponentiation(_ f: Fp12<Fields>) -> TargetElement<Self>
    /// Where the loop over a point of G2's curve ends, further steps included, exactly when the point is in the group.
    static func loopEnd(_ q: AffinePoint<G2>) -> AffinePoint<G2>
    /// The product of the Miller loops of candidates and terms, and the places of candidates outside the group. A
    /// requirement, so that generic callers reach code specialised for this curve.
    static func millerLoop(
        _ candidates: [PairingCandidate<Self>],
        _ terms: [PairingTerm<Self>]
    ) -> (value: MillerValue<Self>, outsiders: [Int])
    /// The lines of the Miller loop of a point. A requirement for the same reason.
    static func prepare(_ q: AffinePoint<G2>) -> PreparedG2<Self>
}

/// One factor e(p, q) of a product of pairings.
public struct PairingTerm<C: PairingCurve>: Sendable {
    enum Second: Sendable {
        case point(AffinePoint<C.G2>)
        case prepared(PreparedG2<C>)
    }

    var first: AffinePoint<C.G1>
    var second: Second

    /// The factor e(p, q).
    public init(_ p: AffinePoint<C.G1>, _ q: AffinePoint<C.G2>) {
        first = p
        second = .point(q)
    }

    /// The factor e(p, q) for a point whose lines are known.
    public init(_ p: AffinePoint<C.G1>, _ q: PreparedG2<C>) {
        first = p
        second = .prepared(q)
    }
}

/// One factor e(p, q) for a point q of which only the curve was checked: the Miller loop computes a multiple of it that
/// says whether it is in the group.
public struct PairingCandidate<C: PairingCurve>: Sendable {
    let first: AffinePoint<C.G1>
    let second: AffinePoint<C.G2>

    /// The factor e(p, q).
    public init(_ p: AffinePoint<C.G1>, _ q: TwistPoint<C>) {
        first = p
        second = q.point
    }
}

/// A point of the curve that carries G2, other than infinity, inside the group or outside.
public struct TwistPoint<C: PairingCurve>: Sendable {
    let point: AffinePoint<C.G2>

    /// The point, unless it is infinity or not on the curve.
    public init?(_ unchecked: UncheckedPoint<C.G2>) {
        guard let coordinates = unchecked.coordinates else { return nil }
        point = AffinePoint(x: coordinates.x, y: coordinates.y)
        guard point.isOnCurve else { return nil }
    }
}

/// The lines that a G2 point's Miller loop uses, for points that are paired many times.
public struct PreparedG2<C: PairingCurve>: Sendable {
    let lines: [UnitLine<C.Fields>]

    /// Computes the lines.
    public init(_ q: AffinePoint<C.G2>) { self = C.prepare(q) }

    init(lines: [UnitLine<C.Fields>]) { self.lines = lines }
}

/// An element of the target group GT, a subgroup of Fp12.
public struct TargetElement<C: PairingCurve>: Equatable, Sendable {
    public let value: Fp12<C.Fields>

    init(_ value: Fp12<C.Fields>) { self.value = value }

    /// The neutral element.
    public static var one: Self { Self(.one) }
    /// Whether this is the neutral element.
    public var isOne: Bool { value == .one }
    public static func * (a: Self, b: Self) -> Self { Self(a.value * b.value) }
    /// 1 / self, which is the conjugate.
    public var inverse: Self { Self(value.conjugate) }

    /// self^exponent.
    public func power(_ exponent: Field4<C.G1.ScalarParameters>) -> Self {
        power(exponent.integer)
    }

    /// self^exponent for a non-negative integer.
    public func power(_ exponent: Integer) -> Self {
        var result = Fp12<C.Fields>.one
        for index in stride(from: exponent.bitWidth - 1, through: 0, by: -1) {
            result.cyclotomicSquare()
            if exponent.bit(index) { result.multiply(by: value) }
        }
        return Self(result)
    }
}

/// A product of Miller loops, before the final exponentiation.
public struct MillerValue<C: PairingCurve>: Equatable, Sendable {
    public let value: Fp12<C.Fields>

    init(_ value: Fp12<C.Fields>) { self.value = value }

    public static func * (a: Self, b: Self) -> Self { Self(a.value * b.value) }
}

extension PairingCurve {
    /// e(p, q).
    public static func pairing(_ p: AffinePoint<G1>, _ q: AffinePoint<G2>) -> TargetElement<Self> {
        pairingProduct([PairingTerm(p, q)])
    }

    /// The product of the terms' pairings: one shared Miller loop and one final exponentiation.
    public static func pairingProduct(_ terms: [PairingTerm<Self>]) -> TargetElement<Self> {
        finalExponentiation(millerLoop(terms).value)
    }

    /// The product of the Miller loops of the terms, before the final exponentiation.
    public static func millerLoop(_ terms: [PairingTerm<Self>]) -> MillerValue<Self> { millerLoop([], terms).value }

    /// The product of the candidates' and the terms' pairings; `nil` when candidates are outside the group, and then the
    /// places of these.
    public static func pairingProduct(
        candidates: [PairingCandidate<Self>],
        _ terms: [PairingTerm<Self>]
    ) -> (product: TargetElement<Self>?, outsiders: [Int]) {
        let (value, outsiders) = millerLoop(candidates, terms)
        return (outsiders.isEmpty ? finalExponentiation(value.value) : nil, outsiders)
    }

    /// Whether the product of the terms' pairings is one.
    public static func isProductOne(_ terms: [PairingTerm<Self>]) -> Bool { pairingProduct(terms).isOne }

    public static func finalSteps(_ q: AffinePoint<G2>) -> [AffinePoint<G2>] { [] }

    public static func timesTwistConstant(_ a: Fp2<Fields>) -> Fp2<Fields> { G2.b * a }
}
