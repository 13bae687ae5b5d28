// Poseidon over the BN254 scalar field with circomlib's parameters (eprint 2019/458; x^5, 8 full rounds).

/// Poseidon as circomlib computes it: 1 to 16 inputs, capacity element first, one output.
public struct Poseidon: Sendable {
    /// An element of the field.
    public typealias Element = BN254.Fr

    /// The partial rounds that circomlib uses for widths 2 to 17.
    static let partialRounds = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68]
    static let fullRounds = 8

    /// The width: one more than the number of inputs.
    public let width: Int
    let roundConstants: [Element]
    let matrix: [[Element]]

    /// Poseidon for `inputs` inputs.
    /// - Returns: `nil` unless there are 1 to 16 inputs.
    public init?(inputs: Int) {
        guard (1...16).contains(inputs) else { return nil }
        self = Self.instances[inputs - 1]
    }

    private static let instances: [Poseidon] = (1...16).map { Poseidon(width: $0 + 1) }

    /// Generates the parameters of a width by the Grain stream of eprint 2019/458, appendix E.
    private init(width: Int) {
        self.width = width
        let partial = Self.partialRounds[width - 2]
        var grain = GrainStream(fieldBits: 254, width: width, fullRounds: Self.fullRounds, partialRounds: partial)
        roundConstants = (0..<(Self.fullRounds + partial) * width).map { _ in grain.nextElement() }
        // A Cauchy matrix 1 / (x_i + y_j); these numbers are reduced, not rejected.
        let xy = (0..<2 * width).map { _ in grain.nextReducedElement() }
        var entries = (0..<width * width).map { xy[$0 / width] + xy[width + $0 % width] }
        Element.invertAll(&entries)
        matrix = (0..<width).map { Array(entries[$0 * width..<($0 + 1) * width]) }
    }

    /// The hash of exactly `width` - 1 inputs.
    public func hash(_ inputs: [Element]) -> Element {
        precondition(inputs.count == width - 1, "as many inputs as the instance was made for")
        return permute([.zero] + inputs)[0]
    }

    /// The permutation.
    public func permute(_ input: [Element]) -> [Element] {
        precondition(input.count == width, "as many elements as the width")
        var state = input
        let rounds = roundConstants.count / width
        var mixed = state
        for round in 0..<rounds {
            for i in 0..<width { state[i] += roundConstants[round * width + i] }
            let isFull = round < Self.fullRounds / 2 || round >= rounds - Self.fullRounds / 2
            for i in 0..<(isFull ? width : 1) { state[i] = state[i].squared().squared() * state[i] }
            for i in 0..<width {
                var sum = Element.zero
                for j in 0..<width { sum += matrix[i][j] * state[j] }
                mixed[i] = sum
            }
            swap(&state, &mixed)
        }
        return state
    }
}

/// The self-shrinking Grain LFSR that generates Poseidon's parameters (eprint 2019/458, appendix E).
struct GrainStream {
    private var bits: [Bool] = []

    init(fieldBits: Int, width: Int, fullRounds: Int, partialRounds: Int) {
        func append(_ value: Int, _ count: Int) {
            for shift in (0..<count).reversed() { bits.append(value >> shift & 1 == 1) }
        }
        append(1, 2)  // a prime field
        append(0, 4)  // the S-box is a power
        append(fieldBits, 12)
        append(width, 12)
        append(fullRounds, 10)
        append(partialRounds, 10)
        append((1 << 30) - 1, 30)
        for _ in 0..<160 { _ = step() }
    }

    private var position = 0

    private mutating func step() -> Bool {
        // The register is a ring: `position` is its oldest bit.
        func bit(_ offset: Int) -> Bool { bits[(position + offset) % 80] }
        var next = bit(62) != bit(51)
        next = next != bit(38)
        next = next != bit(23)
        next = next != bit(13)
        next = next != bit(0)
        bits[position] = next
        position = (position + 1) % 80
        return next
    }

    private mutating func nextBit() -> Bool {
        while true {
            let selector = step()
            let value = step()
            if selector { return value }
        }
    }

    private mutating func nextInteger() -> Integer {
        var words = [UInt64](repeating: 0, count: 4)
        for index in (0..<254).reversed() where nextBit() { words[index / 64] |= 1 << UInt64(index % 64) }
        return Integer(words: words)
    }

    /// The next number below the modulus.
    mutating func nextElement() -> BN254.Fr {
        while true {
            if let element = BN254.Fr(words: nextInteger().words(count: 4)) { return element }
        }
    }

    /// The next number, reduced.
    mutating func nextReducedElement() -> BN254.Fr { BN254.Fr(reducing: nextInteger()) }
}
