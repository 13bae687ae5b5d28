// Work that several processes share: who may do it now, and whose result counts.
internal import Codecs

/// Something to be done by one of many workers.
public struct WorkItem: Sendable, Equatable {
    public var id: WorkID
    /// The queue's name: 1 to 32 bytes.
    public var queue: String
    /// Smaller comes first.
    public var priority: Int64
    /// Not handed out before this time on the queue's clock, in milliseconds since 1970; 0 for at once.
    public var dueAtMilliseconds: Int64
    /// What the worker needs to know: at most 1 MiB. It is kept apart from the row that is claimed, which stays narrow.
    public var body: [UInt8]

    /// Something to be enqueued.
    public init(id: WorkID, queue: String, priority: Int64 = 0, dueAtMilliseconds: Int64 = 0, body: [UInt8]) {
        self.id = id
        self.queue = queue
        self.priority = priority
        self.dueAtMilliseconds = dueAtMilliseconds
        self.body = body
    }
}

/// The right to do an item until a time. The epoch rises with every lease of the item, so an older lease can be told apart
/// from the present one whatever the clocks say.
public struct WorkLease: Sendable, Equatable {
    public let item: WorkItem
    /// The worker's own name: 1 to 128 bytes.
    public let worker: [UInt8]
    /// The fencing token: 1 for the first lease of an item.
    public let epoch: Int64
    /// When others may claim the item, on the queue's clock, in milliseconds since 1970.
    public let expiresAtMilliseconds: Int64

    /// A lease as it was granted. A worker that keeps only id, worker and epoch can make it again to finish its work.
    public init(item: WorkItem, worker: [UInt8], epoch: Int64, expiresAtMilliseconds: Int64) {
        self.item = item
        self.worker = worker
        self.epoch = epoch
        self.expiresAtMilliseconds = expiresAtMilliseconds
    }
}

/// What became of a result. It was stored in each case.
public enum WorkAcceptance: Sendable, Equatable {
    /// It is the item's result. Sending it again gets this answer again.
    case accepted
    /// The item was leased again, given back, or finished by another: the result counts for nothing.
    case stale(current: Int64)
    /// There is no such item any more.
    case gone
}

/// A result as it is kept.
public struct WorkResult: Sendable, Equatable {
    public let id: WorkID
    /// The epoch of the lease under which it was made.
    public let epoch: Int64
    public let worker: [UInt8]
    public let body: [UInt8]
    /// Whether it is the item's result: at most one is.
    public let isAccepted: Bool
    /// When it arrived, on the queue's clock, in milliseconds since 1970.
    public let atMilliseconds: Int64
}

/// How much is waiting.
public struct WorkBacklog: Sendable, Equatable {
    /// Items that can be claimed now, those of expired leases included.
    public let ready: Int
    /// Items under a lease that has not expired.
    public let leased: Int
    /// Items that are not due yet.
    public let later: Int
    /// Items with a result that nobody has removed.
    public let finished: Int
    /// For how long the oldest ready item has been due, in milliseconds; 0 when none is ready.
    public let oldestReadyMilliseconds: Int64
}

/// How many results there are, and their bytes.
public struct WorkResultTotals: Sendable, Equatable {
    /// Those that arrived before a time and whose items are gone.
    public let forgettable: Int
    public let forgettableBytes: UInt64
    /// The others.
    public let kept: Int
    public let keptBytes: UInt64
}

/// Queues in one database, shared by any number of processes.
///
/// Claim, commit, then work: no transaction stays open while work is done. Every call can be repeated after a lost answer.
/// Times are those of the queue's own clock, never of the caller's.
public protocol WorkQueue: Sendable {
    /// Adds items. An item whose id is there already stays as it is.
    /// - Throws: `LedgerError.malformed` for a field out of bounds; `.conflict` when the id is there in another queue or
    ///   with another body.
    func enqueue(_ items: [WorkItem]) throws(LedgerError)

    /// Leases up to `limit` items that are due and free, or whose lease has expired, in ascending order of priority, due
    /// time and id. Two callers never get the same item at the same epoch.
    func claim(
        queue: String,
        worker: [UInt8],
        limit: Int,
        leaseMilliseconds: Int64
    ) throws(LedgerError) -> [WorkLease]

    /// Prolongs a lease from now on; `nil` when it is not the present one any more.
    func extend(_ lease: WorkLease, leaseMilliseconds: Int64) throws(LedgerError) -> WorkLease?

    /// Gives an item back undone; whether the lease was the present one.
    @discardableResult
    func release(_ lease: WorkLease) throws(LedgerError) -> Bool

    /// Stores a result, and makes it the item's result if the lease is the present one.
    func finish(_ lease: WorkLease, result: [UInt8]) throws(LedgerError) -> WorkAcceptance

    /// Accepted results of a queue whose items have not been removed, oldest first.
    func finished(queue: String, limit: Int) throws(LedgerError) -> [WorkResult]

    /// Every result that arrived for an item, in ascending order of epoch; they stay after the item's removal.
    func results(of id: WorkID) throws(LedgerError) -> [WorkResult]

    /// Takes items away: those whose results have been used, or that are not wanted any more.
    func remove(_ ids: [WorkID]) throws(LedgerError)

    /// Deletes results that arrived before a time and whose items are gone, at most `limit` in one transaction.
    /// - Returns: how many were deleted; fewer than `limit` when none is left.
    @discardableResult
    func forgetResults(beforeMilliseconds: Int64, limit: Int) throws(LedgerError) -> Int

    /// What `forgetResults` would delete, and what it would leave.
    func resultTotals(beforeMilliseconds: Int64) throws(LedgerError) -> WorkResultTotals

    func backlog(queue: String) throws(LedgerError) -> WorkBacklog
}

/// Bounds that both stores keep.
enum WorkLimits {
    static let bodyBytes = 1 << 20
    static let claim = 1000
    static let leaseMilliseconds: ClosedRange<Int64> = 1...(7 * 86_400_000)

    static func check(_ items: [WorkItem]) throws(LedgerError) {
        for item in items {
            try checkName(item.queue, "queue")
            guard item.body.count <= bodyBytes else {
                throw .malformed("body", expected: "at most \(bodyBytes) bytes", actual: "\(item.body.count)")
            }
            guard item.dueAtMilliseconds >= 0 else {
                throw .malformed("dueAtMilliseconds", expected: "0 or more", actual: "\(item.dueAtMilliseconds)")
            }
        }
    }

    static func checkName(_ name: String, _ field: String) throws(LedgerError) {
        guard (1...32).contains(name.utf8.count) else {
            throw .malformed(field, expected: "1 to 32 bytes", actual: name)
        }
    }

    static func checkHolder(_ holder: [UInt8], _ field: String) throws(LedgerError) {
        guard (1...128).contains(holder.count) else {
            throw .malformed(field, expected: "1 to 128 bytes", actual: "\(holder.count)")
        }
    }

    static func checkLease(_ milliseconds: Int64) throws(LedgerError) {
        guard leaseMilliseconds.contains(milliseconds) else {
            throw .malformed("leaseMilliseconds", expected: "1 to 7 days", actual: "\(milliseconds)")
        }
    }

    static func check(result: [UInt8]) throws(LedgerError) {
        guard result.count <= bodyBytes else {
            throw .malformed("result", expected: "at most \(bodyBytes) bytes", actual: "\(result.count)")
        }
    }
}
