// `assayd`: the engine, a validator and a provider in one process, or any of them alone.
import ArgumentParser
import EngineAPI
import Glibc
import Logging
import Validator

/// A role of the daemon.
enum Role: String, CaseIterable, ExpressibleByArgument {
    case scheduler
    case validator
    case provider
}

@main
struct AssayDaemon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assayd",
        abstract: "Runs an Assay engine, a validator, a provider, or all three.",
        discussion: """
            Without options one process is all three, on one data folder with one SQLite file and HTTP on loopback. Keys are
            made on the first start and never leave the data folder.

            Three processes on one machine:
              assayd --data A --roles scheduler --accept-validator ed25519:…
              assayd --data B --roles validator --engine http://127.0.0.1:8420
              assayd --data C --roles provider  --engine http://127.0.0.1:8420
            """,
        version: AssayVersion.text
    )

    @Option(help: "The data folder.")
    var data: String = DataFolder.defaultPath

    @Option(help: "The roles of this process, separated by commas: scheduler, validator, provider.")
    var roles: String = "scheduler,validator,provider"

    @Option(
        help:
            "The address that the scheduler listens on, host:port. Plain HTTP: beyond loopback, put a TLS proxy in front."
    )
    var listen: String = "\(EngineEndpoint.host):\(EngineEndpoint.port)"

    @Option(help: "The engine's URL, for a validator or provider whose scheduler is another process.")
    var engine: String?

    @Option(
        help: "The engine's key. Without it the key seen first is kept in the data folder and demanded from then on."
    )
    var engineKey: String?

    @Option(help: "A validator that the scheduler accepts besides its own; may be given several times.")
    var acceptValidator: [String] = []

    @Option(help: "The ruleset file of the scheduler; the built-in rules when it is not given.")
    var ruleset: String?

    @Option(help: "The provider's price in minor units per million work units.")
    var price: UInt64 = 100

    @Option(help: "The worker that runs kernels; `assay-replay` beside this program when it is not given.")
    var worker: String?

    @Option(help: "The weakest sandbox in which a kernel may run: \(Daemon.sandboxLevels).")
    var minimumSandbox: String = Daemon.defaultSandboxLevel

    @Option(help: "The log level: trace, debug, info, notice, warning, error, critical.")
    var logLevel: String = "info"

    mutating func validate() throws {
        _ = try parsedRoles()
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level: expected trace … critical, found '\(logLevel)'")
        }
    }

    func parsedRoles() throws -> Set<Role> {
        var found: Set<Role> = []
        for name in roles.split(separator: ",") {
            guard let role = Role(rawValue: String(name)) else {
                let all = Role.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--roles: expected some of \(all), found '\(name)'")
            }
            found.insert(role)
        }
        guard !found.isEmpty else { throw ValidationError("--roles: expected at least one role, found none") }
        if !found.contains(.scheduler), engine == nil {
            throw ValidationError("--engine: expected the engine's URL, because this process is no scheduler")
        }
        return found
    }

    func run() async throws {
        // A peer that goes away while it is written to is an error of that write, not the end of the daemon.
        signal(SIGPIPE, SIG_IGN)
        let level = Logger.Level(rawValue: logLevel) ?? .info
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        let log = Logger(label: "assayd")
        do {
            try await Daemon(options: self, log: log).run()
        } catch let error as DaemonError {
            log.critical("\(error)")
            throw ExitCode(error.exitCode)
        }
    }
}
