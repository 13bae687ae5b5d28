// The lies that a bundle can tell, one at a time, each with the check that must find it.

/// One thing that is wrong in a bundle whose every signature and hash is otherwise in order.
public enum BundleLie: String, Sendable, CaseIterable {
    // Signatures.
    case forgedReceiptSignature
    case forgedOrderSignature
    case forgedLeaseSignature
    case forgedExecutionSignature
    case forgedVerdictSignature
    case forgedManifestSignature
    // The bundle.
    case untrustedEngine
    case bundleBySomebodyElse
    case bundleOfAnotherJob
    case extraMember
    case missingInput
    case otherInput
    case absentFileRenamed
    // The order.
    case otherNonce
    case otherSpec
    case orderForAnotherEngine
    case foreignAccount
    case swappedOrder
    case otherRequester
    // The lease.
    case swappedLease
    case leaseByAnotherEngine
    case leaseForAnotherOrder
    case leaseAboveThePrice
    case leaseWithLessStake
    case leaseOfAnotherAttempt
    case leaseAfterSettlement
    case attemptsOutOfOrder
    case lastAttemptByAnotherNode
    // The execution.
    case swappedExecution
    case executionByAnotherNode
    case executionOfAnotherEpoch
    case executionOfAnotherAttempt
    case executionUnderAnotherLease
    case otherInputRoot
    case otherOutputRoot
    case otherTraceRoot
    case otherOutput
    case outputOutsideTrace
    case inflatedMeter
    case smallerDevice
    case droppedStep
    case renamedOutput
    case partClaimed
    case otherLog
    case unprintableLog
    // The verdicts.
    case replacedVerdict
    case verdictOnAnotherExecution
    case verdictOfAnotherAttempt
    case verdictOfAnotherJob
    case verdictWithOtherRoots
    case verdictOfAnotherKind
    case foreignValidator
    case repeatedValidator
    case acceptedAgainstVerdict
    case rejectedAgainstVerdict
    case rejectionWithoutReason
    case wrongFault
    case longerDisputeWindow
    // The money.
    case otherRuleset
    case otherCurrency
    case otherHold
    case otherPrice
    case unmeteredWork
    case higherGross
    case keptRefund
    case wrongSplit
    case missingLeg
    case legOfAnotherBase
    case paidToSomebodyElse
    case repeatedTransfer
    case slashedWithoutCause
    case keptStake
    case noStake
    // What only a replay finds.
    case validatorsLieToo

    /// The id of the check that must fail. `validatorsLieToo` needs a deep audit.
    public var expectedCheck: String {
        switch self {
        case .forgedReceiptSignature: "receipt.signature"
        case .forgedOrderSignature: "order.signature"
        case .forgedLeaseSignature: "lease.signature"
        case .forgedExecutionSignature: "execution.signature"
        case .forgedVerdictSignature: "verdict-0.signature"
        case .forgedManifestSignature, .bundleBySomebodyElse: "bundle.signature"
        case .untrustedEngine: "trust.engine"
        case .bundleOfAnotherJob: "bundle.job-id"
        case .extraMember: "bundle.members"
        case .missingInput, .absentFileRenamed: "bundle.absent"
        case .otherInput: "bundle.input"
        case .otherNonce, .otherSpec: "job.id"
        case .orderForAnotherEngine: "order.engine"
        case .foreignAccount: "order.account"
        case .swappedOrder: "receipt.order"
        case .otherRequester: "receipt.requester"
        case .swappedLease: "receipt.lease"
        case .leaseByAnotherEngine: "lease.engine"
        case .leaseForAnotherOrder: "lease.order"
        case .leaseAboveThePrice: "lease.price"
        case .leaseWithLessStake: "lease.stake"
        case .leaseOfAnotherAttempt: "lease.attempt"
        case .leaseAfterSettlement: "lease.time"
        case .attemptsOutOfOrder: "receipt.attempts"
        case .lastAttemptByAnotherNode: "receipt.last-attempt"
        case .swappedExecution: "receipt.execution"
        case .executionByAnotherNode: "execution.node"
        case .executionOfAnotherEpoch: "execution.epoch"
        case .executionOfAnotherAttempt: "execution.attempt"
        case .executionUnderAnotherLease: "execution.lease"
        case .otherInputRoot: "claim.input-root"
        case .otherOutputRoot: "claim.output-root"
        case .otherTraceRoot: "claim.trace-root"
        case .otherOutput: "claim.output"
        case .outputOutsideTrace: "claim.trace-outputs"
        case .inflatedMeter: "claim.work"
        case .smallerDevice: "claim.device"
        case .droppedStep: "claim.steps"
        case .renamedOutput: "claim.output-list"
        case .partClaimed: "execution.exit"
        case .otherLog, .unprintableLog: "execution.log"
        case .replacedVerdict: "verdict-0.digest"
        case .verdictOnAnotherExecution: "verdict-0.execution"
        case .verdictOfAnotherAttempt: "verdict-0.attempt"
        case .verdictOfAnotherJob: "verdict-0.job-id"
        case .verdictWithOtherRoots, .rejectionWithoutReason: "verdict-0.consistency"
        case .verdictOfAnotherKind: "verdict-0.kind"
        case .foreignValidator, .repeatedValidator, .acceptedAgainstVerdict: "verdict.quorum"
        case .rejectedAgainstVerdict: "verdict.dissent"
        case .wrongFault: "receipt.fault"
        case .longerDisputeWindow: "receipt.dispute"
        case .otherRuleset: "receipt.ruleset"
        case .otherCurrency: "settlement.currency"
        case .otherHold: "settlement.held"
        case .otherPrice: "settlement.price"
        case .unmeteredWork: "settlement.work"
        case .higherGross: "settlement.gross"
        case .keptRefund: "settlement.refunded"
        case .wrongSplit, .missingLeg, .legOfAnotherBase: "settlement.legs"
        case .paidToSomebodyElse: "settlement.legs.accounts"
        case .repeatedTransfer: "settlement.legs.transfers"
        case .slashedWithoutCause, .keptStake, .noStake: "settlement.stake"
        case .validatorsLieToo: "deep.outcome"
        }
    }
}
