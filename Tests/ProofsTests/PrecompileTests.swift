// The groups and pairings against the precompile vectors of EIP-196, EIP-197 and EIP-2537, through the public encodings.
import AssayTesting
import Codecs
import Testing

@testable import Algebra

@Suite(.enabled(if: SharedVectors.has("vectors/proofs", for: "PrecompileTests")))
struct PrecompileTests {
    private struct Refused: Error {}

    private func cases(_ file: String) throws -> [(name: String, input: [UInt8], expected: [UInt8])] {
        let items = try SharedVectors.json("vectors/proofs/evm/\(file).json").items
        #expect(!items.isEmpty)
        return items.map { ($0["Name"].text, $0["Input"].hex, $0["Expected"].hex) }
    }

    /// A point on the curve, inside the subgroup or not: additions do not ask for it.
    private func add<G: CurveGroup>(_ group: G.Type, _ input: [UInt8]) throws -> [UInt8]
    where G.Coordinate: EVMCoordinate {
        let size = UncheckedPoint<G>.evmByteCount
        guard input.count == 2 * size else { throw Refused() }
        let p = try onCurve(UncheckedPoint<G>(evm: input[..<size], field: "p"))
        let q = try onCurve(UncheckedPoint<G>(evm: input[size...], field: "q"))
        return (p + q).affine.evmBytes
    }

    /// What only additions may be given: on the curve, in the subgroup or not.
    private func onCurve<G: CurveGroup>(_ point: UncheckedPoint<G>) throws -> AffinePoint<G> {
        guard let coordinates = point.coordinates else { return .infinity }
        let candidate = AffinePoint<G>(x: coordinates.x, y: coordinates.y)
        guard candidate.isOnCurve else { throw Refused() }
        return candidate
    }

    private func multiply<G: CurveGroup>(_ group: G.Type, _ input: [UInt8]) throws -> [UInt8]
    where G.Coordinate: EVMCoordinate {
        let size = UncheckedPoint<G>.evmByteCount
        guard !input.isEmpty, input.count.isMultiple(of: size + 32) else { throw Refused() }
        var points: [AffinePoint<G>] = []
        var scalars: [Field4<G.ScalarParameters>] = []
        for start in stride(from: 0, to: input.count, by: size + 32) {
            points.append(try UncheckedPoint<G>(evm: input[start..<start + size], field: "p").checked())
            // The precompiles take any 256-bit number.
            scalars.append(Field4(reducing: Integer(bigEndian: input[start + size..<start + size + 32])))
        }
        return G.multiScalar(points, scalars, threads: 1).affine.evmBytes
    }

    private func pairing<C: PairingCurve>(_ curve: C.Type, _ input: [UInt8], allowsEmpty: Bool) throws -> [UInt8]
    where C.G1.Coordinate: EVMCoordinate, C.Fields.Base: EVMCoordinate {
        let first = UncheckedPoint<C.G1>.evmByteCount, second = UncheckedPoint<C.G2>.evmByteCount
        guard allowsEmpty || !input.isEmpty, input.count.isMultiple(of: first + second) else { throw Refused() }
        var terms: [PairingTerm<C>] = []
        for start in stride(from: 0, to: input.count, by: first + second) {
            let p = try UncheckedPoint<C.G1>(evm: input[start..<start + first], field: "p").checked()
            let q = try UncheckedPoint<C.G2>(evm: input[start + first..<start + first + second], field: "q").checked()
            terms.append(PairingTerm(p, q))
        }
        return [UInt8](repeating: 0, count: 31) + [C.isProductOne(terms) ? 1 : 0]
    }

    private func mapG1(_ input: [UInt8]) throws -> [UInt8] {
        guard input.count == 64 else { throw Refused() }
        let u = try BLS12381.Fp(evm: input[...], field: "u")
        return BLS12381G1.clearCofactor(JacobianPoint(BLS12381G1.map(u))).affine.evmBytes
    }

    @Test func `EIP-196 additions`() throws {
        for test in try cases("bn256Add") {
            // The precompile reads as many bytes as it needs from an input that it extends with zeros.
            let input = Array((test.input + [UInt8](repeating: 0, count: 128)).prefix(128))
            #expect(try add(BN254G1.self, input) == test.expected, "\(test.name)")
        }
    }

    @Test func `EIP-197 pairings`() throws {
        for test in try cases("bn256Pairing") {
            #expect(try pairing(BN254.self, test.input, allowsEmpty: true) == test.expected, "\(test.name)")
        }
    }

    @Test func `EIP-2537 products`() throws {
        for file in ["blsG1Mul", "blsG1MultiExp-small"] {
            for test in try cases(file) {
                #expect(try multiply(BLS12381G1.self, test.input) == test.expected, "\(test.name)")
            }
        }
        for test in try cases("blsG2Mul") {
            #expect(try multiply(BLS12381G2.self, test.input) == test.expected, "\(test.name)")
        }
    }

    @Test func `EIP-2537 additions`() throws {
        for test in try cases("blsG1Add") {
            #expect(try add(BLS12381G1.self, test.input) == test.expected, "\(test.name)")
        }
    }

    /// EIP-198: three lengths, base, exponent, modulus; what the input lacks is zeros.
    private func modexp(_ input: [UInt8]) -> [UInt8] {
        func take(_ start: Int, _ count: Int) -> [UInt8] {
            let part = Array(input.dropFirst(start).prefix(count))
            return part + [UInt8](repeating: 0, count: count - part.count)
        }
        let lengths = (0..<3).map { take(32 * $0, 32).reduce(0) { $0 << 8 | Int($1) } }
        let base = Integer(bigEndian: take(96, lengths[0]))
        let exponent = Integer(bigEndian: take(96 + lengths[0], lengths[1]))
        let modulus = Integer(bigEndian: take(96 + lengths[0] + lengths[1], lengths[2]))
        guard !modulus.isZero else { return [UInt8](repeating: 0, count: lengths[2]) }
        return base.power(exponent, modulo: modulus).bigEndianBytes(count: lengths[2])
    }

    @Test(arguments: ["modexp", "modexp_eip2565"])
    func `EIP-198 powers`(_ file: String) throws {
        for test in try cases(file) { #expect(modexp(test.input) == test.expected, "\(test.name)") }
    }

    @Test func `EIP-2537 maps`() throws {
        for test in try cases("blsMapG1") { #expect(try mapG1(test.input) == test.expected, "\(test.name)") }
    }

    @Test func `EIP-2537 pairings`() throws {
        for test in try cases("blsPairing") {
            #expect(try pairing(BLS12381.self, test.input, allowsEmpty: false) == test.expected, "\(test.name)")
        }
    }

    @Test func `EIP-2537 failures are refused`() throws {
        for test in try cases("fail-blsG1Add") {
            #expect(throws: (any Error).self, "\(test.name)") { try add(BLS12381G1.self, test.input) }
        }
        for test in try cases("fail-blsG2Add") {
            #expect(throws: (any Error).self, "\(test.name)") { try add(BLS12381G2.self, test.input) }
        }
        for file in ["fail-blsG1Mul", "fail-blsG1MultiExp"] {
            for test in try cases(file) {
                #expect(throws: (any Error).self, "\(test.name)") { try multiply(BLS12381G1.self, test.input) }
            }
        }
        for test in try cases("fail-blsMapG1") {
            #expect(throws: (any Error).self, "\(test.name)") { try mapG1(test.input) }
        }
        for test in try cases("fail-blsPairing") {
            #expect(throws: (any Error).self, "\(test.name)") {
                try pairing(BLS12381.self, test.input, allowsEmpty: false)
            }
        }
    }

    @Test func `the first thousand multiples of the generators`() throws {
        let g1 = try SharedVectors.bytes("vectors/proofs/curves/bls12-381-g1-compressed.dat")
        var p = JacobianPoint<BLS12381G1>.infinity
        var points: [JacobianPoint<BLS12381G1>] = []
        for _ in 0..<1000 {
            points.append(p)
            p += BLS12381G1.generator
        }
        for (index, point) in BLS12381G1.normalize(points).enumerated() {
            let bytes = g1[48 * index..<48 * (index + 1)]
            #expect(try UncheckedPoint<BLS12381G1>(zcash: bytes, field: "p").checked() == point)
            #expect(point.zcash == Array(bytes))
        }
        let g2 = try SharedVectors.bytes("vectors/proofs/curves/bls12-381-g2-compressed.dat")
        var q = JacobianPoint<BLS12381G2>.infinity
        var others: [JacobianPoint<BLS12381G2>] = []
        for _ in 0..<1000 {
            others.append(q)
            q += BLS12381G2.generator
        }
        for (index, point) in BLS12381G2.normalize(others).enumerated() {
            let bytes = g2[96 * index..<96 * (index + 1)]
            #expect(try UncheckedPoint<BLS12381G2>(zcash: bytes, field: "p").checked() == point)
            #expect(point.zcash == Array(bytes))
        }
    }
}
