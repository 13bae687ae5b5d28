// A job so small that a test can compute it: two integer kernels over 64 numbers, and a runner that knows what they compute.
public import Codecs
internal import Commitments
public import Receipts
public import Replay
internal import Signatures

/// A complete small job: y = fold(x · x + 7) over unsigned 32-bit integers, fold(h) = h ^ h >> 5.
public struct TinyJob: Sendable {
    /// The number of elements.
    public static let count = 64
    /// The OpenCL C text. It passes admission, and a real device computes what `TinyRunner` computes.
    public static let source = """
        __kernel __attribute__((reqd_work_group_size(1, 1, 1)))
        void square(__global const uint *x, __global uint *h, uint c) {
            size_t i = get_global_id(0);
            h[i] = x[i] * x[i] + c;
        }

        __kernel __attribute__((reqd_work_group_size(1, 1, 1)))
        void fold(__global const uint *h, __global uint *y) {
            size_t i = get_global_id(0);
            y[i] = h[i] ^ (h[i] >> 5);
        }

        """

    /// The sealed job.
    public let job: SealedJob
    /// The content of its files by path.
    public let files: [String: [UInt8]]

    /// The job whose input follows from `seed`.
    /// - Parameter terms: its `terms`; none unless they are given.
    public init(seed: UInt64 = 1, terms: JSONValue? = nil) throws(ParseError) {
        var generator = SeededGenerator(seed: seed)
        let files = [
            "kernels/tiny.cl": Array(Self.source.utf8),
            "inputs/x.raw": generator.bytes(4 * Self.count),
        ]
        var authored = Self.authored
        if let terms, case .object(var object) = authored {
            object["terms"] = terms
            authored = .object(object)
        }
        let spec = try JobSpec(authored)
        job = try SealedJob(try spec.sealing(with: files.mapValues { ArtefactIdentity(of: $0) }))
        self.files = files
    }

    /// The authored `job.json`: no lengths, no identifiers, no deadlines.
    public static let authored: JSONValue = .object([
        "schema": .string(JobSpec.schema),
        "name": .string("tiny"),
        "replay": .object([
            "version": .integer(1),
            "class": .string("integer"),
            "device": .object(["type": .string("any"), "memoryBytes": .string("1048576")]),
            "sources": .array([.object(["name": .string("tiny"), "file": .string("kernels/tiny.cl")])]),
            "slots": .array([
                slot("x", "in", ["file": .string("inputs/x.raw"), "format": .string("raw")]),
                slot("h", "scratch"),
                slot("y", "out"),
            ]),
            "steps": .array([
                step(
                    "square",
                    [
                        .object(["slot": .string("x")]),
                        .object(["slot": .string("h"), "access": .string("write")]),
                        .object(["u32": .string("7")]),
                    ]
                ),
                step(
                    "fold",
                    [
                        .object(["slot": .string("h")]),
                        .object(["slot": .string("y"), "access": .string("write")]),
                    ]
                ),
            ]),
            "limits": .object([
                "wallSeconds": .integer(10),
                "memoryBytes": .string("1048576"),
                "outputBytes": .string("65536"),
            ]),
        ]),
        "evidence": .object(["kind": .string("replay-exact"), "scope": .string("whole")]),
        "price": .object(["currency": .string("TEST"), "maxPerMegaUnit": .string("50000000")]),
        "attempts": .integer(3),
    ])

    private static func slot(_ name: String, _ role: String, _ file: JSONObject = JSONObject()) -> JSONValue {
        var object: JSONObject = [
            "name": .string(name), "role": .string(role), "dtype": .string("u32"),
            "shape": .array([.integer(count)]),
        ]
        for member in file.members { object[member.name] = member.value }
        return .object(object)
    }

    private static func step(_ kernel: String, _ arguments: [JSONValue]) -> JSONValue {
        .object([
            "kernel": .string(kernel),
            "source": .string("tiny"),
            "global": .array([.integer(count)]),
            "local": .array([.integer(1)]),
            "unitsPerItem": .string("1000"),
            "args": .array(arguments),
        ])
    }
}

/// Runs `TinyJob` in this process, by arithmetic in Swift.
///
/// Its kernel digests are its own, so its traces agree with other `TinyRunner`s and with nothing else.
public struct TinyRunner: Runner {
    /// How the runner lies.
    public enum Fault: Sendable, Equatable {
        case none
        /// One bit of element `element` of slot `h` is flipped before the second step reads it.
        case flippedIntermediateBit(element: Int)
        /// One bit of element `element` of the output is flipped.
        case flippedOutputBit(element: Int)
        /// It refuses the kernels.
        case refuses
        /// It crashes.
        case crashes
    }

    /// How the runner lies.
    public var fault: Fault
    /// By how much of admission it says that the kernels went.
    public var admission: KernelAdmission

    /// A runner with this fault.
    public init(_ fault: Fault = .none, admission: KernelAdmission = .rulesAlone) {
        self.fault = fault
        self.admission = admission
    }

    public func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
        switch fault {
        case .refuses:
            return .refused([AdmissionFault(rule: .include, source: "tiny", line: 1, detail: "#include")])
        case .crashes: return .failed(RunFailure(.crashed, "signal 11"))
        default: break
        }
        guard let source = files["kernels/tiny.cl"], let x = files["inputs/x.raw"], x.count == 4 * TinyJob.count,
            ["square", "fold"].starts(with: spec.steps.map(\.kernel)), !spec.steps.isEmpty
        else {
            return .failed(RunFailure(.input, "not the tiny job"))
        }
        var h = Self.words(x).map { $0 &* $0 &+ 7 }
        if case .flippedIntermediateBit(let element) = fault { h[element] ^= 1 }
        var y = h.map { $0 ^ $0 >> 5 }
        if case .flippedOutputBit(let element) = fault { y[element] ^= 1 }
        let leaves = [(0, "square", 1, "h", h), (1, "fold", 2, "y", y)].map { step, kernel, index, name, words in
            Trace.Leaf(
                step: UInt32(step),
                kernelDigest: SHA256.hash(Array("tiny\0\(kernel)\0".utf8) + source),
                slots: [Trace.SlotRoot(index: index, name: name, root: Trace.slotRoot(Self.bytes(words)))]
            )
        }
        // The result of the first step alone is what it left behind.
        let outputs = spec.steps.count == 1 ? ["h": Self.bytes(h)] : ["y": Self.bytes(y)]
        var execution = Execution(
            outputs: outputs,
            trace: Trace(leaves: Array(leaves.prefix(spec.steps.count))),
            device: Self.device,
            sandbox: SandboxReport(measures: []),
            wallMicroseconds: 1,
            workUnits: spec.workUnits
        )
        execution.admission = admission
        return .completed(execution)
    }

    /// The device that the runner says it is.
    public static let device = DeviceDescription(
        kind: .cpu,
        name: "tiny",
        vendor: "AssayTesting",
        version: "OpenCL 1.2",
        driver: "1",
        platform: "in process",
        memoryBytes: 1 << 30,
        largestBufferBytes: 1 << 28,
        computeUnits: 1,
        capabilities: DeviceDescription.Capability.allCases
    )

    private static func words(_ bytes: [UInt8]) -> [UInt32] {
        stride(from: 0, to: bytes.count, by: 4).map { offset in
            bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
    }

    private static func bytes(_ words: [UInt32]) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in words { bytes.appendLittleEndian(word) }
        return bytes
    }
}
