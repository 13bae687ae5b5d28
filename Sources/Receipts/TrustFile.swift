// Whom an auditor believes (schema `assay.trust/1`). It always comes from outside the bundle: a file that brings its own
// trust proves nothing.
public import Codecs
public import Commitments
public import Signatures

/// The engines and validators that an auditor believes, and how many validators must agree.
public struct TrustFile: Sendable, Equatable {
    /// The schema that this code reads and writes.
    public static let schema = "assay.trust/1"

    /// Engines whose receipts are believed to be what the engine says; not empty.
    public let engines: [VerifyingKey]
    /// Validators whose verdicts count; not empty.
    public let validators: [VerifyingKey]
    /// How many distinct validators must have come to the same outcome; from 1 to their number.
    public let quorum: Int
    /// The digests of the rulesets by which a settlement is believed to be what was agreed; `nil` takes any, and then only the
    /// arithmetic by the ruleset in the bundle is checked.
    public let rulesets: [Digest]?
    /// The network that receipts must name; `nil` takes any, also receipts that name none.
    public let network: String?
    /// The roots by which attestation is judged (`assay-trust-anchors-1`), kept as they are written; `nil` for none. The
    /// appraiser that needs them reads them.
    public let attestation: JSONValue?
    /// The lines of a policy (c2sp.org/tlog-policy) by which a log must hold the receipt; `nil` asks for no log. The appraiser
    /// that needs them reads them.
    public let log: [String]?

    /// Makes a trust file.
    /// - Throws: `ParseError` for an empty list, a key that comes twice, or a quorum that the validators cannot reach.
    public init(
        engines: [VerifyingKey],
        validators: [VerifyingKey],
        quorum: Int,
        rulesets: [Digest]? = nil,
        network: String? = nil,
        attestation: JSONValue? = nil,
        log: [String]? = nil
    ) throws(ParseError) {
        for (name, keys) in [("engines", engines), ("validators", validators)] {
            guard !keys.isEmpty else { throw ParseError(field: name, expected: "at least one key", actual: "none") }
            guard Set(keys).count == keys.count else {
                throw ParseError(field: name, expected: "each key once", actual: "one of them twice")
            }
        }
        guard quorum >= 1, quorum <= validators.count else {
            throw ParseError(field: "quorum", expected: "1 to \(validators.count)", actual: "\(quorum)")
        }
        if let rulesets {
            guard !rulesets.isEmpty, Set(rulesets).count == rulesets.count else {
                throw ParseError(field: "rulesets", expected: "at least one digest, each once", actual: "other")
            }
        }
        if let network { try NodeDeclaration.check(network, "network") }
        if let log {
            guard (1...1024).contains(log.count), log.allSatisfy({ $0.utf8.count <= 4096 && !$0.utf8.contains(0x0a) })
            else { throw ParseError(field: "log", expected: "1 to 1024 lines of a policy", actual: "other") }
        }
        self.rulesets = rulesets
        self.network = network
        self.engines = engines
        self.validators = validators
        self.quorum = quorum
        self.attestation = attestation
        self.log = log
    }

    /// Reads a trust file.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let limits = JSONLimits(bytes: 1 << 20, depth: 6, values: 10_000)
        var reader = try JSONReader(try JSONValue(parsing: bytes, limits: limits))
        try reader.constant("schema", Self.schema)
        let engines = try Self.keys("engines", &reader)
        let validators = try Self.keys("validators", &reader)
        let quorum = Int(try reader.integer("quorum", in: 1...4096))
        var rulesets: [Digest]?
        if reader.has("rulesets") {
            rulesets = try reader.array("rulesets", max: 256) { (value, path) throws(ParseError) -> Digest in
                guard case .string(let text) = value else {
                    throw ParseError(field: path, expected: "a digest", actual: value.typeName)
                }
                return try Digest(hex: text, field: path)
            }
        }
        let network = try reader.optionalString("network", maxBytes: NodeDeclaration.maxBytes)
        let attestation = reader.optionalValue("attestation")
        if let attestation { _ = try JSONReader(attestation, "attestation") }
        var log: [String]?
        if reader.has("log") {
            log = try reader.array("log", max: 1024) { (value, path) throws(ParseError) -> String in
                guard case .string(let text) = value else {
                    throw ParseError(field: path, expected: "a line", actual: value.typeName)
                }
                return text
            }
        }
        try reader.finish()
        try self.init(
            engines: engines,
            validators: validators,
            quorum: quorum,
            rulesets: rulesets,
            network: network,
            attestation: attestation,
            log: log
        )
    }

    private static func keys(_ name: String, _ reader: inout JSONReader) throws(ParseError) -> [VerifyingKey] {
        try reader.array(name, max: 4096) { (value, path) throws(ParseError) -> VerifyingKey in
            guard case .string(let text) = value else {
                throw ParseError(field: path, expected: "a key", actual: value.typeName)
            }
            return try VerifyingKey(text: text, field: path)
        }
    }

    /// The file's text, indented for people.
    public var bytes: [UInt8] {
        var object: JSONObject = [
            "schema": .string(Self.schema),
            "engines": .array(engines.map { .string($0.text) }),
            "validators": .array(validators.map { .string($0.text) }),
            "quorum": .integer(quorum),
        ]
        if let rulesets { object["rulesets"] = .array(rulesets.map { .string($0.hex) }) }
        if let network { object["network"] = .string(network) }
        if let attestation { object["attestation"] = attestation }
        if let log { object["log"] = .array(log.map { .string($0) }) }
        return JSONValue.object(object).serialized(pretty: true)
    }
}
