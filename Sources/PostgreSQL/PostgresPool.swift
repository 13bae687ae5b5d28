// Connections that are kept and handed out, and the one place that decides what is tried again.
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Sessions with one server. Any number of threads may use a pool; each use has a connection to itself.
public final class PostgresPool: Sendable {
    /// How often a transaction is tried again after a serialisation failure, a deadlock or a lost connection.
    public static let attempts = 12

    /// Where the server is.
    public let url: String
    private let idle = Mutex<[PostgresConnection]>([])
    private let kept: Int
    private let session: [String]

    /// A pool that connects when it is first used.
    /// - Parameters:
    ///   - kept: how many idle connections stay open.
    ///   - session: settings of each new connection, such as `SET jit = off`. One that the server does not know is left out.
    public init(url: String, kept: Int = 8, session: [String] = []) {
        self.url = url
        self.kept = kept
        self.session = session
    }

    private func connect() throws(PostgresError) -> PostgresConnection {
        let connection = try PostgresConnection(url: url)
        for setting in session {
            do {
                _ = try connection.run(setting)
            } catch {
                guard !error.isConnectionLoss else { throw error }
            }
        }
        return connection
    }

    /// Lends a connection to `body`.
    public func withConnection<Value>(_ body: (PostgresConnection) throws -> Value) throws -> Value {
        let connection = try idle.withLock { $0.popLast() } ?? connect()
        do {
            let value = try body(connection)
            giveBack(connection)
            return value
        } catch {
            if (error as? PostgresError)?.isConnectionLoss != true { giveBack(connection) }
            throw error
        }
    }

    /// Runs a transaction, and again when the server says that it met another (40001, 40P01) or the connection is lost
    /// before the commit was sent: `body` must do the same each time, under the same keys.
    /// - Throws: what `body` throws, `PostgresError`. `commitUnknown` is never tried again here: only the caller knows the
    ///   key under which it can ask.
    public func transaction<Value>(
        _ isolation: PostgresIsolation = .readCommitted,
        readOnly: Bool = false,
        _ body: (PostgresConnection) throws -> Value
    ) throws -> Value {
        try repeating { try $0.transaction(isolation, readOnly: readOnly, body) }
    }

    /// Runs statements in one transaction and two round trips, again under the same conditions as `transaction`.
    /// - Parameter check: throws when the results say that the transaction must not be committed.
    /// - Throws: what `check` throws, `PostgresError`.
    public func transaction(_ statements: [PostgresStatement], check: ([PostgresResult]) throws -> Void) throws {
        try repeating { try $0.transaction(statements, check: check) }
    }

    private func repeating<Value>(_ body: (PostgresConnection) throws -> Value) throws -> Value {
        var attempt = 1
        while true {
            do {
                return try withConnection(body)
            } catch let error as PostgresError {
                guard attempt < Self.attempts, Self.mayTryAgain(error) else { throw error }
                if error.isConnectionLoss { dropIdle() }
                Self.pause(attempt)
                attempt += 1
            }
        }
    }

    /// Closes the idle connections.
    public func dropIdle() {
        idle.withLock { $0 = [] }
    }

    private static func mayTryAgain(_ error: PostgresError) -> Bool {
        if case .connection = error { return true }
        return error.isConflict
    }

    /// Waits 2 ms doubled per attempt, at most half a second, drawn at random so that two that met do not meet again.
    private static func pause(_ attempt: Int) {
        let longest = min(500, 2 << min(attempt, 8))
        usleep(UInt32(Int.random(in: 1...longest)) * 1000)
    }

    private func giveBack(_ connection: PostgresConnection) {
        guard connection.isOpen else { return }
        idle.withLock { if $0.count < kept { $0.append(connection) } }
    }
}
