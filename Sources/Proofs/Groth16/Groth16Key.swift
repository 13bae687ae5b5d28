// Groth16 verifying keys (eprint 2016/260): their points, the checks that a key must pass before any proof is looked at,
// and their digest.
public import Algebra
public import Codecs
public import Commitments

/// What a caller may allow that the strict reading of Groth16's formats refuses. Nothing is allowed by default.
public enum Groth16Compatibility: String, Sendable, CaseIterable {
    /// Coordinates that are not below the field's modulus are reduced: proofs become malleable as bytes.
    case unreducedCoordinates
    /// `0x` numbers are read in JSON beside decimal ones.
    case hexadecimalNumbers
    /// `protocol` and `curve` of a JSON proof are not compared with the key's.
    case foreignTags
    /// Keys whose gamma equals delta load: anyone can forge proofs under them.
    case sharedGammaDelta
}

/// A verifying key whose points are members of their groups and which no simple degeneracy makes forgeable.
public struct Groth16Key<C: PairingCurve>: Sendable {
    public let alpha: AffinePoint<C.G1>
    public let beta: AffinePoint<C.G2>
    public let gamma: AffinePoint<C.G2>
    public let delta: AffinePoint<C.G2>
    /// The points that public inputs multiply, after the constant one.
    public let inputs: [AffinePoint<C.G1>]
    /// The digest of the points; see `UncheckedGroth16Key.digest`.
    public let digest: Digest

    /// The number of public inputs that a statement under this key has.
    public var inputCount: Int { inputs.count - 1 }

    /// More inputs than any circuit in use exposes; a bound before tables are made.
    static var maximumInputs: Int { 4096 }

    /// Checks the points of a key.
    /// - Throws: `ParseError` that names the point and the check it failed: curve, subgroup, infinity, gamma = delta,
    ///   the number of inputs.
    public init(
        alpha: UncheckedPoint<C.G1>,
        beta: UncheckedPoint<C.G2>,
        gamma: UncheckedPoint<C.G2>,
        delta: UncheckedPoint<C.G2>,
        inputs: [UncheckedPoint<C.G1>],
        allowing compatibility: Set<Groth16Compatibility> = []
    ) throws(ParseError) {
        guard !inputs.isEmpty, inputs.count <= Self.maximumInputs + 1 else {
            let expected = "1 to \(Self.maximumInputs + 1) points"
            throw ParseError(field: "IC", expected: expected, actual: "\(inputs.count)")
        }
        self.alpha = try Self.member(alpha, "alpha")
        self.beta = try Self.member(beta, "beta")
        self.gamma = try Self.member(gamma, "gamma")
        self.delta = try Self.member(delta, "delta")
        var points: [AffinePoint<C.G1>] = []
        for (index, point) in inputs.enumerated() { points.append(try Self.member(point, "IC[\(index)]")) }
        self.inputs = points
        if !compatibility.contains(.sharedGammaDelta), self.gamma == self.delta || self.gamma == -self.delta {
            // (alpha, beta, -inputs) is then a proof of any statement.
            throw ParseError(field: "delta", expected: "a point other than gamma and -gamma", actual: "gamma itself")
        }
        digest =
            UncheckedGroth16Key<C>(alpha: alpha, beta: beta, gamma: gamma, delta: delta, inputs: inputs).digest
    }

    private static func member<G: CurveGroup>(
        _ point: UncheckedPoint<G>,
        _ field: String
    ) throws(ParseError) -> AffinePoint<G> {
        guard point.coordinates != nil else {
            throw ParseError(field: field, expected: "a point that is not infinity", actual: "infinity")
        }
        do {
            return try point.checked()
        } catch {
            throw ParseError(field: field, expected: "a member of \(G.name)", actual: error.description)
        }
    }

    /// The identity of a claim: SHA-256 over `assay-groth16-statement-1`, the key's digest and the public inputs. Proofs are
    /// malleable by design, so a proof's own hash identifies nothing.
    public func statementDigest(_ publicInputs: [C.G1.Scalar]) -> Digest {
        var hash = SHA256()
        hash.update("assay-groth16-statement-1\0")
        hash.update(digest)
        hash.update(bigEndian: UInt32(publicInputs.count))
        for input in publicInputs { hash.update(input.bigEndianBytes) }
        return hash.finalized()
    }
}

/// The three points of a proof as they came, canonical but unchecked.
public struct Groth16Proof<C: PairingCurve>: Equatable, Sendable {
    public var a: UncheckedPoint<C.G1>
    public var b: UncheckedPoint<C.G2>
    public var c: UncheckedPoint<C.G1>

    /// The proof with these points.
    public init(a: UncheckedPoint<C.G1>, b: UncheckedPoint<C.G2>, c: UncheckedPoint<C.G1>) {
        self.a = a
        self.b = b
        self.c = c
    }
}
