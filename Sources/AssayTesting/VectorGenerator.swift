// Makes Assay's published vectors from fixed seeds. What is committed under `Vectors/` is exactly what this writes; a test
// compares them.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Signatures

/// The generator of the suites in `Vectors/`.
public enum VectorGenerator {
    /// The content of every file by its path below `Vectors/`.
    public static func files() async throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        files["commitments/assay-tree-1.json"] = suite(
            "assay-tree-1",
            "Commitments of byte strings; outcome valid: treeRoot and commitment are those of the bytes.",
            trees()
        )
        files["commitments/assay-tree-1-opening.json"] = suite(
            "assay-tree-1-opening",
            "A chunk and its RFC 9162 path against a commitment.",
            try openings()
        )
        files["commitments/cid.json"] = suite(
            "cid",
            "IPFS identifiers under profile unixfs-v1-2025.",
            cids()
        )
        files["receipts/job-id.json"] = suite("job-id", "Names of jobs.", try jobIDs())
        files["receipts/account-name.json"] = suite("account-name", "Names of accounts.", try accountNames())
        try await addBundles(to: &files)
        files.merge(try await formats()) { first, _ in first }
        return files
    }

    static func suite(_ family: String, _ about: String, _ cases: [JSONValue]) -> [UInt8] {
        JSONValue.object([
            "schema": .string("assay.vectors/1"),
            "family": .string(family),
            "about": .string(about),
            "cases": .array(cases),
        ]).serialized(pretty: true)
    }

    static func vector(_ id: String, _ outcome: String, _ input: JSONObject) -> JSONValue {
        .object(["id": .string(id), "outcome": .string(outcome), "input": .object(input)])
    }

    /// Byte i is i mod 251, so that no large input has to be written down.
    static func counter(_ length: Int) -> [UInt8] {
        (0..<length).map { UInt8($0 % 251) }
    }

    // MARK: Commitments

    private static func trees() -> [JSONValue] {
        var cases: [JSONValue] = []
        let mebibyte = 1 << 20
        let shapes: [(Int, UInt64)] = [
            (0, 16), (1, 16), (15, 16), (16, 16), (17, 16), (32, 16), (33, 16), (48, 16), (80, 16), (112, 16),
            (113, 16),
            (4095, 4096), (4096, 4096), (4097, 4096), (0, 1 << 20), (mebibyte, 1 << 20), (mebibyte + 1, 1 << 20),
            (3 * mebibyte + 7, 1 << 20), (10, 1),
        ]
        for (length, chunkSize) in shapes {
            let commitment = ArtefactTree.commit(counter(length), chunkSize: chunkSize)
            func input(_ root: Digest, _ commitment: Digest) -> JSONObject {
                [
                    "lengthOfCounter251": .integer(length),
                    "chunkSize": .string(String(chunkSize)),
                    "treeRoot": .string(root.hex),
                    "commitment": .string(commitment.hex),
                ]
            }
            let id = "\(length)-by-\(chunkSize)"
            cases.append(vector(id, "valid", input(commitment.treeRoot, commitment.commitment)))
            let longer = ArtefactTree.commitment(
                root: commitment.treeRoot,
                length: commitment.length + 1,
                chunkSize: chunkSize
            )
            cases.append(vector(id + "-other-length", "invalid", input(commitment.treeRoot, longer)))
            cases.append(
                vector(id + "-root-for-commitment", "invalid", input(commitment.treeRoot, commitment.treeRoot))
            )
        }
        return cases
    }

    private static func openings() throws -> [JSONValue] {
        var cases: [JSONValue] = []
        let length = 77
        let bytes = counter(length)
        let whole = ArtefactTree.commit(bytes, chunkSize: 16)
        for index in whole.chunkDigests.indices {
            let chunk = Array(bytes[index * 16..<min(length, index * 16 + 16)])
            guard let path = MerkleTree.inclusionProof(index: index, leafHashes: whole.leafHashes) else { continue }
            let input: JSONObject = [
                "hex": .string(Hex.encode(chunk)),
                "index": .string(String(index)),
                "length": .string(String(length)),
                "chunkSize": .string("16"),
                "path": .array(path.map { .string($0.hex) }),
                "commitment": .string(whole.commitment.hex),
            ]
            cases.append(vector("chunk-\(index)", "valid", input))
            let changes: [(String, String, JSONValue)] = [
                ("flipped-chunk", "hex", .string(Hex.encode([chunk[0] ^ 1] + chunk.dropFirst()))),
                ("longer-chunk", "hex", .string(Hex.encode(chunk + [0]))),
                ("shorter-chunk", "hex", .string(Hex.encode(chunk.dropLast()))),
                ("other-index", "index", .string(String((index + 1) % 5))),
                ("index-out-of-range", "index", .string("5")),
                ("largest-index", "index", .string(String(UInt64.max))),
                ("other-length", "length", .string("78")),
                ("zero-length", "length", .string("0")),
                ("other-chunk-size", "chunkSize", .string("17")),
                ("zero-chunk-size", "chunkSize", .string("0")),
                ("short-path", "path", .array(path.dropLast().map { .string($0.hex) })),
                ("long-path", "path", .array((path + [path[0]]).map { .string($0.hex) })),
                ("reversed-path", "path", .array((path.reversed() + [.zero]).map { .string($0.hex) })),
                ("root-as-commitment", "commitment", .string(whole.treeRoot.hex)),
            ]
            for (name, member, value) in changes {
                var changed = input
                changed[member] = value
                cases.append(vector("chunk-\(index)-\(name)", "invalid", changed))
            }
        }
        return cases
    }

    private static func cids() -> [JSONValue] {
        var cases: [JSONValue] = []
        for length in [0, 1, 250, 251, 4096, 1 << 20, 1 << 20 + 1, 3 << 20] {
            let identity = ArtefactIdentity(of: counter(length))
            func input(_ cid: CID) -> JSONObject {
                ["lengthOfCounter251": .integer(length), "cid": .string(cid.text)]
            }
            cases.append(vector("\(length)", "valid", input(identity.cid)))
            let codec: CID.Codec = identity.cid.codec == .raw ? .dagPB : .raw
            cases.append(
                vector("\(length)-other-codec", "invalid", input(CID(codec: codec, digest: identity.cid.digest)))
            )
            if length > 1 << 20 { cases.append(vector("\(length)-flat-hash", "invalid", input(.raw(counter(length))))) }
        }
        return cases
    }

    // MARK: Names

    private static func jobIDs() throws -> [JSONValue] {
        var cases: [JSONValue] = []
        for seed: UInt64 in 1...3 {
            let factory = try BundleFactory(seed: seed)
            let requester = factory.requester.verifyingKey
            let spec = factory.tiny.job.bytes
            let jobID = try JobID(requester: requester, nonce: factory.nonce, spec: spec)
            let input: JSONObject = [
                "requester": .string(requester.text),
                "nonce": .string(Hex.encode(factory.nonce)),
                "spec": .string(Hex.encode(spec)),
                "jobId": .string(jobID.text),
            ]
            cases.append(vector("seed-\(seed)", "valid", input))
            let changes: [(String, String, JSONValue)] = [
                ("other-requester", "requester", .string(factory.stranger.verifyingKey.text)),
                ("other-nonce", "nonce", .string(Hex.encode(factory.nonce.reversed()))),
                ("other-spec", "spec", .string(Hex.encode(spec + [0x0a]))),
                ("hash-of-spec", "jobId", .string(SHA256.hash(spec).hex)),
            ]
            for (name, member, value) in changes {
                var changed = input
                changed[member] = value
                cases.append(vector("seed-\(seed)-\(name)", "invalid", changed))
            }
        }
        return cases
    }

    private static func accountNames() throws -> [JSONValue] {
        let factory = try BundleFactory(seed: 1)
        let owner = factory.requester.verifyingKey
        return AccountName.Purpose.allCases.flatMap { purpose in
            let name = AccountName(currency: "TEST", purpose: purpose, owner: owner)
            func input(_ currency: String) -> JSONObject {
                [
                    "currency": .string(currency),
                    "purpose": .string(purpose.rawValue),
                    "owner": .string(owner.text),
                    "account": .string(name.text),
                ]
            }
            return [
                vector(purpose.rawValue, "valid", input("TEST")),
                vector(purpose.rawValue + "-other-currency", "invalid", input("TES")),
            ]
        }
    }

    // MARK: Bundles

    /// Lies whose bundles are published: one of each kind, not every one.
    private static let publishedLies: [BundleLie] = [
        .forgedReceiptSignature, .forgedVerdictSignature, .forgedManifestSignature, .untrustedEngine, .extraMember,
        .missingInput, .otherSpec, .swappedLease, .executionOfAnotherEpoch, .otherOutput, .outputOutsideTrace,
        .inflatedMeter, .replacedVerdict, .verdictWithOtherRoots, .foreignValidator, .acceptedAgainstVerdict,
        .rejectedAgainstVerdict, .otherRuleset, .higherGross, .wrongSplit, .paidToSomebodyElse, .keptRefund, .keptStake,
    ]

    private static func addBundles(to files: inout [String: [UInt8]]) async throws {
        let factory = try BundleFactory(seed: 2)
        files["receipts/bundles/trust.json"] = factory.trust.bytes
        var cases: [JSONValue] = []
        func add(_ id: String, _ outcome: String, _ bytes: [UInt8], failedCheck: String? = nil) {
            let path = "bundles/\(id).assay"
            files["receipts/" + path] = bytes
            var input: JSONObject = ["bundle": .string(path), "trust": .string("bundles/trust.json")]
            if let failedCheck { input["failedCheck"] = .string(failedCheck) }
            cases.append(vector(id, outcome, input))
        }
        for ending in BundleFactory.Ending.allCases {
            let outcome = ending == .accepted ? "accepted" : "notAccepted"
            add("true-\(ending.rawValue)", outcome, try await factory.bundle(ending))
        }
        for lie in publishedLies {
            let bytes = try await factory.bundle(lie: lie)
            add("lie-\(lie.rawValue)", "refuted", bytes, failedCheck: lie.expectedCheck)
        }
        let whole = try await factory.bundle()
        var changed = whole
        changed[whole.count - 1] ^= 1
        add("damaged-block", "refuted", changed, failedCheck: "bundle.blocks")
        add("damaged-truncated", "malformed", Array(whole.dropLast()))
        add("damaged-trailing-byte", "malformed", whole + [0])
        add("damaged-empty", "malformed", [])
        files["receipts/bundles.json"] = suite(
            "bundle",
            "Audits of bundles against trust.json, without a replay. A lie names a check that must be among the failed ones.",
            cases
        )
    }
}
