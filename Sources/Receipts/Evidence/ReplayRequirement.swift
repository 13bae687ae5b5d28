// Re-execution as evidence: always, or with a chance that a beacon decides after the provider is bound to its result.
public import Codecs

/// Re-execution of the job.
public struct ReplayRequirement: Sendable, Equatable {
    /// The name of the kind.
    public static let kind = "replay-exact"

    /// When the job is executed again. It is then always executed whole.
    public enum Scope: Sendable, Equatable {
        /// Always.
        case whole
        /// With a chance.
        case drawn(DrawRule)
    }

    /// When the job is executed again.
    public let scope: Scope

    init(_ reader: inout JSONReader) throws(ParseError) {
        let text = try reader.string("scope", maxBytes: 32)
        switch text {
        case "whole": scope = .whole
        case "drawn": scope = .drawn(try DrawRule(&reader))
        default: throw ParseError(field: reader.path("scope"), expected: "whole or drawn", actual: text)
        }
    }

    /// The rule of the draw, if there is one.
    public var draw: DrawRule? { if case .drawn(let rule) = scope { rule } else { nil } }

    var json: JSONValue {
        var object: JSONObject = ["kind": .string(Self.kind)]
        switch scope {
        case .whole: object["scope"] = .string("whole")
        case .drawn(let rule):
            object["scope"] = .string("drawn")
            for member in rule.members.members { object[member.name] = member.value }
        }
        return .object(object)
    }
}

/// With which chance a job is replayed, and which beacon decides.
public struct DrawRule: Sendable, Equatable {
    /// The chance in millionths, more than none and less than all.
    public let perMillion: Int64
    /// The drand network that decides, as its `/info` describes it; its hash is checked by whoever uses it. `nil` for the
    /// local beacon alone.
    public let network: JSONValue?
    /// Whether the local beacon may decide: always without a network, otherwise when the network cannot be reached.
    public let allowsLocal: Bool

    init(_ reader: inout JSONReader) throws(ParseError) {
        perMillion = try reader.integer("perMillion", in: 1...999_999)
        var beacon = try reader.object("beacon")
        network = beacon.optionalValue("drand")
        allowsLocal = try beacon.bool("local")
        try beacon.finish()
        if let network { _ = try JSONReader(network, beacon.path("drand")) }
        guard network != nil || allowsLocal else {
            throw ParseError(field: reader.path("beacon"), expected: "drand, or local true", actual: "no beacon")
        }
    }

    var members: JSONObject {
        var beacon = JSONObject()
        if let network { beacon["drand"] = network }
        beacon["local"] = .bool(allowsLocal)
        return ["perMillion": .integer(perMillion), "beacon": .object(beacon)]
    }
}

/// The beacon that decided, as a verdict statement holds it.
public enum BeaconRecord: Sendable, Equatable {
    /// The seed that the engine had bound itself to in the lease and opened in its commitment statement.
    case local
    /// A round of the network that the spec names, as its nodes serve it.
    case drand(JSONValue)

    init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        let source = try reader.string("source", maxBytes: 16)
        switch source {
        case "local": self = .local
        case "drand": self = .drand(try reader.value("round"))
        default: throw ParseError(field: reader.path("source"), expected: "local or drand", actual: source)
        }
        try reader.finish()
    }

    var json: JSONValue {
        switch self {
        case .local: .object(["source": .string("local")])
        case .drand(let round): .object(["source": .string("drand"), "round": round])
        }
    }
}
