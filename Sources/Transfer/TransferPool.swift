// A few threads of their own that wait for the network, so that no thread of Swift's cooperative pool ever does.
internal import Foundation

/// Runs exchanges on at most `size` threads, each with its own libcurl handle and its open connections.
public final class TransferPool: Sendable {
    /// An exchange that waits for a thread, or runs.
    private final class Job: @unchecked Sendable {
        let request: TransferRequest
        private let lock = NSLock()
        private var cancelled = false
        private var continuation: CheckedContinuation<Result<TransferResponse, TransferError>, Never>?

        init(_ request: TransferRequest) {
            self.request = request
        }

        var isCancelled: Bool { lock.withLock { cancelled } }

        func cancel() {
            lock.withLock { cancelled = true }
        }

        func wait(_ continuation: CheckedContinuation<Result<TransferResponse, TransferError>, Never>) {
            lock.withLock { self.continuation = continuation }
        }

        func finish(_ result: Result<TransferResponse, TransferError>) {
            let waiting = lock.withLock {
                defer { continuation = nil }
                return continuation
            }
            waiting?.resume(returning: result)
        }
    }

    /// What the threads share. It outlives the pool until the last thread has ended.
    private final class Shared: @unchecked Sendable {
        private let condition = NSCondition()
        private var queue: [Job] = []
        private var idle = 0
        private var threads = 0
        private var isClosed = false

        /// Queues a job.
        /// - Returns: whether one more thread should be started for it.
        func add(_ job: Job, size: Int) -> Bool {
            condition.withLock {
                queue.append(job)
                condition.signal()
                guard idle < queue.count, threads < size else { return false }
                threads += 1
                return true
            }
        }

        func next() -> Job? {
            condition.withLock {
                idle += 1
                defer { idle -= 1 }
                while queue.isEmpty && !isClosed { condition.wait() }
                return queue.isEmpty ? nil : queue.removeFirst()
            }
        }

        func close() {
            condition.withLock {
                isClosed = true
                condition.broadcast()
            }
        }
    }

    private let shared = Shared()
    private let size: Int

    /// A pool of at most `size` threads; they are started when they are needed.
    public init(size: Int) {
        self.size = size
    }

    deinit {
        shared.close()
    }

    /// Sends a request and waits for the answer without holding a thread of the caller's.
    public func perform(_ request: TransferRequest) async throws(TransferError) -> TransferResponse {
        let job = Job(request)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                job.wait(continuation)
                if shared.add(job, size: size) { Self.startThread(shared) }
            }
        } onCancel: {
            job.cancel()
        }
        return try result.get()
    }

    private static func startThread(_ shared: Shared) {
        let thread = Thread {
            guard let handle = TransferHandle() else {
                while let job = shared.next() { job.finish(.failure(.unreachable("libcurl could not be started"))) }
                return
            }
            while let job = shared.next() {
                if job.isCancelled {
                    job.finish(.failure(.cancelled))
                    continue
                }
                job.finish(
                    Result { () throws(TransferError) in
                        try handle.perform(job.request) { job.isCancelled }
                    }
                )
            }
        }
        thread.name = "assay.http"
        thread.start()
    }
}
