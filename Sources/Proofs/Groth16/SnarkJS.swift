// The JSON files of snarkjs: verification_key.json, proof.json, public.json. Numbers are decimal strings; points are
// projective with z, which must be 1, or 0 for infinity in the form (0, 1, 0).
public import Algebra
public import Codecs
internal import Commitments
public import Verdicts

/// A reader of snarkjs files for one curve.
struct SnarkJS<C: PairingCurve> {
    var compatibility: Set<Groth16Compatibility>

    /// The names that snarkjs and its relatives write for the curve.
    static var curveNames: [String] {
        C.name == "BN254" ? ["bn128", "bn254", "altbn128"] : ["bls12381", "bls12-381", "bls12_381"]
    }

    static var limits: JSONLimits { JSONLimits(bytes: 4 << 20, depth: 8, values: 100_000) }

    func tags(_ reader: inout JSONReader, isKey: Bool) throws(ParseError) {
        if compatibility.contains(.foreignTags) && !isKey {
            _ = reader.optionalValue("protocol")
            _ = reader.optionalValue("curve")
            return
        }
        try reader.constant("protocol", "groth16")
        // rapidsnark leaves the curve out of proofs.
        guard let curve = try reader.optionalString("curve") ?? (isKey ? "" : nil) else { return }
        guard Self.curveNames.contains(curve.lowercased()) else {
            throw ParseError(field: reader.path("curve"), expected: Self.curveNames[0], actual: curve)
        }
    }

    func number<F: PrimeField>(_ value: JSONValue, _ field: String, isCoordinate: Bool) throws(ParseError) -> F {
        guard case .string(let text) = value else {
            throw ParseError(field: field, expected: "a decimal string", actual: value.typeName)
        }
        let isReduced = isCoordinate && compatibility.contains(.unreducedCoordinates)
        let isHexadecimal = compatibility.contains(.hexadecimalNumbers) && text.hasPrefix("0x")
        guard isReduced || isHexadecimal else { return try F(decimal: text, field: field) }
        let parsed = isHexadecimal ? Integer(text.dropFirst(2), radix: 16) : Integer(text)
        guard text.utf8.count <= 512, let integer = parsed, integer.sign >= 0, isReduced || integer < F.modulus else {
            throw ParseError(field: field, expected: "a number below the modulus", actual: text)
        }
        return F(reducing: integer)
    }

    private func coordinates<F: Field>(
        _ value: JSONValue,
        _ field: String,
        _ parse: (JSONValue, String) throws(ParseError) -> F
    ) throws(ParseError) -> (x: F, y: F)? {
        guard case .array(let items) = value, items.count == 3 else {
            throw ParseError(field: field, expected: "an array of three coordinates", actual: value.typeName)
        }
        let x = try parse(items[0], field + "[0]")
        let y = try parse(items[1], field + "[1]")
        let z = try parse(items[2], field + "[2]")
        if z == .one { return (x, y) }
        guard z.isZero, x.isZero, y == .one else {
            throw ParseError(field: field, expected: "z = 1, or (0, 1, 0)", actual: "other projective coordinates")
        }
        return nil
    }

    func g1(_ value: JSONValue, _ field: String) throws(ParseError) -> UncheckedPoint<C.G1> {
        let point = try coordinates(value, field) { (value, field) throws(ParseError) -> C.Fields.Base in
            try number(value, field, isCoordinate: true)
        }
        return point.map { UncheckedPoint(x: $0.x, y: $0.y) } ?? .infinity
    }

    func g2(_ value: JSONValue, _ field: String) throws(ParseError) -> UncheckedPoint<C.G2> {
        let point = try coordinates(value, field) { (value, field) throws(ParseError) -> Fp2<C.Fields> in
            guard case .array(let pair) = value, pair.count == 2 else {
                throw ParseError(field: field, expected: "an array of two coefficients", actual: value.typeName)
            }
            return Fp2(
                try number(pair[0], field + "[0]", isCoordinate: true),
                try number(pair[1], field + "[1]", isCoordinate: true)
            )
        }
        return point.map { UncheckedPoint(x: $0.x, y: $0.y) } ?? .infinity
    }
}

extension Groth16Key {
    /// Reads a `verification_key.json` of snarkjs. `vk_alphabeta_12` is not read: it follows from the other points.
    /// - Throws: `ParseError` for a malformed file or a key that is refused; see `init(alpha:beta:gamma:delta:inputs:)`.
    public init(snarkjs json: [UInt8], allowing compatibility: Set<Groth16Compatibility> = []) throws(ParseError) {
        let value = try JSONValue(parsing: json, limits: SnarkJS<C>.limits)
        self = try UncheckedGroth16Key(snarkjs: value, allowing: compatibility).checked(allowing: compatibility)
    }
}

extension UncheckedGroth16Key {
    init(snarkjs value: JSONValue, allowing compatibility: Set<Groth16Compatibility>) throws(ParseError) {
        let format = SnarkJS<C>(compatibility: compatibility)
        let maximum = Groth16Key<C>.maximumInputs
        var reader = try JSONReader(value)
        try format.tags(&reader, isKey: true)
        let count = try reader.integer("nPublic", in: 0...Int64(maximum))
        alpha = try format.g1(try reader.value("vk_alpha_1"), "vk_alpha_1")
        beta = try format.g2(try reader.value("vk_beta_2"), "vk_beta_2")
        gamma = try format.g2(try reader.value("vk_gamma_2"), "vk_gamma_2")
        delta = try format.g2(try reader.value("vk_delta_2"), "vk_delta_2")
        _ = reader.optionalValue("vk_alphabeta_12")
        inputs = try reader.array("IC", max: maximum + 1, format.g1)
        try reader.finish()
        guard inputs.count == Int(count) + 1 else {
            throw ParseError(field: "IC", expected: "nPublic + 1 = \(count + 1) points", actual: "\(inputs.count)")
        }
    }
}

extension Groth16Proof {
    /// Reads a `proof.json` of snarkjs or rapidsnark.
    /// - Throws: `ParseError` for a malformed file, a foreign tag or coordinates that are not canonical.
    public init(snarkjs json: [UInt8], allowing compatibility: Set<Groth16Compatibility> = []) throws(ParseError) {
        let format = SnarkJS<C>(compatibility: compatibility)
        var reader = try JSONReader(try JSONValue(parsing: json, limits: SnarkJS<C>.limits))
        try format.tags(&reader, isKey: false)
        a = try format.g1(try reader.value("pi_a"), "pi_a")
        b = try format.g2(try reader.value("pi_b"), "pi_b")
        c = try format.g1(try reader.value("pi_c"), "pi_c")
        try reader.finish()
    }

    /// Reads a `public.json` of snarkjs: an array of decimal strings below the scalar field's order.
    /// - Throws: `ParseError` for a malformed file or a number outside 0 ..< r.
    public static func publicInputs(
        snarkjs json: [UInt8],
        allowing compatibility: Set<Groth16Compatibility> = []
    ) throws(ParseError) -> [C.G1.Scalar] {
        let format = SnarkJS<C>(compatibility: compatibility)
        let value = try JSONValue(parsing: json, limits: SnarkJS<C>.limits)
        guard case .array(let items) = value, items.count <= Groth16Key<C>.maximumInputs else {
            throw ParseError(field: "", expected: "an array of public inputs", actual: value.typeName)
        }
        var inputs: [C.G1.Scalar] = []
        for (index, item) in items.enumerated() {
            inputs.append(try format.number(item, "[\(index)]", isCoordinate: false))
        }
        return inputs
    }
}

extension Groth16Verifier {
    /// Checks the files of snarkjs as they are. Whatever is malformed in them is a failed check of the verdict, named after
    /// the file, and the verdict's subject is then the key's digest.
    public func verify(
        snarkjsProof proof: [UInt8],
        publicInputs: [UInt8],
        allowing compatibility: Set<Groth16Compatibility> = []
    ) -> Verdict {
        let inputs: [C.G1.Scalar]
        do {
            inputs = try Groth16Proof<C>.publicInputs(snarkjs: publicInputs, allowing: compatibility)
        } catch {
            return malformed("groth16.public.encoding", error)
        }
        do {
            return verify(try Groth16Proof(snarkjs: proof, allowing: compatibility), publicInputs: inputs)
        } catch {
            return malformed("groth16.proof.encoding", error)
        }
    }

    func malformed(_ id: String, _ error: ParseError) -> Verdict {
        let field = error.field.isEmpty ? "" : error.field + ": "
        let check = Check(id: id, result: .fail, expected: field + error.expected, actual: error.actual)
        return Self.verdict([check], key.digest.text)
    }
}
