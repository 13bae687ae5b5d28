// Jobs that are paid for as they go or may be cut short: readings, top-ups, and being asked to stop.
internal import Codecs
internal import Commitments
internal import Ledger
internal import Receipts
internal import Signatures
internal import Verdicts

extension Engine {
    /// Takes a node's reading: later than the one before, at least as far, and within what the hold covers.
    mutating func read(
        _ id: Digest,
        _ attempt: UInt32,
        _ node: VerifyingKey,
        _ reading: Job.Reading,
        _ effects: inout Effects
    ) throws(MarketError) {
        var job = try leased(id, attempt, node)
        if let last = job.reading, last.sequence == reading.sequence {
            guard last == reading else {
                let expected = last.digest.hex
                throw .conflict(field: "reading.sequence", expected: expected, actual: reading.digest.hex)
            }
            return
        }
        job = try open(id, in: .assigned)
        func demand(_ field: String, _ isMet: Bool, _ expected: String, _ actual: String) throws(MarketError) {
            if !isMet { throw .refused(ParseError(field: "reading." + field, expected: expected, actual: actual)) }
        }
        if let last = job.reading {
            try demand(
                "sequence",
                reading.sequence > last.sequence,
                "more than \(last.sequence)",
                "\(reading.sequence)"
            )
            try demand(
                "workUnits",
                reading.workUnits >= last.workUnits,
                "at least \(last.workUnits), as before",
                "\(reading.workUnits)"
            )
            try demand(
                "wallMicroseconds",
                reading.wallMicroseconds >= last.wallMicroseconds,
                "at least \(last.wallMicroseconds), as before",
                "\(reading.wallMicroseconds)"
            )
        }
        let covered = job.coveredUnits
        try demand(
            "workUnits",
            reading.workUnits <= covered,
            "at most \(covered), which the hold covers",
            "\(reading.workUnits)"
        )
        job.reading = reading
        keep(job, &effects)
    }

    /// Adds money and time to a metered job: the hold is replaced by a larger one and the deadline moves, in one event.
    mutating func topUp(_ topUp: ToppingUp, at: Int64, _ effects: inout Effects) throws(MarketError) {
        var job = try open(topUp.job)
        guard job.terms.mode == .metered else {
            throw .refused(ParseError(field: "terms.mode", expected: "metered", actual: job.terms.mode.rawValue))
        }
        guard topUp.number > job.topUps else { return }
        job = try open(topUp.job, in: .funded, .offered, .assigned)
        guard topUp.number == job.topUps + 1, topUp.number <= TopUp.maxCount else {
            let expected = job.topUps < TopUp.maxCount ? "\(job.topUps + 1)" : "at most \(TopUp.maxCount)"
            throw .refused(ParseError(field: "number", expected: expected, actual: "\(topUp.number)"))
        }
        guard topUp.amount > 0, (0...86_400).contains(topUp.seconds) else {
            let actual = "\(topUp.amount), \(topUp.seconds) seconds"
            throw .refused(ParseError(field: "amount", expected: "an amount, 0 to 86400 seconds", actual: actual))
        }
        let (held, overflow) = job.held.addingReportingOverflow(topUp.amount)
        let available = book.accounts[job.account]?.available ?? 0
        guard !overflow, available >= topUp.amount else {
            throw .ledger(.insufficientFunds(account: job.account, needed: topUp.amount, available: available))
        }
        let expiry = max(book.holds[job.holdID]?.expiresAt ?? 0, ledgerTime(at) + 86_400) + topUp.seconds
        try move(.resolve(giveBack(job.holdID, attempt: 0)), at: at, &effects)
        job.held = held
        job.topUps += 1
        job.deadline += topUp.seconds
        let hold = Transfer(
            id: job.holdID,
            debit: job.account,
            credit: account(.escrow, of: configuration.engine),
            amount: held,
            currency: job.currency,
            kind: .hold,
            job: job.id,
            leg: "hold.\(job.topUps)",
            at: at
        )
        try move(.hold(hold, expiresAt: expiry), at: at, &effects)
        keep(job, &effects)
    }

    /// The operation that ends a hold with nothing paid out of it.
    func giveBack(_ hold: TransferID, attempt: UInt32) -> Resolution {
        Resolution(id: TransferID(deriving: Array("resolve".utf8), hold.bytes), hold: hold, legs: [], attempt: attempt)
    }

    /// Ends a job on its requester's wish: at once while nobody works on it, by asking the node for what it has where the terms
    /// allow that.
    mutating func close(_ id: Digest, at: Int64, _ effects: inout Effects) throws(MarketError) {
        var job = try open(id)
        // Who has started all of them must not get the results of some for nothing by taking one back.
        guard job.waitsForGang || job.terms.gang?.settles != .together else {
            let actual = job.phase.rawValue + ", in a gang that settles together and has started"
            throw .wrongPhase(job: id, expected: "a job that has not started", actual: actual)
        }
        switch job.phase {
        case .funded, .offered:
            let reason = Reason(code: "closed", text: "the requester has closed the job")
            try finish(job, .inconclusive, .none, reason, end: "closed", at: at, &effects)
        case .assigned where job.terms.allowsPrefix:
            guard job.yield != .closed else { return }
            job.yield = .closed
            job.deadline = min(job.deadline, at + configuration.yieldSeconds)
            keep(job, &effects)
        case .assigned, .committed, .verifying, .judged, .final:
            let expected = job.terms.allowsPrefix ? "a job whose result is not there yet" : "a job without a lease"
            throw .wrongPhase(job: id, expected: expected, actual: job.phase.rawValue)
        }
    }

    /// Ends a job whose files or documents the engine has lost: everything goes back to whom it belongs.
    mutating func fail(_ id: Digest, _ reason: Reason, at: Int64, _ effects: inout Effects) throws(MarketError) {
        try finish(try open(id), .inconclusive, .engine, reason, end: "engine", at: at, &effects)
    }

    /// Asks the node of the oldest fitting job that may be cut short to make room for `job`, which may not.
    mutating func preempt(for job: Job, at: Int64, _ effects: inout Effects) {
        guard !job.terms.isPreemptible else { return }
        var victim: Job?
        for moment in index.preemptible {
            guard let candidate = jobs[moment.id], let key = candidate.assignment?.node, let node = nodes[key],
                node.mismatch(with: job) == nil
            else { continue }
            victim = candidate
            break
        }
        guard var victim else { return }
        victim.yield = .preempted
        victim.deadline = min(victim.deadline, at + configuration.yieldSeconds)
        keep(victim, &effects)
    }
}
