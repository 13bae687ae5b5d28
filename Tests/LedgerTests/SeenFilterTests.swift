// The filter in front of the database: never a miss, and few false alarms however many keys come after it was sized.
import AssayTesting
import Testing

@testable import Ledger

@Suite struct SeenFilterTests {
    /// Hashes that are spread as those of ids are.
    private func hashes(_ numbers: Range<UInt64>) -> [UInt64] {
        var state = numbers.lowerBound &* 0x9E37_79B9_7F4A_7C15
        return numbers.map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            var word = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
            return word ^ word >> 31
        }
    }

    @Test func aFilterThatWasSizedForFewKeysTakesMany() {
        let filter = SeenFilter()
        let generation = filter.reset(expecting: 0)
        filter.complete(generation)
        let inserted = hashes(0..<400_000)
        filter.insert(inserted)
        #expect(inserted.allSatisfy(filter.mayContain))
        let alarms = hashes(1_000_000..<1_020_000).filter(filter.mayContain).count
        #expect(alarms < 400, "2 % of 20,000 keys that were never inserted")
    }

    @Test func itKnowsWhatAFileHasAndWhatComesAfter() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteLedgerStore(path: folder.ledger)
        try await fillAndAsk(store, store.filter)
        try store.close()
    }

    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "SeenFilterTests")))
    func itKnowsWhatADatabaseHasAndWhatComesAfter() async throws {
        let store = try PostgresLedgerStore.fresh()
        try await fillAndAsk(store, store.filter)
        try store.close()
    }

    /// A store with more than one piece of a filling, and some that is committed when the filter answers for itself: a key that
    /// is missing would be taken for new.
    private func fillAndAsk(_ store: any LedgerStore, _ filter: SeenFilter) async throws {
        let town = Town()
        var book = Book(history: EmptyHistory())
        func transfer(_ number: Int) throws -> LedgerEffects {
            var transfer = town.transfer("t \(number)", town.alice, town.bob, 1)
            transfer.job = digest("job", number)
            transfer.leg = "leg"
            return try book.apply(.transfer(transfer), at: 1)
        }
        var batch = Batch(effects: try town.open(&book, funds: 100_000))
        var hold = town.hold("h", 10)
        hold.job = nil
        hold.leg = ""
        batch.effects.append(try book.apply(.hold(hold, expiresAt: .max), at: 1))
        let void = Resolution(id: name("r"), hold: hold.id, legs: [], attempt: 0)
        batch.effects.append(try book.apply(.resolve(void), at: 1))
        for number in 0..<6000 { batch.effects.append(try transfer(number)) }
        try await store.commit(batch)
        _ = try store.load(recordKinds: [])
        for _ in 0..<3000 where !filter.isComplete { try await Task.sleep(for: .milliseconds(10)) }
        #expect(filter.isComplete)
        try await store.commit(Batch(effects: [try transfer(6000)]))
        for id in ["credit", "h", "r"] { #expect(try store.entry(name(id)) != nil, "\(id)") }
        // One that the filter does not know costs no read, so all can be asked for.
        for number in 0...6000 where !filter.mayContain(SeenFilter.hash(name("t \(number)"))) {
            Issue.record("transfer \(number) is unknown")
            break
        }
        for number in stride(from: 0, through: 6000, by: 400) {
            #expect(try store.entry(name("t \(number)")) != nil)
            let job = digest("job", number)
            #expect(try store.legsTaken(job: job, attempt: 0, among: ["leg", "other"]) == ["leg"])
        }
        #expect(try store.entry(name("t 6001")) == nil)
        #expect(
            !filter.mayContain(SeenFilter.hash(name("t 6001"))) || !filter.mayContain(SeenFilter.hash(name("t 6002")))
        )
    }

    @Test func untilItIsFilledItSaysPerhaps() {
        let filter = SeenFilter()
        #expect(filter.mayContain(1))
        let first = filter.reset(expecting: 10)
        let second = filter.reset(expecting: 10)
        filter.complete(first)
        #expect(filter.mayContain(1), "a filling that was begun anew counts for nothing")
        filter.complete(second)
        #expect(!filter.mayContain(1))
    }
}
