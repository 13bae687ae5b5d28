// RFC 3339 times against known values and against themselves over all of their range.
import Codecs
import Testing

struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", Int64(0)), ("2000-02-29T23:59:59Z", 951_868_799),
        ("2001-09-09T01:46:40Z", 1_000_000_000),
        ("2026-11-21T05:40:00Z", 1_795_239_600), ("2100-03-01T00:00:00Z", 4_107_542_400),
        ("9999-12-31T23:59:59Z", Timestamp.latest),
    ])
    func knownTimes(text: String, seconds: Int64) throws {
        #expect(Timestamp.text(seconds) == text)
        #expect(try Timestamp.parse(text) == seconds)
    }

    @Test func everyDayIsReadBack() throws {
        var day: Int64 = 0
        while day * 86_400 < Timestamp.latest {
            let seconds = day * 86_400 + day % 86_400
            #expect(try Timestamp.parse(Timestamp.text(seconds)) == seconds)
            day += 97
        }
    }

    @Test(arguments: [
        "", "2026-11-21", "2026-11-21T05:40:00", "2026-11-21T05:40:00+00:00", "2026-11-21 05:40:00Z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "1969-12-31T23:59:59Z",
        "2026-11-21T05:40:00.5Z", "２026-11-21T05:40:00Z",
    ])
    func otherFormsAreRefused(text: String) {
        #expect(throws: ParseError.self) { try Timestamp.parse(text) }
    }
}
