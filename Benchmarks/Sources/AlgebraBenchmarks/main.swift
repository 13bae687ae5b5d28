// Times Algebra and Proofs in microseconds. Arguments: the folder of shared vectors, and optionally a prefix of the
// measurements to take. Scripts/compare.py runs this beside the peers.
import Algebra
import Foundation
import Proofs

func bytes(_ path: String) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
        FileHandle.standardError.write(Data("cannot read \(path)\n".utf8))
        exit(1)
    }
    return Array(data)
}

func groups<C: PairingCurve>(_ curve: C.Type, _ report: inout Report) {
    let name = C.name.lowercased()
    let scalar = C.G1.Scalar(reducing: Integer(words: [1, 2, 3, 0x1234_5678_9abc_def0]))
    let p = (scalar * C.G1.generator).affine, q = (scalar * C.G2.generator).affine
    let prepared = PreparedG2<C>(q)
    let miller = C.millerLoop([PairingTerm(p, q)]).value
    report.measure("\(name).pairing") { keep(C.pairing(p, q)) }
    report.measure("\(name).miller") { keep(C.millerLoop([PairingTerm(p, q)])) }
    report.measure("\(name).miller-prepared") { keep(C.millerLoop([PairingTerm(p, prepared)])) }
    report.measure("\(name).miller-3-of-which-2-prepared") {
        keep(C.millerLoop([PairingTerm(p, q), PairingTerm(p, prepared), PairingTerm(p, prepared)]))
    }
    report.measure("\(name).miller-per-term-of-16", items: 16) {
        keep(C.millerLoop([PairingTerm<C>](repeating: PairingTerm(p, q), count: 16)))
    }
    report.measure("\(name).final-exponentiation") { keep(C.finalExponentiation(miller)) }
    report.measure("\(name).g1-multiply") { keep(scalar * p) }
    report.measure("\(name).g2-multiply") { keep(scalar * q) }
    report.measure("\(name).g1-subgroup") { keep(C.G1.isInSubgroup(p)) }
    report.measure("\(name).g2-subgroup") { keep(C.G2.isInSubgroup(q)) }
    var points: [JacobianPoint<C.G1>] = []
    var scalars: [C.G1.Scalar] = []
    var (running, k) = (JacobianPoint(p), scalar)
    for _ in 0..<1 << 16 {
        points.append(running)
        scalars.append(k)
        running += C.G1.generator
        k = k.squared() + scalar
    }
    let affine = C.G1.normalize(points)
    for log in [12, 14, 16] {
        let (some, few) = (Array(affine.prefix(1 << log)), Array(scalars.prefix(1 << log)))
        report.measure("\(name).msm-2^\(log)", rounds: 3, repeats: 1) {
            keep(C.G1.multiScalar(some, few, threads: 1))
        }
    }
}

func transforms<P: TransformParameters>(_ name: String, _ parameters: P.Type, _ report: inout Report) {
    for log in [12, 16, 18, 20] {
        guard let domain = EvaluationDomain<P>(log: log) else { continue }
        var values = [Field4<P>](repeating: .one, count: domain.size)
        for index in 1..<values.count { values[index] = values[index - 1] + values[index - 1] + .one }
        report.measure("\(name).ntt-2^\(log)", rounds: 3, repeats: 1) { domain.transform(&values) }
    }
}

func groth16<C: PairingCurve>(_ curve: C.Type, _ folder: String, _ report: inout Report) throws {
    let name = C.name.lowercased()
    let key = bytes(folder + "/verification_key.json")
    let proof = bytes(folder + "/proof.json"), inputs = bytes(folder + "/public.json")
    let verifier = Groth16Verifier(try Groth16Key<C>(snarkjs: key))
    guard verifier.verify(snarkjsProof: proof, publicInputs: inputs).isAccepted else { exit(1) }
    report.measure("\(name).groth16-verify-json") { keep(verifier.verify(snarkjsProof: proof, publicInputs: inputs)) }
    let claim = Groth16Claim<C>(
        proof: try Groth16Proof(snarkjs: proof),
        publicInputs: try Groth16Proof<C>.publicInputs(snarkjs: inputs)
    )
    report.measure("\(name).groth16-parse-json") { keep(try? Groth16Proof<C>(snarkjs: proof)) }
    let claims = [Groth16Claim<C>](repeating: claim, count: 64)
    report.measure("\(name).groth16-batch-64", rounds: 5, repeats: 1, items: 64) { keep(verifier.verifyBatch(claims)) }
    report.measure("\(name).groth16-prepare-key", repeats: 1) { keep(Groth16Verifier(verifier.key)) }
}

func kzg(_ folder: String, _ report: inout Report) throws {
    let setup = try KZGSetup(text: String(decoding: bytes(folder + "/trusted_setup.txt"), as: UTF8.self))
    var state: UInt64 = 1
    var blobs: [KZGBlob] = []
    for _ in 0..<6 {
        var blob: [UInt8] = []
        for _ in 0..<4096 {
            blob.append(0)
            for _ in 0..<31 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                blob.append(UInt8(truncatingIfNeeded: state >> 33))
            }
        }
        blobs.append(try setup.proving(blob))
    }
    let verifier = KZGVerifier.ethereum
    guard verifier.verifyBatch(blobs).isAccepted, verifier.verify(blobs[0]).isAccepted else { exit(1) }
    let z = KZGVerifier.challenge(blob: blobs[0].blob, commitment: blobs[0].commitment)
    let y = try setup.value(of: blobs[0].blob, at: z)
    report.measure("kzg.verify-proof") {
        keep(
            verifier.verify(
                commitment: blobs[0].commitment,
                z: z.bigEndianBytes,
                y: y.bigEndianBytes,
                proof: blobs[0].proof
            )
        )
    }
    report.measure("kzg.verify-blob") { keep(verifier.verify(blobs[0])) }
    report.measure("kzg.verify-blob-batch-6") { keep(verifier.verifyBatch(blobs)) }
    report.measure("kzg.commit-blob", rounds: 3, repeats: 1) { keep(try? setup.commitment(to: blobs[0].blob)) }
}

let arguments = CommandLine.arguments
guard arguments.count >= 2 else {
    print("usage: algebra-bench SHARED [PREFIX]")
    exit(2)
}
let vectors = arguments[1] + "/vectors/proofs"
var report = Report(prefix: arguments.count > 2 ? arguments[2] : "")
do {
    groups(BN254.self, &report)
    groups(BLS12381.self, &report)
    transforms("bn254", BN254FrParameters.self, &report)
    transforms("bls12-381", BLS12381FrParameters.self, &report)
    try groth16(BN254.self, vectors + "/groth16-snarkjs/bn254-multiplier2", &report)
    try groth16(BLS12381.self, vectors + "/groth16-snarkjs/bls12-381-multiplier2", &report)
    try kzg(vectors + "/kzg", &report)
} catch {
    FileHandle.standardError.write(Data("\(error)\n".utf8))
    exit(1)
}
report.print()
