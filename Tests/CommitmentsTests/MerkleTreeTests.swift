// The RFC 9162 tree against a twin that is the definition itself, for every size up to 70 and every index.
import AssayTesting
import Codecs
import Commitments
import Testing

/// RFC 9162 §2.1.1, §2.1.3.1 and §2.1.4.1, word by word.
private enum Definition {
    static func split(_ n: Int) -> Int {
        var k = 1
        while k * 2 < n { k *= 2 }
        return k
    }

    static func hash(_ d: ArraySlice<[UInt8]>) -> Digest {
        guard d.count > 1 else {
            guard let entry = d.first else { return SHA256.hash([]) }
            return SHA256.hash([0] + entry)
        }
        let k = split(d.count)
        return SHA256.hash([1] + hash(d.prefix(k)).bytes + hash(d.dropFirst(k)).bytes)
    }

    static func path(_ m: Int, _ d: ArraySlice<[UInt8]>) -> [Digest] {
        guard d.count > 1 else { return [] }
        let k = split(d.count)
        return m < k
            ? path(m, d.prefix(k)) + [hash(d.dropFirst(k))]
            : path(m - k, d.dropFirst(k)) + [hash(d.prefix(k))]
    }

    static func subproof(_ m: Int, _ d: ArraySlice<[UInt8]>, _ isWhole: Bool) -> [Digest] {
        if m == d.count { return isWhole ? [] : [hash(d)] }
        let k = split(d.count)
        return m <= k
            ? subproof(m, d.prefix(k), isWhole) + [hash(d.dropFirst(k))]
            : subproof(m - k, d.dropFirst(k), false) + [hash(d.prefix(k))]
    }
}

@Suite struct MerkleTreeTests {
    private static let sizes = 0...70
    private static let entries: [[UInt8]] = {
        var generator = SeededGenerator(seed: 11)
        return (0..<70).map { generator.bytes($0 % 40) }
    }()
    private static let hashes = entries.map(MerkleTree.leafHash)

    @Test func rootsAreTheDefinitions() {
        var range = CompactRange()
        for size in Self.sizes {
            let expected = Definition.hash(Self.entries.prefix(size))
            #expect(MerkleTree.root(ofLeafHashes: Array(Self.hashes.prefix(size))) == expected, "size \(size)")
            #expect(range.root == expected, "size \(size)")
            #expect(range.size == UInt64(size))
            #expect(range.hashes.count == size.nonzeroBitCount)
            if size < Self.hashes.count { range.append(Self.hashes[size]) }
        }
        #expect(MerkleTree.emptyRoot.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test(arguments: sizes)
    func inclusion(_ size: Int) throws {
        let leaves = Array(Self.hashes.prefix(size))
        let root = MerkleTree.root(ofLeafHashes: leaves)
        let count = UInt64(size)
        for index in 0..<size {
            let proof = try #require(MerkleTree.inclusionProof(index: index, leafHashes: leaves))
            #expect(proof == Definition.path(index, Self.entries.prefix(size)))
            func verify(_ leaf: Digest, _ index: UInt64, _ size: UInt64, _ proof: [Digest], _ root: Digest) -> Bool {
                MerkleTree.verifyInclusion(leaf: leaf, index: index, size: size, proof: proof, root: root)
            }
            let position = UInt64(index)
            #expect(verify(leaves[index], position, count, proof, root))
            #expect(!verify(MerkleTree.leafHash([0xee]), position, count, proof, root))
            #expect(!verify(leaves[index], position, count, proof + [root], root))
            #expect(!verify(leaves[index], position, count, proof, .zero))
            #expect(!verify(leaves[index], position ^ 1, count, proof, root))
            #expect(!verify(leaves[index], count, count, proof, root))
            #expect(!verify(leaves[index], position, position, proof, root))
            #expect(!verify(leaves[index], UInt64.max, count, proof, root))
            if !proof.isEmpty { #expect(!verify(leaves[index], position, count, Array(proof.dropLast()), root)) }
            for place in proof.indices {
                var other = proof
                other[place] = leaves[index]
                #expect(!verify(leaves[index], position, count, other, root))
            }
        }
        #expect(MerkleTree.inclusionProof(index: size, leafHashes: leaves) == nil)
        #expect(MerkleTree.inclusionProof(index: -1, leafHashes: leaves) == nil)
    }

    @Test(arguments: sizes)
    func consistency(_ newSize: Int) throws {
        let leaves = Array(Self.hashes.prefix(newSize))
        let newRoot = MerkleTree.root(ofLeafHashes: leaves)
        for oldSize in 0...newSize {
            let proof = try #require(MerkleTree.consistencyProof(oldSize: oldSize, leafHashes: leaves))
            let oldRoot = MerkleTree.root(ofLeafHashes: Array(leaves.prefix(oldSize)))
            func verify(_ old: Int, _ new: Int, _ proof: [Digest], _ oldRoot: Digest, _ newRoot: Digest) -> Bool {
                MerkleTree.verifyConsistency(
                    oldSize: UInt64(old),
                    newSize: UInt64(new),
                    proof: proof,
                    oldRoot: oldRoot,
                    newRoot: newRoot
                )
            }
            guard oldSize > 0 else {
                #expect(proof.isEmpty)
                // From nothing anything follows, so nothing is shown.
                #expect(verify(0, newSize, [], oldRoot, newRoot) == (newSize == 0))
                continue
            }
            #expect(proof == Definition.subproof(oldSize, Self.entries.prefix(newSize), true))
            #expect(verify(oldSize, newSize, proof, oldRoot, newRoot))
            #expect(!verify(oldSize, newSize, proof + [newRoot], oldRoot, newRoot))
            #expect(!verify(oldSize, newSize, proof, .zero, newRoot))
            #expect(!verify(oldSize, newSize, proof, oldRoot, .zero))
            #expect(!verify(newSize + 1, newSize, proof, oldRoot, newRoot))
            #expect(!verify(oldSize, newSize + 70, proof, oldRoot, newRoot))
            if !proof.isEmpty { #expect(!verify(oldSize, newSize, Array(proof.dropFirst()), oldRoot, newRoot)) }
            for place in proof.indices {
                var other = proof
                other[place] = .zero
                #expect(!verify(oldSize, newSize, other, oldRoot, newRoot), "\(oldSize) to \(newSize), hash \(place)")
            }
        }
        #expect(MerkleTree.consistencyProof(oldSize: newSize + 1, leafHashes: leaves) == nil)
        #expect(MerkleTree.consistencyProof(oldSize: -1, leafHashes: leaves) == nil)
    }

    @Test func sizesOf64BitsDoNotOverflow() {
        let most = UInt64.max
        for index in [0, 1, most - 1, most - 2, 1 << 63] {
            for count in 0...65 {
                let proof = [Digest](repeating: .zero, count: count)
                #expect(
                    !MerkleTree.verifyInclusion(leaf: .zero, index: index, size: most, proof: proof, root: .zero)
                )
                #expect(
                    !MerkleTree.verifyConsistency(
                        oldSize: index,
                        newSize: most,
                        proof: proof,
                        oldRoot: .zero,
                        newRoot: .zero
                    )
                )
            }
        }
    }

    /// CVE-2012-2459 and the missing prefix: two leaf lists that homemade trees cannot tell apart.
    @Test(.enabled(if: SharedVectors.has("vectors/commitments/rfc6962", for: "Merkle traps and reference tree")))
    func publishedTreesAndTraps() throws {
        let folder = "vectors/commitments/rfc6962/"
        var reference = try JSONReader(
            try JSONValue(parsing: try SharedVectors.bytes(folder + "reference-tree.json"))
        )
        func bytes(_ value: JSONValue, _ path: String) throws(ParseError) -> [UInt8] {
            guard case .string(let text) = value else {
                throw ParseError(field: path, expected: "hexadecimal digits", actual: value.typeName)
            }
            return try Hex.decode(text, field: path)
        }
        let inputs = try reference.array("leaf_inputs_hex", max: 100, bytes)
        let leaves = inputs.map(MerkleTree.leafHash)
        #expect(try reference.array("leaf_hashes", max: 100, bytes) == leaves.map(\.bytes))

        var traps = try JSONReader(
            try JSONValue(parsing: try SharedVectors.bytes(folder + "homemade-traps.json"))
        )
        var doubled = try traps.object("cve_2012_2459")
        func root(_ reader: inout JSONReader, _ name: String) throws -> String {
            MerkleTree.root(ofLeafHashes: try reader.array(name, max: 10, bytes).map(MerkleTree.leafHash)).hex
        }
        #expect(try root(&doubled, "leaves_hex") == doubled.string("rfc6962_root"))
        #expect(try root(&doubled, "leaves_mutated_hex") == doubled.string("rfc6962_root_mutated"))
        var preimage = try traps.object("second_preimage")
        #expect(try root(&preimage, "leaves4_hex") == preimage.string("rfc6962_root_4"))
        #expect(try root(&preimage, "leaves2_hex") == preimage.string("rfc6962_root_2"))
    }
}
