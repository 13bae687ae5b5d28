// Bundles: what the manifest lists and what the file holds are the same, in one order only.
import AssayTesting
import Codecs
import Commitments
import Receipts
import Signatures
import Testing

@Suite struct BundleTests {
    private let key: SigningKey
    private let members: [String: [UInt8]] = ["a": [1], "b": [2], "c": [1], "d/e": []]

    init() throws {
        key = try SigningKey(seed: [UInt8](repeating: 9, count: 32))
    }

    private func sealed() throws -> [UInt8] {
        let identity = ArtefactIdentity(of: [5])
        return try Bundle.seal(
            jobID: JobID(.zero),
            members: members,
            absent: [Bundle.Absent(name: "z", identity: identity), Bundle.Absent(name: "input/q", identity: identity)],
            with: key
        )
    }

    private func archive() throws -> CAR {
        try CAR(parsing: try sealed(), maxBlocks: 100, maxBlockBytes: 1 << 20)
    }

    /// A bundle of these blocks whose manifest was changed by `change` and signed again.
    private func rebuilt(
        _ blocks: [(cid: CID, bytes: [UInt8])],
        _ change: (inout JSONObject) -> Void = { _ in }
    ) throws -> [UInt8] {
        let envelope = try Envelope(parsing: try archive().blocks[0].bytes)
        guard case .object(var manifest) = try JSONValue(parsing: envelope.payload) else { return [] }
        change(&manifest)
        let payload = JSONValue.object(manifest).serialized()
        let root = try Envelope.sign(payload, type: Bundle.payloadType, with: key).bytes
        return CAR(root: .raw(root), blocks: [(.raw(root), root)] + blocks).bytes
    }

    private func expectMalformed(_ bytes: [UInt8], _ field: String, _ place: String) {
        do throws(BundleError) {
            _ = try Bundle(parsing: bytes)
            Issue.record("accepted: \(place)")
        } catch {
            guard case .malformed(let error) = error else {
                Issue.record("\(place): \(error)")
                return
            }
            #expect(error.field.hasPrefix(field), "\(place): \(error)")
        }
    }

    @Test func readsBack() throws {
        let bundle = try Bundle(parsing: try sealed())
        #expect(bundle.members == members)
        #expect(bundle.names == ["a", "b", "c", "d/e"])
        #expect(bundle.absent.map(\.name) == ["input/q", "z"])
        #expect(bundle.isSigned(by: key.verifyingKey))
        #expect(!bundle.isSigned(by: try BundleFactory().stranger.verifyingKey))
        #expect(try sealed() == sealed())
        // Members with the same bytes share a block.
        #expect(try archive().blocks.count == 4)
        #expect(throws: ParseError.self) { try bundle.member("q") }
    }

    @Test func changedBlocksAreToldFromOtherForms() throws {
        let bytes = try sealed()
        var damaged = bytes
        // The last section is the empty block: its length and its 36-byte name. Before it stands the byte of "b".
        damaged[bytes.count - 38] ^= 1
        #expect(throws: BundleError.self) { try Bundle(parsing: damaged) }
        do throws(BundleError) {
            _ = try Bundle(parsing: damaged)
        } catch {
            guard case .corrupt = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test func blocksAndManifestMustAgree() throws {
        let blocks = Array(try archive().blocks.dropFirst())
        _ = try Bundle(parsing: try rebuilt(blocks))
        expectMalformed(try rebuilt(blocks + [(.raw([7]), [7])]), "blocks", "an unlisted block")
        expectMalformed(try rebuilt(Array(blocks.dropLast())), "manifest.members", "a missing block")
        expectMalformed(try rebuilt(blocks.reversed()), "manifest.members", "another order")
        let root = try archive().blocks[0]
        expectMalformed(
            CAR(root: root.cid, blocks: blocks + [root]).bytes,
            "blocks[0]",
            "the root last"
        )
        let coded = blocks.map { (cid: CID(codec: .dagPB, digest: $0.cid.digest), bytes: $0.bytes) }
        expectMalformed(try rebuilt(coded), "blocks[1].cid", "another codec")
    }

    @Test func damagedManifestsAreRefused() throws {
        let blocks = Array(try archive().blocks.dropFirst())
        let envelope = try Envelope(parsing: try archive().blocks[0].bytes)
        for mutation in JSONMutation.all(of: try JSONValue(parsing: envelope.payload)) {
            guard case .object(let object) = mutation.document else { continue }
            expectMalformed(try rebuilt(blocks) { $0 = object }, "manifest." + mutation.path, "\(mutation)")
        }
        func entries(_ manifest: JSONObject) -> [JSONValue] {
            if case .array(let list)? = manifest["members"] { list } else { [] }
        }
        expectMalformed(
            try rebuilt(blocks) { $0["members"] = .array(entries($0) + [entries($0)[0]]) },
            "manifest.members[4].name",
            "a member twice"
        )
        expectMalformed(
            try rebuilt(blocks) { $0["members"] = .array(entries($0).reversed()) },
            "manifest.members[1].name",
            "names out of order"
        )
        expectMalformed(
            try rebuilt(blocks) { manifest in manifest["absent"] = .array([entries(manifest)[0]]) },
            "manifest.absent[0]",
            "a member that is listed as absent"
        )
        expectMalformed(
            try rebuilt(blocks) { manifest in
                guard case .object(var first) = entries(manifest)[0] else { return }
                first["bytes"] = .string("2")
                manifest["members"] = .array([.object(first)] + entries(manifest).dropFirst())
            },
            "manifest.members.a.bytes",
            "another length"
        )
    }

    @Test func theManifestHasItsOwnType() throws {
        let blocks = Array(try archive().blocks.dropFirst())
        let envelope = try Envelope(parsing: try archive().blocks[0].bytes)
        let root = try Envelope.sign(envelope.payload, type: "application/json", with: key).bytes
        expectMalformed(
            CAR(root: .raw(root), blocks: [(.raw(root), root)] + blocks).bytes,
            "manifest.payloadType",
            "another type"
        )
    }
}
