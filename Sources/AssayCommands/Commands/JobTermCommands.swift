// `assay job topup` and `assay job close`: what a requester can do with a job that is paid for as it goes.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Receipts
internal import Signatures

struct JobTopUp: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "topup",
        abstract: "Add money and time to a metered job.",
        discussion: """
            Hold and deadline move together, or neither does. With --number a top-up whose answer was lost can be sent again:
            the same number with the same amounts is the same top-up, with others it is refused.
            """
    )

    @OptionGroup var job: JobArgument
    @Option(help: ArgumentHelp("Minor units to hold in addition.", valueName: "units"))
    var amount: UInt64
    @Option(help: ArgumentHelp("Seconds by which the job's deadline moves, up to 86400.", valueName: "seconds"))
    var seconds: Int64 = 0
    @Option(help: ArgumentHelp("Which top-up of the job this is, from 1; the next one when not given.", valueName: "n"))
    var number: Int64?
    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let id = try job.id()
        guard (1...UInt64(Int64.max)).contains(amount) else {
            let error = ParseError(field: "amount", expected: "1 to 2^63 - 1", actual: "\(amount)")
            throw Failure(option: "--amount", error)
        }
        guard (0...86_400).contains(seconds) else {
            let error = ParseError(field: "seconds", expected: "0 to 86400", actual: "\(seconds)")
            throw Failure(option: "--seconds", error)
        }
        let key = try keys.read(tool)
        let engine = try engine.connect(tool)
        let description = try await tool.call { () throws(EngineError) in try await engine.engine() }
        let before = try await tool.call { () throws(EngineError) in try await engine.job(id: id) }
        let topUp: [UInt8]
        do throws(DocumentError) {
            topUp = try TopUp.sign(
                TopUp(
                    jobID: JobID(id),
                    number: number ?? (before.topUps ?? 0) + 1,
                    amount: amount,
                    seconds: seconds,
                    requester: key.verifyingKey,
                    engine: description.engine,
                    createdAt: tool.now()
                ),
                with: key
            ).envelope
        } catch {
            throw Failure(error, in: "top-up")
        }
        let view = try await tool.call { () throws(EngineError) in try await engine.topUp(job: id, topUp: topUp) }
        return Answer(members: ["job": view.json], lines: view.lines(tool.style))
    }
}

struct JobClose: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "close",
        abstract: "End a job: at once while it has no node, else by asking the node for what it has.",
        discussion: """
            A job without a lease is refunded in full. Under a lease only a metered or preemptible job can be closed: the node
            hands over what it has, which is verified and paid for, and the rest goes back.
            """
    )

    @OptionGroup var job: JobArgument
    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let id = try job.id()
        let key = try keys.read(tool)
        let engine = try engine.connect(tool)
        let description = try await tool.call { () throws(EngineError) in try await engine.engine() }
        let request: [UInt8]
        do throws(DocumentError) {
            request = try EngineRequest.sign(
                .close(job: JobID(id)),
                engine: description.engine,
                at: tool.now(),
                with: key
            ).envelope
        } catch {
            throw Failure(error, in: "request")
        }
        let view = try await tool.call { () throws(EngineError) in try await engine.close(job: id, request: request) }
        return Answer(members: ["job": view.json], lines: view.lines(tool.style))
    }
}
