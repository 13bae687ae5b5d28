// The hash kernels in all their forms against each other, and the suites against their published vectors.
import CHashKernels
import Codecs
import Commitments
import Testing

@Suite struct HashKernelTests {
    static let forms: [(Int, String)] = [
        (ASSAY_HASH_PORTABLE, "portable"), (ASSAY_HASH_AVX2, "AVX2"), (ASSAY_HASH_AVX512, "AVX-512"),
        (ASSAY_HASH_SHA_NI, "SHA-NI"),
    ]

    @Test func `SHA-256 of many messages is SHA-256 of each, in every form`() {
        let seed: UInt64 = 0x5eed_0001
        var random = SeededGenerator(seed: seed)
        let bytes = random.bytes(9 * 1000)
        for form in [ASSAY_HASH_PORTABLE, ASSAY_HASH_SHA_NI] where assay_hash_supports(Int32(form)) != 0 {
            for length in Array(0...140) + [191, 192, 193, 1000] {
                for count in [1, 3, 4, 5, 9] where length < 200 || count == 9 {
                    var digests = [UInt8](repeating: 0, count: 32 * count)
                    assay_sha256_many_with(Int32(form), bytes, 1000, length, count, &digests)
                    let expected = (0..<count).flatMap {
                        SHA256.hash(Array(bytes[1000 * $0..<1000 * $0 + length])).bytes
                    }
                    #expect(digests == expected, "form \(form), length \(length), count \(count), seed \(seed)")
                }
            }
        }
    }

    @Test func `BLAKE3 subtrees agree in every form`() {
        let seed: UInt64 = 0x5eed_0002
        var random = SeededGenerator(seed: seed)
        let bytes = random.bytes(64 * 1024 + 5)
        let key = (0..<8).map { _ in UInt32.random(in: 0...UInt32.max, using: &random) }
        for level in 0...6 {
            // The counter crosses 2^32 between the lanes of one vector.
            for counter: UInt64 in [0, 0xffff_fffb, 1 << 40] {
                var expected = [UInt8](repeating: 0, count: 32)
                bytes.withUnsafeBufferPointer { bytes in
                    assay_blake3_subtree_with(
                        Int32(ASSAY_HASH_PORTABLE),
                        bytes.baseAddress! + 5,
                        1 << level,
                        key,
                        counter,
                        16,
                        &expected
                    )
                    for form in [ASSAY_HASH_AVX2, ASSAY_HASH_AVX512] where assay_hash_supports(Int32(form)) != 0 {
                        var actual = [UInt8](repeating: 0, count: 32)
                        assay_blake3_subtree_with(
                            Int32(form),
                            bytes.baseAddress! + 5,
                            1 << level,
                            key,
                            counter,
                            16,
                            &actual
                        )
                        #expect(actual == expected, "form \(form), 2^\(level) chunks, counter \(counter), seed \(seed)")
                    }
                }
            }
        }
    }

    @Test func `The streaming forms do not depend on how the message is cut`() {
        let seed: UInt64 = 0x5eed_0003
        var random = SeededGenerator(seed: seed)
        let message = random.bytes(70_000)
        for suite in HashSuite.allCases {
            let whole = suite.hash(message)
            for _ in 0..<20 {
                var hasher = SuiteHasher(suite)
                var offset = 0
                while offset < message.count {
                    let step = [1, 63, 64, 136, 1023, 1024, 1025, 2048, 5000, 33_000].randomElement(using: &random)!
                    let end = min(message.count, offset + step)
                    message[offset..<end].withUnsafeBytes { hasher.update($0) }
                    offset = end
                }
                #expect(hasher.finalized() == whole, "suite \(suite), seed \(seed)")
            }
        }
    }

    @Test func `Suite identifiers are fixed and travel with digests`() throws {
        #expect(HashSuite.allCases.map(\.rawValue) == ["sha2-256", "blake3", "keccak-256", "sha3-256"])
        for suite in HashSuite.allCases {
            let digest = SuiteDigest(suite: suite, digest: suite.hash([1, 2, 3]))
            #expect(try SuiteDigest(text: digest.text) == digest)
        }
        #expect(Set(HashSuite.allCases.map { $0.hash([]) }).count == HashSuite.allCases.count)
        for text in ["", "sha256:00", "sha2-256", "sha2-256:" + String(repeating: "g", count: 64), "SHA2-256:00"] {
            #expect(throws: ParseError.self) { try SuiteDigest(text: text) }
        }
    }
}

@Suite(.enabled(if: CommitmentVectors.isPresent, CommitmentVectors.missing))
struct HashVectorTests {
    @Test func `BLAKE3 vectors: hash, keyed hash and derived key, with extended output`() throws {
        let vectors = try CommitmentVectors.json("blake3/test_vectors.json")
        let key = try Digest(Array(vectors["key"].text.utf8))
        let context = try vectors["context_string"].text
        let cases = try vectors["cases"].elements
        #expect(cases.count == 35)
        for vector in cases {
            let input = try (0..<vector["input_len"].number).map { UInt8($0 % 251) }
            for (field, start) in [
                ("hash", BLAKE3()), ("keyed_hash", BLAKE3(key: key)), ("derive_key", BLAKE3(derivingKeyIn: context)),
            ] {
                var hash = start
                hash.update(input)
                let expected = try vector[field].text
                #expect(
                    Hex.encode(hash.output(count: expected.count / 2)) == expected,
                    "\(field) of \(input.count) bytes"
                )
                #expect(hash.finalized().hex == String(expected.prefix(64)))
            }
        }
    }

    @Test func `Keccak-256 and SHA3-256 at block edges`() throws {
        for vector in try CommitmentVectors.json("sha3-keccak/keccak256-kat.json").elements {
            guard try vector["input"].text == "byte i = i mod 251" else {
                Issue.record("unknown input rule \(try vector["input"].text)")
                continue
            }
            let input = try (0..<vector["len"].number).map { UInt8($0 % 251) }
            #expect(HashSuite.keccak256.hash(input).hex == (try vector["keccak256"].text))
            #expect(HashSuite.sha3_256.hash(input).hex == (try vector["sha3_256"].text))
        }
    }

    /// Messages whose length is not a multiple of eight bits are outside of an interface of bytes.
    @Test func `SHA3-256 short message answers`() throws {
        let text = String(decoding: try CommitmentVectors.bytes("sha3-keccak/ShortMsgKAT_SHA3-256.txt"), as: UTF8.self)
        var length = 0
        var message: [UInt8] = []
        var checked = 0
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: " ")
            guard parts.count == 3, parts[1] == "=" else { continue }
            switch parts[0] {
            case "Len": length = Int(parts[2]) ?? -1
            case "Msg": message = try Hex.decode(parts[2], allowsUpperCase: true)
            case "MD" where length.isMultiple(of: 8):
                let expected = try Digest(Hex.decode(parts[2], allowsUpperCase: true))
                #expect(HashSuite.sha3_256.hash(Array(message.prefix(length / 8))) == expected, "\(length) bits")
                checked += 1
            default: break
            }
        }
        #expect(checked == 256)
    }

    @Test func `Keccak-f maps the zero state as published`() throws {
        let path = "sha3-keccak/KeccakF-1600-IntermediateValues.txt"
        let text = String(decoding: try CommitmentVectors.bytes(path), as: UTF8.self)
        var states: [[UInt8]] = []
        var nextIsState = false
        for line in text.split(whereSeparator: \.isNewline) {
            if nextIsState {
                states.append(try line.split(separator: " ").flatMap { try Hex.decode($0, allowsUpperCase: true) })
                nextIsState = false
            }
            if line.hasPrefix("Input of permutation") || line.hasPrefix("State after permutation") {
                nextIsState = true
            }
        }
        #expect(states.count >= 4 && states.allSatisfy { $0.count == 200 })
        for pair in stride(from: 0, to: states.count - 1, by: 2) {
            var lanes = (0..<25).map { lane in
                (0..<8).reduce(UInt64(0)) { $0 | UInt64(states[pair][8 * lane + $1]) << UInt64(8 * $1) }
            }
            assay_keccak_f1600(&lanes)
            #expect(
                lanes.flatMap { lane in (0..<8).map { UInt8(truncatingIfNeeded: lane >> UInt64(8 * $0)) } }
                    == states[pair + 1]
            )
        }
    }
}
