// Whether an entry is in a log that somebody believes: an offline proof against a policy of the verifier's own.
internal import Codecs
public import Commitments
internal import Receipts
public import TransparencyLog
public import Verdicts

/// Judges proofs of transparency logs.
public enum LogAppraiser {
    /// Whether the policy believes the proof's checkpoint (`log.policy`), and whether the entry with this leaf hash stands under
    /// it (`log.inclusion`).
    public static func checks(_ proof: LogProof, leaf: Digest, policy: LogPolicy) -> [Check] {
        let believed: Check
        do {
            let accepted = try policy.verify(proof.checkpoint)
            believed = Check(
                id: "log.policy",
                result: .pass,
                expected: "a believed checkpoint",
                actual: ([accepted.log.name] + accepted.witnesses.keys.sorted()).joined(separator: ", "),
                source: "c2sp.org/tlog-policy"
            )
        } catch {
            believed = Check(
                id: "log.policy",
                result: .fail,
                expected: "a believed checkpoint",
                actual: "\(error)",
                source: "c2sp.org/tlog-policy"
            )
        }
        let isIncluded = proof.includes(leaf: leaf)
        let place = "entry \(proof.index) of \(proof.checkpoint.checkpoint.size)"
        return [
            believed,
            .that(
                "log.inclusion",
                isIncluded,
                expected: place,
                actual: isIncluded ? place : "another entry",
                source: "RFC 9162 §2.1.3"
            ),
        ]
    }
}

extension Auditor {
    /// The receipt's place in a log. A trust file that names a log demands it; without one a proof in the file says nothing.
    mutating func checkLog(_ proof: LogProof?, _ policy: LogPolicy?) {
        guard let policy else {
            if proof != nil {
                checks.append(Check(id: "log.proof", result: .skip, actual: "the trust file names no log"))
            }
            return
        }
        that(
            "log.proof",
            proof != nil,
            expected: "a proof that a log has the receipt",
            actual: proof == nil ? "none in the file" : "one"
        )
        guard let proof else { return }
        checks += LogAppraiser.checks(proof, leaf: MerkleTree.leafHash(file.receipt.logEntry), policy: policy)
    }
}
