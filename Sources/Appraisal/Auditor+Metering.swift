// What only some jobs have: top-ups, meter readings, a requester's bond, penalties of nodes that fell silent.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Auditor {
    /// What the requester set aside by order and top-ups, in minor units.
    var held: UInt64 {
        file.topUps.reduce(file.job.spec.holdAmount) { $0.addingReportingOverflow($1.predicate.amount).partialValue }
    }

    /// The work that the last node says it had done when the job ended.
    var meteredUnits: UInt64 {
        guard file.lease != nil else { return 0 }
        return file.execution?.predicate.meter.workUnits ?? file.reading?.predicate.workUnits ?? 0
    }

    /// Every top-up: signed by the requester, for this job, numbered from 1.
    mutating func checkTopUps() {
        equal(
            "receipt.top-ups",
            file.topUps.map(\.digest.hex).joined(separator: ","),
            receipt.topUpDigests.map(\.hex).joined(separator: ",")
        )
        guard !file.topUps.isEmpty else { return }
        equal("top-up.mode", JobSpec.Terms.Mode.metered.rawValue, file.job.spec.terms.mode.rawValue)
        for (index, document) in file.topUps.enumerated() {
            let topUp = document.predicate
            signature("top-up-\(index + 1)", of: document)
            subject("top-up-\(index + 1)", "job", receipt.jobID.digest, of: document.subjects)
            equal(
                "top-up-\(index + 1).names",
                "\(index + 1) of job \(receipt.jobID) by \(receipt.requester) at \(receipt.engine)",
                "\(topUp.number) of job \(topUp.jobID) by \(topUp.requester) at \(topUp.engine)"
            )
        }
    }

    /// The last meter reading: under the deciding lease, within what is held, and not beyond what was delivered.
    mutating func checkReading() {
        guard let document = file.reading else { return }
        let reading = document.predicate
        equal("receipt.reading", document.digest, receipt.readingDigest ?? .zero)
        guard let lease = file.lease else {
            that("reading.lease", false, expected: "the lease that it is under", actual: "none")
            return
        }
        signature("reading", of: document)
        equal(
            "reading.lease",
            "attempt \(lease.predicate.attempt) of job \(receipt.jobID) by \(lease.predicate.node), lease "
                + lease.digest.hex,
            "attempt \(reading.attempt) of job \(reading.jobID) by \(reading.node), lease " + reading.leaseDigest.hex
        )
        let covered = Charge.units(coveredBy: held, pricePerMegaUnit: lease.predicate.pricePerMegaUnit)
        let most = min(file.job.spec.replay.workUnits, covered)
        that(
            "reading.cap",
            reading.workUnits <= most,
            expected: "at most \(most) work units, which the hold covers",
            actual: "\(reading.workUnits)"
        )
        guard receipt.outcome == .accepted, let delivered = file.execution?.predicate.meter.workUnits else { return }
        that(
            "reading.monotone",
            delivered >= reading.workUnits,
            expected: "at least the \(reading.workUnits) work units of the last reading",
            actual: "\(delivered)"
        )
    }

    /// What became of the requester's bond.
    mutating func checkBond(_ bond: Settlement.Stake?, _ amounts: SettlementAmounts) {
        let put = file.job.spec.terms.bond
        let least = file.ruleset.leastBond(forHold: file.job.spec.holdAmount)
        that("settlement.bond-least", put >= least, expected: "a bond of at least \(least)", actual: "\(put)")
        equal(
            "settlement.bond",
            put == 0 ? "none" : "\(put) held, \(amounts.bondLost) lost, \(amounts.bondReleased) released",
            bond.map { "\($0.held) held, \($0.slashed) lost, \($0.released) released" } ?? "none"
        )
        guard let bond else { return }
        checkLegs("settlement.bond-legs", bond.legs, parts: amounts.bondParts, sum: bond.slashed)
    }

    /// What earlier attempts cost their nodes: the ruleset's share of the stake for each that ended in silence.
    mutating func checkPenalties(_ penalties: [Settlement.Penalty]) {
        let stake = file.ruleset.stake(forHold: file.job.spec.holdAmount)
        let amount = file.ruleset.penalty(ofStake: stake)
        let expected = receipt.attempts.dropLast(file.lease == nil ? 0 : 1)
            .filter { amount > 0 && $0.end == Receipt.Attempt.silent }
            .map { "\(amount) in attempt \($0.attempt)" }
        equal(
            "settlement.penalties",
            expected.joined(separator: ", "),
            penalties.map { "\($0.amount) in attempt \($0.attempt)" }.joined(separator: ", ")
        )
        for penalty in penalties {
            let parts = file.ruleset.parts(ofPenalty: penalty.amount)
            checkLegs("settlement.penalty-\(penalty.attempt)", penalty.legs, parts: parts, sum: penalty.amount)
        }
    }
}
