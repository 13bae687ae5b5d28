// From the settlement into the log: each receipt once, whatever is interrupted, and proofs only of what witnesses were asked.
import Commitments
import Ledger
import LogKeeping
import Receipts
import Signatures
import Synchronization
import Testing
import TransparencyLog

@testable import Validator

@Suite struct ReceiptLogTests {
    /// A world in which one job has ended.
    private func world() async throws -> (world: Harness, receipt: Signed<Receipt>) {
        let world = try await Harness()
        let ordered = try await world.offered(Terms())
        try await world.expire(ordered)
        let bundle = try Bundle(parsing: try await world.scheduler.receipt(job: ordered.id))
        return (world, try Signed(verifying: try bundle.member(BundleMember.receipt)))
    }

    private func keeper(_ world: Harness) throws -> LogKeeper {
        try LogKeeper(
            path: world.folder.path + "/log",
            queue: world.folder.path + "/log.sqlite",
            origin: "log.example/r",
            signingKey: try SigningKey(seed: [UInt8](repeating: 3, count: 32))
        )
    }

    @Test func aReceiptGoesIntoTheLogWithItsSettlement() async throws {
        let (world, receipt) = try await world()
        #expect(try world.store.outbox(kind: nil, limit: 10).map(\.kind) == [ReceiptLog.messageKind])
        let log = ReceiptLog(keeper: try keeper(world), store: world.store, witnesses: [], log: Harness.log)
        #expect(try await log.proof(receipt: receipt.digest) == nil)
        #expect(try await log.deliver() == 1)
        #expect(try world.store.outbox(kind: nil, limit: 10).isEmpty)
        #expect(try await log.deliver() == 0)
        let proof = try #require(try await log.proof(receipt: receipt.digest))
        #expect(proof.includes(leaf: MerkleTree.leafHash(receipt.logEntry)))
        #expect(try await log.proof(receipt: .zero) == nil)
        #expect(await log.standing.size == 1)
    }

    /// What waits for somebody else, and for long, keeps no receipt out of the log.
    @Test func messagesOfOthersStandInNobodysWay() async throws {
        let (world, _) = try await world()
        let receipts = try world.store.outbox(kind: nil, limit: 10)
        try await world.store.commit(Batch(delivered: receipts.map(\.id)))
        let others = (0..<1000).map { number in
            let id = WorkID(deriving: Array("\(number)".utf8))
            return OutboxMessage(id: id, kind: "webhook", body: [], at: 0)
        }
        try await world.store.commit(Batch(messages: others + receipts))
        let log = ReceiptLog(keeper: try keeper(world), store: world.store, witnesses: [], log: Harness.log)
        #expect(try await log.deliver() == 1)
        #expect(try world.store.outbox(kind: nil, limit: 2000).map(\.kind) == others.map(\.kind))
    }

    @Test func whatIsInterruptedIsNotLoggedTwice() async throws {
        let (world, receipt) = try await world()
        // The process dies after the log has it and before the ledger knows.
        do {
            let keeper = try keeper(world)
            let message = try #require(try world.store.outbox(kind: nil, limit: 1).first)
            let entry = (name: Array(message.body.prefix(32)), entry: Array(message.body.dropFirst(32)))
            #expect(entry.name == receipt.digest.bytes && entry.entry == receipt.logEntry)
            _ = try await keeper.append(once: [entry])
        }
        try await world.restart()
        #expect(try world.store.outbox(kind: nil, limit: 10).count == 1)
        let log = ReceiptLog(keeper: try keeper(world), store: world.store, witnesses: [], log: Harness.log)
        #expect(try await log.deliver() == 1)
        #expect(await log.standing.size == 1)
        #expect(try await log.proof(receipt: receipt.digest)?.index == 0)
    }

    /// What the log has not taken stays in the outbox, and so does what is not the log's to take.
    @Test func aMessageGoesWhenTheLogHasItAndNotBefore() async throws {
        let (world, receipt) = try await world()
        let other = OutboxMessage(id: WorkID(deriving: [1]), kind: "anchor", body: [7], at: 1)
        var long = ReceiptLog.message(for: receipt, at: 1)
        long.id = WorkID(deriving: [2])
        long.body = [UInt8](repeating: 1, count: 32 + EntryBundle.maxEntryBytes + 1)
        try await world.store.commit(Batch(messages: [other, long]))
        let log = ReceiptLog(keeper: try keeper(world), store: world.store, witnesses: [], log: Harness.log)
        await #expect(throws: LogError.self) { try await log.deliver() }
        #expect(try world.store.outbox(kind: nil, limit: 10).count == 3)
        #expect(try await log.proof(receipt: receipt.digest) == nil)
        try await world.store.commit(Batch(delivered: [long.id]))
        #expect(try await log.deliver() == 1)
        #expect(try world.store.outbox(kind: nil, limit: 10) == [other])
        #expect(await log.standing.size == 1)
    }

    @Test func whatWasQueuedBeforeACrashIsIntegratedAfterIt() async throws {
        let (world, receipt) = try await world()
        do {
            let keeper = try keeper(world)
            let message = try #require(try world.store.outbox(kind: nil, limit: 1).first)
            _ = try await keeper.append(once: [(receipt.digest.bytes, receipt.logEntry)])
            try await world.store.commit(Batch(delivered: [message.id]))
        }
        let log = ReceiptLog(keeper: try keeper(world), store: world.store, witnesses: [], log: Harness.log)
        #expect(try await log.deliver() == 0)
        #expect(try await log.proof(receipt: receipt.digest) != nil)
    }

    @Test func everyReceiptHasAMessageOfItsOwn() async throws {
        let (world, _) = try await world()
        let second = try world.order(nonce: 2)
        try await world.submit(second)
        try await world.expire(second)
        #expect(try world.store.outbox(kind: nil, limit: 10).count == 2)
        let log = ReceiptLog(keeper: try keeper(world), store: world.store, witnesses: [], log: Harness.log)
        #expect(try await log.deliver() == 2)
        #expect(await log.standing.size == 2)
    }

    @Test func proofsWaitForTheWitnessesToBeAsked() async throws {
        let (world, receipt) = try await world()
        let keeper = try keeper(world)
        let signer = try WitnessSigner(name: "w.example/w", key: SigningKey(seed: [UInt8](repeating: 4, count: 32)))
        let state = Mutex(WitnessState(logs: [keeper.origin: [keeper.key]]))
        let witness = ReceiptLog.Witness(url: "http://w.example", key: signer.key) { body in
            let request = try AddCheckpointRequest(parsing: body)
            let answer = state.withLock { $0.apply(request) }
            guard case .cosign = answer else { return (answer.status, []) }
            return (200, Array(try signer.cosign(request.checkpoint, at: 1_700_000_000).line.utf8))
        }
        struct Silent: Error {}
        let dead = ReceiptLog.Witness(
            url: "http://dead.example",
            key: try WitnessSigner(name: "d", key: SigningKey(seed: [UInt8](repeating: 5, count: 32))).key
        ) { _ in throw Silent() }
        let log = ReceiptLog(keeper: keeper, store: world.store, witnesses: [witness, dead], log: Harness.log)
        try await log.deliver()
        // One that does not answer takes nothing from the signature of the other.
        #expect(await log.standing == .init(size: 1, cosigners: 1, witnesses: 2, trouble: nil))
        let rules = "log \(keeper.key.text)\nwitness w \(signer.key.text)\nquorum w\n"
        let proof = try #require(try await log.proof(receipt: receipt.digest))
        #expect(throws: Never.self) { try LogPolicy(parsing: Array(rules.utf8)).verify(proof.checkpoint) }
        // What is public before the witnesses were asked is under no proof.
        _ = try await keeper.append(once: [(receipt.logEntry, [1])])
        _ = try await keeper.integrate()
        #expect(try await log.proof(receipt: receipt.digest) == proof)
    }
}
