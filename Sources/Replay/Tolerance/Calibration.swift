// On what the bounds of a tolerance rest: how often honest and altered runs were tried, and what follows from that about the
// error rates, by the interval of Clopper and Pearson (Biometrika 26, 1934).
public import Codecs
internal import Glibc

extension ReplaySpec {
    /// The exponent, in thousandths of a bit, of the error with which a whole replay accepts: `nil`, for none, where bits are
    /// compared; else what the calibration allows.
    public var errorMillibits: Int64? { calibration?.millibits }
}

/// The trials with which the author of a spec chose its bounds. They are the author's word: a verdict states them.
public struct Calibration: Sendable, Equatable {
    /// Runs of one kind and how many of them ended the wrong way.
    public struct Trials: Sendable, Equatable {
        /// How many runs there were.
        public var runs: UInt64
        /// How many of them failed: honest runs that were rejected, or altered runs that were accepted.
        public var failures: UInt64

        /// Reports trials; at most as many failures as runs, and at least one run.
        public init(runs: UInt64, failures: UInt64) {
            self.runs = runs
            self.failures = failures
        }

        /// The largest rate of failure that these trials do not exclude, at 95 % one-sided confidence.
        ///
        /// The upper end of the interval of Clopper and Pearson: the p for which so few failures have a probability of 5 %.
        public var failureRateMax: Double {
            guard failures < runs else { return 1 }
            var low = 0.0
            var high = 1.0
            for _ in 0..<60 {
                let middle = (low + high) / 2
                if probabilityOfAtMost(failures, rate: middle) > 0.05 { low = middle } else { high = middle }
            }
            return high
        }

        /// P(X ≤ `count`) for X binomial over `runs` trials with this rate.
        private func probabilityOfAtMost(_ count: UInt64, rate: Double) -> Double {
            guard rate > 0 else { return 1 }
            guard rate < 1 else { return 0 }
            // Each term from the one before it, as logarithms, which neither overflow nor vanish.
            let (n, logRate, logRest) = (Double(runs), log(rate), log1p(-rate))
            var term = n * logRest
            var sum = exp(term)
            for index in 0..<count {
                let k = Double(index)
                term += log((n - k) / (k + 1)) + logRate - logRest
                sum += exp(term)
            }
            return min(1, sum)
        }
    }

    /// The most trials of one kind, and the most failures among them: bounds of the work of computing a rate.
    static let runsMax: UInt64 = 1 << 40
    static let failuresMax: UInt64 = 4096

    /// Honest runs; a failure is a rejection.
    public var honest: Trials
    /// Runs with a wrong result; a failure is an acceptance.
    public var altered: Trials

    /// States trials.
    public init(honest: Trials, altered: Trials) {
        self.honest = honest
        self.altered = altered
    }

    /// The exponent of the false-accept rate, in thousandths of a bit, rounded towards no soundness.
    public var millibits: Int64 {
        max(0, Int64((-log2(altered.failureRateMax) * 1000).rounded(.down)))
    }

    /// Both rates in a sentence, rounded up.
    public var statement: String {
        "\(honest.failures) of \(honest.runs) honest runs rejected (at most \(Self.percent(honest.failureRateMax))), "
            + "\(altered.failures) of \(altered.runs) altered runs accepted "
            + "(at most \(Self.percent(altered.failureRateMax))), at 95 % confidence, by the author of the spec"
    }

    /// A rate in hundredths of a per cent, rounded up.
    private static func percent(_ rate: Double) -> String {
        let hundredths = Int((rate * 10_000).rounded(.up))
        let rest = String(100 + hundredths % 100).dropFirst()
        return "\(hundredths / 100).\(rest) %"
    }

    /// The member `calibration`, which a class has that is not bit-exact and no other.
    static func optional(
        _ reader: inout JSONReader,
        replayClass: ReplaySpec.Class
    ) throws(ParseError) -> Calibration? {
        guard replayClass.isBitExact else { return try Calibration(&reader) }
        guard !reader.has("calibration") else {
            let expected = "nothing: class \(replayClass.rawValue) has no bounds"
            throw ParseError(field: reader.path("calibration"), expected: expected, actual: "trials")
        }
        return nil
    }

    private init(_ reader: inout JSONReader) throws(ParseError) {
        var object = try reader.object("calibration")
        honest = try Self.trials("honest", &object)
        altered = try Self.trials("altered", &object)
        try object.finish()
    }

    private static func trials(_ member: String, _ reader: inout JSONReader) throws(ParseError) -> Trials {
        var object = try reader.object(member)
        let runs = try object.decimal("runs", in: 1...runsMax)
        let failures = try object.decimal("failures", in: 0...min(runs, failuresMax))
        try object.finish()
        return Trials(runs: runs, failures: failures)
    }

    var json: JSONValue {
        let trials = { (trials: Trials) in
            JSONValue.object(["runs": .string(String(trials.runs)), "failures": .string(String(trials.failures))])
        }
        return .object(["honest": trials(honest), "altered": trials(altered)])
    }
}
