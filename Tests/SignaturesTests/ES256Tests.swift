// ES256 beside Ed25519: Wycheproof, RFC 9500's test key, and keys that must never be taken.
import AssayTesting
import Codecs
import Foundation
import Signatures
import Testing

@Suite struct ES256Tests {
    @Test func `A key signs, reads back and verifies`() throws {
        let key = try SigningKey.generate(.es256)
        #expect(key.verifyingKey.algorithm == .es256 && key.verifyingKey.bytes.count == 33)
        let again = try SigningKey(pem: try key.pem())
        #expect(again.verifyingKey == key.verifyingKey)
        let text = key.verifyingKey.text
        #expect(text.hasPrefix("es256:0") && text.utf8.count == 72)
        #expect(try VerifyingKey(text: text) == key.verifyingKey)
        let signature = try key.signature(for: [1, 2, 3])
        #expect(signature.count == 64)
        #expect(key.verifyingKey.isValid(signature: signature, for: [1, 2, 3]))
        #expect(try again.signature(for: [1, 2, 3]) != signature)
        #expect(!key.verifyingKey.isValid(signature: signature, for: [1, 2]))
        #expect(try !SigningKey.generate(.es256).verifyingKey.isValid(signature: signature, for: [1, 2, 3]))
        for index in signature.indices {
            var bent = signature
            bent[index] ^= 1
            #expect(!key.verifyingKey.isValid(signature: bent, for: [1, 2, 3]), "byte \(index)")
        }
        for bent in [Array(signature.dropLast()), signature + [0], [], [UInt8](repeating: 0, count: 64)] {
            #expect(!key.verifyingKey.isValid(signature: bent, for: [1, 2, 3]))
        }
    }

    @Test(.enabled(if: SharedVectors.has("vectors/commitments/signatures", for: "Wycheproof ECDSA P-256")))
    func wycheproof() throws {
        let path = "vectors/commitments/signatures/ecdsa_secp256r1_sha256_p1363_test.json"
        let limits = JSONLimits(bytes: 16 << 20, values: 2_000_000, allowsFractions: true)
        let document = try JSONValue(parsing: SharedVectors.bytes(path), limits: limits)
        var count = 0
        for group in document["testGroups"].items {
            let point = group["publicKey"]["uncompressed"].hex
            let key = try VerifyingKey(bytes: [2 + point[64] % 2] + point[1...32])
            for test in group["tests"].items {
                let isValid = key.isValid(signature: test["sig"].hex, for: test["msg"].hex)
                #expect(isValid == (test["result"].text == "valid"), "test \(test["tcId"].text)")
                count += 1
            }
        }
        #expect(count > 200)
    }

    @Test func `Points that are none are refused`() throws {
        let good = try SigningKey.generate(.es256).verifyingKey.bytes
        for first: UInt8 in [0, 1, 4, 6, 0xff] {
            #expect(throws: ParseError.self) { try VerifyingKey(bytes: [first] + good.dropFirst()) }
        }
        // The field's prime is no coordinate.
        let prime = try Hex.decode("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
        #expect(throws: ParseError.self) { try VerifyingKey(bytes: [2] + prime) }
        var refused = 0
        for x: UInt8 in 0..<64 {
            let bytes = [2] + [UInt8](repeating: 0, count: 31) + [x]
            if (try? VerifyingKey(bytes: bytes)) == nil { refused += 1 }
        }
        // Half of all x belong to no point.
        #expect((16...48).contains(refused))
        #expect(throws: ParseError.self) { try VerifyingKey(text: "es256:" + Hex.encode(good.dropLast())) }
        #expect(throws: ParseError.self) { try VerifyingKey(text: "ed25519:" + Hex.encode(good)) }
    }

    /// A P-384 key: an EC key too, and none that documents are signed with.
    @Test func `Keys on other curves are refused`() {
        let pem = """
            -----BEGIN PRIVATE KEY-----
            MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAAAAAAAAAAAAAAAAAA
            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=
            -----END PRIVATE KEY-----

            """
        #expect(throws: KeyError.self) { try SigningKey(pem: Array(pem.utf8)) }
    }

    /// Under a point of small order one signature holds for messages without number: with R the identity and S zero the
    /// equation is S·B = R + h·A, which A of order 1 fulfils for every h.
    @Test func `Ed25519 points of small order are no keys`() throws {
        let encodings = [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        ]
        for hex in encodings {
            #expect(throws: ParseError.self, "\(hex)") { try VerifyingKey(bytes: Hex.decode(hex)) }
            #expect(throws: ParseError.self, "\(hex)") { try VerifyingKey(text: "ed25519:" + hex) }
        }
    }
}
