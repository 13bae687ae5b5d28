// `assay-tree-1` and SHA-256: streaming equals one shot, and the commitment binds what its formula names.
import AssayTesting
import Codecs
import Commitments
import Testing

@Suite struct SHA256Tests {
    /// FIPS 180-4 examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func knownValues(_ message: String, _ digest: String) {
        #expect(SHA256.hash(Array(message.utf8)).hex == digest)
    }

    @Test func piecesMakeTheSameDigest() {
        for seed: UInt64 in 0..<50 {
            var generator = SeededGenerator(seed: seed)
            let bytes = generator.bytes(Int.random(in: 0...500, using: &generator))
            var hash = SHA256()
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...70, using: &generator)
                hash.update(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            #expect(hash.finalized() == SHA256.hash(bytes), "seed \(seed)")
            #expect(hash.finalized() == hash.finalized())
        }
    }
}

@Suite struct DigestTests {
    @Test func onlyThirtyTwoBytesAreADigest() throws {
        for count in [0, 31, 33] {
            #expect(throws: ParseError.self) { try Digest([UInt8](repeating: 0, count: count)) }
            #expect(throws: ParseError.self) { try Digest(hex: String(repeating: "00", count: count)) }
        }
        #expect(throws: ParseError.self) { try Digest(hex: String(repeating: "AA", count: 32)) }
        #expect(try Digest([UInt8](repeating: 0, count: 32)) == .zero)
    }

    @Test func orderIsThatOfTheBytes() throws {
        for seed: UInt64 in 0..<200 {
            var generator = SeededGenerator(seed: seed)
            var (a, b) = (generator.bytes(32), generator.bytes(32))
            if seed.isMultiple(of: 2) { b[0..<20] = a[0..<20] }
            if seed.isMultiple(of: 5) { a = b }
            #expect((try Digest(a) < Digest(b)) == a.lexicographicallyPrecedes(b), "seed \(seed)")
            #expect((try Digest(a) == Digest(b)) == (a == b), "seed \(seed)")
        }
    }
}

@Suite struct ArtefactTreeTests {
    /// The commitment by its formula, without the library's tree.
    private func formula(_ bytes: [UInt8], _ chunkSize: Int) -> Digest {
        var leaves: [Digest] = []
        for start in stride(from: 0, to: bytes.count, by: chunkSize) {
            let chunk = Array(bytes[start..<min(start + chunkSize, bytes.count)])
            var leaf: [UInt8] = [0]
            leaf += SHA256.hash(chunk).bytes
            leaf.appendBigEndian(UInt64(chunk.count))
            leaves.append(SHA256.hash(leaf))
        }
        func root(_ leaves: ArraySlice<Digest>) -> Digest {
            guard leaves.count > 1 else { return leaves.first ?? SHA256.hash([]) }
            var split = 1
            while split * 2 < leaves.count { split *= 2 }
            return SHA256.hash([1] + root(leaves.prefix(split)).bytes + root(leaves.dropFirst(split)).bytes)
        }
        var input = Array("assay-tree-1\0sha2-256\0".utf8)
        input.appendBigEndian(UInt64(chunkSize))
        input.appendBigEndian(UInt64(bytes.count))
        return SHA256.hash(input + root(leaves[...]).bytes)
    }

    @Test func commitmentsFollowTheFormula() {
        var generator = SeededGenerator(seed: 21)
        for count in 0...70 {
            for chunkSize in [1, 3, 7, 16, 64, 100] {
                let bytes = generator.bytes(count)
                let commitment = ArtefactTree.commit(bytes, chunkSize: UInt64(chunkSize))
                #expect(commitment.commitment == formula(bytes, chunkSize), "\(count) bytes in chunks of \(chunkSize)")
                #expect(commitment.length == UInt64(count))
            }
        }
    }

    @Test func piecesMakeTheSameCommitment() {
        for seed: UInt64 in 0..<50 {
            var generator = SeededGenerator(seed: seed)
            let bytes = generator.bytes(Int.random(in: 0...300, using: &generator))
            var builder = ArtefactBuilder(chunkSize: 16)
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...40, using: &generator)
                builder.update(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            #expect(builder.finalized() == ArtefactTree.commit(bytes, chunkSize: 16), "seed \(seed)")
        }
    }

    @Test func lengthAndChunkingAreBound() {
        let bytes = [UInt8](repeating: 5, count: 64)
        let one = ArtefactTree.commit(bytes, chunkSize: 64)
        let other = ArtefactTree.commit(bytes, chunkSize: 128)
        #expect(one.treeRoot == other.treeRoot)
        #expect(one.commitment != other.commitment)
        #expect(ArtefactTree.commit([]).commitment != ArtefactTree.commit([0]).commitment)
    }

    @Test func chunksOpen() throws {
        var generator = SeededGenerator(seed: 23)
        for count in [1, 15, 16, 17, 100, 160] {
            let bytes = generator.bytes(count)
            let whole = ArtefactTree.commit(bytes, chunkSize: 16)
            for index in whole.chunkDigests.indices {
                let chunk = Array(bytes[index * 16..<min(count, index * 16 + 16)])
                let path = try #require(MerkleTree.inclusionProof(index: index, leafHashes: whole.leafHashes))
                func verify(_ chunk: [UInt8], _ index: Int, _ length: Int, _ chunkSize: UInt64) -> Bool {
                    ArtefactTree.verify(
                        chunk: chunk,
                        index: UInt64(index),
                        length: UInt64(length),
                        chunkSize: chunkSize,
                        path: path,
                        commitment: whole.commitment
                    )
                }
                #expect(verify(chunk, index, count, 16))
                #expect(!verify(chunk + [0], index, count, 16))
                #expect(!verify(Array(chunk.dropLast()), index, count, 16))
                #expect(!verify(chunk, index + 1, count, 16))
                #expect(!verify(chunk, index, count + 1, 16))
                #expect(!verify(chunk, index, count, 17))
                #expect(!verify(chunk, index, count, 0))
                var other = chunk
                other[0] ^= 1
                #expect(!verify(other, index, count, 16))
            }
        }
    }

    @Test func chunkDigestsRebuildTheCommitment() throws {
        var generator = SeededGenerator(seed: 24)
        let whole = ArtefactTree.commit(generator.bytes(100), chunkSize: 16)
        let digests = whole.chunkDigests
        #expect(try ArtefactCommitment(chunkDigests: digests, length: 100, chunkSize: 16) == whole)
        for (length, chunkSize): (UInt64, UInt64) in [(96, 16), (113, 16), (100, 0), (100, 1 << 31), (UInt64.max, 1)] {
            #expect(throws: ParseError.self) {
                try ArtefactCommitment(chunkDigests: digests, length: length, chunkSize: chunkSize)
            }
        }
    }
}
