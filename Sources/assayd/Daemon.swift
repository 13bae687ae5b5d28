// Puts the parts together: folder, keys, store, scheduler, HTTP, agents; and ends them in order.
import Attestation
import Codecs
import Commitments
import EngineAPI
import EngineClient
import ExactOps
import Glibc
import HTTPAPI
import Ledger
import Logging
import Market
import Receipts
import Replay
import Signatures
import Synchronization
import Validator

/// Why the daemon could not start or go on, with its exit code (sysexits.h).
struct DaemonError: Error, CustomStringConvertible {
    var exitCode: Int32
    var description: String

    static func configuration(_ text: String) -> DaemonError { DaemonError(exitCode: 78, description: text) }
    static func unavailable(_ text: String) -> DaemonError { DaemonError(exitCode: 69, description: text) }
    static func input(_ text: String) -> DaemonError { DaemonError(exitCode: 66, description: text) }
    static func storage(_ text: String) -> DaemonError { DaemonError(exitCode: 74, description: text) }
}

/// The running daemon.
struct Daemon {
    static let sandboxLevels = SandboxLevel.allCases.map(\.rawValue).joined(separator: ", ")
    static let defaultSandboxLevel = SandboxLevel.seccomp.rawValue

    let options: AssayDaemon
    let log: Logger
    /// The time of agents, and what the scheduler's is made of.
    let clock = SystemClock()

    func run() async throws {
        let roles = try options.parsedRoles()
        let folder = DataFolder(path: absolute(options.data))
        do {
            try folder.prepare()
        } catch {
            throw DaemonError.storage("\(error)")
        }
        log.notice(
            "assayd \(AssayVersion.text): \(roles.map(\.rawValue).sorted().joined(separator: ", ")) on \(folder.path)"
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await Self.untilSignalled() }
            try await startWitness(folder, in: &group)
            var urls = options.engine
            var seat: SchedulerSeat?
            let runner = roles.contains(.validator) || roles.contains(.provider) ? try makeRunner(folder) : nil
            if roles.contains(.scheduler) {
                let started = try await startScheduler(folder, runner?.base, in: &group)
                // One's own scheduler first: it may lead, and it is the nearest.
                urls.insert(started.url, at: 0)
                seat = started.seat
            }
            if let runner {
                let client = try connect(urls)
                let engineKey = try await pinnedKey(client, folder, isOwn: roles.contains(.scheduler))
                if roles.contains(.validator) {
                    try startValidator(client, engineKey, runner, folder, in: &group)
                }
                if roles.contains(.provider) {
                    try await startProvider(client, engineKey, runner, folder, in: &group)
                }
            }
            announce("ready")
            // The first task to end, by a signal or a failure, ends the others.
            try await group.next()
            group.cancelAll()
            while (try? await group.next()) != nil {}
            await seat?.resign()
        }
        log.notice("assayd: stopped")
    }

    // MARK: Roles

    private func startValidator(
        _ client: FleetClient,
        _ engineKey: VerifyingKey,
        _ runner: TestedRunner<SandboxedRunner>,
        _ folder: DataFolder,
        in group: inout ThrowingTaskGroup<Void, any Error>
    ) throws {
        let key = try folder.key(.validator)
        var validating: any Runner = runner
        if options.fullAdmission ?? SandboxedRunner.hasSimulator {
            let admitting = AdmittingRunner(runner.base, cache: admissions(folder, key))
            validating = TestedRunner(admitting, tester: runner.base)
        }
        log.notice(
            "validator: \(validating is TestedRunner<AdmittingRunner> ? "every stage" : "the rules alone") of admission"
        )
        var beacon: BeaconSource?
        if !options.drand.isEmpty {
            let nodes = try DrandClient(urls: options.drand)
            beacon = { (network, round) async in await nodes.round(round, chain: network) }
        }
        let agent = ValidatorAgent(
            session: EngineSession(engine: client, engineKey: engineKey, key: key, clock: clock),
            runner: validating,
            artefacts: try ArtefactStore(folder: folder.artefacts),
            anchors: try anchors(),
            beacon: beacon,
            software: try software(worker: worker()),
            log: log
        )
        log.notice("validator: \(key.verifyingKey)")
        group.addTask { await agent.run() }
    }

    private func startProvider(
        _ client: FleetClient,
        _ engineKey: VerifyingKey,
        _ runner: TestedRunner<SandboxedRunner>,
        _ folder: DataFolder,
        in group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws {
        let key = try folder.key(.node)
        let devices: [DeviceDescription]
        do {
            devices = try await runner.base.devices()
        } catch {
            throw DaemonError.unavailable("the worker cannot list devices: \(error)")
        }
        guard let device = devices.first(where: { $0.kind == .gpu }) ?? devices.first else {
            throw DaemonError.unavailable(
                "no OpenCL device found; install a GPU's driver or pocl-opencl-icd for the CPU"
            )
        }
        // A device that computes something else would only fail every job that it gets.
        if case .refused(let finding, let device) = await runner.outcome(for: .any) {
            throw DaemonError.unavailable("\(device.name) does not pass the self-test: \(finding)")
        }
        log.notice("provider: \(key.verifyingKey) on \(device.name) (\(device.kind.rawValue), \(device.platform))")
        let agent = ProviderAgent(
            session: EngineSession(engine: client, engineKey: engineKey, key: key, clock: clock),
            runner: runner,
            offer: NodeOffer(
                deviceKind: device.kind,
                memoryBytes: device.memoryBytes,
                askPerMegaUnit: options.price
            ),
            results: try ResultFolder(folder: folder.results),
            artefacts: try ArtefactStore(folder: folder.artefacts),
            producer: try evidenceProducer(folder),
            identity: NodeIdentity(
                software: try software(worker: worker()),
                declared: try options.parsedDeclaration(),
                hiddenPaths: [folder.path]
            ),
            log: log
        )
        group.addTask { await agent.run() }
    }

    // MARK: Parts

    /// The roots by which attestation is judged, if a file with them was named.
    func anchors() throws -> TrustAnchors? {
        guard let path = options.attestationRoots else { return nil }
        do {
            guard let bytes = try WholeFile.read(absolute(path)) else {
                throw DaemonError.input("--attestation-roots: expected a file, found none at \(path)")
            }
            return try TrustAnchors(parsing: bytes)
        } catch let error as ParseError {
            throw DaemonError.configuration("--attestation-roots \(path): \(error)")
        }
    }

    /// The program that makes evidence, if one was named.
    private func evidenceProducer(_ folder: DataFolder) throws -> EvidenceCommand? {
        guard let program = options.evidenceCommand.map(absolute) else { return nil }
        guard access(program, X_OK) == 0 else {
            throw DaemonError.input("--evidence-command: expected a program, found none at \(program)")
        }
        return EvidenceCommand(program: program, workFolder: folder.work)
    }

    private func worker() throws -> String {
        guard let worker = options.worker ?? SandboxedRunner.defaultWorker() else {
            throw DaemonError.unavailable("no worker: expected assay-replay beside this program, or --worker")
        }
        return worker
    }

    private func makeRunner(_ folder: DataFolder) throws -> TestedRunner<SandboxedRunner> {
        let worker = try worker()
        var bounds = SandboxedRunner.Options()
        bounds.minimumLevel = try options.parsedSandboxLevel()
        bounds.warmWorkers = max(0, min(64, options.warmWorkers))
        return TestedRunner(SandboxedRunner(worker: worker, workDirectory: folder.work, options: bounds))
    }

    private func admissions(_ folder: DataFolder, _ key: SigningKey) -> AdmissionFolder {
        AdmissionFolder(path: folder.admissions, key: key, now: { [clock] in clock.now })
    }

    private func connect(_ urls: [String]) throws -> FleetClient {
        do {
            return try FleetClient(urls: urls, patienceSeconds: options.enginePatience)
        } catch {
            throw DaemonError.configuration("\(error)")
        }
    }

    /// The engine's key: the one on the command line, else the one that was seen first.
    private func pinnedKey(
        _ client: FleetClient,
        _ folder: DataFolder,
        isOwn: Bool
    ) async throws -> VerifyingKey {
        if isOwn { return try folder.key(.engine).verifyingKey }
        if let key = try options.parsedEngineKey() { return key }
        do {
            if let pinned = try PinnedKey.read(in: folder) { return pinned }
        } catch {
            throw DaemonError.storage("\(error)")
        }
        var waited = 0
        while true {
            do {
                let key = try await client.engine().engine
                try PinnedKey.write(key, in: folder)
                log.warning("engine: trusting \(key) from now on, because no --engine-key was given")
                return key
            } catch let error as EngineError {
                guard waited < 30 else {
                    throw DaemonError.unavailable("\(client.urls.joined(separator: ", ")): \(error)")
                }
                waited += 1
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    func rules() throws -> Ruleset {
        guard let path = options.ruleset else { return .default }
        do {
            guard let bytes = try WholeFile.read(absolute(path)) else {
                throw DaemonError.input("--ruleset: expected a file, found none at \(path)")
            }
            return try Ruleset(parsing: bytes)
        } catch let error as ParseError {
            throw DaemonError.configuration("--ruleset \(path): \(error)")
        }
    }

    func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        var buffer = [CChar](repeating: 0, count: 4096)
        guard getcwd(&buffer, buffer.count) != nil else { return path }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/" + path
    }

    /// Tells whoever started the daemon, on standard output, which is not buffered here.
    func announce(_ text: String) {
        let line = Array("assayd: \(text)\n".utf8)
        _ = write(STDOUT_FILENO, line, line.count)
    }

    /// Returns when the process is asked to end.
    private static func untilSignalled() async throws {
        let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
        let sources = [SIGTERM, SIGINT].map { SignalSource($0) { continuation.yield($0) } }
        for await _ in signals { break }
        withExtendedLifetime(sources) {}
    }
}
