// The identity of a Groth16 claim when key and inputs come as snarkjs files.
internal import Algebra
public import Codecs
public import Commitments

extension AnyGroth16Verifier {
    /// The identity of the claim that `publicInputs`, a `public.json`, make under this key: a digest of the key and the
    /// inputs, whatever proof comes with it.
    /// - Throws: `ParseError` for a malformed file, a number outside the field, or another count than the key takes.
    public func statementDigest(snarkjsPublicInputs publicInputs: [UInt8]) throws(ParseError) -> Digest {
        switch self {
        case .bn254(let verifier): try Self.digest(verifier.key, publicInputs)
        case .bls12381(let verifier): try Self.digest(verifier.key, publicInputs)
        }
    }

    private static func digest<C: PairingCurve>(
        _ key: Groth16Key<C>,
        _ publicInputs: [UInt8]
    ) throws(ParseError) -> Digest {
        let inputs = try Groth16Proof<C>.publicInputs(snarkjs: publicInputs)
        guard inputs.count == key.inputCount else {
            throw ParseError(field: "", expected: "\(key.inputCount) public inputs", actual: "\(inputs.count)")
        }
        return key.statementDigest(inputs)
    }
}
