// The log's side of c2sp.org/tlog-witness: what to send to one witness, and what its answer means. Pure: whoever runs it does
// the sending, and nothing that a witness says is believed without its signature.
public import Codecs
public import Commitments

/// One checkpoint's way to one witness.
public struct WitnessRound: Sendable {
    /// What the last answer means.
    public enum Step: Sendable, Equatable {
        /// The witness has seen the checkpoint: its verified cosignature.
        case cosigned(SignedNote.Signature)
        /// The witness knows another size than was thought: send this.
        case again(AddCheckpointRequest)
        /// The witness knows more entries than this log has, or does not accept the proof from what it knows: it has been shown
        /// another history, or this log has lost a part of its own.
        case splitView(knownSize: UInt64)
        /// The witness does not cosign, and says why.
        case refused(status: Int, String)
    }

    /// The checkpoint.
    public let checkpoint: SignedCheckpoint
    /// The key by which the witness's signature is checked.
    public let witness: NoteKey
    private let proof: @Sendable (UInt64) -> [Digest]?
    private var knownSize: UInt64?

    /// Begins a round.
    /// - Parameter proof: the consistency proof from an older size to the checkpoint's; `nil` when there is none.
    public init(
        checkpoint: SignedCheckpoint,
        witness: NoteKey,
        proof: @escaping @Sendable (_ oldSize: UInt64) -> [Digest]?
    ) {
        self.checkpoint = checkpoint
        self.witness = witness
        self.proof = proof
    }

    /// The first request, for a witness that is thought to have cosigned `oldSize` entries last; 0 when nothing is known.
    /// - Returns: `nil` when there is no proof from there.
    public func request(oldSize: UInt64 = 0) -> AddCheckpointRequest? {
        guard oldSize <= checkpoint.checkpoint.size else { return nil }
        guard let path = oldSize == 0 ? [] : proof(oldSize) else { return nil }
        return AddCheckpointRequest(oldSize: oldSize, proof: path, checkpoint: checkpoint)
    }

    /// Takes an answer.
    /// - Throws: `ParseError` for an answer that has not the form that its status demands.
    public mutating func take(status: Int, body: [UInt8]) throws(ParseError) -> Step {
        switch status {
        case 200: return .cosigned(try cosignature(body))
        case 409:
            let size = try Self.size(body)
            // A witness that names a size once has said what it knows; the second time it contradicts itself.
            guard knownSize == nil else { return .refused(status: status, "the witness names size \(size) again") }
            knownSize = size
            guard let request = request(oldSize: size) else { return .splitView(knownSize: size) }
            return .again(request)
        case 422:
            // The proof leads to this log's tree, so what it does not lead from is the tree that the witness saw.
            return .splitView(knownSize: knownSize ?? 0)
        default:
            return .refused(status: status, String(decoding: body.prefix(200), as: UTF8.self))
        }
    }

    /// The answer's lines are signature lines; the one of this witness must be there and hold.
    private func cosignature(_ body: [UInt8]) throws(ParseError) -> SignedNote.Signature {
        let text = Array(checkpoint.note.text.utf8)
        let note = try SignedNote(parsing: text + [0x0a] + body)
        guard note.text == checkpoint.note.text else {
            throw ParseError(field: "answer", expected: "signature lines", actual: "other text")
        }
        do {
            if let signature = try note.verify([witness]).verified.first?.signature { return signature }
        } catch {
            throw ParseError(field: "answer", expected: "a cosignature by \(witness.name)", actual: "\(error)")
        }
        throw ParseError(field: "answer", expected: "a cosignature by \(witness.name)", actual: "none")
    }

    /// The body of a conflict: the size in decimal digits and a newline.
    private static func size(_ body: [UInt8]) throws(ParseError) -> UInt64 {
        guard body.count <= 21, body.last == 0x0a else {
            throw ParseError(field: "answer", expected: "a size and a newline", actual: "\(body.count) bytes")
        }
        return try LogText.number(String(decoding: body.dropLast(), as: UTF8.self), "answer")
    }
}
