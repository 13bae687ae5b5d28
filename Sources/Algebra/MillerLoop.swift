// The optimal ate Miller loop with shared squarings. Line formulas: homogeneous projective coordinates as in Costello,
// Lange and Naehrig (eprint 2009/615) and Aranha et al. (eprint 2010/526).

/// A G2 point on its way through the loop, in homogeneous projective coordinates.
struct MillerPoint<C: PairingCurve> {
    typealias F = Fp2<C.Fields>
    var x: F
    var y: F
    var z: F

    init(_ q: AffinePoint<C.G2>) {
        x = q.x
        y = q.y
        z = .one
    }

    @inline(__always)
    private static func line(_ constant: F, _ xFactor: F, _ yFactor: F) -> Line<C.Fields> {
        // Only the coefficients that the point of G1 multiplies differ in place between the twists.
        C.twist == .divisive
            ? Line(l0: yFactor, l1: xFactor, l2: constant) : Line(l0: constant, l1: xFactor, l2: yFactor)
    }

    /// Doubles the point and returns the tangent. The coordinates carry a factor of four, which spares every halving.
    @inline(__always)
    mutating func double() -> Line<C.Fields> {
        let b = y.squared()
        let c = z.squared()
        let e = C.timesTwistConstant(c.doubled() + c)
        let f = e.doubled() + e
        let h = (y + z).squared() - (b + c)
        let j = x.squared()
        let xy = (x + y).squared() - (j + b)
        let ee = e.squared().doubled().doubled()
        x = xy * (b - f)
        y = (b + f).squared() - (ee.doubled() + ee)
        z = (b * h).doubled().doubled()
        return Self.line(e - b, j.doubled() + j, -h)
    }

    /// Adds an affine point and returns the secant.
    @inline(__always)
    mutating func add(_ q: AffinePoint<C.G2>) -> Line<C.Fields> {
        let theta = y - q.y * z
        let lambda = x - q.x * z
        let c = theta.squared()
        let d = lambda.squared()
        let e = lambda * d
        let f = z * c
        let g = x * d
        let h = e + f - g.doubled()
        x = lambda * h
        y = theta * (g - h) - e * y
        z = z * e
        return Self.line(theta * q.x - lambda * q.y, -theta, lambda)
    }
}

extension MillerPoint {
    /// Whether this is `point`. A step that the formulas do not cover, as small orders cause, makes z zero for good, and no
    /// affine point has that.
    func isAt(_ point: AffinePoint<C.G2>) -> Bool {
        !z.isZero && x == point.x * z && y == point.y * z
    }
}

/// A factor of the shared loop whose lines are computed on the way.
private struct MovingTerm<C: PairingCurve> {
    let p: AffinePoint<C.G1>
    let q: AffinePoint<C.G2>
    let negative: AffinePoint<C.G2>
    var moving: MillerPoint<C>

    init(_ p: AffinePoint<C.G1>, _ q: AffinePoint<C.G2>) {
        self.p = p
        self.q = q
        negative = -q
        moving = MillerPoint(q)
    }

    /// The line's value at the point of G1.
    @inline(__always)
    func value(_ line: Line<C.Fields>) -> Line<C.Fields> {
        var value = line
        value.l1 = line.l1.scaled(by: p.x)
        if C.twist == .divisive {
            value.l0 = line.l0.scaled(by: p.y)
        } else {
            value.l2 = line.l2.scaled(by: p.y)
        }
        return value
    }
}

/// A factor of the shared loop whose lines are known: their values at the point of G1, divided by its ordinate. The
/// final exponentiation sends factors of the base field to one.
private struct PreparedTerm<C: PairingCurve> {
    let lines: [UnitLine<C.Fields>]
    /// x / y and 1 / y of the point of G1.
    let slope: C.Fields.Base
    let reciprocal: C.Fields.Base

    @inline(__always)
    func value(_ index: Int) -> UnitLine<C.Fields> {
        let line = lines[index]
        return C.twist == .divisive
            ? UnitLine(l0: line.l0.scaled(by: slope), l1: line.l1.scaled(by: reciprocal))
            : UnitLine(l0: line.l0.scaled(by: reciprocal), l1: line.l1.scaled(by: slope))
    }
}

extension PairingCurve {
    @specialized(where Self == BN254)
    @specialized(where Self == BLS12381)
    public static func millerLoop(
        _ candidates: [PairingCandidate<Self>],
        _ terms: [PairingTerm<Self>]
    ) -> (value: MillerValue<Self>, outsiders: [Int]) {
        precondition(
            candidates.allSatisfy { !$0.first.isInfinity },
            "candidates are paired with points that have lines"
        )
        var moving = candidates.map { MovingTerm<Self>($0.first, $0.second) }
        var known: [(p: AffinePoint<G1>, lines: [UnitLine<Fields>])] = []
        for term in terms where !term.first.isInfinity {
            switch term.second {
            case .point(let q): if !q.isInfinity { moving.append(MovingTerm(term.first, q)) }
            case .prepared(let q): if !q.lines.isEmpty { known.append((term.first, q.lines)) }
            }
        }
        // No point of odd order has an ordinate of zero.
        var reciprocals = known.map(\.p.y)
        Fields.Base.invertAll(&reciprocals)
        let prepared = zip(known, reciprocals).map { term, reciprocal in
            PreparedTerm<Self>(lines: term.lines, slope: term.p.x * reciprocal, reciprocal: reciprocal)
        }
        var f = Fp12<Fields>.one
        if moving.isEmpty && prepared.isEmpty { return (MillerValue(f), []) }
        var next = 0
        moving.withUnsafeMutableBufferPointer { moving in
            for (step, digit) in loopDigits.enumerated() {
                if step > 0 { f.square() }
                for index in moving.indices {
                    let line = moving[index].moving.double()
                    f.multiply(by: moving[index].value(line))
                    if digit != 0 {
                        let line = moving[index].moving.add(digit > 0 ? moving[index].q : moving[index].negative)
                        f.multiply(by: moving[index].value(line))
                    }
                }
                for _ in 0..<(digit == 0 ? 1 : 2) {
                    for term in prepared { f.multiply(by: term.value(next)) }
                    next += 1
                }
            }
            if isParameterNegative { f = f.conjugate }
            for index in moving.indices {
                for point in finalSteps(moving[index].q) {
                    let line = moving[index].moving.add(point)
                    f.multiply(by: moving[index].value(line))
                }
            }
        }
        for term in prepared {
            for index in next..<term.lines.count { f.multiply(by: term.value(index)) }
        }
        let outsiders = candidates.indices.filter { !moving[$0].moving.isAt(loopEnd(candidates[$0].second)) }
        return (MillerValue(f), outsiders)
    }

    @specialized(where Self == BN254)
    @specialized(where Self == BLS12381)
    public static func prepare(_ q: AffinePoint<G2>) -> PreparedG2<Self> {
        guard !q.isInfinity else { return PreparedG2(lines: []) }
        var lines: [Line<Fields>] = []
        var moving = MillerPoint<Self>(q)
        for digit in loopDigits {
            lines.append(moving.double())
            if digit != 0 { lines.append(moving.add(digit > 0 ? q : -q)) }
        }
        for point in finalSteps(q) { lines.append(moving.add(point)) }
        // Divided by the coefficient of the ordinate, which is twice an ordinate or a difference of abscissas.
        var reciprocals = lines.map { twist == .divisive ? $0.l0 : $0.l2 }
        Fp2<Fields>.invertAll(&reciprocals)
        return PreparedG2(
            lines: zip(lines, reciprocals).map { line, reciprocal in
                twist == .divisive
                    ? UnitLine(l0: line.l1 * reciprocal, l1: line.l2 * reciprocal)
                    : UnitLine(l0: line.l0 * reciprocal, l1: line.l1 * reciprocal)
            }
        )
    }
}

/// The digits of `value` in non-adjacent form, highest first.
func nonAdjacentForm(_ value: Integer) -> [Int8] {
    signedWindows(value.words(), isNegative: false, width: 2).reversed()
}
