// Reads the npy files of input slots (numpy.lib.format, versions 1.0 and 2.0). The header is a Python dictionary literal; only
// the form that numpy itself writes is accepted, because two readers must never see two shapes in one file.
package import Codecs

/// An array as an npy file holds it.
package struct NPYFile: Equatable {
    /// The type of the elements.
    package let type: ElementType
    /// The length of each dimension, slowest first; empty for a scalar.
    package let shape: [UInt64]
    /// The elements, little-endian, in C order.
    package let content: ArraySlice<UInt8>

    /// Reads a file.
    /// - Throws: `ParseError` for anything that numpy would not write for a C-ordered array of an `ElementType`.
    package init(parsing bytes: [UInt8], field: String = "npy") throws(ParseError) {
        var reader = ByteReader(bytes)
        let magic = Array(try reader.read(6, field))
        guard magic == [0x93] + Array("NUMPY".utf8) else {
            throw ParseError(field: field, expected: "the npy magic", actual: Hex.encode(magic), offset: 0)
        }
        let version = try reader.readByte(field)
        let minor = try reader.readByte(field)
        guard version == 1 || version == 2, minor == 0 else {
            throw ParseError(field: field, expected: "npy version 1.0 or 2.0", actual: "\(version).\(minor)", offset: 6)
        }
        let length: Int
        if version == 1 {
            length = Int(try reader.readLittleEndian(UInt16.self, field))
        } else {
            length = Int(try reader.readLittleEndian(UInt32.self, field))
        }
        guard UInt64(length) < ReplaySpec.Bounds.npyHeaderBytes - 12 else {
            throw ParseError(field: field, expected: "a header below 64 KiB", actual: "\(length) bytes", offset: 8)
        }
        var header = NPYHeader(text: Array(try reader.read(length, field)), field: field)
        (type, shape) = try header.parse()
        content = reader.readRest()
        var count = UInt64(type.byteCount)
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard !overflow else { throw ParseError(field: field, expected: "a size below 2^64", actual: "more") }
            count = product
        }
        guard count == UInt64(content.count) else {
            throw ParseError(field: field, expected: "\(count) bytes of elements", actual: "\(content.count)")
        }
    }
}

/// The dictionary literal of an npy header.
private struct NPYHeader {
    let text: [UInt8]
    let field: String
    var position = 0

    init(text: [UInt8], field: String) {
        self.text = text
        self.field = field
    }

    mutating func parse() throws(ParseError) -> (ElementType, [UInt64]) {
        var type: ElementType?
        var shape: [UInt64]?
        var order: Bool?
        try expect("{")
        while !take("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where type == nil:
                let descriptor = try string()
                type = ElementType.allCases.first { $0.npyDescriptor == descriptor }
                guard type != nil else { throw error("a supported element type", descriptor) }
            case "fortran_order" where order == nil:
                order = take("True") ? true : try expectFalse()
                guard order == false else { throw error("C order", "Fortran order") }
            case "shape" where shape == nil: shape = try tuple()
            default: throw error("descr, fortran_order and shape, each once", key)
            }
            if !take(",") {
                try expect("}")
                break
            }
        }
        guard text.last == 0x0a, text[position...].dropLast().allSatisfy({ $0 == 0x20 }) else {
            throw error("spaces and a line feed after the dictionary", "something else")
        }
        guard let type, let shape, order != nil else {
            throw error("descr, fortran_order and shape", "a header without one of them")
        }
        return (type, shape)
    }

    private mutating func expectFalse() throws(ParseError) -> Bool {
        try expect("False")
        return false
    }

    private mutating func tuple() throws(ParseError) -> [UInt64] {
        var lengths: [UInt64] = []
        try expect("(")
        while !take(")") {
            skipSpaces()
            let digits = text[position...].prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
            let number = String(decoding: digits, as: UTF8.self)
            guard let length = UInt64(number), String(length) == number, lengths.count < 32 else {
                throw error("up to 32 lengths", number)
            }
            position += digits.count
            lengths.append(length)
            let isSeparated = take(",")
            if !isSeparated {
                // `(5)` is a number in Python, not a tuple of one.
                guard lengths.count > 1 else { throw error("',' after the only length", "none") }
                try expect(")")
                break
            }
        }
        return lengths
    }

    private mutating func string() throws(ParseError) -> String {
        try expect("'")
        let content = text[position...].prefix { $0 != UInt8(ascii: "'") && $0 != UInt8(ascii: "\\") }
        position += content.count
        guard position < text.count, text[position] == UInt8(ascii: "'") else { throw error("a closing quote", "none") }
        position += 1
        return String(decoding: content, as: UTF8.self)
    }

    private mutating func skipSpaces() {
        while position < text.count, text[position] == 0x20 { position += 1 }
    }

    private mutating func take(_ word: String) -> Bool {
        skipSpaces()
        guard text[position...].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    private mutating func expect(_ word: String) throws(ParseError) {
        guard take(word) else { throw error("'\(word)'", "other text") }
    }

    private func error(_ expected: String, _ actual: String) -> ParseError {
        ParseError(field: field, expected: expected, actual: actual, offset: 10 + position)
    }
}

extension ReplaySpec.Slot {
    /// The initial content of an input from its file.
    /// - Throws: `ParseError` when the file does not hold exactly this slot's type and shape.
    package func content(of file: [UInt8], format: Format) throws(ParseError) -> ArraySlice<UInt8> {
        switch format {
        case .raw:
            guard file.count == byteCount else {
                throw ParseError(field: name, expected: "\(byteCount) bytes", actual: "\(file.count)")
            }
            return file[...]
        case .npy:
            let array = try NPYFile(parsing: file, field: name)
            guard array.type == type else {
                throw ParseError(field: name + ".dtype", expected: type.rawValue, actual: array.type.rawValue)
            }
            guard array.shape == shape else {
                throw ParseError(field: name + ".shape", expected: "\(shape)", actual: "\(array.shape)")
            }
            return array.content
        }
    }
}
