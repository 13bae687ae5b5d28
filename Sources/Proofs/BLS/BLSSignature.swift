// BLS signatures over BLS12-381 (draft-irtf-cfrg-bls-signature-05), both placements of keys and signatures.
public import Algebra
public import Codecs
internal import Commitments
public import Verdicts

/// A group whose points have the ZCash encoding.
public protocol ZCashGroup: HashableGroup {
    /// Reads a point; see `UncheckedPoint.init(zcash:field:)`.
    static func decode(_ bytes: ArraySlice<UInt8>, field: String) throws(ParseError) -> UncheckedPoint<Self>
}

extension BLS12381G1: ZCashGroup {
    public static func decode(_ bytes: ArraySlice<UInt8>, field: String) throws(ParseError) -> UncheckedPoint<Self> {
        try UncheckedPoint(zcash: bytes, field: field)
    }
}

extension BLS12381G2: ZCashGroup {
    public static func decode(_ bytes: ArraySlice<UInt8>, field: String) throws(ParseError) -> UncheckedPoint<Self> {
        try UncheckedPoint(zcash: bytes, field: field)
    }
}

/// Verification of BLS signatures with compressed keys and signatures.
public struct BLSVerifier: Sendable {
    /// Where public keys live; signatures live in the other group.
    public enum Placement: Sendable {
        /// Keys of 48 bytes in G1, signatures of 96 bytes in G2.
        case keysInG1
        /// Keys of 96 bytes in G2, signatures of 48 bytes in G1.
        case keysInG2
    }

    /// Where keys live.
    public var placement: Placement
    /// The domain separation tag that messages are hashed under.
    public var tag: String

    /// A verifier with the given placement and tag.
    public init(_ placement: Placement, tag: String) {
        self.placement = placement
        self.tag = tag
    }

    /// `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_`: keys in G1, messages without augmentation.
    public static let basic = BLSVerifier(.keysInG1, tag: "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_")
    /// `BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_`: keys in G1 whose possession was proved (Ethereum's consensus).
    public static let proofOfPossession = BLSVerifier(.keysInG1, tag: "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_")
    /// The tag under which possession of a key in G1 is proved: the message is the key itself.
    public static let possession = BLSVerifier(.keysInG1, tag: "BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_")

    /// Checks one signature (`CoreVerify`, §2.7).
    public func verify(publicKey: [UInt8], message: [UInt8], signature: [UInt8]) -> Verdict {
        verify(pairs: [(publicKey, message)], signature: signature)
    }

    /// Checks an aggregate of signatures over messages that differ (`AggregateVerify` of the basic scheme, §3.1.1). Equal
    /// messages are refused: an attacker could choose a key that cancels another one.
    public func verifyAggregate(_ pairs: [(publicKey: [UInt8], message: [UInt8])], signature: [UInt8]) -> Verdict {
        let isDistinct = Set(pairs.map(\.message)).count == pairs.count && !pairs.isEmpty
        let check = Check.that(
            "bls.messages",
            isDistinct,
            expected: "at least one message, all different",
            actual: isDistinct ? "\(pairs.count) different messages" : "none, or repeated messages",
            source: "draft-irtf-cfrg-bls-signature-05 §3.1.1"
        )
        guard isDistinct else { return verdict([check], subject(pairs.map { ($0.publicKey, $0.message) }, signature)) }
        return verify(pairs: pairs.map { ($0.publicKey, $0.message) }, signature: signature, before: [check])
    }

    /// Checks an aggregate of signatures over one message, by keys whose possession was proved (`FastAggregateVerify`,
    /// §3.3.4). Whether it was is the caller's to know: without it anyone can choose a key that cancels the others.
    public func verifyFastAggregate(publicKeys: [[UInt8]], message: [UInt8], signature: [UInt8]) -> Verdict {
        switch placement {
        case .keysInG1: return fastAggregate(BLS12381G1.self, BLS12381G2.self, publicKeys, message, signature)
        case .keysInG2: return fastAggregate(BLS12381G2.self, BLS12381G1.self, publicKeys, message, signature)
        }
    }

    private func fastAggregate<K: ZCashGroup, S: ZCashGroup>(
        _ keyGroup: K.Type,
        _ signatureGroup: S.Type,
        _ publicKeys: [[UInt8]],
        _ message: [UInt8],
        _ signature: [UInt8]
    ) -> Verdict {
        let subject = subject(publicKeys.map { ($0, []) } + [([], message)], signature)
        var checks: [Check] = []
        var sum = JacobianPoint<K>.infinity
        for (index, bytes) in publicKeys.enumerated() {
            guard let key = Self.member(keyGroup, bytes, "bls.public-key[\(index)]", &checks) else {
                return verdict(checks, subject)
            }
            sum += key
        }
        let point = Self.member(signatureGroup, signature, "bls.signature", &checks)
        let key = sum.affine
        checks.append(
            Check.that(
                "bls.aggregate-key",
                !key.isInfinity,
                expected: "keys with a sum that is not infinity",
                actual: key.isInfinity ? "infinity, or no keys" : "a point"
            )
        )
        guard let point, !key.isInfinity else { return verdict(checks, subject) }
        let hash = S.hash(message, tag: Array(tag.utf8), expander: .xmd(.sha256), isUniform: true)
        checks.append(Self.equation(Self.holds([(key, hash)], point)))
        return verdict(checks, subject)
    }

    private func verify(
        pairs: [([UInt8], [UInt8])],
        signature: [UInt8],
        before: [Check] = []
    ) -> Verdict {
        let subject = subject(pairs, signature)
        switch placement {
        case .keysInG1: return verify(BLS12381G1.self, BLS12381G2.self, pairs, signature, before, subject)
        case .keysInG2: return verify(BLS12381G2.self, BLS12381G1.self, pairs, signature, before, subject)
        }
    }

    private func verify<K: ZCashGroup, S: ZCashGroup>(
        _ keyGroup: K.Type,
        _ signatureGroup: S.Type,
        _ pairs: [([UInt8], [UInt8])],
        _ signature: [UInt8],
        _ before: [Check],
        _ subject: String
    ) -> Verdict {
        var checks = before
        guard let point = Self.member(signatureGroup, signature, "bls.signature", &checks) else {
            return verdict(checks, subject)
        }
        var terms: [(AffinePoint<K>, AffinePoint<S>)] = []
        for (index, pair) in pairs.enumerated() {
            let id = pairs.count == 1 ? "bls.public-key" : "bls.public-key[\(index)]"
            guard let key = Self.member(keyGroup, pair.0, id, &checks) else { return verdict(checks, subject) }
            terms.append((key, S.hash(pair.1, tag: Array(tag.utf8), expander: .xmd(.sha256), isUniform: true)))
        }
        checks.append(Self.equation(Self.holds(terms, point)))
        return verdict(checks, subject)
    }

    /// The product of e(key_i, hash_i) equals e(generator, signature), whichever group holds the keys.
    private static func holds<K: ZCashGroup, S: ZCashGroup>(
        _ terms: [(AffinePoint<K>, AffinePoint<S>)],
        _ signature: AffinePoint<S>
    ) -> Bool {
        if let terms = terms as? [(AffinePoint<BLS12381G1>, AffinePoint<BLS12381G2>)],
            let signature = signature as? AffinePoint<BLS12381G2>
        {
            return BLS12381.isProductOne(
                terms.map { PairingTerm($0.0, $0.1) } + [PairingTerm(-BLS12381G1.generator, signature)]
            )
        }
        if let terms = terms as? [(AffinePoint<BLS12381G2>, AffinePoint<BLS12381G1>)],
            let signature = signature as? AffinePoint<BLS12381G1>
        {
            return BLS12381.isProductOne(
                terms.map { PairingTerm($0.1, $0.0) } + [PairingTerm(-signature, preparedGenerator)]
            )
        }
        return false
    }

    private static let preparedGenerator = PreparedG2<BLS12381>(BLS12381G2.generator)

    /// A compressed member of the group that is not infinity (`KeyValidate`, §2.5, and `signature_subgroup_check`).
    static func member<G: ZCashGroup>(
        _ group: G.Type,
        _ bytes: [UInt8],
        _ id: String,
        _ checks: inout [Check]
    ) -> AffinePoint<G>? {
        let expected = "a compressed member of \(G.name) that is not infinity"
        var actual = "infinity"
        do {
            guard bytes.count == G.Coordinate.byteCount else {
                throw ParseError(field: "", expected: "\(G.Coordinate.byteCount) bytes", actual: "\(bytes.count) bytes")
            }
            let point = try G.decode(bytes[...], field: id).checked()
            if !point.isInfinity {
                checks.append(Check(id: id, result: .pass, expected: expected, actual: "a member"))
                return point
            }
        } catch {
            actual = "\(error)"
        }
        checks.append(
            Check(
                id: id,
                result: .fail,
                expected: expected,
                actual: actual,
                source: "draft-irtf-cfrg-bls-signature-05 §2.5"
            )
        )
        return nil
    }

    static func equation(_ holds: Bool) -> Check {
        Check.that(
            "bls.equation",
            holds,
            expected: "e(key, hash of the message) = e(generator, signature)",
            actual: holds ? "equal" : "different",
            source: "draft-irtf-cfrg-bls-signature-05 §2.7"
        )
    }

    private func subject(_ pairs: [([UInt8], [UInt8])], _ signature: [UInt8]) -> String {
        var hash = SHA256()
        hash.update("assay-bls-1\0" + tag + "\0")
        for part in pairs.flatMap({ [$0.0, $0.1] }) + [signature] {
            hash.update(bigEndian: UInt64(part.count))
            hash.update(part)
        }
        return hash.finalized().text
    }

    private func verdict(_ checks: [Check], _ subject: String) -> Verdict {
        Verdict.judged(
            kind: "bls",
            by: checks,
            soundness: .bits(BLS12381.securityBits),
            assumptions: [BLS12381.hardness],
            subject: subject
        )
    }
}
