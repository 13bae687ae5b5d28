// Real Intel quotes against an independent peer's answers, and against the fields that their sources state.

import Codecs
import Testing
import Verdicts

@testable import Attestation

@Suite("Intel vectors", .enabled(if: attestationVectors != nil, "shared vectors 'attestation' not found"))
struct IntelVectorTests {
    /// Every quote of the manifests that is not of Intel's own sample set.
    static let quotes: [(family: String, entry: ManifestObject)] = {
        var list: [(String, ManifestObject)] = []
        for family in ["tdx", "sgx"] {
            for entry in (try? manifest(family)) ?? [] where entry.text("file")?.hasSuffix(".quote") == true {
                list.append((family, entry))
            }
        }
        return list
    }()

    @Test("All answers of the peer: verdict, TCB status and advisories")
    func peerAnswers() throws {
        let anchors = try vendorAnchors()
        var count = 0
        for (family, entry) in Self.quotes {
            let file = try #require(entry.text("file"))
            let evidence = try vector("\(family)/\(file)")
            for item in entry.list("cases") {
                let peer = try #require(ManifestObject(item))
                let path = try #require(peer.text("collateral"))
                let time = try Timestamp(try #require(peer.text("at")))
                let setting = AppraisalSetting(
                    anchors: anchors,
                    collateral: try collateralBundle(path),
                    policy: .peerRules,
                    time: time
                )
                let result = try AttestationVerifier(setting).verify(evidence, expecting: .unbound)
                let isValid = peer.text("verdict") == "valid"
                let context = "\(file) with \(path) at \(time): \(result.verdict.firstFailure as Any)"
                #expect((result.conclusion == .verified) == isValid, "\(context)")
                if isValid {
                    #expect(result.tcbStatus == peer.text("tcb_status"), "\(context)")
                    let advisories = Set(
                        peer.list("advisory_ids").compactMap { value in
                            if case .string(let text) = value { text } else { nil }
                        }
                    )
                    #expect(Set(result.advisories) == advisories, "\(context)")
                } else {
                    let line = try #require(result.verdict.firstFailure)
                    #expect(line.id == Self.expectedLine(peer.text("reason") ?? ""), "\(context)")
                }
                count += 1
            }
        }
        #expect(count == 89)
    }

    /// The check line that must be the first to fail, by the manifest's reason.
    private static func expectedLine(_ reason: String) -> String {
        switch reason {
        case "PCK certificate not yet valid at this time": "intel.pck.dates"
        case "platform SVNs match no level of the TCB info": "intel.tcb.level"
        case "debug attribute set in TD/enclave attributes": "policy.debug"
        case "SEPT_VE_DISABLE not set": "policy.sept-ve-disable"
        default: reason.hasPrefix("TD attribute SEPT_VE_DISABLE") ? "policy.sept-ve-disable" : reason
        }
    }
}
