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

    /// A pool that connects when it is first used.
    /// - Parameter kept: how many idle connections stay open.
    public init(url: String, kept: Int = 8) {
        self.url = url
        self.kept = kept
    }

    /// Lends a connection to `body`.
    public func withConnection<Value>(_ body: (PostgresConnection) throws -> Value) throws -> Value {
        let connection = try idle.withLock { $0.popLast() } ?? PostgresConnection(url: url)
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
        var attempt = 1
        while true {
            do {
                return try withConnection { try $0.transaction(isolation, readOnly: readOnly, body) }
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
