// Transforms against evaluation, cosets, folding evaluation, polynomials, Poseidon.
import AssayTesting
import Codecs
import Testing

@testable import Algebra

@Suite struct TransformTests {
    private func agrees<P: TransformParameters>(_ parameters: P.Type, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for log in [0, 1, 2, 3, 4, 5, 7] {
            guard let domain = EvaluationDomain<P>(log: log) else {
                Issue.record("no domain of 2^\(log)")
                continue
            }
            let coefficients = (0..<domain.size).map { _ in random.element(Field4<P>.self) }
            let polynomial = Polynomial(coefficients)
            var points = [Field4<P>.one]
            for _ in 1..<max(domain.size, 2) { points.append(points[points.count - 1] * domain.root) }
            let context: Comment = "2^\(log), seed \(seed)"
            var values = coefficients
            domain.transform(&values)
            #expect(values == points.prefix(domain.size).map(polynomial.evaluated), context)
            var folded = values
            EvaluationDomain<P>.reverseBits(&folded)
            let z: Field4<P> = random.element()
            for point in [z, .zero, .one, domain.root] {
                #expect(
                    P.evaluateReversed(folded, at: point, domain.reversedInverses) == polynomial.evaluated(at: point),
                    context
                )
            }
            domain.inverseTransform(&values)
            #expect(values == coefficients, context)
            let shift = Field4<P>(P.groupGenerator)
            domain.cosetTransform(&values, shift: shift)
            #expect(values == points.prefix(domain.size).map { polynomial.evaluated(at: $0 * shift) }, context)
            domain.inverseCosetTransform(&values, shift: shift)
            #expect(values == coefficients, context)
        }
        #expect(EvaluationDomain<P>(log: -1) == nil)
        #expect(EvaluationDomain<P>(log: 31) == nil)
        // The generator generates: its power to half the group's order is not one.
        #expect(Field4<P>(P.groupGenerator).power(((P.modulus - 1) >> 1).words()) == -.one)
        #expect(((P.modulus - 1) >> P.twoAdicity).isOdd)
    }

    @Test func `transforms agree with evaluation`() {
        agrees(BN254FrParameters.self, seed: 71)
        agrees(BLS12381FrParameters.self, seed: 72)
    }

    @Test func `polynomials interpolate and divide`() {
        var random = SeededGenerator(seed: 73)
        let points = (0..<7).map { (x: BN254.Fr(UInt64($0 + 1)), y: random.element(BN254.Fr.self)) }
        let polynomial = Polynomial.interpolating(points)
        for point in points { #expect(polynomial?.evaluated(at: point.x) == point.y) }
        #expect(polynomial?.degree == 6)
        #expect(Polynomial.interpolating([(1, 2), (1, 3)] as [(x: BN254.Fr, y: BN254.Fr)]) == nil)
        guard let polynomial else { return }
        let (quotient, remainder) = polynomial.divided(byLinearRoot: 5)
        #expect(remainder == polynomial.evaluated(at: 5))
        #expect(quotient * Polynomial([-(5 as BN254.Fr), .one]) + Polynomial([remainder]) == polynomial)
    }
}

@Suite(.enabled(if: SharedVectors.has("vectors/proofs", for: "PoseidonTests")))
struct PoseidonTests {
    @Test func `generated parameters are circomlib's`() throws {
        let file = try SharedVectors.json("vectors/proofs/poseidon/circomlib-constants.json")
        for inputs in 1...16 {
            let poseidon = try #require(Poseidon(inputs: inputs))
            let constants = file["C"][inputs - 1].items.map(\.hex)
            #expect(
                poseidon.roundConstants.map(\.bigEndianBytes)
                    == constants.map { Integer(bigEndian: $0).bigEndianBytes(count: 32) }
            )
            let matrix = file["M"][inputs - 1].items.map { $0.items.map { Integer(bigEndian: $0.hex) } }
            #expect(poseidon.matrix.map { $0.map(\.integer) } == matrix)
        }
    }

    /// Outputs of circomlibjs for the inputs 1, 2, ..., as its own tests state them.
    @Test func `hashes are circomlib's`() throws {
        let two = try #require(Poseidon(inputs: 2)).hash([1, 2])
        #expect(two.integer.text(radix: 16) == "115cc0f5e7d690413df64c6b9662e9cf2a3617f2743245519e19607a4417189a")
        let four = try #require(Poseidon(inputs: 4)).hash([1, 2, 3, 4])
        #expect(four.integer.text(radix: 16) == "299c867db6c1fdd79dcefa40e4510b9837e60ebb1ce0663dbaa525df65250465")
    }

    @Test func `Poseidon2 over KoalaBear agrees with gnark-crypto`() throws {
        for test in try SharedVectors.json("vectors/proofs/poseidon/gnark-poseidon2-koalabear.json").items {
            let blocks = test["in"].items.map { $0.items.compactMap { UInt64($0.text) } }
            #expect(Poseidon2KoalaBear.hash(blocks) == test["out"].items.compactMap { UInt64($0.text) })
        }
        #expect(Poseidon2KoalaBear.hash([[Poseidon2KoalaBear.modulus, 0, 0, 0, 0, 0, 0, 0]]) == nil)
        #expect(Poseidon2KoalaBear.hash([[1]]) == nil)
    }

    @Test func `MiMC agrees with gnark-crypto`() throws {
        let tests = try SharedVectors.json("vectors/proofs/poseidon/gnark-mimc-bn254.json").items
        #expect(tests.count == 10)
        for test in tests {
            // The file drops leading zeros, so digits are not always pairs.
            func element(_ value: JSONValue) throws -> MiMC.Element {
                MiMC.Element(reducing: try #require(Integer(value.text.dropFirst(2), radix: 16)))
            }
            #expect(try MiMC.hash(test["in"].items.map(element)) == element(test["out"]))
        }
        #expect(MiMC.hash([]) == .zero)
    }
}
