// A daemon whose ledger stops adding up while it runs: nothing moves money any more, and everybody can still look.
import Appraisal
import Commitments
import EngineAPI
import EngineClient
import Foundation
import GRDB
import Ledger
import Receipts
import Signatures
import Testing
import Validator
import Verdicts

@Suite("Stopped daemon") struct StoppedTests {
    @Test func aViolationStopsSettlementAndReadsGoOn() async throws {
        let folder = try TemporaryFolder()
        let customer = try Customer(data: folder.path)
        let daemon = try DaemonProcess(data: folder.path, "--roles", "scheduler")
        let url = try #require(try await daemon.url(), "\(daemon.errorText)")
        let client = try HTTPEngineClient(url: url)
        try await customer.open(client)
        let node = try SigningKey.generate()
        let offer = EngineRequest.Action.register(deviceType: "gpu", memoryBytes: 1 << 20, askPerMegaUnit: 1)
        #expect(try await client.node(request: customer.request(offer, node)) == nil)
        var jobs: [Digest] = []
        for number in 1...2 { try await customer.order(number, client) { jobs.append($0) } }
        let (ended, open) = (jobs[0], jobs[1])
        let refund = EngineRequest.Action.refund(job: JobID(ended), reason: "a test")
        _ = try await client.close(job: ended, request: customer.request(refund, customer.operatorKey))

        // Money goes from the account behind the engine's back: the next hold would overdraw it (I2), as the database finds.
        let database = try DatabaseQueue(path: folder.path + "/ledger.sqlite")
        try await database.write { db in
            try db.execute(
                sql: "UPDATE account SET credits_posted = debits_posted + debits_pending WHERE kind = 'payer'"
            )
        }
        let account = AccountName(currency: "credit", purpose: .payer, owner: customer.key.verifyingKey)
        let credit = EngineRequest.Action.credit(account: account, amount: 1)
        let withdraw = EngineRequest.Action.withdraw(account: account, amount: 1)
        let close = EngineRequest.Action.close(job: JobID(open))
        let changes: [(String, () async throws -> Void)] = [
            ("order", { try await customer.order(3, client) { _ in } }),
            ("repeated order", { try await customer.order(2, client) { _ in } }),
            ("order of an ended job", { try await customer.order(1, client) { _ in } }),
            ("account", { _ = try await client.account(request: customer.request(.open, node)) }),
            ("credit", { _ = try await client.account(request: customer.request(credit, customer.operatorKey)) }),
            ("withdrawal", { _ = try await client.account(request: customer.request(withdraw, customer.operatorKey)) }),
            ("close", { _ = try await client.close(job: open, request: customer.request(close, customer.key)) }),
            (
                "refund",
                { _ = try await client.close(job: ended, request: customer.request(refund, customer.operatorKey)) }
            ),
            ("poll", { _ = try await client.node(request: customer.request(.poll, node)) }),
        ]
        for (name, change) in changes {
            await #expect("\(name)") { try await change() } throws: { error in
                let refusal = error as? EngineError
                return refusal?.id == "engine.stopped" && refusal?.kind == .unavailable
                    && refusal?.message.contains("I2") == true
            }
        }

        #expect(daemon.isRunning)
        let shown = try await client.account(id: account.text)
        #expect(shown.available == 0 && shown.held > 0, "\(shown)")
        #expect(try await client.job(id: ended).isFinal)
        let view = try await client.job(id: open)
        #expect(view.phase == "offered" && view.stopped?.contains("I2") == true, "\(view)")
        #expect(try await client.jobs(limit: 10).map(\.id) == [ended])
        #expect(try await client.nodes().map(\.key) == [node.verifyingKey])
        let trust = try TrustFile(engines: [customer.engineKey], validators: [customer.engineKey], quorum: 1)
        let report = try await Audit.run(bundle: try await client.receipt(job: ended), trust: trust)
        #expect(report.verdict.firstFailure == nil, "\(report)")
        // The file is as the last good commit left it.
        let held = try await database.read { db in
            try Int64.fetchOne(db, sql: "SELECT debits_pending FROM account WHERE kind = 'payer'")
        }
        #expect(held == shown.held)
        try database.close()
        #expect(try await daemon.terminate(within: 10) == 0, "\(daemon.errorText)")
    }
}
