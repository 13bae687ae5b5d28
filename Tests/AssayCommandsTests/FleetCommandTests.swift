// Commands of a fleet's user: several addresses, a takeover while a job is followed, lists of a scheduler that stands by.
import Codecs
import EngineAPI
import EngineTesting
import Synchronization
import Testing

@testable import AssayCommands

struct FleetCommandTests {
    @Test func everySchedulerMayBeNamed() async throws {
        var workplace = try Workplace()
        let given = await workplace.run(["job", "list", "--engine", "one", "--engine", "two"])
        #expect(given.status == .usage && given.error.contains("one two"), "\(given.error)")
        workplace.environment["ASSAY_ENGINE"] = "three,four"
        let found = await workplace.run(["job", "list"])
        #expect(found.status == .usage && found.error.contains("three four"), "\(found.error)")
    }

    @Test func aTakeoverInterruptsNobodyWhoFollowsAJob() async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(1_000_000_000)
        let folder = try workplace.writeTinyJob()
        let engine = workplace.engine
        let looks = Mutex(0)
        let run = await workplace.run(["job", "submit", folder, "--key", key, "--wait"]) {
            let look = looks.withLock { count in
                count += 1
                return count
            }
            engine.with { state in
                state.failure = look < 4 ? EngineError(.unavailable, "engine.standby", "nobody leads") : nil
                guard look >= 4, var job = state.jobs.last else { return }
                job.phase = "final"
                job.outcome = "accepted"
                state.jobs[state.jobs.count - 1] = job
            }
        }
        #expect(run.status == .ok, "\(run.error)")
        #expect(run.error.split(separator: "\n").count { $0.contains("waiting for the engine: nobody leads") } == 1)
    }

    /// Nobody waits for the end of a job that will have none.
    @Test func aJobOfAnEngineThatHasStoppedIsNotWaitedFor() async throws {
        let workplace = try Workplace()
        let key = try await workplace.fund(1_000_000_000)
        let folder = try workplace.writeTinyJob()
        let engine = workplace.engine
        let looks = Mutex(0)
        let run = await workplace.run(["job", "submit", folder, "--key", key, "--wait"]) {
            guard
                looks.withLock({
                    $0 += 1; return $0
                }) < 5
            else { throw CancellationError() }
            engine.with { $0.jobs[$0.jobs.count - 1].stopped = "the engine has stopped: I2" }
        }
        #expect(run.status == .unavailable, "\(run.error)")
        #expect(run.error.contains("engine.stopped") && run.error.contains("I2"), "\(run.error)")
    }

    /// An engine that never answered is no takeover.
    @Test func anEngineThatIsNotThereIsSaidAtOnce() async throws {
        let workplace = try Workplace()
        workplace.engine.with { $0.failure = EngineError(.unavailable, "engine.unreachable", "nobody is there") }
        let run = await workplace.run(["job", "watch", String(repeating: "0", count: 64)]) { throw CancellationError() }
        #expect(run.status == .unavailable, "\(run.error)")
        #expect(run.error.contains("several times for a fleet"), "\(run.error)")
    }

    @Test func aStandbysListsSayThatTheyAreNotWhole() async throws {
        let workplace = try Workplace()
        #expect(try await workplace.run(["job", "list", "--json"]).member("standby") == nil)
        let standing = EngineStanding(role: .standby, name: "b", leader: "http://a:1", epoch: nil)
        workplace.engine.with { $0.description.standing = standing }
        for (command, lacking) in [("job", "the open jobs"), ("node", "who is online")] {
            let run = await workplace.run([command, "list", "--json"])
            #expect(run.status == .ok && run.error.contains("b stands by"), "\(run.error)")
            #expect(run.error.contains("http://a:1") && run.error.contains(lacking), "\(run.error)")
            #expect(try run.member("standby") == standing.json)
        }
        #expect(await workplace.run(["job", "list"]).output.contains("no ended jobs"))
    }
}
