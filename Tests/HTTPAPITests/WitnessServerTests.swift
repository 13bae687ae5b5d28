// Witnesses over real sockets: validators witness each other's logs, and a log with two histories is caught.
import Codecs
import Commitments
import EngineClient
import Foundation
import HTTPAPI
import LogKeeping
import Signatures
import Testing
import TransparencyLog

/// A witness on a free port for the time of `body`.
private func withWitness<Value: Sendable>(
    _ name: String,
    logs: [NoteKey],
    _ body: @Sendable (_ url: String, _ key: NoteKey) async throws -> Value
) async throws -> Value {
    let path = NSTemporaryDirectory() + "assay-witness-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let key = try SigningKey(seed: SHA256.hash(Array(name.utf8)).bytes)
    let keeper = try WitnessKeeper(
        path: path,
        name: name,
        signingKey: key,
        logs: Dictionary(grouping: logs, by: \.name)
    )
    let server = WitnessServer(host: "127.0.0.1", port: 0, maxBodyBytes: WitnessKeeper.maxRequestBytes) { body in
        let answer = await keeper.answer(body, at: 1_800_000_000)
        return (answer.status, answer.contentType, answer.body)
    }
    let (ports, announce) = AsyncStream.makeStream(of: Int.self)
    let running = Task {
        defer { announce.finish() }
        try await server.run { announce.yield($0) }
    }
    defer { running.cancel() }
    for await port in ports { return try await body("http://127.0.0.1:\(port)", keeper.key) }
    try await running.value
    throw ParseError(field: "witness", expected: "a server that listens", actual: "none")
}

/// A log in memory that can grow in two ways.
private struct MemoryLog: Sendable {
    let signer: NoteSigner
    var leaves: [Digest] = []

    init(_ origin: String) throws {
        let key = try SigningKey(seed: SHA256.hash(Array(origin.utf8)).bytes)
        signer = try NoteSigner(name: origin, algorithm: .ed25519, key: key)
    }

    mutating func grow(to size: Int, history: UInt8 = 0) {
        while leaves.count < size { leaves.append(MerkleTree.leafHash([UInt8(leaves.count), history])) }
    }

    func round(_ witness: NoteKey) throws -> WitnessRound {
        let tree = MerkleLevels(leafHashes: leaves)
        var signed = try SignedCheckpoint(
            try Checkpoint(origin: signer.key.name, size: UInt64(leaves.count), root: tree.root)
        )
        signed.note.signatures = [try signer.sign(signed.note)]
        return WitnessRound(checkpoint: signed, witness: witness) { tree.consistencyProof(oldSize: $0) }
    }

    /// Brings the log to a witness; the last step and the statuses on the way.
    func visit(_ url: String, _ witness: NoteKey) async throws -> (step: WitnessRound.Step, statuses: [Int]) {
        let client = try HTTPWitnessClient(url: url)
        var round = try round(witness)
        var request = try #require(round.request())
        var statuses: [Int] = []
        while true {
            let answer = try await client.addCheckpoint(request.bytes)
            statuses.append(answer.status)
            let step = try round.take(status: answer.status, body: answer.body)
            guard case .again(let next) = step else { return (step, statuses) }
            request = next
        }
    }
}

@Suite struct WitnessServerTests {
    @Test func `Two validators witness each other, and each cosignature counts in a policy`() async throws {
        var one = try MemoryLog("validator.example/one")
        var two = try MemoryLog("validator.example/two")
        one.grow(to: 3)
        two.grow(to: 9)
        let (first, second) = (one, two)
        try await withWitness("one.example/w", logs: [second.signer.key]) { oneURL, oneKey in
            try await withWitness("two.example/w", logs: [first.signer.key]) { twoURL, twoKey in
                for (log, url, key) in [(first, twoURL, twoKey), (second, oneURL, oneKey)] {
                    let (step, statuses) = try await log.visit(url, key)
                    guard case .cosigned(let signature) = step else {
                        Issue.record("\(step)")
                        return
                    }
                    #expect(statuses == [200])
                    let text = "log \(log.signer.key.text)\nwitness w \(key.text)\nquorum w\n"
                    let policy = try LogPolicy(parsing: Array(text.utf8))
                    var signed = try log.round(key).checkpoint
                    #expect(throws: LogPolicy.Refusal.self) { try policy.verify(signed) }
                    signed.note.signatures.append(signature)
                    #expect(try policy.verify(signed).witnesses == ["w": 1_800_000_000])
                }
            }
        }
    }

    @Test func `A log that grows is followed from the size that the witness names`() async throws {
        var log = try MemoryLog("log.example/grows")
        log.grow(to: 4)
        let small = log
        log.grow(to: 11)
        let large = log
        try await withWitness("w.example/w", logs: [log.signer.key]) { url, key in
            #expect(try await small.visit(url, key).statuses == [200])
            let (step, statuses) = try await large.visit(url, key)
            guard case .cosigned = step else {
                Issue.record("\(step)")
                return
            }
            #expect(statuses == [409, 200])
            // Going back is seen on both sides.
            #expect(try await small.visit(url, key).step == .splitView(knownSize: 11))
        }
    }

    @Test func `A second history is caught, whether it is of the same size or larger`() async throws {
        var honest = try MemoryLog("log.example/forked")
        var same = honest
        honest.grow(to: 6)
        same.grow(to: 6, history: 1)
        var larger = same
        larger.grow(to: 20, history: 1)
        let (shown, forks) = (honest, [same, larger])
        try await withWitness("w.example/w", logs: [honest.signer.key]) { url, key in
            #expect(try await shown.visit(url, key).statuses == [200])
            for fork in forks {
                let (step, statuses) = try await fork.visit(url, key)
                #expect(step == .splitView(knownSize: 6))
                #expect(statuses == [409, 422])
            }
            // What the witness knows has not moved.
            #expect(try await shown.visit(url, key).statuses == [409, 200])
        }
    }

    @Test func `Statuses are the protocol's`() async throws {
        var log = try MemoryLog("log.example/known")
        log.grow(to: 5)
        let known = log
        let stranger = try MemoryLog("log.example/stranger")
        try await withWitness("w.example/w", logs: [log.signer.key]) { url, key in
            let client = try HTTPWitnessClient(url: url)
            let request = try #require(try known.round(key).request())
            #expect(try await client.addCheckpoint(Array("old 0\n".utf8)).status == 400)
            #expect(try await client.addCheckpoint([]).status == 400)
            #expect(try await stranger.visit(url, key).statuses == [404])
            var forged = request
            forged.checkpoint.note.signatures[0] = SignedNote.Signature(
                name: known.signer.key.name,
                keyID: known.signer.key.keyID,
                bytes: [UInt8](repeating: 1, count: 64)
            )
            #expect(try await client.addCheckpoint(forged.bytes).status == 403)
            var tooOld = request
            tooOld.oldSize = 6
            #expect(try await client.addCheckpoint(tooOld.bytes).status == 400)
            let conflict = try await client.addCheckpoint(
                AddCheckpointRequest(oldSize: 3, proof: [], checkpoint: request.checkpoint).bytes
            )
            #expect(conflict.status == 409 && conflict.body == Array("0\n".utf8))
            #expect(try await client.addCheckpoint([UInt8](repeating: 0x41, count: 1 << 17)).status == 413)
            #expect(try await HTTPWitnessClient(url: url + "/elsewhere").addCheckpoint(request.bytes).status == 404)
            #expect(try await client.addCheckpoint(request.bytes).status == 200)
        }
    }

    @Test func `A witness cannot make a log believe it cosigned`() async throws {
        var log = try MemoryLog("log.example/careful")
        log.grow(to: 2)
        let witness = try NoteSigner(name: "w", algorithm: .cosignature, key: try .generate())
        let other = try NoteSigner(name: "w", algorithm: .cosignature, key: try .generate())
        let signed = try log.round(witness.key).checkpoint
        let line = Array(try other.sign(signed.note, time: 5).line.utf8)
        for body in [[], line, Array("\u{2014} w AAAA\n".utf8), Array("text\n\n".utf8) + line] {
            var round = try log.round(witness.key)
            #expect(throws: ParseError.self) { try round.take(status: 200, body: body) }
        }
        for body in [[], Array("7".utf8), Array("-1\n".utf8), Array("07\n".utf8), Array("x\n".utf8)] {
            var round = try log.round(witness.key)
            #expect(throws: ParseError.self) { try round.take(status: 409, body: body) }
        }
        var round = try log.round(witness.key)
        #expect(try round.take(status: 409, body: Array("1\n".utf8)) == .again(try #require(round.request(oldSize: 1))))
        // A witness that goes on naming sizes is not asked for ever.
        #expect(
            try round.take(status: 409, body: Array("2\n".utf8))
                == .refused(status: 409, "the witness names size 2 again")
        )
    }
}
