// Keccak-256 and SHA3-256 (FIPS 202): the same sponge with rate 136, told apart by the padding byte alone.
internal import CHashKernels

/// A Keccak sponge with a capacity of 512 bits and 32 bytes of output.
public struct Keccak: Sendable {
    /// The domain of the message, which is the first padding byte.
    public enum Padding: UInt8, Sendable {
        /// The Keccak submission's padding, which the EVM's `KECCAK256` uses.
        case keccak256 = 0x01
        /// The padding of FIPS 202 §6.1.
        case sha3_256 = 0x06
    }

    private static let rate = 136
    private var lanes = [UInt64](repeating: 0, count: 25)
    private var position = 0
    private let padding: Padding

    /// Starts a message.
    public init(_ padding: Padding) {
        self.padding = padding
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        lanes.withUnsafeMutableBufferPointer { lanes in
            var offset = 0
            while offset < bytes.count {
                if position == 0, bytes.count - offset >= Self.rate {
                    for lane in 0..<Self.rate / 8 {
                        lanes[lane] ^= UInt64(
                            littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 8 * lane, as: UInt64.self)
                        )
                    }
                    offset += Self.rate
                    assay_keccak_f1600(lanes.baseAddress)
                } else {
                    lanes[position / 8] ^= UInt64(bytes[offset]) << UInt64(8 * (position % 8))
                    offset += 1
                    position += 1
                    if position == Self.rate {
                        assay_keccak_f1600(lanes.baseAddress)
                        position = 0
                    }
                }
            }
        }
    }

    /// Appends bytes to the message.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of the message so far; the computation can go on.
    public func finalized() -> Digest {
        var final = lanes
        final[position / 8] ^= UInt64(padding.rawValue) << UInt64(8 * (position % 8))
        final[(Self.rate - 1) / 8] ^= 0x80 << 56
        final.withUnsafeMutableBufferPointer { assay_keccak_f1600($0.baseAddress) }
        return Digest { output in
            for lane in 0..<4 {
                output.storeBytes(of: final[lane].littleEndian, toByteOffset: 8 * lane, as: UInt64.self)
            }
        }
    }

    /// The digest of `bytes`.
    public static func hash(_ bytes: [UInt8], _ padding: Padding) -> Digest {
        var hash = Keccak(padding)
        hash.update(bytes)
        return hash.finalized()
    }
}
