// BLS signatures against Wycheproof, drand beacons and chains against their networks' own.
import Algebra
import AssayTesting
import Codecs
import Commitments
import Testing
import Verdicts

@testable import Proofs

@Suite(.enabled(if: SharedVectors.has("vectors/proofs", for: "BLSTests")))
struct BLSTests {
    @Test(arguments: ["basic", "pop"])
    func `Wycheproof`(_ name: String) throws {
        let verifier: BLSVerifier = name == "basic" ? .basic : .proofOfPossession
        var count = 0
        for group in try SharedVectors.json("vectors/proofs/wycheproof/bls_sig_g2_\(name)_verify_test.json")[
            "testGroups"
        ].items {
            #expect(group["ciphersuite"].text == verifier.tag)
            for test in group["tests"].items {
                count += 1
                let verdict = verifier.verify(
                    publicKey: group["publicKey"]["pk"].hex,
                    message: test["msg"].hex,
                    signature: test["sig"].hex
                )
                #expect(
                    verdict.isAccepted == (test["result"].text == "valid"),
                    "\(test["tcId"].text): \(verdict.checks)"
                )
            }
        }
        #expect(count > 20)
    }

    /// Signatures made from secret scalars here, since aggregation has no shared vectors.
    @Test func `aggregates add up, and rogue or repeated parts are refused`() {
        let secrets: [BLS12381.Fr] = [5, 7, 11]
        let keys = secrets.map { ($0 * BLS12381G1.generator).affine.zcash }
        let messages = [[1], [2, 2], []] as [[UInt8]]
        func sign(_ secret: BLS12381.Fr, _ message: [UInt8], _ verifier: BLSVerifier) -> JacobianPoint<BLS12381G2> {
            secret * BLS12381G2.hash(message, tag: Array(verifier.tag.utf8), expander: .xmd(.sha256), isUniform: true)
        }
        var sum = JacobianPoint<BLS12381G2>.infinity
        for (secret, message) in zip(secrets, messages) { sum += sign(secret, message, .basic) }
        let pairs = zip(keys, messages).map { (publicKey: $0, message: $1) }
        #expect(BLSVerifier.basic.verifyAggregate(pairs, signature: sum.affine.zcash).isAccepted)
        #expect(
            BLSVerifier.basic.verifyAggregate(Array(pairs.dropLast()), signature: sum.affine.zcash).firstFailure?.id
                == "bls.equation"
        )
        let repeated = BLSVerifier.basic.verifyAggregate([pairs[0], pairs[0]], signature: sum.affine.zcash)
        #expect(repeated.firstFailure?.id == "bls.messages")
        #expect(BLSVerifier.basic.verifyAggregate([], signature: sum.affine.zcash).firstFailure?.id == "bls.messages")

        let pop = BLSVerifier.proofOfPossession
        var same = JacobianPoint<BLS12381G2>.infinity
        for secret in secrets { same += sign(secret, [9], pop) }
        #expect(pop.verifyFastAggregate(publicKeys: keys, message: [9], signature: same.affine.zcash).isAccepted)
        #expect(!pop.verifyFastAggregate(publicKeys: keys, message: [8], signature: same.affine.zcash).isAccepted)
        let none = pop.verifyFastAggregate(publicKeys: [], message: [9], signature: same.affine.zcash)
        #expect(none.firstFailure?.id == "bls.aggregate-key")
        let possession = sign(secrets[0], keys[0], .possession)
        #expect(
            BLSVerifier.possession.verify(publicKey: keys[0], message: keys[0], signature: possession.affine.zcash)
                .isAccepted
        )
    }

    @Test func `keys in G2`() {
        let verifier = BLSVerifier(.keysInG2, tag: "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_")
        let secret: BLS12381.Fr = 1234567
        let key = (secret * BLS12381G2.generator).affine.zcash
        let hash = BLS12381G1.hash([1, 2], tag: Array(verifier.tag.utf8), expander: .xmd(.sha256), isUniform: true)
        let signature = (secret * hash).affine.zcash
        #expect(verifier.verify(publicKey: key, message: [1, 2], signature: signature).isAccepted)
        #expect(!verifier.verify(publicKey: key, message: [1, 3], signature: signature).isAccepted)
        #expect(verifier.verifyFastAggregate(publicKeys: [key], message: [1, 2], signature: signature).isAccepted)
        #expect(
            verifier.verify(publicKey: signature, message: [1, 2], signature: key).firstFailure?.id == "bls.signature"
        )
    }
}

@Suite(.enabled(if: SharedVectors.has("vectors/proofs", for: "DrandTests")))
struct DrandTests {
    private func chain(_ scheme: String, _ key: [UInt8], groupHash: [UInt8] = []) throws -> DrandChain {
        DrandChain(
            scheme: try #require(DrandScheme(rawValue: scheme)),
            publicKey: key,
            periodSeconds: 30,
            genesisTime: 0,
            groupHash: groupHash,
            beaconID: "default"
        )
    }

    private func optional(_ value: JSONValue) -> [UInt8]? {
        if case .string = value, !value.text.isEmpty { return value.hex }
        return nil
    }

    private func check(_ item: JSONValue, _ beacon: JSONValue) throws {
        let round = try #require(UInt64(beacon["round"].text))
        let value = DrandBeacon(
            round: round,
            signature: beacon["signature"].hex,
            previousSignature: optional(beacon["previous_signature"]),
            randomness: optional(beacon["randomness"])
        )
        let chain = try chain(item["scheme"].text, item["public_key"].hex)
        let verdict = chain.verify(value, expectedRound: round)
        #expect(
            verdict.isAccepted == item["valid"].isTrue,
            "\(item["name"].text) \(item["scheme"].text): \(verdict.checks)"
        )
        #expect(chain.verify(value, expectedRound: round + 1).firstFailure?.id == "drand.round")
    }

    @Test func `pitfall 16: beacons of the clients end as stated`() throws {
        for file in ["beacons-client", "beacons-g1-rfc9380"] {
            for item in try SharedVectors.json("vectors/proofs/drand/\(file).json").items {
                try check(item, item["beacon"])
            }
        }
        for item in try SharedVectors.json("vectors/proofs/drand/beacons-go.json").items { try check(item, item) }
    }

    @Test func `chains have the hashes they state`() throws {
        guard case .object(let chains) = try SharedVectors.json("vectors/proofs/drand/chains.json") else {
            Issue.record("chains.json is not an object")
            return
        }
        #expect(chains.members.count == 4)
        for (name, value) in chains.members {
            let chain = try DrandChain(json: value.serialized())
            #expect(chain.hash.hex == value["hash"].text, "\(name)")
            var forged = chain
            forged.periodSeconds += 1
            #expect(forged.hash != chain.hash)
        }
    }

    @Test func `round 1 of the default network signs over the group hash`() throws {
        let chain = try DrandChain(
            json: SharedVectors.json("vectors/proofs/drand/chains.json")["DEFAULT_CHAIN_INFO"].serialized()
        )
        let beacon = try DrandBeacon(json: SharedVectors.bytes("vectors/proofs/drand/mainnet-round1.json"))
        #expect(chain.verify(beacon, expectedRound: 1).isAccepted)
        var other = beacon
        other.previousSignature = [UInt8](repeating: 0, count: 32)
        #expect(chain.verify(other, expectedRound: 1).firstFailure?.id == "drand.previous-signature")
        other = beacon
        other.randomness = [UInt8](repeating: 0, count: 32)
        #expect(chain.verify(other, expectedRound: 1).firstFailure?.id == "drand.randomness")
        #expect(chain.round(at: chain.genesisTime) == 1)
        #expect(chain.round(at: chain.genesisTime - 1) == 0)
        #expect(chain.round(at: chain.genesisTime + 30) == 2)
    }
}
