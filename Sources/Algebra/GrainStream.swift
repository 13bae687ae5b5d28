// The parameters of Poseidon and Poseidon2 come from a stream of bits that anybody can run again.

/// The self-shrinking Grain LFSR that generates Poseidon's parameters (eprint 2019/458, appendix E).
struct GrainStream<Element: PrimeField> {
    private var bits: [Bool] = []
    private let fieldBits: Int

    init(fieldBits: Int, width: Int, fullRounds: Int, partialRounds: Int) {
        self.fieldBits = fieldBits
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
        var words = [UInt64](repeating: 0, count: Element.wordCount)
        for index in (0..<fieldBits).reversed() where nextBit() { words[index / 64] |= 1 << UInt64(index % 64) }
        return Integer(words: words)
    }

    /// The next number below the modulus.
    mutating func nextElement() -> Element {
        while true {
            if let element = Element(words: nextInteger().words(count: Element.wordCount)) { return element }
        }
    }

    /// The next number, reduced.
    mutating func nextReducedElement() -> Element { Element(reducing: nextInteger()) }
}
