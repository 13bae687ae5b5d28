// A log's checkpoint on its way to a witness and back: the round itself is `WitnessRound`, the sending is the caller's.
internal import Commitments
public import TransparencyLog

/// How a round with a witness ended.
public enum WitnessOutcome: Sendable {
    /// The cosignature stands with the public checkpoint.
    case cosigned(SignedNote.Signature)
    /// It was cosigned, and the log had grown meanwhile: the public checkpoint is another one.
    case late(SignedNote.Signature)
    /// The witness has seen a history of so many entries that is no prefix of this log.
    case splitView(knownSize: UInt64)
    /// The witness does not cosign, and says why.
    case refused(status: Int, String)
    /// The witness's answer has no right form, or its cosignature does not hold.
    case malformed(String)
    /// There is no proof to send.
    case unproved
}

extension LogKeeper {
    /// Brings a checkpoint of this log to a witness and keeps its cosignature.
    /// - Parameters:
    ///   - witness: the witness's key.
    ///   - send: posts a body to the witness's `add-checkpoint` and gives status and body of the answer.
    /// - Throws: what `send` throws, and `LogError` when the cosignature cannot be kept.
    public func cosign(
        _ signed: SignedCheckpoint,
        by witness: NoteKey,
        send: @Sendable (_ body: [UInt8]) async throws -> (status: Int, body: [UInt8])
    ) async throws -> WitnessOutcome {
        let folder = folder
        let size = signed.checkpoint.size
        var round = WitnessRound(checkpoint: signed, witness: witness) { oldSize in
            try? TileTree(size: size, source: folder).consistencyProof(oldSize: oldSize)
        }
        var request = round.request()
        while let body = request {
            let answered = try await send(body.bytes)
            let step: WitnessRound.Step
            do {
                step = try round.take(status: answered.status, body: answered.body)
            } catch {
                return .malformed("\(error)")
            }
            switch step {
            case .again(let next): request = next
            case .cosigned(let signature):
                return try add([signature], to: signed.checkpoint) ? .cosigned(signature) : .late(signature)
            case .splitView(let known): return .splitView(knownSize: known)
            case .refused(let status, let reason): return .refused(status: status, reason)
            }
        }
        return .unproved
    }
}
