// Receipts of services on the Confidential Consortium Framework (verifiable data structure 2 of draft-ietf-scitt-receipts-ccf-profile),
// and the SCITT statements (RFC 9943) that carry them. Their tree is none of RFC 9162: leaves and nodes have no prefixes, and a
// leaf covers the service's own transaction beside the statement.
public import Codecs
public import Commitments
public import Signatures

/// A CCF receipt of inclusion whose form is right. Nothing in it has been verified.
public struct CCFReceipt: Sendable {
    /// What the tree has for one statement.
    public struct Leaf: Sendable, Equatable {
        /// SHA-256 of what the service wrote to its own tables.
        public var transaction: Digest
        /// The service's commit evidence.
        public var evidence: String
        /// The digest of the statement that was registered.
        public var claims: Digest

        /// SHA-256(transaction ‖ SHA-256(evidence) ‖ claims).
        public var hash: Digest {
            SHA256.hash(transaction.bytes + SHA256.hash(Array(evidence.utf8)).bytes + claims.bytes)
        }
    }

    /// One step towards the root.
    public struct Node: Sendable, Equatable {
        /// Whether the other half stands on the left.
        public var isLeft: Bool
        /// The other half.
        public var hash: Digest
    }

    /// The most bytes of a receipt.
    public static let maxBytes = 1 << 16
    private static let ccf: Int64 = 2
    private static let rules = CBORRules(isDeterministic: false, bytes: maxBytes, depth: 8, items: 1000)

    /// The leaf.
    public let leaf: Leaf
    /// The way from the leaf to the root, at most 64 steps.
    public let path: [Node]
    /// The issuer that the protected header names (CWT claim 1), if it names one.
    public let issuer: String?
    /// The signed structure; its payload, the root, is detached.
    public let message: COSESign1

    /// Reads a receipt with one proof of inclusion.
    ///
    /// Refused: a payload that is not detached, another verifiable data structure or one outside the protected header, no proof or
    /// several, hashes that have not 32 bytes, more than 64 steps.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        message = try COSESign1(parsing: bytes[...], tag: .required, Self.rules)
        guard message.payload == nil else {
            throw ParseError(field: "ccf.payload", expected: "a detached payload", actual: "one inside")
        }
        let structure = message.protectedHeader[395]?.integer
        guard structure == Self.ccf else {
            let actual = structure.map { "\($0)" } ?? "none"
            throw ParseError(field: "ccf.protected.vds", expected: "2, CCF", actual: actual)
        }
        let field = "ccf.unprotected.vdp"
        guard let proofs = try message.unprotectedHeader[396]?.entries(max: 1, field).first, proofs.key.integer == -1
        else { throw ParseError(field: field, expected: "proofs of inclusion", actual: "none") }
        guard let item = try proofs.value.elements(max: 1, field).first else {
            throw ParseError(field: field, expected: "one proof", actual: "none")
        }
        let proof = try CBORItem(parsing: try item.byteString(1...Self.maxBytes, field), Self.rules)
        guard try proof.entries(max: 2, field).count == 2, let leaf = proof[1], let path = proof[2] else {
            throw ParseError(field: field, expected: "a leaf and a path", actual: "other members")
        }
        let parts = try leaf.elements(max: 3, field + ".leaf")
        guard parts.count == 3 else {
            throw ParseError(field: field + ".leaf", expected: "3 parts", actual: "\(parts.count)")
        }
        self.leaf = Leaf(
            transaction: try Self.digest(parts[0], field + ".leaf.transaction"),
            evidence: try parts[1].textString(maxBytes: 1024, field + ".leaf.evidence"),
            claims: try Self.digest(parts[2], field + ".leaf.claims")
        )
        self.path = try path.elements(max: 64, field + ".path").map { (step) throws(ParseError) -> Node in
            let pair = try step.elements(max: 2, field + ".path")
            guard pair.count == 2, case .bool(let isLeft) = pair[0].content else {
                throw ParseError(field: field + ".path", expected: "a side and a hash", actual: "another step")
            }
            return Node(isLeft: isLeft, hash: try Self.digest(pair[1], field + ".path"))
        }
        issuer = message.protectedHeader[15]?[1]?.text
    }

    private static func digest(_ item: CBORItem, _ field: String) throws(ParseError) -> Digest {
        try Digest(Array(try item.byteString(32...32, field)), field: field)
    }

    /// The root to which the path leads: what the service has signed, if the receipt holds.
    public var root: Digest {
        path.reduce(leaf.hash) { hash, node in
            SHA256.hash(node.isLeft ? node.hash.bytes + hash.bytes : hash.bytes + node.hash.bytes)
        }
    }
}

/// A signed statement together with the receipts of those who registered it.
public struct TransparentStatement: Sendable {
    /// The most bytes of a statement.
    public static let maxBytes = 1 << 20

    /// SHA-256 of the statement with an empty unprotected header: what a service registers (RFC 9943 §6).
    public let claims: Digest
    /// The receipts, each unread, from header 394.
    public let receipts: [[UInt8]]

    /// Takes a statement apart. Its own signature is not looked at.
    public init(parsing bytes: [UInt8]) throws(ParseError) {
        let rules = CBORRules(isDeterministic: false, bytes: Self.maxBytes, depth: 16, items: 10_000)
        guard case .tagged(COSESign1.tag, let body) = try CBORItem(parsing: bytes[...], rules).content else {
            throw ParseError(field: "statement", expected: "tag \(COSESign1.tag)", actual: "another item")
        }
        let parts = try body.elements(max: 4, "statement")
        guard parts.count == 4 else {
            throw ParseError(field: "statement", expected: "4 elements", actual: "\(parts.count)")
        }
        let protected = try parts[0].byteString(0...Self.maxBytes, "statement.protected")
        let payload = try parts[2].byteString(0...Self.maxBytes, "statement.payload")
        let signature = try parts[3].byteString(1...1024, "statement.signature")
        claims = SHA256.hash(
            CBORValue.tagged(
                COSESign1.tag,
                .array([.bytes(Array(protected)), .labelled([:]), .bytes(Array(payload)), .bytes(Array(signature))])
            ).encoded()
        )
        guard let list = parts[1][394] else {
            throw ParseError(field: "statement.receipts", expected: "receipts", actual: "none")
        }
        receipts = try list.elements(max: 16, "statement.receipts").map { (item) throws(ParseError) in
            Array(try item.byteString(1...CCFReceipt.maxBytes, "statement.receipts"))
        }
        guard !receipts.isEmpty else {
            throw ParseError(field: "statement.receipts", expected: "receipts", actual: "none")
        }
    }
}
