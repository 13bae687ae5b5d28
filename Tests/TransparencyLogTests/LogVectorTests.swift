// The public logs, notes, proofs and policies.
import Codecs
import Commitments
import Foundation
import Testing
import TransparencyLog

@Suite(.enabled(if: LogVectors.isPresent, LogVectors.missing))
struct LogVectorTests {
    @Test(arguments: [
        ("c2sp-example", "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"),
        ("sum.golang.org-31700353", "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"),
        ("sum.golang.org-35225469", "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"),
        ("sum.golang.org-65209736", "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"),
    ])
    func `Notes of the world verify, and no byte of them can change`(name: String, vkey: String) throws {
        let bytes = try LogVectors.bytes("notes/\(name).note")
        let key = try NoteKey(text: vkey)
        #expect(key.text == vkey)
        let note = try SignedNote(parsing: bytes)
        #expect(note.bytes == bytes)
        #expect(try note.verify([key]).verified.map(\.key) == [key])
        if name.hasPrefix("sum") {
            #expect(try Checkpoint(text: note.text).size == UInt64(name.split(separator: "-")[1]))
        }
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                let isValid = (try? SignedNote(parsing: changed).verify([key])) != nil
                #expect(!isValid, "byte \(index), bit \(bit)")
            }
        }
    }

    @Test func `Note cases: accepted and refused as listed`() throws {
        let vectors = try LogVectors.json("notes/x-mod-note-cases.json")
        guard case .object(let object) = vectors, case .array(let cases)? = object["cases"],
            case .array(let badKeys)? = object["bad_vkeys"]
        else {
            Issue.record("another form of file")
            return
        }
        for vector in cases {
            var reader = try JSONReader(vector)
            let message = try Base64.decode(try reader.string("msg_base64", maxBytes: 1 << 20))
            let keys = try reader.array("vkeys", max: 10).map { value in
                guard case .string(let text) = value else { throw ParseError(field: "", expected: "text", actual: "") }
                return try NoteKey(text: text)
            }
            let expected = try reader.string("expected")
            do {
                let verification = try SignedNote(parsing: message).verify(keys)
                #expect(expected.hasPrefix("accept"), "\(expected)")
                switch expected {
                case "accept: both verified": #expect(verification.verified.count == 2)
                case "accept: Peter verified, Enoch listed as unverified":
                    #expect(verification.verified.map(\.key.name) == ["PeterNeumann"])
                    #expect(verification.unknown.map(\.name) == ["EnochRoot"])
                default: #expect(verification.verified.count == 1 && verification.unknown.count == 2)
                }
            } catch {
                #expect(expected.hasPrefix("reject"), "\(expected): \(error)")
                if expected == "reject: ambiguous key" {
                    #expect(error as? NoteError == .ambiguousKey(name: "EnochRoot"))
                }
                if expected == "reject: invalid signature of a known key" {
                    #expect(error as? NoteError == .badSignature(name: "PeterNeumann"))
                }
            }
        }
        #expect(cases.count == 14)
        for key in badKeys {
            guard case .string(let text) = key else { continue }
            #expect(throws: ParseError.self, "\(text)") { try NoteKey(text: text) }
        }
    }

    @Test func `Malformed proofs are refused`() throws {
        guard case .array(let texts) = try LogVectors.json("tlog-proof-malformed.json") else { return }
        #expect(!texts.isEmpty)
        for case .string(let text) in texts {
            #expect(throws: ParseError.self, "\(text.prefix(60))") { try LogProof(parsing: Array(text.utf8)) }
        }
    }

    @Test func `A log of fifteen entries: checkpoints, tiles, bundles and every proof`() throws {
        let folder = LogFolder(path: try #require(LogVectors.folder).appendingPathComponent("tessera-log").path)
        let vkey = try LogVectors.text("tessera-log/log.vkey").trimmingCharacters(in: .whitespacesAndNewlines)
        let key = try NoteKey(text: vkey)
        #expect(vkey.contains("+33d7b496+"))
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
            $0.hasPrefix("checkpoint")
        }
        var checkpoints: [Checkpoint] = []
        for name in names {
            let signed = try SignedCheckpoint(parsing: try LogVectors.bytes("tessera-log/" + name))
            #expect(try signed.note.verify([key]).verified.count == 1)
            checkpoints.append(signed.checkpoint)
        }
        let last = try #require(try folder.checkpoint()).checkpoint
        #expect(checkpoints.count == 14 && last.size == 15)
        let tree = TileTree(size: last.size, source: folder)
        try tree.checkRoot(last.root)
        for index in 0..<last.size {
            let leaf = MerkleTree.leafHash(try tree.entry(index))
            let proof = try #require(try tree.inclusionProof(index: index))
            #expect(
                MerkleTree.verifyInclusion(leaf: leaf, index: index, size: last.size, proof: proof, root: last.root)
            )
        }
        for old in checkpoints {
            #expect(
                try ViewComparison.compare(old, last, tiles: folder) == (old.size == last.size ? .same : .consistent)
            )
            let proof = try #require(try tree.consistencyProof(oldSize: old.size))
            #expect(
                ViewComparison.compare(old, last, proof: proof) == (old.size == last.size ? .same : .consistent)
            )
        }
        let check = try LogCheck.run(folder, keys: [key])
        #expect(check.isSound && check.entries == 15, "\(check.findings)")
        // Every partial tile and bundle of an earlier size is a prefix of the last one.
        for kind in ["0", "entries"] {
            let full = try LogVectors.bytes("tessera-log/tile/\(kind)/000.p/15")
            for name in try FileManager.default.contentsOfDirectory(atPath: folder.path + "/tile/\(kind)/000.p") {
                let part = try LogVectors.bytes("tessera-log/tile/\(kind)/000.p/\(name)")
                #expect(full.starts(with: part))
                if kind == "0" { #expect(part.count == 32 * (Int(name) ?? 0)) }
                if kind == "entries" {
                    #expect(try EntryBundle.decode(part, count: Int(name) ?? 0).count == Int(name))
                }
            }
        }
    }

    @Test func `A thousand leaves of a certificate log`() throws {
        let tiles = MemoryTiles()
        for index: UInt64 in 0..<3 {
            tiles.files[TilePath(level: 0, index: index).text] = try LogVectors.bytes("navigli/tile-0-00\(index)")
        }
        // Published is a part of tile 3 only; three full tiles give 768 leaves, ten more the partial one.
        let partial = try LogVectors.bytes("navigli/tile-0-003.p-10")
        #expect(partial.count == 320)
        tiles.files[TilePath(level: 0, index: 3, width: 10).text] = partial
        let leaves = try (0..<778).map { index in
            let file = try #require(
                tiles.files[TilePath(level: 0, index: UInt64(index / 256), width: index < 768 ? 256 : 10).text]
            )
            return try Digest(file[32 * (index % 256)..<32 * (index % 256) + 32])
        }
        let levelOne = (0..<3).map { MerkleTree.root(ofLeafHashes: Array(leaves[256 * $0..<256 * $0 + 256])) }
        tiles.files[TilePath(level: 1, index: 0, width: 3).text] = levelOne.flatMap(\.bytes)
        let tree = TileTree(size: 778, source: tiles)
        let root = MerkleTree.root(ofLeafHashes: leaves)
        try tree.checkRoot(root)
        for index: UInt64 in [0, 255, 256, 700, 767, 768, 777] {
            let proof = try #require(try tree.inclusionProof(index: index))
            #expect(
                MerkleTree.verifyInclusion(leaf: leaves[Int(index)], index: index, size: 778, proof: proof, root: root)
            )
        }
    }

    @Test func `Witness and mirror of one log saw different trees: a split view`() throws {
        let witnessed = try SignedCheckpoint(parsing: try LogVectors.bytes("sunlight/witness-checkpoint"))
        let mirrored = try SignedCheckpoint(parsing: try LogVectors.bytes("sunlight/mirror-checkpoint"))
        let witness = try LogVectors.key("sunlight/witness.v0.json")
        let mirror = try LogVectors.key("sunlight/mirror.v0.json")
        // The log's own line is a type 5 signature of a key nobody gave: it is passed over, not believed.
        let verification = try witnessed.note.verify([witness])
        #expect(verification.verified.map(\.key) == [witness] && verification.unknown.count == 1)
        #expect(try mirrored.note.verify([mirror]).verified.count == 1)
        #expect(
            ViewComparison.compare(witnessed.checkpoint, mirrored.checkpoint) == .splitView(size: 300)
        )
        let tiles = MemoryTiles()
        tiles.files[TilePath(level: 0, index: 0).text] = try LogVectors.bytes("sunlight/mirror-tile-0-000")
        tiles.files[TilePath(level: 0, index: 1, width: 44).text] = try LogVectors.bytes(
            "sunlight/mirror-tile-0-001.p-44"
        )
        tiles.files[TilePath(level: 1, index: 0, width: 1).text] = try LogVectors.bytes(
            "sunlight/mirror-tile-1-000.p-1"
        )
        let tree = TileTree(size: 300, source: tiles)
        try tree.checkRoot(mirrored.checkpoint.root)
        #expect(throws: TileError.self) { try tree.checkRoot(witnessed.checkpoint.root) }
        // A witness that follows the log refuses the second tree whatever the proof.
        var state = WitnessState(logs: [witnessed.checkpoint.origin: [witness]])
        #expect(
            state.apply(AddCheckpointRequest(oldSize: 0, proof: [], checkpoint: witnessed))
                == .cosign(witnessed.checkpoint)
        )
        state.logs[witnessed.checkpoint.origin] = [mirror]
        #expect(state.apply(AddCheckpointRequest(oldSize: 300, proof: [], checkpoint: mirrored)).status == 422)
    }

    @Test(arguments: ["sigsum-generic-2025-1", "sigsum-test1-2025", "sigsum-test2-2025"])
    func `Published policies are read; a key twice is not`(name: String) throws {
        let text = try LogVectors.text("policy/\(name).policy")
        let policy = try LogPolicy(parsing: Array(text.utf8))
        #expect(!policy.logs.isEmpty && policy.witnesses.count >= 3 && policy.quorum == "quorum-rule")
        let witness = try #require(text.split(separator: "\n").first { $0.hasPrefix("witness ") })
        let key = try #require(witness.split(separator: " ").last)
        #expect(throws: ParseError.self) { try LogPolicy(parsing: Array((text + "witness other \(key)\n").utf8)) }
    }
}
