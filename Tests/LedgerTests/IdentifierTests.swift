// The names of accounts and transfers: fixed derivations that clients in other languages repeat.
import Codecs
import Testing

@testable import Ledger

@Suite struct IdentifierTests {
    /// Expected values computed with coreutils: printf 'assay-account-1\0CREDIT\0payer\0\1\2\3' | sha256sum
    @Test func derivations() {
        #expect(
            AccountID(currency: "CREDIT", kind: .payer, owner: [1, 2, 3]).text == "3b33595f698cf3781b556b7f1ecd6232"
        )
        #expect(TransferID(deriving: Array("ab".utf8), Array("c".utf8)).text == "1f4d145e8d885a1e67cc65c86f298f03")
    }

    @Test func partsAreLengthPrefixed() {
        let joined = TransferID(deriving: Array("ab".utf8), Array("c".utf8))
        let shifted = TransferID(deriving: Array("a".utf8), Array("bc".utf8))
        #expect(joined != shifted)
    }

    @Test func textAndBytesRoundTrip() throws {
        let id = name("x")
        #expect(try TransferID(bytes: id.bytes) == id)
        #expect(try TransferID(text: id.text) == id)
        #expect(id.bytes.count == 16)
        #expect(throws: ParseError.self) { try TransferID(bytes: [1, 2, 3]) }
        #expect(throws: ParseError.self) { try AccountID(text: "zz") }
    }

    @Test func orderIsThatOfTheBytes() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<100 {
            let left = TransferID(deriving: [UInt8.random(in: 0...255, using: &random)], [1])
            let right = TransferID(deriving: [UInt8.random(in: 0...255, using: &random)], [2])
            #expect((left < right) == left.bytes.lexicographicallyPrecedes(right.bytes))
        }
    }
}
