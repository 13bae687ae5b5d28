// KZG openings against the consensus vectors of EIP-4844.
import Algebra
import AssayTesting
import Codecs
import Foundation
import Testing
import Verdicts

@testable import Proofs

@Suite(.enabled(if: SharedVectors.has("vectors/proofs", for: "KZGTests")))
struct KZGTests {
    /// The quoted values of one key of a consensus YAML file, which holds hexadecimal strings and true, false or null only.
    private func values(_ text: String, _ key: String) -> [[UInt8]] {
        var result: [[UInt8]] = []
        var isList = false
        for line in text.split(separator: "\n") {
            let trimmed = line.drop { $0 == " " }
            if trimmed.hasPrefix(key + ":") || (isList && trimmed.hasPrefix("- ")) {
                let value = trimmed.split(separator: "'")
                if value.count > 1 {
                    result.append((try? Hex.decode(value[1].dropFirst(2), allowsUpperCase: true)) ?? [])
                }
                isList = true
            } else {
                isList = false
            }
        }
        return result
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try SharedVectors.bytes("vectors/proofs/kzg/\(name).yaml"), as: UTF8.self)
    }

    @Test func `pitfall 18: every opening of the consensus vectors ends as stated`() throws {
        let cases = try SharedVectors.json("vectors/proofs/kzg/verify_kzg_proof.json").items
        #expect(cases.count > 60)
        for item in cases {
            let input = item["input"]
            let verdict = KZGVerifier.ethereum.verify(
                commitment: input["commitment"].hex,
                z: input["z"].hex,
                y: input["y"].hex,
                proof: input["proof"].hex
            )
            let name = item["name"].text
            #expect(verdict.isAccepted == item["output"].isTrue, "\(name): \(verdict.checks)")
            if item["output"] == .bool(false) { #expect(verdict.firstFailure?.id == "kzg.equation", "\(name)") }
            if item["output"] == .null { #expect(verdict.firstFailure?.id == "kzg.encoding", "\(name)") }
        }
    }

    @Test(arguments: [
        "verify_blob_correct_proof_2", "verify_blob_correct_proof_point_at_infinity_for_twos_poly",
        "verify_blob_incorrect_proof_2", "verify_blob_invalid_blob_1",
    ])
    func `blobs of the consensus vectors end as stated`(_ name: String) throws {
        let text = try text(name)
        let blob = KZGBlob(
            blob: try #require(values(text, "blob").first),
            commitment: try #require(values(text, "commitment").first),
            proof: try #require(values(text, "proof").first)
        )
        let verdict = KZGVerifier.ethereum.verify(blob)
        let expected = text.contains("output: true")
        #expect(verdict.isAccepted == expected, "\(verdict.checks)")
        #expect(KZGVerifier.ethereum.verifyBatch([blob]).isAccepted == expected)
        if text.contains("output: null") { #expect(verdict.firstFailure?.id == "kzg.encoding") }
    }

    @Test func `batches of the consensus vectors end as stated`() throws {
        #expect(try text("verify_blob_batch_case_0").contains("output: true"))
        // An empty batch has no blob that could be wrong; its equation is one over nothing.
        #expect(KZGVerifier.ethereum.verifyBatch([]).isAccepted)
        let text = try text("verify_blob_batch_case_3")
        let (blobs, commitments, proofs) = (values(text, "blobs"), values(text, "commitments"), values(text, "proofs"))
        #expect(blobs.count == 3 && commitments.count == 3 && proofs.count == 3)
        var batch = blobs.indices.map { KZGBlob(blob: blobs[$0], commitment: commitments[$0], proof: proofs[$0]) }
        #expect(KZGVerifier.ethereum.verifyBatch(batch).isAccepted)
        (batch[1].proof, batch[2].proof) = (batch[2].proof, batch[1].proof)
        #expect(KZGVerifier.ethereum.verifyBatch(batch).firstFailure?.id == "kzg.equation")
        batch[2].proof.removeLast()
        #expect(KZGVerifier.ethereum.verifyBatch(batch).firstFailure?.id == "kzg.encoding")
    }

    @Test(arguments: ["compute_challenge_case_commitment_at_infinity", "compute_challenge_case_mismatched_commitment"])
    func `challenges of the consensus vectors`(_ name: String) throws {
        let text = try text(name)
        let challenge = KZGVerifier.challenge(
            blob: try #require(values(text, "blob").first),
            commitment: try #require(values(text, "commitment").first)
        )
        #expect(challenge.bigEndianBytes == values(text, "output").first)
    }

    @Test func `the setup file holds the embedded secret, and its Lagrange points commit to blobs`() throws {
        let setup = try KZGSetup(
            text: String(decoding: SharedVectors.bytes("vectors/proofs/kzg/trusted_setup.txt"), as: UTF8.self)
        )
        #expect(setup.tau == KZGSetup.ethereumTau)
        // The Lagrange polynomials add up to one.
        var sum = JacobianPoint<BLS12381G1>.infinity
        for point in setup.lagrange { sum += point }
        #expect(sum.affine == BLS12381G1.generator)
        let text = try text("verify_blob_correct_proof_2")
        let blob = try #require(values(text, "blob").first)
        #expect(try setup.commitment(to: blob).zcash == values(text, "commitment").first)
        #expect(throws: ParseError.self) { try KZGSetup(text: "4096\n65\n") }
    }

    /// The input of EIP-4844's precompile: versioned hash, z, y, commitment, proof.
    @Test func `the point evaluation precompile's vector`() throws {
        let input = try SharedVectors.json("vectors/proofs/evm/pointEvaluation.json")[0]["Input"].hex
        #expect(input.count == 192)
        let verdict = KZGVerifier.ethereum.verify(
            commitment: Array(input[96..<144]),
            z: Array(input[32..<64]),
            y: Array(input[64..<96]),
            proof: Array(input[144...])
        )
        #expect(verdict.isAccepted)
    }
}
