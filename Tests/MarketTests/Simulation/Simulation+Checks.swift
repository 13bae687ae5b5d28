// What must be true after every event and at the end of every run.
import Commitments
import Ledger
import Receipts
import Signatures
import Verdicts

@testable import Market

extension Simulation {
    /// After every event: the ledger's invariants, and that the market and the ledger tell the same story.
    func check(_ event: @autoclosure () -> String) throws {
        let engine = shell.engine
        func demand(_ condition: Bool, _ text: @autoclosure () -> String) throws {
            if !condition { throw Violation("after \(event()): \(text())") }
        }
        do {
            try engine.book.verify()
        } catch {
            throw Violation("after \(event()): \(error)")
        }
        var owed: Int64 = 0
        var leased: Set<VerifyingKey> = []
        var judging: Set<VerifyingKey> = []
        for job in engine.jobs.values {
            owed += job.held + Int64(job.terms.bond) + (job.assignment?.stake ?? 0)
            owed += job.history.reduce(0) { $0 + $1.penalty }
            try demand(engine.book.holds[job.holdID]?.amount == job.held, "job \(job.id) is open without its hold")
            try demand(job.deadline < 3_000_000_000, "job \(job.id) never ends")
            try demand(job.attempt <= job.attemptsAllowed, "job \(job.id) is in attempt \(job.attempt)")
            if let node = job.assignment?.node, [.assigned, .committed].contains(job.phase) {
                try demand(leased.insert(node).inserted, "node \(node) has two leases")
                try demand(engine.lease(of: node)?.id == job.id, "the lease of \(node) is unknown")
            }
            if let digest = job.claim?.executionDigest {
                let claim = truth.claims[digest]
                try demand(
                    claim?.job == job.id && claim?.attempt == job.attempt && claim?.node == job.assignment?.node,
                    "job \(job.id) holds a claim that was not made under its lease"
                )
            }
            if let validator = job.validator, job.phase == .verifying {
                try demand(judging.insert(validator).inserted, "validator \(validator) has two executions")
                try demand(engine.verification(of: validator)?.id == job.id, "the draw of \(validator) is unknown")
                try demand(job.assignment?.node != validator, "\(validator) is to judge its own work")
            }
            let isQueued = engine.index.unjudged.contains(job.age)
            try demand(isQueued == (job.phase == .verifying && job.validator == nil), "\(job.id) and its queue")
            let held = job.firstHold + (0..<job.topUps).reduce(0) { $0 + Requester.Task.topUp(job.id, $1 + 1).amount }
            try demand(job.held == held, "job \(job.id) holds \(job.held), not \(held)")
            try demand(job.reading?.workUnits ?? 0 <= job.coveredUnits, "a reading beyond what the hold covers")
            let told = truth.readings["\(job.id.hex)-\(job.attempt)"] ?? 0
            if job.phase == .assigned {
                try demand(job.reading?.workUnits ?? 0 >= told, "a reading went back from \(told)")
            }
            let waits = job.gangKey.flatMap { engine.gangs[$0] }?.values.contains(job.id) ?? false
            try demand(waits == job.waitsForGang, "\(job.id) and its gang")
            guard let gang = job.terms.gang, gang.settles == .together, !waits, let key = job.gangKey else { continue }
            let legs = engine.together[key]?.values.compactMap { engine.jobs[$0] } ?? []
            try demand(legs.count == Int(gang.size), "\(legs.count) open jobs of a gang that settles together")
        }
        try demand(Set(engine.offered) == Set(engine.jobs.values.filter { $0.phase == .offered }.map(\.id)), "offers")
        let deadlines = engine.jobs.values.map { JobMoment(at: $0.deadline, id: $0.id) }.sorted()
        try demand(engine.index.byDeadline.map { $0 } == deadlines, "the order of deadlines")
        try demand(engine.index.byAge.count == engine.jobs.count, "the order of ages")
        let phases = Dictionary(engine.jobs.values.map { ($0.phase, 1) }, uniquingKeysWith: +)
        try demand(engine.jobCounts == phases, "the count of phases")
        let held = engine.book.holds.values.reduce(0) { $0 + $1.amount }
        try demand(held == owed, "\(held) held, \(owed) owed to open jobs and stakes")
        try demand(engine.leases.count == leased.count, "a lease without a job")
        try demand(engine.judging.count == judging.count, "a draw without a job")
        let unjudged = engine.jobs.values.filter { $0.phase == .verifying && $0.validator == nil }.count
        try demand(engine.unjudgedCount == unjudged, "a job waits twice for a validator")
        try demand(Set(engine.offered).count == engine.offered.count, "a job is offered twice")
    }

    /// When all is over.
    func checkEnd() async throws {
        func demand(_ condition: Bool, _ text: @autoclosure () -> String) throws {
            if !condition { throw Violation("at the end: \(text())") }
        }
        try check("the end")
        let store = shell.store
        try demand(try store.openHolds().isEmpty, "something stays held")
        try demand(try store.records(kind: Job.recordKind).isEmpty, "a job's row stays")
        let accounts = try store.accounts(owner: nil)
        try demand(accounts.reduce(0) { $0 + $1.balance } == 0, "the balances do not sum to zero")
        try demand(accounts.allSatisfy { $0.debitsPending == 0 && $0.creditsPending == 0 }, "something is pending")
        let ids = shell.endings.map(\.job.id)
        try demand(Set(ids).count == ids.count, "a job ended twice")
        let lost = shell.acknowledged.subtracting(ids)
        try demand(lost.isEmpty, "acknowledged and never ended: \(lost)")
        let receipts = try store.receiptCount()
        try demand(receipts == ids.count, "\(receipts) receipts of \(ids.count) jobs")
        for ending in shell.endings { try check(ending) }
        let gangs = Dictionary(grouping: shell.endings.filter { $0.job.terms.gang != nil }) { $0.job.gangKey }
        for members in gangs.values {
            let started = members.filter { $0.job.attempt > 0 }.count
            try demand(
                started == 0 || started == members.first?.job.terms.gang.map { Int($0.size) },
                "\(started) jobs of a gang have started"
            )
            guard started > 0, members.first?.job.terms.gang?.settles == .together else { continue }
            let paid = members.filter { $0.outcome == .accepted }.count
            let mayDiffer = members.contains { $0.outcome == .requesterFault }
            try demand(paid == 0 || paid == members.count || mayDiffer, "\(paid) of a gang are paid")
            for member in members {
                let flaw = member.gang.map { GangLeg.flaw(in: $0, size: Int64(members.count)) } ?? "no list of its jobs"
                try demand(flaw == nil, "a receipt of a gang: \(flaw ?? "")")
            }
        }
        let report = try Fsck.run(store)
        try demand(report.isClean, report.checks.flatMap(\.faults).first ?? "fsck")
    }

    /// By when a job has ended whatever happens: its deadlines one after another, and what the run itself was late by.
    private func longestLife(of job: Job) -> Int64 {
        let deadlines = job.deadlines
        let draws = Int64(shell.configuration.drawsAllowed)
        let attempt =
            deadlines.matchSeconds + 2 * deadlines.runSeconds + draws * deadlines.verifySeconds
            + shell.configuration.yieldSeconds
        let topUps = (0..<job.topUps).reduce(0) { $0 + Requester.Task.topUp(job.id, $1 + 1).seconds }
        return deadlines.uploadSeconds + Int64(job.attemptsAllowed) * attempt + topUps + lateness
    }

    private func check(_ ending: Ending) throws {
        let job = ending.job
        func demand(_ condition: Bool, _ text: @autoclosure () -> String) throws {
            if !condition { throw Violation("job \(job.id), \(ending.outcome.rawValue): \(text())") }
        }
        let worked = job.claim.flatMap { truth.claims[$0.executionDigest]?.workUnits }
        let rules = shell.configuration.ruleset
        let amounts = SettlementAmounts(
            outcome: ending.outcome,
            held: UInt64(job.held),
            workUnits: worked ?? 0,
            pricePerMegaUnit: job.assignment?.pricePerMegaUnit,
            stake: UInt64(job.assignment?.stake ?? 0),
            ruleset: rules,
            isSilent: job.assignment != nil && job.history.last?.end == Receipt.Attempt.silent,
            bond: job.terms.bond,
            meteredUnits: worked ?? job.reading?.workUnits ?? 0
        )
        let life = longestLife(of: job)
        try demand(ending.settledAt - job.submittedAt <= life, "ended after \(ending.settledAt - job.submittedAt) s")
        if ending.reason.code == Self.engineFault {
            let isFree = ending.settlement.gross == 0 && amounts.slashed == 0 && amounts.bondLost == 0
            try demand(ending.fault == .engine && isFree, "the engine's fault costs somebody else something")
        }
        if let worked, ending.outcome == .accepted {
            try demand(worked == job.workUnits || job.terms.allowsPrefix, "paid for \(worked) work units")
            try demand(ending.settlement.workUnits == worked, "the receipt says \(ending.settlement.workUnits) units")
        }
        try demand(ending.settlement.gross == amounts.gross, "gross \(ending.settlement.gross), not \(amounts.gross)")
        let transfers = try shell.store.transfers(ofJob: job.id)
        let moved = transfers.filter { [.post, .direct].contains($0.kind) }
        let paid = moved.filter { $0.leg.hasPrefix("pay.") }
        let slashed = moved.filter { $0.leg.hasPrefix("slash.") }
        let bond = moved.filter { $0.leg.hasPrefix("bond.") }
        let fined = moved.filter { $0.leg.hasPrefix("penalty.") }
        let deciding = moved.filter { !$0.leg.hasPrefix("penalty.") }
        try demand(bond.reduce(0) { $0 + $1.amount } == Int64(amounts.bondLost), "the bond lost \(amounts.bondLost)")
        for past in job.history where truth.preempted.contains("\(job.id.hex)-\(past.attempt)") {
            try demand(
                past.end != Receipt.Attempt.silent,
                "attempt \(past.attempt) was asked to stop and is called silent"
            )
        }
        for past in job.history.dropLast(job.assignment == nil ? 0 : 1) {
            let owed = past.end == "silent" ? rules.penalty(ofStake: rules.stake(forHold: UInt64(job.firstHold))) : 0
            let paid = fined.filter { $0.attempt == past.attempt }.reduce(0) { $0 + $1.amount }
            try demand(paid == Int64(owed), "attempt \(past.attempt) ended \(past.end) and cost \(paid), not \(owed)")
        }
        try demand(paid.reduce(0) { $0 + $1.amount } == Int64(amounts.gross), "paid is not gross \(amounts.gross)")
        try demand(slashed.reduce(0) { $0 + $1.amount } == Int64(amounts.slashed), "slashed is not \(amounts.slashed)")
        try demand(Set(deciding.map(\.attempt)).count <= 1, "paid in two attempts")
        try demand(deciding.allSatisfy { $0.attempt == job.attempt }, "paid for another attempt")
        try demand(Set(moved.map { "\($0.attempt) \($0.leg)" }).count == moved.count, "a leg is paid twice")
        let settlement = ending.settlement
        let legs = settlement.legs + (settlement.stake?.legs ?? []) + (settlement.bond?.legs ?? [])
        let named = (legs + settlement.penalties.flatMap(\.legs)).map(\.transfer).sorted()
        try demand(named == moved.map(\.id.text).sorted(), "the receipt names other transfers than the ledger has")
        try demand(
            job.history.map(\.attempt) == Array(1...max(1, job.attempt)).prefix(Int(job.attempt)).map { $0 },
            "history"
        )
        try demand(ending.settledAt >= job.assignment?.grantedAt ?? 0, "settled before the lease")

        guard ending.outcome == .accepted || ending.outcome == .rejected else { return }
        guard let claim = job.claim.flatMap({ truth.claims[$0.executionDigest] }),
            let verdict = ending.verdictDigest.flatMap({ truth.verdicts[$0] })
        else { throw Violation("job \(job.id): money moved without claim and verdict") }
        try demand(
            claim.job == job.id && claim.attempt == job.attempt,
            "settled on a claim of attempt \(claim.attempt)"
        )
        try demand(claim.node == job.assignment?.node, "settled on the claim of \(claim.node)")
        try demand(verdict.job == job.id && verdict.attempt == job.attempt, "settled on a stale verdict")
        try demand(verdict.execution == job.claim?.executionDigest, "settled on a verdict about another claim")
        try demand(verdict.validator == job.validator, "settled on the verdict of \(verdict.validator)")
        try demand(verdict.outcome == ending.outcome, "the verdict says \(verdict.outcome.rawValue)")
        try demand(verdict.isHonest, "judged by who computed it")
        try demand(claim.isHonest == (ending.outcome == .accepted), "the claim is \(claim.isHonest ? "true" : "a lie")")
    }
}
