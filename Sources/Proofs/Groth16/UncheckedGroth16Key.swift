// A Groth16 verifying key as it was read: points with canonical coordinates about which nothing else is known. `Groth16Key`
// is what it becomes when every check passes.
public import Algebra
public import Codecs
public import Commitments
public import Verdicts

/// The points of a verifying key before any of them was checked.
public struct UncheckedGroth16Key<C: PairingCurve>: Equatable, Sendable {
    public var alpha: UncheckedPoint<C.G1>
    public var beta: UncheckedPoint<C.G2>
    public var gamma: UncheckedPoint<C.G2>
    public var delta: UncheckedPoint<C.G2>
    /// The constant point and the points that public inputs multiply.
    public var inputs: [UncheckedPoint<C.G1>]

    /// The key with these points.
    public init(
        alpha: UncheckedPoint<C.G1>,
        beta: UncheckedPoint<C.G2>,
        gamma: UncheckedPoint<C.G2>,
        delta: UncheckedPoint<C.G2>,
        inputs: [UncheckedPoint<C.G1>]
    ) {
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.delta = delta
        self.inputs = inputs
    }

    /// SHA-256 over `assay-groth16-key-1`, the curve's name and every point without compression; infinity is zeros.
    public var digest: Digest {
        var hash = SHA256()
        hash.update("assay-groth16-key-1\0" + C.name + "\0")
        hash.update(bigEndian: UInt32(inputs.count))
        hash.update(alpha.uncompressed)
        for point in [beta, gamma, delta] { hash.update(point.uncompressed) }
        for point in inputs { hash.update(point.uncompressed) }
        return hash.finalized()
    }

    /// The key, when every check passes.
    /// - Throws: `ParseError` that names the point and the check it failed.
    public func checked(allowing compatibility: Set<Groth16Compatibility> = []) throws(ParseError) -> Groth16Key<C> {
        try Groth16Key(
            alpha: alpha,
            beta: beta,
            gamma: gamma,
            delta: delta,
            inputs: inputs,
            allowing: compatibility
        )
    }

    /// Every check that `checked` makes, with its outcome; `checked` throws exactly when one of them failed.
    public func checks(allowing compatibility: Set<Groth16Compatibility> = []) -> [Check] {
        let maximum = Groth16Key<C>.maximumInputs + 1
        var checks = [
            Check.that(
                "groth16.key.input-count",
                !inputs.isEmpty && inputs.count <= maximum,
                expected: "1 to \(maximum) points",
                actual: "\(inputs.count)"
            ),
            Self.member(alpha, "alpha"), Self.member(beta, "beta"), Self.member(gamma, "gamma"),
            Self.member(delta, "delta"),
        ]
        let points = inputs.indices.lazy.map { Self.member(inputs[$0], "inputs[\($0)]") }
        checks.append(
            points.first { $0.result == .fail }
                ?? Check(
                    id: "groth16.key.inputs",
                    result: .pass,
                    expected: "members of \(C.G1.name) that are not infinity",
                    actual: "\(inputs.count) members"
                )
        )
        let isShared = gamma == delta || gamma == delta.negated
        let isAllowed = compatibility.contains(.sharedGammaDelta)
        checks.append(
            Check(
                id: "groth16.key.gamma-delta",
                result: !isShared ? .pass : isAllowed ? .skip : .fail,
                expected: "delta other than gamma and -gamma",
                actual: !isShared ? "other" : isAllowed ? "gamma itself, which was allowed" : "gamma itself"
            )
        )
        return checks
    }

    private static func member<G: CurveGroup>(_ point: UncheckedPoint<G>, _ name: String) -> Check {
        var check = Check(
            id: "groth16.key." + name,
            result: .fail,
            expected: "a member of \(G.name) that is not infinity",
            actual: "infinity"
        )
        guard point.coordinates != nil else { return check }
        do {
            _ = try point.checked()
            check.result = .pass
            check.actual = "a member"
        } catch {
            check.actual = error.description
        }
        return check
    }
}

extension UncheckedPoint {
    /// Both coordinates, or zeros.
    var uncompressed: [UInt8] {
        guard let coordinates else { return [UInt8](repeating: 0, count: 2 * G.Coordinate.byteCount) }
        return coordinates.x.bigEndianBytes + coordinates.y.bigEndianBytes
    }

    var negated: Self {
        guard let coordinates else { return self }
        return Self(x: coordinates.x, y: -coordinates.y)
    }
}
