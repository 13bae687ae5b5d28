// The exact operations measured: products against C, agreement with the oracle, and the language model against NumPy.
//
//   replay-bench matmul [N]
//   replay-bench agreement OUTPUTS            every schedule, three widths of work-groups, against the oracle
//   replay-bench job FOLDER                   a job folder: bare device, sandbox, sandbox with commitments' share
//   replay-bench functions [STRIDE]           the largest errors of exp, log, … against the C library's long double
//   replay-bench minilm FOLDER MODEL PYTHON   a folder of minilm-job, and NumPy on the same model (Benchmarks/minilm/run)
import CMatmulPeer
import Codecs
import ExactOps
import Foundation
import Receipts
import Replay

func wall<T>(_ body: () throws -> T) rethrows -> (seconds: Double, value: T) {
    let start = ContinuousClock.now
    let value = try body()
    let parts = (ContinuousClock.now - start).components
    return (Double(parts.seconds) + Double(parts.attoseconds) * 1e-18, value)
}

/// Processor seconds of all threads of this process.
func processor() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// The least processor time of some rounds: other work on the machine then counts least.
func leastProcessor(_ rounds: Int, _ body: () throws -> Void) rethrows -> Double {
    var least = Double.infinity
    for _ in 0..<rounds {
        let start = processor()
        try body()
        least = min(least, processor() - start)
    }
    return least
}

/// A line that is seen at once, also in a file.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

func bytes(_ floats: [Float]) -> [UInt8] { floats.withUnsafeBytes { Array($0) } }

func matmul(_ n: Int) throws {
    var state: UInt64 = 1
    let numbers = { (count: Int) -> [Float] in
        (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-30
        }
    }
    let (left, right) = (numbers(n * n), numbers(n * n))
    let operations = 2 * Double(n) * Double(n) * Double(n) * 1e-9
    var out = [Float](repeating: 0, count: n * n)
    let size = UInt32(n)
    let tiles = leastProcessor(5) { peer_matmul_tiles(left, right, &out, size, size, size) }
    let truth = bytes(out)
    let loops = leastProcessor(3) { peer_matmul_loops(left, right, &out, size, size, size) }
    print("n = \(n), GF/s for each processor-second")
    print(String(format: "C, tiles, clang -O3 -march=native      %8.2f", operations / tiles))
    print(String(format: "C, three loops, clang -O3 -march=native%8.2f", operations / loops))
    for schedule in Schedule.allCases {
        var graph = ExactGraph(schedule: schedule)
        let shape = [UInt64(n), UInt64(n)]
        let a = try graph.input("left", .f32, shape, file: "left")
        let b = try graph.input("right", .f32, shape, file: "right")
        let c = try graph.output("out", .f32, shape)
        try graph.add(.matmul, .slot(a), .slot(b), .slot(c), .u32(size), .u32(size), .u32(size))
        let files = graph.sources.merging(["left": bytes(left), "right": bytes(right)]) { first, _ in first }
        let device = try BareDevice(try graph.spec(wallSeconds: 600), files: files)
        try device.perform()
        let time = try leastProcessor(schedule == .vector ? 7 : 2) { try device.perform() }
        let agrees = device.content("out") == truth ? "same bits" : "OTHER BITS"
        let name = schedule.rawValue.padding(toLength: 11, withPad: " ", startingAt: 0)
        print(
            String(
                format: "OpenCL, %@                   %8.2f  %5.2fx tiles, %5.2fx loops, ",
                name,
                operations / time,
                tiles / time,
                loops / time
            ) + agrees
        )
    }
}

func sandbox() throws -> SandboxedRunner {
    guard let worker = SandboxedRunner.defaultWorker() else {
        throw BareFailure(description: "name the worker in ASSAY_REPLAY_WORKER")
    }
    var options = SandboxedRunner.Options()
    options.compileSeconds = 600
    options.simulateSeconds = 1800
    options.warmWorkers = 1
    return SandboxedRunner(worker: worker, options: options)
}

func agreement(_ wanted: Int) async throws {
    let runner = try sandbox()
    if SandboxedRunner.hasSimulator {
        for schedule in Schedule.allCases {
            let job = try ConformanceJob(schedule: schedule, seed: 1)
            let truth = try ExactOracle().execute(job.spec, files: job.files)
            let simulated = try await runner.simulate(job.spec, files: job.files)
            guard simulated.trace == truth.trace, simulated.faults.isEmpty else {
                throw BareFailure(description: "\(simulated.simulator) differs: \(schedule) \(simulated.faults)")
            }
            say(
                "\(job.outputCount) outputs of \(simulated.simulator), 0 differing bits (\(schedule.rawValue), every step)"
            )
        }
    } else {
        say("Oclgrind is missing: it is not compared")
    }
    var compared = 0
    var seed: UInt64 = 1
    while compared < wanted {
        let first = try ConformanceJob(schedule: .definition, seed: seed, size: 40)
        let truth = try ExactOracle().execute(first.spec, files: first.files)
        for schedule in Schedule.allCases {
            for group in [2, 8, 16] as [UInt64] {
                let job = try ConformanceJob(schedule: schedule, group: group, seed: seed, size: 40)
                let execution: Execution
                switch await runner.run(job.spec, files: job.files) {
                case .completed(let result): execution = result
                case .failed(let failure): throw failure
                case .refused(let faults): throw BareFailure(description: "\(faults)")
                }
                for (name, bytes) in truth.outputs where execution.outputs[name] != bytes {
                    throw BareFailure(description: "\(name) differs: \(schedule), group \(group), seed \(seed)")
                }
                compared += job.outputCount
                say("\(compared) outputs, 0 differing bits (\(schedule.rawValue), group \(group), seed \(seed))")
            }
        }
        seed += 1
    }
}

func job(_ folder: String) async throws {
    let content = try JobFolder(path: folder).seal()
    let spec = content.job.spec.replay
    let device = try BareDevice(spec, files: content.files)
    try device.perform()
    let bare = try (0..<5).map { _ in try wall { try device.perform() }.seconds }.min() ?? 0
    let runner = try sandbox()
    _ = await runner.run(spec, files: content.files)
    var whole = Double.infinity
    var stage = Double.infinity
    var last: Execution?
    for _ in 0..<5 {
        let start = ContinuousClock.now
        guard case .completed(let execution) = await runner.run(spec, files: content.files) else {
            throw BareFailure(description: "no result")
        }
        let parts = (ContinuousClock.now - start).components
        whole = min(whole, Double(parts.seconds) + Double(parts.attoseconds) * 1e-18)
        stage = min(stage, Double(execution.wallMicroseconds) * 1e-6)
        last = execution
    }
    // Every written slot once more: what the commitments themselves cost.
    var hashing = 0.0
    for step in spec.steps {
        for slot in step.writtenSlots {
            let content = [UInt8](repeating: 0x5a, count: spec.slots[slot].byteCount)
            hashing += wall { Trace.slotRoot(content) }.seconds
        }
    }
    print(String(format: "bare device, nothing read back      %7.3f s", bare))
    print(String(format: "run stage in the sandbox            %7.3f s", stage))
    print(String(format: "whole run, warm, all files loaded   %7.3f s", whole))
    print(
        String(
            format: "commitments of all written slots    %7.3f s of one thread, %.1f %% of the bare device",
            hashing,
            100 * hashing / bare
        )
    )
    print("trace root \(last?.trace.root.hex ?? "")")
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch (arguments.first, arguments.count) {
case ("matmul", 1...2): try matmul(arguments.count > 1 ? Int(arguments[1]) ?? 1024 : 1024)
case ("agreement", 2): try await agreement(Int(arguments[1]) ?? 100_000_000)
case ("job", 2): try await job(arguments[1])
case ("functions", 1...2): try measureFunctions(stride: arguments.count > 1 ? UInt64(arguments[1]) ?? 61 : 61)
case ("minilm", 4): try await minilm(folder: arguments[1], model: arguments[2], python: arguments[3])
default: print("usage: replay-bench matmul [N] | agreement OUTPUTS | job FOLDER | functions [STRIDE] | minilm …")
}
