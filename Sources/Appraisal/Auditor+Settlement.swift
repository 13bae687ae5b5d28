// The money: every amount follows from the outcome, the spec, the lease and the ruleset; every account from a key in the file.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Auditor {
    /// Amounts, legs and accounts.
    mutating func checkSettlement() {
        let settlement = receipt.settlement
        let spec = file.job.spec
        let lease = file.lease?.predicate
        let isAccepted = receipt.outcome == .accepted
        equal("settlement.currency", spec.price.currency, settlement.currency)
        equal("settlement.held", held, settlement.held)
        equal(
            "settlement.price",
            lease.map { String($0.pricePerMegaUnit) } ?? "none",
            settlement.pricePerMegaUnit.map { String($0) } ?? "none"
        )
        equal(
            "settlement.work",
            isAccepted ? file.execution?.predicate.meter.workUnits ?? 0 : 0,
            settlement.workUnits
        )
        let amounts = SettlementAmounts(
            outcome: receipt.outcome,
            held: held,
            workUnits: settlement.workUnits,
            pricePerMegaUnit: lease?.pricePerMegaUnit,
            stake: lease?.stakeAmount ?? 0,
            ruleset: file.ruleset,
            isSilent: receipt.attempts.last?.end == Receipt.Attempt.silent,
            bond: spec.terms.bond,
            meteredUnits: meteredUnits
        )
        equal("settlement.gross", amounts.gross, settlement.gross)
        equal("settlement.refunded", amounts.refunded, settlement.refunded)
        checkLegs("settlement.legs", settlement.legs, parts: amounts.parts, sum: settlement.gross)
        checkBond(settlement.bond, amounts)
        checkPenalties(settlement.penalties)
        guard let lease else {
            that(
                "settlement.stake",
                settlement.stake == nil,
                expected: "no stake without a lease",
                actual: settlement.stake == nil ? "none" : "one"
            )
            return
        }
        guard let stake = settlement.stake else {
            that("settlement.stake", false, expected: "what became of \(lease.stakeAmount)", actual: "nothing said")
            return
        }
        equal(
            "settlement.stake",
            "\(lease.stakeAmount) held, \(amounts.slashed) slashed, \(amounts.released) released",
            "\(stake.held) held, \(stake.slashed) slashed, \(stake.released) released"
        )
        checkLegs("settlement.slash-legs", stake.legs, parts: amounts.slashParts, sum: stake.slashed)
    }

    /// Legs of one kind together make the ruleset's share, and all of them the whole.
    mutating func checkLegs(
        _ id: String,
        _ legs: [Settlement.Leg],
        parts: [Ruleset.Part],
        sum: UInt64
    ) {
        var paid: [AccountName.Purpose: UInt64] = [:]
        var total: UInt64 = 0
        var overflow = false
        var base: Ruleset.Base?
        for leg in legs {
            let (partSum, partOverflow) = paid[leg.leg, default: 0].addingReportingOverflow(leg.amount)
            let (allSum, allOverflow) = total.addingReportingOverflow(leg.amount)
            overflow = overflow || partOverflow || allOverflow
            paid[leg.leg] = partSum
            total = allSum
            if leg.base != parts.first?.base { base = leg.base }
        }
        let expected = parts.filter { $0.amount > 0 }.map { "\($0.leg.rawValue) \($0.amount)" }.sorted()
        let actual = paid.filter { $0.value > 0 }.map { "\($0.key.rawValue) \($0.value)" }.sorted()
        that(
            id,
            expected == actual && total == sum && !overflow && base == nil,
            expected: (expected + ["in all \(sum)"]).joined(separator: ", "),
            actual: (actual + ["in all \(total)"]).joined(separator: ", ")
                + (base.map { ", a leg of base \($0.rawValue)" } ?? "")
        )
        let stray = legs.first { !owners(of: $0.leg, base: $0.base).contains($0.account) }
        that(
            id + ".accounts",
            stray == nil,
            expected: "accounts of the node, a validator of this job and the engine",
            actual: stray.map { "\($0.leg.rawValue) to \($0.account)" } ?? "they are"
        )
        let transfers = legs.map(\.transfer)
        that(
            id + ".transfers",
            Set(transfers).count == transfers.count,
            expected: "each transfer once",
            actual: Set(transfers).count == transfers.count ? "\(transfers.count)" : "one of them twice"
        )
    }

    /// The accounts to which a leg may go.
    private func owners(of leg: AccountName.Purpose, base: Ruleset.Base) -> [AccountName] {
        let keys: [VerifyingKey]
        switch leg {
        case .payer: keys = [receipt.requester]
        case .provider: keys = (file.lease?.predicate.node).map { [$0] } ?? []
        case .validator:
            let judges = file.verdicts.map(\.predicate).filter { $0.verdict.outcome == receipt.outcome }.map(
                \.validator
            )
            // Where no validator decided, the engine stands in for one.
            keys = judges.isEmpty || base == .penalty ? judges + [receipt.engine] : judges
        case .fee, .treasury: keys = [receipt.engine]
        }
        return keys.map { AccountName(currency: file.job.spec.price.currency, purpose: leg, owner: $0) }
    }
}
