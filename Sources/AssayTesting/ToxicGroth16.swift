// A Groth16 key whose setup secrets were kept: the "toxic waste" of a ceremony. Whoever has them makes valid proofs of any
// statement, without a circuit or a witness. That is what makes it a test's key, and worthless as evidence.
public import Algebra
public import Codecs

/// A verifying key together with the secrets of its setup.
public struct ToxicGroth16<C: PairingCurve>: Sendable {
    private let alpha, beta, gamma, delta: C.G1.Scalar
    private let inputs: [C.G1.Scalar]

    /// A key for `inputCount` public inputs whose secrets follow from `seed`.
    public init(inputCount: Int, seed: UInt64 = 1) {
        var generator = SeededGenerator(seed: seed)
        func secret() -> C.G1.Scalar { C.G1.Scalar(reducing: generator.bytes(32)) }
        (alpha, beta, gamma, delta) = (secret(), secret(), secret(), secret())
        inputs = (0...inputCount).map { _ in secret() }
    }

    /// The key as the `verification_key.json` of snarkjs.
    public var verificationKey: [UInt8] {
        JSONValue.object([
            "protocol": .string("groth16"),
            "curve": .string(Self.curveName),
            "nPublic": .integer(inputs.count - 1),
            "vk_alpha_1": Self.g1(alpha),
            "vk_beta_2": Self.g2(beta),
            "vk_gamma_2": Self.g2(gamma),
            "vk_delta_2": Self.g2(delta),
            "IC": .array(inputs.map(Self.g1)),
        ]).serialized()
    }

    /// A valid proof, as a `proof.json` of snarkjs, that the public inputs (in decimal) are true, whatever they say.
    ///
    /// With the discrete logarithms of A and B chosen, the verification equation is linear in that of C.
    /// - Parameter seed: another seed makes another proof of the same statement.
    public func forgery(_ publicInputs: [String], seed: UInt64 = 1) throws(ParseError) -> [UInt8] {
        guard publicInputs.count == inputs.count - 1 else {
            let expected = "\(inputs.count - 1) inputs"
            throw ParseError(field: "publicInputs", expected: expected, actual: "\(publicInputs.count)")
        }
        var generator = SeededGenerator(seed: seed)
        let a = C.G1.Scalar(reducing: generator.bytes(32))
        let b = C.G1.Scalar(reducing: generator.bytes(32))
        var sum = inputs[0]
        for (text, input) in zip(publicInputs, inputs.dropFirst()) {
            sum += try C.G1.Scalar(decimal: text, field: "publicInputs") * input
        }
        let c = (a * b - alpha * beta - sum * gamma) * (delta.inverse() ?? .zero)
        return JSONValue.object([
            "pi_a": Self.g1(a),
            "pi_b": Self.g2(b),
            "pi_c": Self.g1(c),
            "protocol": .string("groth16"),
            "curve": .string(Self.curveName),
        ]).serialized()
    }

    private static var curveName: String { C.name == "BN254" ? "bn128" : "bls12381" }

    private static func g1(_ scalar: C.G1.Scalar) -> JSONValue {
        let point = (scalar * C.G1.generator).affine
        return .array([.string(point.x.decimal), .string(point.y.decimal), .string("1")])
    }

    private static func g2(_ scalar: C.G1.Scalar) -> JSONValue {
        let point = (scalar * C.G2.generator).affine
        func pair(_ value: Fp2<C.Fields>) -> JSONValue {
            .array([.string(value.c0.decimal), .string(value.c1.decimal)])
        }
        return .array([pair(point.x), pair(point.y), .array([.string("1"), .string("0")])])
    }
}
