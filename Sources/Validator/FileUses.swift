// Which files the jobs of an engine name, and until when each of them is kept for it.
internal import Codecs
internal import Commitments
internal import Ledger
internal import Receipts
internal import Signatures

/// The files that open jobs and receipts name. Read again it knows what came since.
struct FileUses: Sendable, Equatable {
    /// Why a file is kept.
    struct Use: Sendable, Equatable {
        var kind: RetentionPolicy.Kind
        /// Until when; `nil` for ever.
        var until: Int64?
        /// Whether an open job or a dispute needs it.
        var isNeeded: Bool
    }

    let policy: RetentionPolicy
    /// Engine seconds.
    let now: Int64
    /// The uses by the files' names.
    private(set) var files: [String: Use] = [:]
    /// When the jobs ended whose receipts have been read.
    private(set) var ends: [Digest: Int64] = [:]

    init(policy: RetentionPolicy, now: Int64) {
        self.policy = policy
        self.now = now
    }

    /// Reads all open jobs, and the receipts that were not there before. A job that ends meanwhile is found by its receipt,
    /// because those are read after the open jobs.
    mutating func read(
        _ store: any LedgerStore,
        _ progress: (_ done: Int, _ total: Int) -> Void
    ) throws {
        for record in try store.records(kind: JobDocuments.jobKind) { try noteOpen(record.id, store) }
        let total = try store.receiptCount()
        var page = try store.latestReceipts(before: nil, limit: 256)
        var seen = 0
        while let oldest = page.last {
            for row in page.map(\.row) {
                seen += 1
                progress(seen, max(seen, total))
                guard ends[row.job] == nil else { continue }
                guard let bytes = try store.receipt(job: row.job)?.bundleBytes else {
                    throw StorageError(
                        path: row.job.hex,
                        operation: "read a receipt",
                        reason: "its bundle is not there"
                    )
                }
                try noteEnded(bytes)
                ends[row.job] = row.at
            }
            page = try store.latestReceipts(before: oldest.position, limit: 256)
        }
    }

    /// Everything that an open job names.
    private mutating func noteOpen(_ job: [UInt8], _ store: any LedgerStore) throws {
        let id = try Digest(job, field: "job")
        guard let file = try JobDocuments(job: id, in: store, engine: nil) else {
            // Beside a running engine it may have ended since it was listed.
            guard try store.record(kind: JobDocuments.jobKind, id: job) != nil else { return }
            throw StorageError(path: id.hex, operation: "read the documents of a job", reason: "there are none")
        }
        for identity in file.sealed.files.map(\.identity) + file.results {
            files[identity.cid.text] = Use(kind: .inputs, until: nil, isNeeded: true)
        }
    }

    /// Everything that the receipt of a job leads to.
    private mutating func noteEnded(_ bytes: [UInt8]) throws {
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
            guard let other = files[identity.cid.text] else {
                files[identity.cid.text] = use
                continue
            }
            let isLonger = other.until.map { mine in use.until.map { $0 > mine } ?? true } ?? false
            var kept = isLonger ? use : other
            kept.isNeeded = other.isNeeded || use.isNeeded
            files[identity.cid.text] = kept
        }
    }

    /// Whether a file has to stay although it was found to go before: it is named by more than was known then.
    func keeps(_ name: String) -> Bool {
        guard let use = files[name] else { return false }
        return use.until.map { $0 > now } ?? true
    }
}
