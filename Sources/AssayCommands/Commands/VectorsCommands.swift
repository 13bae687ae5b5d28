// `assay vectors`: runs test vectors, this project's own and other projects' publications.
internal import ArgumentParser
internal import Codecs
internal import Conformance
internal import Foundation
internal import Verdicts

struct VectorsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vectors",
        abstract: "Run test vectors.",
        subcommands: [VectorsRun.self]
    )
}

struct VectorsRun: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run every suite below a folder: Assay's own, and publications beside a MANIFEST.json.",
        discussion: "Exit code 1 when a case comes out otherwise than it should, 3 when nothing could be run."
    )

    @Argument(help: ArgumentHelp("The folder.", valueName: "folder"))
    var folder: String
    @Option(help: ArgumentHelp("Write a JUnit report to this file.", valueName: "file"))
    var junit: String?
    @OptionGroup var global: GlobalOptions

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        let report: VectorReport
        do throws(VectorSuiteError) {
            report = try await VectorSuite().run(folder: URL(fileURLWithPath: folder, isDirectory: true))
        } catch {
            throw Self.failure(error)
        }
        if let junit { try Files.write(Array(JUnit.text(report).utf8), to: junit) }
        let status: ExitStatus = report.isOK ? .ok : report.failed > 0 ? .rejected : .incomplete
        var members: JSONObject = ["folder": .string(folder)]
        if case .object(let object) = report.json {
            for member in object.members where member.name != "schema" && member.name != "ok" {
                members[member.name] = member.value
            }
        }
        if let junit { members["junit"] = .string(junit) }
        var answer = Answer(status, members: members, lines: lines(report, tool.style))
        if let failed = report.families.flatMap(\.failures).first {
            answer.failure = Failure(
                .rejected,
                "vectors.failed",
                "\(report.failed) of \(report.passed + report.failed) cases came out otherwise than they should",
                field: failed.id,
                expected: failed.expected,
                actual: failed.actual
            )
        } else if !report.isOK {
            answer.failure = Failure(
                .incomplete,
                "vectors.none",
                "\(folder): none of the \(report.skipped) cases could be run",
                field: "passed",
                expected: "at least one",
                actual: "0"
            )
        }
        return answer
    }

    private func lines(_ report: VectorReport, _ style: Style) -> [String] {
        let width = report.families.map(\.name.count).max() ?? 0
        var lines: [String] = []
        for family in report.families {
            let name = family.name + String(repeating: " ", count: width - family.name.count)
            let word = family.failures.isEmpty ? (family.passed > 0 ? style.good("pass") : style.unsure("skip")) : style.bad("FAIL")
            lines.append(
                " \(word)  \(name)  \(family.passed) pass, \(family.failures.count) fail, \(family.skipped) skip"
            )
            for check in family.failures {
                lines.append("   FAIL \(check.id)  expected \(check.expected), got \(check.actual)")
            }
            for skip in family.skips { lines.append("   skip \(skip.count): \(skip.reason)") }
        }
        return lines + ["\(report.passed) passed, \(report.failed) failed, \(report.skipped) skipped"]
    }

    private static func failure(_ error: VectorSuiteError) -> Failure {
        switch error {
        case .missing(let path):
            Failure(
                .noInput,
                "vectors.missing",
                error.description,
                field: path,
                expected: "a folder",
                actual: "none"
            )
        case .empty(let path):
            Failure(.noInput, "vectors.empty", error.description, field: path, expected: "vectors", actual: "none")
        case .malformed(let path, let error): Failure(error, id: "vectors.malformed", in: path)
        }
    }
}

/// The report format that continuous-integration servers read (the JUnit XML of Apache Ant).
enum JUnit {
    /// The report as XML. Cases that passed are counted, not listed: the suites hold thousands.
    static func text(_ report: VectorReport) -> String {
        let total = report.passed + report.failed + report.skipped
        var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        text += "<testsuites tests=\"\(total)\" failures=\"\(report.failed)\" skipped=\"\(report.skipped)\">\n"
        for family in report.families {
            let cases = family.passed + family.failures.count + family.skipped
            text += "  <testsuite name=\"\(escape(family.name))\" tests=\"\(cases)\""
            text += " failures=\"\(family.failures.count)\" skipped=\"\(family.skipped)\">\n"
            text += "    <testcase classname=\"\(escape(family.name))\" name=\"\(family.passed) cases as they should be\"/>\n"
            for check in family.failures {
                text += "    <testcase classname=\"\(escape(family.name))\" name=\"\(escape(check.id))\">"
                text += "<failure message=\"expected \(escape(check.expected)), got \(escape(check.actual))\"/></testcase>\n"
            }
            for skip in family.skips {
                text += "    <testcase classname=\"\(escape(family.name))\" name=\"\(skip.count) cases not run\">"
                text += "<skipped message=\"\(escape(skip.reason))\"/></testcase>\n"
            }
            text += "  </testsuite>\n"
        }
        return text + "</testsuites>\n"
    }

    /// Text for an XML attribute: markup escaped, what XML 1.0 cannot hold replaced.
    private static func escape(_ text: String) -> String {
        var output = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case let scalar where scalar.value < 0x20 || scalar.value == 0xfffe || scalar.value == 0xffff: output += "\u{fffd}"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}
