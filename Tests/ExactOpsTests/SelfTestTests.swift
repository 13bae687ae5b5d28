// The self-test against devices that lie: each kind of wrong arithmetic is simulated on the real device by changing the program
// that it compiles, and each must be refused for its own question.
import Codecs
import Commitments
import Foundation
import Testing

@testable import ExactOps
@testable import Replay

/// A device whose compiler does something else with the program.
private struct FaultyDevice: Runner {
    let base: any Runner
    let change: @Sendable (String) -> String

    func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
        var files = files
        for source in spec.sources {
            let text = String(decoding: files[source.file] ?? [], as: UTF8.self)
            files[source.file] = Array(change(text).utf8)
        }
        return await base.run(spec, files: files)
    }
}

@Suite struct SelfTestTests {
    private struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let questions: Set<String>
        let changes: [(String, String)]
        var testDescription: String { name }
    }

    private static let flushed =
        "static float flush(float x) { return fabs(x) < 1.17549435e-38f ? copysign(0.0f, x) : x; }\n"

    private static let faults = [
        Fault(
            name: "flushes denormals",
            questions: ["a * b", "a product of denormals", "a * b + c", "a / b", "fma", "a + b", "sqrt"],
            changes: [
                ("static uint exact_probe(", flushed + "static uint exact_probe("),
                ("float x = as_float(a);", "float x = flush(as_float(a));"),
                ("float y = as_float(b);", "float y = flush(as_float(b));"),
                ("float z = as_float(c);", "float z = flush(as_float(c));"),
                (": as_uint(result);", ": as_uint(flush(result));"),
            ]
        ),
        Fault(
            name: "flushes only results",
            questions: ["a * b", "a * b + c", "a product of denormals", "fma", "a / b"],
            changes: [
                ("static uint exact_probe(", flushed + "static uint exact_probe("),
                ("case 6u: result = x * y;", "case 6u: result = flush(x * y);"),
            ]
        ),
        Fault(
            name: "fuses",
            questions: ["a * b + c"],
            changes: [("result = x * y + z;", "result = fma(x, y, z);")]
        ),
        Fault(
            name: "fuses inside a sum",
            questions: ["an unfused chain"],
            changes: [("(x * z - y);", "fma(x, z, -y);")]
        ),
        Fault(
            name: "does not fuse fma",
            questions: ["fma"],
            changes: [("result = fma(x, y, z);", "result = x * y + z;")]
        ),
        Fault(
            name: "regroups sums",
            questions: ["an unfused chain"],
            changes: [("((x + y) + z) +", "(x + (y + z)) +")]
        ),
        Fault(
            name: "has one wrong last bit",
            questions: ["sqrt"],
            changes: [
                ("case 3u: result = sqrt(x);", "case 3u: result = a == 0x3f800001u ? as_float(0x3f800001u) : sqrt(x);")
            ]
        ),
        Fault(
            name: "divides by a reciprocal",
            questions: ["a / b"],
            changes: [("case 2u: result = x / y;", "case 2u: result = x * (1.0f / y);")]
        ),
        Fault(
            name: "has an exp of its own",
            questions: ["exp"],
            changes: [("case 16u: result = exact_exp(x);", "case 16u: result = exp(x);")]
        ),
    ]

    private static func withoutAdmission() -> SandboxedRunner {
        var options = SandboxedRunner.Options()
        options.compileSeconds = 300
        return SandboxedRunner(
            worker: Support.worker,
            workDirectory: NSTemporaryDirectory(),
            options: options,
            skipsAdmission: true
        )
    }

    @Test func anHonestDevicePasses() async throws {
        #expect(SelfTest().vectors >= 1_000_000)
        guard case .passed(let device) = await SelfTest().run(Support.runner, device: .any) else {
            Issue.record("\(await SelfTest().run(Support.runner, device: .any))")
            return
        }
        #expect(device.selfTest == SelfTestRecord(suite: SelfTest().suite, vectors: SelfTest().vectors))
        #expect(try DeviceDescription(device.json) == device)
    }

    /// The short run has the three faults that matter most.
    @Test(arguments: Support.isLong ? Array(faults.indices) : [0, 2, 6])
    func everyFaultIsFound(index: Int) async throws {
        let fault = Self.faults[index]
        let device = FaultyDevice(base: Self.withoutAdmission()) { text in
            fault.changes.reduce(text) { text, change in
                #expect(text.contains(change.0), "\(change.0)")
                return text.replacingOccurrences(of: change.0, with: change.1)
            }
        }
        let tested = TestedRunner(device)
        guard case .refused(let finding, let description) = await tested.outcome(for: .any) else {
            Issue.record("\(fault.name): \(await tested.outcome(for: .any))")
            return
        }
        #expect(fault.questions.contains(finding.question), "\(finding)")
        #expect(finding.expected != finding.actual && description.selfTest == nil)
        // A job gets nothing from such a device.
        let job = try SelfTest().job(.any)
        guard case .failed(let failure) = await tested.run(job.spec, files: job.files) else {
            Issue.record("\(fault.name): a refused device computed")
            return
        }
        #expect(failure.reason == .noDevice)
    }

    @Test func anExecutionCarriesTheRecord() async throws {
        /// The oracle as the device.
        let tested = TestedRunner(ExactOracle())
        let job = try SelfTest().job(.any)
        guard case .completed(let execution) = await tested.run(job.spec, files: job.files) else {
            Issue.record("no result")
            return
        }
        #expect(execution.device.selfTest?.vectors == SelfTest().vectors)
        #expect(execution.device.isSameDevice(as: ExactOracle.device))
    }

    /// A device that is tested and another that then computes.
    @Test func theTestedDeviceIsTheOneThatComputes() async throws {
        struct Swapping: Runner {
            let count = Counter()
            func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
                let outcome = await ExactOracle().run(spec, files: files)
                guard case .completed(var execution) = outcome else { return outcome }
                execution.device.name = "device \(count.next())"
                return .completed(execution)
            }
        }
        let job = try SelfTest().job(.any)
        guard case .failed(let failure) = await TestedRunner(Swapping()).run(job.spec, files: job.files) else {
            Issue.record("a device that was not tested computed")
            return
        }
        #expect(failure.reason == .noDevice)
    }

    @Test func everyQuestionHasManyAnswers() throws {
        let job = try SelfTest().job(.any)
        let answers = Support.words(
            try ExactOracle().execute(job.spec, files: job.files).outputs["answers"] ?? []
        )
        #expect(answers.count == SelfTest.questions.count * SelfTest.triples)
        for (index, question) in SelfTest.questions.enumerated() {
            let part = answers[index * SelfTest.triples..<(index + 1) * SelfTest.triples]
            #expect(Set(part).count > (question == "comparisons" ? 5 : 5000), "\(question)")
        }
    }
}

private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var value = 0

    func next() -> Int {
        lock.withLock {
            value += 1
            return value
        }
    }
}
