// DAG-CBOR: what its specification forbids beyond deterministic CBOR, each by one input.
import Codecs
import Commitments
import Testing

@Suite struct DagCBORTests {
    @Test(arguments: [
        "f6", "f5", "1b001fffffffffffff", "3b001fffffffffffff", "fb3fe0000000000000", "a0", "80", "6161", "4100",
        "a2616101626161f6", "8201a16161fb4000000000000000",
    ])
    func `One value has one form`(hex: String) throws {
        let bytes = try Hex.decode(hex)
        let item = try DagCBOR.item(parsing: bytes[...])
        #expect(item.value.encoded(floats: .double) == bytes)
    }

    @Test(arguments: [
        ("f93800", "a half float"), ("fa3f000000", "a single float"), ("fb7ff0000000000000", "infinity"),
        ("fb7ff8000000000000", "not a number"), ("f7", "undefined"), ("e0", "a simple value"),
        ("f820", "a simple value"),
        ("a10102", "an integer key"), ("a1410102", "a byte key"), ("a26162016161f6", "keys out of order"),
        ("a2626161016161f6", "the longer key first"), ("a2616101616102", "a key twice"), ("c001", "another tag"),
        ("d82a4101", "a link without zero"), ("d82a4100", "a link without a CID"),
        ("d82a01", "a link that is no bytes"),
        ("1801", "a padded integer"), ("9fff", "an indefinite array"), ("7f6161ff", "indefinite text"),
        ("61ff", "no UTF-8"),
        ("8001", "trailing bytes"), ("", "nothing"),
    ])
    func `What is no DAG-CBOR is refused`(hex: String, what: String) throws {
        let bytes = try Hex.decode(hex)
        #expect(throws: ParseError.self, "\(what)") { try DagCBOR.item(parsing: bytes[...]) }
    }

    @Test func `Links come out in order`() throws {
        let ids = [BlockIdentifier(.raw([1])), BlockIdentifier(.raw([2]))]
        func link(_ id: BlockIdentifier) -> CBORValue { .tagged(42, .bytes([0] + id.bytes)) }
        let value = CBORValue.map([
            .init(.text("a"), .array([link(ids[0]), .null])), .init(.text("b"), link(ids[1])),
        ])
        #expect(try DagCBOR.links(DagCBOR.item(parsing: value.encoded()[...])) == ids)
    }
}
