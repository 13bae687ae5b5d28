// One PostgreSQL database of an engine or a fleet: its connections, its schema, and what its errors mean for the ledger.
internal import PostgreSQL

/// A database with the ledger's and the queues' tables.
public final class PostgresDatabase: Sendable {
    /// What is done with a database.
    public enum Access: Sendable {
        /// Its tables are made or brought up to date first.
        case write
        /// It has to have them, and nothing is changed in it: every transaction is opened as one that only reads.
        case read
    }

    let pool: PostgresPool

    /// Connects, and looks whether the database is a ledger, or for writing whether it can be one.
    /// - Parameter url: `postgres://user@host/database`, or whatever else libpq takes (PostgreSQL manual, "Connection
    ///   Strings"): `postgres:///assay?host=/run/postgresql`.
    /// - Throws: `LedgerError.noLedger` when the server cannot be reached or the database is not what it should be.
    public init(url: String, access: Access = .write) throws(LedgerError) {
        let pool = PostgresPool(url: url, session: access == .read ? ["SET default_transaction_read_only = on"] : [])
        self.pool = pool
        do {
            switch access {
            case .write: try PostgresSchema.migrate(pool)
            case .read: try PostgresSchema.check(pool)
            }
        } catch let error as PostgresError where error.isConnectionLoss {
            throw .noLedger(.unreachable, detail: error.description)
        } catch {
            throw Self.failure(error).error
        }
    }

    /// Closes idle connections; the database can still be used and connects again.
    public func close() { pool.dropIdle() }

    /// The database's clock, in milliseconds since 1970: the one that leases end by.
    public func clockMilliseconds() throws(LedgerError) -> Int64 {
        try transaction(readOnly: true) { try $0.execute("SELECT \(PostgresClock.milliseconds)").integer(0, 0) }
    }

    /// Runs one transaction; again under the same keys when the server asks for it.
    func transaction<Value>(
        _ isolation: PostgresIsolation = .readCommitted,
        readOnly: Bool = false,
        _ body: (PostgresConnection) throws -> Value
    ) throws(LedgerError) -> Value {
        try Self.translating { try pool.transaction(isolation, readOnly: readOnly, body) }
    }

    /// Runs a transaction that does the same when it is done twice, so that an unknown commit is simply repeated.
    func repeatable<Value>(_ body: (PostgresConnection) throws -> Value) throws(LedgerError) -> Value {
        try Self.translating {
            var attempt = 1
            while true {
                do {
                    return try pool.transaction(.readCommitted, body)
                } catch PostgresError.commitUnknown where attempt < PostgresPool.attempts {
                    attempt += 1
                    pool.dropIdle()
                }
            }
        }
    }

    /// The same error in the ledger's words.
    static func translating<Value>(_ body: () throws -> Value) throws(LedgerError) -> Value {
        do {
            return try body()
        } catch {
            throw failure(error).error
        }
    }

    /// What an error of the database means for the ledger.
    static func failure(_ error: any Error) -> WriteFailure {
        if let error = error as? LedgerError {
            switch error {
            case .invariant, .fenced: return WriteFailure(error: error, stopsSettlement: true)
            default: return WriteFailure(error: error, stopsSettlement: false)
            }
        }
        guard let error = error as? PostgresError else {
            return WriteFailure(error: .storage(detail: "\(error)"), stopsSettlement: false)
        }
        guard case .server(let state, let message, let constraint) = error, state.hasPrefix("23") else {
            return WriteFailure(error: .storage(detail: error.description), stopsSettlement: false)
        }
        let detail = constraint.map { "\(message) (\($0))" } ?? message
        if constraint == "transfer_leg" {
            return WriteFailure(error: .invariant(.legOnce, detail: detail), stopsSettlement: true)
        }
        for invariant in LedgerInvariant.allCases
        where constraint?.hasPrefix(invariant.rawValue.lowercased() + "_") == true {
            return WriteFailure(error: .invariant(invariant, detail: detail), stopsSettlement: true)
        }
        let conflict = LedgerError.conflict(field: "batch", expected: "new and known ids", actual: detail)
        return WriteFailure(error: conflict, stopsSettlement: false)
    }
}
