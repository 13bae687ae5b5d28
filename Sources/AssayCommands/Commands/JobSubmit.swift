// `assay job submit`: seals a folder, orders it, uploads its files. Giving the same name again continues the same order.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Receipts
internal import Replay
internal import Signatures

struct JobSubmit: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "submit",
        abstract: "Order a job: a folder with job.json, kernels and inputs.",
        discussion: """
            The price and the amount held are shown before the order is sent. With --id or --nonce the order has a name: the
            same folder under the same name is the same order, however often it is sent, and another folder under it is
            refused. An upload that broke off is continued that way.
            """
    )

    @Argument(help: ArgumentHelp("The job's folder.", valueName: "folder"))
    var folder: String
    @Option(help: ArgumentHelp("A name of your own for this order.", valueName: "name"))
    var id: String?
    @Option(help: ArgumentHelp("The order's nonce: 64 hexadecimal digits; random otherwise.", valueName: "hex"))
    var nonce: String?
    @Flag(help: "Wait until the job has ended; exit code 0 only when it was accepted, 6 when not.")
    var wait = false
    @Option(help: ArgumentHelp("Give up waiting after so many seconds.", valueName: "seconds"))
    var timeout: Int64?
    @Option(name: .shortAndLong, help: ArgumentHelp("With --wait: write the receipt to this file.", valueName: "file"))
    var output: String?
    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard wait || (timeout == nil && output == nil) else {
            let error = ParseError(field: "wait", expected: "--wait with --timeout or --output", actual: "none")
            throw Failure(option: "--wait", error)
        }
        let key = try keys.read(tool)
        let nonce = try orderNonce(key.verifyingKey)
        let content: JobFolder.Content
        do throws(JobFolderError) {
            content = try JobFolder(path: folder).seal()
        } catch {
            throw Failure(error, in: folder)
        }
        let engine = try engine.connect(tool)
        let description = try await tool.call { () throws(EngineError) in try await engine.engine() }
        let spec = content.job.spec
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
            order = try Order.sign(
                content.job,
                nonce: nonce,
                createdAt: tool.now(),
                engine: description.engine,
                with: key
            )
        } catch {
            throw Failure(error, in: "order")
        }
        let specBytes = content.job.bytes
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
        let uploaded = try await upload(content, &view, engine, tool)
        var members = Self.members(order, spec, uploaded)
        guard wait else {
            return Answer(
                members: JSONObject([("job", view.json)] + members.members.map { ($0.name, $0.value) }),
                lines: [view.id.hex]
            )
        }
        view = try await JobWatcher.follow(view.id, engine, timeoutSeconds: timeout, tool)
        var lines: [String] = []
        if let output {
            let receipt = try await JobReceipt.fetch(view.id, engine, to: output, tool)
            members["receipt"] = .object(receipt.members)
            lines = ["receipt  \(output)"]
        }
        var answer = view.finalAnswer(tool, members: members)
        answer.lines += lines
        return answer
    }

    private static func members(_ order: Signed<Order>, _ spec: JobSpec, _ uploaded: Int) -> JSONObject {
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

    /// The nonce: given, made from the name, or random.
    private func orderNonce(_ requester: VerifyingKey) throws(Failure) -> [UInt8] {
        switch (id, nonce) {
        case (nil, let text?):
            return try Failure.parsing("--nonce") { () throws(ParseError) in
                try Hex.decode(text, count: JobID.nonceBytes, field: "nonce")
            }
        case (let name?, nil):
            guard (1...256).contains(name.utf8.count) else {
                let error = ParseError(field: "id", expected: "1 to 256 bytes", actual: "\(name.utf8.count) bytes")
                throw Failure(option: "--id", error)
            }
            var hash = SHA256()
            hash.update("assay-order-name-1\0")
            hash.update(requester.bytes)
            hash.update(name)
            return hash.finalized().bytes
        case (nil, nil):
            do throws(KeyError) {
                return try Random.bytes(JobID.nonceBytes)
            } catch {
                throw Failure(error, in: "nonce")
            }
        case (_?, _?):
            let error = ParseError(field: "nonce", expected: "one of --id and --nonce", actual: "both")
            throw Failure(option: "--nonce", error)
        }
    }

    /// Sends the files that the engine lacks.
    /// - Returns: how many were sent.
    private func upload(
        _ content: JobFolder.Content,
        _ view: inout JobView,
        _ engine: any EngineAPI,
        _ tool: Tool
    ) async throws(Failure) -> Int {
        var byCID: [CID: [UInt8]] = [:]
        for file in content.job.files { byCID[file.identity.cid] = content.files[file.path] }
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
