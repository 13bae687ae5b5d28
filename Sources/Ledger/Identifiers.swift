// The 128-bit names of accounts and operations. Both are computable by whoever sends them, so that a lost answer can be
// asked for again under the same name.
public import Codecs
internal import Commitments

/// Names one account: the first 16 bytes of SHA-256("assay-account-1\0" ‖ currency ‖ 0 ‖ kind ‖ 0 ‖ owner).
public struct AccountID: Hashable, Sendable, Comparable, CustomStringConvertible {
    private let words: IdentifierWords

    /// Takes 16 bytes.
    /// - Throws: `ParseError` for any other number of bytes.
    public init(bytes: some Collection<UInt8>, field: String = "account") throws(ParseError) {
        words = try IdentifierWords(bytes, field: field)
    }

    /// Reads 32 lower-case hexadecimal digits.
    public init(text: some StringProtocol, field: String = "account") throws(ParseError) {
        try self.init(bytes: try Hex.decode(text, count: 16, field: field), field: field)
    }

    /// The name of the account of `owner` for one purpose in one currency.
    public init(currency: String, kind: AccountKind, owner: [UInt8]) {
        var hash = SHA256()
        hash.update("assay-account-1\0")
        hash.update(currency + "\0")
        hash.update(kind.rawValue + "\0")
        hash.update(owner)
        words = IdentifierWords(prefixOf: hash.finalized())
    }

    /// The 16 bytes.
    public var bytes: [UInt8] { words.bytes }
    /// The bytes as 32 hexadecimal digits.
    public var text: String { Hex.encode(bytes) }
    public var description: String { text }

    /// Lexicographic order of the bytes: the order in which a store touches accounts.
    public static func < (left: AccountID, right: AccountID) -> Bool { left.words < right.words }

    /// Lends the 16 bytes without an array.
    func withRawBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value { words.withRawBytes(body) }
}

/// Names one ledger operation. The client makes it and keeps it before it sends the operation for the first time.
public struct TransferID: Hashable, Sendable, Comparable, CustomStringConvertible {
    private let words: IdentifierWords

    /// Takes 16 bytes.
    /// - Throws: `ParseError` for any other number of bytes.
    public init(bytes: some Collection<UInt8>, field: String = "transfer") throws(ParseError) {
        words = try IdentifierWords(bytes, field: field)
    }

    /// Reads 32 lower-case hexadecimal digits.
    public init(text: some StringProtocol, field: String = "transfer") throws(ParseError) {
        try self.init(bytes: try Hex.decode(text, count: 16, field: field), field: field)
    }

    /// The first 16 bytes of SHA-256("assay-transfer-1\0" ‖ for each part: u32be length ‖ part).
    ///
    /// Used where the operation follows from something that already has a name, such as the expiry of a hold: two senders
    /// that draw the same conclusion send the same operation.
    public init(deriving parts: [UInt8]...) {
        var hash = SHA256()
        hash.update("assay-transfer-1\0")
        for part in parts {
            hash.update(bigEndian: UInt32(truncatingIfNeeded: part.count))
            hash.update(part)
        }
        words = IdentifierWords(prefixOf: hash.finalized())
    }

    /// The 16 bytes.
    public var bytes: [UInt8] { words.bytes }
    /// The bytes as 32 hexadecimal digits.
    public var text: String { Hex.encode(bytes) }
    public var description: String { text }

    /// Lexicographic order of the bytes.
    public static func < (left: TransferID, right: TransferID) -> Bool { left.words < right.words }

    /// Lends the 16 bytes without an array.
    func withRawBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value { words.withRawBytes(body) }
}

/// Names one item of a work queue or of the outbox. Whoever enqueues it computes the name, so that enqueuing twice does it once.
public struct WorkID: Hashable, Sendable, Comparable, CustomStringConvertible {
    private let words: IdentifierWords

    /// Takes 16 bytes.
    /// - Throws: `ParseError` for any other number of bytes.
    public init(bytes: some Collection<UInt8>, field: String = "work") throws(ParseError) {
        words = try IdentifierWords(bytes, field: field)
    }

    /// The first 16 bytes of SHA-256("assay-work-1\0" ‖ for each part: u32be length ‖ part).
    public init(deriving parts: [UInt8]...) {
        var hash = SHA256()
        hash.update("assay-work-1\0")
        for part in parts {
            hash.update(bigEndian: UInt32(truncatingIfNeeded: part.count))
            hash.update(part)
        }
        words = IdentifierWords(prefixOf: hash.finalized())
    }

    /// The 16 bytes.
    public var bytes: [UInt8] { words.bytes }
    /// The bytes as 32 hexadecimal digits.
    public var text: String { Hex.encode(bytes) }
    public var description: String { text }

    /// Lexicographic order of the bytes.
    public static func < (left: WorkID, right: WorkID) -> Bool { left.words < right.words }
}

/// 16 bytes as two big-endian words: compared and hashed without a heap allocation.
private struct IdentifierWords: Hashable, Sendable, Comparable {
    let high: UInt64
    let low: UInt64

    init(_ bytes: some Collection<UInt8>, field: String) throws(ParseError) {
        guard bytes.count == 16 else {
            throw ParseError(field: field, expected: "16 bytes", actual: "\(bytes.count) bytes")
        }
        var words: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &words) { $0.copyBytes(from: bytes) }
        (high, low) = (UInt64(bigEndian: words.0), UInt64(bigEndian: words.1))
    }

    init(prefixOf digest: Digest) {
        (high, low) = digest.withUnsafeBytes { bytes in
            (
                UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    func withRawBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian), body)
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        bytes.appendBigEndian(high)
        bytes.appendBigEndian(low)
        return bytes
    }

    static func < (left: IdentifierWords, right: IdentifierWords) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}
