// Parameters of statements in the binary format of the protocol (PostgreSQL manual, "Frontend/Backend Protocol").

/// One parameter. Arrays carry many rows in one statement: `INSERT … SELECT … FROM unnest($1, $2)`.
public enum PostgresValue: Sendable, Equatable {
    case null
    case integer(Int64)
    case boolean(Bool)
    case text(String)
    case bytes([UInt8])
    case integers([Int64?])
    case texts([String?])
    case blobs([[UInt8]?])

    /// Bytes, or null.
    public static func bytes(orNull bytes: [UInt8]?) -> PostgresValue { bytes.map { .bytes($0) } ?? .null }

    /// The type's number in `pg_type`; 0 lets the server infer it.
    var type: UInt32 {
        switch self {
        case .null: 0
        case .boolean: 16
        case .bytes: 17
        case .integer: 20
        case .text: 25
        case .blobs: 1001
        case .texts: 1009
        case .integers: 1016
        }
    }

    /// Appends the value; nothing for `null`, which has no bytes.
    func append(to buffer: inout [UInt8]) {
        switch self {
        case .null: break
        case .boolean(let value): buffer.append(value ? 1 : 0)
        case .integer(let value): Self.append(UInt64(bitPattern: value), to: &buffer)
        case .text(let text): buffer.append(contentsOf: text.utf8)
        case .bytes(let bytes): buffer.append(contentsOf: bytes)
        case .integers(let values):
            Self.appendArray(values, of: 20, to: &buffer) { value, buffer in
                Self.append(UInt32(8), to: &buffer)
                Self.append(UInt64(bitPattern: value), to: &buffer)
            }
        case .texts(let values):
            Self.appendArray(values, of: 25, to: &buffer) { value, buffer in
                Self.append(UInt32(truncatingIfNeeded: value.utf8.count), to: &buffer)
                buffer.append(contentsOf: value.utf8)
            }
        case .blobs(let values):
            Self.appendArray(values, of: 17, to: &buffer) { value, buffer in
                Self.append(UInt32(truncatingIfNeeded: value.count), to: &buffer)
                buffer.append(contentsOf: value)
            }
        }
    }

    /// One dimension, lower bound 1; an element without bytes has length −1.
    private static func appendArray<Element>(
        _ values: [Element?],
        of type: UInt32,
        to buffer: inout [UInt8],
        _ append: (Element, inout [UInt8]) -> Void
    ) {
        Self.append(UInt32(values.isEmpty ? 0 : 1), to: &buffer)
        Self.append(UInt32(values.contains { $0 == nil } ? 1 : 0), to: &buffer)
        Self.append(type, to: &buffer)
        guard !values.isEmpty else { return }
        Self.append(UInt32(truncatingIfNeeded: values.count), to: &buffer)
        Self.append(UInt32(1), to: &buffer)
        for value in values {
            if let value { append(value, &buffer) } else { Self.append(UInt32.max, to: &buffer) }
        }
    }

    private static func append(_ word: some FixedWidthInteger, to buffer: inout [UInt8]) {
        withUnsafeBytes(of: word.bigEndian) { buffer.append(contentsOf: $0) }
    }
}
