// Files by content, and what becomes of one whose content changes under its name.
import Commitments
import Foundation
import Receipts
import Testing
import Validator

@Suite struct ArtefactStoreTests {
    private let folder = NSTemporaryDirectory() + "artefacts-" + UUID().uuidString
    private let bytes = Array("the bytes of the artefact".utf8)

    private var identity: ArtefactIdentity { ArtefactIdentity(of: bytes) }
    private var file: URL { URL(fileURLWithPath: folder + "/" + identity.cid.text) }

    @Test func `A damaged file is no file, and comes back whole`() throws {
        let store = try ArtefactStore(folder: folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try store.put(bytes, cid: identity.cid)
        #expect(try store.get(identity.cid) == bytes && store.contains(identity))

        // Of another length: seen without reading.
        try Data(bytes.dropLast()).write(to: file)
        #expect(!store.contains(identity))
        try store.put(bytes, cid: identity.cid)
        #expect(try store.get(identity.cid) == bytes && store.contains(identity))

        // Of the same length: seen by whoever reads it, and from then on missing.
        var other = bytes
        other[3] ^= 1
        try Data(other).write(to: file)
        #expect(store.contains(identity))
        #expect(try store.get(identity.cid) == nil)
        #expect(!store.contains(identity))
        #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/.damaged-" + identity.cid.text))) == other)
        try store.put(bytes, cid: identity.cid)
        #expect(try store.get(identity.cid) == bytes)

        // Replaced by a put that nobody's reading has preceded.
        try Data(other).write(to: file)
        try store.put(bytes, cid: identity.cid)
        #expect(try store.get(identity.cid) == bytes)
        try store.setAside(CID.raw([1]))
    }
}
