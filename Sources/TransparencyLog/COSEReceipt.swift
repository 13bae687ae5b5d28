// COSE Receipts (RFC 9942 §4 and §5) with the verifiable data structure RFC9162_SHA256: inclusion and consistency proofs of the
// same tree that checkpoints sign, for readers that have COSE and no notes.
public import Codecs
public import Commitments
public import Signatures

/// A receipt whose form is right. Nothing in it has been verified.
///
/// The signature covers the **root alone**: size and index stand in the unprotected header, and no name of a log is signed. A
/// checkpoint says more, and is what policies believe; this is an export of it.
public struct COSEReceipt: Sendable {
    /// What a receipt proves.
    public enum Proof: Sendable, Equatable {
        /// An entry stands at `index` of a tree of `size` entries.
        case inclusion(size: UInt64, index: UInt64, path: [Digest])
        /// The tree of `oldSize` entries is the beginning of that of `newSize`.
        case consistency(oldSize: UInt64, newSize: UInt64, path: [Digest])
    }

    /// The most bytes of a receipt.
    public static let maxBytes = 1 << 16
    /// Header `vds` (395) and its value for RFC 9162's tree.
    private static let structure: (label: Int64, rfc9162: Int64) = (395, 1)
    /// Header `vdp` (396) and the labels of its proofs.
    private static let proofs: (label: Int64, inclusion: Int64, consistency: Int64) = (396, -1, -2)

    /// What is proved: one proof, which is what is made here.
    public let proof: Proof
    /// The receipt's bytes.
    public let bytes: [UInt8]
    private let message: COSESign1

    /// Reads a receipt with one proof.
    ///
    /// Refused: a payload that is not detached, another verifiable data structure or one outside the protected header, no proof
    /// or several, sizes and indices beyond 2^63 − 1, hashes that have not 32 bytes.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let rules = CBORRules(isDeterministic: false, bytes: Self.maxBytes, depth: 8, items: 1000)
        let message = try COSESign1(parsing: bytes[...], tag: .required, rules)
        guard message.payload == nil else {
            throw ParseError(field: "cose.payload", expected: "a detached payload", actual: "one inside")
        }
        let structure = message.protectedHeader[Self.structure.label]?.integer
        guard structure == Self.structure.rfc9162 else {
            let actual = structure.map { "\($0)" } ?? "none"
            throw ParseError(field: "cose.protected.vds", expected: "1, RFC9162_SHA256", actual: actual)
        }
        guard let proofs = message.unprotectedHeader[Self.proofs.label] else {
            throw ParseError(field: "cose.unprotected.vdp", expected: "proofs", actual: "none")
        }
        let entries = try proofs.entries(max: 2, "cose.unprotected.vdp")
        guard let entry = entries.first, entries.count == 1 else {
            throw ParseError(field: "cose.unprotected.vdp", expected: "proofs of one kind", actual: "\(entries.count)")
        }
        let list = try entry.value.elements(max: 1, "cose.unprotected.vdp")
        guard let item = list.first else {
            throw ParseError(field: "cose.unprotected.vdp", expected: "one proof", actual: "none")
        }
        let field = "cose.unprotected.vdp[0]"
        let encoded = try CBORItem(parsing: try item.byteString(1...Self.maxBytes, field), rules)
        let parts = try encoded.elements(max: 3, field)
        guard parts.count == 3 else {
            throw ParseError(field: field, expected: "two numbers and a path", actual: "\(parts.count) elements")
        }
        let first = UInt64(try parts[0].integer(in: 0...Int64.max, field + "[0]"))
        let second = UInt64(try parts[1].integer(in: 0...Int64.max, field + "[1]"))
        let path = try parts[2].elements(max: 63, field + ".path").map { (node) throws(ParseError) -> Digest in
            try Digest(Array(try node.byteString(32...32, field + ".path")), field: field + ".path")
        }
        switch entry.key.integer {
        case Self.proofs.inclusion: proof = .inclusion(size: first, index: second, path: path)
        case Self.proofs.consistency: proof = .consistency(oldSize: first, newSize: second, path: path)
        default:
            throw ParseError(field: "cose.unprotected.vdp", expected: "-1 or -2", actual: entry.key.typeName)
        }
        self.message = message
        self.bytes = bytes
    }

    /// Makes the receipt of a proof.
    /// - Parameters:
    ///   - root: the root of the tree in which the entry stands, or of the newer tree: what is signed.
    ///   - key: the log's key. Its text is the key identifier in the protected header.
    public static func sign(
        _ proof: Proof,
        root: Digest,
        with key: SigningKey
    ) throws(KeyError) -> [UInt8] {
        let (kind, numbers, path) =
            switch proof {
            case .inclusion(let size, let index, let path): (proofs.inclusion, [size, index], path)
            case .consistency(let old, let new, let path): (proofs.consistency, [old, new], path)
            }
        let encoded = CBORValue.array(
            numbers.map { .unsigned($0) } + [.array(path.map { .bytes($0.bytes) })]
        ).encoded()
        let protected = CBORValue.labelled([
            1: .integer(key.verifyingKey.coseAlgorithm.rawValue),
            4: .bytes(Array(key.verifyingKey.text.utf8)),
            structure.label: .integer(structure.rfc9162),
        ]).encoded()
        let message = COSESign1.signedBytes(protected: protected[...], payload: root.bytes[...])
        return CBORValue.tagged(
            COSESign1.tag,
            .array([
                .bytes(protected), .labelled([proofs.label: .labelled([kind: .array([.bytes(encoded)])])]), .null,
                .bytes(try key.signature(for: message)),
            ])
        ).encoded()
    }

    /// Whether `key` has signed a root under which the entry with this leaf hash stands at `index`.
    ///
    /// False for a proof of consistency.
    public func includes(leaf: Digest, by key: VerifyingKey) -> Bool {
        guard case .inclusion(let size, let index, let path) = proof,
            let root = MerkleTree.rootByInclusion(leaf: leaf, index: index, size: size, proof: path)
        else { return false }
        return message.isSigned(by: key, detached: root.bytes)
    }

    /// Whether `key` has signed `newRoot`, and the tree under `oldRoot` is the beginning of that under it.
    ///
    /// False for a proof of inclusion.
    public func isConsistent(from oldRoot: Digest, to newRoot: Digest, by key: VerifyingKey) -> Bool {
        guard case .consistency(let oldSize, let newSize, let path) = proof,
            MerkleTree.verifyConsistency(
                oldSize: oldSize,
                newSize: newSize,
                proof: path,
                oldRoot: oldRoot,
                newRoot: newRoot
            )
        else { return false }
        return message.isSigned(by: key, detached: newRoot.bytes)
    }
}
