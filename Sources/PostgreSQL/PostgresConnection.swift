// One connection through libpq: statements prepared once, parameters and rows in binary. No C type leaves this target.
internal import CPostgres
internal import Synchronization

/// How much of other transactions a transaction sees.
public enum PostgresIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    /// One snapshot for all statements.
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

/// One session with a server. Calls are serialised; a transaction belongs to whoever took the connection from the pool.
public final class PostgresConnection: @unchecked Sendable {
    // Unchecked: libpq allows one thread at a time on a connection, and every use goes through `prepared`'s lock.
    let handle: OpaquePointer
    /// The names of statements by their text and types.
    let prepared = Mutex<[String: String]>([:])
    private let named = Mutex(0)

    /// Connects.
    /// - Parameter url: a connection URI or string as libpq takes it (PostgreSQL manual, "Connection Strings").
    /// - Throws: `PostgresError.connection` with the server's or the library's words.
    public init(url: String) throws(PostgresError) {
        // The URL stands last, so that what it says wins over these defaults.
        let settings = [
            ("application_name", "assay"), ("connect_timeout", "10"), ("client_encoding", "UTF8"), ("dbname", url),
        ]
        let names = CStrings(settings.map(\.0))
        let values = CStrings(settings.map(\.1))
        guard let handle = PQconnectdbParams(names.pointers, values.pointers, 1) else {
            throw .connection(detail: "no memory")
        }
        self.handle = handle
        guard PQstatus(handle) == CONNECTION_OK else { throw .connection(detail: Self.message(handle)) }
        // Notices would go to the daemon's standard error.
        PQsetNoticeReceiver(handle, { _, _ in }, nil)
    }

    deinit { PQfinish(handle) }

    /// Whether the session still stands, as far as this side knows.
    public var isOpen: Bool { PQstatus(handle) == CONNECTION_OK }

    /// The server's version as it reports it, such as `15.18`; empty when it reports none.
    public var serverVersion: String {
        PQparameterStatus(handle, "server_version").map { String(cString: $0) } ?? ""
    }

    /// Runs one statement. It is prepared on its first use, so its text should not contain values.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func execute(_ sql: String, _ parameters: [PostgresValue] = []) throws(PostgresError) -> PostgresResult {
        try prepared.withLock { (names: inout [String: String]) throws(PostgresError) -> PostgresResult in
            let types = parameters.map(\.type)
            let key = Self.key(sql, types)
            let name: String
            if let known = names[key] {
                name = known
            } else {
                name = nextName()
                _ = try check(PQprepare(handle, name, sql, Int32(types.count), types))
                names[key] = name
            }
            let result = withParameters(parameters) { count, pointers, lengths, formats in
                PQexecPrepared(handle, name, count, pointers, lengths, formats, 1)
            }
            return try check(result)
        }
    }

    /// What names a prepared statement. Null has no type of its own, so a statement with nulls elsewhere is another one.
    static func key(_ sql: String, _ types: [UInt32]) -> String {
        types.contains(0) ? sql + "\0\(types)" : sql
    }

    /// A name that no statement of this session has had: one whose preparation was refused may still be taken.
    func nextName() -> String {
        named.withLock { count in
            count += 1
            return "s\(count)"
        }
    }

    /// Lends parameters in the form that libpq takes.
    func withParameters<Value>(
        _ parameters: [PostgresValue],
        _ body: (Int32, [UnsafePointer<CChar>?], [Int32], [Int32]) -> Value
    ) -> Value {
        var buffer: [UInt8] = []
        var ends: [Int] = []
        for parameter in parameters {
            parameter.append(to: &buffer)
            ends.append(buffer.count)
        }
        buffer.append(0)
        return buffer.withUnsafeBytes { bytes in
            var pointers: [UnsafePointer<CChar>?] = []
            var lengths: [Int32] = []
            var start = 0
            for (parameter, end) in zip(parameters, ends) {
                let base = bytes.baseAddress?.advanced(by: start).assumingMemoryBound(to: CChar.self)
                pointers.append(parameter == .null ? nil : base)
                lengths.append(Int32(end - start))
                start = end
            }
            return body(Int32(parameters.count), pointers, lengths, [Int32](repeating: 1, count: parameters.count))
        }
    }

    /// Runs statements without parameters, separated by semicolons, such as a migration.
    /// - Throws: `PostgresError`.
    @discardableResult
    public func run(_ script: String) throws(PostgresError) -> PostgresResult {
        try prepared.withLock { _ throws(PostgresError) -> PostgresResult in try check(PQexec(handle, script)) }
    }

    /// Runs `body` in one transaction: commits what it returns from, rolls back what it throws from.
    /// - Throws: what `body` throws; `PostgresError.commitUnknown` when the connection was lost during the commit.
    public func transaction<Value>(
        _ isolation: PostgresIsolation = .readCommitted,
        readOnly: Bool = false,
        _ body: (PostgresConnection) throws -> Value
    ) throws -> Value {
        try run("BEGIN ISOLATION LEVEL \(isolation.rawValue)\(readOnly ? " READ ONLY" : "")")
        let value: Value
        do {
            value = try body(self)
        } catch {
            _ = try? run("ROLLBACK")
            throw error
        }
        try commit(readOnly: readOnly)
        return value
    }

    /// Commits the open transaction.
    func commit(readOnly: Bool = false) throws(PostgresError) {
        let result: PostgresResult
        do throws(PostgresError) {
            result = try run("COMMIT")
        } catch {
            if case .connection(let detail) = error, !readOnly { throw .commitUnknown(detail: detail) }
            throw error
        }
        guard result.tag == "COMMIT" else {
            throw .server(sqlState: "25P02", message: "the transaction was rolled back", constraint: nil)
        }
    }

    func check(_ result: OpaquePointer?) throws(PostgresError) -> PostgresResult {
        guard let result else { throw .connection(detail: Self.message(handle)) }
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return PostgresResult(result)
        default:
            defer { PQclear(result) }
            func field(_ code: Character) -> String? {
                PQresultErrorField(result, Int32(code.asciiValue ?? 0)).map { String(cString: $0) }
            }
            // PG_DIAG_SQLSTATE, PG_DIAG_MESSAGE_PRIMARY, PG_DIAG_CONSTRAINT_NAME
            guard let state = field("C"), PQstatus(handle) == CONNECTION_OK || !state.isEmpty else {
                throw .connection(detail: Self.message(handle))
            }
            throw .refusal(sqlState: state, message: field("M") ?? "no message", constraint: field("n"))
        }
    }

    /// What the library says about the last thing that failed.
    var lastMessage: String { Self.message(handle) }

    private static func message(_ handle: OpaquePointer) -> String {
        let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
        let lines = text.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " || $0 == "\t" } }
        return lines.isEmpty ? "lost" : lines.joined(separator: "; ")
    }
}

/// A null-terminated array of C strings that lives as long as this object.
private final class CStrings {
    let pointers: [UnsafePointer<CChar>?]
    private let storage: [UnsafeMutablePointer<CChar>]

    init(_ strings: [String]) {
        storage = strings.map { string in
            let bytes = string.utf8CString
            let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
            for (index, byte) in bytes.enumerated() { copy[index] = byte }
            return copy
        }
        pointers = storage.map { UnsafePointer($0) } + [nil]
    }

    deinit { for pointer in storage { pointer.deallocate() } }
}
