// npy files: what numpy writes is read, everything else is refused with a reason.
import Codecs
import Testing

@testable import Replay

@Suite struct NPYTests {
    /// A version 1.0 file as numpy lays it out, with `content` bytes of elements.
    static func file(
        descriptor: String = "<f4",
        order: String = "False",
        shape: String = "(2, 3)",
        content: Int = 24,
        version: [UInt8] = [1, 0],
        header text: String? = nil
    ) -> [UInt8] {
        var header = text ?? "{'descr': '\(descriptor)', 'fortran_order': \(order), 'shape': \(shape), }"
        let fixed = version[0] == 1 ? 10 : 12
        while (fixed + header.utf8.count + 1) % 64 != 0 { header += " " }
        header += "\n"
        var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8) + version
        if version[0] == 1 {
            bytes.appendLittleEndian(UInt16(header.utf8.count))
        } else {
            bytes.appendLittleEndian(UInt32(header.utf8.count))
        }
        return bytes + Array(header.utf8) + (0..<content).map { UInt8(truncatingIfNeeded: $0) }
    }

    @Test func readsEveryType() throws {
        for type in ElementType.allCases {
            let bytes = Self.file(descriptor: type.npyDescriptor, content: 6 * type.byteCount)
            let array = try NPYFile(parsing: bytes)
            #expect(array.type == type)
            #expect(array.shape == [2, 3])
            #expect(array.content.count == 6 * type.byteCount)
            #expect(array.content.first == 0)
        }
    }

    @Test(arguments: [("()", [], 4), ("(5,)", [5], 20), ("(1, 2, 3)", [1, 2, 3], 24), ("(0, 4)", [0, 4], 0)])
    func readsShapes(text: String, shape: [UInt64], content: Int) throws {
        #expect(try NPYFile(parsing: Self.file(shape: text, content: content)).shape == shape)
    }

    @Test func readsVersion2() throws {
        #expect(try NPYFile(parsing: Self.file(version: [2, 0])).shape == [2, 3])
    }

    @Test(arguments: [
        file(descriptor: ">f4"), file(descriptor: "<f2"), file(descriptor: "|O"), file(descriptor: "<c8"),
        file(order: "True"), file(order: "Maybe"), file(shape: "(2, 3"), file(shape: "(6)"), file(shape: "(-2, 3)"),
        file(shape: "(2, 3, )x"), file(shape: "(02, 3)"), file(shape: "[2, 3]"), file(shape: "(2 3)"),
        file(content: 23), file(content: 25), file(version: [3, 0]), file(version: [1, 1]),
        file(shape: "(18446744073709551615, 18446744073709551615)"), file(shape: "(18446744073709551616,)"),
        file(shape: "(4611686018427387904, 4)", content: 0),
        file(header: "{'descr': '<f4', 'fortran_order': False, }"),
        file(header: "{'descr': '<f4', 'shape': (2, 3), }"),
        file(header: "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }"),
        file(header: "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1, }"),
        file(header: "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } import os"),
        file(header: "{\"descr\": \"<f4\", 'fortran_order': False, 'shape': (2, 3), }"),
        file(header: ""), [], [0x93], Array("PK\u{3}\u{4}".utf8),
    ]) func refuses(_ bytes: [UInt8]) {
        #expect(throws: ParseError.self) { try NPYFile(parsing: bytes) }
    }

    @Test func refusesEveryTruncation() throws {
        let bytes = Self.file()
        for count in 0..<bytes.count {
            #expect(throws: ParseError.self) { try NPYFile(parsing: Array(bytes[..<count])) }
        }
    }

    /// A changed header byte never yields another array than the one of the unchanged file, unless it changes the type's name.
    @Test func survivesEveryFlippedBit() {
        let bytes = Self.file()
        for index in bytes.indices {
            for bit in 0..<8 {
                var copy = bytes
                copy[index] ^= 1 << UInt8(bit)
                if let array = try? NPYFile(parsing: copy) { #expect(array.content.count == 24) }
            }
        }
    }

    @Test func theSlotDecidesTypeAndShape() throws {
        let spec = try AdmissionTests.spec()
        let slot = spec.slots[0]
        #expect(try slot.content(of: Self.file(shape: "(64,)", content: 256), format: .npy).count == 256)
        #expect(throws: ParseError(field: "a.dtype", expected: "f32", actual: "i32")) {
            try slot.content(of: Self.file(descriptor: "<i4", shape: "(64,)", content: 256), format: .npy)
        }
        #expect(throws: ParseError(field: "a.shape", expected: "[64]", actual: "[8, 8]")) {
            try slot.content(of: Self.file(shape: "(8, 8)", content: 256), format: .npy)
        }
        #expect(throws: ParseError.self) { try slot.content(of: [1, 2, 3], format: .raw) }
        #expect(try slot.content(of: [UInt8](repeating: 1, count: 256), format: .raw).count == 256)
    }
}
