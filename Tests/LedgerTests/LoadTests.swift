// The start-up image is one moment of the ledger, though its parts are read side by side.
import Testing

@testable import Ledger

@Suite struct LoadTests {
    /// Every commit moves seven units and counts itself in a row: an image whose parts are of two moments shows it.
    @Test func moneyAndRowsAreOfOneMoment() async throws {
        let folder = try TemporaryFolder()
        // One batch a commit, so that there are many moments.
        let store = try SQLiteLedgerStore(path: folder.ledger, access: .write, limits: .init(batches: 1))
        let town = Town()
        var book = Book(history: store)
        try await store.commit(Batch(effects: try town.open(&book, funds: 100_000)))
        var tickets: [CommitTicket] = []
        var loads = 0
        for number in 1...300 {
            let effects = try book.apply(.transfer(town.transfer("t\(number)", town.alice, town.bob, 7)), at: 5)
            let count = Record(kind: "count", id: [1], body: Array("\(number)".utf8))
            tickets.append(store.submit(Batch(effects: [effects], records: [count])))
            guard number % 20 == 0 else { continue }
            let image = try store.load()
            let counted = image.records.first?.body.flatMap { Int64(String(decoding: $0, as: UTF8.self)) } ?? 0
            #expect(image.book.accounts[town.bob.id]?.balance == 7 * counted)
            loads += 1
        }
        for ticket in tickets { try await ticket.durable() }
        #expect(loads == 15)
        let image = try store.load(recordKinds: [])
        #expect(image.records.isEmpty && image.book.accounts[town.bob.id]?.balance == 2100)
        try store.close()
    }

    @Test func aReaderBesideTheWriterLoadsTheSame() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        let town = Town()
        var book = Book(history: store)
        let effects = try town.open(&book, funds: 1000)
        let rows = ["b", "a"].map { Record(kind: $0, id: [1], body: [2]) }
        try await store.commit(Batch(effects: effects, records: rows))
        let reader = try SQLiteLedgerStore(path: folder.ledger, access: .read)
        let (here, there) = (try store.load(), try reader.load())
        #expect(here.book.accounts == there.book.accounts && here.book.holds == there.book.holds)
        #expect(here.records == rows.reversed() && there.records == here.records)
        try reader.close()
        try store.close()
    }
}
