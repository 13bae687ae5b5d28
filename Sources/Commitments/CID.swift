// Content identifiers, version 1 (multiformats/cid), with the two codecs and the one hash that Assay writes.
public import Codecs

/// An IPFS content identifier: CIDv1 over a SHA-256 multihash.
public struct CID: Hashable, Sendable, CustomStringConvertible {
    /// The codecs of blocks that Assay reads and writes (multicodec table).
    public enum Codec: UInt64, Sendable {
        case raw = 0x55
        case dagPB = 0x70
    }

    /// How the block is to be read.
    public let codec: Codec
    /// SHA-256 of the block.
    public let digest: Digest

    /// Names a block by its digest.
    public init(codec: Codec, digest: Digest) {
        self.codec = codec
        self.digest = digest
    }

    /// The identifier of `block` read as plain bytes.
    public static func raw(_ block: [UInt8]) -> CID {
        CID(codec: .raw, digest: SHA256.hash(block))
    }

    /// The binary form: version, codec, multihash.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = [0x01]
        bytes.appendVarint(codec.rawValue)
        bytes += [0x12, 0x20]
        return bytes + digest.bytes
    }

    /// The text form: multibase `b` (lower-case base 32).
    public var text: String { "b" + Base32.encode(bytes) }
    public var description: String { text }

    /// Reads the binary form at the reader's position.
    /// - Throws: `ParseError` for version 0, another codec, another hash or an odd digest length.
    public init(reading reader: inout ByteReader, field: String = "cid") throws(ParseError) {
        let version = try reader.readVarint(field)
        guard version == 1 else { throw ParseError(field: field, expected: "CID version 1", actual: "\(version)") }
        let code = try reader.readVarint(field)
        guard let codec = Codec(rawValue: code) else {
            throw ParseError(field: field, expected: "codec raw or dag-pb", actual: "0x" + String(code, radix: 16))
        }
        let hash = try reader.readVarint(field)
        guard hash == 0x12 else {
            throw ParseError(field: field, expected: "multihash sha2-256", actual: "0x" + String(hash, radix: 16))
        }
        let count = try reader.readVarint(field)
        guard count == 32 else { throw ParseError(field: field, expected: "32 digest bytes", actual: "\(count)") }
        self.init(codec: codec, digest: try Digest(try reader.read(32, field), field: field))
    }

    /// Reads the text form.
    public init(text: String, field: String = "cid") throws(ParseError) {
        guard text.utf8.count <= 128, text.hasPrefix("b") else {
            throw ParseError(field: field, expected: "a CIDv1 in base32", actual: text)
        }
        var reader = ByteReader(try Base32.decode(text.dropFirst(), field: field))
        try self.init(reading: &reader, field: field)
        try reader.finish(field)
    }
}
