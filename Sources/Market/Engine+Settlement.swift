// The end of an attempt and the end of a job: every hold is resolved exactly once, in the event that ends it.
internal import Commitments
internal import Ledger
internal import Receipts
internal import Signatures
internal import Verdicts

extension Engine {
    /// Ends an attempt that gave no result: nobody is slashed; the job is offered again or refunded.
    mutating func endAttempt(
        _ job: Job,
        end: String,
        reason: Reason,
        verdict: Digest? = nil,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        guard job.attempt < job.attemptsAllowed else {
            try finish(
                job,
                outcome: .inconclusive,
                fault: .environment,
                reason: reason,
                end: end,
                verdict: verdict,
                at: at,
                &effects
            )
            return
        }
        var job = job
        try resolveStake(of: job, into: [], verdict, at: at, &effects)
        release(job)
        if let assignment = job.assignment {
            job.history.append(Job.PastAttempt(attempt: job.attempt, node: assignment.node, end: end))
        }
        try offer(job, at: at, &effects)
    }

    /// Ends a job: pays or refunds, releases or slashes, all in this event.
    mutating func finish(
        _ job: Job,
        outcome: Outcome,
        fault: Fault,
        reason: Reason,
        end: String,
        verdict: Digest?,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        var job = job
        let amounts = SettlementAmounts(
            outcome: outcome,
            held: UInt64(job.held),
            workUnits: job.workUnits,
            pricePerMegaUnit: job.assignment?.pricePerMegaUnit,
            stake: UInt64(job.assignment?.stake ?? 0),
            ruleset: configuration.ruleset
        )
        let payments = try resolve(job.holdID, into: amounts.parts, "pay", of: job, verdict, at: at, &effects)
        var stake: Settlement.Stake?
        if let assignment = job.assignment {
            stake = Settlement.Stake(
                held: UInt64(assignment.stake),
                slashed: amounts.slashed,
                released: amounts.released,
                legs: try resolveStake(of: job, into: amounts.slashParts, verdict, at: at, &effects)
            )
            job.history.append(Job.PastAttempt(attempt: job.attempt, node: assignment.node, end: end))
        }
        release(job)
        job.phase = .final
        jobs[job.id] = nil
        orders[OrderKey(requester: job.requester, nonce: job.nonce)] = nil
        effects.jobs.removeAll { $0.id == job.id }
        effects.endings.append(
            Ending(
                job: job,
                outcome: outcome,
                fault: fault,
                reason: reason,
                verdictDigest: verdict,
                settlement: Settlement(
                    currency: job.currency,
                    held: UInt64(job.held),
                    workUnits: outcome == .accepted ? job.workUnits : 0,
                    pricePerMegaUnit: job.assignment?.pricePerMegaUnit,
                    gross: amounts.gross,
                    legs: payments,
                    refunded: amounts.refunded,
                    stake: stake
                ),
                // A clock that went back must not put the end before the lease.
                settledAt: max(at, job.assignment?.grantedAt ?? job.submittedAt)
            )
        )
    }

    /// Takes the job out of every queue.
    private mutating func release(_ job: Job) {
        if let node = job.assignment?.node, leases[node] == job.id { leases[node] = nil }
        if let validator = job.validator, judging[validator] == job.id { judging[validator] = nil }
        offered.removeAll { $0 == job.id }
        unjudged.removeAll { $0 == job.id }
    }

    /// Resolves the stake of the current attempt, if there is one.
    @discardableResult
    private mutating func resolveStake(
        of job: Job,
        into parts: [Ruleset.Part],
        _ verdict: Digest?,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) -> [Settlement.Leg] {
        guard let assignment = job.assignment, assignment.stake > 0 else { return [] }
        let hold = job.stakeHoldID(attempt: job.attempt)
        return try resolve(hold, into: parts, "slash", of: job, verdict, at: at, &effects)
    }

    /// Resolves a hold into parts; what they leave over goes back.
    private mutating func resolve(
        _ hold: TransferID,
        into parts: [Ruleset.Part],
        _ prefix: String,
        of job: Job,
        _ verdict: Digest?,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) -> [Settlement.Leg] {
        let paid = parts.filter { $0.amount > 0 }
        let resolution = Resolution(
            id: TransferID(deriving: Array("resolve".utf8), hold.bytes),
            hold: hold,
            legs: paid.map { part in
                Leg(
                    credit: account(of: part.leg, job: job),
                    amount: Int64(part.amount),
                    name: "\(prefix).\(part.leg.rawValue)"
                )
            },
            attempt: job.attempt,
            verdict: verdict,
            ruleset: configuration.ruleset.digest
        )
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
