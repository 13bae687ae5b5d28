// `assay escrow settle` and `refund`: the money of one job on request.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Receipts
internal import Signatures

struct EscrowSettle: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle",
        abstract: "Settle a job now: what was done is verified and paid for, the rest goes back. For its requester.",
        discussion: """
            The same request as `assay job close`. Without a lease everything goes back. Under a lease only a metered or \
            preemptible job can be settled early. Money moves with the verdict, never before it.
            """
    )

    @OptionGroup var job: JobArgument
    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let id = try job.id()
        return try await JobRequest.send(.close(job: JobID(id)), id, engine, keys, tool)
    }
}

struct EscrowRefund: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "refund",
        abstract: "Give everything held for a job back, by the engine operator's signed order.",
        discussion: """
            For a job that the engine cannot finish. It ends inconclusive with the engine at fault: hold, bond and stake go \
            back to whom they belong, nobody is paid or slashed, and a receipt says so. What silent nodes of earlier attempts \
            owe is still collected. The operator's key of a daemon is in its data folder: keys/operator.pem.
            """
    )

    @OptionGroup var job: JobArgument
    @Option(help: ArgumentHelp("Why, for the receipt; up to 512 bytes.", valueName: "text"))
    var reason: String = "refunded by the operator"
    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let id = try job.id()
        guard (1...512).contains(reason.utf8.count) else {
            let actual = "\(reason.utf8.count) bytes"
            throw Failure(option: "--reason", ParseError(field: "reason", expected: "1 to 512 bytes", actual: actual))
        }
        return try await JobRequest.send(.refund(job: JobID(id), reason: reason), id, engine, keys, tool)
    }
}

/// Signs and sends requests about one job.
private enum JobRequest {
    static func send(
        _ action: EngineRequest.Action,
        _ job: Digest,
        _ engine: EngineOptions,
        _ keys: KeyOptions,
        _ tool: Tool
    ) async throws(Failure) -> Answer {
        let key = try keys.read(tool)
        let engine = try engine.connect(tool)
        let description = try await tool.call { () throws(EngineError) in try await engine.engine() }
        let request: [UInt8]
        do throws(DocumentError) {
            request = try EngineRequest.sign(action, engine: description.engine, at: tool.now(), with: key).envelope
        } catch {
            throw Failure(error, in: "request")
        }
        let view = try await tool.call { () throws(EngineError) in try await engine.close(job: job, request: request) }
        return Answer(members: ["job": view.json], lines: view.lines(tool.style))
    }
}
