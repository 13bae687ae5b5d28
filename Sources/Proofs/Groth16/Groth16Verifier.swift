// Groth16 verification with a prepared key: e(A, B) = e(alpha, beta) e(inputs, gamma) e(C, delta).
public import Algebra
internal import Commitments
public import Verdicts

/// A verifying key with everything computed that does not depend on the proof.
public struct Groth16Verifier<C: PairingCurve>: Sendable {
    /// The key.
    public let key: Groth16Key<C>
    let alphaBeta: TargetElement<C>
    let gamma: PreparedG2<C>
    let delta: PreparedG2<C>
    /// Multiples of the input points; absent for keys with so many inputs that a multi-scalar product is better.
    let table: FixedBaseTable<C.G1>?

    /// Prepares a key.
    public init(_ key: Groth16Key<C>) {
        self.key = key
        alphaBeta = C.pairing(key.alpha, key.beta)
        gamma = PreparedG2(key.gamma)
        delta = PreparedG2(key.delta)
        table = key.inputCount <= 64 ? FixedBaseTable(Array(key.inputs.dropFirst())) : nil
    }

    /// Checks one proof of the statement that `publicInputs` make under this key.
    /// - Returns: a verdict whose checks are, in order: the number of inputs, each point's curve, subgroup and infinity,
    ///   and the equation. Checks after the first failure are left out.
    public func verify(_ proof: Groth16Proof<C>, publicInputs: [C.G1.Scalar]) -> Verdict {
        var checks = [count(publicInputs)]
        let subject = key.statementDigest(publicInputs).text
        guard checks[0].result == .pass, let points = members(proof, &checks) else {
            return Self.verdict(checks, subject)
        }
        let (product, _) = C.pairingProduct(
            candidates: [PairingCandidate(points.a, points.b)],
            [PairingTerm(-inputSum(publicInputs), gamma), PairingTerm(-points.c, delta)]
        )
        checks += Self.ending(product.map { $0 == alphaBeta ? .holds : .fails } ?? .outside)
        return Self.verdict(checks, subject)
    }

    // MARK: Parts that a batch shares

    /// The points of a proof whose A and C are members of G1. Whether B is one of G2 is seen in the Miller loop.
    struct Members {
        var a: AffinePoint<C.G1>
        var b: TwistPoint<C>
        var c: AffinePoint<C.G1>
    }

    /// What came of the pairing.
    enum Ending {
        /// B is not a member of G2.
        case outside
        case fails
        case holds
    }

    /// The checks that the pairing decides: B, then C, which was looked at before, then the equation.
    static func ending(_ ending: Ending) -> [Check] {
        let isOutside = ending == .outside
        let b = Check(
            id: "groth16.proof.b",
            result: isOutside ? .fail : .pass,
            expected: expectation(C.G2.self),
            actual: isOutside ? PointError.notInSubgroup.description : "a member"
        )
        if isOutside { return [b] }
        let c = Check(id: "groth16.proof.c", result: .pass, expected: expectation(C.G1.self), actual: "a member")
        return [b, c, equation(ending == .holds)]
    }

    private static func expectation<G: CurveGroup>(_ group: G.Type) -> String {
        "a member of \(G.name) that is not infinity"
    }

    func count(_ publicInputs: [C.G1.Scalar]) -> Check {
        Check.equal(
            "groth16.public.count",
            expected: key.inputCount,
            actual: publicInputs.count,
            source: "eprint 2016/260 §3.2"
        )
    }

    /// The proof's points, when A and C are members of G1 and B is on its curve; appends the check of A, and the one that
    /// failed. Checks stand in the order of the points, so a bad C is told only after B was judged.
    func members(_ proof: Groth16Proof<C>, _ checks: inout [Check]) -> Members? {
        guard let a = Self.member(proof.a, "groth16.proof.a", &checks) else { return nil }
        var last: [Check] = []
        if let b = TwistPoint<C>(proof.b), let c = Self.member(proof.c, "groth16.proof.c", &last) {
            return Members(a: a, b: b, c: c)
        }
        if Self.member(proof.b, "groth16.proof.b", &checks) != nil { checks += last }
        return nil
    }

    private static func member<G: CurveGroup>(
        _ point: UncheckedPoint<G>,
        _ id: String,
        _ checks: inout [Check]
    ) -> AffinePoint<G>? {
        let expected = expectation(G.self)
        var actual = "infinity"
        if point.coordinates != nil {
            do {
                let member = try point.checked()
                checks.append(Check(id: id, result: .pass, expected: expected, actual: "a member"))
                return member
            } catch {
                actual = error.description
            }
        }
        checks.append(Check(id: id, result: .fail, expected: expected, actual: actual))
        return nil
    }

    /// IC_0 + the sum of input_i IC_i.
    func inputSum(_ publicInputs: [C.G1.Scalar]) -> AffinePoint<C.G1> {
        let sum =
            table?.sum(publicInputs)
            ?? C.G1.multiScalar(Array(key.inputs.dropFirst()), publicInputs, threads: 1)
        return (sum + key.inputs[0]).affine
    }

    static func equation(_ holds: Bool) -> Check {
        Check.that(
            "groth16.equation",
            holds,
            expected: "e(A, B) = e(alpha, beta) e(inputs, gamma) e(C, delta)",
            actual: holds ? "equal" : "different",
            source: "eprint 2016/260 §3.2"
        )
    }

    static func verdict(_ checks: [Check], _ subject: String) -> Verdict {
        Verdict.judged(
            kind: "groth16",
            by: checks,
            soundness: .bits(C.securityBits),
            assumptions: [C.hardness, .trustedSetup],
            subject: subject
        )
    }
}

extension PairingCurve {
    /// The bits of security that a forger is said to face, rounded down: tower number field sieve estimates of
    /// Barbulescu and Duquesne (eprint 2017/334) and of the CFRG (draft-irtf-cfrg-pairing-friendly-curves).
    static var securityBits: Int64 { G1.Coordinate.byteCount == 32 ? 100 : 120 }

    /// The assumption that the curve's discrete logarithms and pairing problems are hard.
    static var hardness: Assumption {
        let id = name.lowercased() + "-pairing"
        return Assumption(id: id, text: "discrete logarithms in the groups of \(name) are out of reach")
    }
}

extension Assumption {
    /// The setup of a Groth16 key was honest.
    static let trustedSetup = Assumption(
        id: "groth16-trusted-setup",
        text: "at least one party of the key's setup ceremony destroyed its secret"
    )
}
