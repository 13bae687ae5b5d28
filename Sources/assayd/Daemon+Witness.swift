// The daemon as a witness of other validators' logs: its own key, its own memory, its own address.
import Codecs
import Foundation
import HTTPAPI
import LogKeeping
import Signatures
import TransparencyLog
import Validator

extension Daemon {
    /// Starts the witness when a log to follow was named, and says where it listens and by which key it is known.
    func startWitness(_ folder: DataFolder, in group: inout ThrowingTaskGroup<Void, any Error>) async throws {
        guard !options.witnessLog.isEmpty else { return }
        let logs = try options.parsedWitnessLogs()
        let (host, port) = try options.parsedWitnessAddress()
        let key = try folder.key(.witness)
        // A name of its own for every key, so that two daemons are never taken for one.
        let name = options.witnessName ?? "assay-witness-" + Hex.encode(key.verifyingKey.bytes.prefix(8))
        let keeper: WitnessKeeper
        do {
            keeper = try WitnessKeeper(path: folder.witness, name: name, signingKey: key, logs: logs)
        } catch {
            throw DaemonError.storage("the witness cannot start on \(folder.witness): \(error)")
        }
        let clock = clock
        let server = WitnessServer(host: host, port: port, maxBodyBytes: WitnessKeeper.maxRequestBytes) { body in
            let answer = await keeper.answer(body, at: clock.now)
            return (answer.status, answer.contentType, answer.body)
        }
        let url = try await listen(host, port, in: &group) { onListening in
            try await server.run(onListening: onListening)
        }
        announce("witnessing on \(url), key \(keeper.key.text)")
    }
}

extension AssayDaemon {
    func parsedWitnessLogs() throws -> [String: [NoteKey]] {
        var keys: [NoteKey] = []
        for text in witnessLog {
            do {
                keys.append(try NoteKey(text: text))
            } catch {
                throw DaemonError.configuration("--witness-log: \(error)")
            }
        }
        return Dictionary(grouping: keys, by: \.name)
    }

    func parsedWitnessAddress() throws -> (host: String, port: Int) {
        do {
            return try Self.address(witnessListen)
        } catch {
            throw DaemonError.configuration("--witness-listen: expected host:port, found '\(witnessListen)'")
        }
    }
}
