// Witnesses, policies, proofs and paths on logs made here, and every way of bending them.
import Codecs
import Commitments
import Signatures
import Testing
import TransparencyLog

private struct FakeLog {
    let origin: String
    let signer: NoteSigner
    var leaves: [Digest] = []

    init(_ origin: String, seed: UInt8) throws {
        self.origin = origin
        signer = try NoteSigner(
            name: origin,
            algorithm: .ed25519,
            key: SigningKey(seed: [UInt8](repeating: seed, count: 32))
        )
    }

    mutating func grow(to size: Int, salt: UInt8 = 0) {
        while leaves.count < size { leaves.append(MerkleTree.leafHash([UInt8(leaves.count & 255), salt])) }
    }

    func checkpoint(size: Int? = nil) throws -> SignedCheckpoint {
        let tree = Array(leaves.prefix(size ?? leaves.count))
        let root = MerkleTree.root(ofLeafHashes: tree)
        var signed = try SignedCheckpoint(Checkpoint(origin: origin, size: UInt64(tree.count), root: root))
        signed.note.signatures = [try signer.sign(signed.note)]
        return signed
    }

    func request(from old: Int, size: Int? = nil) throws -> AddCheckpointRequest {
        let tree = MerkleLevels(leafHashes: Array(leaves.prefix(size ?? leaves.count)))
        let proof = old == 0 ? [] : tree.consistencyProof(oldSize: UInt64(old)) ?? []
        return AddCheckpointRequest(oldSize: UInt64(old), proof: proof, checkpoint: try checkpoint(size: size))
    }
}

@Suite struct WitnessTests {
    @Test func `A witness follows a log step by step and answers as the protocol says`() throws {
        var log = try FakeLog("log.example/one", seed: 1)
        var state = WitnessState(logs: [log.origin: [log.signer.key]])
        #expect(state.apply(try log.request(from: 0)).status == 200)
        log.grow(to: 5)
        #expect(state.apply(try log.request(from: 0)).status == 200)
        log.grow(to: 12)
        // The body reads back as it was written.
        let request = try log.request(from: 5)
        #expect(try AddCheckpointRequest(parsing: request.bytes) == request)
        #expect(state.apply(request) == .cosign(request.checkpoint.checkpoint))
        // The same again is welcome: equal sizes and roots.
        #expect(state.apply(try log.request(from: 12)).status == 200)
        #expect(state.apply(try log.request(from: 5)) == .conflict(size: 12))
        #expect(state.apply(try log.request(from: 0)) == .conflict(size: 12))
        // Going back is refused: the old size is above the checkpoint's.
        var back = try log.request(from: 5, size: 9)
        back.oldSize = 12
        #expect(state.apply(back).status == 400)
        // A log that nobody gave, and a log whose signature is another's.
        let stranger = try FakeLog("log.example/two", seed: 2)
        #expect(state.apply(try stranger.request(from: 0)) == .unknownOrigin)
        var impostor = try FakeLog("log.example/one", seed: 3)
        impostor.grow(to: 20)
        #expect(state.apply(try impostor.request(from: 0)) == .forbidden(.unsigned))
        // A second history of the same or of a larger size.
        var fork = try FakeLog("log.example/one", seed: 1)
        fork.grow(to: 12, salt: 1)
        #expect(state.apply(try fork.request(from: 12)).status == 422)
        fork.grow(to: 20, salt: 1)
        #expect(state.apply(try fork.request(from: 12)).status == 422)
        #expect(state.latest[log.origin]?.size == 12)
    }

    @Test func `No bent proof is cosigned`() throws {
        var log = try FakeLog("log.example/one", seed: 1)
        log.grow(to: 13)
        var start = WitnessState(logs: [log.origin: [log.signer.key]])
        #expect(start.apply(try log.request(from: 0, size: 6)).status == 200)
        let request = try log.request(from: 6)
        #expect(start.answer(request).status == 200)
        for index in request.proof.indices {
            var bent = request
            bent.proof.remove(at: index)
            #expect(start.answer(bent).status == 422)
            bent = request
            bent.proof[index] = .zero
            #expect(start.answer(bent).status == 422)
            bent = request
            bent.proof.insert(.zero, at: index)
            #expect(start.answer(bent).status == 422)
            for other in request.proof.indices where other > index {
                bent = request
                bent.proof.swapAt(index, other)
                #expect(start.answer(bent).status == 422)
            }
        }
        let bytes = request.bytes
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            guard let bent = try? AddCheckpointRequest(parsing: changed) else { continue }
            #expect(start.answer(bent).status != 200, "byte \(index)")
        }
        for count in 0..<bytes.count {
            #expect(throws: ParseError.self) { try AddCheckpointRequest(parsing: Array(bytes.prefix(count))) }
        }
        var empty = WitnessState(logs: [log.origin: [log.signer.key]])
        var surplus = try log.request(from: 0)
        surplus.proof = [.zero]
        #expect(empty.apply(surplus).status == 422 && empty.latest.isEmpty)
    }

    @Test func `A policy believes a quorum of distinct witnesses and nothing less`() throws {
        var log = try FakeLog("log.example/one", seed: 1)
        log.grow(to: 7)
        let witnesses = try (10..<14).map { seed in
            try WitnessSigner(name: "w\(seed)", key: SigningKey(seed: [UInt8](repeating: UInt8(seed), count: 32)))
        }
        let definitions = witnesses.enumerated().map { "witness W\($0) \($1.key.text)\n" }.joined()
        let text = """
            # two of the first three, or else nothing
            log \(log.signer.key.text) https://log.example/one
            \(definitions)
            group three 2 W0 W1 W2
            group both all three W3
            quorum both

            """
        let policy = try LogPolicy(parsing: Array(text.utf8))
        func cosigned(_ chosen: [Int]) throws -> SignedCheckpoint {
            var signed = try log.checkpoint()
            for index in chosen {
                signed.note.signatures.append(try witnesses[index].cosign(signed, at: 1_700_000_000))
            }
            return try SignedCheckpoint(parsing: signed.bytes)
        }
        for mask in 0..<16 {
            let chosen = (0..<4).filter { mask >> $0 & 1 == 1 }
            let isEnough = chosen.filter { $0 < 3 }.count >= 2 && chosen.contains(3)
            let accepted = try? policy.verify(try cosigned(chosen))
            #expect((accepted != nil) == isEnough, "\(chosen)")
            if isEnough { #expect(accepted?.witnesses.count == chosen.count) }
        }
        // One witness many times is one witness.
        #expect(throws: LogPolicy.Refusal.self) { try policy.verify(try cosigned([0, 0, 0, 3, 3])) }
        // A known witness's bad signature spoils the note even when the others would do.
        var bad = try cosigned([0, 1, 2, 3])
        let last = try #require(bad.note.signatures.last)
        bad.note.signatures[4] = SignedNote.Signature(
            name: last.name,
            keyID: last.keyID,
            bytes: last.bytes.dropLast() + [last.bytes[71] ^ 1]
        )
        #expect(throws: LogPolicy.Refusal.self) { try policy.verify(bad) }
        // A cosignature covers its time.
        bad = try cosigned([0, 1, 3])
        let first = bad.note.signatures[1]
        bad.note.signatures[1] = SignedNote.Signature(
            name: first.name,
            keyID: first.keyID,
            bytes: first.bytes.enumerated().map { $0 == 7 ? $1 ^ 1 : $1 }
        )
        #expect(throws: LogPolicy.Refusal.self) { try policy.verify(bad) }
        // Another log's origin under this log's key.
        let other = try Checkpoint(origin: "log.example/two", size: 1, root: .zero)
        var foreign = try SignedCheckpoint(other)
        foreign.note.signatures = [try log.signer.sign(foreign.note)]
        #expect(throws: LogPolicy.Refusal.log(.unsigned)) { try policy.verify(foreign) }
    }

    @Test func `Policies that count twice, look ahead or say nothing are refused`() throws {
        let keys = try (1..<5).map { seed in
            try WitnessSigner(name: "w\(seed)", key: SigningKey(seed: [UInt8](repeating: UInt8(seed), count: 32))).key
                .text
        }
        let base = "witness a \(keys[0])\nwitness b \(keys[1])\n"
        let log = try NoteKey(
            name: "log",
            algorithm: .ed25519,
            key: SigningKey(seed: [UInt8](repeating: 9, count: 32)).verifyingKey
        ).text
        for good in [
            "quorum none\n", base + "quorum a\n", base + "group g any a b\nquorum g\n", "log \(log)\nquorum none\n",
        ] {
            #expect(throws: Never.self) { try LogPolicy(parsing: Array(good.utf8)) }
        }
        for bad in [
            "", base, base + "quorum g\n", base + "quorum a\nquorum a\n", base + "quorum a", base + "quorum a\u{7}\n",
            base + "group g 3 a b\nquorum g\n", base + "group g 0 a b\nquorum g\n", base + "group g 01 a b\nquorum g\n",
            base + "group g any\nquorum g\n", base + "group g any a a\nquorum g\n",
            base + "group none any a\nquorum a\n",
            base + "group g any a\ngroup h any a b\nquorum h\n", base + "group g any h\ngroup h any a\nquorum g\n",
            base + "group a any b\nquorum a\n", base + "witness a \(keys[2])\nquorum a\n",
            base + "witness c \(keys[0])\nquorum a\n", base + "group g any none\nquorum g\n",
            "witness a \(log)\nquorum a\n",
            "log \(keys[0])\nquorum none\n", "log \(log)\nlog \(log)\nquorum none\n", base + "trust a\nquorum a\n",
        ] {
            #expect(throws: ParseError.self, "\(bad)") { try LogPolicy(parsing: Array(bad.utf8)) }
        }
    }

    @Test func `A proof text reads back, includes its entry and nothing else`() throws {
        var log = try FakeLog("log.example/one", seed: 1)
        log.grow(to: 11)
        let tree = MerkleLevels(leafHashes: log.leaves)
        let signed = try log.checkpoint()
        for index in 0..<11 {
            let path = try #require(tree.inclusionProof(index: UInt64(index)))
            let proof = LogProof(
                extra: index == 3 ? [1, 2] : nil,
                index: UInt64(index),
                path: path,
                checkpoint: signed
            )
            #expect(try LogProof(parsing: proof.bytes) == proof)
            #expect(proof.includes(leaf: log.leaves[index]))
            #expect(!proof.includes(leaf: log.leaves[(index + 1) % 11]))
        }
        let policy = try LogPolicy(parsing: Array("log \(log.signer.key.text)\nquorum none\n".utf8))
        let path = try #require(tree.inclusionProof(index: 4))
        let bytes = LogProof(index: 4, path: path, checkpoint: signed).bytes
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            guard let proof = try? LogProof(parsing: changed) else { continue }
            let isBelieved = (try? policy.verify(proof.checkpoint)) != nil
            #expect(!(isBelieved && proof.includes(leaf: log.leaves[4])), "byte \(index)")
        }
        for count in 0..<bytes.count {
            #expect(throws: ParseError.self) { try LogProof(parsing: Array(bytes.prefix(count))) }
        }
    }

    @Test func `Checkpoints have one spelling`() throws {
        let root = Base64.encode(Digest.zero.bytes)
        let good = "log\n7\n\(root)\n"
        #expect(try Checkpoint(text: good).text == good)
        #expect(try Checkpoint(text: good + "more\n").extensions == ["more"])
        for bad in [
            "", "log\n7\n\(root)", "log\n07\n\(root)\n", "log\n+7\n\(root)\n", "log\n-1\n\(root)\n", "\n7\n\(root)\n",
            "log\n7\n\(root.dropLast())\n", "log\n7\n\n", "log\n7\n\(root)\n\n", "log\n0\n\(root)\n", "log\n7\nAAAA\n",
            "log\n9223372036854775808\n\(root)\n", "log\n7\n\(root.dropLast(2))B=\n",
        ] {
            #expect(throws: ParseError.self, "\(bad)") { try Checkpoint(text: bad) }
        }
    }

    @Test func `Tile paths have one spelling, and a grown tree adds the right files`() throws {
        #expect(TilePath(level: 0, index: 1_234_067).text == "tile/0/x001/x234/067")
        #expect(TilePath(level: nil, index: 5, width: 12).text == "tile/entries/005.p/12")
        for path in ["tile/0/000", "tile/63/x001/000.p/255", "tile/entries/x999/999"] {
            #expect(try TilePath(text: path).text == path)
        }
        for path in [
            "tile/0/0", "tile/0/0000", "tile/64/000", "tile/00/000", "tile/0/001/000", "tile/0/x000/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256", "tile/0/000.p/01", "tile/x/000", "tile/0/../000", "tile/0/000/", "/tile/0/000",
            "tile/0/+01",
            "tile/0/x001/x234", "tile/0/000.p", "tile/-1/000",
        ] {
            #expect(throws: ParseError.self, "\(path)") { try TilePath(text: path) }
        }
        // The document's example: 70,000 entries.
        let paths = TilePath.added(from: 0, to: 70_000, entries: false)
        #expect(paths.filter { $0.level == 0 && $0.width == 256 }.count == 273)
        #expect(paths.contains(TilePath(level: 0, index: 273, width: 112)))
        #expect(paths.contains(TilePath(level: 1, index: 0)) && paths.contains(TilePath(level: 1, index: 1, width: 17)))
        #expect(paths.contains(TilePath(level: 2, index: 0, width: 1)) && paths.count == 277)
        #expect(
            TilePath.added(from: 255, to: 256, entries: true).map(\.text)
                == ["tile/0/000", "tile/entries/000", "tile/1/000.p/1"]
        )
        #expect(TilePath.added(from: 300, to: 300, entries: true).isEmpty)
    }
}
