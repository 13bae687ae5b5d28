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

    /// Doubles the point and returns the tangent.
    mutating func double(_ half: C.Fields.Base) -> Line<C.Fields> {
        let a = (x * y).scaled(by: half)
        let b = y.squared()
        let c = z.squared()
        let e = C.G2.b * (c.doubled() + c)
        let f = e.doubled() + e
        let g = (b + f).scaled(by: half)
        let h = (y + z).squared() - (b + c)
        let i = e - b
        let j = x.squared()
        let ee = e.squared()
        x = a * (b - f)
        y = g.squared() - (ee.doubled() + ee)
        z = b * h
        return Self.line(i, j.doubled() + j, -h)
    }

    /// Adds an affine point and returns the secant.
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

/// One factor of the shared loop: where its lines come from.
private struct Runner<C: PairingCurve> {
    let p: AffinePoint<C.G1>
    let q: AffinePoint<C.G2>
    let negative: AffinePoint<C.G2>
    var moving: MillerPoint<C>
    let lines: [Line<C.Fields>]
    var next = 0

    init(_ term: PairingTerm<C>) {
        p = term.first
        switch term.second {
        case .point(let point):
            q = point
            lines = []
        case .prepared(let prepared):
            q = .infinity
            lines = prepared.lines
        }
        negative = -q
        moving = MillerPoint(q)
    }

    @inline(__always)
    mutating func double(_ half: C.Fields.Base) -> Line<C.Fields> {
        lines.isEmpty ? moving.double(half) : prepared()
    }

    @inline(__always)
    mutating func add(_ point: AffinePoint<C.G2>) -> Line<C.Fields> {
        lines.isEmpty ? moving.add(point) : prepared()
    }

    @inline(__always)
    private mutating func prepared() -> Line<C.Fields> {
        defer { next += 1 }
        return lines[next]
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

extension PairingCurve {
    public static func millerLoop(_ terms: [PairingTerm<Self>]) -> MillerValue<Self> {
        let half = halfElement()
        var runners: [Runner<Self>] = []
        for term in terms where !term.first.isInfinity {
            switch term.second {
            case .point(let q) where q.isInfinity: continue
            case .prepared(let prepared) where prepared.lines.isEmpty: continue
            default: runners.append(Runner(term))
            }
        }
        var f = Fp12<Fields>.one
        if runners.isEmpty { return MillerValue(f) }
        var isFirst = true
        for digit in loopDigits {
            if !isFirst { f.square() }
            isFirst = false
            for index in runners.indices {
                let line = runners[index].double(half)
                f.multiply(by: runners[index].value(line))
                if digit != 0 {
                    let line = runners[index].add(digit > 0 ? runners[index].q : runners[index].negative)
                    f.multiply(by: runners[index].value(line))
                }
            }
        }
        if isParameterNegative { f = f.conjugate }
        for index in runners.indices {
            if runners[index].lines.isEmpty {
                for point in finalSteps(runners[index].q) {
                    let line = runners[index].add(point)
                    f.multiply(by: runners[index].value(line))
                }
            } else {
                while runners[index].next < runners[index].lines.count {
                    let line = runners[index].add(.infinity)
                    f.multiply(by: runners[index].value(line))
                }
            }
        }
        return MillerValue(f)
    }

    public static func prepare(_ q: AffinePoint<G2>) -> PreparedG2<Self> {
        guard !q.isInfinity else { return PreparedG2(lines: []) }
        let half = halfElement()
        var lines: [Line<Fields>] = []
        var moving = MillerPoint<Self>(q)
        for digit in loopDigits {
            lines.append(moving.double(half))
            if digit != 0 { lines.append(moving.add(digit > 0 ? q : -q)) }
        }
        for point in finalSteps(q) { lines.append(moving.add(point)) }
        return PreparedG2(lines: lines)
    }

    /// (p + 1) / 2 as a field element.
    private static func halfElement() -> Fields.Base {
        Fields.Base(reducing: (Fields.Base.modulus + 1) >> 1)
    }
}

/// The digits of `value` in non-adjacent form, highest first.
func nonAdjacentForm(_ value: Integer) -> [Int8] {
    signedWindows(value.words(), isNegative: false, width: 2).reversed()
}
