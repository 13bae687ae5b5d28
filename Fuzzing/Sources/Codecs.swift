// Fuzzers of `Codecs`: what one encoding accepts, it writes back byte by byte where it has one form only.
import Codecs

extension Registry {
    static let codecs: [FuzzTarget] = [
        FuzzTarget("codecs.hex", maxBytes: 256, seeds: [.texts("", "00ff", "0123456789abcdef")]) {
            bytes throws(ParseError) in
            require(Hex.encode(try Hex.decode(bytes.text)) == bytes.text, "hex has one form")
        },
        FuzzTarget(
            "codecs.base32",
            maxBytes: 256,
            seeds: [.texts("", "mfrgg", "afkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdet")]
        ) {
            bytes throws(ParseError) in
            require(Base32.encode(try Base32.decode(bytes.text)) == bytes.text, "base 32 has one form")
        },
        FuzzTarget(
            "codecs.base58",
            maxBytes: 600,
            seeds: [.texts("", "1112", "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn")]
        ) {
            bytes throws(ParseError) in
            require(Base58.encode(try Base58.decode(bytes.text)) == bytes.text, "base 58 has one form")
        },
        FuzzTarget("codecs.base64", maxBytes: 256, seeds: [.texts("", "AA==", "-_8", "+/8=", "aGVsbG8gd29ybGQ=")]) {
            bytes throws(ParseError) in
            let decoded = try Base64.decode(bytes.text)
            let again = reread("base 64 reads what it wrote") { () throws(ParseError) in
                try Base64.decode(Base64.encode(decoded))
            }
            require(again == decoded, "base 64 keeps the bytes")
        },
        FuzzTarget("codecs.pem", seeds: [.shared("attestation", ".pem"), .shared("commitments/sigstore", ".pem")]) {
            bytes throws(ParseError) in
            for block in try PEM.decode(bytes[...]) {
                let again = reread("PEM reads what it wrote") { () throws(ParseError) in
                    try PEM.decode(PEM.encode(block)[...])
                }
                require(again == [block], "PEM keeps the bytes")
            }
        },
        FuzzTarget(
            "codecs.varint",
            maxBytes: 16,
            seeds: [.bytes([0], [0x7f], [0x80, 1], Array(repeating: 0xff, count: 9) + [1])]
        ) {
            bytes throws(ParseError) in
            var reader = ByteReader(bytes)
            let value = try reader.readVarint("varint")
            var written: [UInt8] = []
            written.appendVarint(value)
            require(written == Array(bytes.prefix(reader.offset)), "a varint has one form")
        },
        FuzzTarget(
            "codecs.json",
            seeds: [
                .own("Vectors/receipts", ".json"), .own("Examples/digits", ".json"), .texts("[]", "{\"a\":[1,null]}"),
            ]
        ) { bytes throws(ParseError) in
            let value = try JSONValue(parsing: bytes)
            for isPretty in [false, true] {
                let again = reread("JSON reads what it wrote") { () throws(ParseError) in
                    try JSONValue(parsing: value.serialized(pretty: isPretty), limits: JSONLimits(bytes: 64 << 20))
                }
                require(again == value, "JSON keeps the value")
            }
        },
        FuzzTarget(
            "codecs.json-scanner",
            seeds: [.shared("attestation/collateral", ".json"), .own("Vectors/receipts", ".json")]
        ) { bytes throws(ParseError) in
            var scanner = try JSONScanner(bytes, field: "fuzz")
            let raw = try scanner.rawValue()
            try scanner.finish()
            // The scanner is for documents whose bytes are signed: what it accepts is JSON to any reader.
            require(!raw.isEmpty, "a value has bytes")
        },
        FuzzTarget("codecs.cbor", seeds: cborSeeds) { bytes throws(ParseError) in
            let item = try CBORItem(parsing: bytes, .strict)
            require(item.value.encoded() == bytes, "deterministic CBOR has one form")
        },
        FuzzTarget("codecs.cbor-tolerant", seeds: cborSeeds) { bytes throws(ParseError) in
            let item = try CBORItem(parsing: bytes, .tolerant)
            require(item.encoding.elementsEqual(bytes), "an item keeps its bytes")
            let again = reread("CBOR reads what it wrote") { () throws(ParseError) in
                try CBORItem(parsing: item.value.encoded(), .strict)
            }
            require(again?.value.encoded() == item.value.encoded(), "CBOR keeps the value")
        },
        FuzzTarget("codecs.der", seeds: [.shared("attestation", ".der"), .shared("attestation", ".crl")]) {
            bytes throws(ParseError) in
            var reader = DERReader(bytes[...], "der")
            try walk(&reader, depth: 0)
        },
        FuzzTarget("codecs.protobuf", maxBytes: 1024, seeds: [.strings(in: .shared("commitments/ipfs/codec", ".json"))])
        {
            bytes throws(ParseError) in
            for field in try Protobuf.fields(bytes[...]) {
                if case .bytes(let inner) = field.value { _ = try Protobuf.fields(inner) }
            }
        },
        FuzzTarget(
            "codecs.timestamp",
            maxBytes: 64,
            seeds: [.texts("2026-01-02T03:04:05Z", "9999-12-31T23:59:59Z", "1970-01-01T00:00:00.5+02:00")]
        ) { bytes throws(ParseError) in
            let time = try Timestamp(bytes.text)
            let again = reread("a time reads what it wrote") { () throws(ParseError) in try Timestamp(time.text) }
            require(again == time, "a time keeps its second")
        },
    ]

    private static let cborSeeds: [Seeds] = [
        .shared("attestation", ".cbor"), .shared("commitments/cose", ".cose"),
        .strings(in: .shared("commitments/cose", ".json")), .strings(in: .shared("attestation/cca", ".json")),
        .bytes(
            [0xa0],
            [0x83, 1, 0x20, 0xf6],
            [0xa2, 1, 2, 0x61, 0x61, 0xfb, 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]
        ),
    ]

    /// Reads every element by every reader that its tag allows.
    private static func walk(_ reader: inout DERReader, depth: Int) throws(ParseError) {
        while !reader.isAtEnd {
            var copy = reader
            let element = try reader.next()
            switch element.tag {
            case DERReader.Tag.integer:
                _ = try copy.integer()
            case DERReader.Tag.boolean: _ = try copy.boolean()
            case DERReader.Tag.objectIdentifier: _ = try copy.objectIdentifier().description
            case DERReader.Tag.bitString: _ = try copy.bitString()
            case DERReader.Tag.octetString: _ = try copy.octetString()
            case DERReader.Tag.utcTime, DERReader.Tag.generalizedTime: _ = try copy.time()
            case let tag where tag & 0x20 != 0 && depth < 32:
                var inner = DERReader(element.content)
                try walk(&inner, depth: depth + 1)
            default: break
            }
        }
    }
}
