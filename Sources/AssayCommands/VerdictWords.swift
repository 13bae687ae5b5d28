// Verdicts in words and in documents, the same for every kind of evidence.
internal import Codecs
internal import Verdicts

/// A verdict and where what it judges came from.
struct VerdictWords {
    /// The file, or what else names the claim.
    let source: String
    let verdict: Verdict

    /// The exit code that the outcome alone asks for.
    var status: ExitStatus {
        switch verdict.outcome {
        case .accepted: .ok
        case .rejected, .requesterFault: .rejected
        case .inconclusive: .incomplete
        }
    }

    /// The answer to a command that judged one claim.
    func answer(_ style: Style, explain: Bool) -> Answer {
        Answer(
            status,
            members: ["source": .string(source), "verdict": verdict.json],
            lines: lines(style, explain: explain),
            failure: failure
        )
    }

    /// Outcome, every check, what it rests on, and what exactly was judged.
    func lines(_ style: Style, explain: Bool) -> [String] {
        let checks = verdict.checks
        var facts = [verdict.kind, checks.count == 1 ? "1 check" : "\(checks.count) checks"]
        if verdict.isAccepted { facts.append("error at most \(verdict.soundness.text)") }
        if verdict.cost.wallMicroseconds > 0 { facts.append("\(verdict.cost.wallMicroseconds) µs") }
        var lines = ["\(source): \(word(style))   (\(facts.joined(separator: ", ")))"]
        lines += CheckLines.all(checks, style, explaining: explain)
        var rest = verdict.isAccepted ? verdict.assumptions.map { ("rests on", $0.text) } : []
        rest.append(("subject", verdict.subject))
        return lines + Table.facts(rest, indent: 2)
    }

    private func word(_ style: Style) -> String {
        switch verdict.outcome {
        case .accepted: style.good("ACCEPTED")
        case .rejected: style.bad("REJECTED")
        case .requesterFault: style.bad("REQUESTER'S FAULT")
        case .inconclusive: style.unsure("INCONCLUSIVE")
        }
    }

    private var failure: Failure? {
        guard !verdict.isAccepted else { return nil }
        let failed = verdict.firstFailure ?? verdict.checks.last
        return Failure(
            status,
            failed?.id ?? verdict.kind,
            "\(source): \(failed?.id ?? verdict.kind) does not hold",
            field: failed?.id ?? "",
            expected: failed?.expected ?? "",
            actual: failed?.actual ?? ""
        )
    }

    /// The answer to a command that judged many claims. In words, only those that were not accepted are told, unless
    /// everything is to be explained.
    static func answer(_ all: [VerdictWords], _ noun: String, _ style: Style, explain: Bool) -> Answer {
        if all.count == 1 { return all[0].answer(style, explain: explain) }
        let refused = all.filter { !$0.verdict.isAccepted }
        let items = all.map { item -> JSONValue in
            .object([
                "source": .string(item.source), "ok": .bool(item.status == .ok), "exit": .integer(item.status.rawValue),
                "verdict": item.verdict.json,
            ])
        }
        let told = explain ? all : refused
        var answer = Answer(
            refused.isEmpty ? .ok : .partial,
            members: ["items": .array(items), "failed": .integer(refused.count)],
            lines: told.flatMap { $0.lines(style, explain: explain) }
                + ["\(all.count) \(noun), \(refused.isEmpty ? "all accepted" : "\(refused.count) not accepted")"]
        )
        if let first = refused.first {
            answer.failure = Failure(
                .partial,
                "\(first.verdict.kind).partial",
                "\(refused.count) of \(all.count) \(noun) are not accepted: "
                    + refused.prefix(8).map(\.source).joined(separator: ", ") + (refused.count > 8 ? ", …" : ""),
                field: "items",
                expected: "all accepted",
                actual: "\(refused.count) not"
            )
        }
        return answer
    }
}
