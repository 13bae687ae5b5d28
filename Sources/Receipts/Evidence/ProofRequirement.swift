// A proof as evidence: which system and key, and what each public input must be. The spec names every input, so that
// a prover chooses none of them.
internal import Codecs
public import Commitments
internal import Signatures

/// A proof that a job asks for.
public struct ProofRequirement: Sendable, Equatable {
    /// The name of the kind.
    public static let kind = "proof"
    /// The one part that the provider hands over.
    public static let part = "proof"
    /// The most bytes of a key.
    public static let maxKeyBytes: UInt64 = 4 << 20
    /// The most public inputs that a spec may name.
    public static let maxInputs = 64

    /// A proof system.
    public enum System: String, Sendable, CaseIterable {
        case groth16
    }

    /// The curve of the key.
    public enum Curve: String, Sendable, CaseIterable {
        case bn254
        case bls12381 = "bls12-381"
    }

    /// How key and proof are written.
    public enum Format: String, Sendable, CaseIterable {
        /// `verification_key.json` and `proof.json` of snarkjs.
        case snarkjs
    }

    /// A 32-byte value that a public input can bind.
    public enum BoundValue: String, Sendable, CaseIterable {
        /// The job's name, which covers requester, nonce and spec.
        case jobID = "jobId"
        /// The root over the inputs.
        case inputRoot
        /// The root over the outputs.
        case outputRoot
        /// The provider's key.
        case nodeKey
    }

    /// What one public input must be.
    public enum PublicInput: Sendable, Equatable {
        /// The first 16 bytes of a value as a big-endian number.
        case high(BoundValue)
        /// The last 16 bytes of a value as a big-endian number.
        case low(BoundValue)
        /// A number, in decimal, that the requester fixes.
        case constant(String)
    }

    /// The proof system.
    public let system: System
    /// The curve.
    public let curve: Curve
    /// How key and proof are written.
    public let format: Format
    /// The file that holds the verifying key.
    public internal(set) var key: JobFile
    /// The digest of the key itself, whatever its encoding; `nil` leaves it to the file.
    public let keyDigest: Digest?
    /// What each public input must be, in the order of the circuit.
    public let publicInputs: [PublicInput]

    init(_ reader: inout JSONReader) throws(ParseError) {
        system = try reader.choice("system")
        curve = try reader.choice("curve")
        format = try reader.choice("format")
        var file = try reader.object("key")
        key = try JobFile(&file, maxBytes: Self.maxKeyBytes)
        keyDigest = try file.optionalDigest("digest")
        try file.finish()
        publicInputs = try reader.array("publicInputs", max: Self.maxInputs) {
            (value, path) throws(ParseError) -> PublicInput in try PublicInput(value, path)
        }
        let field = reader.path("publicInputs")
        for (index, input) in publicInputs.enumerated() {
            if case .constant = input { continue }
            guard !publicInputs[..<index].contains(input) else {
                let once = "each half once"
                throw ParseError(field: "\(field)[\(index)]", expected: once, actual: "\(input.text) again")
            }
        }
        // A proof that leaves one of these out could be taken to another job, or to another result of this one.
        for value in [BoundValue.jobID, .inputRoot, .outputRoot] {
            for half in [PublicInput.high(value), .low(value)] where !publicInputs.contains(half) {
                throw ParseError(field: field, expected: "an input that is \(half.text)", actual: "none")
            }
        }
    }

    var json: JSONValue {
        var file = key.members
        if let keyDigest { file["digest"] = .string(keyDigest.hex) }
        return .object([
            "kind": .string(Self.kind),
            "system": .string(system.rawValue),
            "curve": .string(curve.rawValue),
            "format": .string(format.rawValue),
            "key": .object(file),
            "publicInputs": .array(publicInputs.map(\.json)),
        ])
    }
}

extension ProofRequirement.PublicInput {
    init(_ value: JSONValue, _ field: String) throws(ParseError) {
        switch value {
        case .string(let text):
            for bound in ProofRequirement.BoundValue.allCases {
                for half in [Self.high(bound), .low(bound)] where half.text == text {
                    self = half
                    return
                }
            }
            let names = ProofRequirement.BoundValue.allCases.map(\.rawValue).joined(separator: ", ")
            throw ParseError(field: field, expected: ".high or .low of one of \(names)", actual: text)
        case .object:
            var reader = try JSONReader(value, field)
            let text = try reader.string("constant", maxBytes: 78)
            let isDecimal = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            guard isDecimal, !text.isEmpty, text == "0" || !text.hasPrefix("0") else {
                throw ParseError(field: reader.path("constant"), expected: "a decimal number", actual: text)
            }
            try reader.finish()
            self = .constant(text)
        default: throw ParseError(field: field, expected: "a text or an object", actual: value.typeName)
        }
    }

    /// `jobId.high`, or the constant.
    public var text: String {
        switch self {
        case .high(let value): value.rawValue + ".high"
        case .low(let value): value.rawValue + ".low"
        case .constant(let number): number
        }
    }

    var json: JSONValue {
        if case .constant(let number) = self { .object(["constant": .string(number)]) } else { .string(text) }
    }
}

/// The values of one execution that evidence is bound to.
public struct BoundValues: Sendable, Equatable {
    /// The job.
    public var jobID: JobID
    /// The lease's digest: the verifier's nonce, because nobody knows it before the attempt begins.
    public var leaseDigest: Digest
    /// The root over the inputs.
    public var inputRoot: Digest
    /// The root over the outputs.
    public var outputRoot: Digest
    /// The provider's Ed25519 key.
    public var nodeKey: [UInt8]

    /// The values of an execution statement.
    public init(_ statement: ExecutionStatement) {
        jobID = statement.jobID
        leaseDigest = statement.leaseDigest
        inputRoot = statement.inputRoot
        outputRoot = statement.outputRoot
        nodeKey = statement.node.bytes
    }

    /// Values of no execution, for looking at what does not depend on one.
    public static let zero = BoundValues()

    private init() {
        (jobID, leaseDigest, inputRoot, outputRoot) = (JobID(.zero), .zero, .zero, .zero)
        nodeKey = [UInt8](repeating: 0, count: 32)
    }

    /// What a public input must be, in decimal.
    public func decimal(_ input: ProofRequirement.PublicInput) -> String {
        switch input {
        case .constant(let number): number
        case .high(let value): Self.decimal(bytes(value).prefix(16))
        case .low(let value): Self.decimal(bytes(value).suffix(16))
        }
    }

    private func bytes(_ value: ProofRequirement.BoundValue) -> [UInt8] {
        switch value {
        case .jobID: jobID.digest.bytes
        case .inputRoot: inputRoot.bytes
        case .outputRoot: outputRoot.bytes
        case .nodeKey: nodeKey
        }
    }

    private static func decimal(_ bytes: ArraySlice<UInt8>) -> String {
        String(bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) })
    }
}
