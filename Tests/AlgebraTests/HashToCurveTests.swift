import AssayTesting
// Every RFC 9380 suite and expander of the shared vectors.
import Codecs
import Testing

@testable import Algebra

@Suite(.enabled(if: SharedVectors.has("vectors/proofs", for: "HashToCurveTests")))
struct HashToCurveTests {
    private func integer(_ text: Substring) -> Integer? { Integer(text.dropFirst(2), radix: 16) }

    private func suite<G: HashableGroup>(
        _ group: G.Type,
        _ name: String,
        coordinate: ([Integer]) -> G.Coordinate
    ) throws {
        let file = try SharedVectors.json("vectors/privacy/h2c/\(name).json")
        let tag = Array(file["dst"].text.utf8)
        let isUniform = file["randomOracle"].isTrue
        func parse(_ value: JSONValue) -> G.Coordinate {
            coordinate(value.text.split(separator: ",").compactMap(integer))
        }
        #expect(!file["vectors"].items.isEmpty)
        for vector in file["vectors"].items {
            let message = Array(vector["msg"].text.utf8)
            let u = G.hashToField(message, tag: tag, expander: .xmd(.sha256), count: isUniform ? 2 : 1)
            #expect(u == vector["u"].items.map(parse))
            for (index, element) in u.enumerated() {
                let expected = isUniform ? vector["Q\(index)"] : vector["Q"]
                let q = G.map(element)
                #expect(q.x == parse(expected["x"]) && q.y == parse(expected["y"]), "\(name): the map of u")
            }
            let p = G.hash(message, tag: tag, expander: .xmd(.sha256), isUniform: isUniform)
            #expect(p.x == parse(vector["P"]["x"]) && p.y == parse(vector["P"]["y"]), "\(name)")
            #expect(G.isInSubgroup(p) && p.isOnCurve)
        }
    }

    @Test func `suites agree with RFC 9380`() throws {
        try suite(BLS12381G1.self, "bls12381g1-xmd-sha256-sswu-ro") { BLS12381.Fp(reducing: $0[0]) }
        try suite(BLS12381G1.self, "bls12381g1-xmd-sha256-sswu-nu") { BLS12381.Fp(reducing: $0[0]) }
        try suite(BLS12381G2.self, "bls12381g2-xmd-sha256-sswu-ro") {
            Fp2(BLS12381.Fp(reducing: $0[0]), BLS12381.Fp(reducing: $0[1]))
        }
        try suite(P256.self, "p256-xmd-sha256-sswu-ro") { P256.Coordinate(reducing: $0[0]) }
        try suite(P256.self, "p256-xmd-sha256-sswu-nu") { P256.Coordinate(reducing: $0[0]) }
        try suite(Secp256k1.self, "secp256k1-xmd-sha256-sswu-ro") { Secp256k1.Coordinate(reducing: $0[0]) }
    }

    @Test(arguments: ["expand-xmd-sha256-38", "expand-xmd-sha512-38", "expand-xof-shake128-36"])
    func `expanders agree with RFC 9380`(_ name: String) throws {
        let file = try SharedVectors.json("vectors/privacy/h2c/\(name).json")
        let expander: MessageExpander =
            switch file["hash"].text {
            case "SHA256": .xmd(.sha256)
            case "SHA512": .xmd(.sha512)
            default: .shake128
            }
        #expect(!file["tests"].items.isEmpty)
        for test in file["tests"].items {
            let count = try #require(Int(test["len_in_bytes"].text.dropFirst(2), radix: 16))
            let bytes = expander.expand(Array(test["msg"].text.utf8), tag: Array(file["DST"].text.utf8), count: count)
            #expect(bytes == test["uniform_bytes"].hex)
        }
    }

    @Test func `Keccak-256 of nothing and of a long input`() {
        // The digest of no bytes is a constant of Ethereum (yellow paper, appendix B: KEC of the empty string).
        #expect(Hex.encode(Keccak256.hash([])) == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
        #expect(
            Hex.encode(Keccak256.hash("Transfer(address,address,uint256)".utf8))
                == "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
        )
    }

    @Test func `the SVDW map of BN254 lands on the curve`() {
        var random = SeededGenerator(seed: 81)
        for _ in 0..<40 { #expect(BN254G1.map(random.element()).isOnCurve) }
        #expect(BN254G1.map(.zero).isOnCurve && BN254G1.map(.one).isOnCurve)
    }
}
