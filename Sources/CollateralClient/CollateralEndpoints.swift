// Where each vendor's service is, and what is asked of it.

internal import Attestation
public import Codecs
internal import Transfer

/// The services that are asked. Each address may be replaced: by a caching service in a closed network, say.
public struct CollateralEndpoints: Sendable {
    /// Intel's provisioning certification service, or a caching service (PCCS) with the same paths.
    public var pcs = "https://api.trustedservices.intel.com"
    /// Where the root's revocation list lies in DER; `nil` to ask `pcs` for it, as a caching service answers.
    public var intelRootList: String? = "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
    /// AMD's key distribution service.
    public var kds = "https://kdsintf.amd.com"
    /// NVIDIA's service of reference manifests.
    public var rim = "https://rim.attestation.nvidia.com"
    /// NVIDIA's OCSP responder; `nil` to leave revocation out.
    public var ocsp: String? = "https://ocsp.ndis.nvidia.com"

    /// The vendors' own services.
    public init() {}

    /// An address that may stand before a path.
    /// - Throws: `ParseError` unless it is an http or https URL without credentials, query or fragment.
    public static func checked(_ url: String, field: String) throws(ParseError) -> String {
        try ServiceAddress(url, field: field).url
    }

    /// The exchange that asks for `need`; `nil` when the endpoints leave it out.
    func request(
        for need: CollateralNeed,
        timeoutMilliseconds: Int
    ) throws(ParseError) -> TransferRequest? {
        let limit = 16 << 20
        switch need {
        case .intelTCBInfo(let isTDX, let fmspc):
            let path = "/\(isTDX ? "tdx" : "sgx")/certification/v4/tcb?fmspc=\(Hex.encode(fmspc).uppercased())"
            return get(pcs + path, 1 << 20, timeoutMilliseconds)
        case .intelQEIdentity(let isTDX):
            return get(pcs + "/\(isTDX ? "tdx" : "sgx")/certification/v4/qe/identity", 1 << 20, timeoutMilliseconds)
        case .intelPCKList(let authority):
            let path = "/sgx/certification/v4/pckcrl?ca=\(authority)&encoding=der"
            return get(pcs + path, limit, timeoutMilliseconds)
        case .intelRootList:
            return get(intelRootList ?? pcs + "/sgx/certification/v4/rootcacrl", limit, timeoutMilliseconds)
        case .amdAuthority(let product, let key):
            return get("\(kds)/\(key.rawValue)/v1/\(product.rawValue)/cert_chain", 1 << 16, timeoutMilliseconds)
        case .amdList(let product): return get("\(kds)/vcek/v1/\(product.rawValue)/crl", limit, timeoutMilliseconds)
        case .amdEndorsement(let product, let bytes):
            let report = try SNPReport(bytes)
            let tcb = SNPTCBVersion(report.reportedTcb, product: product)
            // AMD 57230 §4.1: Turin names its chips by 8 bytes and has one more part of the version.
            let chip = Hex.encode(report.chipId.prefix(product == .turin ? 8 : 64))
            var query = tcb.fmc.map { "fmcSPL=\($0)&" } ?? ""
            query += "blSPL=\(tcb.bootLoader)&teeSPL=\(tcb.tee)&snpSPL=\(tcb.snp)&ucodeSPL=\(tcb.microcode)"
            return get("\(kds)/vcek/v1/\(product.rawValue)/\(chip)?\(query)", 1 << 16, timeoutMilliseconds)
        case .nvidiaManifest(let id): return get("\(rim)/v1/rim/\(id)", limit, timeoutMilliseconds)
        case .ocsp(let certificate, let issuer):
            guard let ocsp else { return nil }
            var request = get(ocsp, 1 << 16, timeoutMilliseconds)
            request.method = "POST"
            request.contentType = "application/ocsp-request"
            request.body = OCSPRequest.bytes(
                for: try Certificate(der: certificate),
                issuer: try Certificate(der: issuer)
            )
            return request
        }
    }

    private func get(_ url: String, _ maxBytes: Int, _ timeout: Int) -> TransferRequest {
        TransferRequest(
            method: "GET",
            url: url,
            body: nil,
            contentType: "",
            maxResponseBytes: maxBytes,
            timeoutMilliseconds: timeout,
            connectMilliseconds: min(timeout, 10_000)
        )
    }
}
