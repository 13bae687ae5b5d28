// DSSE envelopes (secure-systems-lab/dsse, protocol.md and envelope.md, version 1): bytes, their type, and signatures over
// both. Nothing is ever serialised again for a check: what was verified is what is parsed.
public import Codecs
public import Signatures

/// A DSSE envelope. Reading one says nothing about its signatures; `isSigned(by:)` does.
public struct Envelope: Sendable, Equatable {
    /// One signature. The key hint is never trusted: the caller names the key.
    public struct Signature: Sendable, Equatable {
        /// The signer's hint; empty when the envelope has none, which protocol.md says is the same.
        public var keyID: String
        /// The signature's bytes.
        public var bytes: [UInt8]

        /// Makes a signature entry.
        public init(keyID: String, bytes: [UInt8]) {
            self.keyID = keyID
            self.bytes = bytes
        }
    }

    /// What the payload is; it is part of what is signed.
    public let payloadType: String
    /// The signed bytes.
    public let payload: [UInt8]
    /// The signatures, at least one.
    public let signatures: [Signature]

    /// The most bytes of an envelope.
    public static let maxBytes = 8 << 20
    /// The most signatures that are looked at.
    public static let maxSignatures = 16

    private init(payloadType: String, payload: [UInt8], signatures: [Signature]) {
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    /// Signs `payload` as `payloadType` with one key: Ed25519, or ES256 with the signature as r ‖ s.
    public static func sign(
        _ payload: [UInt8],
        type payloadType: String,
        with key: SigningKey
    ) throws(KeyError) -> Envelope {
        let message = preAuthenticationEncoding(type: payloadType, payload: payload)
        let signature = Signature(keyID: key.verifyingKey.text, bytes: try key.signature(for: message))
        return Envelope(payloadType: payloadType, payload: payload, signatures: [signature])
    }

    /// Reads an envelope.
    ///
    /// Both base 64 alphabets are accepted and members that DSSE does not define are ignored, as protocol.md and envelope.md
    /// demand; duplicate members and everything else that strict JSON forbids are refused.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let limits = JSONLimits(bytes: Self.maxBytes, depth: 8, values: 1000)
        var reader = try JSONReader(try JSONValue(parsing: bytes, limits: limits))
        payloadType = try reader.string("payloadType", maxBytes: 256)
        let text = try reader.string("payload", maxBytes: Self.maxBytes)
        payload = try Base64.decode(text, field: "payload")
        signatures = try reader.array("signatures", max: Self.maxSignatures) {
            (value, path) throws(ParseError) -> Signature in
            var entry = try JSONReader(value, path)
            let keyID = try entry.optionalString("keyid", maxBytes: 256) ?? ""
            let signature = try Base64.decode(try entry.string("sig", maxBytes: 4096), field: entry.path("sig"))
            return Signature(keyID: keyID, bytes: signature)
        }
        guard !signatures.isEmpty else {
            throw ParseError(field: "signatures", expected: "at least one signature", actual: "none")
        }
    }

    /// The envelope as compact JSON.
    public var bytes: [UInt8] {
        JSONValue.object([
            "payloadType": .string(payloadType),
            "payload": .string(Base64.encode(payload)),
            "signatures": .array(
                signatures.map { signature in
                    .object([
                        "keyid": .string(signature.keyID),
                        "sig": .string(Base64.encode(signature.bytes)),
                    ])
                }
            ),
        ]).serialized()
    }

    /// Whether at least one of the signatures is `key`'s over this payload and type.
    public func isSigned(by key: VerifyingKey) -> Bool {
        let message = Self.preAuthenticationEncoding(type: payloadType, payload: payload)
        return signatures.contains { key.isValid(signature: $0.bytes, for: message) }
    }

    /// Those of `keys` that have signed this payload and type.
    ///
    /// Distinct keys count and not signatures: a threshold of t is met when the result has t members, however often one of
    /// them signed (protocol.md, "(t, n)-ENVELOPES").
    public func signers(among keys: some Sequence<VerifyingKey>) -> Set<VerifyingKey> {
        let message = Self.preAuthenticationEncoding(type: payloadType, payload: payload)
        return Set(keys).filter { key in signatures.contains { key.isValid(signature: $0.bytes, for: message) } }
    }

    /// The envelope with one more signature.
    /// - Precondition: it has fewer than `maxSignatures`.
    public func signed(by key: SigningKey) throws(KeyError) -> Envelope {
        precondition(signatures.count < Self.maxSignatures, "an envelope has at most \(Self.maxSignatures) signatures")
        let more = try Self.sign(payload, type: payloadType, with: key)
        return Envelope(payloadType: payloadType, payload: payload, signatures: signatures + more.signatures)
    }

    /// PAE(type, payload) = "DSSEv1" SP len(type) SP type SP len(payload) SP payload, lengths in bytes as decimal numbers
    /// (protocol.md, "Signature Definition").
    public static func preAuthenticationEncoding(type: String, payload: [UInt8]) -> [UInt8] {
        var message: [UInt8] = []
        message.reserveCapacity(payload.count + type.utf8.count + 48)
        message += "DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8
        message += payload
        return message
    }
}
