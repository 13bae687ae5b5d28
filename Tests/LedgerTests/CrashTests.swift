// A writer killed at random moments: what was acknowledged is there, once, and the books balance.
import AssayTesting
import Commitments
import Foundation
import Testing

@testable import Ledger

extension FsckTests {
    /// Overwrites 64 bytes in the middle of each page after the first.
    func overwrite(_ path: String, _ random: inout SeededGenerator) throws {
        let file = URL(fileURLWithPath: path)
        var bytes = try Data(contentsOf: file)
        for page in stride(from: 4096, to: bytes.count, by: 4096) where Bool.random(using: &random) || page == 8192 {
            let start = page + Int.random(in: 0..<4032, using: &random)
            for index in start..<start + 64 { bytes[index] = UInt8.random(in: 0...255, using: &random) }
            // The page's header is what every read meets.
            for index in page..<page + 8 { bytes[index] = UInt8.random(in: 0...255, using: &random) }
        }
        try bytes.write(to: file)
    }
}

@Suite struct CrashTests {
    /// The probe is built beside the test bundle.
    private var probe: String {
        URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("LedgerCrashProbe").path
    }

    /// Starts the probe, kills it after `milliseconds`, and returns the jobs it started and those it acknowledged.
    private func runAndKill(_ ledger: String, first: Int, milliseconds: Int) async throws -> (
        started: [Int], acked: [Int]
    ) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: probe)
        process.arguments = [ledger, String(first)]
        process.standardOutput = output
        try process.run()
        let reading = Task.detached { output.fileHandleForReading.readDataToEndOfFile() }
        try await Task.sleep(for: .milliseconds(milliseconds))
        #expect(
            process.isRunning,
            "the probe ended by itself with status \(process.isRunning ? 0 : process.terminationStatus)"
        )
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        let text = String(decoding: await reading.value, as: UTF8.self)
        var started: [Int] = []
        var acked: [Int] = []
        // The last line may be cut; a whole one ends in a newline.
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ")
            guard words.count == 2, let job = Int(words[1]) else { continue }
            if words[0] == "ack" { acked.append(job) } else { started.append(job) }
        }
        return (started, acked)
    }

    /// 50 kills in the normal run on each store, 1,000 in the long one.
    private static let rounds = ProcessInfo.processInfo.environment["ASSAY_LONG"] == nil ? 50 : 1000

    @Test func killsLoseNothingAndDoubleNothing() async throws {
        let folder = try TemporaryFolder()
        try await killAgainAndAgain(folder.ledger) { () throws(LedgerError) in
            try SQLiteLedgerStore(path: folder.ledger)
        }
    }

    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "CrashTests")))
    func killsLoseNothingAndDoubleNothingOnPostgreSQL() async throws {
        let url = try PrivatePostgres.shared.get().newDatabase()
        try await killAgainAndAgain(url) { () throws(LedgerError) in
            PostgresLedgerStore(database: try PostgresDatabase(url: url), fence: nil)
        }
    }

    private func killAgainAndAgain(
        _ place: String,
        _ open: () throws(LedgerError) -> any LedgerStore
    ) async throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        var next = 1
        var acknowledged: Set<Int> = []
        for round in 0..<Self.rounds {
            let wait = Int.random(in: 60...250, using: &random)
            let (started, acked) = try await runAndKill(place, first: next, milliseconds: wait)
            acknowledged.formUnion(acked)
            // The next run sends again whatever has no answer yet, under the same ids.
            next = (acknowledged.max() ?? 0) + 1
            #expect(started.isEmpty || started[0] <= next, "seed \(seed) round \(round)")
            guard place.hasPrefix("postgres:") || FileManager.default.fileExists(atPath: place) else { continue }
            // The whole audit after each tenth kill; a fold of everything after each.
            try check(open(), acknowledged, isDeep: round % 10 == 9, "seed \(seed) round \(round)")
        }
        #expect(acknowledged.count > 20, "seed \(seed): the probe did not get far enough to test anything")
    }

    private func check(
        _ store: any LedgerStore,
        _ acknowledged: Set<Int>,
        isDeep: Bool,
        _ name: String
    ) throws {
        let book = try store.load().book
        let stored = Set(try store.records(kind: "job").compactMap { Int(String(decoding: $0.id, as: UTF8.self)) })
        #expect(acknowledged.isSubset(of: stored), "\(name): \(acknowledged.subtracting(stored))")
        #expect(book.holds.isEmpty, "\(name): a job is half settled")
        let provider = AccountID(currency: "CREDIT", kind: .provider, owner: [2])
        #expect(book.accounts[provider]?.creditsPosted ?? 0 == 700 * Int64(stored.count), "\(name)")
        #expect(try store.receiptCount() == stored.count)
        if isDeep {
            let report = try Fsck.run(store)
            #expect(report.isClean, "\(name): \(report.checks.filter { !$0.passed })")
        }
        try store.close()
    }
}
