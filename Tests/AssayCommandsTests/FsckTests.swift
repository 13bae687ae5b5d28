// `assay fsck` over a real data folder, clean and damaged; `assay vectors` over this project's own suites.
import AssayTesting
import Codecs
import Commitments
import Foundation
import Ledger
import PostgreSQL
import Receipts
import Testing

@testable import AssayCommands

struct FsckCommandTests {
    /// A data folder with one receipt and two artefacts.
    func dataFolder(_ workplace: Workplace, bundle: [UInt8], job: Digest) async throws -> String {
        let data = workplace.path("data")
        for bytes in [[UInt8](), [1, 2, 3]] {
            try workplace.write(bytes, "data/artefacts/" + ArtefactIdentity(of: bytes).cid.text)
        }
        let store = try SQLiteLedgerStore(path: data + "/ledger.sqlite")
        let row = ReceiptRow(
            job: job,
            attempt: 2,
            verdict: SHA256.hash(bundle),
            outcome: "accepted",
            at: BundleFactory.settledAt,
            bundleBytes: bundle
        )
        try await store.commit(Batch(receipts: [row]))
        try store.close()
        return data
    }

    @Test func aCleanFolderIsClean() async throws {
        let workplace = try Workplace()
        let bundle = try await BundleFactory().bundle(.accepted)
        let job = try Bundle(parsing: bundle).jobID.digest
        let data = try await dataFolder(workplace, bundle: bundle, job: job)
        let run = await workplace.run(["fsck", "--data", data, "--json"])
        #expect(run.status == .ok, "\(run.output)")
        #expect(try run.member("clean") == .bool(true))
        let human = await workplace.run(["fsck", "--data", data])
        #expect(human.output.hasPrefix("\(data): CLEAN\n"))
        #expect(human.output.contains("audits         1 examined, 0 faults"))
        #expect(human.output.contains("artefacts      2 examined, 0 faults"))
    }

    @Test func aDamagedArtefactIsNamed() async throws {
        let workplace = try Workplace()
        let bundle = try await BundleFactory().bundle(.accepted)
        let job = try Bundle(parsing: bundle).jobID.digest
        let data = try await dataFolder(workplace, bundle: bundle, job: job)
        let cid = ArtefactIdentity(of: [1, 2, 3]).cid.text
        try workplace.write([1, 2, 4], "data/artefacts/" + cid)
        let run = await workplace.run(["fsck", "--data", data, "--json"])
        #expect(run.status == .rejected)
        #expect(try run.member("error.id") == .string("fsck.artefacts"))
        #expect(run.output.contains(cid))
    }

    @Test func aReceiptThatContradictsItselfIsNamed() async throws {
        let workplace = try Workplace()
        let bundle = try await BundleFactory().bundle(.accepted, lie: .inflatedMeter)
        let job = try Bundle(parsing: bundle).jobID.digest
        let data = try await dataFolder(workplace, bundle: bundle, job: job)
        let run = await workplace.run(["fsck", "--data", data, "--json"])
        #expect(run.status == .rejected)
        #expect(try run.member("error.id") == .string("fsck.audits"))
    }

    @Test func aDamagedArtefactIsSetAsideWhenAskedFor() async throws {
        let workplace = try Workplace()
        let bundle = try await BundleFactory().bundle(.accepted)
        let job = try Bundle(parsing: bundle).jobID.digest
        let data = try await dataFolder(workplace, bundle: bundle, job: job)
        let name = CID.raw(Array("what it was".utf8)).text
        try FileManager.default.createDirectory(atPath: data + "/artefacts", withIntermediateDirectories: true)
        try Data("what it is".utf8).write(to: URL(fileURLWithPath: data + "/artefacts/" + name))
        for arguments in [[], ["--repair"]] {
            let run = await workplace.run(["fsck", "--data", data, "--json"] + arguments)
            #expect(run.status == .rejected)
            #expect(try run.member("error.id") == .string("fsck.artefacts"))
        }
        #expect(await workplace.run(["fsck", "--data", data]).status == .ok)
        let kept = try Data(contentsOf: URL(fileURLWithPath: data + "/artefacts/.damaged-" + name))
        #expect(kept == Data("what it is".utf8))
    }

    @Test func aReceiptUnderAnotherJobIsNamed() async throws {
        let workplace = try Workplace()
        let bundle = try await BundleFactory().bundle(.unmatched)
        let data = try await dataFolder(workplace, bundle: bundle, job: .zero)
        #expect(await workplace.run(["fsck", "--data", data]).status == .rejected)
    }

    @Test func aLedgerFileIsCheckedByItself() async throws {
        let workplace = try Workplace()
        let bundle = try await BundleFactory().bundle(.accepted)
        let job = try Bundle(parsing: bundle).jobID.digest
        let data = try await dataFolder(workplace, bundle: bundle, job: job)
        let human = await workplace.run(["fsck", "--store", data + "/ledger.sqlite"])
        #expect(human.status == .ok, "\(human.output)")
        #expect(human.output.contains("audits         1 examined, 0 faults"))
        #expect(!human.output.contains("artefacts"))
        #expect(await workplace.run(["fsck", "--store", "mysql://x"]).status == .usage)
        #expect(await workplace.run(["fsck"]).status == .usage)
        #expect(await workplace.run(["fsck", "--store", "x", "--data", data]).status == .usage)
    }

    @Test func aLedgerIsExportedAndComesBackFromABackup() async throws {
        let workplace = try Workplace()
        let bundle = try await BundleFactory().bundle(.accepted)
        let job = try Bundle(parsing: bundle).jobID.digest
        let data = try await dataFolder(workplace, bundle: bundle, job: job)
        for format in ["csv", "beancount", "ledger"] {
            let file = workplace.path("export.\(format)")
            let run = await workplace.run([
                "ledger", "export", "--data", data, "--format", format, "-o", file, "--json",
            ])
            #expect(run.status == .ok, "\(run.output)")
            #expect(try run.member("transfers") == .integer(0))
            #expect(try !String(contentsOfFile: file, encoding: .utf8).isEmpty)
        }
        let wrong = ["ledger", "export", "--data", data, "--format", "xls", "-o", workplace.path("x")]
        #expect(await workplace.run(wrong).status == .usage)

        let copy = workplace.path("copy.sqlite")
        #expect(await workplace.run(["ledger", "backup", "--data", data, "-o", copy]).status == .ok)
        #expect(await workplace.run(["ledger", "backup", "--data", data, "-o", copy]).status == .ioError)
        let there = workplace.path("there")
        let restored = await workplace.run(["ledger", "restore", copy, "--data", there])
        #expect(restored.status == .ok, "\(restored.output)")
        #expect(await workplace.run(["ledger", "restore", copy, "--data", there]).status == .ioError)
        let checked = await workplace.run(["fsck", "--store", there + "/ledger.sqlite"])
        #expect(checked.status == .ok, "\(checked.output)")
        let disk = await workplace.run(["ledger", "probe", "--data", data, "--json"])
        #expect(disk.status == .ok, "\(disk.output)")
    }

    @Test func aForeignFileIsNoLedger() async throws {
        let workplace = try Workplace()
        try workplace.write(Array("not a database, but long enough to look at".utf8), "data/ledger.sqlite")
        let run = await workplace.run(["fsck", "--data", workplace.path("data"), "--json"])
        #expect(run.status == .dataError)
        try workplace.write([], "empty.sqlite")
        let none = workplace.path("none.sqlite")
        let cases: [(String, ExitStatus, String)] = [
            (none, .noInput, "expected a ledger file, found none"),
            (workplace.path("empty.sqlite"), .dataError, "expected a ledger file, found an empty one"),
            (workplace.path("data"), .dataError, "expected a ledger file, found a folder"),
            (workplace.path("data/ledger.sqlite"), .dataError, "expected a ledger file, found one that is no database"),
        ]
        for (path, status, sentence) in cases {
            for command in [
                ["fsck"], ["ledger", "export", "-o", workplace.path("x.csv")], ["escrow", "epoch"],
                ["ledger", "backup", "-o", workplace.path("x.sqlite")],
            ] {
                let run = await workplace.run(command + ["--store", path, "--json"])
                #expect(run.status == status, "\(command): \(run.output)")
                #expect(try run.member("error.message") == .string("\(path): \(sentence)"), "\(command)")
            }
            // Of what is no backup, nothing is restored: an empty file above all would be an empty ledger.
            let restored = await workplace.run(["ledger", "restore", path, "--data", workplace.path("there")])
            #expect(restored.status == status, "\(path): \(restored.output)")
            #expect(!FileManager.default.fileExists(atPath: workplace.path("there/ledger.sqlite")))
        }
        #expect(!FileManager.default.fileExists(atPath: workplace.path("x.csv")))
        let probe = await workplace.run(["ledger", "probe", "--data", workplace.path("nowhere")])
        #expect(probe.status == .noInput, "\(probe.output)")
    }

    /// Each command that looks at a database says what it found there, and leaves it as it was.
    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "aDatabaseThatIsNoLedgerIsLeftAlone")))
    func aDatabaseThatIsNoLedgerIsLeftAlone() async throws {
        let workplace = try Workplace()
        let server = try PrivatePostgres.shared.get()
        let (empty, foreign) = (try server.newDatabase(), try server.newDatabase())
        try PostgresConnection(url: foreign).run("CREATE TABLE guests (name TEXT)")
        let cases: [(String, ExitStatus, String)] = [
            (empty, .noInput, "ledger.missing"), (foreign, .dataError, "ledger.foreign"),
            ("postgres:///assay?host=/nowhere", .unavailable, "ledger.unreachable"),
        ]
        for (url, status, id) in cases {
            for command in [
                ["fsck"], ["ledger", "export", "-o", workplace.path("x.csv")], ["escrow", "epoch"], ["retention"],
            ] {
                let run = await workplace.run(command + ["--store", url, "--json"])
                #expect(run.status == status, "\(command): \(run.output)")
                #expect(try run.member("error.id") == .string(id), "\(command)")
                guard case .string(let message) = try run.member("error.message") else { continue }
                #expect(!message.contains("\n"), "\(message)")
            }
        }
        for (url, count) in [(empty, Int64(0)), (foreign, 1)] {
            let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            #expect(try PostgresConnection(url: url).execute(tables).integer(0, 0) == count)
        }
        let nobody = await workplace.run(["ledger", "probe", "--store", cases[2].0])
        #expect(nobody.status == .unavailable, "\(nobody.output)")
        let probe = await workplace.run(["ledger", "probe", "--store", empty])
        #expect(probe.status == .ok, "\(probe.output)")
        let backup = ["ledger", "backup", "--store", empty, "-o", workplace.path("x.sqlite")]
        #expect(await workplace.run(backup).status == .usage)
    }

    /// One of this project's own suites; all of them are run by the tests of `Conformance`.
    static func jobIDVectors() throws -> String {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("Vectors/receipts/job-id.json"), encoding: .utf8)
    }

    @Test func ownVectorsPass() async throws {
        let workplace = try Workplace()
        try workplace.write(Array(try Self.jobIDVectors().utf8), "v/job-id.json")
        let vectors = workplace.path("v")
        let report = workplace.path("report.xml")
        let run = await workplace.run(["vectors", "run", vectors, "--junit", report, "--json"])
        #expect(run.status == .ok)
        #expect(try run.member("failed") == .integer(0))
        let xml = try String(contentsOfFile: report, encoding: .utf8)
        #expect(xml.hasPrefix("<?xml"))
        #expect(xml.contains("failures=\"0\""))
    }

    @Test func aWrongVectorFails() async throws {
        let workplace = try Workplace()
        let text = try Self.jobIDVectors()
        let wrong = text.replacingOccurrences(of: "\"invalid\"", with: "\"valid\"")
        #expect(wrong != text)
        try workplace.write(Array(wrong.utf8), "v/job-id.json")
        let run = await workplace.run(["vectors", "run", workplace.path("v"), "--json"])
        #expect(run.status == .rejected)
    }
}
