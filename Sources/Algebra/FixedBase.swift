// Products with points that are known long before their scalars, and with short random weights.
internal import CFieldKernels

/// Multiples of fixed points, for sums of scalar multiples of them without doublings.
public struct FixedBaseTable<G: CurveGroup>: Sendable {
    /// Signed digits of five bits: 1 ... 16 times 2^(5 w) for each of the 52 windows of a 256-bit scalar.
    private static var width: Int { 5 }
    private static var windows: Int { 52 }
    private let entries: [AffinePoint<G>]
    private let count: Int

    /// Computes the multiples: 832 points for each base.
    public init(_ bases: [AffinePoint<G>]) {
        count = bases.count
        var multiples: [JacobianPoint<G>] = []
        multiples.reserveCapacity(bases.count * Self.windows << (Self.width - 1))
        for base in bases {
            var power = JacobianPoint(base)
            for _ in 0..<Self.windows {
                var multiple = power
                for _ in 0..<1 << (Self.width - 1) {
                    multiples.append(multiple)
                    multiple += power
                }
                for _ in 0..<Self.width { power = power.doubled() }
            }
        }
        entries = G.normalize(multiples)
    }

    /// The sum of scalar_i * base_i.
    public func sum(_ scalars: [Field4<G.ScalarParameters>]) -> JacobianPoint<G> {
        precondition(scalars.count == count, "one scalar belongs to each base")
        return G.sum(table: entries, scalars: scalars, width: Self.width, windows: Self.windows)
    }
}

extension CurveGroup {
    public static func sum(
        table: [AffinePoint<Self>],
        scalars: [Field4<ScalarParameters>],
        width: Int,
        windows: Int
    ) -> JacobianPoint<Self> {
        var result = JacobianPoint<Self>.infinity
        let half = 1 << (width - 1)
        for (number, scalar) in scalars.enumerated() {
            let words = scalar.words + [0]
            var carry = 0
            for window in 0..<windows {
                let offset = window * width
                let shift = UInt64(offset & 63)
                var bits = words[offset >> 6] >> shift
                if shift > 0 && offset >> 6 + 1 < words.count { bits |= words[offset >> 6 + 1] << (64 - shift) }
                var digit = Int(bits & (1 << UInt64(width) - 1)) + carry
                carry = 0
                if digit > half {
                    digit -= 2 * half
                    carry = 1
                }
                guard digit != 0 else { continue }
                let entry = table[(number * windows + window) * half + abs(digit) - 1]
                result += digit < 0 ? -entry : entry
            }
        }
        return result
    }

    public static func weighted(_ points: [AffinePoint<Self>], by weights: [RandomWeight]) -> [AffinePoint<Self>] {
        let width = 4
        let entries = 1 << (width - 2)
        var multiples: [JacobianPoint<Self>] = []
        for point in points {
            var multiple = JacobianPoint(point)
            let double = multiple.doubled()
            multiples.append(multiple)
            for _ in 1..<entries {
                multiple += double
                multiples.append(multiple)
            }
        }
        let table = JacobianPoint.normalizeAll(multiples)
        let products = points.indices.map { index in
            let own = Array(table[index * entries..<(index + 1) * entries])
            let image = own.map(endomorphism)
            let low = signedWindows([weights[index].low], isNegative: false, width: width)
            let high = signedWindows([weights[index].high], isNegative: false, width: width)
            var result = JacobianPoint<Self>.infinity
            for position in stride(from: max(low.count, high.count) - 1, through: 0, by: -1) {
                result = result.doubled()
                for (digits, table) in [(low, own), (high, image)] where position < digits.count {
                    let digit = digits[position]
                    guard digit != 0 else { continue }
                    let entry = table[Int(digit.magnitude) >> 1]
                    result += digit < 0 ? -entry : entry
                }
            }
            return result
        }
        return JacobianPoint.normalizeAll(products)
    }
}

/// A random weight low + high lambda, with lambda the multiplier of the group's endomorphism. Different pairs are different
/// scalars, because the endomorphism's lattice has no vector that short; so a weight has 128 bits of entropy, yet costs
/// 64 doublings only.
public struct RandomWeight: Sendable, Equatable {
    public var low: UInt64
    public var high: UInt64

    /// The weight with the given halves.
    public init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// The weight as a scalar of a group.
    public func scalar<G: CurveGroup>(of group: G.Type) -> Field4<G.ScalarParameters> {
        let lambda = G.endomorphismSplit?.lambda ?? ((1 as Integer) << 64)
        return Field4(low) + Field4(high) * Field4(reducing: lambda)
    }
}
