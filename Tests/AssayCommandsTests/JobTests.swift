// Accounts and jobs from the command line, against an engine in memory.
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineTesting
import Foundation
import Receipts
import Signatures
import Synchronization
import Testing

@testable import AssayCommands

struct JobCommandTests {
    @Test func keysAreMadeOnceAndForTheirOwnerAlone() async throws {
        let workplace = try Workplace()
        let path = workplace.path("k.pem")
        let made = await workplace.run(["key", "new", path])
        #expect(made.status == .ok)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let shown = await workplace.run(["key", "show", path])
        #expect(shown.output == made.output)
        #expect(shown.output.hasPrefix("ed25519:"))
        #expect(await workplace.run(["key", "new", path]).status == .ioError)
        #expect(await workplace.run(["key", "show", path]).output == made.output)
        // Without a path the key stands where other commands look for it.
        #expect(await workplace.run(["key", "new"]).status == .ok)
        #expect(await workplace.run(["key", "show"]).status == .ok)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        #expect(await workplace.run(["key", "show", path]).status == .noPermission)
    }

    @Test func moneyMovesByTheOperatorsOrderAlone() async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(0)
        let owner = await workplace.run(["key", "show", key]).output.trimmingCharacters(in: .newlines)
        let operatorPath = workplace.path("operator.pem")
        try KeyFile.write(workplace.engine.operatorKey, to: operatorPath)
        let arguments = ["escrow", "topup", "500", "--payer", owner, "--json"]
        #expect(await workplace.run(arguments + ["--key", key]).status == .noPermission)
        let credited = await workplace.run(arguments + ["--key", operatorPath])
        #expect(credited.status == .ok)
        #expect(try credited.member("account.available") == .string("500"))
        let shown = await workplace.run(["escrow", "show", "--key", key, "--json"])
        #expect(try shown.member("account") == credited.member("account"))
        guard case .string(let account)? = try credited.member("account.id") else { return }
        let withdrawn = await workplace.run([
            "escrow", "withdraw", "200", "--account", account, "--key", operatorPath, "--json",
        ])
        #expect(try withdrawn.member("account.available") == .string("300"))
        let tooMuch = await workplace.run(["escrow", "withdraw", "301", "--account", account, "--key", operatorPath])
        #expect(tooMuch.status == .temporaryFailure)
        #expect(await workplace.run(["escrow", "topup", "1", "--key", operatorPath]).status == .usage)
        let both = ["escrow", "topup", "1", "--account", account, "--payer", owner, "--key", operatorPath]
        #expect(await workplace.run(both).status == .usage)
        let stake = await workplace.run(["escrow", "show", "--stake", owner, "--json"])
        #expect(stake.status == .noInput)
    }

    @Test func anOrderUploadsItsFilesOnce() async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(1_000_000_000)
        let folder = try workplace.writeTinyJob()
        let arguments = ["job", "submit", folder, "--key", key, "--id", "my order", "--json"]
        let first = await workplace.run(arguments)
        #expect(first.status == .ok)
        #expect(try first.member("uploaded") == .integer(2))
        #expect(try first.member("job.phase") == .string("offered"))
        #expect(first.error.contains("will be held"))
        let again = await workplace.run(arguments)
        #expect(again.status == .ok)
        #expect(try again.member("uploaded") == .integer(0))
        #expect(try again.member("jobId") == first.member("jobId"))
        #expect(workplace.engine.with { $0.jobs.count } == 1)
        // The nonce that the name gave is a name too.
        guard case .string(let nonce)? = try first.member("nonce") else { return }
        let byNonce = await workplace.run(["job", "submit", folder, "--key", key, "--nonce", nonce, "--json"])
        #expect(try byNonce.member("jobId") == first.member("jobId"))
        // Another job under the same name is refused, and nothing is ordered.
        let text = try String(contentsOfFile: folder + "/job.json", encoding: .utf8)
        let other = text.replacingOccurrences(of: "\"attempts\": 3", with: "\"attempts\": 2")
        #expect(other != text)
        try Data(other.utf8).write(to: URL(fileURLWithPath: folder + "/job.json"))
        let conflict = await workplace.run(arguments)
        #expect(conflict.status == .dataError)
        #expect(try conflict.member("error.id") == .string("order.conflict"))
        #expect(workplace.engine.with { $0.jobs.count } == 1)
        // Without a name it is a new job each time.
        let random = await workplace.run(["job", "submit", folder, "--key", key, "--json"])
        #expect(random.status == .ok)
        #expect(workplace.engine.with { $0.jobs.count } == 2)
    }

    @Test func aBrokenUploadIsContinued() async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(1_000_000_000)
        let folder = try workplace.writeTinyJob()
        let arguments = ["job", "submit", folder, "--key", key, "--id", "x", "--json"]
        let first = await workplace.run(arguments)
        guard case .string(let text)? = try first.member("jobId") else { return }
        let id = try Digest(hex: text)
        // As if the second file had never arrived.
        workplace.engine.with { state in
            guard let index = state.jobs.firstIndex(where: { $0.id == id }), let job = state.specs[id] else { return }
            state.jobs[index].phase = "funded"
            state.jobs[index].missing = [job.inputs[1].cid]
        }
        let again = await workplace.run(arguments)
        #expect(try again.member("uploaded") == .integer(1))
        #expect(try again.member("job.phase") == .string("offered"))
    }

    @Test func whatCannotBeOrderedIsSaid() async throws {
        let workplace = try Workplace()
        let folder = try workplace.writeTinyJob()
        let poor = try await workplace.fund(1)
        let arguments = ["job", "submit", folder, "--key", poor, "--json"]
        let funds = await workplace.run(arguments)
        #expect(funds.status == .temporaryFailure)
        #expect(try funds.member("error.id") == .string("funds.insufficient"))
        let spec = try String(contentsOfFile: folder + "/job.json", encoding: .utf8)
        func change(_ from: String, _ to: String) throws {
            let changed = spec.replacingOccurrences(of: from, with: to)
            #expect(changed != spec)
            try Data(changed.utf8).write(to: URL(fileURLWithPath: folder + "/job.json"))
        }
        try change("\"TEST\"", "\"OTHER\"")
        let currency = await workplace.run(arguments)
        #expect(currency.status == .policy)
        #expect(try currency.member("error.field") == .string("price.currency"))
        #expect(try currency.member("error.expected") == .string("TEST"))
        try change("\"attempts\": 3", "\"attempts\": 3, \"atempts\": 3")
        let unknown = await workplace.run(arguments)
        #expect(unknown.status == .dataError)
        try change("inputs/x.raw", "inputs/missing.raw")
        let missing = await workplace.run(arguments)
        #expect(missing.status == .noInput)
        try change("inputs/x.raw", "../outside")
        #expect(await workplace.run(arguments).status == .dataError)
        #expect(workplace.engine.with { $0.jobs.isEmpty })
    }

    @Test(arguments: [("accepted", ExitStatus.ok), ("rejected", .notAccepted), ("inconclusive", .notAccepted)])
    func waitingEndsWithTheJob(outcome: String, status: ExitStatus) async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(1_000_000_000)
        let folder = try workplace.writeTinyJob()
        let engine = workplace.engine
        let looks = Mutex(0)
        let run = await workplace.run(["job", "submit", folder, "--key", key, "--wait", "--json"]) {
            let look = looks.withLock { count in
                count += 1
                return count
            }
            engine.with { state in
                guard var job = state.jobs.last else { return }
                job.phase = look < 3 ? "assigned" : "final"
                job.reason = look < 3 ? "running" : "ended"
                if look >= 3 {
                    job.outcome = outcome
                    job.paid = 1
                    job.refunded = 2
                }
                state.jobs[state.jobs.count - 1] = job
            }
        }
        #expect(run.status == status)
        #expect(try run.member("job.outcome") == .string(outcome))
        #expect((try run.member("error") == nil) == (status == .ok))
        #expect(run.error.contains("attempt 0, assigned: running"))
    }

    @Test func aSignalEndsWaiting() async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(1_000_000_000)
        let folder = try workplace.writeTinyJob()
        let run = await workplace.run(["job", "submit", folder, "--key", key, "--wait", "--json"]) {
            throw CancellationError()
        }
        #expect(run.status == .interrupted)
        #expect(try run.member("exit") == .integer(130))
    }

    @Test func aReceiptIsWrittenOnlyWhenItIsOne() async throws {
        let workplace = try Workplace()
        let factory = try BundleFactory()
        let bundle = try await factory.bundle(.accepted)
        let id = try Bundle(parsing: bundle).jobID.digest
        let view = JobView(
            id: id,
            name: "tiny",
            phase: "final",
            attempt: 2,
            held: 1,
            deadline: 5,
            reason: "verified",
            outcome: "accepted"
        )
        workplace.engine.update(view)
        let path = workplace.path("out.assay")
        let arguments = ["job", "receipt", id.hex, "-o", path, "--json"]
        #expect(await workplace.run(arguments).status == .dataError)
        workplace.engine.with { $0.receipts[id] = Array(bundle.dropLast()) }
        #expect(await workplace.run(arguments).status == .dataError)
        let other = try await BundleFactory(seed: 2).bundle(.accepted)
        workplace.engine.with { $0.receipts[id] = other }
        let wrong = await workplace.run(arguments)
        #expect(wrong.status == .rejected)
        #expect(try wrong.member("error.id") == .string("receipt.job"))
        #expect(!FileManager.default.fileExists(atPath: path))
        workplace.engine.with { $0.receipts[id] = bundle }
        #expect(await workplace.run(arguments).status == .ok)
        #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) == bundle)
        let left = try FileManager.default.contentsOfDirectory(atPath: workplace.folder.path)
        #expect(left == ["out.assay"])
    }

    @Test func trustComesWithAWarning() async throws {
        let workplace = try Workplace()
        let path = workplace.path("trust.json")
        let run = await workplace.run(["trust", "create", "-o", path, "--engine", "memory"])
        #expect(run.status == .ok)
        #expect(run.output.contains("warning: compare these keys"))
        let trust = try TrustFile(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(trust.engines == [workplace.engine.key.verifyingKey])
        #expect(await workplace.run(["trust", "create", "-o", path, "--quorum", "2"]).status == .usage)
    }
}
