// SHA-256 (FIPS 180-4) by OpenSSL's block functions, with the state in a Swift value: no allocation per message.
internal import COpenSSL

/// A SHA-256 computation.
public struct SHA256: Sendable {
    private var context = SHA256_CTX()

    /// Starts a message.
    public init() {
        SHA256_Init(&context)
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: [UInt8]) {
        SHA256_Update(&context, bytes, bytes.count)
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        SHA256_Update(&context, bytes.baseAddress, bytes.count)
    }

    /// Appends the UTF-8 bytes of `text`.
    public mutating func update(_ text: String) {
        update(Array(text.utf8))
    }

    /// Appends one byte.
    public mutating func update(_ byte: UInt8) {
        withUnsafeBytes(of: byte) { update($0) }
    }

    /// Appends the bytes of a digest.
    public mutating func update(_ digest: Digest) {
        digest.withUnsafeBytes { update($0) }
    }

    /// Appends an integer in big-endian order, in its type's own width.
    public mutating func update(bigEndian value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { update($0) }
    }

    /// The digest of the message so far; the computation can go on.
    public func finalized() -> Digest {
        var copy = context
        return Digest { output in
            _ = SHA256_Final(output.bindMemory(to: UInt8.self).baseAddress, &copy)
        }
    }

    /// The digest of `bytes`.
    public static func hash(_ bytes: [UInt8]) -> Digest {
        hash(bytes[...])
    }

    /// The digest of `bytes`.
    public static func hash(_ bytes: ArraySlice<UInt8>) -> Digest {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finalized()
    }
}
