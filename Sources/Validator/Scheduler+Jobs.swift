// The engine's answers to requesters: orders, files, where a job stands, its receipt.
internal import Appraisal
internal import Codecs
public import Commitments
public import EngineAPI
internal import Ledger
internal import Market
internal import Receipts
internal import Replay
internal import Signatures

extension Scheduler {
    /// The most jobs in one list.
    private static let jobsListed = 1000
    /// The kind of the row that remembers for ever which job an order's requester and nonce named.
    private static let orderRecordKind = "order"

    public func submit(order: [UInt8], spec: [UInt8]) async throws(EngineError) -> JobView {
        try requireHealth()
        let signed: Signed<Order>
        do throws(DocumentError) {
            signed = try Signed<Order>(verifying: order)
        } catch {
            throw EngineError(error, id: "order")
        }
        guard signed.predicate.engine == key.verifyingKey else {
            throw EngineError(
                .forbidden,
                "order.engine",
                "engine: expected \(key.verifyingKey), found \(signed.predicate.engine)",
                field: "engine",
                expected: key.verifyingKey.text,
                actual: signed.predicate.engine.text
            )
        }
        let sealed: SealedJob
        let id: JobID
        let nonce: Digest
        let account: AccountID
        do throws(ParseError) {
            sealed = try SealedJob(parsing: spec)
            id = try JobID(requester: signed.signer, nonce: signed.predicate.nonce, spec: spec)
            nonce = try Digest(signed.predicate.nonce, field: "nonce")
            account = try AccountID(text: signed.predicate.account.text)
        } catch {
            throw EngineError(error, id: "spec.malformed")
        }
        guard signed.predicate.jobID == id else {
            throw EngineError(
                .refused,
                "order.job",
                "jobId: expected \(id), which requester, nonce and spec make, found \(signed.predicate.jobID)",
                field: "jobId",
                expected: id.text,
                actual: signed.predicate.jobID.text
            )
        }
        if let view = try await earlier(signed, nonce: nonce, id: id) { return view }
        let submission = Submission(
            id: id.digest,
            requester: signed.signer,
            account: account,
            nonce: nonce,
            orderDigest: signed.digest,
            specDigest: sealed.digest,
            spec: sealed.spec
        )
        let remembered = Record(
            kind: Self.orderRecordKind,
            id: Self.orderKey(signed.signer, nonce),
            body: id.digest.bytes
        )
        try await perform(.submit(submission), records: [remembered]) { documents in
            guard engine.jobs[id.digest] != nil, documents[id.digest] == nil else { return }
            documents[id.digest] = JobDocuments(order: signed, sealed: sealed)
        }
        try await offerWhenComplete(id.digest)
        return try await view(of: id.digest)
    }

    /// The answer to an order that came before: the job as it stands, or a conflict when it named another job.
    private func earlier(_ order: Signed<Order>, nonce: Digest, id: JobID) async throws(EngineError) -> JobView? {
        // The market knows the orders of open jobs, the store those of jobs whose end is on the disk.
        try await endingIsDurable(of: nil)
        let record: Record?
        do throws(LedgerError) {
            record = try store.record(kind: Self.orderRecordKind, id: Self.orderKey(order.signer, nonce))
        } catch {
            throw EngineError(error)
        }
        guard let body = record?.body else { return nil }
        guard body == id.digest.bytes else {
            let known = Hex.encode(body)
            throw EngineError(
                .conflict,
                "nonce.conflict",
                "nonce: expected the order of job \(known), found one of job \(id)",
                field: "nonce",
                expected: "the order of job \(known)",
                actual: "job \(id)"
            )
        }
        try await offerWhenComplete(id.digest)
        return try await view(of: id.digest)
    }

    private static func orderKey(_ requester: VerifyingKey, _ nonce: Digest) -> [UInt8] {
        var hash = SHA256()
        hash.update(requester.bytes)
        hash.update(nonce)
        return hash.finalized().bytes
    }

    public nonisolated func putFile(
        job: Digest,
        cid: CID,
        bytes: [UInt8]
    ) async throws(EngineError) -> JobView {
        guard let expected = try await input(job, cid) else { return try await self.job(id: job) }
        try keep(bytes, as: expected)
        return try await noteFile(job)
    }

    /// The identity of an input of an open job; `nil` when the job has ended and needs none any more.
    private func input(_ job: Digest, _ cid: CID) async throws(EngineError) -> ArtefactIdentity? {
        try requireHealth()
        guard let file = try documents(of: job) else {
            _ = try await view(of: job)
            return nil
        }
        guard let input = file.sealed.files.first(where: { $0.identity.cid == cid }) else {
            throw .unknownFile(cid, "an input of job \(job)")
        }
        return input.identity
    }

    private func noteFile(_ job: Digest) async throws(EngineError) -> JobView {
        try await offerWhenComplete(job)
        return try await view(of: job)
    }

    /// Offers a funded job whose files are all there; refunds it when the files break a rule.
    func offerWhenComplete(_ job: Digest) async throws(EngineError) {
        try await documentsAreDurable(of: job)
        guard engine.jobs[job]?.phase == .funded, let file = try documents(of: job) else { return }
        guard try missingInputs(file).isEmpty else { return }
        let reason = try fault(in: file)
        // A file that turned out to be damaged has been set aside, and is asked for again.
        guard try missingInputs(file).isEmpty else { return }
        if let reason {
            try await perform(.refuse(job: job, reason: reason))
        } else {
            try await perform(.filesPresent(job: job))
        }
    }

    /// The first rule that the job's own files break.
    private func fault(in file: JobDocuments) throws(EngineError) -> Reason? {
        var files: [String: [UInt8]] = [:]
        for input in file.sealed.files {
            do throws(StorageError) {
                files[input.path] = try artefacts.get(input.identity.cid)
            } catch {
                throw EngineError(.unavailable, "storage", error.description)
            }
        }
        switch file.sealed.spec.replay.fault(in: files) {
        case .kernel(let fault): return Reason(code: "kernel-refused", text: fault.description)
        case .file(let error): return Reason(code: "input-malformed", text: error.description)
        case nil: break
        }
        return EvidenceAppraiser.fault(in: file.sealed.spec, files: files).map { error in
            Reason(code: "evidence-malformed", text: error.description)
        }
    }

    public nonisolated func file(job: Digest, cid: CID) async throws(EngineError) -> [UInt8] {
        if let stored = await stored { return try stored.file(job, cid) }
        try await checkBelongs(cid, to: job)
        do throws(StorageError) {
            if let bytes = try artefacts.get(cid) { return bytes }
        } catch {
            throw EngineError(.unavailable, "storage", error.description)
        }
        try await noteLoss(of: cid, from: job)
        throw .unknownFile(cid, "a file that has arrived")
    }

    private func checkBelongs(_ cid: CID, to job: Digest) throws(EngineError) {
        guard let file = try documents(of: job) else { throw .unknownJob(job) }
        guard file.names(cid) else {
            throw .unknownFile(cid, "a file of job \(job)")
        }
    }

    public func job(id: Digest) async throws(EngineError) -> JobView {
        do throws(EngineError) {
            return try await view(of: id)
        } catch {
            return try stored(after: error).job(id)
        }
    }

    public func jobs(limit: Int) async throws(EngineError) -> [JobView] {
        let limit = min(max(0, limit), Self.jobsListed)
        do throws(EngineError) {
            return try await views(limit)
        } catch {
            return try stored(after: error).jobs(limit)
        }
    }

    private func views(_ limit: Int) async throws(EngineError) -> [JobView] {
        try await endingIsDurable(of: nil)
        try requireHealth()
        var views: [JobView] = []
        // Why each of them waits for a node is told only when one job is asked for: it takes a look at every offer.
        for job in engine.latestJobs(limit) { views.append(try openView(of: job, isAlone: false)) }
        let wanted = limit - views.count
        guard wanted > 0 else { return views }
        let rows: [ReceiptRow]
        do throws(LedgerError) {
            rows = try store.latestReceipts(before: nil, limit: wanted).map(\.row)
        } catch {
            throw EngineError(error)
        }
        for row in rows {
            if let view = try JobView(endOf: row.job, in: store) { views.append(view) }
        }
        return views
    }

    public func receipt(job: Digest) async throws(EngineError) -> [UInt8] {
        do throws(LedgerError) {
            if let row = try store.receipt(job: job) { return row.bundleBytes }
        } catch {
            throw EngineError(error)
        }
        if let stored { return try stored.receipt(job) }
        if let open = engine.jobs[job] {
            throw .noReceipt(job, phase: open.phase.rawValue)
        }
        throw .unknownJob(job)
    }

    // MARK: What a job looks like

    func view(of id: Digest) async throws(EngineError) -> JobView {
        try await endingIsDurable(of: id)
        try requireHealth()
        if let job = engine.jobs[id] { return try openView(of: job, isAlone: true) }
        if let view = try JobView(endOf: id, in: store) { return view }
        throw .unknownJob(id)
    }

    private func openView(of job: Job, isAlone: Bool) throws(EngineError) -> JobView {
        var missing: [CID] = []
        let reason: String
        switch job.phase {
        case .funded:
            missing = try documents(of: job.id).map { (file) throws(EngineError) in try missingInputs(file) } ?? []
            reason = "waiting for \(missing.count) files"
        case .offered:
            let counts = (isAlone ? engine.mismatches(of: job.id, at: clock.now) : [:])
                .sorted { $0.key.rawValue < $1.key.rawValue }
                .map { "\($0.value) \($0.key.rawValue)" }
            let seen = "\(engine.nodes.count) nodes registered"
            reason = "waiting for a node: " + (counts.isEmpty ? seen : seen + ", " + counts.joined(separator: ", "))
        case .assigned:
            let stop = job.yield.map { ", asked to stop: \($0.rawValue)" } ?? ""
            reason = "running on node \(job.assignment?.node.text ?? "?")" + stop
        case .committed:
            missing = try documents(of: job.id).map { (file) throws(EngineError) in try missingOutputs(file) } ?? []
            reason = "waiting for \(missing.count) outputs"
        case .verifying:
            reason = job.validator.map { "with validator \($0)" } ?? "waiting for a validator"
        case .judged: reason = "accepted; waiting for the rest of its gang"
        case .final: reason = "settled"
        }
        return JobView(
            id: job.id,
            name: job.name,
            phase: job.phase.rawValue,
            attempt: job.attempt,
            held: job.held,
            deadline: job.deadline,
            reason: reason,
            missing: missing,
            metered: job.reading?.workUnits,
            covered: job.assignment == nil ? nil : job.coveredUnits,
            topUps: job.topUps > 0 ? Int64(job.topUps) : nil,
            yields: job.yield?.rawValue
        )
    }

    func missingInputs(_ file: JobDocuments) throws(EngineError) -> [CID] {
        try missing(file.sealed.files.map(\.identity))
    }

    func missingOutputs(_ file: JobDocuments) throws(EngineError) -> [CID] {
        try missing(file.results)
    }

    private func missing(_ identities: [ArtefactIdentity]) throws(EngineError) -> [CID] {
        do throws(StorageError) {
            var seen: Set<CID> = []
            return try artefacts.missing(among: identities.filter { seen.insert($0.cid).inserted }).map(\.cid)
        } catch {
            throw EngineError(.unavailable, "storage", error.description)
        }
    }

    /// Keeps a file after its length and its hash have been compared with what the documents say.
    nonisolated func keep(_ bytes: [UInt8], as expected: ArtefactIdentity) throws(EngineError) {
        guard UInt64(bytes.count) == expected.byteCount else {
            throw EngineError(
                .refused,
                "file.length",
                "file \(expected.cid): expected \(expected.byteCount) bytes, found \(bytes.count)",
                field: "bytes",
                expected: "\(expected.byteCount)",
                actual: "\(bytes.count)"
            )
        }
        let actual = ArtefactIdentity(of: bytes)
        guard actual.cid == expected.cid else {
            throw EngineError(
                .refused,
                "file.cid",
                "file: expected the bytes of \(expected.cid), found those of \(actual.cid)",
                field: "cid",
                expected: expected.cid.text,
                actual: actual.cid.text
            )
        }
        do throws(StorageError) {
            try artefacts.put(bytes, cid: expected.cid)
        } catch {
            throw EngineError(.unavailable, "storage", error.description)
        }
    }
}

extension EngineError {
    static func unknownJob(_ id: Digest) -> EngineError {
        EngineError(
            .notFound,
            "job.unknown",
            "job: expected a job of this engine, found none with id \(id)",
            field: "job",
            expected: "a job of this engine",
            actual: id.hex
        )
    }

    static func unknownFile(_ cid: CID, _ expected: String) -> EngineError {
        EngineError(
            .notFound,
            "file.unknown",
            "file: expected \(expected), found \(cid)",
            field: "cid",
            expected: expected,
            actual: cid.text
        )
    }
}
