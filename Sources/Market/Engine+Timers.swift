// Deadlines: every open job has one, the engine owns all of them, and each has one default outcome.
internal import Commitments
internal import Ledger
internal import Receipts
internal import Verdicts

extension Engine {
    mutating func tick(at: Int64, _ effects: inout Effects) throws(MarketError) {
        registry.sweep(before: at - configuration.nodeTimeoutSeconds)
        // Whatever ends or moves a job gives it a later deadline, or none.
        while let due = index.byDeadline.first, due.at <= at, let job = jobs[due.id] {
            try expire(job, at: at, &effects)
        }
    }

    private mutating func expire(_ job: Job, at: Int64, _ effects: inout Effects) throws(MarketError) {
        switch job.phase {
        case .funded:
            let reason = Reason(code: "files-missing", text: "the job's files did not arrive in time")
            try finish(job, .requesterFault, .requester, reason, end: "requesterFault", at: at, &effects)
        case .offered:
            let reason = Reason(code: "no-node", text: "no node took the job in time: " + passedOver(job, at: at))
            try finish(job, .inconclusive, .environment, reason, end: "inconclusive", at: at, &effects)
        case .assigned:
            try expireLease(job, missing: "the node did not answer in time", at: at, &effects)
        case .committed:
            try expireLease(job, missing: "the node's outputs did not arrive in time", at: at, &effects)
        case .verifying:
            try redraw(job, at: at, &effects)
        case .judged:
            let reason = Reason(code: GangLeg.late, text: "the other jobs of the gang did not end in time")
            try finish(job, .inconclusive, .environment, reason, end: "inconclusive", at: at, &effects)
        case .final: break
        }
    }

    /// A node that was asked to stop early owes nothing when it has nothing to show; any other has broken its word.
    private mutating func expireLease(
        _ job: Job,
        missing: String,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        guard let yield = job.yield, job.phase == .assigned else {
            let reason = Reason(code: "provider-silent", text: missing)
            return try endAttempt(job, end: Receipt.Attempt.silent, fault: .provider, reason: reason, at: at, &effects)
        }
        let reason = Reason(code: yield.rawValue, text: "the node was asked to stop and had no result yet")
        try endAttempt(job, end: yield.rawValue, fault: .none, reason: reason, at: at, &effects)
    }

    /// Gives a silent validator's job to another one, a few times.
    private mutating func redraw(_ job: Job, at: Int64, _ effects: inout Effects) throws(MarketError) {
        // When nobody asked for it, that counts as a draw, so that the wait has an end.
        let draws = job.validator == nil ? job.draws + 1 : job.draws
        guard draws < configuration.drawsAllowed else {
            let reason = Reason(code: "validator-silent", text: "no validator answered in time")
            try endAttempt(job, end: "inconclusive", fault: .validator, reason: reason, at: at, &effects)
            return
        }
        var job = job
        if let validator = job.validator { judging[validator] = nil }
        job.validator = nil
        job.draws = draws
        job.deadline = at + job.deadlines.verifySeconds
        keep(job, &effects)
    }

    /// The reasons for which nodes were passed over, in words.
    private func passedOver(_ job: Job, at: Int64) -> String {
        let counts = mismatches(of: job.id, at: at)
        guard !counts.isEmpty else { return "\(nodes.count) nodes registered" }
        return counts.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) \($0.key.rawValue)" }
            .joined(separator: ", ")
    }
}
