// Groth16's known pitfalls, one test for each number of Documentation/proofs.md: the shared cases of a pitfall must be
// refused, and at the check that is about it.
import Algebra
import AssayTesting
import Codecs
import Foundation
import Testing
import Verdicts

@testable import Proofs

private func serialized(_ value: JSONValue) -> [UInt8] { value.serialized() }

/// The shared soundness sets.
enum SoundnessCases {
    /// The check that each case must fail at; a case that is refused for another reason is a weaker test.
    static let refusals: [String: String] = [
        "public-plus-one": "groth16.equation", "public-plus-r": "groth16.public.encoding",
        "public-minus-r": "groth16.public.encoding", "public-missing": "groth16.public.count",
        "public-extra": "groth16.public.count", "a-negated": "groth16.equation", "c-negated": "groth16.equation",
        "a-c-swapped": "groth16.equation", "a-off-curve": "groth16.proof.a", "c-off-curve": "groth16.proof.c",
        "b-off-curve": "groth16.proof.b", "b-coeffs-swapped": "groth16.proof.b",
        "b-not-in-subgroup": "groth16.proof.b", "b-plus-torsion": "groth16.proof.b",
        "a-plus-torsion": "groth16.proof.a", "a-plus-q": "groth16.proof.encoding",
        "c-y-plus-q": "groth16.proof.encoding", "a-infinity-z0": "groth16.proof.a", "b-infinity-z0": "groth16.proof.b",
        "c-infinity-z0": "groth16.proof.c", "all-infinity": "groth16.proof.a", "a-zero-zero": "groth16.proof.a",
        "a-projective-z2": "groth16.proof.encoding", "empty-string-public": "groth16.public.encoding",
        "hex-public": "groth16.public.encoding", "space-public": "groth16.public.encoding",
        "float-public": "groth16.public.encoding", "wrong-protocol": "groth16.proof.encoding",
        "wrong-curve": "groth16.proof.encoding",
    ]

    static let curves = ["bn254", "bls12-381"]

    static func set(_ curve: String) throws -> JSONValue {
        try SharedVectors.json("vectors/proofs/soundness/groth16-\(curve)-cases.json")
    }
}

@Suite(.enabled(if: SharedVectors.has("vectors/proofs", for: "Groth16PitfallTests")))
struct Groth16PitfallTests {
    /// Every case of these names, over both curves, is refused at its own check.
    private func refuse(_ names: Set<String>, atLeast count: Int) throws {
        var seen = 0
        for curve in SoundnessCases.curves {
            let set = try SoundnessCases.set(curve)
            let verifier = try AnyGroth16Verifier(snarkjs: serialized(set["verification_key"]))
            for item in set["cases"].items where names.contains(item["name"].text) {
                seen += 1
                let verdict = verifier.verify(
                    snarkjsProof: serialized(item["proof"]),
                    publicInputs: serialized(item["public"])
                )
                let name = item["name"].text
                #expect(verdict.firstFailure?.id == SoundnessCases.refusals[name], "\(curve) \(name)")
                #expect(verdict.outcome == .rejected)
            }
        }
        #expect(seen >= count)
    }

    @Test func `pitfall 1: a public input of r or more, or below zero, is refused`() throws {
        try refuse(["public-plus-r", "public-minus-r"], atLeast: 3)
    }

    @Test func `pitfall 3: points of the curve outside the subgroup are refused`() throws {
        try refuse(["b-not-in-subgroup", "b-plus-torsion", "a-plus-torsion"], atLeast: 4)
    }

    @Test func `pitfall 4: coordinates that are not canonical are refused`() throws {
        try refuse(["a-plus-q", "c-y-plus-q"], atLeast: 3)
    }

    @Test func `pitfall 7: a missing and an extra input are refused before any arithmetic`() throws {
        try refuse(["public-missing", "public-extra"], atLeast: 4)
    }

    @Test func `pitfall 8: infinity and (0, 0) are refused in every place of a proof`() throws {
        try refuse(["a-infinity-z0", "b-infinity-z0", "c-infinity-z0", "all-infinity", "a-zero-zero"], atLeast: 9)
    }

    @Test func `pitfall 19: coefficients of G2 in the order of contracts are refused in JSON`() throws {
        try refuse(["b-coeffs-swapped"], atLeast: 2)
    }

    @Test func `pitfall 20: what lax parsers take is refused`() throws {
        try refuse(
            [
                "hex-public", "space-public", "float-public", "empty-string-public", "wrong-protocol", "wrong-curve",
                "a-projective-z2",
            ],
            atLeast: 12
        )
    }

    @Test func `pitfall 5: files of PLONK and FFLONK are refused by their protocol`() throws {
        for set in ["plonk-snarkjs/bn254-multiplier2", "fflonk-snarkjs/circuit", "plonk-snarkjs/bls12-381-poseidon"] {
            let folder = "vectors/proofs/\(set)/"
            let error = #expect(throws: ParseError.self) {
                try AnyGroth16Verifier(snarkjs: SharedVectors.bytes(folder + "verification_key.json"))
            }
            #expect(error?.field == "protocol", "\(set): \(String(describing: error))")
            let proof = try SharedVectors.bytes(folder + "proof.json")
            let refused = #expect(throws: ParseError.self) { try Groth16Proof<BN254>(snarkjs: proof) }
            #expect(refused?.field == "protocol")
        }
    }

    @Test func `pitfall 6: malleated proofs of one statement have one identity`() throws {
        let set = try SharedVectors.json("vectors/proofs/soundness/groth16-bn254-cases.json")
        let verifier = try AnyGroth16Verifier(snarkjs: serialized(set["verification_key"]))
        let valid = set["cases"].items.filter(\.["valid"].isTrue)
        let subjects = Set(
            valid.map {
                verifier.verify(snarkjsProof: serialized($0["proof"]), publicInputs: serialized($0["public"])).subject
            }
        )
        #expect(valid.count > 3)
        #expect(subjects.count == 1)
    }

    @Test func `pitfalls 2 and 8: bad keys are refused with the reason`() throws {
        let keys = try SharedVectors.json("vectors/proofs/soundness/groth16-bad-keys.json").items
        let fields = [
            "": "delta", "delta-infinity": "delta", "ic-infinity": "IC[1]", "ic-short": "IC",
            "delta-off-curve": "delta",
            "beta-not-in-subgroup": "beta",
        ]
        #expect(keys.count == fields.count)
        for key in keys {
            let error = #expect(throws: ParseError.self) {
                _ = try AnyGroth16Verifier(snarkjs: serialized(key["verification_key"]))
            }
            #expect(error?.field == fields[key["name"].text], "\(key["name"].text): \(String(describing: error))")
        }
    }

    @Test func `pitfall 2: forgeries under a key with gamma = delta pass only when that is asked for`() throws {
        let bad = try SharedVectors.json("vectors/proofs/soundness/groth16-bad-keys.json")[0]
        let lax = try AnyGroth16Verifier(snarkjs: serialized(bad["verification_key"]), allowing: [.sharedGammaDelta])
        #expect(!bad["forgeries"].items.isEmpty)
        for forgery in bad["forgeries"].items {
            let verdict = lax.verify(
                snarkjsProof: serialized(forgery["proof"]),
                publicInputs: serialized(forgery["public"])
            )
            #expect(verdict.isAccepted)
        }
        #expect(throws: ParseError.self) {
            try AnyGroth16Verifier(
                snarkjs: try SharedVectors.bytes("vectors/proofs/groth16-snarkjs/bn254-poseidon/verification_key.json")
            )
        }
        #expect(throws: ParseError.self) {
            try AnyGroth16Verifier(
                snarkjs: try SharedVectors.bytes("vectors/proofs/circom-files/ark-mycircuit/verification_key.json")
            )
        }
    }

    @Test func `pitfall 11: a key with commitments is refused`() throws {
        let bytes = try SharedVectors.bytes("vectors/proofs/gnark/blank_groth16_bn254_commit.vk")
        let error = #expect(throws: ParseError.self) { try Groth16Key<BN254>(gnark: bytes) }
        #expect(error?.field == "publicAndCommitmentCommitted")
    }

    /// The page says of every case in which another verifier differs what it does and where Assay refuses.
    @Test func `the page lists every difference to snarkjs and rapidsnark`() throws {
        let page = try String(
            contentsOf: SharedVectors.packageRoot.appendingPathComponent("Documentation/proofs.md"),
            encoding: .utf8
        )
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }
        func word(_ verdict: JSONValue) -> String {
            switch verdict {
            case .bool(true): "**accepts**"
            case .bool(false): "no"
            case .string(let text): text
            default: "–"
            }
        }
        var differing = 0
        for curve in SoundnessCases.curves {
            for item in try SoundnessCases.set(curve)["cases"].items where !item["valid"].isTrue {
                let (name, snarkjs, rapidsnark) = (item["name"].text, item["snarkjs"], item["rapidsnark"])
                guard snarkjs != .bool(false) || ![.bool(false), .null].contains(rapidsnark) else { continue }
                differing += 1
                let row = rows.first { $0.hasPrefix("| `\(name)`") }
                let cells = row?.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) } ?? []
                guard cells.count == 5 else {
                    Issue.record("no row for \(name)")
                    continue
                }
                #expect(cells[1] == word(snarkjs), "\(curve) \(name)")
                if rapidsnark != .null { #expect(cells[2] == word(rapidsnark), "\(curve) \(name)") }
                #expect(cells[3] == "`\(SoundnessCases.refusals[name] ?? "")`", "\(curve) \(name)")
            }
        }
        #expect(differing > 12)
    }
}
