// Options that many commands share, and the values that they give.
internal import ArgumentParser
internal import Codecs
internal import EngineAPI
internal import Receipts
internal import Replay
internal import Signatures

/// Options of every command.
struct GlobalOptions: ParsableArguments {
    @Flag(name: .long, help: "Print one JSON document on standard output, on success and on failure.")
    var json = false

    @Flag(name: [.short, .long], help: "No notes and no progress on standard error.")
    var quiet = false

    @Flag(name: .customLong("no-color"), help: "No colours; the environment variable NO_COLOR does the same.")
    var noColor = false
}

/// A command that has an answer.
protocol ToolCommand: ParsableCommand {
    var global: GlobalOptions { get }
    /// Does what is asked for.
    func answer(_ tool: Tool) async throws(Failure) -> Answer
}

/// Which engine.
struct EngineOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            """
            The engine's URL; several times for the schedulers of a fleet. Else ASSAY_ENGINE in the environment, several with \
            commas between them, else \(EngineEndpoint.url).
            """,
            valueName: "url"
        )
    )
    var engine: [String] = []

    /// The URLs that count.
    func urls(_ tool: Tool) -> [String] {
        guard engine.isEmpty else { return engine }
        let named = (tool.environment["ASSAY_ENGINE"] ?? "").split(separator: ",").map(String.init)
        return named.isEmpty ? [EngineEndpoint.url] : named
    }

    /// A client of the engine.
    func connect(_ tool: Tool) throws(Failure) -> any EngineAPI {
        do {
            return try tool.engine(urls(tool))
        } catch let error as ParseError {
            throw Failure(option: "--engine", error)
        } catch {
            throw Failure(.unavailable, "engine.unreachable", "\(error)")
        }
    }

    /// Says so when a list came from a scheduler that stands by: it lacks what only the leader knows.
    /// - Returns: what the scheduler says of itself then; `nil` when the list is whole.
    static func noteStandby(
        _ engine: any EngineAPI,
        lacking: String,
        _ tool: Tool
    ) async -> JSONValue? {
        guard let standing = try? await engine.engine().standing, standing.role == .standby else { return nil }
        let leader = standing.leader.map { "the leader, at \($0)," } ?? "the leader, when there is one again,"
        tool.note("\(standing.name) stands by and lists what is stored; \(leader) knows \(lacking)")
        return standing.json
    }
}

/// How an order is named, and whether its end is waited for.
struct OrderOptions: ParsableArguments {
    @Option(help: ArgumentHelp("A name of your own for this order.", valueName: "name"))
    var id: String?
    @Flag(help: "Wait until every job of the order has ended; exit code 0 only when all were accepted, 6 when not.")
    var wait = false
    @Option(help: ArgumentHelp("Give up waiting for a job after so many seconds.", valueName: "seconds"))
    var timeout: Int64?
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "With --wait: write the receipt to this file; those of a gang to <place>.assay in this folder.",
            valueName: "path"
        )
    )
    var output: String?

    /// The name, if one was given.
    func name() throws(Failure) -> String? {
        guard let id else { return nil }
        guard (1...256).contains(id.utf8.count) else {
            let error = ParseError(field: "id", expected: "1 to 256 bytes", actual: "\(id.utf8.count) bytes")
            throw Failure(option: "--id", error)
        }
        return id
    }

    /// Refuses options that mean nothing without `--wait`.
    func checkWait() throws(Failure) {
        guard wait || (timeout == nil && output == nil) else {
            let error = ParseError(field: "wait", expected: "--wait with --timeout or --output", actual: "none")
            throw Failure(option: "--wait", error)
        }
    }
}

/// Whose key.
struct KeyOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "The file of the key that signs; ASSAY_KEY in the environment, else ~/.config/assay/key.pem."
    )
    var key: String?

    /// The path that counts.
    func path(_ tool: Tool) -> String {
        key ?? tool.environment["ASSAY_KEY"] ?? Self.defaultPath(tool)
    }

    /// The key.
    func read(_ tool: Tool) throws(Failure) -> SigningKey {
        do throws(KeyFileError) {
            return try KeyFile.read(path(tool))
        } catch {
            throw Failure(error)
        }
    }

    static func defaultPath(_ tool: Tool) -> String {
        let home = tool.environment["HOME"] ?? "."
        return (tool.environment["XDG_CONFIG_HOME"] ?? home + "/.config") + "/assay/key.pem"
    }
}

/// Which worker runs kernels, and how shut in.
struct WorkerOptions: ParsableArguments {
    @Option(name: .long, help: "The worker that runs kernels; assay-replay beside this program when it is not given.")
    var worker: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The weakest sandbox in which a kernel may run: "
                + SandboxLevel.allCases.map(\.rawValue).joined(separator: ", ") + ".",
            valueName: "level"
        )
    )
    var minimumSandbox: String?

    /// The runner.
    func runner(_ tool: Tool) throws(Failure) -> any LocalRunner {
        var options = SandboxedRunner.Options()
        if let minimumSandbox {
            guard let level = SandboxLevel(rawValue: minimumSandbox) else {
                let expected = "one of " + SandboxLevel.allCases.map(\.rawValue).joined(separator: ", ")
                let error = ParseError(field: "level", expected: expected, actual: minimumSandbox)
                throw Failure(option: "--minimum-sandbox", error)
            }
            options.minimumLevel = level
        }
        guard let runner = tool.runner(worker, options) else {
            throw Failure(
                .unavailable,
                "worker.missing",
                "the worker assay-replay is not beside this program",
                field: "worker",
                expected: "an executable assay-replay",
                actual: worker ?? "none",
                hint: "build it with swift build --product assay-replay, or name it with --worker"
            )
        }
        return runner
    }
}

extension Failure {
    /// Parses an argument's text; a `ParseError` becomes a usage error that names the option.
    static func parsing<Value>(
        _ option: String,
        _ parse: () throws(ParseError) -> Value
    ) throws(Failure) -> Value {
        do throws(ParseError) {
            return try parse()
        } catch {
            throw Failure(option: option, error)
        }
    }

    /// An amount of minor units that is not zero.
    static func amount(_ text: String, _ option: String) throws(Failure) -> UInt64 {
        guard let amount = UInt64(text), String(amount) == text, amount >= 1, amount <= UInt64(Int64.max) else {
            let expected = "a number of minor units from 1 to \(Int64.max)"
            throw Failure(option: option, ParseError(field: option, expected: expected, actual: text))
        }
        return amount
    }
}
