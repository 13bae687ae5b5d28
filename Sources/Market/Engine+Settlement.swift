// The end of an attempt and the end of a job: every hold is resolved exactly once, in the event that ends it.
internal import Commitments
internal import Ledger
internal import Receipts
internal import Signatures
internal import Verdicts

extension Engine {
    /// Ends an attempt that gave no result: the job is offered again or refunded. A node that was silent keeps owing what the
    /// ruleset says; nobody else loses anything.
    mutating func endAttempt(
        _ job: Job,
        end: String,
        fault: Fault,
        reason: Reason,
        verdict: Digest? = nil,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        if job.yield == .closed {
            let closed = Reason(code: "closed", text: "the requester has closed the job")
            return try finish(job, .inconclusive, .none, closed, end: end, verdict: verdict, at: at, &effects)
        }
        guard job.attempt < job.attemptsAllowed else {
            return try finish(job, .inconclusive, fault, reason, end: end, verdict: verdict, at: at, &effects)
        }
        var job = job
        try releaseStake(of: job, verdict, at: at, &effects)
        let penalty = try holdPenalty(of: job, end: end, at: at, &effects)
        release(job)
        if let assignment = job.assignment {
            let past = Job.PastAttempt(attempt: job.attempt, node: assignment.node, end: end, penalty: penalty)
            job.history.append(past)
        }
        try offer(job, at: at, &effects)
    }

    /// Ends a job: pays or refunds, releases or slashes, all in this event.
    mutating func finish(
        _ job: Job,
        _ outcome: Outcome,
        _ fault: Fault,
        _ reason: Reason,
        end: String,
        verdict: Digest? = nil,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        var job = job
        let workUnits = outcome == .accepted ? job.claim?.workUnits ?? 0 : 0
        let attempt = job.assignment == nil ? 0 : Int64(job.attempt)
        let decision =
            verdict ?? EngineDecision.digest(job: JobID(job.id), attempt: attempt, reason: reason.code)
        let amounts = SettlementAmounts(
            outcome: outcome,
            held: UInt64(job.held),
            workUnits: workUnits,
            pricePerMegaUnit: job.assignment?.pricePerMegaUnit,
            stake: UInt64(job.assignment?.stake ?? 0),
            ruleset: configuration.ruleset,
            isSilent: end == Receipt.Attempt.silent,
            bond: job.terms.bond,
            meteredUnits: job.meteredUnits
        )
        var settlement = Settlement(
            currency: job.currency,
            held: UInt64(job.held),
            workUnits: workUnits,
            pricePerMegaUnit: job.assignment?.pricePerMegaUnit,
            gross: amounts.gross,
            legs: try resolve(job.holdID, into: amounts.parts, "pay", of: job, decision, at: at, &effects),
            refunded: amounts.refunded,
            stake: nil
        )
        if job.terms.bond > 0 {
            settlement.bond = Settlement.Stake(
                held: job.terms.bond,
                slashed: amounts.bondLost,
                released: amounts.bondReleased,
                legs: try resolve(job.bondHoldID, into: amounts.bondParts, "bond", of: job, decision, at: at, &effects)
            )
        }
        settlement.penalties = try collectPenalties(of: job, decision, at: at, &effects)
        if let assignment = job.assignment {
            var legs: [Settlement.Leg] = []
            if assignment.stake > 0 {
                let hold = job.stakeHoldID(attempt: job.attempt)
                legs = try resolve(hold, into: amounts.slashParts, "slash", of: job, decision, at: at, &effects)
            }
            settlement.stake = Settlement.Stake(
                held: UInt64(assignment.stake),
                slashed: amounts.slashed,
                released: amounts.released,
                legs: legs
            )
            job.history.append(Job.PastAttempt(attempt: job.attempt, node: assignment.node, end: end))
        }
        release(job)
        let phase = job.phase
        job.phase = .final
        forget(job, &effects)
        effects.endings.append(
            Ending(
                job: job,
                outcome: outcome,
                fault: fault,
                reason: reason,
                verdictDigest: verdict,
                decision: decision,
                settlement: settlement,
                // A clock that went back must not put the end before the lease.
                settledAt: max(at, job.assignment?.grantedAt ?? job.submittedAt),
                gang: nil
            )
        )
        if phase == .funded || phase == .offered { try dissolveGang(of: job, at: at, &effects) }
        try breakGang(of: job, by: outcome, fault, at: at, &effects)
    }

    /// Frees the job's node and validator.
    private mutating func release(_ job: Job) {
        if let node = job.assignment?.node, leases[node] == job.id { vacate(node) }
        if let validator = job.validator, judging[validator] == job.id { judging[validator] = nil }
    }

    /// Gives the stake of the current attempt back.
    private mutating func releaseStake(
        of job: Job,
        _ verdict: Digest?,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        guard let assignment = job.assignment, assignment.stake > 0 else { return }
        var resolution = giveBack(job.stakeHoldID(attempt: job.attempt), attempt: job.attempt)
        resolution.verdict = verdict
        resolution.ruleset = configuration.ruleset.digest
        try move(.resolve(resolution), at: at, &effects)
    }

    /// Holds what a silent node loses until the job ends: money goes to others only beside a receipt.
    /// - Returns: the amount; 0 when nothing is lost.
    private mutating func holdPenalty(
        of job: Job,
        end: String,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) -> Int64 {
        guard end == Receipt.Attempt.silent, let assignment = job.assignment else { return 0 }
        let amount = Int64(configuration.ruleset.penalty(ofStake: UInt64(assignment.stake)))
        guard amount > 0 else { return 0 }
        let hold = Transfer(
            id: job.penaltyHoldID(attempt: job.attempt),
            debit: account(.stake, of: assignment.node),
            credit: account(.escrow, of: configuration.engine),
            amount: amount,
            currency: job.currency,
            kind: .hold,
            job: job.id,
            attempt: job.attempt,
            leg: "penalty",
            at: at
        )
        let expiry = max(book.holds[job.holdID]?.expiresAt ?? 0, ledgerTime(at) + 86_400)
        try move(.hold(hold, expiresAt: expiry), at: at, &effects)
        return amount
    }

    /// Pays out what the silent nodes of earlier attempts lose.
    private mutating func collectPenalties(
        of job: Job,
        _ decision: Digest,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) -> [Settlement.Penalty] {
        var penalties: [Settlement.Penalty] = []
        for past in job.history where past.penalty > 0 {
            let parts = configuration.ruleset.parts(ofPenalty: UInt64(past.penalty))
            let hold = job.penaltyHoldID(attempt: past.attempt)
            var owner = job
            owner.attempt = past.attempt
            let legs = try resolve(hold, into: parts, "penalty", of: owner, decision, at: at, &effects)
            penalties.append(
                Settlement.Penalty(attempt: Int64(past.attempt), amount: UInt64(past.penalty), legs: legs)
            )
        }
        return penalties
    }

    /// Resolves a hold into parts; what they leave over goes back.
    private mutating func resolve(
        _ hold: TransferID,
        into parts: [Ruleset.Part],
        _ prefix: String,
        of job: Job,
        _ decision: Digest,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) -> [Settlement.Leg] {
        let paid = parts.filter { $0.amount > 0 }
        var resolution = giveBack(hold, attempt: job.attempt)
        resolution.legs = paid.map { part in
            let credit = account(of: part.leg, job: job)
            return Leg(credit: credit, amount: Int64(part.amount), name: "\(prefix).\(part.leg.rawValue)")
        }
        resolution.verdict = decision
        resolution.ruleset = configuration.ruleset.digest
        let done = try move(.resolve(resolution), at: at, &effects)
        var legs: [Settlement.Leg] = []
        for part in paid {
            let name = "\(prefix).\(part.leg.rawValue)"
            guard let transfer = done.transfers.first(where: { $0.leg == name }) else {
                throw .ledger(.invariant(.splitsAreExact, detail: "no transfer for leg \(name) of hold \(hold)"))
            }
            legs.append(
                Settlement.Leg(
                    leg: part.leg,
                    base: part.base,
                    account: AccountName(
                        currency: job.currency,
                        purpose: part.leg,
                        owner: owner(of: part.leg, job: job)
                    ),
                    amount: part.amount,
                    transfer: transfer.id.text
                )
            )
        }
        return legs
    }

    /// The ledger account that gets a leg.
    private func account(of leg: AccountName.Purpose, job: Job) -> AccountID {
        let owner = owner(of: leg, job: job)
        return switch leg {
        case .payer: account(.payer, of: owner)
        case .provider: account(.provider, of: owner)
        case .validator: account(.validator, of: owner)
        case .fee: account(.fee, of: owner)
        case .treasury: account(.treasury, of: owner)
        }
    }

    /// The key whose account gets a leg.
    private func owner(of leg: AccountName.Purpose, job: Job) -> VerifyingKey {
        switch leg {
        case .payer: job.requester
        case .provider: job.assignment?.node ?? configuration.engine
        case .validator: job.validator ?? configuration.engine
        case .fee, .treasury: configuration.engine
        }
    }
}
