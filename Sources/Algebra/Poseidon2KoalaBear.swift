// Poseidon2 (eprint 2023/323) over the KoalaBear field with gnark-crypto's parameters: width 16, 6 full and 21 partial
// rounds, x^3, round keys from Keccak-256 of the parameters' name.

/// The compression function and hash of gnark-crypto's `field/koalabear/poseidon2`.
public enum Poseidon2KoalaBear {
    /// p = 2^31 - 2^24 + 1
    public static let modulus: UInt64 = 0x7f00_0001

    private static let fullRounds = 6
    private static let partialRounds = 21

    /// One row of keys per round: 16 in a full round, 1 in a partial one.
    private static let roundKeys: [[UInt64]] = {
        var digest = Keccak256.hash("Poseidon2-koalabear[t=16,rF=6,rP=21,d=3]".utf8)
        func next() -> UInt64 {
            digest = Keccak256.hash(digest)
            return digest.reduce(0) { ($0 << 8 | UInt64($1)) % modulus }
        }
        return (0..<fullRounds + partialRounds).map { round in
            (0..<(isFull(round) ? 16 : 1)).map { _ in next() }
        }
    }()

    /// The diagonal that the all-ones matrix of the partial rounds is added to:
    /// -2, 1, 2, 1/2, 3, 4, -1/2, -3, -4, 1/2^8, 1/8, 1/2^24, -1/2^8, -1/8, -1/16, -1/2^24.
    private static let diagonal: [UInt64] = {
        func inverseOfTwo(to exponent: Int) -> UInt64 {
            (0..<exponent).reduce(1) { value, _ in value * ((modulus + 1) / 2) % modulus }
        }
        let (half, eighth, sixteenth) = (inverseOfTwo(to: 1), inverseOfTwo(to: 3), inverseOfTwo(to: 4))
        let (by8, by24) = (inverseOfTwo(to: 8), inverseOfTwo(to: 24))
        func negative(_ value: UInt64) -> UInt64 { modulus - value }
        return [
            negative(2), 1, 2, half, 3, 4, negative(half), negative(3), negative(4), by8, eighth, by24, negative(by8),
            negative(eighth), negative(sixteenth), negative(by24),
        ]
    }()

    private static func isFull(_ round: Int) -> Bool {
        round < fullRounds / 2 || round >= fullRounds / 2 + partialRounds
    }

    /// Multiplies by circ(2 M4, M4, M4, M4) with M4 = circ(2, 3, 1, 1).
    private static func mixExternally(_ state: inout [UInt64]) {
        for group in stride(from: 0, to: 16, by: 4) {
            let s = Array(state[group..<group + 4])
            for i in 0..<4 {
                state[group + i] = (2 * s[i] + 3 * s[(i + 1) % 4] + s[(i + 2) % 4] + s[(i + 3) % 4]) % modulus
            }
        }
        for i in 0..<4 {
            let sum = state[i] + state[i + 4] + state[i + 8] + state[i + 12]
            for group in stride(from: 0, to: 16, by: 4) { state[group + i] = (state[group + i] + sum) % modulus }
        }
    }

    /// The permutation of 16 elements below the modulus.
    static func permute(_ input: [UInt64]) -> [UInt64] {
        func cube(_ x: UInt64) -> UInt64 { x * x % modulus * x % modulus }
        var state = input
        mixExternally(&state)
        for (round, keys) in roundKeys.enumerated() {
            for (index, key) in keys.enumerated() { state[index] = cube((state[index] + key) % modulus) }
            if isFull(round) {
                mixExternally(&state)
            } else {
                let sum = state.reduce(0, +) % modulus
                for index in 0..<16 { state[index] = (sum + state[index] * diagonal[index]) % modulus }
            }
        }
        return state
    }

    /// Eight elements from two times eight: the right half of the permutation plus `right`.
    /// - Returns: `nil` unless both have eight elements below the modulus.
    public static func compress(_ left: [UInt64], _ right: [UInt64]) -> [UInt64]? {
        guard left.count == 8, right.count == 8, (left + right).allSatisfy({ $0 < modulus }) else { return nil }
        return zip(permute(left + right)[8...], right).map { ($0 + $1) % modulus }
    }

    /// The Merkle-Damgard hash of blocks of eight elements, starting from zeros.
    /// - Returns: `nil` when a block is not eight elements below the modulus.
    public static func hash(_ blocks: [[UInt64]]) -> [UInt64]? {
        var state = [UInt64](repeating: 0, count: 8)
        for block in blocks {
            guard let next = compress(state, block) else { return nil }
            state = next
        }
        return state
    }
}
