// Groth16 claims as files: proof and public inputs in the layout of snarkjs, gnark or contracts, one or many.
public import Algebra
public import Codecs
public import Verdicts

/// A proof and its public inputs as files hold them.
public struct Groth16Files: Sendable {
    /// snarkjs' proof.json, gnark's proof or the words A, B, C.
    public var proof: [UInt8]
    /// snarkjs' public.json; for the other formats also gnark's public witness or words.
    public var publicInputs: [UInt8]

    /// The files with these bytes.
    public init(proof: [UInt8], publicInputs: [UInt8]) {
        self.proof = proof
        self.publicInputs = publicInputs
    }
}

extension Groth16Verifier where C.G1.Coordinate: EVMCoordinate, C.Fields.Base: EVMCoordinate {
    /// Checks files; several at once are checked as one batch. Whatever is malformed in a file is a failed check of its
    /// verdict, whose subject is then the key's digest.
    /// - Parameter format: the proofs' layout; `nil` takes JSON for snarkjs' and everything else for gnark's.
    /// - Returns: one verdict for each element of `files`, in their order.
    public func verify(
        _ files: [Groth16Files],
        format: Groth16Format? = nil,
        allowing compatibility: Set<Groth16Compatibility> = []
    ) -> [Verdict] {
        var verdicts: [Verdict?] = []
        var claims: [Groth16Claim<C>] = []
        for file in files {
            do throws(MalformedClaim) {
                claims.append(try Self.claim(file, format, compatibility))
                verdicts.append(nil)
            } catch {
                verdicts.append(malformed(error.check, error.reason))
            }
        }
        let judged =
            claims.count == 1 ? [verify(claims[0].proof, publicInputs: claims[0].publicInputs)] : verifyBatch(claims)
        var rest = judged[...]
        return verdicts.compactMap { $0 ?? rest.popFirst() }
    }

    private static func claim(
        _ files: Groth16Files,
        _ format: Groth16Format?,
        _ compatibility: Set<Groth16Compatibility>
    ) throws(MalformedClaim) -> Groth16Claim<C> {
        let format = format ?? (Groth16Format.isJSON(files.proof) ? .snarkjs : .gnark)
        let inputs: [C.G1.Scalar]
        do {
            inputs =
                switch format {
                case _ where Groth16Format.isJSON(files.publicInputs), .snarkjs:
                    try Groth16Proof<C>.publicInputs(snarkjs: files.publicInputs, allowing: compatibility)
                case .gnark: try Groth16Proof<C>.publicInputs(gnark: files.publicInputs)
                case .evm: try Groth16Proof<C>.publicInputs(evm: Groth16Format.words(files.publicInputs, "inputs"))
                }
        } catch {
            throw MalformedClaim(check: "groth16.public.encoding", reason: error)
        }
        do {
            let proof =
                switch format {
                case .snarkjs: try Groth16Proof<C>(snarkjs: files.proof, allowing: compatibility)
                case .gnark: try Groth16Proof<C>(gnark: files.proof)
                case .evm: try Groth16Proof<C>(evm: Groth16Format.words(files.proof, "proof"))
                }
            return Groth16Claim(proof: proof, publicInputs: inputs)
        } catch {
            throw MalformedClaim(check: "groth16.proof.encoding", reason: error)
        }
    }
}

/// Which file of a claim is malformed, as the check that it fails.
private struct MalformedClaim: Error {
    var check: String
    var reason: ParseError
}

extension AnyGroth16Verifier {
    /// Checks files; see `Groth16Verifier.verify(_:format:allowing:)`.
    public func verify(
        _ files: [Groth16Files],
        format: Groth16Format? = nil,
        allowing compatibility: Set<Groth16Compatibility> = []
    ) -> [Verdict] {
        switch self {
        case .bn254(let verifier): verifier.verify(files, format: format, allowing: compatibility)
        case .bls12381(let verifier): verifier.verify(files, format: format, allowing: compatibility)
        }
    }
}
