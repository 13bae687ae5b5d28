// Proofs of every kind over every small tree, and every way of bending them.
import Codecs
import Commitments
import Testing

private func leaves(_ count: Int) -> [Digest] {
    (0..<count).map { MerkleTree.leafHash([UInt8($0 & 255), UInt8($0 >> 8)]) }
}

/// Every proof that differs from `proof` by one node dropped, swapped, changed or added.
private func bent(_ proof: [Digest]) -> [[Digest]] {
    let foreign = SHA256.hash([0xff, 0xee])
    var result: [[Digest]] = [proof + [foreign], [foreign] + proof]
    if let last = proof.last { result.append(proof + [last]) }
    for index in proof.indices {
        var copy = proof
        copy.remove(at: index)
        result.append(copy)
        copy = proof
        copy[index] = foreign
        result.append(copy)
        copy = proof
        copy.insert(foreign, at: index)
        result.append(copy)
        for other in proof.indices where other > index && proof[other] != proof[index] {
            copy = proof
            copy.swapAt(index, other)
            result.append(copy)
        }
    }
    return result
}

@Suite struct TreeProofTests {
    @Test func `Levels, the recursive tree and the compact range give one root`() {
        for size in 0...70 {
            let hashes = leaves(size)
            #expect(MerkleLevels(leafHashes: hashes).root == MerkleTree.root(ofLeafHashes: hashes), "size \(size)")
        }
        let many = leaves(1500)
        #expect(MerkleLevels(leafHashes: many).root == MerkleTree.root(ofLeafHashes: many))
    }

    @Test func `Inclusion and consistency proofs equal the recursive ones and verify; bent ones do not`() throws {
        for size in 1...20 {
            let hashes = leaves(size)
            let tree = MerkleLevels(leafHashes: hashes)
            for index in 0..<size {
                let proof = try #require(tree.inclusionProof(index: UInt64(index)))
                #expect(proof == MerkleTree.inclusionProof(index: index, leafHashes: hashes))
                func verify(_ proof: [Digest], _ index: Int, _ size: Int) -> Bool {
                    MerkleTree.verifyInclusion(
                        leaf: hashes[index % hashes.count],
                        index: UInt64(index),
                        size: UInt64(size),
                        proof: proof,
                        root: tree.root
                    )
                }
                #expect(verify(proof, index, size))
                for wrong in bent(proof) { #expect(!verify(wrong, index, size), "index \(index) of \(size)") }
                #expect(!verify(proof, index + size, size))
            }
            for old in 1...size {
                let proof = try #require(tree.consistencyProof(oldSize: UInt64(old)))
                #expect(proof == MerkleTree.consistencyProof(oldSize: old, leafHashes: hashes))
                let oldRoot = MerkleTree.root(ofLeafHashes: Array(hashes.prefix(old)))
                func verify(_ proof: [Digest], _ old: Int) -> Bool {
                    MerkleTree.verifyConsistency(
                        oldSize: UInt64(old),
                        newSize: UInt64(size),
                        proof: proof,
                        oldRoot: oldRoot,
                        newRoot: tree.root
                    )
                }
                #expect(verify(proof, old))
                for wrong in bent(proof) { #expect(!verify(wrong, old), "\(old) of \(size)") }
                #expect(!verify(proof, size + 1))
            }
        }
    }

    @Test func `Subtree proofs verify for every subtree; bent ones do not`() throws {
        for size in 1...17 {
            let hashes = leaves(size)
            let tree = MerkleLevels(leafHashes: hashes)
            for start in 0..<size {
                for end in start + 1...size {
                    let consistency = tree.subtreeConsistencyProof(start: UInt64(start), end: UInt64(end))
                    var ceil = 1
                    while ceil < end - start { ceil *= 2 }
                    #expect((consistency != nil) == start.isMultiple(of: ceil))
                    guard let consistency else { continue }
                    let part = Array(hashes[start..<end])
                    let subtreeRoot = MerkleTree.root(ofLeafHashes: part)
                    func verify(_ proof: [Digest], _ start: Int, _ end: Int, _ size: Int) -> Bool {
                        MerkleTree.verifySubtreeConsistency(
                            start: UInt64(start),
                            end: UInt64(end),
                            size: UInt64(size),
                            proof: proof,
                            subtreeRoot: subtreeRoot,
                            root: tree.root
                        )
                    }
                    #expect(verify(consistency, start, end, size), "\(start)..<\(end) of \(size)")
                    for wrong in bent(consistency) {
                        #expect(!verify(wrong, start, end, size), "\(start)..<\(end) of \(size)")
                    }
                    for index in start..<end {
                        let path = try #require(
                            tree.subtreeInclusionProof(index: UInt64(index), start: UInt64(start), end: UInt64(end))
                        )
                        #expect(path == MerkleTree.inclusionProof(index: index - start, leafHashes: part))
                        #expect(
                            MerkleTree.verifySubtreeInclusion(
                                leaf: hashes[index],
                                index: UInt64(index),
                                start: UInt64(start),
                                end: UInt64(end),
                                proof: path,
                                root: subtreeRoot
                            )
                        )
                    }
                }
            }
        }
    }

    @Test func `Range proofs verify for every range; bent ones do not`() throws {
        for size in 1...18 {
            let hashes = leaves(size)
            let tree = MerkleLevels(leafHashes: hashes)
            for start in 0..<size {
                for end in start + 1...size {
                    let proof = try #require(tree.rangeProof(UInt64(start)..<UInt64(end)))
                    func verify(_ leaves: [Digest], _ start: Int, _ size: Int, _ proof: [Digest]) -> Bool {
                        MerkleTree.verifyRange(
                            leaves: leaves,
                            start: UInt64(start),
                            size: UInt64(size),
                            proof: proof,
                            root: tree.root
                        )
                    }
                    let range = Array(hashes[start..<end])
                    #expect(verify(range, start, size, proof), "\(start)..<\(end) of \(size)")
                    for wrong in bent(proof) {
                        #expect(!verify(range, start, size, wrong), "\(start)..<\(end) of \(size)")
                    }
                    #expect(!verify(range, start + 1, size, proof))
                    for wrong in bent(range) { #expect(!verify(wrong, start, size, proof)) }
                }
            }
            #expect(tree.rangeProof(0..<0) == nil)
            #expect(!MerkleTree.verifyRange(leaves: [], start: 0, size: UInt64(size), proof: [], root: tree.root))
        }
        #expect(!MerkleTree.verifyRange(leaves: leaves(2), start: .max, size: .max, proof: [], root: .zero))
    }

    @Test func `Multiproofs verify for every set of leaves; bent ones do not`() throws {
        for size in 1...9 {
            let hashes = leaves(size)
            let tree = MerkleLevels(leafHashes: hashes)
            for mask in 1..<(1 << size) {
                let indices = (0..<size).filter { mask >> $0 & 1 == 1 }.map(UInt64.init)
                let proof = try #require(tree.multiProof(indices: indices))
                func verify(_ indices: [UInt64], _ proof: [Digest], _ size: Int) -> Bool {
                    MerkleTree.verifyMultiProof(
                        leaves: indices.map { ($0, hashes[Int($0) % hashes.count]) },
                        size: UInt64(size),
                        proof: proof,
                        root: tree.root
                    )
                }
                #expect(verify(indices, proof, size))
                if mask & 5 == 5 || size < 6 {
                    for wrong in bent(proof) { #expect(!verify(indices, wrong, size), "\(indices) of \(size)") }
                }
                #expect(!verify(indices + [indices[0]], proof, size))
                #expect(!verify(indices.dropLast() + [UInt64(size)], proof, size))
                if indices.count > 1 { #expect(!verify(indices.reversed(), proof, size)) }
            }
            #expect(tree.multiProof(indices: []) == nil)
            #expect(!MerkleTree.verifyMultiProof(leaves: [], size: UInt64(size), proof: [tree.root], root: tree.root))
        }
    }

    @Test func `An append is proved by the compact range and the new leaves`() throws {
        let hashes = leaves(40)
        for old in 0...20 {
            var range = CompactRange()
            for leaf in hashes.prefix(old) { range.append(leaf) }
            range = try CompactRange(size: range.size, hashes: range.hashes)
            let oldRoot = MerkleTree.root(ofLeafHashes: Array(hashes.prefix(old)))
            let added = Array(hashes[old..<old + 7])
            let newRoot = MerkleTree.root(ofLeafHashes: Array(hashes.prefix(old + 7)))
            #expect(range.verifyAppend(of: added, oldRoot: oldRoot, newRoot: newRoot))
            #expect(!range.verifyAppend(of: added.dropLast(), oldRoot: oldRoot, newRoot: newRoot))
            #expect(!range.verifyAppend(of: added.reversed(), oldRoot: oldRoot, newRoot: newRoot))
            #expect(!range.verifyAppend(of: added, oldRoot: newRoot, newRoot: newRoot))
            #expect(throws: ParseError.self) { try CompactRange(size: range.size, hashes: range.hashes + [.zero]) }
        }
    }

    @Test func `A salted tree opens its chunks and nothing else`() throws {
        var random = SeededGenerator(seed: 4)
        let bytes = random.bytes(1000)
        let secret = SHA256.hash([1])
        let tree = SaltedTree(bytes, chunkSize: 100, secret: secret)
        #expect(tree.commitment != SaltedTree(bytes, chunkSize: 100, secret: SHA256.hash([2])).commitment)
        #expect(tree.commitment != ArtefactTree.commit(bytes, chunkSize: 100).commitment)
        for index: UInt64 in 0..<10 {
            let opening = try #require(tree.open(index))
            func verify(_ chunk: [UInt8], _ opening: SaltedTree.Opening, _ length: UInt64 = 1000) -> Bool {
                SaltedTree.verify(
                    chunk: chunk,
                    opening: opening,
                    length: length,
                    chunkSize: 100,
                    commitment: tree.commitment
                )
            }
            let chunk = Array(bytes[Int(index) * 100..<Int(index) * 100 + 100])
            #expect(verify(chunk, opening))
            #expect(!verify(chunk, opening, 1001))
            var wrong = opening
            wrong.salt = SHA256.hash([9])
            #expect(!verify(chunk, wrong))
            wrong = opening
            wrong.index = (index + 1) % 10
            #expect(!verify(chunk, wrong))
            for path in bent(opening.path) {
                wrong = opening
                wrong.path = path
                #expect(!verify(chunk, wrong))
            }
            for position in 0..<100 {
                var changed = chunk
                changed[position] ^= 1
                #expect(!verify(changed, opening))
            }
        }
        #expect(tree.open(10) == nil)
        // Equal chunks have different leaves: a path does not show which of them repeat.
        let twins = SaltedTree([UInt8](repeating: 7, count: 200), chunkSize: 100, secret: secret)
        #expect(try #require(twins.open(0)).path != (try #require(twins.open(1)).path))
    }
}

@Suite(.enabled(if: CommitmentVectors.isPresent, CommitmentVectors.missing))
struct RFC6962VectorTests {
    /// A root or node that is not 32 bytes long cannot become a `Digest`: that is the verifier's refusal.
    private func digest(_ value: JSONValue) throws -> Digest? {
        try? Digest(Base64.decode(value.text))
    }

    private func proof(_ value: JSONValue) throws -> [Digest]? {
        if value == .null { return [] }
        let nodes = try value.elements.map { try digest($0) }
        return nodes.contains(nil) ? nil : nodes.compactMap { $0 }
    }

    private func size(_ value: JSONValue) throws -> UInt64 {
        guard case .number(let number) = value, let size = UInt64(number.text) else { return .max }
        return size
    }

    /// Accepted by their source, which compares roots of 12 bytes ("don't care"); here a root has 32 bytes or is refused.
    private static let shortRoots: Set<String> = [
        "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
        "subtreeconsistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
        "subtreeconsistency/additional/"
            + "subtree-is-empty-sizes-are-equal-one-subtree-root-valid-tree-root-random-proof-is-empty.json",
        "subtreeconsistency/additional/"
            + "subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-tree-root-random-proof-is-empty.json",
    ]

    @Test func `Every proof vector has the manifest's outcome`() throws {
        var counts: [String: Int] = [:]
        for (file, expected) in try CommitmentVectors.manifest("rfc6962") {
            let kind = String(file.prefix { $0 != "/" })
            guard kind != file else { continue }
            let vector = try CommitmentVectors.json("rfc6962/" + file)
            counts[kind, default: 0] += 1
            let accepted: Bool
            switch kind {
            case "inclusion", "subtreeinclusion":
                if let leaf = try digest(vector["leafHash"]), let root = try digest(vector["root"]),
                    let proof = try proof(vector["proof"])
                {
                    let index = try size(vector["leafIdx"])
                    if kind == "inclusion" {
                        accepted = MerkleTree.verifyInclusion(
                            leaf: leaf,
                            index: index,
                            size: try size(vector["treeSize"]),
                            proof: proof,
                            root: root
                        )
                    } else {
                        accepted = MerkleTree.verifySubtreeInclusion(
                            leaf: leaf,
                            index: index,
                            start: try size(vector["start"]),
                            end: try size(vector["end"]),
                            proof: proof,
                            root: root
                        )
                    }
                } else {
                    accepted = false
                }
            case "consistency", "subtreeconsistency":
                if let root1 = try digest(vector["root1"]), let root2 = try digest(vector["root2"]),
                    let proof = try proof(vector["proof"])
                {
                    if kind == "consistency" {
                        accepted = MerkleTree.verifyConsistency(
                            oldSize: try size(vector["size1"]),
                            newSize: try size(vector["size2"]),
                            proof: proof,
                            oldRoot: root1,
                            newRoot: root2
                        )
                    } else {
                        accepted = MerkleTree.verifySubtreeConsistency(
                            start: try size(vector["start"]),
                            end: try size(vector["end"]),
                            size: try size(vector["size"]),
                            proof: proof,
                            subtreeRoot: root1,
                            root: root2
                        )
                    }
                } else {
                    accepted = false
                }
            default:
                Issue.record("unknown kind \(kind)")
                continue
            }
            if Self.shortRoots.contains(file) {
                #expect(!accepted, "\(file) has a short root")
            } else {
                #expect(accepted == expected.hasPrefix("accept"), "\(file)")
            }
        }
        #expect(counts == ["inclusion": 80, "consistency": 78, "subtreeinclusion": 118, "subtreeconsistency": 75])
    }

    @Test func `The reference tree and the traps of home-made trees`() throws {
        let reference = try CommitmentVectors.json("rfc6962/reference-tree.json")
        let entries = try reference["leaf_inputs_hex"].elements.map { try Hex.decode($0.text) }
        let hashes = entries.map { MerkleTree.leafHash($0) }
        #expect(try hashes.map(\.hex) == reference["leaf_hashes"].elements.map { try $0.text })
        for (size, root) in try reference["roots_by_size"].elements.enumerated() {
            #expect(MerkleLevels(leafHashes: Array(hashes.prefix(size))).root.hex == (try root.text))
        }
        let traps = try CommitmentVectors.json("rfc6962/homemade-traps.json")
        func root(_ field: JSONValue) throws -> String {
            let leaves = try field.elements.map { MerkleTree.leafHash(try Hex.decode($0.text)) }
            return MerkleTree.root(ofLeafHashes: leaves).hex
        }
        let duplicate = try traps["cve_2012_2459"]
        #expect(try root(duplicate["leaves_hex"]) == duplicate["rfc6962_root"].text)
        #expect(try root(duplicate["leaves_mutated_hex"]) == duplicate["rfc6962_root_mutated"].text)
        #expect(try duplicate["rfc6962_root"].text != duplicate["rfc6962_root_mutated"].text)
        let preimage = try traps["second_preimage"]
        #expect(try root(preimage["leaves4_hex"]) == preimage["rfc6962_root_4"].text)
        #expect(try root(preimage["leaves2_hex"]) == preimage["rfc6962_root_2"].text)
        #expect(try preimage["rfc6962_root_4"].text != preimage["rfc6962_root_2"].text)
    }
}
