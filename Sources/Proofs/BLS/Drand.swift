// drand randomness beacons (drand/drand crypto/schemes.go): chain descriptions whose hash is recomputed, and beacons of all
// five schemes.
internal import Algebra
public import Codecs
public import Commitments
public import Verdicts

/// The signature schemes of drand networks.
public enum DrandScheme: String, Sendable, CaseIterable {
    /// Keys in G1, each beacon signs the one before it (the `default` network).
    case chained = "pedersen-bls-chained"
    /// Keys in G1, each beacon stands alone.
    case unchained = "pedersen-bls-unchained"
    /// Keys in G2, hashed under the tag of G2 by mistake (`fastnet`); kept because its beacons exist.
    case unchainedOnG1 = "bls-unchained-on-g1"
    /// Keys in G2 under the right tag (`quicknet`).
    case unchainedG1RFC9380 = "bls-unchained-g1-rfc9380"
    /// BN254 with Keccak-256 and the SVDW map, for cheap checking in contracts (`evmnet`).
    case bn254OnG1 = "bls-bn254-unchained-on-g1"

    /// Whether a beacon names the signature before it.
    public var isChained: Bool { self == .chained }

    /// The bytes of a public key.
    var keyByteCount: Int {
        switch self {
        case .chained, .unchained: 48
        case .unchainedOnG1, .unchainedG1RFC9380: 96
        case .bn254OnG1: 128
        }
    }

    /// The bytes of a signature.
    var signatureByteCount: Int {
        switch self {
        case .chained, .unchained: 96
        case .unchainedOnG1, .unchainedG1RFC9380: 48
        case .bn254OnG1: 64
        }
    }
}

/// What identifies a drand network.
public struct DrandChain: Sendable, Equatable {
    public var scheme: DrandScheme
    public var publicKey: [UInt8]
    /// Seconds between rounds.
    public var periodSeconds: UInt32
    /// The time of round 1 in seconds since 1970.
    public var genesisTime: UInt64
    /// The hash of the group that held the first key, 32 bytes; also what round 1 of a chained network signs over.
    public var groupHash: [UInt8]
    /// The network's name.
    public var beaconID: String

    /// Describes a network.
    public init(
        scheme: DrandScheme,
        publicKey: [UInt8],
        periodSeconds: UInt32,
        genesisTime: UInt64,
        groupHash: [UInt8],
        beaconID: String
    ) {
        self.scheme = scheme
        self.publicKey = publicKey
        self.periodSeconds = periodSeconds
        self.genesisTime = genesisTime
        self.groupHash = groupHash
        self.beaconID = beaconID
    }

    /// Reads the JSON of a network's `/info`, and recomputes its hash.
    /// - Throws: `ParseError` for a malformed description, an unknown scheme, or a hash that is not the description's.
    public init(json: [UInt8]) throws(ParseError) {
        var reader = try JSONReader(try JSONValue(parsing: json, limits: JSONLimits(bytes: 65_536)))
        let name = try reader.string("schemeID", maxBytes: 64)
        guard let scheme = DrandScheme(rawValue: name) else {
            throw ParseError(field: "schemeID", expected: "a scheme of drand", actual: name)
        }
        self.scheme = scheme
        publicKey = try reader.hex("public_key", count: scheme.keyByteCount)
        periodSeconds = UInt32(try reader.integer("period", in: 1...Int64(UInt32.max)))
        genesisTime = UInt64(try reader.integer("genesis_time", in: 0...Int64.max))
        groupHash = try reader.hex("groupHash", count: 32)
        let stated = try reader.hex("hash", count: 32)
        if reader.has("metadata") {
            var metadata = try reader.object("metadata")
            beaconID = try metadata.string("beaconID", maxBytes: 64)
            try metadata.finish()
        } else {
            beaconID = try reader.optionalString("beaconID", maxBytes: 64) ?? "default"
        }
        try reader.finish()
        guard hash.bytes == stated else {
            throw ParseError(field: "hash", expected: hash.hex, actual: Hex.encode(stated))
        }
    }

    /// SHA-256 over the period, the genesis time, the key, the group hash and, unless it is `default`, the name. The scheme
    /// is not hashed, so two schemes never share a key.
    public var hash: Digest {
        var hash = SHA256()
        hash.update(bigEndian: periodSeconds)
        hash.update(bigEndian: genesisTime)
        hash.update(publicKey)
        hash.update(groupHash)
        if beaconID != "default" { hash.update(beaconID) }
        return hash.finalized()
    }

    /// The last round that was due at `time`, in seconds since 1970; 0 before the genesis.
    public func round(at time: UInt64) -> UInt64 {
        time < genesisTime ? 0 : (time - genesisTime) / UInt64(periodSeconds) + 1
    }
}

/// One beacon as a node serves it.
public struct DrandBeacon: Sendable, Equatable {
    public var round: UInt64
    public var signature: [UInt8]
    /// The signature of the round before, for chained schemes; the group hash for round 1.
    public var previousSignature: [UInt8]?
    /// SHA-256 of the signature, when it was served.
    public var randomness: [UInt8]?

    /// A beacon with these fields.
    public init(round: UInt64, signature: [UInt8], previousSignature: [UInt8]? = nil, randomness: [UInt8]? = nil) {
        self.round = round
        self.signature = signature
        self.previousSignature = previousSignature
        self.randomness = randomness
    }

    /// What the beacon is worth when it is verified: SHA-256 of the signature.
    public var derivedRandomness: [UInt8] { SHA256.hash(signature).bytes }

    /// Reads the JSON of a round.
    /// - Throws: `ParseError` for anything malformed.
    public init(json: [UInt8]) throws(ParseError) {
        var reader = try JSONReader(try JSONValue(parsing: json, limits: JSONLimits(bytes: 65_536)))
        round = UInt64(try reader.integer("round", in: 1...Int64.max))
        signature = try Hex.decode(try reader.string("signature", maxBytes: 512), field: "signature")
        let previous = try reader.optionalString("previous_signature", maxBytes: 512)
        previousSignature = try previous.map { text throws(ParseError) in
            try Hex.decode(text, field: "previous_signature")
        }
        let random = try reader.optionalString("randomness", maxBytes: 128)
        randomness = try random.map { text throws(ParseError) in try Hex.decode(text, field: "randomness") }
        try reader.finish()
    }
}

extension DrandChain {
    /// Checks that `beacon` is this network's beacon of the round that the caller expects. The expectation is not optional: a
    /// server that chooses the round chooses the randomness.
    public func verify(_ beacon: DrandBeacon, expectedRound: UInt64) -> Verdict {
        var checks = [Check.equal("drand.round", expected: expectedRound, actual: beacon.round)]
        checks.append(previousCheck(beacon))
        let digest = SHA256.hash(beacon.signature)
        if let randomness = beacon.randomness {
            checks.append(Check.equal("drand.randomness", expected: digest.hex, actual: Hex.encode(randomness)))
        }
        if !checks.contains(where: { $0.result == .fail }) { checks += signatureChecks(beacon) }
        var subject = SHA256()
        subject.update("assay-drand-1\0")
        subject.update(hash)
        subject.update(bigEndian: beacon.round)
        subject.update(beacon.signature)
        let isBN254 = scheme == .bn254OnG1
        return Verdict.judged(
            kind: "drand",
            by: checks,
            soundness: .bits(isBN254 ? BN254.securityBits : BLS12381.securityBits),
            assumptions: [
                isBN254 ? BN254.hardness : BLS12381.hardness,
                Assumption(
                    id: "drand-threshold:" + beaconID,
                    text: "fewer than a threshold of the network's nodes conspire to predict its beacons"
                ),
            ],
            subject: subject.finalized().text
        )
    }

    /// A chained beacon without the signature before it would hash like an unchained one, so the shape is checked first.
    private func previousCheck(_ beacon: DrandBeacon) -> Check {
        let count = beacon.previousSignature?.count ?? 0
        let expected =
            !scheme.isChained ? 0 : beacon.round == 1 ? groupHash.count : scheme.signatureByteCount
        var check = Check.equal("drand.previous-signature", expected: "\(expected) bytes", actual: "\(count) bytes")
        if scheme.isChained, beacon.round == 1, check.result == .pass {
            check = Check.equal(
                "drand.previous-signature",
                expected: Hex.encode(groupHash),
                actual: Hex.encode(beacon.previousSignature ?? [])
            )
        }
        return check
    }

    private func signatureChecks(_ beacon: DrandBeacon) -> [Check] {
        var input: [UInt8] = scheme.isChained ? beacon.previousSignature ?? [] : []
        input.appendBigEndian(beacon.round)
        let tagOfG2 = "BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_NUL_"
        let verifier: BLSVerifier
        switch scheme {
        case .chained, .unchained: verifier = BLSVerifier(.keysInG1, tag: tagOfG2)
        case .unchainedOnG1: verifier = BLSVerifier(.keysInG2, tag: tagOfG2)
        case .unchainedG1RFC9380:
            verifier = BLSVerifier(.keysInG2, tag: "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_")
        case .bn254OnG1: return bn254Checks(beacon, message: Keccak256.hash(input))
        }
        let message = SHA256.hash(input).bytes
        return verifier.verify(publicKey: publicKey, message: message, signature: beacon.signature).checks
    }

    private func bn254Checks(_ beacon: DrandBeacon, message: [UInt8]) -> [Check] {
        var checks: [Check] = []
        func member<G: CurveGroup>(_ group: G.Type, _ bytes: [UInt8], _ id: String) -> AffinePoint<G>?
        where G.Coordinate: EVMCoordinate {
            let expected = "a member of \(G.name) that is not infinity"
            var actual = "infinity"
            do {
                let point = try UncheckedPoint<G>(evm: bytes[...], field: id).checked()
                if !point.isInfinity {
                    checks.append(Check(id: id, result: .pass, expected: expected, actual: "a member"))
                    return point
                }
            } catch {
                actual = "\(error)"
            }
            checks.append(Check(id: id, result: .fail, expected: expected, actual: actual))
            return nil
        }
        guard let signature = member(BN254G1.self, beacon.signature, "bls.signature"),
            let key = member(BN254G2.self, publicKey, "bls.public-key")
        else { return checks }
        let tag = Array("BLS_SIG_BN254G1_XMD:KECCAK-256_SVDW_RO_NUL_".utf8)
        let hash = BN254G1.hash(message, tag: tag, expander: .xmd(.keccak256), isUniform: true)
        let holds = BN254.isProductOne([
            PairingTerm(hash, key), PairingTerm(-signature, BN254G2.generator),
        ])
        return checks + [BLSVerifier.equation(holds)]
    }
}
