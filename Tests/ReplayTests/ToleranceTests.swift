// The classes with bounds: what the comparators accept and refuse, at and beyond their limits, and what a calibration is worth.
import Codecs
import Testing

@testable import Replay

@Suite struct ToleranceTests {
    private static func spec(
        replayClass: String = "tolerance",
        agreement: String,
        calibration: String = calibration
    ) throws -> ReplaySpec {
        let text = """
            {"version":1,"class":"\(replayClass)","device":{"type":"any","memoryBytes":"0"},
             "sources":[{"name":"s","file":"k.cl"}],
             "slots":[{"name":"a","role":"in","dtype":"f32","shape":[2,3],"file":"a","format":"raw"},
                      {"name":"b","role":"const","dtype":"f32","shape":[3,4],"file":"b","format":"raw"},
                      {"name":"c","role":"out","dtype":"f32","shape":[2,4]},
                      {"name":"n","role":"out","dtype":"u32","shape":[2]}],
             "steps":[{"kernel":"k","source":"s","global":[2],"local":[1],
                       "args":[{"slot":"a"},{"slot":"b"},{"slot":"c","access":"write"},{"slot":"n","access":"write"}]}],
             \(agreement.isEmpty ? "" : #""agreement":[\#(agreement)],"#)
             \(calibration.isEmpty ? "" : #""calibration":\#(calibration),"#)
             "limits":{"wallSeconds":20,"memoryBytes":"65536","outputBytes":"65536"}}
            """
        return try ReplaySpec(try JSONValue(parsing: Array(text.utf8)))
    }

    private static let calibration =
        #"{"honest":{"runs":"1000","failures":"0"},"altered":{"runs":"200","failures":"1"}}"#
    /// 2^-10.
    private static let tau = #""tau":"0x3f50000000000000""#
    private static let product = #"{"slot":"c","kind":"product","left":"a","right":"b",\#(tau),"outliers":"1"}"#
    private static let row = #"{"slot":"c","kind":"row",\#(tau),"outliers":"0"}"#
    private static let choice = #"{"slot":"n","kind":"choice","scores":"c",\#(tau)}"#
    private static let bits = #"{"slot":"n","kind":"bits"}"#
    private static let largest =
        #"{"slot":"c","kind":"largest","count":3,"overlapMin":2,"exponentMismatchesMax":0,"mantissaMeanMaxMilli":1000}"#

    private static func floats(_ values: [Float]) -> [UInt8] {
        values.reduce(into: [UInt8]()) { $0.appendLittleEndian($1.bitPattern) }
    }

    private static func words(_ values: [UInt32]) -> [UInt8] {
        values.reduce(into: [UInt8]()) { $0.appendLittleEndian($1) }
    }

    /// ‖rows of a‖ = 3, 5; ‖columns of b‖ = 2, 2, 2, 0.
    private static let inputs: [Int: [UInt8]] = [
        0: floats([1, 2, 2, 3, 0, 4]), 1: floats([2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0]),
    ]
    private static let c: [Float] = [2, 4, 4, 0, 6, 0, 8, 0]

    private static func compare(
        _ spec: ReplaySpec,
        _ change: (inout [Float], inout [UInt32]) -> Void
    ) -> [OutputAgreement] {
        var (values, choices) = (c, [UInt32(1), 2])
        change(&values, &choices)
        let claimed = ["c": floats(values), "n": words(choices)]
        let replayed = ["c": floats(c), "n": words([1, 2])]
        return spec.agreements.map {
            OutputAgreement.compare($0, claimed: claimed, replayed: replayed, inputs: inputs, spec: spec)
        }
    }

    @Test func productsAreHeldAgainstTheNormsOfTheirInputs() throws {
        let spec = try Self.spec(agreement: Self.product + "," + Self.bits)
        #expect(Self.compare(spec) { _, _ in }.map(\.isWithin) == [true, true])
        // The bound of element 0 is 2^-10 · 3 · 2.
        let bound: Float = 6.0 / 1024
        #expect(Self.compare(spec) { values, _ in values[0] += bound }[0].worst == 1)
        let one = Self.compare(spec) { values, _ in values[0] += bound * 1.01 }[0]
        #expect(one.isWithin && one.outliers == 1 && one.firstOutlier == 0)
        let two = Self.compare(spec) { values, _ in
            values[0] += bound * 1.01
            values[6] -= bound * 2
        }[0]
        #expect(!two.isWithin && two.outliers == 2)
        // Where a norm is zero nothing may differ, and nothing hides behind NaN or infinity.
        for (index, value) in [(3, Float.leastNonzeroMagnitude), (0, .nan), (0, .infinity)] {
            let result = Self.compare(spec) { values, _ in values[index] = value }[0]
            #expect(result.outliers == 1 && result.worst == .infinity)
        }
        #expect(Self.compare(spec) { _, choices in choices[1] = 3 }.map(\.isWithin) == [true, false])
    }

    @Test func rowsAreHeldAgainstTheirOwnNorm() throws {
        let spec = try Self.spec(agreement: Self.row + "," + Self.choice)
        // ‖(2, 4, 4, 0)‖ = 6.
        #expect(Self.compare(spec) { values, _ in values[3] = 6.0 / 1024 }[0].isWithin)
        #expect(!Self.compare(spec) { values, _ in values[3] = 6.1 / 1024 }[0].isWithin)
    }

    @Test func aChoiceIsAsGoodAsItsScore() throws {
        let spec = try Self.spec(agreement: Self.row + "," + Self.choice)
        // Element 2 of the first row ties with element 1; element 0 is far below; 4 is no element.
        #expect(Self.compare(spec) { _, choices in choices[0] = 2 }[1].isWithin)
        for wrong in [UInt32(0), 3, 4, .max] {
            let result = Self.compare(spec) { _, choices in choices[0] = wrong }[1]
            #expect(!result.isWithin && result.firstOutlier == 0)
        }
    }

    @Test func theLargestElementsAreHeldAgainstEachOther() throws {
        let spec = try Self.spec(replayClass: "lsh", agreement: Self.largest + "," + Self.bits)
        #expect(Self.compare(spec) { _, _ in }[0].isWithin)
        // One unit of the 7-bit mantissa at each common place is the mean that is allowed.
        let near = Self.compare(spec) { values, _ in for i in 0..<3 { values[i] *= 1 + 1.0 / 128 } }[0]
        #expect(near.isWithin && near.worst == 1)
        #expect(!Self.compare(spec) { values, _ in for i in 0..<3 { values[i] *= 1 + 3.0 / 128 } }[0].isWithin)
        // Another sign or exponent at a common place.
        #expect(!Self.compare(spec) { values, _ in values[1] = -4 }[0].isWithin)
        #expect(!Self.compare(spec) { values, _ in values[1] = 8 }[0].isWithin)
    }

    @Test func missingBytesAreNeverWithin() throws {
        let spec = try Self.spec(agreement: Self.product + "," + Self.choice)
        let outputs = ["c": Self.floats(Self.c), "n": Self.words([1, 2])]
        for agreement in spec.agreements {
            let missing = OutputAgreement.compare(agreement, claimed: [:], replayed: outputs, inputs: [:], spec: spec)
            #expect(!missing.isWithin)
        }
        let blind = OutputAgreement.compare(
            spec.agreements[0],
            claimed: outputs,
            replayed: outputs,
            inputs: [:],
            spec: spec
        )
        #expect(!blind.isWithin)
    }

    @Test func aClaimBeyondItsBoundIsAMismatchThere() throws {
        let spec = try Self.spec(agreement: Self.row + "," + Self.choice)
        func execution(_ values: [Float]) -> Execution {
            Execution(
                outputs: ["c": Self.floats(values), "n": Self.words([1, 2])],
                trace: Trace(leaves: []),
                device: HostileWorkerTests.plainDevice,
                sandbox: SandboxReport(measures: []),
                wallMicroseconds: 0,
                workUnits: 0
            )
        }
        var values = Self.c
        values[6] += 1
        for (claim, expected) in [(Self.c, nil), (values, 6)] {
            let comparison = Comparison.compare(
                claimedTrace: Trace(leaves: []),
                claimedOutputs: execution(claim).outputs,
                replayed: execution(Self.c),
                spec: spec
            )
            guard case .mismatch(let divergence) = comparison else {
                #expect(expected == nil)
                continue
            }
            #expect(divergence.kind == .bound && divergence.slot == "c" && divergence.element == expected)
        }
    }

    /// 0 of n: 1 − 0.05^(1/n). Others: values of the beta distribution's inverse, as in Clopper and Pearson's tables.
    @Test(arguments: [(100, 0, 0.029513), (1000, 0, 0.0029912), (10, 0, 0.25887), (200, 1, 0.023501), (20, 3, 0.34366)])
    func ratesAreThoseOfClopperAndPearson(runs: Int, failures: Int, rate: Double) {
        let trials = Calibration.Trials(runs: UInt64(runs), failures: UInt64(failures))
        #expect(abs(trials.failureRateMax - rate) < rate * 1e-3, "\(trials.failureRateMax)")
    }

    @Test func calibrationsAreStated() throws {
        let calibration = try #require(try Self.spec(agreement: Self.row + "," + Self.bits).calibration)
        #expect(calibration.millibits == 5411)
        #expect(
            calibration.statement == "0 of 1000 honest runs rejected (at most 0.30 %), 1 of 200 altered runs accepted "
                + "(at most 2.35 %), at 95 % confidence, by the author of the spec"
        )
        #expect(Calibration.Trials(runs: 5, failures: 5).failureRateMax == 1)
    }

    @Test func specsWithBoundsAreReadBack() throws {
        for (replayClass, agreement) in [
            ("tolerance", Self.product + "," + Self.bits), ("tolerance", Self.row + "," + Self.choice),
            ("lsh", Self.largest + "," + Self.bits),
        ] {
            let spec = try Self.spec(replayClass: replayClass, agreement: agreement)
            #expect(try ReplaySpec(spec.json) == spec)
        }
    }

    @Test(arguments: [
        ("exact", row + "," + bits, calibration, "agreement"), ("exact", "", calibration, "calibration"),
        ("integer", "", "", "slots[0].dtype"), ("tolerance", "", calibration, "agreement"),
        ("tolerance", row, calibration, "agreement"), ("tolerance", bits + "," + row, calibration, "agreement"),
        ("tolerance", row + "," + bits, "", "calibration"), ("lsh", row + "," + bits, calibration, "agreement[0].kind"),
        ("tolerance", largest + "," + bits, calibration, "agreement[0].kind"),
        (
            "tolerance", row.replacing("0x3f50", with: "0xbf50") + "," + bits, calibration, "agreement[0].tau"
        ),
        ("tolerance", row.replacing("0x3f50", with: "0x7ff0") + "," + bits, calibration, "agreement[0].tau"),
        ("tolerance", row.replacing(#""0"}"#, with: #""9"}"#) + "," + bits, calibration, "agreement[0].outliers"),
        ("tolerance", product.replacing(#""a""#, with: #""b""#) + "," + bits, calibration, "agreement[0]"),
        ("tolerance", product.replacing(#""a""#, with: #""c""#) + "," + bits, calibration, "agreement[0].left"),
        ("tolerance", row + "," + choice.replacing(#""c""#, with: #""a""#), calibration, "agreement[1].scores"),
        ("lsh", largest.replacing(#""count":3"#, with: #""count":5"#) + "," + bits, calibration, "agreement[0].count"),
        (
            "tolerance", row + "," + bits, calibration.replacing(#""1000""#, with: #""0""#),
            "calibration.honest.runs"
        ),
        (
            "tolerance", row + "," + bits, calibration.replacing(#""failures":"1""#, with: #""failures":"201""#),
            "calibration.altered.failures"
        ),
    ])
    func namesTheMember(_ replayClass: String, _ agreement: String, _ trials: String, _ field: String) throws {
        let error = #expect(throws: ParseError.self) {
            try Self.spec(replayClass: replayClass, agreement: agreement, calibration: trials)
        }
        #expect(error?.field == field, "\(String(describing: error))")
    }

    /// What class A bans is what a class with bounds is for; everything else stays banned.
    @Test func kernelsMayBeInexactWhereBoundsAre() throws {
        let head = "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))\n"
        let signature = "void k(__global const float *a, __global const float *b, __global float *c, __global uint *n)"
        let spec = try Self.spec(agreement: Self.row + "," + Self.bits)
        for (body, rules) in [
            ("c[0] = exp(a[0]);", []), ("c[0] = native_exp(mad(a[0], a[1], b[0]));", []),
            ("printf(1);", [AdmissionFault.Rule.printf]), ("n[0] = atomic_inc(n);", [.atomicResult]),
        ] {
            let source = head + signature + " { " + body + " n[0] = 0; }"
            #expect(Admission.faults(in: spec, sources: [Array(source.utf8)]).map(\.rule) == rules)
        }
    }
}
