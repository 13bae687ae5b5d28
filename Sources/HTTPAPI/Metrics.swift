// Counters and durations of requests, and the text exposition format of Prometheus (prometheus.io, "Exposition formats",
// text format version 0.0.4). Names: one prefix, base units, `_total` for counters; no id is ever a label.
internal import Synchronization

/// A measured value at one moment.
public struct MetricSample: Sendable, Equatable {
    /// Whether a value may go down.
    public enum Kind: String, Sendable {
        case gauge
        case counter
    }

    /// The metric's name: `assay_jobs`. Letters, digits and `_`.
    public var name: String
    /// What it measures, in a sentence.
    public var help: String
    public var kind: Kind
    /// Labels in order. Never an id of a job, a node or an account: their number has no bound.
    public var labels: [(name: String, value: String)]
    public var value: Double

    /// Makes a sample.
    public init(
        _ name: String,
        help: String,
        kind: Kind = .gauge,
        labels: [(name: String, value: String)] = [],
        value: Double
    ) {
        self.name = name
        self.help = help
        self.kind = kind
        self.labels = labels
        self.value = value
    }

    public static func == (left: MetricSample, right: MetricSample) -> Bool {
        left.name == right.name && left.help == right.help && left.kind == right.kind && left.value == right.value
            && left.labels.map(\.name) == right.labels.map(\.name)
            && left.labels.map(\.value) == right.labels.map(\.value)
    }
}

/// Something that an engine needs in order to take work.
public struct ReadinessCheck: Sendable, Equatable {
    /// A stable word: `store`, `device`, `clock`.
    public var id: String
    public var isReady: Bool
    /// What is the matter, or what was found.
    public var detail: String

    /// Makes a check.
    public init(id: String, isReady: Bool, detail: String) {
        self.id = id
        self.isReady = isReady
        self.detail = detail
    }
}

/// What the process behind the interface tells about itself.
public protocol MetricsSource: Sendable {
    /// The values at this moment, samples of one name one after another.
    func samples() async -> [MetricSample]
    /// What must hold before the engine takes work.
    func readiness() async -> [ReadinessCheck]
}

/// A source that has nothing to tell.
public struct NoMetrics: MetricsSource {
    /// A source that has nothing to tell.
    public init() {}
    public func samples() async -> [MetricSample] { [] }
    public func readiness() async -> [ReadinessCheck] { [] }
}

/// Counts requests and sorts their durations into buckets.
final class RequestMetrics: Sendable {
    /// Upper bounds in seconds.
    static let bounds: [Double] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10]

    private struct Series: Hashable {
        var method: String
        var route: String
        var code: Int
    }

    private struct Distribution {
        var counts = [UInt64](repeating: 0, count: RequestMetrics.bounds.count + 1)
        var sumSeconds = 0.0
        var total: UInt64 { counts.reduce(0, +) }
    }

    private let state = Mutex<[Series: Distribution]>([:])

    /// Counts one answered request. `route` is a pattern of the table, so that the number of series stays bounded.
    func record(method: String, route: String, code: Int, seconds: Double) {
        state.withLock { series in
            let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
            series[Series(method: method, route: route, code: code), default: Distribution()].counts[bucket] += 1
            series[Series(method: method, route: route, code: code), default: Distribution()].sumSeconds += seconds
        }
    }

    /// Everything in the text exposition format.
    func exposition(_ samples: [MetricSample]) -> String {
        var text = ""
        var previous = ""
        for sample in samples {
            if sample.name != previous {
                text += "# HELP \(sample.name) \(Self.escape(sample.help))\n"
                text += "# TYPE \(sample.name) \(sample.kind.rawValue)\n"
                previous = sample.name
            }
            text += "\(sample.name)\(Self.labels(sample.labels)) \(Self.number(sample.value))\n"
        }
        return text + requests()
    }

    private func requests() -> String {
        let all = state.withLock { $0 }
            .sorted { ($0.key.route, $0.key.method, $0.key.code) < ($1.key.route, $1.key.method, $1.key.code) }
        guard !all.isEmpty else { return "" }
        let name = "http_server_request_duration_seconds"
        var text = "# HELP http_server_requests_total Requests answered.\n# TYPE http_server_requests_total counter\n"
        for (series, distribution) in all {
            text += "http_server_requests_total\(Self.labels(Self.labels(of: series))) \(distribution.total)\n"
        }
        text += "# HELP \(name) How long answering took.\n# TYPE \(name) histogram\n"
        for (series, distribution) in all {
            let labels = Self.labels(of: series)
            var sum: UInt64 = 0
            for (index, count) in distribution.counts.enumerated() {
                sum += count
                let bound = index < Self.bounds.count ? Self.number(Self.bounds[index]) : "+Inf"
                text += "\(name)_bucket\(Self.labels(labels + [("le", bound)])) \(sum)\n"
            }
            text += "\(name)_sum\(Self.labels(labels)) \(Self.number(distribution.sumSeconds))\n"
            text += "\(name)_count\(Self.labels(labels)) \(sum)\n"
        }
        return text
    }

    private static func labels(of series: Series) -> [(name: String, value: String)] {
        [("method", series.method), ("route", series.route), ("code", String(series.code))]
    }

    private static func labels(_ labels: [(name: String, value: String)]) -> String {
        guard !labels.isEmpty else { return "" }
        return "{" + labels.map { "\($0.name)=\"\(escape($0.value, quotes: true))\"" }.joined(separator: ",") + "}"
    }

    private static func escape(_ text: String, quotes: Bool = false) -> String {
        var output = ""
        for character in text {
            switch character {
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\"" where quotes: output += "\\\""
            default: output.append(character)
            }
        }
        return output
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }
}
