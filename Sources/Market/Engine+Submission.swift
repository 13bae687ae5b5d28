// Orders: money is held before anything is offered to anybody.
internal import Codecs
internal import Commitments
internal import Ledger
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Engine {
    mutating func submit(_ submission: Submission, at: Int64, _ effects: inout Effects) throws(MarketError) {
        let key = OrderKey(requester: submission.requester, nonce: submission.nonce)
        if let known = orders[key] {
            guard known == submission.id else {
                throw .conflict(field: "nonce", expected: "the order of job \(known)", actual: "job \(submission.id)")
            }
            return
        }
        let spec = submission.spec
        guard spec.price.currency == configuration.currency else {
            let error = ParseError(
                field: "price.currency",
                expected: configuration.currency,
                actual: spec.price.currency
            )
            throw .refused(error)
        }
        let expected = account(.payer, of: submission.requester)
        guard submission.account == expected else {
            let error = ParseError(field: "account", expected: expected.text, actual: submission.account.text)
            throw .refused(error)
        }
        let job = Job(
            id: submission.id,
            name: spec.name,
            requester: submission.requester,
            account: submission.account,
            nonce: submission.nonce,
            orderDigest: submission.orderDigest,
            specDigest: submission.specDigest,
            currency: spec.price.currency,
            terms: spec.terms,
            workUnits: spec.replay.workUnits,
            maxPerMegaUnit: spec.price.maxPerMegaUnit,
            device: spec.replay.device,
            deadlines: spec.deadlines,
            attemptsAllowed: UInt32(spec.attempts),
            submittedAt: at,
            held: Int64(spec.holdAmount),
            phase: .funded,
            deadline: at + spec.deadlines.uploadSeconds
        )
        try checkBond(of: job)
        try checkPlace(of: job)
        let hold = Transfer(
            id: job.holdID,
            debit: job.account,
            credit: account(.escrow, of: configuration.engine),
            amount: job.held,
            currency: job.currency,
            kind: .hold,
            job: job.id,
            leg: "hold",
            at: at
        )
        do throws(MarketError) {
            let done = try move(.hold(hold, expiresAt: ledgerTime(at) + longestLife(of: job)), at: at, &effects)
            guard !done.replayed else {
                effects.ledger.removeAll()
                return
            }
        } catch .ledger(.conflict(let field, _, _)) where field == "expiresAt" {
            // This very hold was made before and the job is no longer open: it has ended. The repeated order changes nothing.
            return
        }
        if job.terms.bond > 0 {
            let bond = Transfer(
                id: job.bondHoldID,
                debit: job.account,
                credit: account(.escrow, of: configuration.engine),
                amount: job.terms.bondUnits,
                currency: job.currency,
                kind: .hold,
                job: job.id,
                leg: "bond",
                at: at
            )
            try move(.hold(bond, expiresAt: ledgerTime(at) + longestLife(of: job)), at: at, &effects)
        }
        orders[key] = job.id
        enterGang(job)
        keep(job, &effects)
    }

    /// Refuses a bond below the ruleset's, and one that cannot be held beside the price.
    private func checkBond(of job: Job) throws(MarketError) {
        let least = configuration.ruleset.leastBond(forHold: UInt64(job.held))
        guard job.terms.bond >= least else {
            let expected = "at least \(least), by the engine's rules"
            throw .refused(ParseError(field: "terms.bond", expected: expected, actual: "\(job.terms.bond)"))
        }
        guard job.terms.bond > 0, let payer = book.accounts[job.account] else { return }
        let (needed, overflow) = job.held.addingReportingOverflow(job.terms.bondUnits)
        // Both holds are made or none: the second must not fail after the first.
        guard !overflow, payer.available >= needed else {
            throw .ledger(
                .insufficientFunds(account: payer.id, needed: overflow ? .max : needed, available: payer.available)
            )
        }
    }

    /// Seconds after which even the slowest course of a job has ended; the hold itself ends then.
    private func longestLife(of job: Job) -> Int64 {
        let deadlines = job.deadlines
        let attempt =
            deadlines.matchSeconds + 2 * deadlines.runSeconds + Int64(configuration.drawsAllowed)
            * deadlines.verifySeconds
        return deadlines.uploadSeconds + Int64(job.attemptsAllowed) * attempt + 86_400
    }

    mutating func filesPresent(_ id: Digest, at: Int64, _ effects: inout Effects) throws(MarketError) {
        let job = try open(id)
        guard job.phase == .funded else { return }
        try offer(job, at: at, &effects)
    }

    mutating func refuse(_ id: Digest, _ reason: Reason, at: Int64, _ effects: inout Effects) throws(MarketError) {
        let job = try open(id, in: .funded)
        try finish(job, .requesterFault, .requester, reason, end: "refused", at: at, &effects)
    }

    /// Offers a job, to the cheapest idle node at once when there is one.
    mutating func offer(_ job: Job, at: Int64, _ effects: inout Effects) throws(MarketError) {
        var job = job
        job.phase = .offered
        job.deadline = at + job.deadlines.matchSeconds
        job.assignment = nil
        job.claim = nil
        job.reading = nil
        job.yield = nil
        job.validator = nil
        job.finding = nil
        job.draws = 0
        keep(job, &effects)
        guard !job.waitsForGang else { return try assignGang(of: job, at: at, &effects) }
        registry.sweep(before: at - configuration.nodeTimeoutSeconds)
        if let node = registry.cheapestIdle(for: job, where: { hasStake($0, for: job) }),
            try assign(job, to: node, at: at, &effects)
        {
            return
        }
        preempt(for: job, at: at, &effects)
    }
}
