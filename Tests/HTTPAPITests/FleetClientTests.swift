// A client with several addresses: who is asked next, and who is believed.
import EngineAPI
import EngineTesting
import Synchronization
import Testing

@testable import EngineClient

/// An address that answers or refuses as it is told, and counts.
private final class Address: Sendable {
    let refusal = Mutex<EngineError?>(nil)
    let calls = Mutex(0)

    func refuse(_ id: String?, _ kind: EngineError.Kind = .unavailable) {
        refusal.withLock { $0 = id.map { EngineError(kind, $0, "refused") } }
    }

    var count: Int { calls.withLock { $0 } }
}

@Suite struct FleetClientTests {
    private let addresses = [Address(), Address(), Address()]
    private let client: FleetAsker<Address>

    init() { client = FleetAsker(addresses) }

    private func call() async throws(EngineError) {
        try await client.ask { (address) throws(EngineError) in
            address.calls.withLock { $0 += 1 }
            if let refusal = address.refusal.withLock({ $0 }) { throw refusal }
        }
    }

    @Test func whoeverAnsweredLastIsAskedFirst() async throws {
        addresses[0].refuse("engine.unreachable")
        addresses[1].refuse("engine.standby")
        try await call()
        try await call()
        #expect(addresses.map(\.count) == [1, 1, 2])
        addresses[0].refuse(nil)
        addresses[2].refuse("engine.timeout")
        try await call()
        #expect(addresses.map(\.count) == [2, 1, 3])
    }

    @Test(arguments: ["funds.insufficient", "job.unknown", "storage", "engine.busy"])
    func whatTheEngineItselfSaysIsFinal(_ id: String) async throws {
        addresses[0].refuse(id)
        await #expect { try await call() } throws: { ($0 as? EngineError)?.id == id }
        #expect(addresses.map(\.count) == [1, 0, 0])
    }

    @Test func aRefusalOfAnotherKindIsNoReasonToAskOn() async throws {
        addresses[0].refuse("engine.standby", .forbidden)
        await #expect(throws: EngineError.self) { try await call() }
        #expect(addresses.map(\.count) == [1, 0, 0])
    }

    @Test func whenNobodyLeadsThatIsSaidAndAnotherIsFirstNextTime() async throws {
        for (address, id) in zip(addresses, ["engine.unreachable", "engine.standby", "engine.timeout"]) {
            address.refuse(id)
        }
        await #expect { try await call() } throws: { ($0 as? EngineError)?.id == "engine.standby" }
        for address in addresses { address.refuse(nil) }
        try await call()
        #expect(addresses.map(\.count) == [1, 2, 1])
    }

    /// A standby answers, and yet its list is asked for only when nobody else has one.
    @Test func listsAreTheLeaders() async throws {
        let (standby, leader) = (try FakeEngine { 0 }, try FakeEngine { 0 })
        standby.with { $0.description.standing = EngineStanding(role: .standby, name: "b", leader: nil, epoch: nil) }
        leader.with { $0.description.standing = EngineStanding(role: .leader, name: "a", leader: nil, epoch: 1) }
        let client = FleetClient([standby, leader])
        _ = try await client.jobs(limit: 1)
        _ = try await client.nodes()
        #expect(standby.calls == ["engine"] && leader.calls == ["engine", "jobs 1", "engine", "nodes"])
        leader.with { $0.failure = EngineError(.unavailable, "engine.unreachable", "gone") }
        _ = try await client.jobs(limit: 1)
        #expect(standby.calls.last == "jobs 1")
        standby.with { $0.failure = EngineError(.unavailable, "engine.unreachable", "gone") }
        await #expect { try await client.jobs(limit: 1) } throws: { ($0 as? EngineError)?.id == "engine.unreachable" }
    }

    @Test func addressesAreChecked() {
        #expect(throws: (any Error).self) { try FleetClient(urls: []) }
        #expect(throws: (any Error).self) { try FleetClient(urls: ["http://a:1", "ftp://b"]) }
    }
}
