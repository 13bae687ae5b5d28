// The terms of which policies are made. Every one must be written: what may be anything is written `any`.

internal import Codecs

/// A set of acceptable values.
public enum Allowed<Value: Hashable & Sendable>: Sendable, Equatable {
    /// Everything, explicitly.
    case any
    /// Only these; an empty list accepts nothing.
    case only([Value])

    /// Whether `value` is acceptable.
    public func admits(_ value: Value) -> Bool {
        switch self {
        case .any: true
        case .only(let values): values.contains(value)
        }
    }

    /// The acceptable values; `nil` when everything is.
    var values: [Value]? {
        if case .only(let values) = self { values } else { nil }
    }
}

/// A lower bound.
public enum Minimum<Value: Comparable & Sendable>: Sendable, Equatable {
    /// No bound, explicitly.
    case any
    /// This or more.
    case atLeast(Value)

    /// Whether `value` reaches the bound.
    public func admits(_ value: Value) -> Bool {
        switch self {
        case .any: true
        case .atLeast(let bound): value >= bound
        }
    }

    /// The bound, if there is one.
    var bound: Value? {
        if case .atLeast(let bound) = self { bound } else { nil }
    }
}

/// An upper bound.
public enum Maximum<Value: Comparable & Sendable>: Sendable, Equatable {
    /// No bound, explicitly.
    case any
    /// This or less.
    case atMost(Value)

    /// Whether `value` keeps the bound.
    public func admits(_ value: Value) -> Bool {
        switch self {
        case .any: true
        case .atMost(let bound): value <= bound
        }
    }

    /// The bound, if there is one.
    var bound: Value? {
        if case .atMost(let bound) = self { bound } else { nil }
    }
}

/// A lower bound for each of several versions that have no order as a whole.
public enum ComponentMinimum: Sendable, Equatable {
    /// No bound, explicitly.
    case any
    /// Each component is this or more.
    case atLeast([UInt8])

    /// Whether every component of `value` reaches its bound.
    public func admits(_ value: some Collection<UInt8>) -> Bool {
        switch self {
        case .any: true
        case .atLeast(let bounds): value.count == bounds.count && zip(value, bounds).allSatisfy { $0 >= $1 }
        }
    }
}

/// A demand on a flag.
public enum FlagRule: Sendable, Equatable {
    /// Either, explicitly.
    case any
    /// Only this.
    case must(Bool)

    /// Whether `value` is acceptable.
    public func admits(_ value: Bool) -> Bool {
        switch self {
        case .any: true
        case .must(let wanted): value == wanted
        }
    }
}

/// The value that one particular piece of evidence must carry.
public enum Expected: Sendable, Equatable {
    /// Anything, explicitly.
    case any
    /// Exactly these bytes.
    case exactly([UInt8])
}

/// What the verifier asked the attester to bind into this one piece of evidence.
public struct Expectations: Sendable, Equatable {
    /// The free data in the report: Intel and AMD report_data, Nitro and CCA user data or challenge.
    public var reportData: Expected
    /// The freshness nonce, where the format has one of its own (Nitro, NVIDIA, TPM, PSA).
    public var nonce: Expected
    /// The public key in the evidence, where the format has one (Nitro).
    public var publicKey: Expected

    /// Names what is expected; nothing has a default.
    public init(reportData: Expected, nonce: Expected, publicKey: Expected) {
        self.reportData = reportData
        self.nonce = nonce
        self.publicKey = publicKey
    }

    /// Nothing is bound: the evidence may have been made for anybody at any time.
    public static let unbound = Expectations(reportData: .any, nonce: .any, publicKey: .any)
}

extension Findings {
    /// The line that compares bound bytes with what was expected.
    @discardableResult
    public mutating func requireBound(
        _ id: String,
        _ expected: Expected,
        actual: some Collection<UInt8>,
        source: String
    ) -> Bool {
        switch expected {
        case .any:
            notApplicable(id, why: "any accepted: the evidence is not bound to a request", source: source)
            return true
        case .exactly(let bytes): return requireEqual(id, expected: bytes, actual: actual, source: source)
        }
    }

    /// The line of one term of the policy: skipped when the term accepts everything, otherwise a judgement.
    private mutating func requireTerm(
        _ id: String,
        isAny: Bool,
        _ isAdmitted: @autoclosure () -> Bool,
        expected: @autoclosure () -> String,
        actual: @autoclosure () -> String,
        source: String
    ) -> Bool {
        guard !isAny else {
            notApplicable(id, why: "any accepted", source: source)
            return true
        }
        return require(id, isAdmitted(), expected: expected(), actual: actual(), source: source)
    }

    /// What a list of acceptable values says.
    private static func text(of values: [String]) -> String {
        values.isEmpty ? "nothing is accepted (empty list)" : "one of " + values.joined(separator: ", ")
    }

    /// The line of one term of the policy over byte strings.
    @discardableResult
    public mutating func requireAllowed(
        _ id: String,
        _ rule: Allowed<[UInt8]>,
        _ actual: some Collection<UInt8>,
        source: String = ""
    ) -> Bool {
        let accepted = rule.values ?? []
        return requireTerm(
            id,
            isAny: rule == .any,
            accepted.contains { $0.elementsEqual(actual) },
            expected: Self.text(of: accepted.prefix(4).map { Hex.encode($0) }),
            actual: Hex.encode(actual),
            source: source
        )
    }

    /// The line of one term of the policy over texts or numbers.
    @discardableResult
    public mutating func requireAllowed<Value: LosslessStringConvertible>(
        _ id: String,
        _ rule: Allowed<Value>,
        _ actual: Value,
        source: String = ""
    ) -> Bool {
        requireTerm(
            id,
            isAny: rule == .any,
            rule.admits(actual),
            expected: Self.text(of: (rule.values ?? []).map(\.description)),
            actual: actual.description,
            source: source
        )
    }

    /// The line of a lower bound.
    @discardableResult
    public mutating func requireMinimum<Value: CustomStringConvertible>(
        _ id: String,
        _ rule: Minimum<Value>,
        _ actual: Value,
        source: String = ""
    ) -> Bool {
        requireTerm(
            id,
            isAny: rule == .any,
            rule.admits(actual),
            expected: rule.bound.map { "at least \($0)" } ?? "",
            actual: actual.description,
            source: source
        )
    }

    /// The line of a lower bound for each component.
    @discardableResult
    public mutating func requireMinimum(
        _ id: String,
        _ rule: ComponentMinimum,
        _ actual: some Collection<UInt8>,
        source: String = ""
    ) -> Bool {
        var bounds: [UInt8] = []
        if case .atLeast(let bytes) = rule { bounds = bytes }
        return requireTerm(
            id,
            isAny: rule == .any,
            rule.admits(actual),
            expected: "each component at least \(Hex.encode(bounds))",
            actual: Hex.encode(actual),
            source: source
        )
    }

    /// The line of an upper bound.
    @discardableResult
    public mutating func requireMaximum<Value: CustomStringConvertible>(
        _ id: String,
        _ rule: Maximum<Value>,
        _ actual: Value,
        source: String = ""
    ) -> Bool {
        requireTerm(
            id,
            isAny: rule == .any,
            rule.admits(actual),
            expected: rule.bound.map { "at most \($0)" } ?? "",
            actual: actual.description,
            source: source
        )
    }

    /// The line of a demand on a flag.
    @discardableResult
    public mutating func requireFlag(_ id: String, _ rule: FlagRule, _ actual: Bool, source: String = "") -> Bool {
        requireTerm(
            id,
            isAny: rule == .any,
            rule.admits(actual),
            expected: rule == .must(true) ? "true" : "false",
            actual: "\(actual)",
            source: source
        )
    }
}
