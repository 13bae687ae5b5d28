// Builds the command that starts a worker: inside bubblewrap's namespaces where they can be had, else directly. The worker
// adds limits and filters itself in both cases.
internal import CSpawn
internal import Glibc

/// How workers are started on this machine.
struct SandboxLauncher: Sendable {
    /// The worker executable.
    let worker: String
    /// bubblewrap, when it works here.
    let bubblewrap: String?
    /// Folders with libraries that the worker loads from outside the system's own.
    let libraryFolders: [String]
    /// Where the OpenCL loader looks for drivers; `nil` for its own places.
    var vendors = getenv("OCL_ICD_VENDORS").map { String(cString: $0) }
    /// Folders in the machine that hold what a device driver needs to be found.
    private static let systemFiles = [
        "/usr", "/etc/OpenCL", "/etc/ld.so.cache", "/etc/alternatives", "/sys", "/lib", "/lib64", "/bin", "/sbin",
    ]
    /// The folder for temporary files inside the namespaces.
    static let innerFolder = "/tmp"
    private static let innerWorker = "/assay-replay"
    private static let temporaryBytes = 512 << 20

    /// Finds out what works here.
    /// - Parameters:
    ///   - worker: the worker executable.
    ///   - usesNamespaces: whether to try bubblewrap at all.
    init(worker: String, usesNamespaces: Bool, control: ChildControl) throws(RunFailure) {
        self.worker = worker
        guard access(worker, X_OK) == 0 else {
            throw RunFailure(.sandbox, "no worker executable at \(worker)")
        }
        libraryFolders = try Self.libraries(of: worker, control: control)
        let candidates = ["/usr/bin/bwrap", "/bin/bwrap", "/usr/local/bin/bwrap"]
        let path = usesNamespaces ? candidates.first { access($0, X_OK) == 0 } : nil
        guard let path else {
            bubblewrap = nil
            return
        }
        let trial = ChildLaunch(
            path: path,
            arguments: Self.namespaceArguments(worker: worker, libraries: libraryFolders, vendors: nil, environment: [])
                + [Self.innerWorker, "--version"],
            environment: []
        )
        bubblewrap = Self.succeeds(trial, control: control) ? path : nil
    }

    /// Whether workers get namespaces of their own.
    var hasNamespaces: Bool { bubblewrap != nil }

    /// The start of a worker with `arguments`.
    /// - Parameter folder: the folder for temporary files of a worker without namespaces; `nil` for one with them, which
    ///   has a file system in memory.
    /// - Parameter simulator: the simulator's library, for a worker that is to find no other device.
    func launch(_ arguments: [String], folder: String?, simulator: String? = nil) -> ChildLaunch {
        let environment = environment(folder: folder ?? Self.innerFolder, simulator: simulator)
        guard let bubblewrap else {
            return ChildLaunch(path: worker, arguments: arguments, environment: environment)
        }
        return ChildLaunch(
            path: bubblewrap,
            arguments: Self.namespaceArguments(
                worker: worker,
                libraries: libraryFolders,
                vendors: vendors,
                environment: environment
            ) + [Self.innerWorker] + arguments,
            environment: []
        )
    }

    /// What a worker without namespaces may read: the same that one with namespaces sees.
    var readable: [String] {
        guard !hasNamespaces else { return [] }
        // Of /proc only what is the worker's own or the machine's: other processes are none of its business.
        let processFiles = ["self", "cpuinfo", "meminfo", "stat", "sys", "devices", "modules", "driver", "version"]
        return Self.systemFiles + libraryFolders + [worker] + processFiles.map { "/proc/" + $0 }
    }

    /// The device files that a worker without namespaces may use.
    var writableDevices: [String] {
        hasNamespaces ? [] : ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"] + Self.deviceFiles()
    }

    /// Everything that a driver reads from its environment, and nothing of the parent's.
    private func environment(folder: String, simulator: String?) -> [String] {
        var variables = [
            "PATH=/usr/bin:/bin", "HOME=\(folder)", "TMPDIR=\(folder)", "POCL_CACHE_DIR=\(folder)",
            "MALLOC_ARENA_MAX=2", "LC_ALL=C",
        ]
        if let simulator {
            // Oclgrind's own variables, as its command `oclgrind` sets them from its options.
            variables += [
                "OCL_ICD_VENDORS=" + simulator, "OCLGRIND_DATA_RACES=1", "OCLGRIND_UNINITIALIZED=1",
                "OCLGRIND_LOG=\(folder)/simulator.log", "OCLGRIND_NUM_THREADS=1", "OCLGRIND_MAX_ERRORS=64",
                // As much local memory as CPU devices have; whether the job's own device has it, its run shows.
                "OCLGRIND_LOCAL_MEM_SIZE=\(1 << 20)", "OCLGRIND_GLOBAL_MEM_SIZE=\(2 << 30)",
            ]
        } else if let vendors {
            variables.append("OCL_ICD_VENDORS=" + vendors)
        }
        return variables
    }

    /// Oclgrind's library for the OpenCL loader; `nil` where it is not installed. `ASSAY_OCLGRIND` names another place, or
    /// nothing at all.
    static func simulator() -> String? {
        if let named = getenv("ASSAY_OCLGRIND") {
            let path = String(cString: named)
            return access(path, R_OK) == 0 ? path : nil
        }
        let folders = ["/usr/lib/oclgrind", "/usr/lib/x86_64-linux-gnu/oclgrind", "/usr/local/lib/oclgrind"]
        return folders.map { $0 + "/liboclgrind-rt-icd.so" }.first { access($0, R_OK) == 0 }
    }

    private static func namespaceArguments(
        worker: String,
        libraries: [String],
        vendors: String?,
        environment: [String]
    ) -> [String] {
        var arguments = [
            "--unshare-all", "--unshare-user", "--uid", "65534", "--gid", "65534", "--cap-drop", "ALL",
            "--die-with-parent", "--new-session", "--clearenv", "--hostname", "assay",
        ]
        for path in systemFiles {
            var target = [CChar](repeating: 0, count: 4096)
            let length = readlink(path, &target, target.count - 1)
            if length > 0 {
                let link = String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
                arguments += ["--symlink", link, path]
            } else {
                arguments += ["--ro-bind-try", path, path]
            }
        }
        for folder in libraries { arguments += ["--ro-bind-try", folder, folder] }
        arguments += ["--ro-bind", worker, innerWorker, "--proc", "/proc", "--dev", "/dev"]
        for device in deviceFiles() { arguments += ["--dev-bind-try", device, device] }
        if let vendors { arguments += ["--ro-bind-try", vendors, vendors] }
        arguments += ["--size", String(temporaryBytes), "--tmpfs", innerFolder, "--chdir", innerFolder]
        for variable in environment {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            arguments += ["--setenv", String(parts[0]), parts.count > 1 ? String(parts[1]) : ""]
        }
        return arguments + ["--"]
    }

    /// The device files of GPU drivers on this machine.
    static func deviceFiles() -> [String] {
        guard let folder = opendir("/dev") else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix("nvidia") || name == "dri" || name == "kfd" { names.append("/dev/" + name) }
        }
        return names.sorted()
    }

    /// The folders outside the system's own from which the worker loads libraries, by its own account. It runs before any
    /// job is near.
    private static func libraries(of worker: String, control: ChildControl) throws(RunFailure) -> [String] {
        let launch = ChildLaunch(path: worker, arguments: ["libraries"], environment: ["LC_ALL=C"])
        let child = try ChildProcess(launch, repliesOnOutput: true, deadline: .now + .seconds(10), control: control)
        guard let bytes = try? child.readToEnd(maxBytes: 65_536), child.finish(graceMilliseconds: 2000) == .exited(0)
        else {
            throw RunFailure(.sandbox, "\(worker) does not behave like a worker")
        }
        let paths = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        return paths.filter { $0.hasPrefix("/") && $0 != "/" && !$0.hasPrefix("/usr/") && !$0.hasPrefix("/lib") }
    }

    private static func succeeds(_ launch: ChildLaunch, control: ChildControl) -> Bool {
        guard
            let child = try? ChildProcess(
                launch,
                repliesOnOutput: true,
                deadline: .now + .seconds(10),
                control: control
            ), (try? child.readToEnd(maxBytes: 4096)) ?? nil != nil
        else { return false }
        return child.finish(graceMilliseconds: 2000) == .exited(0)
    }
}

/// A folder of its own for one worker, removed with everything in it when the value goes.
final class TemporaryFolder {
    let path: String

    init(in parent: String) throws(RunFailure) {
        var template = Array((parent + "/assay-replay.XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else {
            throw RunFailure(.sandbox, "cannot make a folder in \(parent): \(String(cString: strerror(errno)))")
        }
        path = String(cString: made)
    }

    deinit {
        assay_remove_tree(path)
    }
}
