// Groups on their way into PostgreSQL: mark, fence and rows in one round trip, the commit in another, asked for again when its
// answer is lost.
internal import PostgreSQL
internal import Synchronization

/// Writes the groups of one store, on a connection of its own.
final class PostgresGroupWriter: Sendable {
    /// The group was committed before; nothing is to be done.
    private struct AlreadyCommitted: Error {}
    /// The group was not committed; what asked for it is rolled back.
    private struct NotCommitted: Error {}

    private struct State {
        var movements: [AccountID: AccountMovement] = [:]
        var groups = 0
        /// Whether the ledger says that several write to it.
        var isMarked = false
    }

    /// Each statement goes by keys of its own rows, however many rows there are by the time it runs. The planner's guesses,
    /// made when the tables were small or not analysed, would read whole tables for each group.
    private static let session = [
        "SET enable_hashjoin = off", "SET enable_mergejoin = off", "SET enable_seqscan = off", "SET jit = off",
        "SET plan_cache_mode = force_generic_plan",
    ]

    private let pool: PostgresPool
    private let fence: Fence?
    private let writers: PostgresLedgerStore.Writers
    private let patience: PostgresPatience
    private let state = Mutex(State())

    init(url: String, fence: Fence?, writers: PostgresLedgerStore.Writers, patience: PostgresPatience) {
        pool = PostgresPool(url: url, kept: 1, session: Self.session)
        self.fence = fence
        self.writers = writers
        self.patience = patience
    }

    func close() { pool.dropIdle() }

    func write(_ batches: [Batch]) throws(WriteFailure) {
        do {
            let rows = try GroupRows(batches)
            var mark = [UInt8](repeating: 0, count: 16)
            for index in mark.indices { mark[index] = UInt8.random(in: 0...255) }
            try patience.wait(for: pool) { isUnknown in
                // The same rows under the same mark: whether the lost commit happened is asked first.
                if isUnknown, try isCommitted(mark) { return }
                try commit(rows, mark)
            }
        } catch {
            throw failure(error)
        }
    }

    /// Whether the transaction with that mark was committed. While it is still under way, which a lost connection does not
    /// end at once, the insertion waits for it.
    private func isCommitted(_ mark: [UInt8]) throws -> Bool {
        do {
            try pool.transaction { connection in
                let statement = Self.markStatement(mark)
                let inserted = try connection.execute(statement.sql, statement.parameters)
                if inserted.changed == 1 { throw NotCommitted() }
            }
            return true
        } catch is NotCommitted {
            return false
        }
    }

    private static func markStatement(_ mark: [UInt8]) -> PostgresStatement {
        PostgresStatement(
            "INSERT INTO commit_mark (id, at) VALUES ($1, \(PostgresClock.milliseconds)) ON CONFLICT (id) DO NOTHING",
            [.bytes(mark)]
        )
    }

    private func commit(_ rows: GroupRows, _ mark: [UInt8]) throws {
        let movements = try movements(rows)
        var steps = [
            PostgresBatchWriter.Step(Self.markStatement(mark)) { inserted in
                if inserted.changed != 1 { throw AlreadyCommitted() }
            }
        ]
        if let fence { steps.append(Self.fenceStep(fence)) }
        let marks = writers == .several && !state.withLock { $0.isMarked }
        if marks { steps.append(PostgresBatchWriter.Step(PostgresSchema.markSeveralWriters, [])) }
        steps += PostgresBatchWriter(rows: rows).steps { movements[$0] ?? .row }
        let groups = state.withLock { state in
            state.groups += 1
            return state.groups
        }
        if groups % PostgresLedgerStore.groupsPerFold == 0 {
            steps.append(PostgresBatchWriter.fold(nil))
            // A mark is of use as long as its writer may still ask for it.
            let age = "\(PostgresClock.milliseconds) - 3600000"
            steps.append(PostgresBatchWriter.Step("DELETE FROM commit_mark WHERE at < \(age)", []))
        }
        do {
            try pool.transaction(steps.map(\.statement)) { results in
                for (step, result) in zip(steps, results) { try step.check(result) }
            }
        } catch is AlreadyCommitted {}
        if marks { state.withLock { $0.isMarked = true } }
    }

    /// Holds the fence's row until the commit, so that nobody can acquire it in between.
    private static func fenceStep(_ fence: Fence) -> PostgresBatchWriter.Step {
        PostgresBatchWriter.Step("SELECT epoch FROM fence WHERE name = $1 FOR SHARE", [.text(fence.name)]) { rows in
            let current = rows.count == 1 ? try rows.integer(0, 0) : 0
            guard current == fence.epoch else {
                throw LedgerError.fenced(name: fence.name, epoch: fence.epoch, current: current)
            }
        }
    }

    /// How the group's accounts move. An account's kind never changes, so it is asked for once.
    private func movements(_ rows: GroupRows) throws -> [AccountID: AccountMovement] {
        let ids = rows.deltas.map(\.account)
        var movements: [AccountID: AccountMovement] = [:]
        state.withLock { state in
            for account in rows.accounts { state.movements[account.id] = AccountMovement(account.kind) }
            for id in ids { movements[id] = state.movements[id] }
        }
        let unknown = ids.filter { movements[$0] == nil }
        guard !unknown.isEmpty else { return movements }
        let found = try pool.withConnection { connection in
            let rows = try connection.execute(
                "SELECT id, kind FROM account WHERE id = ANY($1::bytea[])",
                [.blobs(unknown.map(\.bytes))]
            )
            return try (0..<rows.count).compactMap { row -> (AccountID, AccountMovement)? in
                guard let kind = AccountKind(rawValue: try rows.text(row, 1)) else { return nil }
                return (try AccountID(bytes: try rows.bytes(row, 0)), AccountMovement(kind))
            }
        }
        state.withLock { state in for (id, movement) in found { state.movements[id] = movement } }
        return movements.merging(found) { first, _ in first }
    }

    /// What an error means. Among several writers a row that another has changed first is a refusal, not a fault.
    private func failure(_ error: any Error) -> WriteFailure {
        var failure = PostgresDatabase.failure(error)
        failure.isOfTheStore = (error as? PostgresError)?.isConnectionLoss ?? false
        guard writers == .several, case .invariant(let invariant, let detail) = failure.error else { return failure }
        switch invariant {
        case .noOverdraft, .holdResolvedOnce, .legOnce:
            let conflict = LedgerError.conflict(field: invariant.rawValue, expected: "nobody was first", actual: detail)
            return WriteFailure(error: conflict, stopsSettlement: false)
        default: return failure
        }
    }
}
