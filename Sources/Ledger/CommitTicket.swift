// The promise of a queued batch: kept when its commit is on the disk.
internal import Synchronization

/// Stands for a batch on its way to the disk.
public final class CommitTicket: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Result<Void, LedgerError>, Never>])
        case done(Result<Void, LedgerError>)
    }

    private let state = Mutex<State>(.waiting([]))

    /// A ticket for a batch that has just been queued.
    public init() {}

    /// A ticket that says at once how it went.
    public convenience init(result: Result<Void, LedgerError>) {
        self.init()
        finish(result)
    }

    /// Returns when the batch is durable; at once, and on the caller's own actor, when it is already.
    /// - Throws: `LedgerError` when it was not written.
    nonisolated(nonsending) public func durable() async throws(LedgerError) {
        let result = await withCheckedContinuation { continuation in
            let done: Result<Void, LedgerError>? = state.withLock { state in
                switch state {
                case .waiting(let others):
                    state = .waiting(others + [continuation])
                    return nil
                case .done(let result):
                    return result
                }
            }
            if let done { continuation.resume(returning: done) }
        }
        try result.get()
    }

    /// Tells everyone who waits. The first result counts.
    public func finish(_ result: Result<Void, LedgerError>) {
        let waiting = state.withLock { state -> [CheckedContinuation<Result<Void, LedgerError>, Never>] in
            guard case .waiting(let continuations) = state else { return [] }
            state = .done(result)
            return continuations
        }
        for continuation in waiting { continuation.resume(returning: result) }
    }
}
