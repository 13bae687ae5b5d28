// Many statements on one round trip: libpq's pipeline mode (PostgreSQL manual, "Pipeline Mode").
internal import CPostgres
internal import Synchronization

/// A statement and its parameters, to be sent with others.
public struct PostgresStatement: Sendable {
    /// The text, without values: it is prepared on its first use.
    public let sql: String
    /// `$1`, `$2` and so on.
    public let parameters: [PostgresValue]

    /// A statement to be sent.
    public init(_ sql: String, _ parameters: [PostgresValue] = []) {
        self.sql = sql
        self.parameters = parameters
    }
}

extension PostgresConnection {
    private enum Sent {
        case preparation(key: String)
        case statement
    }

    /// The results of the statements before the first that was refused, and why it was.
    struct PipelineAnswer {
        var results: [PostgresResult] = []
        var refusal: PostgresError?
    }

    /// Sends all statements, then reads all results. When one is refused the server skips those after it.
    ///
    /// For statements with short results: what the server has to say while it is still being spoken to must fit into the
    /// socket's buffers.
    /// - Throws: `PostgresError` of the connection.
    func pipeline(_ statements: [PostgresStatement]) throws(PostgresError) -> PipelineAnswer {
        try prepared.withLock { (names: inout [String: String]) throws(PostgresError) -> PipelineAnswer in
            guard PQenterPipelineMode(handle) == 1 else { throw .connection(detail: lastMessage) }
            var sent: [Sent] = []
            for statement in statements {
                let types = statement.parameters.map(\.type)
                let key = Self.key(statement.sql, types)
                var name = names[key]
                if name == nil {
                    let fresh = nextName()
                    guard PQsendPrepare(handle, fresh, statement.sql, Int32(types.count), types) == 1 else {
                        throw .connection(detail: lastMessage)
                    }
                    sent.append(.preparation(key: key))
                    names[key] = fresh
                    name = fresh
                }
                let isSent = withParameters(statement.parameters) { count, pointers, lengths, formats in
                    PQsendQueryPrepared(handle, name, count, pointers, lengths, formats, 1)
                }
                guard isSent == 1 else { throw .connection(detail: lastMessage) }
                sent.append(.statement)
            }
            guard PQpipelineSync(handle) == 1 else { throw .connection(detail: lastMessage) }
            let answer = try receive(sent, &names)
            guard answer.refusal != nil || answer.results.count == statements.count else {
                throw .connection(detail: "\(answer.results.count) results of \(statements.count) statements")
            }
            return answer
        }
    }

    private func receive(_ sent: [Sent], _ names: inout [String: String]) throws(PostgresError) -> PipelineAnswer {
        var answer = PipelineAnswer()
        for item in sent {
            // A lost connection has one error and then nothing.
            guard let received = PQgetResult(handle) else {
                throw answer.refusal ?? .connection(detail: lastMessage)
            }
            var isDone = false
            if PQresultStatus(received) == PGRES_PIPELINE_ABORTED {
                PQclear(received)
            } else {
                do throws(PostgresError) {
                    let result = try check(received)
                    if case .statement = item { answer.results.append(result) }
                    isDone = true
                } catch {
                    if answer.refusal == nil { answer.refusal = error }
                }
            }
            if !isDone, case .preparation(let key) = item { names[key] = nil }
            guard isOpen, answer.refusal?.isConnectionLoss != true else {
                throw answer.refusal ?? .connection(detail: lastMessage)
            }
            // Each statement's results end with none.
            while let more = PQgetResult(handle) { PQclear(more) }
        }
        let end = PQgetResult(handle)
        defer { PQclear(end) }
        guard PQresultStatus(end) == PGRES_PIPELINE_SYNC, PQexitPipelineMode(handle) == 1 else {
            throw answer.refusal ?? .connection(detail: lastMessage)
        }
        return answer
    }

    /// Runs `statements` in one transaction and two round trips: the statements, then the commit, unless `check` finds
    /// something wrong with their results.
    /// - Parameter check: gets the results of all statements, or of those before the first that was refused: what it finds
    ///   in them is the reason that counts.
    /// - Throws: what `check` throws; `PostgresError`, `commitUnknown` when the connection was lost during the commit.
    public func transaction(_ statements: [PostgresStatement], check: ([PostgresResult]) throws -> Void) throws {
        do {
            let begin = PostgresStatement("BEGIN ISOLATION LEVEL \(PostgresIsolation.readCommitted.rawValue)")
            let answer = try pipeline([begin] + statements)
            try check(Array(answer.results.dropFirst()))
            if let refusal = answer.refusal { throw refusal }
        } catch {
            if isOpen { _ = try? run("ROLLBACK") }
            throw error
        }
        try commit()
    }
}
