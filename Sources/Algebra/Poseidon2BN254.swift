// Poseidon2 (eprint 2023/323) over the BN254 scalar field as EIP-8182 fixes it: width 4, x^5, 8 full and 56 partial rounds,
// a sponge of rate 3 whose capacity begins with the number of inputs times 2^64.

/// The hash of EIP-8182, which is also that of Noir.
public enum Poseidon2BN254 {
    /// An element of the field.
    public typealias Element = BN254.Fr

    private static let fullRounds = 8
    private static let partialRounds = 56

    /// From the Grain stream of eprint 2019/458, appendix E: four in a full round, one in a partial one.
    private static let roundConstants: [Element] = {
        var grain = GrainStream<Element>(
            fieldBits: 254,
            width: 4,
            fullRounds: fullRounds,
            partialRounds: partialRounds
        )
        return (0..<4 * fullRounds + partialRounds).map { _ in grain.nextElement() }
    }()

    /// The diagonal that the all-ones matrix of the partial rounds is added to, as the EIP lists it.
    private static let diagonal: [Element] = [
        "10dc6e9c006ea38b04b1e03b4bd9490c0d03f98929ca1d7fb56821fd19d3b6e7",
        "0c28145b6a44df3e0149b3d0a30b3bb599df9756d4dd9b84a86b38cfb45a740b",
        "00544b8338791518b2c7645a50392798b21f75bb60e3596170067d00141cac15",
        "222c01175718386f2e2e82eb122789e352e105a3b8fa852613bc534433ee428b",
    ].compactMap { Integer($0, radix: 16).map(Element.init(reducing:)) }

    /// The parameters in the order of the EIP's file, for those who compare them.
    public static var parameters: (roundConstants: [Element], diagonal: [Element]) { (roundConstants, diagonal) }

    /// Multiplies by the matrix of the full rounds: (5 7 1 3), (4 6 1 1), (1 3 5 7), (1 1 4 6).
    private static func mixExternally(_ s: [Element]) -> [Element] {
        let t0 = s[0] + s[1]
        let t1 = s[2] + s[3]
        let t2 = s[1].doubled() + t1
        let t3 = s[3].doubled() + t0
        let t4 = t1.doubled().doubled() + t3
        let t5 = t0.doubled().doubled() + t2
        return [t3 + t5, t5, t2 + t4, t4]
    }

    /// The permutation of exactly four elements.
    public static func permute(_ input: [Element]) -> [Element] {
        precondition(input.count == 4, "four elements")
        func power5(_ x: Element) -> Element { x.squared().squared() * x }
        var state = mixExternally(input)
        var next = 0
        for round in 0..<fullRounds + partialRounds {
            if round < fullRounds / 2 || round >= fullRounds / 2 + partialRounds {
                for i in 0..<4 { state[i] = power5(state[i] + roundConstants[next + i]) }
                next += 4
                state = mixExternally(state)
            } else {
                state[0] = power5(state[0] + roundConstants[next])
                next += 1
                let sum = state[0] + state[1] + state[2] + state[3]
                for i in 0..<4 { state[i] = sum + diagonal[i] * state[i] }
            }
        }
        return state
    }

    /// The hash of any number of elements, none included.
    public static func hash(_ inputs: [Element]) -> Element {
        var state: [Element] = [.zero, .zero, .zero, Element(reducing: Integer(words: [0, UInt64(inputs.count)]))]
        var rest = inputs[...]
        repeat {
            for (i, element) in rest.prefix(3).enumerated() { state[i] += element }
            rest = rest.dropFirst(3)
            state = permute(state)
        } while !rest.isEmpty
        return state[0]
    }
}
