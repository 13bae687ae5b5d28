// From a sealed job to an order that an engine has taken, with its files: for one job, or for each of a gang.
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Receipts
internal import Replay
internal import Signatures

enum JobPlacement {
    /// The nonce that a requester's name for an order stands for.
    static func nonce(_ name: String, _ requester: VerifyingKey) -> [UInt8] {
        var hash = SHA256()
        hash.update("assay-order-name-1\0")
        hash.update(requester.bytes)
        hash.update(name)
        return hash.finalized().bytes
    }

    /// Says what will be held, orders the job, and sends the files that the engine lacks.
    static func place(
        _ job: SealedJob,
        _ files: [String: [UInt8]],
        nonce: [UInt8],
        _ description: EngineDescription,
        _ engine: any EngineAPI,
        _ key: SigningKey,
        _ tool: Tool
    ) async throws(Failure) -> (order: Signed<Order>, view: JobView, uploaded: Int) {
        let spec = job.spec
        guard spec.price.currency == description.currency else {
            throw Failure(
                .policy,
                "job.currency",
                "the engine keeps its accounts in another currency than the job's price",
                field: "price.currency",
                expected: description.currency,
                actual: spec.price.currency
            )
        }
        tool.note(
            "\(spec.name): \(spec.replay.workUnits) work units at \(spec.price.maxPerMegaUnit) \(spec.price.currency) or less "
                + "per million; \(spec.holdAmount) \(spec.price.currency) will be held"
        )
        let order: Signed<Order>
        do throws(DocumentError) {
            order = try Order.sign(job, nonce: nonce, createdAt: tool.now(), engine: description.engine, with: key)
        } catch {
            throw Failure(error, in: "order")
        }
        let specBytes = job.bytes
        var view = try await tool.call { () throws(EngineError) in
            try await engine.submit(order: order.envelope, spec: specBytes)
        }
        guard view.id == order.predicate.jobID.digest else {
            throw Failure(
                .rejected,
                "job.id",
                "the engine answered about another job",
                field: "id",
                expected: order.predicate.jobID.text,
                actual: view.id.hex
            )
        }
        tool.note("job \(view.id.hex)")
        let uploaded = try await upload(job, files, &view, engine, tool)
        return (order, view, uploaded)
    }

    /// What an answer says of an order.
    static func members(_ order: Signed<Order>, _ spec: JobSpec, _ uploaded: Int) -> JSONObject {
        [
            "jobId": .string(order.predicate.jobID.text),
            "nonce": .string(Hex.encode(order.predicate.nonce)),
            "requester": .string(order.signer.text),
            "account": .string(order.predicate.account.text),
            "price": .object([
                "currency": .string(spec.price.currency),
                "maxPerMegaUnit": .string(String(spec.price.maxPerMegaUnit)),
                "workUnits": .string(String(spec.replay.workUnits)),
                "held": .string(String(spec.holdAmount)),
            ]),
            "uploaded": .integer(uploaded),
        ]
    }

    /// Sends the files that the engine lacks.
    /// - Returns: how many were sent.
    private static func upload(
        _ job: SealedJob,
        _ files: [String: [UInt8]],
        _ view: inout JobView,
        _ engine: any EngineAPI,
        _ tool: Tool
    ) async throws(Failure) -> Int {
        var byCID: [CID: [UInt8]] = [:]
        for file in job.files { byCID[file.identity.cid] = files[file.path] }
        let wanted = view.missing
        let total = wanted.reduce(UInt64(0)) { $0 + UInt64(byCID[$1]?.count ?? 0) }
        let progress = Progress(tool, "upload")
        defer { progress.finish() }
        var done: UInt64 = 0
        for cid in wanted {
            guard let bytes = byCID[cid] else {
                throw Failure(
                    .rejected,
                    "file.unknown",
                    "the engine asks for a file that the job does not name",
                    field: "missing",
                    expected: "a file of the job",
                    actual: cid.text
                )
            }
            progress.show(done, of: total, "bytes")
            let id = view.id
            view = try await tool.call { () throws(EngineError) in
                try await engine.putFile(job: id, cid: cid, bytes: bytes)
            }
            done += UInt64(bytes.count)
        }
        if !wanted.isEmpty { progress.show(done, of: total, "bytes") }
        return wanted.count
    }
}
