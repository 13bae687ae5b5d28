// Uniform bytes from a message and a domain separation tag (RFC 9380 §5.3).
internal import COpenSSL

/// A way to expand a message into uniform bytes.
public struct MessageExpander: Sendable {
    /// A hash function with fixed output, for `expand_message_xmd`.
    public struct Hash: Sendable {
        /// The number of bytes of a digest.
        public var outputBytes: Int
        /// The number of bytes of an input block.
        public var blockBytes: Int
        /// The function itself.
        public var digest: @Sendable ([UInt8]) -> [UInt8]

        /// Describes a hash function.
        public init(outputBytes: Int, blockBytes: Int, digest: @escaping @Sendable ([UInt8]) -> [UInt8]) {
            self.outputBytes = outputBytes
            self.blockBytes = blockBytes
            self.digest = digest
        }

        /// SHA-256 (FIPS 180-4).
        public static let sha256 = Hash(outputBytes: 32, blockBytes: 64) { openSSLDigest("SHA256", $0, 32) }
        /// SHA-512 (FIPS 180-4).
        public static let sha512 = Hash(outputBytes: 64, blockBytes: 128) { openSSLDigest("SHA512", $0, 64) }
    }

    private let expansion: @Sendable (_ message: [UInt8], _ tag: [UInt8], _ count: Int) -> [UInt8]

    /// `expand_message_xmd` (RFC 9380 §5.3.1).
    public static func xmd(_ hash: Hash) -> MessageExpander {
        MessageExpander { message, tag, count in
            let shortTag = tag.count <= 255 ? tag : hash.digest(Array("H2C-OVERSIZE-DST-".utf8) + tag)
            let suffix = shortTag + [UInt8(shortTag.count)]
            let blocks = (count + hash.outputBytes - 1) / hash.outputBytes
            precondition(blocks <= 255 && count <= 65535, "RFC 9380 limits the length of the expansion")
            let length = [UInt8(count >> 8), UInt8(count & 255)]
            let first = hash.digest([UInt8](repeating: 0, count: hash.blockBytes) + message + length + [0] + suffix)
            var last = hash.digest(first + [1] + suffix)
            var result = last
            for index in stride(from: 2, through: blocks, by: 1) {
                last = hash.digest(zip(first, last).map { $0 ^ $1 } + [UInt8(index)] + suffix)
                result += last
            }
            return Array(result.prefix(count))
        }
    }

    /// `expand_message_xof` with SHAKE128 (RFC 9380 §5.3.2, FIPS 202).
    public static let shake128 = xof("SHAKE128", securityBits: 128)
    /// `expand_message_xof` with SHAKE256.
    public static let shake256 = xof("SHAKE256", securityBits: 256)

    private static func xof(_ name: String, securityBits: Int) -> MessageExpander {
        MessageExpander { message, tag, count in
            let shortTag =
                tag.count <= 255
                ? tag : openSSLDigest(name, Array("H2C-OVERSIZE-DST-".utf8) + tag, 2 * securityBits / 8, isXOF: true)
            precondition(count <= 65535, "RFC 9380 limits the length of the expansion")
            let length = [UInt8(count >> 8), UInt8(count & 255)]
            return openSSLDigest(name, message + length + shortTag + [UInt8(shortTag.count)], count, isXOF: true)
        }
    }

    private init(_ expansion: @escaping @Sendable ([UInt8], [UInt8], Int) -> [UInt8]) { self.expansion = expansion }

    /// `count` uniform bytes; at most 255 digests of the hash and at most 65535.
    public func expand(_ message: [UInt8], tag: [UInt8], count: Int) -> [UInt8] { expansion(message, tag, count) }
}

/// A digest by OpenSSL's name for it. The names here are constants of libcrypto's default provider.
private func openSSLDigest(_ name: String, _ bytes: [UInt8], _ count: Int, isXOF: Bool = false) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: count)
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("libcrypto is out of memory") }
    defer { EVP_MD_CTX_free(context) }
    var isDone = EVP_DigestInit_ex(context, EVP_get_digestbyname(name), nil) == 1
    isDone = isDone && EVP_DigestUpdate(context, bytes, bytes.count) == 1
    isDone =
        isDone && (isXOF ? EVP_DigestFinalXOF(context, &result, count) : EVP_DigestFinal_ex(context, &result, nil)) == 1
    // A result of zeros would look like a hash; there is no way to go on without the digest.
    precondition(isDone, "libcrypto does not offer \(name)")
    return result
}
