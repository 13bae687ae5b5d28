// The worker pool measured: what a job costs beyond its kernels, cold and warm, and how many small jobs a warm pool verifies.
//
//   pool-bench WORKER FOLDER [JOBS]     WORKER: assay-replay; FOLDER: a job folder, such as Examples/digits
import Codecs
import Foundation
import Replay

func seconds(_ body: () async throws -> Void) async rethrows -> Double {
    let start = ContinuousClock.now
    try await body()
    let parts = (ContinuousClock.now - start).components
    return Double(parts.seconds) + Double(parts.attoseconds) * 1e-18
}

/// Processor seconds of this process and of every worker that has ended as its own child, not as one of bubblewrap's.
func processor() -> Double {
    [0, -1].reduce(0) { (sum: Double, who: Int32) in
        // RUSAGE_SELF and RUSAGE_CHILDREN, which C libraries declare in two ways.
        var usage = rusage()
        getrusage(who, &usage)
        return sum + Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
    }
}

struct Job: Sendable {
    let spec: ReplaySpec
    let files: [String: [UInt8]]

    init(folder: String) throws {
        let document = try JSONValue(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/job.json"))))
        guard case .object(let object) = document, let replay = object["replay"] else {
            throw ParseError(field: "replay", expected: "an object", actual: document.typeName)
        }
        spec = try ReplaySpec(replay, "replay")
        var files: [String: [UInt8]] = [:]
        for artefact in spec.artefacts {
            files[artefact.file] = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + artefact.file)))
        }
        self.files = files
    }

    /// Sixty-four numbers copied: nothing but overhead.
    static func empty() throws -> Job {
        let text = """
            {"version":1,"class":"integer","device":{"type":"any","memoryBytes":"0"},
             "sources":[{"name":"s","file":"k.cl"}],
             "slots":[{"name":"a","role":"in","dtype":"u32","shape":[64],"file":"a","format":"raw"},
                      {"name":"c","role":"out","dtype":"u32","shape":[64]}],
             "steps":[{"kernel":"k","source":"s","global":[64],"local":[16],
                       "args":[{"slot":"a"},{"slot":"c","access":"write"}]}],
             "limits":{"wallSeconds":20,"memoryBytes":"1048576","outputBytes":"65536"}}
            """
        let source = """
            __kernel __attribute__((reqd_work_group_size(16, 1, 1)))
            void k(__global const uint *a, __global uint *c) { size_t i = get_global_id(0); c[i] = a[i]; }
            """
        return try Job(
            spec: ReplaySpec(JSONValue(parsing: Array(text.utf8))),
            files: ["k.cl": Array(source.utf8), "a": [UInt8](repeating: 1, count: 256)]
        )
    }

    private init(spec: ReplaySpec, files: [String: [UInt8]]) {
        self.spec = spec
        self.files = files
    }

    /// Runs the job; ends the program when there is no result.
    func run(_ runner: SandboxedRunner) async {
        switch await runner.run(spec, files: files) {
        case .completed: return
        case .refused(let faults): print("the kernels are refused: \(faults.first.map { "\($0)" } ?? "")")
        case .failed(let failure): print("a run gave no result: \(failure)")
        }
        exit(1)
    }
}

/// The middle of some runs, in milliseconds, one after the other.
func latency(_ job: Job, _ runner: SandboxedRunner, rounds: Int, pause: Duration) async throws -> Double {
    await job.run(runner)
    var times: [Double] = []
    for _ in 0..<rounds {
        try await Task.sleep(for: pause)
        times.append(await seconds { await job.run(runner) })
    }
    return times.sorted()[rounds / 2] * 1000
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else {
    print("usage: pool-bench WORKER FOLDER [JOBS]")
    exit(64)
}
let count = arguments.count > 3 ? Int(arguments[3]) ?? 100 : 100
func runner(warm: Int, usesNamespaces: Bool = true) -> SandboxedRunner {
    var options = SandboxedRunner.Options()
    options.warmWorkers = warm
    options.usesNamespaces = usesNamespaces
    return SandboxedRunner(worker: arguments[1], options: options)
}
let job = try Job(folder: arguments[2])
let cold = runner(warm: 0)
let warm = runner(warm: 4)
let coldOverhead = try await latency(try Job.empty(), cold, rounds: 15, pause: .zero)
let warmOverhead = try await latency(try Job.empty(), warm, rounds: 15, pause: .milliseconds(300))
print("empty job, cold worker    \(Int(coldOverhead)) ms")
print("empty job, warm worker    \(Int(warmOverhead)) ms   (bar: 150)")
let direct = runner(warm: 0, usesNamespaces: false)
for (name, runner) in [("cold", cold), ("warm", warm), ("cold, without namespaces", direct)] {
    await job.run(runner)
    let before = processor()
    let time = await seconds {
        await withTaskGroup(of: Void.self) { group in
            for lane in 0..<2 {
                group.addTask { for index in 0..<count where index % 2 == lane { await job.run(runner) } }
            }
        }
    }
    print("\(name) workers, two at a time: \(Int(Double(count) / time)) jobs/s by the clock   (bar: 20)")
    guard name.hasSuffix("namespaces") else { continue }
    // Other work on the machine slows the clock and not this.
    let spent = (processor() - before) / Double(count)
    print("processor time of such a job: \(Int(spent * 1000)) ms, \(Int(2 / spent)) jobs/s on two idle cores")
}
