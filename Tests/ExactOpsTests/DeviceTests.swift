// Every kernel in every schedule on a device and in Oclgrind, against the oracle: not one bit may differ.
import Codecs
import Commitments
import Foundation
import Testing

@testable import ExactOps
@testable import Replay

@Suite struct DeviceTests {
    private static let seed: UInt64 = 20_261_121

    private struct Form: Sendable, CustomTestStringConvertible {
        let schedule: Schedule
        let group: UInt64
        var testDescription: String { "\(schedule.rawValue) \(group)" }
    }

    /// Three widths of work-groups for each schedule; one of them in the short run.
    private static let forms: [Form] =
        Support.isLong
        ? Schedule.allCases.flatMap { schedule in [1, 4, 16].map { Form(schedule: schedule, group: $0) } }
        : [
            Form(schedule: .definition, group: 16), Form(schedule: .vector, group: 2),
            Form(schedule: .tiled, group: 8),
        ]

    private static func differences(
        _ job: ConformanceJob,
        _ execution: Execution,
        _ truth: [String: [UInt8]]
    ) -> [String] {
        truth.keys.sorted().filter { execution.outputs[$0] != truth[$0] }
    }

    private static let truth: [String: [UInt8]] = {
        let job = try? ConformanceJob(schedule: .definition, seed: seed)
        return job.flatMap { try? ExactOracle().execute($0.spec, files: $0.files).outputs } ?? [:]
    }()

    @Test(arguments: forms.indices) func devicesComputeTheOraclesBits(index: Int) async throws {
        let form = Self.forms[index]
        let job = try ConformanceJob(schedule: form.schedule, group: form.group, seed: Self.seed)
        let sources = job.spec.sources.map { job.files[$0.file] ?? [] }
        #expect(Admission.faults(in: job.spec, sources: sources) == [])
        guard case .completed(let execution) = await Support.runner.run(job.spec, files: job.files) else {
            Issue.record("no result: \(await Support.runner.run(job.spec, files: job.files))")
            return
        }
        #expect(Self.truth.count == job.spec.outputSlots.count)
        #expect(Self.differences(job, execution, Self.truth) == [], "seed \(Self.seed), \(form.testDescription)")
        // The oracle says the same of the job in this schedule, step by step.
        let oracle = try ExactOracle().execute(job.spec, files: job.files)
        #expect(oracle.trace == execution.trace)
    }

    /// Oclgrind interprets the self-test: its fma, division, root and conversions are right, though it declares no flags.
    @Test(.enabled(if: SandboxedRunner.hasSimulator, "Oclgrind is not installed"))
    func theSimulatorAnswersTheSelfTest() async throws {
        let job = try SelfTest().job(.any, stride: Support.isLong ? 16 : 128)
        let simulated = try await Support.runner.simulate(job.spec, files: job.files)
        #expect(simulated.faults == [])
        #expect(simulated.trace == (try ExactOracle().execute(job.spec, files: job.files).trace))
    }

    /// Every kernel of the library in Oclgrind: the oracle's bits, and nothing that the simulator finds wrong with it.
    @Test(
        .enabled(if: SandboxedRunner.hasSimulator, "Oclgrind is not installed"),
        .enabled(if: Support.isLong, "minutes: ASSAY_LONG=1"),
        arguments: Schedule.allCases
    )
    func theSimulatorComputesTheOraclesBits(schedule: Schedule) async throws {
        let job = try ConformanceJob(schedule: schedule, seed: Self.seed)
        let simulated = try await Support.slowRunner.simulate(job.spec, files: job.files)
        #expect(simulated.faults == [])
        #expect(simulated.trace == (try ExactOracle().execute(job.spec, files: job.files).trace))
    }

    /// The library's kernels pass every stage of admission, in every form.
    @Test(
        .enabled(if: SandboxedRunner.hasSimulator, "Oclgrind is not installed"),
        .enabled(if: Support.isLong, "minutes: ASSAY_LONG=1"),
        arguments: Schedule.allCases
    )
    func theLibraryIsAdmittedByEveryStage(schedule: Schedule) async throws {
        let job = try ConformanceJob(schedule: schedule, seed: Self.seed)
        guard case .reported(let report) = await Admitter(runner: Support.slowRunner).admit(job.spec, files: job.files)
        else {
            Issue.record("no report")
            return
        }
        #expect(report.isComplete, "\(report.summary) \(report.faults)")
    }

    @Test func aChangedOperationIsSeen() throws {
        let job = try ConformanceJob(schedule: .definition, seed: Self.seed)
        let other = try ConformanceJob(schedule: .definition, seed: Self.seed + 1)
        let outputs = try ExactOracle().execute(other.spec, files: other.files).outputs
        #expect(Self.truth.filter { outputs[$0.key] == $0.value }.count < job.spec.outputSlots.count / 4)
    }

    /// A class-`integer` job of the integer kernels is admitted and gives the oracle's bits.
    @Test func integerKernelsHaveNoFloats() async throws {
        for schedule in Schedule.allCases {
            var graph = ExactGraph(schedule: schedule, replayClass: .integer)
            let left = try graph.input("left", .i8, [9, 40], file: "left")
            let right = try graph.input("right", .i8, [40, 21], file: "right")
            let sums = try graph.output("sums", .i32, [9, 21])
            try graph.add(.matmulI8, .slot(left), .slot(right), .slot(sums), .u32(40), .u32(21), .u32(9))
            let spec = try graph.spec(wallSeconds: 60)
            var files = graph.sources
            files["left"] = (0..<360).map { UInt8(truncatingIfNeeded: $0 * 37) }
            files["right"] = (0..<840).map { UInt8(truncatingIfNeeded: $0 * 91) }
            let sources = spec.sources.map { files[$0.file] ?? [] }
            #expect(Admission.faults(in: spec, sources: sources) == [])
            guard schedule == .tiled || Support.isLong else { continue }
            guard case .completed(let execution) = await Support.runner.run(spec, files: files) else {
                Issue.record("no result in schedule \(schedule)")
                continue
            }
            #expect(try ExactOracle().execute(spec, files: files).outputs == execution.outputs)
        }
    }
}
