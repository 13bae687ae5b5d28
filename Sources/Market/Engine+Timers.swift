// Deadlines: every open job has one, the engine owns all of them, and each has one default outcome.
internal import Commitments
internal import Receipts
internal import Verdicts

extension Engine {
    mutating func tick(at: Int64, _ effects: inout Effects) throws(MarketError) {
        let due = jobs.values.filter { $0.deadline <= at }.sorted { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
        for id in due.map(\.id) {
            // The end of one job may have changed another.
            if let job = jobs[id], job.deadline <= at { try expire(job, at: at, &effects) }
        }
    }

    private mutating func expire(_ job: Job, at: Int64, _ effects: inout Effects) throws(MarketError) {
        switch job.phase {
        case .funded:
            let reason = Reason(code: "files-missing", text: "the job's files did not arrive in time")
            try refund(job, .requesterFault, .requester, reason, at: at, &effects)
        case .offered:
            let reason = Reason(code: "no-node", text: "no node took the job in time: " + passedOver(job, at: at))
            try refund(job, .inconclusive, .environment, reason, at: at, &effects)
        case .assigned:
            let reason = Reason(code: "provider-silent", text: "the node did not answer in time")
            try endAttempt(job, end: "silent", reason: reason, at: at, &effects)
        case .committed:
            let reason = Reason(code: "provider-silent", text: "the node's outputs did not arrive in time")
            try endAttempt(job, end: "silent", reason: reason, at: at, &effects)
        case .verifying:
            try redraw(job, at: at, &effects)
        case .final: break
        }
    }

    private mutating func refund(
        _ job: Job,
        _ outcome: Outcome,
        _ fault: Fault,
        _ reason: Reason,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        try finish(
            job,
            outcome: outcome,
            fault: fault,
            reason: reason,
            end: outcome.rawValue,
            verdict: nil,
            at: at,
            &effects
        )
    }

    /// Gives a silent validator's job to another one, a few times.
    private mutating func redraw(_ job: Job, at: Int64, _ effects: inout Effects) throws(MarketError) {
        // When nobody asked for it, that counts as a draw, so that the wait has an end.
        let draws = job.validator == nil ? job.draws + 1 : job.draws
        guard draws < configuration.drawsAllowed else {
            let reason = Reason(code: "validator-silent", text: "no validator answered in time")
            try endAttempt(job, end: "inconclusive", reason: reason, at: at, &effects)
            return
        }
        var job = job
        if let validator = job.validator { judging[validator] = nil }
        unjudged.removeAll { $0 == job.id }
        job.validator = nil
        job.draws = draws
        job.deadline = at + job.deadlines.verifySeconds
        keep(job, &effects)
        unjudged.append(job.id)
    }

    /// The reasons for which nodes were passed over, in words.
    private func passedOver(_ job: Job, at: Int64) -> String {
        let counts = mismatches(of: job.id, at: at)
        guard !counts.isEmpty else { return "\(nodes.count) nodes registered" }
        return counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) \($0.key.rawValue)" }
            .joined(separator: ", ")
    }
}
