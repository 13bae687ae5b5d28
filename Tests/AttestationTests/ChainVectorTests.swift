// Certificate chains and revocation lists of real vendors, with OpenSSL's own path validation as the second opinion.

import AssayTesting
import Codecs
import Testing
import Verdicts

@testable import Attestation

@Suite("Certificate chains", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct ChainVectorTests {
    @Test("AMD chains verify with RSA-PSS, and only under their own root", arguments: ["milan", "genoa", "turin"])
    func amdChains(product: String) throws {
        let root = try Certificate(der: try vector("sev-snp/ark-\(product).der"))
        let rules = ChainRules(id: "t", source: "", revocation: .notIssued("test"), leafIsEndEntity: false)
        let time = try Timestamp("2025-06-01T00:00:00Z")
        for name in ["ask", "asvk"] {
            let authority = try Certificate(der: try vector("sev-snp/\(name)-\(product).der"))
            var findings = Findings()
            #expect(
                ChainVerifier(roots: [root], lists: [], time: time).verify([authority], rules, into: &findings),
                "\(findings.checks.filter { $0.result == .fail })"
            )
            let other = try Certificate(der: try vector("sev-snp/ark-\(product == "milan" ? "genoa" : "milan").der"))
            var refused = Findings()
            #expect(!ChainVerifier(roots: [other], lists: [], time: time).verify([authority], rules, into: &refused))
        }
    }

    @Test("The Intel root and its signing certificates")
    func intel() throws {
        let root = try Certificate(der: try vector("collateral/intel-sgx-root-ca.der"))
        #expect(root.isSelfIssued && root.isAuthority && root.publicKey.kind == .ellipticCurve(.p256))
        #expect(root.isSigned(by: root))
        #expect(root.notAfter.text == "2049-12-31T23:59:59Z")
        for name in ["2018-2025", "2025-2032"] {
            let signer = try Certificate(der: try vector("collateral/intel-tcb-signing-\(name).der"))
            #expect(signer.isSigned(by: root))
            #expect(!root.isSigned(by: signer))
        }
        let list = try RevocationList(der: try vector("collateral/crl-platform-2026-01-27.der"))
        #expect(list.revokedSerialNumbers.count == 51)
        #expect(list.nextUpdate.text == "2026-02-26T09:46:32Z")
        #expect(!list.isSigned(by: root))
    }
}
