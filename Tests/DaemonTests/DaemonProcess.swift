// The real daemon as a process of its own, found beside the test bundle.
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineClient
import Foundation
import Receipts
import Replay
import Signatures
import Synchronization
import Validator

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A folder that goes when nobody needs it any more.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "assay-daemon-tests-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// The lines that a process has written, as they come.
private final class Lines: Sendable {
    private let text = Mutex("")

    func append(_ data: Data) { text.withLock { $0 += String(decoding: data, as: UTF8.self) } }

    var all: String { text.withLock { $0 } }
}

/// One run of `assayd`.
///
/// Unchecked: after `init` only `Process`'s own state changes, which it guards itself, and `Lines` has its lock.
final class DaemonProcess: @unchecked Sendable {
    static let products = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        .deletingLastPathComponent().path

    private let process = Process()
    private let output = Lines()
    private let errors = Lines()

    init(program: String = "assayd", _ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: Self.products + "/" + program)
        process.arguments = arguments
        for (lines, keyPath) in [
            (output, \Process.standardOutput), (errors, \Process.standardError),
        ] as [(Lines, ReferenceWritableKeyPath<Process, Any?>)] {
            let pipe = Pipe()
            pipe.fileHandleForReading.readabilityHandler = { handle in
                let data = handle.availableData
                if data.isEmpty { handle.readabilityHandler = nil } else { lines.append(data) }
            }
            process[keyPath: keyPath] = pipe
        }
        try process.run()
    }

    /// A daemon on a data folder, on a port of its own.
    convenience init(data: String, _ more: String...) throws {
        try self.init(["--data", data, "--listen", "127.0.0.1:0", "--log-level", "notice"] + more)
    }

    deinit { if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) } }

    var isRunning: Bool { process.isRunning }
    var errorText: String { errors.all }

    /// The URL that the daemon says it listens on; `nil` when it ended or does not say so in time.
    func url(seconds: Int = 30) async throws -> String? {
        try await line(after: "assayd: listening on ", seconds: seconds)
    }

    /// The URL and the key of the daemon's witness, as it announces them.
    func witness(seconds: Int = 30) async throws -> (url: String, key: String)? {
        let text = try await line(after: "assayd: witnessing on ", seconds: seconds)
        let parts = text.map { $0.split(separator: ", key ", maxSplits: 1).map(String.init) } ?? []
        return parts.count == 2 ? (parts[0], parts[1]) : nil
    }

    /// Waits until the daemon says that it leads.
    func leads(seconds: Int = 30) async throws -> Bool {
        try await line(after: "assayd: leading", seconds: seconds) != nil
    }

    /// Waits until the daemon says that it leads no more.
    func standsBy(seconds: Int = 30) async throws -> Bool {
        try await line(after: "assayd: standing by", seconds: seconds) != nil
    }

    /// Stops the process where it is, until `resume`.
    func pause() { Glibc.kill(process.processIdentifier, SIGSTOP) }

    func resume() { Glibc.kill(process.processIdentifier, SIGCONT) }

    /// Waits until the daemon says that it is ready.
    func ready(seconds: Int = 30) async throws -> Bool {
        try await line(after: "assayd: ready", seconds: seconds) != nil
    }

    private func line(after prefix: String, seconds: Int) async throws -> String? {
        for _ in 0..<seconds * 100 {
            let lines = output.all.split(separator: "\n", omittingEmptySubsequences: false)
            // The last line may be cut.
            if let line = lines.dropLast().first(where: { $0.hasPrefix(prefix) }) {
                return String(line.dropFirst(prefix.count))
            }
            guard process.isRunning else { return nil }
            try await Task.sleep(for: .milliseconds(10))
        }
        return nil
    }

    func kill() {
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    /// Asks the daemon to end.
    /// - Returns: its exit status; `nil` when it still runs after so many seconds.
    func terminate(within seconds: Int) async throws -> Int32? {
        Glibc.kill(process.processIdentifier, SIGTERM)
        return try await exit(within: seconds)
    }

    /// The exit status of a daemon that ends by itself.
    func exit(within seconds: Int) async throws -> Int32? {
        for _ in 0..<seconds * 100 {
            guard process.isRunning else {
                return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        return nil
    }
}

/// A requester and the operator of one data folder, from outside.
struct Customer {
    let engineKey: VerifyingKey
    let operatorKey: SigningKey
    let key: SigningKey

    init(data: String) throws {
        let folder = DataFolder(path: data)
        try folder.prepare()
        engineKey = try folder.key(.engine).verifyingKey
        operatorKey = try folder.key(.operator)
        key = try SigningKey.generate()
    }

    func request(_ action: EngineRequest.Action, _ key: SigningKey) throws -> [UInt8] {
        try EngineRequest.sign(action, engine: engineKey, at: SystemClock().now, with: key).envelope
    }

    /// Opens the account and puts money into it.
    func open(_ client: any EngineAPI) async throws {
        _ = try await client.account(request: try request(.open, key))
        let account = AccountName(currency: "credit", purpose: .payer, owner: key.verifyingKey)
        _ = try await client.account(
            request: try request(.credit(account: account, amount: 1_000_000_000), operatorKey)
        )
    }

    /// Gives a node its stake as soon as it has registered.
    func stake(_ client: any EngineAPI, node: VerifyingKey) async throws {
        let text = AccountNames.stake(of: node)
        let credit = EngineRequest.Action.credit(account: try AccountName(text: text), amount: 1_000_000_000)
        for _ in 0..<1200 {
            do throws(EngineError) {
                _ = try await client.account(id: text)
                break
            } catch {
                guard error.id == "account.unknown" else { throw error }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        _ = try await client.account(request: try request(credit, operatorKey))
    }

    /// Orders job number `number` and hands over its files; the same number is the same order, whenever it is sent.
    /// - Parameter acknowledged: called as soon as the engine has taken the order.
    func order(
        _ number: Int,
        _ client: any EngineAPI,
        _ job: (sealed: SealedJob, files: [String: [UInt8]])? = nil,
        acknowledged: (Digest) -> Void
    ) async throws {
        let (sealed, files) = try job ?? SmallJob.job()
        var nonce = [UInt8](repeating: 0, count: JobID.nonceBytes)
        nonce[0] = UInt8(truncatingIfNeeded: number)
        nonce[1] = UInt8(truncatingIfNeeded: number >> 8)
        let order = try Order.sign(sealed, nonce: nonce, createdAt: 1_700_000_000, engine: engineKey, with: key)
        let id = order.predicate.jobID.digest
        let view = try await client.submit(order: order.envelope, spec: sealed.bytes)
        acknowledged(id)
        for bytes in files.values {
            let cid = ArtefactIdentity(of: bytes).cid
            if view.missing.contains(cid) { _ = try await client.putFile(job: id, cid: cid, bytes: bytes) }
        }
    }
}

/// The tiny job with deadlines that a test can wait for.
enum SmallJob {
    /// - Parameters:
    ///   - evidence: what the job asks for instead of a replay, and the files that this names.
    ///   - patience: for how many seconds a node or a validator that got the job may be silent.
    static func job(
        evidence: (value: JSONValue, files: [String: [UInt8]])? = nil,
        patience: Int = 60,
        attempts: Int = 2
    ) throws -> (sealed: SealedJob, files: [String: [UInt8]]) {
        let text = String(decoding: TinyJob.authored.serialized(), as: UTF8.self)
            .replacingOccurrences(of: #""currency":"TEST""#, with: #""currency":"credit""#)
        guard case .object(var document) = try JSONValue(parsing: Array(text.utf8)) else {
            throw ParseError(field: "job", expected: "an object", actual: "another value")
        }
        document["deadlines"] = .object([
            "uploadSeconds": .integer(20), "matchSeconds": .integer(60), "runSeconds": .integer(patience),
            "verifySeconds": .integer(patience),
        ])
        document["attempts"] = .integer(attempts)
        var files = try TinyJob().files
        if let evidence {
            document["evidence"] = evidence.value
            files.merge(evidence.files) { _, new in new }
        }
        let spec = try JobSpec(.object(document)).sealing(with: files.mapValues { ArtefactIdentity(of: $0) })
        return (try SealedJob(spec), files)
    }
}
