// Fuzzers of `Replay`: specs, traces, admission records, kernel texts and npy files.
import Codecs
import Replay

extension Registry {
    static let replay: [FuzzTarget] = [
        FuzzTarget("replay.spec", seeds: specSeeds) { bytes throws(ParseError) in
            let spec = try ReplaySpec(try JSONValue(parsing: bytes))
            let again = reread("a spec reads its canonical encoding") { () throws(ParseError) in
                try ReplaySpec(canonical: spec.canonicalBytes)
            }
            require(again == spec, "a spec keeps what it says")
            // Every launch has a step, and every step's arguments have values.
            for index in Set([0, spec.launchCount / 2, spec.launchCount - 1]) {
                let launch = spec.launch(index)
                require(spec.launch(step: launch.step, iteration: launch.iteration) == launch, "a launch has one place")
                for argument in spec.arguments(of: launch) {
                    switch argument {
                    case .slotByIteration, .counter, .seedWord: require(false, "an argument has no value")
                    default: break
                    }
                }
            }
        },
        FuzzTarget("replay.trace", seeds: [.own("Vectors/receipts", ".json")]) { bytes throws(ParseError) in
            let trace = try Trace(try JSONValue(parsing: bytes))
            let again = reread("a trace reads what it wrote") { () throws(ParseError) in try Trace(trace.json) }
            require(again == trace, "a trace keeps its leaves")
        },
        FuzzTarget("replay.admission-record", seeds: [.texts(record)]) { bytes throws(ParseError) in
            let report = try AdmissionReport(try JSONValue(parsing: bytes))
            let again = reread("a record reads what it wrote") { () throws(ParseError) in
                try AdmissionReport(report.json)
            }
            require(again == report, "a record keeps what it says")
        },
        FuzzTarget("replay.kernel", maxBytes: 16_384, seeds: [.own("Examples/digits", ".cl"), .texts(kernel)]) {
            bytes throws(ParseError) in
            guard let spec = exampleSpec else { return }
            let faults = Admission.faults(in: spec, sources: [bytes])
            require(faults.count <= 64, "breaches are bounded")
            require(faults == Admission.faults(in: spec, sources: [bytes]), "the same text has the same breaches")
        },
        FuzzTarget("replay.npy", maxBytes: 2048, seeds: [.bytes(npy)]) { bytes throws(ParseError) in
            _ = exampleSpec?.fault(in: ["k.cl": Array(kernel.utf8), "a.npy": bytes])?.description
        },
    ]

    private static let kernel = """
        #define N 16
        __kernel __attribute__((reqd_work_group_size(N, 1, 1)))
        void k(__global const float *a, __global float *c) { size_t i = get_global_id(0); c[i] = fma(a[i], 2.0f, 1.0f); }
        """

    private static let example = """
        {"version":1,"class":"exact","device":{"type":"any","memoryBytes":"0"},"sources":[{"name":"s","file":"k.cl"}],
        "slots":[{"name":"a","role":"in","dtype":"f32","shape":[16],"file":"a.npy","format":"npy"},
        {"name":"c","role":"out","dtype":"f32","shape":[16]}],
        "steps":[{"repeat":2,"carry":["c"],"steps":[{"kernel":"k","source":"s","global":[16],"local":[16],
        "args":[{"slot":"a"},{"slot":"c","access":"readwrite"},{"u32":"1","stride":"2"},{"localBytes":"64"}]}]}],
        "limits":{"wallSeconds":2,"memoryBytes":"1048576","outputBytes":"65536"}}
        """

    private static let tolerant = """
        {"version":1,"class":"tolerance","device":{"type":"any","memoryBytes":"0"},"sources":[{"name":"s","file":"k.cl"}],
        "slots":[{"name":"a","role":"const","dtype":"f32","shape":[4,4],"file":"a","format":"raw"},
        {"name":"c","role":"out","dtype":"f32","shape":[4,4]}],"seed":"\(String(repeating: "0a", count: 32))",
        "steps":[{"kernel":"k","source":"s","global":[16],"local":[16],
        "args":[{"slot":"a"},{"slot":"c","access":"write"},{"seedWord":1}]}],
        "agreement":[{"slot":"c","kind":"product","left":"a","right":"a","tau":"0x3f50000000000000","outliers":"1"}],
        "calibration":{"honest":{"runs":"10","failures":"0"},"altered":{"runs":"10","failures":"1"}},
        "limits":{"wallSeconds":2,"memoryBytes":"1048576","outputBytes":"65536"}}
        """

    private static let record = """
        {"schema":"assay.admission/1","key":"\(String(repeating: "00", count: 32))","admitted":false,"complete":false,
        "stages":[{"stage":"dry-run","result":"refused","detail":"x"}],
        "faults":[{"rule":"dataRace","source":"s","line":3,"column":4,"stage":"dry-run","detail":"x"}]}
        """

    private static let npy: [UInt8] = {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (16,), }\n"
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
            + [UInt8](repeating: 0, count: 64)
    }()

    private static let specSeeds: [Seeds] = [.texts(example, tolerant)]

    private static let exampleSpec = try? ReplaySpec(JSONValue(parsing: Array(example.utf8)))
}
