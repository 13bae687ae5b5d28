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

    /// The line of one term of the policy over byte strings.
    @discardableResult
    public mutating func requireAllowed(
        _ id: String,
        _ rule: Allowed<[UInt8]>,
        _ actual: some Collection<UInt8>,
        source: String = ""
    ) -> Bool {
        switch rule {
        case .any:
            notApplicable(id, why: "any accepted", source: source)
            return true
        case .only(let values):
            return require(
                id,
                values.contains { $0.elementsEqual(actual) },
                expected: values.isEmpty
                    ? "nothing is accepted (empty list)"
                    : "one of " + values.prefix(4).map { Hex.encode($0) }.joined(separator: ", "),
                actual: Hex.encode(actual),
                source: source
            )
        }
    }

    /// The line of one term of the policy over texts.
    @discardableResult
    public mutating func requireAllowed(
        _ id: String,
        _ rule: Allowed<String>,
        _ actual: String,
        source: String = ""
    ) -> Bool {
        switch rule {
        case .any:
            notApplicable(id, why: "any accepted", source: source)
            return true
        case .only(let values):
            return require(
                id,
                values.contains(actual),
                expected: values.isEmpty
                    ? "nothing is accepted (empty list)" : "one of " + values.joined(separator: ", "),
                actual: actual,
                source: source
            )
        }
    }

    /// The line of one term of the policy over numbers.
    @discardableResult
    public mutating func requireAllowed(
        _ id: String,
        _ rule: Allowed<UInt64>,
        _ actual: UInt64,
        source: String = ""
    ) -> Bool {
        switch rule {
        case .any:
            notApplicable(id, why: "any accepted", source: source)
            return true
        case .only(let values):
            return require(
                id,
                values.contains(actual),
                expected: values.isEmpty
                    ? "nothing is accepted (empty list)" : "one of " + values.map(String.init).joined(separator: ", "),
                actual: "\(actual)",
                source: source
            )
        }
    }

    /// The line of a lower bound.
    @discardableResult
    public mutating func requireMinimum<Value: CustomStringConvertible>(
        _ id: String,
        _ rule: Minimum<Value>,
        _ actual: Value,
        source: String = ""
    ) -> Bool {
        switch rule {
        case .any:
            notApplicable(id, why: "any accepted", source: source)
            return true
        case .atLeast(let bound):
            return require(
                id,
                actual >= bound,
                expected: "at least \(bound)",
                actual: actual.description,
                source: source
            )
        }
    }

    /// The line of an upper bound.
    @discardableResult
    public mutating func requireMaximum<Value: CustomStringConvertible>(
        _ id: String,
        _ rule: Maximum<Value>,
        _ actual: Value,
        source: String = ""
    ) -> Bool {
        switch rule {
        case .any:
            notApplicable(id, why: "any accepted", source: source)
            return true
        case .atMost(let bound):
            return require(
                id,
                actual <= bound,
                expected: "at most \(bound)",
                actual: actual.description,
                source: source
            )
        }
    }

    /// The line of a demand on a flag.
    @discardableResult
    public mutating func requireFlag(_ id: String, _ rule: FlagRule, _ actual: Bool, source: String = "") -> Bool {
        switch rule {
        case .any:
            notApplicable(id, why: "any accepted", source: source)
            return true
        case .must(let wanted):
            return require(id, actual == wanted, expected: "\(wanted)", actual: "\(actual)", source: source)
        }
    }
}
