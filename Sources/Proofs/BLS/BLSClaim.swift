// BLS claims as JSON documents, under the names that Ethereum's consensus tests use.
public import Codecs
public import Verdicts

/// Whose signature, or whose aggregate of signatures, a document claims to hold.
public struct BLSClaim: Sendable, Equatable {
    /// How keys and messages belong together.
    public enum Kind: String, Sendable, CaseIterable {
        /// One key, one message.
        case single
        /// As many messages as keys.
        case aggregate
        /// Many keys, one message; possession of every key must have been proved.
        case fastAggregate
    }

    public var kind: Kind
    public var publicKeys: [[UInt8]]
    public var messages: [[UInt8]]
    public var signature: [UInt8]

    /// The most keys or messages that a document is read with.
    public static let maximumKeys = 65_536

    /// A claim of one signature.
    public init(publicKey: [UInt8], message: [UInt8], signature: [UInt8]) {
        kind = .single
        publicKeys = [publicKey]
        messages = [message]
        self.signature = signature
    }

    /// Reads `{pubkey, message, signature}`, `{pubkeys, messages, signature}` or `{pubkeys, message, signature}`. Values are
    /// hexadecimal, with or without `0x`.
    /// - Throws: `ParseError` for anything malformed, and when keys and messages differ in number.
    public init(json: [UInt8]) throws(ParseError) {
        let limits = JSONLimits(bytes: 64 << 20, depth: 4, values: 2 * Self.maximumKeys + 8)
        var reader = try JSONReader(try JSONValue(parsing: json, limits: limits))
        signature = try reader.prefixedHex("signature")
        if reader.has("pubkey") {
            kind = .single
            publicKeys = [try reader.prefixedHex("pubkey")]
            messages = [try reader.prefixedHex("message", maxBytes: 1 << 20)]
        } else {
            publicKeys = try Self.list(&reader, "pubkeys")
            kind = reader.has("message") ? .fastAggregate : .aggregate
            if kind == .aggregate {
                messages = try Self.list(&reader, "messages")
                guard messages.count == publicKeys.count else {
                    let expected = "\(publicKeys.count), as many as keys"
                    throw ParseError(field: "messages", expected: expected, actual: "\(messages.count)")
                }
            } else {
                messages = [try reader.prefixedHex("message", maxBytes: 1 << 20)]
            }
        }
        try reader.finish()
    }

    private static func list(_ reader: inout JSONReader, _ name: String) throws(ParseError) -> [[UInt8]] {
        try reader.array(name, max: maximumKeys) { (value, path) throws(ParseError) -> [UInt8] in
            guard case .string(let text) = value, text.utf8.count <= 1 << 20 else {
                throw ParseError(field: path, expected: "hexadecimal text", actual: value.typeName)
            }
            return try Hex.decode(
                text.hasPrefix("0x") ? text.dropFirst(2) : text[...],
                allowsUpperCase: true,
                field: path
            )
        }
    }
}

extension BLSVerifier {
    /// Checks a claim by its kind.
    public func verify(_ claim: BLSClaim) -> Verdict {
        switch claim.kind {
        case .fastAggregate:
            verifyFastAggregate(
                publicKeys: claim.publicKeys,
                message: claim.messages.first ?? [],
                signature: claim.signature
            )
        case .aggregate:
            verifyAggregate(
                zip(claim.publicKeys, claim.messages).map { (publicKey: $0, message: $1) },
                signature: claim.signature
            )
        case .single:
            verify(
                publicKey: claim.publicKeys.first ?? [],
                message: claim.messages.first ?? [],
                signature: claim.signature
            )
        }
    }
}
