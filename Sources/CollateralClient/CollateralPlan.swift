// From evidence to what has to be asked for, in the order in which it is asked.

public import Attestation
public import Codecs

/// What pieces of evidence need, each thing once.
public struct CollateralPlan: Sendable {
    /// The needs in the order in which they were met.
    public private(set) var needs: [CollateralNeed] = []
    /// What no service can be asked for, in words.
    public private(set) var notes: [String] = []

    /// Nothing yet.
    public init() {}

    /// Adds what `evidence` needs.
    /// - Parameters:
    ///   - product: the product of an SEV-SNP report of version 2, which does not name its own.
    ///   - hasOCSP: whether the revocation of NVIDIA's certificates shall be asked for.
    /// - Throws: `ParseError` when the evidence is of no known kind or malformed.
    public mutating func add(
        _ evidence: [UInt8],
        product: AMDProduct? = nil,
        hasOCSP: Bool = true
    ) throws(ParseError) {
        switch AttestationVerifier.kind(of: evidence) {
        case .sgx, .tdx: try addIntel(evidence)
        case .sevSNP: try addAMD(evidence, product)
        case .nvidiaGPU, .nvidiaSwitch: try addNVIDIA(evidence, hasOCSP)
        case .azureVTPM:
            try add(try AzureFamily.hardwareEvidence(in: evidence), product: product, hasOCSP: hasOCSP)
        case .nitro, .cca, .psa, .tpm: note("this kind of evidence brings its chain along or is checked by pinned keys")
        case nil: _ = try AttestationVerifier.inspect(evidence)
        }
    }

    private mutating func need(_ need: CollateralNeed) {
        if !needs.contains(need) { needs.append(need) }
    }

    private mutating func note(_ text: String) {
        if !notes.contains(text) { notes.append(text) }
    }

    private mutating func addIntel(_ evidence: [UInt8]) throws(ParseError) {
        let claims = try AttestationVerifier.inspect(evidence)
        let isTDX = AttestationVerifier.kind(of: evidence) == .tdx
        need(.intelRootList)
        need(.intelQEIdentity(isTDX: isTDX))
        guard case .object(let platform)? = claims["platform"], case .string(let fmspc)? = platform["fmspc"],
            case .string(let authority)? = platform["authority"]
        else {
            note(
                "the quote only names its platform: its PCK certificate has to come from whoever registered the platform"
            )
            return
        }
        need(.intelTCBInfo(isTDX: isTDX, fmspc: try Hex.decode(fmspc)))
        need(.intelPCKList(authority: authority.contains("Platform") ? "platform" : "processor"))
    }

    private mutating func addAMD(_ evidence: [UInt8], _ given: AMDProduct?) throws(ParseError) {
        let report = try SNPReport(evidence)
        guard let product = report.product ?? given else {
            note("the report is of a version that does not name its product: say which it is")
            return
        }
        switch report.signingKey {
        case .vcek:
            need(.amdAuthority(product, .vcek))
            need(.amdEndorsement(product, report: evidence))
        case .vlek:
            need(.amdAuthority(product, .vlek))
            note("a VLEK certificate has no public service: the host has it")
        case nil: note("the report says that no key signed it")
        }
        need(.amdList(product))
    }

    private mutating func addNVIDIA(_ evidence: [UInt8], _ hasOCSP: Bool) throws(ParseError) {
        let parsed = try NVIDIAEvidence(parsing: evidence)
        for device in parsed.devices {
            for id in Self.manifests(of: device, isSwitch: parsed.isSwitch) { need(.nvidiaManifest(id: id)) }
            guard hasOCSP else { continue }
            // The device's own certificate and its issuers; nobody asks about a root.
            for (certificate, issuer) in zip(device.chain, device.chain.dropFirst()) {
                need(.ocsp(certificate: certificate.der, issuer: issuer.der))
            }
        }
    }

    /// The names under which NVIDIA's service has the manifests for the versions in a report.
    static func manifests(of device: NVIDIAEvidence.Device, isSwitch: Bool) -> [String] {
        let report = device.report
        func text(_ type: UInt16) -> String? {
            guard let bytes = report.fields[type] else { return nil }
            let name = bytes.prefix { $0 != 0 }
            let isPlain = name.allSatisfy { Character(Unicode.Scalar($0)).isLetter || (0x30...0x39).contains($0) }
            return isPlain && !name.isEmpty ? String(decoding: name, as: UTF8.self) : nil
        }
        var ids: [String] = []
        if !isSwitch, let version = report.driverVersion, version.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x2f }) {
            let chip = text(SPDMReport.Field.chipInfo) ?? device.identity.chip
            ids.append(
                device.architecture == "HOPPER"
                    ? "NV_GPU_DRIVER_GH100_\(version)" : "NV_GPU_CC_DRIVER_\(chip)_\(version)"
            )
        }
        if let firmware = report.firmwareVersion, let project = text(SPDMReport.Field.project),
            let projectSKU = text(SPDMReport.Field.projectSKU), let chipSKU = text(SPDMReport.Field.chipSKU)
        {
            let name = isSwitch ? "NV_SWITCH_BIOS" : "NV_GPU_VBIOS"
            let version = firmware.replacing(".", with: "")
            ids.append("\(name)_\(project)_\(projectSKU)_\(chipSKU)_\(version)".uppercased())
        }
        return ids
    }
}
