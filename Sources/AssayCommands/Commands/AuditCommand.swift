// `assay audit`: everything in a receipt checked again, offline.
internal import Appraisal
internal import ArgumentParser
internal import Attestation
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Signatures
internal import TransparencyLog
internal import Verdicts

struct AuditCommand: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Check receipts: signatures, commitments, trace, verdicts, payment. No network.",
        discussion: """
            Exit code 0: authentic, and the result was accepted. 6: authentic, and it was not. 1: something in the file does
            not hold. 3: a replay was asked for and could not be made. 65: no receipt. With several files 0 or 4.
            """
    )

    @Argument(help: ArgumentHelp("Receipts, or folders of *.assay files; - is standard input.", valueName: "file"))
    var files: [String]
    @Option(help: ArgumentHelp("Whom to believe.", valueName: "file"))
    var trust: String
    @Flag(help: "Compute the job again on this machine and compare.")
    var deep = false
    @Option(help: ArgumentHelp("The time of the audit: 2026-11-21T05:40:00Z.", valueName: "time"))
    var time: String?
    @Flag(help: "Say for every check what was expected and by which document.")
    var explain = false
    @OptionGroup var worker: WorkerOptions
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        var at: Int64?
        if let time { at = try Failure.parsing("--time") { () throws(ParseError) in try Timestamp.parse(time) } }
        // Trust first: without it nothing in a receipt means anything.
        let trust: TrustFile
        let trustBytes = try Files.read(self.trust, maxBytes: 1 << 20)
        do throws(ParseError) {
            trust = try TrustFile(parsing: trustBytes)
            // Read here, so that a fault in it is not taken for one of a receipt.
            if let roots = trust.attestation { _ = try TrustAnchors(roots, "attestation") }
            if let lines = trust.log { _ = try LogPolicy(lines: lines) }
        } catch {
            throw Failure(error, id: "trust.malformed", in: self.trust)
        }
        let runner = deep ? try worker.runner(tool) : nil
        var paths: [String] = []
        for file in files {
            guard file != "-", Files.isFolder(file) else {
                paths.append(file)
                continue
            }
            let found = try Files.names(in: file).filter { $0.hasSuffix(".assay") }
            guard !found.isEmpty else {
                throw Failure(
                    .noInput,
                    "audit.empty",
                    "\(file): expected receipts in the folder, found none",
                    field: file,
                    expected: "*.assay",
                    actual: "none"
                )
            }
            paths += found.map { file + "/" + $0 }
        }
        var items: [Answer] = []
        for path in paths { items.append(await audit(path, trust, runner, at, tool)) }
        if items.count == 1 {
            var answer = items[0]
            answer.members["items"] = .array([.object(Self.item(answer, paths[0]))])
            return answer
        }
        return Self.combined(items, paths)
    }

    private func audit(
        _ path: String,
        _ trust: TrustFile,
        _ runner: (any Runner)?,
        _ time: Int64?,
        _ tool: Tool
    ) async -> Answer {
        do throws(Failure) {
            let bytes = try Files.read(path, maxBytes: Bundle.maxBytes)
            let report: AuditReport
            do throws(ParseError) {
                report = try await Audit.run(bundle: bytes, trust: trust, deep: runner, time: time)
            } catch {
                throw Failure(error, id: "receipt.malformed", in: path)
            }
            return AuditWords(report: report, path: path, style: tool.style, explain: explain, isDeep: deep).answer
        } catch {
            var answer = Answer(error)
            answer.members = ["path": .string(path)]
            answer.lines = ["\(path): \(tool.style.bad("ERROR"))  [\(error.id)] \(error.message)"]
            return answer
        }
    }

    private static func item(_ answer: Answer, _ path: String) -> JSONObject {
        var object: JSONObject = [
            "path": .string(path),
            "ok": .bool(answer.status == .ok),
            "exit": .integer(answer.status.rawValue),
        ]
        if let failure = answer.failure { object["error"] = failure.json }
        if let conclusion = answer.members["conclusion"] { object["conclusion"] = conclusion }
        if let digest = answer.members["bundle"] { object["bundle"] = digest }
        return object
    }

    private static func combined(_ answers: [Answer], _ paths: [String]) -> Answer {
        let failed = answers.count { $0.status != .ok }
        let items = zip(answers, paths).map { answer, path -> JSONValue in
            var object = item(answer, path)
            for name in ["receipt", "verdict"] { if let value = answer.members[name] { object[name] = value } }
            return .object(object)
        }
        var combined = Answer(
            failed == 0 ? .ok : .partial,
            members: ["items": .array(items), "failed": .integer(failed)],
            lines: answers.flatMap(\.lines) + ["\(answers.count) receipts, \(failed) of them not verified as accepted"]
        )
        if failed > 0 {
            combined.failure = Failure(
                .partial,
                "audit.partial",
                "\(failed) of \(answers.count) receipts are not verified as accepted",
                field: "items",
                expected: "all accepted",
                actual: "\(failed) not"
            )
        }
        return combined
    }
}

/// A report in words.
struct AuditWords {
    let report: AuditReport
    let path: String
    let style: Style
    let explain: Bool
    let isDeep: Bool

    var status: ExitStatus {
        switch report.conclusion {
        case .accepted: .ok
        case .notAccepted: .notAccepted
        case .refuted: .rejected
        case .undecided: .incomplete
        }
    }

    var answer: Answer {
        var members: JSONObject = ["path": .string(path)]
        if case .object(let object) = report.json {
            for member in object.members where member.name != "schema" { members[member.name] = member.value }
        }
        return Answer(status, members: members, lines: lines, failure: failure)
    }

    private var failure: Failure? {
        let failed = report.verdict.firstFailure
        switch report.conclusion {
        case .accepted: return nil
        case .notAccepted:
            let receipt = report.summary?.receipt
            return Failure(
                .notAccepted,
                "receipt.notAccepted",
                "the receipt is authentic, and the result was not accepted: \(receipt?.reason ?? "no reason")",
                field: "outcome",
                expected: "accepted",
                actual: receipt?.outcome.rawValue ?? "none"
            )
        case .refuted:
            return Failure(
                .rejected,
                failed?.id ?? "receipt.refuted",
                "\(path): \(failed?.id ?? "a check") does not hold",
                field: failed?.id ?? "",
                expected: failed?.expected ?? "",
                actual: failed?.actual ?? ""
            )
        case .undecided:
            let open = report.verdict.checks.last { $0.result == .skip }
            return Failure(
                .incomplete,
                "audit.undecided",
                "\(path): the replay could not be made here: \(open?.actual ?? "no device")",
                field: open?.id ?? "replay",
                expected: open?.expected ?? "a replay",
                actual: open?.actual ?? "none",
                hint: "assay node doctor says what is missing"
            )
        }
    }

    private var lines: [String] {
        let word =
            switch report.conclusion {
            case .accepted: style.good("VERIFIED, accepted")
            case .notAccepted: style.unsure("AUTHENTIC, not accepted")
            case .refuted: style.bad("REFUTED")
            case .undecided: style.unsure("UNDECIDED")
            }
        let checks = report.verdict.checks
        let mode = isDeep ? "offline, replayed here" : "offline"
        let time = report.time.map { ", as of \(Timestamp.text($0))" } ?? ""
        var lines = ["\(path): \(word)   (\(checks.count) checks, \(mode)\(time))"]
        if let summary = report.summary { lines += facts(summary) }
        let shown = explain ? checks : checks.filter { $0.result != .pass }
        lines += CheckLines.all(shown, style, explaining: explain)
        if !explain {
            let passed = checks.count { $0.result == .pass }
            lines.append("  \(passed) checks passed" + (passed == 0 ? "" : "; --explain lists them"))
        }
        return lines
    }

    private func facts(_ summary: AuditReport.Summary) -> [String] {
        let receipt = summary.receipt
        let settlement = receipt.settlement
        var facts = [
            ("job", "\(summary.jobName) \(receipt.jobID)"),
            ("outcome", "\(receipt.outcome.rawValue) (\(receipt.reason)), fault: \(receipt.fault.rawValue)"),
            ("engine", receipt.engine.text), ("requester", receipt.requester.text),
        ]
        if let node = summary.node { facts.append(("node", node)) }
        if let divergence = summary.divergence { facts.append(("divergence", divergence.description)) }
        facts.append(
            (
                "money",
                "held \(settlement.held), paid \(settlement.gross), refunded \(settlement.refunded) \(settlement.currency)"
            )
        )
        if let stake = settlement.stake {
            facts.append(("stake", "held \(stake.held), slashed \(stake.slashed), released \(stake.released)"))
        }
        facts += summary.outputs.map { ("output", "\($0.slot) \($0.identity.cid) (\($0.identity.byteCount) bytes)") }
        facts.append(("settled", Timestamp.text(receipt.settledAt)))
        return Table.facts(facts, indent: 2)
    }
}
