// `assay escrow settle`, `refund` and `epoch`, `assay job gang`: what they ask for, sign and compare.
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineTesting
import Foundation
import Ledger
import PostgreSQL
import Receipts
import Signatures
import Testing

@testable import AssayCommands

struct EscrowCommandTests {
    @Test(arguments: [("settle", "close"), ("refund", "refund")])
    func moneyOfAJobIsAskedForBySignedRequests(_ command: String, _ action: String) async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(1_000_000_000)
        let ordered = await workplace.run(["job", "submit", try workplace.writeTinyJob(), "--key", key, "--json"])
        guard case .string(let id)? = try ordered.member("job.id") else {
            Issue.record("\(ordered.output)")
            return
        }
        let run = await workplace.run(["escrow", command, id, "--key", key, "--json"])
        #expect(run.status == .ok, "\(run.output)")
        #expect(try run.member("job.id") == .string(id))
        #expect(workplace.engine.with { $0.calls.last(where: { $0.hasPrefix("close") }) } == "close \(action)")
        #expect(await workplace.run(["escrow", command, "xyz", "--key", key]).status == .usage)
        let unknown = String(repeating: "0", count: 64)
        #expect(await workplace.run(["escrow", command, unknown, "--key", key]).status == .noInput)
    }

    @Test func aReasonHasBounds() async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(1)
        let id = String(repeating: "0", count: 64)
        for reason in ["", String(repeating: "x", count: 513)] {
            let run = await workplace.run(["escrow", "refund", id, "--key", key, "--reason", reason])
            #expect(run.status == .usage)
        }
    }

    @Test func aGangIsOrderedAsAWholeOrNotAtAll() async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(1_000_000_000)
        let folder = try workplace.writeTinyJob()
        let arguments = ["job", "gang", folder, folder, folder, "--id", "three", "--key", key, "--json"]
        let run = await workplace.run(arguments)
        #expect(run.status == .ok, "\(run.output)")
        let specs = workplace.engine.with { Array($0.specs.values) }
        let gangs = specs.compactMap(\.spec.terms.gang)
        #expect(gangs.count == 3 && Set(gangs.map(\.index)) == [0, 1, 2] && Set(gangs.map(\.group)).count == 1)
        #expect(gangs.allSatisfy { $0.size == 3 && $0.settles == .each })
        let again = await workplace.run(arguments)
        #expect(again.output == run.output)
        #expect(workplace.engine.with { $0.jobs.count } == 3)

        // Settling together is asked for, never assumed.
        let together = ["job", "gang", folder, folder, "--id", "two", "--key", key, "--settle", "together"]
        #expect(await workplace.run(together).status == .ok)
        let settling = workplace.engine.with { Array($0.specs.values) }.compactMap(\.spec.terms.gang?.settles)
        #expect(settling.filter { $0 == .together }.count == 2 && settling.count == 5)

        let missing = await workplace.run(["job", "gang", folder, workplace.path("nothing"), "--key", key])
        #expect(missing.status == .noInput)
        #expect(workplace.engine.with { $0.jobs.count } == 5)
        for wrong in [["--settle", "maybe"], ["--output", "x"], ["--id", ""]] {
            #expect(await workplace.run(["job", "gang", folder, folder, "--key", key] + wrong).status == .usage)
        }
        #expect(await workplace.run(["job", "gang", folder, "--key", key]).status == .usage)
    }

    // MARK: Epochs

    /// A data folder whose ledger has money that moved in epochs 1 and 2 of a hundred seconds, and an engine's key.
    private func ledger(_ workplace: Workplace, withdrawing: Int64 = 5) async throws -> String {
        let data = workplace.path("data")
        try FileManager.default.createDirectory(atPath: data + "/keys", withIntermediateDirectories: true)
        let key = data + "/keys/engine.pem"
        if !FileManager.default.fileExists(atPath: key) { try KeyFile.write(try SigningKey.generate(), to: key) }
        try? FileManager.default.removeItem(atPath: data + "/ledger.sqlite")
        let store = try SQLiteLedgerStore(path: data + "/ledger.sqlite")
        try await fill(store, withdrawing: withdrawing)
        try store.close()
        return data
    }

    /// Moves money in epochs 1 and 2.
    private func fill(_ store: any LedgerStore, withdrawing: Int64 = 5) async throws {
        let accounts = [AccountKind.issuer, .payer].map { Account(currency: "TEST", kind: $0, owner: [1]) }
        var book = Book(history: store)
        var batch = Batch(effects: try accounts.map { try book.apply(.openAccount($0), at: 0) })
        for (name, kind, amount, at) in [
            ("a", TransferKind.credit, Int64(70), Int64(100)), ("b", .withdraw, withdrawing, 150),
            ("c", .credit, 3, 250),
        ] {
            let isCredit = kind == .credit
            let transfer = Transfer(
                id: TransferID(deriving: Array(name.utf8)),
                debit: accounts[isCredit ? 0 : 1].id,
                credit: accounts[isCredit ? 1 : 0].id,
                amount: amount,
                currency: "TEST",
                kind: kind,
                at: at
            )
            batch.effects.append(try book.apply(.transfer(transfer), at: at))
        }
        try await store.commit(batch)
    }

    /// The issuer's counters are accrual rows for a while: neither sums nor digests nor statements change when they are folded.
    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "accrualsChangeNothingInAnEpoch")))
    func accrualsChangeNothingInAnEpoch() async throws {
        let workplace = try Workplace()
        let data = try await ledger(workplace)
        let url = try PrivatePostgres.shared.get().newDatabase()
        let database = try PostgresDatabase(url: url)
        let fence = try PostgresWorkQueue(database: database).acquire("ledger", holder: [1], leaseMilliseconds: 60_000)
        let store = PostgresLedgerStore(database: database, fence: fence)
        try await fill(store)
        func accruals() throws -> Int64 {
            try PostgresConnection(url: url).execute("SELECT count(*) FROM accrual").integer(0, 0)
        }
        #expect(try accruals() > 0)
        let epoch = ["escrow", "epoch", "--seconds", "100", "--json"]
        let onFile = await workplace.run(epoch + ["--data", data])
        let before = await workplace.run(epoch + ["--store", url])
        #expect(before.status == .ok, "\(before.output)")
        #expect(try before.member("epochs") == onFile.member("epochs"))
        let folder = workplace.path("epochs")
        let key = data + "/keys/engine.pem"
        let closed = await workplace.run(epoch + ["--store", url, "--close", folder, "--key", key])
        #expect(closed.status == .ok, "\(closed.output)")
        // As many groups as fold what has accrued, without any money in them.
        for number in 0..<130 {
            try await store.commit(Batch(records: [Record(kind: "test", id: [UInt8(number)], body: [])]))
        }
        #expect(try accruals() == 0)
        #expect(try await workplace.run(epoch + ["--store", url]).member("epochs") == before.member("epochs"))
        for name in ["TEST-100-1", "TEST-100-2"] {
            let file = "\(folder)/\(name).epoch.json"
            for place in [
                ["--store", url, "--engine-key", try KeyFile.read(key).verifyingKey.text], ["--data", data],
            ] {
                let checked = await workplace.run(epoch + ["--check", file] + place)
                #expect(checked.status == .ok, "\(checked.output)")
            }
        }
        let fsck = await workplace.run(["fsck", "--store", url])
        #expect(fsck.status == .ok, "\(fsck.output)")
        for format in ["csv", "beancount", "ledger"] {
            let (one, other) = (workplace.path("file.\(format)"), workplace.path("base.\(format)"))
            let export = ["ledger", "export", "--format", format]
            #expect(await workplace.run(export + ["--data", data, "-o", one]).status == .ok)
            #expect(await workplace.run(export + ["--store", url, "-o", other]).status == .ok)
            #expect(try String(contentsOfFile: one, encoding: .utf8) == String(contentsOfFile: other, encoding: .utf8))
        }
        try store.close()
    }

    @Test func epochsAreSignedOnceAndHeldAgainstTheLedger() async throws {
        let workplace = try Workplace()
        let data = try await ledger(workplace)
        let shown = await workplace.run(["escrow", "epoch", "--data", data, "--seconds", "100", "--json"])
        #expect(shown.status == .ok, "\(shown.output)")
        guard case .array(let epochs)? = try shown.member("epochs"), case .object(let first)? = epochs.first else {
            Issue.record("\(shown.output)")
            return
        }
        #expect(epochs.count == 2 && first["number"] == .integer(1) && first["issued"] == .string("70"))
        #expect(first["withdrawn"] == .string("5") && first["closed"] == .bool(true))

        let folder = workplace.path("epochs")
        let close = ["escrow", "epoch", "--data", data, "--seconds", "100", "--close", folder, "--json"]
        let signed = await workplace.run(close)
        guard case .array(let files)? = try signed.member("signed") else {
            Issue.record("\(signed.output)")
            return
        }
        #expect(signed.status == .ok && files.count == 2, "\(signed.output)")
        let again = await workplace.run(close)
        #expect(try again.member("signed") == .array([]) && again.status == .ok)
        let file = folder + "/TEST-100-1.epoch.json"
        let check = ["escrow", "epoch", "--data", data, "--seconds", "100", "--check", file]
        #expect(await workplace.run(check).status == .ok)
        let statement = try Signed<EpochStatement>(
            verifying: [UInt8](Data(contentsOf: URL(fileURLWithPath: file)))
        ).predicate
        #expect(statement.sums[.issued] == 70 && statement.transfers == 2)

        // Another key's word for the same epoch is not the engine's.
        let stranger = workplace.path("stranger.pem")
        try KeyFile.write(try SigningKey.generate(), to: stranger)
        #expect(await workplace.run(close + ["--key", stranger]).status == .rejected)
        // A history that was changed afterwards is found, by whoever has the statement.
        _ = try await ledger(workplace, withdrawing: 6)
        for arguments in [check, close] {
            let run = await workplace.run(arguments)
            #expect(run.status == .rejected, "\(run.output)")
        }
        try Data("{}".utf8).write(to: URL(fileURLWithPath: file))
        #expect(await workplace.run(check).status == .dataError)
    }

    /// An epoch is signed when nothing can be added to it any more: by a later transfer, or an hour after its end.
    @Test func anEpochIsNotSignedWhileItIsOpen() async throws {
        let workplace = try Workplace()
        let hour: Int64 = 3600
        let present = Workplace.now / hour
        func signed(_ epochs: [Int64]) async throws -> [Int64] {
            let data = try await ledger(workplace)
            try FileManager.default.removeItem(atPath: data + "/ledger.sqlite")
            let store = try SQLiteLedgerStore(path: data + "/ledger.sqlite")
            let accounts = [AccountKind.issuer, .payer].map { Account(currency: "TEST", kind: $0, owner: [1]) }
            var book = Book(history: store)
            var batch = Batch(effects: try accounts.map { try book.apply(.openAccount($0), at: 0) })
            for epoch in epochs {
                let transfer = Transfer(
                    id: TransferID(deriving: Array("\(epoch)".utf8)),
                    debit: accounts[0].id,
                    credit: accounts[1].id,
                    amount: 1,
                    currency: "TEST",
                    kind: .credit
                )
                batch.effects.append(try book.apply(.transfer(transfer), at: epoch * hour))
            }
            try await store.commit(batch)
            try store.close()
            let folder = workplace.path("epochs of \(epochs)")
            let close = ["escrow", "epoch", "--data", data, "--seconds", "\(hour)", "--close", folder]
            #expect(await workplace.run(close).status == .ok)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            return names.compactMap { Int64($0.split(separator: "-").last?.prefix { $0 != "." } ?? "") }.sorted()
        }
        #expect(try await signed([present]) == [])
        #expect(try await signed([present - 1]) == [])
        #expect(try await signed([present - 2]) == [present - 2])
        #expect(try await signed([present - 1, present]) == [present - 1])
        // A statement of an epoch in which this ledger has nothing is about another history.
        let file = workplace.path("epochs of [\(present - 2)]") + "/TEST-3600-\(present - 2).epoch.json"
        let check = ["escrow", "epoch", "--data", workplace.path("data"), "--seconds", "3600", "--check", file]
        #expect(await workplace.run(check).status == .rejected)
    }
}
