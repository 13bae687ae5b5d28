// Asks a device two million questions whose answers the oracle knows: arithmetic at the edges of single precision, integers, and
// the library's own functions. A device that answers one of them otherwise computes no job.
public import Codecs
public import Commitments
public import Replay

/// What a device's self-test found.
public enum SelfTestOutcome: Sendable, Equatable {
    /// Every answer was right. The device's description carries the record.
    case passed(DeviceDescription)
    /// The device computes something else.
    case refused(SelfTestFinding, DeviceDescription)
    /// There was no result.
    case failed(RunFailure)
}

/// The first wrong answer of a device.
public struct SelfTestFinding: Sendable, Equatable, CustomStringConvertible {
    /// What was asked.
    public var question: String
    /// The three words, most of them floats by their bits.
    public var inputs: [UInt32]
    /// The right answer.
    public var expected: UInt32
    /// The device's answer.
    public var actual: UInt32
    /// How many answers were wrong.
    public var count: Int

    public var description: String {
        let words = inputs.map(Self.hexadecimal).joined(separator: ", ")
        let answers = "\(Self.hexadecimal(actual)) instead of \(Self.hexadecimal(expected))"
        return "\(question) of \(words): \(answers), and \(count - 1) other wrong answers"
    }

    private static func hexadecimal(_ word: UInt32) -> String {
        let digits = String(word, radix: 16)
        return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
}

/// The self-test of devices.
public struct SelfTest: Sendable {
    /// The triples about which every question is asked.
    public static let triples = 65_536
    /// The questions, in the order of the kernel `probe`.
    public static let questions = [
        "a * b + c", "fma", "a / b", "sqrt", "a + b", "a - b", "a * b", "a product of denormals",
        "a sum of denormals", "int to float", "uint to float", "long to float", "float to int", "wide integers",
        "comparisons", "shifts and quotients", "exp", "log", "tanh", "erf", "sin", "cos", "rsqrt", "gelu",
        "gelu by tanh", "silu", "rounding to half", "halves", "larger", "an unfused chain", "a fused chain",
        "a quotient by a product",
    ]

    private static let inputs: [[UInt32]] = makeInputs(seed: 0x5e1f_7e57)
    private static let expected: [UInt8] = {
        guard let job = try? SelfTest().job(.any),
            let execution = try? ExactOracle().execute(job.spec, files: job.files)
        else { return [] }
        return execution.outputs["answers"] ?? []
    }()

    /// The self-test.
    public init() {}

    /// The number of answers that are compared.
    public var vectors: UInt64 { UInt64(Self.questions.count * Self.triples) }

    /// SHA-256("assay-self-test-1\0" ‖ options ‖ prelude digest ‖ SHA-256(program) ‖ SHA-256(inputs)).
    public var suite: Digest {
        var hash = SHA256()
        hash.update("assay-self-test-1\0")
        hash.update(Prelude.options)
        hash.update(Prelude.digest)
        hash.update(SHA256.hash(Array(KernelText.program([.probe], .definition, group: 64).utf8)))
        hash.update(SHA256.hash(Self.inputs.flatMap { Self.bytes($0) }))
        return hash.finalized()
    }

    /// The self-test as a computation.
    /// - Parameter stride: asks only about each `stride`-th triple: a smaller test, for a simulator.
    public func job(
        _ device: ReplaySpec.DeviceRequirement.Kind,
        stride: Int = 1
    ) throws(ParseError) -> (spec: ReplaySpec, files: [String: [UInt8]]) {
        var graph = ExactGraph(schedule: .definition, device: device)
        let chosen = Array(Swift.stride(from: 0, to: Self.triples, by: max(1, stride)))
        let count = UInt64(chosen.count)
        let a = try graph.input("a", .u32, [count], file: "a")
        let b = try graph.input("b", .u32, [count], file: "b")
        let c = try graph.input("c", .u32, [count], file: "c")
        let answers = try graph.output("answers", .u32, [UInt64(Self.questions.count), count])
        try graph.add(.probe, .slot(a), .slot(b), .slot(c), .slot(answers), .u32(UInt32(count)))
        var files = graph.sources
        for (name, words) in zip(["a", "b", "c"], Self.inputs) { files[name] = Self.bytes(chosen.map { words[$0] }) }
        return (try graph.spec(wallSeconds: 60), files)
    }

    /// Tests the device that `runner` uses for jobs that ask for `device`.
    public func run(_ runner: any Runner, device: ReplaySpec.DeviceRequirement.Kind) async -> SelfTestOutcome {
        let job: (spec: ReplaySpec, files: [String: [UInt8]])
        do throws(ParseError) {
            job = try self.job(device)
        } catch {
            return .failed(RunFailure(.input, "self-test: \(error)"))
        }
        switch await runner.run(job.spec, files: job.files) {
        case .refused(let faults):
            return .failed(RunFailure(.input, "self-test: \(faults.first?.description ?? "refused")"))
        case .failed(let failure): return .failed(failure)
        case .completed(let execution):
            guard let answers = execution.outputs["answers"], answers.count == Self.expected.count, !answers.isEmpty
            else { return .failed(RunFailure(.protocolViolation, "self-test: answers of another length")) }
            var description = execution.device
            guard let finding = Self.firstDifference(answers, Self.expected) else {
                description.selfTest = SelfTestRecord(suite: suite, vectors: vectors)
                return .passed(description)
            }
            description.selfTest = nil
            return .refused(finding, description)
        }
    }

    private static func firstDifference(_ answers: [UInt8], _ expected: [UInt8]) -> SelfTestFinding? {
        guard answers != expected else { return nil }
        let (mine, theirs) = (words(answers), words(expected))
        let wrong = mine.indices.filter { mine[$0] != theirs[$0] }
        guard let first = wrong.first else { return nil }
        let (question, triple) = first.quotientAndRemainder(dividingBy: triples)
        return SelfTestFinding(
            question: questions[question],
            inputs: inputs.map { $0[triple] },
            expected: theirs[first],
            actual: mine[first],
            count: wrong.count
        )
    }

    // MARK: Inputs

    /// Bits at which single precision changes its ways.
    private static let edges: [UInt32] = [
        0, 1, 2, 0x0040_0000, 0x007f_fffe, 0x007f_ffff, 0x0080_0000, 0x0080_0001, 0x00ff_ffff, 0x3380_0000,
        0x3e99_999a, 0x3eaa_aaab, 0x3f00_0000, 0x3f7f_ffff, 0x3f80_0000, 0x3f80_0001, 0x3fc0_0000, 0x4049_0fdb,
        0x4b00_0000, 0x4b7f_ffff, 0x4eff_ffff, 0x4f00_0000, 0x5f00_0000, 0x7f7f_ffff, 0x7f80_0000, 0x7fc0_0000,
    ]

    /// First every pair of edges with both signs, then a third each of any bits, of numbers near 1, and of small ones.
    private static func makeInputs(seed: UInt64) -> [[UInt32]] {
        let signed = edges + edges.map { $0 | 0x8000_0000 }
        var state = seed
        var arrays = [[UInt32]](repeating: [], count: 3)
        for index in 0..<triples {
            for position in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let bits = UInt32(truncatingIfNeeded: state >> 32)
                let word: UInt32
                switch index {
                case 0..<signed.count * signed.count where position < 2:
                    word = signed[position == 0 ? index / signed.count : index % signed.count]
                case _ where index % 3 == 0: word = bits
                // Exponents from 2^-32 to 2^31: products and sums that round.
                case _ where index % 3 == 1: word = bits & 0x807f_ffff | (95 + bits >> 23 & 63) << 23
                // Exponents from the denormals to 2^-94.
                default: word = bits & 0x807f_ffff | (bits >> 25 & 31) << 23
                }
                arrays[position].append(word)
            }
        }
        return arrays
    }

    private static func bytes(_ words: [UInt32]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(words.count * 4)
        for word in words { bytes.appendLittleEndian(word) }
        return bytes
    }

    private static func words(_ bytes: [UInt8]) -> [UInt32] {
        bytes.withUnsafeBytes { buffer in
            (0..<buffer.count / 4).map {
                UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self))
            }
        }
    }
}
