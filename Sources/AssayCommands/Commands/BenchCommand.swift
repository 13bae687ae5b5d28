// `assay bench`: how fast this machine is at what verification is made of, and whether that changed.
internal import ArgumentParser
internal import Codecs
internal import Foundation

struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure the arithmetic that verification is made of.",
        subcommands: [BenchRun.self]
    )
}

struct BenchRun: ToolCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Measure pairing, msm, ntt, groth16 or kzg, and compare with an earlier run.",
        discussion: """
            Times are processor time of one thread, for one run of the whole size. A baseline is the --json document of an
            earlier run. FAST or SLOW is said when the Mann-Whitney test finds the timings different at one per cent and the
            medians differ by more than --threshold; SAME otherwise. Exit code 0: measured, nothing slower. 5: something is
            SLOW. 3: nothing in the baseline to compare with.
            """
    )

    @Argument(help: "pairing, msm, ntt, groth16 or kzg.")
    var subject: String
    @Option(help: ArgumentHelp("Sizes: 64, 1,16,64, 2^12 or 2^10..2^16, in powers of two.", valueName: "list"))
    var sizes: String?
    @Option(help: ArgumentHelp("Timings of each case, 5 to 1000.", valueName: "number"))
    var samples = 12
    @Option(help: ArgumentHelp("An earlier run to compare with.", valueName: "file"))
    var baseline: String?
    @Option(help: ArgumentHelp("Differences of medians up to this many per cent are SAME.", valueName: "percent"))
    var threshold = 5
    @OptionGroup var global: GlobalOptions

    /// One row of the result.
    private struct Row {
        var measurement: Measurement
        var comparison: (old: Measurement, word: Comparison)?
    }

    func answer(_ tool: Tool) async throws(Failure) -> Answer {
        guard let subject = BenchSubject(rawValue: subject) else {
            let expected = "one of " + BenchSubject.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(option: "subject", ParseError(field: "subject", expected: expected, actual: self.subject))
        }
        guard (5...1000).contains(samples) else {
            throw Failure(
                option: "--samples",
                ParseError(field: "samples", expected: "5 to 1000", actual: "\(samples)")
            )
        }
        guard (0...1000).contains(threshold) else {
            let error = ParseError(field: "threshold", expected: "0 to 1000 per cent", actual: "\(threshold)")
            throw Failure(option: "--threshold", error)
        }
        let sizes = try self.sizes.map { text throws(Failure) in
            try Failure.parsing("--sizes") { () throws(ParseError) in try Self.sizes(text, subject) }
        }
        let old = try baseline.map { path throws(Failure) in try Self.read(path) }
        var rows: [Row] = []
        let progress = Progress(tool, "bench")
        let all = sizes ?? subject.sizes
        for (index, size) in all.enumerated() {
            for (name, body) in subject.cases(size: size) {
                guard !Task.isCancelled else { throw .interrupted }
                let measurement = Measurement.take(name, size: size, samples: samples, tool.stopwatch, body)
                var row = Row(measurement: measurement)
                if let match = old?.first(where: { $0.name == name && $0.size == size }) {
                    let word = Comparison(
                        measurement.samples,
                        against: match.samples,
                        threshold: Double(threshold) / 100
                    )
                    row.comparison = (match, word)
                }
                rows.append(row)
            }
            progress.show(UInt64(index + 1), of: UInt64(all.count), "sizes")
        }
        progress.finish()
        return answer(rows, subject, tool.style)
    }

    private func answer(_ rows: [Row], _ subject: BenchSubject, _ style: Style) -> Answer {
        let slow = rows.filter { $0.comparison?.word == .slow }
        let results = rows.map { row -> JSONValue in
            var object = row.measurement.json
            if let (old, word) = row.comparison {
                object["baselineMedian"] = .integer(Int64(old.median.rounded()))
                object["ratio"] = .string(Self.ratio(row.measurement, old))
                object["verdict"] = .string(word.rawValue)
            }
            return .object(object)
        }
        var answer = Answer(
            members: [
                "subject": .string(subject.rawValue), "sizeCounts": .string(subject.unit),
                "machine": .string(Machine.processor), "thresholdPercent": .integer(threshold),
                "results": .array(results),
            ],
            lines: lines(rows, style) + ["size counts \(subject.unit); \(Machine.processor)"]
        )
        if let first = slow.first {
            answer.status = .regression
            answer.failure = Failure(
                .regression,
                "bench.slow",
                "\(slow.count) of \(rows.count) measurements are slower than the baseline",
                field: "\(first.measurement.name) \(first.measurement.size)",
                expected: Self.time(first.comparison?.old.median ?? 0),
                actual: Self.time(first.measurement.median)
            )
        } else if let baseline, rows.allSatisfy({ $0.comparison == nil }) {
            answer.status = .incomplete
            answer.failure = Failure(
                .incomplete,
                "bench.nothingToCompare",
                "\(baseline): nothing of what was measured is in the baseline",
                field: baseline,
                expected: rows.map { "\($0.measurement.name) \($0.measurement.size)" }.joined(separator: ", "),
                actual: "none of them"
            )
        }
        return answer
    }

    private func lines(_ rows: [Row], _ style: Style) -> [String] {
        var header = ["name", "size", "mean ± σ", "min … max"]
        if baseline != nil { header += ["vs base", "verdict"] }
        return Table.lines(
            header,
            rows.map { row in
                let measurement = row.measurement
                var cells = [
                    measurement.name, "\(measurement.size)",
                    "\(Self.time(measurement.mean)) ± \(Self.time(measurement.deviation))",
                    "\(Self.time(measurement.samples.min() ?? 0)) … \(Self.time(measurement.samples.max() ?? 0))",
                ]
                guard baseline != nil else { return cells }
                if let (old, word) = row.comparison {
                    cells.append("x" + Self.ratio(measurement, old))
                    switch word {
                    case .fast: cells.append(style.good(word.rawValue))
                    case .same: cells.append(word.rawValue)
                    case .slow: cells.append(style.bad(word.rawValue))
                    }
                } else {
                    cells += ["-", "NEW"]
                }
                return cells
            }
        )
    }

    private static func ratio(_ new: Measurement, _ old: Measurement) -> String {
        String(format: "%.2f", new.median / max(old.median, 1))
    }

    /// Nanoseconds in the unit that reads best.
    static func time(_ nanoseconds: Double) -> String {
        switch nanoseconds {
        case ..<1e3: String(format: "%.0f ns", nanoseconds)
        case ..<1e6: String(format: "%.1f µs", nanoseconds / 1e3)
        case ..<1e9: String(format: "%.2f ms", nanoseconds / 1e6)
        default: String(format: "%.2f s", nanoseconds / 1e9)
        }
    }

    /// `64`, `1,16,64`, `2^12` or `2^10..2^16`.
    static func sizes(_ text: String, _ subject: BenchSubject) throws(ParseError) -> [Int] {
        func refuse(_ part: some StringProtocol) -> ParseError {
            let shape = subject.needsPowerOfTwo ? "powers of two" : "sizes"
            let expected = "\(shape) from 1 to \(subject.maximumSize): 64, 1,16,64, 2^12 or 2^10..2^16"
            return ParseError(field: "sizes", expected: expected, actual: String(part))
        }
        func size(_ part: Substring) throws(ParseError) -> Int {
            let value: Int?
            if part.hasPrefix("2^") {
                value = Int(part.dropFirst(2)).flatMap { (0...24).contains($0) ? 1 << $0 : nil }
            } else {
                value = Int(part)
            }
            guard let value, value >= 1, value <= subject.maximumSize,
                !subject.needsPowerOfTwo || value.nonzeroBitCount == 1
            else { throw refuse(part) }
            return value
        }
        var sizes: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let dots = part.firstRange(of: "..") else {
                sizes.append(try size(part))
                continue
            }
            let (first, last) = (try size(part[..<dots.lowerBound]), try size(part[dots.upperBound...]))
            guard first.nonzeroBitCount == 1, last.nonzeroBitCount == 1, first <= last else { throw refuse(part) }
            var next = first
            while next <= last {
                sizes.append(next)
                next *= 2
            }
        }
        guard sizes.count <= 64 else { throw refuse("\(sizes.count) sizes") }
        return sizes
    }

    private static func read(_ path: String) throws(Failure) -> [Measurement] {
        let bytes = try Files.read(path, maxBytes: 16 << 20)
        do throws(ParseError) {
            var reader = try JSONReader(try JSONValue(parsing: bytes))
            try reader.constant("command", "bench run")
            return try reader.array("results", max: 10_000) { (value, path) throws(ParseError) -> Measurement in
                try Measurement(value, path)
            }
        } catch {
            throw Failure(error, id: "bench.baseline", in: path)
        }
    }
}

/// What the measurements ran on.
enum Machine {
    /// The processor's own name.
    static let processor: String = {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    }()
}
