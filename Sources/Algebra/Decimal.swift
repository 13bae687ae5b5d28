// Field elements as decimal text, the form of snarkjs files. Strict: digits only, no leading zero, below the modulus.
internal import CFieldKernels
public import Codecs

extension PrimeField {
    /// Reads a canonical decimal number.
    /// - Throws: `ParseError` for an empty text, any character but a digit, a leading zero, or a number that is not below
    ///   the modulus.
    public init(decimal text: some StringProtocol, field: String) throws(ParseError) {
        var words = (UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        guard let fits = withUnsafeMutableBytes(of: &words, { parseDecimal(text, into: $0.baseAddress) }) else {
            throw ParseError(field: field, expected: "a canonical decimal number", actual: String(text.prefix(100)))
        }
        let all = [words.0, words.1, words.2, words.3, words.4, words.5]
        guard fits, all[Self.wordCount...].allSatisfy({ $0 == 0 }),
            let element = Self(words: Array(all[..<Self.wordCount]))
        else {
            throw ParseError(field: field, expected: "a number below the modulus", actual: String(text.prefix(120)))
        }
        self = element
    }

    /// The canonical decimal number.
    public var decimal: String { integer.description }
}

/// Adds the digits of `text` up in six words.
/// - Returns: whether they fitted; `nil` when the text is no canonical decimal number.
private func parseDecimal(_ text: some StringProtocol, into words: UnsafeMutableRawPointer?) -> Bool? {
    var chunk: UInt64 = 0
    var scale: UInt64 = 1
    var count = 0
    var first: UInt8 = 0
    var fits = true
    for byte in text.utf8 {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
        if count == 0 { first = byte }
        count += 1
        chunk = chunk &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
        scale *= 10
        if scale == 10_000_000_000_000_000_000 {
            if afk_scale_add(words, 6, scale, chunk) != 0 { fits = false }
            (chunk, scale) = (0, 1)
        }
    }
    guard count > 0, count == 1 || first != UInt8(ascii: "0") else { return nil }
    if scale > 1, afk_scale_add(words, 6, scale, chunk) != 0 { fits = false }
    return fits
}
