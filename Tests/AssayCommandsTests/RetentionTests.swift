// `assay retention`: what it deletes and when, from a data folder and from a fleet's database alike.
import AssayTesting
import Codecs
import Commitments
import Foundation
import Ledger
import Receipts
import Testing
import Validator

@testable import AssayCommands

struct RetentionCommandTests {
    /// A place with files, and a ledger that has one receipt.
    private struct Place {
        let arguments: [String]
        let write: (String) throws -> Void
        let setAside: (String) throws -> Void
        let left: () throws -> Set<String>
        let commit: (Batch) async throws -> Void
        let fsck: [String]
    }

    enum Form: String, CaseIterable {
        case folder, database

        static var testable: [Form] {
            PrivatePostgres.isInstalled(for: "RetentionCommandTests") ? allCases : [.folder]
        }
    }

    private func place(_ form: Form, _ workplace: Workplace) throws -> Place {
        switch form {
        case .folder:
            let data = workplace.path("data")
            let files = data + "/artefacts"
            try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
            return Place(
                arguments: ["--data", data],
                write: { try workplace.write([1, 2, 3], "data/artefacts/" + $0) },
                setAside: {
                    try FileManager.default.moveItem(atPath: files + "/" + $0, toPath: files + "/.damaged-" + $0)
                },
                left: { Set(try FileManager.default.contentsOfDirectory(atPath: files)) },
                commit: { batch in
                    let store = try SQLiteLedgerStore(path: data + "/ledger.sqlite")
                    try await store.commit(batch)
                    try store.close()
                },
                fsck: ["--store", data + "/ledger.sqlite"]
            )
        case .database:
            let url = try PrivatePostgres.shared.get().newDatabase()
            let database = try PostgresDatabase(url: url)
            let files = PostgresArtefacts(database: database)
            return Place(
                arguments: ["--store", url],
                write: { try files.put([1, 2, 3], cid: $0) },
                setAside: { try files.setAside($0) },
                left: { Set(try files.list(after: "", limit: 100).map(\.cid)) },
                commit: { batch in
                    let fence = try PostgresWorkQueue(database: database)
                        .acquire("ledger", holder: [1], leaseMilliseconds: 60_000)
                    let store = PostgresLedgerStore(database: database, fence: fence)
                    try await store.commit(batch)
                    try store.close()
                },
                fsck: ["--store", url]
            )
        }
    }

    @Test(arguments: Form.testable) func whatNobodyNeedsGoesAfterItsTime(_ form: Form) async throws {
        let workplace = try Workplace()
        let place = try place(form, workplace)
        let bundle = try await BundleFactory().bundle(.accepted)
        let parsed = try Bundle(parsing: bundle)
        let spec = try SealedJob(parsing: try parsed.member(BundleMember.spec))
        let execution = try UnverifiedDocument<ExecutionStatement>(
            parsing: try parsed.member(BundleMember.execution)
        ).predicate
        let input = try #require(spec.files.first).identity.cid.text
        let output = try #require(execution.outputs.first).identity.cid.text
        for name in [input, output, "stray", "x"] { try place.write(name) }
        try place.setAside("x")
        let job = parsed.jobID.digest
        let receipt = ReceiptRow(
            job: job,
            attempt: 2,
            verdict: SHA256.hash(bundle),
            outcome: "accepted",
            at: BundleFactory.settledAt,
            bundleBytes: bundle
        )
        try await place.commit(
            Batch(records: [Record(kind: "late", id: job.bytes + [1], body: [7])], receipts: [receipt])
        )
        let arguments = ["retention"] + place.arguments + ["--json"]
        // The workplace's clock is a few minutes after the settlement, and the database's some time after it.
        let all = ["--inputs", "0", "--outputs", "36500", "--strays", "forever", "--damaged", "forever", "--late", "0"]
        let told = await workplace.run(arguments + all + ["--dry-run"])
        #expect(told.status == .ok, "\(told.output)")
        #expect(try place.left() == [input, output, "stray", ".damaged-x"])
        let run = await workplace.run(arguments + all)
        #expect(run.status == .ok, "\(run.output)")
        #expect(try run.member("gone") == told.member("gone"))
        guard case .array(let gone)? = try run.member("gone") else { return }
        #expect(gone.count == 2, "\(run.output)")
        #expect(try place.left() == [output, "stray", ".damaged-x"])
        let again = await workplace.run(arguments + all)
        #expect(try again.member("gone") == .array([]) && again.status == .ok)
        let outputs = ["--outputs", "0", "--strays", "1", "--damaged", "1"]
        #expect(await workplace.run(arguments + outputs).status == .ok)
        #expect(try place.left() == ["stray", ".damaged-x"])
        #expect(await workplace.run(["fsck"] + place.fsck).status == (form == .folder ? .ok : .rejected))
        #expect(await workplace.run(arguments + ["--inputs", "soon"]).status == .usage)

        // What cannot be read deletes nothing: an open job without documents, a receipt without its bundle.
        try await place.commit(Batch(records: [Record(kind: "job", id: SHA256.hash([1]).bytes, body: [1])]))
        let refused = await workplace.run(arguments + ["--strays", "0", "--damaged", "0"])
        #expect(refused.status == .ioError, "\(refused.output)")
        #expect(try place.left() == ["stray", ".damaged-x"])
        try await place.commit(Batch(records: [Record(kind: "job", id: SHA256.hash([1]).bytes, body: nil)]))
        if form == .database {
            #expect(await workplace.run(arguments + ["--strays", "0", "--damaged", "0"]).status == .ok)
            #expect(try place.left().isEmpty)
        }
    }

    @Test func aPlaceIsNamedOnce() async throws {
        let workplace = try Workplace()
        #expect(await workplace.run(["retention", "--data", workplace.path("no")]).status == .noInput)
        #expect(await workplace.run(["retention"]).status == .usage)
        #expect(await workplace.run(["retention", "--store", workplace.path("x.sqlite")]).status == .usage)
        let both = ["retention", "--data", workplace.path("no"), "--store", "postgres:///x?host=/nowhere"]
        #expect(await workplace.run(both).status == .usage)
    }

    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "RetentionCommandTests")))
    func resultsOfQueuesGoWhenTheirItemsAreGone() async throws {
        let workplace = try Workplace()
        let url = try PrivatePostgres.shared.get().newDatabase()
        let queue = try PostgresWorkQueue(url: url)
        let items = (1...3).map { WorkItem(id: WorkID(deriving: [UInt8($0)]), queue: "q", body: [1]) }
        try queue.enqueue(items)
        for lease in try queue.claim(queue: "q", worker: [1], limit: 3, leaseMilliseconds: 60_000) {
            _ = try queue.finish(lease, result: [1, 2])
        }
        try queue.remove([items[0].id, items[1].id])
        try await Task.sleep(for: .milliseconds(1100))
        let arguments = ["retention", "--store", url, "--queue", "0"]
        let told = await workplace.run(arguments + ["--dry-run"])
        #expect(told.output.contains("queue"), "\(told.output)")
        #expect(try queue.results(of: items[0].id).count == 1)
        #expect(await workplace.run(arguments).status == .ok)
        #expect(try queue.results(of: items[0].id).isEmpty && queue.results(of: items[1].id).isEmpty)
        #expect(try queue.results(of: items[2].id).count == 1)
    }
}
