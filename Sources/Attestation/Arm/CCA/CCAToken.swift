// The layout of an Arm CCA attestation token: a platform token and a realm token in one collection (Arm RMM specification,
// "CCA attestation token"; draft-ffm-rats-cca-token).
public import Codecs
public import Signatures

/// A CCA attestation token. Nothing about it has been verified yet.
public struct CCAToken: Sendable {
    /// The collection tag of RMM 1.0: members are byte strings.
    public static let tag: UInt64 = 399
    /// The collection tag of RMM 2.0: members are CMW records [263, bytes].
    public static let recordTag: UInt64 = 907
    /// The CoAP content format of `application/eat+cwt`.
    public static let contentFormat: Int64 = 263

    /// The signed platform token.
    public let platformEnvelope: COSESign1
    /// The signed realm token.
    public let realmEnvelope: COSESign1
    /// What the platform says.
    public let platform: CCAPlatformClaims
    /// What the realm management monitor says about the realm.
    public let realm: CCARealmClaims

    /// The most bytes of a token.
    public static let maximumBytes = 64 << 10

    /// Reads a token. Exactly the two forms are accepted: plain members under tag 399, records under tag 907.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let item = try CBORItem(parsing: bytes, CBORRules(isDeterministic: false, bytes: Self.maximumBytes))
        guard case .tagged(let tag, let collection) = item.content, tag == Self.tag || tag == Self.recordTag else {
            throw ParseError(field: "cca", expected: "tag 399 or 907", actual: item.typeName)
        }
        guard try collection.entries(max: 2, "cca").count == 2, let platform = collection[44234],
            let realm = collection[44241]
        else {
            throw ParseError(field: "cca", expected: "a platform token and a realm token", actual: "another collection")
        }
        platformEnvelope = try Self.envelope(platform, tag, "cca.platform")
        realmEnvelope = try Self.envelope(realm, tag, "cca.realm")
        self.platform = try CCAPlatformClaims(try Self.claims(platformEnvelope, "cca.platform"))
        self.realm = try CCARealmClaims(try Self.claims(realmEnvelope, "cca.realm"))
        // The two profiles of the realm token go with the two of the platform token; a mix is nobody's profile.
        guard (self.platform.profile == .legacy) == (self.realm.profile == .legacy) else {
            throw ParseError(field: "cca", expected: "tokens of one profile", actual: "a mix")
        }
    }

    /// The certificates of the platform token's x5chain header parameter, the signer's first: one byte string, or an array
    /// of them. Empty without one. A chain may stand under no signature: it leads to a pinned root or nowhere.
    func platformChain() throws(ParseError) -> [Certificate] {
        let field = "cca.platform.x5chain"
        guard let item = platformEnvelope.protectedHeader[33] ?? platformEnvelope.unprotectedHeader[33] else {
            return []
        }
        let items: [CBORItem]
        if case .bytes = item.content { items = [item] } else { items = try item.elements(max: 8, field) }
        var chain: [Certificate] = []
        for item in items {
            chain.append(
                try Certificate(der: Array(try item.byteString(1...Certificate.maxBytes, field)), field: field)
            )
        }
        return chain
    }

    private static func envelope(_ item: CBORItem, _ tag: UInt64, _ field: String) throws(ParseError) -> COSESign1 {
        var member = item
        if tag == recordTag {
            let record = try item.elements(max: 2, field)
            guard record.count == 2, record[0].integer == contentFormat else {
                throw ParseError(field: field, expected: "a record [263, bytes]", actual: "another record")
            }
            member = record[1]
        }
        do throws(ParseError) {
            return try COSESign1(parsing: try member.byteString(1...maximumBytes, ""), tag: .required)
        } catch {
            throw error.within(field)
        }
    }

    private static func claims(_ envelope: COSESign1, _ field: String) throws(ParseError) -> CBORItem {
        guard let payload = envelope.payload else {
            throw ParseError(field: field, expected: "a payload", actual: "a detached one")
        }
        do throws(ParseError) { return try CBORItem(parsing: payload, .tolerant) } catch { throw error.within(field) }
    }
}

/// Profiles of CCA platform tokens.
public enum CCAPlatformProfile: String, Sendable, CaseIterable {
    /// RMM 1.0 before its final form: raw realm keys.
    case legacy = "http://arm.com/CCA-SSD/1.0.0"
    /// RMM 1.0: realm keys as COSE_Key.
    case v1 = "tag:arm.com,2023:cca_platform#1.0.0"
}

/// The claims of a CCA platform token.
public struct CCAPlatformClaims: Sendable {
    /// The profile.
    public let profile: CCAPlatformProfile
    /// The hash of the realm's attestation key.
    public let challenge: [UInt8]
    /// The hardware.
    public let implementationID: [UInt8]
    /// The device.
    public let instanceID: [UInt8]
    /// Vendor-defined configuration.
    public let configuration: [UInt8]
    /// The lifecycle state.
    public let lifecycle: ArmLifecycle
    /// The hash that measurements were made with, where a component names none.
    public let hash: HashAlgorithm
    /// The measured components.
    public let components: [ArmSoftwareComponent]
    /// Where a verifier may be found; a hint.
    public let verificationService: String?

    /// Reads the claims map of a token.
    public init(_ item: CBORItem) throws(ParseError) {
        try self.init(set: try ArmClaimSet(item, "cca-platform"))
    }

    /// Reads the JSON form of the claims.
    public init(_ value: JSONValue) throws(ParseError) {
        try self.init(set: try ArmClaimSet(value, "cca-platform"))
    }

    private init(set: ArmClaimSet) throws(ParseError) {
        let name = try set.text(ArmClaim(265, "cca-platform-profile"))
        guard let profile = CCAPlatformProfile(rawValue: name) else {
            throw ParseError(field: "cca-platform-profile", expected: "a known profile", actual: name)
        }
        self.profile = profile
        challenge = try set.digest(ArmClaim(10, "cca-platform-challenge"))
        implementationID = try set.bytes(ArmClaim(2396, "cca-platform-implementation-id"), 32...32)
        instanceID = try armInstanceID(
            try set.bytes(ArmClaim(256, "cca-platform-instance-id"), 33...33),
            "cca-platform-instance-id"
        )
        configuration = try set.bytes(ArmClaim(2401, "cca-platform-config"), 1...4096)
        let state = try set.integer(ArmClaim(2395, "cca-platform-lifecycle"), 0...0xffff)
        lifecycle = try ArmLifecycle(claim: state, "cca-platform-lifecycle")
        hash = try ccaHash(try set.text(ArmClaim(2402, "cca-platform-hash-algo-id")), "cca-platform-hash-algo-id")
        let field = "cca-platform-sw-components"
        guard let list = try set.setsIfPresent(ArmClaim(2399, field), max: 64), !list.isEmpty else {
            throw ParseError(field: field, expected: "at least one component", actual: "nothing")
        }
        components = try ArmSoftwareComponent.list(list, field)
        verificationService = try set.textIfPresent(ArmClaim(2400, "cca-platform-service-indicator"))
    }
}

/// Profiles of CCA realm tokens.
public enum CCARealmProfile: String, Sendable, CaseIterable {
    /// No profile claim; the key is a raw point.
    case legacy = ""
    /// The key is a COSE_Key.
    case v1 = "tag:arm.com,2023:realm#1.0.0"
}

/// The claims of a CCA realm token.
public struct CCARealmClaims: Sendable {
    /// The profile.
    public let profile: CCARealmProfile
    /// The caller's challenge of 64 bytes.
    public let challenge: [UInt8]
    /// Free bytes that the host sets at the realm's creation.
    public let personalization: [UInt8]
    /// The measurement of the realm's initial content (RIM).
    public let initialMeasurement: [UInt8]
    /// The four registers that the realm extends (REM).
    public let extensibleMeasurements: [[UInt8]]
    /// The hash that the measurements were made with.
    public let hash: HashAlgorithm
    /// The realm attestation key exactly as in the token; what the platform's challenge is the hash of.
    public let publicKeyBytes: [UInt8]
    /// The hash in the platform's challenge.
    public let publicKeyHash: HashAlgorithm

    /// Reads the claims map of a token.
    public init(_ item: CBORItem) throws(ParseError) {
        try self.init(set: try ArmClaimSet(item, "cca-realm"))
    }

    /// Reads the JSON form of the claims.
    public init(_ value: JSONValue) throws(ParseError) {
        try self.init(set: try ArmClaimSet(value, "cca-realm"))
    }

    private init(set: ArmClaimSet) throws(ParseError) {
        let name = try set.textIfPresent(ArmClaim(265, "cca-realm-profile"))
        guard let profile = CCARealmProfile(rawValue: name ?? "") else {
            throw ParseError(field: "cca-realm-profile", expected: "a known profile", actual: name ?? "")
        }
        self.profile = profile
        challenge = try set.bytes(ArmClaim(10, "cca-realm-challenge"), 64...64)
        personalization = try set.bytes(ArmClaim(44235, "cca-realm-personalization-value"), 64...64)
        initialMeasurement = try set.digest(ArmClaim(44238, "cca-realm-initial-measurement"))
        extensibleMeasurements = try set.digests(ArmClaim(44239, "cca-realm-extensible-measurements"), count: 4)
        hash = try ccaHash(try set.text(ArmClaim(44236, "cca-realm-hash-algo-id")), "cca-realm-hash-algo-id")
        let lengths = profile == .legacy ? 97...97 : 1...256
        publicKeyBytes = try set.bytes(ArmClaim(44237, "cca-realm-public-key"), lengths)
        let field = "cca-realm-public-key-hash-algo-id"
        publicKeyHash = try ccaHash(try set.text(ArmClaim(44240, field)), field)
    }

    /// The realm attestation key: always on P-384 (RMM specification, "Realm public key claim").
    public func publicKey() throws(ParseError) -> PublicKey {
        let field = "cca-realm-public-key"
        guard profile == .v1 else {
            return try PublicKey(uncompressedPoint: publicKeyBytes[...], on: .p384, field: field)
        }
        let key = try PublicKey(coseKey: try CBORItem(parsing: publicKeyBytes, .tolerant), field: field)
        guard key.kind == .ellipticCurve(.p384) else {
            throw ParseError(field: field, expected: "a key on P-384", actual: key.kind.description)
        }
        return key
    }
}

/// A hash by its name in the IANA Named Information registry; only those that a digest of 32 bytes or more comes from.
private func ccaHash(_ name: String, _ field: String) throws(ParseError) -> HashAlgorithm {
    guard let hash = HashAlgorithm(rawValue: name), hash != .sha1 else {
        throw ParseError(field: field, expected: "sha-256, sha-384 or sha-512", actual: name)
    }
    return hash
}
