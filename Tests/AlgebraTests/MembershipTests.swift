// Membership in G2 as the Miller loop sees it, against the subgroup checks and against multiplication by the order; and the
// compressed squarings of the final exponentiation against plain ones.
import AssayTesting
import Testing

@testable import Algebra

@Suite struct MembershipTests {
    /// A point of the twist's curve, seldom in the group.
    private func pointOfTwist<C: PairingCurve>(_ curve: C.Type, _ random: inout SeededGenerator) -> UncheckedPoint<C.G2>
    {
        while true {
            let x = Fp2<C.Fields>(random.element(), random.element())
            if let y = C.G2.decompress(x, larger: random.next() & 1 == 0) { return UncheckedPoint(x: x, y: y) }
        }
    }

    /// A multiple of a point of the curve, which may be infinity.
    private func multiple<C: PairingCurve>(_ curve: C.Type, _ point: UncheckedPoint<C.G2>, _ factor: Integer)
        -> AffinePoint<C.G2>
    {
        guard let coordinates = point.coordinates else { return .infinity }
        return JacobianPoint(AffinePoint<C.G2>(x: coordinates.x, y: coordinates.y)).multiplied(by: factor).affine
    }

    private func agree<C: PairingCurve>(_ curve: C.Type, cofactor: Integer, smallPrimes: [Int], seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let order = C.G1.Scalar.modulus
        var points: [UncheckedPoint<C.G2>] = [C.G2.generator.unchecked, (-C.G2.generator).unchecked]
        for _ in 0..<4 {
            let point = pointOfTwist(curve, &random)
            // The point itself, its part in the group, its part outside, and the sum of a member and a small torsion point.
            let inside = multiple(curve, point, cofactor), outside = multiple(curve, point, order)
            points += [point, inside.unchecked, outside.unchecked]
            for prime in smallPrimes {
                let torsion = multiple(curve, point, order * (cofactor / Integer(prime)))
                #expect(multiple(curve, torsion.unchecked, Integer(prime)).isInfinity)
                points += [torsion.unchecked, (torsion + C.G2.generator).affine.unchecked]
            }
        }
        var members = 0
        for point in points where point.coordinates != nil {
            let isMember = multiple(curve, point, order).isInfinity
            members += isMember ? 1 : 0
            #expect(((try? point.checked()) != nil) == isMember, "seed \(seed)")
            let candidate = try #require(TwistPoint<C>(point))
            let (_, outsiders) = C.millerLoop([PairingCandidate(C.G1.generator, candidate)], [])
            #expect(outsiders.isEmpty == isMember, "seed \(seed): \(point)")
        }
        #expect(members >= 6)
        #expect(members < points.count / 2)
        // Together: the places are named, and the value of members is the plain one.
        let candidates = try points.filter { $0.coordinates != nil }.map {
            PairingCandidate(C.G1.generator, try #require(TwistPoint<C>($0)))
        }
        let judged = C.pairingProduct(candidates: candidates, [])
        #expect(judged.product == nil)
        #expect(
            judged.outsiders == candidates.indices.filter { !C.G2.isInSubgroup(candidates[$0].second) }
        )
        let two = C.pairingProduct(candidates: Array(candidates.prefix(2)), [])
        #expect(two.outsiders.isEmpty)
        #expect(two.product?.isOne == true)
        #expect(TwistPoint<C>(.infinity) == nil)
        let x = try #require(points[0].coordinates?.x)
        #expect(TwistPoint<C>(UncheckedPoint(x: x, y: x)) == nil)
    }

    @Test func `BN254: the loop and the subgroup check agree on every part of the twist`() throws {
        // 10069 and 5864401 divide the cofactor 2p - r.
        let cofactor = 2 * BN254.Fp.modulus - BN254.Fr.modulus
        try agree(BN254.self, cofactor: cofactor, smallPrimes: [10069, 5_864_401], seed: 1)
    }

    @Test func `BLS12-381: the loop and the subgroup check agree on every part of the twist`() throws {
        // RFC 9380 §8.8.2 gives the curve's order by its cofactor.
        let x = -Integer(BLS12381.parameter)
        let powers = (0...8).map { x.power($0) }
        let sum = powers[8] - 4 * powers[7] + 5 * powers[6] - 4 * powers[4] + 6 * powers[3] - 4 * powers[2] - 4 * x + 13
        try agree(BLS12381.self, cofactor: sum / 9, smallPrimes: [13, 23], seed: 2)
    }

    /// As an endomorphism, what the loop's end says is a + b psi with psi^2 = t psi - p; its kernel has as many points as the
    /// norm a^2 + a b t + b^2 p. A norm that r divides and that is prime to the cofactor leaves exactly the group.
    @Test func `the loop's end decides membership: norms`() {
        func norm(_ a: Integer, _ b: Integer, _ t: Integer, _ p: Integer) -> Integer { a * a + a * b * t + b * b * p }
        let p = BN254.Fp.modulus, r = BN254.Fr.modulus
        let x = Integer(BN254.parameter)
        let t = p + 1 - r
        // 6x + 2 + psi - psi^2 + psi^3, with psi^2 and psi^3 reduced.
        let first = norm(6 * x + 2 + p - t * p, 1 - t + t * t - p, t, p)
        #expect((first % r).isZero)
        #expect(first.greatestCommonDivisor(with: 2 * p - r) == 1)
        let q = BLS12381.Fp.modulus, s = BLS12381.Fr.modulus
        let y = -Integer(BLS12381.parameter)
        let second = norm(-y, 1, y + 1, q)
        #expect((second % s).isZero)
        let powers = (0...8).map { y.power($0) }
        let sum = powers[8] - 4 * powers[7] + 5 * powers[6] - 4 * powers[4] + 6 * powers[3] - 4 * powers[2] - 4 * y + 13
        #expect(second.greatestCommonDivisor(with: sum / 9) == 1)
    }

    @Test func `compressed powers are the plain ones`() throws {
        for seed in 1...8 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            let scalar: BLS12381.Fr = random.element()
            // A member of GT, and an element of the cyclotomic subgroup outside it.
            let member = BLS12381.pairing((scalar * BLS12381G1.generator).affine, BLS12381G2.generator).value
            func coefficients() -> Fp6<BLS12381Tower> {
                Fp6(
                    Fp2(random.element(), random.element()),
                    Fp2(random.element(), random.element()),
                    Fp2(random.element(), random.element())
                )
            }
            let any = Fp12(coefficients(), coefficients())
            let half = any.conjugate * (try #require(any.inverse()))
            for f in [member, half.frobenius(2) * half] {
                #expect(BLS12381.powerOfParameter(f) == BLS12381.plainPowerOfParameter(f), "seed \(seed)")
                var compressed = f, plain = f
                for count in 1...3 {
                    BLS12381Tower.compressedSquares(&compressed, count: count)
                    for _ in 0..<count { plain.cyclotomicSquare() }
                    #expect(BLS12381Tower.restore([compressed]) == [plain], "seed \(seed)")
                }
            }
        }
        #expect(BLS12381Tower.restore([.one]) == nil)
        #expect(BLS12381.powerOfParameter(.one) == .one)
    }
}
