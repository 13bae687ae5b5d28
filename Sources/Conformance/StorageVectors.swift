// What storage networks publish: Bao encodings, Filecoin pieces, OpenZeppelin's trees.
public import Codecs
internal import Commitments
public import Verdicts

/// Family `bao`.
public struct BaoVectors: VectorFamily {
    public let name = "bao"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        var reader = try JSONReader(try JSONValue(parsing: file.bytes))
        var checks: [Check] = []
        for section in ["encode", "outboard"] {
            for (index, row) in try reader.array(section, max: 1000).enumerated() {
                var row = try JSONReader(row, "\(section)[\(index)]")
                checks.append(try encoding(file, &row, section))
            }
        }
        for (index, row) in try reader.array("slice", max: 1000).enumerated() {
            var row = try JSONReader(row, "slice[\(index)]")
            let input = VectorInput.counter32(Int(try row.integer("input_len", in: 0...1 << 24)))
            let root = try Digest(hex: try row.string("bao_hash"))
            for (place, slice) in try row.array("slices", max: 1000).enumerated() {
                var slice = try JSONReader(slice, "slices[\(place)]")
                checks.append(try Self.slice(file, &slice, input, root))
            }
        }
        for (index, row) in try reader.array("seek", max: 1000).enumerated() {
            var row = try JSONReader(row, "seek[\(index)]")
            let input = VectorInput.counter32(Int(try row.integer("input_len", in: 0...1 << 24)))
            let root = BLAKE3.hash(input)
            for offset in try Self.offsets("seek_offsets", &row) {
                // Reading from an offset on is a slice that reaches to the end.
                let slice = Bao.chunks.slice(input, start: UInt64(offset), count: .max)
                let read = try? Bao.chunks.decodeSlice(
                    slice,
                    root: root,
                    start: UInt64(offset),
                    count: .max,
                    maxBytes: 1 << 24
                )
                let isRight = read == Array(input.dropFirst(offset))
                checks.append(
                    file.check("seek/\(input.count)/\(offset)", isRight, expected: "the rest", actual: "other bytes")
                )
            }
        }
        return checks
    }

    private func encoding(
        _ file: VectorFile,
        _ row: inout JSONReader,
        _ section: String
    ) throws(ParseError) -> Check {
        let input = VectorInput.counter32(Int(try row.integer("input_len", in: 0...1 << 24)))
        let isWhole = section == "encode"
        let (root, encoding) = isWhole ? Bao.chunks.encode(input) : Bao.chunks.outboard(input)
        func isGood(_ encoding: [UInt8], _ data: [UInt8]) -> Bool {
            if isWhole { return (try? Bao.chunks.decode(encoding, root: root, maxBytes: 1 << 24)) == input }
            return (try? Bao.chunks.verify(data, outboard: encoding, root: root)) != nil
        }
        var faults: [String] = []
        if root.hex != (try row.string("bao_hash")) { faults.append("root") }
        if BLAKE3.hash(encoding).hex != (try row.string("encoded_blake3")) { faults.append("encoding") }
        if !isGood(encoding, input) { faults.append("refused") }
        for offset in try Self.offsets(isWhole ? "corruptions" : "outboard_corruptions", &row) {
            if isGood(Self.flipped(encoding, offset), input) { faults.append("corruption at \(offset) accepted") }
        }
        if !isWhole {
            for offset in try Self.offsets("input_corruptions", &row) {
                if isGood(encoding, Self.flipped(input, offset)) { faults.append("input corruption accepted") }
            }
        }
        let id = "\(section)/\(input.count)"
        return file.check(id, faults.isEmpty, expected: "as published", actual: faults.joined(separator: ", "))
    }

    private static func slice(
        _ file: VectorFile,
        _ row: inout JSONReader,
        _ input: [UInt8],
        _ root: Digest
    ) throws(ParseError) -> Check {
        let start = UInt64(try row.integer("start"))
        let count = UInt64(try row.integer("len"))
        let slice = Bao.chunks.slice(input, start: start, count: count)
        func decoded(_ slice: [UInt8]) -> [UInt8]? {
            try? Bao.chunks.decodeSlice(slice, root: root, start: start, count: count, maxBytes: 1 << 24)
        }
        var faults: [String] = []
        if BLAKE3.hash(slice).hex != (try row.string("output_blake3")) { faults.append("slice") }
        if decoded(slice) != Array(input.dropFirst(Int(start)).prefix(Int(count))) { faults.append("refused") }
        for offset in try offsets("corruptions", &row) where decoded(flipped(slice, offset)) != nil {
            faults.append("corruption at \(offset) accepted")
        }
        let id = "slice/\(input.count)/\(start)+\(count)"
        return file.check(id, faults.isEmpty, expected: "as published", actual: faults.joined(separator: ", "))
    }

    private static func offsets(_ name: String, _ row: inout JSONReader) throws(ParseError) -> [Int] {
        try row.array(name, max: 1000) { value, field throws(ParseError) in
            guard case .number(let number) = value, let offset = number.integer, offset >= 0 else {
                throw ParseError(field: field, expected: "an offset", actual: value.typeName)
            }
            return Int(offset)
        }
    }

    private static func flipped(_ bytes: [UInt8], _ offset: Int) -> [UInt8] {
        var copy = bytes
        if copy.indices.contains(offset) { copy[offset] ^= 1 }
        return copy
    }
}

/// Family `filecoin`.
public struct FilecoinVectors: VectorFamily {
    public let name = "filecoin"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        let byte: UInt8
        switch file.path {
        case "zero.txt": byte = 0
        case "0xCC.txt": byte = 0xcc
        default: return [file.skip("", "payloads that are named by their CIDs and not published")]
        }
        var checks: [Check] = []
        for line in String(decoding: file.bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: ",")
            guard parts.count == 3, let size = Int(parts[0]), (0...1 << 24).contains(size) else {
                throw ParseError(field: "row", expected: "payload size, piece size, CID", actual: String(line))
            }
            var hasher = PieceHasher()
            hasher.update([UInt8](repeating: byte, count: size))
            let expected = "\(parts[1]) \(parts[2])"
            let actual = hasher.finalized().map { "\($0.paddedSize) \($0.text)" } ?? "none"
            checks.append(file.check("\(size)", actual == expected, expected: expected, actual: actual))
        }
        return checks
    }
}

/// Family `oz-merkle`.
public struct OpenZeppelinVectors: VectorFamily {
    public let name = "oz-merkle"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        var reader = try JSONReader(try JSONValue(parsing: file.bytes))
        let isStandard = try reader.string("format") == "standard-v1"
        let tree = try reader.array("tree", max: 10_000) { value, field throws(ParseError) in
            guard case .string(let text) = value, text.hasPrefix("0x") else {
                throw ParseError(field: field, expected: "0x and a hash", actual: value.typeName)
            }
            return try Digest(hex: text.dropFirst(2), field: field)
        }
        let values = try reader.array("values", max: 10_000)
        let rebuilt = OpenZeppelinTree.tree(leaves: tree.suffix(values.count).reversed())
        var checks = [file.check("tree", rebuilt == tree, expected: "the published nodes", actual: "other nodes")]
        for (place, value) in values.enumerated() {
            var value = try JSONReader(value, "values[\(place)]")
            let index = Int(try value.integer("treeIndex", in: 0...Int64(max(0, tree.count - 1))))
            if isStandard {
                guard case .string(let text)? = try value.array("value", max: 1).first else { continue }
                let leaf = OpenZeppelinTree.standardLeaf(abiEncoded: Self.abiString(text))
                checks.append(
                    file.check("leaf/\(place)", leaf == tree[index], expected: tree[index].hex, actual: leaf.hex)
                )
            }
            let proof = OpenZeppelinTree.proof(index: index, tree: tree) ?? []
            let isProved = OpenZeppelinTree.verify(leaf: tree[index], proof: proof, root: tree[0])
            checks.append(file.check("proof/\(place)", isProved, expected: "accept", actual: "reject"))
        }
        return checks
    }

    /// The ABI encoding of one string: offset, length, bytes padded to 32.
    private static func abiString(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        var encoded = [UInt8](repeating: 0, count: 56)
        encoded[31] = 32
        encoded.appendBigEndian(UInt64(bytes.count))
        return encoded + bytes + [UInt8](repeating: 0, count: (32 - bytes.count % 32) % 32)
    }
}
