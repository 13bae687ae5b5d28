// COSE Receipts made here, bent in every byte, and the two published ones.
import AssayTesting
import Codecs
import Commitments
import Foundation
import Signatures
import Testing
import TransparencyLog

@Suite struct COSEReceiptTests {
    private static let leaves = (0..<11).map { MerkleTree.leafHash([UInt8($0)]) }
    private let key: SigningKey

    init() throws { key = try SigningKey(seed: [UInt8](repeating: 9, count: 32)) }

    private func inclusion(_ index: Int) throws -> COSEReceipt {
        let path = try #require(MerkleTree.inclusionProof(index: index, leafHashes: Self.leaves))
        let proof = COSEReceipt.Proof.inclusion(size: 11, index: UInt64(index), path: path)
        let root = MerkleTree.root(ofLeafHashes: Self.leaves)
        let receipt = try COSEReceipt(parsing: COSEReceipt.sign(proof, root: root, with: key))
        #expect(receipt.proof == proof)
        return receipt
    }

    @Test func `Every entry is shown, and no other`() throws {
        for index in Self.leaves.indices {
            let receipt = try inclusion(index)
            for (other, leaf) in Self.leaves.enumerated() {
                #expect(receipt.includes(leaf: leaf, by: key.verifyingKey) == (other == index))
            }
            let stranger = try SigningKey(seed: [UInt8](repeating: 8, count: 32))
            #expect(!receipt.includes(leaf: Self.leaves[index], by: stranger.verifyingKey))
        }
    }

    @Test func `One root is the beginning of another`() throws {
        let newRoot = MerkleTree.root(ofLeafHashes: Self.leaves)
        for old in 1..<11 {
            let oldRoot = MerkleTree.root(ofLeafHashes: Array(Self.leaves.prefix(old)))
            let path = try #require(MerkleTree.consistencyProof(oldSize: old, leafHashes: Self.leaves))
            let proof = COSEReceipt.Proof.consistency(oldSize: UInt64(old), newSize: 11, path: path)
            let receipt = try COSEReceipt(parsing: COSEReceipt.sign(proof, root: newRoot, with: key))
            #expect(receipt.isConsistent(from: oldRoot, to: newRoot, by: key.verifyingKey))
            #expect(!receipt.isConsistent(from: newRoot, to: newRoot, by: key.verifyingKey))
            #expect(!receipt.isConsistent(from: oldRoot, to: oldRoot, by: key.verifyingKey))
            #expect(!receipt.includes(leaf: Self.leaves[0], by: key.verifyingKey))
        }
    }

    /// The unprotected header is not signed. A changed path or index leads to a root that the log has not signed; a changed
    /// size need not, where the path has the same form in both trees: nobody may rely on it.
    @Test func `No flipped or missing byte is believed, but in the size`() throws {
        let receipt = try inclusion(6)
        guard case .inclusion(_, let index, let path) = receipt.proof else { return }
        for position in receipt.bytes.indices {
            for mask: UInt8 in [0x01, 0x80] {
                var bytes = receipt.bytes
                bytes[position] ^= mask
                guard let bent = try? COSEReceipt(parsing: bytes),
                    bent.includes(leaf: Self.leaves[6], by: key.verifyingKey)
                else { continue }
                guard case .inclusion(let size, index, path) = bent.proof else {
                    Issue.record("byte \(position) gives \(bent.proof)")
                    continue
                }
                #expect(size != 11)
            }
            #expect(throws: ParseError.self) { try COSEReceipt(parsing: Array(receipt.bytes.prefix(position))) }
        }
        #expect(throws: ParseError.self) { try COSEReceipt(parsing: receipt.bytes + [0]) }
    }

    @Test(.enabled(if: SharedVectors.has("vectors/commitments/cose", for: "COSEReceiptTests")))
    func `The published receipts have this form`() throws {
        func read(_ name: String) throws -> COSEReceipt {
            let folder = try #require(SharedVectors.folder)
            let url = folder.appendingPathComponent("vectors/commitments/cose/receipts/\(name)-receipt.cbor")
            return try COSEReceipt(parsing: [UInt8](try Data(contentsOf: url)))
        }
        guard case .inclusion(let size, let index, let path) = try read("inclusion").proof,
            case .consistency(let old, let new, let nodes) = try read("consistency").proof
        else {
            Issue.record("other kinds of proof")
            return
        }
        // The lengths that RFC 9162 §2.1.3 and §2.1.4 give for entry 3 of 5, and from 3 to 5.
        #expect((size, index, path.count) == (5, 3, 3))
        #expect((old, new, nodes.count) == (3, 5, 4))
    }
}
