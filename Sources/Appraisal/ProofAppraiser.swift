// Judges a proof as evidence: the key against the spec, the public inputs against the execution, the proof against both.
public import Codecs
public import Commitments
public import Proofs
public import Receipts
internal import Verdicts

/// A proof requirement with its key loaded: what provider, validator and auditor all start from.
public struct ProofStatement: Sendable {
    /// The key, prepared.
    public let verifier: AnyGroth16Verifier
    /// The public inputs as the spec and the execution make them: a `public.json` of snarkjs.
    public let publicInputs: [UInt8]
    /// The identity of the claim: the digest of key and public inputs, never of a proof.
    public let digest: Digest

    /// Loads the key of a requirement and fixes every public input.
    /// - Parameter key: the content of the key's file.
    /// - Throws: `ParseError` for whatever is wrong with the key or the spec. It is the requester's fault.
    public init(_ requirement: ProofRequirement, key: [UInt8], values: BoundValues) throws(ParseError) {
        verifier = try Self.verifier(requirement, key: key)
        let inputs = requirement.publicInputs.map { JSONValue.string(values.decimal($0)) }
        publicInputs = JSONValue.array(inputs).serialized()
        do throws(ParseError) {
            digest = try verifier.statementDigest(snarkjsPublicInputs: publicInputs)
        } catch {
            throw error.within("publicInputs")
        }
    }

    /// The key of a requirement, if it is one that a proof can be judged by.
    static func verifier(_ requirement: ProofRequirement, key: [UInt8]) throws(ParseError) -> AnyGroth16Verifier {
        let verifier: AnyGroth16Verifier
        do throws(ParseError) {
            verifier = try AnyGroth16Verifier(snarkjs: key)
        } catch {
            throw error.within(requirement.key.path)
        }
        let curve: ProofRequirement.Curve
        switch verifier {
        case .bn254: curve = .bn254
        case .bls12381: curve = .bls12381
        }
        guard curve == requirement.curve else {
            let expected = requirement.curve.rawValue
            throw ParseError(field: "key.curve", expected: expected, actual: curve.rawValue)
        }
        if let stated = requirement.keyDigest, stated != verifier.keyDigest {
            throw ParseError(field: "key.digest", expected: stated.hex, actual: verifier.keyDigest.hex)
        }
        guard verifier.inputCount == requirement.publicInputs.count else {
            let expected = "\(verifier.inputCount) public inputs, as the key takes"
            throw ParseError(field: "publicInputs", expected: expected, actual: "\(requirement.publicInputs.count)")
        }
        return verifier
    }

    /// What is wrong with a requirement and its key before anything was executed; `nil` when nothing is.
    static func fault(in requirement: ProofRequirement, key: [UInt8]?) -> ParseError? {
        guard let key else { return ParseError(field: requirement.key.path, expected: "a file", actual: "none") }
        // Constants must be in the field, whatever the execution is; the bound halves always are.
        do throws(ParseError) {
            _ = try ProofStatement(requirement, key: key, values: .zero)
            return nil
        } catch {
            return error
        }
    }
}

/// The verdict on one proof.
enum ProofAppraiser {
    static func appraise(
        _ requirement: ProofRequirement,
        at index: Int,
        of claim: ExecutionClaim,
        subject: Digest
    ) -> Verdict {
        let id = "evidence-\(index)"
        let statement: ProofStatement
        guard let key = claim.files[requirement.key.path] else {
            let check = Check(id: id + ".key", result: .skip, expected: requirement.key.path, actual: "not at hand")
            return verdict(.inconclusive, .validator, [check], subject)
        }
        do throws(ParseError) {
            statement = try ProofStatement(requirement, key: key, values: BoundValues(claim.statement))
        } catch {
            let expected = "\(error.field): \(error.expected)"
            let check = Check(id: id + ".key", result: .fail, expected: expected, actual: error.actual)
            return verdict(.requesterFault, .requester, [check], subject)
        }
        var checks = [
            Check(
                id: id + ".key",
                result: .pass,
                expected: "a key that a proof can be judged by",
                actual: statement.verifier.keyDigest.text
            )
        ]
        let part = claim.statement.evidence.first { $0.requirement == index && $0.name == ProofRequirement.part }
        let stated = part?.identity?.hex ?? "none"
        checks.append(.equal(id + ".statement", expected: statement.digest.hex, actual: stated))
        guard let part, let proof = claim.evidence[part.path] else {
            checks.append(Check(id: id + ".proof", result: .skip, expected: "a proof", actual: "not at hand"))
            return verdict(.inconclusive, .validator, checks, subject)
        }
        checks.append(claim.file(part, proof, id + ".proof"))
        let answer = statement.verifier.verify(snarkjsProof: proof, publicInputs: statement.publicInputs)
        checks += answer.checks.map { $0.within(id) }
        return Verdict.judged(
            kind: ProofRequirement.kind,
            by: checks,
            soundness: answer.soundness,
            assumptions: answer.assumptions,
            subject: subject.text
        )
    }

    private static func verdict(_ outcome: Outcome, _ fault: Fault, _ checks: [Check], _ subject: Digest) -> Verdict {
        Verdict(
            kind: ProofRequirement.kind,
            outcome: outcome,
            fault: fault,
            soundness: .none,
            assumptions: [],
            checks: checks,
            subject: subject.text
        )
    }
}

extension Check {
    /// The same line under the name of the requirement that it belongs to.
    func within(_ prefix: String) -> Check {
        var copy = self
        copy.id = "\(prefix).\(id)"
        return copy
    }
}
