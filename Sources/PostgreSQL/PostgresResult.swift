// Rows as they came, decoded by whoever knows what they should be.
internal import CPostgres

/// The rows of one statement, in the binary format.
public final class PostgresResult: @unchecked Sendable {
    // Unchecked: libpq's results are immutable once received, and this one is freed only when nobody holds it.
    private let result: OpaquePointer

    /// How many rows there are.
    public let count: Int
    /// How many rows the statement changed; 0 for statements that change none.
    public let changed: Int

    init(_ result: OpaquePointer) {
        self.result = result
        count = Int(PQntuples(result))
        changed = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
    }

    deinit { PQclear(result) }

    /// What the statement was, in the server's words: `COMMIT`, `INSERT 0 1`.
    var tag: String { PQcmdStatus(result).map { String(cString: $0) } ?? "" }

    /// Whether there is no value.
    public func isNull(_ row: Int, _ column: Int) -> Bool {
        PQgetisnull(result, Int32(row), Int32(column)) == 1
    }

    /// The bytes of a value.
    /// - Throws: `PostgresError.shape` for null and for a column that is not there.
    public func bytes(_ row: Int, _ column: Int) throws(PostgresError) -> [UInt8] {
        try withValue(row, column) { Array($0) }
    }

    /// The bytes of a value; `nil` for null.
    public func optionalBytes(_ row: Int, _ column: Int) throws(PostgresError) -> [UInt8]? {
        isNull(row, column) ? nil : try bytes(row, column)
    }

    /// An integer of 2, 4 or 8 bytes, or a boolean as 0 or 1.
    public func integer(_ row: Int, _ column: Int) throws(PostgresError) -> Int64 {
        let (value, count) = try withValue(row, column) { bytes -> (Int64, Int) in
            let negative = bytes.count > 1 && (bytes.first ?? 0) >= 0x80
            let start: UInt64 = negative ? .max : 0
            return (Int64(bitPattern: bytes.reduce(start) { $0 << 8 | UInt64($1) }), bytes.count)
        }
        guard [1, 2, 4, 8].contains(count) else { throw shape(column, "an integer", "\(count) bytes") }
        return value
    }

    /// An integer; `nil` for null.
    public func optionalInteger(_ row: Int, _ column: Int) throws(PostgresError) -> Int64? {
        isNull(row, column) ? nil : try integer(row, column)
    }

    /// A text.
    public func text(_ row: Int, _ column: Int) throws(PostgresError) -> String {
        try withValue(row, column) { String(decoding: $0, as: UTF8.self) }
    }

    private func withValue<Value>(
        _ row: Int,
        _ column: Int,
        _ body: (UnsafeRawBufferPointer) -> Value
    ) throws(PostgresError) -> Value {
        guard (0..<count).contains(row), (0..<Int(PQnfields(result))).contains(column) else {
            throw .shape(field: "column \(column)", expected: "row \(row) of \(count)", actual: "none")
        }
        guard !isNull(row, column) else { throw shape(column, "a value", "null") }
        let length = Int(PQgetlength(result, Int32(row), Int32(column)))
        return body(UnsafeRawBufferPointer(start: PQgetvalue(result, Int32(row), Int32(column)), count: length))
    }

    private func shape(_ column: Int, _ expected: String, _ actual: String) -> PostgresError {
        let name = PQfname(result, Int32(column)).map { String(cString: $0) } ?? "column \(column)"
        return .shape(field: name, expected: expected, actual: actual)
    }
}
