// The daemon killed at any moment, on each store: what was acknowledged is settled, once.
import Appraisal
import AssayTesting
import Commitments
import EngineAPI
import EngineClient
import Foundation
import Ledger
import Receipts
import Signatures
import Testing
import TransparencyLog
import Validator
import Verdicts

enum Ends {
    /// Waits until every one of `jobs` has ended. Whoever does not answer is asked again.
    static func of(
        _ jobs: some Collection<Digest>,
        _ client: any EngineAPI,
        seconds: Int
    ) async throws -> [Digest: JobView] {
        var views: [Digest: JobView] = [:]
        for _ in 0..<seconds * 5 {
            for job in jobs where views[job] == nil {
                if let view = try? await client.job(id: job), view.isFinal { views[job] = view }
            }
            if views.count == jobs.count { break }
            try await Task.sleep(for: .milliseconds(200))
        }
        return views
    }
}

/// What every end of a story has in common, whatever the store: money adds up, and every acknowledged job is settled once.
struct Reckoning {
    let acknowledged: Set<Digest>
    let views: [Digest: JobView]
    let customer: Customer
    let name: String

    func check(_ store: any LedgerStore) throws {
        let report = try Fsck.run(store)
        #expect(report.isClean, "\(name): \(report.checks.filter { !$0.passed })")
        #expect(try store.openHolds().isEmpty, "\(name): something stays held")
        #expect(try store.accounts(owner: nil).reduce(0) { $0 + $1.balance } == 0, "\(name)")
        var paid: Int64 = 0
        for job in acknowledged {
            let posts = try store.transfers(ofJob: job).filter { $0.kind == .post && $0.leg == "pay.provider" }
            #expect(posts.count == (views[job]?.outcome == "accepted" ? 1 : 0), "\(name) job \(job)")
            paid += views[job]?.paid ?? 0
        }
        let payer = AccountID(currency: "credit", kind: .payer, owner: customer.key.verifyingKey.bytes)
        #expect(try store.account(payer)?.balance == 1_000_000_000 - paid, "\(name)")
        #expect(try store.receiptCount() == acknowledged.count, "\(name)")
    }

    /// The log has the receipt of every job, each once, and nothing else.
    func checkLog(_ path: String, _ data: String, _ client: any EngineAPI) async throws {
        var expected: Set<[UInt8]> = []
        for job in views.keys {
            let receipt = try Receipts.Bundle(parsing: try await client.receipt(job: job)).member(BundleMember.receipt)
            let document = try Signed<Receipt>(verifying: receipt, key: customer.engineKey)
            expected.insert(document.logEntry)
            let proof = try await LogClient.proof(of: document.digest, client)
            #expect(proof?.includes(leaf: MerkleTree.leafHash(document.logEntry)) == true, "\(name) job \(job)")
        }
        let check = try LogCheck.run(LogFolder(path: path), keys: [try LogClient.key(data)])
        #expect(check.isSound && check.size == UInt64(expected.count), "\(name): \(check)")
        let tree = TileTree(size: check.size, source: LogFolder(path: path))
        #expect(try Set((0..<check.size).map { try tree.entry($0) }) == expected, "\(name)")
    }

    func audit(_ client: any EngineAPI, validators: [VerifyingKey]) async throws {
        let trust = try TrustFile(engines: [customer.engineKey], validators: validators, quorum: 1)
        for job in views.keys {
            let report = try await Audit.run(bundle: try await client.receipt(job: job), trust: trust)
            #expect(report.isAuthentic, "\(name): \(report.verdict.checks.filter { $0.result == .fail })")
        }
    }
}

@Suite("Killed daemons", .serialized) struct KillTests {
    /// 50 kills in the normal run on each store, 1,000 in the long one.
    private static let rounds = ProcessInfo.processInfo.environment["ASSAY_LONG"] == nil ? 50 : 1000

    @Test func killsLoseNothingAndPayNothingTwice() async throws {
        let folder = try TemporaryFolder()
        let data = folder.path + "/data"
        // With a log of the receipts, so that every kill also interrupts what leads there.
        try await killAgainAndAgain(data, ["--log", folder.path + "/log"]) { () throws(LedgerError) in
            try SQLiteLedgerStore(path: DataFolder(path: data).ledger)
        }
    }

    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "KillTests")))
    func killsLoseNothingAndPayNothingTwiceOnPostgreSQL() async throws {
        let folder = try TemporaryFolder()
        let url = try PrivatePostgres.shared.get().newDatabase()
        // Under its own name a restarted scheduler need not wait for the lease of the one that was killed.
        try await killAgainAndAgain(folder.path + "/data", ["--store", url, "--name", "only"]) {
            () throws(LedgerError) in
            PostgresLedgerStore(database: try PostgresDatabase(url: url), fence: nil)
        }
    }

    private func killAgainAndAgain(
        _ data: String,
        _ options: [String],
        _ open: () throws(LedgerError) -> any LedgerStore
    ) async throws {
        let customer = try Customer(data: data)
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        var acknowledged: Set<Digest> = []
        var next = 0
        // More than the short lives can finish: there is work at every kill.
        let jobs = Self.rounds / 2
        var interrupted: Set<String> = []
        let arguments = ["--data", data, "--listen", "127.0.0.1:0", "--log-level", "notice"] + options

        let first = try DaemonProcess(arguments)
        let client = try HTTPEngineClient(url: try #require(try await first.url(), "\(first.errorText)"))
        #expect(try await first.ready(), "\(first.errorText)")
        let isMember = options.contains("--store")
        if isMember { #expect(try await first.leads(), "\(first.errorText)") }
        try await customer.open(client)
        try await customer.stake(client, node: try DataFolder(path: data).key(.node).verifyingKey)
        first.kill()

        for round in 0..<Self.rounds {
            let daemon = try DaemonProcess(arguments)
            // One in three is killed while it starts, the others at work, however slow the machine is.
            let isStarting = round % 3 == 0
            let life = Int.random(in: 20...500, using: &random)
            let feeding = Task { [next] in
                // Orders that had no answer are sent again under their own numbers.
                var sent: [Digest] = []
                var number = next
                guard let url = try? await daemon.url(), let client = try? HTTPEngineClient(url: url) else {
                    return (sent, number, [String]())
                }
                if isMember, (try? await daemon.leads()) != true { return (sent, number, [String]()) }
                let open = ((try? await client.jobs(limit: 100)) ?? []).map(\.phase)
                while number < jobs, number < next + 2, !Task.isCancelled {
                    do {
                        try await customer.order(number, client) { sent.append($0) }
                        number += 1
                    } catch { break }
                }
                return (sent, number, open)
            }
            if !isStarting {
                let begins = try await isMember ? daemon.leads() : daemon.url() != nil
                #expect(begins, "seed \(seed) round \(round): \(daemon.errorText)")
            }
            try await Task.sleep(for: .milliseconds(life))
            #expect(daemon.isRunning, "seed \(seed) round \(round): \(daemon.errorText)")
            daemon.kill()
            feeding.cancel()
            let (sent, number, phases) = await feeding.value
            acknowledged.formUnion(sent)
            interrupted.formUnion(phases)
            next = number
            guard round % 10 == 9 else { continue }
            // Seldom, so that mostly the daemon itself has to recover the file.
            let store = try open()
            let report = try Fsck.run(store)
            #expect(report.isClean, "seed \(seed) round \(round): \(report.checks.filter { !$0.passed })")
            try store.close()
        }

        let last = try DaemonProcess(arguments)
        let url = try #require(try await last.url(), "seed \(seed): \(last.errorText)")
        let after = try HTTPEngineClient(url: url)
        if isMember { #expect(try await last.leads(), "seed \(seed): \(last.errorText)") }
        // A file that was on its way when the daemon was killed is sent again by its owner.
        for number in 0..<next { try await customer.order(number, after) { acknowledged.insert($0) } }
        let views = try await Ends.of(acknowledged, after, seconds: 150)
        let left = acknowledged.subtracting(views.keys)
        #expect(left.isEmpty, "seed \(seed): \(left.count) of \(acknowledged.count) jobs are still open")
        #expect(views.values.contains { $0.outcome == "accepted" }, "seed \(seed): no job was accepted")
        #expect(!interrupted.subtracting(["final"]).isEmpty, "seed \(seed): no kill found a job at work")
        let reckoning = Reckoning(acknowledged: acknowledged, views: views, customer: customer, name: "seed \(seed)")
        try await reckoning.audit(after, validators: [try DataFolder(path: data).key(.validator).verifyingKey])
        if let log = options.firstIndex(of: "--log") {
            try await reckoning.checkLog(options[log + 1], data, after)
        }
        #expect(try await last.terminate(within: 30) == 0, "seed \(seed): \(last.errorText)")
        let store = try open()
        try reckoning.check(store)
        try store.close()
    }
}
