// The daemon's log of receipts: a key, a folder and a queue of its own, the witnesses that it asks, and what it serves of it.
import ArgumentParser
import Codecs
import Commitments
import EngineAPI
import EngineClient
import HTTPAPI
import Ledger
import LogKeeping
import Signatures
import TransparencyLog
import Validator

extension Daemon {
    /// Starts the log when a folder for it was named, and says by which key it is known.
    func startLog(
        _ folder: DataFolder,
        _ store: any LedgerStore,
        in group: inout ThrowingTaskGroup<Void, any Error>
    ) throws -> ReceiptLog? {
        guard let path = options.log.map(absolute) else { return nil }
        let key = try folder.key(.log)
        // A name of its own for every key, so that two logs are never taken for one.
        let origin = options.logOrigin ?? "assay-log-" + Hex.encode(key.verifyingKey.bytes.prefix(8))
        let keeper: LogKeeper
        do {
            keeper = try LogKeeper(path: path, queue: folder.logQueue, origin: origin, signingKey: key)
        } catch {
            throw DaemonError.storage("the log cannot start on \(path): \(error)")
        }
        let receiptLog = ReceiptLog(
            keeper: keeper,
            store: store,
            witnesses: try options.parsedLogWitnesses(),
            log: log
        )
        announce("logging receipts in \(path), key \(keeper.key.text)")
        group.addTask { await receiptLog.run() }
        return receiptLog
    }
}

extension AssayDaemon {
    /// Refuses options of a log that cannot be meant.
    func checkLog() throws {
        guard log != nil else {
            guard logOrigin == nil, logWitness.isEmpty, logWitnessKey.isEmpty else {
                throw ValidationError("--log-origin, --log-witness, --log-witness-key: expected --log, found none")
            }
            return
        }
        guard try parsedRoles().contains(.scheduler) else {
            throw ValidationError("--log: expected the role scheduler, which makes the receipts, found \(roles)")
        }
        if let logOrigin, !NoteKey.isValid(name: logOrigin) {
            throw ValidationError("--log-origin: expected a name without spaces and '+', found '\(logOrigin)'")
        }
        do {
            _ = try parsedLogWitnesses()
        } catch let error as ParseError {
            throw ValidationError("--log-\(error)")
        }
    }

    func parsedLogWitnesses() throws -> [ReceiptLog.Witness] {
        guard logWitness.count == logWitnessKey.count else {
            throw ValidationError(
                "--log-witness-key: expected one for each of \(logWitness.count) witnesses, found \(logWitnessKey.count)"
            )
        }
        return try zip(logWitness, logWitnessKey).map { url, text in
            let client = try HTTPWitnessClient(url: url)
            return ReceiptLog.Witness(
                url: client.url,
                key: try NoteKey(text: text, field: "witness-key"),
                send: { body in try await client.addCheckpoint(body) }
            )
        }
    }
}

/// The log as the HTTP server shows it.
struct ServedLog: LogSource {
    let log: ReceiptLog

    func checkpoint() async throws(EngineError) -> [UInt8]? {
        try Self.reading { () throws(TileError) in try log.keeper.folder.checkpoint()?.bytes }
    }

    func tile(_ path: String) async throws(EngineError) -> [UInt8]? {
        // Only paths in their one form reach the disk.
        guard let path = try? TilePath(text: path) else { return nil }
        return try Self.reading { () throws(TileError) in try log.keeper.folder.read(path) }
    }

    func proof(receipt: Digest) async throws(EngineError) -> [UInt8]? {
        do throws(LogError) {
            return try await log.proof(receipt: receipt)?.bytes
        } catch {
            throw Self.failure(error)
        }
    }

    private static func reading<Value>(_ body: () throws(TileError) -> Value) throws(EngineError) -> Value {
        do throws(TileError) {
            return try body()
        } catch {
            throw failure(error)
        }
    }

    private static func failure(_ error: any Error) -> EngineError {
        EngineError(.unavailable, "log.files", "the log cannot be read: \(error)")
    }
}
