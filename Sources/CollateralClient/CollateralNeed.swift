// What a piece of evidence needs besides itself, and whether an item of collateral is that.

public import Attestation
public import Codecs

/// One thing that a vendor's service has.
public enum CollateralNeed: Hashable, Sendable {
    /// The TCB info of a platform family.
    case intelTCBInfo(isTDX: Bool, fmspc: [UInt8])
    /// The identity of Intel's quoting enclave.
    case intelQEIdentity(isTDX: Bool)
    /// The revocation list of the PCK authority, `processor` or `platform`.
    case intelPCKList(authority: String)
    /// The revocation list of Intel's root.
    case intelRootList
    /// The authority between AMD's root and the endorsement keys of a product.
    case amdAuthority(AMDProduct, SNPSigningKey)
    /// AMD's revocation list of a product.
    case amdList(AMDProduct)
    /// The endorsement certificate of the chip that signed this report.
    case amdEndorsement(AMDProduct, report: [UInt8])
    /// A reference manifest of NVIDIA by its name.
    case nvidiaManifest(id: String)
    /// Whether a certificate, given with its issuer's, is revoked.
    case ocsp(certificate: [UInt8], issuer: [UInt8])

    /// A few words for people.
    public var text: String {
        switch self {
        case .intelTCBInfo(let isTDX, let fmspc): "\(isTDX ? "TDX" : "SGX") TCB info of FMSPC \(Hex.encode(fmspc))"
        case .intelQEIdentity(let isTDX): "identity of the \(isTDX ? "TD " : "")quoting enclave"
        case .intelPCKList(let authority): "revocation list of the PCK \(authority) authority"
        case .intelRootList: "revocation list of Intel's root"
        case .amdAuthority(let product, let key): "\(key.rawValue.uppercased()) authority of \(product.rawValue)"
        case .amdList(let product): "revocation list of \(product.rawValue)"
        case .amdEndorsement(let product, _): "VCEK certificate of a \(product.rawValue) chip"
        case .nvidiaManifest(let id): "reference manifest \(id)"
        case .ocsp(let certificate, _):
            "OCSP answer about \((try? Certificate(der: certificate).commonName) ?? "a certificate")"
        }
    }

    /// Whether `item` is what is needed, as far as it says itself. An answer that is something else is refused, so a
    /// service cannot put one platform's collateral in another's place.
    public func accepts(_ item: CollateralItem) -> Bool {
        do throws(ParseError) {
            switch self {
            case .intelTCBInfo(let isTDX, let fmspc):
                guard item.kind == .intelTCBInfo else { return false }
                let info = try TCBInfo(parsing: item.body)
                return info.id == (isTDX ? "TDX" : "SGX") && info.fmspc == fmspc
            case .intelQEIdentity(let isTDX):
                guard item.kind == .intelQEIdentity else { return false }
                return try EnclaveIdentity(parsing: item.body).id == (isTDX ? "TD_QE" : "QE")
            case .intelPCKList(let authority):
                guard item.kind == .revocationList else { return false }
                let name = try RevocationList(der: item.body).issuerCommonName
                return name == "Intel SGX PCK \(authority.prefix(1).uppercased() + authority.dropFirst()) CA"
            case .intelRootList:
                guard item.kind == .revocationList else { return false }
                return try RevocationList(der: item.body).issuerCommonName == "Intel SGX Root CA"
            case .amdAuthority(let product, let key):
                guard item.kind == .certificate else { return false }
                let certificate = try Certificate(der: item.body)
                return certificate.commonName == (key == .vlek ? "SEV-VLEK-" : "SEV-") + product.rawValue
                    && certificate.isAuthority
            case .amdList(let product):
                guard item.kind == .revocationList else { return false }
                return try RevocationList(der: item.body).issuerCommonName == "ARK-" + product.rawValue
            case .amdEndorsement(_, let report):
                guard item.kind == .certificate else { return false }
                return try SNPReport(report).isEndorsed(by: Certificate(der: item.body))
            case .nvidiaManifest(let id):
                guard item.kind == .nvidiaRIM else { return false }
                let manifest = try ReferenceManifest(parsing: item.body)
                return Self.isNamed(id, manifest)
            case .ocsp(let certificate, let issuer):
                guard item.kind == .ocspResponse else { return false }
                let (subject, authority) = (try Certificate(der: certificate), try Certificate(der: issuer))
                return try OCSPResponse(der: item.body).answers.contains {
                    $0.serialNumber == subject.serialNumber && $0.isAbout(issuer: authority)
                }
            }
        } catch {
            return false
        }
    }

    /// Names of driver manifests end in the version; those of firmware in the version without its dots.
    private static func isNamed(_ id: String, _ manifest: ReferenceManifest) -> Bool {
        let version = manifest.version.uppercased()
        guard id.hasPrefix("NV_GPU_DRIVER_") || id.hasPrefix("NV_GPU_CC_DRIVER_") else {
            return id.hasSuffix("_" + version.replacing(".", with: ""))
        }
        return id.uppercased().hasSuffix("_" + version) && id.contains("_\(manifest.product)_")
    }

    /// Whether `bundle` has it, current at `time`. A manifest and a log say no end and stay.
    public func isMet(by bundle: CollateralBundle, at time: Timestamp) -> Bool {
        bundle.items.contains { item in
            guard accepts(item), let summary = try? item.summary() else { return false }
            return summary.until.map { time <= $0 } ?? true
        }
    }
}
