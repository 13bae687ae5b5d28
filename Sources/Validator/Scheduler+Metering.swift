// The engine's answers about jobs that are paid for as they go: readings, top-ups, an early end.
internal import Codecs
public import Commitments
public import EngineAPI
internal import Ledger
internal import Market
internal import Receipts
internal import Signatures

extension Scheduler {
    public func read(job: Digest, reading: [UInt8]) async throws(EngineError) -> JobView {
        try requireHealth()
        guard let file = try documents(of: job) else { return try await view(of: job) }
        guard let lease = file.lease else {
            throw EngineError(.staleLease(job: job, expected: "no lease", actual: "a reading"))
        }
        let signed: Signed<MeterReading>
        do throws(DocumentError) {
            signed = try Signed<MeterReading>(verifying: reading, key: lease.predicate.node)
        } catch {
            throw EngineError(error, id: "reading")
        }
        let statement = signed.predicate
        try Self.demand("reading.jobId", lease.predicate.jobID.text, statement.jobID.text)
        try Self.demand("reading.epoch", "\(lease.predicate.epoch)", "\(statement.epoch)")
        try Self.demand("reading.leaseDigest", lease.digest.hex, statement.leaseDigest.hex)
        let subjects = signed.subjects.map { "\($0.name) \($0.digest)" }.joined(separator: ", ")
        try Self.demand("reading.subject", "lease \(lease.digest)", subjects)
        let event = Event.read(
            job: job,
            attempt: UInt32(statement.attempt),
            node: signed.signer,
            reading: Job.Reading(
                digest: signed.digest,
                sequence: statement.sequence,
                workUnits: statement.workUnits,
                wallMicroseconds: statement.wallMicroseconds
            )
        )
        try await perform(event) { documents in
            guard documents[job]?.reading?.digest != signed.digest else { return }
            documents[job]?.reading = signed
        }
        return try await view(of: job)
    }

    public func topUp(job: Digest, topUp: [UInt8]) async throws(EngineError) -> JobView {
        try requireHealth()
        guard let file = try documents(of: job) else { return try await view(of: job) }
        let signed: Signed<TopUp>
        do throws(DocumentError) {
            signed = try Signed<TopUp>(verifying: topUp, key: file.order.signer)
        } catch {
            throw EngineError(error, id: "top-up")
        }
        let statement = signed.predicate
        try Self.demand("topUp.jobId", job.hex, statement.jobID.text)
        try Self.demand("topUp.engine", key.verifyingKey.text, statement.engine.text)
        let subjects = signed.subjects.map { "\($0.name) \($0.digest)" }.joined(separator: ", ")
        try Self.demand("topUp.subject", "job \(job)", subjects)
        if statement.number <= Int64(file.topUps.count) {
            let known = file.topUps[Int(statement.number) - 1]
            guard known.digest == signed.digest else {
                throw EngineError(
                    MarketError.conflict(field: "topUp.number", expected: known.digest.hex, actual: signed.digest.hex)
                )
            }
            return try await view(of: job)
        }
        let event = ToppingUp(
            job: job,
            number: UInt32(statement.number),
            amount: Int64(statement.amount),
            seconds: statement.seconds
        )
        try await perform(.topUp(event)) { documents in documents[job]?.topUps.append(signed) }
        return try await view(of: job)
    }

    public func close(job: Digest, request: [UInt8]) async throws(EngineError) -> JobView {
        try requireHealth()
        let signed = try verified(request)
        if case .refund(let named, let why) = signed.predicate.action {
            try requireOperator(signed)
            try Self.demand("job", job.hex, named.text)
            guard engine.jobs[job] != nil else { return try await view(of: job) }
            // What the engine cannot finish is its own fault: everything goes back, and nobody is slashed.
            try await perform(.fail(job: job, reason: Reason(code: "operator-refund", text: why)))
            return try await view(of: job)
        }
        guard case .close(let named) = signed.predicate.action else {
            throw EngineError.wrongAction(signed.predicate.action, expected: "close or refund")
        }
        try Self.demand("job", job.hex, named.text)
        guard let open = engine.jobs[job] else { return try await view(of: job) }
        guard signed.signer == open.requester else {
            throw EngineError(
                .forbidden,
                "job.requester",
                "signer: expected the requester \(open.requester), found \(signed.signer)",
                field: "signer",
                expected: open.requester.text,
                actual: signed.signer.text
            )
        }
        try await perform(.close(job: job))
        return try await view(of: job)
    }
}
