// Envelopes of the DSSE documents and signatures of Project Wycheproof.
public import Codecs
internal import Commitments
internal import Foundation
internal import Receipts
internal import Signatures
public import Verdicts

/// Family `dsse`.
public struct DSSEVectors: VectorFamily {
    public let name = "dsse"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        switch file.path {
        case "pae-cases.json": return try encodings(file)
        case "protocol-example.json": return [try example(file)]
        default: return [file.skip("", "P-256 signatures are not verified here")]
        }
    }

    private func encodings(_ file: VectorFile) throws(ParseError) -> [Check] {
        guard case .array(let cases) = try JSONValue(parsing: file.bytes) else {
            throw ParseError(field: "", expected: "an array", actual: "another value")
        }
        var checks: [Check] = []
        for (index, value) in cases.enumerated() {
            var reader = try JSONReader(value, "[\(index)]")
            let body = try Hex.decode(try reader.string("body_hex"))
            let expected = try reader.string("pae_hex")
            let type = try reader.string("type")
            let actual = Hex.encode(Envelope.preAuthenticationEncoding(type: type, payload: body))
            checks.append(file.check("\(index)", expected == actual, expected: expected, actual: actual))
        }
        return checks
    }

    /// The envelope of the protocol document and the encoding that its signature is over.
    private func example(_ file: VectorFile) throws(ParseError) -> Check {
        let envelope = try Envelope(parsing: file.bytes)
        let key = try VectorSuite.bytes(file.folder.appendingPathComponent("protocol-example.key.json"))
        var reader = try JSONReader(try JSONValue(parsing: key, limits: JSONLimits(allowsFractions: true)))
        let expected = try reader.string("pae")
        let actual = String(
            decoding: Envelope.preAuthenticationEncoding(type: envelope.payloadType, payload: envelope.payload),
            as: UTF8.self
        )
        return file.check("", expected == actual, expected: expected, actual: actual)
    }
}

/// Family `signatures`: Wycheproof's Ed25519 verification tests.
public struct SignatureVectors: VectorFamily {
    public let name = "signatures"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        let limits = JSONLimits(bytes: 64 << 20, values: 2_000_000, allowsFractions: true)
        var document = try JSONReader(try JSONValue(parsing: file.bytes, limits: limits))
        guard case .string("EDDSA")? = document.optionalValue("algorithm") else {
            return [file.skip("", "ECDSA is not verified here")]
        }
        var checks: [Check] = []
        for group in try document.array("testGroups", max: 10_000) {
            var group = try JSONReader(group)
            var publicKey = try group.object("publicKey")
            let key = try VerifyingKey(bytes: try Hex.decode(try publicKey.string("pk")))
            for test in try group.array("tests", max: 10_000) {
                var test = try JSONReader(test)
                let message = try Hex.decode(try test.string("msg", maxBytes: 1 << 24))
                let signature = try Hex.decode(try test.string("sig"))
                let expected = try test.string("result")
                let actual = key.isValid(signature: signature, for: message) ? "valid" : "invalid"
                let id = "\(try test.integer("tcId"))"
                checks.append(file.check(id, expected == actual, expected: expected, actual: actual))
            }
        }
        return checks
    }
}
