// Rows of jobs and nodes: they come back as they were, and a damaged one is refused by name.
import AssayTesting
import Codecs
import Receipts
import Replay
import Signatures
import Testing

@testable import Market

@Suite("Rows") struct RowTests {
    static func jobs() throws -> [Job] {
        var jobs: [Job] = []
        for stage in MarketFixture.Stage.allCases where stage != .ended {
            var market = try MarketFixture()
            let id = try market.job(at: stage)
            jobs.append(try #require(market.engine.jobs[id]))
        }
        var market = try MarketFixture()
        let id = try market.job(at: .assigned)
        try market.apply(.abandon(job: id, attempt: 1, node: market.node, reason: "no"))
        jobs.append(try #require(market.engine.jobs[id]))
        return jobs
    }

    /// A job in which every optional part is there.
    static func full() throws -> Job {
        var market = try MarketFixture()
        var terms = Terms()
        terms.more = """
            {"mode":"metered","depositUnits":"64000","preemptible":true,"bond":"5",\
            "gang":{"group":"\(String(repeating: "0a", count: 32))","size":2,"index":1}}
            """
        try market.apply(.submit(try market.submission(terms: terms)))
        var job = try #require(market.engine.jobs.values.first)
        job.phase = .verifying
        job.attempt = 2
        job.topUps = 1
        job.history = [Job.PastAttempt(attempt: 1, node: market.node, end: "silent", penalty: 7)]
        job.assignment = Job.Assignment(
            node: market.node,
            pricePerMegaUnit: 1,
            stake: 2,
            grantedAt: 3,
            expiresAt: 4
        )
        job.claim = MarketFixture.claim
        job.reading = Job.Reading(
            digest: Name.digest("reading"),
            sequence: 1,
            workUnits: 2,
            wallMicroseconds: 3
        )
        job.yield = .closed
        job.validator = market.validators[0]
        return job
    }

    /// A job that waits for its gang.
    static func judged() throws -> Job {
        var market = try MarketFixture()
        let id = try market.job(at: .drawn)
        let verified = try #require(market.engine.jobs[id])
        var terms = Terms()
        terms.more = """
            {"gang":{"group":"\(String(repeating: "0a", count: 32))","size":2,"index":1,"settles":"together"}}
            """
        var other = try MarketFixture()
        try other.apply(.submit(try other.submission(terms: terms)))
        var job = try #require(other.engine.jobs.values.first)
        (job.phase, job.attempt, job.assignment) = (.judged, 1, verified.assignment)
        (job.claim, job.validator) = (verified.claim, verified.validator)
        job.finding = Job.Finding(
            verdictDigest: Name.digest("verdict"),
            reason: Reason(code: "verified", text: "replayed bit for bit")
        )
        return job
    }

    @Test func jobsComeBackAsTheyWere() throws {
        for job in try Self.jobs() + [Self.full(), Self.judged()] { #expect(try Job(row: job.row) == job) }
    }

    @Test func nodesComeBackAsTheyWere() throws {
        let node = Node(key: try Name.key("n"), deviceKind: .gpu, memoryBytes: .max, askPerMegaUnit: .max)
        #expect(try Node(row: node.row) == node)
    }

    @Test func damagedRowsAreRefusedOrAreOtherRows() throws {
        for job in try Self.jobs() + [Self.full(), Self.judged()] {
            let row = job.row
            for length in row.indices {
                #expect(throws: ParseError.self) { try Job(row: Array(row[..<length])) }
            }
            #expect(throws: ParseError.self) { try Job(row: row + [0]) }
            for place in row.indices {
                var other = row
                other[place] ^= 1 << UInt8(place % 8)
                // Whatever can be read is written the same again: there is one row for a job.
                if let read = try? Job(row: other) { #expect(read.row == other && read != job) }
            }
        }
        let node = Node(key: try Name.key("n"), deviceKind: .gpu, memoryBytes: 1, askPerMegaUnit: 1).row
        for length in node.indices { #expect(throws: ParseError.self) { try Node(row: Array(node[..<length])) } }
        #expect(throws: ParseError.self) { try Node(row: node + [0]) }
    }

    @Test func partsThatDoNotFitThePhaseAreRefused() throws {
        var market = try MarketFixture()
        let id = try market.job(at: .assigned)
        let job = try #require(market.engine.jobs[id])
        let changes: [(String, (inout Job) -> Void)] = [
            ("held", { $0.held = 0 }), ("held", { $0.held = -1 }),
            ("phase", { ($0.phase, $0.assignment) = (.final, nil) }),
            ("attempt", { $0.attempt = 4 }), ("attempt", { $0.attempt = 0 }), ("claim", { $0.phase = .committed }),
            ("assignment", { $0.phase = .offered }), ("claim", { $0.claim = MarketFixture.claim }),
            ("validator", { $0.validator = market.node }), ("assignment", { $0.assignment = nil }),
            ("stake", { $0.assignment?.stake = -1 }),
            ("yield", { ($0.phase, $0.assignment, $0.yield) = (.offered, nil, .closed) }),
        ]
        for (field, change) in changes {
            var other = job
            change(&other)
            let error = #expect(throws: ParseError.self) { try Job(row: other.row) }
            #expect(error?.field == "job." + field)
        }
    }

    /// The engine that goes on from the rows is the engine that wrote them.
    @Test func anEngineGoesOnFromItsRows() throws {
        for stage in MarketFixture.Stage.allCases {
            var market = try MarketFixture()
            _ = try market.job(at: stage)
            let jobs = try market.engine.jobs.values.map { try Job(row: $0.row) }
            let nodes = try market.engine.nodes.values.map { try Node(row: $0.row) }
            let again = Engine(
                configuration: market.engine.configuration,
                book: market.engine.book,
                jobs: jobs,
                nodes: nodes
            )
            #expect(EngineImage(again) == EngineImage(market.engine), "\(stage)")
            #expect(again.orders == market.engine.orders)
        }
    }
}
