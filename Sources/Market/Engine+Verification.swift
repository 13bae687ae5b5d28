// From a node's commitment to a validator's verdict.
internal import Codecs
internal import Commitments
internal import Ledger
internal import Receipts
internal import Signatures
internal import Verdicts

extension Engine {
    mutating func commit(
        _ id: Digest,
        _ attempt: UInt32,
        _ node: VerifyingKey,
        _ claim: Job.Claim,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        var job = try leased(id, attempt, node)
        if let known = job.claim {
            guard known == claim else {
                let expected = known.executionDigest.hex
                throw .conflict(field: "execution", expected: expected, actual: claim.executionDigest.hex)
            }
            return
        }
        job = try open(id, in: .assigned)
        try checkWork(claim.workUnits, of: job)
        job.phase = .committed
        job.claim = claim
        job.deadline = at + job.deadlines.runSeconds
        keep(job, &effects)
    }

    /// Less than the whole is taken where the terms allow it, and never less than the node has already reported.
    private func checkWork(_ workUnits: UInt64, of job: Job) throws(MarketError) {
        let isWhole = workUnits == job.workUnits
        let isPrefix = job.terms.allowsPrefix && (1...job.workUnits).contains(workUnits)
        guard isWhole || isPrefix else {
            let expected = job.terms.allowsPrefix ? "1 to \(job.workUnits)" : "\(job.workUnits)"
            throw .refused(ParseError(field: "execution.meter.workUnits", expected: expected, actual: "\(workUnits)"))
        }
        guard workUnits >= job.reading?.workUnits ?? 0 else {
            let expected = "at least \(job.reading?.workUnits ?? 0), as in the last reading"
            throw .refused(ParseError(field: "execution.meter.workUnits", expected: expected, actual: "\(workUnits)"))
        }
    }

    mutating func outputsPresent(
        _ id: Digest,
        _ attempt: UInt32,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        var job = try open(id)
        guard job.attempt == attempt else {
            throw .staleLease(job: id, expected: "attempt \(job.attempt)", actual: "attempt \(attempt)")
        }
        guard job.phase == .committed else { return }
        // The node has done its part: it may take other work while the result is judged.
        if let node = job.assignment?.node { vacate(node) }
        job.phase = .verifying
        job.deadline = at + job.deadlines.verifySeconds
        keep(job, &effects)
    }

    mutating func abandon(
        _ id: Digest,
        _ attempt: UInt32,
        _ node: VerifyingKey,
        _ reason: String,
        at: Int64,
        _ effects: inout Effects
    ) throws(MarketError) {
        _ = try leased(id, attempt, node)
        let job = try open(id, in: .assigned, .committed)
        try endAttempt(
            job,
            end: "abandoned",
            fault: .environment,
            reason: Reason(code: "provider-abandoned", text: reason),
            at: at,
            &effects
        )
    }

    mutating func validatorSeen(_ key: VerifyingKey, at: Int64, _ effects: inout Effects) throws(MarketError) {
        guard configuration.validators.contains(key) else { throw .unknownValidator(key.text) }
        guard judging[key] == nil else { return }
        // Nobody judges his own work.
        guard let moment = index.unjudged.first(where: { jobs[$0.id]?.assignment?.node != key }),
            var job = jobs[moment.id]
        else { return }
        job.validator = key
        job.draws += 1
        job.deadline = at + job.deadlines.verifySeconds
        judging[key] = job.id
        keep(job, &effects)
    }

    mutating func judge(_ judgement: Judgement, at: Int64, _ effects: inout Effects) throws(MarketError) {
        guard configuration.validators.contains(judgement.validator) else {
            throw .unknownValidator(judgement.validator.text)
        }
        let job = try open(judgement.job, in: .verifying)
        guard job.attempt == judgement.attempt, job.validator == judgement.validator else {
            let holder = job.validator.map { "attempt \(job.attempt) by \($0)" } ?? "nobody"
            let actual = "attempt \(judgement.attempt) by \(judgement.validator)"
            throw .staleLease(job: job.id, expected: holder, actual: actual)
        }
        guard job.claim?.executionDigest == judgement.executionDigest else {
            let expected = job.claim?.executionDigest.hex ?? "none"
            throw .conflict(field: "execution", expected: expected, actual: judgement.executionDigest.hex)
        }
        switch judgement.outcome {
        case .accepted where job.terms.gang?.settles == .together:
            try wait(job, with: judgement, at: at, &effects)
        case .accepted, .rejected, .requesterFault:
            try finish(
                job,
                judgement.outcome,
                judgement.fault,
                judgement.reason,
                end: judgement.outcome.rawValue,
                verdict: judgement.verdictDigest,
                at: at,
                &effects
            )
        case .inconclusive:
            try endAttempt(
                job,
                end: "inconclusive",
                fault: .environment,
                reason: judgement.reason,
                verdict: judgement.verdictDigest,
                at: at,
                &effects
            )
        }
    }
}
