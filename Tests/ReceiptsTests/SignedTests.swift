// Envelopes and signed documents: what is accepted, and how everything else is refused.
import AssayTesting
import Codecs
import Commitments
import Foundation
import Receipts
import Signatures
import Testing

@Suite struct SignedTests {
    private let factory: BundleFactory
    private let order: Signed<Order>

    init() throws {
        factory = try BundleFactory()
        order = try Order.sign(
            factory.tiny.job,
            nonce: factory.nonce,
            createdAt: 5,
            engine: factory.engine.verifyingKey,
            with: factory.requester
        )
    }

    /// The order's envelope with one member replaced.
    private func envelope(_ name: String, _ value: JSONValue?) throws -> [UInt8] {
        guard case .object(var object) = try JSONValue(parsing: order.envelope) else { return [] }
        object[name] = value
        return JSONValue.object(object).serialized()
    }

    private func expectBadSignature(_ bytes: [UInt8], _ place: String) {
        do throws(DocumentError) {
            _ = try Signed<Order>(verifying: bytes, key: factory.requester.verifyingKey)
            Issue.record("accepted: \(place)")
        } catch {
            #expect(error == .badSignature(expected: factory.requester.verifyingKey), "\(place)")
        }
    }

    private func expectMalformed(_ bytes: [UInt8], key: VerifyingKey? = nil, _ place: String) {
        do throws(DocumentError) {
            _ = try Signed<Order>(verifying: bytes, key: key)
            Issue.record("accepted: \(place)")
        } catch {
            guard case .malformed = error else {
                Issue.record("\(place): \(error)")
                return
            }
        }
    }

    @Test func aSignedDocumentReadsBack() throws {
        #expect(try Signed<Order>(verifying: order.envelope) == order)
        #expect(try Signed<Order>(verifying: order.envelope, key: factory.requester.verifyingKey) == order)
        #expect(order.digest == SHA256.hash(order.payload))
        #expect(order.signer == factory.requester.verifyingKey)
    }

    @Test func everyFlippedBitOfTheSignatureIsRefused() throws {
        let signature = try Envelope(parsing: order.envelope).signatures[0]
        for position in signature.bytes.indices {
            for bit in 0..<8 {
                var bytes = signature.bytes
                bytes[position] ^= 1 << UInt8(bit)
                let entry: JSONValue = .object(["sig": .string(Base64.encode(bytes))])
                expectBadSignature(try envelope("signatures", .array([entry])), "byte \(position), bit \(bit)")
            }
        }
        for count in [0, 1, 63] {
            let cut: JSONValue = .object(["sig": .string(Base64.encode(signature.bytes.prefix(count)))])
            expectBadSignature(try envelope("signatures", .array([cut])), "\(count) bytes")
        }
        let long: JSONValue = .object(["sig": .string(Base64.encode(signature.bytes + [0]))])
        expectBadSignature(try envelope("signatures", .array([long])), "65 bytes")
    }

    @Test func everyFlippedByteOfThePayloadIsRefused() throws {
        for position in order.payload.indices {
            var payload = order.payload
            payload[position] ^= 1
            expectBadSignature(try envelope("payload", .string(Base64.encode(payload))), "byte \(position)")
        }
    }

    @Test func theTypeIsSigned() throws {
        expectBadSignature(try envelope("payloadType", .string("application/json")), "another type")
        let envelope = try Envelope.sign(order.payload, type: "application/json", with: factory.requester)
        expectMalformed(envelope.bytes, key: factory.requester.verifyingKey, "a signed other type")
    }

    @Test func anotherKeyIsRefused() throws {
        let stranger = factory.stranger.verifyingKey
        #expect(throws: DocumentError.badSignature(expected: stranger)) {
            try Signed<Order>(verifying: order.envelope, key: stranger)
        }
        let envelope = try Envelope.sign(
            order.payload,
            type: "application/vnd.in-toto+json",
            with: factory.stranger
        )
        let author = factory.requester.verifyingKey
        #expect(throws: DocumentError.foreignAuthor(expected: stranger, actual: author)) {
            try Signed<Order>(verifying: envelope.bytes, key: stranger)
        }
        #expect(throws: DocumentError.badSignature(expected: author)) {
            try Signed<Order>(verifying: envelope.bytes)
        }
        #expect(throws: DocumentError.foreignAuthor(expected: stranger, actual: author)) {
            try Signed.sign(order.predicate, subjects: order.subjects, with: factory.stranger)
        }
    }

    @Test func theKeyHintIsNeverTrusted() throws {
        let signature = try Envelope(parsing: order.envelope).signatures[0]
        let sig: JSONValue = .string(Base64.encode(signature.bytes))
        for hint in ["", "nonsense", factory.stranger.verifyingKey.text] {
            let bytes = try envelope("signatures", .array([.object(["keyid": .string(hint), "sig": sig])]))
            #expect(try Signed<Order>(verifying: bytes).digest == order.digest)
        }
        let bare = try envelope("signatures", .array([.object(["sig": sig])]))
        #expect(try Signed<Order>(verifying: bare).digest == order.digest)
    }

    @Test func oneValidSignatureAmongOthersIsEnough() throws {
        let other = try Envelope.sign(order.payload, type: "application/vnd.in-toto+json", with: factory.stranger)
        let mine = try Envelope(parsing: order.envelope).signatures
        func entries(_ list: [Envelope.Signature]) -> JSONValue {
            .array(list.map { .object(["sig": .string(Base64.encode($0.bytes))]) })
        }
        let both = try envelope("signatures", entries(other.signatures + mine))
        #expect(try Signed<Order>(verifying: both).digest == order.digest)
        expectBadSignature(try envelope("signatures", entries(other.signatures)), "only the stranger's")
        let many = Array(repeating: other.signatures[0], count: Envelope.maxSignatures) + mine
        expectMalformed(try envelope("signatures", entries(many)), "too many signatures")
    }

    @Test func bothBase64AlphabetsAreRead() throws {
        func urlSafe(_ text: String) -> String {
            text.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
                .replacingOccurrences(of: "=", with: "")
        }
        guard case .object(var object) = try JSONValue(parsing: order.envelope) else { return }
        object["payload"] = .string(urlSafe(Base64.encode(order.payload)))
        let signature = try Envelope(parsing: order.envelope).signatures[0].bytes
        object["signatures"] = .array([.object(["sig": .string(urlSafe(Base64.encode(signature)))])])
        let read = try Signed<Order>(verifying: JSONValue.object(object).serialized())
        #expect(read.digest == order.digest)
    }

    @Test func malformedEnvelopesAreRefused() throws {
        expectMalformed([], "nothing")
        expectMalformed(Array("[]".utf8), "an array")
        expectMalformed(order.envelope + [0x7d], "a trailing byte")
        for count in order.envelope.indices { expectMalformed(Array(order.envelope.prefix(count)), "\(count) bytes") }
        for name in ["payload", "payloadType", "signatures"] {
            expectMalformed(try envelope(name, nil), "no \(name)")
            expectMalformed(try envelope(name, .integer(1)), "a number as \(name)")
        }
        expectMalformed(try envelope("signatures", .array([])), "no signature")
        expectMalformed(try envelope("payload", .string("****")), "no base64")
        let twice = Array("{\"payloadType\":\"a\",".utf8) + order.envelope.dropFirst()
        expectMalformed(twice, "a member twice")
        let extended = try envelope("more", .bool(true))
        #expect(try Signed<Order>(verifying: extended).digest == order.digest)
    }

    @Test func malformedStatementsAreRefusedThoughSigned() throws {
        guard case .object(let statement) = try JSONValue(parsing: order.payload) else { return }
        for mutation in JSONMutation.all(of: .object(statement)) {
            let envelope = try Envelope.sign(
                mutation.document.serialized(),
                type: "application/vnd.in-toto+json",
                with: factory.requester
            )
            expectMalformed(envelope.bytes, key: factory.requester.verifyingKey, "\(mutation)")
        }
        for (name, value) in [("_type", "https://in-toto.io/Statement/v0.1"), ("predicateType", "urn:assay:order:2")] {
            var other = statement
            other[name] = .string(value)
            let payload = JSONValue.object(other).serialized()
            let envelope = try Envelope.sign(payload, type: "application/vnd.in-toto+json", with: factory.requester)
            expectMalformed(envelope.bytes, key: factory.requester.verifyingKey, name)
        }
        let trailing = try Envelope.sign(
            order.payload + [0x20, 0x30],
            type: "application/vnd.in-toto+json",
            with: factory.requester
        )
        expectMalformed(trailing.bytes, key: factory.requester.verifyingKey, "trailing bytes in the payload")
    }
}

@Suite struct PreAuthenticationEncodingTests {
    @Test func lengthsCountBytes() {
        #expect(Envelope.preAuthenticationEncoding(type: "", payload: []) == Array("DSSEv1 0  0 ".utf8))
        #expect(
            Envelope.preAuthenticationEncoding(type: "\u{e9}", payload: [0, 255])
                == Array("DSSEv1 2 \u{e9} 2 ".utf8) + [0, 255]
        )
    }

    @Test(.enabled(if: SharedVectors.has("vectors/commitments/dsse", for: "DSSE pre-authentication encodings")))
    func publishedEncodings() throws {
        let bytes = try SharedVectors.bytes("vectors/commitments/dsse/pae-cases.json")
        guard case .array(let cases) = try JSONValue(parsing: bytes) else {
            Issue.record("pae-cases.json is no array")
            return
        }
        #expect(cases.count >= 5)
        for value in cases {
            var reader = try JSONReader(value)
            let body = try Hex.decode(try reader.string("body_hex"))
            let expected = try Hex.decode(try reader.string("pae_hex"))
            #expect(Envelope.preAuthenticationEncoding(type: try reader.string("type"), payload: body) == expected)
        }
        let example = try SharedVectors.bytes("vectors/commitments/dsse/protocol-example.json")
        let envelope = try Envelope(parsing: example)
        #expect(envelope.payload == Array("hello world".utf8))
        #expect(envelope.signatures[0].bytes.count == 64)
        #expect(envelope.signatures[0].keyID == "")
    }
}
