// Statements prepared once, bound and read without boxing: at thousands of settlements a second, and at millions of rows in
// an audit, the general interface of the database library costs more than the database.
internal import Codecs
internal import Commitments
internal import GRDB
internal import GRDBSQLite

/// One prepared statement of one connection. Used on that connection's own thread only.
final class RawStatement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer

    init(_ db: Database, _ sql: String) throws {
        guard let connection = db.sqliteConnection else { throw LedgerError.storage(detail: "the store is closed") }
        var handle: OpaquePointer?
        let code = sqlite3_prepare_v3(connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard code == SQLITE_OK, let handle else { throw Self.error(connection, code) }
        self.handle = handle
        self.connection = connection
    }

    deinit { sqlite3_finalize(handle) }

    // Parameters are numbered from 1, as in SQLite.

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(handle, index, value) }

    func bind(_ index: Int32, _ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            utf8.withMemoryRebound(to: CChar.self) { chars in
                _ = sqlite3_bind_text(handle, index, chars.baseAddress, Int32(chars.count), Self.transient)
            }
        }
    }

    func bind(_ index: Int32, _ bytes: some ContiguousStorage) {
        bytes.withRawBytes { raw in
            _ =
                raw.isEmpty
                ? sqlite3_bind_zeroblob(handle, index, 0)
                : sqlite3_bind_blob64(handle, index, raw.baseAddress, UInt64(raw.count), Self.transient)
        }
    }

    func bind(_ index: Int32, orNull value: Int64?) {
        if let value { bind(index, value) } else { sqlite3_bind_null(handle, index) }
    }

    func bind(_ index: Int32, orNull bytes: (some ContiguousStorage)?) {
        if let bytes { bind(index, bytes) } else { sqlite3_bind_null(handle, index) }
    }

    /// Runs the statement, which returns no rows, and makes it ready for other parameters.
    /// - Returns: how many rows it changed.
    @discardableResult
    func run() throws -> Int {
        let code = sqlite3_step(handle)
        guard code == SQLITE_DONE else {
            let error = Self.error(connection, code)
            sqlite3_reset(handle)
            throw error
        }
        let changed = Int(sqlite3_changes(connection))
        sqlite3_reset(handle)
        return changed
    }

    /// Whether the query has a row.
    func hasRow() throws -> Bool {
        let code = sqlite3_step(handle)
        defer { sqlite3_reset(handle) }
        switch code {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw Self.error(connection, code)
        }
    }

    var lastRow: Int64 { sqlite3_last_insert_rowid(connection) }

    /// Calls `body` for each row of the query, and makes the statement ready for other parameters.
    func forEachRow(_ body: (RawStatement) throws -> Void) throws {
        defer { sqlite3_reset(handle) }
        while true {
            let code = sqlite3_step(handle)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw Self.error(connection, code) }
            try body(self)
        }
    }

    /// The first row of the query; `nil` when there is none.
    func first<Value>(_ body: (RawStatement) throws -> Value) throws -> Value? {
        defer { sqlite3_reset(handle) }
        let code = sqlite3_step(handle)
        if code == SQLITE_DONE { return nil }
        guard code == SQLITE_ROW else { throw Self.error(connection, code) }
        return try body(self)
    }

    // Columns of the present row are numbered from 0, as in SQLite. STRICT tables hold no other types; a damaged page can.

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func integer(_ column: Int32) throws -> Int64 {
        guard sqlite3_column_type(handle, column) == SQLITE_INTEGER else { throw wrongType(column, "an integer") }
        return sqlite3_column_int64(handle, column)
    }

    func optionalInteger(_ column: Int32) throws -> Int64? { isNull(column) ? nil : try integer(column) }

    func text(_ column: Int32) throws -> String {
        guard sqlite3_column_type(handle, column) == SQLITE_TEXT, let start = sqlite3_column_text(handle, column) else {
            throw wrongType(column, "text")
        }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    /// Lends the bytes of a blob until the next step.
    func withBlob<Value>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Value) throws -> Value {
        guard sqlite3_column_type(handle, column) == SQLITE_BLOB else { throw wrongType(column, "a blob") }
        let count = Int(sqlite3_column_bytes(handle, column))
        return try body(UnsafeRawBufferPointer(start: sqlite3_column_blob(handle, column), count: count))
    }

    func bytes(_ column: Int32) throws -> [UInt8] { try withBlob(column) { Array($0) } }

    func optionalBytes(_ column: Int32) throws -> [UInt8]? { isNull(column) ? nil : try bytes(column) }

    func digest(_ column: Int32) throws -> Digest { try withBlob(column) { try Digest($0, field: name(column)) } }

    func optionalDigest(_ column: Int32) throws -> Digest? { isNull(column) ? nil : try digest(column) }

    func transferID(_ column: Int32) throws -> TransferID {
        try withBlob(column) { try TransferID(bytes: $0, field: name(column)) }
    }

    func accountID(_ column: Int32) throws -> AccountID {
        try withBlob(column) { try AccountID(bytes: $0, field: name(column)) }
    }

    func kind<Kind: RawRepresentable<String>>(_ column: Int32) throws -> Kind {
        let text = try text(column)
        guard let kind = Kind(rawValue: text) else {
            throw ParseError(field: name(column), expected: "a known kind", actual: text)
        }
        return kind
    }

    func attempt(_ column: Int32) throws -> UInt32 {
        let value = try integer(column)
        guard let attempt = UInt32(exactly: value) else {
            throw ParseError(field: name(column), expected: "32 bits", actual: "\(value)")
        }
        return attempt
    }

    private func name(_ column: Int32) -> String {
        sqlite3_column_name(handle, column).map { String(cString: $0) } ?? "column \(column)"
    }

    private func wrongType(_ column: Int32, _ expected: String) -> ParseError {
        let types: [Int32: String] = [
            SQLITE_INTEGER: "an integer", SQLITE_FLOAT: "a float", SQLITE_TEXT: "text", SQLITE_BLOB: "a blob",
        ]
        let actual = types[sqlite3_column_type(handle, column)] ?? "null"
        return ParseError(field: name(column), expected: expected, actual: actual)
    }

    private static func error(_ connection: OpaquePointer, _ code: Int32) -> DatabaseError {
        let message = sqlite3_errmsg(connection).map { String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
    }

    /// `SQLITE_TRANSIENT`, a macro that Swift does not see: SQLite copies what is bound.
    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
}

/// Bytes that can be bound without copying them into an array first.
protocol ContiguousStorage {
    func withRawBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value
}

extension [UInt8]: ContiguousStorage {
    func withRawBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value { withUnsafeBytes(body) }
}

extension Digest: ContiguousStorage {
    func withRawBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value { withUnsafeBytes(body) }
}

extension AccountID: ContiguousStorage {}
extension TransferID: ContiguousStorage {}
