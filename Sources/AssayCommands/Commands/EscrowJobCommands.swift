// `assay escrow settle`, `refund` and `epoch`: the money of one job on request, and the money of a period.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Foundation
internal import Ledger
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

struct EscrowEpoch: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "epoch",
        abstract: "Sum up a ledger's epochs: issued, withdrawn, held, paid, returned, and a chained digest.",
        discussion: """
            An epoch is an accounting period of a fixed length, counted from 1970. Its row follows from the transfers alone, so \
            that anybody with the ledger makes the same one; its digest names all transfers up to its end. The last epoch is \
            open until its time is over.
            """
    )

    @OptionGroup var ledger: LedgerOptions
    @Option(help: ArgumentHelp("The length of an epoch.", valueName: "seconds"))
    var seconds: Int64 = 86_400
    @Option(help: ArgumentHelp("Only this epoch.", valueName: "n"))
    var number: Int64?
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard (1...31_622_400).contains(seconds) else {
            let error = ParseError(field: "seconds", expected: "1 to 31622400", actual: "\(seconds)")
            throw Failure(option: "--seconds", error)
        }
        let (store, name) = try ledger.open()
        let all: [EpochSummary]
        do throws(LedgerError) {
            all = try EpochSummary.all(store, seconds: seconds)
            try store.close()
        } catch {
            throw Failure(error, in: name)
        }
        let present = EpochSummary.number(at: tool.now(), seconds: seconds)
        let shown = all.filter { number == nil || $0.number == number }
        return Answer(
            members: [
                "seconds": .integer(seconds), "epochs": .array(shown.map { $0.json(isClosed: $0.number < present) }),
            ],
            lines: shown.flatMap { $0.lines(isClosed: $0.number < present) }
        )
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

extension EpochSummary {
    fileprivate func json(isClosed: Bool) -> JSONValue {
        func amount(_ value: Int64) -> JSONValue { .string(String(value)) }
        var kinds = JSONObject()
        for (kind, sum) in paidTo.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            kinds[kind.rawValue] = amount(sum)
        }
        return .object([
            "number": .integer(number), "currency": .string(currency), "closed": .bool(isClosed),
            "transfers": .integer(transfers), "issued": amount(issued), "withdrawn": amount(withdrawn),
            "held": amount(held), "paid": amount(paid), "returned": amount(returned), "paidTo": .object(kinds),
            "digest": .string(digest.hex),
        ])
    }

    fileprivate func lines(isClosed: Bool) -> [String] {
        let kinds = paidTo.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key.rawValue) \($0.value)" }
        return Table.facts([
            ("epoch", "\(number) \(currency)\(isClosed ? "" : " (open)")"), ("transfers", "\(transfers)"),
            ("issued", "\(issued)"), ("withdrawn", "\(withdrawn)"), ("held", "\(held)"),
            ("paid", kinds.isEmpty ? "\(paid)" : "\(paid) (\(kinds.joined(separator: ", ")))"),
            ("returned", "\(returned)"), ("digest", digest.hex),
        ])
    }
}
