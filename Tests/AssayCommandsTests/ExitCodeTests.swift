// Every kind of failure and its exit code; the document says the same as the code.
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineTesting
import Foundation
import Ledger
import Receipts
import Replay
import Signatures
import Testing

@testable import AssayCommands

struct ExitCodeTests {
    @Test func theTableIsComplete() {
        let codes = ExitStatus.allCases.map(\.rawValue)
        #expect(codes == [0, 1, 2, 3, 4, 5, 6, 64, 65, 66, 69, 70, 74, 75, 77, 78, 130, 143])
        #expect(Set(ExitStatus.allCases.map(\.name)).count == codes.count)
        for status in ExitStatus.allCases {
            #expect(ExitStatus.helpTable.contains(status.meaning))
            #expect(ExitStatus.helpTable.split(separator: "\n").allSatisfy { $0.count <= 80 })
        }
    }

    @Test func everyFailureHasItsCode() throws {
        let key = try SigningKey(seed: [UInt8](repeating: 1, count: 32)).verifyingKey
        let parse = ParseError(field: "f", expected: "e", actual: "a")
        let table: [(Failure, ExitStatus)] = [
            (Failure(parse, in: "x"), .dataError),
            (Failure(option: "--x", parse), .usage),
            (Failure(EngineError(.malformed, "i", "m")), .dataError),
            (Failure(EngineError(.conflict, "i", "m")), .dataError),
            (Failure(EngineError(.tooLarge, "i", "m")), .dataError),
            (Failure(EngineError(.forbidden, "i", "m")), .noPermission),
            (Failure(EngineError(.notFound, "i", "m")), .noInput),
            (Failure(EngineError(.insufficientFunds, "i", "m")), .temporaryFailure),
            (Failure(EngineError(.refused, "i", "m")), .policy),
            (Failure(EngineError(.unavailable, "engine.unreachable", "m")), .unavailable),
            (Failure(EngineError(.unavailable, "call.cancelled", "m")), .interrupted),
            (Failure(DocumentError.malformed(parse), in: "x"), .dataError),
            (Failure(DocumentError.badSignature(expected: key), in: "x"), .rejected),
            (Failure(DocumentError.foreignAuthor(expected: key, actual: key), in: "x"), .rejected),
            (Failure(DocumentError.key(.library(operation: "o", detail: "d")), in: "x"), .software),
            (Failure(KeyFileError.missing(path: "p")), .noInput),
            (Failure(KeyFileError.exists(path: "p")), .ioError),
            (Failure(KeyFileError.permissions(path: "p", expected: "600", actual: "644")), .noPermission),
            (Failure(KeyFileError.system(path: "p", operation: "o", reason: "r")), .ioError),
            (Failure(KeyFileError.key(path: "p", .malformed(parse))), .dataError),
            (Failure(JobFolderError.malformed(parse), in: "x"), .dataError),
            (Failure(JobFolderError.missing(path: "p"), in: "x"), .noInput),
            (Failure(JobFolderError.unreadable(path: "p", detail: "d"), in: "x"), .noInput),
            (Failure(BundleError.malformed(parse), in: "x"), .dataError),
            (Failure(BundleError.corrupt(block: .raw([])), in: "x"), .rejected),
            (Failure(LedgerError.invariant(.balancesAreFold, detail: "d"), in: "x"), .rejected),
            (Failure(LedgerError.malformed(parse), in: "x"), .dataError),
            (Failure(LedgerError.storage(detail: "d"), in: "x"), .ioError),
            (Failure(LedgerError.noLedger(.missing, detail: "d"), in: "x"), .noInput),
            (Failure(LedgerError.noLedger(.foreign, detail: "d"), in: "x"), .dataError),
            (Failure(LedgerError.noLedger(.otherVersion, detail: "d"), in: "x"), .dataError),
            (Failure(LedgerError.noLedger(.damaged, detail: "d"), in: "x"), .rejected),
            (Failure(LedgerError.noLedger(.unreachable, detail: "d"), in: "x"), .unavailable),
            (Failure(RunFailure(.noDevice, "d")), .incomplete),
            (Failure(RunFailure(.compile, "d")), .incomplete),
            (Failure(RunFailure(.crashed, "d")), .incomplete),
            (Failure(RunFailure(.timeout, "d")), .incomplete),
            (Failure(RunFailure(.outOfMemory, "d")), .incomplete),
            (Failure(RunFailure(.device, "d")), .incomplete),
            (Failure(RunFailure(.protocolViolation, "d")), .incomplete),
            (Failure(RunFailure(.sandbox, "d")), .unavailable),
            (Failure(RunFailure(.input, "d")), .dataError),
            (Failure(RunFailure(.cancelled, "d")), .interrupted),
            (.interrupted, .interrupted),
        ]
        for (failure, status) in table {
            #expect(failure.status == status, "\(failure.id): \(failure.message)")
            #expect(!failure.id.isEmpty && !failure.message.isEmpty)
            let document = Answer(failure).document(command: "x")
            guard case .object(let object) = document else { continue }
            #expect(object["exit"] == .integer(status.rawValue))
            #expect(object["ok"] == .bool(false))
            #expect(object["error"] == failure.json)
        }
    }

    @Test(arguments: EngineError.Kind.allCases)
    func everyRefusalOfAnEngineReachesTheExitCode(kind: EngineError.Kind) async throws {
        let workplace = try Workplace()
        let error = EngineError(kind, "test.id", "a sentence", field: "f", expected: "e", actual: "a")
        workplace.engine.with { $0.failure = error }
        let run = await workplace.run(["job", "list", "--json"])
        #expect(run.status == Failure(error).status)
        #expect(run.status != .ok)
        #expect(try run.member("error.id") == .string("test.id"))
        #expect(try run.member("error.field") == .string("f"))
        #expect(try run.member("error.expected") == .string("e"))
        #expect(try run.member("error.actual") == .string("a"))
        #expect(run.error.isEmpty)
        let human = await workplace.run(["job", "list"])
        #expect(human.output.isEmpty)
        #expect(human.error.contains("[test.id] a sentence"))
        #expect(human.error.contains("f: expected e, found a"))
    }

    @Test(arguments: [
        [], ["job"], ["nothing"], ["job", "nothing"], ["version", "--nothing"], ["audit"], ["audit", "x"],
        ["job", "show", "zz"], ["job", "list", "--limit", "0"], ["job", "list", "--limit", "many"],
        ["escrow", "topup", "0", "--account", "00"], ["escrow", "topup", "-5"], ["commit", "verify", "x"],
        ["completion", "tcsh"], ["audit", "x", "--trust", "y", "--time", "yesterday"],
        ["job", "submit", "x", "--timeout", "5"], ["job", "list", "--engine", "ftp://x"],
        ["replay", "devices", "--minimum-sandbox", "fort"],
    ])
    func wrongArgumentsAreUsage(arguments: [String]) async throws {
        let workplace = try Workplace()
        let human = await workplace.run(arguments)
        #expect(human.status == .usage)
        #expect(human.output.isEmpty)
        #expect(!human.error.isEmpty)
        let run = await workplace.run(arguments + ["--json"])
        #expect(run.status == .usage)
        #expect(try run.member("exit") == .integer(64))
        #expect(try run.member("ok") == .bool(false))
        #expect(try run.member("error.id") == .string("usage"))
        let before = await workplace.run(["--json"] + arguments)
        #expect(before.status == .usage)
        #expect(try before.member("command") == run.member("command"))
    }

    @Test func filesOfTheUserHaveTheirCodes() async throws {
        let workplace = try Workplace()
        try workplace.write(Array("{".utf8), "broken.json")
        let missing = workplace.path("missing")
        for (arguments, status) in [
            (["inspect", missing], ExitStatus.noInput), (["inspect", workplace.folder.path], .noInput),
            (["inspect", workplace.path("broken.json")], .dataError), (["key", "show", missing], .noInput),
            (["key", "show", workplace.path("broken.json")], .noPermission), (["commit", "create", missing], .noInput),
            (["audit", missing, "--trust", missing], .noInput),
            (["audit", missing, "--trust", workplace.path("broken.json")], .dataError),
            (["fsck", "--data", missing], .noInput), (["fsck", "--data", workplace.folder.path], .noInput),
            (["replay", "run", missing], .noInput), (["job", "submit", missing], .noInput),
            (["vectors", "run", missing], .noInput), (["trust", "create", "-o", missing + "/x/trust.json"], .ioError),
        ] {
            let run = await workplace.run(arguments + ["--json"])
            #expect(run.status == status, "\(arguments)")
            #expect(try run.member("exit") == .integer(status.rawValue))
        }
    }

    @Test func anAnswerThatNobodyGotIsNoSuccess() async throws {
        let workplace = try Workplace()
        for arguments in [["version"], ["version", "--json"], ["--help"], ["completion", "bash"]] {
            let recorder = Recorder()
            recorder.closeOutput()
            #expect(await workplace.run(arguments, recorder: recorder).status == .ioError)
        }
        // A failure stays what it is.
        let recorder = Recorder()
        recorder.closeOutput()
        #expect(await workplace.run(["inspect", workplace.path("no")], recorder: recorder).status == .noInput)
    }
}
