// What a verifier writes down while it works: check lines, what is missing or stale, and the dates on which it depends.

public import Codecs
public import Verdicts

/// A date after which a verdict could be another one.
public struct Change: Sendable, Equatable, Comparable {
    /// When it happens: the last second at which the thing named is as it was found.
    public var at: Timestamp
    /// What ends then: `Intel TCB info 00806F050000 (nextUpdate)`.
    public var what: String

    /// Names a date.
    public init(at: Timestamp, what: String) {
        self.at = at
        self.what = what
    }

    public static func < (left: Change, right: Change) -> Bool {
        (left.at, left.what) < (right.at, right.what)
    }
}

/// When a piece of collateral that was used was issued; a policy may find it too old although it is current.
public struct Issue: Sendable, Equatable {
    /// When it was issued; `nil` for a thing that states no date.
    public var at: Timestamp?
    /// What it is: `revocation list of 'Intel SGX Root CA'`.
    public var what: String
}

/// The lines of one part of a verdict, in the order in which they were made.
///
/// Three things can go wrong, and they are not the same: a check *fails* (the evidence or what vouches for it is wrong), a
/// thing is *stale* (it vouched once, and nobody vouches now), a thing is *missing*. The first rejects; the others leave
/// the question open, and never let the evidence pass.
public struct Findings: Sendable, Equatable {
    /// The check lines.
    public private(set) var checks: [Check] = []
    /// Whether some check failed for a reason other than age.
    public private(set) var hasFailure = false
    /// Whether something needed was missing or too old.
    public private(set) var isIncomplete = false
    /// The latest of the dates before which this would not have held.
    public private(set) var validFrom: Timestamp?
    /// The dates after which this may not hold any more.
    public private(set) var changes: [Change] = []
    /// When the lists and answers that were used were issued, each once.
    public private(set) var issues: [Issue] = []

    /// No lines yet.
    public init() {}

    /// Whether nothing failed and nothing was missing.
    public var isClean: Bool { !hasFailure && !isIncomplete }

    /// A line that passes when `condition` holds. The texts are only made into strings when the line is written.
    @discardableResult
    public mutating func require(
        _ id: String,
        _ condition: Bool,
        expected: @autoclosure () -> String,
        actual: @autoclosure () -> String,
        source: String = ""
    ) -> Bool {
        checks.append(.that(id, condition, expected: expected(), actual: actual(), source: source))
        if !condition { hasFailure = true }
        return condition
    }

    /// A line that passes when two texts are equal.
    @discardableResult
    public mutating func requireEqual(_ id: String, expected: String, actual: String, source: String = "") -> Bool {
        require(id, expected == actual, expected: expected, actual: actual, source: source)
    }

    /// A line that passes when two byte strings are equal; they are written in hexadecimal.
    @discardableResult
    public mutating func requireEqual(
        _ id: String,
        expected: some Collection<UInt8>,
        actual: some Collection<UInt8>,
        source: String = ""
    ) -> Bool {
        require(
            id,
            expected.elementsEqual(actual),
            expected: Hex.encode(expected),
            actual: Hex.encode(actual),
            source: source
        )
    }

    /// A line that fails: the bytes do not have the form that their format demands.
    public mutating func malformed(_ id: String, _ error: ParseError, source: String = "") {
        require(
            id,
            false,
            expected: error.expected,
            actual: error.field.isEmpty ? error.actual : "\(error.field): \(error.actual)",
            source: source
        )
    }

    /// A skipped line for something that is needed and was not given; the question stays open.
    public mutating func missing(_ id: String, expected: String, actual: String = "not given", source: String = "") {
        checks.append(Check(id: id, result: .skip, expected: expected, actual: actual, source: source))
        isIncomplete = true
    }

    /// A line that passes when `condition` holds and otherwise leaves the question open: the thing is too old.
    @discardableResult
    public mutating func requireFresh(
        _ id: String,
        _ condition: Bool,
        expected: @autoclosure () -> String,
        actual: @autoclosure () -> String,
        source: String = ""
    ) -> Bool {
        checks.append(.that(id, condition, expected: expected(), actual: actual(), source: source))
        if !condition { isIncomplete = true }
        return condition
    }

    /// A skipped line for a check that does not apply to this evidence; `why` says so.
    public mutating func notApplicable(_ id: String, why: String, source: String = "") {
        checks.append(Check(id: id, result: .skip, expected: "", actual: why, source: source))
    }

    /// Notes that what was found holds from `time` on.
    public mutating func holds(from time: Timestamp) {
        validFrom = max(validFrom ?? time, time)
    }

    /// Notes that what was found may change after `time`.
    public mutating func holds(until time: Timestamp, what: @autoclosure () -> String) {
        changes.append(Change(at: time, what: what()))
    }

    /// Notes that a list or an answer issued at `time` was used.
    public mutating func rests(onIssueAt time: Timestamp, what: @autoclosure () -> String) {
        let issue = Issue(at: time, what: what())
        if !issues.contains(issue) { issues.append(issue) }
    }

    /// Notes that something was used which does not say when it was issued, so that no bound on age can hold for it.
    public mutating func rests(onUndated what: String) {
        let issue = Issue(at: nil, what: what)
        if !issues.contains(issue) { issues.append(issue) }
    }

    /// Appends the lines and dates of `other`.
    public mutating func append(_ other: Findings) {
        checks.append(contentsOf: other.checks)
        hasFailure = hasFailure || other.hasFailure
        isIncomplete = isIncomplete || other.isIncomplete
        if let time = other.validFrom { holds(from: time) }
        changes.append(contentsOf: other.changes)
        for issue in other.issues where !issues.contains(issue) { issues.append(issue) }
    }
}
