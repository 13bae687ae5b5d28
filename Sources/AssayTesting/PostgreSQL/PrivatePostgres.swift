// A PostgreSQL server of a test's own: own data folder, own socket, no network, gone with the process that started it.
internal import CSpawn
public import Foundation

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// What kept a private server from starting.
public struct PrivatePostgresError: Error, CustomStringConvertible {
    public let description: String
}

/// A running server. PostgreSQL refuses to run as root; then it runs as the user that Debian's package made for it, or as
/// `nobody`.
public final class PrivatePostgres: Sendable {
    /// The folder of the server's programs; `nil` when no server is installed.
    public static let programs: String? = {
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let newest = versions.compactMap { Int($0) }.sorted(by: >).map { "/usr/lib/postgresql/\($0)/bin" }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders = newest + path.split(separator: ":").map(String.init)
        return folders.first { folder in
            ["initdb", "pg_ctl", "postgres"].allSatisfy {
                FileManager.default.isExecutableFile(atPath: folder + "/" + $0)
            }
        }
    }()

    /// Whether a server is installed, for `.enabled(if:)` of a suite; says which suite is skipped when none is.
    public static func isInstalled(for suite: String) -> Bool {
        if programs != nil { return true }
        FileHandle.standardError.write(Data("skipped: \(suite): no PostgreSQL server is installed\n".utf8))
        return false
    }

    /// One server for all suites of a test process, started by the first that asks and stopped when the process exits.
    public static let shared: Result<PrivatePostgres, any Error> = Result {
        let server = try PrivatePostgres()
        atexit { if case .success(let server) = PrivatePostgres.shared { server.stop() } }
        return server
    }

    private let folder: String
    private let user: String?
    private let bin: String

    /// Makes a data folder below the temporary folder and starts a server on it.
    /// - Throws: `PrivatePostgresError` with what the server's programs said.
    public init() throws {
        guard let bin = Self.programs else { throw PrivatePostgresError(description: "no PostgreSQL server installed") }
        self.bin = bin
        Self.sweep()
        user = geteuid() == 0 ? (getpwnam("postgres") != nil ? "postgres" : "nobody") : nil
        // A socket's path is at most 107 bytes, so the folder's name is short.
        let random = String(UInt32.random(in: 0...UInt32.max), radix: 36)
        folder = "/tmp/assay-pg-\(getpid())-\(random)"
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755]
        )
        if let user, let entry = getpwnam(user) { _ = chown(folder, entry.pointee.pw_uid, entry.pointee.pw_gid) }
        do {
            try run(
                "initdb",
                [
                    "-D", data, "-U", "assay", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync",
                    "--no-instructions",
                ]
            )
            try start()
        } catch {
            try? FileManager.default.removeItem(atPath: folder)
            throw error
        }
    }

    private var data: String { folder + "/data" }

    /// The folder in which the server's socket is.
    public var socketFolder: String { folder }

    /// The address of a database, as libpq takes it.
    public func url(database: String = "postgres") -> String { "postgres:///\(database)?host=\(folder)&user=assay" }

    /// Makes an empty database and returns its address.
    public func newDatabase() throws -> String {
        let name = "t" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try run("psql", ["-X", "-q", "-h", folder, "-U", "assay", "-d", "postgres", "-c", "CREATE DATABASE \(name)"])
        return url(database: name)
    }

    /// Starts the server on its folder again, after `kill` or `stop`.
    public func start() throws {
        // A killed process loses nothing that it gave to the kernel, so tests need no disk flushes.
        let options =
            "-c listen_addresses='' -c unix_socket_directories=\(folder) -c fsync=off -c full_page_writes=off "
            + "-c max_connections=200 -c shared_buffers=32MB -c autovacuum_naptime=10s"
        try run("pg_ctl", ["-D", data, "-l", folder + "/log", "-w", "-t", "60", "-o", options, "start"])
    }

    /// Kills the server's first process without warning; the others notice and end. Its lock files stay, as after a crash,
    /// unless they would keep the next one from starting.
    public func kill() {
        guard let pid = first else { return }
        Self.signal(pid, SIGKILL)
        // The others, some of them made in this very moment, hold the shared memory until they have noticed, and must not write
        // beside a new server.
        for _ in 0..<3000 where isInUse { usleep(10_000) }
        // A dead process that nobody has waited for still has its number, and the next server takes the lock files for a
        // living one's. Where the first process of the machine is in no hurry, the files go instead.
        for _ in 0..<100 where Self.hasNumber(pid) { usleep(10_000) }
        guard Self.hasNumber(pid) else { return }
        for file in [data + "/postmaster.pid", folder + "/.s.PGSQL.5432.lock"] {
            try? FileManager.default.removeItem(atPath: file)
        }
    }

    /// Kills the process behind one of the sessions of `database` without warning. The server ends all the others, because
    /// what they share may be damaged, and recovers.
    /// - Returns: whether there was one.
    public func killBackend(of database: String) -> Bool {
        guard let first else { return false }
        // A session's title is `postgres: user database address state`.
        let session = processes(of: first).first { $0.title.hasPrefix("postgres: assay \(database) ") }
        guard let session else { return false }
        Self.signal(session.pid, SIGKILL)
        return true
    }

    /// Whether any process works in the data folder, as all of a server's do until they end.
    private var isInUse: Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.contains { name in
            Int32(name) != nil
                && (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(name)/cwd")) == data
        }
    }

    /// The processes that the server's first one has started.
    private func processes(of first: Int32) -> [(pid: Int32, title: String)] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).compactMap { name in
            guard let pid = Int32(name),
                let status = try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8),
                status.contains("PPid:\t\(first)\n")
            else { return nil }
            return (pid, (try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)) ?? "")
        }
    }

    /// The server's first process.
    private var first: Int32? {
        let text = (try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").first.flatMap { Int32($0) }
    }

    /// Stops the server and deletes its folder.
    public func stop() {
        try? run("pg_ctl", ["-D", data, "-m", "immediate", "-w", "stop"])
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Ends servers whose test process was killed before it could, and deletes their folders.
    private static func sweep() {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/tmp")) ?? [] {
            let parts = name.split(separator: "-")
            guard parts.count == 4, name.hasPrefix("assay-pg-"), let owner = Int32(parts[2]), !isAlive(owner) else {
                continue
            }
            let data = "/tmp/\(name)/data"
            let text = (try? String(contentsOfFile: data + "/postmaster.pid", encoding: .utf8)) ?? ""
            let lines = text.split(separator: "\n")
            // The second line is the data folder: the process is the one that is meant.
            if lines.count > 1, lines[1] == data, let server = Int32(lines[0]), isAlive(server) {
                signal(server, SIGQUIT)
            }
            try? FileManager.default.removeItem(atPath: "/tmp/\(name)")
        }
    }

    private static func signal(_ process: Int32, _ number: Int32) {
        #if canImport(Glibc)
            _ = Glibc.kill(process, number)
        #elseif canImport(Musl)
            _ = Musl.kill(process, number)
        #endif
    }

    /// Whether a process of this number is known to the system, be it dead.
    private static func hasNumber(_ pid: Int32) -> Bool { FileManager.default.fileExists(atPath: "/proc/\(pid)") }

    /// Whether a process runs. One that has ended and waits for its parent does not.
    private static func isAlive(_ pid: Int32) -> Bool {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
        return stat.split(separator: ")").last?.hasPrefix(" Z") != true
    }

    /// Runs one of the server's programs to its end. Not by Foundation's `Process`, which waits for every descendant too:
    /// the server is one, and stays.
    private func run(_ program: String, _ arguments: [String]) throws {
        var command = [bin + "/" + program] + arguments
        if let user {
            let group = user == "nobody" ? "nogroup" : user
            command = ["/usr/bin/setpriv", "--reuid=\(user)", "--regid=\(group)", "--clear-groups", "--"] + command
        }
        let log = "\(folder).\(program).log"
        defer { try? FileManager.default.removeItem(atPath: log) }
        let output = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer {
            close(output)
            close(input)
        }
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        let variables = ["PATH=/usr/bin:/bin", "LC_ALL=C"]
        var settings: [UnsafeMutablePointer<CChar>?] = variables.map { strdup($0) } + [nil]
        defer { for word in words + settings { free(word) } }
        var process: pid_t = 0
        let descriptors = [input, output, output]
        let failure = assay_spawn(command[0], &words, &settings, descriptors, 3, &process)
        guard failure == 0 else { throw PrivatePostgresError(description: "\(command[0]): error \(failure)") }
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
        guard status == 0 else {
            let said = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw PrivatePostgresError(description: "\(program) ended with status \(status): \(said)")
        }
    }
}
