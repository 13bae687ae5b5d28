// Groups: laws, endomorphisms and their constants, subgroup checks, multi-scalar products against the plain sum.
import AssayTesting
import Testing

@testable import Algebra

@Suite struct CurveTests {
    private func laws<G: CurveGroup>(_ group: G.Type, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let context: Comment = "\(G.name), seed \(seed)"
        let generator = JacobianPoint(G.generator)
        #expect(G.generator.isOnCurve, context)
        #expect(G.isInSubgroup(G.generator), context)
        #expect(generator.multiplied(by: G.Scalar.modulus).isInfinity, context)
        #expect(!generator.isInfinity)
        for _ in 0..<4 {
            let a: G.Scalar = random.element(), b: G.Scalar = random.element()
            let p = a * G.generator, q = b * G.generator
            #expect(p == generator.multiplied(by: a.integer), context)
            #expect(p + q == (a + b) * G.generator, context)
            #expect(p + q.affine == q + p.affine, context)
            #expect((p - p).isInfinity, context)
            #expect(p + p == p.doubled(), context)
            #expect(p + p.affine == p.doubled(), context)
            #expect((p - p.affine).isInfinity, context)
            #expect(p.affine.isOnCurve && G.isInSubgroup(p.affine), context)
        }
        for k in [0, 1, 2, 3] as [G.Scalar] {
            #expect(k * G.generator == generator.multiplied(by: k.integer), context)
            #expect((-k) * G.generator == -generator.multiplied(by: k.integer), context)
        }
        if let split = G.endomorphismSplit {
            let p = (random.element(G.Scalar.self) * G.generator).affine
            #expect(G.endomorphism(p) == JacobianPoint(p).multiplied(by: split.lambda).affine, context)
            for _ in 0..<200 {
                let k: G.Scalar = random.element()
                let (k0, k1) = split.split(k.canonical)
                #expect((integer(k0) + integer(k1) * split.lambda - k.integer) % G.Scalar.modulus == 0, context)
                #expect(integer(k0).bitWidth <= split.bitCount && integer(k1).bitWidth <= split.bitCount, context)
            }
        }
    }

    private func integer(_ half: HalfScalar) -> Integer {
        let magnitude = Integer(words: [half.w0, half.w1, half.w2])
        return half.isNegative ? -magnitude : magnitude
    }

    @Test func `BN254 G1 is a group`() { laws(BN254G1.self, seed: 41) }
    @Test func `BN254 G2 is a group`() { laws(BN254G2.self, seed: 42) }
    @Test func `BLS12-381 G1 is a group`() { laws(BLS12381G1.self, seed: 43) }
    @Test func `BLS12-381 G2 is a group`() { laws(BLS12381G2.self, seed: 44) }
    @Test func `P-256 is a group`() { laws(P256.self, seed: 45) }
    @Test func `secp256k1 is a group`() { laws(Secp256k1.self, seed: 46) }

    /// Random points of the curve are outside the subgroup unless the plain multiplication says otherwise.
    private func subgroup<G: CurveGroup>(
        _ group: G.Type,
        seed: UInt64,
        abscissa: (inout SeededGenerator) -> G.Coordinate
    ) {
        var random = SeededGenerator(seed: seed)
        var outside = 0
        for _ in 0..<12 {
            guard let y = G.decompress(abscissa(&random), larger: false) else { continue }
            _ = y
        }
        var tried = 0
        while tried < 8 {
            let x = abscissa(&random)
            guard let y = G.decompress(x, larger: false) else { continue }
            tried += 1
            let point = AffinePoint<G>(x: x, y: y)
            let isMember = JacobianPoint(point).multiplied(by: G.Scalar.modulus).isInfinity
            #expect(G.isInSubgroup(point) == isMember, "\(G.name), seed \(seed)")
            if !isMember { outside += 1 }
        }
        #expect(outside > 0, "\(G.name): no point outside the subgroup was tried")
    }

    @Test func `subgroup checks agree with multiplication by the order`() {
        subgroup(BN254G2.self, seed: 51) { Fp2($0.element(), $0.element()) }
        subgroup(BLS12381G1.self, seed: 52) { $0.element() }
        subgroup(BLS12381G2.self, seed: 53) { Fp2($0.element(), $0.element()) }
    }

    @Test func `a point off the curve is refused`() {
        #expect(throws: PointError.notOnCurve) { try UncheckedPoint<BN254G1>(x: 1, y: 3).checked() }
        #expect(throws: PointError.notOnCurve) { try UncheckedPoint<BN254G1>(x: 0, y: 0).checked() }
        #expect(throws: Never.self) { try UncheckedPoint<BN254G1>(x: 1, y: 2).checked() }
    }

    private func sums<G: CurveGroup>(_ group: G.Type, seed: UInt64, sizes: [Int]) {
        var random = SeededGenerator(seed: seed)
        for size in sizes {
            var points: [AffinePoint<G>] = []
            var scalars: [G.Scalar] = []
            var running = random.element(G.Scalar.self) * G.generator
            for index in 0..<size {
                // Repeated, opposite and infinite points meet in one bucket when their scalars are equal.
                switch index % 9 {
                case 3: points.append(points[index - 1])
                case 5: points.append(-points[index - 1])
                case 7: points.append(.infinity)
                default: points.append(running.affine)
                }
                running += G.generator
                switch index % 5 {
                case 0: scalars.append(random.element())
                case 1: scalars.append(index > 0 ? scalars[index - 1] : .one)
                case 2: scalars.append(.zero)
                case 3: scalars.append(-.one)
                default: scalars.append(G.Scalar(random.next() & 0xffff))
                }
            }
            var expected = JacobianPoint<G>.infinity
            for (point, scalar) in zip(points, scalars) {
                expected += JacobianPoint(point).multiplied(by: scalar.integer)
            }
            let context: Comment = "\(G.name), \(size) points, seed \(seed)"
            #expect(G.multiScalar(points, scalars, threads: 1) == expected, context)
            #expect(G.multiScalar(points, scalars, threads: 3) == expected, context)
            let short = scalars.map { G.Scalar($0.words[0] & 0x1_ffff) }
            var shortExpected = JacobianPoint<G>.infinity
            for (point, scalar) in zip(points, short) {
                shortExpected += JacobianPoint(point).multiplied(by: scalar.integer)
            }
            #expect(G.multiScalar(points, short, threads: 1) == shortExpected, context)
        }
    }

    @Test func `multi-scalar products agree with the plain sum`() {
        sums(BN254G1.self, seed: 61, sizes: [0, 1, 2, 31, 32, 33, 300])
        sums(BLS12381G1.self, seed: 62, sizes: [0, 1, 5, 40, 257])
        sums(BN254G2.self, seed: 63, sizes: [3, 65])
        sums(BLS12381G2.self, seed: 64, sizes: [3, 65])
        sums(Secp256k1.self, seed: 65, sizes: [4, 70])
    }
}
