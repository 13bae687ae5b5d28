// The curve of Ed25519 as a textbook has it: affine points, one inversion or two for every sum, numbers of any size. The slow
// twin of `CEdwards25519`, and the maker of points and signatures that no honest signer makes.
import Algebra
import Codecs

/// A point of −x² + y² = 1 + d x² y² over 2^255 − 19 (RFC 8032 §5.1).
struct SlowPoint: Equatable {
    static let p = (Integer(1) << 255) - 19
    /// The order of the base point.
    static let order = (Integer(1) << 252) + (Integer("27742317777372353535851937790883648493") ?? 0)
    /// −121665/121666.
    static let d = (p - 121665) * (Integer(121666).inverse(modulo: p) ?? 0) % p

    var x: Integer
    var y: Integer

    static let zero = SlowPoint(x: 0, y: 1)
    /// y = 4/5, x even.
    static let base = SlowPoint(y: Integer(4) * (Integer(5).inverse(modulo: p) ?? 0) % p, isOdd: false) ?? zero

    init(x: Integer, y: Integer) {
        (self.x, self.y) = (x, y)
    }

    /// The point with this y and, unless x is 0, an x of this parity.
    init?(y: Integer, isOdd: Bool) {
        let p = Self.p
        let square = y * y % p
        guard let inverse = (Self.d * square + 1).inverse(modulo: p) else { return nil }
        let wanted = (square - 1) * inverse % p
        // p = 5 mod 8: a root is a candidate or a candidate times a root of −1.
        let candidate = wanted.power((p + 3) / 8, modulo: p)
        let other = candidate * Integer(2).power((p - 1) / 4, modulo: p) % p
        guard let root = [candidate, other].first(where: { $0 * $0 % p == wanted }) else { return nil }
        self.init(x: root.isOdd == isOdd || root.isZero ? root : p - root, y: y)
    }

    /// Reads 32 bytes with OpenSSL's leniency: y may be p or more, and x = 0 may have either sign.
    init?(lenient bytes: [UInt8]) {
        var number = Array(bytes.reversed())
        number[0] &= 0x7f
        self.init(y: Integer(bigEndian: number) % Self.p, isOdd: bytes[31] >> 7 == 1)
    }

    static func + (a: SlowPoint, b: SlowPoint) -> SlowPoint {
        let product = d * a.x % p * b.x % p * a.y % p * b.y % p
        let x = (a.x * b.y + a.y * b.x) * ((product + 1).inverse(modulo: p) ?? 0) % p
        let y = (a.y * b.y + a.x * b.x) * ((p + 1 - product).inverse(modulo: p) ?? 0) % p
        return SlowPoint(x: x, y: y)
    }

    static prefix func - (a: SlowPoint) -> SlowPoint {
        SlowPoint(x: (p - a.x) % p, y: a.y)
    }

    static func * (scalar: Integer, point: SlowPoint) -> SlowPoint {
        var sum = zero
        for index in stride(from: scalar.bitWidth - 1, through: 0, by: -1) {
            sum = sum + sum
            if scalar.bit(index) { sum = sum + point }
        }
        return sum
    }

    /// RFC 8032 §5.1.2.
    var encoded: [UInt8] {
        var bytes = Array(y.bigEndianBytes(count: 32).reversed())
        bytes[31] |= x.isOdd ? 0x80 : 0
        return bytes
    }

    /// The eight points whose order divides 8: the multiples of a point of order 8.
    static let torsion: [SlowPoint] = {
        var y = Integer(2)
        while true {
            if let point = SlowPoint(y: y, isOdd: false) {
                let candidate = order * point
                if Integer(4) * candidate != zero { return (0..<8).map { Integer(UInt64($0)) * candidate } }
            }
            y = y + 1
        }
    }()
}

extension Integer {
    /// 32 little-endian bytes.
    var scalarBytes: [UInt8] { Array(bigEndianBytes(count: 32).reversed()) }

    /// The number that little-endian bytes write.
    init(littleEndian bytes: [UInt8]) {
        self.init(bigEndian: Array(bytes.reversed()))
    }
}
