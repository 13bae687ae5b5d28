// COSE_Sign1 structures of the COSE working group's examples, and the published COSE receipts and SCITT statements.
internal import Appraisal
internal import Attestation
public import Codecs
internal import Signatures
internal import TransparencyLog
public import Verdicts

/// Family `cose`.
public struct COSEVectors: VectorFamily {
    public let name = "cose"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        if file.path.hasSuffix(".json") {
            guard file.path.hasPrefix("cose-wg/") else {
                return [file.skip("", "the certificates of a service, which are checked with its receipt")]
            }
            return [try example(file)]
        }
        if file.path.hasSuffix("uvm_0.2.10.cose") { return try transparent(file) }
        // Their keys are not published, or their receipts are of another tree: form only.
        do throws(ParseError) {
            let message = try COSESign1(parsing: file.bytes[...], .init(isDeterministic: false, bytes: 4 << 20))
            let isWhole = message.signature.count >= 64
            return [
                file.check("form", isWhole, expected: "a signature of 64 bytes or more", actual: "a shorter one"),
                file.skip("signature", "the signer's key is not published with it"),
            ]
        } catch {
            guard error.field == "cose.protected" else { throw error }
            return [file.skip("", "a protected header above the bound of 4096 bytes, which is refused by rule")]
        }
    }

    /// A statement with the receipt of a service whose certificates lie beside it.
    private func transparent(_ file: VectorFile) throws(ParseError) -> [Check] {
        let statement = try TransparentStatement(parsing: file.bytes)
        let keys = try Self.serviceKeys(try file.sibling("scitt/esrp-cts-db.json"))
        return LogAppraiser.checks(statement, services: keys).map { check in
            file.check(check.id, check.result == .pass, expected: check.expected, actual: check.actual)
        } + [file.skip("signature", "PS384 under a certificate chain (did:x509), which is not verified here")]
    }

    /// The distinct keys of the certificates in a service's list.
    private static func serviceKeys(_ bytes: [UInt8]) throws(ParseError) -> [PublicKey] {
        var document = try JSONReader(try JSONValue(parsing: bytes))
        return try document.array("parameters", max: 64) { (value, path) throws(ParseError) -> PublicKey in
            var entry = try JSONReader(value, path)
            let der = try Base64.decode(try entry.string("serviceCertificate"), field: path)
            return try Certificate(der: der, field: path).publicKey
        }.reduce(into: []) { keys, key in if !keys.contains(key) { keys.append(key) } }
    }

    private func example(_ file: VectorFile) throws(ParseError) -> Check {
        var document = try JSONReader(try JSONValue(parsing: file.bytes, limits: JSONLimits(allowsFractions: true)))
        var input = try document.object("input")
        guard input.has("sign0") else { return file.skip("", "not COSE_Sign1: several signers, a MAC, or encryption") }
        var signer = try input.object("sign0")
        var key = try signer.object("key")
        let external = try signer.optionalString("external").map { text throws(ParseError) in
            try Hex.decode(text, allowsUpperCase: true)
        }
        var output = try document.object("output")
        let bytes = try Hex.decode(try output.string("cbor", maxBytes: 1 << 16), allowsUpperCase: true)
        let title = try document.string("title")
        let isSigned: Bool
        do throws(ParseError) {
            let message = try COSESign1(parsing: bytes[...])
            guard message.protectedHeader[1] != nil else {
                return file.skip("", "the algorithm stands in the unprotected header, which is refused by rule")
            }
            guard try key.optionalString("crv") != "P-256" || message.algorithm == .es256 else {
                return file.skip("", "P-256 with another algorithm than ES256, which is refused by rule")
            }
            isSigned = try isSignedBy(&key, message, external ?? [])
        } catch {
            return file.check("", file.expected == "reject", expected: file.expected, actual: error.description)
        }
        let actual = isSigned ? "accept" : "reject"
        return file.check("", actual == file.expected, expected: "\(file.expected): \(title)", actual: actual)
    }

    private func isSignedBy(
        _ key: inout JSONReader,
        _ message: COSESign1,
        _ external: [UInt8]
    ) throws(ParseError) -> Bool {
        let name = try key.string("crv")
        if name == "Ed25519" {
            let bytes = try Self.coordinate("x", &key)
            return message.isSigned(by: try VerifyingKey(bytes: bytes), externalAAD: external)
        }
        guard let curve = SignatureCurve(rawValue: name) else {
            throw ParseError(field: "crv", expected: "a known curve", actual: name)
        }
        let (x, y) = (try Self.coordinate("x", &key), try Self.coordinate("y", &key))
        func padded(_ bytes: [UInt8]) -> [UInt8] {
            [UInt8](repeating: 0, count: max(0, curve.coordinateCount - bytes.count)) + bytes
        }
        let point = padded(x) + padded(y)
        let isSigned = message.isSigned(by: try PublicKey(coordinates: point[...], on: curve), externalAAD: external)
        guard curve == .p256 else { return isSigned }
        // Two paths to one signature: attestation's keys and the keys of documents have to agree.
        let own = try VerifyingKey(bytes: [2 + (y.last ?? 0) % 2] + padded(x))
        guard message.isSigned(by: own, externalAAD: external) == isSigned else {
            throw ParseError(field: "signature", expected: "one answer from both verifiers", actual: "two")
        }
        return isSigned
    }

    /// A coordinate in base 64 without padding, or in hexadecimal under another name.
    private static func coordinate(_ name: String, _ key: inout JSONReader) throws(ParseError) -> [UInt8] {
        if key.has(name + "_hex") { return try Hex.decode(try key.string(name + "_hex"), allowsUpperCase: true) }
        let text = try key.string(name)
        return try Base64.decode(text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4), field: name)
    }
}
