// What an operator does with a ledger: export, backup, restore, and the names of places.
import Commitments
import Foundation
import GRDB
import Testing

@testable import Ledger

@Suite struct OperationsTests {
    let town = Town()

    /// A town with one settled job and one open hold.
    private func settle(_ store: any LedgerStore) async throws -> Book {
        var book = Book(history: store)
        var batch = Batch(effects: try town.open(&book, funds: 1000))
        batch.effects.append(try book.apply(.hold(town.hold("h", 800), expiresAt: 2_000_000_000), at: 1_700_000_000))
        let resolution = town.resolution("r", of: "h", provider: 500, fee: 25)
        batch.effects.append(try book.apply(.resolve(resolution), at: 1_700_086_400))
        batch.effects.append(
            try book.apply(.hold(town.hold("h2", 70, job: 2), expiresAt: 2_000_000_000), at: 1_700_086_401)
        )
        batch.receipts = [town.receipt()]
        try await store.commit(batch)
        return book
    }

    private func export(_ format: LedgerExport.Format) async throws -> (text: String, count: Int) {
        let store = MemoryLedgerStore()
        _ = try await settle(store)
        var text = ""
        let count = try LedgerExport(format).run(store) { text += $0 }
        return (text, count)
    }

    @Test func csvHasEveryTransfer() async throws {
        let (text, count) = try await export(.csv)
        let lines = text.split(separator: "\r\n")
        #expect(count == 6 && lines.count == 7)
        #expect(lines[0].hasPrefix("time,id,kind,debit,credit,amount,currency"))
        #expect(lines.allSatisfy { $0.split(separator: ",", omittingEmptySubsequences: false).count == 13 })
        #expect(lines[3].hasPrefix("2023-11-15T22:13:20Z,"))
        #expect(
            lines.dropFirst().map { $0.split(separator: ",")[2] } == ["credit", "hold", "post", "post", "void", "hold"]
        )
    }

    /// Every entry sums to nothing, and the assertions are the sums of the entries.
    @Test func beancountAddsUp() async throws {
        let (text, count) = try await export(.beancount)
        #expect(count == 3)
        var sums: [Substring: Int] = [:]
        var asserted: [Substring: Int] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("  "), words.count == 3, words[2] == "CREDIT" {
                sums[words[0], default: 0] += try #require(Int(words[1]))
            } else if words.count == 5, words[1] == "balance" {
                #expect(words[0] == "2023-11-16")
                asserted[words[2]] = Int(words[3])
            }
        }
        #expect(sums.values.reduce(0, +) == 0)
        #expect(asserted.filter { $0.value != 0 } == sums)
        #expect(asserted.count == town.accounts.count)
        let opened = text.split(separator: "\n").filter { $0.contains(" open ") }.count
        #expect(opened == town.accounts.count)
    }

    @Test func ledgerTextAddsUp() async throws {
        let (text, count) = try await export(.ledger)
        #expect(count == 3)
        let amounts = text.split(separator: "\n").filter { $0.hasSuffix(" CREDIT") }
            .compactMap { Int($0.split(separator: " ")[1]) }
        #expect(amounts.count == 6 && amounts.reduce(0, +) == 0)
        #expect(text.contains("2023/11/15 * provider") || text.contains("2023/11/16 * provider"))
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (951_782_400, "2000-02-29T00:00:00Z"), (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
        ] as [(Int64, String)]
    )
    func dates(seconds: Int64, text: String) {
        #expect(CivilTime(seconds: seconds).text == text)
    }

    @Test func aBackupComesBack() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        let book = try await settle(store)
        try store.backup(to: folder.path + "/backup")
        try store.close()
        let there = folder.path + "/there.sqlite"
        #expect(try SQLiteLedgerStore.restore(backup: folder.path + "/backup", to: there).isClean)
        let restored = try SQLiteLedgerStore(path: there, access: .read)
        #expect(try restored.load().book.accounts == book.accounts)
        try restored.close()
        #expect(throws: LedgerError.self) {
            try SQLiteLedgerStore.restore(backup: folder.path + "/backup", to: there)
        }
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(!left.contains { $0.contains("restoring") }, "\(left)")
    }

    @Test func aDamagedBackupIsRefused() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        _ = try await settle(store)
        try await store.pool.writeWithoutTransaction { db in
            try db.execute(sql: "UPDATE transfer SET amount = amount + 1 WHERE kind = 'credit'")
        }
        try store.backup(to: folder.path + "/backup")
        try store.close()
        #expect(throws: LedgerError.self) {
            try SQLiteLedgerStore.restore(backup: folder.path + "/backup", to: folder.path + "/there.sqlite")
        }
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/there.sqlite"))
    }

    @Test func places() throws {
        #expect(try LedgerLocation(text: "/var/lib/x.sqlite") == .file(path: "/var/lib/x.sqlite"))
        #expect(try LedgerLocation(text: "sqlite:x") == .file(path: "x"))
        let url = "postgres://assay:secret@db/assay"
        #expect(try LedgerLocation(text: url) == .postgres(url: url))
        #expect(try LedgerLocation(text: url).publicText == "postgres://assay@db/assay")
        #expect(throws: (any Error).self) { try LedgerLocation(text: "mysql://x") }
        #expect(throws: (any Error).self) { try LedgerLocation(text: "") }
    }
}
