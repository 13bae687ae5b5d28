// What came of a run of vectors, family by family.
public import Codecs
public import Verdicts

/// The result of a run of vectors.
public struct VectorReport: Sendable, Equatable {
    /// The schema of the JSON form.
    public static let schema = "assay.vector-report/1"

    /// The results of one family.
    public struct Family: Sendable, Equatable {
        /// The family's name.
        public let name: String
        /// How many cases came out as they should.
        public fileprivate(set) var passed = 0
        /// The cases that did not.
        public fileprivate(set) var failures: [Check] = []
        /// How many cases were not run, by reason, in the order of first appearance.
        public fileprivate(set) var skips: [(reason: String, count: Int)] = []

        /// How many cases were not run.
        public var skipped: Int { skips.reduce(0) { $0 + $1.count } }

        public static func == (left: Family, right: Family) -> Bool {
            left.name == right.name && left.passed == right.passed && left.failures == right.failures
                && left.skips.map(\.reason) == right.skips.map(\.reason)
                && left.skips.map(\.count) == right.skips.map(\.count)
        }
    }

    /// The families in the order in which they were met.
    public private(set) var families: [Family] = []

    /// A report of nothing.
    public init() {}

    /// Counts the cases of a family.
    public mutating func add(_ name: String, _ checks: [Check]) {
        let index: Int
        if let known = families.firstIndex(where: { $0.name == name }) {
            index = known
        } else {
            index = families.count
            families.append(Family(name: name))
        }
        for check in checks {
            switch check.result {
            case .pass: families[index].passed += 1
            case .fail: families[index].failures.append(check)
            case .skip:
                if let position = families[index].skips.firstIndex(where: { $0.reason == check.actual }) {
                    families[index].skips[position].count += 1
                } else {
                    families[index].skips.append((check.actual, 1))
                }
            }
        }
    }

    /// How many cases came out as they should.
    public var passed: Int { families.reduce(0) { $0 + $1.passed } }
    /// How many did not.
    public var failed: Int { families.reduce(0) { $0 + $1.failures.count } }
    /// How many were not run.
    public var skipped: Int { families.reduce(0) { $0 + $1.skipped } }
    /// Whether something was run and nothing failed.
    public var isOK: Bool { failed == 0 && passed > 0 }

    /// The report as a JSON object.
    public var json: JSONValue {
        .object([
            "schema": .string(Self.schema),
            "ok": .bool(isOK),
            "passed": .integer(passed),
            "failed": .integer(failed),
            "skipped": .integer(skipped),
            "families": .array(families.map(\.json)),
        ])
    }
}

extension VectorReport.Family {
    fileprivate var json: JSONValue {
        .object([
            "family": .string(name),
            "passed": .integer(passed),
            "failed": .integer(failures.count),
            "skipped": .integer(skipped),
            "failures": .array(failures.map(\.json)),
            "skips": .array(
                skips.map { .object(["reason": .string($0.reason), "count": .integer($0.count)]) }
            ),
        ])
    }
}
