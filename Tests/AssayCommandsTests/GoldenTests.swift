// The exact words of a few commands, for people and for programs. A change here is a change for every script.
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineTesting
import Foundation
import Signatures
import Testing

@testable import AssayCommands

struct GoldenTests {
    let job = JobView(
        id: .zero,
        name: "digits",
        phase: "offered",
        attempt: 0,
        held: 1219,
        deadline: 1_760_000_600,
        reason: "waiting for a node"
    )

    @Test func version() async throws {
        let workplace = try Workplace()
        let run = await workplace.run(["version", "--json"])
        #expect(
            run.output == """
                {
                  "schema": "assay.result/1",
                  "command": "version",
                  "ok": true,
                  "exit": 0,
                  "status": "ok",
                  "version": "\(AssayVersion.text)",
                  "tool": {
                    "name": "assay",
                    "version": "\(AssayVersion.text)"
                  }
                }

                """
        )
    }

    @Test func jobShow() async throws {
        let workplace = try Workplace()
        workplace.engine.update(job)
        let run = await workplace.run(["job", "show", job.id.hex])
        #expect(
            run.output == """
                job       \(job.id.hex)
                name      digits
                phase     offered
                why       waiting for a node
                attempt   0
                held      1219
                deadline  2025-10-09T09:03:20Z

                """
        )
        #expect(run.error.isEmpty)
    }

    @Test func jobListAndWhy() async throws {
        let workplace = try Workplace()
        #expect(await workplace.run(["job", "list"]).output == "no jobs\n")
        workplace.engine.update(job)
        #expect(
            await workplace.run(["job", "list"]).output == """
                JOB               NAME    PHASE    OUTCOME  HELD  WHY
                0000000000000000  digits  offered  -        1219  waiting for a node

                """
        )
        #expect(
            await workplace.run(["job", "why", job.id.hex]).output == """
                offered: waiting for a node
                nodes: 0 registered, 0 online, 0 idle
                deadline: 2025-10-09T09:03:20Z; after it the engine decides by itself
                next: wait for a node; a higher price or a smaller memory demand finds more of them

                """
        )
    }

    @Test func anUnknownJob() async throws {
        let workplace = try Workplace()
        let run = await workplace.run(["job", "show", job.id.hex, "--json"])
        #expect(
            run.output == """
                {
                  "schema": "assay.result/1",
                  "command": "job show",
                  "ok": false,
                  "exit": 66,
                  "status": "noinput",
                  "error": {
                    "id": "job.unknown",
                    "message": "there is no job \(job.id.hex)",
                    "field": "job",
                    "actual": "\(job.id.hex)"
                  },
                  "tool": {
                    "name": "assay",
                    "version": "\(AssayVersion.text)"
                  }
                }

                """
        )
        let human = await workplace.run(["job", "show", job.id.hex])
        #expect(human.error == "assay job show: [job.unknown] there is no job \(job.id.hex)\n")
    }

    @Test func commit() async throws {
        let workplace = try Workplace()
        try workplace.write(Array("hello\n".utf8), "x.txt")
        let path = workplace.path("x.txt")
        let run = await workplace.run(["commit", "create", path])
        // SHA-256 as coreutils' sha256sum gives it, the CID as a raw leaf of those 32 bytes.
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
        #expect(run.output.contains("sha256      \(sha256)\n"))
        let cid = CID(codec: .raw, digest: try Digest(hex: sha256)).text
        #expect(run.output.contains("cid         \(cid)\n"))
        #expect(await workplace.run(["commit", "verify", path, "--cid", cid, "--sha256", sha256]).status == .ok)
        let other = await workplace.run(["commit", "verify", path, "--cid", CID.raw([]).text])
        #expect(other.status == .rejected)
        #expect(
            other.output == """
                \(path): DIFFERENT
                  FAIL  commit.cid  \(cid)
                        expected \(CID.raw([]).text)

                """
        )
        let folder = await workplace.run(["commit", "create", workplace.folder.path, "--json"])
        #expect(try folder.member("kind") == .string("folder"))
        #expect(try folder.member("entries") == .integer(1))
    }

    @Test func colourOnlyForPeopleWhoWantIt() async throws {
        var workplace = try Workplace()
        try workplace.write([], "x")
        let arguments = ["commit", "verify", workplace.path("x"), "--cid", CID.raw([]).text]
        let escape = "\u{1b}["
        #expect(await workplace.run(arguments, recorder: Recorder(isTerminal: true)).output.contains(escape))
        #expect(await !workplace.run(arguments).output.contains(escape))
        let plain = await workplace.run(arguments + ["--no-color"], recorder: Recorder(isTerminal: true))
        #expect(!plain.output.contains(escape))
        let json = await workplace.run(arguments + ["--json"], recorder: Recorder(isTerminal: true))
        #expect(!json.output.contains(escape))
        workplace.environment["NO_COLOR"] = "1"
        #expect(await !workplace.run(arguments, recorder: Recorder(isTerminal: true)).output.contains(escape))
        workplace.environment["NO_COLOR"] = nil
        workplace.environment["TERM"] = "dumb"
        #expect(await !workplace.run(arguments, recorder: Recorder(isTerminal: true)).output.contains(escape))
    }

    @Test func aBarOnlyOnATerminal() async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(1_000_000_000)
        let arguments = ["job", "submit", try workplace.writeTinyJob(), "--key", key]
        #expect(await workplace.run(arguments, recorder: Recorder(isTerminal: true)).error.contains("\rupload ["))
        #expect(await !workplace.run(arguments).error.contains("upload"))
        #expect(await workplace.run(arguments + ["-q"], recorder: Recorder(isTerminal: true)).error.isEmpty)
    }

    @Test func replayAndDoctor() async throws {
        var workplace = try Workplace()
        let folder = try workplace.writeTinyJob()
        let run = await workplace.run(["replay", "run", folder, "-o", workplace.path("out"), "--json"])
        #expect(run.status == .ok)
        #expect(FileManager.default.fileExists(atPath: workplace.path("out/y")))
        #expect(FileManager.default.fileExists(atPath: workplace.path("out/trace.json")))
        #expect(FileManager.default.fileExists(atPath: workplace.path("out/run.json")))
        #expect(await workplace.run(["replay", "devices"]).status == .ok)
        #expect(await workplace.run(["node", "doctor"]).status == .ok)
        workplace.runner = TinyLocalRunner(fault: .refuses)
        let refused = await workplace.run(["replay", "run", folder, "--json"])
        #expect(refused.status == .policy)
        #expect(try refused.member("error.id") == .string("kernel.refused"))
        workplace.runner = TinyLocalRunner(fault: .crashes)
        #expect(await workplace.run(["replay", "run", folder]).status == .incomplete)
        workplace.runner = TinyLocalRunner(hasDevice: false)
        #expect(await workplace.run(["replay", "devices"]).status == .incomplete)
        #expect(await workplace.run(["node", "doctor"]).status == .incomplete)
        workplace.runner = nil
        #expect(await workplace.run(["node", "doctor"]).status == .incomplete)
        #expect(await workplace.run(["replay", "devices"]).status == .unavailable)
    }
}
