// The points of a KZG ceremony, and what follows from the roots of unity alone.
public import Algebra
public import Codecs

/// A whole trusted setup: what commitments need beyond the one point that verification does.
public struct KZGSetup: Sendable {
    /// The Lagrange polynomials' commitments, in bit-reversed order of the roots.
    public let lagrange: [AffinePoint<BLS12381G1>]
    /// The secret times the generator of G2.
    public let tau: AffinePoint<BLS12381G2>

    /// The secret of Ethereum's ceremony of 2023 times the generator of G2 (consensus-specs,
    /// presets/mainnet/trusted_setups/trusted_setup_4096.json, g2_monomial[1]).
    static let ethereumTau: AffinePoint<BLS12381G2> = {
        let text =
            "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d2914e5870cb452d2afaaab24f3499f72"
            + "185cbfee53492714734429b7b38608e23926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2"
        do {
            let bytes = try Hex.decode(text)
            return try UncheckedPoint<BLS12381G2>(zcash: bytes[...], field: "tau").checked()
        } catch {
            preconditionFailure("the constant is a member of G2: \(error)")
        }
    }()

    /// Whether this is the setup of Ethereum's ceremony of 2023.
    public var isEthereum: Bool { tau == Self.ethereumTau }

    /// Reads the text form of c-kzg-4844: the counts 4096 and 65, then the Lagrange points of G1, the powers in G2 and the
    /// powers in G1, one hexadecimal point a line.
    /// - Throws: `ParseError` for another shape, a malformed point, or a point outside its group.
    public init(text: String) throws(ParseError) {
        let lines = text.split(whereSeparator: \.isNewline)
        guard lines.count >= 2 + 4096 + 65, lines[0] == "4096", lines[1] == "65" else {
            throw ParseError(field: "setup", expected: "4096 and 65 points", actual: "\(lines.count) lines")
        }
        var points: [AffinePoint<BLS12381G1>] = []
        points.reserveCapacity(4096)
        for (index, line) in lines[2..<4098].enumerated() {
            let field = "g1_lagrange[\(index)]"
            points.append(try KZGOpening.point(try Hex.decode(line, field: field), field))
        }
        // The file holds natural order; blobs are in bit-reversed order.
        lagrange = points.indices.map { points[Self.reversed($0)] }
        let bytes = try Hex.decode(lines[4099], count: 96, field: "g2_monomial[1]")
        do {
            tau = try UncheckedPoint<BLS12381G2>(zcash: bytes[...], field: "g2_monomial[1]").checked()
        } catch let error as ParseError {
            throw error
        } catch {
            throw ParseError(field: "g2_monomial[1]", expected: "a member of \(BLS12381G2.name)", actual: "\(error)")
        }
    }

    private static func reversed(_ index: Int) -> Int {
        (0..<12).reduce(0) { $0 << 1 | (index >> $1 & 1) }
    }

    /// The commitment to a blob.
    /// - Throws: `ParseError` for a blob of another length or with elements that are not canonical.
    public func commitment(to blob: [UInt8]) throws(ParseError) -> AffinePoint<BLS12381G1> {
        BLS12381G1.multiScalar(lagrange, try KZGVerifier.elements(blob), threads: 1).affine
    }

    /// The value at `z` of the polynomial that a blob's elements are the values of.
    /// - Throws: `ParseError` for a blob of another length or with elements that are not canonical.
    public func value(of blob: [UInt8], at z: BLS12381.Fr) throws(ParseError) -> BLS12381.Fr {
        Self.value(of: try KZGVerifier.elements(blob), at: z)
    }

    /// A blob with its commitment and the proof of its opening at the challenge.
    /// - Throws: `ParseError` for a blob of another length or with elements that are not canonical.
    public func proving(_ blob: [UInt8]) throws(ParseError) -> KZGBlob {
        let elements = try KZGVerifier.elements(blob)
        let commitment = try commitment(to: blob).zcash
        let z = KZGVerifier.challenge(blob: blob, commitment: commitment)
        // The quotient (f - f(z)) / (x - z) by its values at the roots; a challenge that hits a root has no such values,
        // which happens with probability 2^-243.
        let y = Self.value(of: elements, at: z)
        var quotients = Self.roots.map { $0 - z }
        BLS12381.Fr.invertAll(&quotients)
        for index in quotients.indices { quotients[index] *= elements[index] - y }
        let proof = BLS12381G1.multiScalar(lagrange, quotients, threads: 1).affine.zcash
        return KZGBlob(blob: blob, commitment: commitment, proof: proof)
    }

    /// The roots of unity in bit-reversed order.
    private static let roots: [BLS12381.Fr] = {
        guard let domain else { return [] }
        var roots = [BLS12381.Fr.one]
        for index in 1..<domain.size { roots.append(roots[index - 1] * domain.root) }
        EvaluationDomain<BLS12381FrParameters>.reverseBits(&roots)
        return roots
    }()

    private static let domain = EvaluationDomain<BLS12381FrParameters>(log: 12)
    private static let inverses = domain?.reversedInverses ?? []

    /// The value at `z` of the polynomial with these values at the roots of unity in bit-reversed order.
    static func value(of elements: [BLS12381.Fr], at z: BLS12381.Fr) -> BLS12381.Fr {
        BLS12381FrParameters.evaluateReversed(elements, at: z, inverses)
    }
}

extension KZGBlob {
    /// A blob with its commitment and proof, made with the setup's secret instead of its points. Whoever knows the secret can
    /// prove anything: this is for measurements and tests under setups of their own.
    /// - Parameter elements: 4096 values.
    public static func proving(_ elements: [BLS12381.Fr], secret: BLS12381.Fr) -> KZGBlob {
        precondition(elements.count == KZGVerifier.elementsPerBlob, "a blob has 4096 elements")
        let blob = elements.flatMap(\.bigEndianBytes)
        let value = KZGSetup.value(of: elements, at: secret)
        let commitment = (value * BLS12381G1.generator).affine.zcash
        let z = KZGVerifier.challenge(blob: blob, commitment: commitment)
        let quotient = (value - KZGSetup.value(of: elements, at: z)) * ((secret - z).inverse() ?? .zero)
        return KZGBlob(blob: blob, commitment: commitment, proof: (quotient * BLS12381G1.generator).affine.zcash)
    }
}

extension KZGVerifier {
    /// The value of a blob's polynomial at its challenge; `nil` for a malformed blob.
    public static func value(of blob: KZGBlob) -> BLS12381.Fr? {
        guard let elements = try? elements(blob.blob) else { return nil }
        return KZGSetup.value(of: elements, at: challenge(blob: blob.blob, commitment: blob.commitment))
    }
}
