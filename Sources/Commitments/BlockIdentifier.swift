// Content identifiers of any codec and hash, as foreign archives use them. Assay itself writes `CID`.
public import Codecs

/// An IPFS content identifier of either version, with any codec and any multihash.
///
/// Whether Assay can check a block of this kind is another question: see `matches(_:)`.
public struct BlockIdentifier: Hashable, Sendable, CustomStringConvertible {
    /// 0 or 1.
    public let version: Int
    /// The multicodec of the block: 0x55 raw, 0x70 dag-pb, 0x71 dag-cbor, …
    public let codec: UInt64
    /// The multihash function: 0x12 SHA-256, 0x00 identity, …
    public let hash: UInt64
    /// What the multihash function gave.
    public let digest: [UInt8]

    /// The most digest bytes that are read: 64 for hashes, and as a bound for blocks that an identity CID carries within.
    public static let maxDigestBytes = 128

    init(version: Int, codec: UInt64, hash: UInt64, digest: [UInt8]) {
        self.version = version
        self.codec = codec
        self.hash = hash
        self.digest = digest
    }

    /// The same identifier in the general form.
    public init(_ cid: CID) {
        self.init(version: 1, codec: cid.codec.rawValue, hash: 0x12, digest: cid.digest.bytes)
    }

    /// The identifier of `block` under a codec, by SHA-256.
    public init(codec: CID.Codec, block: [UInt8], version: Int = 1) {
        self.init(version: version, codec: codec.rawValue, hash: 0x12, digest: SHA256.hash(block).bytes)
    }

    /// The identifier as Assay writes it; `nil` for version 0, another codec than raw or dag-pb, and other hashes.
    public var cid: CID? {
        guard version == 1, hash == 0x12, let codec = CID.Codec(rawValue: codec), let digest = try? Digest(digest)
        else {
            return nil
        }
        return CID(codec: codec, digest: digest)
    }

    /// The binary form.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        if version == 1 {
            bytes.append(0x01)
            bytes.appendVarint(codec)
        }
        bytes.appendVarint(hash)
        bytes.appendVarint(UInt64(digest.count))
        return bytes + digest
    }

    /// The text form: base 58 for version 0, multibase `b` for version 1.
    public var text: String { version == 0 ? Base58.encode(bytes) : "b" + Base32.encode(bytes) }
    public var description: String { text }

    /// Reads the binary form at the reader's position.
    /// - Throws: `ParseError` for a version other than 0 and 1, a padded varint or a digest of an unusual length.
    public init(reading reader: inout ByteReader, field: String = "cid") throws(ParseError) {
        // Version 0 has no prefix: it is a SHA-256 multihash, and 0x12 is no version number.
        if reader.peek() == 0x12 {
            let head = Array(try reader.read(2, field))
            guard head == [0x12, 0x20] else {
                throw ParseError(field: field, expected: "32 digest bytes in CID version 0", actual: "\(head[1])")
            }
            self.init(version: 0, codec: 0x70, hash: 0x12, digest: Array(try reader.read(32, field)))
            return
        }
        let version = try reader.readVarint(field)
        guard version == 1 else { throw ParseError(field: field, expected: "CID version 0 or 1", actual: "\(version)") }
        let codec = try reader.readVarint(field)
        let hash = try reader.readVarint(field)
        let count = try reader.readVarint(field)
        guard count <= UInt64(Self.maxDigestBytes) else {
            throw ParseError(field: field, expected: "at most \(Self.maxDigestBytes) digest bytes", actual: "\(count)")
        }
        self.init(version: 1, codec: codec, hash: hash, digest: Array(try reader.read(Int(count), field)))
    }

    /// Reads the text form: `Qm…`, or `b…` in base 32, `z…` in base 58.
    public init(text: String, field: String = "cid") throws(ParseError) {
        guard text.utf8.count <= 256 else {
            throw ParseError(field: field, expected: "at most 256 characters", actual: "\(text.utf8.count)")
        }
        let bytes: [UInt8]
        if text.hasPrefix("Qm") && text.utf8.count == 46 {
            bytes = try Base58.decode(text, field: field)
        } else if text.hasPrefix("b") {
            bytes = try Base32.decode(text.dropFirst(), field: field)
        } else if text.hasPrefix("z") {
            bytes = try Base58.decode(text.dropFirst(), field: field)
        } else {
            throw ParseError(field: field, expected: "a CID in base 32 or base 58", actual: text)
        }
        var reader = ByteReader(bytes)
        try self.init(reading: &reader, field: field)
        try reader.finish(field)
    }

    /// Whether `block` hashes to this identifier; `nil` when the hash function is not one that Assay computes.
    public func matches(_ block: ArraySlice<UInt8>) -> Bool? {
        let suite: HashSuite
        switch hash {
        case 0x00: return block.elementsEqual(digest)
        case 0x12: suite = .sha2_256
        case 0x16: suite = .sha3_256
        case 0x1b: suite = .keccak256
        case 0x1e: suite = .blake3
        default: return nil
        }
        var hasher = SuiteHasher(suite)
        block.withUnsafeBytes { hasher.update($0) }
        return hasher.finalized().bytes == digest
    }
}
