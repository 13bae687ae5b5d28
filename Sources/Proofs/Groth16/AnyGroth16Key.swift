// A Groth16 verifying key from a file of either format over either curve, before and while it is judged.
public import Algebra
public import Codecs
public import Commitments
public import Verdicts

/// Whose layout a Groth16 file has.
public enum Groth16Format: String, Sendable, CaseIterable {
    /// The JSON files of snarkjs and rapidsnark.
    case snarkjs
    /// gnark's binary files, compressed or raw.
    case gnark
    /// The words that contracts take, as bytes or as hexadecimal text after `0x`.
    case evm
}

/// A verifying key over either curve whose points were not checked yet.
public enum AnyGroth16Key: Sendable {
    case bn254(UncheckedGroth16Key<BN254>)
    case bls12381(UncheckedGroth16Key<BLS12381>)

    /// Reads a `verification_key.json` of snarkjs, or a verifying key that gnark wrote. The curve of gnark's, which do not
    /// name it, follows from where the number of points stands.
    /// - Throws: `ParseError` for a malformed file or an unknown curve.
    public init(_ bytes: [UInt8], allowing compatibility: Set<Groth16Compatibility> = []) throws(ParseError) {
        if Groth16Format.isJSON(bytes) {
            try self.init(
                snarkjs: try JSONValue(parsing: bytes, limits: SnarkJS<BN254>.limits),
                allowing: compatibility
            )
        } else if UncheckedGroth16Key<BN254>.hasGnarkShape(bytes) {
            self = .bn254(try UncheckedGroth16Key(gnark: bytes))
        } else if UncheckedGroth16Key<BLS12381>.hasGnarkShape(bytes) {
            self = .bls12381(try UncheckedGroth16Key(gnark: bytes))
        } else {
            throw ParseError(
                field: "",
                expected: "a verification_key.json of snarkjs, or a verifying key of gnark over BN254 or BLS12-381",
                actual: "\(bytes.count) bytes of another shape"
            )
        }
    }

    /// Reads the value of a `verification_key.json`.
    public init(snarkjs value: JSONValue, allowing compatibility: Set<Groth16Compatibility> = []) throws(ParseError) {
        var reader = try JSONReader(value)
        let curve = try reader.string("curve", maxBytes: 32)
        if SnarkJS<BN254>.curveNames.contains(curve.lowercased()) {
            self = .bn254(try UncheckedGroth16Key(snarkjs: value, allowing: compatibility))
        } else if SnarkJS<BLS12381>.curveNames.contains(curve.lowercased()) {
            self = .bls12381(try UncheckedGroth16Key(snarkjs: value, allowing: compatibility))
        } else {
            throw ParseError(field: "curve", expected: "bn128 or bls12381", actual: curve)
        }
    }

    /// The curve's name.
    public var curve: String {
        switch self {
        case .bn254: BN254.name
        case .bls12381: BLS12381.name
        }
    }

    /// The number of public inputs.
    public var inputCount: Int {
        switch self {
        case .bn254(let key): key.inputs.count - 1
        case .bls12381(let key): key.inputs.count - 1
        }
    }

    /// The key's digest; see `UncheckedGroth16Key.digest`.
    public var digest: Digest {
        switch self {
        case .bn254(let key): key.digest
        case .bls12381(let key): key.digest
        }
    }

    /// Every check of the key as a verdict. Its error is zero for what it covers: that an honest party took part in the
    /// setup cannot be seen in a key, and stays an assumption.
    public func verdict(allowing compatibility: Set<Groth16Compatibility> = []) -> Verdict {
        let checks =
            switch self {
            case .bn254(let key): key.checks(allowing: compatibility)
            case .bls12381(let key): key.checks(allowing: compatibility)
            }
        return Verdict.judged(
            kind: "groth16-key",
            by: checks,
            soundness: .exact,
            assumptions: [.trustedSetup],
            subject: digest.text
        )
    }
}

extension Groth16Format {
    /// Whether the first byte that is no white space begins a JSON object or array.
    static func isJSON(_ bytes: [UInt8]) -> Bool {
        let first = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
        return first == UInt8(ascii: "{") || first == UInt8(ascii: "[")
    }

    /// The bytes of a file of words: as they are, or behind `0x` as text.
    static func words(_ bytes: [UInt8], _ field: String) throws(ParseError) -> [UInt8] {
        guard bytes.starts(with: "0x".utf8) else { return bytes }
        var text = Substring(decoding: bytes.dropFirst(2), as: UTF8.self)
        while text.last?.isWhitespace == true { text.removeLast() }
        return try Hex.decode(text, allowsUpperCase: true, field: field)
    }
}
