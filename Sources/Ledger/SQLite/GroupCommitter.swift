// One writer, many callers: batches that wait at the same time share one disk flush.
internal import Dispatch
internal import Synchronization

/// A failed write, and whether what the disk holds can still be trusted with money.
struct WriteFailure: Error {
    let error: LedgerError
    let stopsSettlement: Bool
    /// Whether it has nothing to do with what was to be written, so that parts of it would fail as the whole did.
    var isOfTheStore = false
}

/// Queues batches and commits them in groups on a thread of its own.
///
/// A group is what waited when the previous flush ended, at most `Limits.batches` and `Limits.bytes`. While several callers are active the
/// writer waits for as many batches as the last group had, but never longer than `Limits.lingerMilliseconds`; a single
/// caller never waits for others.
final class GroupCommitter: Sendable {
    struct Limits: Sendable {
        /// Many, because batches that share a commit share the pages of indexes by random ids, too.
        var batches = 2048
        /// How much of what the callers bring in (bundles, rows, messages) ends a group; a larger batch is a group alone.
        var bytes = 32 << 20
        var lingerMilliseconds = 5
        var queued = 4096
    }

    private struct Waiting {
        let batch: Batch
        let ticket: CommitTicket
    }

    private struct State {
        var queue: [Waiting] = []
        var isWriting = false
        /// The queue length that ends the writer's wait; zero when it does not wait.
        var wanted = 0
        var lastGroup = 1
        var stopped: LedgerError?
        var isClosed = false
    }

    private let limits: Limits
    private let write: @Sendable ([Batch]) throws(WriteFailure) -> Void
    private let state = Mutex(State())
    private let thread = DispatchQueue(label: "assay.ledger.writer", qos: .userInitiated)
    private let enough = DispatchSemaphore(value: 0)

    /// - Parameter write: commits a group in one transaction, or changes nothing and throws.
    init(limits: Limits, write: @escaping @Sendable ([Batch]) throws(WriteFailure) -> Void) {
        self.limits = limits
        self.write = write
    }

    /// Why nothing is written any more; `nil` while the store settles.
    var stopped: LedgerError? { state.withLock { $0.stopped } }

    /// Refuses all batches from now on.
    func stop(_ error: LedgerError) {
        state.withLock { if $0.stopped == nil { $0.stopped = Self.stopping(error) } }
    }

    func submit(_ batch: Batch) -> CommitTicket {
        let ticket = CommitTicket()
        enum Next { case refuse(LedgerError), wake, start, nothing }
        let next = state.withLock { state -> Next in
            if state.isClosed { return .refuse(.storage(detail: "the store is closed")) }
            if let stopped = state.stopped { return .refuse(stopped) }
            if state.queue.count >= limits.queued { return .refuse(.storeBusy(queued: state.queue.count)) }
            state.queue.append(Waiting(batch: batch, ticket: ticket))
            if !state.isWriting {
                state.isWriting = true
                return .start
            }
            if state.wanted > 0, state.queue.count >= state.wanted {
                state.wanted = 0
                return .wake
            }
            return .nothing
        }
        switch next {
        case .refuse(let error): ticket.finish(.failure(error))
        case .wake: enough.signal()
        case .start: thread.async { self.drain() }
        case .nothing: break
        }
        return ticket
    }

    /// Refuses new batches and returns when the queued ones have been written.
    func close() {
        state.withLock { $0.isClosed = true }
        thread.sync {}
    }

    private func drain() {
        while true {
            let waits = state.withLock { state in
                let wanted = min(state.lastGroup, limits.batches)
                state.wanted = !state.isClosed && wanted > 1 && state.queue.count < wanted ? wanted : 0
                return state.wanted > 0
            }
            if waits {
                _ = enough.wait(timeout: .now() + .milliseconds(limits.lingerMilliseconds))
                state.withLock { $0.wanted = 0 }
            }
            let group = state.withLock { state -> [Waiting] in
                let group = Array(state.queue.prefix(next(state.queue)))
                state.queue.removeFirst(group.count)
                state.lastGroup = max(1, group.count)
                if group.isEmpty { state.isWriting = false }
                return group
            }
            if group.isEmpty { return }
            commit(group)
        }
    }

    /// How many of the waiting batches are the next group.
    private func next(_ queue: [Waiting]) -> Int {
        var bytes = 0
        for (index, waiting) in queue.prefix(limits.batches).enumerated() {
            bytes += waiting.batch.bytes
            if bytes > limits.bytes { return max(1, index) }
        }
        return min(queue.count, limits.batches)
    }

    /// Commits a group; when it fails, each half of it, so that a bad batch fails alone and costs its fellows few flushes.
    private func commit(_ group: [Waiting]) {
        if let stopped { return finish(group, .failure(stopped)) }
        do {
            try write(group.map(\.batch))
            finish(group, .success(()))
        } catch {
            if group.count > 1, !isFatal(error) {
                commit(Array(group.prefix(group.count / 2)))
                commit(Array(group.dropFirst(group.count / 2)))
            } else {
                if error.stopsSettlement { stop(error.error) }
                finish(group, .failure(error.error))
            }
        }
    }

    /// Whether the store itself failed. Retrying would build on pages that may not be what was written, or wait for a server
    /// once more for every part of the group.
    private func isFatal(_ failure: WriteFailure) -> Bool {
        if failure.isOfTheStore { return true }
        if case .storage = failure.error { return failure.stopsSettlement }
        return false
    }

    private func finish(_ group: [Waiting], _ result: Result<Void, LedgerError>) {
        for member in group { member.ticket.finish(result) }
    }

    private static func stopping(_ error: LedgerError) -> LedgerError {
        if case .settlementStopped = error { return error }
        return .settlementStopped(reason: error.description)
    }
}
