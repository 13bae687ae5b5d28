// Fuzzers of `TransparencyLog`: everything that a log, a witness or a stranger's proof sends as text.
import Codecs
import Commitments
import Signatures
import TransparencyLog

extension Registry {
    static let transparencyLog: [FuzzTarget] = [
        FuzzTarget("log.note", seeds: notes) { bytes throws(ParseError) in
            require(try SignedNote(parsing: bytes).bytes == bytes, "a note has one form")
        },
        FuzzTarget("log.checkpoint", seeds: notes) { bytes throws(ParseError) in
            require(try SignedCheckpoint(parsing: bytes).bytes == bytes, "a checkpoint has one form")
        },
        FuzzTarget("log.key", maxBytes: 512, seeds: [.made { [Array(try logKey().text.utf8)] }]) {
            bytes throws(ParseError) in
            require(try NoteKey(text: bytes.text).text == bytes.text, "a note key has one form")
        },
        FuzzTarget(
            "log.tile-path",
            maxBytes: 128,
            seeds: [.texts("tile/0/000", "tile/entries/x001/x234/067", "tile/3/x001/067.p/12", "tile/63/000.p/255")]
        ) { bytes throws(ParseError) in
            require(try TilePath(text: bytes.text).text == bytes.text, "a tile's path has one form")
        },
        FuzzTarget("log.entry-bundle", seeds: [.made { [EntryBundle.encode([[], [1], counter(300)])] }]) {
            bytes throws(ParseError) in
            for count in 1...4 {
                guard let entries = try? EntryBundle.decode(bytes, count: count) else { continue }
                require(EntryBundle.encode(entries) == bytes, "a bundle has one form")
            }
        },
        FuzzTarget("log.proof", seeds: [.made { [try proof().bytes] }]) { bytes throws(ParseError) in
            let proof = try LogProof(parsing: bytes)
            require(proof.bytes == bytes, "a proof has one form")
            _ = proof.includes(leaf: .zero)
        },
        FuzzTarget("log.policy", seeds: [.shared("commitments/tlog/policy")]) { bytes throws(ParseError) in
            let policy = try LogPolicy(parsing: bytes)
            if let checkpoint = try? proof().checkpoint { _ = try? policy.verify(checkpoint) }
        },
        FuzzTarget("log.add-checkpoint", seeds: [.made { [try request().bytes] }]) { bytes throws(ParseError) in
            let request = try AddCheckpointRequest(parsing: bytes)
            require(request.bytes == bytes, "a request has one form")
            guard let key = try? logKey() else { return }
            var witness = WitnessState(logs: [key.name: [key]])
            _ = witness.apply(request)
        },
        FuzzTarget("log.witness-answer", maxBytes: 1024, seeds: [.texts("12\n"), .made { [try cosignature()] }]) {
            bytes throws(ParseError) in
            guard let checkpoint = try? proof().checkpoint, let witness = try? witness() else { return }
            for status in [200, 409, 422, 503] {
                var round = WitnessRound(checkpoint: checkpoint, witness: witness.key) { $0 == 3 ? [.zero] : nil }
                guard case .cosigned(let signature)? = try? round.take(status: status, body: bytes) else { continue }
                require(witness.key.isValid(signature, for: checkpoint.note.text), "no cosignature that does not hold")
            }
        },
        FuzzTarget("log.ccf-statement", seeds: [.shared("commitments/cose/scitt")]) { bytes throws(ParseError) in
            for receipt in try TransparentStatement(parsing: bytes).receipts {
                if let read = try? CCFReceipt(parsing: receipt) { _ = read.root }
            }
        },
        FuzzTarget("log.ccf-receipt", seeds: [.made { try ccfReceipts() }]) { bytes throws(ParseError) in
            let receipt = try CCFReceipt(parsing: bytes)
            require(receipt.path.count <= 64 && receipt.root != .zero, "a path has an end")
        },
        FuzzTarget("log.cose-receipt", seeds: [.made { try coseReceipts() }]) { bytes throws(ParseError) in
            let receipt = try COSEReceipt(parsing: bytes)
            guard let key = try? SigningKey(seed: Array(1...32)).verifyingKey else { return }
            require(!receipt.includes(leaf: .zero, by: key), "no receipt of what is not in the tree")
            require(
                !receipt.isConsistent(from: .zero, to: .zero, by: key),
                "no growth from nothing signed to nothing signed"
            )
        },
    ]

    // MARK: Valid inputs

    private static func coseReceipts() throws -> [[UInt8]] {
        let key = try SigningKey(seed: Array(1...32))
        let new = MerkleLevels(leafHashes: (0..<5).map { MerkleTree.leafHash([$0]) })
        let inclusion = COSEReceipt.Proof.inclusion(size: 5, index: 3, path: new.inclusionProof(index: 3) ?? [])
        let growth = COSEReceipt.Proof.consistency(oldSize: 3, newSize: 5, path: new.consistencyProof(oldSize: 3) ?? [])
        return try [inclusion, growth].map { try COSEReceipt.sign($0, root: new.root, with: key) }
    }

    private static func ccfReceipts() throws -> [[UInt8]] {
        let hash = [UInt8](repeating: 7, count: 32)
        let proof = CBORValue.labelled([
            1: .array([.bytes(hash), .text("ce:1.2:ab"), .bytes(hash)]),
            2: .array([.array([.bool(true), .bytes(hash)]), .array([.bool(false), .bytes(hash)])]),
        ]).encoded()
        let protected = CBORValue.labelled([1: .integer(-7), 395: .integer(2)]).encoded()
        let unprotected = CBORValue.labelled([396: .labelled([-1: .array([.bytes(proof)])])])
        let parts: [CBORValue] = [.bytes(protected), unprotected, .null, .bytes(hash + hash)]
        return [CBORValue.tagged(COSESign1.tag, .array(parts)).encoded()]
    }

    private static let notes: [Seeds] = [
        .shared("commitments/tlog/notes"), .shared("commitments/tlog/tessera-log"),
        .shared("commitments/tlog/sunlight"),
        .made { [try proof().checkpoint.bytes] },
    ]

    private static func signer() throws -> NoteSigner {
        try NoteSigner(name: "example.org/log", algorithm: .ed25519, key: try SigningKey(seed: Array(1...32)))
    }

    private static func witness() throws -> NoteSigner {
        try NoteSigner(name: "w.example/w", algorithm: .cosignature, key: try SigningKey(seed: Array(2...33)))
    }

    private static func cosignature() throws -> [UInt8] {
        Array(try witness().sign(try proof().checkpoint.note, time: 5).line.utf8)
    }

    private static func logKey() throws -> NoteKey { try signer().key }

    private static func proof() throws -> LogProof {
        let tree = MerkleLevels(leafHashes: (0..<5).map { MerkleTree.leafHash([$0]) })
        var checkpoint = try SignedCheckpoint(try Checkpoint(origin: "example.org/log", size: 5, root: tree.root))
        checkpoint.note.signatures.append(try signer().sign(checkpoint.note))
        return LogProof(extra: [1, 2], index: 3, path: tree.inclusionProof(index: 3) ?? [], checkpoint: checkpoint)
    }

    private static func request() throws -> AddCheckpointRequest {
        AddCheckpointRequest(oldSize: 0, proof: [], checkpoint: try proof().checkpoint)
    }
}
