// The SQLite store on a disk that fails: power cuts with lost and torn writes, flushes that lie, errors, no space.
import CFaultyDisk
import Commitments
import Foundation
import Testing

@testable import Ledger

/// One disk for the process, so one test at a time.
@Suite(.serialized) struct PowerCutTests {
    let town = Town()

    /// Twelve power cuts in the normal run, 400 in the long one.
    private static let cuts: ClosedRange<UInt64> =
        ProcessInfo.processInfo.environment["ASSAY_LONG"] == nil ? 1...12 : 1...400

    private func job(_ number: Int, _ book: inout Book) throws -> Batch {
        var hold = town.hold("h\(number)", 800, job: number)
        hold.amount = 800
        var batch = Batch(effects: [try book.apply(.hold(hold, expiresAt: 1000), at: 5)])
        let resolution = town.resolution("r\(number)", of: "h\(number)", provider: 500, fee: 25, job: number)
        batch.effects.append(try book.apply(.resolve(resolution), at: 6))
        batch.receipts = [town.receipt(job: number)]
        batch.records = [Record(kind: "job", id: Array("\(number)".utf8), body: [UInt8](repeating: 7, count: 900))]
        return batch
    }

    /// Settles jobs, at most `count`, and cuts the power in the middle; returns those whose commit was acknowledged.
    private func settleUntilDark(_ path: String, count: Int, seed: UInt64, cutAfter: Int) async throws -> Set<Int> {
        let store = try SQLiteLedgerStore(path: path)
        var book = try store.load().book
        try await store.commit(Batch(effects: try town.open(&book, funds: 10_000_000)))
        var acknowledged: Set<Int> = []
        var waiting: [(Int, CommitTicket)] = []
        for number in 1...count {
            waiting.append((number, store.submit(try job(number, &book))))
            if number == cutAfter { _ = assay_disk_cut(seed) }
            guard waiting.count == 4 || number == count else { continue }
            for (number, ticket) in waiting {
                if (try? await ticket.durable()) != nil { acknowledged.insert(number) }
            }
            waiting = []
        }
        // Without power nothing can be closed properly.
        try? store.close()
        assay_disk_restore()
        return acknowledged
    }

    /// What is in the ledger after the power came back.
    private func findings(_ path: String, _ acknowledged: Set<Int>) throws -> [String] {
        // The shared memory of a machine that lost its power is gone.
        try? FileManager.default.removeItem(atPath: path + "-shm")
        let store = try SQLiteLedgerStore(path: path)
        defer { try? store.close() }
        let stored = Set(try store.records(kind: "job").compactMap { Int(String(decoding: $0.id, as: UTF8.self)) })
        var findings: [String] = []
        if !acknowledged.isSubset(of: stored) { findings.append("lost \(acknowledged.subtracting(stored).sorted())") }
        do throws(LedgerError) { _ = try store.load() } catch { findings.append("\(error)") }
        findings += try Fsck.run(store).checks.flatMap(\.faults)
        return findings
    }

    @Test(arguments: cuts)
    func aPowerCutLosesNothingAcknowledged(seed: UInt64) async throws {
        let folder = try TemporaryFolder()
        #expect(assay_disk_install(folder.path) == 0)
        let acknowledged = try await settleUntilDark(
            folder.ledger,
            count: 60,
            seed: seed,
            cutAfter: 5 + Int(seed * 7 % 40)
        )
        #expect(!acknowledged.isEmpty && acknowledged.count < 60, "seed \(seed): \(acknowledged.count) acknowledged")
        let findings = try findings(folder.ledger, acknowledged)
        #expect(findings.isEmpty, "seed \(seed): \(findings)")
    }

    /// The control: when flushes lie, acknowledged jobs are lost, and the comparison must say so.
    @Test func aLyingDiskIsFound() async throws {
        var found = 0
        for seed in 1...6 as ClosedRange<UInt64> {
            let folder = try TemporaryFolder()
            #expect(assay_disk_install(folder.path) == 0)
            let store = try SQLiteLedgerStore(path: folder.ledger)
            var book = try store.load().book
            try await store.commit(Batch(effects: try town.open(&book, funds: 10_000_000)))
            assay_disk_lie(1)
            for number in 1...40 { try await store.commit(try job(number, &book)) }
            #expect(assay_disk_cut(seed) >= 0)
            try? store.close()
            assay_disk_restore()
            if let findings = try? findings(folder.ledger, Set(1...40)), findings.isEmpty { continue }
            found += 1
        }
        #expect(found > 0, "no lost flush was noticed")
    }

    @Test(arguments: [ASSAY_DISK_IO_ERROR, ASSAY_DISK_FULL])
    func aFailingWriteIsAnAnswer(_ failure: assay_disk_failure) async throws {
        let folder = try TemporaryFolder()
        #expect(assay_disk_install(folder.path) == 0)
        let store = try SQLiteLedgerStore(path: folder.ledger)
        var book = try store.load().book
        try await store.commit(Batch(effects: try town.open(&book, funds: 10_000_000)))
        var acknowledged: Set<Int> = []
        assay_disk_fail(200, failure)
        var refusals: [LedgerError] = []
        for number in 1...60 {
            do throws(LedgerError) {
                guard let batch = try? job(number, &book) else { break }
                try await store.commit(batch)
                acknowledged.insert(number)
            } catch {
                refusals.append(error)
            }
        }
        #expect(!refusals.isEmpty && !acknowledged.isEmpty)
        for refusal in refusals {
            switch refusal {
            case .storage, .settlementStopped, .invariant: break
            default: Issue.record("\(refusal)")
            }
        }
        // Reads go on.
        #expect(try store.account(town.alice.id) != nil)
        assay_disk_restore()
        try? store.close()
        let findings = try findings(folder.ledger, acknowledged)
        #expect(findings.isEmpty, "\(findings)")
    }
}
