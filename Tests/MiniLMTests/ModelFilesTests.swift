// The model files of the sentence embedding example: the tokenizer against the ids of an independent implementation, and
// the container's refusals.
import AssayTesting
import Codecs
import Foundation
import MiniLM
import Testing

@Suite struct WordPieceTests {
    /// What the PyPI package `tokenizers` gives for the model's own `tokenizer.json`, cut to 24 tokens.
    static let cases: [(String, [Int32])] = [
        ("A man is eating food.", [101, 1037, 2158, 2003, 5983, 2833, 1012, 102]),
        ("The girl is carrying a baby.", [101, 1996, 2611, 2003, 4755, 1037, 3336, 1012, 102]),
        (
            "Pay only for verified compute, and let anyone re-check it later!",
            [101, 3477, 2069, 2005, 20119, 24134, 1010, 1998, 2292, 3087, 2128, 1011, 4638, 2009, 2101, 999, 102]
        ),
        (
            "na\u{ef}ve Caf\u{e9} \u{c5}NGSTR\u{d6}M Stra\u{df}e \u{130}stanbul",
            [101, 15743, 7668, 17076, 15687, 2358, 27807, 9960, 102]
        ),
        (
            "\u{6771}\u{4eac}\u{30bf}\u{30ef}\u{30fc}\u{306f}\u{9ad8}\u{3044}",
            [101, 1879, 1755, 1709, 30262, 30265, 30198, 1981, 1647, 102]
        ),
        (
            "hello\u{200b}world\u{9}tabs\u{a0}and nbsp\u{d}\u{a}lines",
            [101, 7592, 11108, 21628, 2015, 1998, 1050, 5910, 2361, 3210, 102]
        ),
        ("", [101, 102]),
        ("   ", [101, 102]),
        (
            "supercalifragilisticexpialidocious antidisestablishmentarianism",
            [
                101, 3565, 9289, 10128, 29181, 24411, 4588, 10288, 19312, 21273, 10085, 6313, 3424, 10521, 4355, 7875,
                13602, 3672, 12199, 2964, 102,
            ]
        ),
        (String(repeating: "x", count: 101) + " y", [101, 100, 1061, 102]),
        (
            "price: $3.50 (\u{2248}\u{20ac}3,20)\u{2026} ok?",
            [101, 3976, 1024, 1002, 1017, 1012, 2753, 1006, 1606, 30102, 2509, 1010, 2322, 1007, 1529, 7929, 1029, 102]
        ),
        ("emoji \u{1f600} and symbols \u{2211}\u{221e}", [101, 7861, 29147, 2072, 100, 1998, 9255, 100, 102]),
        (
            "\u{d55c}\u{ad6d}\u{c5b4} \u{bb38}\u{c7a5}",
            [101, 1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008, 1459, 30014, 30021, 30000, 30006, 30025, 102]
        ),
        ("CLS is not special here MASK", [101, 18856, 2015, 2003, 2025, 2569, 2182, 7308, 102]),
        ("e\u{301} decomposed \u{e9} composed", [101, 1041, 21933, 8737, 24768, 1041, 3605, 102]),
        ("\u{0}nul\u{fffd}repl", [101, 16371, 20974, 13699, 2140, 102]),
        ("don't stop\u{2014}ever", [101, 2123, 1005, 1056, 2644, 1517, 2412, 102]),
        (
            "GPU kernels, replayed bit for bit; 2^61-1 is prime.",
            [
                101, 14246, 2226, 16293, 2015, 1010, 15712, 2098, 2978, 2005, 2978, 1025, 1016, 1034, 6079, 1011, 1015,
                2003, 3539, 1012, 102,
            ]
        ),
        (
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty twentyone twentytwo",
            [
                101, 2028, 2048, 2093, 2176, 2274, 2416, 2698, 2809, 3157, 2702, 5408, 4376, 7093, 7426, 5417, 7032,
                9171, 7763, 11977, 3174, 3174, 5643, 102,
            ]
        ),
    ]

    @Test(.enabled(if: MiniLMModel.isInstalled, "Examples/minilm/get-model installs the model"))
    func idsAreThoseOfTheOriginal() throws {
        let vocabulary = try Data(contentsOf: MiniLMModel.folder.appendingPathComponent("vocab.txt"))
        let tokenizer = try WordPiece(vocabulary: [UInt8](vocabulary))
        for (sentence, ids) in Self.cases {
            #expect(tokenizer.ids(of: sentence, length: 24) == ids, "\(sentence)")
        }
    }

    @Test func smallVocabulary() throws {
        let text = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "re", "##play", "##s", "!"].joined(separator: "\n")
        let tokenizer = try WordPiece(vocabulary: Array(text.utf8))
        #expect(tokenizer.ids(of: "Replays! rebit", length: 16) == [2, 4, 5, 6, 7, 1, 3])
        #expect(tokenizer.ids(of: "Replays!", length: 3) == [2, 4, 3])
        #expect(throws: ParseError.self) { try WordPiece(vocabulary: Array((text + "\nre").utf8)) }
        #expect(throws: ParseError.self) { try WordPiece(vocabulary: Array("[PAD]\n[UNK]".utf8)) }
        #expect(throws: ParseError.self) { try WordPiece(vocabulary: [0xFF]) }
    }
}

@Suite struct SafetensorsFileTests {
    static func file(_ header: String, data: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.appendLittleEndian(UInt64(header.utf8.count))
        return bytes + header.utf8 + (0..<data).map { UInt8(truncatingIfNeeded: $0) }
    }

    static let header =
        #"{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"#
        + #""a":{"dtype":"U8","shape":[2,2],"data_offsets":[8,12]}}"#

    @Test func reads() throws {
        let file = try SafetensorsFile(parsing: Self.file(Self.header, data: 12))
        #expect(file.tensors["a"]?.shape == [2, 2])
        #expect(try file.floats("b", shape: [2]) == [0, 1, 2, 3, 4, 5, 6, 7])
        #expect(throws: ParseError.self) { try file.floats("b", shape: [1, 2]) }
        #expect(throws: ParseError.self) { try file.floats("a", shape: [2, 2]) }
        #expect(throws: ParseError.self) { try file.floats("c", shape: [2]) }
    }

    @Test func everyTruncationIsRefused() {
        let bytes = Self.file(Self.header, data: 12)
        for length in 0..<bytes.count {
            #expect(throws: ParseError.self) { try SafetensorsFile(parsing: Array(bytes.prefix(length))) }
        }
        #expect(throws: ParseError.self) { try SafetensorsFile(parsing: bytes + [0]) }
    }

    @Test(arguments: [
        #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,3]}}"#,
        #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[1,4]}}"#,
        #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[3,0]}}"#,
        #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3,4]}}"#,
        #"{"a":{"dtype":"U9","shape":[3],"data_offsets":[0,3]}}"#,
        #"{"a":{"dtype":"U8","shape":[-3],"data_offsets":[0,3]}}"#,
        #"{"a":{"dtype":"F64","shape":[9223372036854775807,2],"data_offsets":[0,3]}}"#,
        #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
        #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}"#,
        #"{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3],"x":1}}"#,
        #"[1]"#,
    ])
    func refuses(header: String) {
        #expect(throws: ParseError.self) { try SafetensorsFile(parsing: Self.file(header, data: 3)) }
    }
}
