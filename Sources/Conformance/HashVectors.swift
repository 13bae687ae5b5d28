// The hash suites' published answers: BLAKE3 in its three modes, Keccak-256 and SHA3-256.
public import Codecs
internal import Commitments
public import Verdicts

/// Family `blake3`.
public struct BLAKE3Vectors: VectorFamily {
    public let name = "blake3"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        var reader = try JSONReader(try JSONValue(parsing: file.bytes))
        let key = try Digest(Array(try reader.string("key").utf8), field: "key")
        let context = try reader.string("context_string")
        var checks: [Check] = []
        for (index, row) in try reader.array("cases", max: 1000).enumerated() {
            var row = try JSONReader(row, "cases[\(index)]")
            let input = VectorInput.counter251(Int(try row.integer("input_len", in: 0...1 << 24)))
            let modes: [(name: String, hash: BLAKE3)] = [
                ("hash", BLAKE3()), ("keyed_hash", BLAKE3(key: key)), ("derive_key", BLAKE3(derivingKeyIn: context)),
            ]
            for mode in modes {
                var hash = mode.hash
                hash.update(input)
                let expected = try row.string(mode.name)
                let actual = Hex.encode(hash.output(count: expected.utf8.count / 2))
                let id = "\(mode.name)/\(input.count)"
                checks.append(file.check(id, actual == expected, expected: expected, actual: actual))
            }
        }
        return checks
    }
}

/// Family `sha3-keccak`.
public struct KeccakVectors: VectorFamily {
    public let name = "sha3-keccak"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        switch file.path {
        case "keccak256-kat.json": return try edges(file)
        case "ShortMsgKAT_SHA3-256.txt": return try answers(file)
        default: return [file.skip("", "the permutation has no interface of its own; both hashes run over it")]
        }
    }

    private func edges(_ file: VectorFile) throws(ParseError) -> [Check] {
        guard case .array(let rows) = try JSONValue(parsing: file.bytes) else {
            throw ParseError(field: "", expected: "an array", actual: "another value")
        }
        var checks: [Check] = []
        for (index, row) in rows.enumerated() {
            var reader = try JSONReader(row, "[\(index)]")
            let input = VectorInput.counter251(Int(try reader.integer("len", in: 0...1 << 24)))
            for (name, suite) in [("keccak256", HashSuite.keccak256), ("sha3_256", .sha3_256)] {
                let (expected, actual) = (try reader.string(name), suite.hash(input).hex)
                checks.append(
                    file.check("\(name)/\(input.count)", actual == expected, expected: expected, actual: actual)
                )
            }
        }
        return checks
    }

    /// `Len`, `Msg` and `MD` lines; the lengths are in bits.
    private func answers(_ file: VectorFile) throws(ParseError) -> [Check] {
        var checks: [Check] = []
        var bits = 0
        var message: [UInt8] = []
        for line in String(decoding: file.bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard words.count == 3, words[1] == "=" else { continue }
            switch words[0] {
            case "Len": bits = Int(words[2]) ?? 0
            case "Msg": message = try Hex.decode(words[2], allowsUpperCase: true, field: "Msg")
            case "MD":
                guard bits.isMultiple(of: 8) else {
                    checks.append(file.skip("\(bits)", "a message that is not whole bytes"))
                    continue
                }
                let expected = try Digest(try Hex.decode(words[2], allowsUpperCase: true, field: "MD")).hex
                let actual = HashSuite.sha3_256.hash(Array(message.prefix(bits / 8))).hex
                checks.append(file.check("\(bits)", actual == expected, expected: expected, actual: actual))
            default: continue
            }
        }
        return checks
    }
}

/// Inputs that several publications share.
enum VectorInput {
    /// Byte i is i mod 251.
    static func counter251(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8($0 % 251) }
    }

    /// A counter of four little-endian bytes, from 1.
    static func counter32(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for counter in 0..<UInt32(count / 4 + 1) { bytes.appendLittleEndian(counter + 1) }
        return Array(bytes.prefix(count))
    }
}
