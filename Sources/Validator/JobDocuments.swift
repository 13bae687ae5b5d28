// The signed documents of an open job, in memory and as rows.
internal import Codecs
internal import Commitments
internal import Ledger
internal import Receipts
internal import Signatures

/// The documents of one open job. Those of an attempt go when the next attempt begins.
struct JobDocuments: Sendable {
    var order: Signed<Order>
    var sealed: SealedJob
    var lease: Signed<Lease>?
    var execution: Signed<ExecutionStatement>?
    var trace: [UInt8]?
    var commitment: Signed<CommitmentStatement>?
    var verdicts: [Signed<VerdictStatement>] = []

    static let recordKind = "document"

    init(order: Signed<Order>, sealed: SealedJob) {
        self.order = order
        self.sealed = sealed
    }

    /// Begins an attempt.
    mutating func begin(_ lease: Signed<Lease>) {
        self.lease = lease
        execution = nil
        trace = nil
        commitment = nil
        verdicts = []
    }

    /// The files that the execution statement names: outputs, then evidence.
    var results: [ArtefactIdentity] {
        guard let statement = execution?.predicate else { return [] }
        return statement.outputs.map(\.identity) + statement.evidence.map(\.file)
    }

    /// Everything by its name in a bundle.
    var members: [String: [UInt8]] {
        var members = [BundleMember.order: order.envelope, BundleMember.spec: sealed.bytes]
        members[BundleMember.lease] = lease?.envelope
        members[BundleMember.execution] = execution?.envelope
        members[BundleMember.trace] = trace
        members[BundleMember.commitment] = commitment?.envelope
        for (index, verdict) in verdicts.enumerated() { members[BundleMember.verdict(index)] = verdict.envelope }
        return members
    }

    /// The one row in which the documents of a job survive a restart; `nil` as the body forgets them.
    func record(job: Digest) -> Record {
        let object = JSONObject(members.sorted { $0.key < $1.key }.map { ($0.key, .string(Base64.encode($0.value))) })
        return Record(kind: Self.recordKind, id: job.bytes, body: JSONValue.object(object).serialized())
    }

    /// Reads a row that `record(job:)` made. Signatures are verified again: the database is not trusted more than the wire.
    init(record: Record, engine: VerifyingKey) throws(StorageError) {
        do {
            let limits = JSONLimits(bytes: 256 << 20, depth: 4, values: 4096)
            var reader = try JSONReader(try JSONValue(parsing: record.body ?? [], limits: limits), "document")
            func bytes(_ name: String) throws(ParseError) -> [UInt8]? {
                guard reader.has(name) else { return nil }
                return try Base64.decode(try reader.string(name, maxBytes: 64 << 20), field: name)
            }
            order = try Signed<Order>(verifying: try bytes(BundleMember.order) ?? [])
            sealed = try SealedJob(parsing: try bytes(BundleMember.spec) ?? [])
            lease = try bytes(BundleMember.lease).map { try Signed<Lease>(verifying: $0, key: engine) }
            execution = try bytes(BundleMember.execution).map { try Signed<ExecutionStatement>(verifying: $0) }
            trace = try bytes(BundleMember.trace)
            commitment = try bytes(BundleMember.commitment).map { try Signed(verifying: $0, key: engine) }
            while let verdict = try bytes(BundleMember.verdict(verdicts.count)) {
                verdicts.append(try Signed<VerdictStatement>(verifying: verdict))
            }
            try reader.finish()
        } catch {
            throw StorageError(path: "document", operation: "read the documents of a job", reason: "\(error)")
        }
    }
}
