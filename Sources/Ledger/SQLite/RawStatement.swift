// Statements of the writer, prepared once and bound without boxing: at thousands of settlements a second the general
// interface of the database library costs more than the database.
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
            if raw.isEmpty {
                sqlite3_bind_zeroblob(handle, index, 0)
            } else {
                sqlite3_bind_blob64(handle, index, raw.baseAddress, UInt64(raw.count), Self.transient)
            }
        }
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
