// The JSON data model (RFC 8259) as Assay uses it: ordered members, unique names, numbers kept as their text.

/// A JSON value.
///
/// Assay's own documents hold no fractions: amounts are decimal strings, floating-point values are bit patterns.
public enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// A number from an integer.
    public static func integer(_ value: some BinaryInteger) -> JSONValue {
        .number(JSONNumber(text: String(value)))
    }

    /// The name of this value's type, for error messages.
    public var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// A JSON number, kept as the text in which it was written, so that nothing is rounded on the way through.
public struct JSONNumber: Sendable, Equatable {
    /// The literal as RFC 8259 §6 defines it.
    public let text: String

    init(text: String) {
        self.text = text
    }

    /// The value as a signed 64-bit integer; `nil` for a fraction, an exponent or a number out of range.
    public var integer: Int64? { Int64(text) }
    /// The nearest double, for foreign documents that hold fractions.
    public var double: Double? { Double(text) }
}

/// A JSON object: members in the order in which they were written, names unique.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// The members in order.
    public private(set) var members: [(name: String, value: JSONValue)]
    private var index: [String: Int]

    /// An object of `members`; a later member of the same name replaces the earlier one.
    public init(_ members: [(String, JSONValue)] = []) {
        self.members = []
        self.index = [:]
        for (name, value) in members { self[name] = value }
    }

    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }

    /// The value of a member; setting `nil` removes it, setting a new name appends it.
    public subscript(name: String) -> JSONValue? {
        get { index[name].map { members[$0].value } }
        set {
            if let position = index[name] {
                if let newValue {
                    members[position].value = newValue
                } else {
                    members.remove(at: position)
                    index = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($1.name, $0) })
                }
            } else if let newValue {
                index[name] = members.count
                members.append((name, newValue))
            }
        }
    }

    /// Two objects are equal when they hold the same members, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count && left.members.allSatisfy { right[$0.name] == $0.value }
    }
}
