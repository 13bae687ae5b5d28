// Keccak-256 with the original padding, as Ethereum and gnark use it (Keccak submission 3.0; FIPS 202 §3.2 for the
// permutation). libcrypto 3.0 has only the padding of FIPS 202.

/// The Keccak-256 digest of Ethereum, not that of FIPS 202.
public enum Keccak256 {
    private static let roundConstants: [UInt64] = {
        // The linear feedback shift register of FIPS 202 §3.2.5.
        var register: UInt8 = 1
        return (0..<24).map { _ in
            var constant: UInt64 = 0
            for j in 0..<7 {
                if register & 1 == 1 { constant |= 1 << UInt64((1 << j) - 1) }
                register = register << 1 ^ (register >> 7 == 1 ? 0x71 : 0)
            }
            return constant
        }
    }()

    private static func permute(_ a: inout [UInt64]) {
        var column = [UInt64](repeating: 0, count: 5)
        for constant in roundConstants {
            for x in 0..<5 { column[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20] }
            for x in 0..<5 {
                let next = column[(x + 1) % 5]
                let mix = column[(x + 4) % 5] ^ (next << 1 | next >> 63)
                for y in 0..<5 { a[x + 5 * y] ^= mix }
            }
            // rho and pi in one walk: the lane at (x, y) goes to (y, 2x + 3y), turned by triangular numbers.
            var (x, y) = (1, 0)
            var lane = a[1]
            for t in 0..<24 {
                (x, y) = (y, (2 * x + 3 * y) % 5)
                let turn = UInt64((t + 1) * (t + 2) / 2 % 64)
                let turned = turn == 0 ? lane : lane << turn | lane >> (64 - turn)
                lane = a[x + 5 * y]
                a[x + 5 * y] = turned
            }
            for y in 0..<5 {
                let row = Array(a[5 * y..<5 * y + 5])
                for x in 0..<5 { a[5 * y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]) }
            }
            a[0] ^= constant
        }
    }

    /// The digest of `bytes`.
    public static func hash(_ bytes: some Collection<UInt8>) -> [UInt8] {
        let rate = 136
        var padded = Array(bytes) + [1]
        while !padded.count.isMultiple(of: rate) { padded.append(0) }
        padded[padded.count - 1] |= 0x80
        var state = [UInt64](repeating: 0, count: 25)
        for block in stride(from: 0, to: padded.count, by: rate) {
            for lane in 0..<rate / 8 {
                for byte in (0..<8).reversed() {
                    state[lane] ^= UInt64(padded[block + 8 * lane + byte]) << UInt64(8 * byte)
                }
            }
            permute(&state)
        }
        return (0..<32).map { UInt8(truncatingIfNeeded: state[$0 / 8] >> UInt64(8 * ($0 % 8))) }
    }
}

extension MessageExpander.Hash {
    /// Keccak-256 with the original padding.
    public static let keccak256 = MessageExpander.Hash(outputBytes: 32, blockBytes: 136) { Keccak256.hash($0) }
}
