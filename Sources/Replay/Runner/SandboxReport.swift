// How well a run was shut in. The weaker levels are allowed where a machine offers no better, and are always said.
public import Codecs

/// The strength of the walls around a run, weakest first.
public enum SandboxLevel: String, Sendable, CaseIterable, Comparable {
    /// Nothing but a process of its own and a wall clock.
    case process
    /// Limits on memory, time, files and core dumps.
    case rlimits
    /// Limits and a filter on system calls.
    case seccomp = "seccomp+rlimits"
    /// Limits, a filter, and no view of the file system beyond what the device's driver reads.
    case landlock = "landlock+seccomp+rlimits"
    /// Limits, a filter, and namespaces of its own for files, network, processes and users.
    case namespaces = "namespaces+seccomp+rlimits"

    public static func < (left: SandboxLevel, right: SandboxLevel) -> Bool {
        (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
    }
}

/// What shut a run in.
public struct SandboxReport: Sendable, Equatable {
    /// One wall.
    public enum Measure: String, Sendable, CaseIterable {
        /// Namespaces for files, network, processes, users, host name and IPC, made by bubblewrap.
        case namespaces
        /// Only named folders can be read, only the run's own one written.
        case landlock
        /// A filter on system calls that kills the process.
        case seccomp
        /// No program that the process starts can gain rights.
        case noNewPrivileges = "no-new-privileges"
        /// Limits on address space, processor time, file size, files, and no core dumps.
        case rlimits
        /// An empty environment.
        case clearedEnvironment = "cleared-environment"
        /// The parent kills the process when its time is over.
        case wallClock = "wall-clock"
    }

    /// The walls that stood, in the order of `Measure`.
    public var measures: [Measure]

    /// Reports `measures`; their order does not matter.
    public init(measures: some Sequence<Measure>) {
        let set = Set(measures)
        self.measures = Measure.allCases.filter(set.contains)
    }

    /// The strength of the walls together.
    public var level: SandboxLevel {
        guard measures.contains(.rlimits) else { return .process }
        guard measures.contains(.seccomp), measures.contains(.noNewPrivileges) else { return .rlimits }
        if measures.contains(.namespaces) { return .namespaces }
        return measures.contains(.landlock) ? .landlock : .seccomp
    }

    /// The report as a JSON object.
    public var json: JSONValue {
        .object([
            "level": .string(level.rawValue),
            "measures": .array(measures.map { .string($0.rawValue) }),
        ])
    }

    /// Reads a report.
    /// - Throws: `ParseError` also when the level is not the one that the measures make.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        let level = try reader.choice("level", SandboxLevel.self)
        let measures = try reader.array("measures", max: Measure.allCases.count) {
            (value, path) throws(ParseError) -> Measure in
            guard case .string(let text) = value, let measure = Measure(rawValue: text) else {
                throw ParseError(field: path, expected: "a sandbox measure", actual: value.typeName)
            }
            return measure
        }
        try reader.finish()
        self.init(measures: measures)
        guard self.level == level else {
            throw ParseError(field: reader.path("level"), expected: self.level.rawValue, actual: level.rawValue)
        }
    }
}
