// What an engine's data folder may forget: files of jobs that have ended, each kind of them after its own time. Money, receipts
// and bundles stay for ever.
internal import Codecs
public import Commitments
internal import Glibc
public import Ledger
public import Receipts
internal import Signatures

/// For how long each kind of file is kept after the end of the last job that it belongs to.
public struct RetentionPolicy: Sendable, Equatable {
    /// A kind of file.
    public enum Kind: String, Sendable, CaseIterable {
        /// Sources and inputs of jobs.
        case inputs
        /// Results. Those above what a bundle takes are kept nowhere else.
        case outputs
        /// Proofs, quotes and collateral beside a result.
        case evidence
        /// The output of programs.
        case logs
        /// Results that came after their lease was over: rows of the ledger, paid to nobody.
        case late
        /// Files that no job names: uploads of orders that were never taken. Counted from their last change.
        case strays
        /// Files whose bytes were not those of their names, set aside. Counted from their last change.
        case damaged
    }

    /// Seconds; a kind that is missing is kept for ever.
    public var seconds: [Kind: Int64]

    /// A policy.
    public init(seconds: [Kind: Int64]) {
        self.seconds = seconds
    }

    /// A day for what nobody named, a month for inputs and logs, three months for what a dispute may be about.
    public static let standard = RetentionPolicy(
        seconds: [
            .inputs: 30 * day, .outputs: 90 * day, .evidence: 90 * day, .logs: 30 * day, .late: 90 * day, .strays: day,
            .damaged: 90 * day,
        ]
    )

    /// Seconds of a day.
    public static let day: Int64 = 86_400
}

/// What a policy lets go at one moment.
public struct RetentionPlan: Sendable, Equatable {
    /// One thing that goes.
    public struct Item: Sendable, Equatable {
        public let kind: RetentionPolicy.Kind
        /// The file's name, or the row's id in hexadecimal.
        public let name: String
        public let byteCount: UInt64
        /// Since when it may go, in engine seconds.
        public let until: Int64
    }

    /// How much of one kind there is.
    public struct Count: Sendable, Equatable {
        public var kept = 0
        public var keptBytes: UInt64 = 0
        public var going = 0
        public var goingBytes: UInt64 = 0

        /// Nothing.
        public init() {}
    }

    /// What goes, in order of kind and name.
    public internal(set) var items: [Item] = []
    /// Everything that was looked at.
    public internal(set) var counts: [RetentionPolicy.Kind: Count] = [:]
    /// Files that an open job or an unexpired dispute needs; they are among those kept.
    public internal(set) var needed = 0

    mutating func note(_ kind: RetentionPolicy.Kind, _ name: String, _ bytes: UInt64, until: Int64?, now: Int64) {
        if let until, until <= now {
            items.append(Item(kind: kind, name: name, byteCount: bytes, until: until))
            counts[kind, default: Count()].going += 1
            counts[kind, default: Count()].goingBytes += bytes
        } else {
            counts[kind, default: Count()].kept += 1
            counts[kind, default: Count()].keptBytes += bytes
        }
    }
}

/// Retention of one data folder. Run it while no engine does: a plan knows nothing of orders that come after it.
public struct Retention {
    private let store: any LedgerStore
    private let folder: String

    /// Why a file is kept.
    private struct Use {
        var kind: RetentionPolicy.Kind
        /// Until when; `nil` for ever.
        var until: Int64?
        /// Whether an open job or a dispute needs it.
        var isNeeded: Bool
    }

    /// The retention of a ledger and the artefacts beside it.
    public init(store: any LedgerStore, data: DataFolder) {
        self.store = store
        folder = data.artefacts
    }

    /// What goes at `now`, without changing anything.
    /// - Throws: `StorageError` when the ledger, a bundle or the folder cannot be read: what cannot be read is not deleted, and
    ///   neither is anything else.
    public func plan(_ policy: RetentionPolicy, now: Int64) throws(StorageError) -> RetentionPlan {
        var plan = RetentionPlan()
        var uses: [String: Use] = [:]
        var ends: [Digest: Int64] = [:]
        do {
            for record in try store.records(kind: JobDocuments.jobKind) { try noteOpen(record.id, &uses) }
            var page = try store.latestReceipts(before: nil, limit: 256)
            while let oldest = page.last {
                for row in page.map(\.row) {
                    guard let bytes = try store.receipt(job: row.job)?.bundleBytes else { continue }
                    ends[row.job] = row.at
                    try noteEnded(bytes, policy, now, &uses)
                }
                page = try store.latestReceipts(before: oldest.position, limit: 256)
            }
            for record in try store.records(kind: Scheduler.lateRecordKind) {
                let end = try ends[Digest(Array(record.id.prefix(Digest.count)), field: "late")]
                let until = end.flatMap { end in policy.seconds[.late].map { end + $0 } }
                plan.note(.late, Hex.encode(record.id), UInt64(record.body?.count ?? 0), until: until, now: now)
            }
        } catch {
            throw StorageError(path: folder, operation: "decide what to keep", reason: "\(error)")
        }
        for file in try files() {
            let isDamaged = file.name.hasPrefix(ArtefactStore.damagedPrefix)
            let use = isDamaged ? nil : uses[file.name]
            let kind = use?.kind ?? (isDamaged ? .damaged : .strays)
            let until = use.map(\.until) ?? policy.seconds[kind].map { file.changedAt + $0 }
            if use?.isNeeded ?? false { plan.needed += 1 }
            plan.note(kind, file.name, file.byteCount, until: until, now: now)
        }
        plan.items.sort { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
        return plan
    }

    /// Deletes what a plan lets go. Done twice it deletes nothing more; broken off it goes on where it stopped.
    public func apply(_ plan: RetentionPlan) async throws(StorageError) {
        for item in plan.items where item.kind != .late {
            let path = folder + "/" + item.name
            guard unlink(path) == 0 || errno == ENOENT else { throw .system(path, "delete") }
        }
        let rows = plan.items.filter { $0.kind == .late }
        guard !rows.isEmpty else { return }
        do {
            let records = try rows.map { row in
                Record(kind: Scheduler.lateRecordKind, id: try Hex.decode(row.name, field: "late"), body: nil)
            }
            try await store.commit(Batch(records: records))
        } catch {
            throw StorageError(path: folder, operation: "delete late results", reason: "\(error)")
        }
    }

    /// Everything that an open job names.
    private func noteOpen(_ job: [UInt8], _ uses: inout [String: Use]) throws {
        let id = try Digest(job, field: "job")
        guard let file = try JobDocuments(job: id, in: store, engine: nil) else {
            throw StorageError(path: id.hex, operation: "read the documents of a job", reason: "there are none")
        }
        for identity in file.sealed.files.map(\.identity) + file.results {
            uses[identity.cid.text] = Use(kind: .inputs, until: nil, isNeeded: true)
        }
    }

    /// Everything that the receipt of a job leads to.
    private func noteEnded(
        _ bytes: [UInt8],
        _ policy: RetentionPolicy,
        _ now: Int64,
        _ uses: inout [String: Use]
    ) throws {
        let bundle = try Bundle(parsing: bytes)
        let receipt = try UnverifiedDocument<Receipt>(parsing: try bundle.member(BundleMember.receipt)).predicate
        let spec = try SealedJob(parsing: try bundle.member(BundleMember.spec))
        let execution = try bundle.members[BundleMember.execution].map {
            try UnverifiedDocument<ExecutionStatement>(parsing: $0).predicate
        }
        var kinds = spec.files.map { ($0.identity, RetentionPolicy.Kind.inputs) }
        kinds += execution?.outputs.map { ($0.identity, .outputs) } ?? []
        kinds += execution?.evidence.map { ($0.file, .evidence) } ?? []
        kinds += execution?.log.map { [($0.file, .logs)] } ?? []
        let dispute = receipt.disputeEndsAt ?? 0
        for (identity, kind) in kinds {
            let until = policy.seconds[kind].map { max(receipt.settledAt + $0, dispute) }
            let use = Use(kind: kind, until: until, isNeeded: dispute > now)
            // A file of several jobs stays for the one that needs it longest.
            guard let other = uses[identity.cid.text] else {
                uses[identity.cid.text] = use
                continue
            }
            let isLonger = other.until.map { mine in use.until.map { $0 > mine } ?? true } ?? false
            var kept = isLonger ? use : other
            kept.isNeeded = other.isNeeded || use.isNeeded
            uses[identity.cid.text] = kept
        }
    }

    private struct StoredFile {
        let name: String
        let byteCount: UInt64
        let changedAt: Int64
    }

    /// The files of the folder, those on their way left out.
    private func files() throws(StorageError) -> [StoredFile] {
        guard let directory = opendir(folder) else {
            guard errno == ENOENT else { throw .system(folder, "list the artefacts") }
            return []
        }
        defer { closedir(directory) }
        var files: [StoredFile] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix(".") || name.hasPrefix(ArtefactStore.damagedPrefix) else { continue }
            var status = stat()
            guard lstat(folder + "/" + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            files.append(
                StoredFile(name: name, byteCount: UInt64(status.st_size), changedAt: Int64(status.st_mtim.tv_sec))
            )
        }
        return files
    }
}
