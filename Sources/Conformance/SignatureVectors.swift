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
        case "protocol-example.json": return try example(file)
        default: return [file.skip("", "the key of the example, which is checked with it")]
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
    private func example(_ file: VectorFile) throws(ParseError) -> [Check] {
        let envelope = try Envelope(parsing: file.bytes)
        let key = try VectorSuite.bytes(file.folder.appendingPathComponent("protocol-example.key.json"))
        var reader = try JSONReader(try JSONValue(parsing: key, limits: JSONLimits(allowsFractions: true)))
        let expected = try reader.string("pae")
        let actual = String(
            decoding: Envelope.preAuthenticationEncoding(type: envelope.payloadType, payload: envelope.payload),
            as: UTF8.self
        )
        let (x, y) = (try Self.number(try reader.string("x")), try Self.number(try reader.string("y")))
        let signer = try VerifyingKey(bytes: [2 + y[31] % 2] + x)
        let isSigned = envelope.isSigned(by: signer)
        return [
            file.check("pae", expected == actual, expected: expected, actual: actual),
            file.check("signature", isSigned, expected: "signed by \(signer)", actual: "not signed"),
        ]
    }

    /// 32 bytes from a decimal number.
    private static func number(_ text: String) throws(ParseError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 32)
        for digit in text.utf8 {
            var carry = Int(digit) - 0x30
            guard (0...9).contains(carry) else {
                throw ParseError(field: "key", expected: "decimal digits", actual: text)
            }
            for index in bytes.indices.reversed() {
                carry += 10 * Int(bytes[index])
                bytes[index] = UInt8(carry & 255)
                carry >>= 8
            }
            guard carry == 0 else { throw ParseError(field: "key", expected: "a number of 256 bits", actual: text) }
        }
        return bytes
    }
}

/// Family `signatures`: Wycheproof's verification tests of Ed25519 and of ECDSA on P-256 and secp256k1.
public struct SignatureVectors: VectorFamily {
    public let name = "signatures"

    /// Makes the family.
    public init() {}

    public func checks(_ file: VectorFile) async throws(ParseError) -> [Check] {
        let limits = JSONLimits(bytes: 64 << 20, values: 2_000_000, allowsFractions: true)
        var document = try JSONReader(try JSONValue(parsing: file.bytes, limits: limits))
        let isEdwards = try document.string("algorithm") == "EDDSA"
        if file.path.contains("secp256k1") { return try koblitz(file, &document) }
        var checks: [Check] = []
        for group in try document.array("testGroups", max: 10_000) {
            var group = try JSONReader(group)
            var publicKey = try group.object("publicKey")
            let key: VerifyingKey
            if isEdwards {
                key = try VerifyingKey(bytes: try Hex.decode(try publicKey.string("pk")))
            } else {
                let point = try Hex.decode(try publicKey.string("uncompressed"), count: 65)
                key = try VerifyingKey(bytes: [2 + point[64] % 2] + point[1...32])
            }
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

    /// ECDSA on secp256k1: r ‖ s, or Bitcoin's rules, which are DER and the lower s.
    private func koblitz(_ file: VectorFile, _ document: inout JSONReader) throws(ParseError) -> [Check] {
        let isBitcoin = file.path.contains("bitcoin")
        var checks: [Check] = []
        for group in try document.array("testGroups", max: 10_000) {
            var group = try JSONReader(group)
            var publicKey = try group.object("publicKey")
            let key = try Secp256k1Key(point: try Hex.decode(try publicKey.string("uncompressed"), count: 65))
            for test in try group.array("tests", max: 10_000) {
                var test = try JSONReader(test)
                let digest = SHA256.hash(try Hex.decode(try test.string("msg", maxBytes: 1 << 24))).bytes
                let bytes = try Hex.decode(try test.string("sig", maxBytes: 1 << 16))
                let expected = try test.string("result")
                let signature = isBitcoin ? try? Secp256k1Key.Signature(der: bytes) : try? .init(bytes)
                let isValid = signature.map { key.isValid($0, digest: digest, demandsLowS: isBitcoin) } ?? false
                let actual = isValid ? "valid" : "invalid"
                let id = "\(try test.integer("tcId"))"
                checks.append(file.check(id, expected == actual, expected: expected, actual: actual))
            }
        }
        return checks
    }
}
