// The market's part of the assertions that stay on in production: I8, I9 and I10 of what one event has changed. Each states what
// must be true afterwards, independently of the code that made it true; none is meant to fail.
internal import Ledger
internal import Receipts

extension Engine {
    /// Asserts what `event` did.
    /// - Throws: `MarketError.ledger` with the invariant that does not hold.
    func assertInvariants(_ effects: Effects, after event: Event) throws(MarketError) {
        for job in effects.jobs {
            try assertStake(of: job)
            try assertDeadline(of: job)
        }
        for ending in effects.endings { try assertSlash(ending) }
        try assertIssue(effects, after: event)
    }

    /// I8: what the node of a lease can lose is held, and nobody but the verdict can let go of it.
    private func assertStake(of job: Job) throws(MarketError) {
        guard let assignment = job.assignment, assignment.stake > 0 else { return }
        let hold = book.holds[job.stakeHoldID(attempt: job.attempt)]
        guard hold?.amount == assignment.stake, hold?.transfer.debit == account(.stake, of: assignment.node) else {
            let found = hold.map { "\($0.amount)" } ?? "none"
            throw broken(.slashWithinStake, "job \(job.id): expected \(assignment.stake) held, found \(found)")
        }
    }

    /// I8: the end of a job takes no more than was held, and says where all of it went.
    private func assertSlash(_ ending: Ending) throws(MarketError) {
        let settlement = ending.settlement
        for (name, stake) in [("stake", settlement.stake), ("bond", settlement.bond)] {
            guard let stake else { continue }
            let (sum, overflow) = stake.slashed.addingReportingOverflow(stake.released)
            let paid = stake.legs.reduce(UInt64(0)) { $0 &+ $1.amount }
            guard !overflow, sum == stake.held, paid == stake.slashed else {
                let detail = "\(stake.held) held, \(stake.slashed) slashed, \(stake.released) released, \(paid) paid"
                throw broken(.slashWithinStake, "\(name) of job \(ending.job.id): \(detail)")
            }
        }
        for attempt in ending.job.history.map(\.attempt) {
            guard book.holds[ending.job.stakeHoldID(attempt: attempt)] == nil,
                book.holds[ending.job.penaltyHoldID(attempt: attempt)] == nil
            else { throw broken(.slashWithinStake, "job \(ending.job.id) has ended and attempt \(attempt) is held") }
        }
    }

    /// I9: one deadline among all that the engine watches, and money and peers as the phase says.
    private func assertDeadline(of job: Job) throws(MarketError) {
        guard jobs[job.id] == job, index.byDeadline.contains(JobMoment(at: job.deadline, id: job.id)) else {
            throw broken(.oneDeadline, "job \(job.id) has no deadline")
        }
        guard book.holds[job.holdID]?.amount == job.held else {
            throw broken(.oneDeadline, "job \(job.id) is open without its hold")
        }
        let isOwned =
            switch job.phase {
            case .funded, .offered: job.assignment == nil
            case .assigned, .committed: job.assignment.map { leases[$0.node] == job.id } ?? false
            case .verifying: job.assignment != nil && (job.validator.map { judging[$0] == job.id } ?? true)
            case .judged:
                job.finding != nil
                    && job.gangKey.flatMap { together[$0] }?.values.contains { jobs[$0]?.phase != .judged } ?? false
            case .final: false
            }
        guard isOwned else { throw broken(.oneDeadline, "job \(job.id) is \(job.phase.rawValue) and waits for nobody") }
    }

    /// I10: an issuer is debited by an operator's order and by nothing else, never beyond the budget.
    private func assertIssue(_ effects: Effects, after event: Event) throws(MarketError) {
        let issuer = account(.issuer, of: configuration.engine)
        if case .transfer = event {
            guard let budget = configuration.issueBudget, issue.issued > budget.units else { return }
            throw broken(.issueWithinBudget, "\(issue.issued) issued in epoch \(issue.epoch) of \(budget.units)")
        }
        for transfer in effects.ledger.lazy.flatMap(\.transfers)
        where transfer.debit == issuer || transfer.credit == issuer {
            throw broken(.issueWithinBudget, "transfer \(transfer.id) (\(transfer.leg)) is no order of the operator's")
        }
    }

    private func broken(_ invariant: LedgerInvariant, _ detail: String) -> MarketError {
        .ledger(.invariant(invariant, detail: detail))
    }
}
