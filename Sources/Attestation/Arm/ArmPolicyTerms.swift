// Policy terms that PSA and CCA platforms share: hardware, lifecycle, and every measured component.
internal import Codecs

/// What a platform must be.
public struct ArmPlatformPolicy: Sendable, Equatable {
    /// Acceptable token profiles.
    public var profiles: Allowed<String>
    /// Acceptable hardware implementations.
    public var implementationIDs: Allowed<[UInt8]>
    /// Acceptable devices.
    public var instanceIDs: Allowed<[UInt8]>
    /// Acceptable lifecycle states by name.
    public var lifecycles: Allowed<String>
    /// Acceptable measurements; *every* component of the token must have one of them.
    public var measurements: Allowed<[UInt8]>
    /// Acceptable signers; every component of the token must have one of them.
    public var signerIDs: Allowed<[UInt8]>

    /// Makes the terms.
    public init(
        profiles: Allowed<String>,
        implementationIDs: Allowed<[UInt8]>,
        instanceIDs: Allowed<[UInt8]>,
        lifecycles: Allowed<String>,
        measurements: Allowed<[UInt8]>,
        signerIDs: Allowed<[UInt8]>
    ) {
        self.profiles = profiles
        self.implementationIDs = implementationIDs
        self.instanceIDs = instanceIDs
        self.lifecycles = lifecycles
        self.measurements = measurements
        self.signerIDs = signerIDs
    }

    init(_ reader: inout JSONReader, profiles known: [String]) throws(ParseError) {
        profiles = try reader.allowedTexts("profiles", known: known)
        implementationIDs = try reader.allowedBytes("implementationIDs", count: 32)
        instanceIDs = try reader.allowedBytes("instanceIDs", count: 33)
        lifecycles = try reader.allowedTexts("lifecycles", known: ArmLifecycle.allCases.map(\.name))
        measurements = try reader.allowedBytes("measurements")
        signerIDs = try reader.allowedBytes("signerIDs")
    }

    func judge(
        id: String,
        profile: String,
        implementationID: [UInt8],
        instanceID: [UInt8],
        lifecycle: ArmLifecycle,
        components: [ArmSoftwareComponent],
        source: String,
        into findings: inout Findings
    ) {
        findings.requireAllowed(id + ".profile", profiles, profile, source: source)
        findings.requireAllowed(id + ".implementationID", implementationIDs, implementationID, source: source)
        findings.requireAllowed(id + ".instanceID", instanceIDs, instanceID, source: source)
        findings.requireAllowed(id + ".lifecycle", lifecycles, lifecycle.name, source: source)
        let terms = [("measurement", measurements), ("signerID", signerIDs)]
        for (name, rule) in terms where components.isEmpty && rule != .any {
            findings.require("\(id).\(name)", false, expected: "measured components", actual: "none", source: source)
        }
        for (index, component) in components.enumerated() {
            let place = "\(id).component[\(index)]"
            findings.requireAllowed(place + ".measurement", measurements, component.measurement, source: source)
            findings.requireAllowed(place + ".signerID", signerIDs, component.signerID, source: source)
        }
    }
}

/// Finds the pinned key of a device and checks a token's signature with it.
enum ArmSigner {
    /// Keys pinned for this instance, for this implementation, or for any device. The token must be signed by one of them;
    /// without any the question stays open.
    static func verify(
        id: String,
        pins: [PinnedKey],
        instanceID: [UInt8],
        implementationID: [UInt8],
        source: String,
        isSigned: (PublicKey) -> Bool,
        algorithm: String,
        into findings: inout Findings
    ) {
        let exact = pins.filter { $0.id == instanceID }
        let general = pins.filter { $0.id == implementationID || $0.id.isEmpty }
        // A pin of the very device leaves no room for another key.
        let candidates = exact.isEmpty ? general : exact
        guard !candidates.isEmpty else {
            findings.missing(
                id,
                expected: "a pinned key for instance \(Hex.encode(instanceID))",
                actual: "none in the trust file",
                source: source
            )
            return
        }
        let signer = candidates.first { isSigned($0.key) }
        findings.require(
            id,
            signer != nil,
            expected: "signed by a pinned key of the device",
            actual: signer.map { "\(algorithm), key \($0.key.kind)" } ?? "by none of \(candidates.count), \(algorithm)",
            source: source
        )
    }
}
