// What EVM chains sign and hash: EIP-712 with its signature, and Poseidon over two scalar fields.
internal import Algebra
public import Codecs
internal import Commitments
internal import Receipts
internal import Signatures
public import Verdicts

/// Family `eip712`.
public struct EIP712Vectors: VectorFamily {
    public let name = "eip712"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        var reader = try JSONReader(try JSONValue(parsing: file.bytes))
        let data = try TypedData(try reader.value("typed_data"), "typed_data")
        let digest = try data.digest()
        var checks: [Check] = []
        for (name, actual) in [
            ("domain_separator", try data.domainSeparator()), ("struct_hash", try data.messageHash()),
            ("digest", digest),
        ] {
            let expected = try reader.string(name)
            checks.append(file.check(name, expected == actual.hex, expected: expected, actual: actual.hex))
        }
        let r = try reader.hex("r", count: 32)
        let signature = try Secp256k1Key.Signature(r + (try reader.hex("s", count: 32)))
        let recovery = UInt8(try reader.integer("v", in: 27...28) - 27)
        let signer = try ChainAddress(text: try reader.string("signer"))
        let key = Secp256k1Key(recoveringFrom: signature, recovery: recovery, digest: digest.bytes)
        let address = key.map { ChainAddress(of: $0).text } ?? "none"
        checks.append(file.check("signer", address == signer.text, expected: signer.text, actual: address))
        let isValid = key?.isValid(signature, digest: digest.bytes) ?? false
        checks.append(file.check("signature", isValid, expected: "valid", actual: isValid ? "valid" : "invalid"))
        return checks
    }
}

/// Family `poseidon`: the permutation of EIP-5988's annex, and Poseidon2 of EIP-8182.
public struct PoseidonVectors: VectorFamily {
    public let name = "poseidon"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        switch file.path {
        case "poseidon2_vectors.json": try sponge(file)
        case "poseidon2_bn254_t4_rf8_rp56.json": try parameters(file)
        default: try permutations(file)
        }
    }

    private func sponge(_ file: VectorFile) throws(ParseError) -> [Check] {
        var reader = try JSONReader(try JSONValue(parsing: file.bytes))
        return try reader.array("poseidonVectors", max: 1000).enumerated().map { (index, row) throws(ParseError) in
            var row = try JSONReader(row, "poseidonVectors[\(index)]")
            let inputs = try row.array("inputs", max: 4096) { (value, path) throws(ParseError) -> BN254.Fr in
                try Self.element(value, path)
            }
            let expected = try row.string("output")
            let actual = "0x" + Hex.encode(Poseidon2BN254.hash(inputs).bigEndianBytes)
            return file.check("\(index)", expected == actual, expected: expected, actual: actual)
        }
    }

    private func parameters(_ file: VectorFile) throws(ParseError) -> [Check] {
        var reader = try JSONReader(try JSONValue(parsing: file.bytes))
        let own = Poseidon2BN254.parameters
        var checks: [Check] = []
        for (name, elements) in [("roundConstants", own.roundConstants), ("internalDiagonal", own.diagonal)] {
            let published = try reader.array(name, max: 1000) { (value, path) throws(ParseError) -> BN254.Fr in
                try Self.element(value, path)
            }
            let actual = published == elements ? "the same" : "other numbers"
            checks.append(
                file.check(name, published == elements, expected: "\(published.count) numbers", actual: actual)
            )
        }
        return checks
    }

    private static func element<Element: PrimeField>(_ value: JSONValue, _ path: String) throws(ParseError) -> Element {
        guard case .string(let text) = value, text.hasPrefix("0x"), let integer = Integer(text.dropFirst(2), radix: 16),
            integer < Element.modulus
        else { throw ParseError(field: path, expected: "an element in hexadecimal", actual: value.typeName) }
        return Element(reducing: integer)
    }

    /// `# poseidonperm_x5_254_3`, then a line each of inputs and outputs after `Input:` and `Output:`.
    private func permutations(_ file: VectorFile) throws(ParseError) -> [Check] {
        var checks: [Check] = []
        let lines = String(decoding: file.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        for (index, line) in lines.enumerated() where line.hasPrefix("# ") {
            let id = String(line.dropFirst(2))
            guard index + 4 < lines.count, lines[index + 1] == "Input:", lines[index + 3] == "Output:" else {
                throw ParseError(field: id, expected: "inputs and outputs", actual: "other lines")
            }
            let (inputs, outputs) = (try Self.list(lines[index + 2]), try Self.list(lines[index + 4]))
            switch id {
            case "poseidonperm_x5_254_3": checks.append(try run(file, id, inputs, outputs, BN254.Fr.self, 254, 57))
            case "poseidonperm_x5_254_5": checks.append(try run(file, id, inputs, outputs, BN254.Fr.self, 254, 60))
            case "poseidonperm_x5_255_3": checks.append(try run(file, id, inputs, outputs, BLS12381.Fr.self, 255, 57))
            case "poseidonperm_x5_255_5": checks.append(try run(file, id, inputs, outputs, BLS12381.Fr.self, 255, 60))
            default: checks.append(file.skip(id, "Starkad, a permutation over a binary field that nothing here uses"))
            }
        }
        return checks
    }

    private func run<Element: PrimeField>(
        _ file: VectorFile,
        _ id: String,
        _ inputs: [String],
        _ outputs: [String],
        _ field: Element.Type,
        _ bits: Int,
        _ partialRounds: Int
    ) throws(ParseError) -> Check {
        let elements = try inputs.map { (text) throws(ParseError) -> Element in
            try Self.element(.string(text), id)
        }
        let permutation = PoseidonPermutation<Element>(
            fieldBits: bits,
            width: inputs.count,
            partialRounds: partialRounds
        )
        let expected = try outputs.map { (text) throws(ParseError) -> Element in try Self.element(.string(text), id) }
        let actual = permutation?.permute(elements)
        return file.check(
            id,
            actual == expected,
            expected: outputs.joined(separator: " "),
            actual: actual == expected ? "the same" : "other elements"
        )
    }

    /// The strings of a list in Python's form.
    private static func list(_ line: String) throws(ParseError) -> [String] {
        guard line.hasPrefix("["), line.hasSuffix("]") else {
            throw ParseError(field: "list", expected: "strings in brackets", actual: String(line.prefix(40)))
        }
        return line.dropFirst().dropLast().split(separator: ",").map { part in
            String(part.filter { $0 != " " && $0 != "'" })
        }
    }
}
