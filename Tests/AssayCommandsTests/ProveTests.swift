// `assay prove` and `assay inspect` as a user runs them, over the shared files of snarkjs, gnark, SP1, Ethereum and drand.
import Algebra
import AssayTesting
import Codecs
import Commitments
import Foundation
import Proofs
import Testing

@testable import AssayCommands

@Suite(.enabled(if: SharedVectors.has("vectors/proofs", for: "ProveTests")))
struct ProveTests {
    private let workplace: Workplace
    private let shared: String

    init() throws {
        workplace = try Workplace()
        shared = try #require(SharedVectors.folder).path + "/vectors/proofs/"
    }

    private func snarkjs(_ set: String = "bn254-multiplier2") -> [String] {
        let folder = shared + "groth16-snarkjs/\(set)/"
        return [
            "prove", "verify", "groth16", "--key", folder + "verification_key.json", "--proof", folder + "proof.json",
            "--public", folder + "public.json",
        ]
    }

    /// Writes the parts of a soundness case and gives the command over them.
    private func command(_ set: String, case name: String) throws -> [String] {
        let document = try SharedVectors.json("vectors/proofs/soundness/\(set).json")
        let item = try #require(document["cases"].items.first { $0["name"].text == name })
        try workplace.write(document["verification_key"].serialized(), "key.json")
        try workplace.write(item["proof"].serialized(), "\(name)-proof.json")
        try workplace.write(item["public"].serialized(), "\(name)-public.json")
        return [
            "prove", "verify", "groth16", "--key", workplace.path("key.json"), "--proof",
            workplace.path("\(name)-proof.json"), "--public", workplace.path("\(name)-public.json"),
        ]
    }

    @Test(arguments: ["bn254-multiplier2", "bls12-381-multiplier2", "risc0-test"])
    func `a proof of snarkjs, as it is`(_ set: String) async throws {
        let run = await workplace.run(snarkjs(set) + ["--json"])
        #expect(run.status == .ok, "\(run.output)")
        #expect(try run.member("verdict.outcome") == .string("accepted"))
        #expect(try run.member("verdict.kind") == .string("groth16"))
        #expect(try run.member("verdict.soundness.error") == .string(set.hasPrefix("bls") ? "2^-120" : "2^-100"))
        #expect(try run.member("compat") == .array([]))
        let human = await workplace.run(snarkjs(set))
        #expect(human.status == .ok)
        for word in ["ACCEPTED", "groth16.equation", "rests on", "subject", "sha256:"] {
            #expect(human.output.contains(word), "\(word)")
        }
        #expect(human.error.isEmpty)
    }

    @Test func `a verdict names the check that failed, and malformed proofs are rejected ones`() async throws {
        for (name, check) in [
            ("public-plus-one", "groth16.equation"), ("public-plus-r", "groth16.public.encoding"),
            ("b-not-in-subgroup", "groth16.proof.b"), ("public-extra", "groth16.public.count"),
            ("wrong-curve", "groth16.proof.encoding"),
        ] {
            let run = await workplace.run(try command("groth16-bn254-cases", case: name) + ["--json"])
            #expect(run.status == .rejected, "\(name)")
            #expect(try run.member("error.id") == .string(check), "\(name)")
            #expect(try run.member("verdict.outcome") == .string("rejected"))
        }
        let human = await workplace.run(try command("groth16-bn254-cases", case: "public-plus-one"))
        #expect(human.output.contains("REJECTED"))
        #expect(human.output.contains("FAIL  groth16.equation"))
    }

    @Test func `a relaxation is asked for by name and told in the answer`() async throws {
        let arguments = try command("groth16-bn254-cases", case: "a-plus-q")
        #expect(await workplace.run(arguments).status == .rejected)
        let run = await workplace.run(arguments + ["--compat", "unreducedCoordinates", "--json"])
        #expect(run.status == .ok)
        #expect(try run.member("compat") == .array([.string("unreducedCoordinates")]))
        #expect(
            await workplace.run(arguments + ["--compat", "unreducedCoordinates"]).output.contains("allowed: unreduced")
        )
        #expect(await workplace.run(arguments + ["--compat", "everything"]).status == .usage)
    }

    @Test func `a batch names its culprits`() async throws {
        let document = try SharedVectors.json("vectors/proofs/soundness/groth16-batch-bn254.json")
        try workplace.write(document["verification_key"].serialized(), "key.json")
        #expect(document["batches"].items.count > 3)
        for batch in document["batches"].items where batch["proofs"].items.count > 1 {
            var (proofs, inputs): ([String], [String]) = ([], [])
            for (index, item) in batch["proofs"].items.enumerated() {
                try workplace.write(item["proof"].serialized(), "p\(index).json")
                try workplace.write(item["public"].serialized(), "i\(index).json")
                proofs.append(workplace.path("p\(index).json"))
                inputs.append(workplace.path("i\(index).json"))
            }
            let arguments =
                ["prove", "verify", "groth16", "--key", workplace.path("key.json"), "--proof"] + proofs + ["--public"]
                + inputs
            let run = await workplace.run(arguments + ["--json"])
            let bad = batch["bad"].items.compactMap { Int($0.text) }
            #expect(run.status == (bad.isEmpty ? .ok : .partial), "\(batch["name"].text)")
            let items = try JSONValue.object(run.document())["items"].items
            #expect(items.count == proofs.count)
            #expect(items.indices.filter { items[$0]["ok"] == .bool(false) } == bad, "\(batch["name"].text)")
            let human = await workplace.run(arguments)
            for index in proofs.indices { #expect(human.output.contains(proofs[index] + ":") == bad.contains(index)) }
        }
    }

    @Test func `malformed files stand beside good ones in a batch`() async throws {
        try workplace.write(Array("{}".utf8), "broken.json")
        var arguments = snarkjs()
        let (proof, inputs) = (arguments[6], arguments[8])
        arguments = Array(arguments[..<5]) + ["--proof", proof, workplace.path("broken.json"), proof, "--public"]
        arguments += [inputs, inputs, inputs]
        let run = await workplace.run(arguments + ["--json"])
        #expect(run.status == .partial)
        let items = try JSONValue.object(run.document())["items"].items
        #expect(items.map { $0["ok"] } == [.bool(true), .bool(false), .bool(true)])
        #expect(items[1]["verdict"]["checks"][0]["id"].text == "groth16.proof.encoding")
        #expect(await workplace.run(Array(arguments.dropLast())).status == .usage)
    }

    @Test func `gnark's and the EVM's forms`() async throws {
        let folder = "vectors/proofs/sp1/v6.0.0/"
        let fixture = try SharedVectors.json(folder + "groth16-fixture.json")
        let proof = Array(fixture["proof"].hex.dropFirst(4))
        var digest = SHA256.hash(fixture["publicValues"].hex).bytes
        digest[0] &= 0x1f
        let words = fixture["vkey"].hex + digest + proof.prefix(96)
        try workplace.write(Array(("0x" + Hex.encode(proof.dropFirst(96)) + "\n").utf8), "proof.hex")
        try workplace.write(words, "inputs.bin")
        let key = try #require(SharedVectors.folder).path + "/" + folder + "groth16_vk.bin"
        let arguments = [
            "prove", "verify", "groth16", "--key", key, "--proof", workplace.path("proof.hex"), "--public",
        ]
        let run = await workplace.run(arguments + [workplace.path("inputs.bin"), "--format", "evm"])
        #expect(run.status == .ok, "\(run.output) \(run.error)")
        // The same words are gnark's raw points; its public witness puts three numbers before them.
        try workplace.write(Array(proof.dropFirst(96)), "proof.bin")
        try workplace.write([0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 5] + words, "witness.bin")
        var gnark = arguments
        gnark[6] = workplace.path("proof.bin")
        #expect(await workplace.run(gnark + [workplace.path("witness.bin")]).status == .ok)
        try workplace.write([0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 5] + words, "witness.bin")
        let secret = await workplace.run(gnark + [workplace.path("witness.bin"), "--json"])
        #expect(try secret.member("error.id") == .string("groth16.public.encoding"))
        #expect(await workplace.run(gnark + [workplace.path("witness.bin"), "--format", "cbor"]).status == .usage)
    }

    @Test func `keys are checked one check at a time`() async throws {
        let good = await workplace.run(["prove", "key", "check", snarkjs()[4], "--json"])
        #expect(good.status == .ok)
        #expect(try good.member("curve") == .string("BN254"))
        #expect(try good.member("publicInputs") == .integer(1))
        let failing = [
            "": "groth16.key.gamma-delta", "delta-infinity": "groth16.key.delta",
            "ic-infinity": "groth16.key.inputs[1]", "ic-short": "groth16.key.malformed",
            "delta-off-curve": "groth16.key.delta", "beta-not-in-subgroup": "groth16.key.beta",
        ]
        for item in try SharedVectors.json("vectors/proofs/soundness/groth16-bad-keys.json").items {
            try workplace.write(item["verification_key"].serialized(), "key.json")
            let run = await workplace.run(["prove", "key", "check", workplace.path("key.json"), "--json"])
            let name = item["name"].text
            #expect(run.status == (name == "ic-short" ? .dataError : .rejected), "\(name)")
            #expect(try run.member("error.id") == .string(failing[name] ?? "?"), "\(name)")
            // Verification refuses exactly the keys that the check refuses.
            var arguments = snarkjs()
            arguments[4] = workplace.path("key.json")
            #expect(await workplace.run(arguments).status == run.status, "\(name)")
        }
        let forgeable = shared + "groth16-snarkjs/bn254-poseidon/verification_key.json"
        #expect(
            await workplace.run(["prove", "key", "check", forgeable]).output.contains("FAIL  groth16.key.gamma-delta")
        )
        let allowed = await workplace.run(["prove", "key", "check", forgeable, "--compat", "sharedGammaDelta"])
        #expect(allowed.status == .ok)
        #expect(allowed.output.contains("skip  groth16.key.gamma-delta"))
        let commitments = await workplace.run([
            "prove", "key", "check", shared + "gnark/blank_groth16_bn254_commit.vk", "--json",
        ])
        #expect(commitments.status == .dataError)
        #expect(try commitments.member("error.expected") == .string("a key without Pedersen commitments (BSB22)"))
    }

    @Test func `KZG openings, blobs and the precompile's input`() async throws {
        let cases = try SharedVectors.json("vectors/proofs/kzg/verify_kzg_proof.json").items
        let good = try #require(cases.first { $0["output"].isTrue })["input"]
        let bad = try #require(cases.first { $0["output"] == .bool(false) })["input"]
        try workplace.write(good.serialized(), "good.json")
        try workplace.write(JSONValue.array([good, bad]).serialized(), "both.json")
        #expect(await workplace.run(["prove", "verify", "kzg", workplace.path("good.json")]).status == .ok)
        let both = await workplace.run(["prove", "verify", "kzg", workplace.path("both.json"), "--json"])
        #expect(both.status == .partial)
        #expect(try both.member("failed") == .integer(1))
        #expect(
            await workplace.run(["prove", "verify", "kzg", workplace.path("both.json")]).output.contains("both.json[1]")
        )
        let input = try SharedVectors.json("vectors/proofs/evm/pointEvaluation.json")[0]["Input"].hex
        try workplace.write(input, "input.bin")
        #expect(await workplace.run(["prove", "verify", "kzg", workplace.path("input.bin")]).status == .ok)
        try workplace.write([2] + input.dropFirst(), "input.bin")
        let version = await workplace.run(["prove", "verify", "kzg", workplace.path("input.bin"), "--json"])
        #expect(try version.member("error.id") == .string("kzg.versioned-hash"))
        let setup = ["--setup", shared + "kzg/trusted_setup.txt"]
        #expect(await workplace.run(["prove", "verify", "kzg", workplace.path("good.json")] + setup).status == .ok)
        try workplace.write(Array("[]".utf8), "none.json")
        #expect(await workplace.run(["prove", "verify", "kzg", workplace.path("none.json")]).status == .dataError)
    }

    @Test func `blobs of a setup of one's own, as sidecars, with the culprit named`() async throws {
        let setup = try KZGSetup(
            text: String(decoding: SharedVectors.bytes("vectors/proofs/kzg/trusted_setup.txt"), as: UTF8.self)
        )
        var sidecars: [JSONValue] = []
        for seed in 1...3 as ClosedRange<UInt8> {
            let blob = try setup.proving([UInt8](repeating: 0, count: 4096 * 32 - 1) + [seed])
            sidecars.append(
                .object([
                    "index": .string("\(seed)"), "blob": .string("0x" + Hex.encode(blob.blob)),
                    "kzg_commitment": .string("0x" + Hex.encode(blob.commitment)),
                    "kzg_proof": .string("0x" + Hex.encode(blob.proof)),
                ])
            )
        }
        try workplace.write(JSONValue.object(["data": .array(sidecars)]).serialized(), "sidecars.json")
        let arguments = ["prove", "verify", "kzg", workplace.path("sidecars.json")]
        #expect(await workplace.run(arguments).output.contains("3 claims, all accepted"))
        guard case .object(var second) = sidecars[1], case .object(let third) = sidecars[2] else { return }
        second["kzg_proof"] = third["kzg_proof"]
        sidecars[1] = .object(second)
        try workplace.write(JSONValue.object(["data": .array(sidecars)]).serialized(), "sidecars.json")
        let run = await workplace.run(arguments)
        #expect(run.status == .partial)
        #expect(run.output.contains("sidecars.json[1]: REJECTED"))
        #expect(!run.output.contains("sidecars.json[0]"))
    }

    @Test func `BLS signatures`() async throws {
        let groups = try SharedVectors.json("vectors/proofs/wycheproof/bls_sig_g2_pop_verify_test.json")["testGroups"]
        var seen: Set<Bool> = []
        for group in groups.items {
            for test in group["tests"].items.prefix(4) {
                let isValid = test["result"].text == "valid"
                seen.insert(isValid)
                let claim: JSONObject = [
                    "pubkey": group["publicKey"]["pk"], "message": test["msg"], "signature": test["sig"],
                ]
                try workplace.write(JSONValue.object(claim).serialized(), "claim.json")
                let arguments = ["prove", "verify", "bls", workplace.path("claim.json"), "--scheme"]
                #expect(await workplace.run(arguments + ["pop"]).status == (isValid ? .ok : .rejected))
                #expect(await workplace.run(arguments + ["basic"]).status == .rejected)
            }
        }
        #expect(seen.contains(true))
        for options in [["--scheme", "best"], ["--keys-in", "g3"], ["--keys-in", "g2"], ["--tag", ""]] {
            #expect(await workplace.run(["prove", "verify", "bls", "x"] + options).status == .usage)
        }
    }

    @Test func `a drand beacon is worth its randomness only in the round that was expected`() async throws {
        let chains = try SharedVectors.json("vectors/proofs/drand/chains.json")
        try workplace.write(chains["DEFAULT_CHAIN_INFO"].serialized(), "chain.json")
        let beacon = shared + "drand/mainnet-round1.json"
        let arguments = ["prove", "verify", "drand", beacon, "--chain", workplace.path("chain.json")]
        let run = await workplace.run(arguments + ["--round", "1", "--json"])
        #expect(run.status == .ok)
        let signature = try SharedVectors.json("vectors/proofs/drand/mainnet-round1.json")["signature"].hex
        #expect(try run.member("randomness") == .string(SHA256.hash(signature).hex))
        let hash = chains["DEFAULT_CHAIN_INFO"]["hash"].text
        #expect(await workplace.run(arguments + ["--round", "1", "--chain-hash", hash]).status == .ok)
        let foreign = await workplace.run(
            arguments + ["--round", "1", "--chain-hash", String(repeating: "0", count: 64), "--json"]
        )
        #expect(try foreign.member("error.id") == .string("drand.chain-hash"))
        let later = await workplace.run(arguments + ["--round", "2", "--json"])
        #expect(later.status == .rejected)
        #expect(try later.member("error.id") == .string("drand.round"))
        #expect(try later.member("randomness") == nil)
        let genesis = Timestamp.text(Int64(chains["DEFAULT_CHAIN_INFO"]["genesis_time"].text) ?? 0)
        #expect(await workplace.run(arguments + ["--at", genesis]).status == .ok)
        #expect(await workplace.run(arguments).status == .usage)
        #expect(await workplace.run(arguments + ["--round", "1", "--at", genesis]).status == .usage)
    }

    @Test func `inspect knows each kind by its content`() async throws {
        let folder = shared + "groth16-snarkjs/bn254-multiplier2/"
        try workplace.write(
            try SharedVectors.json("vectors/proofs/drand/chains.json")["DEFAULT_CHAIN_INFO"].serialized(),
            "chain.json"
        )
        let claim: JSONObject = ["pubkey": .string("0xab"), "message": .string(""), "signature": .string("00")]
        try workplace.write(JSONValue.object(claim).serialized(), "bls.json")
        let proof = try Groth16Proof<BLS12381>(
            snarkjs: SharedVectors.bytes("vectors/proofs/groth16-snarkjs/bls12-381-multiplier2/proof.json")
        )
        let (a, b, c) = (try proof.a.checked(), try proof.b.checked(), try proof.c.checked())
        try workplace.write(a.compressed(.zcash) + b.compressed(.zcash) + c.compressed(.zcash), "proof.bin")
        let opening = try SharedVectors.json("vectors/proofs/kzg/verify_kzg_proof.json")[0]["input"]
        try workplace.write(opening.serialized(), "opening.json")
        for (path, kind) in [
            (folder + "verification_key.json", "groth16-key"), (folder + "proof.json", "groth16-proof"),
            (folder + "public.json", "groth16-public"), (shared + "sp1/v6.0.0/groth16_vk.bin", "groth16-key"),
            (shared + "gnark/blank_groth16_bls12381_nocommit.vk", "groth16-key"),
            (workplace.path("proof.bin"), "groth16-proof"), (workplace.path("opening.json"), "kzg"),
            (shared + "kzg/trusted_setup.txt", "kzg-setup"), (workplace.path("bls.json"), "bls"),
            (workplace.path("chain.json"), "drand-chain"), (shared + "drand/mainnet-round1.json", "drand-beacon"),
        ] {
            let run = await workplace.run(["inspect", path, "--json"])
            #expect(run.status == .ok, "\(path): \(run.output)")
            #expect(try run.member("kind") == .string(kind), "\(path)")
        }
        // A key that anyone can forge under is shown all the same: nothing is judged.
        let forgeable = shared + "groth16-snarkjs/bn254-poseidon/verification_key.json"
        #expect(await workplace.run(["inspect", forgeable]).status == .ok)
    }
}
