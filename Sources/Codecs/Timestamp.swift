// Points in time as whole seconds, and their two texts: RFC 3339 in documents, UTCTime and GeneralizedTime in certificates.

/// A point in time in seconds since 1970-01-01T00:00:00Z, without leap seconds.
///
/// Assay reads no clock: a time is always an argument.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z; negative before it.
    public var seconds: Int64

    /// The time `seconds` after 1970-01-01T00:00:00Z.
    public init(seconds: Int64) {
        self.seconds = seconds
    }

    /// A date and a time of day in UTC.
    /// - Throws: `ParseError` for a day or a time of day that does not exist, and for years outside 0...9999.
    public init(
        year: Int,
        month: Int,
        day: Int,
        hour: Int,
        minute: Int,
        second: Int,
        field: String = ""
    ) throws(ParseError) {
        let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (0...9999).contains(year), (1...12).contains(month), (1...lengths[month - 1]).contains(day),
            (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
        else {
            let actual = "\(year)-\(month)-\(day) \(hour):\(minute):\(second)"
            throw ParseError(field: field, expected: "an existing date and time", actual: actual)
        }
        let days = Self.daysFromCivil(year: year, month: month, day: day)
        seconds = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// Reads `YYYY-MM-DDThh:mm:ssZ` (RFC 3339 with `T` and `Z`, without fractions).
    public init(_ text: String, field: String = "") throws(ParseError) {
        let bytes = Array(text.utf8)
        let shape = Array("0000-00-00T00:00:00Z".utf8)
        var isShaped = bytes.count == shape.count
        if isShaped {
            for (byte, wanted) in zip(bytes, shape) {
                let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
                isShaped = isShaped && (wanted == UInt8(ascii: "0") ? isDigit : byte == wanted)
            }
        }
        guard isShaped else {
            throw ParseError(field: field, expected: "a time as YYYY-MM-DDThh:mm:ssZ", actual: text)
        }
        try self.init(
            year: Self.number(bytes[0..<4]),
            month: Self.number(bytes[5..<7]),
            day: Self.number(bytes[8..<10]),
            hour: Self.number(bytes[11..<13]),
            minute: Self.number(bytes[14..<16]),
            second: Self.number(bytes[17..<19]),
            field: field
        )
    }

    /// Reads the content of a DER UTCTime (`YYMMDDhhmmssZ`, years 1950–2049) or GeneralizedTime (`YYYYMMDDhhmmssZ`).
    /// Source: RFC 5280 §4.1.2.5.
    public init(derDigits: ArraySlice<UInt8>, isGeneralized: Bool, field: String = "") throws(ParseError) {
        let width = isGeneralized ? 14 : 12
        let digits = derDigits.dropLast()
        guard digits.count == width, derDigits.last == UInt8(ascii: "Z"),
            digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
        else {
            let expected = "\(width) digits and 'Z'"
            throw ParseError(field: field, expected: expected, actual: String(decoding: derDigits, as: UTF8.self))
        }
        let start = digits.startIndex + width - 10
        var year = Self.number(digits[digits.startIndex..<start])
        if !isGeneralized { year += year < 50 ? 2000 : 1900 }
        func pair(_ index: Int) -> Int { Self.number(digits[start + 2 * index..<start + 2 * index + 2]) }
        try self.init(
            year: year,
            month: pair(0),
            day: pair(1),
            hour: pair(2),
            minute: pair(3),
            second: pair(4),
            field: field
        )
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int {
        digits.reduce(0) { $0 * 10 + Int($1 &- UInt8(ascii: "0")) }
    }

    /// Days from 1970-01-01 in the proleptic Gregorian calendar (H. Hinnant, "chrono-Compatible Low-Level Date
    /// Algorithms": years begin in March, so that the leap day is the last of its year).
    private static func daysFromCivil(year: Int, month: Int, day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// From the first second of the year 0 to the last of the year 9999: the times that have a text.
    private static let textRange: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// `YYYY-MM-DDThh:mm:ssZ`; a time outside the years 0...9999 has the text of the nearest second inside.
    public var text: String {
        let seconds = min(max(self.seconds, Self.textRange.lowerBound), Self.textRange.upperBound)
        let days = Int((seconds >= 0 ? seconds : seconds - 86_399) / 86_400)
        let rest = Int(seconds - Int64(days) * 86_400)
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return String(unsafeUninitializedCapacity: 20) { output in
            var position = 0
            func put(_ value: Int, _ width: Int, _ end: UInt8) {
                var rest = value
                for index in stride(from: position + width - 1, through: position, by: -1) {
                    output[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
                output[position + width] = end
                position += width + 1
            }
            put(year, 4, UInt8(ascii: "-"))
            put(month, 2, UInt8(ascii: "-"))
            put(day, 2, UInt8(ascii: "T"))
            put(rest / 3600, 2, UInt8(ascii: ":"))
            put(rest / 60 % 60, 2, UInt8(ascii: ":"))
            put(rest % 60, 2, UInt8(ascii: "Z"))
            return position
        }
    }

    public var description: String { text }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.seconds < right.seconds
    }

    /// The time `seconds` later, or the last one that there is.
    public func adding(seconds: Int64) -> Timestamp {
        let (sum, overflow) = self.seconds.addingReportingOverflow(seconds)
        return Timestamp(seconds: overflow ? (seconds > 0 ? Int64.max : Int64.min) : sum)
    }
}

extension Timestamp {
    /// The last second that has four digits of year.
    public static let latest: Int64 = 253_402_300_799

    /// `2026-11-21T05:40:00Z` for seconds since 1970-01-01 UTC; times before 1970 or after 9999 are cut to those.
    public static func text(_ seconds: Int64) -> String {
        Timestamp(seconds: min(max(seconds, 0), latest)).text
    }

    /// The seconds since 1970-01-01 UTC of a time such as `2026-11-21T05:40:00Z`.
    /// - Throws: `ParseError` for another form, another offset, fractions, days that do not exist, leap seconds and times
    ///   before 1970.
    public static func parse(_ text: String, field: String = "time") throws(ParseError) -> Int64 {
        let time = try Timestamp(text, field: field)
        guard time.seconds >= 0 else {
            throw ParseError(field: field, expected: "a time from 1970 on", actual: text)
        }
        return time.seconds
    }
}
