// A kept log: appended, proved, reopened, tampered with, and killed in the middle of its work.
import Codecs
import Commitments
import Foundation
import LogKeeping
import Signatures
import Testing
import TransparencyLog

private final class Workplace: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "assay-log-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var log: String { path + "/log" }

    func open(_ origin: String = "log.example/kept") throws -> LogKeeper {
        try LogKeeper(
            path: log,
            queue: path + "/queue.sqlite",
            origin: origin,
            signingKey: SigningKey(seed: [UInt8](repeating: 5, count: 32))
        )
    }
}

@Suite struct LogKeeperTests {
    @Test func `What is appended is in the next checkpoint, with a proof for each entry`() async throws {
        let place = try Workplace()
        let keeper = try place.open()
        var entries: [[UInt8]] = []
        var previous = try #require(try keeper.folder.checkpoint()).checkpoint
        #expect(previous.size == 0)
        for batch in [1, 254, 1, 1, 300, 0, 77] {
            let new = (0..<batch).map { Array("entry \(entries.count + $0)".utf8) }
            #expect(try await keeper.append(new) == UInt64(entries.count)..<UInt64(entries.count + batch))
            entries += new
            let signed = try await keeper.integrate()
            #expect(signed.checkpoint.size == UInt64(entries.count))
            #expect(signed.checkpoint.root == MerkleTree.root(ofLeafHashes: entries.map { MerkleTree.leafHash($0) }))
            #expect(try signed.note.verify([keeper.key]).verified.count == 1)
            let seen = try ViewComparison.compare(previous, signed.checkpoint, tiles: keeper.folder)
            #expect(seen == (batch == 0 ? .same : .consistent))
            previous = signed.checkpoint
        }
        for index in stride(from: 0, to: entries.count, by: 61) {
            let proof = try #require(try await keeper.proof(index: UInt64(index)))
            #expect(proof.includes(leaf: MerkleTree.leafHash(entries[index])))
        }
        #expect(try await keeper.proof(index: UInt64(entries.count)) == nil)
        let check = try LogCheck.run(keeper.folder, keys: [keeper.key])
        #expect(check.isSound && check.entries == UInt64(entries.count), "\(check.findings)")
        await #expect(throws: LogError.self) { try await keeper.append([[UInt8](repeating: 0, count: 65536)]) }
    }

    @Test func `A reopened log goes on where it was, with what was queued`() async throws {
        let place = try Workplace()
        do {
            let keeper = try place.open()
            _ = try await keeper.append((0..<600).map { Array("\($0)".utf8) })
            _ = try await keeper.integrate(limit: 500)
            // One writer at a time.
            #expect(throws: LogError.self) { try place.open() }
        }
        let keeper = try place.open()
        #expect(await keeper.size == 500)
        #expect(try await keeper.append([[1]]) == 600..<601)
        #expect(try await keeper.integrate().checkpoint.size == 601)
        #expect(try LogCheck.run(keeper.folder, keys: [keeper.key]).isSound)
    }

    @Test func `A named entry is logged once, whoever delivers it again`() async throws {
        let place = try Workplace()
        func named(_ numbers: Range<UInt8>) -> [(name: [UInt8], entry: [UInt8])] {
            numbers.map { ([$0], Array("entry \($0)".utf8)) }
        }
        do {
            let keeper = try place.open()
            #expect(try await keeper.append([[0xff]]) == 0..<1)
            #expect(try await keeper.append(once: named(0..<3)) == [1, 2, 3])
            // Again before it is integrated, with new ones and twice in one call.
            #expect(try await keeper.append(once: named(2..<5) + named(4..<5)) == [3, 4, 5, 5])
            #expect(try await keeper.integrate().checkpoint.size == 6)
            #expect(try await keeper.append(once: named(0..<5)) == [1, 2, 3, 4, 5])
        }
        let keeper = try place.open()
        #expect(try await keeper.append(once: named(3..<6)) == [4, 5, 6])
        let signed = try await keeper.integrate()
        #expect(signed.checkpoint.size == 7)
        #expect(try await keeper.index(of: [5]) == 6)
        #expect(try await keeper.index(of: [6]) == nil)
        let old = try #require(try await keeper.proof(index: 6, under: signed))
        _ = try await keeper.append([[1], [2]])
        _ = try await keeper.integrate()
        // A proof under the checkpoint that a witness has seen stays what it was while the log grows.
        #expect(try await keeper.proof(index: 6, under: signed) == old)
        #expect(old.includes(leaf: MerkleTree.leafHash(Array("entry 5".utf8))))
        #expect(try await keeper.proof(index: 7, under: signed) == nil)
        #expect(try LogCheck.run(keeper.folder, keys: [keeper.key]).entries == 9)
    }

    @Test func `A log that changed its past is not signed again`() async throws {
        let place = try Workplace()
        do {
            let keeper = try place.open()
            _ = try await keeper.append((0..<300).map { Array("\($0)".utf8) })
            _ = try await keeper.integrate()
        }
        #expect(throws: LogError.self) { try place.open("log.example/other") }
        // A checkpoint whose signature does not hold is nobody's word for what was published.
        let published = URL(fileURLWithPath: place.log + "/checkpoint")
        let signed = try Data(contentsOf: published)
        var forged = try SignedCheckpoint(parsing: [UInt8](signed))
        let stranger = try NoteSigner(
            name: "log.example/kept",
            algorithm: .ed25519,
            key: SigningKey(seed: [UInt8](repeating: 9, count: 32))
        )
        forged.note.signatures = [try stranger.sign(forged.note)]
        try Data(forged.bytes).write(to: published)
        #expect(throws: LogError.self) { try place.open() }
        try signed.write(to: published)
        let tile = place.log + "/tile/0/001.p/44"
        let good = try Data(contentsOf: URL(fileURLWithPath: tile))
        var bad = good
        bad[100] ^= 1
        try bad.write(to: URL(fileURLWithPath: tile))
        #expect(throws: LogError.self) { try place.open() }
        try good.write(to: URL(fileURLWithPath: tile))
        // A database that forgot entries would sign a second history of the sizes it forgot.
        try FileManager.default.removeItem(atPath: place.path + "/queue.sqlite")
        #expect(throws: LogError.self) { try place.open() }
    }

    @Test func `A checkpoint of another history under the same key stops the log`() async throws {
        let (place, other) = (try Workplace(), try Workplace())
        for (place, word) in [(place, "one"), (other, "two")] {
            let keeper = try place.open()
            _ = try await keeper.append((0..<20).map { Array("\(word) \($0)".utf8) })
            _ = try await keeper.integrate()
        }
        // The same size, and fewer: neither may be followed by a signature on this tree.
        for size in [20, 7] {
            if size == 7 {
                try FileManager.default.removeItem(atPath: other.path)
                let keeper = try other.open()
                _ = try await keeper.append((0..<size).map { Array("two \($0)".utf8) })
                _ = try await keeper.integrate()
            }
            let foreign = try Data(contentsOf: URL(fileURLWithPath: other.log + "/checkpoint"))
            try foreign.write(to: URL(fileURLWithPath: place.log + "/checkpoint"))
            #expect(throws: LogError.self, "size \(size)") { try place.open() }
            #expect(try Data(contentsOf: URL(fileURLWithPath: place.log + "/checkpoint")) == foreign)
        }
    }

    @Test func `The whole check names each file that is wrong`() async throws {
        let place = try Workplace()
        let keeper = try place.open()
        _ = try await keeper.append((0..<600).map { Array("\($0)".utf8) })
        _ = try await keeper.integrate()
        for name in [
            "tile/0/000", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/88",
            "checkpoint",
        ] {
            let file = URL(fileURLWithPath: place.log + "/" + name)
            let good = try Data(contentsOf: file)
            for offset in [3, good.count / 2, good.count - 2] {
                var bad = good
                bad[offset] ^= 0x01
                try bad.write(to: file)
                let findings: [String]
                do { findings = try LogCheck.run(keeper.folder, keys: [keeper.key]).findings } catch {
                    findings = ["\(error)"]
                }
                #expect(!findings.isEmpty, "\(name), byte \(offset)")
            }
            try FileManager.default.removeItem(at: file)
            #expect(try !LogCheck.run(keeper.folder, keys: [keeper.key]).isSound, "\(name) missing")
            try good.write(to: file)
        }
        #expect(try LogCheck.run(keeper.folder, keys: [keeper.key]).isSound)
    }

    @Test func `Witnesses see every step, and their cosignatures stay with the checkpoint they saw`() async throws {
        let place = try Workplace()
        let keeper = try place.open()
        let witness = try WitnessSigner(
            name: "witness.example/w",
            key: SigningKey(seed: [UInt8](repeating: 6, count: 32))
        )
        var state = WitnessState(logs: [keeper.origin: [keeper.key]])
        let rules = "log \(keeper.key.text)\nwitness w \(witness.key.text)\nquorum w\n"
        let policy = try LogPolicy(parsing: Array(rules.utf8))
        for round in 0..<4 {
            _ = try await keeper.append((0..<130).map { Array("\(round) \($0)".utf8) })
            let signed = try await keeper.integrate()
            #expect(throws: LogPolicy.Refusal.self) { try policy.verify(signed) }
            let old = state.latest[keeper.origin]?.size ?? 0
            let tree = TileTree(size: signed.checkpoint.size, source: keeper.folder)
            let proof = try #require(try tree.consistencyProof(oldSize: old))
            let request = AddCheckpointRequest(oldSize: old, proof: proof, checkpoint: signed)
            #expect(state.apply(request).status == 200)
            let cosignature = try witness.cosign(signed, at: 1_700_000_000 + Int64(round))
            #expect(try await keeper.add([cosignature], to: signed.checkpoint))
            let seen = try #require(try keeper.folder.checkpoint())
            #expect(try policy.verify(seen).witnesses == ["w": 1_700_000_000 + Int64(round)])
            let logged = try #require(try await keeper.proof(index: 5))
            #expect(throws: Never.self) { try policy.verify(logged.checkpoint) }
        }
        let late = try Checkpoint(origin: keeper.origin, size: 1, root: .zero)
        #expect(try await keeper.add([], to: late) == false)
    }

    @Test func `A kept witness remembers what it cosigned, and has one keeper`() async throws {
        let place = try Workplace()
        let keeper = try place.open()
        _ = try await keeper.append((0..<20).map { [UInt8($0)] })
        let first = try await keeper.integrate()
        func open() throws -> WitnessKeeper {
            try WitnessKeeper(
                path: place.path + "/witness",
                name: "witness.example/w",
                signingKey: SigningKey(seed: [UInt8](repeating: 6, count: 32)),
                logs: [keeper.origin: [keeper.key]]
            )
        }
        do {
            let witness = try open()
            #expect(throws: LogError.self) { try open() }
            let request = AddCheckpointRequest(oldSize: 0, proof: [], checkpoint: first)
            let (answer, cosignature) = try await witness.add(request, at: 1_700_000_000)
            #expect(answer.status == 200)
            #expect(witness.key.isValid(try #require(cosignature), for: first.note.text))
            // Asked again in the same breath, and with another history of the same size.
            let fork = try Workplace()
            let forked = try fork.open(keeper.origin)
            _ = try await forked.append((0..<20).map { [UInt8($0) ^ 1] })
            let other = AddCheckpointRequest(oldSize: 0, proof: [], checkpoint: try await forked.integrate())
            for request in [request, other] {
                let (answer, cosignature) = try await witness.add(request, at: 1_700_000_000)
                #expect(answer == .conflict(size: 20) && cosignature == nil)
            }
        }
        let witness = try open()
        let again = AddCheckpointRequest(oldSize: 0, proof: [], checkpoint: first)
        let (answer, cosignature) = try await witness.add(again, at: 1_700_000_001)
        #expect(answer == .conflict(size: 20) && cosignature == nil)
        _ = try await keeper.append([[99]])
        let second = try await keeper.integrate()
        let tree = TileTree(size: 21, source: keeper.folder)
        let proof = try #require(try tree.consistencyProof(oldSize: 20))
        let step = AddCheckpointRequest(oldSize: 20, proof: proof, checkpoint: second)
        #expect(try await witness.add(step, at: 1_700_000_002).cosignature != nil)
    }

    @Test func `A witness whose memory was changed does not open`() async throws {
        let place = try Workplace()
        let keeper = try place.open()
        let key = try SigningKey(seed: [UInt8](repeating: 6, count: 32))
        func open() throws -> WitnessKeeper {
            try WitnessKeeper(
                path: place.path + "/witness",
                name: "witness.example/w",
                signingKey: key,
                logs: [keeper.origin: [keeper.key]]
            )
        }
        _ = try await keeper.append([[1]])
        let signed = try await keeper.integrate()
        do {
            let request = AddCheckpointRequest(oldSize: 0, proof: [], checkpoint: signed)
            _ = try await open().add(request, at: 1_700_000_000)
        }
        let files = try FileManager.default.subpathsOfDirectory(atPath: place.path + "/witness")
        let file = URL(
            fileURLWithPath: place.path + "/witness/" + (try #require(files.first { $0.hasSuffix("checkpoint") }))
        )
        var bytes = [UInt8](try Data(contentsOf: file))
        // The size, one digit after the origin's line.
        bytes[keeper.origin.utf8.count + 1] = UInt8(ascii: "2")
        try Data(bytes).write(to: file)
        #expect(throws: LogError.self) { try open() }
    }

    /// The probe beside the test bundle.
    private var probe: String {
        let bundle = Bundle.allBundles.map(\.bundlePath).first { $0.hasSuffix(".xctest") }
        let folder = bundle.map { ($0 as NSString).deletingLastPathComponent }
        return (folder ?? (CommandLine.arguments[0] as NSString).deletingLastPathComponent) + "/LogCrashProbe"
    }

    @Test func `Killed at any moment, again and again, the log is sound and keeps every promise`() async throws {
        let place = try Workplace()
        try #require(FileManager.default.isExecutableFile(atPath: probe), "\(probe) has not been built")
        let kills = 100
        let seed: UInt64 = 0x10_6c_2a_5e
        var random = seed
        var promised: UInt64 = 0
        var published = 0
        for kill in 0..<kills {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: probe)
            process.arguments = [place.path]
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            // The first word says that it is open; from there on it is killed within the first rounds.
            var opened = output.fileHandleForReading.availableData
            // Every fourth run is left alone until it has published, however slow the machine is.
            while kill.isMultiple(of: 4), opened.range(of: Data("checkpoint".utf8)) == nil {
                let more = output.fileHandleForReading.availableData
                if more.isEmpty { break }
                opened += more
            }
            usleep(UInt32(random >> 33) % 30_000)
            Foundation.kill(process.processIdentifier, SIGKILL)
            let rest = (try? output.fileHandleForReading.readToEnd()) ?? Data()
            process.waitUntilExit()
            #expect(opened.starts(with: Data("open".utf8)), "run \(kill) did not open, seed \(seed)")
            let folder = LogFolder(path: place.log)
            let check = try LogCheck.run(
                folder,
                keys: [
                    try NoteKey(
                        name: "log.example/crash",
                        algorithm: .ed25519,
                        key: SigningKey(seed: [UInt8](repeating: 7, count: 32)).verifyingKey
                    )
                ]
            )
            #expect(check.isSound, "run \(kill), seed \(seed): \(check.findings)")
            let tree = TileTree(size: check.size, source: folder)
            for line in String(decoding: opened + rest, as: UTF8.self).split(separator: "\n") {
                let words = line.split(separator: " ")
                if words.count == 3, words[0] == "append", let first = UInt64(words[1]), let end = UInt64(words[2]) {
                    // Nothing that was promised is given to somebody else.
                    #expect(first >= promised, "run \(kill)")
                    promised = end
                }
                if words.count == 3, words[0] == "checkpoint", let size = UInt64(words[1]), words[2].count == 64 {
                    // Whatever was public is a prefix of what is public now.
                    #expect(try tree.root(from: 0, to: size).hex == String(words[2]), "run \(kill)")
                    published += 1
                }
            }
        }
        #expect(promised > 0 && published > 0)
        // One more opening takes up what is left: every promised entry is there.
        let keeper = try LogKeeper(
            path: place.log,
            queue: place.path + "/queue.sqlite",
            origin: "log.example/crash",
            signingKey: SigningKey(seed: [UInt8](repeating: 7, count: 32))
        )
        #expect(try await keeper.integrate().checkpoint.size >= promised)
        #expect(try LogCheck.run(keeper.folder, keys: [keeper.key]).isSound)
    }
}
