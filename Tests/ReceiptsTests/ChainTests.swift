// What EVM chains sign: EIP-712's own example, the settlement message, keys from signatures, and what is refused.
import AssayTesting
import Codecs
import Commitments
import Receipts
import Signatures
import Testing

@Suite struct ChainTests {
    private func hex(_ text: String) throws -> [UInt8] { try Hex.decode(text) }

    /// The signature of EIP-712's example by the key keccak256("cow").
    private static let digest = "be609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"
    private static let r = "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
    private static let s = "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"

    @Test func `A key comes back from a signature, and only from the right one`() throws {
        let digest = try hex(Self.digest)
        let signature = try Secp256k1Key.Signature(try hex(Self.r + Self.s))
        let key = try #require(Secp256k1Key(recoveringFrom: signature, recovery: 1, digest: digest))
        #expect(ChainAddress(of: key).text == "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826")
        #expect(key.isValid(signature, digest: digest))
        #expect(try Secp256k1Key(point: key.uncompressed) == key)
        let other = Secp256k1Key(recoveringFrom: signature, recovery: 0, digest: digest)
        #expect(other != key)
        #expect(Secp256k1Key(recoveringFrom: signature, recovery: 2, digest: digest) == nil)
        for position in 0..<64 {
            var bytes = signature.bytes
            bytes[position] ^= 1
            #expect(!key.isValid(try Secp256k1Key.Signature(bytes), digest: digest))
        }
        for bytes in [[UInt8](repeating: 0, count: 64), [UInt8](repeating: 0xff, count: 64)] {
            let bad = try Secp256k1Key.Signature(bytes)
            #expect(Secp256k1Key(recoveringFrom: bad, recovery: 0, digest: digest) == nil)
            #expect(!key.isValid(bad, digest: digest, demandsLowS: false))
        }
        // n − s is valid ECDSA and refused by rule.
        let high = try Secp256k1Key.Signature(
            try hex(Self.r + "f8d666c92cfb3eac09bbc205fa0bf00eb2d7b3d4f8517d33c63c3b76ca7d2bdf")
        )
        #expect(!high.hasLowS && !key.isValid(high, digest: digest))
        #expect(key.isValid(high, digest: digest, demandsLowS: false))
    }

    @Test func `Points off the curve and other lengths are refused`() throws {
        #expect(throws: ParseError.self) { try Secp256k1Key(point: []) }
        #expect(throws: ParseError.self) { try Secp256k1Key(point: [0]) }
        #expect(throws: ParseError.self) { try Secp256k1Key(point: [2] + [UInt8](repeating: 0xff, count: 32)) }
        #expect(throws: ParseError.self) { try Secp256k1Key(point: [4] + [UInt8](repeating: 1, count: 64)) }
        #expect(throws: ParseError.self) { try Secp256k1Key.Signature(der: []) }
        #expect(throws: ParseError.self) { try Secp256k1Key.Signature(der: [0x30, 6, 2, 1, 0xff, 2, 1, 1]) }
        #expect(throws: ParseError.self) { try Secp256k1Key.Signature([]) }
        #expect(try Secp256k1Key.Signature(der: [0x30, 6, 2, 1, 1, 2, 1, 2]).bytes[31] == 1)
    }

    @Test func `Addresses have the checksum of EIP-55`() throws {
        // The examples of EIP-55.
        for text in [
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            #expect(try ChainAddress(text: text).text == text)
            #expect(try ChainAddress(text: text.lowercased()).text == text)
            let swapped = text.replacing("A", with: "a")
            if swapped != text { #expect(throws: ParseError.self) { try ChainAddress(text: swapped) } }
        }
        #expect(throws: ParseError.self) { try ChainAddress(text: "0x00") }
    }

    @Test func `A settlement message has one hash, and every member counts`() throws {
        let address = try ChainAddress(text: "0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826")
        let plain = ChainSettlement(
            chainID: 1,
            escrow: address,
            receiptDigest: SHA256.hash(Array("receipt".utf8)),
            jobID: JobID(SHA256.hash(Array("job".utf8))),
            payee: address,
            amount: UInt64.max,
            deadline: 1_800_000_000,
            nonce: 7
        )
        let type =
            "JobSettlement(bytes32 receiptDigest,bytes32 jobId,address payee,uint256 amount,uint64 deadline,uint256 nonce)"
        #expect(try plain.typedData.encodedType("JobSettlement") == type)
        var changed = [plain, plain, plain, plain, plain, plain, plain]
        changed[1].chainID = 2
        changed[2].receiptDigest = .zero
        changed[3].jobID = JobID(.zero)
        changed[4].amount -= 1
        changed[5].deadline += 1
        changed[6].nonce += 1
        #expect(Set(try changed.map { try $0.typedData.digest() }).count == changed.count)
        #expect(!plain.isSigned(by: address, signature: [UInt8](repeating: 1, count: 65)))
    }

    @Test func `Values that their types do not hold are refused`() throws {
        func digest(_ type: String, _ value: JSONValue) throws -> Digest {
            try TypedData(
                types: ["EIP712Domain": [], "T": [TypedData.Member(name: "x", type: type)]],
                primaryType: "T",
                domain: [:],
                message: ["x": value]
            ).digest()
        }
        // The greatest and the least of each kind, and one beyond.
        #expect(throws: Never.self) { try digest("uint8", .integer(255)) }
        #expect(throws: ParseError.self) { try digest("uint8", .integer(256)) }
        #expect(throws: ParseError.self) { try digest("uint8", .integer(-1)) }
        #expect(throws: Never.self) { try digest("int8", .integer(-128)) }
        #expect(throws: Never.self) { try digest("int8", .integer(127)) }
        #expect(throws: ParseError.self) { try digest("int8", .integer(128)) }
        #expect(throws: ParseError.self) { try digest("int8", .integer(-129)) }
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935"
        #expect(
            try digest("uint256", .string(most)) == digest("uint256", .string("0x" + String(repeating: "f", count: 64)))
        )
        #expect(throws: ParseError.self) {
            try digest(
                "uint256",
                .string("115792089237316195423570985008687907853269984665640564039457584007913129639936")
            )
        }
        for type in ["uint", "uint7", "uint264", "uint08", "bytes0", "bytes33", "float", ""] {
            #expect(throws: ParseError.self, "\(type)") { try digest(type, .integer(1)) }
        }
        #expect(throws: ParseError.self) { try digest("bytes4", .string("0x112233")) }
        #expect(throws: ParseError.self) { try digest("address", .string("0x1122")) }
        #expect(throws: ParseError.self) { try digest("bool", .integer(1)) }
        #expect(throws: ParseError.self) { try digest("uint8[2]", .array([.integer(1)])) }
        #expect(throws: Never.self) { try digest("uint8[]", .array([.integer(1), .integer(2)])) }
        #expect(throws: ParseError.self) { try digest("T", .object([:])) }
    }
}
