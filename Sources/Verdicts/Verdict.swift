// The uniform answer of every verifier, whatever the evidence was.
public import Codecs

/// What was decided about a claim.
public enum Outcome: String, Sendable, CaseIterable {
    /// The result is what was asked for.
    case accepted
    /// The result is not what was asked for: the provider's fault.
    case rejected
    /// The job itself could not be done as specified: the requester's fault.
    case requesterFault
    /// Nothing could be decided: nobody's fault, nobody is slashed.
    case inconclusive
}

/// Who caused an outcome that is not `accepted`.
public enum Fault: String, Sendable, CaseIterable {
    case provider
    case requester
    case validator
    case environment
    /// The engine lost what it was to keep.
    case engine
    case none
}

/// What verification cost.
public struct Cost: Sendable, Equatable {
    /// Wall time in microseconds. Informative: it is not part of what must be reproduced.
    public var wallMicroseconds: UInt64
    /// Work units executed again, in the job's own measure.
    public var workUnits: UInt64

    /// Makes a cost.
    public init(wallMicroseconds: UInt64 = 0, workUnits: UInt64 = 0) {
        self.wallMicroseconds = wallMicroseconds
        self.workUnits = workUnits
    }
}

/// The decision about one claim: outcome, error bound, assumptions, cost, and every check that was made.
///
/// A verdict is a value. Malformed input throws a `ParseError` before there is a verdict; everything else, a forged
/// signature included, ends in one.
public struct Verdict: Sendable, Equatable {
    /// What kind of evidence was appraised: `replay-exact`, `groth16`, `tdx-quote`.
    public var kind: String
    /// The decision.
    public var outcome: Outcome
    /// Who caused it, when it is not `accepted`.
    public var fault: Fault
    /// The error bound for a verdict of `accepted`.
    public var soundness: Soundness
    /// What the decision rests on.
    public var assumptions: [Assumption]
    /// What deciding cost.
    public var cost: Cost
    /// Every check, in the order in which it was made.
    public var checks: [Check]
    /// `sha256:` and the hexadecimal digest of exactly the bytes that were verified.
    public var subject: String

    /// Makes a verdict.
    public init(
        kind: String,
        outcome: Outcome,
        fault: Fault = .none,
        soundness: Soundness,
        assumptions: [Assumption],
        cost: Cost = Cost(),
        checks: [Check],
        subject: String
    ) {
        self.kind = kind
        self.outcome = outcome
        self.fault = fault
        self.soundness = soundness
        self.assumptions = assumptions
        self.cost = cost
        self.checks = checks
        self.subject = subject
    }

    /// A verdict that follows from its checks alone: `accepted` when there is at least one check and none failed,
    /// `rejected` with `fault` otherwise. Skipped checks do not make a verdict fail; a verifier for which a skipped check
    /// matters returns `inconclusive` itself.
    public static func judged(
        kind: String,
        by checks: [Check],
        fault: Fault = .provider,
        soundness: Soundness,
        assumptions: [Assumption],
        cost: Cost = Cost(),
        subject: String
    ) -> Verdict {
        let isAccepted = checks.contains { $0.result == .pass } && !checks.contains { $0.result == .fail }
        return Verdict(
            kind: kind,
            outcome: isAccepted ? .accepted : .rejected,
            fault: isAccepted ? .none : fault,
            soundness: isAccepted ? soundness : .none,
            assumptions: assumptions,
            cost: cost,
            checks: checks,
            subject: subject
        )
    }

    /// Whether the result is what was asked for.
    public var isAccepted: Bool { outcome == .accepted }
    /// The first check that failed.
    public var firstFailure: Check? { checks.first { $0.result == .fail } }

    /// The verdict as a JSON object.
    public var json: JSONValue {
        .object([
            "kind": .string(kind),
            "outcome": .string(outcome.rawValue),
            "fault": .string(fault.rawValue),
            "soundness": .object([
                "error": .string(soundness.text),
                "millibits": soundness.millibits.map { .string(String($0)) } ?? .null,
            ]),
            "assumptions": .array(
                assumptions.map { .object(["id": .string($0.id), "text": .string($0.text)]) }
            ),
            "cost": .object([
                "wallMicroseconds": .string(String(cost.wallMicroseconds)),
                "workUnits": .string(String(cost.workUnits)),
            ]),
            "checks": .array(checks.map(\.json)),
            "subject": .string(subject),
        ])
    }

    /// Reads a verdict.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        kind = try reader.string("kind", maxBytes: 64)
        outcome = try reader.choice("outcome")
        fault = try reader.choice("fault")
        var bound = try reader.object("soundness")
        if case .null = try bound.value("millibits") {
            soundness = .exact
        } else {
            soundness = Soundness(millibits: Int64(try bound.decimal("millibits", in: 0...UInt64(Int64.max))))
        }
        let text = try bound.string("error", maxBytes: 64)
        guard text == soundness.text else {
            throw ParseError(field: bound.path("error"), expected: soundness.text, actual: text)
        }
        try bound.finish()
        assumptions = try reader.array("assumptions", max: 64) { (value, path) throws(ParseError) -> Assumption in
            var item = try JSONReader(value, path)
            let assumption = Assumption(id: try item.string("id", maxBytes: 128), text: try item.string("text"))
            try item.finish()
            return assumption
        }
        var spent = try reader.object("cost")
        cost = Cost(
            wallMicroseconds: try spent.decimal("wallMicroseconds"),
            workUnits: try spent.decimal("workUnits")
        )
        try spent.finish()
        checks = try reader.array("checks", max: 4096) { (value, path) throws(ParseError) -> Check in
            try Check(value, path)
        }
        subject = try reader.string("subject", maxBytes: 256)
        try reader.finish()
        guard !isAccepted || (firstFailure == nil && checks.contains { $0.result == .pass }) else {
            throw ParseError(field: field, expected: "accepted only without a failed check", actual: "a contradiction")
        }
    }
}
