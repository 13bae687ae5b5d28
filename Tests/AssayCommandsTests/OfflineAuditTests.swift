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

@Suite struct OfflineAuditTests {
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
