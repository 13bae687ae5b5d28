// A Groth16 verifier whose curve is read from the key's own file.
public import Algebra
public import Codecs
public import Commitments
public import Verdicts

/// A prepared key over either curve.
public enum AnyGroth16Verifier: Sendable {
    case bn254(Groth16Verifier<BN254>)
    case bls12381(Groth16Verifier<BLS12381>)

    /// Checks the points of a key and prepares it.
    /// - Throws: `ParseError` for a key that is refused.
    public init(_ key: AnyGroth16Key, allowing compatibility: Set<Groth16Compatibility> = []) throws(ParseError) {
        switch key {
        case .bn254(let key): self = .bn254(Groth16Verifier(try key.checked(allowing: compatibility)))
        case .bls12381(let key): self = .bls12381(Groth16Verifier(try key.checked(allowing: compatibility)))
        }
    }

    /// Reads a `verification_key.json` of snarkjs and prepares it.
    /// - Throws: `ParseError` for a malformed file, an unknown curve or a key that is refused.
    public init(snarkjs json: [UInt8], allowing compatibility: Set<Groth16Compatibility> = []) throws(ParseError) {
        let value = try JSONValue(parsing: json, limits: SnarkJS<BN254>.limits)
        try self.init(try AnyGroth16Key(snarkjs: value, allowing: compatibility), allowing: compatibility)
    }

    /// The digest of the key.
    public var keyDigest: Digest {
        switch self {
        case .bn254(let verifier): verifier.key.digest
        case .bls12381(let verifier): verifier.key.digest
        }
    }

    /// The number of public inputs.
    public var inputCount: Int {
        switch self {
        case .bn254(let verifier): verifier.key.inputCount
        case .bls12381(let verifier): verifier.key.inputCount
        }
    }

    /// Checks the files of snarkjs as they are; see `Groth16Verifier.verify(snarkjsProof:publicInputs:allowing:)`.
    public func verify(
        snarkjsProof proof: [UInt8],
        publicInputs: [UInt8],
        allowing compatibility: Set<Groth16Compatibility> = []
    ) -> Verdict {
        switch self {
        case .bn254(let verifier):
            verifier.verify(snarkjsProof: proof, publicInputs: publicInputs, allowing: compatibility)
        case .bls12381(let verifier):
            verifier.verify(snarkjsProof: proof, publicInputs: publicInputs, allowing: compatibility)
        }
    }
}
