// The atomic types of EIP-712 as words of 32 bytes, from JSON: numbers as integers, decimal strings or 0x strings.
internal import Codecs
internal import Commitments

/// Words of 32 bytes, big-endian.
enum EVMWord {
    /// The word of a value of an atomic or dynamic type.
    static func encode(_ type: String, _ value: JSONValue, _ field: String) throws(ParseError) -> [UInt8] {
        switch type {
        case "string":
            guard case .string(let text) = value else { throw mismatch(type, value, field) }
            return Keccak.hash(Array(text.utf8), .keccak256).bytes
        case "bytes": return Keccak.hash(try bytes(value, field), .keccak256).bytes
        case "bool":
            guard case .bool(let flag) = value else { throw mismatch(type, value, field) }
            return padded([flag ? 1 : 0])
        case "address":
            let address = try bytes(value, field)
            guard address.count == 20 else { throw mismatch(type, value, field) }
            return padded(address)
        default: break
        }
        if type.hasPrefix("bytes"), let count = size(type.dropFirst(5)), (1...32).contains(count) {
            let content = try bytes(value, field)
            guard content.count == count else { throw mismatch(type, value, field) }
            return content + [UInt8](repeating: 0, count: 32 - count)
        }
        if type.hasPrefix("uint"), let bits = width(type.dropFirst(4)) {
            let (word, isNegative) = try number(value, field)
            guard !isNegative, isWithin(word, bits: bits) else { throw mismatch(type, value, field) }
            return word
        }
        if type.hasPrefix("int"), let bits = width(type.dropFirst(3)) {
            let (word, isNegative) = try number(value, field)
            // −2^(bits − 1) is the one magnitude that only a negative number may have.
            let least = isNegative ? subtractingOne(word) : word
            guard isWithin(least, bits: bits - 1) else { throw mismatch(type, value, field) }
            return isNegative ? least.map { ~$0 } : word
        }
        throw ParseError(field: field, expected: "a type of EIP-712", actual: type)
    }

    private static func mismatch(_ type: String, _ value: JSONValue, _ field: String) -> ParseError {
        ParseError(field: field, expected: "a value of type \(type)", actual: value.typeName)
    }

    /// A count in its one decimal form.
    private static func size(_ text: Substring) -> Int? {
        guard let number = Int(text), String(number) == text else { return nil }
        return number
    }

    /// The bits of an integer type; those without a number are no types of EIP-712.
    private static func width(_ text: Substring) -> Int? {
        guard let bits = size(text), (8...256).contains(bits), bits.isMultiple(of: 8) else { return nil }
        return bits
    }

    private static func bytes(_ value: JSONValue, _ field: String) throws(ParseError) -> [UInt8] {
        guard case .string(let text) = value, text.hasPrefix("0x") else {
            throw ParseError(field: field, expected: "0x and hexadecimal digits", actual: value.typeName)
        }
        return try Hex.decode(text.dropFirst(2), allowsUpperCase: true, field: field)
    }

    private static func padded(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8](repeating: 0, count: 32 - bytes.count) + bytes
    }

    /// The magnitude of a number and its sign.
    private static func number(_ value: JSONValue, _ field: String) throws(ParseError) -> ([UInt8], Bool) {
        var text: Substring
        switch value {
        case .number(let number):
            guard let integer = number.integer else {
                throw ParseError(field: field, expected: "an integer", actual: "another number")
            }
            text = Substring(String(integer))
        case .string(let string): text = Substring(string)
        default: throw ParseError(field: field, expected: "a number", actual: value.typeName)
        }
        if text.hasPrefix("0x") {
            let digits = text.dropFirst(2)
            let even = digits.utf8.count.isMultiple(of: 2) ? String(digits) : "0" + digits
            let magnitude = try Hex.decode(even, allowsUpperCase: true, field: field)
            guard !magnitude.isEmpty, magnitude.count <= 32 else {
                throw ParseError(field: field, expected: "at most 32 bytes", actual: "\(magnitude.count)")
            }
            return (padded(magnitude), false)
        }
        let isNegative = text.hasPrefix("-")
        if isNegative { text = text.dropFirst() }
        guard (1...78).contains(text.utf8.count) else {
            throw ParseError(field: field, expected: "a decimal number of 256 bits", actual: String(text.prefix(80)))
        }
        var word = [UInt8](repeating: 0, count: 32)
        for digit in text.utf8 {
            guard (0x30...0x39).contains(digit) else {
                throw ParseError(field: field, expected: "decimal digits", actual: String(text))
            }
            var carry = Int(digit) - 0x30
            for index in word.indices.reversed() {
                carry += 10 * Int(word[index])
                word[index] = UInt8(carry & 255)
                carry >>= 8
            }
            guard carry == 0 else {
                throw ParseError(field: field, expected: "a number of 256 bits", actual: String(text))
            }
        }
        return (word, isNegative && word.contains { $0 != 0 })
    }

    private static func isWithin(_ word: [UInt8], bits: Int) -> Bool {
        let leading = word.prefix { $0 == 0 }.count
        guard leading < 32 else { return true }
        return 8 * (32 - leading) - word[leading].leadingZeroBitCount <= bits
    }

    private static func subtractingOne(_ word: [UInt8]) -> [UInt8] {
        var word = word
        for index in word.indices.reversed() {
            word[index] &-= 1
            if word[index] != 0xff { break }
        }
        return word
    }
}
