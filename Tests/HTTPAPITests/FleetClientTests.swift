// A client with several addresses: who is asked next, and who is believed.
import EngineAPI
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

    @Test func addressesAreChecked() {
        #expect(throws: (any Error).self) { try FleetClient(urls: []) }
        #expect(throws: (any Error).self) { try FleetClient(urls: ["http://a:1", "ftp://b"]) }
    }
}
