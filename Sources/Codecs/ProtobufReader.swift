// A bounded reader of the protocol buffers wire format, for the few foreign documents that use it.

/// One field of a message.
public struct ProtobufField: Sendable {
    /// What stands on the wire.
    public enum Value: Sendable {
        /// Wire type 0.
        case varint(UInt64)
        /// Wire type 1.
        case fixed64(UInt64)
        /// Wire type 2: a string, bytes or a message.
        case bytes(ArraySlice<UInt8>)
        /// Wire type 5.
        case fixed32(UInt32)
    }

    /// The field number.
    public let number: UInt64
    /// The value.
    public let value: Value

    /// The bytes of a length-delimited field.
    public func bytes(_ field: String) throws(ParseError) -> ArraySlice<UInt8> {
        guard case .bytes(let bytes) = value else {
            throw ParseError(field: field, expected: "a length-delimited field", actual: "another wire type")
        }
        return bytes
    }

    /// The number of a varint field.
    public func varint(_ field: String) throws(ParseError) -> UInt64 {
        guard case .varint(let number) = value else {
            throw ParseError(field: field, expected: "a varint", actual: "another wire type")
        }
        return number
    }
}

/// Reads the fields of one message.
public enum Protobuf {
    /// The fields of `message` in order, at most `max` of them.
    /// - Throws: `ParseError` for a field number 0 or beyond 2^29 − 1, groups, lengths beyond the input, and padded varints
    ///   (Assay reads only what a canonical writer wrote).
    public static func fields(
        _ message: ArraySlice<UInt8>,
        max: Int = 1024,
        field: String = ""
    ) throws(ParseError) -> [ProtobufField] {
        var reader = ByteReader(message)
        var fields: [ProtobufField] = []
        while !reader.isAtEnd {
            guard fields.count < max else {
                throw ParseError(field: field, expected: "at most \(max) fields", actual: "more")
            }
            let key = try reader.readVarint(field)
            let number = key >> 3
            guard (1...0x1fff_ffff).contains(number) else {
                throw ParseError(field: field, expected: "a field number", actual: "\(number)", offset: reader.offset)
            }
            let value: ProtobufField.Value
            switch key & 7 {
            case 0: value = .varint(try reader.readVarint(field))
            case 1: value = .fixed64(try reader.readLittleEndian(UInt64.self, field))
            case 2:
                let length = try reader.readVarint(field)
                guard length <= UInt64(reader.remaining) else {
                    let expected = "at most \(reader.remaining) bytes"
                    throw ParseError(field: field, expected: expected, actual: "\(length)", offset: reader.offset)
                }
                value = .bytes(try reader.read(Int(length), field))
            case 5: value = .fixed32(try reader.readLittleEndian(UInt32.self, field))
            default:
                throw ParseError(field: field, expected: "wire type 0, 1, 2 or 5", actual: "\(key & 7)")
            }
            fields.append(ProtobufField(number: number, value: value))
        }
        return fields
    }
}
