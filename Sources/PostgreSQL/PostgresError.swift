// What can go wrong between this process and a PostgreSQL server, sorted by what the caller may do next.

/// Why a statement has no result.
public enum PostgresError: Error, Sendable, Equatable {
    /// The server cannot be reached, or the connection was lost. A transaction that was open is gone.
    case connection(detail: String)
    /// The connection was lost while a commit was under way: it may have happened or not. Ask under the same key.
    case commitUnknown(detail: String)
    /// The server refused. `sqlState` is the five-character code of the SQL standard (PostgreSQL manual, appendix A).
    case server(sqlState: String, message: String, constraint: String?)
    /// A row does not have the columns or types that its reader expects.
    case shape(field: String, expected: String, actual: String)

    /// Whether the same transaction can simply be tried again: serialisation failure or deadlock.
    public var isConflict: Bool {
        guard case .server(let state, _, _) = self else { return false }
        return state == "40001" || state == "40P01"
    }

    /// Whether the connection is of no more use.
    public var isConnectionLoss: Bool {
        switch self {
        case .connection, .commitUnknown: true
        case .server, .shape: false
        }
    }

    /// The SQLSTATE of a refusal; `nil` for everything else.
    public var sqlState: String? {
        guard case .server(let state, _, _) = self else { return nil }
        return state
    }

    /// Sorts a server's error: classes 08 (connection) and 57P (shutdown) end the connection, 40003 leaves a commit open.
    static func refusal(sqlState: String, message: String, constraint: String?) -> PostgresError {
        if sqlState == "40003" { return .commitUnknown(detail: message) }
        if sqlState.hasPrefix("08") || sqlState.hasPrefix("57P") { return .connection(detail: message) }
        return .server(sqlState: sqlState, message: message, constraint: constraint)
    }
}

extension PostgresError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .connection(let detail): "connection to PostgreSQL: \(detail)"
        case .commitUnknown(let detail): "PostgreSQL did not say whether it committed: \(detail)"
        case .server(let state, let message, let constraint):
            "PostgreSQL \(state): \(message)" + (constraint.map { " (constraint \($0))" } ?? "")
        case .shape(let field, let expected, let actual): "\(field): expected \(expected), found \(actual)"
        }
    }
}
