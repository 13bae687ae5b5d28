// `assay job`: look at jobs and follow them.
internal import ArgumentParser
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Receipts

struct JobCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "job",
        abstract: "Order jobs, follow them, fetch their receipts.",
        subcommands: [
            JobSubmit.self, JobGang.self, JobList.self, JobShow.self, JobWatch.self, JobWhy.self, JobTopUp.self,
            JobClose.self,
            JobReceipt.self,
        ]
    )
}

/// Which job.
struct JobArgument: ParsableArguments {
    @Argument(help: ArgumentHelp("The job's id: 64 hexadecimal digits.", valueName: "job"))
    var job: String

    func id() throws(Failure) -> Digest {
        try Failure.parsing("job") { () throws(ParseError) in try Digest(hex: job, field: "job") }
    }
}

extension JobView {
    /// A line for people.
    var line: String {
        let end = outcome.map { " \($0)" } ?? ""
        return "\(phase)\(end): \(reason)"
    }

    /// All of it for people.
    func lines(_ style: Style) -> [String] {
        var facts = [("job", id.hex), ("name", name), ("phase", phase)]
        if let outcome {
            facts.append(("outcome", outcome == "accepted" ? style.good(outcome) : style.bad(outcome)))
        }
        facts += [("why", reason), ("attempt", String(attempt)), ("held", String(held))]
        if let covered { facts.append(("covered", "\(covered) work units")) }
        if let metered { facts.append(("metered", "\(metered) work units")) }
        if let topUps { facts.append(("top-ups", String(topUps))) }
        if let paid { facts.append(("paid", String(paid))) }
        if let refunded { facts.append(("refunded", String(refunded))) }
        facts.append((isFinal ? "ended" : "deadline", Timestamp.text(deadline)))
        facts += missing.map { ("missing", $0.text) }
        return Table.facts(facts)
    }

    /// The answer for a command that waited for the end.
    func finalAnswer(_ tool: Tool, members: JSONObject = [:], lines: [String] = []) -> Answer {
        var all: JSONObject = ["job": json]
        for member in members.members { all[member.name] = member.value }
        var answer = Answer(members: all, lines: lines + self.lines(tool.style))
        if isFinal && outcome != "accepted" {
            answer.status = .notAccepted
            answer.failure = Failure(
                .notAccepted,
                "job.notAccepted",
                "the job ended \(outcome ?? "without an outcome"): \(reason)",
                field: "outcome",
                expected: "accepted",
                actual: outcome ?? "none",
                hint: "assay job receipt \(id.hex) fetches the receipt that says why"
            )
        }
        return answer
    }

    /// What can be done about the state, by whoever asks.
    var next: String {
        switch phase {
        case "funded": "upload the missing files: submit the same folder again with the same --nonce or --id"
        case "offered": "wait for a node; a higher price or a smaller memory demand finds more of them"
        case "assigned":
            "wait for the node's result; after the deadline another attempt is made, or the money goes back"
        case "committed", "verifying": "wait for the verdict"
        case "judged": "wait for the other jobs of its gang: it is paid with all of them, or not at all"
        case "final":
            outcome == "accepted" ? "nothing: it is paid" : "fetch the receipt, it has every check: assay job receipt"
        default: "wait"
        }
    }
}

/// Looks at a job again and again.
enum JobWatcher {
    /// How long between two looks.
    static let intervalMilliseconds = 500
    /// For how many seconds an engine that has answered before may be away: a restart, or a takeover in a fleet.
    static let patienceSeconds: Int64 = 60

    /// Follows a job to its end, with a note for each change.
    static func follow(
        _ id: Digest,
        _ engine: any EngineAPI,
        timeoutSeconds: Int64?,
        _ tool: Tool
    ) async throws(Failure) -> JobView {
        let start = tool.now()
        var last = ""
        var awaySince: Int64?
        while true {
            let view: JobView
            do throws(EngineError) {
                view = try await engine.job(id: id)
                awaySince = nil
            } catch {
                let since = awaySince ?? tool.now()
                guard error.kind == .unavailable, error.id != "call.cancelled", !last.isEmpty,
                    tool.now() - since < min(patienceSeconds, timeoutSeconds ?? .max)
                else { throw Failure(error) }
                if awaySince == nil {
                    tool.note("\(Timestamp.text(tool.now()))  waiting for the engine: \(error.message)")
                }
                awaySince = since
                try await tool.wait(milliseconds: intervalMilliseconds)
                continue
            }
            let line = "attempt \(view.attempt), \(view.line)"
            if line != last {
                tool.note("\(Timestamp.text(tool.now()))  \(line)")
                last = line
            }
            if view.isFinal { return view }
            if let why = view.stopped {
                throw Failure(
                    .unavailable,
                    "engine.stopped",
                    "the job will not end: \(why)",
                    field: "phase",
                    expected: "final",
                    actual: view.phase,
                    hint: "its money is held until the engine's operator has looked: assay job show \(id.hex)"
                )
            }
            if let timeoutSeconds, tool.now() - start >= timeoutSeconds {
                throw Failure(
                    .temporaryFailure,
                    "job.open",
                    "the job has not ended within \(timeoutSeconds) s; it is \(view.phase): \(view.reason)",
                    field: "phase",
                    expected: "final",
                    actual: view.phase,
                    hint: "assay job watch \(id.hex) follows it further"
                )
            }
            try await tool.wait(milliseconds: intervalMilliseconds)
        }
    }
}

struct JobList: ToolCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List jobs, newest first.")

    @Option(help: "The most jobs, 1 to 1000.")
    var limit = 50
    @OptionGroup var engine: EngineOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard (1...1000).contains(limit) else {
            throw Failure(option: "--limit", ParseError(field: "limit", expected: "1 to 1000", actual: "\(limit)"))
        }
        let engine = try engine.connect(tool)
        let limit = limit
        let jobs = try await tool.call { () throws(EngineError) in try await engine.jobs(limit: limit) }
        let standby = await EngineOptions.noteStandby(engine, lacking: "the open jobs too", tool)
        let rows = jobs.map { job in
            [String(job.id.hex.prefix(16)), job.name, job.phase, job.outcome ?? "-", "\(job.held)", job.reason]
        }
        var members: JSONObject = ["jobs": .array(jobs.map(\.json))]
        members["standby"] = standby
        return Answer(
            members: members,
            lines: jobs.isEmpty
                ? [standby == nil ? "no jobs" : "no ended jobs"]
                : Table.lines(["JOB", "NAME", "PHASE", "OUTCOME", "HELD", "WHY"], rows)
        )
    }
}

struct JobShow: ToolCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show where a job stands.")

    @OptionGroup var job: JobArgument
    @OptionGroup var engine: EngineOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let id = try job.id()
        let engine = try engine.connect(tool)
        let view = try await tool.call { () throws(EngineError) in try await engine.job(id: id) }
        return Answer(members: ["job": view.json], lines: view.lines(tool.style))
    }
}

struct JobWatch: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Follow a job to its end.",
        discussion: "Exit code 0 only when the job was accepted, 6 when it ended otherwise."
    )

    @OptionGroup var job: JobArgument
    @Option(help: ArgumentHelp("Give up after so many seconds.", valueName: "seconds"))
    var timeout: Int64?
    @OptionGroup var engine: EngineOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let id = try job.id()
        let engine = try engine.connect(tool)
        return try await JobWatcher.follow(id, engine, timeoutSeconds: timeout, tool).finalAnswer(tool)
    }
}

struct JobWhy: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Say why a job stands where it stands, and what can be done."
    )

    @OptionGroup var job: JobArgument
    @OptionGroup var engine: EngineOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let id = try job.id()
        let engine = try engine.connect(tool)
        let view = try await tool.call { () throws(EngineError) in try await engine.job(id: id) }
        var members: JSONObject = ["job": view.json, "why": .string(view.reason), "next": .string(view.next)]
        var lines = [view.line]
        if view.phase == "offered" {
            let nodes = try await tool.call { () throws(EngineError) in try await engine.nodes() }
            let idle = nodes.filter { $0.isOnline && $0.job == nil }
            members["nodes"] = .object([
                "registered": .integer(nodes.count),
                "online": .integer(nodes.count(where: \.isOnline)),
                "idle": .integer(idle.count),
            ])
            lines.append(
                "nodes: \(nodes.count) registered, \(nodes.count(where: \.isOnline)) online, \(idle.count) idle"
            )
        }
        if !view.isFinal {
            lines.append("deadline: \(Timestamp.text(view.deadline)); after it the engine decides by itself")
        }
        lines.append("next: \(view.next)")
        return Answer(members: members, lines: lines)
    }
}

struct JobReceipt: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "receipt",
        abstract: "Fetch the receipt of a job that has ended.",
        discussion: """
            The file is written only when it has a receipt's form and is about this job. Check it with assay audit. Where the
            engine keeps a log of its receipts, the proof that the log has this one is put into the file.
            """
    )

    @OptionGroup var job: JobArgument
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The file to write; <first 16 digits>.assay otherwise.", valueName: "file")
    )
    var output: String?
    @Flag(help: "Wait until the engine's log has the receipt.")
    var logged = false
    @Option(help: ArgumentHelp("With --logged: give up after so many seconds.", valueName: "seconds"))
    var timeout: Int64 = 60
    @OptionGroup var engine: EngineOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let id = try job.id()
        let engine = try engine.connect(tool)
        return try await Self.fetch(id, engine, to: output, loggedWithin: logged ? timeout : nil, tool)
    }

    /// - Parameter patience: for how many seconds to wait for the engine's log; `nil` takes a proof if there is one.
    static func fetch(
        _ id: Digest,
        _ engine: any EngineAPI,
        to output: String?,
        loggedWithin patience: Int64? = nil,
        _ tool: Tool
    ) async throws(Failure) -> Answer {
        var bytes = try await tool.call { () throws(EngineError) in try await engine.receipt(job: id) }
        let bundle: Bundle
        do throws(BundleError) {
            bundle = try Bundle(parsing: bytes)
        } catch {
            throw Failure(error, in: "the engine's receipt")
        }
        guard bundle.jobID.digest == id else {
            throw Failure(
                .rejected,
                "receipt.job",
                "the engine sent the receipt of another job",
                field: "jobId",
                expected: id.hex,
                actual: bundle.jobID.text
            )
        }
        var log: JSONValue = .null
        if let proof = try await LoggedReceipt(bundle).proof(from: engine, within: patience, tool) {
            bytes = try LoggedReceipt.attach(proof, to: bytes, "the engine's receipt")
            log = LoggedReceipt.json(proof)
        }
        let path = output ?? "\(id.hex.prefix(16)).assay"
        try Files.write(bytes, to: path)
        return Answer(
            members: [
                "path": .string(path), "bytes": .integer(bytes.count), "bundle": .string(SHA256.hash(bytes).text),
                "jobId": .string(id.hex), "log": log,
            ],
            lines: [path]
        )
    }
}
