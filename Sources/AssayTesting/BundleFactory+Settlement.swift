// The last stages of a made-up bundle: the engine settles, signs the receipt and seals the file.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Draft {
    private var outcome: Outcome {
        switch (ending, lie) {
        case (_, .rejectedAgainstVerdict): .rejected
        case (.accepted, _): .accepted
        case (.rejected, _): .rejected
        case (.requesterFault, _): .requesterFault
        case (.inconclusive, _), (.unmatched, _): .inconclusive
        }
    }

    mutating func writeReceipt(_ edit: (inout Receipt) -> Void) throws {
        let order = try signed(order)
        let outcome = outcome
        let fault: Fault
        switch outcome {
        case .accepted: fault = .none
        case .rejected: fault = .provider
        case .requesterFault: fault = .requester
        case .inconclusive: fault = .environment
        }
        var attempts: [Receipt.Attempt] = []
        if lease != nil {
            attempts = [
                Receipt.Attempt(attempt: 1, node: factory.stranger.verifyingKey, end: "silent"),
                Receipt.Attempt(attempt: 2, node: factory.node.verifyingKey, end: outcome.rawValue),
            ]
        }
        var receipt = Receipt(
            jobID: order.predicate.jobID,
            attempt: lease == nil ? 0 : 2,
            engine: engine.verifyingKey,
            requester: factory.requester.verifyingKey,
            account: order.predicate.account,
            specDigest: job.digest,
            orderDigest: order.digest,
            leaseDigest: lease?.digest,
            executionDigest: execution?.digest,
            verdictDigests: verdicts.map(\.digest),
            rulesetDigest: ruleset.digest,
            outcome: outcome,
            fault: fault,
            reason: outcome == .accepted ? "verified" : "not-verified",
            attempts: attempts,
            settlement: settlement(outcome),
            settledAt: BundleFactory.settledAt
        )
        receipt.disputeEndsAt = ruleset.disputeEnd(settledAt: receipt.settledAt)
        receipt.network = BundleFactory.network
        receipt.software = Self.software("made-up-engine")
        switch lie {
        case .longerDisputeWindow: receipt.disputeEndsAt = receipt.settledAt + 1
        case .swappedOrder: receipt.orderDigest = .zero
        case .otherRequester: receipt.requester = factory.stranger.verifyingKey
        case .swappedLease: receipt.leaseDigest = .zero
        case .swappedExecution: receipt.executionDigest = .zero
        case .replacedVerdict: receipt.verdictDigests[0] = .zero
        case .otherRuleset: receipt.rulesetDigest = .zero
        case .wrongFault: receipt.fault = .environment
        case .attemptsOutOfOrder: receipt.attempts[0].attempt = 2
        case .lastAttemptByAnotherNode: receipt.attempts[1].node = factory.stranger.verifyingKey
        default: lieAboutMoney(&receipt.settlement)
        }
        edit(&receipt)
        let signed = try Receipt.sign(receipt, with: engine)
        members[BundleMember.receipt] = try forged(signed.envelope, if: .forgedReceiptSignature)
    }

    private func settlement(_ outcome: Outcome) -> Settlement {
        let held = job.spec.holdAmount
        let work = outcome == .accepted ? execution?.predicate.meter.workUnits ?? 0 : 0
        let amounts = SettlementAmounts(
            outcome: outcome,
            held: held,
            workUnits: work,
            pricePerMegaUnit: lease?.predicate.pricePerMegaUnit,
            stake: lease?.predicate.stakeAmount ?? 0,
            ruleset: ruleset
        )
        return Settlement(
            currency: job.spec.price.currency,
            held: held,
            workUnits: work,
            pricePerMegaUnit: lease?.predicate.pricePerMegaUnit,
            gross: amounts.gross,
            legs: legs(amounts.parts, first: 1),
            refunded: amounts.refunded,
            stake: lease.map { lease in
                Settlement.Stake(
                    held: lease.predicate.stakeAmount,
                    slashed: amounts.slashed,
                    released: amounts.released,
                    legs: legs(amounts.slashParts, first: 101)
                )
            }
        )
    }

    private func legs(_ parts: [Ruleset.Part], first: Int) -> [Settlement.Leg] {
        parts.filter { $0.amount > 0 }.enumerated().map { index, part in
            Settlement.Leg(
                leg: part.leg,
                base: part.base,
                account: account(part.leg, of: owner(part.leg)),
                amount: part.amount,
                transfer: String(repeating: "0", count: 29) + String(first + index + 100)
            )
        }
    }

    private func owner(_ leg: AccountName.Purpose) -> SigningKey {
        switch leg {
        case .payer: factory.requester
        case .provider: factory.node
        case .validator: lie == .foreignValidator ? factory.stranger : factory.validators[0]
        case .fee, .treasury: engine
        }
    }

    private func account(_ leg: AccountName.Purpose, of key: SigningKey) -> AccountName {
        AccountName(currency: job.spec.price.currency, purpose: leg, owner: key.verifyingKey)
    }

    private func lieAboutMoney(_ settlement: inout Settlement) {
        switch lie {
        case .otherCurrency: settlement.currency = "OTHER"
        case .otherHold: settlement.held += 1
        case .otherPrice: settlement.pricePerMegaUnit? -= 1
        case .unmeteredWork: settlement.workUnits -= 1
        case .higherGross:
            settlement.gross += 1
            settlement.refunded -= 1
            settlement.legs[0].amount += 1
        case .keptRefund: settlement.refunded -= 1
        case .wrongSplit:
            settlement.legs[0].amount -= 1
            settlement.legs[2].amount += 1
        case .missingLeg: settlement.legs.removeLast()
        case .legOfAnotherBase: settlement.legs[0].base = .slashed
        case .paidToSomebodyElse: settlement.legs[0].account = account(.provider, of: factory.stranger)
        case .repeatedTransfer: settlement.legs[1].transfer = settlement.legs[0].transfer
        case .slashedWithoutCause:
            settlement.stake?.slashed += 1
            settlement.stake?.released -= 1
        case .keptStake: settlement.stake?.released -= 1
        case .noStake: settlement.stake = nil
        default: break
        }
    }

    mutating func seal() throws -> [UInt8] {
        var jobID = try signed(order).predicate.jobID
        var key = engine
        switch lie {
        case .bundleOfAnotherJob: jobID = JobID(.zero)
        case .bundleBySomebodyElse: key = factory.stranger
        case .extraMember: members["notes.txt"] = Array("hello".utf8)
        case .missingInput: members[BundleMember.input("inputs/x.raw")] = nil
        case .otherInput: members[BundleMember.input("inputs/x.raw")]?[5] ^= 0x10
        case .absentFileRenamed:
            members[BundleMember.input("inputs/x.raw")] = nil
            absent = [Bundle.Absent(name: BundleMember.input("inputs/w.raw"), identity: job.inputs[1])]
        default: break
        }
        let bytes = try Bundle.seal(jobID: jobID, members: members, absent: absent, with: key)
        guard lie == .forgedManifestSignature else { return bytes }
        let archive = try CAR(parsing: bytes, maxBlocks: Bundle.maxMembers, maxBlockBytes: Bundle.maxMemberBytes)
        let root = try Forgery.flippingSignature(archive.blocks[0].bytes)
        let cid = CID.raw(root)
        return CAR(root: cid, blocks: [(cid, root)] + archive.blocks.dropFirst()).bytes
    }
}
