// The documents of attestation: policies, trust anchors, collateral bundles, bindings, results.

import AssayTesting
import Codecs
import Commitments
import Testing

@testable import Attestation

@Suite("Attestation documents")
struct AttestationDocumentTests {
    static let sections: [String: String] = [
        "sgx": #"""
        "tcbStatuses": ["UpToDate", "SWHardeningNeeded"], "advisories": "any", "minTcbDate": "2024-01-01T00:00:00Z",
        "minTcbEvaluationDataNumber": 17, "dynamicPlatform": "any", "cachedKeys": false, "smt": "any",
        "debug": false, "provisionKey": false, "mrEnclave": "any", "mrSigner": [], "isvProdId": [1], "minIsvSvn": 2,
        "configId": "any"
        """#,
        "tdx": #"""
        "tcbStatuses": ["UpToDate"], "advisories": [], "minTcbDate": "any", "minTcbEvaluationDataNumber": "any",
        "dynamicPlatform": "any", "cachedKeys": "any", "smt": "any", "debug": false, "septVeDisable": true,
        "migratable": false, "pks": "any", "keyLocker": "any", "perfmon": "any", "otherAttributes": false,
        "mrSeam": "any", "mrTd": "any", "mrConfigId": "any", "mrOwner": "any", "mrOwnerConfig": "any",
        "mrServiceTd": "any", "rtMr0": "any", "rtMr1": "any", "rtMr2": "any", "rtMr3": "any", "xfam": "any"
        """#,
        "tdx-service-td": #"""
        "initialServiceTd": [], "currentServiceTd": "any", "initialModel": ["00000000f0060c0000000080"],
        "minInitialCpuSvn": "04040000000000000000000000000000", "minInitialTeeTcbSvn": "any"
        """#,
        "sev-snp": #"""
        "minTcb": {"milan": {"bootLoader": 4, "tee": 0, "snp": 23, "microcode": 213}, "genoa": "any",
        "turin": {"fmc": 1, "bootLoader": 1, "tee": 1, "snp": 1, "microcode": 1}}, "revocationList": true,
        "signingKeys": ["vcek"], "vmpl": [0], "measurement": "any", "hostData": "any", "idKeyDigest": "any",
        "authorKeyDigest": "any", "familyId": "any", "imageId": "any", "chipId": "any", "minGuestSvn": "any",
        "debug": false, "migration": false, "smtAllowed": "any", "singleSocket": "any", "platformSmt": "any",
        "platformTsme": "any", "platformEcc": "any", "platformRaplDisabled": "any",
        "platformCiphertextHiding": "any", "platformAliasCheck": true
        """#,
    ]

    static func document(_ sections: [String: String]) -> [UInt8] {
        var text =
            #"{"schema": "assay-attestation-policy-1", "collateral": {"maxAgeSeconds": 604800, "graceSeconds": 0}"#
        for (name, body) in sections.sorted(by: { $0.key < $1.key }) { text += ", \"\(name)\": {\(body)}" }
        return Array((text + "}").utf8)
    }

    @Test("A policy document with every term")
    func policy() throws {
        let policy = try AttestationPolicy(parsing: Self.document(Self.sections))
        let sgx = try #require(policy.section(SGXPolicy.self))
        #expect(sgx.mrSigner == .only([]) && sgx.minIsvSvn == .atLeast(2) && sgx.debug == .must(false))
        let tdx = try #require(policy.section(TDXPolicy.self))
        #expect(tdx.platform.tcbStatuses == .only(["UpToDate"]) && tdx.attributes.septVeDisable == .must(true))
        let snp = try #require(policy.section(SNPPolicy.self))
        #expect(snp.minTcb[.genoa] == .any && snp.vmpl == .only([0]))
        let serviceTD = try #require(policy.section(TDXServiceTDPolicy.self))
        #expect(serviceTD.initialServiceTd == .only([]) && serviceTD.minInitialTeeTcbSvn == .any)
        #expect(serviceTD.minInitialCpuSvn == .atLeast([4, 4] + [UInt8](repeating: 0, count: 14)))
        #expect(policy.collateral.maxAgeSeconds == .atMost(604_800))
    }

    @Test("Every term must be written, and every unknown one is refused", arguments: sections.keys.sorted())
    func terms(section: String) throws {
        let body = try #require(Self.sections[section])
        guard case .object(let object) = try JSONValue(parsing: Array("{\(body)}".utf8)) else { return }
        for (name, _) in object.members {
            var without = object
            without[name] = nil
            let text = JSONValue.object(without).text().dropFirst().dropLast()
            let error = #expect(throws: ParseError.self) {
                try AttestationPolicy(parsing: Self.document([section: String(text)]))
            }
            #expect(error?.field == "\(section).\(name)", "\(error as Any)")
        }
        let misspelt = body + #", "minTcbStatus": "any""#
        let error = #expect(throws: ParseError.self) {
            try AttestationPolicy(parsing: Self.document([section: misspelt]))
        }
        #expect(error?.expected.contains("nearest known") == true)
    }

    @Test("A policy cannot accept revoked platforms, unknown statuses or unknown families")
    func refusedPolicies() throws {
        let body = try #require(Self.sections["tdx"])
        for status in ["Revoked", "UptoDate"] {
            let changed = String(body.split(separator: #""UpToDate""#).joined(separator: "\"\(status)\""))
            #expect(throws: ParseError.self) { try AttestationPolicy(parsing: Self.document(["tdx": changed])) }
        }
        #expect(throws: ParseError.self) { try AttestationPolicy(parsing: Self.document(["tdy": body])) }
    }

    @Test("Trust anchors and bundles survive their texts")
    func texts() throws {
        let platform = FakeIntelPlatform()
        let pem = String(decoding: PEM.encode(platform.root.certificate.der), as: UTF8.self)
        let document = JSONValue.object([
            "schema": .string("assay-trust-anchors-1"), "roots": .object(["intel-sgx": .array([.string(pem)])]),
        ])
        #expect(try TrustAnchors(document).roots(.intelSGX) == [platform.root.certificate])
        let unknown = JSONValue.object([
            "schema": .string("assay-trust-anchors-1"), "roots": .object(["intel-sgz": .array([.string(pem)])]),
        ])
        #expect(throws: ParseError.self) { try TrustAnchors(unknown) }
        let bundle = platform.collateral(isTDX: true)
        #expect(try CollateralBundle(parsing: bundle.json.serialized()).items == bundle.items)
    }

    @Test("A binding changes with each of its parts, with the order and with the number of GPUs")
    func binding() throws {
        func digest(_ byte: UInt8) throws -> Digest { try Digest([UInt8](repeating: byte, count: 32)) }
        let base = EvidenceBinding(
            jobID: try digest(1),
            nonce: try digest(2),
            inputRoot: try digest(3),
            outputRoot: try digest(4),
            nodeKey: [UInt8](repeating: 5, count: 32),
            gpuEvidence: [try digest(6), try digest(7)]
        )
        var others = [base, base, base, base, base, base, base, base]
        others[0].jobID = try digest(9)
        others[1].nonce = try digest(9)
        others[2].inputRoot = try digest(9)
        others[3].outputRoot = try digest(9)
        others[4].nodeKey[0] = 9
        others[5].gpuEvidence.reverse()
        others[6].gpuEvidence.removeLast()
        others[7].gpuEvidence = []
        #expect(base.reportData.count == 64)
        #expect(Set(others.map(\.reportData) + [base.reportData]).count == 9)
    }

    @Test("Kinds are told from the bytes")
    func kinds() throws {
        let platform = FakeIntelPlatform()
        let td = platform.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.tdBody()))
        let enclave = platform.quote(FakeIntelPlatform.QuoteForm(body: FakeIntelPlatform.enclaveBody()))
        #expect(AttestationVerifier.kind(of: td) == .tdx)
        #expect(AttestationVerifier.kind(of: enclave) == .sgx)
        #expect(AttestationVerifier.kind(of: FakeAMDProcessor(.milan).report()) == .sevSNP)
        #expect(AttestationVerifier.kind(of: []) == nil)
        #expect(AttestationVerifier.kind(of: [UInt8](repeating: 0, count: 1184)) == nil)
        #expect(throws: ParseError.self) { try AttestationVerifier.inspect([1, 2, 3]) }
    }
}
