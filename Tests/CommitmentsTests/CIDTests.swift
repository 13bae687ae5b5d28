// Content identifiers, CARv1 archives, and the publications of other projects about them.
import AssayTesting
import Codecs
import Commitments
import Testing

@Suite struct CIDTests {
    private let known = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"

    @Test func knownIdentifiers() throws {
        #expect(CID.raw(Array("hello world".utf8)).text == known)
        #expect(try CID(text: known) == .raw(Array("hello world".utf8)))
    }

    @Test func otherTextIsRefused() {
        for text in [
            "", "b", known.uppercased(), "z" + known.dropFirst(), known + "a", String(known.dropLast()), known + "=",
            "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD", "b" + String(repeating: "a", count: 200), " " + known,
        ] {
            #expect(throws: ParseError.self) { try CID(text: text) }
        }
    }

    @Test func otherCodecsHashesAndVersionsAreRefused() {
        let bytes = CID.raw([]).bytes
        for (position, value): (Int, UInt8) in [
            (0, 0), (0, 2), (1, 0x71), (1, 0x54), (2, 0x13), (2, 0x00), (3, 0x1f), (3, 0x21),
        ] {
            var other = bytes
            other[position] = value
            #expect(throws: ParseError.self) {
                var reader = ByteReader(other)
                _ = try CID(reading: &reader)
                try reader.finish()
            }
        }
        for count in bytes.indices {
            #expect(throws: ParseError.self) {
                var reader = ByteReader(Array(bytes.prefix(count)))
                _ = try CID(reading: &reader)
            }
        }
        // The version in two bytes where one is enough.
        #expect(throws: ParseError.self) {
            var reader = ByteReader([0x81, 0x00] + bytes.dropFirst())
            _ = try CID(reading: &reader)
        }
    }

    @Test func filesOfSeveralChunksAreTrees() {
        let chunk = [UInt8](repeating: 0, count: 1 << 20)
        #expect(ArtefactTree.commit(chunk).cid == .raw(chunk))
        #expect(ArtefactTree.commit(chunk + [0]).cid?.codec == .dagPB)
        #expect(ArtefactTree.commit(chunk, chunkSize: 4096).cid == nil)
        #expect(ArtefactTree.commit([]).cid == .raw([]))
    }
}

@Suite struct CARTests {
    private let blocks: [(cid: CID, bytes: [UInt8])] = [[1, 2, 3], [], [4]].map { (.raw($0), $0) }

    private func read(_ bytes: [UInt8], maxBlocks: Int = 10, maxBlockBytes: Int = 100) throws(ParseError) -> CAR {
        try CAR(parsing: bytes, maxBlocks: maxBlocks, maxBlockBytes: maxBlockBytes)
    }

    @Test func readsBack() throws {
        let bytes = CAR(root: blocks[0].cid, blocks: blocks).bytes
        let car = try read(bytes)
        #expect(car.root == blocks[0].cid)
        #expect(car.blocks.map(\.cid) == blocks.map(\.cid))
        #expect(car.blocks.map(\.bytes) == blocks.map(\.bytes))
        #expect(car.bytes == bytes)
    }

    @Test func everyFlippedBitIsRefused() throws {
        let bytes = CAR(root: blocks[0].cid, blocks: blocks).bytes
        for position in bytes.indices {
            for bit in 0..<8 {
                var other = bytes
                other[position] ^= 1 << UInt8(bit)
                // The codec of a block that is not the root is a name only: raw and dag-pb differ in more than one bit.
                #expect(throws: ParseError.self, "byte \(position), bit \(bit)") { try read(other) }
            }
        }
        for count in bytes.indices {
            let cut = Array(bytes.prefix(count))
            // A cut between two sections leaves a shorter archive, which is whole; a manifest in the root finds that.
            if let car = try? read(cut) { #expect(car.bytes == cut && car.blocks.count < 3) }
        }
        for tail: [UInt8] in [[0], [1], [0x80], [0xff, 0xff]] {
            #expect(throws: ParseError.self) { try read(bytes + tail) }
        }
    }

    @Test func boundsAreKept() throws {
        let bytes = CAR(root: blocks[0].cid, blocks: blocks).bytes
        _ = try read(bytes, maxBlocks: 3, maxBlockBytes: 3)
        #expect(throws: ParseError.self) { try read(bytes, maxBlocks: 2) }
        #expect(throws: ParseError.self) { try read(bytes, maxBlockBytes: 2) }
    }

    @Test func twiceAndMissingAreRefused() {
        #expect(throws: ParseError.self) { try read(CAR(root: blocks[0].cid, blocks: blocks + [blocks[1]]).bytes) }
        #expect(throws: ParseError.self) { try read(CAR(root: .raw([9]), blocks: blocks).bytes) }
        #expect(throws: ParseError.self) { try read(CAR(root: blocks[0].cid, blocks: []).bytes) }
    }

    @Test func scanTellsAChangedBlock() throws {
        var bytes = CAR(root: blocks[0].cid, blocks: blocks).bytes
        bytes[bytes.count - 1] ^= 1
        let scanned = try CAR.scan(bytes, maxBlocks: 10, maxBlockBytes: 100)
        #expect(scanned.corrupt == blocks[2].cid)
        #expect(throws: ParseError.self) { try read(bytes) }
    }
}
