// The folder of artefacts: files by content, and nothing left of writers that were killed.
import Commitments
import Foundation
import Testing

@testable import Validator

@Suite struct ArtefactStoreTests {
    @Test func filesAreFoundByTheirContent() throws {
        let folder = NSTemporaryDirectory() + "artefacts-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let store = try ArtefactStore(folder: folder)
        let bytes: [UInt8] = [1, 2, 3]
        let cid = CID.raw(bytes)
        #expect(!store.contains(cid))
        #expect(try store.get(cid) == nil)
        try store.put(bytes, cid: cid)
        try store.put(bytes, cid: cid)
        #expect(try store.get(cid) == bytes)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [cid.text])
    }

    @Test func whatKilledWritersLeftGoesAndYoungFilesStay() throws {
        let folder = NSTemporaryDirectory() + "artefacts-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        _ = try ArtefactStore(folder: folder)
        for (name, age) in [(".incoming-old", 7200.0), (".incoming-new", 0), ("kept", 7200)] {
            let path = folder + "/" + name
            try Data([1]).write(to: URL(fileURLWithPath: path))
            let date = Date(timeIntervalSinceNow: -age)
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
        }
        _ = try ArtefactStore(folder: folder)
        #expect(Set(try FileManager.default.contentsOfDirectory(atPath: folder)) == [".incoming-new", "kept"])
    }
}
