// Poseidon (eprint 2019/458) with the S-box x^5 and 8 full rounds: the permutation over any prime field, and the hash over
// the BN254 scalar field with circomlib's parameters.

/// The permutation of Poseidon with parameters from the Grain stream of eprint 2019/458, appendix E.
public struct PoseidonPermutation<Element: PrimeField>: Sendable {
    /// The number of full rounds, half of them at either end.
    public static var fullRounds: Int { 8 }

    /// The number of elements.
    public let width: Int
    let roundConstants: [Element]
    let matrix: [[Element]]

    /// Generates the parameters of a width.
    /// - Parameters:
    ///   - fieldBits: the bits of the field's modulus.
    ///   - width: from 2 to 17.
    ///   - partialRounds: how many the field and the width need: x5_254_3, x5_255_3 and their like in the literature.
    /// - Returns: `nil` for a width out of range, a number of bits that is not the field's, or no partial rounds.
    public init?(fieldBits: Int, width: Int, partialRounds: Int) {
        guard (2...17).contains(width), (1...1000).contains(partialRounds), fieldBits == Element.modulus.bitWidth else {
            return nil
        }
        self.width = width
        var grain = GrainStream<Element>(
            fieldBits: fieldBits,
            width: width,
            fullRounds: Self.fullRounds,
            partialRounds: partialRounds
        )
        roundConstants = (0..<(Self.fullRounds + partialRounds) * width).map { _ in grain.nextElement() }
        // A Cauchy matrix 1 / (x_i + y_j); these numbers are reduced, not rejected.
        let xy = (0..<2 * width).map { _ in grain.nextReducedElement() }
        var entries = (0..<width * width).map { xy[$0 / width] + xy[width + $0 % width] }
        Element.invertAll(&entries)
        matrix = (0..<width).map { Array(entries[$0 * width..<($0 + 1) * width]) }
    }

    /// The permutation of exactly `width` elements.
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

/// Poseidon as circomlib computes it: 1 to 16 inputs, capacity element first, one output.
public struct Poseidon: Sendable {
    /// An element of the field.
    public typealias Element = BN254.Fr

    /// The partial rounds that circomlib uses for widths 2 to 17.
    private static let partialRounds = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68]

    private static let instances = partialRounds.enumerated().compactMap { index, rounds in
        PoseidonPermutation<Element>(fieldBits: 254, width: index + 2, partialRounds: rounds)
    }

    private let permutation: PoseidonPermutation<Element>
    var roundConstants: [Element] { permutation.roundConstants }
    var matrix: [[Element]] { permutation.matrix }

    /// The width: one more than the number of inputs.
    public var width: Int { permutation.width }

    /// Poseidon for `inputs` inputs.
    /// - Returns: `nil` unless there are 1 to 16 inputs.
    public init?(inputs: Int) {
        guard (1...16).contains(inputs) else { return nil }
        permutation = Self.instances[inputs - 1]
    }

    /// The hash of exactly `width` - 1 inputs.
    public func hash(_ inputs: [Element]) -> Element {
        precondition(inputs.count == width - 1, "as many inputs as the instance was made for")
        return permutation.permute([.zero] + inputs)[0]
    }

    /// The permutation.
    public func permute(_ input: [Element]) -> [Element] { permutation.permute(input) }
}
