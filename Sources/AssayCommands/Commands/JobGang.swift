// `assay job gang`: several jobs that start on as many nodes at the same moment, or not at all.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Receipts
internal import Signatures

struct JobGang: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "gang",
        abstract: "Order several folders as one gang: all of them get a node at the same moment, or none does.",
        discussion: """
            Each folder is a job with its own node, escrow, evidence and receipt. With --settle together they are also paid in \
            one transaction when every one of them is accepted, and all refunded otherwise; such jobs are prepaid, have the \
            same deadlines and attempts, and cannot be closed once they have started. With --settle each, every one is paid \
            by its own verdict. The same folders under the same --id are the same orders, however often they are sent.
            """
    )

    @Argument(help: ArgumentHelp("The jobs' folders, 2 to 64, in the order of their places.", valueName: "folder"))
    var folders: [String]
    @Option(help: ArgumentHelp("each, or together.", valueName: "how"))
    var settle: String = JobSpec.Gang.Settles.each.rawValue
    @OptionGroup var order: OrderOptions
    @OptionGroup var engine: EngineOptions
    @OptionGroup var keys: KeyOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        try order.checkWait()
        let key = try keys.read(tool)
        let name = try gangName()
        // Everything is read and sealed first: a folder that is no job must not leave half a gang behind.
        let jobs = try seal(name, key.verifyingKey)
        let engine = try engine.connect(tool)
        let description = try await tool.call { () throws(EngineError) in try await engine.engine() }
        var views: [JobView] = []
        for (index, job) in jobs.enumerated() {
            let placed = try await JobPlacement.place(
                job.sealed,
                job.files,
                nonce: JobPlacement.nonce("\(name)/\(index)", key.verifyingKey),
                description,
                engine,
                key,
                tool
            )
            views.append(placed.view)
        }
        guard order.wait else { return Self.answer(name, views, tool) }
        for index in views.indices {
            views[index] = try await JobWatcher.follow(views[index].id, engine, timeoutSeconds: order.timeout, tool)
        }
        if let output = order.output {
            if !Files.isFolder(output) { try Files.makeFolder(output) }
            for (index, view) in views.enumerated() {
                _ = try await JobReceipt.fetch(view.id, engine, to: "\(output)/\(index).assay", tool)
            }
        }
        return Self.answer(name, views, tool)
    }

    /// The folders as jobs of one gang.
    private func seal(
        _ name: String,
        _ requester: VerifyingKey
    ) throws(Failure) -> [(sealed: SealedJob, files: [String: [UInt8]])] {
        guard let settles = JobSpec.Gang.Settles(rawValue: settle) else {
            throw Failure(
                option: "--settle",
                ParseError(field: "settle", expected: "each or together", actual: settle)
            )
        }
        guard (2...Int(JobSpec.Gang.maxSize)).contains(folders.count) else {
            let error = ParseError(field: "folder", expected: "2 to 64 folders", actual: "\(folders.count)")
            throw Failure(option: "folder", error)
        }
        var hash = SHA256()
        hash.update("assay-gang-name-1\0")
        hash.update(requester.bytes)
        hash.update(name)
        let group = hash.finalized()
        var jobs: [(sealed: SealedJob, files: [String: [UInt8]])] = []
        for (index, folder) in folders.enumerated() {
            let content: JobFolder.Content
            do throws(JobFolderError) {
                content = try JobFolder(path: folder).seal()
            } catch {
                throw Failure(error, in: folder)
            }
            let place = JobSpec.Gang(
                group: group,
                size: Int64(folders.count),
                index: Int64(index),
                settles: settles
            )
            guard content.job.spec.terms.gang == nil else {
                let error = ParseError(field: "terms.gang", expected: "none: the command gives it", actual: "one")
                throw Failure(error, id: "job.gang", in: folder)
            }
            do throws(ParseError) {
                jobs.append((try SealedJob(try content.job.spec.joining(place)), content.files))
            } catch {
                throw Failure(error, id: "job.gang", in: folder)
            }
        }
        return jobs
    }

    private func gangName() throws(Failure) -> String {
        if let name = try order.name() { return name }
        do throws(KeyError) {
            return Hex.encode(try Random.bytes(JobID.nonceBytes))
        } catch {
            throw Failure(error, in: "name")
        }
    }

    private static func answer(_ name: String, _ views: [JobView], _ tool: Tool) -> Answer {
        let rows = views.enumerated().map { index, view in
            ["\(index)", view.id.hex, view.phase, view.outcome ?? "-", view.reason]
        }
        var answer = Answer(
            members: ["id": .string(name), "jobs": .array(views.map(\.json))],
            lines: Table.lines(["LEG", "JOB", "PHASE", "OUTCOME", "WHY"], rows)
        )
        if let open = views.first(where: { $0.isFinal && $0.outcome != "accepted" }) {
            answer.status = .notAccepted
            answer.failure = Failure(
                .notAccepted,
                "job.notAccepted",
                "job \(open.id.hex) of the gang ended \(open.outcome ?? "without an outcome"): \(open.reason)",
                field: "outcome",
                expected: "accepted",
                actual: open.outcome ?? "none"
            )
        }
        return answer
    }
}
