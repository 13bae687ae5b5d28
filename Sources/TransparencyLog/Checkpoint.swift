// Checkpoints (c2sp.org/tlog-checkpoint): what a log signs about its tree.
public import Codecs
public import Commitments

/// The origin, size and root of a log's tree.
public struct Checkpoint: Sendable, Hashable {
    /// The log's identity.
    public let origin: String
    /// The number of entries.
    public let size: UInt64
    /// The RFC 9162 root over the entries.
    public let root: Digest
    /// Further lines that the log signs; they mean nothing to a verifier.
    public let extensions: [String]

    /// A checkpoint from its parts.
    /// - Throws: `ParseError` for an empty origin or extension and for lines with newlines in them.
    public init(origin: String, size: UInt64, root: Digest, extensions: [String] = []) throws(ParseError) {
        for line in [origin] + extensions {
            guard !line.isEmpty, !line.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
                throw ParseError(field: "checkpoint", expected: "a line that is not empty", actual: line)
            }
        }
        self.origin = origin
        self.size = size
        self.root = root
        self.extensions = extensions
    }

    /// Reads the text of a checkpoint's note.
    ///
    /// Refused: a size with leading zeros or signs, a root that is not 32 bytes in canonical base 64, empty lines, and a tree
    /// without entries whose root is not the empty tree's.
    public init(text: String) throws(ParseError) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.popLast() == "", lines.count >= 3 else {
            throw ParseError(
                field: "checkpoint",
                expected: "origin, size and root lines",
                actual: "\(lines.count) lines"
            )
        }
        let size = try LogText.number(lines[1], "checkpoint.size")
        let root = try LogText.digest(lines[2], "checkpoint.root")
        guard size > 0 || root == MerkleTree.emptyRoot else {
            throw ParseError(field: "checkpoint.root", expected: "the root of no entries", actual: lines[2])
        }
        try self.init(origin: lines[0], size: size, root: root, extensions: Array(lines.dropFirst(3)))
    }

    /// The note's text.
    public var text: String {
        ([origin, String(size), Base64.encode(root.bytes)] + extensions).map { $0 + "\n" }.joined()
    }
}

/// A note whose text is a checkpoint.
public struct SignedCheckpoint: Sendable, Equatable {
    /// The note.
    public var note: SignedNote
    /// What its text says.
    public let checkpoint: Checkpoint

    /// Reads a checkpoint with its signatures, none of which is checked.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        note = try SignedNote(parsing: bytes)
        checkpoint = try Checkpoint(text: note.text)
    }

    /// A checkpoint that is to be signed.
    public init(_ checkpoint: Checkpoint) throws(ParseError) {
        note = try SignedNote(text: checkpoint.text)
        self.checkpoint = checkpoint
    }

    /// The bytes of the note.
    public var bytes: [UInt8] { note.bytes }
}

/// The text forms that all of the log formats share.
enum LogText {
    /// A decimal number in its one form.
    static func number(_ text: some StringProtocol, _ field: String) throws(ParseError) -> UInt64 {
        guard let number = UInt64(text), String(number) == text, number <= UInt64(Int64.max) else {
            throw ParseError(field: field, expected: "a decimal number below 2^63", actual: String(text))
        }
        return number
    }

    /// 32 bytes in their one base 64 form.
    static func digest(_ text: some StringProtocol, _ field: String) throws(ParseError) -> Digest {
        guard text.utf8.count == 44 else {
            throw ParseError(field: field, expected: "base64 of 32 bytes", actual: String(text.prefix(64)))
        }
        let digest = try Digest(try Base64.decode(text, field: field), field: field)
        guard Base64.encode(digest.bytes) == text else {
            throw ParseError(field: field, expected: "canonical base64", actual: String(text))
        }
        return digest
    }
}
