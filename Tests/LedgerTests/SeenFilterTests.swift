// The filter in front of the database: never a miss, and few false alarms however many keys come after it was sized.
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
