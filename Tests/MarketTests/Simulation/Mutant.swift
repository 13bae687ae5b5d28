// Engines that are wrong on purpose: each must be found by the simulation, or the simulation is blind.
import Commitments
import Ledger
import Receipts
import Replay
import Signatures
import Verdicts

@testable import Market

/// One mistake.
enum Mutant: String, CaseIterable, Sendable {
    /// An accepted job is paid a second time, outside of its hold.
    case paidTwice
    /// The stake of an attempt that ended stays held.
    case stakeKept
    /// An inconclusive verdict counts as accepted.
    case paidOnInconclusive
    /// A result under an earlier lease counts as one under the present lease.
    case staleResult
    /// A verdict of an earlier draw counts as one of the present draw.
    case staleVerdict
    /// An honest result is slashed when a validator is slow to say so.
    case slashedHonest
    /// Nothing ever times out while a job is being verified.
    case noVerifyDeadline
    /// Answers leave before their batch is in the store.
    case answerBeforeCommit
    /// A node with a lease gets another one.
    case secondLease
    /// A row of a changed job is not written.
    case lostRow
    /// The provider gets all that was held.
    case remainderKept
    /// A validator may judge what it computed itself.
    case ownWork
    /// A job that ended is opened again by its repeated order.
    case reopened
    /// The first leg of every payment is rounded up.
    case roundedUp
    /// The next lease of a job has the epoch of the one before.
    case reusedEpoch
    /// The work of the first steps is paid for as if it were the whole.
    case prefixPaidWhole
    /// A job of a gang starts without the others.
    case splitGang
    /// A top-up moves the deadline and holds nothing.
    case topUpWithoutHold
    /// A meter reading may go back, and beyond the hold.
    case readingUnchecked
    /// What a silent node owes is forgotten when its job goes on.
    case penaltyForgotten
    /// A requester at fault gets the bond back.
    case bondReturned
    /// A node that was asked to stop early is punished for having nothing.
    case yieldPunished
    /// A job of a gang that settles together is paid before the others are judged.
    case paidBeforeTheGang
    /// The rest of a gang that settles together goes on when one of its jobs has failed.
    case gangGoesOn
    /// What the engine has lost is called the node's silence.
    case engineFaultBlamed

    func apply(_ event: Event, to engine: inout Engine, at: Int64) throws -> Effects {
        let book = engine.book
        var effects = Effects()
        switch (self, event) {
        case (.paidOnInconclusive, .judge(var judgement)) where judgement.outcome == .inconclusive:
            (judgement.outcome, judgement.fault) = (.accepted, .none)
            return try engine.apply(.judge(judgement), at: at)
        case (.staleResult, .commit(let id, _, _, let claim)):
            guard let job = engine.jobs[id], let node = job.assignment?.node else { break }
            return try engine.apply(.commit(job: id, attempt: job.attempt, node: node, claim: claim), at: at)
        case (.staleVerdict, .judge(var judgement)):
            guard let job = engine.jobs[judgement.job], let claim = job.claim, let judge = job.validator else { break }
            judgement.attempt = job.attempt
            judgement.validator = judge
            judgement.executionDigest = claim.executionDigest
            return try engine.apply(.judge(judgement), at: at)
        case (.slashedHonest, .judge(var judgement)) where judgement.outcome == .accepted && at % 3 == 0:
            (judgement.outcome, judgement.fault) = (.rejected, .provider)
            return try engine.apply(.judge(judgement), at: at)
        case (.secondLease, .nodeSeen(let key)):
            engine.vacate(key)
        case (.ownWork, .validatorSeen(let key)):
            guard engine.judging[key] == nil,
                let own = engine.index.unjudged.first(where: { engine.jobs[$0.id]?.assignment?.node == key }),
                var job = engine.jobs[own.id]
            else { break }
            job.validator = key
            engine.judging[key] = own.id
            engine.keep(job, &effects)
            return effects
        case (.reopened, .submit(let submission)):
            guard engine.jobs[submission.id] == nil else { break }
            let done = try engine.apply(event, at: at)
            guard done.isEmpty, let first = Self.fresh(submission, at: at) else { return done }
            engine.keep(first, &effects)
            return effects
        case (.splitGang, .nodeSeen(let key)):
            guard let node = engine.nodes[key], engine.leases[key] == nil,
                let moment = engine.index.gangOffers.first, let job = engine.jobs[moment.id],
                node.mismatch(with: job) == nil
            else { break }
            _ = try engine.assign(job, to: node, at: at, &effects)
            return effects
        case (.topUpWithoutHold, .topUp(let topUp)):
            guard var job = engine.jobs[topUp.job], [.funded, .offered, .assigned].contains(job.phase) else { break }
            job.held += topUp.amount
            job.deadline += topUp.seconds
            engine.keep(job, &effects)
            return effects
        case (.readingUnchecked, .read(let id, let attempt, let node, let reading)):
            guard var job = engine.jobs[id], job.attempt == attempt, job.assignment?.node == node,
                job.phase == .assigned
            else { break }
            job.reading = reading
            engine.keep(job, &effects)
            return effects
        case (.prefixPaidWhole, .commit(let id, let attempt, let node, var claim)):
            claim.workUnits = engine.jobs[id]?.workUnits ?? 0
            return try engine.apply(.commit(job: id, attempt: attempt, node: node, claim: claim), at: at)
        case (.engineFaultBlamed, .fail(let id, let reason)):
            guard let job = engine.jobs[id], job.assignment != nil else { break }
            try engine.finish(job, .inconclusive, .provider, reason, end: Receipt.Attempt.silent, at: at, &effects)
            return effects
        case (.gangGoesOn, _): engine.together = [:]
        case (.yieldPunished, .tick):
            for var job in engine.jobs.values where job.yield == .preempted && job.deadline <= at {
                job.yield = nil
                engine.keep(job, &effects)
            }
            return try engine.apply(.tick, at: at)
        case (.bondReturned, .judge(var judgement)) where judgement.outcome == .requesterFault:
            guard var job = engine.jobs[judgement.job], var claim = job.claim else { break }
            claim.workUnits = 0
            job.claim = claim
            engine.keep(job, &effects)
            judgement.executionDigest = claim.executionDigest
            return try engine.apply(.judge(judgement), at: at)
        default: break
        }
        effects = try engine.apply(event, at: at)
        switch self {
        case .paidBeforeTheGang:
            for job in effects.jobs where job.phase == .judged { try engine.pay(job, at: at, &effects) }
        case .paidTwice:
            for ending in effects.endings where ending.outcome == .accepted {
                guard let node = ending.job.assignment?.node else { continue }
                let again = Transfer(
                    id: TransferID(deriving: Array("again".utf8), ending.job.id.bytes),
                    debit: ending.job.account,
                    credit: engine.account(.provider, of: node),
                    amount: max(1, Int64(ending.settlement.gross)),
                    currency: ending.job.currency,
                    kind: .direct,
                    job: ending.job.id,
                    attempt: ending.job.attempt,
                    leg: "pay.again"
                )
                if let done = try? engine.book.apply(.transfer(again), at: at) { effects.ledger.append(done) }
            }
        case .stakeKept:
            try Self.redo(&effects, &engine, from: book, at: at) { resolution in
                resolution.hold.transfer.leg == "stake" ? nil : Self.operation(resolution, legs: nil)
            }
        case .remainderKept:
            try Self.redo(&effects, &engine, from: book, at: at) { resolution in
                guard resolution.hold.transfer.leg == "hold", resolution.posted > 0 else {
                    return Self.operation(resolution, legs: nil)
                }
                return Self.operation(resolution, legs: resolution.returned)
            }
        case .noVerifyDeadline:
            for var job in effects.jobs where job.phase == .verifying {
                job.deadline = .max / 2
                engine.keep(job, &effects)
            }
        case .roundedUp:
            try Self.redo(&effects, &engine, from: book, at: at) { resolution in
                Self.operation(resolution, legs: resolution.posted > 0 && resolution.returned > 0 ? 1 : nil)
            }
        case .reusedEpoch:
            for var job in effects.jobs where job.phase == .offered && job.attempt > 0 {
                job.attempt -= 1
                engine.keep(job, &effects)
            }
        case .penaltyForgotten:
            for var job in effects.jobs where job.history.contains(where: { $0.penalty > 0 }) {
                for index in job.history.indices { job.history[index].penalty = 0 }
                engine.keep(job, &effects)
            }
        default: break
        }
        return effects
    }

    /// A job as it was submitted.
    private static func fresh(_ submission: Submission, at: Int64) -> Job? {
        Job(
            id: submission.id,
            name: submission.spec.name,
            requester: submission.requester,
            account: submission.account,
            nonce: submission.nonce,
            orderDigest: submission.orderDigest,
            specDigest: submission.specDigest,
            currency: submission.spec.price.currency,
            terms: submission.spec.terms,
            workUnits: submission.spec.replay.workUnits,
            maxPerMegaUnit: submission.spec.price.maxPerMegaUnit,
            device: submission.spec.replay.device,
            deadlines: submission.spec.deadlines,
            attemptsAllowed: UInt32(submission.spec.attempts),
            submittedAt: at,
            held: Int64(submission.spec.holdAmount),
            phase: .funded,
            deadline: at + 60
        )
    }

    /// What the resolution of a hold was asked as, with `more` added to its first leg.
    private static func operation(_ resolution: HoldResolution, legs more: Int64?) -> (HoldResolution, Int64) {
        (resolution, more ?? 0)
    }

    /// Does the ledger's part of an event again, with other resolutions.
    private static func redo(
        _ effects: inout Effects,
        _ engine: inout Engine,
        from book: Book,
        at: Int64,
        _ change: (HoldResolution) -> (HoldResolution, Int64)?
    ) throws {
        guard effects.ledger.contains(where: { $0.resolution != nil }) else { return }
        var book = book
        var done: [LedgerEffects] = []
        for effect in effects.ledger {
            if let account = effect.account {
                done.append(try book.apply(.openAccount(account), at: at))
            } else if let hold = effect.hold {
                done.append(try book.apply(.hold(hold.transfer, expiresAt: hold.expiresAt), at: at))
            } else if let resolution = effect.resolution {
                guard let (_, more) = change(resolution) else { continue }
                var legs = effect.transfers.filter { $0.kind == .post }
                    .map { Leg(credit: $0.credit, amount: $0.amount, name: $0.leg) }
                if !legs.isEmpty { legs[0].amount += more }
                let attempt = effect.transfers.first?.attempt ?? 0
                let verdict = effect.transfers.first?.verdict
                done.append(
                    try book.apply(
                        .resolve(
                            Resolution(
                                id: resolution.id,
                                hold: resolution.hold.id,
                                legs: legs,
                                attempt: attempt,
                                verdict: verdict
                            )
                        ),
                        at: at
                    )
                )
            } else if let transfer = effect.transfers.first {
                done.append(try book.apply(.transfer(transfer), at: at))
            }
        }
        engine.book = book
        effects.ledger = done
    }
}
