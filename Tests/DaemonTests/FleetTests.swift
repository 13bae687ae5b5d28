// Several real daemons on one PostgreSQL database: any of them is killed or stopped, and the others go on.
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineClient
import Foundation
import Ledger
import Receipts
import Signatures
import Testing
import Validator

@Suite("Fleet", .serialized, .enabled(if: PrivatePostgres.isInstalled(for: "FleetTests")))
struct FleetTests {
    let folder: TemporaryFolder
    let database: String
    /// The folder with the engine's keys, which the schedulers share.
    let engineData: String
    let customer: Customer
    /// The folders of four agents; any of them may validate.
    let agents: [DataFolder]

    init() throws {
        folder = try TemporaryFolder()
        database = try PrivatePostgres.shared.get().newDatabase()
        engineData = folder.path + "/engine"
        customer = try Customer(data: engineData)
        let path = folder.path
        agents = try (1...4).map { number in
            let folder = DataFolder(path: "\(path)/agent\(number)")
            try folder.prepare()
            return folder
        }
    }

    private func scheduler(_ name: String, lease: Int = 2) throws -> DaemonProcess {
        var arguments = [
            "--data", engineData, "--roles", "scheduler", "--listen", "127.0.0.1:0", "--log-level", "notice",
            "--store", database, "--name", name, "--lease", "\(lease)",
        ]
        for agent in agents { arguments += ["--accept-validator", try agent.key(.validator).verifyingKey.text] }
        return try DaemonProcess(arguments)
    }

    private func agent(_ number: Int, _ roles: String, _ urls: [String]) throws -> DaemonProcess {
        var arguments = ["--data", agents[number].path, "--roles", roles, "--engine-key", customer.engineKey.text]
        arguments += ["--log-level", "notice", "--warm-workers", "0", "--engine-patience", "2"]
        for url in urls { arguments += ["--engine", url] }
        return try DaemonProcess(arguments)
    }

    private func store() throws -> PostgresLedgerStore {
        PostgresLedgerStore(database: try PostgresDatabase(url: database), fence: nil)
    }

    /// Orders jobs until `count` are acknowledged; an order without an answer is sent again under its own number.
    private func order(_ numbers: Range<Int>, _ client: any EngineAPI) async throws -> Set<Digest> {
        var acknowledged: Set<Digest> = []
        let job = try SmallJob.job(patience: 15, attempts: 5)
        for number in numbers {
            for turn in 1... {
                do {
                    try await customer.order(number, client, job) { acknowledged.insert($0) }
                    break
                } catch let error as EngineError {
                    guard error.kind == .unavailable, turn < 100 else { throw error }
                    try await Task.sleep(for: .milliseconds(200))
                }
            }
        }
        return acknowledged
    }

    @Test func theOthersFinishWhatTheKilledBegan() async throws {
        let first = try scheduler("one")
        let urlOne = try #require(try await first.url(), "\(first.errorText)")
        #expect(try await first.leads(), "\(first.errorText)")
        let second = try scheduler("two")
        let urlTwo = try #require(try await second.url(), "\(second.errorText)")
        let urls = [urlOne, urlTwo]
        let client = try FleetClient(urls: urls)
        let provider = try agent(0, "provider", urls)
        let validator = try agent(1, "validator", urls)
        let both = try agent(2, "validator,provider", urls)
        // A node is given a job once. Two that stay alive are enough even when a slow machine makes one of them late.
        let spare = try agent(3, "provider", urls)
        try await customer.open(client)
        for number in [0, 2, 3] { try await customer.stake(client, node: try agents[number].key(.node).verifyingKey) }

        // The standby shows what is there and takes nothing.
        let standby = try HTTPEngineClient(url: urlTwo)
        #expect(try await standby.engine().standing?.role == .standby)
        let payer = AccountName(currency: "credit", purpose: .payer, owner: customer.key.verifyingKey)
        #expect(try await standby.account(id: payer.text).balance == 1_000_000_000)
        await #expect { try await customer.order(0, standby) { _ in } } throws: { error in
            let refusal = error as? EngineError
            return refusal?.id == "engine.standby" && refusal?.expected == urlOne
        }

        var acknowledged = try await order(0..<6, client)
        first.kill()
        acknowledged.formUnion(try await order(6..<9, client))
        #expect(try await second.leads(), "\(second.errorText)")
        #expect(try await standby.engine().standing?.role == .leader)

        // A provider and a validator are killed at work; what they had is given to the others.
        acknowledged.formUnion(try await order(9..<12, client))
        provider.kill()
        validator.kill()
        acknowledged.formUnion(try await order(12..<15, client))
        let views = try await Ends.of(acknowledged, client, seconds: 150)
        #expect(views.count == acknowledged.count, "\(acknowledged.count - views.count) are open\n\(second.errorText)")
        #expect(acknowledged.count == 15)
        let others = views.values.filter { $0.outcome != "accepted" }
        #expect(others.isEmpty, "\(others)\n\(both.errorText)\n\(spare.errorText)")

        let reckoning = Reckoning(acknowledged: acknowledged, views: views, customer: customer, name: "fleet")
        try await reckoning.audit(client, validators: try agents.map { try $0.key(.validator).verifyingKey })
        // A scheduler that ends in order gives the lease back; its successor leads at once.
        let third = try scheduler("three", lease: 600)
        #expect(try await third.url() != nil, "\(third.errorText)")
        #expect(try await second.terminate(within: 10) == 0, "\(second.errorText)")
        #expect(try await third.leads(), "\(third.errorText)")
        for daemon in [both, spare, third] {
            #expect(try await daemon.terminate(within: 10) == 0, "\(daemon.errorText)")
        }
        try reckoning.check(try store())
    }

    @Test func aPausedLeaderPaysNothing() async throws {
        let first = try scheduler("one", lease: 1)
        let urlOne = try #require(try await first.url(), "\(first.errorText)")
        #expect(try await first.leads(), "\(first.errorText)")
        let second = try scheduler("two", lease: 1)
        let urlTwo = try #require(try await second.url(), "\(second.errorText)")
        let client = try FleetClient(urls: [urlTwo, urlOne], patienceSeconds: 2)
        try await customer.open(client)
        let both = try agent(0, "validator,provider", [urlTwo, urlOne])
        try await customer.stake(client, node: try agents[0].key(.node).verifyingKey)
        var acknowledged = try await order(0..<3, client)
        first.pause()
        #expect(try await second.leads(), "\(second.errorText)")
        acknowledged.formUnion(try await order(3..<5, client))
        let views = try await Ends.of(acknowledged, client, seconds: 150)
        #expect(views.count == 5, "\(second.errorText)")

        // Awake again, it has open jobs in memory that ended long ago, some of them at work or before their verdict.
        first.resume()
        let old = try HTTPEngineClient(url: urlOne)
        await #expect { try await customer.order(9, old) { _ in } } throws: { error in
            (error as? EngineError)?.id == "engine.standby"
        }
        #expect(try await first.standsBy(), "\(first.errorText)")
        for _ in 0..<100 where try await old.engine().standing?.leader == nil {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(
            try await old.engine().standing == EngineStanding(role: .standby, name: "one", leader: urlTwo, epoch: nil)
        )
        for daemon in [both, first, second] {
            #expect(try await daemon.terminate(within: 10) == 0, "\(daemon.errorText)")
        }
        let reckoning = Reckoning(acknowledged: acknowledged, views: views, customer: customer, name: "paused")
        try reckoning.check(try store())
    }

    @Test func aSchedulerWithOtherKeysIsRefused() async throws {
        let first = try scheduler("one")
        #expect(try await first.leads(), "\(first.errorText)")
        let other = try DaemonProcess(
            data: folder.path + "/other",
            "--roles",
            "scheduler",
            "--store",
            database
        )
        #expect(try await other.exit(within: 20) == 78, "\(other.errorText)")
        #expect(other.errorText.contains(customer.engineKey.text), "\(other.errorText)")
        // Nor may two have one name: the one that was there first finds out, and ends.
        let twin = try scheduler("one")
        #expect(try await first.exit(within: 20) == 78, "\(first.errorText)")
        #expect(first.errorText.contains("another scheduler runs under the name one"), "\(first.errorText)")
        #expect(try await twin.leads(), "\(twin.errorText)")
    }

    @Test func aDatabaseThatIsNotThereIsSaid() async throws {
        let daemon = try DaemonProcess(
            data: folder.path + "/lonely",
            "--roles",
            "scheduler",
            "--store",
            "postgres://someone:secret@/x?host=/nowhere"
        )
        #expect(try await daemon.exit(within: 60) == 69, "\(daemon.errorText)")
        #expect(!daemon.errorText.contains("secret"), "\(daemon.errorText)")
    }
}
