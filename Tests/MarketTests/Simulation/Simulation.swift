// One seed is one run: a market of strangers over a network that loses, repeats, delays and reorders, on a machine that
// crashes, under a clock that jumps.
import AssayTesting
import Codecs
import Commitments
import Ledger
import Receipts
import Replay
import Signatures
import Verdicts

@testable import Market

/// A run of the market.
struct Simulation {
    private enum Packet {
        case request(Request)
        case reply(Request, Reply)
    }

    private struct Delivery {
        let step: Int
        let packet: Packet
    }

    private static let specs: [JobSpec] = {
        var specs: [JobSpec] = []
        let more: [String?] = [
            nil, nil, nil, #"{"mode":"metered","depositUnits":"64000"}"#, #"{"mode":"metered","bond":"70000"}"#,
            #"{"preemptible":true}"#, #"{"bond":"500000"}"#,
        ]
        for attempts: Int64 in [1, 2, 3] {
            for (device, price) in [("any", "50000000"), ("cpu", "30000000"), ("gpu", "7"), ("any", "20000000")] {
                for text in more {
                    var terms = Terms()
                    (terms.attempts, terms.device, terms.maxPerMegaUnit) = (attempts, device, price)
                    terms.more = text
                    if let spec = try? terms.spec() { specs.append(spec) }
                }
            }
        }
        return specs
    }()

    /// The specs of a gang, which only its requester names.
    private static func gang(_ name: String, size: Int, _ settles: JobSpec.Gang.Settles) throws -> [JobSpec] {
        try (0..<size).map { index in
            var terms = Terms()
            let group = Name.digest("gang", name).hex
            terms.more = """
                {"gang":{"group":"\(group)","size":\(size),"index":\(index),"settles":"\(settles.rawValue)"}}
                """
            return try terms.spec()
        }
    }

    private static let steps = 220
    /// The reason of what the engine says it cannot go on with.
    static let engineFault = "engine-fault"

    var random: SeededGenerator
    private let engineKey: VerifyingKey
    var shell: Shell
    private(set) var truth = Truth()
    var clock: Int64 = 1_700_000_000 {
        didSet {
            if clock < oldValue {
                lateness += oldValue - clock
            } else if let due = shell.engine.nextDeadline, due < clock {
                lateness += clock - max(oldValue, due)
            }
        }
    }
    /// Whether timers are what goes wrong.
    private let isTimerChaos: Bool
    /// Which timers went wrong in which way.
    var timers: Set<TimerCase> = []
    /// For how many seconds in all a timer was late, and by how many the clock went back.
    var lateness: Int64 = 0
    private var aheadBy: Int64 = 0
    private var requesters: [Requester] = []
    private var providers: [Provider] = []
    private var judges: [Judge] = []
    /// Credits that the operator has still to make.
    private var credits: [Transfer] = []
    private var network: [Delivery] = []
    private let judgeNames: [String]

    init(seed: UInt64, mutant: Mutant? = nil, isTimerChaos: Bool = false) throws {
        random = SeededGenerator(seed: seed)
        self.isTimerChaos = isTimerChaos
        engineKey = try Name.key("engine")
        // One key both runs jobs and judges them.
        judgeNames = ["v0", "v1", "n0"]
        var rules = Ruleset.default
        switch UInt64.random(in: 0..<8, using: &random) {
        case 0: rules = try Self.rulesWithoutStake()
        case 1...4: rules = try Self.rulesWithPenalty()
        default: break
        }
        let configuration = MarketConfiguration(
            engine: engineKey,
            validators: Set(try judgeNames.map(Name.key)),
            ruleset: rules,
            drawsAllowed: UInt32.random(in: 1...3, using: &random),
            yieldSeconds: Int64.random(in: 1...40, using: &random)
        )
        shell = try Shell(configuration: configuration, mutant: mutant, at: clock)
        try addPeers()
    }

    private static func rulesWithoutStake() throws -> Ruleset {
        let text = """
            {"schema":"assay.ruleset/1","split":[{"leg":"provider","base":"gross","basisPoints":3333},\
            {"leg":"validator","base":"gross","basisPoints":3333},{"leg":"fee","base":"gross","basisPoints":3334}],\
            "stake":{"basisPointsOfHold":0,"minimum":"0"},\
            "slash":[{"leg":"payer","base":"slashed","basisPoints":10000}]}
            """
        return try Ruleset(parsing: Array(text.utf8))
    }

    /// The default rules, and what silence costs.
    private static func rulesWithPenalty() throws -> Ruleset {
        guard case .object(var rules) = try JSONValue(parsing: Ruleset.default.bytes) else { return .default }
        rules["faults"] = try JSONValue(
            parsing: Array(
                """
                {"penaltyBasisPointsOfStake":100,"penalty":[{"leg":"payer","base":"penalty","basisPoints":6000},\
                {"leg":"treasury","base":"penalty","basisPoints":4000}],"bondBasisPointsOfHold":0}
                """.utf8
            )
        )
        return try Ruleset(parsing: JSONValue.object(rules).serialized())
    }

    private mutating func addPeers() throws {
        func credit(_ name: String, _ account: AccountID, _ amount: Int64) -> Transfer {
            Transfer(
                id: Name.transfer(name),
                debit: shell.engine.account(.issuer, of: engineKey),
                credit: account,
                amount: amount,
                currency: "credit",
                kind: .credit
            )
        }
        for index in 0..<Int.random(in: 1...3, using: &random) {
            let key = try Name.key("r\(index)")
            let account = Account(currency: "credit", kind: .payer, owner: key.bytes)
            var tasks: [Requester.Task] = []
            var specs = (0..<Int.random(in: 1...3, using: &random)).compactMap { _ in
                Self.specs.randomElement(using: &random)
            }
            if UInt64.random(in: 0..<4, using: &random) == 0 {
                let settles = JobSpec.Gang.Settles.allCases.randomElement(using: &random) ?? .each
                specs += try Self.gang("\(index)", size: Int.random(in: 2...3, using: &random), settles)
            }
            for (number, spec) in specs.enumerated() {
                let name = "\(index)-\(number)"
                let submission = Submission(
                    id: Name.digest("job", name),
                    requester: key,
                    account: account.id,
                    nonce: Name.digest("nonce", name),
                    orderDigest: Name.digest("order", name),
                    specDigest: Name.digest("spec", name),
                    spec: spec
                )
                tasks.append(
                    Requester.Task(
                        submission: submission,
                        forgetsFiles: UInt64.random(in: 0..<10, using: &random) == 0,
                        isBad: UInt64.random(in: 0..<10, using: &random) == 0
                    )
                )
            }
            requesters.append(Requester(key: key, account: account, tasks: tasks))
            let money = Int64.random(in: 1...20_000_000, using: &random)
            credits.append(credit("credit r\(index)", account.id, money))
        }
        for index in 0..<Int.random(in: 1...4, using: &random) {
            let key = try Name.key("n\(index)")
            let node = Node(
                key: key,
                deviceKind: UInt64.random(in: 0..<3, using: &random) == 0 ? .gpu : .cpu,
                memoryBytes: 1 << 30,
                askPerMegaUnit: UInt64.random(in: 0...40_000_000, using: &random)
            )
            providers.append(
                Provider(node: node, manner: Provider.Manner.allCases.randomElement(using: &random) ?? .honest)
            )
            let stake = Int64.random(in: 1...40_000_000, using: &random)
            credits.append(credit("stake n\(index)", shell.engine.account(.stake, of: key), stake))
        }
        for name in judgeNames {
            let manner = Judge.Manner.allCases.randomElement(using: &random) ?? .honest
            judges.append(Judge(key: try Name.key(name), manner: manner))
        }
    }

    // MARK: The run

    /// Runs to the end.
    /// - Throws: `Violation` for the first property that does not hold.
    mutating func run() async throws {
        for step in 0..<(isTimerChaos ? Self.steps / 2 : Self.steps) {
            if isTimerChaos { try await disturbTimer() } else { passTime() }
            try await deliver(step)
            for index in 0..<peerCount where UInt64.random(in: 0..<3, using: &random) == 0 {
                if let request = try act(index, step) { send(.request(request), step) }
            }
            if !isTimerChaos, UInt64.random(in: 0..<2, using: &random) == 0 { try tick() }
            if UInt64.random(in: 0..<5, using: &random) < 3 { try await flush(step) }
            if UInt64.random(in: 0..<90, using: &random) == 0 {
                try await crash(keeping: Int.random(in: 0...shell.pendingCount, using: &random))
            }
        }
        try await drain()
        try await checkEnd()
    }

    /// Ends the engine's process, and starts it again on so many of the batches that were on their way.
    mutating func crash(keeping count: Int) async throws {
        try await shell.crash(at: clock, keeping: count)
        // A wish that was lost in the crash has not been uttered.
        for job in shell.engine.jobs.values where job.yield == nil {
            truth.preempted.remove("\(job.id.hex)-\(job.attempt)")
        }
        try check("a crash")
    }

    private mutating func passTime() {
        let dice = UInt64.random(in: 0..<1000, using: &random)
        switch dice {
        case 0..<700: clock += Int64.random(in: 0...3, using: &random)
        case 700..<720: clock += Int64.random(in: 20...7200, using: &random)
        case 720..<750: clock -= Int64.random(in: 1...20, using: &random)
        case 750..<753 where aheadBy == 0:
            aheadBy = 3 * 86_400
            clock += aheadBy
        case 753..<800:
            clock -= aheadBy
            aheadBy = 0
        default: break
        }
    }

    private mutating func send(_ packet: Packet, _ step: Int) {
        let dice = UInt64.random(in: 0..<100, using: &random)
        guard dice >= 10 else { return }
        for _ in 0..<(dice < 22 ? 2 : 1) {
            let isSlow = UInt64.random(in: 0..<20, using: &random) == 0
            let delay = Int.random(in: isSlow ? 10...60 : 1...4, using: &random)
            network.append(Delivery(step: step + delay, packet: packet))
        }
    }

    private mutating func deliver(_ step: Int) async throws {
        var due = network.filter { $0.step <= step }.map(\.packet)
        network.removeAll { $0.step <= step }
        due.shuffle(using: &random)
        for packet in due {
            switch packet {
            case .request(let request):
                let reply = try await shell.handle(request, at: clock)
                try check("\(request.event)")
                notePreempted()
                if let reply { send(.reply(request, reply), step) }
            case .reply(let request, let reply): try hear(reply, to: request)
            }
        }
    }

    private mutating func flush(_ step: Int) async throws {
        for (request, reply) in try await shell.flush() { send(.reply(request, reply), step) }
    }

    mutating func tick() throws {
        try shell.tick(at: clock)
        try check("a tick")
        notePreempted()
        for job in shell.engine.jobs.values where job.deadline <= clock {
            throw Violation("job \(job.id) is still due after a tick in phase \(job.phase)")
        }
    }

    private var peerCount: Int { requesters.count + providers.count + judges.count + 1 }

    private mutating func act(_ index: Int, _ step: Int) throws -> Request? {
        var local = index
        if local < requesters.count { return try requesters[local].act(index, &random) }
        local -= requesters.count
        if local < providers.count { return providers[local].act(index, step, &random, &truth) }
        local -= providers.count
        if local < judges.count { return judges[local].act(index, step, &random, &truth) }
        if UInt64.random(in: 0..<200, using: &random) == 0 {
            guard let job = shell.engine.latestJobs(1).first?.id else { return nil }
            let reason = Reason(code: Self.engineFault, text: "a file is lost")
            return Request(sender: index, tag: 1, event: .fail(job: job, reason: reason))
        }
        return credits.randomElement(using: &random).map { Request(sender: index, tag: 0, event: .transfer($0)) }
    }

    private mutating func hear(_ reply: Reply, to request: Request) throws {
        var local = request.sender
        if local < requesters.count { return try requesters[local].hear(reply, to: request) }
        local -= requesters.count
        if local < providers.count { return providers[local].hear(reply, to: request, &truth) }
        local -= providers.count
        if local < judges.count { return judges[local].hear(reply, to: request) }
        if case .transfer(let transfer) = request.event, reply == .taken {
            credits.removeAll { $0.id == transfer.id }
        }
    }

    /// Everybody has gone; only the engine's own deadlines are left.
    private mutating func drain() async throws {
        network = []
        for _ in 0..<400 {
            _ = try await shell.flush()
            guard let deadline = shell.engine.nextDeadline else { return }
            clock = max(clock + 1, deadline)
            try tick()
        }
        throw Violation("\(shell.engine.jobs.count) jobs never end")
    }

    /// Remembers who was asked to stop early, whatever becomes of it in the engine.
    private mutating func notePreempted() {
        for job in shell.engine.jobs.values where job.yield == .preempted {
            let name = "\(job.id.hex)-\(job.attempt)"
            // Who has answered with a statement and then hands nothing over is silent after all.
            if job.phase == .assigned { truth.preempted.insert(name) } else { truth.preempted.remove(name) }
        }
    }
}
