// A gang through the command line and the real daemon: two nodes, one settlement, receipts that agree.
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineClient
import Foundation
import Receipts
import Signatures
import Testing
import Validator

@Suite("Gangs through the daemon", .serialized) struct DaemonGangTests {
    /// A folder with the small job in it.
    private func write(_ name: String, in folder: TemporaryFolder) throws -> String {
        let path = folder.path + "/" + name
        let (sealed, files) = try SmallJob.job()
        for (file, bytes) in files.merging(["job.json": sealed.bytes], uniquingKeysWith: { first, _ in first }) {
            let url = URL(fileURLWithPath: path + "/" + file)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(bytes).write(to: url)
        }
        return path
    }

    /// Runs `assay` to its end.
    private func assay(_ arguments: [String]) async throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: DaemonProcess.products + "/assay")
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let text = await Task.detached { output.fileHandleForReading.readDataToEndOfFile() }.value
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: text, as: UTF8.self))
    }

    @Test func allLegsArePaidTogetherAndAudited() async throws {
        let folder = try TemporaryFolder()
        let customer = try Customer(data: folder.path + "/engine")
        let other = DataFolder(path: folder.path + "/node")
        try other.prepare()
        let own = DataFolder(path: folder.path + "/engine")
        let daemon = try DaemonProcess(data: own.path, "--issue-budget", "3000000000", "--no-full-admission")
        let url = try #require(try await daemon.url(), "\(daemon.errorText)")
        let client = try HTTPEngineClient(url: url)
        try await customer.open(client)
        let key = folder.path + "/requester.pem"
        try KeyFile.write(customer.key, to: key)
        let arguments =
            ["job", "gang", try write("a", in: folder), try write("b", in: folder), "--id", "pair", "--key", key]
            + ["--engine", url, "--json", "--settle", "together"]
        try await customer.stake(client, node: try own.key(.node).verifyingKey)

        // One node is not enough for two.
        let ordered = try await assay(arguments)
        #expect(ordered.status == 0, "\(ordered.output)")
        try await Task.sleep(for: .seconds(1))
        #expect(try await client.jobs(limit: 9).map(\.phase) == ["offered", "offered"])

        let second = try DaemonProcess(
            ["--data", other.path, "--roles", "provider", "--engine", url, "--engine-key", customer.engineKey.text]
                + ["--log-level", "notice"]
        )
        try await customer.stake(client, node: try other.key(.node).verifyingKey)
        // The epoch's budget is spent.
        await #expect(throws: EngineError.self) { try await customer.open(client) }
        let receipts = folder.path + "/receipts"
        let done = try await assay(arguments + ["--wait", "--timeout", "120", "-o", receipts])
        #expect(done.status == 0, "\(done.output) \(daemon.errorText) \(second.errorText)")

        let trust = folder.path + "/trust.json"
        #expect(try await assay(["trust", "create", "-o", trust, "--engine", url]).status == 0)
        let audit = try await assay(["audit", receipts, "--trust", trust])
        #expect(audit.status == 0, "\(audit.output)")
        let words = "settled together: 0 accepted, 1 accepted"
        #expect(audit.output.components(separatedBy: words).count == 3, "\(audit.output)")
        let legs = try (0..<2).map { index in
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(receipts)/\(index).assay"))
            let bundle = try Bundle(parsing: [UInt8](bytes))
            return try UnverifiedDocument<Receipt>(parsing: try bundle.member(BundleMember.receipt)).predicate
        }
        #expect(Set(legs.compactMap { $0.attempts.last?.node }).count == 2)
        #expect(legs[0].settledAt == legs[1].settledAt && legs[0].gang == legs[1].gang)
        for process in [second, daemon] {
            #expect(try await process.terminate(within: 5) == 0, "\(process.errorText)")
        }
        #expect(try await assay(["fsck", "--data", own.path]).status == 0)
    }
}
