// Where a ledger is kept, as people write it.
public import Codecs

/// A ledger's place: a SQLite file or a PostgreSQL database.
public enum LedgerLocation: Sendable, Equatable {
    case file(path: String)
    case postgres(url: String)

    /// Reads `postgres://…`, `postgresql://…`, `sqlite:PATH`, or the path of a file.
    /// - Throws: `ParseError` for an empty text and for other schemes.
    public init(text: String) throws(ParseError) {
        let expected = "postgres://…, sqlite:PATH, or a path"
        guard !text.isEmpty else { throw ParseError(field: "store", expected: expected, actual: "nothing") }
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
            self = .postgres(url: text)
        } else if text.hasPrefix("sqlite:"), text.count > 7 {
            self = .file(path: String(text.dropFirst(7)))
        } else if let range = text.firstRange(of: "://") {
            throw ParseError(field: "store", expected: expected, actual: String(text[..<range.upperBound]))
        } else {
            self = .file(path: text)
        }
    }

    /// The place without a password, for logs.
    public var publicText: String {
        switch self {
        case .file(let path): return path
        case .postgres(let url):
            guard let start = url.firstRange(of: "://")?.upperBound, let end = url[start...].firstIndex(of: "@"),
                let colon = url[start..<end].firstIndex(of: ":")
            else { return url }
            return url[..<colon] + "@" + url[url.index(after: end)...]
        }
    }

    /// Opens the ledger for reading, beside whoever writes it.
    /// - Throws: `LedgerError.noLedger` when there is none, as it was before.
    public func openForReading() throws(LedgerError) -> any LedgerStore {
        switch self {
        case .file(let path): return try SQLiteLedgerStore(path: path, access: .read)
        case .postgres(let url):
            return PostgresLedgerStore(database: try PostgresDatabase(url: url, access: .read), fence: nil)
        }
    }
}
