// From a service's answer to items of collateral. What does not parse, or is something else than was asked for, is an error.

internal import Attestation
internal import Codecs
internal import Transfer

extension CollateralNeed {
    /// The items in an answer with status 200; the first of them is what was asked for.
    func items(in answer: TransferResponse) throws(ParseError) -> [CollateralItem] {
        let items: [CollateralItem]
        switch self {
        case .intelTCBInfo:
            items = [try Self.statement(answer, ["tcb-info-issuer-chain", "sgx-tcb-info-issuer-chain"])]
        case .intelQEIdentity: items = [try Self.statement(answer, ["sgx-enclave-identity-issuer-chain"])]
        case .intelPCKList:
            // The authority of the list is an authority of PCK certificates, which some quotes do not carry.
            var found = [CollateralItem(kind: .revocationList, body: try Self.binary(answer.body))]
            if let chain = answer.headers["sgx-pck-crl-issuer-chain"] {
                for certificate in try Certificate.chain(pem: try Self.unescaped(chain)[...], field: "chain")
                where !certificate.isSelfIssued {
                    found.append(CollateralItem(kind: .certificate, body: certificate.der))
                }
            }
            items = found
        case .intelRootList, .amdList:
            items = [CollateralItem(kind: .revocationList, body: try Self.binary(answer.body))]
        case .amdAuthority:
            let chain = try PEM.decode(answer.body[...], field: "cert_chain")
            guard let authority = chain.first else {
                throw ParseError(field: "cert_chain", expected: "certificates", actual: "none")
            }
            items = [CollateralItem(kind: .certificate, body: authority)]
        case .amdEndorsement: items = [CollateralItem(kind: .certificate, body: answer.body)]
        case .nvidiaManifest(let id): items = [try Self.manifest(answer.body, id)]
        case .ocsp: items = [CollateralItem(kind: .ocspResponse, body: answer.body)]
        }
        for item in items { _ = try item.summary(field: text) }
        guard let first = items.first, accepts(first) else {
            let summary = try items.first?.summary(field: text)
            throw ParseError(field: "answer", expected: text, actual: summary?.subject ?? "nothing")
        }
        return items
    }

    /// Signed JSON with its issuer chain in a header field, in PEM with percent signs.
    private static func statement(_ answer: TransferResponse, _ names: [String]) throws(ParseError) -> CollateralItem {
        guard let chain = names.lazy.compactMap({ answer.headers[$0] }).first else {
            throw ParseError(field: names[0], expected: "the issuer chain in a header field", actual: "none")
        }
        return try CollateralItem(pcsResponse: answer.body, chain: try unescaped(chain))
    }

    /// DER, or the hexadecimal text of it with which caching services answer.
    private static func binary(_ body: [UInt8]) throws(ParseError) -> [UInt8] {
        guard body.first != DERReader.Tag.sequence || body.dropFirst().first == UInt8(ascii: "8") else { return body }
        let text = String(decoding: body, as: UTF8.self).filter { !$0.isWhitespace && $0 != "\"" }
        return try Hex.decode(text, allowsUpperCase: true, field: "answer")
    }

    /// Text with `%0A` and the like (RFC 3986 §2.1).
    private static func unescaped(_ text: String) throws(ParseError) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            rest = rest.dropFirst(2)
            bytes += try Hex.decode(digits, count: 1, allowsUpperCase: true, field: "chain")
        }
        return bytes
    }

    /// `{"id": …, "rim": BASE64, …}`.
    private static func manifest(_ body: [UInt8], _ id: String) throws(ParseError) -> CollateralItem {
        let limits = JSONLimits(bytes: 16 << 20, depth: 8, values: 4096, allowsFractions: true)
        guard case .object(let object) = try JSONValue(parsing: body, limits: limits) else {
            throw ParseError(field: "answer", expected: "an object", actual: "another value")
        }
        guard object["id"] == .string(id), case .string(let text)? = object["rim"] else {
            throw ParseError(field: "answer", expected: "id \(id) and rim", actual: "something else")
        }
        let document = try Base64.decode(text.filter { !$0.isWhitespace }, field: "rim")
        return CollateralItem(kind: .nvidiaRIM, body: document)
    }
}
