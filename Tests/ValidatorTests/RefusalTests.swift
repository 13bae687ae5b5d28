// Bad input over the engine's interface: each gets one stable id that names field, expected and actual, and changes nothing.
import Appraisal
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import Ledger
import Receipts
import Replay
import Signatures
import Testing
import Verdicts

@testable import Validator

/// A call that must be refused.
private struct Refused {
    let id: String
    let call: () async throws -> Void

    init(_ id: String, _ call: @escaping () async throws -> Void) {
        self.id = id
        self.call = call
    }
}

@Suite("Refusals") struct RefusalTests {
    /// Makes every call and compares ids; nothing about money or jobs may have changed afterwards.
    private func check(_ world: Harness, _ ordered: Ordered?, _ calls: [Refused]) async throws {
        func image() async throws -> (accounts: [Account], holds: [Hold], job: JobView?) {
            let accounts = try world.store.accounts(owner: nil)
            var view: JobView?
            if let ordered { view = try await world.view(ordered) }
            return (accounts, try world.store.openHolds(), view)
        }
        let before = try await image()
        for refused in calls {
            do {
                try await refused.call()
                Issue.record("\(refused.id): nothing was refused")
            } catch let error as EngineError {
                #expect(error.id == refused.id, "\(error)")
                #expect(!error.message.isEmpty && !error.field.isEmpty, "\(error.id) names no field")
                #expect(!error.expected.isEmpty && !error.actual.isEmpty, "\(error.id): \(error)")
                #expect((400...499).contains(error.status), "\(error.id) is \(error.status)")
            }
            let after = try await image()
            #expect(after.accounts == before.accounts, "\(refused.id)")
            #expect(after.holds == before.holds, "\(refused.id)")
            #expect(after.job == before.job, "\(refused.id)")
        }
        #expect(await world.scheduler.isHealthy)
    }

    /// The envelope with its signature replaced by another one.
    private func forged(_ envelope: [UInt8]) throws -> [UInt8] {
        let parsed = try Envelope(parsing: envelope)
        let other = try Envelope.sign(parsed.payload, type: parsed.payloadType, with: try SigningKey.generate())
        return other.bytes
    }

    @Test func requestsAboutAccounts() async throws {
        let world = try await Harness()
        try await world.fund()
        _ = try await world.provider()
        let (scheduler, keys) = (world.scheduler, world.keys)
        let payer = world.account(.payer, of: keys.requester)
        let id = [UInt8](repeating: 7, count: 16)
        _ = try await scheduler.account(
            request: try world.request(.credit(account: payer, amount: 5), keys.operator, id: id)
        )
        func send(_ action: EngineRequest.Action, _ key: SigningKey, at: Int64 = 0) -> () async throws -> Void {
            { _ = try await scheduler.account(request: try world.request(action, key, at: at)) }
        }
        let foreign = try EngineRequest.sign(
            .open,
            engine: keys.stranger.verifyingKey,
            at: world.clock.now,
            with: keys.requester
        ).envelope
        try await check(
            world,
            nil,
            [
                Refused("request.malformed") { _ = try await scheduler.account(request: Array("{}".utf8)) },
                Refused("request.malformed") { _ = try await scheduler.account(request: [0xff]) },
                Refused("request.signature") {
                    _ = try await scheduler.account(request: try self.forged(try world.request(.open, keys.requester)))
                },
                Refused("request.engine") { _ = try await scheduler.account(request: foreign) },
                Refused("request.time", send(.open, keys.requester, at: -301)),
                Refused("request.time", send(.open, keys.requester, at: 301)),
                Refused("request.action", send(.poll, keys.requester)),
                Refused("account.operator", send(.credit(account: payer, amount: 1), keys.requester)),
                Refused("account.operator", send(.withdraw(account: payer, amount: 1), keys.requester)),
                Refused(
                    "account.unknown",
                    send(.credit(account: world.account(.payer, of: keys.stranger), amount: 1), keys.operator)
                ),
                Refused(
                    "account.kind",
                    send(.credit(account: world.account(.provider, of: keys.nodes[0]), amount: 1), keys.operator)
                ),
                Refused("funds.insufficient", send(.withdraw(account: payer, amount: 2_000_000_000), keys.operator)),
                Refused("id.conflict") {
                    let request = try world.request(.credit(account: payer, amount: 6), keys.operator, id: id)
                    _ = try await scheduler.account(request: request)
                },
                Refused("account.malformed") { _ = try await scheduler.account(id: "nobody") },
                Refused("account.unknown") { _ = try await scheduler.account(id: String(repeating: "0", count: 32)) },
            ]
        )
        // The same request is the same credit.
        let again = try world.request(.credit(account: payer, amount: 5), keys.operator, id: id)
        #expect(try await scheduler.account(request: again).balance == 1_000_000_005)
    }

    @Test func orders() async throws {
        let world = try await Harness()
        try await world.fund(6_400_000)
        let (scheduler, keys) = (world.scheduler, world.keys)
        let good = try world.order()
        let other = try world.order(nonce: 2)
        func submit(_ ordered: Ordered, _ spec: [UInt8]? = nil) -> () async throws -> Void {
            { _ = try await scheduler.submit(order: ordered.order, spec: spec ?? ordered.sealed.bytes) }
        }
        func terms(_ change: (inout Terms) -> Void) -> Terms {
            var terms = Terms()
            change(&terms)
            return terms
        }
        let truncated = Array(good.sealed.bytes.dropLast(1))
        let padded = good.sealed.bytes + [0x20, 0x78]
        func changed(_ name: String, _ value: JSONValue?) throws -> [UInt8] {
            guard case .object(var object) = try JSONValue(parsing: good.sealed.bytes) else { return [] }
            object[name] = value
            return JSONValue.object(object).serialized()
        }
        let repeated = Array(#"{"schema":"assay.job/1","#.utf8) + good.sealed.bytes.dropFirst(1)
        let foreign = try Order.sign(
            good.sealed,
            nonce: [UInt8](repeating: 9, count: 32),
            createdAt: world.clock.now,
            engine: keys.stranger.verifyingKey,
            with: keys.requester
        )
        var borrowed = try Signed<Order>(verifying: good.order).predicate
        borrowed.account = world.account(.payer, of: keys.stranger)
        let theft = try Signed<Order>.sign(
            borrowed,
            subjects: [Subject(name: "spec", digest: good.sealed.digest)],
            with: keys.requester
        )
        try await check(
            world,
            nil,
            [
                Refused("order.malformed") {
                    _ = try await scheduler.submit(order: Array("[]".utf8), spec: good.sealed.bytes)
                },
                Refused("order.signature") {
                    _ = try await scheduler.submit(order: try self.forged(good.order), spec: good.sealed.bytes)
                },
                Refused("order.engine") {
                    _ = try await scheduler.submit(order: foreign.envelope, spec: good.sealed.bytes)
                },
                Refused("order.job", submit(good, other.sealed.bytes + [0x0a])),
                Refused("spec.malformed", submit(good, [])),
                Refused("spec.malformed", submit(good, truncated)),
                Refused("spec.malformed", submit(good, padded)),
                Refused("spec.malformed", submit(good, repeated)),
                Refused("spec.malformed", submit(good, try changed("surprise", .bool(true)))),
                Refused("spec.malformed", submit(good, try changed("price", nil))),
                Refused("spec.malformed", submit(good, try changed("attempts", .string("3")))),
                Refused("spec.malformed", submit(good, [UInt8](repeating: 0x20, count: JobSpec.maxBytes + 1))),
                Refused("price.currency.refused", submit(try world.order(terms { $0.currency = "gold" }))),
                Refused("account.refused") {
                    _ = try await scheduler.submit(order: theft.envelope, spec: good.sealed.bytes)
                },
                Refused("account.unknown", submit(try world.order(with: keys.stranger))),
            ]
        )
        let view = try await world.submit(good)
        #expect(try await world.submit(good) == view)
        try await check(
            world,
            good,
            [
                Refused("nonce.conflict", submit(try world.order(terms { $0.attempts = 2 }))),
                Refused("funds.insufficient", submit(other)),
            ]
        )
        // The nonce stays taken when the job has ended.
        try await world.expire(good)
        try await check(world, good, [Refused("nonce.conflict", submit(try world.order(terms { $0.attempts = 2 })))])
        let ended = try await world.submit(good)
        #expect(ended.isFinal)
        #expect(try world.store.openHolds().isEmpty)
    }

    @Test func files() async throws {
        let world = try await Harness()
        try await world.fund()
        let ordered = try world.order()
        try await world.submit(ordered)
        let scheduler = world.scheduler
        let bytes = try #require(ordered.files["inputs/x.raw"])
        let cid = ArtefactIdentity(of: bytes).cid
        var wrong = bytes
        wrong[0] ^= 1
        let stray = ArtefactIdentity(of: [1, 2, 3])
        try await check(
            world,
            ordered,
            [
                Refused("file.cid") { _ = try await scheduler.putFile(job: ordered.id, cid: cid, bytes: wrong) },
                Refused("file.length") {
                    _ = try await scheduler.putFile(job: ordered.id, cid: cid, bytes: Array(bytes.dropLast()))
                },
                Refused("file.unknown") {
                    _ = try await scheduler.putFile(job: ordered.id, cid: stray.cid, bytes: [1, 2, 3])
                },
                Refused("job.unknown") { _ = try await scheduler.putFile(job: .zero, cid: cid, bytes: bytes) },
                Refused("file.unknown") { _ = try await scheduler.file(job: ordered.id, cid: cid) },
                Refused("file.unknown") { _ = try await scheduler.file(job: ordered.id, cid: stray.cid) },
                Refused("job.unknown") { _ = try await scheduler.file(job: .zero, cid: cid) },
                Refused("job.unknown") { _ = try await scheduler.job(id: .zero) },
                Refused("job.unknown") { _ = try await scheduler.receipt(job: .zero) },
                Refused("receipt.none") { _ = try await scheduler.receipt(job: ordered.id) },
            ]
        )
        #expect(try await scheduler.putFile(job: ordered.id, cid: cid, bytes: bytes).missing.count == 1)
        #expect(try await scheduler.file(job: ordered.id, cid: cid) == bytes)
    }

    @Test func nodesAndResults() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        let (scheduler, keys) = (world.scheduler, world.keys)
        let id = ordered.id
        func node(_ action: EngineRequest.Action, _ key: SigningKey) -> () async throws -> Void {
            { _ = try await scheduler.node(request: try world.request(action, key)) }
        }
        try await check(
            world,
            ordered,
            [
                Refused("node.unknown", node(.poll, keys.stranger)),
                Refused(
                    "deviceType.refused",
                    node(.register(deviceType: "tpu", memoryBytes: 1, askPerMegaUnit: 1), keys.stranger)
                ),
                Refused("request.action", node(.open, keys.nodes[0])),
                Refused("lease.stale", node(.abandon(job: JobID(id), attempt: 1, reason: "no"), keys.nodes[0])),
                Refused("job.unknown", node(.abandon(job: JobID(.zero), attempt: 1, reason: "no"), keys.nodes[0])),
                Refused("job.unknown") { _ = try await scheduler.commit(job: .zero, execution: [], trace: []) },
                Refused("lease.stale") { _ = try await scheduler.commit(job: id, execution: [], trace: []) },
            ]
        )
        _ = try await world.provider()
        let work = try await world.result()
        func commit(_ change: (inout NodeWork) -> Void) -> () async throws -> Void {
            var copy = work
            change(&copy)
            let changed = copy
            return {
                _ = try await scheduler.commit(job: id, execution: try changed.execution(), trace: changed.trace)
            }
        }
        let shorter = Trace(
            leaves: Array(try Trace(try JSONValue(parsing: work.trace)).leaves.prefix(1))
        )
        let output = try #require(work.statement.outputs.first)
        try await check(
            world,
            ordered,
            [
                Refused(
                    "execution.signature",
                    commit { work in
                        work.key = keys.nodes[1]
                        work.statement.node = keys.nodes[1].verifyingKey
                    }
                ),
                Refused("execution.malformed") {
                    _ = try await scheduler.commit(job: id, execution: Array("{}".utf8), trace: work.trace)
                },
                Refused("execution.jobId.refused", commit { $0.statement.jobID = JobID(.zero) }),
                Refused("execution.attempt.refused", commit { $0.statement.attempt = 2 }),
                Refused("execution.epoch.refused", commit { $0.statement.epoch = 9 }),
                Refused("execution.leaseDigest.refused", commit { $0.statement.leaseDigest = .zero }),
                Refused("execution.inputRoot.refused", commit { $0.statement.inputRoot = .zero }),
                Refused("execution.outputRoot.refused", commit { $0.statement.outputRoot = .zero }),
                Refused("execution.meter.workUnits.refused", commit { $0.statement.meter.workUnits += 1 }),
                Refused("execution.outputs.refused", commit { $0.statement.outputs = [] }),
                Refused("execution.outputs.refused", commit { $0.statement.outputs[0].identity.byteCount += 1 }),
                Refused("trace.malformed", commit { $0.statement.traceRoot = .zero }),
                Refused("execution.steps.refused", commit { $0.statement.steps = 1 }),
                Refused(
                    "trace.malformed",
                    commit { work in
                        work.trace = shorter.json.serialized()
                        work.statement.traceRoot = shorter.root
                    }
                ),
                Refused("trace.malformed", commit { $0.trace = Array($0.trace.dropLast(1)) }),
                Refused("file.unknown") {
                    let bytes = work.outputs[output.slot] ?? []
                    _ = try await scheduler.putOutput(job: id, cid: output.identity.cid, bytes: bytes)
                },
            ]
        )
        _ = try await scheduler.commit(job: id, execution: try work.execution(), trace: work.trace)
        var wrong = try #require(work.outputs[output.slot])
        wrong[3] ^= 0x80
        try await check(
            world,
            ordered,
            [
                Refused("execution.conflict", commit { $0.statement.meter.wallMicroseconds += 1 }),
                Refused("file.cid") {
                    _ = try await scheduler.putOutput(job: id, cid: output.identity.cid, bytes: wrong)
                },
                Refused("file.length") {
                    _ = try await scheduler.putOutput(job: id, cid: output.identity.cid, bytes: [])
                },
                Refused("file.unknown") {
                    _ = try await scheduler.putOutput(job: id, cid: ArtefactIdentity(of: wrong).cid, bytes: wrong)
                },
            ]
        )
        let view = try await scheduler.commit(job: id, execution: try work.execution(), trace: work.trace)
        #expect(view.phase == "committed")
    }

    @Test func verdicts() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        #expect(try await world.provider().step())
        let (scheduler, keys, id) = (world.scheduler, world.keys, ordered.id)
        let poll = try world.request(.poll, keys.validators[0])
        let work = try #require(try await scheduler.validator(request: poll))
        let execution = try Signed<ExecutionStatement>(verifying: work.execution)
        let good = VerdictStatement(
            jobID: JobID(id),
            attempt: 1,
            validator: keys.validators[0].verifyingKey,
            executionDigest: execution.digest,
            at: world.clock.now,
            replayed: VerdictStatement.Replayed(
                outputRoot: execution.predicate.outputRoot,
                traceRoot: execution.predicate.traceRoot
            ),
            divergence: nil,
            device: nil,
            sandbox: nil,
            verdict: Verdict(
                kind: "replay-exact",
                outcome: .accepted,
                soundness: .exact,
                assumptions: [],
                checks: [Check(id: "replay.bits", result: .pass, expected: "a", actual: "a")],
                subject: execution.digest.text
            )
        )
        func judge(
            _ key: SigningKey? = nil,
            job: Digest? = nil,
            _ change: (inout VerdictStatement) -> Void
        ) -> () async throws -> Void {
            let key = key ?? keys.validators[0]
            var copy = good
            copy.validator = key.verifyingKey
            change(&copy)
            let statement = copy
            return {
                let verdict = try VerdictStatement.sign(statement, with: key)
                _ = try await scheduler.judge(job: job ?? id, verdict: verdict.envelope)
            }
        }
        func rejection(_ statement: inout VerdictStatement) {
            statement.verdict.outcome = .rejected
            statement.verdict.fault = .provider
            statement.verdict.soundness = .none
            statement.verdict.checks[0].result = .fail
        }
        let envelope = try VerdictStatement.sign(good, with: keys.validators[0]).envelope
        try await check(
            world,
            ordered,
            [
                Refused("validator.unknown") {
                    _ = try await scheduler.validator(request: try world.request(.poll, keys.stranger))
                },
                Refused("request.action") {
                    _ = try await scheduler.validator(request: try world.request(.open, keys.validators[0]))
                },
                Refused("verdict.malformed") { _ = try await scheduler.judge(job: id, verdict: []) },
                Refused("verdict.signature") {
                    _ = try await scheduler.judge(job: id, verdict: try self.forged(envelope))
                },
                Refused("validator.unknown", judge(keys.stranger) { _ in }),
                Refused("validator.unknown", judge(keys.nodes[0]) { _ in }),
                Refused("lease.stale", judge(keys.validators[1]) { _ in }),
                Refused("lease.stale", judge { $0.attempt = 2 }),
                Refused("verdict.jobId.refused", judge { $0.jobID = JobID(.zero) }),
                Refused("job.unknown", judge(job: .zero) { $0.jobID = JobID(.zero) }),
                Refused("execution.conflict", judge { $0.executionDigest = .zero }),
                Refused("verdict.verdict.subject.refused", judge { $0.verdict.subject = "sha256:00" }),
                Refused("verdict.verdict.kind.refused", judge { $0.verdict.kind = "hearsay" }),
                Refused("verdict.verdict.fault.refused", judge { $0.verdict.fault = .provider }),
                Refused("verdict.verdict.soundness.refused", judge { $0.verdict.soundness = .bits(40) }),
                Refused("verdict.replayed.outputRoot.refused", judge { $0.replayed = nil }),
                Refused("verdict.replayed.traceRoot.refused", judge { $0.replayed?.traceRoot = .zero }),
                Refused(
                    "verdict.verdict.fault.refused",
                    judge { statement in
                        rejection(&statement)
                        statement.verdict.fault = .requester
                    }
                ),
                Refused(
                    "verdict.verdict.checks.refused",
                    judge { statement in
                        rejection(&statement)
                        statement.verdict.checks[0].result = .skip
                    }
                ),
            ]
        )
        // An id that no receipt could hold is written so that one can.
        try await judge { statement in
            rejection(&statement)
            statement.verdict.checks[0].id = "bits of «y»/" + String(repeating: "z", count: 90)
            statement.verdict.checks[0].expected = String(repeating: "e", count: 4000)
        }()
        let view = try await world.view(ordered)
        #expect(view.outcome == "rejected")
        let report = try await world.audit(ordered)
        #expect(report.isAuthentic)
        // Verdicts that come after the end change nothing.
        #expect(try await scheduler.judge(job: id, verdict: envelope) == view)
    }

    @Test func aRepeatedVerdictIsAnsweredAgain() async throws {
        let world = try await Harness()
        let ordered = try await world.offered()
        #expect(try await world.provider().step())
        let recorder = Recorder(world.scheduler)
        let agent = ValidatorAgent(
            session: EngineSession(
                engine: recorder,
                engineKey: world.keys.engine.verifyingKey,
                key: world.keys.validators[0],
                clock: world.clock
            ),
            runner: TinyRunner(.crashes),
            artefacts: try ArtefactStore(folder: world.folder.path + "/validator-0"),
            log: Harness.log
        )
        #expect(try await agent.step())
        let verdict = try #require(await recorder.verdict)
        let view = try await world.view(ordered)
        #expect(view.phase == "offered")
        #expect(try await world.scheduler.judge(job: ordered.id, verdict: verdict) == view)
    }
}

/// An engine whose last verdict a test can have.
private actor Recorder: EngineAPI {
    let inner: Scheduler
    var verdict: [UInt8]?

    init(_ inner: Scheduler) { self.inner = inner }

    func judge(job: Digest, verdict: [UInt8]) async throws(EngineError) -> JobView {
        self.verdict = verdict
        return try await inner.judge(job: job, verdict: verdict)
    }

    func engine() async throws(EngineError) -> EngineDescription { try await inner.engine() }
    func account(request: [UInt8]) async throws(EngineError) -> AccountView {
        try await inner.account(request: request)
    }
    func account(id: String) async throws(EngineError) -> AccountView { try await inner.account(id: id) }
    func submit(order: [UInt8], spec: [UInt8]) async throws(EngineError) -> JobView {
        try await inner.submit(order: order, spec: spec)
    }
    func putFile(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView {
        try await inner.putFile(job: job, cid: cid, bytes: bytes)
    }
    func file(job: Digest, cid: CID) async throws(EngineError) -> [UInt8] { try await inner.file(job: job, cid: cid) }
    func job(id: Digest) async throws(EngineError) -> JobView { try await inner.job(id: id) }
    func jobs(limit: Int) async throws(EngineError) -> [JobView] { try await inner.jobs(limit: limit) }
    func receipt(job: Digest) async throws(EngineError) -> [UInt8] { try await inner.receipt(job: job) }
    func node(request: [UInt8]) async throws(EngineError) -> LeasedWork? { try await inner.node(request: request) }
    func nodes() async throws(EngineError) -> [NodeView] { try await inner.nodes() }
    func read(job: Digest, reading: [UInt8]) async throws(EngineError) -> JobView {
        try await inner.read(job: job, reading: reading)
    }
    func topUp(job: Digest, topUp: [UInt8]) async throws(EngineError) -> JobView {
        try await inner.topUp(job: job, topUp: topUp)
    }
    func close(job: Digest, request: [UInt8]) async throws(EngineError) -> JobView {
        try await inner.close(job: job, request: request)
    }
    func commit(job: Digest, execution: [UInt8], trace: [UInt8]) async throws(EngineError) -> JobView {
        try await inner.commit(job: job, execution: execution, trace: trace)
    }
    func putOutput(job: Digest, cid: CID, bytes: [UInt8]) async throws(EngineError) -> JobView {
        try await inner.putOutput(job: job, cid: cid, bytes: bytes)
    }
    func validator(request: [UInt8]) async throws(EngineError) -> VerificationWork? {
        try await inner.validator(request: request)
    }
}
