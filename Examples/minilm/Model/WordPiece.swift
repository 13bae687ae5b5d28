// BERT's uncased WordPiece tokenizer: clean, lower-case, strip accents, split at white space and punctuation, then the
// longest pieces of the vocabulary first. This is integer work that the requester does; the job starts from its ids.
public import Codecs
import Foundation

/// Turns sentences into token ids with a WordPiece vocabulary, as the original BERT uncased tokenizer does.
public struct WordPiece: Sendable {
    private let pieces: [[Unicode.Scalar]: Int32]
    private let unknown: Int32
    private let start: Int32
    private let end: Int32
    /// The id that fills a row up.
    public let padding: Int32

    /// Words longer than this are unknown as a whole, as in the original.
    private static let longestWord = 100

    /// Reads a vocabulary: one piece a line, its id the number of its line from 0.
    ///
    /// - Throws: `ParseError` for bytes that are not UTF-8, a piece that occurs twice, or a missing special token.
    public init(vocabulary bytes: [UInt8]) throws(ParseError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ParseError(field: "vocabulary", expected: "UTF-8", actual: "other bytes")
        }
        var pieces: [[Unicode.Scalar]: Int32] = [:]
        // Split by scalars: as characters, a combining mark on a line of its own would join the line feed before it.
        var lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for (number, line) in lines.enumerated() {
            guard pieces.updateValue(Int32(number), forKey: Array(line)) == nil else {
                throw ParseError(
                    field: "vocabulary[\(number)]",
                    expected: "a piece that has not occurred",
                    actual: String(String.UnicodeScalarView(line))
                )
            }
        }
        func special(_ token: String) throws(ParseError) -> Int32 {
            guard let id = pieces[Array(token.unicodeScalars)] else {
                throw ParseError(field: "vocabulary", expected: "the token \(token)", actual: "none")
            }
            return id
        }
        self.unknown = try special("[UNK]")
        self.start = try special("[CLS]")
        self.end = try special("[SEP]")
        self.padding = try special("[PAD]")
        self.pieces = pieces
    }

    /// The ids of a sentence with the start and end tokens around it, cut to `length` in all.
    ///
    /// Text that spells a special token, such as `[CLS]`, is text.
    public func ids(of sentence: String, length: Int) -> [Int32] {
        var ids: [Int32] = []
        for word in Self.words(of: sentence) {
            ids += self.ids(ofWord: word)
            if ids.count >= length { break }
        }
        return [start] + ids.prefix(max(0, length - 2)) + [end]
    }

    /// Longest piece first; a word that cannot be covered is one unknown token.
    private func ids(ofWord word: [Unicode.Scalar]) -> [Int32] {
        guard word.count <= Self.longestWord else { return [unknown] }
        var ids: [Int32] = []
        var position = 0
        while position < word.count {
            let prefix: [Unicode.Scalar] = position == 0 ? [] : ["#", "#"]
            var end = word.count
            var found: Int32?
            while end > position, found == nil {
                found = pieces[prefix + word[position..<end]]
                if found == nil { end -= 1 }
            }
            guard let found else { return [unknown] }
            ids.append(found)
            position = end
        }
        return ids
    }

    /// Words and single punctuation marks, lower-cased and without accents.
    static func words(of sentence: String) -> [[Unicode.Scalar]] {
        var cleaned = String.UnicodeScalarView()
        for scalar in sentence.unicodeScalars {
            if scalar.value == 0 || scalar.value == 0xFFFD || isControl(scalar) { continue }
            if isSpace(scalar) {
                cleaned.append(" ")
            } else if isIdeograph(scalar) {
                cleaned.append(contentsOf: [" ", scalar, " "])
            } else {
                cleaned.append(scalar)
            }
        }
        // The original strips accents before it lowers the case.
        var plain = String.UnicodeScalarView()
        for scalar in String(cleaned).decomposedStringWithCanonicalMapping.unicodeScalars
        where scalar.properties.generalCategory != .nonspacingMark {
            plain.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
        }
        var words: [[Unicode.Scalar]] = []
        var word: [Unicode.Scalar] = []
        func close() {
            if !word.isEmpty { words.append(word) }
            word = []
        }
        for scalar in plain {
            if isSpace(scalar) {
                close()
            } else if isPunctuation(scalar) {
                close()
                words.append([scalar])
            } else {
                word.append(scalar)
            }
        }
        close()
        return words
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\t" || scalar == "\n" || scalar == "\r" || scalar.properties.isWhitespace
    }

    /// Control, format, private-use and unassigned characters, except the white space among them.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == "\t" || scalar == "\n" || scalar == "\r" { return false }
        return switch scalar.properties.generalCategory {
        case .control, .format, .privateUse, .surrogate, .unassigned: true
        default: false
        }
    }

    /// ASCII that is neither letter, digit nor space counts too, whatever Unicode calls it.
    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 33...47, 58...64, 91...96, 123...126: return true
        default: break
        }
        return switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            true
        default: false
        }
    }

    /// The blocks of CJK ideographs that the original separates; Hangul, Hiragana and Katakana are not among them.
    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B820...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }
}
