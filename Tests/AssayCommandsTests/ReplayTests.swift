// `assay replay` as somebody uses it without an engine: run and sign, admit, compare.
import AssayTesting
import Codecs
import Commitments
import Foundation
import Receipts
import Replay
import Signatures
import Testing

@testable import AssayCommands

struct ReplayCommandTests {
    @Test func aRunIsSignedByWhoRanIt() async throws {
        let workplace = try Workplace()
        let folder = try workplace.writeTinyJob()
        let key = workplace.path("runner.pem")
        #expect(await workplace.run(["key", "new", key]).status == .ok)
        let out = workplace.path("out")
        let run = await workplace.run(["replay", "run", folder, "-o", out, "--sign", "--key", key, "--json"])
        #expect(run.status == .ok)
        let envelope = [UInt8](try Data(contentsOf: URL(fileURLWithPath: out + "/statement.json")))
        let statement = try Signed<RunStatement>(verifying: envelope, key: nil)
        #expect(statement.signer == (try KeyFile.read(key)).verifyingKey)
        #expect(try run.member("traceRoot") == .string(statement.predicate.traceRoot.hex))
        #expect(statement.subjects.map(\.name) == ["y"])
        #expect(try RunStatement(statement.predicate.json, "") == statement.predicate)
        #expect(await workplace.run(["replay", "run", folder, "--sign", "--key", key]).status == .usage)
    }

    @Test func claimsAreComparedWithARun() async throws {
        let workplace = try Workplace()
        let folder = try workplace.writeTinyJob()
        let out = workplace.path("out")
        #expect(await workplace.run(["replay", "run", folder, "-o", out]).status == .ok)
        let same = await workplace.run(["replay", "compare", folder, out])
        #expect(same.status == .ok)
        #expect(same.output == "\(out): MATCH, 2 launches\n")
        var liar = workplace
        liar.runner = TinyLocalRunner(fault: .flippedIntermediateBit(element: 5))
        #expect(await liar.run(["replay", "run", folder, "-o", out]).status == .ok)
        let other = await workplace.run(["replay", "compare", folder, out, "--json"])
        #expect(other.status == .rejected)
        #expect(try other.member("error.id") == .string("replay.mismatch"))
        #expect(try other.member("divergence.step") == .integer(0))
        #expect(try other.member("divergence.slot") == .string("h"))
        try workplace.write(Array("{}".utf8), "out/trace.json")
        #expect(await workplace.run(["replay", "compare", folder, out]).status == .dataError)
        #expect(await workplace.run(["replay", "compare", folder, workplace.path("none")]).status == .noInput)
    }

    @Test func admissionNamesStageAndPlace() async throws {
        var workplace = try Workplace()
        let folder = try workplace.writeTinyJob()
        let key = workplace.path("admitter.pem")
        #expect(await workplace.run(["key", "new", key]).status == .ok)
        let record = workplace.path("record.json")
        let admitted = await workplace.run(["replay", "admit", folder, "-o", record, "--key", key])
        #expect(admitted.status == .ok)
        #expect(admitted.output.contains("ADMITTED by fewer stages"))
        #expect(admitted.output.contains("skipped  Oclgrind is missing"))
        let envelope = [UInt8](try Data(contentsOf: URL(fileURLWithPath: record)))
        let statement = try Signed<AdmissionStatement>(verifying: envelope, key: nil)
        #expect(statement.predicate.report.isAdmitted && !statement.predicate.report.isComplete)
        #expect(try AdmissionStatement(statement.predicate.json, "") == statement.predicate)

        workplace.runner = TinyLocalRunner(fault: .refuses)
        let refused = await workplace.run(["replay", "admit", folder])
        #expect(refused.status == .policy)
        let lines = refused.output.split(separator: "\n").map(String.init)
        let source = TinyJob.source.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.contains("    " + source[3]))
        #expect(lines.contains(String(repeating: " ", count: 15) + "^"))
        let document = await workplace.run(["replay", "admit", folder, "--json"])
        #expect(try document.member("admission.admitted") == .bool(false))
        #expect(try document.member("error.field") == .string("outOfBounds"))
        workplace.runner = TinyLocalRunner(hasDevice: false)
        #expect(await workplace.run(["replay", "admit", folder]).status == .incomplete)
    }
}
