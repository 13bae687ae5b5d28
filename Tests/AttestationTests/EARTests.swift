// The EAR export: one appraisal of each conclusion, and the trustworthiness vector that it comes to.
import AssayTesting
import Codecs
import Commitments
import Testing
import Verdicts

@testable import Attestation

@Suite("EAR export") struct EARTests {
    static let time = Timestamp(seconds: 1_760_000_000)

    /// The export of a fake Nitro document's appraisal: status and vector.
    private func export(
        _ module: FakeNitro,
        roots: [Certificate]? = nil,
        pcr0: Allowed<[UInt8]> = .any,
        document: [UInt8]? = nil
    ) throws -> (status: JSONValue?, vector: JSONObject, whole: JSONValue) {
        var policy = AttestationPolicy(collateral: laxCollateral)
        var pcrs = Dictionary(uniqueKeysWithValues: NitroPolicy.documentedRegisters.map { ($0, Allowed<[UInt8]>.any) })
        pcrs[0] = pcr0
        policy.set(NitroPolicy(debug: .must(false), pcrs: pcrs, maxAgeSeconds: .atMost(300), revocation: .whenGiven))
        let setting = AppraisalSetting(
            anchors: TrustAnchors(roots: [.awsNitro: roots ?? [module.root.certificate]]),
            collateral: CollateralBundle(),
            policy: policy,
            time: Self.time
        )
        let result = try AttestationVerifier(setting).verify(document ?? module.document(), expecting: .unbound)
        var reader = try JSONReader(result.ear)
        guard case .object(let modules) = try reader.value("submods"), let first = modules.members.first,
            case .object(let module) = first.value, case .object(let vector)? = module["ear_trustworthiness_vector"]
        else { throw ParseError(field: "ear", expected: "one submodule", actual: "none") }
        #expect(first.name == "nitro-\(result.identity.digest.hex.prefix(16))")
        #expect((module["ear_attester_claims"] != nil) == result.crypto.isClean)
        #expect(try reader.integer("iat") == Self.time.seconds)
        return (module["ear_status"], vector, result.ear)
    }

    @Test("Each conclusion has its tier and its vector") func tiers() throws {
        let module = FakeNitro(time: Self.time)
        let measured = try export(module, pcr0: .only([[UInt8](repeating: 1, count: 48)]))
        #expect(measured.status == .string("affirming"))
        #expect(
            measured.vector == [
                "instance-identity": .integer(2), "configuration": .integer(2), "executables": .integer(3),
                "hardware": .integer(2),
            ]
        )
        let unnamed = try export(module, pcr0: .only([[UInt8](repeating: 2, count: 48)]))
        #expect(unnamed.status == .string("contraindicated") && unnamed.vector["executables"] == .integer(33))
        let open = try export(module, roots: [])
        #expect(open.status == .string("none") && open.vector.members.isEmpty)
        let forged = try export(module, document: module.document(key: TestKey(.p384)))
        #expect(forged.status == .string("contraindicated"))
        #expect(forged.vector["hardware"] == .integer(99) && forged.vector["executables"] == .integer(99))
        var debug = FakeNitro(time: Self.time)
        let zero = (0..<16).map { CBORValue.Pair(.unsigned($0), .bytes([UInt8](repeating: 0, count: 48))) }
        debug.set("pcrs", .map(zero))
        let refused = try export(debug)
        #expect(refused.status == .string("contraindicated") && refused.vector["configuration"] == .integer(96))
    }

    @Test("The export is JSON that reads back, the same for the same inputs") func deterministic() throws {
        let module = FakeNitro(time: Self.time)
        let document = module.document()
        let first = try export(module, document: document).whole
        let second = try export(module, document: document).whole
        #expect(first.serialized() == second.serialized())
        #expect(try JSONValue(parsing: first.serialized()) == first)
    }
}
