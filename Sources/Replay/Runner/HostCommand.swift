// A program of the operator's own, run with a folder of its own: a prover, a quote generator. It is trusted as far as the
// operator trusts it, so no sandbox stands around it; it is bounded in time and in what is read from it.
internal import CSpawn
internal import Glibc

/// A program that reads files from a folder and writes files into it.
public struct HostCommand: Sendable {
    /// The program's path.
    public let program: String
    /// The longest that a run may take, in seconds.
    public let wallSeconds: Int

    /// Names a program.
    public init(program: String, wallSeconds: Int) {
        self.program = program
        self.wallSeconds = wallSeconds
    }

    /// Runs the program in a new folder below `parent`, which is its only argument and is removed afterwards.
    /// - Parameters:
    ///   - files: what the folder holds, by relative path of plain names.
    ///   - results: the paths that are read when the program has ended with status 0, with the most bytes of each.
    /// - Returns: the content of those of `results` that are there.
    /// - Throws: `RunFailure` when the program cannot be started, fails, takes too long or writes too much.
    public func run(
        in parent: String,
        files: [String: [UInt8]],
        results: [String: Int]
    ) async throws(RunFailure) -> [String: [UInt8]] {
        let result: Result<[String: [UInt8]], RunFailure> = await onOwnThread { control in
            Result { () throws(RunFailure) in try execute(in: parent, files, results, control) }
        } orElse: {
            .failure(RunFailure(.sandbox, "cannot start a thread"))
        }
        return try result.get()
    }

    private func execute(
        in parent: String,
        _ files: [String: [UInt8]],
        _ results: [String: Int],
        _ control: ChildControl
    ) throws(RunFailure) -> [String: [UInt8]] {
        let folder = try TemporaryFolder(in: parent)
        for (path, bytes) in files { try Self.write(bytes, to: path, below: folder.path) }
        let names: [String] = ["PATH", "HOME", "LANG", "TMPDIR"]
        let environment = names.compactMap { (name: String) -> String? in
            getenv(name).map { "\(name)=" + String(cString: $0) }
        }
        let child = try ChildProcess(
            ChildLaunch(path: program, arguments: [folder.path], environment: environment),
            folder: folder,
            repliesOnOutput: true,
            deadline: .now + .seconds(wallSeconds),
            control: control
        )
        do throws(ChildStop) {
            // What it prints is of no interest; reading to the end waits for its end.
            _ = try child.readToEnd(maxBytes: 1 << 20)
        } catch {
            throw RunFailure(error == .cancelled ? .cancelled : .timeout, "\(program) did not end in \(wallSeconds) s")
        }
        let end = child.finish(graceMilliseconds: 2000)
        guard end == .exited(0) else {
            let text = String(decoding: child.errorText.prefix(512), as: UTF8.self)
            throw RunFailure(.crashed, "\(program) ended with \(end): \(text)")
        }
        var contents: [String: [UInt8]] = [:]
        for (path, maxBytes) in results { contents[path] = try Self.read(folder.path + "/" + path, maxBytes: maxBytes) }
        return contents
    }

    private static func write(_ bytes: [UInt8], to path: String, below folder: String) throws(RunFailure) {
        var directory = folder
        for part in path.split(separator: "/").dropLast() {
            directory += "/" + part
            guard mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw failure(directory) }
        }
        let file = open(folder + "/" + path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure(path) }
        defer { close(file) }
        let error = bytes.withUnsafeBytes { assay_write_all(file, $0.baseAddress, $0.count) }
        guard error == 0 else { throw failure(path) }
    }

    /// The content of a regular file; `nil` when there is none.
    private static func read(_ path: String, maxBytes: Int) throws(RunFailure) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else {
            guard errno == ENOENT || errno == ENOTDIR else { throw failure(path) }
            return nil
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw failure(path) }
        guard status.st_size <= maxBytes else {
            throw RunFailure(.protocolViolation, "\(path): expected at most \(maxBytes) bytes, found \(status.st_size)")
        }
        let count = Int(status.st_size)
        var filled = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count {
                let got = Glibc.read(file, buffer.baseAddress.map { $0 + filled }, count - filled)
                if got < 0 && errno == EINTR { continue }
                guard got > 0 else { break }
                filled += got
            }
            initialized = filled
        }
        guard filled == count else { throw failure(path) }
        return bytes
    }

    private static func failure(_ path: String) -> RunFailure {
        RunFailure(.sandbox, "\(path): \(String(cString: strerror(errno)))")
    }
}
