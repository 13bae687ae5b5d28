// Jobs whose replay is drawn by a beacon: the engine's own seed, and real rounds of drand that a service on a real socket
// hands out, late, wrongly or not at all.
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineClient
import Foundation
import Glibc
import Receipts
import Replay
import Signatures
import Synchronization
import Testing
import Verdicts

@testable import Appraisal
@testable import Validator

/// Answers `GET /<network>/public/<round>` on a loopback port with what it was given, and with 404 otherwise.
final class RoundService: Sendable {
    let url: String
    private let listener: Int32

    init(_ answers: [String: String]) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 8) == 0
                    && getsockname(listener, address, &length) == 0
            }
        }
        guard isBound else { throw HarnessError("no port") }
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        self.listener = listener
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = max(0, recv(connection, &buffer, buffer.count, 0))
                let target = String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: " ").dropFirst()
                    .first
                let body = target.flatMap { answers[String($0)] }
                let text =
                    "HTTP/1.1 \(body == nil ? "404 Not Found" : "200 OK")\r\nContent-Length: \(body?.utf8.count ?? 0)\r\n"
                    + "Connection: close\r\n\r\n\(body ?? "")"
                _ = send(connection, text, text.utf8.count, Int32(MSG_NOSIGNAL))
                close(connection)
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }
}

@Suite("Beacons") struct BeaconTests {
    static func terms(perMillion: Int64 = 500_000, local: Bool = true, network: JSONValue? = nil) -> Terms {
        var terms = Terms()
        terms.attempts = 1
        var beacon = JSONObject()
        if let network { beacon["drand"] = network }
        beacon["local"] = .bool(local)
        terms.evidence = (
            .object([
                "kind": .string("replay-exact"), "scope": .string("drawn"), "perMillion": .integer(perMillion),
                "beacon": .object(beacon),
            ]), [:]
        )
        return terms
    }

    private func failed(_ report: AuditReport) -> [String] {
        report.verdict.checks.filter { $0.result == .fail }.map { "\($0.id): \($0.expected) / \($0.actual)" }
    }

    /// What the validator's verdict says about the draw; engine and auditor have decided it again.
    private func draw(_ world: Harness, _ ordered: Ordered) async throws -> String {
        let bundle = try Receipts.Bundle(parsing: try await world.scheduler.receipt(job: ordered.id))
        let verdict = try UnverifiedDocument<VerdictStatement>(parsing: bundle.member(BundleMember.verdict(0)))
        return try #require(verdict.predicate.verdict.checks.first { $0.id == "beacon.draw" }).actual
    }

    /// Does one job after another until one was drawn and one was not.
    @Test func theLocalBeaconDraws() async throws {
        var seen: Set<Bool> = []
        for nonce in UInt8(1)...40 where seen.count < 2 {
            let world = try await Harness()
            try await world.fund()
            let ordered = try world.order(Self.terms(), nonce: nonce)
            try await world.submit(ordered)
            try await world.upload(ordered)
            // Half of the wrong results get through: that is the bound that the verdict states.
            #expect(try await world.provider(0, TinyRunner(.flippedOutputBit(element: 5))).step())
            let runner = CountingRunner()
            #expect(try await world.validator(0, runner).step())
            let report = try await world.audit(ordered)
            let isDrawn = runner.runs.withLock { $0 } == 1
            guard seen.insert(isDrawn).inserted else { continue }
            #expect(report.isAuthentic, "\(failed(report))")
            let receipt = try #require(report.summary?.receipt)
            let bundle = try Receipts.Bundle(parsing: try await world.scheduler.receipt(job: ordered.id))
            let verdict = try UnverifiedDocument<VerdictStatement>(parsing: bundle.member(BundleMember.verdict(0)))
            #expect(verdict.predicate.beacon == .local)
            #expect(try await draw(world, ordered) == (isDrawn ? "drawn by local" : "not drawn by local"))
            if isDrawn {
                #expect(receipt.outcome == .rejected && report.summary?.divergence != nil)
            } else {
                #expect(receipt.outcome == .accepted && receipt.reason == "verified")
                #expect(report.verdict.soundness == .bits(1) && verdict.predicate.replayed == nil)
                #expect(report.verdict.assumptions.contains { $0.id == "engine-beacon" })
                #expect(try await world.view(ordered).reason == "not drawn for a replay")
                // What the beacon spared the provider, a deep audit finds.
                #expect(try await world.audit(ordered, deep: TinyRunner()).conclusion == .refuted)
                try await tampered(world, bundle)
            }
        }
        #expect(seen.count == 2)
    }

    /// Every part of a draw is bound to another: none can be changed alone, by the engine itself either.
    private func tampered(_ world: Harness, _ bundle: Receipts.Bundle) async throws {
        let trust = try TrustFile(
            engines: [world.keys.engine.verifyingKey],
            validators: world.keys.validators.map(\.verifyingKey),
            quorum: 1
        )
        let good = try Signed<CommitmentStatement>(verifying: bundle.member(BundleMember.commitment))
        func audit(_ id: String, _ change: (inout CommitmentStatement) -> Void) async throws {
            var statement = good.predicate
            change(&statement)
            var members = bundle.members
            members[BundleMember.commitment] =
                try CommitmentStatement.sign(statement, with: world.keys.engine).envelope
            let sealed = try Receipts.Bundle.seal(jobID: bundle.jobID, members: members, with: world.keys.engine)
            let report = try await Audit.run(bundle: sealed, trust: trust)
            #expect(report.conclusion == .refuted && failed(report).contains { $0.hasPrefix(id) }, "\(failed(report))")
        }
        try await audit("commitment.seed") { $0.seed[0] ^= 1 }
        try await audit("commitment.execution") { $0.executionDigest = .zero }
        try await audit("commitment.attempt") { $0.attempt = 2 }
        try await audit("commitment.time") { $0.committedAt += 1_000_000 }
        var members = bundle.members
        members[BundleMember.commitment] = nil
        let sealed = try Receipts.Bundle.seal(jobID: bundle.jobID, members: members, with: world.keys.engine)
        #expect(try await Audit.run(bundle: sealed, trust: trust).conclusion == .refuted)
    }

    // MARK: drand

    static let quicknet = "QUICKNET_CHAIN_INFO"

    static func network(_ name: String = quicknet) throws -> JSONValue {
        try #require(try SharedVectors.json("vectors/proofs/drand/chains.json")[name])
    }

    /// Round 1000 of quicknet, which many repositories carry.
    static let round: JSONValue = .object([
        "round": .integer(1000),
        "signature": .string(
            "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39"
        ),
        "randomness": .string("fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"),
    ])
    static let otherRound: JSONValue = .object([
        "round": .integer(123),
        "signature": .string(
            "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92"
        ),
    ])
    /// Due time of round 1000.
    static let dueAt: Int64 = 1_692_803_367 + 999 * 3
    static let path = "/52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971/public/1000"

    /// A job that was committed so that round 1000 decides.
    private func committed(_ local: Bool = true) async throws -> (world: Harness, ordered: Ordered) {
        let world = try await Harness()
        world.clock.advance(Self.dueAt - 6 - world.clock.now)
        let ordered = try await world.offered(Self.terms(local: local, network: try Self.network()))
        #expect(try await world.provider(0).step())
        let view = try await world.view(ordered)
        #expect(view.phase == "verifying", "\(view.reason)")
        return (world, ordered)
    }

    private func source(_ answers: [String: JSONValue]) throws -> (service: RoundService, source: BeaconSource) {
        let service = try RoundService(answers.mapValues { String(decoding: $0.serialized(), as: UTF8.self) })
        // The first node has nothing; the second one is asked.
        let client = try DrandClient(urls: [service.url + "/empty", service.url], timeoutMilliseconds: 2000)
        return (service, { network, round in await client.round(round, chain: network) })
    }

    @Test(.enabled(if: SharedVectors.has("vectors/proofs", for: "BeaconTests")))
    func aRoundOfDrandDraws() async throws {
        let (world, ordered) = try await committed(false)
        let (service, source) = try source([Self.path: Self.round])
        let validator = try world.validator(0, beacon: source)
        // The round is not due: asking again later is all there is to do.
        #expect(try await validator.step() == false)
        world.clock.advance(Self.dueAt - world.clock.now)
        #expect(try await validator.step())
        withExtendedLifetime(service) {}
        let report = try await world.audit(ordered)
        #expect(report.conclusion == .accepted, "\(failed(report))")
        #expect(try await draw(world, ordered).hasSuffix("drawn by drand round 1000"))
        let bundle = try Receipts.Bundle(parsing: try await world.scheduler.receipt(job: ordered.id))
        let verdict = try Signed<VerdictStatement>(verifying: bundle.member(BundleMember.verdict(0)))
        #expect(verdict.predicate.beacon == .drand(Self.round))
        // Another time of commitment would have meant another round.
        let commitment = try Signed<CommitmentStatement>(verifying: bundle.member(BundleMember.commitment))
        for shift in [Int64(-3), 3] {
            var moved = commitment.predicate
            moved.committedAt += shift
            let rule = try #require(ordered.sealed.spec.evidence.replay?.draw)
            let decision = try BeaconDraw(rule, commitment: moved).decide(.drand(Self.round))
            #expect(decision.isDrawn == nil)
            #expect(decision.checks.contains { $0.id == "beacon.drand.round" && $0.result == .fail })
        }
        // The local beacon decides nothing where the spec does not allow it.
        let rule = try #require(ordered.sealed.spec.evidence.replay?.draw)
        #expect(try BeaconDraw(rule, commitment: commitment.predicate).decide(.local).isDrawn == nil)
    }

    @Test(.enabled(if: SharedVectors.has("vectors/proofs", for: "BeaconTests")), arguments: [true, false])
    func aNetworkThatCannotBeHad(_ local: Bool) async throws {
        // One that serves another round as this one; a wrong one must not be taken for none.
        for answers in [[Self.path: Self.otherRound], [:]] {
            let (world, ordered) = try await committed(local)
            let (service, source) = try source(answers)
            let validator = try world.validator(0, beacon: source)
            world.clock.advance(Self.dueAt - world.clock.now)
            #expect(try await validator.step() == false)
            world.clock.advance(BeaconDraw.graceSeconds - 6)
            #expect(try await validator.step() == false)
            world.clock.advance(6)
            // The deadline of the verification is later than the grace.
            #expect(try await validator.step())
            withExtendedLifetime(service) {}
            let report = try await world.audit(ordered)
            #expect(report.isAuthentic, "\(failed(report))")
            let receipt = try #require(report.summary?.receipt)
            if local {
                #expect(receipt.outcome == .accepted)
                #expect(try await draw(world, ordered).hasSuffix("by local"))
            } else {
                #expect(receipt.outcome == .inconclusive && receipt.reason == "beacon.source")
                #expect(receipt.settlement.stake?.slashed == 0)
            }
        }
    }

    /// A validator cannot take another beacon than the spec allows, nor leave out a replay that was drawn.
    @Test func theEngineDecidesAgain() async throws {
        for nonce in UInt8(1)...40 {
            let world = try await Harness()
            try await world.fund()
            let ordered = try world.order(Self.terms(perMillion: 900_000), nonce: nonce)
            try await world.submit(ordered)
            try await world.upload(ordered)
            #expect(try await world.provider(0).step())
            let key = world.keys.validators[0]
            let work = try #require(try await world.scheduler.validator(request: try world.request(.poll, key)))
            let execution = try Signed<ExecutionStatement>(verifying: work.execution)
            let commitment = try Signed<CommitmentStatement>(verifying: try #require(work.commitment))
            let rule = try #require(ordered.sealed.spec.evidence.replay?.draw)
            let draw = try BeaconDraw(rule, commitment: commitment.predicate)
            guard draw.decide(.local).isDrawn == true else { continue }
            for beacon in [BeaconRecord.local, .drand(Self.round), nil] {
                let lie = VerdictStatement(
                    jobID: JobID(ordered.id),
                    attempt: 1,
                    validator: key.verifyingKey,
                    executionDigest: execution.digest,
                    at: world.clock.now,
                    replayed: nil,
                    divergence: nil,
                    device: nil,
                    sandbox: nil,
                    beacon: beacon,
                    verdict: Verdict(
                        kind: "replay-exact",
                        outcome: .accepted,
                        soundness: BeaconDraw.soundness(perMillion: 900_000),
                        assumptions: [],
                        checks: [Check(id: "beacon.draw", result: .pass, actual: "not drawn by local")],
                        subject: execution.digest.text
                    )
                )
                let envelope = try VerdictStatement.sign(lie, with: key).envelope
                await #expect(throws: EngineError.self) {
                    _ = try await world.scheduler.judge(job: ordered.id, verdict: envelope)
                }
            }
            #expect(try await world.view(ordered).phase == "verifying")
            return
        }
        Issue.record("nothing was drawn forty times with a chance of nine in ten")
    }

    @Test func aNetworkThatIsNoneIsTheRequestersFault() async throws {
        let world = try await Harness()
        let ordered = try await world.offered(Self.terms(network: .object(["hash": .string("00")])))
        let view = try await world.view(ordered)
        #expect(view.outcome == "requesterFault" && view.reason.contains("beacon.drand"), "\(view.reason)")
    }

    // MARK: The arithmetic

    @Test func boundsAreRoundedDown() {
        #expect(BeaconDraw.soundness(perMillion: 500_000) == .bits(1))
        #expect(BeaconDraw.soundness(perMillion: 750_000) == .bits(2))
        for chance: Int64 in [1, 10, 1000, 99_999, 100_000, 333_333, 900_000, 999_000, 999_999] {
            let exact = -1000 * log2(Double(1_000_000 - chance) / 1_000_000)
            let found = Double(BeaconDraw.soundness(perMillion: chance).millibits ?? -1)
            #expect(found <= exact && found > exact - 1.01, "\(chance): \(found), exactly \(exact)")
        }
    }

    @Test func theChanceIsWhatItSays() {
        for chance: Int64 in [1000, 100_000, 500_000, 900_000] {
            let count = 20_000
            let drawn = (0..<count).count { number in
                BeaconDraw.isDrawn(SHA256.hash(Array("\(number)".utf8)), perMillion: chance)
            }
            let mean = Double(count) * Double(chance) / 1_000_000
            let deviation = (mean * (1 - Double(chance) / 1_000_000)).squareRoot()
            #expect(abs(Double(drawn) - mean) < 5 * deviation, "\(chance): \(drawn)")
        }
        #expect(BeaconDraw.isDrawn(.zero, perMillion: 1))
    }
}
