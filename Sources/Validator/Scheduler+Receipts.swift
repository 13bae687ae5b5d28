// From the end of a job to its receipt: the signed document, and the bundle that holds everything it refers to.
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Ledger
internal import Market
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Scheduler {
    /// The receipt of a job that ended, ready to be written with the settlement.
    func receipt(
        of ending: Ending,
        _ file: JobDocuments
    ) throws -> (row: ReceiptRow, document: Signed<Receipt>) {
        let job = ending.job
        let hasLease = job.assignment != nil
        let verdicts = hasLease ? file.verdicts : []
        var document = Receipt(
            jobID: JobID(job.id),
            attempt: hasLease ? Int64(job.attempt) : 0,
            engine: key.verifyingKey,
            requester: job.requester,
            account: file.order.predicate.account,
            specDigest: file.sealed.digest,
            orderDigest: file.order.digest,
            leaseDigest: hasLease ? file.lease?.digest : nil,
            executionDigest: hasLease ? file.execution?.digest : nil,
            verdictDigests: verdicts.map(\.digest),
            rulesetDigest: engine.configuration.ruleset.digest,
            outcome: ending.outcome,
            fault: ending.fault,
            reason: ending.reason.code,
            attempts: job.history.map { Receipt.Attempt(attempt: Int64($0.attempt), node: $0.node, end: $0.end) },
            settlement: ending.settlement,
            settledAt: ending.settledAt
        )
        document.topUpDigests = file.topUps.map(\.digest)
        document.readingDigest = hasLease ? file.reading?.digest : nil
        document.disputeEndsAt = engine.configuration.ruleset.disputeEnd(settledAt: ending.settledAt)
        document.network = identity.network
        document.software = identity.software
        let receipt = try Receipt.sign(document, with: key)
        var members: [String: [UInt8]] = [
            BundleMember.receipt: receipt.envelope,
            BundleMember.order: file.order.envelope,
            BundleMember.spec: file.sealed.bytes,
            BundleMember.ruleset: engine.configuration.ruleset.bytes,
        ]
        for (index, topUp) in file.topUps.enumerated() { members[BundleMember.topUp(index + 1)] = topUp.envelope }
        if hasLease { members.merge(file.members) { kept, _ in kept } }
        var absent: [Bundle.Absent] = []
        var room = Self.bundledBytes
        for (name, identity) in artefactNames(file, withOutputs: hasLease) {
            if identity.byteCount <= room, let bytes = try artefacts.get(identity.cid) {
                members[name] = bytes
                room -= identity.byteCount
            } else {
                absent.append(Bundle.Absent(name: name, identity: identity))
            }
        }
        let bundle = try Bundle.seal(jobID: JobID(job.id), members: members, absent: absent, with: key)
        let row = ReceiptRow(
            job: job.id,
            attempt: job.attempt,
            verdict: ending.decision,
            outcome: ending.outcome.rawValue,
            at: ending.settledAt,
            bundleBytes: bundle
        )
        return (row, receipt)
    }

    /// The job's files by their names in a bundle.
    private func artefactNames(
        _ file: JobDocuments,
        withOutputs: Bool
    ) -> [(name: String, identity: ArtefactIdentity)] {
        // What evidence needs comes first: without it an auditor could judge nothing again.
        let evidence = Set(file.sealed.spec.evidence.files.map(\.path))
        let inputs = file.sealed.files.sorted { evidence.contains($0.path) && !evidence.contains($1.path) }
            .map { (BundleMember.input($0.path), $0.identity) }
        guard withOutputs, let statement = file.execution?.predicate else { return inputs }
        let log = statement.log.map { [(BundleMember.log, $0.file)] } ?? []
        return statement.evidence.map { (BundleMember.evidence($0), $0.file) } + log + inputs
            + statement.outputs.map { (BundleMember.output($0.slot), $0.identity) }
    }
}

extension JobView {
    /// The kind of a final job's row.
    static let finalRecordKind = "final"

    /// How a job ended, as the store keeps it; `nil` when it keeps no such end.
    init?(endOf job: Digest, in store: any LedgerStore) throws(EngineError) {
        do {
            guard let body = try store.record(kind: Self.finalRecordKind, id: job.bytes)?.body else { return nil }
            self = try JobView(try JSONValue(parsing: body))
        } catch {
            throw EngineError(.unavailable, "storage", "the row of job \(job) cannot be read: \(error)")
        }
    }

    /// How a job ended.
    init(_ ending: Ending) {
        self.init(
            id: ending.job.id,
            name: ending.job.name,
            phase: Job.Phase.final.rawValue,
            attempt: ending.job.attempt,
            held: ending.job.held,
            deadline: ending.settledAt,
            reason: ending.reason.text,
            outcome: ending.outcome.rawValue,
            paid: Int64(ending.settlement.gross),
            refunded: Int64(ending.settlement.refunded)
        )
    }
}
