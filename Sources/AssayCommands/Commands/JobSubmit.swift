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
    @Option(help: ArgumentHelp("The order's nonce: 64 hexadecimal digits; random otherwise.", valueName: "hex"))
    var nonce: String?
    @OptionGroup var order: OrderOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        try order.checkWait()
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
        let placed = try await JobPlacement.place(
            content.job,
            content.files,
            nonce: nonce,
            description,
            engine,
            key,
            tool
        )
        var view = placed.view
        var members = JobPlacement.members(placed.order, content.job.spec, placed.uploaded)
        guard order.wait else {
            return Answer(
                members: JSONObject([("job", view.json)] + members.members.map { ($0.name, $0.value) }),
                lines: [view.id.hex]
            )
        }
        view = try await JobWatcher.follow(view.id, engine, timeoutSeconds: order.timeout, tool)
        var lines: [String] = []
        if let output = order.output {
            let receipt = try await JobReceipt.fetch(view.id, engine, to: output, tool)
            members["receipt"] = .object(receipt.members)
            lines = ["receipt  \(output)"]
        }
        var answer = view.finalAnswer(tool, members: members)
        answer.lines += lines
        return answer
    }

    /// The nonce: given, made from the name, or random.
    private func orderNonce(_ requester: VerifyingKey) throws(Failure) -> [UInt8] {
        switch (try order.name(), nonce) {
        case (nil, let text?):
            return try Failure.parsing("--nonce") { () throws(ParseError) in
                try Hex.decode(text, count: JobID.nonceBytes, field: "nonce")
            }
        case (let name?, nil):
            return JobPlacement.nonce(name, requester)
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
}
