// MiMC over the BN254 scalar field with gnark-crypto's parameters (eprint 2016/492): 110 rounds of x^5, constants from
// Keccak-256 of "seed", blocks chained by Miyaguchi and Preneel.

/// MiMC as gnark-crypto's `ecc/bn254/fr/mimc` computes it.
public enum MiMC {
    /// An element of the field.
    public typealias Element = BN254.Fr

    static let constants: [Element] = {
        var digest = Keccak256.hash(Array("seed".utf8))
        return (0..<110).map { _ in
            digest = Keccak256.hash(digest)
            return Element(reducing: Integer(bigEndian: digest))
        }
    }()

    /// The hash of any number of elements; zero for none.
    public static func hash(_ blocks: [Element]) -> Element {
        var state = Element.zero
        for block in blocks { state = encrypt(block, key: state) + state + block }
        return state
    }

    private static func encrypt(_ block: Element, key: Element) -> Element {
        var value = block
        for constant in constants {
            let sum = value + key + constant
            value = sum.squared().squared() * sum
        }
        return value + key
    }
}
