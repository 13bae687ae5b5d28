// The hash functions of attestation formats, by OpenSSL's block functions.

internal import COpenSSL

/// A hash function that some attestation format names.
public enum HashAlgorithm: String, Sendable, CaseIterable {
    /// SHA-1: only for the first event of TCG logs and for SHA-1 PCR banks, never under a signature.
    case sha1 = "sha-1"
    case sha256 = "sha-256"
    case sha384 = "sha-384"
    case sha512 = "sha-512"

    /// The number of bytes of a digest.
    public var digestCount: Int {
        switch self {
        case .sha1: 20
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    /// The digest of `parts`, one after the other.
    public func digest(_ parts: ArraySlice<UInt8>...) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: digestCount) { output, count in
            count = digestCount
            switch self {
            case .sha1:
                var context = SHA_CTX()
                SHA1_Init(&context)
                for part in parts { part.withUnsafeBytes { _ = SHA1_Update(&context, $0.baseAddress, $0.count) } }
                SHA1_Final(output.baseAddress, &context)
            case .sha256:
                var context = SHA256_CTX()
                SHA256_Init(&context)
                for part in parts { part.withUnsafeBytes { _ = SHA256_Update(&context, $0.baseAddress, $0.count) } }
                SHA256_Final(output.baseAddress, &context)
            case .sha384:
                var context = SHA512_CTX()
                SHA384_Init(&context)
                for part in parts { part.withUnsafeBytes { _ = SHA384_Update(&context, $0.baseAddress, $0.count) } }
                SHA384_Final(output.baseAddress, &context)
            case .sha512:
                var context = SHA512_CTX()
                SHA512_Init(&context)
                for part in parts { part.withUnsafeBytes { _ = SHA512_Update(&context, $0.baseAddress, $0.count) } }
                SHA512_Final(output.baseAddress, &context)
            }
        }
    }

    /// The digest of `bytes`.
    public func digest(_ bytes: [UInt8]) -> [UInt8] { digest(bytes[...]) }
}
