// Files by content, and what becomes of one whose content changes under its name.
import AssayTesting
import Commitments
import Foundation
import Ledger
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

    @Test(.enabled(if: PrivatePostgres.isInstalled(for: "ArtefactStoreTests")))
    func `A damaged file in a database is no file either, and comes back whole`() throws {
        let url = try PrivatePostgres.shared.get().newDatabase()
        let rows = PostgresArtefacts(database: try PostgresDatabase(url: url))
        let store = DatabaseArtefacts(rows)
        let other = DatabaseArtefacts(PostgresArtefacts(database: try PostgresDatabase(url: url)))
        // Other bytes of the same length, and of another one, which is seen without reading.
        for wrong in [bytes.map { $0 ^ 1 }, Array(bytes.dropLast())] {
            try rows.put(wrong, cid: identity.cid.text)
            #expect(try store.contains(identity) == (wrong.count == bytes.count))
            #expect(try store.get(identity.cid) == nil)
            #expect(try rows.get(PostgresArtefacts.damagedPrefix + identity.cid.text) == wrong)
            #expect(try other.get(identity.cid) == nil)
            for each in [store, other] { #expect(try !each.contains(identity)) }
            try store.put(bytes, cid: identity.cid)
            #expect(try other.get(identity.cid) == bytes && other.contains(identity))
            try rows.setAside(identity.cid.text)
        }
    }
}
