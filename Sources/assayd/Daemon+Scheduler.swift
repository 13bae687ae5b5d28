// The daemon as a scheduler: alone on a SQLite file, or one of several on a PostgreSQL database.
import EngineAPI
import HTTPAPI
import Ledger
import Logging
import Market
import Receipts
import Replay
import Signatures
import Validator

extension Daemon {
    /// Starts the scheduler and its HTTP server.
    /// - Returns: where it listens, and its place in a fleet if it has one.
    func startScheduler(
        _ folder: DataFolder,
        _ runner: SandboxedRunner?,
        in group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws -> (url: String, seat: SchedulerSeat?) {
        let location: LedgerLocation
        do {
            location = try options.store.map { try LedgerLocation(text: $0) } ?? .file(path: folder.ledger)
        } catch {
            throw DaemonError.configuration("--\(error)")
        }
        switch location {
        case .file(let path):
            return (try await startAlone(folder, absolute(path), runner, in: &group), nil)
        case .postgres(let url):
            guard options.log == nil else {
                throw DaemonError.configuration(
                    "--log: expected a store of one scheduler, found \(location.publicText): a log has one writer"
                )
            }
            return try await startMember(folder, url, location.publicText, runner, in: &group)
        }
    }

    /// What every scheduler needs, whatever its store.
    private struct Parts {
        let key: SigningKey
        let operatorKey: VerifyingKey
        let configuration: MarketConfiguration
        let clock: SteadyClock
        let identity: EngineIdentity
    }

    private func parts(_ folder: DataFolder) throws -> Parts {
        let key = try folder.key(.engine)
        var validators: Set<VerifyingKey> = [try folder.key(.validator).verifyingKey]
        validators.formUnion(try options.parsedValidators())
        return Parts(
            key: key,
            operatorKey: try folder.key(.operator).verifyingKey,
            configuration: MarketConfiguration(
                engine: key.verifyingKey,
                validators: validators,
                ruleset: try rules(),
                issueBudget: options.issueBudget.map { IssueBudget(epochSeconds: options.issueEpoch, units: $0) }
            ),
            clock: engineClock(),
            identity: EngineIdentity(network: options.network, software: try software(worker: nil))
        )
    }

    /// Engine time, which says when the machine's clock steps.
    private func engineClock() -> SteadyClock {
        let log = log
        return SteadyClock(clock) { seconds in
            guard seconds != 0 else { return log.notice("clock: the machine's clock and engine time agree again") }
            let word = seconds > 0 ? "ahead of" : "behind"
            log.error(
                "clock: it stepped: it is \(abs(seconds)) s \(word) engine time, by which deadlines go on as before"
            )
        }
    }

    // MARK: Alone

    private func startAlone(
        _ folder: DataFolder,
        _ path: String,
        _ runner: SandboxedRunner?,
        in group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws -> String {
        let flush = try FlushMeasurement.measure(directory: folder.path)
        log.notice("disk: \(flush.summary)")
        let store: SQLiteLedgerStore
        do {
            store = try SQLiteLedgerStore(path: path)
        } catch LedgerError.noLedger(_, let detail) {
            throw DaemonError.configuration(detail)
        } catch {
            throw DaemonError.storage("\(error)")
        }
        let parts = try parts(folder)
        let scheduler: Scheduler
        do {
            scheduler = try await Scheduler(
                key: parts.key,
                operatorKey: parts.operatorKey,
                configuration: parts.configuration,
                store: store,
                artefacts: try ArtefactStore(folder: folder.artefacts),
                clock: parts.clock,
                anchors: try anchors(),
                version: AssayVersion.text,
                identity: parts.identity,
                logsReceipts: options.log != nil,
                log: log
            )
        } catch let error as DaemonError {
            throw error
        } catch {
            throw DaemonError.storage("the engine cannot start on \(path): \(error)")
        }
        log.notice("engine: \(parts.key.verifyingKey)")
        let receiptLog = try startLog(folder, store, in: &group)
        let metrics = SchedulerMetrics(
            runner: runner,
            clock: parts.clock,
            seat: nil,
            receiptLog: receiptLog,
            scheduler: { scheduler }
        )
        group.addTask { await scheduler.run() }
        return try await serve(scheduler, metrics, in: &group)
    }

    // MARK: In a fleet

    private func startMember(
        _ folder: DataFolder,
        _ url: String,
        _ publicURL: String,
        _ runner: SandboxedRunner?,
        in group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws -> (url: String, seat: SchedulerSeat) {
        let parts = try parts(folder)
        let anchors = try anchors()
        let database: PostgresDatabase
        let stored: PostgresLedgerStore
        do {
            let probe = try PostgresProbe.run(url: url)
            log.notice("database: \(probe.server); a commit takes \(probe.commitMicroseconds) µs")
            for warning in probe.warnings { log.warning("database: \(warning)") }
            guard probe.isComplete else {
                throw DaemonError.unavailable(
                    "\(publicURL): the database lacks what the ledger needs: \(probe.summary)"
                )
            }
            database = try PostgresDatabase(url: url)
            stored = PostgresLedgerStore(database: database, fence: nil)
            try SchedulerSeat.checkEngine(parts.key.verifyingKey, of: stored)
        } catch let error as FleetError {
            throw DaemonError.configuration("\(publicURL): \(error)")
        } catch LedgerError.noLedger(let reason, let detail) where reason != .unreachable {
            throw DaemonError.configuration("\(publicURL): \(detail)")
        } catch let error as LedgerError {
            throw DaemonError.unavailable("\(publicURL): \(error)")
        }
        log.notice("engine: \(parts.key.verifyingKey)")
        let artefacts = DatabaseArtefacts(PostgresArtefacts(database: database))
        let description = try EngineDescription(
            operatorKey: parts.operatorKey,
            configuration: parts.configuration,
            version: AssayVersion.text
        )
        let log = log
        let machine = clock
        let seat = SchedulerSeat(
            member: SchedulerSeat.Member(
                name: options.name ?? "scheduler-" + String(UInt64.random(in: 0...UInt64.max), radix: 36),
                leaseMilliseconds: Int64(options.lease) * 1000
            ),
            fences: PostgresWorkQueue(database: database),
            reader: StandbyReader(store: stored, artefacts: artefacts, description: description),
            clock: parts.clock,
            open: { fence in
                try Self.checkClock(machine, against: database)
                try SchedulerSeat.checkEngine(parts.key.verifyingKey, of: stored)
                return try await Scheduler(
                    key: parts.key,
                    operatorKey: parts.operatorKey,
                    configuration: parts.configuration,
                    store: PostgresLedgerStore(database: database, fence: fence),
                    artefacts: artefacts,
                    clock: parts.clock,
                    anchors: anchors,
                    version: AssayVersion.text,
                    identity: parts.identity,
                    log: log
                )
            },
            onChange: { standing in
                announce(standing.role == .leader ? "leading, epoch \(standing.epoch ?? 0)" : "standing by")
            },
            log: log
        )
        let metrics = SchedulerMetrics(
            runner: runner,
            clock: parts.clock,
            seat: seat,
            receiptLog: nil,
            scheduler: { seat.scheduler }
        )
        let bound = try await serve(seat, metrics, in: &group)
        let reached = options.advertise ?? bound
        group.addTask {
            do {
                try await seat.run(url: reached)
            } catch let error as FleetError {
                throw DaemonError.configuration("\(publicURL): \(error)")
            }
        }
        return (bound, seat)
    }

    /// A scheduler whose clock is far from the database's would end the jobs of others too early or too late.
    private static func checkClock(_ clock: SystemClock, against database: PostgresDatabase) throws {
        let difference = clock.now - (try database.clockMilliseconds()) / 1000
        guard abs(difference) <= 60 else {
            throw DaemonError.configuration(
                "clock: expected one within 60 s of the database's, found a difference of \(difference) s"
            )
        }
    }

    // MARK: HTTP

    private func serve(
        _ api: any EngineAPI,
        _ metrics: SchedulerMetrics,
        in group: inout ThrowingTaskGroup<Void, any Error>
    ) async throws -> String {
        let (host, port) = try options.parsedAddress()
        let server = EngineServer(
            api: api,
            metrics: metrics,
            log: metrics.receiptLog.map(ServedLog.init),
            configuration: EngineServer.Configuration(host: host, port: port, version: AssayVersion.text)
        )
        let url = try await listen(host, port, in: &group) { onListening in
            try await server.run(onListening: onListening)
        }
        announce("listening on \(url)")
        return url
    }
}
