// The audit of a receipt that has to be in a log: each lie about it is told alone.
import Appraisal
import AssayTesting
import Codecs
import Commitments
import Receipts
import Signatures
import Testing
import TransparencyLog
import Verdicts

/// A log of seven entries, the fifth of which is the receipt's.
private struct SmallLog {
    let factory: BundleFactory
    let bundle: [UInt8]
    let entries: [[UInt8]]
    let signer: NoteSigner
    let witness: WitnessSigner
    static let place: UInt64 = 4

    init() async throws {
        factory = try BundleFactory()
        bundle = try await factory.bundle(.accepted)
        let receipt = try UnverifiedDocument<Receipt>(parsing: try Bundle(parsing: bundle).member(BundleMember.receipt))
        entries = (0..<7).map { $0 == Self.place ? receipt.logEntry : [UInt8](repeating: UInt8($0), count: 64) }
        let key = try SigningKey(seed: [UInt8](repeating: 1, count: 32))
        signer = try NoteSigner(name: "log.example/a", algorithm: .ed25519, key: key)
        witness = try WitnessSigner(name: "w.example/w", key: SigningKey(seed: [UInt8](repeating: 2, count: 32)))
    }

    /// A proof under a checkpoint that the log's key, or `key` in its name, has signed.
    func proof(index: UInt64 = place, isWitnessed: Bool = true, by key: SigningKey? = nil) throws -> LogProof {
        let leaves = entries.map { MerkleTree.leafHash($0) }
        let path = try #require(MerkleLevels(leafHashes: leaves).inclusionProof(index: index))
        let root = MerkleTree.root(ofLeafHashes: leaves)
        var signed = try SignedCheckpoint(try Checkpoint(origin: signer.key.name, size: 7, root: root))
        let author = try key.map { try NoteSigner(name: signer.key.name, algorithm: .ed25519, key: $0) } ?? signer
        signed.note.signatures = [try author.sign(signed.note)]
        if isWitnessed { signed.note.signatures.append(try witness.cosign(signed, at: 1_760_000_150)) }
        return LogProof(index: index, path: path, checkpoint: signed)
    }

    func trust(_ lines: [String]) throws -> TrustFile {
        try TrustFile(
            engines: factory.trust.engines,
            validators: factory.trust.validators,
            quorum: 1,
            log: lines
        )
    }

    var policy: [String] { ["log \(signer.key.text)", "witness w \(witness.key.text)", "quorum w"] }

    func failures(_ proof: LogProof?, _ lines: [String]? = nil) async throws -> [String] {
        let bytes = try proof.map { try Bundle.attaching(logProof: $0.bytes, to: bundle) } ?? bundle
        let report = try await Audit.run(bundle: bytes, trust: try trust(lines ?? policy))
        #expect(report.isAuthentic == report.verdict.checks.allSatisfy { $0.result != .fail })
        return report.verdict.checks.filter { $0.result == .fail }.map(\.id)
    }
}

@Suite struct LogAuditTests {
    @Test func aReceiptIsInTheLogThatTheTrustFileNames() async throws {
        let log = try await SmallLog()
        #expect(try await log.failures(try log.proof()) == [])
        let trust = try log.trust(log.policy)
        #expect(try TrustFile(parsing: trust.bytes) == trust)
        let report = try await Audit.run(
            bundle: try Bundle.attaching(logProof: try log.proof().bytes, to: log.bundle),
            trust: trust
        )
        let checks = report.verdict.checks.filter { $0.id.hasPrefix("log.") }
        #expect(checks.map(\.id) == ["log.proof", "log.policy", "log.inclusion"])
        #expect(checks.map(\.actual).contains("log.example/a, w"))
    }

    @Test func eachLieAboutTheLogIsNamed() async throws {
        let log = try await SmallLog()
        #expect(try await log.failures(nil) == ["log.proof"])
        #expect(try await log.failures(try log.proof(isWitnessed: false)) == ["log.policy"])
        let stranger = try SigningKey(seed: [UInt8](repeating: 9, count: 32))
        #expect(try await log.failures(try log.proof(by: stranger)) == ["log.policy"])
        #expect(try await log.failures(try log.proof(index: 5)) == ["log.inclusion"])
        var moved = try log.proof()
        moved.index = 3
        #expect(try await log.failures(moved) == ["log.inclusion"])
        for place in try log.proof().path.indices {
            var cut = try log.proof()
            cut.path.remove(at: place)
            #expect(try await log.failures(cut) == ["log.inclusion"])
        }
        var long = try log.proof()
        long.path.append(.zero)
        #expect(try await log.failures(long) == ["log.inclusion"])
        let foreign = try NoteKey(name: "log.example/b", algorithm: .ed25519, key: stranger.verifyingKey)
        #expect(try await log.failures(try log.proof(), ["log \(foreign.text)", "quorum none"]) == ["log.policy"])
        #expect(try await log.failures(try log.proof(), ["quorum none"]) == ["log.policy"])
    }

    @Test func aProofSaysNothingToWhoeverNamesNoLog() async throws {
        let log = try await SmallLog()
        let attached = try Bundle.attaching(logProof: try log.proof(index: 2).bytes, to: log.bundle)
        let report = try await Audit.run(bundle: attached, trust: log.factory.trust)
        #expect(report.conclusion == .accepted)
        #expect(report.verdict.checks.filter { $0.id.hasPrefix("log.") }.map(\.result) == [.skip])
    }

    @Test func theAttachmentIsTheOnlyThingThatTheEngineHasNotSigned() async throws {
        let log = try await SmallLog()
        let proof = try log.proof().bytes
        let attached = try Bundle.attaching(logProof: proof, to: log.bundle)
        #expect(attached.starts(with: log.bundle))
        #expect(try Bundle(parsing: attached).logProof == proof)
        #expect(try Bundle.attaching(logProof: nil, to: attached) == log.bundle)
        #expect(try Bundle.attaching(logProof: proof, to: attached) == attached)
        for other in [[], [1], Array("c2sp.org/tlog-proof@v2\n".utf8)] as [[UInt8]] {
            #expect(throws: BundleError.self) { try Bundle.attaching(logProof: other, to: log.bundle) }
        }
        // Two of them, or one before the last block, make no bundle.
        let blocks = try CAR(parsing: attached, maxBlocks: 100, maxBlockBytes: 1 << 20)
        let second = try log.proof(index: 1).bytes
        for order in [
            blocks.blocks + [(CID.raw(second), second)],
            Array(blocks.blocks.dropLast(2) + blocks.blocks.suffix(2).reversed()),
        ] {
            #expect(throws: BundleError.self) { try Bundle(parsing: CAR(root: blocks.root, blocks: order).bytes) }
        }
        // Every bit of the attachment's bytes counts to whoever names the log.
        let trust = try log.trust(log.policy)
        for offset in stride(from: log.bundle.count, to: attached.count, by: 5) {
            var damaged = attached
            damaged[offset] ^= 1 << UInt8(offset % 7)
            let report = try? await Audit.run(bundle: damaged, trust: trust)
            #expect(report?.isAuthentic != true, "byte \(offset)")
        }
    }
}
