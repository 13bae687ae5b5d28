// The language model as a replayed job against NumPy with OpenBLAS on the same weights, sentences and threads, in one run.
import Codecs
import Foundation
import Receipts
import Replay

/// Seconds by the clock and of all processors.
private struct Time {
    var wall: Double
    var processor: Double
}

/// Processor seconds of this process and of the workers that have ended as its own children.
private func allProcessors() -> Double {
    [0, -1].reduce(0) { (sum: Double, who: Int32) in
        // RUSAGE_SELF and RUSAGE_CHILDREN, which C libraries declare in two ways.
        var usage = rusage()
        getrusage(who, &usage)
        return sum + Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
    }
}

/// The least of some rounds, each by itself.
private func least(_ rounds: Int, _ body: () async throws -> Void) async rethrows -> Time {
    var time = Time(wall: .infinity, processor: .infinity)
    for _ in 0..<rounds {
        let (start, spent) = (ContinuousClock.now, allProcessors())
        try await body()
        let parts = (ContinuousClock.now - start).components
        time.wall = min(time.wall, Double(parts.seconds) + Double(parts.attoseconds) * 1e-18)
        time.processor = min(time.processor, allProcessors() - spent)
    }
    return time
}

private func numpy(folder: String, model: String, python: String) throws -> Time {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: python)
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Examples/minilm/reference.py")
    process.arguments = [
        script.path, "--model", model, "--ids", folder + "/inputs/ids.raw", "--lengths",
        folder + "/inputs/lengths.raw", "--float32", "--times", "5",
    ]
    process.environment = ["PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "2"]
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let numbers = text.split { $0 == " " || $0 == "\n" }.compactMap { Double($0) }
    guard process.terminationStatus == 0, numbers.count == 2 else {
        throw BareFailure(description: "\(python) with NumPy does not evaluate the model: \(text)")
    }
    return Time(wall: numbers[0], processor: numbers[1])
}

func minilm(folder: String, model: String, python: String) async throws {
    let content = try JobFolder(path: folder).seal()
    let spec = content.job.spec.replay
    guard let worker = SandboxedRunner.defaultWorker() else {
        throw BareFailure(description: "name the worker in ASSAY_REPLAY_WORKER")
    }
    /// The root of the run, so that every row is of the same computation.
    func runs(_ options: SandboxedRunner.Options, rounds: Int) async throws -> Time {
        let runner = SandboxedRunner(worker: worker, options: options)
        func run() async throws {
            guard case .completed = await runner.run(spec, files: content.files) else {
                throw BareFailure(description: "no result")
            }
        }
        try await run()
        return try await least(rounds, run)
    }
    let peer = try numpy(folder: folder, model: model, python: python)
    let device = try BareDevice(spec, files: content.files)
    try device.perform()
    let bare = try await least(5) { try device.perform() }
    var options = SandboxedRunner.Options()
    options.warmWorkers = 1
    let warm = try await runs(options, rounds: 5)
    // Processor time is counted where a worker is a direct child, and starting it is part of it.
    options.usesNamespaces = false
    let counted = try await runs(options, rounds: 5)
    var written = 0
    let hashing = await least(3) {
        written = 0
        for index in 0..<spec.launchCount {
            for slot in spec.steps[spec.launch(index).step].writtenSlots {
                _ = Trace.slotRoot([UInt8](repeating: 0x3a, count: spec.slots[slot].byteCount))
                written += spec.slots[slot].byteCount
            }
        }
    }
    func row(_ name: String, _ time: Time) {
        let title = name.padding(toLength: 44, withPad: " ", startingAt: 0)
        say(title + String(format: "%7.3f s by the clock %7.3f s of processors", time.wall, time.processor))
    }
    row("NumPy, single precision, OpenBLAS, 2 threads", peer)
    row("bare device, nothing read back", bare)
    row("whole run, warm worker, commitments and all", Time(wall: warm.wall, processor: counted.processor))
    row("commitments to \(written >> 20) MiB of slots, by themselves", hashing)
    say(
        String(
            format: "whole run: %.2f times NumPy's time by the clock, %.2f by processors (bar: 4)",
            warm.wall / peer.wall,
            counted.processor / peer.processor
        )
    )
    say(
        String(
            format: "commitments: %.1f %% of the run's processor time (bar: 10); whole run over bare device: %.2f",
            100 * hashing.processor / counted.processor,
            warm.wall / bare.wall
        )
    )
}
