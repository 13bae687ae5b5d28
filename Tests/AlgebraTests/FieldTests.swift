import AssayTesting
// Every fixed-width field against GMP, on both kernels: edge values and seeded random ones.
import CFieldKernels
import Codecs
import Testing

@testable import Algebra

/// Fields and towers on the portable kernels too: the choice is process-wide, so these tests run one after the other, and
/// tests elsewhere only see results that are equal on either path.
@Suite(.serialized) struct FieldTests {
    private func onBothKernels(_ body: (String) -> Void) {
        body("chosen kernels")
        afk_force_portable(1)
        defer { afk_force_portable(0) }
        body("portable kernels")
    }

    private func agrees<F: PrimeField>(_ field: F.Type, seed: UInt64, _ kernels: String) {
        var random = SeededGenerator(seed: seed)
        let p = F.modulus
        let context: Comment = "\(field), seed \(seed), \(kernels)"
        var values: [Integer] = [0, 1, 2, p - 1, p - 2, (p - 1) >> 1, (p + 1) >> 1]
        for bit in [63, 64, 127, 128, 191, 192, 253] {
            let power: Integer = (1 as Integer) << bit
            values += [power % p, (power - 1) % p, (power + 1) % p]
        }
        for _ in 0..<24 { values.append(Integer(words: (0..<F.wordCount).map { _ in random.next() }) % p) }
        for a in values {
            let x = F(reducing: a)
            #expect(x.integer == a, context)
            #expect((-x).integer == (p - a) % p, context)
            #expect(x.squared().integer == a * a % p, context)
            #expect(x.doubled().integer == 2 * a % p, context)
            #expect(x.inverse()?.integer == (a.isZero ? nil : a.inverse(modulo: p)), context)
            #expect(x.parity == a.isOdd, context)
            #expect(x.isLargerRoot == (2 * a > p), context)
            let root = x.squareRoot()
            let isSquare = a.isZero || a.power((p - 1) >> 1, modulo: p) == 1
            #expect((root != nil) == isSquare, context)
            if let root { #expect(root.squared() == x, context) }
            for b in values {
                let y = F(reducing: b)
                #expect((x + y).integer == (a + b) % p, context)
                #expect((x - y).integer == (a - b) % p, context)
                #expect((x * y).integer == a * b % p, context)
            }
        }
    }

    @Test func `prime fields agree with GMP`() {
        onBothKernels { kernels in
            agrees(BN254.Fp.self, seed: 11, kernels)
            agrees(BN254.Fr.self, seed: 12, kernels)
            agrees(BLS12381.Fp.self, seed: 13, kernels)
            agrees(BLS12381.Fr.self, seed: 14, kernels)
            agrees(P256.Coordinate.self, seed: 15, kernels)
            agrees(P256.Scalar.self, seed: 16, kernels)
            agrees(Secp256k1.Coordinate.self, seed: 17, kernels)
            agrees(Secp256k1.Scalar.self, seed: 18, kernels)
        }
    }

    @Test func `constants of the kernels follow from the moduli`() {
        for (index, modulus) in [
            BN254.Fp.modulus, BN254.Fr.modulus, BLS12381.Fr.modulus, P256.Coordinate.modulus, P256.Scalar.modulus,
            Secp256k1.Coordinate.modulus, Secp256k1.Scalar.modulus,
        ].enumerated() {
            let id = Int32(index)
            let words = modulus.words()
            let p = afk_modulus4(id).l
            #expect([p.0, p.1, p.2, p.3] == words)
            let one = afk_one4(id).l
            #expect(Integer(words: [one.0, one.1, one.2, one.3]) == ((1 as Integer) << 256) % modulus)
            #expect(modulus.isProbablePrime())
        }
        #expect(BLS12381.Fp.modulus.isProbablePrime())
        let one = afk_one6(0).l
        #expect(
            Integer(words: [one.0, one.1, one.2, one.3, one.4, one.5])
                == ((1 as Integer) << 384) % BLS12381.Fp.modulus
        )
    }

    /// The curves' numbers are polynomials in their parameter.
    @Test func `moduli follow from the curve parameters`() {
        let x = Integer(BN254.parameter)
        #expect(BN254.Fp.modulus == 36 * x.power(4) + 36 * x.power(3) + 24 * x.power(2) + 6 * x + 1)
        #expect(BN254.Fr.modulus == 36 * x.power(4) + 36 * x.power(3) + 18 * x.power(2) + 6 * x + 1)
        let z = -Integer(BLS12381.parameter)
        #expect(BLS12381.Fr.modulus == z.power(4) - z.power(2) + 1)
        #expect(BLS12381.Fp.modulus == (z - 1).power(2) * BLS12381.Fr.modulus / 3 + z)
    }

    private func towerAgrees<T: Tower>(_ tower: T.Type, seed: UInt64, _ kernels: String) {
        var random = SeededGenerator(seed: seed)
        let context: Comment = "\(tower), seed \(seed), \(kernels)"
        func edge() -> T.Base {
            switch random.next() % 4 {
            case 0: .zero
            case 1: -.one
            default: random.element()
            }
        }
        func e2() -> Fp2<T> { Fp2(edge(), edge()) }
        func e6() -> Fp6<T> { Fp6(e2(), e2(), e2()) }
        func slow(_ a: Fp2<T>, _ b: Fp2<T>) -> Fp2<T> {
            let p = T.Base.modulus
            let (a0, a1, b0, b1) = (a.c0.integer, a.c1.integer, b.c0.integer, b.c1.integer)
            return Fp2(T.Base(reducing: (a0 * b0 - a1 * b1) % p), T.Base(reducing: (a0 * b1 + a1 * b0) % p))
        }
        func slow(_ a: Fp6<T>, _ b: Fp6<T>) -> Fp6<T> {
            let xi = T.nonResidue
            return Fp6(
                slow(a.c0, b.c0) + slow(xi, slow(a.c1, b.c2) + slow(a.c2, b.c1)),
                slow(a.c0, b.c1) + slow(a.c1, b.c0) + slow(xi, slow(a.c2, b.c2)),
                slow(a.c0, b.c2) + slow(a.c1, b.c1) + slow(a.c2, b.c0)
            )
        }
        func timesV(_ a: Fp6<T>) -> Fp6<T> { Fp6(slow(T.nonResidue, a.c2), a.c0, a.c1) }
        func slow(_ a: Fp12<T>, _ b: Fp12<T>) -> Fp12<T> {
            Fp12(slow(a.c0, b.c0) + timesV(slow(a.c1, b.c1)), slow(a.c0, b.c1) + slow(a.c1, b.c0))
        }
        for _ in 0..<40 {
            let (a, b) = (e2(), e2())
            #expect(a * b == slow(a, b), context)
            #expect(a.squared() == slow(a, a), context)
            #expect(T.timesNonResidue(a) == slow(a, T.nonResidue), context)
            if let inverse = a.inverse() { #expect(slow(a, inverse) == .one, context) } else { #expect(a.isZero) }
            if let root = slow(a, a).squareRoot() {
                #expect(root == a || root == -a, context)
            } else {
                Issue.record("a square without a root: \(context)")
            }
            let (c, d) = (e6(), e6())
            #expect(c * d == slow(c, d), context)
            let (f, g) = (Fp12(c, d), Fp12(e6(), e6()))
            #expect(f * g == slow(f, g), context)
            #expect(f.squared() == slow(f, f), context)
            if let inverse = f.inverse() { #expect(slow(f, inverse) == .one, context) }
            let line = Line<T>(l0: e2(), l1: e2(), l2: e2())
            var product = f
            product.multiply(by: line)
            let sparse =
                tower == BN254Tower.self
                ? Fp12(Fp6(line.l0, .zero, .zero), Fp6(line.l1, line.l2, .zero))
                : Fp12(Fp6(line.l0, line.l1, .zero), Fp6(.zero, line.l2, .zero))
            #expect(product == slow(f, sparse), context)
            // The cyclotomic subgroup: the image of x -> x^((p^6 - 1)(p^2 + 1)).
            if let inverse = f.inverse() {
                var element = f.conjugate * inverse
                element = element.frobenius(2) * element
                var square = element
                square.cyclotomicSquare()
                #expect(square == slow(element, element), context)
            }
        }
        // Frobenius against the plain power.
        let f = Fp12<T>(e6(), e6())
        var power = Fp12<T>.one
        for index in stride(from: T.Base.modulus.bitWidth - 1, through: 0, by: -1) {
            power.square()
            if T.Base.modulus.bit(index) { power.multiply(by: f) }
        }
        #expect(f.frobenius(1) == power, context)
        #expect(f.frobenius(2) == power.frobenius(1), context)
        #expect(f.frobenius(3) == power.frobenius(1).frobenius(1), context)
    }

    @Test func `towers agree with schoolbook arithmetic`() {
        onBothKernels { kernels in
            towerAgrees(BN254Tower.self, seed: 21, kernels)
            towerAgrees(BLS12381Tower.self, seed: 22, kernels)
        }
    }

    @Test(arguments: [
        "", "-1", " 1", "1 ", "01", "+1", "0x1", "1.0", "１",
        "21888242871839275222246405745257275088548364400416034343698204186575808495617",
        "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
    ])
    func `decimal text that is not canonical is refused`(_ text: String) {
        #expect(throws: ParseError.self) { try BN254.Fr(decimal: text, field: "x") }
    }

    @Test func `decimal text round trips`() throws {
        var random = SeededGenerator(seed: 31)
        for _ in 0..<50 {
            let a: BN254.Fr = random.element(), b: BLS12381.Fp = random.element()
            #expect(try BN254.Fr(decimal: a.decimal, field: "a") == a)
            #expect(try BLS12381.Fp(decimal: b.decimal, field: "b") == b)
        }
        #expect(try BN254.Fr(decimal: "0", field: "zero").isZero)
        #expect(try BN254.Fr(decimal: (BN254.Fr.modulus - 1).description, field: "largest") == -.one)
    }
}
