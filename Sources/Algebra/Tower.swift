// The extension towers of a pairing-friendly curve over the C kernels:
// Fp2 = Fp[u]/(u^2 + 1), Fp6 = Fp2[v]/(v^3 - xi), Fp12 = Fp6[w]/(w^2 - v).
public import Codecs

/// The kernels and constants of one tower. Raw pointers end here: conformances forward to the C functions of their curve.
public protocol Tower: Sendable {
    associatedtype Base: PrimeField
    /// xi, the non-residue that Fp6 adjoins a cube root of.
    static var nonResidue: Fp2<Self> { get }
    /// xi * a, by additions only.
    static func timesNonResidue(_ a: Fp2<Self>) -> Fp2<Self>
    /// xi^(k (p^n - 1) / 6) for n = 1, 2, 3 and k = 0 ... 5.
    static var frobenius: [[Fp2<Self>]] { get }
    static func multiply2(
        _ r: UnsafeMutablePointer<Fp2<Self>>,
        _ a: UnsafePointer<Fp2<Self>>,
        _ b: UnsafePointer<Fp2<Self>>
    )
    static func square2(_ r: UnsafeMutablePointer<Fp2<Self>>, _ a: UnsafePointer<Fp2<Self>>)
    static func multiply6(
        _ r: UnsafeMutablePointer<Fp6<Self>>,
        _ a: UnsafePointer<Fp6<Self>>,
        _ b: UnsafePointer<Fp6<Self>>
    )
    static func multiply12(
        _ r: UnsafeMutablePointer<Fp12<Self>>,
        _ a: UnsafePointer<Fp12<Self>>,
        _ b: UnsafePointer<Fp12<Self>>
    )
    static func square12(_ r: UnsafeMutablePointer<Fp12<Self>>, _ a: UnsafePointer<Fp12<Self>>)
    static func cyclotomicSquare12(_ r: UnsafeMutablePointer<Fp12<Self>>, _ a: UnsafePointer<Fp12<Self>>)
    static func multiplyLine12(
        _ r: UnsafeMutablePointer<Fp12<Self>>,
        _ a: UnsafePointer<Fp12<Self>>,
        _ line: UnsafePointer<Line<Self>>
    )
}

extension Tower {
    /// The table of `frobenius`, from xi alone.
    static func deriveFrobenius() -> [[Fp2<Self>]] {
        var first: [Fp2<Self>] = [.one]
        let root = nonResidue.power(((Base.modulus - 1) / 6).words())
        for k in 1..<6 { first.append(first[k - 1] * root) }
        // The norm of a first-order constant is the second-order one, which lies in Fp; the third is their product.
        let second = first.map { $0 * $0.conjugate }
        let third = zip(first, second).map { $0 * $1 }
        return [first, second, third]
    }
}

/// c0 + c1 u with u^2 = -1.
public struct Fp2<T: Tower>: Field {
    public var c0: T.Base
    public var c1: T.Base

    /// The element with the given coefficients.
    @inlinable
    public init(_ c0: T.Base, _ c1: T.Base) {
        self.c0 = c0
        self.c1 = c1
    }

    @inlinable
    public static var zero: Self { Self(.zero, .zero) }
    @inlinable
    public static var one: Self { Self(.one, .zero) }
    @inlinable
    public var isZero: Bool { c0.isZero && c1.isZero }
    /// c0 - c1 u, which is also self^p.
    @inlinable
    public var conjugate: Self { Self(c0, -c1) }
    public static var byteCount: Int { 2 * T.Base.byteCount }

    @inlinable
    public static func + (a: Self, b: Self) -> Self { Self(a.c0 + b.c0, a.c1 + b.c1) }
    @inlinable
    public static func - (a: Self, b: Self) -> Self { Self(a.c0 - b.c0, a.c1 - b.c1) }
    @inlinable
    public static prefix func - (a: Self) -> Self { Self(-a.c0, -a.c1) }

    @inlinable
    public static func * (a: Self, b: Self) -> Self {
        var r = Self.zero
        withUnsafePointer(to: a) { a in withUnsafePointer(to: b) { b in T.multiply2(&r, a, b) } }
        return r
    }

    @inlinable
    public func squared() -> Self {
        var r = Self.zero
        withUnsafePointer(to: self) { T.square2(&r, $0) }
        return r
    }

    /// The product with an element of the base field.
    @inlinable
    public func scaled(by factor: T.Base) -> Self { Self(c0 * factor, c1 * factor) }

    /// c0^2 + c1^2
    public var norm: T.Base { c0.squared() + c1.squared() }

    public func inverse() -> Self? {
        guard let inverse = norm.inverse() else { return nil }
        return Self(c0 * inverse, -(c1 * inverse))
    }

    public func squareRoot() -> Self? {
        // The complex method: for a root x + y u, x^2 = (c0 +- sqrt(norm)) / 2 and y = c1 / 2x.
        guard !c1.isZero else {
            if let root = c0.squareRoot() { return Self(root, .zero) }
            return (-c0).squareRoot().map { Self(.zero, $0) }
        }
        guard let length = norm.squareRoot(), let half = T.Base(2).inverse() else { return nil }
        guard let x = ((c0 + length) * half).squareRoot() ?? ((c0 - length) * half).squareRoot(),
            let inverse = x.doubled().inverse()
        else { return nil }
        let root = Self(x, c1 * inverse)
        return root.squared() == self ? root : nil
    }

    public var parity: Bool { c0.isZero ? c1.parity : c0.parity }
    public var isLargerRoot: Bool { c1.isZero ? c0.isLargerRoot : c1.isLargerRoot }

    public var bigEndianBytes: [UInt8] { c1.bigEndianBytes + c0.bigEndianBytes }

    public init(bigEndian bytes: ArraySlice<UInt8>, field: String) throws(ParseError) {
        guard bytes.count == Self.byteCount else {
            throw ParseError(field: field, expected: "\(Self.byteCount) bytes", actual: "\(bytes.count)")
        }
        let half = T.Base.byteCount
        self.init(
            try T.Base(bigEndian: bytes.dropFirst(half), field: field),
            try T.Base(bigEndian: bytes.prefix(half), field: field)
        )
    }
}

/// c0 + c1 v + c2 v^2 with v^3 = xi.
public struct Fp6<T: Tower>: Equatable, Sendable {
    public var c0: Fp2<T>
    public var c1: Fp2<T>
    public var c2: Fp2<T>

    /// The element with the given coefficients.
    public init(_ c0: Fp2<T>, _ c1: Fp2<T>, _ c2: Fp2<T>) {
        self.c0 = c0
        self.c1 = c1
        self.c2 = c2
    }

    public static var zero: Self { Self(.zero, .zero, .zero) }
    public static var one: Self { Self(.one, .zero, .zero) }

    public static func + (a: Self, b: Self) -> Self { Self(a.c0 + b.c0, a.c1 + b.c1, a.c2 + b.c2) }
    public static func - (a: Self, b: Self) -> Self { Self(a.c0 - b.c0, a.c1 - b.c1, a.c2 - b.c2) }
    public static prefix func - (a: Self) -> Self { Self(-a.c0, -a.c1, -a.c2) }

    public static func * (a: Self, b: Self) -> Self {
        var r = Self.zero
        withUnsafePointer(to: a) { a in withUnsafePointer(to: b) { b in T.multiply6(&r, a, b) } }
        return r
    }

    /// The product with v.
    var timesV: Self { Self(T.timesNonResidue(c2), c0, c1) }

    func inverse() -> Self? {
        let t0 = c0.squared() - T.timesNonResidue(c1 * c2)
        let t1 = T.timesNonResidue(c2.squared()) - c0 * c1
        let t2 = c1.squared() - c0 * c2
        guard let inverse = (c0 * t0 + T.timesNonResidue(c2 * t1 + c1 * t2)).inverse() else { return nil }
        return Self(t0 * inverse, t1 * inverse, t2 * inverse)
    }
}

/// c0 + c1 w with w^2 = v.
public struct Fp12<T: Tower>: Equatable, Sendable {
    public var c0: Fp6<T>
    public var c1: Fp6<T>

    /// The element with the given coefficients.
    public init(_ c0: Fp6<T>, _ c1: Fp6<T>) {
        self.c0 = c0
        self.c1 = c1
    }

    public static var one: Self { Self(.one, .zero) }

    public static func * (a: Self, b: Self) -> Self {
        var r = a
        r.multiply(by: b)
        return r
    }

    /// self *= b, in place.
    mutating func multiply(by b: Self) {
        withUnsafePointer(to: b) { b in withUnsafeMutablePointer(to: &self) { T.multiply12($0, $0, b) } }
    }

    /// self = self^2, in place.
    mutating func square() { withUnsafeMutablePointer(to: &self) { T.square12($0, $0) } }

    /// self = self^2 for an element of the cyclotomic subgroup, in place.
    mutating func cyclotomicSquare() { withUnsafeMutablePointer(to: &self) { T.cyclotomicSquare12($0, $0) } }

    /// self * self
    public func squared() -> Self {
        var r = self
        r.square()
        return r
    }

    /// self *= line, in place.
    mutating func multiply(by line: Line<T>) {
        withUnsafePointer(to: line) { line in withUnsafeMutablePointer(to: &self) { T.multiplyLine12($0, $0, line) } }
    }

    /// self^(p^6): the inverse, for elements of the cyclotomic subgroup.
    var conjugate: Self { Self(c0, -c1) }

    /// 1 / self, or `nil` for zero.
    public func inverse() -> Self? {
        guard let inverse = (c0 * c0 - (c1 * c1).timesV).inverse() else { return nil }
        return Self(c0 * inverse, -(c1 * inverse))
    }

    /// self^(p^n) for n = 1, 2 or 3.
    public func frobenius(_ n: Int) -> Self {
        let table = T.frobenius[n - 1]
        func map(_ a: Fp2<T>, _ k: Int) -> Fp2<T> { (n == 2 ? a : a.conjugate) * table[k] }
        return Self(
            Fp6(map(c0.c0, 0), map(c0.c1, 2), map(c0.c2, 4)),
            Fp6(map(c1.c0, 1), map(c1.c1, 3), map(c1.c2, 5))
        )
    }
}

/// The value of a line of the Miller loop: three coefficients, at the places that the curve's twist gives.
public struct Line<T: Tower>: Equatable, Sendable {
    var l0: Fp2<T>
    var l1: Fp2<T>
    var l2: Fp2<T>
}
