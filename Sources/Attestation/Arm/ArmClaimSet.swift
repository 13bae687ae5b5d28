// Claims of Arm tokens read from either serialization: CBOR maps with integer labels (in tokens), JSON objects with names.
internal import Codecs

/// A claim's label in CBOR and its name in JSON.
struct ArmClaim: Sendable {
    let label: Int64
    let name: String

    init(_ label: Int64, _ name: String) {
        self.label = label
        self.name = name
    }
}

/// A set of claims. Labels that nobody asks for are allowed: an EAT may carry claims that its reader does not know
/// (RFC 9711 §4), and they decide nothing.
enum ArmClaimSet: Sendable {
    case cbor(CBORItem)
    case json(JSONObject)

    /// Takes a CBOR map.
    init(_ item: CBORItem, _ field: String) throws(ParseError) {
        for entry in try item.entries(max: 256, field) {
            guard entry.key.integer != nil || entry.key.text != nil else {
                throw ParseError(field: field, expected: "integer or text labels", actual: entry.key.typeName)
            }
        }
        self = .cbor(item)
    }

    /// Takes a JSON object.
    init(_ value: JSONValue, _ field: String) throws(ParseError) {
        guard case .object(let object) = value else {
            throw ParseError(field: field, expected: "an object", actual: value.typeName)
        }
        self = .json(object)
    }

    private static func missing(_ claim: ArmClaim) -> ParseError {
        ParseError(field: claim.name, expected: "a value", actual: "nothing")
    }

    /// A byte string with one of `counts` bytes; `nil` when it is missing.
    func bytesIfPresent(_ claim: ArmClaim, _ counts: ClosedRange<Int>) throws(ParseError) -> [UInt8]? {
        switch self {
        case .cbor(let map):
            guard let item = map[claim.label] else { return nil }
            return Array(try item.byteString(counts, claim.name))
        case .json(let object):
            guard let value = object[claim.name] else { return nil }
            return try Self.bytes(value, counts, claim.name)
        }
    }

    private static func bytes(
        _ value: JSONValue,
        _ counts: ClosedRange<Int>,
        _ field: String
    ) throws(ParseError) -> [UInt8] {
        guard case .string(let text) = value else {
            throw ParseError(field: field, expected: "base 64 text", actual: value.typeName)
        }
        let bytes = try Base64.decode(text, field: field)
        guard counts.contains(bytes.count) else {
            let expected = "\(counts.lowerBound) to \(counts.upperBound) bytes"
            throw ParseError(field: field, expected: expected, actual: "\(bytes.count) bytes")
        }
        return bytes
    }

    /// A byte string with one of `counts` bytes.
    func bytes(_ claim: ArmClaim, _ counts: ClosedRange<Int>) throws(ParseError) -> [UInt8] {
        guard let bytes = try bytesIfPresent(claim, counts) else { throw Self.missing(claim) }
        return bytes
    }

    /// A digest: 32, 48 or 64 bytes.
    func digest(_ claim: ArmClaim) throws(ParseError) -> [UInt8] {
        try Self.requireDigest(try bytes(claim, 32...64), claim.name)
    }

    static func requireDigest(_ bytes: [UInt8], _ field: String) throws(ParseError) -> [UInt8] {
        guard [32, 48, 64].contains(bytes.count) else {
            throw ParseError(field: field, expected: "32, 48 or 64 bytes", actual: "\(bytes.count) bytes")
        }
        return bytes
    }

    /// A text that is not empty; `nil` when it is missing.
    func textIfPresent(_ claim: ArmClaim) throws(ParseError) -> String? {
        let text: String
        switch self {
        case .cbor(let map):
            guard let item = map[claim.label] else { return nil }
            text = try item.textString(maxBytes: 1024, claim.name)
        case .json(let object):
            guard let value = object[claim.name] else { return nil }
            guard case .string(let found) = value, found.utf8.count <= 1024 else {
                throw ParseError(field: claim.name, expected: "a text", actual: value.typeName)
            }
            text = found
        }
        guard !text.isEmpty else {
            throw ParseError(field: claim.name, expected: "a text that is not empty", actual: "an empty one")
        }
        return text
    }

    /// A text that is not empty.
    func text(_ claim: ArmClaim) throws(ParseError) -> String {
        guard let text = try textIfPresent(claim) else { throw Self.missing(claim) }
        return text
    }

    /// An integer within `range`; `nil` when it is missing.
    func integerIfPresent(_ claim: ArmClaim, _ range: ClosedRange<Int64>) throws(ParseError) -> Int64? {
        switch self {
        case .cbor(let map): return try map[claim.label]?.integer(in: range, claim.name)
        case .json(let object):
            guard let value = object[claim.name] else { return nil }
            guard case .number(let number) = value, let integer = number.integer, range.contains(integer) else {
                let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
                throw ParseError(field: claim.name, expected: expected, actual: value.typeName)
            }
            return integer
        }
    }

    /// An integer within `range`.
    func integer(_ claim: ArmClaim, _ range: ClosedRange<Int64>) throws(ParseError) -> Int64 {
        guard let integer = try integerIfPresent(claim, range) else { throw Self.missing(claim) }
        return integer
    }

    /// The elements of an array of claim sets; `nil` when it is missing.
    func setsIfPresent(_ claim: ArmClaim, max: Int) throws(ParseError) -> [ArmClaimSet]? {
        var sets: [ArmClaimSet] = []
        switch self {
        case .cbor(let map):
            guard let item = map[claim.label] else { return nil }
            for (index, element) in try item.elements(max: max, claim.name).enumerated() {
                sets.append(try ArmClaimSet(element, "\(claim.name)[\(index)]"))
            }
        case .json(let object):
            guard let value = object[claim.name] else { return nil }
            guard case .array(let elements) = value, elements.count <= max else {
                throw ParseError(field: claim.name, expected: "an array of at most \(max)", actual: value.typeName)
            }
            for (index, element) in elements.enumerated() {
                sets.append(try ArmClaimSet(element, "\(claim.name)[\(index)]"))
            }
        }
        return sets
    }

    /// The elements of an array of exactly `count` digests.
    func digests(_ claim: ArmClaim, count: Int) throws(ParseError) -> [[UInt8]] {
        var values: [[UInt8]] = []
        switch self {
        case .cbor(let map):
            guard let item = map[claim.label] else { throw Self.missing(claim) }
            for (index, element) in try item.elements(max: count, claim.name).enumerated() {
                values.append(Array(try element.byteString(32...64, "\(claim.name)[\(index)]")))
            }
        case .json(let object):
            guard let value = object[claim.name] else { throw Self.missing(claim) }
            guard case .array(let elements) = value, elements.count <= count else {
                throw ParseError(field: claim.name, expected: "an array of \(count)", actual: value.typeName)
            }
            for (index, element) in elements.enumerated() {
                values.append(try Self.bytes(element, 32...64, "\(claim.name)[\(index)]"))
            }
        }
        guard values.count == count else {
            throw ParseError(field: claim.name, expected: "\(count) digests", actual: "\(values.count)")
        }
        for (index, value) in values.enumerated() { _ = try Self.requireDigest(value, "\(claim.name)[\(index)]") }
        return values
    }

    /// Whether the claim is there.
    func has(_ claim: ArmClaim) -> Bool {
        switch self {
        case .cbor(let map): map[claim.label] != nil
        case .json(let object): object[claim.name] != nil
        }
    }
}

/// The security lifecycle of a platform: the high byte of the claim (PSA: RFC 9783 §4.3.1; CCA: RMM specification, CCA
/// platform lifecycle claim).
public enum ArmLifecycle: Int64, Sendable, CaseIterable {
    case unknown = 0x0000
    case assemblyAndTest = 0x1000
    case provisioning = 0x2000
    case secured = 0x3000
    case nonRootOfTrustDebug = 0x4000
    case recoverableRootOfTrustDebug = 0x5000
    case decommissioned = 0x6000

    /// The name in policies.
    public var name: String {
        switch self {
        case .unknown: "unknown"
        case .assemblyAndTest: "assembly-and-test"
        case .provisioning: "rot-provisioning"
        case .secured: "secured"
        case .nonRootOfTrustDebug: "non-rot-debug"
        case .recoverableRootOfTrustDebug: "recoverable-rot-debug"
        case .decommissioned: "decommissioned"
        }
    }

    /// Reads a claim's value; the low byte is the implementation's own.
    init(claim value: Int64, _ field: String) throws(ParseError) {
        guard (0...0xffff).contains(value), let state = ArmLifecycle(rawValue: value & 0xff00) else {
            throw ParseError(field: field, expected: "a defined lifecycle state", actual: "\(value)")
        }
        self = state
    }
}

/// One measured software component.
public struct ArmSoftwareComponent: Sendable, Equatable {
    /// Its role, when it is named: `BL`, `PRoT`, `RMM`.
    public let type: String?
    /// Its measurement.
    public let measurement: [UInt8]
    /// Its version, when it is stated.
    public let version: String?
    /// The hash of the key that signed it.
    public let signerID: [UInt8]
    /// How it was measured, when it is stated.
    public let description: String?

    /// Reads a component map (RFC 9783 §4.4.1).
    init(_ set: ArmClaimSet) throws(ParseError) {
        type = try set.textIfPresent(ArmClaim(1, "measurement-type"))
        measurement = try set.digest(ArmClaim(2, "measurement-value"))
        version = try set.textIfPresent(ArmClaim(4, "version"))
        signerID = try set.digest(ArmClaim(5, "signer-id"))
        description = try set.textIfPresent(ArmClaim(6, "measurement-description"))
    }

    /// The component for `inspect`.
    var json: JSONValue {
        var object: JSONObject = [
            "measurement": .string(Hex.encode(measurement)),
            "signerID": .string(Hex.encode(signerID)),
        ]
        if let type { object["type"] = .string(type) }
        if let version { object["version"] = .string(version) }
        if let description { object["description"] = .string(description) }
        return .object(object)
    }

    /// Reads a list of components with their place in errors.
    static func list(_ sets: [ArmClaimSet], _ field: String) throws(ParseError) -> [ArmSoftwareComponent] {
        var components: [ArmSoftwareComponent] = []
        for (index, set) in sets.enumerated() {
            do throws(ParseError) { components.append(try ArmSoftwareComponent(set)) } catch {
                throw error.within("\(field)[\(index)]")
            }
        }
        return components
    }
}

/// Reads an instance identifier: a UEID of type RAND, 0x01 and 32 bytes (RFC 9783 §4.2.1).
func armInstanceID(_ bytes: [UInt8], _ field: String) throws(ParseError) -> [UInt8] {
    guard bytes.count == 33, bytes.first == 0x01 else {
        throw ParseError(field: field, expected: "01 and 32 bytes", actual: Hex.encode(bytes.prefix(4)) + "…")
    }
    return bytes
}
