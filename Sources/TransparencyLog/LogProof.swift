// Offline proofs that an entry is in a log (c2sp.org/tlog-proof): index, inclusion path and cosigned checkpoint in one text.
public import Codecs
public import Commitments

/// A proof that some entry stands at an index of a log.
public struct LogProof: Sendable, Equatable {
    private static let header = "c2sp.org/tlog-proof@v1"

    /// Bytes for the application; nothing authenticates them.
    public var extra: [UInt8]?
    /// The entry's index.
    public var index: UInt64
    /// The RFC 9162 inclusion path.
    public var path: [Digest]
    /// The signed and cosigned checkpoint.
    public var checkpoint: SignedCheckpoint

    /// A proof from its parts.
    public init(extra: [UInt8]? = nil, index: UInt64, path: [Digest], checkpoint: SignedCheckpoint) {
        self.extra = extra
        self.index = index
        self.path = path
        self.checkpoint = checkpoint
    }

    /// Reads a proof.
    ///
    /// Refused: another header, numbers and hashes in any but their one form, more than 63 hashes, a malformed checkpoint.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        guard bytes.count <= SignedNote.maxBytes + (1 << 18), let text = String(validating: bytes, as: UTF8.self) else {
            throw ParseError(field: "proof", expected: "UTF-8 of bounded length", actual: "\(bytes.count) bytes")
        }
        var rest = Substring(text)
        func nextLine() throws(ParseError) -> Substring {
            guard let end = rest.utf8.firstIndex(of: 0x0a) else {
                throw ParseError(field: "proof", expected: "another line", actual: "the end")
            }
            defer { rest = rest[rest.utf8.index(after: end)...] }
            return rest[..<end]
        }
        guard try nextLine() == Self.header else {
            throw ParseError(field: "header", expected: Self.header, actual: String(text.prefix(32)))
        }
        var line = try nextLine()
        if line.hasPrefix("extra ") {
            let encoded = line.dropFirst(6)
            let extra = try Base64.decode(encoded, field: "extra")
            guard Base64.encode(extra) == encoded else {
                throw ParseError(field: "extra", expected: "canonical base64", actual: String(encoded))
            }
            self.extra = extra
            line = try nextLine()
        }
        guard line.hasPrefix("index ") else {
            throw ParseError(field: "index", expected: "'index' and a number", actual: String(line))
        }
        index = try LogText.number(line.dropFirst(6), "index")
        path = []
        line = try nextLine()
        while !line.isEmpty {
            guard path.count < 63 else {
                throw ParseError(field: "path", expected: "at most 63 hashes", actual: "more")
            }
            path.append(try LogText.digest(line, "path[\(path.count)]"))
            line = try nextLine()
        }
        checkpoint = try SignedCheckpoint(parsing: Array(rest.utf8))
    }

    /// The proof as text.
    public var bytes: [UInt8] {
        var text = Self.header + "\n"
        if let extra { text += "extra \(Base64.encode(extra))\n" }
        text += "index \(index)\n"
        for node in path { text += Base64.encode(node.bytes) + "\n" }
        return Array((text + "\n").utf8) + checkpoint.bytes
    }

    /// Whether the path leads from `leaf` to the checkpoint's root. The checkpoint itself is for a policy to believe.
    public func includes(leaf: Digest) -> Bool {
        MerkleTree.verifyInclusion(
            leaf: leaf,
            index: index,
            size: checkpoint.checkpoint.size,
            proof: path,
            root: checkpoint.checkpoint.root
        )
    }
}
