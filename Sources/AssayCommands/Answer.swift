// What a command has to say, once for people and once for programs. The exit code is derived from it and from nothing else.
internal import Codecs
internal import EngineAPI

/// The result of a command.
struct Answer: Sendable {
    /// How it ended.
    var status: ExitStatus
    /// The command's own members of the document.
    var members: JSONObject
    /// The lines for people.
    var lines: [String]
    /// What is wrong, when the result itself says no.
    var failure: Failure?
    /// Written in place of everything else, whatever form was asked for: a script, a report in another format.
    var verbatim: String?

    /// A result.
    init(
        _ status: ExitStatus = .ok,
        members: JSONObject = [:],
        lines: [String],
        failure: Failure? = nil
    ) {
        self.status = status
        self.members = members
        self.lines = lines
        self.failure = failure
    }

    /// Nothing but a failure.
    init(_ failure: Failure) {
        self.init(failure.status, lines: [], failure: failure)
    }

    /// The document: the same members in the same order on success and on failure.
    func document(command: String) -> JSONValue {
        var object: JSONObject = [
            "schema": .string("assay.result/1"),
            "command": .string(command),
            "ok": .bool(status == .ok),
            "exit": .integer(status.rawValue),
            "status": .string(status.name),
        ]
        if let failure { object["error"] = failure.json }
        for member in members.members where object[member.name] == nil { object[member.name] = member.value }
        object["tool"] = .object(["name": .string("assay"), "version": .string(AssayVersion.text)])
        return .object(object)
    }
}

/// Columns of text, each as wide as its widest cell.
enum Table {
    /// Lines of `rows` under `header`.
    static func lines(_ header: [String], _ rows: [[String]]) -> [String] {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 { line += String(repeating: " ", count: widths[column] - cell.count + 2) }
            }
            return line
        }
    }

    /// Names and values, the values under each other.
    static func facts(_ pairs: [(String, String)], indent: Int = 0) -> [String] {
        let width = pairs.map(\.0.count).max() ?? 0
        return pairs.map { name, value in
            String(repeating: " ", count: indent) + name + String(repeating: " ", count: width - name.count + 2) + value
        }
    }
}
