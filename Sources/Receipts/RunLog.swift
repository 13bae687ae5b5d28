// The log of a run: what a node notes about it, and what compiler and driver wrote. Kernels have no output of their own.
internal import Codecs
internal import Commitments

/// A log as a node hands it over: printable ASCII and newlines.
public struct RunLog: Sendable, Equatable {
    /// The most bytes of a log.
    public static let maxBytes = 1 << 16

    /// A log as an execution statement commits to it.
    public struct Reference: Sendable, Equatable {
        /// The length and identifier of its bytes.
        public var file: ArtefactIdentity
        /// Whether its end was cut off.
        public var isTruncated: Bool
        /// Whether parts of it were replaced: bytes that are not printable, paths of the node's own folders.
        public var isRedacted: Bool

        /// Names a log.
        public init(file: ArtefactIdentity, isTruncated: Bool, isRedacted: Bool) {
            self.file = file
            self.isTruncated = isTruncated
            self.isRedacted = isRedacted
        }

        init(_ value: JSONValue, _ field: String) throws(ParseError) {
            var reader = try JSONReader(value, field)
            let cid = try reader.cid("cid")
            file = ArtefactIdentity(cid: cid, byteCount: try reader.decimal("bytes", in: 0...UInt64(RunLog.maxBytes)))
            isTruncated = try reader.bool("truncated")
            isRedacted = try reader.bool("redacted")
            try reader.finish()
        }

        var json: JSONValue {
            .object([
                "cid": .string(file.cid.text),
                "bytes": .string(String(file.byteCount)),
                "truncated": .bool(isTruncated),
                "redacted": .bool(isRedacted),
            ])
        }
    }

    /// The text.
    public let bytes: [UInt8]
    /// How a statement refers to it.
    public let reference: Reference

    /// Cleans and cuts a text.
    /// - Parameters:
    ///   - isTruncated: whether the text had lost its end before.
    ///   - hidden: pieces of text that nobody else has to know, such as the paths of the node's folders; each is replaced.
    public init(_ text: [UInt8], isTruncated: Bool = false, hiding hidden: [String] = []) {
        var clean = text
        var isRedacted = false
        for secret in hidden.map({ Array($0.utf8) }) where secret.count > 1 {
            isRedacted = Self.replace(secret, in: &clean) || isRedacted
        }
        for index in clean.indices where !Self.isPrintable(clean[index]) {
            clean[index] = UInt8(ascii: "?")
            isRedacted = true
        }
        bytes = Array(clean.prefix(Self.maxBytes))
        reference = Reference(
            file: ArtefactIdentity(of: bytes),
            isTruncated: isTruncated || clean.count > Self.maxBytes,
            isRedacted: isRedacted
        )
    }

    /// Whether `bytes` have the form of a log.
    public static func isWellFormed(_ bytes: [UInt8]) -> Bool {
        bytes.count <= maxBytes && bytes.allSatisfy(isPrintable)
    }

    private static func isPrintable(_ byte: UInt8) -> Bool { (0x20...0x7e).contains(byte) || byte == 0x0a }

    private static func replace(_ secret: [UInt8], in text: inout [UInt8]) -> Bool {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var position = 0
        var found = false
        while position < text.count {
            if text[position] == secret[0], text[position...].starts(with: secret) {
                result += "[...]".utf8
                position += secret.count
                found = true
            } else {
                result.append(text[position])
                position += 1
            }
        }
        text = result
        return found
    }
}
