// The stages of admission that run a kernel: every bad kernel is refused for its own reason by the right stage, honest ones go
// through all of them. Without Oclgrind the report says what was not done.
import Codecs
import Commitments
import Foundation
import Testing

@testable import Replay

@Suite(.serialized) struct AdmitterTests {
    static let hasSimulator = SandboxLauncher.simulator() != nil
    private static let isLong = ProcessInfo.processInfo.environment["ASSAY_LONG"] != nil

    struct Kernel: Sendable, CustomTestStringConvertible {
        let name: String
        let rule: AdmissionFault.Rule?
        let source: String
        var type = "f32"
        var local = 16
        var alternative: Int?
        var access = "write"
        var testDescription: String { name }

        init(
            _ name: String,
            _ rule: AdmissionFault.Rule?,
            _ body: String,
            before: String = "",
            type: String = "f32",
            local: Int = 16,
            alternative: Int? = nil,
            access: String = "write"
        ) {
            self.name = name
            self.rule = rule
            self.type = type
            self.local = local
            self.alternative = alternative
            self.access = access
            let word = ["f32": "float", "u32": "uint", "i32": "int"][type] ?? "uint"
            source =
                before + "\n__kernel __attribute__((reqd_work_group_size(\(local), 1, 1)))\n"
                + "void k(__global const \(word) *a, __global \(word) *c) {\n    size_t i = get_global_id(0);\n"
                + "    size_t l = get_local_id(0);\n    \(body)\n}\n"
        }

        /// 64 elements in and out; four groups of 16.
        func spec() throws -> ReplaySpec {
            let replayClass = type == "f32" ? "exact" : "integer"
            let other = alternative.map { #","alternativeLocal":[\#($0)]"# } ?? ""
            let text = """
                {"version":1,"class":"\(replayClass)","device":{"type":"any","memoryBytes":"0"},
                 "sources":[{"name":"s","file":"k.cl"}],
                 "slots":[{"name":"a","role":"in","dtype":"\(type)","shape":[64],"file":"a","format":"raw"},
                          {"name":"c","role":"out","dtype":"\(type)","shape":[64]}],
                 "steps":[{"kernel":"k","source":"s","global":[64],"local":[\(local)]\(other),
                           "args":[{"slot":"a"},{"slot":"c","access":"\(access)"}]}],
                 "limits":{"wallSeconds":20,"memoryBytes":"1048576","outputBytes":"65536"}}
                """
            return try ReplaySpec(try JSONValue(parsing: Array(text.utf8)))
        }

        var files: [String: [UInt8]] {
            var bytes: [UInt8] = []
            for index in 0..<64 {
                switch type {
                case "f32": bytes.appendLittleEndian((Float(index) * 0.37 - 3).bitPattern)
                default: bytes.appendLittleEndian(UInt32(index * index + 3))
                }
            }
            return ["k.cl": Array(source.utf8), "a": bytes]
        }
    }

    /// What no reader of the text can see.
    static let bad: [Kernel] = [
        // Compile.
        Kernel("unknown name", .doesNotCompile, "c[i] = a[i] * factor;"),
        Kernel("missing semicolon", .doesNotCompile, "c[i] = a[i]"),
        Kernel("wrong type", .doesNotCompile, "c[i] = a;"),
        // Out of bounds.
        Kernel("read one past the end", .outOfBounds, "c[i] = a[i + 48];"),
        Kernel("read before the start", .outOfBounds, "c[i] = a[(int)i - 1];"),
        Kernel("write past the end", .outOfBounds, "c[i + 60] = a[i];"),
        Kernel("write far away", .outOfBounds, "c[i * 100000000ul] = a[i];"),
        Kernel("index from data", .outOfBounds, "c[i] = a[a[i]];", type: "u32"),
        Kernel(
            "read past local memory",
            .outOfBounds,
            "__local float t[16]; t[l] = a[i]; barrier(CLK_LOCAL_MEM_FENCE); c[i] = t[l + 8];"
        ),
        Kernel(
            "write past a private array",
            .outOfBounds,
            "float t[4]; for (int n = 0; n < 4 + (a[i] < 0.0f); n++) t[n] = a[i]; c[i] = t[l % 4];"
        ),
        Kernel("whole vectors past the end", .outOfBounds, "float4 v = vload4(i, a); c[i] = v.x;"),
        // Races.
        Kernel("everybody writes one place", .dataRace, "c[0] = a[i];"),
        Kernel("neighbours overwrite each other", .dataRace, "c[i] = a[i]; if (i + 1 < 32) c[i + 1] = a[i];"),
        Kernel("sum without order", .dataRace, "c[0] += a[i];", access: "readwrite"),
        Kernel("sum per group without order", .dataRace, "c[get_group_id(0)] += a[i];", access: "readwrite"),
        Kernel("read what another writes", .dataRace, "c[i] = a[i] + c[(i + 1) % 32];", access: "readwrite"),
        Kernel("local exchange without a barrier", .dataRace, "__local float t[16]; t[l] = a[i]; c[i] = t[15 - l];"),
        Kernel(
            "local sum without order",
            .dataRace,
            "__local float t; if (l == 0) t = 0.0f; barrier(CLK_LOCAL_MEM_FENCE); t += a[i]; barrier(CLK_LOCAL_MEM_FENCE); c[i] = t;"
        ),
        Kernel(
            "tree without barriers",
            .dataRace,
            "__local float t[16]; t[l] = a[i]; barrier(CLK_LOCAL_MEM_FENCE); for (int s = 8; s > 0; s /= 2) if (l < s) t[l] += t[l + s]; barrier(CLK_LOCAL_MEM_FENCE); c[i] = t[0];"
        ),
        Kernel(
            "barrier with the wrong fence between groups",
            .dataRace,
            "c[i] = a[i]; barrier(CLK_GLOBAL_MEM_FENCE); c[i] += c[31 - i];",
            access: "readwrite"
        ),
        Kernel("flag between groups", .dataRace, "if (i == 0) c[40] = 1.0f; c[i] = c[40];", access: "readwrite"),
        // Barriers.
        Kernel("barrier for some", .barrierDivergence, "if (l < 3) barrier(CLK_LOCAL_MEM_FENCE); c[i] = a[i];"),
        Kernel("barrier by data", .barrierDivergence, "if (a[i] > 0.0f) barrier(CLK_LOCAL_MEM_FENCE); c[i] = a[i];"),
        Kernel(
            "return before the barrier",
            .barrierDivergence,
            "if (l == 5) return; barrier(CLK_LOCAL_MEM_FENCE); c[i] = a[i];"
        ),
        Kernel(
            "barriers by turns",
            .barrierDivergence,
            "for (int n = 0; n < l; n++) barrier(CLK_LOCAL_MEM_FENCE); c[i] = a[i];"
        ),
        // Uninitialised memory.
        Kernel("private variable", .uninitialisedMemory, "float x; if (a[i] > 1e9f) x = 1.0f; c[i] = x;"),
        Kernel("private array", .uninitialisedMemory, "float x[8]; x[i % 4] = a[i]; c[i] = x[(i + 1) % 8];"),
        Kernel(
            "local memory",
            .uninitialisedMemory,
            "__local float t[16]; if (a[i] > 0.0f) t[l] = 1.0f; barrier(CLK_LOCAL_MEM_FENCE); c[i] = t[l];"
        ),
        Kernel(
            "member of a structure",
            .uninitialisedMemory,
            "struct P p; p.x = a[i]; c[i] = p.x + p.y;",
            before: "struct P { float x; float y; };"
        ),
        Kernel("element of a vector", .uninitialisedMemory, "float4 v; v.x = a[i]; c[i] = v.y;"),
        Kernel(
            "branch on nothing",
            .uninitialisedMemory,
            "int n; if (a[i] > 1e9f) n = 1; if (n == 7) c[i] = 1.0f; else c[i] = a[i];"
        ),
        Kernel(
            "sum that begins nowhere",
            .uninitialisedMemory,
            "float sum; for (int n = 0; n < 4; n++) sum += a[i]; c[i] = sum;"
        ),
        // The device decides.
        Kernel("float beyond int", .deviceDependence, "c[i] = (float)(int)(a[i] * 1e20f);"),
        Kernel("division by zero", .deviceDependence, "int z = (int)(i / 100); c[i] = as_float((int)i / z);"),

        // Work-groups.
        Kernel("size of the group", .workGroupDependence, "c[i] = a[i] * get_local_size(0);", alternative: 8),
        Kernel("number of groups", .workGroupDependence, "c[i] = a[i] + get_num_groups(0);", alternative: 8),
        Kernel("number in the group", .workGroupDependence, "c[i] = a[i] + l;", alternative: 8),
        Kernel(
            "tree over the group",
            .workGroupDependence,
            "__local float t[16]; t[l] = a[i]; barrier(CLK_LOCAL_MEM_FENCE); float s = 0.0f; for (int n = 0; n < get_local_size(0); n++) s += t[n]; c[i] = s;",
            alternative: 8
        ),
        // What a step says it does not read.
        Kernel("adds to what it overwrites", .readsUnwritten, "c[i] += a[i];"),
        Kernel("copies what it overwrites", .readsUnwritten, "c[i] = c[i] > 0.0f ? a[i] : 2.0f * c[i];"),
        Kernel("decides by what it overwrites", .readsUnwritten, "if (c[i] == 0.0f) c[i] = a[i]; else c[i] = 1.0f;"),
    ]

    static let honest: [Kernel] = [
        Kernel("copy", nil, "c[i] = a[i];"),
        Kernel("polynomial", nil, "float x = a[i]; c[i] = fma(fma(x, 0.5f, 1.25f), x, 3.0f);"),
        Kernel("unfused", nil, "c[i] = a[i] * a[63 - i] + a[i];"),
        Kernel("quotient and root", nil, "c[i] = sqrt(fabs(a[i])) / 3.0f;"),
        Kernel("only some elements", nil, "if (i % 2 == 0) c[i] = a[i];"),
        Kernel("in place", nil, "c[i] = c[i] * 2.0f + a[i];", access: "readwrite"),
        Kernel(
            "dot product in order",
            nil,
            "float s = 0.0f; for (int n = 0; n < 64; n++) s = fma(a[n], a[(n + i) % 64], s); c[i] = s;"
        ),
        Kernel("saturating conversion", nil, "c[i] = (float)convert_int_sat_rte(a[i] * 1e20f);"),
        Kernel("prelude's conversion", nil, "c[i] = (float)assay_to_i32(a[i] * 1e20f);"),
        Kernel("not a number", nil, "c[i] = sqrt(a[i]);"),
        Kernel("denormals", nil, "c[i] = a[i] * 1e-40f;"),
        Kernel("bits", nil, "c[i] = as_float(as_uint(a[i]) & 0x7fffffffu);"),
        Kernel("double precision", nil, "double d = a[i]; c[i] = (float)(d * d / 3.0);"),
        Kernel("vectors", nil, "if (i < 16) vstore4(vload4(i, a) * (float4)(2.0f), i, c);"),
        Kernel(
            "reversed in the group",
            nil,
            "__local float t[16]; t[l] = a[i]; barrier(CLK_LOCAL_MEM_FENCE); c[i] = t[15 - l];"
        ),
        Kernel(
            "tree in the group",
            nil,
            "__local float t[16]; t[l] = a[i]; barrier(CLK_LOCAL_MEM_FENCE); for (int s = 8; s > 0; s /= 2) { if (l < s) t[l] += t[l + s]; barrier(CLK_LOCAL_MEM_FENCE); } c[i] = t[0];"
        ),
        Kernel(
            "tiles of any size",
            nil,
            "__local float t[32]; t[l] = a[i]; barrier(CLK_LOCAL_MEM_FENCE); c[i] = t[l] * 2.0f;",
            alternative: 32
        ),
        Kernel(
            "group by group",
            nil,
            "if (l == 0) { float s = 0.0f; for (int n = 0; n < 16; n++) s += a[i + n]; c[get_group_id(0)] = s; }"
        ),
        Kernel("one item per group", nil, "c[i] = a[i] + 1.0f;", local: 1),
        Kernel("helper function", nil, "c[i] = twice(a[i]);", before: "static float twice(float x) { return x + x; }"),
        Kernel(
            "table",
            nil,
            "c[i] = a[i] * table[i % 4];",
            before: "__constant float table[4] = { 1.0f, 2.0f, 3.0f, 4.0f };"
        ),
        Kernel("integers", nil, "c[i] = a[i] * 2654435761u ^ a[i] >> 7;", type: "u32"),
        Kernel("guarded division", nil, "c[i] = assay_div_u32(a[i], i % 3 == 0 ? 0u : (uint)i);", type: "u32"),
        Kernel("guarded shift", nil, "c[i] = assay_shl_u32(a[i], (uint)i);", type: "u32"),
        Kernel("histogram", nil, "atomic_inc(&c[a[i] % 8u]);", type: "u32", access: "readwrite"),
        Kernel("largest of all", nil, "atomic_max(&c[0], a[i]);", type: "u32", access: "readwrite"),
        Kernel("signed integers", nil, "c[i] = assay_div_i32(a[i], (int)i - 20);", type: "i32"),
    ]

    static func report(_ kernel: Kernel) async throws -> AdmissionReport {
        let outcome = await Admitter(runner: runner).admit(try kernel.spec(), files: kernel.files)
        guard case .reported(let report) = outcome else {
            throw ParseError(field: kernel.name, expected: "a report", actual: "\(outcome)")
        }
        return report
    }

    private static let runner = Support.runner(compileSeconds: 60)

    /// Every reason in the ordinary run, all kernels in the long one.
    private static var tried: [Kernel] {
        var seen: [AdmissionFault.Rule: Int] = [:]
        return isLong
            ? bad
            : bad.filter { kernel in
                guard let rule = kernel.rule else { return false }
                seen[rule, default: 0] += 1
                return seen[rule, default: 0] == 1
            }
    }

    @Test(.enabled(if: hasSimulator, "Oclgrind is not installed"), arguments: tried)
    func refusesByTheRightStage(_ kernel: Kernel) async throws {
        let report = try await Self.report(kernel)
        let rule = try #require(kernel.rule)
        #expect(report.faults.map(\.rule).contains(rule), "\(report.summary)")
        #expect(report.stages.last?.stage == rule.stage, "\(report.summary)")
        #expect(report.stages.last?.result == .refused)
        #expect(report.stages.dropLast().allSatisfy { $0.result == .passed })
        #expect(report.faults.allSatisfy { $0.rule.stage == rule.stage })
        if [.compile, .dryRun].contains(rule.stage) {
            #expect(report.faults.allSatisfy { $0.line > 0 && $0.column > 0 })
        }
        #expect(try AdmissionReport(report.json) == report)
    }

    @Test(.enabled(if: hasSimulator, "Oclgrind is not installed"), arguments: isLong ? honest : Array(honest.prefix(3)))
    func admitsHonestKernels(_ kernel: Kernel) async throws {
        let report = try await Self.report(kernel)
        #expect(report.isAdmitted && report.isComplete, "\(report.summary) \(report.faults)")
    }

    @Test func theCorporaAreLargeEnough() {
        #expect(Self.bad.count >= 40)
        #expect(Self.honest.count >= 25)
        let dynamic = AdmissionFault.Rule.allCases.filter { $0.stage != .rules }
        let covered = Set(Self.bad.compactMap(\.rule))
        // What takes too long has tests of its own; nothing is known that this simulator calls invalid in another way.
        let missing = Set(dynamic).subtracting(covered).subtracting([.compileResources, .endlessRun, .invalidOperation])
        #expect(missing.isEmpty)
    }

    @Test(.enabled(if: hasSimulator, "Oclgrind is not installed")) func whatDoesNotEndIsRefused() async throws {
        var options = SandboxedRunner.Options()
        options.simulateSeconds = 2
        options.compileSeconds = 60
        let runner = SandboxedRunner(worker: Support.worker, workDirectory: NSTemporaryDirectory(), options: options)
        let kernel = Kernel("endless", .endlessRun, "volatile __global float *v = c; while (v[i] < 1.0f) v[i] = 0.0f;")
        let outcome = await Admitter(runner: runner).admit(try kernel.spec(), files: kernel.files)
        guard case .reported(let report) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(report.faults.map(\.rule) == [.endlessRun])
        #expect(report.stages.last?.stage == .dryRun)
    }

    @Test(.enabled(if: hasSimulator, "Oclgrind is not installed")) func admitsTheDigitsExample() async throws {
        let job = try Support.job("Examples/digits")
        let outcome = await Admitter(runner: Self.runner).admit(job.spec, files: job.files)
        guard case .reported(let report) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(report.isComplete, "\(report.summary)")
    }

    /// The place that a refusal names is the one in the source.
    @Test(.enabled(if: hasSimulator, "Oclgrind is not installed")) func refusalsNameThePlace() async throws {
        let kernel = Kernel("place", .outOfBounds, "float x = 1.0f;\n    c[i] = x +\n        a[i + 60];")
        let report = try await Self.report(kernel)
        let lines = kernel.source.split(separator: "\n", omittingEmptySubsequences: false)
        let fault = try #require(report.faults.first)
        #expect(fault.line - 1 == lines.firstIndex { $0.contains("a[i + 60]") })
        #expect(fault.column == 9)
    }

    /// A cache answers for the same sources and steps, whatever the inputs hold, and for nothing else.
    @Test func reportsAreKeptByTheirKey() async throws {
        final class Shelf: AdmissionCache {
            let kept: AdmissionReport
            init(_ kept: AdmissionReport) { self.kept = kept }
            func report(for key: Digest) -> AdmissionReport? { key == kept.key ? kept : nil }
            func insert(_ report: AdmissionReport) {}
        }
        let kernel = Self.honest[0]
        let spec = try kernel.spec()
        let key = spec.admissionKey(sources: [kernel.files["k.cl"] ?? []])
        let kept = AdmissionReport(
            key: key,
            stages: [AdmissionReport.Stage(.rules, .passed, "kept")],
            faults: [],
            device: nil,
            simulator: nil
        )
        let admitter = Admitter(
            runner: SandboxedRunner(worker: "/nonexistent", workDirectory: NSTemporaryDirectory()),
            cache: Shelf(kept)
        )
        var files = kernel.files
        files["a"] = [UInt8](repeating: 7, count: 256)
        #expect(await admitter.admit(spec, files: files) == .reported(kept))
        files["k.cl"]? += Array("// another text\n".utf8)
        guard case .failed = await admitter.admit(spec, files: files) else {
            Issue.record("another source has the same key")
            return
        }
        #expect(try Kernel("copy", nil, "c[i] = a[i];", local: 8).spec().admissionKey(sources: []) != key)
    }

    /// Without a simulator the kernels are compiled and run twice, and the report says what is missing.
    @Test func aMissingSimulatorIsSaid() {
        let report = AdmissionReport(
            key: .zero,
            stages: [
                AdmissionReport.Stage(.rules, .passed, "1 source"),
                AdmissionReport.Stage(.compile, .passed, "1 program"),
                AdmissionReport.Stage(.dryRun, .skipped, "Oclgrind is missing"),
                AdmissionReport.Stage(.differential, .skipped, "no simulator to compare with"),
            ],
            faults: [],
            device: nil,
            simulator: nil
        )
        #expect(report.isAdmitted && !report.isComplete)
        #expect(
            report.summary == "rules, compile passed; dry-run skipped: Oclgrind is missing; "
                + "differential skipped: no simulator to compare with"
        )
    }

    @Test func logsOfTheSimulatorAreRead() {
        let log = """

            Invalid write of size 4 at global memory address 0x1000000000100
            \tKernel: k
            \tEntity: Global(0,0,0) Local(0,0,0) Group(0,0,0)
            \t  store float %0
            \tAt line 3 (column 137) of input.cl:
            \t  At line 9 (column 9) of a comment in the source

            Write-write data race at local memory address 0x2
            \tKernel: other
            \t
            \tFirst entity:  Global(1,0,0)
            \tAt line 12 (column 4) of input.cl:

            Something new
            """
        let faults = SimulatorLog.faults(in: log, sources: ["k": "s"])
        #expect(faults.map(\.rule) == [.outOfBounds, .dataRace, .invalidOperation])
        #expect(faults.map(\.line) == [3, 12, 0])
        #expect(faults.map(\.column) == [137, 4, 0])
        #expect(faults.map(\.source) == ["s", "", ""])
        #expect(SimulatorLog.faults(in: "", sources: [:]).isEmpty)
        #expect(SimulatorLog.faults(in: String(repeating: "x\n", count: 10_000), sources: [:]).count <= 32)
    }
}
