// CBOR and COSE against independent implementations from PyPI: `cbor2` and `pycose`, in both directions.
import AssayTesting
import Codecs
import Receipts
import Signatures
import Testing

private let hasCBOR2 = PeerPython.has("cbor2", for: "CBOR against cbor2")
private let hasPycose = PeerPython.has("pycose", for: "COSE against pycose")

@Suite struct CBORPeerTests {
    private static let seed: UInt64 = 0xcb0_0001

    /// A random value of what both sides can say: text keys, whose order is the same by either rule of the RFCs.
    private static func value(_ random: inout SeededGenerator, depth: Int) -> CBORValue {
        let number = UInt64.random(in: .min ... .max, using: &random) >> UInt64.random(in: 0...63, using: &random)
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
        case 0: return .unsigned(number)
        case 1: return .negative(number)
        case 2: return .bytes(random.bytes(Int(number % 40)))
        case 3: return .text(String(number, radix: 36) + "é")
        case 4: return .bool(number.isMultiple(of: 2))
        case 5: return .null
        case 6: return .float(Double(Int64(bitPattern: number)) / 1024)
        case 7: return .array((0..<Int(number % 5)).map { _ in value(&random, depth: depth - 1) })
        default:
            let count = Int(number % 5)
            return .map((0..<count).map { .init(.text("k\($0 * 7)"), value(&random, depth: depth - 1)) })
        }
    }

    /// cbor2 reads each value and writes it canonically; the bytes are ours, so that both sides mean the same.
    @Test(.enabled(if: hasCBOR2, "cbor2 is not here"))
    func `cbor2 reads what is written here and writes the same`() throws {
        var random = SeededGenerator(seed: Self.seed)
        let values = (0..<400).map { _ in Self.value(&random, depth: 3) }
        let lines = values.map { Hex.encode($0.encoded()) }.joined(separator: "\n")
        let script = """
            import cbor2, sys
            for line in sys.stdin.read().split():
                print(cbor2.dumps(cbor2.loads(bytes.fromhex(line)), canonical=True).hex())
            """
        let output = try #require(PeerPython.run(script, input: Array(lines.utf8)))
        let answers = String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(answers.count == values.count)
        for (answer, value) in zip(answers, values) {
            #expect(answer == Hex.encode(value.encoded()), "seed \(Self.seed)")
            #expect(try CBORItem(parsing: Hex.decode(answer), .strict).value == value)
        }
    }

    @Test(.enabled(if: hasPycose, "pycose is not here"))
    func `pycose verifies a receipt that is signed here`() async throws {
        let factory = try BundleFactory()
        let bundle = try Bundle(parsing: await factory.bundle(.accepted))
        let receipt = try Signed<Receipt>(verifying: bundle.member(BundleMember.receipt))
        for key in [factory.engine, try SigningKey.generate(.es256)] {
            var predicate = receipt.predicate
            predicate.engine = key.verifyingKey
            let document = try COSEDocument.sign(predicate, subjects: receipt.subjects, with: key)
            var bent = document.bytes
            bent[bent.count - 1] ^= 1
            let input = [document.bytes, bent, key.verifyingKey.bytes].map { Hex.encode($0) }.joined(separator: "\n")
            let output = try #require(PeerPython.run(Self.verifier, input: Array(input.utf8)))
            #expect(String(decoding: output, as: UTF8.self) == "True False \(document.signer.text)\n")
        }
    }

    @Test(.enabled(if: hasPycose, "pycose is not here"))
    func `What pycose signs verifies here`() throws {
        let key = try SigningKey(seed: Array(1...32)).verifyingKey
        let script = """
            from pycose.messages import Sign1Message
            from pycose.keys import OKPKey
            from pycose.keys.curves import Ed25519
            from pycose.headers import Algorithm
            from pycose.algorithms import EdDSA
            key = OKPKey(crv=Ed25519, d=bytes(range(1, 33)), x=bytes.fromhex("\(Hex.encode(key.bytes))"))
            message = Sign1Message(phdr={Algorithm: EdDSA}, payload=b"hello", external_aad=b"aad")
            message.key = key
            print(message.encode().hex())
            """
        let output = try #require(PeerPython.run(script))
        let bytes = try Hex.decode(String(decoding: output, as: UTF8.self).dropLast())
        let message = try COSESign1(parsing: bytes[...], tag: .required)
        #expect(message.isSigned(by: key, externalAAD: Array("aad".utf8)))
        #expect(!message.isSigned(by: key))
    }

    /// Reads a structure, a bent one and a key, and says what it thinks of both and who the issuer is.
    private static let verifier = """
        import sys
        from pycose.messages import Sign1Message
        from pycose.keys import OKPKey, EC2Key
        from pycose.keys.curves import Ed25519, P256
        from cryptography.hazmat.primitives.asymmetric import ec
        good, bent, key = [bytes.fromhex(line) for line in sys.stdin.read().split()]
        if len(key) == 32:
            public = OKPKey(crv=Ed25519, x=key)
        else:
            numbers = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key).public_numbers()
            public = EC2Key(crv=P256, x=numbers.x.to_bytes(32, 'big'), y=numbers.y.to_bytes(32, 'big'))
        verdicts = []
        for data in (good, bent):
            message = Sign1Message.decode(data)
            message.key = public
            verdicts.append(message.verify_signature())
        claims = next(value for label, value in Sign1Message.decode(good).phdr.items() if label == 15 or str(label) == '15')
        print(verdicts[0], verdicts[1], claims[1])
        """
}
