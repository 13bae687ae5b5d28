// What can go wrong in an agent's round. Every one of these is logged and the round is tried again.
internal import Commitments
public import EngineAPI
internal import Logging

/// A round of an agent's loop that did not come to its end.
public enum AgentError: Error, Sendable, CustomStringConvertible {
    /// The engine refused or could not be reached.
    case engine(EngineError)
    /// A document from the engine is not what it must be, or one of ours could not be made.
    case documents(String)
    /// A local folder could not be used.
    case storage(String)
    /// The loop is ending.
    case cancelled

    public var description: String {
        switch self {
        case .engine(let error): "engine: \(error.message) [\(error.id)]"
        case .documents(let text): "documents: \(text)"
        case .storage(let text): "storage: \(text)"
        case .cancelled: "cancelled"
        }
    }

    /// Runs `body` and turns a store's error into an agent's.
    static func wrap<Result>(_ body: () throws(StorageError) -> Result) throws(AgentError) -> Result {
        do throws(StorageError) {
            return try body()
        } catch {
            throw .storage(error.description)
        }
    }
}

/// Says what keeps an agent from working once, and that it works again; not the same in every round.
struct Trouble {
    let role: String
    let log: Logger
    private var told: String?

    init(role: String, log: Logger) {
        self.role = role
        self.log = log
    }

    mutating func note(_ error: AgentError) {
        let text = "\(error)"
        if text != told { log.warning("\(role): \(text)") }
        told = text
    }

    mutating func end() {
        if told != nil { log.notice("\(role): works again") }
        told = nil
    }
}

/// How long an agent waits between two rounds: not at all after work, a little when idle, longer after failures.
struct Pace {
    enum Round {
        case work
        case idle
        case failure
    }

    private var failures = 0
    private static let idleMilliseconds = 100
    private static let longestFailureMilliseconds = 10_000

    mutating func pause(after round: Round) async {
        let milliseconds: Int
        switch round {
        case .work:
            failures = 0
            return
        case .idle:
            failures = 0
            milliseconds = Self.idleMilliseconds
        case .failure:
            failures = min(failures + 1, 10)
            milliseconds = min(Self.longestFailureMilliseconds, 100 << failures)
        }
        try? await Task.sleep(for: .milliseconds(milliseconds))
    }
}
