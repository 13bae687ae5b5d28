// The fixed table of hash suites. A suite's name travels with every digest whose suite is not fixed by its format.
public import Codecs

/// The hash functions that a commitment may name. A tree never mixes two of them.
public enum HashSuite: String, Sendable, CaseIterable {
    /// SHA-256 (FIPS 180-4): the default of every Assay format.
    case sha2_256 = "sha2-256"
    /// BLAKE3 with 32 bytes of output: verified streaming and range reads.
    case blake3 = "blake3"
    /// Keccak-256 with the original padding, as the EVM uses it: settlement and OpenZeppelin trees.
    case keccak256 = "keccak-256"
    /// SHA3-256 (FIPS 202).
    case sha3_256 = "sha3-256"

    /// The digest of `bytes`.
    public func hash(_ bytes: [UInt8]) -> Digest {
        var hasher = SuiteHasher(self)
        bytes.withUnsafeBytes { hasher.update($0) }
        return hasher.finalized()
    }
}

/// A digest with the suite that made it.
public struct SuiteDigest: Hashable, Sendable, CustomStringConvertible {
    /// The hash function.
    public let suite: HashSuite
    /// What it gave.
    public let digest: Digest

    /// Names the suite of a digest.
    public init(suite: HashSuite, digest: Digest) {
        self.suite = suite
        self.digest = digest
    }

    /// Reads the text form, `suite:` and 64 lower-case hexadecimal digits.
    /// - Throws: `ParseError` for a suite that is not in the table.
    public init(text: String, field: String = "digest") throws(ParseError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let suite = HashSuite(rawValue: String(parts[0])) else {
            let names = HashSuite.allCases.map(\.rawValue).joined(separator: ", ")
            throw ParseError(field: field, expected: "'SUITE:HEX' with one of \(names)", actual: text)
        }
        self.init(suite: suite, digest: try Digest(hex: parts[1], field: field))
    }

    /// `suite:` and the digest in hexadecimal.
    public var text: String { suite.rawValue + ":" + digest.hex }
    public var description: String { text }
}

/// A computation of any suite over a message that arrives in pieces.
public struct SuiteHasher: Sendable {
    private enum State {
        case sha256(SHA256)
        case blake3(BLAKE3)
        case keccak(Keccak)
    }
    private var state: State

    /// Starts a message.
    public init(_ suite: HashSuite) {
        switch suite {
        case .sha2_256: state = .sha256(SHA256())
        case .blake3: state = .blake3(BLAKE3())
        case .keccak256: state = .keccak(Keccak(.keccak256))
        case .sha3_256: state = .keccak(Keccak(.sha3_256))
        }
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .sha256(var hash):
            hash.update(bytes)
            state = .sha256(hash)
        case .blake3(var hash):
            state = .sha256(SHA256())  // Releases the stack's storage, so that it is not copied.
            hash.update(bytes)
            state = .blake3(hash)
        case .keccak(var hash):
            hash.update(bytes)
            state = .keccak(hash)
        }
    }

    /// The digest of the message so far; the computation can go on.
    public func finalized() -> Digest {
        switch state {
        case .sha256(let hash): hash.finalized()
        case .blake3(let hash): hash.finalized()
        case .keccak(let hash): hash.finalized()
        }
    }
}
