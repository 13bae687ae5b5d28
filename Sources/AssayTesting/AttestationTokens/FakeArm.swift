// Fake Arm platforms: PSA and CCA tokens with any claim changed, because no public token shows the other lifecycle states,
// the newer collection or a mix of two devices.
public import Attestation
public import Codecs
internal import Signatures

/// Claims by CBOR label, in order; set or remove any.
public struct FakeClaims: Sendable {
    /// The claims.
    public var pairs: [(label: Int64, value: CBORValue)]

    /// Takes claims.
    public init(_ pairs: [(label: Int64, value: CBORValue)]) {
        self.pairs = pairs
    }

    /// The value under `label`; `nil` takes the claim away.
    public subscript(label: Int64) -> CBORValue? {
        get { pairs.first { $0.label == label }?.value }
        set {
            pairs.removeAll { $0.label == label }
            if let newValue { pairs.append((label, newValue)) }
        }
    }

    /// The claims map.
    public var encoded: [UInt8] {
        CBORValue.map(pairs.map { .init(.integer($0.label), $0.value) }).encoded()
    }

    static func component(_ seed: UInt8) -> CBORValue {
        .labelled([
            1: .text("BL"), 2: .bytes([UInt8](repeating: seed, count: 32)), 4: .text("1.0"),
            5: .bytes([UInt8](repeating: 0x51, count: 32)),
        ])
    }
}

/// A fake PSA root of trust.
public struct FakePSA: Sendable {
    /// The key to pin.
    public let key: TestKey
    /// The claims.
    public var claims: FakeClaims

    /// A device with good claims of profile 2.
    public init(curve: SignatureCurve = .p256) {
        key = TestKey(curve)
        claims = FakeClaims([
            (10, .bytes([UInt8](repeating: 0x0a, count: 32))), (256, .bytes([1] + [UInt8](repeating: 2, count: 32))),
            (265, .text("http://arm.com/psa/2.0.0")), (2394, .integer(1)), (2395, .unsigned(0x3000)),
            (2396, .bytes([UInt8](repeating: 3, count: 32))), (2397, .bytes([UInt8](repeating: 4, count: 32))),
            (2399, .array([FakeClaims.component(0x11), FakeClaims.component(0x12)])),
        ])
    }

    /// The signed token.
    public func token(key: TestKey? = nil, tag: UInt64? = 18) -> [UInt8] {
        FakeCOSE.sign1(payload: claims.encoded, key: key ?? self.key, tag: tag).encoded()
    }
}

/// A fake CCA platform with one realm.
public struct FakeCCA: Sendable {
    /// The platform key to pin.
    public let platformKey: TestKey
    /// The realm's key.
    public let realmKey: TestKey
    /// The platform's claims, without the challenge: it is computed when the token is made.
    public var platform: FakeClaims
    /// The realm's claims.
    public var realm: FakeClaims
    /// What the platform's challenge is instead of the hash of the realm key.
    public var challenge: [UInt8]?
    /// The hash that the challenge is computed with.
    public var bindingHash: HashAlgorithm = .sha256

    /// A platform with good claims.
    /// - Parameter isLegacy: whether the realm key is a raw point and the profiles are those of RMM before 1.0.
    public init(isLegacy: Bool = false, platformCurve: SignatureCurve = .p384) {
        platformKey = TestKey(platformCurve)
        realmKey = TestKey(.p384)
        platform = FakeClaims([
            (265, .text(isLegacy ? "http://arm.com/CCA-SSD/1.0.0" : "tag:arm.com,2023:cca_platform#1.0.0")),
            (2396, .bytes([UInt8](repeating: 3, count: 32))), (256, .bytes([1] + [UInt8](repeating: 2, count: 32))),
            (2401, .bytes([0xcf])), (2395, .unsigned(0x3000)), (2402, .text("sha-256")),
            (2399, .array([FakeClaims.component(0x11), FakeClaims.component(0x12)])),
        ])
        let coordinates = realmKey.coordinates
        let key =
            isLegacy
            ? [4] + coordinates
            : CBORValue.labelled([
                1: .integer(2), -1: .integer(2), -2: .bytes(Array(coordinates.prefix(48))),
                -3: .bytes(Array(coordinates.dropFirst(48))),
            ]).encoded()
        realm = FakeClaims([
            (10, .bytes([UInt8](repeating: 0x0a, count: 64))), (44235, .bytes([UInt8](repeating: 5, count: 64))),
            (44236, .text("sha-512")), (44237, .bytes(key)), (44240, .text("sha-256")),
            (44238, .bytes([UInt8](repeating: 6, count: 64))),
            (44239, .array([CBORValue](repeating: .bytes([UInt8](repeating: 7, count: 64)), count: 4))),
        ])
        if !isLegacy { realm[265] = .text("tag:arm.com,2023:realm#1.0.0") }
    }

    /// The signed platform token.
    /// - Parameter chain: certificates for the x5chain header parameter, the signer's first.
    public func platformToken(key: TestKey? = nil, chain: [TestIdentity] = []) -> [UInt8] {
        var claims = platform
        var realmKeyBytes: [UInt8] = []
        if case .bytes(let bytes)? = realm[44237] { realmKeyBytes = bytes }
        claims[10] = .bytes(challenge ?? bindingHash.digest(realmKeyBytes))
        let certificates = chain.map { CBORValue.bytes($0.certificate.der) }
        let header = certificates.count == 1 ? certificates[0] : CBORValue.array(certificates)
        return FakeCOSE.sign1(
            payload: claims.encoded,
            key: key ?? chain.first?.key ?? platformKey,
            unprotected: chain.isEmpty ? .map([]) : .labelled([33: header])
        ).encoded()
    }

    /// The signed realm token.
    public func realmToken(key: TestKey? = nil) -> [UInt8] {
        FakeCOSE.sign1(payload: realm.encoded, key: key ?? realmKey).encoded()
    }

    /// The collection.
    /// - Parameters:
    ///   - tag: 399 or 907.
    ///   - asRecords: whether members are records [263, bytes]; by default as `tag` demands.
    public func token(
        tag: UInt64 = 399,
        asRecords: Bool? = nil,
        platform: [UInt8]? = nil,
        realm: [UInt8]? = nil
    ) -> [UInt8] {
        func member(_ bytes: [UInt8]) -> CBORValue {
            asRecords ?? (tag == 907) ? .array([.unsigned(263), .bytes(bytes)]) : .bytes(bytes)
        }
        return CBORValue.tagged(
            tag,
            .labelled([44234: member(platform ?? platformToken()), 44241: member(realm ?? realmToken())])
        ).encoded()
    }
}
