// JSON documents in CBOR and back: the common part of both models, so that one document can be signed in either.

extension CBORValue {
    /// The value of a JSON document: objects as maps with text keys, integers as integers.
    /// - Throws: `ParseError` for a number that is no 64-bit integer.
    public init(_ json: JSONValue, field: String = "") throws(ParseError) {
        switch json {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .number(let number):
            guard let value = number.integer else {
                throw ParseError(field: field, expected: "an integer of 64 bits", actual: number.text)
            }
            self = .integer(value)
        case .string(let text): self = .text(text)
        case .array(let items):
            var elements: [CBORValue] = []
            for (index, item) in items.enumerated() {
                elements.append(try CBORValue(item, field: "\(field)[\(index)]"))
            }
            self = .array(elements)
        case .object(let object):
            var pairs: [Pair] = []
            for member in object.members {
                let path = field.isEmpty ? member.name : field + "." + member.name
                pairs.append(Pair(.text(member.name), try CBORValue(member.value, field: path)))
            }
            self = .map(pairs)
        }
    }
}

extension JSONValue {
    /// The JSON document that a CBOR item says. The order of members is that of the encoding.
    /// - Throws: `ParseError` for what JSON has no word for: byte strings, tags, floats, undefined, keys that are not text, and
    ///   integers beyond 64 bits.
    public init(_ item: CBORItem, field: String = "") throws(ParseError) {
        switch item.content {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .text(let text): self = .string(text)
        case .unsigned, .negative: self = .integer(try item.integer(in: .min ... .max, field))
        case .array(let elements):
            var items: [JSONValue] = []
            items.reserveCapacity(elements.count)
            for element in elements {
                do throws(ParseError) {
                    items.append(try JSONValue(element))
                } catch {
                    throw error.within("[\(items.count)]").inside(field)
                }
            }
            self = .array(items)
        case .map(let entries):
            var object = JSONObject()
            for entry in entries {
                guard let name = entry.key.text else {
                    throw ParseError(field: field, expected: "keys of text", actual: entry.key.typeName)
                }
                do throws(ParseError) {
                    object[name] = try JSONValue(entry.value)
                } catch {
                    throw error.within(name).inside(field)
                }
            }
            self = .object(object)
        case .bytes, .tagged, .undefined, .simple, .float:
            throw ParseError(field: field, expected: "a value that JSON has", actual: item.typeName)
        }
    }
}

extension ParseError {
    /// The error within `field`, which may be the whole input.
    fileprivate func inside(_ field: String) -> ParseError {
        field.isEmpty ? self : within(field)
    }
}
