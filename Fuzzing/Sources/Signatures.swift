// Fuzzers of `Signatures`: keys and signed structures that others made.
import Codecs
import Signatures

extension Registry {
    static let signatures: [FuzzTarget] = [
        FuzzTarget(
            "signatures.cose-sign1",
            seeds: [
                .shared("commitments/cose", ".cose"), .shared("commitments/cose", ".cbor"),
                .strings(in: .shared("commitments/cose", ".json")), .shared("attestation", ".cbor"),
            ]
        ) { bytes throws(ParseError) in
            let message = try COSESign1(parsing: bytes[...])
            _ = message.algorithmText
            if let signed = message.signedBytes(externalAAD: [1]) {
                // Two structures that say different things are never signed by the same bytes.
                let parts = reread("Sig_structure is an array") { () throws(ParseError) in
                    try CBORItem(parsing: signed, CBORRules(isDeterministic: true, bytes: 1 << 24)).elements(max: 4, "")
                }
                require(parts?.count == 4, "Sig_structure has four parts")
            }
        },
        FuzzTarget(
            "signatures.key-text",
            maxBytes: 128,
            seeds: [
                .texts("ed25519:" + String(repeating: "0a", count: 32)),
                .made { [Array(try SigningKey.generate(.es256).verifyingKey.text.utf8)] },
            ]
        ) {
            bytes throws(ParseError) in
            require(try VerifyingKey(text: bytes.text).text == bytes.text, "a key has one text")
        },
        FuzzTarget(
            "signatures.key-pem",
            maxBytes: 1024,
            seeds: [.made { [try SigningKey(seed: Array(1...32)).pem()] }],
            throwing: KeyError.self
        ) { bytes throws(KeyError) in
            let key = try SigningKey(pem: bytes)
            let again = try SigningKey(pem: try key.pem())
            require(again.verifyingKey == key.verifyingKey, "a key reads what it wrote")
        },
        FuzzTarget(
            "signatures.ed25519",
            maxBytes: 200,
            seeds: [
                .made {
                    let key = try SigningKey(seed: Array(1...32))
                    return [key.verifyingKey.bytes + (try key.signature(for: [1, 2, 3])) + [1, 2, 3]]
                }
            ]
        ) { bytes throws(ParseError) in
            let key = try VerifyingKey(bytes: Array(bytes.prefix(32)))
            let (signature, message) = (Array(bytes.dropFirst(32).prefix(64)), Array(bytes.dropFirst(96)))
            let isValid = key.isValidByLibrary(signature: signature, for: message)
            let table = PreparedVerifyingKey(key)?.isAcceptedByTable(signature, for: message) ?? false
            require(table == isValid, "a table says what OpenSSL says")
        },
    ]
}
