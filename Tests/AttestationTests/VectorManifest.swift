// Reads the manifests of the shared attestation vectors.

import AssayTesting
import Codecs
import Foundation
import Testing

@testable import Attestation

let attestationVectors = SharedVectors.url("vectors/attestation", for: "AttestationTests")

/// The bytes of a shared attestation vector.
func vector(_ path: String) throws -> [UInt8] {
    let folder = try #require(attestationVectors)
    return Array(try Data(contentsOf: folder.appendingPathComponent(path)))
}

/// One object of a manifest; missing members read as `nil`.
struct ManifestObject {
    let object: JSONObject

    init?(_ value: JSONValue?) {
        guard case .object(let object)? = value else { return nil }
        self.object = object
    }

    subscript(name: String) -> JSONValue? { object[name] }

    func text(_ name: String) -> String? {
        guard case .string(let text)? = object[name] else { return nil }
        return text
    }

    func list(_ name: String) -> [JSONValue] {
        guard case .array(let elements)? = object[name] else { return [] }
        return elements
    }

    func nested(_ name: String) -> ManifestObject? { ManifestObject(object[name]) }

    func integer(_ name: String) -> Int64? {
        guard case .number(let number)? = object[name] else { return nil }
        return number.integer
    }
}

/// The entries of one family's manifest.
func manifest(_ family: String) throws -> [ManifestObject] {
    let value = try JSONValue(parsing: try vector("\(family)/MANIFEST.json"), limits: JSONLimits(allowsFractions: true))
    guard case .array(let entries) = value else { return [] }
    return entries.compactMap { ManifestObject($0) }
}

/// Bundles are read once, they are used by many cases.
func collateralBundle(_ path: String) throws -> CollateralBundle {
    try CollateralBundle(quoteCollateralV3: try vector(path))
}

/// The pinned roots of the shared vectors.
func vendorAnchors() throws -> TrustAnchors {
    var anchors = TrustAnchors()
    anchors.pin(try Certificate(der: try vector("collateral/intel-sgx-root-ca.der")), in: .intelSGX)
    for product in ["milan", "genoa", "turin"] {
        anchors.pin(try Certificate(der: try vector("sev-snp/ark-\(product).der")), in: .amdSEV)
    }
    return anchors
}

extension TDXPolicy {
    /// The rules that dcap-qvl 0.7.0 applies without being asked: no debug, SEPT_VE_DISABLE, no PKS, no key locker, no
    /// migration (a reserved bit to it), no service TD; every status but Revoked.
    static let peerRules = TDXPolicy(
        platform: .open,
        attributes: TDAttributePolicy(
            debug: .must(false),
            septVeDisable: .must(true),
            migratable: .must(false),
            pks: .must(false),
            keyLocker: .must(false),
            perfmon: .any,
            otherBits: .must(false)
        ),
        mrSeam: .any,
        mrTd: .any,
        mrConfigId: .any,
        mrOwner: .any,
        mrOwnerConfig: .any,
        mrServiceTd: .only([[UInt8](repeating: 0, count: 48)]),
        rtMr: [.any, .any, .any, .any],
        xfam: .any
    )

    /// Everything is accepted.
    static let open: TDXPolicy = {
        var rules = peerRules
        rules.attributes = TDAttributePolicy(
            debug: .any,
            septVeDisable: .any,
            migratable: .any,
            pks: .any,
            keyLocker: .any,
            perfmon: .any,
            otherBits: .any
        )
        rules.mrServiceTd = .any
        return rules
    }()
}

extension IntelPlatformPolicy {
    static let open = IntelPlatformPolicy(
        tcbStatuses: .only(TCBStatus.acceptable.map(\.rawValue)),
        advisories: .any,
        minTcbDate: .any,
        minTcbEvaluationDataNumber: .any,
        dynamicPlatform: .any,
        cachedKeys: .any,
        smt: .any
    )
}

extension SGXPolicy {
    static let peerRules = SGXPolicy(
        platform: .open,
        debug: .must(false),
        provisionKey: .any,
        mrEnclave: .any,
        mrSigner: .any,
        isvProdId: .any,
        minIsvSvn: .any,
        configId: .any
    )
}

extension AttestationPolicy {
    /// The rules of the peer that answered the shared cases.
    static let peerRules: AttestationPolicy = {
        var policy = AttestationPolicy(collateral: CollateralPolicy(maxAgeSeconds: .any, graceSeconds: 0))
        policy.set(SGXPolicy.peerRules)
        policy.set(TDXPolicy.peerRules)
        return policy
    }()
}

extension SNPPolicy {
    /// No debugging; no revocation list demanded, because none is public; everything else is accepted.
    static let vectorRules = SNPPolicy(
        minTcb: [.milan: .any, .genoa: .any, .turin: .any],
        revocationList: .any,
        signingKeys: .any,
        vmpl: .any,
        measurement: .any,
        hostData: .any,
        idKeyDigest: .any,
        authorKeyDigest: .any,
        familyId: .any,
        imageId: .any,
        chipId: .any,
        minGuestSvn: .any,
        debug: .must(false),
        migration: .any,
        smtAllowed: .any,
        singleSocket: .any,
        platformSMT: .any,
        platformTSME: .any,
        platformECC: .any,
        platformRAPLDisabled: .any,
        platformCiphertextHiding: .any,
        platformAliasCheck: .any
    )
}
