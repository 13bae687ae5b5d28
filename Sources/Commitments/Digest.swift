// A 32-byte digest.
public import Codecs

/// 32 bytes that came out of a hash function.
public struct Digest: Hashable, Sendable, Comparable, CustomStringConvertible {
    private let words: (UInt64, UInt64, UInt64, UInt64)

    /// The number of bytes in a digest.
    public static let count = 32
    /// 32 zero bytes: it stands for "nothing yet" and is never the hash of something known.
    public static let zero = Digest { $0.initializeMemory(as: UInt8.self, repeating: 0) }

    /// Takes 32 bytes.
    /// - Throws: `ParseError` for any other number of bytes.
    public init(_ bytes: some Collection<UInt8>, field: @autoclosure () -> String = "digest") throws(ParseError) {
        guard bytes.count == Self.count else {
            throw ParseError(field: field(), expected: "32 bytes", actual: "\(bytes.count) bytes")
        }
        self.init { $0.copyBytes(from: bytes) }
    }

    /// Reads 64 lower-case hexadecimal digits.
    public init(hex: some StringProtocol, field: @autoclosure () -> String = "digest") throws(ParseError) {
        let bytes = try Hex.decode(hex, count: Self.count, field: field())
        self.init { $0.copyBytes(from: bytes) }
    }

    /// A digest whose 32 bytes `fill` writes.
    init(fill: (UnsafeMutableRawBufferPointer) -> Void) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words, fill)
        self.words = words
    }

    /// The 32 bytes.
    public var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
    /// The bytes in hexadecimal.
    public var hex: String { withUnsafeBytes { Hex.encode($0) } }
    /// `sha256:` and the bytes in hexadecimal: the form in which documents name the hash of a byte string.
    public var text: String { "sha256:" + hex }
    public var description: String { hex }

    /// Calls `body` with the 32 bytes, without a copy on the heap.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: words, body)
    }

    public static func == (left: Digest, right: Digest) -> Bool {
        left.words == right.words
    }

    public func hash(into hasher: inout Hasher) {
        withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    /// Lexicographic order of the bytes.
    public static func < (left: Digest, right: Digest) -> Bool {
        left.withUnsafeBytes { a in right.withUnsafeBytes { b in a.lexicographicallyPrecedes(b) } }
    }
}
