// What `assay bench run` can measure. Every subject is made here, from fixed numbers and secrets known to this file, so that
// a measurement needs no other file and two runs measure the same work.
internal import Algebra
internal import Codecs
internal import Proofs
internal import Verdicts

/// A family of measurements.
enum BenchSubject: String, CaseIterable {
    case pairing
    case msm
    case ntt
    case groth16
    case kzg

    /// The sizes that are measured when none are named.
    var sizes: [Int] {
        switch self {
        case .pairing: [1, 4]
        case .msm: [1 << 12, 1 << 14, 1 << 16]
        case .ntt: [1 << 12, 1 << 16, 1 << 18]
        case .groth16: [1, 16, 64]
        case .kzg: [1, 6]
        }
    }

    /// The largest size, a bound on memory.
    var maximumSize: Int {
        switch self {
        case .pairing: 4096
        case .msm: 1 << 20
        case .ntt: 1 << 24
        case .groth16: 4096
        case .kzg: 64
        }
    }

    /// Whether a size must be a power of two.
    var needsPowerOfTwo: Bool { self == .ntt }

    /// What a size counts.
    var unit: String {
        switch self {
        case .pairing: "pairs in one product"
        case .msm: "points of G1"
        case .ntt: "elements"
        case .groth16: "proofs under one key"
        case .kzg: "blobs"
        }
    }

    /// The measurements of one size: a name, and the work. Making the subject is not measured.
    func cases(size: Int) -> [(name: String, body: () -> Void)] {
        switch self {
        case .pairing: [Self.pairing(BN254.self, size), Self.pairing(BLS12381.self, size)]
        case .msm: [Self.msm(BN254.self, size), Self.msm(BLS12381.self, size)]
        case .ntt:
            [Self.ntt("bn254", BN254FrParameters.self, size), Self.ntt("bls12-381", BLS12381FrParameters.self, size)]
        case .groth16: [Self.groth16(BN254.self, size), Self.groth16(BLS12381.self, size)]
        case .kzg: Self.kzg(size)
        }
    }

    /// Keeps the optimiser from dropping work whose result nobody reads.
    @inline(never) private static func keep<Value>(_ value: Value) {}

    /// Numbers that fill the field, the same ones in every run.
    private static func scalars<F: PrimeField>(_ count: Int) -> [F] {
        let base = F(
            reducing: Integer(words: [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb, 7])
        )
        var scalars: [F] = []
        var value = base
        for _ in 0..<count {
            scalars.append(value)
            value = value.squared() + base
        }
        return scalars
    }

    private static func points<G: CurveGroup>(_ group: G.Type, _ count: Int) -> [AffinePoint<G>] {
        var points: [JacobianPoint<G>] = []
        var point = scalars(1)[0] * G.generator
        for _ in 0..<count {
            points.append(point)
            point += G.generator
        }
        return G.normalize(points)
    }

    private static func pairing<C: PairingCurve>(_ curve: C.Type, _ size: Int) -> (String, () -> Void) {
        let terms = zip(points(C.G1.self, size), points(C.G2.self, size)).map { PairingTerm<C>($0, $1) }
        return ("pairing/\(C.name.lowercased())", { keep(C.pairingProduct(terms)) })
    }

    private static func msm<C: PairingCurve>(_ curve: C.Type, _ size: Int) -> (String, () -> Void) {
        let points = points(C.G1.self, size)
        let scalars: [C.G1.Scalar] = scalars(size)
        return ("msm/\(C.name.lowercased())", { keep(C.G1.multiScalar(points, scalars, threads: 1)) })
    }

    private static func ntt<P: TransformParameters>(
        _ name: String,
        _ parameters: P.Type,
        _ size: Int
    ) -> (String, () -> Void) {
        var values: [Field4<P>] = scalars(size)
        let domain = EvaluationDomain<P>(log: size.trailingZeroBitCount)
        return ("ntt/\(name)", { domain?.transform(&values) })
    }

    /// A key whose secrets are known, and with them proofs of any statement: C solves the equation.
    private static func groth16<C: PairingCurve>(_ curve: C.Type, _ size: Int) -> (String, () -> Void) {
        let secrets: [C.G1.Scalar] = scalars(8)
        let (alpha, beta, gamma, delta) = (secrets[0], secrets[1], secrets[2], secrets[3])
        let (constant, factor) = (secrets[4], secrets[5])
        let key = UncheckedGroth16Key<C>(
            alpha: (alpha * C.G1.generator).affine.unchecked,
            beta: (beta * C.G2.generator).affine.unchecked,
            gamma: (gamma * C.G2.generator).affine.unchecked,
            delta: (delta * C.G2.generator).affine.unchecked,
            inputs: [constant, factor].map { ($0 * C.G1.generator).affine.unchecked }
        )
        let inverse = delta.inverse() ?? .one
        let claims = scalars(size).map { input -> Groth16Claim<C> in
            let (a, b) = (input + secrets[6], input + secrets[7])
            let c = (a * b - alpha * beta - gamma * (constant + factor * input)) * inverse
            let proof = Groth16Proof<C>(
                a: (a * C.G1.generator).affine.unchecked,
                b: (b * C.G2.generator).affine.unchecked,
                c: (c * C.G1.generator).affine.unchecked
            )
            return Groth16Claim(proof: proof, publicInputs: [input])
        }
        let verifier = (try? key.checked()).map { Groth16Verifier($0) }
        let name = "groth16/\(C.name.lowercased())"
        guard let verifier, verifier.verifyBatch(claims).allSatisfy(\.isAccepted) else {
            preconditionFailure("a claim made from the key's secrets holds")
        }
        if size == 1 {
            return (name, { keep(verifier.verify(claims[0].proof, publicInputs: claims[0].publicInputs)) })
        }
        return (name, { keep(verifier.verifyBatch(claims)) })
    }

    private static func kzg(_ size: Int) -> [(name: String, body: () -> Void)] {
        let secret: BLS12381.Fr = scalars(1)[0]
        let verifier = KZGVerifier(tau: (secret * BLS12381G2.generator).affine)
        let elements: [BLS12381.Fr] = scalars(KZGVerifier.elementsPerBlob + size)
        let blobs = (0..<size).map { index in
            KZGBlob.proving(Array(elements[index..<index + KZGVerifier.elementsPerBlob]), secret: secret)
        }
        let z = KZGVerifier.challenge(blob: blobs[0].blob, commitment: blobs[0].commitment).bigEndianBytes
        guard let y = KZGVerifier.value(of: blobs[0])?.bigEndianBytes, verifier.verifyBatch(blobs).isAccepted else {
            preconditionFailure("a blob committed to with the setup's secret holds")
        }
        var cases: [(name: String, body: () -> Void)] = [
            ("kzg/blobs", { keep(size == 1 ? verifier.verify(blobs[0]) : verifier.verifyBatch(blobs)) })
        ]
        if size == 1 {
            cases.append(
                (
                    "kzg/opening",
                    {
                        keep(
                            verifier.verify(commitment: blobs[0].commitment, z: z, y: y, proof: blobs[0].proof)
                        )
                    }
                )
            )
        }
        return cases
    }
}
