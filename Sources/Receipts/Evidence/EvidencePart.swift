// What a provider hands over as evidence beside its outputs, as its execution statement commits to it.
public import Codecs
public import Commitments

/// One file of evidence.
public struct EvidencePart: Sendable, Equatable {
    /// What a requirement takes as a part.
    public struct Rule: Sendable, Equatable {
        /// The part's name.
        public var name: String
        /// Whether a statement without it is refused.
        public var isRequired: Bool
        /// The most bytes of it.
        public var maxBytes: UInt64
    }

    /// The most parts of one statement.
    public static let maxParts = 16

    /// The position of the requirement in the spec.
    public var requirement: Int
    /// The name of the part: `proof`.
    public var name: String
    /// The length and identifier of its bytes.
    public var file: ArtefactIdentity
    /// The stable identity of the evidence, which no re-encoding changes: for a proof the digest of its statement, never
    /// of its bytes. `nil` for a part that has none.
    public var identity: Digest?

    /// Names a part.
    public init(requirement: Int, name: String, file: ArtefactIdentity, identity: Digest?) {
        self.requirement = requirement
        self.name = name
        self.file = file
        self.identity = identity
    }

    /// `<requirement>/<name>`: the name below `evidence/` in a bundle.
    public var path: String { Self.path(requirement, name) }

    /// The path of a part.
    public static func path(_ requirement: Int, _ name: String) -> String { "\(requirement)/\(name)" }

    init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        requirement = Int(try reader.integer("requirement", in: 0...Int64(EvidenceDemand.maxRequirements - 1)))
        name = try reader.code("part")
        file = ArtefactIdentity(cid: try reader.cid("cid"), byteCount: try reader.decimal("bytes"))
        identity = try reader.optionalDigest("identity")
        try reader.finish()
    }

    var json: JSONValue {
        var object: JSONObject = [
            "requirement": .integer(requirement),
            "part": .string(name),
            "cid": .string(file.cid.text),
            "bytes": .string(String(file.byteCount)),
        ]
        if let identity { object["identity"] = .string(identity.hex) }
        return .object(object)
    }
}

extension EvidenceDemand {
    /// Why `parts` are not what this demand takes; `nil` when they are.
    public func flaw(in parts: [EvidencePart]) -> ParseError? {
        var seen: Set<String> = []
        for (index, part) in parts.enumerated() {
            let field = "evidence[\(index)]"
            let rules = requirements.indices.contains(part.requirement) ? requirements[part.requirement].parts : []
            guard let rule = rules.first(where: { $0.name == part.name }), seen.insert(part.path).inserted else {
                return ParseError(field: field, expected: "a part that the spec asks for, once", actual: part.path)
            }
            guard part.file.byteCount <= rule.maxBytes else {
                let expected = "at most \(rule.maxBytes)"
                return ParseError(field: field + ".bytes", expected: expected, actual: "\(part.file.byteCount)")
            }
        }
        for (index, requirement) in requirements.enumerated() {
            for rule in requirement.parts where rule.isRequired {
                let path = EvidencePart.path(index, rule.name)
                guard seen.contains(path) else { return ParseError(field: "evidence", expected: path, actual: "none") }
            }
        }
        return nil
    }
}
