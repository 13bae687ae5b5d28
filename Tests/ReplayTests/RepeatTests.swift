// Repeats, carried slots, what changes with the iteration, and runs of a part: against the same job written out, and against
// arithmetic in Swift.
import Codecs
import Commitments
import Testing

@testable import Replay

@Suite struct RepeatTests {
    static let count = 3

    /// x ← 3x + step(n) + w_n; t ← t + x, where `t` begins every iteration as zeros; y ← x ^ t.
    static let source = """
        __kernel __attribute__((reqd_work_group_size(8, 1, 1)))
        void start(__global const uint *a, __global uint *x) { size_t i = get_global_id(0); x[i] = a[i]; }
        __kernel __attribute__((reqd_work_group_size(8, 1, 1)))
        void grow(__global uint *x, __global const uint *w, uint n) {
            size_t i = get_global_id(0);
            x[i] = 3u * x[i] + n + w[i];
        }
        __kernel __attribute__((reqd_work_group_size(8, 1, 1)))
        void add(__global const uint *x, __global uint *t, ulong seed) {
            size_t i = get_global_id(0);
            t[i] += x[i] + (uint)seed;
        }
        __kernel __attribute__((reqd_work_group_size(8, 1, 1)))
        void finish(__global const uint *x, __global const uint *t, __global uint *y, __local uint *part) {
            size_t i = get_global_id(0);
            part[get_local_id(0)] = x[i];
            barrier(CLK_LOCAL_MEM_FENCE);
            y[i] = part[7 - get_local_id(0)] ^ t[i];
        }

        """

    static let seed = String(repeating: "00000000000000a7", count: 4)

    private static func step(_ kernel: String, _ arguments: String) -> String {
        #"{"kernel":"\#(kernel)","source":"s","global":[16],"local":[8],"args":[\#(arguments)]}"#
    }

    private static func slot(_ name: String, _ rest: String) -> String {
        #"{"name":"\#(name)","dtype":"u32","shape":[16],\#(rest)}"#
    }

    private static func text(steps: [String]) -> String {
        let weights = (0..<count).map { slot("w\($0)", #""role":"const","file":"w\#($0)","format":"raw""#) }
        return """
            {"version":1,"class":"integer","device":{"type":"any","memoryBytes":"0"},
             "sources":[{"name":"s","file":"k.cl"}],
             "slots":[\(slot("a", #""role":"in","file":"a","format":"raw""#)),\(weights.joined(separator: ",")),
                      \(slot("x", #""role":"scratch""#)),\(slot("t", #""role":"scratch""#)),
                      \(slot("y", #""role":"out""#))],
             "seed":"\(seed)",
             "steps":[\(steps.joined(separator: ","))],
             "limits":{"wallSeconds":20,"memoryBytes":"65536","outputBytes":"65536"}}
            """
    }

    private static let start = step("start", #"{"slot":"a"},{"slot":"x","access":"write"}"#)
    private static let finish = step(
        "finish",
        #"{"slot":"x"},{"slot":"t"},{"slot":"y","access":"write"},{"localBytes":"32"}"#
    )

    /// The job with its loop as a repeat.
    static let repeated = text(steps: [
        start,
        #"{"repeat":\#(count),"carry":["x"],"steps":["#
            + step(
                "grow",
                #"{"slot":"x","access":"readwrite"},{"slots":["w0","w1","w2"]},{"u32":"5","stride":"10"}"#
            ) + "," + step("add", #"{"slot":"x"},{"slot":"t","access":"readwrite"},{"seedWord":2}"#) + "]}",
        finish,
    ])

    private static func words(_ values: [UInt32]) -> [UInt8] {
        values.reduce(into: [UInt8]()) { $0.appendLittleEndian($1) }
    }

    static let inputs = (0..<16).map { UInt32($0 * $0 * 77 + 1) }
    static let weights = (0..<count).map { n in (0..<16).map { UInt32($0 + 100 * n) } }

    static var files: [String: [UInt8]] {
        var files = ["k.cl": Array(source.utf8), "a": words(inputs)]
        for (n, values) in weights.enumerated() { files["w\(n)"] = words(values) }
        return files
    }

    static func spec(_ text: String = repeated) throws -> ReplaySpec {
        try ReplaySpec(try JSONValue(parsing: Array(text.utf8)))
    }

    /// `x`, and `t` as each iteration leaves it.
    private static func oracle() -> (x: [[UInt32]], y: [UInt32]) {
        var x = inputs
        var history = [x]
        var t = [UInt32](repeating: 0, count: 16)
        for n in 0..<count {
            for i in 0..<16 {
                x[i] = 3 &* x[i] &+ UInt32(5 + 10 * n) &+ weights[n][i]
                t[i] = x[i] &+ 0xa7
            }
            history.append(x)
        }
        let y = (0..<16).map { (i: Int) -> UInt32 in
            let mirrored = i / 8 * 8 + 7 - i % 8
            return x[mirrored] ^ t[i]
        }
        return (history, y)
    }

    private static func execution(_ spec: ReplaySpec) async throws -> Execution {
        guard case .completed(let execution) = await Support.runner().run(spec, files: files) else {
            throw ParseError(field: "run", expected: "a completed run", actual: "\(spec.launchCount) launches failed")
        }
        return execution
    }

    @Test func launchesAreCountedOut() throws {
        let spec = try Self.spec()
        #expect(spec.steps.map(\.kernel) == ["start", "grow", "add", "finish"])
        #expect(spec.repeats == [ReplaySpec.Repeat(steps: 1..<3, count: 3, carried: [4])])
        #expect(spec.launchCount == 8)
        #expect(spec.workUnits == 8 * 16)
        let launches = (0..<8).map { spec.launch($0) }
        #expect(launches.map(\.step) == [0, 1, 2, 1, 2, 1, 2, 3])
        #expect(launches.map(\.iteration) == [nil, 0, 0, 1, 1, 2, 2, nil])
        for launch in launches {
            #expect(spec.launch(step: launch.step, iteration: launch.iteration) == launch)
        }
        #expect(spec.launch(step: 1, iteration: 3) == nil)
        #expect(spec.launch(step: 1) == nil)
        #expect(spec.launch(step: 0, iteration: 0) == nil)
        #expect(spec.launch(step: 4) == nil)
        #expect(
            ["x", "t", "y"].map { name in
                spec.slots.firstIndex { $0.name == name }.flatMap { spec.lastWriter(ofSlot: $0) }
            } == [5, 6, 7]
        )
        #expect(spec.slotsCleared(before: launches[3]) == [5])
        #expect(spec.slotsCleared(before: launches[4]).isEmpty)
        #expect(spec.arguments(of: launches[5])[1...] == [.slot(3, .read), .u32(25)])
        #expect(spec.arguments(of: launches[6])[2] == .u64(0xa7))
        #expect(try ReplaySpec(spec.json) == spec)
        #expect(try ReplaySpec(canonical: spec.canonicalBytes) == spec)
        #expect(throws: ParseError.self) { try ReplaySpec(canonical: Array(Self.repeated.utf8)) }
    }

    @Test func aRepeatComputesWhatItsIterationsDo() async throws {
        let spec = try Self.spec()
        let execution = try await Self.execution(spec)
        let oracle = Self.oracle()
        #expect(Support.elements(execution.outputs["y"] ?? [], as: UInt32.self) == oracle.y)
        #expect(execution.trace.leaves.map(\.step) == Array(0..<8))
        for n in 0..<Self.count {
            let root = execution.trace.leaves[1 + 2 * n].slots.first?.root
            #expect(root == Trace.slotRoot(Self.words(oracle.x[n + 1])), "iteration \(n)")
        }
        #expect(try Trace(execution.trace.json) == execution.trace)
    }

    /// Any part of the run, begun from the state before it, leaves the same leaves; chained parts make the whole.
    @Test func partsBeginFromGivenStates() async throws {
        let spec = try Self.spec()
        let whole = try await Self.execution(spec)
        let runner = Support.runner()
        var states: [Int: [UInt8]] = [:]
        var leaves: [Trace.Leaf] = []
        for launches in [0..<2, 2..<5, 5..<7, 7..<8] {
            let range = ReplayRange(launches: launches, states: states)
            guard case .completed(let part) = await runner.run(spec, files: Self.files, range: range) else {
                Issue.record("\(launches) failed")
                return
            }
            #expect(part.leaves == Array(whole.trace.leaves[launches]))
            leaves += part.leaves
            states = part.states
        }
        #expect(Trace(leaves: leaves) == whole.trace)
        // Another state before a launch gives another leaf.
        let wrong = ReplayRange(launches: 1..<2, states: [4: Self.words([UInt32](repeating: 9, count: 16))])
        guard case .completed(let part) = await runner.run(spec, files: Self.files, range: wrong) else { return }
        #expect(part.leaves != [whole.trace.leaves[1]])
    }

    /// A run that ends early, inside an iteration, is the beginning of the whole run.
    @Test func aPrefixEndsWithinAnIteration() async throws {
        let spec = try Self.spec()
        let whole = try await Self.execution(spec)
        for count in 1...8 {
            let part = spec.prefix(steps: count)
            #expect(part.launchCount == count)
            #expect(part.workUnits == UInt64(16 * count))
            #expect(spec.steps(within: UInt64(16 * count + 15)) == count)
            let written = Set((0..<count).flatMap { spec.steps[spec.launch($0).step].writtenSlots })
            #expect(Set(part.outputSlots) == written.union(count < 8 ? [] : [6]).subtracting(count < 8 ? [] : [4, 5]))
            // Two launches make an iteration; the first is before the repeat.
            #expect((try ReplaySpec(part.json) == part) == (count % 2 == 1 || count == 8))
            for slot in part.outputSlots { #expect(part.lastWriter(ofSlot: slot).map { $0 < count } == true) }
        }
        let execution = try await Self.execution(spec.prefix(steps: 4))
        #expect(execution.trace.leaves == Array(whole.trace.leaves[..<4]))
        #expect(execution.outputs["x"] == Self.words(Self.oracle().x[2]))
    }

    @Test func partsThatDoNotFitFail() async throws {
        let spec = try Self.spec()
        let short = [UInt8](repeating: 0, count: 63)
        for range in [
            ReplayRange(launches: 0..<0), ReplayRange(launches: 0..<9), ReplayRange(launches: -1..<1),
            ReplayRange(launches: 0..<1, states: [4: short]), ReplayRange(launches: 0..<1, states: [0: short + [0]]),
            ReplayRange(launches: 0..<1, states: [99: []]),
        ] {
            guard case .failed(let failure) = await Support.runner().run(spec, files: Self.files, range: range) else {
                Issue.record("\(range.launches) ran")
                continue
            }
            #expect(failure.reason == .input)
        }
    }

    @Test func aDivergenceNamesIterationStepSlotTileAndElement() async throws {
        let spec = try Self.spec()
        let honest = try await Self.execution(spec)
        var x = Self.words(Self.oracle().x[2])
        let mine = x
        x[4 * 11] ^= 0x20
        var leaves = honest.trace.leaves
        leaves[3] = Trace.Leaf(
            step: 3,
            kernelDigest: leaves[3].kernelDigest,
            slots: [Trace.SlotRoot(index: 4, name: "x", root: Trace.slotRoot(x))]
        )
        let claim = Trace(leaves: leaves)
        let comparison = Comparison.compare(
            claimedTrace: claim,
            claimedOutputs: honest.outputs,
            replayed: honest,
            spec: spec
        )
        guard case .mismatch(let divergence) = comparison else {
            Issue.record("a forged iteration is a match")
            return
        }
        #expect(divergence == Divergence(kind: .content, step: 1, iteration: 1, kernel: "grow", slot: "x"))
        #expect(divergence.launch(in: spec)?.index == 3)
        let located = divergence.located(claimed: x, replayed: mine, claimedTrace: claim, spec: spec)
        #expect(located?.tile == 0)
        #expect(located?.element == 11)
        #expect(located?.claimed == Array(x[44..<48]))
        #expect(located?.replayed == Array(mine[44..<48]))
        #expect(located?.description.hasPrefix("iteration 1, step 1 (grow), slot x, tile 0, element 11: ") == true)
        // Content that the trace does not bind the claimant to names nothing.
        #expect(divergence.located(claimed: mine, replayed: x, claimedTrace: claim, spec: spec) == nil)
        #expect(divergence.located(claimed: x, replayed: x, claimedTrace: claim, spec: spec) == nil)
    }

    @Test(arguments: [
        (#""repeat":3"#, #""repeat":0"#, "steps[1].repeat"),
        (#""repeat":3"#, #""repeat":16385"#, "steps[1].repeat"),
        (#""repeat":3"#, #""repeat":8192"#, "steps[1].steps[0].args[1].slots"),
        (#""repeat":3"#, #""repeat":3,"until":1"#, "steps[1].until"),
        (#""carry":["x"]"#, #""carry":["z"]"#, "steps[1].carry[0]"),
        (#""carry":["x"]"#, #""carry":["a"]"#, "steps[1].carry[0]"),
        (#""carry":["x"]"#, #""carry":["x","x"]"#, "steps[1].carry[1]"),
        (#""carry":["x"]"#, #""carry":"x""#, "steps[1].carry"),
        (#"["w0","w1","w2"]"#, #"["w0","w1"]"#, "steps[1].steps[0].args[1].slots"),
        (#"["w0","w1","w2"]"#, #"["w0","w1","x"]"#, "steps[1].steps[0].args[1].slots"),
        (#""stride":"10""#, #""stride":"2147483646""#, "steps[1].steps[0].args[2].stride"),
        (#""stride":"10""#, #""stride":"-3""#, "steps[1].steps[0].args[2].stride"),
        (#"{"localBytes":"32"}"#, #"{"localBytes":"0"}"#, "steps[2].args[3].localBytes"),
        (#"{"localBytes":"32"}"#, #"{"localBytes":"32769"}"#, "steps[2].args[3].localBytes"),
        (#"{"localBytes":"32"}"#, #"{"u32":"1","stride":"1"}"#, "steps[2].args[3].stride"),
        (#"{"localBytes":"32"}"#, #"{"slots":["w0"]}"#, "steps[2].args[3].slots"),
        (#""seedWord":2"#, #""seedWord":4"#, "steps[1].steps[1].args[2].seedWord"),
        (#""seed":"\#(seed)","#, "", "steps[1].steps[1].args[2].seedWord"),
        (#""seed":"00"#, #""seed":"0"#, "seed"),
    ])
    func namesTheMember(_ change: (from: String, to: String, field: String)) throws {
        #expect(Self.repeated.contains(change.from), "the good text has no \(change.from)")
        let text = Self.repeated.replacing(change.from, with: change.to, maxReplacements: 1)
        let error = #expect(throws: ParseError.self) { try Self.spec(text) }
        #expect(error?.field == change.field, "\(String(describing: error))")
    }

    @Test func launchesAreBounded() throws {
        let text = Self.text(steps: [
            Self.start,
            #"{"repeat":16384,"carry":["y"],"steps":["#
                + Self.step("start", #"{"slot":"a"},{"slot":"y","access":"readwrite"}"#) + "]}",
        ])
        let error = #expect(throws: ParseError.self) { try Self.spec(text) }
        #expect(error?.expected == "at most 16384 launches")
    }
}
