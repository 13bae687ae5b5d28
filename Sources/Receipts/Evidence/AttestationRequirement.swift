// Attestation as evidence: which processors may vouch, under which policy, with or without GPUs.
internal import Codecs

/// An attestation that a job asks for.
public struct AttestationRequirement: Sendable, Equatable {
    /// The name of the kind.
    public static let kind = "attestation"
    /// The part with the processor's evidence, whose report data binds everything.
    public static let processorPart = "cpu"
    /// The part with the GPUs' evidence.
    public static let devicePart = "gpu"
    /// The part with the collateral, which the provider hands over so that anybody can judge again later.
    public static let collateralPart = "collateral"
    /// The most bytes of a policy.
    public static let maxPolicyBytes: UInt64 = 1 << 20

    /// A kind of processor evidence with room for 64 bytes of report data.
    public enum Processor: String, Sendable, CaseIterable {
        case sgx
        case tdx
        case sevSNP = "sev-snp"
        case nitro
        case cca
    }

    /// Whether GPUs have to vouch too.
    public enum Devices: String, Sendable, CaseIterable {
        /// No GPU is asked for; evidence of one is refused.
        case none
        /// NVIDIA GPUs, whose evidence the processor's report data names.
        case nvidia
    }

    /// The kinds of processor evidence that are taken; not empty.
    public let processors: [Processor]
    /// Whether GPUs have to vouch too.
    public let devices: Devices
    /// The file that holds the policy (`assay-attestation-policy-1`).
    public internal(set) var policy: JobFile

    init(_ reader: inout JSONReader) throws(ParseError) {
        processors = try reader.array("cpu", max: Processor.allCases.count) {
            (value, path) throws(ParseError) -> Processor in
            guard case .string(let text) = value, let processor = Processor(rawValue: text) else {
                let known = Processor.allCases.map(\.rawValue).joined(separator: ", ")
                var actual = value.typeName
                if case .string(let text) = value { actual = text }
                throw ParseError(field: path, expected: "one of \(known)", actual: actual)
            }
            return processor
        }
        guard !processors.isEmpty, Set(processors).count == processors.count else {
            let actual = processors.isEmpty ? "none" : "one of them twice"
            throw ParseError(field: reader.path("cpu"), expected: "at least one kind, each once", actual: actual)
        }
        devices = try reader.choice("gpu")
        var file = try reader.object("policy")
        policy = try JobFile(&file, maxBytes: Self.maxPolicyBytes)
        try file.finish()
    }

    /// The parts that the provider hands over.
    var parts: [EvidencePart.Rule] {
        var rules = [EvidencePart.Rule(name: Self.processorPart, isRequired: true, maxBytes: 1 << 20)]
        if devices != .none {
            rules.append(EvidencePart.Rule(name: Self.devicePart, isRequired: true, maxBytes: 4 << 20))
        }
        // Without collateral most evidence decides nothing; that is a verdict and not a form.
        rules.append(EvidencePart.Rule(name: Self.collateralPart, isRequired: false, maxBytes: 16 << 20))
        return rules
    }

    var json: JSONValue {
        .object([
            "kind": .string(Self.kind),
            "cpu": .array(processors.map { .string($0.rawValue) }),
            "gpu": .string(devices.rawValue),
            "policy": .object(policy.members),
        ])
    }
}
