// KZG openings of blobs (EIP-4844; consensus-specs deneb/polynomial-commitments.md): an opening at a point, a blob against
// its commitment, and many blobs at once.
public import Algebra
public import Codecs
internal import Commitments
public import Verdicts

/// A claim that the polynomial under `commitment` has the value `y` at `z`, parsed and checked but not verified.
public struct KZGOpening: Sendable, Equatable {
    /// The commitment, a member of G1; infinity commits to the zero polynomial.
    public var commitment: AffinePoint<BLS12381G1>
    public var z: BLS12381.Fr
    public var y: BLS12381.Fr
    /// The proof, a member of G1; infinity proves a constant polynomial.
    public var proof: AffinePoint<BLS12381G1>

    /// Reads 48-byte points and 32-byte big-endian scalars.
    /// - Throws: `ParseError` for a wrong length, flags or coordinates that are not canonical, a point outside G1, a scalar
    ///   that is not below r.
    public init(commitment: [UInt8], z: [UInt8], y: [UInt8], proof: [UInt8]) throws(ParseError) {
        self.commitment = try Self.point(commitment, "commitment")
        self.z = try BLS12381.Fr(bigEndian: z[...], field: "z")
        self.y = try BLS12381.Fr(bigEndian: y[...], field: "y")
        self.proof = try Self.point(proof, "proof")
    }

    init(
        commitment: AffinePoint<BLS12381G1>,
        z: BLS12381.Fr,
        y: BLS12381.Fr,
        proof: AffinePoint<BLS12381G1>
    ) {
        self.commitment = commitment
        self.z = z
        self.y = y
        self.proof = proof
    }

    static func point(_ bytes: [UInt8], _ field: String) throws(ParseError) -> AffinePoint<BLS12381G1> {
        guard bytes.count == 48 else {
            throw ParseError(field: field, expected: "48 bytes", actual: "\(bytes.count)")
        }
        let unchecked = try UncheckedPoint<BLS12381G1>(zcash: bytes[...], field: field)
        do {
            return try unchecked.checked()
        } catch {
            throw ParseError(field: field, expected: "a member of \(BLS12381G1.name)", actual: error.description)
        }
    }
}

/// A blob with its commitment and proof, as bytes.
public struct KZGBlob: Sendable {
    /// 4096 elements of 32 big-endian bytes.
    public var blob: [UInt8]
    /// 48 bytes.
    public var commitment: [UInt8]
    /// 48 bytes.
    public var proof: [UInt8]

    /// The blob with these bytes.
    public init(blob: [UInt8], commitment: [UInt8], proof: [UInt8]) {
        self.blob = blob
        self.commitment = commitment
        self.proof = proof
    }
}

/// Verifies KZG openings under one trusted setup.
public struct KZGVerifier: Sendable {
    /// The number of field elements of a blob (EIP-4844, FIELD_ELEMENTS_PER_BLOB).
    public static let elementsPerBlob = 4096

    private let generator: PreparedG2<BLS12381>
    private let tau: PreparedG2<BLS12381>
    private let generatorTable: FixedBaseTable<BLS12381G1>

    /// A verifier for the setup whose secret times the generator of G2 is `tau`.
    public init(tau: AffinePoint<BLS12381G2>) {
        generator = PreparedG2(BLS12381G2.generator)
        self.tau = PreparedG2(tau)
        generatorTable = FixedBaseTable([BLS12381G1.generator])
    }

    /// Ethereum's ceremony of 2023.
    public static let ethereum = KZGVerifier(tau: KZGSetup.ethereumTau)

    // MARK: One opening

    /// Checks an opening given as bytes. What is malformed in them is a failed check of the verdict.
    public func verify(commitment: [UInt8], z: [UInt8], y: [UInt8], proof: [UInt8]) -> Verdict {
        let subject = Self.subject([commitment, z, y, proof])
        do {
            return verify(try KZGOpening(commitment: commitment, z: z, y: y, proof: proof), subject: subject)
        } catch {
            return Self.verdict([Self.malformed(error)], subject)
        }
    }

    func verify(_ opening: KZGOpening, subject: String) -> Verdict {
        Self.verdict([Self.encodingPassed, Self.equation(holds(opening))], subject)
    }

    /// e(C - y + z proof, 1) = e(proof, tau): both points of G2 are fixed, so their lines are prepared.
    func holds(_ opening: KZGOpening) -> Bool {
        let left = generatorTable.sum([-opening.y]) + opening.z * opening.proof + opening.commitment
        return BLS12381.isProductOne([
            PairingTerm(-left.affine, generator), PairingTerm(opening.proof, tau),
        ])
    }

    // MARK: Blobs

    /// Checks that `blob` is what its commitment commits to.
    public func verify(_ blob: KZGBlob) -> Verdict {
        let subject = Self.subject([blob.blob, blob.commitment, blob.proof])
        do {
            return verify(try Self.opening(blob), subject: subject)
        } catch {
            return Self.verdict([Self.malformed(error)], subject)
        }
    }

    /// Checks many blobs with one equation; one verdict for all.
    public func verifyBatch(_ blobs: [KZGBlob]) -> Verdict {
        let subject = Self.subject(blobs.flatMap { [$0.blob, $0.commitment, $0.proof] })
        var openings: [KZGOpening] = []
        for (index, blob) in blobs.enumerated() {
            do {
                openings.append(try Self.opening(blob))
            } catch {
                return Self.verdict([Self.malformed(error.within("[\(index)]"))], subject)
            }
        }
        if openings.count == 1 { return verify(openings[0], subject: subject) }
        return Self.verdict([Self.encodingPassed, Self.equation(holds(openings))], subject)
    }

    /// The sum over r^i of every opening's equation, with r hashed from all of them.
    private func holds(_ openings: [KZGOpening]) -> Bool {
        if openings.isEmpty { return true }
        var hash = SHA256()
        hash.update("RCKZGBATCH___V1_")
        hash.update(bigEndian: UInt64(Self.elementsPerBlob))
        hash.update(bigEndian: UInt64(openings.count))
        for opening in openings {
            hash.update(opening.commitment.zcash)
            hash.update(opening.z.bigEndianBytes)
            hash.update(opening.y.bigEndianBytes)
            hash.update(opening.proof.zcash)
        }
        let base = BLS12381.Fr(reducing: hash.finalized().bytes)
        var power = BLS12381.Fr.one
        var points: [AffinePoint<BLS12381G1>] = []
        var scalars: [BLS12381.Fr] = []
        var powers: [BLS12381.Fr] = []
        var values = BLS12381.Fr.zero
        for opening in openings {
            points += [opening.commitment, opening.proof]
            scalars += [power, power * opening.z]
            powers.append(power)
            values += power * opening.y
            power *= base
        }
        let left = BLS12381G1.multiScalar(points, scalars, threads: 1) + generatorTable.sum([-values])
        let right = BLS12381G1.multiScalar(openings.map(\.proof), powers, threads: 1)
        let sides = BLS12381G1.normalize([-left, right])
        return BLS12381.isProductOne([PairingTerm(sides[0], generator), PairingTerm(sides[1], tau)])
    }

    /// The opening that a blob's proof claims: at the challenge, with the blob's own value there.
    static func opening(_ blob: KZGBlob) throws(ParseError) -> KZGOpening {
        let elements = try elements(blob.blob)
        let z = challenge(blob: blob.blob, commitment: blob.commitment)
        return KZGOpening(
            commitment: try KZGOpening.point(blob.commitment, "commitment"),
            z: z,
            y: KZGSetup.value(of: elements, at: z),
            proof: try KZGOpening.point(blob.proof, "proof")
        )
    }

    static func elements(_ blob: [UInt8]) throws(ParseError) -> [BLS12381.Fr] {
        guard blob.count == 32 * elementsPerBlob else {
            throw ParseError(field: "blob", expected: "\(32 * elementsPerBlob) bytes", actual: "\(blob.count)")
        }
        return try BLS12381FrParameters.elements(bigEndian: blob[...], field: "blob")
    }

    /// The point at which a blob is opened (`compute_challenge`).
    public static func challenge(blob: [UInt8], commitment: [UInt8]) -> BLS12381.Fr {
        var hash = SHA256()
        hash.update("FSBLOBVERIFY_V1_")
        hash.update(bigEndian: UInt64(0))
        hash.update(bigEndian: UInt64(elementsPerBlob))
        hash.update(blob)
        hash.update(commitment)
        return BLS12381.Fr(reducing: hash.finalized().bytes)
    }

    // MARK: Verdicts

    private static let source = "consensus-specs deneb/polynomial-commitments.md"

    /// The verdict on a blob that held as part of a batch.
    static func accepted(_ blob: KZGBlob) -> Verdict {
        verdict([encodingPassed, equation(true)], subject([blob.blob, blob.commitment, blob.proof]))
    }

    private static var encodingPassed: Check {
        Check(id: "kzg.encoding", result: .pass, expected: "canonical members of G1 and scalars", actual: "they are")
    }

    static func malformed(_ error: ParseError) -> Check {
        Check(
            id: "kzg.encoding",
            result: .fail,
            expected: error.field + ": " + error.expected,
            actual: error.actual,
            source: source
        )
    }

    private static func equation(_ holds: Bool) -> Check {
        Check.that(
            "kzg.equation",
            holds,
            expected: "e(C - y, 1) = e(proof, tau - z)",
            actual: holds ? "equal" : "different",
            source: source
        )
    }

    static func subject(_ parts: [[UInt8]]) -> String {
        var hash = SHA256()
        hash.update("assay-kzg-1\0")
        for part in parts {
            hash.update(bigEndian: UInt64(part.count))
            hash.update(part)
        }
        return hash.finalized().text
    }

    static func verdict(_ checks: [Check], _ subject: String) -> Verdict {
        Verdict.judged(
            kind: "kzg",
            by: checks,
            soundness: .bits(BLS12381.securityBits),
            assumptions: [
                BLS12381.hardness,
                Assumption(id: "kzg-ceremony", text: "at least one party of the KZG ceremony destroyed its secret"),
            ],
            subject: subject
        )
    }
}
