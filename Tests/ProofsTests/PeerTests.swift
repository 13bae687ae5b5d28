// Random claims, valid and mutated, against what py-arkworks-bls12381, ckzg and py-ecc say to them. The claims come from
// Tests/Peers/proofs.py; without a Python that has these packages the suite is skipped by name.
import Algebra
import AssayTesting
import Codecs
import Foundation
import Testing
import Verdicts

@testable import Proofs

/// A Python interpreter with the peers.
private enum Peers {
    /// `$ASSAY_PEERS`, else the environment that Scripts/test makes.
    static let python: String? = {
        let named = ProcessInfo.processInfo.environment["ASSAY_PEERS"]
        let made = SharedVectors.packageRoot.appendingPathComponent(".tools/peers/bin/python").path
        let path = named ?? made
        let modules = "import ckzg, py_ecc, py_arkworks_bls12381"
        guard FileManager.default.isExecutableFile(atPath: path), PeerPython.run(modules) != nil else {
            let text =
                "skipped: PeerTests: no Python with peers at ASSAY_PEERS or .tools/peers; Scripts/test --long makes it\n"
            FileHandle.standardError.write(Data(text.utf8))
            return nil
        }
        return path
    }()

    static let isLong = ProcessInfo.processInfo.environment["ASSAY_LONG"] == "1"

    /// The claims of a seed.
    static func claims(seed: UInt64, count: Int) throws -> [JSONValue] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(python))
        let script = SharedVectors.packageRoot.appendingPathComponent("Tests/Peers/proofs.py").path
        process.arguments = [script, "--seed", "\(seed)", "--count", "\(count)"]
        let setup = SharedVectors.folder?.appendingPathComponent("vectors/proofs/kzg/trusted_setup.txt").path
        if let setup, FileManager.default.fileExists(atPath: setup) { process.arguments? += ["--setup", setup] }
        if isLong { process.arguments? += ["--slow"] }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let lines = output.fileHandleForReading.readDataToEndOfFile().split(separator: UInt8(ascii: "\n"))
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return try lines.map { try JSONValue(parsing: Array($0), limits: JSONLimits(bytes: 1 << 20)) }
    }
}

@Suite(.enabled(if: Peers.python != nil))
struct PeerTests {
    /// One seed that stays, so that a failure can be had again, and one of today; many more in the long run.
    private static let seeds: [UInt64] =
        [1, .random(in: 1000...999_999)] + (Peers.isLong ? (2...8).map { $0 } : [])

    @Test(arguments: seeds) func `every claim ends as the peers end it`(seed: UInt64) throws {
        let claims = try Peers.claims(seed: seed, count: Peers.isLong ? 500 : 40)
        #expect(claims.count >= 40)
        for (index, claim) in claims.enumerated() {
            let place = "seed \(seed), claim \(index), \(claim["kind"].text)"
            if claim["result"] != .null {
                #expect(try result(of: claim) == claim["result"].text, "\(place)")
            } else {
                #expect(
                    try accepts(claim) == claim["accepts"].isTrue,
                    "\(place): \(claim.text(pretty: false).prefix(2000))"
                )
            }
        }
    }

    private func member<G: ZCashGroup>(_ group: G.Type, _ value: JSONValue) throws -> AffinePoint<G> {
        try member(group, value.hex)
    }

    private func member<G: ZCashGroup>(_ group: G.Type, _ bytes: [UInt8]) throws -> AffinePoint<G> {
        guard bytes.count == G.Coordinate.byteCount else {
            throw ParseError(field: "point", expected: "a compressed point", actual: "\(bytes.count) bytes")
        }
        return try G.decode(bytes[...], field: "point").checked()
    }

    private func accepts(_ claim: JSONValue) throws -> Bool {
        switch claim["kind"].text {
        case "g1": return (try? member(BLS12381G1.self, claim["bytes"])) != nil
        case "g2": return (try? member(BLS12381G2.self, claim["bytes"])) != nil
        case "pairing":
            let firsts = try claim["g1"].items.map { try member(BLS12381G1.self, $0) }
            let seconds = try claim["g2"].items.map { try member(BLS12381G2.self, $0) }
            return BLS12381.isProductOne(zip(firsts, seconds).map { PairingTerm($0, $1) })
        case "kzg":
            return KZGVerifier.ethereum.verify(
                commitment: claim["commitment"].hex,
                z: claim["z"].hex,
                y: claim["y"].hex,
                proof: claim["proof"].hex
            ).isAccepted
        case "blob":
            let blob = KZGBlob(
                blob: claim["blob"].hex,
                commitment: claim["commitment"].hex,
                proof: claim["proof"].hex
            )
            let verdict = KZGVerifier.ethereum.verify(blob)
            #expect(KZGVerifier.ethereum.verifyBatch([blob, blob]).isAccepted == verdict.isAccepted)
            return verdict.isAccepted
        case "bls":
            return BLSVerifier.proofOfPossession.verify(
                publicKey: claim["pubkey"].hex,
                message: claim["message"].hex,
                signature: claim["signature"].hex
            ).isAccepted
        case "bls-aggregate":
            let pairs = zip(claim["pubkeys"].items, claim["messages"].items)
            return BLSVerifier.basic.verifyAggregate(
                pairs.map { (publicKey: $0.hex, message: $1.hex) },
                signature: claim["signature"].hex
            ).isAccepted
        case "groth16": return try groth16(claim)
        case "bn254-pairing":
            let words = claim["words"].hex
            let terms = try stride(from: 0, to: words.count, by: 192).map { start in
                PairingTerm<BN254>(
                    try UncheckedPoint<BN254G1>(evm: words[start..<start + 64], field: "p").checked(),
                    try UncheckedPoint<BN254G2>(evm: words[start + 64..<start + 192], field: "q").checked()
                )
            }
            return BN254.isProductOne(terms)
        default: throw ParseError(field: "kind", expected: "a kind of claim", actual: claim["kind"].text)
        }
    }

    private func groth16(_ claim: JSONValue) throws -> Bool {
        func point<G: ZCashGroup>(_ group: G.Type, _ value: JSONValue) throws -> UncheckedPoint<G> {
            try G.decode(value.hex[...], field: "point")
        }
        let key = try UncheckedGroth16Key<BLS12381>(
            alpha: point(BLS12381G1.self, claim["alpha"]),
            beta: point(BLS12381G2.self, claim["beta"]),
            gamma: point(BLS12381G2.self, claim["gamma"]),
            delta: point(BLS12381G2.self, claim["delta"]),
            inputs: claim["inputs"].items.map { try point(BLS12381G1.self, $0) }
        ).checked()
        let proof = Groth16Proof<BLS12381>(
            a: try point(BLS12381G1.self, claim["proof"][0]),
            b: try point(BLS12381G2.self, claim["proof"][1]),
            c: try point(BLS12381G1.self, claim["proof"][2])
        )
        let inputs = [try BLS12381.Fr(decimal: claim["public"].text, field: "public")]
        let verifier = Groth16Verifier(key)
        let verdict = verifier.verify(proof, publicInputs: inputs)
        let twin = Groth16Claim(proof: proof, publicInputs: inputs)
        #expect(verifier.verifyBatch([twin, twin]).allSatisfy { $0.isAccepted == verdict.isAccepted })
        return verdict.isAccepted
    }

    private func result(of claim: JSONValue) throws -> String {
        func sum<G: ZCashGroup>(_ group: G.Type) throws -> String {
            let points = try claim["points"].items.map { try member(group, $0) }
            let scalars = try claim["scalars"].items.map { try G.Scalar(bigEndian: $0.hex[...], field: "scalar") }
            var slow = JacobianPoint<G>.infinity
            for (point, scalar) in zip(points, scalars) { slow += scalar * point }
            let fast = G.multiScalar(points, scalars, threads: 1)
            #expect(slow == fast)
            return Hex.encode(fast.affine.compressed(.zcash))
        }
        func hash<G: ZCashGroup>(_ group: G.Type) -> String {
            let point = G.hash(claim["message"].hex, tag: claim["tag"].hex, expander: .xmd(.sha256), isUniform: true)
            return Hex.encode(point.compressed(.zcash))
        }
        switch claim["kind"].text {
        case "g1-sum": return try sum(BLS12381G1.self)
        case "g2-sum": return try sum(BLS12381G2.self)
        case "g1-hash": return hash(BLS12381G1.self)
        case "g2-hash": return hash(BLS12381G2.self)
        default: throw ParseError(field: "kind", expected: "a kind of result", actual: claim["kind"].text)
        }
    }
}
