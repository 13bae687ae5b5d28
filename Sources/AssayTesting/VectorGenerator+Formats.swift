// The suites of formats: openings of ranges, DAG-CBOR, documents in COSE, proofs out of a log. Each valid case comes with the
// ways of bending it that a reader has to notice.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Signatures
internal import TransparencyLog

extension VectorGenerator {
    /// The content of the suites by path below `Vectors/`.
    static func formats() async throws -> [String: [UInt8]] {
        [
            "commitments/assay-opening.json": suite(
                "assay-opening",
                "Ranges of chunks (assay.opening/1) against the commitment within; valid: the data are those chunks.",
                try openingCases()
            ),
            "commitments/dag-cbor.json": suite(
                "dag-cbor",
                "Blocks of codec 0x71; malformed: a strict reader refuses them.",
                dagCBORCases()
            ),
            "receipts/cose-document.json": suite(
                "cose-document",
                "Receipts in COSE_Sign1 by a key; accepted: the digest is that of the document in either encoding.",
                try await coseCases()
            ),
            "log/log-proof.json": suite(
                "log-proof",
                "A leaf, an offline proof (c2sp.org/tlog-proof) and a policy (c2sp.org/tlog-policy).",
                try logProofCases()
            ),
        ]
    }

    // MARK: Openings

    private static func openingCases() throws -> [JSONValue] {
        var cases: [JSONValue] = []
        let bytes = counter(300)
        let artefact = ArtefactTree.commit(bytes, chunkSize: 32)
        for chunks: Range<UInt64> in [0..<1, 0..<10, 3..<5, 9..<10, 4..<10] {
            guard let opening = ArtefactOpening(of: artefact, chunks: chunks), case .object(let object) = opening.json
            else { continue }
            let data = Array(bytes[Int(chunks.lowerBound) * 32..<min(300, Int(chunks.upperBound) * 32)])
            let id = "\(chunks.lowerBound)-to-\(chunks.upperBound)"
            func add(_ name: String, _ outcome: String, _ opening: JSONObject, _ data: [UInt8]) {
                let input: JSONObject = ["opening": .object(opening), "hex": .string(Hex.encode(data))]
                cases.append(vector(name.isEmpty ? id : "\(id)-\(name)", outcome, input))
            }
            add("", "valid", object, data)
            add("flipped", "invalid", object, [data[0] ^ 1] + data.dropFirst())
            add("longer", "invalid", object, data + [0])
            add("shorter", "invalid", object, Array(data.dropLast()))
            for (name, member, value) in [
                ("other-first", "firstChunk", "1"), ("beyond", "firstChunk", "10"), ("other-length", "length", "301"),
                ("other-chunk-size", "chunkSize", "64"), ("largest-first", "firstChunk", String(UInt64.max)),
            ] where object[member] != .string(value) {
                var bent = object
                bent[member] = .string(value)
                add(name, "invalid", bent, data)
            }
            let nodes = opening.proof.map { JSONValue.string($0.hex) }
            for index in nodes.indices {
                var dropped = nodes
                dropped.remove(at: index)
                var bent = object
                bent["proof"] = .array(dropped)
                add("without-node-\(index)", "invalid", bent, data)
            }
            var longer = object
            longer["proof"] = .array(nodes + [.string(Digest.zero.hex)])
            add("node-too-many", "invalid", longer, data)
            var zero = object
            zero["length"] = .string("0")
            add("of-nothing", "malformed", zero, data)
        }
        return cases
    }

    // MARK: DAG-CBOR

    private static func dagCBORCases() -> [JSONValue] {
        let link = CBORValue.tagged(42, .bytes([0] + BlockIdentifier(.raw([1])).bytes))
        let valid: [(String, CBORValue)] = [
            ("null", .null), ("largest-integer", .unsigned(.max)), ("smallest-integer", .negative(.max)),
            ("float", .float(0.5)), ("empty-map", .map([])), ("link", link),
            ("length-first-keys", .map([.init(.text("b"), .null), .init(.text("aa"), link)])),
        ]
        let malformed: [(String, String)] = [
            ("half-float", "f93800"), ("single-float", "fa3f000000"), ("infinity", "fb7ff0000000000000"),
            ("not-a-number", "fb7ff8000000000000"), ("undefined", "f7"), ("simple-value", "e0"),
            ("integer-key", "a10102"), ("byte-key", "a1410102"), ("keys-out-of-order", "a26162016161f6"),
            ("longer-key-first", "a2626161016161f6"), ("key-twice", "a2616101616102"), ("other-tag", "c001"),
            ("link-without-zero", "d82a4101"), ("link-without-cid", "d82a4100"), ("link-of-no-bytes", "d82a01"),
            ("padded-integer", "1801"), ("indefinite-array", "9fff"), ("indefinite-text", "7f6161ff"),
            ("no-utf8", "61ff"), ("trailing-byte", "8000"), ("cut", "8261"), ("empty", ""),
        ]
        return valid.map { vector($0, "valid", ["hex": .string(Hex.encode($1.encoded(floats: .double)))]) }
            + malformed.map { vector($0, "malformed", ["hex": .string($1)]) }
    }

    // MARK: COSE

    private static func coseCases() async throws -> [JSONValue] {
        let factory = try BundleFactory(seed: 3)
        let bundle = try Bundle(parsing: await factory.bundle(.accepted))
        let receipt = try Signed<Receipt>(verifying: bundle.member(BundleMember.receipt))
        let document = try COSEDocument.sign(receipt.predicate, subjects: receipt.subjects, with: factory.engine)
        var cases: [JSONValue] = []
        func add(_ id: String, _ outcome: String, _ bytes: [UInt8], key: VerifyingKey? = nil) {
            let input: JSONObject = [
                "cose": .string(Hex.encode(bytes)), "key": .string((key ?? document.signer).text),
                "digest": .string(receipt.digest.hex),
            ]
            cases.append(vector(id, outcome, input))
        }
        let bytes = document.bytes
        add("receipt", "accepted", bytes)
        add("other-key", "badSignature", bytes, key: factory.stranger.verifyingKey)
        add("flipped-signature", "badSignature", Array(bytes.dropLast()) + [bytes[bytes.count - 1] ^ 1])
        add("no-tag", "malformed", Array(bytes.dropFirst()))
        add("trailing-byte", "malformed", bytes + [0])
        add("cut", "malformed", Array(bytes.dropLast()))
        add("empty", "malformed", [])
        let payload = Array(try COSESign1(parsing: bytes[...]).payload ?? [])
        // Correctly signed, and the header says something else than the statement.
        let type = CBORValue.Pair(.integer(3), .text(COSEStatement.contentType))
        func claims(_ issuer: VerifyingKey, _ subject: Digest) -> CBORValue.Pair {
            .init(.integer(15), .labelled([1: .text(issuer.text), 2: .text("sha256:" + subject.hex)]))
        }
        let subject = receipt.subjects[0].digest
        for (name, headers) in [
            ("no-claims", [type]), ("other-issuer", [type, claims(factory.stranger.verifyingKey, subject)]),
            ("other-subject", [type, claims(receipt.signer, .zero)]), ("no-type", [claims(receipt.signer, subject)]),
        ] {
            add(name, "malformed", try COSESign1.sign(payload, headers: headers, with: factory.engine))
        }
        return cases
    }

    // MARK: Log

    private static func logProofCases() throws -> [JSONValue] {
        let log = try NoteSigner(name: "log.example/v", algorithm: .ed25519, key: SigningKey(seed: Array(1...32)))
        let witness = try NoteSigner(
            name: "w.example/v",
            algorithm: .cosignature,
            key: SigningKey(seed: Array(2...33))
        )
        let leaves = (UInt8(0)..<7).map { MerkleTree.leafHash([$0]) }
        let tree = MerkleLevels(leafHashes: leaves)
        var signed = try SignedCheckpoint(try Checkpoint(origin: log.key.name, size: 7, root: tree.root))
        signed.note.signatures = [try log.sign(signed.note), try witness.sign(signed.note, time: 1_700_000_000)]
        let policy = "log \(log.key.text)\nwitness w \(witness.key.text)\nquorum w\n"
        var cases: [JSONValue] = []
        func add(_ id: String, _ outcome: String, _ proof: LogProof, leaf: Digest, policy: String = policy) {
            let input: JSONObject = [
                "leaf": .string(leaf.hex), "proof": .string(String(decoding: proof.bytes, as: UTF8.self)),
                "policy": .string(policy),
            ]
            cases.append(vector(id, outcome, input))
        }
        for index in [0, 3, 6] {
            let path = tree.inclusionProof(index: UInt64(index)) ?? []
            let proof = LogProof(index: UInt64(index), path: path, checkpoint: signed)
            add("entry-\(index)", "accepted", proof, leaf: leaves[index])
            add("entry-\(index)-other-leaf", "refused", proof, leaf: leaves[(index + 1) % 7])
            for node in path.indices {
                var bent = proof
                bent.path.remove(at: node)
                add("entry-\(index)-without-node-\(node)", "refused", bent, leaf: leaves[index])
            }
            var longer = proof
            longer.path.append(.zero)
            add("entry-\(index)-node-too-many", "refused", longer, leaf: leaves[index])
            var moved = proof
            moved.index = UInt64((index + 1) % 7)
            add("entry-\(index)-other-index", "refused", moved, leaf: leaves[index])
            var unseen = proof
            unseen.checkpoint.note.signatures.removeLast()
            add("entry-\(index)-no-witness", "refused", unseen, leaf: leaves[index])
            let none = "log \(log.key.text)\nquorum none\n"
            add("entry-\(index)-no-witness-wanted", "accepted", unseen, leaf: leaves[index], policy: none)
            var unsigned = proof
            unsigned.checkpoint.note.signatures.removeFirst()
            add("entry-\(index)-no-log", "refused", unsigned, leaf: leaves[index])
        }
        return cases
    }
}
