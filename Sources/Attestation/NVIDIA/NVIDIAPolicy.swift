// What a policy says about NVIDIA devices.
public import Codecs

/// Whether reference manifests must be there.
public enum ReferenceRule: String, Sendable, CaseIterable {
    /// A missing manifest leaves the question open.
    case required
    /// Manifests are applied when they are given for the versions in the report.
    case whenGiven
}

/// The terms that GPUs and switches share.
public struct NVIDIADeviceTerms: Sendable, Equatable {
    /// Acceptable numbers of devices in one list.
    public var deviceCounts: Allowed<UInt64>
    /// Acceptable firmware versions, written as in manifests: `96.00.9F.00.01`.
    public var firmwareVersions: Allowed<String>
    /// Whether reference manifests must be there.
    public var referenceValues: ReferenceRule
    /// Whether missing revocation information leaves the question open.
    public var revocation: RevocationRule

    /// Makes the terms.
    public init(
        deviceCounts: Allowed<UInt64>,
        firmwareVersions: Allowed<String>,
        referenceValues: ReferenceRule,
        revocation: RevocationRule
    ) {
        self.deviceCounts = deviceCounts
        self.firmwareVersions = firmwareVersions
        self.referenceValues = referenceValues
        self.revocation = revocation
    }

    init(_ reader: inout JSONReader) throws(ParseError) {
        deviceCounts = try reader.allowedIntegers("deviceCounts")
        firmwareVersions = try reader.allowedTexts("firmwareVersions")
        referenceValues = try reader.choice("referenceValues")
        revocation = try reader.choice("revocation")
    }
}

/// The section `nvidia-gpu` of a policy.
public struct NVIDIAGPUPolicy: FamilyPolicy, Equatable {
    public static let section = EvidenceKind.nvidiaGPU.rawValue

    /// The terms that switches have too.
    public var device: NVIDIADeviceTerms
    /// Acceptable architectures: `HOPPER`, `BLACKWELL`.
    public var architectures: Allowed<String>
    /// Acceptable driver versions.
    public var driverVersions: Allowed<String>
    /// Acceptable modes of confidential computing, by the names of `NVIDIAMode`.
    public var modes: Allowed<String>

    /// Makes a section.
    public init(
        device: NVIDIADeviceTerms,
        architectures: Allowed<String>,
        driverVersions: Allowed<String>,
        modes: Allowed<String>
    ) {
        self.device = device
        self.architectures = architectures
        self.driverVersions = driverVersions
        self.modes = modes
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        device = try NVIDIADeviceTerms(&reader)
        architectures = try reader.allowedTexts("architectures", known: ["HOPPER", "BLACKWELL"])
        driverVersions = try reader.allowedTexts("driverVersions")
        modes = try reader.allowedTexts("modes", known: NVIDIAMode.allCases.map(\.rawValue))
    }
}

/// The section `nvidia-nvswitch` of a policy.
public struct NVIDIASwitchPolicy: FamilyPolicy, Equatable {
    public static let section = EvidenceKind.nvidiaSwitch.rawValue

    /// The terms that GPUs have too.
    public var device: NVIDIADeviceTerms

    /// Makes a section.
    public init(device: NVIDIADeviceTerms) {
        self.device = device
    }

    public init(_ reader: inout JSONReader) throws(ParseError) {
        device = try NVIDIADeviceTerms(&reader)
    }
}
