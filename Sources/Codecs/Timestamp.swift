// Times as people read them: RFC 3339 in UTC, to the second, without a calendar library.

/// A time as text.
public enum Timestamp {
    /// The last second that has four digits of year.
    public static let latest: Int64 = 253_402_300_799

    /// `2026-11-21T05:40:00Z` for seconds since 1970-01-01 UTC; times before 1970 or after 9999 are cut to those.
    public static func text(_ seconds: Int64) -> String {
        let time = min(max(seconds, 0), latest)
        let (year, month, day) = civil(days: time / 86_400)
        let rest = time % 86_400
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
            + "T\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))Z"
    }

    /// Reads RFC 3339 §5.6 in UTC (`Z`), to the second: `2026-11-21T05:40:00Z`.
    /// - Throws: `ParseError` for another form, another offset, fractions, days that do not exist and leap seconds.
    public static func parse(_ text: String, field: String = "time") throws(ParseError) -> Int64 {
        let error = ParseError(field: field, expected: "a UTC time such as 2026-11-21T05:40:00Z", actual: text)
        let bytes = Array(text.utf8)
        let form = Array("dddd-dd-ddTdd:dd:ddZ".utf8)
        guard bytes.count == form.count else { throw error }
        var numbers: [Int64] = [0]
        for (byte, wanted) in zip(bytes, form) {
            if wanted == UInt8(ascii: "d") {
                guard byte >= 0x30, byte <= 0x39 else { throw error }
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int64(byte - 0x30)
            } else {
                guard byte == wanted else { throw error }
                numbers.append(0)
            }
        }
        let days = self.days(year: numbers[0], month: numbers[1], day: numbers[2])
        guard numbers[0] >= 1970, (1...12).contains(numbers[1]),
            civil(days: days) == (numbers[0], numbers[1], numbers[2]),
            numbers[3] < 24, numbers[4] < 60, numbers[5] < 60
        else { throw error }
        return days * 86_400 + numbers[3] * 3600 + numbers[4] * 60 + numbers[5]
    }

    /// Days since 1970-01-01 of a date in the proleptic Gregorian calendar. The year is counted from March, so that the
    /// leap day is its last; 400 years have 146 097 days.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }

    private static func civil(days: Int64) -> (Int64, Int64, Int64) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
        return (year, month < 10 ? month + 3 : month - 9, day)
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
