// What the suites of token, TPM and device evidence share: settings, manifests and the battery of broken bytes.
import AssayTesting
import Codecs
import Foundation
import Testing
import Verdicts

@testable import Attestation

/// One entry of a vector folder's MANIFEST.json.
struct ManifestEntry: Sendable, CustomStringConvertible {
    let file: String
    let verdict: String
    let validAt: Timestamp?
    let fields: JSONObject
    let object: JSONObject
    var description: String { file }
}

/// The entries of `folder`'s manifest; empty when the shared vectors are missing.
func tokenManifest(_ folder: String) -> [ManifestEntry] {
    guard attestationVectors != nil,
        let bytes = try? vector("\(folder)/MANIFEST.json"),
        case .array(let items)? = try? JSONValue(parsing: bytes, limits: JSONLimits(allowsFractions: true))
    else { return [] }
    return items.compactMap { item in
        guard case .object(let object) = item, case .string(let file)? = object["file"],
            case .object(let expected)? = object["expected"], case .string(let verdict)? = expected["verdict"]
        else { return nil }
        var time: Timestamp?
        if case .string(let text)? = object["valid_at"] { time = try? Timestamp(text) }
        var fields = JSONObject()
        if case .object(let found)? = object["expected_fields"] { fields = found }
        return ManifestEntry(file: file, verdict: verdict, validAt: time, fields: fields, object: object)
    }
}

/// Collateral of any age, no grace.
let laxCollateral = CollateralPolicy(maxAgeSeconds: .any, graceSeconds: 0)

/// Deterministic pseudo-random numbers (SplitMix64); the seed is printed with every failure.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// What came of evidence: a conclusion, or `nil` when it was refused as malformed or of no known kind.
func conclusion(
    _ verifier: AttestationVerifier,
    _ evidence: [UInt8],
    _ expectations: Expectations = .unbound
) -> Conclusion? {
    (try? verifier.verify(evidence, expecting: expectations))?.conclusion
}

/// Flips one bit of each byte, cuts at each length (in steps of `step`) and appends bytes; whatever is still `verified` is
/// returned by name.
func survivors(of evidence: [UInt8], _ verifier: AttestationVerifier, step: Int = 1) -> [String] {
    var survivors: [String] = []
    for offset in evidence.indices {
        var broken = evidence
        broken[offset] ^= 1 << UInt8(offset % 8)
        if conclusion(verifier, broken) == .verified { survivors.append("flip \(offset)") }
    }
    for count in stride(from: 0, to: evidence.count, by: step)
    where conclusion(verifier, Array(evidence.prefix(count))) == .verified {
        survivors.append("cut \(count)")
    }
    for tail: [UInt8] in [[0], [0xff], [0xf6], [UInt8](repeating: 0, count: 64)]
    where conclusion(verifier, evidence + tail) == .verified {
        survivors.append("append \(tail.count) × \(tail[0])")
    }
    return survivors
}

extension AttestationResult {
    /// The checks that failed, for messages.
    var failures: [String] {
        (crypto.checks + policy.checks).filter { $0.result == .fail }.map { "\($0.id): \($0.expected) ≠ \($0.actual)" }
    }

    /// Whether the check `id` of either part ended so.
    func has(_ id: String, _ result: Check.Result) -> Bool {
        (crypto.checks + policy.checks).contains { $0.id == id && $0.result == result }
    }
}

/// Terms about registers: any value where none is given.
func registerPolicy(
    bank: HashAlgorithm = .sha256,
    _ pcrs: [Int: Allowed<[UInt8]>] = [:],
    log: Allowed<UInt64> = .any,
    separators: FlagRule = .any,
    exit: FlagRule = .any
) -> RegisterPolicy {
    var all = Dictionary(uniqueKeysWithValues: RegisterPolicy.firmwareRegisters.map { ($0, Allowed<[UInt8]>.any) })
    for (index, rule) in pcrs { all[index] = rule }
    return RegisterPolicy(
        bank: bank,
        pcrs: all,
        log: EventLogTerms(registers: log, separators: separators, exitBootServices: exit)
    )
}

/// A verifier for these anchors, sections and items.
func tokenVerifier(
    _ anchors: TrustAnchors,
    _ sections: [any FamilyPolicy],
    _ items: [CollateralItem] = [],
    time: Timestamp = Timestamp(seconds: 1_760_000_000)
) -> AttestationVerifier {
    var policy = AttestationPolicy(collateral: laxCollateral)
    for section in sections { set(section, in: &policy) }
    return AttestationVerifier(
        AppraisalSetting(anchors: anchors, collateral: CollateralBundle(items), policy: policy, time: time)
    )
}

/// Sets a section whose type is not known statically.
private func set<Section: FamilyPolicy>(_ section: Section, in policy: inout AttestationPolicy) {
    policy.set(section)
}

/// The memory of links under roots of reference manifests, without lists.
func manifestLinks(_ roots: [Certificate], at time: Timestamp) -> LinkMemory {
    let setting = AppraisalSetting(
        anchors: TrustAnchors(roots: [.nvidiaRIM: roots]),
        collateral: CollateralBundle(),
        policy: AttestationPolicy(collateral: laxCollateral),
        time: time
    )
    return LinkMemory(setting, .nvidiaRIM, RevocationInformation(setting.collateral))
}
