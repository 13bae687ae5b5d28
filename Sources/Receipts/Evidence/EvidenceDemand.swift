// The `evidence` member of a job spec: which kinds of evidence must all hold before a result is believed.
public import Codecs
internal import Commitments

/// One kind of evidence that a job asks for.
public enum EvidenceRequirement: Sendable, Equatable {
    /// Re-execution by a validator.
    case replay(ReplayRequirement)
    /// A proof that the provider hands over with its result.
    case proof(ProofRequirement)
    /// Evidence by hardware that the provider hands over with its result.
    case attestation(AttestationRequirement)

    /// The name of the kind, as verdicts state it.
    public var kind: String {
        switch self {
        case .replay: ReplayRequirement.kind
        case .proof: ProofRequirement.kind
        case .attestation: AttestationRequirement.kind
        }
    }

    /// What the provider hands over for it, by part name; empty when it hands over nothing.
    public var parts: [EvidencePart.Rule] {
        switch self {
        case .replay: []
        case .proof: [EvidencePart.Rule(name: ProofRequirement.part, isRequired: true, maxBytes: 1 << 20)]
        case .attestation(let attestation): attestation.parts
        }
    }

    /// The file of the job folder that it names, if any.
    var file: JobFile? {
        switch self {
        case .replay: nil
        case .proof(let proof): proof.key
        case .attestation(let attestation): attestation.policy
        }
    }

    /// The requirement as a JSON object.
    public var json: JSONValue {
        switch self {
        case .replay(let replay): replay.json
        case .proof(let proof): proof.json
        case .attestation(let attestation): attestation.json
        }
    }

    /// Reads a requirement.
    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        let kind = try reader.string("kind", maxBytes: 32)
        switch kind {
        case ReplayRequirement.kind: self = .replay(try ReplayRequirement(&reader))
        case ProofRequirement.kind: self = .proof(try ProofRequirement(&reader))
        case AttestationRequirement.kind: self = .attestation(try AttestationRequirement(&reader))
        default:
            let known = [ReplayRequirement.kind, ProofRequirement.kind, AttestationRequirement.kind]
                .joined(separator: ", ")
            throw ParseError(field: reader.path("kind"), expected: known, actual: kind)
        }
        try reader.finish()
    }
}

/// Everything that must hold before a result is believed: one kind of evidence, or several of which each must hold.
///
/// Written as one object, or as an array of two or more.
public struct EvidenceDemand: Sendable, Equatable {
    /// The most kinds of evidence that a job may ask for.
    public static let maxRequirements = 4

    /// The requirements in the order of the spec; the position names a requirement elsewhere.
    public private(set) var requirements: [EvidenceRequirement]

    /// Reads the member.
    /// - Throws: `ParseError` also for two replays: nothing is believed more for being asked twice.
    public init(_ value: JSONValue, _ field: String) throws(ParseError) {
        guard case .array(let items) = value else {
            requirements = [try EvidenceRequirement(value, field)]
            return
        }
        guard (2...Self.maxRequirements).contains(items.count) else {
            let expected = "an object, or 2 to \(Self.maxRequirements) of them in an array"
            throw ParseError(field: field, expected: expected, actual: "an array of \(items.count)")
        }
        requirements = []
        for (index, item) in items.enumerated() {
            requirements.append(try EvidenceRequirement(item, "\(field)[\(index)]"))
        }
        guard requirements.count(where: { $0.kind == ReplayRequirement.kind }) <= 1 else {
            throw ParseError(field: field, expected: "at most one replay", actual: "several")
        }
    }

    /// The name under which a verdict on all of it is known: the kinds in order, joined by `+`.
    public var kind: String { requirements.map(\.kind).joined(separator: "+") }

    /// The replay that is asked for, if any.
    public var replay: ReplayRequirement? {
        requirements.lazy.compactMap { if case .replay(let replay) = $0 { replay } else { nil } }.first
    }

    /// The proofs that are asked for, with their positions.
    public var proofs: [(index: Int, requirement: ProofRequirement)] {
        requirements.enumerated().compactMap { index, requirement in
            if case .proof(let proof) = requirement { (index, proof) } else { nil }
        }
    }

    /// The attestations that are asked for, with their positions.
    public var attestations: [(index: Int, requirement: AttestationRequirement)] {
        requirements.enumerated().compactMap { index, requirement in
            if case .attestation(let attestation) = requirement { (index, attestation) } else { nil }
        }
    }

    /// Whether the provider hands over anything beside its result.
    public var hasParts: Bool { requirements.contains { !$0.parts.isEmpty } }

    /// The files of the job folder that the requirements name, in order.
    public var files: [JobFile] { requirements.compactMap(\.file) }

    /// The same demand with the length and identifier of every file filled in.
    func sealing(with files: [String: ArtefactIdentity]) throws(ParseError) -> EvidenceDemand {
        var copy = self
        for (index, requirement) in requirements.enumerated() {
            let field = requirements.count == 1 ? "evidence" : "evidence[\(index)]"
            switch requirement {
            case .replay: break
            case .proof(var proof):
                proof.key = try proof.key.sealing(with: files, field + ".key")
                copy.requirements[index] = .proof(proof)
            case .attestation(var attestation):
                attestation.policy = try attestation.policy.sealing(with: files, field + ".policy")
                copy.requirements[index] = .attestation(attestation)
            }
        }
        return copy
    }

    /// The member's value.
    public var json: JSONValue {
        requirements.count == 1 ? requirements[0].json : .array(requirements.map(\.json))
    }
}
