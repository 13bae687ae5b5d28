// Scalars cut in two halves along an endomorphism (Gallant, Lambert, Vanstone, CRYPTO 2001), signed windows, and the
// multiplication of one point by one scalar. Times depend on the scalar: this is for verification, not for secrets.
internal import CFieldKernels

/// A signed integer of at most 192 bits: half of a scalar.
struct HalfScalar: Sendable {
    var w0: UInt64
    var w1: UInt64
    var w2: UInt64
    var isNegative: Bool

    /// Interprets the words as two's complement.
    init(twosComplement w: (UInt64, UInt64, UInt64)) {
        isNegative = w.2 >> 63 == 1
        guard isNegative else {
            (w0, w1, w2) = w
            return
        }
        (w0, w1, w2) = subtract3((0, 0, 0), w)
    }

    /// `width` bits of the magnitude, starting at `offset`.
    @inline(__always)
    func bits(at offset: Int, width: Int) -> UInt64 {
        let low = word(offset >> 6)
        let shift = UInt64(offset & 63)
        let value = shift == 0 ? low : low >> shift | word((offset >> 6) + 1) << (64 - shift)
        return value & (1 << UInt64(width) - 1)
    }

    @inline(__always)
    private func word(_ index: Int) -> UInt64 {
        switch index {
        case 0: w0
        case 1: w1
        case 2: w2
        default: 0
        }
    }
}

/// How to write a scalar k as k0 + k1 lambda with both halves about as long as the square root of the group's order.
///
/// The lattice of pairs (a, b) with a + b lambda = 0 mod r has two short vectors, found by the extended Euclidean
/// algorithm; k's pair is rounded to the nearest lattice point (Babai) with reciprocals scaled by 2^256.
public struct ScalarSplit: Sendable {
    /// The multiplier that the endomorphism acts as.
    public let lambda: Integer
    /// The greatest number of bits of either half.
    let bitCount: Int
    private struct Signed: Sendable {
        var words: afk_limbs4
        var isNegative: Bool

        init(_ value: Integer) {
            let w = value.words(count: 4)
            words = afk_limbs4(l: (w[0], w[1], w[2], w[3]))
            isNegative = value.sign < 0
        }
    }
    private let a1: Signed, b1: Signed, a2: Signed, b2: Signed
    private let reciprocal1: Signed, reciprocal2: Signed

    /// Finds the short vectors for `lambda` modulo `order`.
    init(order: Integer, lambda: Integer) {
        self.lambda = lambda
        var (r0, r1): (Integer, Integer) = (order, lambda)
        var (t0, t1): (Integer, Integer) = (0, 1)
        while (r1 * r1) > order {
            let q = r0 / r1
            (r0, r1) = (r1, r0 - q * r1)
            (t0, t1) = (t1, t0 - q * t1)
        }
        // (r1, -t1) is short; the other is the shorter of its neighbours in the sequence.
        let q = r0 / r1
        let (r2, t2) = (r0 - q * r1, t0 - q * t1)
        let (x1, y1) = (r1, -t1)
        let (x2, y2) = r0 * r0 + t0 * t0 <= r2 * r2 + t2 * t2 ? (r0, -t0) : (r2, -t2)
        let determinant = x1 * y2 - x2 * y1
        // c1 = k y2 / det and c2 = -k y1 / det; the determinant is the order up to its sign.
        let scale: Integer = (1 as Integer) << 256
        reciprocal1 = Signed((y2 * scale * Integer(determinant.sign)) / order)
        reciprocal2 = Signed((-y1 * scale * Integer(determinant.sign)) / order)
        (a1, b1, a2, b2) = (Signed(x1), Signed(y1), Signed(x2), Signed(y2))
        bitCount = [x1, y1, x2, y2].map(\.bitWidth).max().map { $0 + 1 } ?? 0
    }

    /// The halves of a canonical scalar.
    func split(_ k: afk_limbs4) -> (HalfScalar, HalfScalar) {
        let c1 = Self.scaledProduct(k, reciprocal1)
        let c2 = Self.scaledProduct(k, reciprocal2)
        let k0 = subtract3(subtract3((k.l.0, k.l.1, k.l.2), Self.product(c1, a1)), Self.product(c2, a2))
        let k1 = subtract3(subtract3((0, 0, 0), Self.product(c1, b1)), Self.product(c2, b2))
        return (HalfScalar(twosComplement: k0), HalfScalar(twosComplement: k1))
    }

    /// floor(k * factor / 2^256), with the sign of the factor.
    private static func scaledProduct(_ k: afk_limbs4, _ factor: Signed) -> Signed {
        var result = factor
        result.words = afk_high_product4(k, factor.words)
        return result
    }

    /// The product modulo 2^192 in two's complement, of factors below 2^192.
    private static func product(_ a: Signed, _ b: Signed) -> (UInt64, UInt64, UInt64) {
        let (x, y) = (a.words.l, b.words.l)
        let p00 = x.0.multipliedFullWidth(by: y.0)
        let p01 = x.0.multipliedFullWidth(by: y.1)
        let p10 = x.1.multipliedFullWidth(by: y.0)
        var w1 = p00.high
        var w2 = p01.high &+ p10.high &+ x.0 &* y.2 &+ x.1 &* y.1 &+ x.2 &* y.0
        let (s1, o1) = w1.addingReportingOverflow(p01.low)
        let (s2, o2) = s1.addingReportingOverflow(p10.low)
        w1 = s2
        w2 = w2 &+ (o1 ? 1 : 0) &+ (o2 ? 1 : 0)
        let result = (p00.low, w1, w2)
        return a.isNegative != b.isNegative ? subtract3((0, 0, 0), result) : result
    }
}

extension Integer {
    init(_ value: Int) { self = Integer(integerLiteral: value) }
}

private func subtract3(_ a: (UInt64, UInt64, UInt64), _ b: (UInt64, UInt64, UInt64)) -> (UInt64, UInt64, UInt64) {
    let (d0, borrow0) = a.0.subtractingReportingOverflow(b.0)
    let (d1, borrow1) = a.1.subtractingReportingOverflow(b.1)
    let (e1, borrow2) = d1.subtractingReportingOverflow(borrow0 ? 1 : 0)
    return (d0, e1, a.2 &- b.2 &- (borrow1 || borrow2 ? 1 : 0))
}

/// Signed odd digits of width `width` (wNAF), lowest first; digits are zero or odd and below 2^(width - 1) in magnitude.
func signedWindows(_ words: [UInt64], isNegative: Bool, width: Int) -> [Int8] {
    var rest = words + [0]
    var digits: [Int8] = []
    digits.reserveCapacity(64 * words.count + 1)
    let full = 1 << width
    func shiftRight() {
        for i in 0..<rest.count - 1 { rest[i] = rest[i] >> 1 | rest[i + 1] << 63 }
        rest[rest.count - 1] >>= 1
    }
    while rest.contains(where: { $0 != 0 }) {
        var digit = 0
        if rest[0] & 1 == 1 {
            digit = Int(rest[0] & UInt64(full - 1))
            if digit >= full / 2 { digit -= full }
            if digit >= 0 {
                rest[0] -= UInt64(digit)
            } else {
                var carry = UInt64(-digit)
                for i in rest.indices {
                    let (sum, overflow) = rest[i].addingReportingOverflow(carry)
                    rest[i] = sum
                    carry = overflow ? 1 : 0
                }
            }
        }
        digits.append(Int8(isNegative ? -digit : digit))
        shiftRight()
    }
    return digits
}

extension CurveGroup {
    public static func multiply(_ point: AffinePoint<Self>, by scalar: Field4<ScalarParameters>) -> JacobianPoint<Self>
    {
        windowedProduct(point, scalar)
    }

    /// Interleaved signed windows over both halves of the scalar, with affine tables of odd multiples.
    static func windowedProduct(
        _ point: AffinePoint<Self>,
        _ scalar: Field4<ScalarParameters>
    ) -> JacobianPoint<Self> {
        guard !point.isInfinity, !scalar.isZero else { return .infinity }
        let width = 5
        var multiples = [JacobianPoint(point)]
        let double = multiples[0].doubled()
        for i in 1..<(1 << (width - 2)) { multiples.append(multiples[i - 1] + double) }
        let table = JacobianPoint.normalizeAll(multiples)
        guard let split = endomorphismSplit else {
            let digits = signedWindows(scalar.words, isNegative: false, width: width)
            return interleave([(digits, table)])
        }
        let (k0, k1) = split.split(scalar.canonical)
        let digits0 = signedWindows([k0.w0, k0.w1, k0.w2], isNegative: k0.isNegative, width: width)
        let digits1 = signedWindows([k1.w0, k1.w1, k1.w2], isNegative: k1.isNegative, width: width)
        return interleave([(digits0, table), (digits1, table.map(endomorphism))])
    }

    private static func interleave(_ tracks: [(digits: [Int8], table: [AffinePoint<Self>])]) -> JacobianPoint<Self> {
        var result = JacobianPoint<Self>.infinity
        let length = tracks.map(\.digits.count).max() ?? 0
        for index in stride(from: length - 1, through: 0, by: -1) {
            result = result.doubled()
            for track in tracks where index < track.digits.count && track.digits[index] != 0 {
                let digit = track.digits[index]
                let entry = track.table[Int(digit.magnitude) >> 1]
                result += digit < 0 ? -entry : entry
            }
        }
        return result
    }
}
