// How likely it is that a false result was accepted, and what has to be true for that number to mean anything.

/// An upper bound on the probability that a false claim passes, as a power of two.
///
/// Kept as the exponent in thousandths of a bit, an integer, so that verdicts hold no floating-point numbers and are the
/// same bytes everywhere: ε ≤ 2^(−millibits/1000).
public struct Soundness: Sendable, Equatable {
    /// −log2(ε) in thousandths of a bit; `nil` when no error is possible for what was covered (ε = 0).
    public var millibits: Int64?

    /// ε = 0: exhaustive for what was covered.
    public static let exact = Soundness(millibits: nil)
    /// ε = 1: nothing was established.
    public static let none = Soundness(millibits: 0)

    /// ε ≤ 2^(−bits).
    public static func bits(_ bits: Int64) -> Soundness {
        Soundness(millibits: bits * 1000)
    }

    /// Makes a bound from its exponent.
    public init(millibits: Int64?) {
        self.millibits = millibits
    }

    /// The error of two checks that both must pass.
    ///
    /// Errors multiply only when the assumptions are independent; otherwise the smaller error alone counts.
    public func combined(with other: Soundness, independent: Bool) -> Soundness {
        guard let mine = millibits, let theirs = other.millibits else { return .exact }
        guard independent else { return Soundness(millibits: max(mine, theirs)) }
        let (sum, overflow) = mine.addingReportingOverflow(theirs)
        return Soundness(millibits: overflow ? Int64.max : sum)
    }

    /// `"0"` or `"2^-128"`.
    public var text: String {
        guard let millibits else { return "0" }
        let whole = millibits / 1000
        let rest = millibits % 1000
        if rest == 0 { return whole == 0 ? "1" : "2^-\(whole)" }
        let digits = String(1000 + rest).dropFirst()
        return "2^-\(whole).\(digits)"
    }
}

/// Something that a verdict rests on and that no check can establish.
public struct Assumption: Sendable, Hashable {
    /// A stable name: `kernel-class-a`, `bn254-discrete-log`, `vendor-root:intel-sgx`.
    public var id: String
    /// The assumption in a sentence.
    public var text: String

    /// Names an assumption.
    public init(id: String, text: String) {
        self.id = id
        self.text = text
    }

    /// The kernels are class A: their result does not depend on the device or the schedule.
    public static let kernelClassA = Assumption(
        id: "kernel-class-a",
        text: "the kernels keep the class-A rules, so every conforming device computes the same bits"
    )
}
