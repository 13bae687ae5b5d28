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

    @Test func jobsComeBackAsTheyWere() throws {
        for job in try Self.jobs() {
            let bytes = job.json.serialized()
            #expect(try Job(try JSONValue(parsing: bytes)) == job)
        }
    }

    @Test func nodesComeBackAsTheyWere() throws {
        let node = Node(key: try Name.key("n"), deviceKind: .gpu, memoryBytes: .max, askPerMegaUnit: .max)
        #expect(try Node(try JSONValue(parsing: node.json.serialized())) == node)
    }

    @Test func damagedRowsAreRefusedByName() throws {
        for job in try Self.jobs() {
            for mutation in JSONMutation.all(of: job.json) {
                // A job that waits for a validator is as good as one that has a validator.
                if mutation.kind == .removed, mutation.path == "validator" { continue }
                #expect(throws: ParseError.self, "\(job.phase.rawValue): \(mutation)") {
                    try Job(mutation.document)
                }
            }
        }
        let node = Node(key: try Name.key("n"), deviceKind: .gpu, memoryBytes: 1, askPerMegaUnit: 1)
        for mutation in JSONMutation.all(of: node.json) {
            do throws(ParseError) {
                _ = try Node(mutation.document)
                Issue.record("\(mutation) was read")
            } catch {
                #expect(error.field == "node." + mutation.path)
            }
        }
    }

    @Test(arguments: [
        ("held", JSONValue.string("0")), ("held", .string("9223372036854775808")), ("held", .string("-1")),
        ("held", .integer(5)), ("phase", .string("final")), ("phase", .string("asigned")),
        ("attempt", .integer(4)), ("attempt", .integer(-1)), ("draws", .integer(1 << 32)),
        ("requester", .string("ed25519:00")), ("id", .string("00")), ("workUnits", .string("01")),
        ("phase", .string("committed")), ("phase", .string("offered")),
    ])
    func valuesOutOfBoundsAreRefused(_ field: String, _ value: JSONValue) throws {
        var market = try MarketFixture()
        let id = try market.job(at: .assigned)
        guard case .object(var row) = try #require(market.engine.jobs[id]).json else { return }
        row[field] = value
        #expect(throws: ParseError.self) { try Job(.object(row)) }
    }

    /// The engine that goes on from the rows is the engine that wrote them.
    @Test func anEngineGoesOnFromItsRows() throws {
        for stage in MarketFixture.Stage.allCases {
            var market = try MarketFixture()
            _ = try market.job(at: stage)
            let jobs = try market.engine.jobs.values.map { try Job($0.json) }
            let nodes = try market.engine.nodes.values.map { try Node($0.json) }
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
