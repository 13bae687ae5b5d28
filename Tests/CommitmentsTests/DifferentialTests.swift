// The hash suites against independent implementations: Python's hashlib, and the `blake3` package where it is installed.
import AssayTesting
import Codecs
import Commitments
import Testing

private enum Python {
    /// The output of a program, or `nil` when Python or a module of it is missing.
    static func run(_ program: String, input: [UInt8] = []) -> String? {
        PeerPython.run(program, input: input).map { String(decoding: $0, as: UTF8.self) }
    }

    static let hasHashlib = PeerPython.has("hashlib", for: "hash suites against hashlib")
    static let hasBLAKE3 = PeerPython.has("blake3", for: "BLAKE3 against the PyPI package")
}

@Suite struct DifferentialTests {
    private static let seed: UInt64 = 0xd1f_f001
    private static let lengths = [
        0, 1, 64, 135, 136, 137, 1024, 1025, 16_384, 16_385, 100_000, 1 << 20, (1 << 20) + 77,
    ]

    /// The digests that `expression` gives for prefixes of the data on standard input.
    private func peer(_ module: String, _ expression: String, _ data: [UInt8]) -> [String]? {
        let program = """
            import \(module), sys
            data = sys.stdin.buffer.read()
            for n in \(Self.lengths):
                d = data[:n]
                print(\(expression))
            """
        return Python.run(program, input: data)?.split(separator: "\n").map(String.init)
    }

    private func data() -> [UInt8] {
        var random = SeededGenerator(seed: Self.seed)
        return random.bytes(Self.lengths.max() ?? 0)
    }

    @Test(.enabled(if: Python.hasHashlib, "python3 with hashlib is not here"))
    func `SHA-256 and SHA3-256 are hashlib's`() throws {
        let data = data()
        for (suite, name) in [(HashSuite.sha2_256, "sha256"), (.sha3_256, "sha3_256")] {
            let expected = try #require(peer("hashlib", "hashlib.\(name)(d).hexdigest()", data))
            #expect(Self.lengths.map { suite.hash(Array(data.prefix($0))).hex } == expected, "seed \(Self.seed)")
        }
    }

    @Test(.enabled(if: Python.hasBLAKE3, "the Python package blake3 is not here"))
    func `BLAKE3 is the PyPI package's`() throws {
        let data = data()
        let expected = try #require(peer("blake3", "blake3.blake3(d).hexdigest()", data))
        #expect(Self.lengths.map { HashSuite.blake3.hash(Array(data.prefix($0))).hex } == expected, "seed \(Self.seed)")
    }
}
