// The peers of the simulated market: requesters, providers, validators. Each knows only what it heard.
import AssayTesting
import Commitments
import Ledger
import Receipts
import Replay
import Signatures
import Verdicts

@testable import Market

/// What only the simulation knows: which claims are true, and which verdicts say what was found.
struct Truth {
    struct Claim {
        let job: Digest
        let attempt: UInt32
        let node: VerifyingKey
        let workUnits: UInt64
        let isHonest: Bool
    }

    struct Verdict {
        let job: Digest
        let attempt: UInt32
        let validator: VerifyingKey
        let execution: Digest
        let outcome: Outcome
        let isHonest: Bool
    }

    var claims: [Digest: Claim] = [:]
    var verdicts: [Digest: Verdict] = [:]
    /// The most work that a node was told it had reported, by job and attempt.
    var readings: [String: UInt64] = [:]
    /// Attempts whose node was asked to stop early: job and attempt.
    var preempted: Set<String> = []
}

/// Somebody who has jobs.
struct Requester {
    enum Stage { case new, submitted, uploaded, refused }

    struct Task {
        let submission: Submission
        /// Never sends the files.
        let forgetsFiles: Bool
        /// The files break a rule.
        let isBad: Bool
        var stage = Stage.new
        /// Top-ups that were acknowledged.
        var topUps: UInt32 = 0

        /// What the top-up of a number adds: the same however often it is sent.
        static func topUp(_ job: Digest, _ number: UInt32) -> ToppingUp {
            ToppingUp(job: job, number: number, amount: 100_000 + Int64(number), seconds: Int64(number % 3) * 10)
        }
    }

    let key: VerifyingKey
    let account: Account
    var isOpen = false
    var tasks: [Task]

    mutating func act(_ sender: Int, _ random: inout SeededGenerator) throws -> Request? {
        guard isOpen else { return Request(sender: sender, tag: -1, event: .openAccount(account)) }
        guard let index = tasks.indices.randomElement(using: &random) else { return nil }
        let task = tasks[index]
        let dice = UInt64.random(in: 0..<100, using: &random)
        if dice < 4 { return Request(sender: sender, tag: -2, event: .submit(task.submission)) }
        if dice < 7 {
            var other = task.submission
            other.id = Name.digest("other", task.submission.id.hex)
            return Request(sender: sender, tag: -3, event: .submit(other))
        }
        let id = task.submission.id
        if task.stage == .uploaded, task.submission.spec.terms.mode == .metered, dice < 40 {
            return Request(sender: sender, tag: -4 - index, event: .topUp(Task.topUp(id, task.topUps + 1)))
        }
        if task.stage != .new, dice == 99 { return Request(sender: sender, tag: -2, event: .close(job: id)) }
        switch task.stage {
        case .new: return Request(sender: sender, tag: index, event: .submit(task.submission))
        case .submitted where !task.forgetsFiles:
            let reason = Reason(code: "kernel-refused", text: "include")
            return Request(
                sender: sender,
                tag: index,
                event: task.isBad ? .refuse(job: id, reason: reason) : .filesPresent(job: id)
            )
        default: return nil
        }
    }

    mutating func hear(_ reply: Reply, to request: Request) throws {
        switch (request.tag, reply) {
        case (-1, .taken): isOpen = true
        case (-3, .taken):
            // The other order came first: then this one is the conflict.
            break
        case (..<(-3), .taken):
            guard case .topUp(let topUp) = request.event else { break }
            tasks[-4 - request.tag].topUps = max(tasks[-4 - request.tag].topUps, topUp.number)
        case (0..., .taken):
            if case .submit = request.event {
                if tasks[request.tag].stage == .new { tasks[request.tag].stage = .submitted }
            } else {
                tasks[request.tag].stage = .uploaded
            }
        case (0..., .refused(let error)):
            switch error {
            case .ledger(.insufficientFunds), .ledger(.unknownAccount): break
            case .unknownJob, .wrongPhase: tasks[request.tag].stage = .uploaded
            default: tasks[request.tag].stage = .refused
            }
        default: break
        }
    }
}

/// Somebody who runs jobs.
struct Provider {
    enum Manner: CaseIterable { case honest, lying, silent, crashing, abandoning, forgetful }
    enum Stage { case idle, working, committing, uploading }

    let node: Node
    let manner: Manner
    var isRegistered = false
    var job: Digest = .zero
    var attempt: UInt32 = 0
    /// The lease as it was granted.
    private var work: Job?
    private var sequence: Int64 = 0
    var stage = Stage.idle
    /// Does nothing before this step.
    var wakesAt = 0
    /// Claims on the provider's own disk: never a second one for an attempt.
    private var kept: [String: Job.Claim] = [:]

    init(node: Node, manner: Manner) {
        self.node = node
        self.manner = manner
    }

    mutating func act(
        _ sender: Int,
        _ step: Int,
        _ random: inout SeededGenerator,
        _ truth: inout Truth
    ) -> Request? {
        guard step >= wakesAt else { return nil }
        guard isRegistered else { return Request(sender: sender, tag: -1, event: .register(node)) }
        if manner == .crashing, UInt64.random(in: 0..<20, using: &random) == 0 {
            wakesAt = step + Int.random(in: 5...60, using: &random)
            stage = .idle
            return nil
        }
        switch stage {
        case .idle: return Request(sender: sender, tag: 0, event: .nodeSeen(node.key))
        case .working:
            let dice = UInt64.random(in: 0..<100, using: &random)
            if manner == .silent, dice < 60 {
                // What it says when it wakes is about a lease that is over.
                wakesAt = step + Int.random(in: 20...60, using: &random)
                stage = .committing
                return nil
            }
            if manner == .abandoning, dice < 50 {
                stage = .idle
                return Request(
                    sender: sender,
                    tag: 3,
                    event: .abandon(job: job, attempt: attempt, node: node.key, reason: "no memory")
                )
            }
            if let work, work.terms.allowsPrefix, dice >= 60, dice < 90 {
                sequence += 1
                let reading = Job.Reading(
                    digest: Name.digest("reading", "\(job.hex)-\(attempt)-\(sequence)"),
                    sequence: sequence,
                    workUnits: [0, 1, 64_000, 128_000].randomElement(using: &random) ?? 0,
                    wallMicroseconds: UInt64(step)
                )
                let event = Event.read(job: job, attempt: attempt, node: node.key, reading: reading)
                return Request(sender: sender, tag: 4, event: event)
            }
            stage = .committing
            return commitment(sender, &random, &truth)
        case .committing: return commitment(sender, &random, &truth)
        case .uploading:
            if manner == .forgetful, UInt64.random(in: 0..<100, using: &random) < 60 {
                stage = .idle
                wakesAt = step + 30
                return nil
            }
            return Request(sender: sender, tag: 2, event: .outputsPresent(job: job, attempt: attempt))
        }
    }

    private mutating func commitment(
        _ sender: Int,
        _ random: inout SeededGenerator,
        _ truth: inout Truth
    ) -> Request {
        let name = "\(job.hex)-\(attempt)"
        let claim: Job.Claim
        if let mine = kept[name] {
            claim = mine
        } else {
            let lies = manner == .lying && UInt64.random(in: 0..<2, using: &random) == 0
            let isPart = work?.terms.allowsPrefix ?? false && UInt64.random(in: 0..<2, using: &random) == 0
            claim = Job.Claim(
                executionDigest: Name.digest("execution", name, node.key.text, "\(lies)"),
                outputRoot: Name.digest("outputs", job.hex, "\(lies)"),
                workUnits: isPart ? 64_000 : 128_000
            )
            kept[name] = claim
            truth.claims[claim.executionDigest] = Truth.Claim(
                job: job,
                attempt: attempt,
                node: node.key,
                workUnits: claim.workUnits,
                isHonest: !lies
            )
        }
        return Request(
            sender: sender,
            tag: 1,
            event: .commit(job: job, attempt: attempt, node: node.key, claim: claim)
        )
    }

    mutating func hear(_ reply: Reply, to request: Request, _ truth: inout Truth) {
        switch (request.tag, reply) {
        case (-1, .taken): isRegistered = true
        case (0, .refused): isRegistered = false
        case (0, .work(let work)):
            guard stage == .idle, let work else { return }
            if (job, attempt) != (work.id, work.attempt) { sequence = 0 }
            (job, attempt) = (work.id, work.attempt)
            self.work = work
            stage = .working
        case (1, .taken):
            if case .commit(let id, let number, _, _) = request.event, id == job, number == attempt {
                stage = stage == .committing ? .uploading : stage
            }
        case (4, .taken):
            guard case .read(let id, let number, _, let reading) = request.event else { break }
            let name = "\(id.hex)-\(number)"
            truth.readings[name] = max(truth.readings[name] ?? 0, reading.workUnits)
        case (4, .refused(.staleLease)), (4, .refused(.unknownJob)), (4, .refused(.wrongPhase)): stage = .idle
        case (2, .taken), (1, .refused), (2, .refused): stage = .idle
        default: break
        }
    }
}

/// Somebody who judges.
struct Judge {
    enum Manner: CaseIterable { case honest, silent, crashing, unsure }

    let key: VerifyingKey
    let manner: Manner
    var job: Job?
    var wakesAt = 0
    /// The last verdict, sent again now and then.
    private var last: Judgement?

    init(key: VerifyingKey, manner: Manner) {
        self.key = key
        self.manner = manner
    }

    mutating func act(
        _ sender: Int,
        _ step: Int,
        _ random: inout SeededGenerator,
        _ truth: inout Truth
    ) -> Request? {
        guard step >= wakesAt else { return nil }
        let dice = UInt64.random(in: 0..<100, using: &random)
        if dice < 8, let last { return Request(sender: sender, tag: 2, event: .judge(last)) }
        guard let job, let claim = job.claim else {
            return Request(sender: sender, tag: 0, event: .validatorSeen(key))
        }
        switch manner {
        case .silent where dice < 50:
            self.job = nil
            wakesAt = step + 40
            return nil
        case .crashing where dice < 30:
            self.job = nil
            wakesAt = step + 15
            return nil
        default: break
        }
        let isOwn = job.assignment?.node == key
        let isTrue = truth.claims[claim.executionDigest]?.isHonest ?? false
        var outcome = isTrue || isOwn ? Outcome.accepted : .rejected
        if manner == .unsure, dice < 50 { outcome = dice < 38 ? .inconclusive : .requesterFault }
        let faults: [Outcome: Fault] = [.rejected: .provider, .requesterFault: .requester, .inconclusive: .environment]
        let digest = Name.digest("verdict", job.id.hex, "\(job.attempt)", key.text, outcome.rawValue)
        truth.verdicts[digest] = Truth.Verdict(
            job: job.id,
            attempt: job.attempt,
            validator: key,
            execution: claim.executionDigest,
            outcome: outcome,
            isHonest: !isOwn
        )
        let judgement = Judgement(
            job: job.id,
            attempt: job.attempt,
            validator: key,
            executionDigest: claim.executionDigest,
            verdictDigest: digest,
            outcome: outcome,
            fault: faults[outcome] ?? .none,
            reason: Reason(code: outcome == .accepted ? "verified" : "judged-" + outcome.rawValue, text: "by a test")
        )
        last = judgement
        return Request(sender: sender, tag: 1, event: .judge(judgement))
    }

    mutating func hear(_ reply: Reply, to request: Request) {
        switch (request.tag, reply) {
        case (0, .work(let work)): if job == nil { job = work }
        case (1, .taken), (1, .refused): job = nil
        default: break
        }
    }
}
