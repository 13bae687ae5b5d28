// What an engine may forget: files of jobs that have ended, each kind of them after its own time. Money, receipts and bundles
// stay for ever.
internal import Codecs
internal import Commitments
public import Ledger

/// Retention of one data folder or one fleet's database: planned first, then done.
public struct Retention {
    /// What a retention is at.
    public enum Stage: Sendable {
        /// Reading receipts, to find what they name.
        case reading
        /// Reading what came meanwhile.
        case readingAgain
        /// Deleting files.
        case deleting
    }

    /// Told what has been done of how much.
    public typealias Progress = (_ stage: Stage, _ done: Int, _ total: Int) -> Void

    /// How many results of queues go in one transaction.
    private static let resultsPerDeletion = 1000

    private let store: any LedgerStore
    private let place: any RetentionPlace
    private let progress: Progress

    /// The retention of a ledger and of what lies beside it.
    public init(store: any LedgerStore, place: any RetentionPlace, progress: @escaping Progress = { _, _, _ in }) {
        self.store = store
        self.place = place
        self.progress = progress
    }

    /// What goes at `now`, without changing anything.
    /// - Parameter now: engine seconds.
    /// - Throws: `StorageError` when the ledger, a bundle or the place cannot be read: what cannot be read is not deleted, and
    ///   neither is anything else.
    public func plan(_ policy: RetentionPolicy, now: Int64) throws(StorageError) -> RetentionPlan {
        // Files before their uses: what comes between the two is not in the plan, or is read with its use.
        let files = try place.files()
        var plan = RetentionPlan(uses: FileUses(policy: policy, now: now))
        try read(&plan.uses, .reading)
        let (uses, ends) = (plan.uses.files, plan.uses.ends)
        do {
            for record in try store.records(kind: Scheduler.lateRecordKind) {
                let end = try ends[Digest(Array(record.id.prefix(Digest.count)), field: "late")]
                let until = end.flatMap { end in policy.seconds[.late].map { end + $0 } }
                plan.note(.late, Hex.encode(record.id), UInt64(record.body?.count ?? 0), until: until, now: now)
            }
            if let queue = place.queue {
                plan.queueEnd = policy.seconds[.queue].map { (now - $0) * 1000 }
                let totals = try queue.resultTotals(beforeMilliseconds: plan.queueEnd ?? .min)
                var count = RetentionPlan.Count()
                (count.going, count.goingBytes) = (totals.forgettable, totals.forgettableBytes)
                (count.kept, count.keptBytes) = (totals.kept, totals.keptBytes)
                plan.counts[.queue] = count
            }
        } catch {
            throw StorageError(path: place.name, operation: "decide what to keep", reason: "\(error)")
        }
        for file in files {
            let use = file.isDamaged ? nil : uses[file.name]
            let kind = use?.kind ?? (file.isDamaged ? .damaged : .strays)
            let until = use.map(\.until) ?? policy.seconds[kind].map { file.changedAt + $0 }
            if use?.isNeeded ?? false { plan.needed += 1 }
            plan.note(kind, file.name, file.byteCount, until: until, now: now)
        }
        plan.items.sort { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
        return plan
    }

    /// Deletes what a plan lets go, but for what is needed by now. Done twice it deletes nothing more; broken off it goes on
    /// where it stopped.
    /// - Returns: what has gone.
    @discardableResult
    public func apply(_ plan: RetentionPlan) async throws(StorageError) -> RetentionPlan {
        let names = plan.items.filter { $0.kind != .late }.map(\.name)
        let gone = try place.delete(
            names,
            unless: { () throws(StorageError) in
                var uses = plan.uses
                try read(&uses, .readingAgain)
                return Set(names.filter { uses.keeps($0) })
            },
            progress: { progress(.deleting, $0, names.count) }
        )
        do {
            let late = try plan.items.filter { $0.kind == .late }.map { try Hex.decode($0.name, field: "late") }
            if !late.isEmpty { try await place.deleteLate(late) }
            if let queue = place.queue, let end = plan.queueEnd {
                let limit = Self.resultsPerDeletion
                while try queue.forgetResults(beforeMilliseconds: end, limit: limit) == limit {}
            }
        } catch {
            throw StorageError(path: place.name, operation: "delete results", reason: "\(error)")
        }
        var done = plan
        done.keep { $0.kind != .late && !gone.contains($0.name) }
        return done
    }

    private func read(_ uses: inout FileUses, _ stage: Stage) throws(StorageError) {
        do {
            try uses.read(store) { progress(stage, $0, $1) }
        } catch {
            throw StorageError(path: place.name, operation: "decide what to keep", reason: "\(error)")
        }
    }
}
