// Groth16 against the shared sets: honest proofs, the soundness cases, batches, gnark's and SP1's formats.
import Algebra
import AssayTesting
import Codecs
import Commitments
import Foundation
import Testing
import Verdicts

@testable import Proofs

private func serialized(_ value: JSONValue) -> [UInt8] { value.serialized() }

@Suite(.enabled(if: SharedVectors.has("vectors/proofs", for: "Groth16Tests")))
struct Groth16Tests {
    private func verifier(_ value: JSONValue) throws -> AnyGroth16Verifier {
        try AnyGroth16Verifier(snarkjs: serialized(value))
    }

    @Test(arguments: ["bls12-381-multiplier2", "bn254-multiplier2", "risc0-test"])
    func `proofs of snarkjs are accepted`(_ set: String) throws {
        let folder = "vectors/proofs/groth16-snarkjs/\(set)/"
        let verifier = try AnyGroth16Verifier(snarkjs: SharedVectors.bytes(folder + "verification_key.json"))
        let verdict = verifier.verify(
            snarkjsProof: try SharedVectors.bytes(folder + "proof.json"),
            publicInputs: try SharedVectors.bytes(folder + "public.json")
        )
        #expect(verdict.isAccepted, "\(verdict)")
        #expect(verdict.checks.map(\.id).last == "groth16.equation")
    }

    @Test(arguments: ["groth16-bn254-cases", "groth16-bls12-381-cases"])
    func `every soundness case ends as a strict verifier must end it`(
        _ file: String
    ) throws {
        let set = try SharedVectors.json("vectors/proofs/soundness/\(file).json")
        let verifier = try verifier(set["verification_key"])
        #expect(set["cases"].items.count > 20)
        for item in set["cases"].items {
            let verdict = verifier.verify(
                snarkjsProof: serialized(item["proof"]),
                publicInputs: serialized(item["public"])
            )
            let name = item["name"].text
            #expect(verdict.isAccepted == item["valid"].isTrue, "\(name): \(verdict.checks)")
            if !item["valid"].isTrue {
                #expect(verdict.firstFailure?.id == SoundnessCases.refusals[name], "\(name): \(verdict.checks)")
                #expect(verdict.soundness == Soundness.none)
            }
        }
    }

    @Test func `each relaxation accepts its own cases and no others`() throws {
        let set = try SharedVectors.json("vectors/proofs/soundness/groth16-bn254-cases.json")
        let relaxed: [Groth16Compatibility: Set<String>] = [
            .unreducedCoordinates: ["a-plus-q", "c-y-plus-q"],
            .hexadecimalNumbers: ["hex-public"],
            .foreignTags: ["wrong-protocol", "wrong-curve"],
            .sharedGammaDelta: [],
        ]
        #expect(relaxed.count == Groth16Compatibility.allCases.count)
        let verifier = try verifier(set["verification_key"])
        for (relaxation, names) in relaxed {
            for item in set["cases"].items {
                let verdict = verifier.verify(
                    snarkjsProof: serialized(item["proof"]),
                    publicInputs: serialized(item["public"]),
                    allowing: [relaxation]
                )
                let expected = item["valid"].isTrue || names.contains(item["name"].text)
                #expect(verdict.isAccepted == expected, "\(relaxation): \(item["name"].text) \(verdict.checks)")
            }
        }
    }

    @Test func `pitfall 12: batches name their culprits, and cancelling errors do not cancel`() throws {
        let set = try SharedVectors.json("vectors/proofs/soundness/groth16-batch-bn254.json")
        let key = try Groth16Key<BN254>(snarkjs: serialized(set["verification_key"]))
        let verifier = Groth16Verifier(key)
        #expect(!set["batches"].items.isEmpty)
        for batch in set["batches"].items {
            let claims = try batch["proofs"].items.map {
                Groth16Claim<BN254>(
                    proof: try Groth16Proof(snarkjs: serialized($0["proof"])),
                    publicInputs: try Groth16Proof<BN254>.publicInputs(snarkjs: serialized($0["public"]))
                )
            }
            let verdicts = verifier.verifyBatch(claims)
            let name = batch["name"].text
            let bad = Set(batch["bad"].items.compactMap { Int($0.text) })
            #expect(verdicts.count == claims.count)
            #expect(verdicts.allSatisfy(\.isAccepted) == batch["valid"].isTrue, "\(name)")
            for (index, verdict) in verdicts.enumerated() {
                #expect(verdict.isAccepted == !bad.contains(index), "\(name): \(index)")
                #expect(verdict == verifier.verify(claims[index].proof, publicInputs: claims[index].publicInputs))
            }
        }
    }

    @Test func `pitfall 12: the weights move with every proof and every input of the batch`() throws {
        let set = try SharedVectors.json("vectors/proofs/soundness/groth16-batch-bn254.json")
        let verifier = Groth16Verifier(try Groth16Key<BN254>(snarkjs: serialized(set["verification_key"])))
        let claims = try set["batches"][0]["proofs"].items.map {
            Groth16Claim<BN254>(
                proof: try Groth16Proof(snarkjs: serialized($0["proof"])),
                publicInputs: try Groth16Proof<BN254>.publicInputs(snarkjs: serialized($0["public"]))
            )
        }
        var seeds: Set<Digest> = [verifier.seed(claims), verifier.seed(claims.dropLast())]
        for index in claims.indices {
            var changed = claims
            changed[index].publicInputs[0] += .one
            seeds.insert(verifier.seed(changed))
            changed = claims
            changed[index].proof.a = changed[index].proof.a.negated
            seeds.insert(verifier.seed(changed))
            changed = claims
            changed[index].proof.b = changed[index].proof.b.negated
            seeds.insert(verifier.seed(changed))
            changed = claims
            changed[index].proof.c = changed[index].proof.c.negated
            seeds.insert(verifier.seed(changed))
        }
        #expect(seeds.count == 2 + 4 * claims.count)
        let weights = verifier.weights(Array(0..<64), seed: verifier.seed(claims))
        #expect(Set(weights.map { [$0.low, $0.high] }).count == 64)
        #expect(weights.allSatisfy { $0.low != 0 })
    }

    @Test func `a batch finds every mutation of its proofs`() throws {
        let set = try SharedVectors.json("vectors/proofs/soundness/groth16-batch-bn254.json")
        let verifier = Groth16Verifier(try Groth16Key<BN254>(snarkjs: serialized(set["verification_key"])))
        let honest = try set["batches"][0]["proofs"].items.map {
            Groth16Claim<BN254>(
                proof: try Groth16Proof(snarkjs: serialized($0["proof"])),
                publicInputs: try Groth16Proof<BN254>.publicInputs(snarkjs: serialized($0["public"]))
            )
        }
        for seed in 1...6 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            var claims = honest
            var bad: Set<Int> = []
            for index in claims.indices where random.next() % 4 == 0 {
                bad.insert(index)
                switch random.next() % 3 {
                case 0: claims[index].publicInputs[0] += .one
                case 1: claims[index].proof.c = honest[(index + 1) % honest.count].proof.c
                default: claims[index].proof.a = honest[(index + 1) % honest.count].proof.a
                }
            }
            let found = verifier.verifyBatch(claims).enumerated().filter { !$0.element.isAccepted }.map(\.offset)
            #expect(Set(found) == bad, "seed \(seed)")
        }
    }

    @Test func `BLS12-381 batches`() throws {
        let folder = "vectors/proofs/groth16-snarkjs/bls12-381-multiplier2/"
        let key = try Groth16Key<BLS12381>(snarkjs: SharedVectors.bytes(folder + "verification_key.json"))
        let verifier = Groth16Verifier(key)
        let claim = Groth16Claim<BLS12381>(
            proof: try Groth16Proof(snarkjs: SharedVectors.bytes(folder + "proof.json")),
            publicInputs: try Groth16Proof<BLS12381>.publicInputs(snarkjs: SharedVectors.bytes(folder + "public.json"))
        )
        var wrong = claim
        wrong.publicInputs[0] += .one
        #expect(verifier.verifyBatch([]).isEmpty)
        #expect(verifier.verifyBatch([claim, claim, claim]).map(\.isAccepted) == [true, true, true])
        #expect(verifier.verifyBatch([claim, wrong, claim]).map(\.isAccepted) == [true, false, true])
    }

    @Test(arguments: ["blank_groth16_bn254_nocommit", "blank_groth16_bls12381_nocommit"])
    func `keys of gnark parse, and are refused or loaded for a named reason`(_ name: String) throws {
        let bytes = try SharedVectors.bytes("vectors/proofs/gnark/\(name).vk")
        func load<C: PairingCurve>(_ curve: C.Type) throws {
            let key = try Groth16Key<C>(gnark: bytes)
            #expect(key.inputCount > 0)
            for length in [0, 1, 31, 32, bytes.count - 1] {
                #expect(throws: ParseError.self) { try Groth16Key<C>(gnark: Array(bytes.prefix(length))) }
            }
            #expect(throws: ParseError.self) { try Groth16Key<C>(gnark: bytes + [0]) }
        }
        if name.contains("bn254") { try load(BN254.self) } else { try load(BLS12381.self) }
    }

    /// SP1's proofs: a gnark key, EVM words, and the inputs that SP1's contracts compute.
    @Test(arguments: ["v4.0.0", "v6.0.0-beta", "v6.0.0"])
    func `wrapped proofs of SP1 are accepted`(_ version: String) throws {
        let key = try Groth16Key<BN254>(gnark: SharedVectors.bytes("vectors/proofs/sp1/\(version)/groth16_vk.bin"))
        let fixture = try SharedVectors.json("vectors/proofs/sp1/\(version)/groth16-fixture.json")
        var proof = Array(fixture["proof"].hex.dropFirst(4))
        var digest = SHA256.hash(fixture["publicValues"].hex).bytes
        digest[0] &= 0x1f
        var inputs = fixture["vkey"].hex + digest
        if version.hasPrefix("v6") {
            inputs += proof.prefix(96)
            proof.removeFirst(96)
        }
        let verifier = Groth16Verifier(key)
        let publicInputs = try Groth16Proof<BN254>.publicInputs(evm: inputs)
        #expect(verifier.verify(try Groth16Proof(evm: proof), publicInputs: publicInputs).isAccepted)
        inputs[63] ^= 1
        let others = try Groth16Proof<BN254>.publicInputs(evm: inputs)
        #expect(
            verifier.verify(try Groth16Proof(evm: proof), publicInputs: others).firstFailure?.id == "groth16.equation"
        )
        #expect(throws: ParseError.self) { try Groth16Proof<BN254>(evm: Array(proof.dropLast())) }
        #expect(throws: ParseError.self) { try Groth16Proof<BN254>(evm: proof + [0]) }
    }

    @Test func `gnark proofs round trip through compressed and raw points`() throws {
        let folder = "vectors/proofs/groth16-snarkjs/bn254-multiplier2/"
        let proof = try Groth16Proof<BN254>(snarkjs: SharedVectors.bytes(folder + "proof.json"))
        let (a, b, c) = (try proof.a.checked(), try proof.b.checked(), try proof.c.checked())
        let compressed = a.compressed(.gnark) + b.compressed(.gnark) + c.compressed(.gnark)
        #expect(try Groth16Proof<BN254>(gnark: compressed) == proof)
        let none: [UInt8] = [0, 0, 0, 0] + AffinePoint<BN254G1>.infinity.compressed(.gnark)
        #expect(try Groth16Proof<BN254>(gnark: compressed + none) == proof)
        let raw = a.uncompressed(.gnark) + b.uncompressed(.gnark) + c.uncompressed(.gnark)
        #expect(try Groth16Proof<BN254>(gnark: raw) == proof)
        #expect(throws: ParseError.self) { try Groth16Proof<BN254>(gnark: compressed + [0, 0, 0, 1]) }
    }

    @Test func `every truncation and every changed digit of a proof is refused`() throws {
        let folder = "vectors/proofs/groth16-snarkjs/bn254-multiplier2/"
        let verifier = try AnyGroth16Verifier(snarkjs: SharedVectors.bytes(folder + "verification_key.json"))
        let proof = try SharedVectors.bytes(folder + "proof.json")
        let inputs = try SharedVectors.bytes(folder + "public.json")
        for length in stride(from: 0, to: proof.count - 1, by: 7) {
            #expect(!verifier.verify(snarkjsProof: Array(proof.prefix(length)), publicInputs: inputs).isAccepted)
        }
        var changed = 0
        for index in stride(from: 0, to: proof.count, by: 5)
        where proof[index] >= UInt8(ascii: "0") && proof[index] <= UInt8(ascii: "8") {
            var copy = proof
            copy[index] += 1
            changed += 1
            #expect(!verifier.verify(snarkjsProof: copy, publicInputs: inputs).isAccepted, "byte \(index)")
        }
        #expect(changed > 50)
    }
}
