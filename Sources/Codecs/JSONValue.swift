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
        .number(Int64(exactly: value).map { JSONNumber($0) } ?? JSONNumber(text: String(value)))
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

/// A JSON number that stands for the text in which it was written, so that nothing is rounded on the way through.
public struct JSONNumber: Sendable, Equatable {
    /// An integer of 64 bits in its one spelling, or the text of any other number.
    private enum Literal: Sendable, Equatable {
        case integer(Int64)
        case text(String)
    }

    private let literal: Literal

    init(_ integer: Int64) {
        literal = .integer(integer)
    }

    init(text: String) {
        if let integer = Int64(text), String(integer) == text {
            literal = .integer(integer)
        } else {
            literal = .text(text)
        }
    }

    /// The literal as RFC 8259 §6 defines it.
    public var text: String {
        switch literal {
        case .integer(let integer): String(integer)
        case .text(let text): text
        }
    }

    /// The value as a signed 64-bit integer; `nil` for a fraction, an exponent or a number out of range.
    public var integer: Int64? {
        switch literal {
        case .integer(let integer): integer
        case .text(let text): Int64(text)
        }
    }

    /// The nearest double, for foreign documents that hold fractions.
    public var double: Double? { Double(text) }
}

/// A JSON object: members in the order in which they were written, names unique.
public struct JSONObject: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// The members in order.
    public private(set) var members: [(name: String, value: JSONValue)]
    /// Where each name stands, in an object of more than `searched` members; empty in a shorter one.
    private var index: [String: Int]
    /// Up to so many members are looked through one by one, which is quicker than a hash.
    private static let searched = 24

    /// An object of `members`; a later member of the same name replaces the earlier one.
    public init(_ members: [(String, JSONValue)] = []) {
        self.members = []
        self.index = [:]
        self.members.reserveCapacity(members.count)
        for (name, value) in members { self[name] = value }
    }

    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }

    /// The value of a member; setting `nil` removes it, setting a new name appends it.
    public subscript(name: String) -> JSONValue? {
        get { position(of: name).map { members[$0].value } }
        set {
            if let position = position(of: name) {
                if let newValue {
                    members[position].value = newValue
                } else {
                    members.remove(at: position)
                    index = [:]
                    if members.count > Self.searched { indexMembers() }
                }
            } else if let newValue {
                append(name, newValue)
            }
        }
    }

    /// Where the member of this name stands among `members`.
    func position(of name: String) -> Int? {
        index.isEmpty ? members.firstIndex { $0.name == name } : index[name]
    }

    /// Appends a member whose name the object does not have.
    mutating func append(_ name: String, _ value: JSONValue) {
        members.append((name, value))
        if !index.isEmpty {
            index[name] = members.count - 1
        } else if members.count > Self.searched {
            indexMembers()
        }
    }

    private mutating func indexMembers() {
        index = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($1.name, $0) })
    }

    /// Two objects are equal when they hold the same members, in whatever order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count && left.members.allSatisfy { right[$0.name] == $0.value }
    }
}
