// What the services of Intel, AMD and NVIDIA answer about fake platforms, in the forms of the real ones.
public import Attestation
internal import Codecs

extension FakeIntelPlatform {
    /// The answer of Intel's service, or with `isCaching` of a caching one: lists in hexadecimal, and the root's list too.
    /// - Returns: status 404 with a body, as the service does, for what it does not have.
    public func answer(
        _ request: FakeHTTPRequest,
        _ form: CollateralForm = CollateralForm(),
        isCaching: Bool = false
    ) -> FakeHTTPAnswer {
        let isTDX = request.target.hasPrefix("/tdx/")
        let bundle = collateral(form, isTDX: isTDX)
        let path = request.target.prefix { $0 != "?" }
        func chain(_ identities: [TestIdentity]) -> String {
            let pem = identities.flatMap { PEM.encode($0.certificate.der) }
            let text = String(decoding: pem, as: UTF8.self)
            return text.replacing("\n", with: "%0A").replacing(" ", with: "%20").replacing("+", with: "%2B")
        }
        func list(_ index: Int) -> [UInt8] {
            let der = bundle.items(.revocationList)[index].body
            return isCaching ? Array(Hex.encode(der).utf8) : der
        }
        switch path {
        case "/tdx/certification/v4/tcb", "/sgx/certification/v4/tcb":
            let fmspc = Hex.encode(form.fmspc ?? self.form.fmspc).uppercased()
            guard request.target.hasSuffix("fmspc=" + fmspc) else { break }
            return .answer(
                status: 200,
                headers: ["TCB-Info-Issuer-Chain": chain([tcbSigner, root])],
                body: Self.signed("tcbInfo", bundle.items(.intelTCBInfo)[0])
            )
        case "/tdx/certification/v4/qe/identity", "/sgx/certification/v4/qe/identity":
            return .answer(
                status: 200,
                headers: ["SGX-Enclave-Identity-Issuer-Chain": chain([tcbSigner, root])],
                body: Self.signed("enclaveIdentity", bundle.items(.intelQEIdentity)[0])
            )
        case "/sgx/certification/v4/pckcrl":
            let name = self.form.authorityName.contains("Platform") ? "ca=platform" : "ca=processor"
            guard request.target.contains(name) else { break }
            return .answer(
                status: 200,
                headers: ["SGX-PCK-CRL-Issuer-Chain": chain([authority, root])],
                body: list(1)
            )
        case "/IntelSGXRootCA.der", "/sgx/certification/v4/rootcacrl":
            return .answer(status: 200, headers: [:], body: list(0))
        default: break
        }
        return .answer(status: 404, headers: ["Error-Code": "NotFound"], body: Array("404 - Not Found".utf8))
    }

    private static func signed(_ name: String, _ item: CollateralItem) -> [UInt8] {
        Array("{\"\(name)\":".utf8) + item.body + Array(",\"signature\":\"\(Hex.encode(item.signature))\"}".utf8)
    }
}

extension FakeAMDProcessor {
    /// The answer of AMD's key distribution service.
    public func answer(_ request: FakeHTTPRequest) -> FakeHTTPAnswer {
        let name = product.rawValue
        let versions = SNPTCBVersion(goodTCB, product: product)
        let chip = Hex.encode(chipId.prefix(product == .turin ? 8 : 64))
        let fmc = versions.fmc.map { "fmcSPL=\($0)&" } ?? ""
        let query =
            "\(fmc)blSPL=\(versions.bootLoader)&teeSPL=\(versions.tee)&snpSPL=\(versions.snp)"
            + "&ucodeSPL=\(versions.microcode)"
        switch request.target {
        case "/vcek/v1/\(name)/cert_chain", "/vlek/v1/\(name)/cert_chain":
            let signer = request.target.hasPrefix("/vlek") ? loadedAuthority : authority
            return .answer(
                status: 200,
                headers: [:],
                body: [signer, root].flatMap { PEM.encode($0.certificate.der) }
            )
        case "/vcek/v1/\(name)/crl": return .answer(status: 200, headers: [:], body: root.revocationList())
        case "/vcek/v1/\(name)/\(chip)?\(query)":
            return .answer(status: 200, headers: [:], body: endorsement().certificate.der)
        default: return .answer(status: 404, headers: [:], body: Array("404 - Not Found".utf8))
        }
    }
}

extension FakeNVIDIADevice {
    /// The answers of NVIDIA's services of manifests and of revocation about this device.
    public func answer(_ request: FakeHTTPRequest, manifests: [String: [UInt8]]) -> FakeHTTPAnswer {
        if request.method == "POST" {
            let pairs = [(leaf, intermediate), (intermediate, root)]
            for (subject, issuer) in pairs {
                // The request names the issuer by the hash of its key; serial numbers repeat between issuers.
                let name = HashAlgorithm.sha384.digest(issuer.key.publicKey.bytes)
                guard request.body.indices.contains(where: { request.body[$0...].starts(with: name) }) else { continue }
                return .answer(
                    status: 200,
                    headers: [:],
                    body: issuer.ocspResponse(about: subject.certificate, hash: .sha384)
                )
            }
        }
        let id = String(request.target.dropFirst("/v1/rim/".count))
        guard let document = manifests[id] else {
            return .answer(status: 404, headers: [:], body: Array("{\"message\":\"RIM not found\"}".utf8))
        }
        let body = JSONValue.object([
            "id": .string(id), "rim": .string(Base64.encode(document)), "rim_format": .string("TCG-SWID"),
        ])
        return .answer(status: 200, headers: [:], body: body.serialized())
    }
}
