// The money by fault. The engine that settles and the auditor that checks use this one function.
internal import Codecs
public import Commitments
public import Verdicts

/// The amounts that follow from how a job ended: everything in a settlement but accounts and transfers.
public struct SettlementAmounts: Sendable, Equatable {
    /// What the job cost: min(held, ⌈work units × price / 10^6⌉) when accepted, else 0.
    public let gross: UInt64
    /// The shares of `gross`.
    public let parts: [Ruleset.Part]
    /// What goes back to the requester: held − gross.
    public let refunded: UInt64
    /// The part of the stake that is lost: all of it when rejected, the ruleset's penalty when the last lease ended in silence,
    /// else nothing.
    public let slashed: UInt64
    /// The shares of `slashed`.
    public let slashParts: [Ruleset.Part]
    /// The part of the stake that goes back.
    public let released: UInt64
    /// The part of the requester's bond that is lost: min(bond, ⌈metered units × price / 10^6⌉) when the requester is at
    /// fault and a node had worked, else nothing.
    public let bondLost: UInt64
    /// The shares of `bondLost`.
    public let bondParts: [Ruleset.Part]
    /// The part of the bond that goes back.
    public let bondReleased: UInt64

    /// Computes the amounts.
    /// - Parameters:
    ///   - held: what was set aside for the job.
    ///   - workUnits: the work that was accepted; ignored otherwise.
    ///   - pricePerMegaUnit: the deciding lease's price; `nil` without one, and then nothing is paid.
    ///   - stake: what the provider has at stake; 0 without a lease.
    ///   - isSilent: whether the last lease ended without a word from its node.
    ///   - bond: what the requester has put up.
    ///   - meteredUnits: the work that was done when the requester was found to be at fault; ignored otherwise.
    public init(
        outcome: Outcome,
        held: UInt64,
        workUnits: UInt64,
        pricePerMegaUnit: UInt64?,
        stake: UInt64,
        ruleset: Ruleset,
        isSilent: Bool = false,
        bond: UInt64 = 0,
        meteredUnits: UInt64 = 0
    ) {
        if outcome == .accepted, let pricePerMegaUnit {
            gross = Charge.gross(held: held, workUnits: workUnits, pricePerMegaUnit: pricePerMegaUnit)
        } else {
            gross = 0
        }
        parts = ruleset.parts(ofGross: gross)
        refunded = held - gross
        switch outcome {
        case .rejected:
            slashed = stake
            slashParts = ruleset.parts(ofSlashed: slashed)
        case .inconclusive where isSilent:
            slashed = ruleset.penalty(ofStake: stake)
            slashParts = ruleset.parts(ofPenalty: slashed)
        default:
            slashed = 0
            slashParts = ruleset.parts(ofSlashed: 0)
        }
        released = stake - slashed
        if outcome == .requesterFault, let pricePerMegaUnit {
            bondLost = Charge.gross(held: bond, workUnits: meteredUnits, pricePerMegaUnit: pricePerMegaUnit)
        } else {
            bondLost = 0
        }
        bondParts = ruleset.parts(ofBond: bondLost)
        bondReleased = bond - bondLost
    }
}

/// The name of a decision that no validator made: a deadline passed, a file was malformed.
public enum EngineDecision {
    /// SHA-256("assay-decision-1\0" ‖ job id ‖ u64be(attempt) ‖ reason code): what payments name that follow from the rules
    /// alone. It can be computed from the receipt.
    public static func digest(job: JobID, attempt: Int64, reason: String) -> Digest {
        var hash = SHA256()
        hash.update("assay-decision-1\0")
        hash.update(job.digest)
        hash.update(bigEndian: UInt64(attempt))
        hash.update(reason)
        return hash.finalized()
    }
}
