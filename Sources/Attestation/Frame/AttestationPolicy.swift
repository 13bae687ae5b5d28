// The policy document: one section per family of evidence, all terms written out, every section a conjunction.

public import Codecs

/// The section of a policy for one family of evidence.
public protocol FamilyPolicy: Sendable {
    /// The name of the section: the raw value of the evidence kind.
    static var section: String { get }
    /// Reads the members of the section. The caller checks that none is left over.
    init(_ reader: inout JSONReader) throws(ParseError)
}

/// How old collateral may be, for every family.
public struct CollateralPolicy: Sendable, Equatable {
    /// The most seconds between the issue of a piece of signed collateral and the verification time.
    public var maxAgeSeconds: Maximum<UInt64>
    /// How many seconds after its own end a piece of collateral still counts; 0 for none.
    public var graceSeconds: Int64

    /// Makes the rule.
    public init(maxAgeSeconds: Maximum<UInt64>, graceSeconds: Int64) {
        self.maxAgeSeconds = maxAgeSeconds
        self.graceSeconds = graceSeconds
    }
}

/// What is acceptable. A family without a section is refused.
public struct AttestationPolicy: Sendable {
    /// The rule for the age of collateral.
    public var collateral: CollateralPolicy
    private var sections: [String: any FamilyPolicy] = [:]

    /// A policy that refuses every family until sections are set.
    public init(collateral: CollateralPolicy) {
        self.collateral = collateral
    }

    /// The section for one family, if the policy has it.
    public func section<Section: FamilyPolicy>(_ type: Section.Type) -> Section? {
        sections[Section.section] as? Section
    }

    /// Sets the section of one family.
    public mutating func set<Section: FamilyPolicy>(_ section: Section) {
        sections[Section.section] = section
    }

    /// Reads `{"schema": "assay-attestation-policy-1", "collateral": {…}, FAMILY: {…}…}`.
    /// - Throws: `ParseError` for a missing term, an unknown one (with the nearest name) or a value out of its range.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        try reader.constant("schema", "assay-attestation-policy-1")
        var ages = try reader.object("collateral")
        collateral = CollateralPolicy(
            maxAgeSeconds: try ages.maximum("maxAgeSeconds"),
            graceSeconds: try ages.integer("graceSeconds", in: 0...31_622_400)
        )
        try ages.finish()
        for type in EvidenceFamilies.policies {
            guard let body = reader.optionalValue(type.section) else { continue }
            var section = try JSONReader(body, reader.path(type.section))
            sections[type.section] = try type.init(&section)
            try section.finish()
        }
        try reader.finish()
    }

    /// Reads the text of a policy, in JSON or in TOML.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        try self.init(try DocumentText.parse(bytes, limits: JSONLimits(bytes: 1 << 20)))
    }

    /// The sections that the policy has, by name.
    public var sectionNames: [String] { sections.keys.sorted() }
}

extension Findings {
    /// The line of the policy's bound on the age of signed collateral.
    @discardableResult
    public mutating func requireAge(
        _ id: String,
        _ setting: AppraisalSetting,
        issued: Timestamp,
        source: String = ""
    ) -> Bool {
        guard case .atMost(let bound) = setting.policy.collateral.maxAgeSeconds else {
            notApplicable(id, why: "any accepted", source: source)
            return true
        }
        let limit = Int64(clamping: bound)
        let last = issued.adding(seconds: limit)
        if setting.time <= last { holds(until: last, what: "collateral issued \(issued) (policy's maximum age)") }
        return require(
            id,
            setting.time <= last,
            expected: "issued at most \(bound) seconds before \(setting.time)",
            actual: "\(issued)",
            source: source
        )
    }
}
