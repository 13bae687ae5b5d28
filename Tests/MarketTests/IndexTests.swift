// The engine's indexes against slow twins that look at everything.
import AssayTesting
import Commitments
import Ledger
import Receipts
import Replay
import Signatures
import Testing

@testable import Market

@Suite("Indexes") struct IndexTests {
    @Test(arguments: 0..<8 as Range<UInt64>)
    func aSortedSetIsASet(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var set = SortedSet<Int>((0..<Int.random(in: 0...3000, using: &random)).map { $0 % 997 })
        var twin = Set(set)
        #expect(set.map { $0 } == twin.sorted())
        for _ in 0..<4000 {
            let element = Int.random(in: 0..<3000, using: &random)
            if Bool.random(using: &random) {
                set.insert(element)
                twin.insert(element)
            } else {
                set.remove(element)
                twin.remove(element)
            }
            if set.contains(element) != twin.contains(element) { Issue.record("seed \(seed): \(element)") }
        }
        #expect(set.map { $0 } == twin.sorted(), "seed \(seed)")
        #expect(set.count == twin.count && set.first == twin.min(), "seed \(seed)")
        #expect(set.last(7) == Array(twin.sorted().reversed().prefix(7)), "seed \(seed)")
    }

    /// Nodes come, go, change and get work; jobs are offered: who gets what is what a look at everybody says.
    @Test(arguments: 0..<6 as Range<UInt64>)
    func theIndexFindsWhomASearchFinds(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var market = try MarketFixture(money: 1_000_000_000_000)
        let keys = try (0..<24).map { try Name.key("node \($0)") }
        for step in 0..<160 {
            market.now += Int64.random(in: 0...4, using: &random)
            let key = keys.randomElement(using: &random) ?? market.node
            switch UInt64.random(in: 0..<8, using: &random) {
            case 0, 1:
                let node = Node(
                    key: key,
                    deviceKind: Bool.random(using: &random) ? .cpu : .gpu,
                    memoryBytes: 1 << UInt64.random(in: 18...22, using: &random) + 5,
                    askPerMegaUnit: UInt64.random(in: 0...60_000_000, using: &random)
                )
                try market.apply(.register(node))
                let stake = Int64.random(in: 1...8_000_000, using: &random)
                try market.credit(.stake, of: key, stake)
            case 2, 3:
                var terms = Terms()
                terms.device = ["any", "cpu", "gpu"].randomElement(using: &random) ?? "any"
                terms.memoryBytes = String(1 << UInt64.random(in: 18...22, using: &random))
                terms.maxPerMegaUnit = String(UInt64.random(in: 1...60_000_000, using: &random))
                try market.apply(.submit(try market.submission("\(step)", terms: terms)))
                let job = Name.digest("job", "\(step)")
                let expected = Self.cheapest(for: job, in: market)
                try market.apply(.filesPresent(job: job))
                #expect(market.engine.jobs[job]?.assignment?.node == expected, "seed \(seed) step \(step)")
            case 4:
                guard let job = market.engine.lease(of: key) else { continue }
                try market.apply(.abandon(job: job.id, attempt: job.attempt, node: key, reason: "no"))
            case 5:
                try market.apply(.tick)
            default:
                guard market.engine.nodes[key] != nil else { continue }
                let before = market.engine.lease(of: key)?.id
                let expected = before ?? Self.oldest(for: key, in: market)
                try market.apply(.nodeSeen(key))
                #expect(market.engine.lease(of: key)?.id == expected, "seed \(seed) step \(step)")
            }
            let next = market.engine.jobs.values.map(\.deadline).min()
            #expect(market.engine.nextDeadline == next, "seed \(seed) step \(step)")
            let online = keys.filter { market.engine.isOnline($0, at: market.now) }.count
            #expect(market.engine.onlineCount(at: market.now) == online, "seed \(seed) step \(step)")
            for job in market.engine.jobs.values {
                let counts = market.engine.mismatches(of: job.id, at: market.now)
                #expect(counts == Self.mismatches(of: job, in: market), "seed \(seed) step \(step)")
            }
        }
    }

    /// Why each node cannot take a job, by a look at every one.
    private static func mismatches(of job: Job, in market: MarketFixture) -> [Mismatch: Int] {
        market.engine.nodes.values.reduce(into: [:]) { counts, node in
            let reason = market.engine.mismatch(of: node, with: job, at: market.now)
            if let reason { counts[reason, default: 0] += 1 }
        }
    }

    private static func cheapest(for id: Digest, in market: MarketFixture) -> VerifyingKey? {
        guard var job = market.engine.jobs[id] else { return nil }
        job.phase = .offered
        return market.engine.nodes.values
            .filter { market.engine.mismatch(of: $0, with: job, at: market.now) == nil }
            .min { ($0.askPerMegaUnit, $0.key.text) < ($1.askPerMegaUnit, $1.key.text) }?.key
    }

    private static func oldest(for key: VerifyingKey, in market: MarketFixture) -> Digest? {
        guard let node = market.engine.nodes[key] else { return nil }
        return market.engine.jobs.values
            .filter { job in
                guard job.phase == .offered, node.mismatch(with: job) == nil else { return false }
                return market.engine.hasStake(node, for: job)
            }
            .min { $0.age < $1.age }?.id
    }

    @Test func aHeartbeatWritesNothing() throws {
        var market = try MarketFixture()
        try market.register(market.node)
        for _ in 0..<100 {
            market.now += 30
            #expect(try market.apply(.nodeSeen(market.node)).isEmpty)
        }
        #expect(market.engine.onlineCount(at: market.now) == 1)
        #expect(market.engine.onlineCount(at: market.now + 31) == 0)
    }
}
