// The signed documents of an open job, in memory and as rows: one row a document, so that only what is new is written.
internal import Codecs
internal import Commitments
internal import Ledger
internal import Market
internal import Receipts
internal import Signatures

/// The documents of one open job. Those of an attempt go when the next attempt begins.
struct JobDocuments: Sendable {
    var order: Signed<Order>
    var sealed: SealedJob
    var topUps: [Signed<TopUp>] = []
    var lease: Signed<Lease>?
    var reading: Signed<MeterReading>?
    var execution: Signed<ExecutionStatement>?
    var trace: [UInt8]?
    var commitment: Signed<CommitmentStatement>?
    var verdicts: [Signed<VerdictStatement>] = []
    /// The members that are in the store, or on their way there.
    private var written: [String: [UInt8]] = [:]

    static let recordKind = "document"

    init(order: Signed<Order>, sealed: SealedJob) {
        self.order = order
        self.sealed = sealed
    }

    /// Begins an attempt.
    mutating func begin(_ lease: Signed<Lease>) {
        self.lease = lease
        reading = nil
        execution = nil
        trace = nil
        commitment = nil
        verdicts = []
    }

    /// The files that the execution statement names: outputs, then evidence, then the log.
    var results: [ArtefactIdentity] {
        guard let statement = execution?.predicate else { return [] }
        let log = statement.log.map { [$0.file] } ?? []
        return statement.outputs.map(\.identity) + statement.evidence.map(\.file) + log
    }

    /// Whether a file is one of the job's: an input, a source, or a part of the result.
    func names(_ cid: CID) -> Bool {
        (sealed.files.map(\.identity) + results).contains { $0.cid == cid }
    }

    /// Everything by its name in a bundle.
    var members: [String: [UInt8]] {
        var members = [BundleMember.order: order.envelope, BundleMember.spec: sealed.bytes]
        for (index, topUp) in topUps.enumerated() { members[BundleMember.topUp(index + 1)] = topUp.envelope }
        members[BundleMember.lease] = lease?.envelope
        members[BundleMember.reading] = reading?.envelope
        members[BundleMember.execution] = execution?.envelope
        members[BundleMember.trace] = trace
        members[BundleMember.commitment] = commitment?.envelope
        for (index, verdict) in verdicts.enumerated() { members[BundleMember.verdict(index)] = verdict.envelope }
        return members
    }

    /// The rows that have changed since the last call.
    mutating func changes(job: Digest) -> [Record] {
        let members = members
        let names = Set(members.keys).union(written.keys).filter { members[$0] != written[$0] }
        written = members
        return names.sorted().map { Record(kind: Self.recordKind, id: Self.id(job, $0), body: members[$0]) }
    }

    /// The rows that forget every document that was written.
    func removal(job: Digest) -> [Record] {
        written.keys.sorted().map { Record(kind: Self.recordKind, id: Self.id(job, $0), body: nil) }
    }

    private static func signed<Document>(
        _ envelope: [UInt8],
        by key: VerifyingKey?
    ) throws(DocumentError) -> Signed<Document> {
        guard let key else { return try Signed(verifying: envelope) }
        return try Signed(verifying: envelope, key: key)
    }

    /// The kind of the row that an open job has in the market.
    static let jobKind = Job.recordKind

    private static func id(_ job: Digest, _ name: String) -> [UInt8] { job.bytes + Array(name.utf8) }

    /// Reads the rows of a job; `nil` when there are none. Signatures are verified again: the database is not trusted more than
    /// the wire.
    /// - Parameter engine: who must have signed leases and commitments; `nil` for whoever has.
    init?(job: Digest, in store: any LedgerStore, engine: VerifyingKey?) throws(StorageError) {
        do {
            var written: [String: [UInt8]] = [:]
            func member(_ name: String) throws(LedgerError) -> [UInt8]? {
                let body = try store.record(kind: Self.recordKind, id: Self.id(job, name))?.body
                written[name] = body
                return body
            }
            guard let signed = try member(BundleMember.order), let spec = try member(BundleMember.spec) else {
                return nil
            }
            order = try Signed<Order>(verifying: signed)
            sealed = try SealedJob(parsing: spec)
            while let topUp = try member(BundleMember.topUp(topUps.count + 1)) {
                topUps.append(try Signed<TopUp>(verifying: topUp, key: order.signer))
            }
            lease = try member(BundleMember.lease).map { try Self.signed($0, by: engine) }
            reading = try member(BundleMember.reading).map { try Signed<MeterReading>(verifying: $0) }
            execution = try member(BundleMember.execution).map { try Signed<ExecutionStatement>(verifying: $0) }
            trace = try member(BundleMember.trace)
            commitment = try member(BundleMember.commitment).map { try Self.signed($0, by: engine) }
            while let verdict = try member(BundleMember.verdict(verdicts.count)) {
                verdicts.append(try Signed<VerdictStatement>(verifying: verdict))
            }
            self.written = written
        } catch {
            throw StorageError(path: "document", operation: "read the documents of a job", reason: "\(error)")
        }
    }
}
