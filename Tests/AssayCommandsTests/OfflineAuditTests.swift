// The audit as a real process in a network namespace of its own, which has no interface that is up: it needs no network, and
// the same bytes give the same words.
import AssayTesting
import Foundation
import Testing

private enum Program {
    /// The program beside the test bundle.
    static let assay = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("assay").path

    static func run(_ arguments: [String]) throws -> (status: Int32, output: Data) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        let stdout = Pipe()
        process.standardOutput = stdout
        process.standardError = FileHandle.nullDevice
        try process.run()
        let output = stdout.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    /// Whether this machine lets an ordinary process have a network namespace of its own.
    static let canIsolate: Bool = {
        let isThere = FileManager.default.isExecutableFile(atPath: assay)
        let isAllowed = (try? run(["unshare", "--map-root-user", "--net", "true"]))?.status == 0
        if !isThere || !isAllowed {
            let reason = isThere ? "no network namespaces here" : "no assay beside the tests"
            FileHandle.standardError.write(Data("skipped: offline audit: \(reason)\n".utf8))
        }
        return isThere && isAllowed
    }()
}

/// A filter for bubblewrap's --seccomp that ends the process at any call which makes a socket.
private enum SocketFilter {
    /// `AUDIT_ARCH`, and the numbers of socket and socketpair, for this machine.
    #if arch(x86_64)
        private static let (architecture, calls): (UInt32, [UInt32]) = (0xc000_003e, [41, 53])
    #else
        private static let (architecture, calls): (UInt32, [UInt32]) = (0xc000_00b7, [198, 199])
    #endif

    /// `struct sock_filter` array (linux/filter.h, linux/seccomp.h).
    static let program: Data = {
        var program = Data()
        func add(_ code: UInt16, _ whenTrue: UInt8 = 0, _ whenFalse: UInt8 = 0, _ value: UInt32) {
            withUnsafeBytes(of: code.littleEndian) { program.append(contentsOf: $0) }
            program.append(contentsOf: [whenTrue, whenFalse])
            withUnsafeBytes(of: value.littleEndian) { program.append(contentsOf: $0) }
        }
        let (load, equal, end): (UInt16, UInt16, UInt16) = (0x20, 0x15, 0x06)
        let (killProcess, allow): (UInt32, UInt32) = (0x8000_0000, 0x7fff_0000)
        add(load, 0, 0, 4)
        add(equal, 1, 0, architecture)
        add(end, 0, 0, killProcess)
        add(load, 0, 0, 0)
        for call in calls {
            add(equal, 0, 1, call)
            add(end, 0, 0, killProcess)
        }
        add(end, 0, 0, allow)
        return program
    }()

    /// Runs a program under the filter.
    static func run(_ arguments: [String], filter: String) throws -> (status: Int32, output: Data) {
        let script = #"filter=$1; shift; exec bwrap --dev-bind / / --seccomp 3 -- "$@" 3<"$filter""#
        return try Program.run(["sh", "-c", script, "sh", filter] + arguments)
    }

    /// Whether bubblewrap can put up the filter here.
    static let works: Bool = {
        let path = NSTemporaryDirectory() + "socket-filter-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard (try? program.write(to: URL(fileURLWithPath: path))) != nil else { return false }
        let works = (try? run(["true"], filter: path))?.status == 0
        if !works { FileHandle.standardError.write(Data("skipped: audit without sockets: no bubblewrap here\n".utf8)) }
        return works
    }()
}

/// A library for LD_PRELOAD in which it is always the same day of the year 2099.
private enum OtherDay {
    static let source = """
        #include <time.h>
        #include <sys/time.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        static const time_t day = 4085251200;
        time_t time(time_t *t) { if (t) *t = day; return day; }
        int gettimeofday(struct timeval *restrict t, void *restrict z) { t->tv_sec = day; t->tv_usec = 0; return 0; }
        int clock_gettime(clockid_t clock, struct timespec *t) {
            if (clock != CLOCK_REALTIME) return (int)syscall(SYS_clock_gettime, clock, t);
            t->tv_sec = day; t->tv_nsec = 0; return 0;
        }
        """

    /// The library's path; `nil` without a C compiler.
    static func build(in folder: String) throws -> String? {
        let (source, library) = (folder + "/day.c", folder + "/day.so")
        try Data(Self.source.utf8).write(to: URL(fileURLWithPath: source))
        let status = try? Program.run(["cc", "-shared", "-fPIC", "-o", library, source]).status
        return status == 0 ? library : nil
    }
}

@Suite struct OfflineAuditTests {
    private static let bundles = SharedVectors.packageRoot.appendingPathComponent("Vectors/receipts/bundles").path

    private static func audit(_ name: String) -> [String] {
        [
            Program.assay, "audit", "\(bundles)/\(name).assay", "--trust", "\(bundles)/trust.json", "--time",
            "2026-01-01T00:00:00Z", "--json",
        ]
    }

    @Test(.enabled(if: Program.canIsolate && SocketFilter.works, "no bubblewrap here"))
    func `An audit never asks for a socket`() throws {
        let path = NSTemporaryDirectory() + "socket-filter-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        try SocketFilter.program.write(to: URL(fileURLWithPath: path))
        // The filter bites: a program that makes a socket is killed by SIGSYS, 128 + 31.
        let socket = ["perl", "-e", "use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0)"]
        #expect(try Program.run(socket).status == 0)
        #expect(try SocketFilter.run(socket, filter: path).status != 0)
        for (name, status) in [("true-accepted", 0), ("lie-wrongSplit", 1)] as [(String, Int32)] {
            let filtered = try SocketFilter.run(Self.audit(name), filter: path)
            #expect(filtered.status == status, "\(name)")
            #expect(filtered.output == (try Program.run(Self.audit(name)).output))
        }
    }

    @Test(.enabled(if: Program.canIsolate, "no assay beside the tests"))
    func `An audit with a time says the same on every other day`() throws {
        let folder = NSTemporaryDirectory() + "other-day-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        guard let library = try OtherDay.build(in: folder) else { return }
        let preload = "LD_PRELOAD=" + library
        // The library is obeyed.
        let year = try Program.run([preload, "date", "+%Y"])
        #expect(String(decoding: year.output, as: UTF8.self) == "2099\n")
        for name in ["true-accepted", "true-rejected", "lie-wrongSplit"] {
            let today = try Program.run(Self.audit(name))
            let later = try Program.run([preload] + Self.audit(name))
            #expect(later.status == today.status && later.output == today.output, "\(name)")
        }
    }

    @Test(.enabled(if: Program.canIsolate, "no network namespaces here"))
    func `An audit needs no network and no clock, and says the same every time`() throws {
        let bundles = SharedVectors.packageRoot.appendingPathComponent("Vectors/receipts/bundles").path
        let isolated = ["unshare", "--map-root-user", "--net"]
        // What a socket would meet in there: the loopback is down.
        #expect(try Program.run(isolated + ["sh", "-c", "grep -q 0100007F /proc/net/tcp"]).status != 0)
        for (name, status) in [("true-accepted", 0), ("true-rejected", 6), ("lie-wrongSplit", 1)] as [(String, Int32)] {
            let audit = [
                Program.assay, "audit", "\(bundles)/\(name).assay", "--trust", "\(bundles)/trust.json", "--time",
                "2026-01-01T00:00:00Z", "--json",
            ]
            let inside = try Program.run(isolated + audit)
            #expect(inside.status == status, "\(name)")
            // Another namespace, another time of day, another process: the same bytes.
            let outside = try Program.run(["TZ=Asia/Tokyo", "LC_ALL=C"] + audit)
            #expect(outside.status == status && outside.output == inside.output, "\(name)")
        }
    }
}
