// `assayd`: the engine, a validator and a provider in one process, or any of them alone.
import ArgumentParser
import EngineAPI
import EngineClient
import Glibc
import Ledger
import Logging
import Replay
import Signatures
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

            Several schedulers of one engine, on one PostgreSQL database; one leads, the others stand by (Documentation/fleet.md):
              assayd --data A1 --roles scheduler --store postgres://db/assay --name a1 --advertise http://a1:8420
              assayd --data A2 --roles scheduler --store postgres://db/assay --name a2 --advertise http://a2:8420
              assayd --data B  --roles validator --engine http://a1:8420 --engine http://a2:8420
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

    @Option(
        help: ArgumentHelp(
            "The engine's URL, for a validator or provider whose scheduler is another process; several times for several schedulers.",
            valueName: "url"
        )
    )
    var engine: [String] = []

    @Option(
        help: ArgumentHelp(
            "With several engine URLs, for how long one may not answer before the next is asked.",
            valueName: "seconds"
        )
    )
    var enginePatience: Int = 10

    @Option(
        help: ArgumentHelp(
            "Where the scheduler keeps the ledger: postgres://…, or a SQLite file; the data folder's own when it is not given.",
            valueName: "url"
        )
    )
    var store: String?

    @Option(
        help: ArgumentHelp(
            "On PostgreSQL, this scheduler's name: a restart under it need not wait for its own lease to end. Drawn at random when not given.",
            valueName: "name"
        )
    )
    var name: String?

    @Option(
        help: ArgumentHelp(
            "On PostgreSQL, the URL that the other schedulers name as this one's; the address that it listens on when not given.",
            valueName: "url"
        )
    )
    var advertise: String?

    @Option(
        help: ArgumentHelp(
            "On PostgreSQL, for how long the leader's lease lasts: the longest that nobody leads after a crash.",
            valueName: "seconds"
        )
    )
    var lease: Int = 10

    @Option(
        help: "The engine's key. Without it the key seen first is kept in the data folder and demanded from then on."
    )
    var engineKey: String?

    @Option(help: "A validator that the scheduler accepts besides its own; may be given several times.")
    var acceptValidator: [String] = []

    @Option(help: "The ruleset file of the scheduler; the built-in rules when it is not given.")
    var ruleset: String?

    @Option(help: "The network that the scheduler's receipts name.")
    var network: String?

    @Option(help: "The licence that the provider's statements name. Nothing checks it.")
    var licence: String?

    @Option(help: "The operator that the provider's statements name. Nothing checks it.")
    var operatorReference: String?

    @Option(help: "The provider's price in minor units per million work units.")
    var price: UInt64 = 100

    @Option(
        help: ArgumentHelp(
            "Witness this log (tlog-witness): a log's key, whose name is the origin; may be given several times.",
            valueName: "vkey"
        )
    )
    var witnessLog: [String] = []

    @Option(help: "The address that the witness listens on, host:port. Plain HTTP, like --listen.")
    var witnessListen: String = "\(EngineEndpoint.host):\(EngineEndpoint.port + 1)"

    @Option(help: "The witness's name; one made of its key when it is not given.")
    var witnessName: String?

    @Option(
        help: ArgumentHelp(
            "Keep a transparency log of the scheduler's receipts in this folder (tlog-tiles); it is served below /log too.",
            valueName: "folder"
        )
    )
    var log: String?

    @Option(help: ArgumentHelp("The log's origin; one made of its key when it is not given.", valueName: "name"))
    var logOrigin: String?

    @Option(
        help: ArgumentHelp("Ask this witness to cosign the log; may be given several times.", valueName: "url")
    )
    var logWitness: [String] = []

    @Option(help: ArgumentHelp("The key of the witness at the same place.", valueName: "vkey"))
    var logWitnessKey: [String] = []

    @Option(
        help: ArgumentHelp(
            "The provider's program for evidence: proofs, quotes. It gets a folder; see Documentation/evidence.md.",
            valueName: "program"
        )
    )
    var evidenceCommand: String?

    @Option(
        help: ArgumentHelp(
            "The roots by which scheduler and validator judge attestation (assay-trust-anchors-1).",
            valueName: "file"
        )
    )
    var attestationRoots: String?

    @Option(help: "The URL of a drand node, where the validator gets beacons; may be given several times.")
    var drand: [String] = []

    @Option(help: "The worker that runs kernels; `assay-replay` beside this program when it is not given.")
    var worker: String?

    @Option(help: "The weakest sandbox in which a kernel may run: \(Daemon.sandboxLevels).")
    var minimumSandbox: String = Daemon.defaultSandboxLevel

    @Flag(
        inversion: .prefixedNo,
        help: """
            Whether the validator admits new kernels by every stage (dry run in Oclgrind, differential run) before it runs \
            them, once for each set of sources and steps. It does where Oclgrind is installed, unless told otherwise; \
            verdicts name the stages.
            """
    )
    var fullAdmission: Bool?

    @Option(help: "Workers that wait, started, for a job.")
    var warmWorkers = 2

    @Option(help: "The log level: trace, debug, info, notice, warning, error, critical.")
    var logLevel: String = "info"

    mutating func validate() throws {
        _ = try parsedRoles()
        guard Logger.Level(rawValue: logLevel) != nil else {
            throw ValidationError("--log-level: expected trace … critical, found '\(logLevel)'")
        }
        _ = try parsedAddress()
        _ = try parsedSandboxLevel()
        _ = try parsedValidators()
        _ = try parsedEngineKey()
        _ = try parsedDeclaration()
        try checkNetwork()
        do {
            for url in engine { _ = try HTTPEngineClient(url: url) }
            _ = try DrandClient(urls: drand)
            _ = try store.map { text in try LedgerLocation(text: text) }
        } catch {
            throw ValidationError("--\(error)")
        }
        try checkLog()
        if let advertise {
            do { _ = try HTTPEngineClient(url: advertise) } catch { throw ValidationError("--advertise: \(error)") }
        }
        guard (1...3600).contains(lease) else {
            throw ValidationError("--lease: expected 1 to 3600 seconds, found \(lease)")
        }
        guard (1...600).contains(enginePatience) else {
            throw ValidationError("--engine-patience: expected 1 to 600 seconds, found \(enginePatience)")
        }
        if let name, !(1...64).contains(name.utf8.count) {
            throw ValidationError("--name: expected 1 to 64 bytes, found \(name.utf8.count)")
        }
    }

    func parsedAddress() throws -> (host: String, port: Int) {
        do {
            return try Self.address(listen)
        } catch {
            throw ValidationError("--listen: expected host:port, found '\(listen)'")
        }
    }

    static func address(_ text: String) throws -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port), colon != text.startIndex
        else { throw ValidationError("expected host:port, found '\(text)'") }
        let host = text[..<colon].trimmingPrefix("[")
        return (String(host.hasSuffix("]") ? host.dropLast() : host), port)
    }

    func parsedSandboxLevel() throws -> SandboxLevel {
        guard let level = SandboxLevel(rawValue: minimumSandbox) else {
            throw ValidationError(
                "--minimum-sandbox: expected one of \(Daemon.sandboxLevels), found '\(minimumSandbox)'"
            )
        }
        return level
    }

    func parsedValidators() throws -> [VerifyingKey] {
        try acceptValidator.map { try Self.key($0, "--accept-validator") }
    }

    func parsedEngineKey() throws -> VerifyingKey? {
        try engineKey.map { try Self.key($0, "--engine-key") }
    }

    private static func key(_ text: String, _ option: String) throws -> VerifyingKey {
        do {
            return try VerifyingKey(text: text, field: option)
        } catch {
            throw ValidationError("\(error)")
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
        if !found.contains(.scheduler), engine.isEmpty {
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
        } catch let error as StorageError {
            log.critical("\(error)")
            throw ExitCode(DaemonError.storage("").exitCode)
        } catch let error as KeyFileError {
            log.critical("\(error)")
            throw ExitCode(DaemonError.storage("").exitCode)
        }
    }
}
