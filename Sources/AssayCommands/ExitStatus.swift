// The exit codes of `assay`. This is the only place where they are defined: the help text, the reference page and every
// failure take them from here.

/// How a command ended.
public enum ExitStatus: Int32, Sendable, CaseIterable {
    /// Everything that was asked for was done, and whatever was to be verified is verified.
    case ok = 0
    case rejected = 1
    case policy = 2
    case incomplete = 3
    case partial = 4
    case regression = 5
    case notAccepted = 6
    case usage = 64
    case dataError = 65
    case noInput = 66
    case unavailable = 69
    case software = 70
    case ioError = 74
    case temporaryFailure = 75
    case noPermission = 77
    case configuration = 78
    case interrupted = 130
    case terminated = 143

    /// The name in documents and in the table.
    public var name: String {
        switch self {
        case .ok: "ok"
        case .rejected: "rejected"
        case .policy: "policy"
        case .incomplete: "incomplete"
        case .partial: "partial"
        case .regression: "regression"
        case .notAccepted: "notAccepted"
        case .usage: "usage"
        case .dataError: "dataerr"
        case .noInput: "noinput"
        case .unavailable: "unavailable"
        case .software: "software"
        case .ioError: "ioerr"
        case .temporaryFailure: "tempfail"
        case .noPermission: "noperm"
        case .configuration: "config"
        case .interrupted: "interrupted"
        case .terminated: "terminated"
        }
    }

    /// What it means, for the table.
    public var meaning: String {
        switch self {
        case .ok: "everything asked for was done and verified"
        case .rejected: "well formed, but a signature or a comparison says no"
        case .policy: "genuine, but a rule or a policy refuses it"
        case .incomplete: "cannot be decided: a device or another piece is missing"
        case .partial: "some of several items failed; the document says which"
        case .regression: "worse than the baseline"
        case .notAccepted: "an authentic receipt of a result that was not accepted"
        case .usage: "wrong options or arguments"
        case .dataError: "malformed input, or input that contradicts the rest"
        case .noInput: "no such file, job or account"
        case .unavailable: "the engine or a needed program cannot be reached"
        case .software: "an internal fault"
        case .ioError: "a file or the output could not be written or read"
        case .temporaryFailure: "not now; trying again later may help"
        case .noPermission: "a key, a signature or a file mode does not allow it"
        case .configuration: "the configuration does not hold together"
        case .interrupted: "ended by SIGINT"
        case .terminated: "ended by SIGTERM"
        }
    }

    /// The table for people, one line per code.
    public static var helpTable: String {
        allCases.map { status in
            let code = String(status.rawValue)
            let name = status.name
            return String(repeating: " ", count: 5 - code.count) + code + "  " + name
                + String(repeating: " ", count: 13 - name.count) + status.meaning
        }.joined(separator: "\n")
    }

    /// The table for the reference page.
    static var markdownTable: String {
        "| Code | Name | Meaning |\n| ---: | --- | --- |\n"
            + allCases.map { "| \($0.rawValue) | `\($0.name)` | \($0.meaning) |" }.joined(separator: "\n")
    }
}
