// A file of an earlier version: opened, it is the same ledger; and what a ledger's epochs add up to.
import Codecs
import Commitments
import Foundation
import GRDB
import Testing

@testable import Ledger

@Suite struct MigrationTests {
    let town = Town()

    private func settle(_ store: SQLiteLedgerStore) async throws -> Book {
        var book = Book(history: store)
        var batch = Batch(effects: try town.open(&book, funds: 1000))
        batch.effects.append(try book.apply(.hold(town.hold("h", 800), expiresAt: 100), at: 5))
        batch.effects.append(try book.apply(.resolve(town.resolution("r", of: "h", provider: 500, fee: 25)), at: 6))
        batch.effects.append(try book.apply(.hold(town.hold("h2", 70, job: 2), expiresAt: 8), at: 7))
        batch.effects.append(try book.apply(.hold(town.hold("h3", 60, job: 3), expiresAt: 100), at: 7))
        batch.effects.append(try book.apply(.expire(name("h2")), at: 9))
        batch.effects.append(try book.apply(.transfer(town.transfer("gift", town.alice, town.bob, 3)), at: 14))
        batch.receipts = [town.receipt()]
        try await store.commit(batch)
        book.release(batch)
        return book
    }

    /// The rows of `path` in a file as the fourth version wrote it.
    private func writeOld(_ path: String, rowsOf new: String) throws {
        let queue = try DatabaseQueue(path: path)
        try Schema.migrator.migrate(queue, upTo: "4 any kind of account")
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "ATTACH ? AS new", arguments: [new])
            try db.execute(
                sql: """
                    INSERT INTO account SELECT id, currency, kind, owner, debits_pending, debits_posted, credits_pending,
                        credits_posted FROM new.account;
                    INSERT INTO transfer SELECT seq, id, debit, credit, amount, currency, kind, pending_id, job, attempt, leg,
                        verdict, ruleset, at FROM new.transfer ORDER BY seq;
                    INSERT INTO hold SELECT t.id, expires_at, resolution, outcome, resolved_at
                        FROM new.hold AS h JOIN new.transfer AS t ON t.seq = h.seq;
                    INSERT INTO receipt SELECT * FROM new.receipt;
                    INSERT INTO bundle SELECT * FROM new.bundle;
                    """
            )
        }
        try queue.close()
    }

    @Test func anOldFileIsTheSameLedger() async throws {
        let folder = try TemporaryFolder()
        let first = try SQLiteLedgerStore(path: folder.ledger)
        let book = try await settle(first)
        let history = try book.accounts.keys.map { try first.transfers(of: $0, limit: 100) }
        try first.close()
        let path = folder.path + "/old.sqlite"
        try writeOld(path, rowsOf: folder.ledger)
        let store = try SQLiteLedgerStore(path: path)
        #expect(try store.load().book.accounts == book.accounts)
        #expect(try book.accounts.keys.map { try store.transfers(of: $0, limit: 100) } == history)
        let report = try Fsck.run(store)
        #expect(report.isClean, "\(report)")
        // Every earlier operation is known by its id, and the ledger goes on.
        for id in ["h", "r", "h2", "h3", "gift"] { #expect(try store.entry(name(id)) != nil, "\(id)") }
        guard case .resolution(_, let parts)? = try store.entry(name("r")) else {
            Issue.record("the resolution is unknown")
            return
        }
        #expect(parts.map(\.kind) == [.post, .post, .void])
        #expect(try store.resolution(ofHold: name("h")) == name("r"))
        #expect(try store.resolution(ofHold: name("r")) == nil)
        #expect(try store.resolution(ofHold: name("h3")) == nil)
        var later = try store.load().book
        let more = try later.apply(.transfer(town.transfer("more", town.alice, town.bob, 1)), at: 15)
        try await store.commit(Batch(effects: [more]))
        #expect(try Fsck.run(store).isClean)
        try store.close()
    }

    /// The digests as their definition says it, currency by currency and step by step.
    @Test func anEpochsDigestIsWhatItsDefinitionSays() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        _ = try await settle(store)
        let other = Town(currency: "OTHER")
        var book = try store.load().book
        var batch = Batch(effects: try other.accounts.map { try book.apply(.openAccount($0), at: 14) })
        for (index, at) in [15, 15, 29].enumerated() {
            var credit = other.credit(other.alice, 5, id: "other \(index)")
            credit.currency = "OTHER"
            batch.effects.append(try book.apply(.transfer(credit), at: Int64(at)))
            let gift = town.transfer("more \(index)", town.alice, town.bob, 1)
            batch.effects.append(try book.apply(.transfer(gift), at: Int64(at)))
        }
        try await store.commit(batch)
        var expected: [String: Digest] = [:]
        for town in [town, other] {
            let all = try Set(town.accounts.flatMap { try store.transfers(of: $0.id, limit: 1000) }.map(\.id))
            // Transfers in the order of their making.
            var made: [Transfer] = []
            try store.snapshot { snapshot throws(LedgerError) in
                try snapshot.forEachTransfer { if all.contains($0.id) { made.append($0) } }
            }
            var last = Digest.zero
            for epoch in 0...4 as ClosedRange<Int64> {
                let own = made.filter { $0.at / 7 == epoch }
                guard !own.isEmpty else { continue }
                var bytes = Array("assay-epoch-1\0".utf8) + last.bytes
                bytes.appendBigEndian(UInt64(epoch))
                for transfer in own {
                    bytes += transfer.id.bytes + transfer.debit.bytes + transfer.credit.bytes
                    bytes.appendBigEndian(UInt64(transfer.amount))
                    bytes.appendBigEndian(UInt64(transfer.at))
                }
                last = SHA256.hash(bytes)
                expected["\(town.currency) \(epoch)"] = last
            }
        }
        let epochs = try EpochSummary.all(store, seconds: 7)
        let found = epochs.map { ("\($0.currency) \($0.number)", $0.digest) }
        #expect(Dictionary(uniqueKeysWithValues: found) == expected)
        #expect(expected.count == 6)
        try store.close()
    }

    /// A look changes nothing: only who writes to a ledger brings it up to date, and nobody goes back from a later one.
    @Test func aLedgerOfAnotherVersionIsSaid() async throws {
        let folder = try TemporaryFolder()
        try SQLiteLedgerStore(path: folder.ledger).close()
        func change(_ sql: String) throws {
            let queue = try DatabaseQueue(path: folder.ledger)
            try queue.write { try $0.execute(sql: sql) }
            try queue.close()
        }
        try change("DELETE FROM grdb_migrations WHERE identifier = '6 outbox by kind'; DROP INDEX outbox_kind")
        let earlier = LedgerVersion.mismatch(
            found: Set(Schema.migrator.migrations.dropLast()),
            known: Schema.migrator.migrations,
            canStep: false,
            place: "\(folder.ledger): "
        )
        for _ in 0..<2 {
            #expect(throws: try #require(earlier)) { try SQLiteLedgerStore(path: folder.ledger, access: .read) }
        }
        try SQLiteLedgerStore(path: folder.ledger).close()
        try SQLiteLedgerStore(path: folder.ledger, access: .read).close()
        try change("INSERT INTO grdb_migrations VALUES ('99 from the future')")
        for access in [SQLiteLedgerStore.Access.read, .write] {
            #expect {
                try SQLiteLedgerStore(path: folder.ledger, access: access)
            } throws: { error in
                guard case .noLedger(.otherVersion, let detail)? = error as? LedgerError else { return false }
                return detail.contains("later version with the step '99 from the future'")
            }
        }
    }

    @Test func epochsAddUpAndNameTheHistory() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        _ = try await settle(store)
        let epochs = try EpochSummary.all(store, seconds: 7)
        #expect(epochs.map(\.number) == [0, 1, 2])
        #expect(epochs.map(\.issued).reduce(0, +) == 1000)
        #expect(epochs.map(\.held) == [800, 130, 0])
        #expect(epochs.map(\.paid) == [525, 0, 3])
        #expect(epochs.map(\.returned) == [275, 70, 0])
        #expect(epochs[0].paidTo[.fee] == 25)
        #expect(Set(epochs.map(\.digest)).count == 3)
        // A change of the past changes the names of all that follows.
        try await store.pool.writeWithoutTransaction { db in
            try db.execute(sql: "UPDATE transfer SET amount = amount + 1 WHERE kind = 'hold' AND at = 5")
        }
        let changed = try EpochSummary.all(store, seconds: 7)
        #expect(zip(epochs, changed).allSatisfy { $0.digest != $1.digest })
        #expect(EpochSummary.number(at: -1, seconds: 7) == -1)
        // Rows that no book wrote are refused, not added up to something else.
        try await store.pool.writeWithoutTransaction { db in
            try db.execute(sql: "UPDATE transfer SET amount = ? WHERE kind = 'hold'", arguments: [Int64.max])
        }
        #expect(throws: LedgerError.self) { try EpochSummary.all(store, seconds: 7) }
        try store.close()
    }
}
