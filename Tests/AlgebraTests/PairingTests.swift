// The pairings: order, bilinearity, prepared lines, shared loops, infinity.
import AssayTesting
import Testing

@testable import Algebra

private func bilinear<C: PairingCurve>(_ curve: C.Type, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let g1 = C.G1.generator, g2 = C.G2.generator
    let base = C.pairing(g1, g2)
    #expect(!base.isOne)
    #expect(base.power(C.G1.Scalar.modulus).isOne)
    let a: C.G1.Scalar = random.element(), b: C.G1.Scalar = random.element()
    let p = (a * g1).affine, q = (b * g2).affine
    #expect(C.pairing(p, q) == base.power(a * b), "seed \(seed)")
    #expect(C.pairing(p, g2) == C.pairing(g1, (a * g2).affine), "seed \(seed)")
    let prepared = PreparedG2<C>(q)
    #expect(C.pairingProduct([PairingTerm(p, prepared)]) == base.power(a * b), "seed \(seed)")
    #expect(C.isProductOne([PairingTerm(p, prepared), PairingTerm(-p, q)]), "seed \(seed)")
    #expect(!C.isProductOne([PairingTerm(p, prepared), PairingTerm(p, q)]), "seed \(seed)")
    #expect(C.pairing(.infinity, q).isOne)
    #expect(C.pairing(p, .infinity).isOne)
    #expect(C.isProductOne([PairingTerm(p, PreparedG2<C>(.infinity))]))
}

@Test func `BN254 pairing is bilinear and not degenerate`() { bilinear(BN254.self, seed: 1) }
@Test func `BLS12-381 pairing is bilinear and not degenerate`() { bilinear(BLS12381.self, seed: 2) }
