// Polynomials over a field by their coefficients.

/// A polynomial; the lowest coefficient comes first.
public struct Polynomial<F: Field>: Equatable, Sendable {
    /// The coefficients, without zeros at the end.
    public private(set) var coefficients: [F]

    /// The polynomial with the given coefficients, lowest first.
    public init(_ coefficients: [F]) {
        self.coefficients = coefficients
        while self.coefficients.last?.isZero == true { self.coefficients.removeLast() }
    }

    /// The degree; -1 for the zero polynomial.
    public var degree: Int { coefficients.count - 1 }

    /// The value at `point` (Horner).
    public func evaluated(at point: F) -> F {
        var result = F.zero
        for coefficient in coefficients.reversed() { result = result * point + coefficient }
        return result
    }

    public static func + (a: Self, b: Self) -> Self {
        let count = max(a.coefficients.count, b.coefficients.count)
        return Self((0..<count).map { a[$0] + b[$0] })
    }

    public static func - (a: Self, b: Self) -> Self {
        let count = max(a.coefficients.count, b.coefficients.count)
        return Self((0..<count).map { a[$0] - b[$0] })
    }

    /// The product, by the schoolbook method.
    public static func * (a: Self, b: Self) -> Self {
        guard a.degree >= 0, b.degree >= 0 else { return Self([]) }
        var product = [F](repeating: .zero, count: a.degree + b.degree + 1)
        for (i, x) in a.coefficients.enumerated() {
            for (j, y) in b.coefficients.enumerated() { product[i + j] += x * y }
        }
        return Self(product)
    }

    /// Coefficient `index`, zero beyond the degree.
    public subscript(index: Int) -> F { index < coefficients.count ? coefficients[index] : .zero }

    /// The quotient and the remainder of a division by x - root (Ruffini).
    public func divided(byLinearRoot root: F) -> (quotient: Self, remainder: F) {
        var quotient = [F](repeating: .zero, count: max(degree, 0))
        var carry = F.zero
        for index in coefficients.indices.reversed() {
            let value = coefficients[index] + carry * root
            if index > 0 { quotient[index - 1] = value }
            carry = value
        }
        return (Self(quotient), carry)
    }

    /// The polynomial of least degree through the points, by Lagrange's formula.
    /// - Returns: `nil` when two points have the same abscissa.
    public static func interpolating(_ points: [(x: F, y: F)]) -> Self? {
        var result = Self([])
        for (i, point) in points.enumerated() {
            var basis = Self([.one])
            var scale = F.one
            for (j, other) in points.enumerated() where j != i {
                basis = basis * Self([-other.x, .one])
                scale *= point.x - other.x
            }
            guard let inverse = scale.inverse() else { return nil }
            result = result + basis * Self([point.y * inverse])
        }
        return result
    }

    /// The formal derivative.
    public var derivative: Self {
        var factor = F.zero
        return Self(
            coefficients.dropFirst().map { coefficient in
                factor += .one
                return coefficient * factor
            }
        )
    }

    /// The product with a constant.
    public func scaled(by factor: F) -> Self { Self(coefficients.map { $0 * factor }) }
}
