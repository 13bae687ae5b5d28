// The end of an attempt and the end of a job: every hold is resolved exactly once, in the event that ends it.
internal import Commitments
internal import Ledger
internal import Receipts
internal import Verdicts

extension Engine {
    /// Ends an attempt that gave no result: nobody is slashed; the job is offered again or refunded.
    mutating func endAttempt(
        _ job: Job,
        end: String,
        reason: String,
        verdict: Digest? = nil,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        guard job.attempt < job.attemptsAllowed else {
            try settle(
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
        _ = try resolveStake(of: job, slashed: false, verdict: nil, at: at, &effects)
        release(job)
        if let assignment = job.assignment {
            job.history.append(Job.PastAttempt(attempt: job.attempt, node: assignment.node, end: end))
        }
        try offer(job, at: at, &effects)
    }

    /// Ends a job: pays or refunds, releases or slashes, all in this event.
    mutating func settle(
        _ job: Job,
        outcome: Outcome,
        fault: Fault,
        reason: String,
        end: String,
        verdict: Digest?,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        var job = job
        var gross: Int64 = 0
        var shares: [Ruleset.Amount] = []
        if outcome == .accepted, let assignment = job.assignment {
            gross = min(
                job.held,
                Price.amount(workUnits: job.workUnits, perMegaUnit: assignment.pricePerMegaUnit)
            )
            shares = configuration.ruleset.split(gross)
        }
        let payments = try resolve(
            hold: job.holdID,
            shares: shares,
            of: job,
            prefix: "pay",
            verdict: verdict,
            at: at,
            &effects
        )
        let stake = try resolveStake(of: job, slashed: outcome == .rejected, verdict: verdict, at: at, &effects)
        release(job)
        if let assignment = job.assignment {
            job.history.append(Job.PastAttempt(attempt: job.attempt, node: assignment.node, end: end))
        }
        job.phase = .final
        jobs[job.id] = nil
        orders[OrderKey(requester: job.requester, nonce: job.nonce)] = nil
        effects.jobs.removeAll { $0.id == job.id }
        effects.settlements.append(
            Settlement(
                job: job,
                outcome: outcome,
                fault: fault,
                reason: reason,
                verdictDigest: verdict,
                gross: gross,
                payments: payments,
                stake: stake,
                settledAt: at
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

    private mutating func resolveStake(
        of job: Job,
        slashed: Bool,
        verdict: Digest?,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) -> Settlement.Stake? {
        guard let assignment = job.assignment else { return nil }
        let payments = try resolve(
            hold: job.stakeHoldID(attempt: job.attempt),
            shares: slashed ? configuration.ruleset.slash(assignment.stake) : [],
            of: job,
            prefix: "slash",
            verdict: verdict,
            at: at,
            &effects
        )
        let lost = slashed ? assignment.stake : 0
        return Settlement.Stake(held: assignment.stake, slashed: lost, payments: payments)
    }

    /// Resolves a hold into shares; what they leave over goes back.
    private mutating func resolve(
        hold: TransferID,
        shares: [Ruleset.Amount],
        of job: Job,
        prefix: String,
        verdict: Digest?,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) -> [Settlement.Payment] {
        let legs = shares.filter { $0.amount > 0 }.map { share in
            Leg(credit: payee(of: share.leg, job: job), amount: share.amount, name: "\(prefix).\(share.leg)")
        }
        let resolution = Resolution(
            id: TransferID(deriving: Array("resolve".utf8), hold.bytes),
            hold: hold,
            legs: legs,
            attempt: job.attempt,
            verdict: verdict,
            ruleset: configuration.ruleset.digest
        )
        let done = try move(.resolve(resolution), at: at, &effects)
        return shares.map { share in
            let transfer = done.transfers.first { $0.leg == "\(prefix).\(share.leg)" }
            return Settlement.Payment(
                leg: share.leg,
                base: share.base,
                account: payee(of: share.leg, job: job),
                amount: share.amount,
                transfer: transfer?.id ?? resolution.id
            )
        }
    }

    /// Who gets a leg.
    private func payee(of leg: String, job: Job) -> AccountID {
        switch leg {
        case "provider": account(.provider, of: job.assignment?.node ?? configuration.engine)
        case "validator": account(.validator, of: job.validator ?? configuration.engine)
        case "fee": account(.fee, of: configuration.engine)
        default: account(.treasury, of: configuration.engine)
        }
    }
}
