// Faster checks for an Ed25519 key that is met often: with a table of the key's multiples, a check is a sum of entries.
// OpenSSL stays the judge: whatever the table does not accept is OpenSSL's to refuse.

internal import CEdwards25519
internal import COpenSSL
internal import Codecs

/// An Ed25519 key with a table of its multiples, 32 KiB.
///
/// `VerifyingKey.isValid` makes one by itself for a key that it meets again and again; take one by hand where many checks
/// of one key are known to come. Making one costs about as much as one check by OpenSSL.
///
/// A check computes the encoding of S B − k A and compares it with R, as OpenSSL does (RFC 8032 §5.1.7 without the
/// cofactor, S below L, R canonical because it is compared as bytes). Everything in it is public, so that nothing needs
/// constant time. Before a signature is called invalid OpenSSL is asked.
public final class PreparedVerifyingKey: Sendable {
    /// The key.
    public let key: VerifyingKey
    private let table: MultiplesTable

    /// Makes the table.
    ///
    /// `nil` for a key of another algorithm, for an encoding of no point, and on a machine where the arithmetic does not
    /// give the answers of RFC 8032: such keys are checked by OpenSSL.
    public init?(_ key: VerifyingKey) {
        guard key.algorithm == .ed25519, Self.isSound, let table = MultiplesTable(of: key.bytes, isNegated: true) else {
            return nil
        }
        self.key = key
        self.table = table
    }

    private init?(unproven bytes: [UInt8]) {
        guard let key = try? VerifyingKey(bytes: bytes), let table = MultiplesTable(of: bytes, isNegated: true) else {
            return nil
        }
        self.key = key
        self.table = table
    }

    /// Whether `signature` is this key's signature of exactly `message`: always what `VerifyingKey.isValid` says.
    public func isValid(signature: [UInt8], for message: [UInt8]) -> Bool {
        isAcceptedByTable(signature, for: message) || key.isValidByLibrary(signature: signature, for: message)
    }

    /// What the table alone says, for tests that hold it against OpenSSL; a `false` has not been confirmed.
    public func isAcceptedByTable(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        guard signature.count == 64, let base = MultiplesTable.base else { return false }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 128) { scratch in
            guard let digest = scratch.baseAddress else { return false }
            let (scalar, encoded) = (digest + 64, digest + 96)
            return signature.withUnsafeBufferPointer { bytes in
                guard let r = bytes.baseAddress, assay_edwards_scalar_is_reduced(r + 32) == 1 else { return false }
                var hash = SHA512_CTX()
                guard SHA512_Init(&hash) == 1, SHA512_Update(&hash, r, 32) == 1,
                    SHA512_Update(&hash, key.bytes, 32) == 1, SHA512_Update(&hash, message, message.count) == 1,
                    SHA512_Final(digest, &hash) == 1
                else { return false }
                assay_edwards_scalar_reduce(scalar, digest)
                assay_edwards_combine(encoded, base.table, r + 32, table.table, scalar)
                return UnsafeBufferPointer(start: encoded, count: 32).elementsEqual(bytes[..<32])
            }
        }
    }

    /// Whether the arithmetic of this machine accepts the signature of RFC 8032 §7.1, test 3, and no neighbour of it.
    private static let isSound: Bool = {
        let hex = (
            key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        )
        guard let key = try? Hex.decode(hex.key), let signature = try? Hex.decode(hex.signature),
            let prepared = PreparedVerifyingKey(unproven: key)
        else { return false }
        let message: [UInt8] = [0xaf, 0x82]
        guard prepared.isAcceptedByTable(signature, for: message) else { return false }
        return signature.indices.allSatisfy { index in
            var other = signature
            other[index] ^= 1
            return !prepared.isAcceptedByTable(other, for: message)
        }
    }()
}

/// A table of the multiples of one point of the curve.
private final class MultiplesTable: Sendable {
    /// Written once, before anybody else sees it.
    nonisolated(unsafe) let table: OpaquePointer
    private nonisolated(unsafe) let memory: UnsafeMutableRawPointer

    /// The table of the base point: y = 4/5, x even.
    static let base = MultiplesTable(of: [0x58] + [UInt8](repeating: 0x66, count: 31), isNegated: false)

    /// The table of the point with this encoding of 32 bytes, or of its negative; `nil` when it is no point.
    init?(of point: [UInt8], isNegated: Bool) {
        guard point.count == 32 else { return nil }
        memory = .allocate(
            byteCount: Int(assay_edwards_table_bytes),
            alignment: Int(assay_edwards_table_alignment)
        )
        table = OpaquePointer(memory)
        guard assay_edwards_table_make(table, point, isNegated ? 1 : 0) == 1 else { return nil }
    }

    deinit {
        memory.deallocate()
    }
}
