// The claims of a PSA attestation token, profile 1 (draft-tschofenig-rats-psa-token-05) and profile 2 (RFC 9783 and the
// drafts before it, which share its labels).
public import Codecs

/// A profile of the PSA token.
public enum PSAProfile: String, Sendable, CaseIterable {
    /// Labels −75000 to −75010.
    case one = "PSA_IOT_PROFILE_1"
    /// Labels 2394 to 2400 with EAT's own for nonce, instance and profile.
    case two = "http://arm.com/psa/2.0.0"
    /// Profile 2 as published: the boot seed has EAT's label.
    case rfc9783 = "tag:psacertified.org,2023:psa#tfm"
}

/// The claims of a PSA token.
public struct PSAClaimValues: Sendable {
    /// The profile.
    public let profile: PSAProfile
    /// The caller's challenge: 32, 48 or 64 bytes.
    public let nonce: [UInt8]
    /// The device: 0x01 and the hash of its attestation key.
    public let instanceID: [UInt8]
    /// The hardware assembly of the root of trust.
    public let implementationID: [UInt8]
    /// The partition that asked: negative for the non-secure side.
    public let clientID: Int64
    /// The lifecycle state.
    public let lifecycle: ArmLifecycle
    /// Random bytes that stay the same during one boot.
    public let bootSeed: [UInt8]?
    /// Certification reference or hardware version: an EAN-13, in profile 2 with five more digits.
    public let certificationReference: String?
    /// The measured components; empty only in profile 1 with its explicit claim that nothing is measured.
    public let components: [ArmSoftwareComponent]
    /// Where a verifier may be found; a hint.
    public let verificationService: String?

    /// Reads the claims map of a token.
    public init(_ item: CBORItem) throws(ParseError) {
        try self.init(try ArmClaimSet(item, "psa"), profile: nil)
    }

    /// Reads the JSON form of the claims as `profile`.
    public init(_ value: JSONValue, as profile: PSAProfile) throws(ParseError) {
        try self.init(try ArmClaimSet(value, "psa"), profile: profile)
    }

    private static let profileOne = ArmClaim(-75000, "psa-profile")
    private static let profileTwo = ArmClaim(265, "eat-profile")

    private init(_ set: ArmClaimSet, profile wanted: PSAProfile?) throws(ParseError) {
        let named = try set.textIfPresent(wanted == .one ? Self.profileOne : Self.profileTwo)
        let profile: PSAProfile
        switch (wanted, named) {
        case (.one, let name):
            // Profile 1 may leave its name out.
            guard name == nil || name == PSAProfile.one.rawValue else {
                throw ParseError(field: "psa-profile", expected: PSAProfile.one.rawValue, actual: name ?? "nothing")
            }
            profile = .one
        case (.two, let name?), (.rfc9783, let name?), (nil, let name?):
            guard let found = PSAProfile(rawValue: name), found != .one, wanted == nil || wanted == found else {
                throw ParseError(field: "eat-profile", expected: "a known profile", actual: name)
            }
            profile = found
        case (.two, nil), (.rfc9783, nil):
            throw ParseError(field: "eat-profile", expected: "a profile", actual: "nothing")
        case (nil, nil):
            if let name = try set.textIfPresent(Self.profileOne), name != PSAProfile.one.rawValue {
                throw ParseError(field: "psa-profile", expected: PSAProfile.one.rawValue, actual: name)
            }
            profile = .one
        }
        self.profile = profile
        let isOne = profile == .one
        nonce = try set.digest(ArmClaim(isOne ? -75008 : 10, "psa-nonce"))
        instanceID = try armInstanceID(
            try set.bytes(ArmClaim(isOne ? -75009 : 256, "psa-instance-id"), 33...33),
            "psa-instance-id"
        )
        implementationID = try set.bytes(ArmClaim(isOne ? -75003 : 2396, "psa-implementation-id"), 32...32)
        clientID = try set.integer(
            ArmClaim(isOne ? -75001 : 2394, "psa-client-id"),
            Int64(Int32.min)...Int64(Int32.max)
        )
        let state = try set.integer(ArmClaim(isOne ? -75002 : 2395, "psa-security-lifecycle"), 0...0xffff)
        lifecycle = try ArmLifecycle(claim: state, "psa-security-lifecycle")
        switch profile {
        case .one: bootSeed = try set.bytes(ArmClaim(-75004, "psa-boot-seed"), 32...32)
        case .two: bootSeed = try set.bytesIfPresent(ArmClaim(2397, "psa-boot-seed"), 8...32)
        case .rfc9783: bootSeed = try set.bytesIfPresent(ArmClaim(268, "psa-boot-seed"), 8...32)
        }
        let reference = ArmClaim(isOne ? -75005 : 2398, isOne ? "psa-hwver" : "psa-certification-reference")
        certificationReference = try set.textIfPresent(reference)
        if let text = certificationReference {
            guard Self.isReference(text, allowsShort: isOne) else {
                throw ParseError(field: reference.name, expected: "13 digits, a dash, 5 digits", actual: text)
            }
        }
        components = try Self.components(set, isOne)
        verificationService = try set.textIfPresent(
            ArmClaim(isOne ? -75010 : 2400, "psa-verification-service-indicator")
        )
    }

    /// Components, or in profile 1 the claim that there are none: exactly one of the two.
    private static func components(_ set: ArmClaimSet, _ isOne: Bool) throws(ParseError) -> [ArmSoftwareComponent] {
        let field = "psa-software-components"
        let list = try set.setsIfPresent(ArmClaim(isOne ? -75006 : 2399, field), max: 64)
        let none = ArmClaim(-75007, "psa-no-software-measurements")
        if isOne, set.has(none) {
            _ = try set.integer(none, 1...1)
            guard list == nil else {
                throw ParseError(field: field, expected: "components or the claim of none", actual: "both")
            }
            return []
        }
        guard let list, !list.isEmpty else {
            throw ParseError(field: field, expected: "at least one component", actual: list == nil ? "nothing" : "none")
        }
        return try ArmSoftwareComponent.list(list, field)
    }

    private static func isReference(_ text: String, allowsShort: Bool) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        let isDigits = parts.allSatisfy { part in part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")) ~= $0 } }
        guard isDigits, parts.first?.count == 13 else { return false }
        return parts.count == 1 ? allowsShort : parts.count == 2 && parts[1].count == 5
    }

    /// The claims for `inspect`.
    var json: JSONObject {
        var object: JSONObject = [
            "profile": .string(profile.rawValue),
            "nonce": .string(Hex.encode(nonce)),
            "instanceID": .string(Hex.encode(instanceID)),
            "implementationID": .string(Hex.encode(implementationID)),
            "clientID": .string(String(clientID)),
            "lifecycle": .string(lifecycle.name),
        ]
        object["bootSeed"] = bootSeed.map { .string(Hex.encode($0)) } ?? .null
        object["certificationReference"] = certificationReference.map { .string($0) } ?? .null
        object["components"] = .array(components.map(\.json))
        object["verificationService"] = verificationService.map { .string($0) } ?? .null
        return object
    }
}
