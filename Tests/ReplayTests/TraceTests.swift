// Traces and comparisons: the digests are those of the formulas, and the first difference is the one that is named.
import Codecs
import Commitments
import Testing

@testable import Replay

@Suite struct TraceTests {
    private static func digest(_ byte: UInt8) throws -> Digest {
        try Digest([UInt8](repeating: byte, count: 32))
    }

    private static func trace(_ count: Int) throws -> Trace {
        Trace(
            leaves: try (0..<count).map { step in
                Trace.Leaf(
                    step: UInt32(step),
                    kernelDigest: try digest(UInt8(step)),
                    slots: [
                        Trace.SlotRoot(index: 3, name: "b", root: try digest(0xb0)),
                        Trace.SlotRoot(index: 1, name: "a", root: try digest(0xa0)),
                    ]
                )
            }
        )
    }

    /// The formulas of the format, written out a second time.
    @Test func digestsFollowTheFormulas() throws {
        let trace = try Self.trace(3)
        var hashes: [[UInt8]] = []
        for step in 0..<3 {
            let state = SHA256.hash(
                Array("assay-state-1\0".utf8) + [0, 0, 0, 1] + [UInt8](repeating: 0xa0, count: 32) + [0, 0, 0, 3]
                    + [UInt8](repeating: 0xb0, count: 32)
            )
            #expect(trace.leaves[step].stateDigest == state)
            let kernel = [UInt8](repeating: UInt8(step), count: 32)
            hashes.append(SHA256.hash([0, 0, 0, 0, 0, 0, 0, 0, UInt8(step)] + kernel + state.bytes).bytes)
        }
        let left = SHA256.hash([1] + hashes[0] + hashes[1]).bytes
        #expect(trace.root == SHA256.hash([1] + left + hashes[2]))
    }

    @Test func slotRootsUseTilesOf4096Bytes() {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(Trace.slotRoot(bytes) == ArtefactTree.commit(bytes, chunkSize: 4096).commitment)
    }

    @Test func writesWhatItReads() throws {
        let trace = try Self.trace(5)
        #expect(try Trace(trace.json) == trace)
        #expect(try Trace(try JSONValue(parsing: trace.json.serialized())) == trace)
    }

    /// No change of one byte of the text gives another trace without an error.
    @Test func everyFlippedByteIsNoticed() throws {
        let trace = try Self.trace(2)
        let bytes = trace.json.serialized()
        for index in bytes.indices {
            for bit in 0..<8 {
                var copy = bytes
                copy[index] ^= 1 << UInt8(bit)
                guard let value = try? JSONValue(parsing: copy), let other = try? Trace(value) else { continue }
                // A slot's name stands in the text alone; its index is what the digests bind.
                #expect(other.root == trace.root && other.leaves.map(\.stateDigest) == trace.leaves.map(\.stateDigest))
            }
        }
    }

    @Test(arguments: [
        (#""version":1"#, #""version":2"#, "version"), (#""step":1"#, #""step":2"#, "steps[1].step"),
        (#""index":3"#, #""index":1"#, "steps[0].slots[1].index"),
        (#""index":3"#, #""index":256"#, "steps[0].slots[1].index"),
        (#""name":"a""#, #""name":"""#, "steps[0].slots[0].name"),
        (#""root":"a0"#, #""root":"A0"#, "steps[0].slots[0].root"),
        (#""root":"a0"#, #""root":"a"#, "steps[0].slots[0].root"), (#""root":"a0"#, #""root":"a1"#, "root"),
        (#""steps":["#, #""more":1,"steps":["#, "more"),
    ]) func refuses(from: String, to: String, field: String) throws {
        let text = String(decoding: try Self.trace(3).json.serialized(), as: UTF8.self)
        #expect(text.contains(from))
        let changed = text.replacing(from, with: to, maxReplacements: 1)
        let value = try JSONValue(parsing: Array(changed.utf8))
        let error = #expect(throws: ParseError.self) { try Trace(value) }
        #expect(error?.field == field)
    }

    @Test func nansAreMadeTheSame() {
        var bytes: [UInt8] = []
        for bits: UInt32 in [0xffc0_0000, 0x7f80_0001, 0x7f80_0000, 0xff80_0000, 0x8000_0000, 0x3f80_0000] {
            bytes.appendLittleEndian(bits)
        }
        ElementType.f32.canonicaliseNaN(&bytes)
        let expected: [UInt32] = [0x7fc0_0000, 0x7fc0_0000, 0x7f80_0000, 0xff80_0000, 0x8000_0000, 0x3f80_0000]
        #expect(Support.elements(bytes, as: UInt32.self) == expected)

        var wide: [UInt8] = []
        for bits: UInt64 in [0xfff8_0000_0000_0001, 0x7ff0_0000_0000_0000, 0x7ff0_0000_0000_0001] {
            wide.appendLittleEndian(bits)
        }
        ElementType.f64.canonicaliseNaN(&wide)
        #expect(
            Support.elements(wide, as: UInt64.self) == [
                0x7ff8_0000_0000_0000, 0x7ff0_0000_0000_0000, 0x7ff8_0000_0000_0000,
            ]
        )
        var integers: [UInt8] = [0xff, 0xff, 0xff, 0xff]
        ElementType.u32.canonicaliseNaN(&integers)
        #expect(integers == [0xff, 0xff, 0xff, 0xff])
    }
}

@Suite struct ComparisonTests {
    /// Two steps over a scratch `t` and outputs `y` (f32, 4096 elements) and `z` (u8, 4).
    private static func spec() throws -> ReplaySpec {
        let text = """
            {"version":1,"class":"exact","device":{"type":"any","memoryBytes":"0"},
             "sources":[{"name":"s","file":"s.cl"}],
             "slots":[{"name":"t","role":"scratch","dtype":"f32","shape":[4096]},
                      {"name":"y","role":"out","dtype":"f32","shape":[4096]},
                      {"name":"z","role":"out","dtype":"u8","shape":[4]}],
             "steps":[{"kernel":"first","source":"s","global":[1],"local":[1],
                       "args":[{"slot":"t","access":"write"},{"slot":"z","access":"write"}]},
                      {"kernel":"second","source":"s","global":[1],"local":[1],
                       "args":[{"slot":"t"},{"slot":"y","access":"write"}]}],
             "limits":{"wallSeconds":1,"memoryBytes":"65536","outputBytes":"65536"}}
            """
        return try ReplaySpec(try JSONValue(parsing: Array(text.utf8)))
    }

    private static func execution(t: [UInt8], y: [UInt8], z: [UInt8], kernel: UInt8 = 1) throws -> Execution {
        let digest = try Digest([UInt8](repeating: kernel, count: 32))
        let leaves = [
            Trace.Leaf(
                step: 0,
                kernelDigest: digest,
                slots: [
                    Trace.SlotRoot(index: 0, name: "t", root: Trace.slotRoot(t)),
                    Trace.SlotRoot(index: 2, name: "z", root: Trace.slotRoot(z)),
                ]
            ),
            Trace.Leaf(
                step: 1,
                kernelDigest: digest,
                slots: [Trace.SlotRoot(index: 1, name: "y", root: Trace.slotRoot(y))]
            ),
        ]
        return Execution(
            outputs: ["y": y, "z": z],
            trace: Trace(leaves: leaves),
            device: DeviceDescription(
                kind: .cpu,
                name: "",
                vendor: "",
                version: "",
                driver: "",
                platform: "",
                memoryBytes: 0,
                largestBufferBytes: 0,
                computeUnits: 1,
                capabilities: []
            ),
            sandbox: SandboxReport(measures: []),
            wallMicroseconds: 0,
            workUnits: 2
        )
    }

    private static let t = [UInt8](repeating: 1, count: 16_384)
    private static let y = (0..<16_384).map { UInt8(truncatingIfNeeded: $0 / 4) }
    private static let z: [UInt8] = [1, 2, 3, 4]

    private static func compare(_ claimed: Execution, outputs: [String: [UInt8]]? = nil) throws -> Comparison {
        Comparison.compare(
            claimedTrace: claimed.trace,
            claimedOutputs: outputs ?? claimed.outputs,
            replayed: try execution(t: t, y: y, z: z),
            spec: try spec()
        )
    }

    @Test func equalRunsMatch() throws {
        #expect(try Self.compare(try Self.execution(t: Self.t, y: Self.y, z: Self.z)) == .match)
    }

    @Test func namesTheElementOfAnOutput() throws {
        var y = Self.y
        y[9001] ^= 0x80
        let claimed = try Self.execution(t: Self.t, y: y, z: Self.z)
        let element = 9001 / 4
        let expected = Divergence(
            kind: .content,
            step: 1,
            kernel: "second",
            slot: "y",
            tile: 2,
            element: element,
            claimed: Array(y[9000..<9004]),
            replayed: Array(Self.y[9000..<9004])
        )
        #expect(try Self.compare(claimed) == .mismatch(expected))
        #expect(expected.description.hasPrefix("step 1 (second), slot y, tile 2, element 2250: content, claimed 0x"))
    }

    /// The trace is honest and the output is not: the output is what is wrong.
    @Test func anOutputThatIsNotTheTracesIsNamed() throws {
        var y = Self.y
        y[0] ^= 1
        let claimed = try Self.execution(t: Self.t, y: Self.y, z: Self.z)
        guard case .mismatch(let divergence) = try Self.compare(claimed, outputs: ["y": y, "z": Self.z]) else {
            Issue.record("match")
            return
        }
        #expect(divergence.step == 1)
        #expect(divergence.element == 0)
        #expect(divergence.kind == .content)
    }

    /// The output is honest and the trace is not: only roots are known to differ.
    @Test func aTraceThatIsNotTheOutputsIsNamed() throws {
        let claimed = try Self.execution(t: Self.t, y: [0], z: Self.z)
        let divergence = Divergence(kind: .content, step: 1, kernel: "second", slot: "y")
        #expect(try Self.compare(claimed, outputs: ["y": Self.y, "z": Self.z]) == .mismatch(divergence))
    }

    @Test func theFirstStepDecides() throws {
        var t = Self.t
        t[5] = 0
        let claimed = try Self.execution(t: t, y: [], z: [])
        let divergence = Divergence(kind: .content, step: 0, kernel: "first", slot: "t")
        #expect(try Self.compare(claimed) == .mismatch(divergence))
    }

    @Test func anotherKernelIsNamed() throws {
        let claimed = try Self.execution(t: Self.t, y: Self.y, z: Self.z, kernel: 2)
        #expect(try Self.compare(claimed) == .mismatch(Divergence(kind: .kernel, step: 0, kernel: "first")))
    }

    @Test func missingAndForeignStepsAreNamed() throws {
        let honest = try Self.execution(t: Self.t, y: Self.y, z: Self.z)
        var short = honest
        short.trace = Trace(leaves: [honest.trace.leaves[0]])
        #expect(try Self.compare(short) == .mismatch(Divergence(kind: .stepCount, step: 1, kernel: "second")))
        var long = honest
        let extra = Trace.Leaf(step: 2, kernelDigest: honest.trace.leaves[0].kernelDigest, slots: [])
        long.trace = Trace(leaves: honest.trace.leaves + [extra])
        #expect(try Self.compare(long) == .mismatch(Divergence(kind: .stepCount, step: 2)))
        var other = honest
        let slots = Array(honest.trace.leaves[0].slots.dropLast())
        let leaf = Trace.Leaf(step: 0, kernelDigest: honest.trace.leaves[0].kernelDigest, slots: slots)
        other.trace = Trace(leaves: [leaf, honest.trace.leaves[1]])
        #expect(try Self.compare(other) == .mismatch(Divergence(kind: .slotList, step: 0, kernel: "first")))
    }

    @Test func missingForeignAndShortOutputsAreNamed() throws {
        let honest = try Self.execution(t: Self.t, y: Self.y, z: Self.z)
        let missing = Divergence(kind: .outputList, step: 0, kernel: "first", slot: "z")
        #expect(try Self.compare(honest, outputs: ["y": Self.y]) == .mismatch(missing))
        #expect(try Self.compare(honest, outputs: ["y": Self.y, "z": [1]]) == .mismatch(missing))
        let foreign = Divergence(kind: .outputList, step: 1, kernel: "second", slot: "w")
        #expect(try Self.compare(honest, outputs: ["y": Self.y, "z": Self.z, "w": []]) == .mismatch(foreign))
    }
}

@Suite struct ReportTests {
    @Test func levelsFollowFromMeasures() throws {
        let basic: [SandboxReport.Measure] = [.rlimits, .noNewPrivileges, .seccomp]
        #expect(SandboxReport(measures: basic + [.namespaces]).level == .namespaces)
        #expect(SandboxReport(measures: basic + [.landlock]).level == .landlock)
        #expect(SandboxReport(measures: basic).level == .seccomp)
        #expect(SandboxReport(measures: [.rlimits, .namespaces]).level == .rlimits)
        #expect(SandboxReport(measures: [.seccomp, .namespaces]).level == .process)
        #expect(
            SandboxLevel.namespaces > .landlock && SandboxLevel.landlock > .seccomp && SandboxLevel.seccomp > .rlimits
        )
        let report = SandboxReport(measures: basic)
        #expect(try SandboxReport(report.json) == report)
        #expect(
            report.json
                == .object([
                    "level": .string("seccomp+rlimits"),
                    "measures": .array([.string("seccomp"), .string("no-new-privileges"), .string("rlimits")]),
                ])
        )
        let boast = #"{"level":"namespaces+seccomp+rlimits","measures":["rlimits"]}"#
        #expect(throws: ParseError(field: "level", expected: "rlimits", actual: "namespaces+seccomp+rlimits")) {
            try SandboxReport(try JSONValue(parsing: Array(boast.utf8)))
        }
    }

    @Test func theWorkerDescribesItsDevices() async throws {
        let devices = try await Support.runner().devices()
        #expect(!devices.isEmpty)
        for device in devices {
            #expect(try DeviceDescription(device.json) == device)
            #expect(device.missingCapabilities(for: .integer).isEmpty)
        }
        var lacking = try #require(devices.first)
        lacking.capabilities = [.fusedMultiplyAdd, .roundToNearest]
        #expect(lacking.missingCapabilities(for: .exact) == [.denormals, .correctlyRoundedDivideAndSquareRoot])
    }

    @Test func failuresArePrintable() {
        let failure = RunFailure(.compile, "a\u{1b}[31mred\u{0}é\nnext" + String(repeating: "x", count: 10_000))
        #expect(failure.detail.hasPrefix("a?[31mred???\nnext"))
        #expect(failure.detail.utf8.count == 4096)
    }

    /// A job that no device here can hold blames nobody.
    @Test func aJobTooLargeForTheDeviceFails() async throws {
        let job = try Support.job("Examples/digits")
        let text = String(decoding: job.spec.json.serialized(), as: UTF8.self)
        for (memory, type) in [("1099511627776", "any"), ("0", "gpu")] {
            let changed = text.replacing(
                #""device":{"type":"any","memoryBytes":"67108864"}"#,
                with: #""device":{"type":"\#(type)","memoryBytes":"\#(memory)"}"#
            )
            #expect(changed != text)
            let spec = try ReplaySpec(try JSONValue(parsing: Array(changed.utf8)))
            let outcome = await Support.runner().run(spec, files: job.files)
            if type == "gpu", case .completed(let execution) = outcome, execution.device.kind == .gpu { continue }
            guard case .failed(let failure) = outcome else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(failure.reason == .noDevice)
        }
    }

    @Test func missingAndWrongFilesFail() async throws {
        let job = try Support.job("Examples/digits")
        var files = job.files
        files["inputs/w0_f32.npy"] = nil
        guard case .failed(let missing) = await Support.runner().run(job.spec, files: files) else {
            Issue.record("ran without an input")
            return
        }
        #expect(missing == RunFailure(.input, "inputs/w0_f32.npy is missing"))
        files = job.files
        files["inputs/w0_f32.npy"] = files["inputs/w1_f32.npy"]
        guard case .failed(let wrong) = await Support.runner().run(job.spec, files: files) else {
            Issue.record("ran with another input")
            return
        }
        #expect(wrong.reason == .input)
    }
}
