// The seven rules for a replayable kernel, one test each, where no other suite has one under the rule's own name; and what a
// binding to OpenCL must not forget.
import Codecs
import Foundation
import Testing

@testable import Replay

@Suite struct RuleTests {
    private static func faults(_ source: String) throws -> [AdmissionFault.Rule] {
        Admission.faults(in: try AdmissionTests.spec(), sources: [Array(source.utf8)]).map(\.rule)
    }

    /// Rule 1: the prelude is ours, and so are the options. A spec has no place for others.
    @Test func preludeAndOptionsAreFixed() throws {
        #expect(Prelude.text.hasPrefix("#pragma OPENCL FP_CONTRACT OFF\n"))
        #expect(Prelude.options == "-cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt")
        let source = AdmissionTests.source("c[i] = a[i];")
        let program = String(decoding: Prelude.program(Array(source.utf8), isSmallGrid: true), as: UTF8.self)
        #expect(program.hasPrefix(Prelude.text) && program.hasSuffix(source))
        #expect(try Self.faults("#pragma OPENCL FP_CONTRACT ON\n" + source) == [.pragma])
        #expect(try Self.faults("#include <opencl-c.h>\n" + source) == [.include])
        for options in ["-cl-fast-relaxed-math", "-cl-mad-enable", "-cl-denorms-are-zero", "-I/tmp"] {
            let text = try AdmissionTests.spec().json.serialized()
            let changed = String(decoding: text, as: UTF8.self)
                .replacing(#""kernel":"k""#, with: #""kernel":"k","options":"\#(options)""#)
            #expect(throws: ParseError.self) { try ReplaySpec(try JSONValue(parsing: Array(changed.utf8))) }
        }
        _ = try ReplaySpec(try AdmissionTests.spec().json)
    }

    /// Rule 2: the names whose results are open, and the constructs that reach beyond a kernel.
    @Test(arguments: [
        "mad", "native_exp", "native_divide", "half_exp", "half_rsqrt", "exp", "exp2", "log", "sin", "cos", "tan",
        "pow",
        "tanh", "erf", "rsqrt", "cbrt", "hypot", "tgamma", "dot", "cross", "length", "distance", "normalize", "mix",
        "smoothstep", "sub_group_reduce_add", "work_group_reduce_add", "work_group_scan_inclusive_add", "printf",
        "read_imagef", "atomic_cmpxchg", "atom_cmpxchg", "asm", "vload_half", "__builtin_expf",
    ]) func openNamesAreBanned(_ name: String) throws {
        #expect(try !Self.faults(AdmissionTests.source("c[i] = \(name)(a[i]);")).isEmpty)
        // A name in a comment is no call, and a longer name is another.
        let source = AdmissionTests.source("/* \(name)(x) */ float x\(name) = a[i]; c[i] = x\(name);")
        #expect(try Self.faults(source).isEmpty)
    }

    /// Rule 3: the size of work-groups is stated, and is the step's.
    @Test func workGroupSizesAreStated() throws {
        let body = "void k(__global const float *a, __global float *c) { c[get_global_id(0)] = a[0]; }"
        #expect(try Self.faults("__kernel " + body) == [.workGroupSize])
        let head = { (size: Int) in "__kernel __attribute__((reqd_work_group_size(\(size), 1, 1)))\n" }
        #expect(try Self.faults(head(32) + body) == [.workGroupSize])
        #expect(try Self.faults(head(64) + body) == [])
    }

    /// Rule 4: a device that lacks one of the flags gets no job of class `exact`.
    @Test func everyFlagIsNeeded() throws {
        let needed: Set<DeviceDescription.Capability> = [
            .denormals, .fusedMultiplyAdd, .roundToNearest, .correctlyRoundedDivideAndSquareRoot,
        ]
        var device = DeviceDescription(
            kind: .gpu,
            name: "d",
            vendor: "v",
            version: "OpenCL 1.2",
            driver: "1",
            platform: "p",
            memoryBytes: 1,
            largestBufferBytes: 1,
            computeUnits: 1,
            capabilities: DeviceDescription.Capability.allCases
        )
        #expect(device.missingCapabilities(for: .exact).isEmpty)
        for flag in needed {
            device.capabilities = DeviceDescription.Capability.allCases.filter { $0 != flag }
            #expect(device.missingCapabilities(for: .exact) == [flag])
            #expect(device.missingCapabilities(for: .integer).isEmpty)
        }
    }

    /// Rule 6: `get_group_id` knows nothing of a global offset, so a launch has none: a part of a run is whole launches.
    @Test func launchesHaveNoOffset() throws {
        let text = String(decoding: try AdmissionTests.spec().json.serialized(), as: UTF8.self)
        let changed = text.replacing(#""kernel":"k""#, with: #""kernel":"k","offset":[64]"#)
        #expect(throws: ParseError.self) { try ReplaySpec(try JSONValue(parsing: Array(changed.utf8))) }
        #expect(try Self.faults(AdmissionTests.source("c[i] = a[i] + get_global_offset(0);")).isEmpty)
    }

    /// The macro that chooses the version of the interface comes before the header that reads it.
    @Test func theVersionOfOpenCLIsChosenFirst() throws {
        let path = Support.package.appendingPathComponent("Sources/System/COpenCL/shim.h")
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
        let define = try #require(lines.firstIndex { $0.hasPrefix("#define CL_TARGET_OPENCL_VERSION") })
        #expect(define < (try #require(lines.firstIndex { $0.hasPrefix("#include <CL/cl.h>") })))
    }

    /// Every test that the documentation's tables name is there.
    @Test func theTablesNameTestsThatExist() throws {
        let page = try String(
            contentsOf: Support.package.appendingPathComponent("Documentation/replay.md"),
            encoding: .utf8
        )
        let tables = try #require(page.range(of: "## Which test shows what"))
        let rows = page[tables.upperBound...].split(separator: "\n").filter { $0.hasPrefix("| ") }
        #expect(rows.count >= 20)
        var sources = ""
        for folder in ["ReplayTests", "ExactOpsTests", "ArchitectureTests"] {
            let path = Support.package.appendingPathComponent("Tests/" + folder)
            for file in try FileManager.default.contentsOfDirectory(at: path, includingPropertiesForKeys: nil) {
                sources += try String(contentsOf: file, encoding: .utf8)
            }
        }
        let attacks = Set(AttackTests.attacks.map { "A: " + $0.name })
        let kernels = Set(AdmitterTests.bad.map { "K: " + $0.name })
        for row in rows {
            let cell = row.split(separator: "|").last ?? ""
            for name in cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            where name.offset % 2 == 1 {
                let text = String(name.element)
                switch text.prefix(3) {
                case "A: ": #expect(attacks.contains(text), "\(text)")
                case "K: ": #expect(kernels.contains(text), "\(text)")
                default:
                    guard let dot = text.lastIndex(of: ".") else { continue }
                    #expect(sources.contains("func " + text[text.index(after: dot)...] + "("), "\(text)")
                }
            }
        }
    }
}
