// Takes the members of one JSON object, each with its type and bounds, and refuses the members that nobody asked for.

/// A reader over one JSON object that remembers which members were taken.
///
/// A document type reads its members and then calls `finish()`, so that an unknown member is an error that names the
/// nearest known one, never a silent default.
public struct JSONReader: Sendable {
    private let object: JSONObject
    private let path: String
    /// The members that were taken: a bit for each of the first 64, the others by place.
    private var taken: UInt64 = 0
    private var takenBeyond: Set<Int> = []
    /// The names that were asked for in vain, for the hint about an unknown member.
    private var missed: [String] = []
    /// Where the next member is looked for first: a document's members come in the order in which they are read.
    private var cursor = 0

    /// A reader over `value`, which stands at `field` in its document.
    /// - Throws: `ParseError` when `value` is not an object.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        guard case .object(let object) = value else {
            throw ParseError(field: field, expected: "an object", actual: value.typeName)
        }
        self.object = object
        self.path = field
    }

    /// The path of member `name` in the whole document.
    public func path(_ name: String) -> String {
        if path.isEmpty { return name }
        var whole = ""
        whole.reserveCapacity(path.utf8.count + name.utf8.count + 1)
        whole += path
        whole += "."
        whole += name
        return whole
    }

    /// Whether the object has a member of this name. Looking does not count as taking.
    public func has(_ name: String) -> Bool {
        position(of: name) != nil
    }

    private func position(of name: String) -> Int? {
        if cursor < object.members.count, object.members[cursor].name == name { return cursor }
        return object.position(of: name)
    }

    private func isTaken(_ position: Int) -> Bool {
        position < 64 ? taken >> UInt64(position) & 1 == 1 : takenBeyond.contains(position)
    }

    /// The member's value, or `nil` when there is none.
    public mutating func optionalValue(_ name: String) -> JSONValue? {
        guard let position = position(of: name) else {
            missed.append(name)
            return nil
        }
        if position < 64 { taken |= 1 << UInt64(position) } else { takenBeyond.insert(position) }
        cursor = position + 1
        return object.members[position].value
    }

    /// The member's value.
    public mutating func value(_ name: String) throws(ParseError) -> JSONValue {
        guard let value = optionalValue(name) else {
            throw ParseError(field: path(name), expected: "a value", actual: "nothing")
        }
        return value
    }

    /// A string of at most `maxBytes` bytes of UTF-8.
    public mutating func string(_ name: String, maxBytes: Int = 4096) throws(ParseError) -> String {
        try text(try value(name), name, maxBytes)
    }

    private func text(_ value: JSONValue, _ name: String, _ maxBytes: Int) throws(ParseError) -> String {
        guard case .string(let text) = value else {
            throw ParseError(field: path(name), expected: "a string", actual: value.typeName)
        }
        guard text.utf8.count <= maxBytes else {
            throw ParseError(
                field: path(name),
                expected: "at most \(maxBytes) bytes",
                actual: "\(text.utf8.count) bytes"
            )
        }
        return text
    }

    /// A string, or `nil` when the member is missing.
    public mutating func optionalString(_ name: String, maxBytes: Int = 4096) throws(ParseError) -> String? {
        guard let value = optionalValue(name) else { return nil }
        return try text(value, name, maxBytes)
    }

    /// A string that must be exactly `expected`: a schema or a fixed tag.
    public mutating func constant(_ name: String, _ expected: String) throws(ParseError) {
        let actual = try string(name)
        guard actual == expected else {
            throw ParseError(field: path(name), expected: "\"\(expected)\"", actual: actual)
        }
    }

    /// One of the raw values of an enumeration.
    public mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String,
        _ type: Choice.Type = Choice.self
    ) throws(ParseError) -> Choice where Choice.RawValue == String {
        let text = try string(name)
        guard let choice = Choice(rawValue: text) else {
            let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw ParseError(field: path(name), expected: "one of \(names)", actual: text)
        }
        return choice
    }

    /// A number that is an integer within `range`.
    public mutating func integer(
        _ name: String,
        in range: ClosedRange<Int64> = 0...Int64.max
    ) throws(ParseError) -> Int64 {
        let value = try value(name)
        guard case .number(let number) = value else {
            throw ParseError(field: path(name), expected: "an integer", actual: value.typeName)
        }
        guard let integer = number.integer, range.contains(integer) else {
            let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
            throw ParseError(field: path(name), expected: expected, actual: number.text)
        }
        return integer
    }

    /// An unsigned integer written as a decimal string, the form of every amount and of every number above 2^53.
    public mutating func decimal(
        _ name: String,
        in range: ClosedRange<UInt64> = 0...UInt64.max
    ) throws(ParseError) -> UInt64 {
        let text = try string(name, maxBytes: 20)
        guard let number = Self.decimal(text), range.contains(number) else {
            let expected = "a decimal string from \(range.lowerBound) to \(range.upperBound)"
            throw ParseError(field: path(name), expected: expected, actual: text)
        }
        return number
    }

    /// The number that `text` writes in decimal digits, without a leading zero.
    private static func decimal(_ text: String) -> UInt64? {
        var value: UInt64 = 0
        for byte in text.utf8 {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isLarger) = product.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !isTooLarge, !isLarger else { return nil }
            value = sum
        }
        guard let first = text.utf8.first, first != UInt8(ascii: "0") || text.utf8.count == 1 else { return nil }
        return value
    }

    /// Lower-case hexadecimal text of `count` bytes.
    public mutating func hex(_ name: String, count: Int) throws(ParseError) -> [UInt8] {
        try Hex.decode(try string(name), count: count, field: path(name))
    }

    /// A boolean.
    public mutating func bool(_ name: String) throws(ParseError) -> Bool {
        let value = try value(name)
        guard case .bool(let flag) = value else {
            throw ParseError(field: path(name), expected: "true or false", actual: value.typeName)
        }
        return flag
    }

    /// An array of at most `max` elements.
    public mutating func array(_ name: String, max: Int) throws(ParseError) -> [JSONValue] {
        let value = try value(name)
        guard case .array(let elements) = value else {
            throw ParseError(field: path(name), expected: "an array", actual: value.typeName)
        }
        guard elements.count <= max else {
            throw ParseError(field: path(name), expected: "at most \(max) elements", actual: "\(elements.count)")
        }
        return elements
    }

    /// An array of at most `max` elements, each read by `read`, which gets the element and its path.
    public mutating func array<Element>(
        _ name: String,
        max: Int,
        _ read: (JSONValue, String) throws(ParseError) -> Element
    ) throws(ParseError) -> [Element] {
        let elements = try array(name, max: max)
        var result: [Element] = []
        result.reserveCapacity(elements.count)
        let list = path(name) + "["
        for (index, element) in elements.enumerated() {
            result.append(try read(element, list + String(index) + "]"))
        }
        return result
    }

    /// A nested object.
    public mutating func object(_ name: String) throws(ParseError) -> JSONReader {
        try JSONReader(try value(name), path(name))
    }

    /// Refuses members that were never asked for.
    /// - Throws: `ParseError` naming the first unknown member and the nearest known one.
    public func finish() throws(ParseError) {
        for position in object.members.indices where !isTaken(position) {
            let member = object.members[position]
            let known = object.members.indices.filter(isTaken).map { object.members[$0].name } + missed
            let nearest = known.min { Self.distance($0, member.name) < Self.distance($1, member.name) }
            let hint = nearest.map { " (nearest known: '\($0)')" } ?? ""
            throw ParseError(
                field: path(member.name),
                expected: "a known field" + hint,
                actual: "unknown field '\(member.name)'"
            )
        }
    }

    /// The member that nobody has taken and whose name differs from `name` by at most two edits; for error messages.
    public func nearestMember(to name: String) -> String? {
        object.members.indices.filter { !isTaken($0) }.map { object.members[$0].name }
            .filter { Self.distance($0, name) <= 2 }
            .min { Self.distance($0, name) < Self.distance($1, name) }
    }

    /// Edit distance between two names, each cut to 64 bytes.
    private static func distance(_ left: String, _ right: String) -> Int {
        let a = Array(left.utf8.prefix(64))
        let b = Array(right.utf8.prefix(64))
        var row = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var previous = row[0]
            row[0] = i + 1
            for (j, y) in b.enumerated() {
                let substitution = previous + (x == y ? 0 : 1)
                previous = row[j + 1]
                row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[b.count]
    }
}
