// Repeated timings of one piece of work, and what they say: mean, spread, and whether they differ from earlier ones.
internal import Codecs
internal import Foundation

/// The timings of one case.
struct Measurement: Sendable, Equatable {
    /// What was measured: `pairing/bn254`.
    var name: String
    /// Its size, in the case's own measure.
    var size: Int
    /// Nanoseconds of processor time of one run each, in the order in which they were taken.
    var samples: [Double]

    var mean: Double { samples.reduce(0, +) / Double(samples.count) }

    /// The standard deviation of the sample (Bessel's correction).
    var deviation: Double {
        guard samples.count > 1 else { return 0 }
        let mean = mean
        return (samples.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(samples.count - 1)).squareRoot()
    }

    var median: Double {
        let sorted = samples.sorted()
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }

    /// Takes timings. One sample is so many runs that it takes at least ten milliseconds.
    static func take(
        _ name: String,
        size: Int,
        samples: Int,
        _ stopwatch: Stopwatch,
        _ body: () -> Void
    ) -> Measurement {
        let shortest: UInt64 = 10_000_000
        body()
        var begin = stopwatch.processor()
        body()
        let once = max(1, stopwatch.processor() - begin)
        let runs = once >= shortest ? 1 : Int(shortest / once) + 1
        var times: [Double] = []
        for _ in 0..<samples {
            begin = stopwatch.processor()
            for _ in 0..<runs { body() }
            times.append(Double(stopwatch.processor() - begin) / Double(runs))
        }
        return Measurement(name: name, size: size, samples: times)
    }

    /// The member of `results` in a document. Times are whole nanoseconds: documents hold no fractions.
    var json: JSONObject {
        func number(_ value: Double) -> JSONValue { .integer(Int64(value.rounded())) }
        return [
            "name": .string(name), "size": .integer(size), "unit": .string("ns"), "mean": number(mean),
            "deviation": number(deviation), "min": number(samples.min() ?? 0), "max": number(samples.max() ?? 0),
            "median": number(median), "samples": .array(samples.map(number)),
        ]
    }

    /// Reads what `json` wrote, with or without further members.
    init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        name = try reader.string("name", maxBytes: 128)
        size = Int(try reader.integer("size", in: 1...Int64(Int32.max)))
        try reader.constant("unit", "ns")
        samples = try reader.array("samples", max: 10_000) { (value, path) throws(ParseError) -> Double in
            guard case .number(let number) = value, let integer = number.integer, integer >= 0 else {
                throw ParseError(field: path, expected: "nanoseconds", actual: value.typeName)
            }
            return Double(integer)
        }
        guard !samples.isEmpty else { throw ParseError(field: field, expected: "at least one sample", actual: "none") }
    }

    init(name: String, size: Int, samples: [Double]) {
        self.name = name
        self.size = size
        self.samples = samples
    }
}

/// Whether something became faster or slower.
enum Comparison: String, Sendable {
    case fast = "FAST"
    case same = "SAME"
    case slow = "SLOW"

    /// The chance of calling equal things different that is put up with.
    static let significance = 0.01

    /// Judges new timings against old ones.
    ///
    /// They differ when two things hold: the two-sided Mann-Whitney test, which asks only about ranks and so is not moved by
    /// a few slow outliers, finds them different at one per cent; and the medians are apart by more than `threshold`. The
    /// second keeps a difference that is certain but does not matter from counting.
    init(_ new: [Double], against old: [Double], threshold: Double) {
        let ratio = Self.median(new) / max(Self.median(old), 1)
        guard abs(ratio - 1) > threshold, Self.mannWhitney(new, old) < Self.significance else {
            self = .same
            return
        }
        self = ratio < 1 ? .fast : .slow
    }

    private static func median(_ samples: [Double]) -> Double {
        Measurement(name: "", size: 1, samples: samples).median
    }

    /// The two-sided p value of the Mann-Whitney U test by the normal approximation with corrections for ties and
    /// continuity; good from about eight samples on each side.
    static func mannWhitney(_ a: [Double], _ b: [Double]) -> Double {
        let all = (a.map { ($0, true) } + b.map { ($0, false) }).sorted { $0.0 < $1.0 }
        var rankSum = 0.0
        var ties = 0.0
        var start = 0
        while start < all.count {
            var end = start
            while end < all.count && all[end].0 == all[start].0 { end += 1 }
            let count = Double(end - start)
            let rank = Double(start + end + 1) / 2
            rankSum += rank * Double(all[start..<end].count { $0.1 })
            ties += count * count * count - count
            start = end
        }
        let (n, m) = (Double(a.count), Double(b.count))
        let u = rankSum - n * (n + 1) / 2
        let total = n + m
        let variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
        guard variance > 0 else { return 1 }
        let distance = max(0, abs(u - n * m / 2) - 0.5)
        return erfc(distance / variance.squareRoot() / 2.0.squareRoot())
    }
}
