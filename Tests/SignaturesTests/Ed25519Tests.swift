// Ed25519 keys and signatures against RFC 8032 and Project Wycheproof.
import AssayTesting
import Codecs
import Foundation
import Signatures
import Testing

@Suite struct Ed25519Tests {
    /// RFC 8032 §7.1, tests 1 to 3: private key, public key, message, signature.
    private static let published = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ]

    @Test(arguments: published)
    func publishedSignatures(_ seed: String, _ publicKey: String, _ message: String, _ signature: String) throws {
        let key = try SigningKey(seed: try Hex.decode(seed))
        #expect(key.verifyingKey.bytes == (try Hex.decode(publicKey)))
        #expect(try key.signature(for: try Hex.decode(message)) == Hex.decode(signature))
        #expect(key.verifyingKey.isValid(signature: try Hex.decode(signature), for: try Hex.decode(message)))
    }

    @Test func everyFlippedBitIsInvalid() throws {
        let key = try SigningKey(seed: [UInt8](repeating: 7, count: 32))
        let message = Array("message".utf8)
        let signature = try key.signature(for: message)
        for position in signature.indices {
            for bit in 0..<8 {
                var other = signature
                other[position] ^= 1 << UInt8(bit)
                #expect(!key.verifyingKey.isValid(signature: other, for: message), "byte \(position), bit \(bit)")
            }
        }
        for position in message.indices {
            var other = message
            other[position] ^= 1
            #expect(!key.verifyingKey.isValid(signature: signature, for: other))
        }
        for count in 0..<64 {
            #expect(!key.verifyingKey.isValid(signature: Array(signature.prefix(count)), for: message))
        }
        #expect(!key.verifyingKey.isValid(signature: signature + [0], for: message))
        let other = try SigningKey(seed: [UInt8](repeating: 8, count: 32))
        #expect(!other.verifyingKey.isValid(signature: signature, for: message))
    }

    @Test(
        .enabled(if: SharedVectors.has("vectors/commitments/signatures", for: "Wycheproof Ed25519"))
    )
    func wycheproof() throws {
        let bytes = try SharedVectors.bytes("vectors/commitments/signatures/ed25519_test.json")
        let limits = JSONLimits(bytes: 16 << 20, allowsFractions: true)
        var document = try JSONReader(try JSONValue(parsing: bytes, limits: limits))
        var count = 0
        for group in try document.array("testGroups", max: 1000) {
            var group = try JSONReader(group)
            var publicKey = try group.object("publicKey")
            let key = try VerifyingKey(bytes: try Hex.decode(try publicKey.string("pk")))
            for test in try group.array("tests", max: 1000) {
                var test = try JSONReader(test)
                let id = try test.integer("tcId")
                let message = try Hex.decode(try test.string("msg", maxBytes: 1 << 20))
                let signature = try Hex.decode(try test.string("sig"))
                let isValid = try test.string("result") == "valid"
                #expect(key.isValid(signature: signature, for: message) == isValid, "test \(id)")
                count += 1
            }
        }
        #expect(count == 151)
    }
}

@Suite struct KeyTests {
    @Test func keysReadBackFromPEM() throws {
        let key = try SigningKey.generate()
        let again = try SigningKey(pem: try key.pem())
        #expect(again.verifyingKey == key.verifyingKey)
        #expect(try again.signature(for: [1, 2, 3]) == key.signature(for: [1, 2, 3]))
        let text = String(decoding: try key.pem(), as: UTF8.self)
        #expect(text.hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
        #expect(try SigningKey.generate().verifyingKey != key.verifyingKey)
    }

    /// RFC 8410 §10.3.
    @Test func thePublishedKeyIsRead() throws {
        let pem = """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
            -----END PRIVATE KEY-----

            """
        let key = try SigningKey(pem: Array(pem.utf8))
        #expect(
            key.verifyingKey.text == "ed25519:19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"
        )
    }

    /// An X25519 key: also 32 bytes, and no key to sign with.
    @Test func keysOfAnotherKindAreRefused() {
        let pem = """
            -----BEGIN PRIVATE KEY-----
            MC4CAQAwBQYDK2VuBCIEIHcHbQpzGKV9PBbBclGyZkXfTC+H68CZKrF3+6UduSwq
            -----END PRIVATE KEY-----

            """
        #expect(throws: KeyError.self) { try SigningKey(pem: Array(pem.utf8)) }
        for other in ["", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            #expect(throws: KeyError.self) { try SigningKey(pem: Array(other.utf8)) }
        }
        #expect(throws: KeyError.self) { try SigningKey(pem: [UInt8](repeating: 0x41, count: 20_000)) }
    }

    @Test func theTextFormIsTheOnlyOne() throws {
        let key = try SigningKey(seed: [UInt8](repeating: 3, count: 32)).verifyingKey
        #expect(try VerifyingKey(text: key.text) == key)
        let hex = Hex.encode(key.bytes)
        for text in [
            hex, "ed25519:" + hex.uppercased(), "ED25519:" + hex, "ed25519:" + hex + "00", "ed25519:", "",
            "ed25519: " + hex, "ed25519:" + hex.dropLast(),
        ] {
            #expect(throws: ParseError.self) { try VerifyingKey(text: text) }
        }
        for count in [0, 31, 33] {
            #expect(throws: ParseError.self) { try VerifyingKey(bytes: [UInt8](repeating: 0, count: count)) }
            #expect(throws: KeyError.self) { try SigningKey(seed: [UInt8](repeating: 0, count: count)) }
        }
    }
}
