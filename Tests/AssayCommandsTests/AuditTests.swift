// `assay audit` and `assay inspect` over bundles that end in every way, and over damaged ones.
import AssayTesting
import Codecs
import Commitments
import Foundation
import Receipts
import Testing

@testable import AssayCommands

struct AuditCommandTests {
    static func status(of ending: BundleFactory.Ending) -> ExitStatus {
        ending == .accepted ? .ok : .notAccepted
    }

    func workplace(_ factory: BundleFactory) throws -> Workplace {
        let workplace = try Workplace()
        try workplace.write(factory.trust.bytes, "trust.json")
        return workplace
    }

    @Test(arguments: BundleFactory.Ending.allCases)
    func everyEndingHasItsCode(ending: BundleFactory.Ending) async throws {
        let factory = try BundleFactory()
        let workplace = try workplace(factory)
        try workplace.write(try await factory.bundle(ending), "job.assay")
        let arguments = ["audit", workplace.path("job.assay"), "--trust", workplace.path("trust.json")]
        let run = await workplace.run(arguments + ["--json"])
        #expect(run.status == Self.status(of: ending))
        #expect(try run.member("exit") == .integer(run.status.rawValue))
        #expect(try run.member("authentic") == .bool(true))
        #expect(try run.member("conclusion") == .string(ending == .accepted ? "accepted" : "notAccepted"))
        #expect(try run.member("receipt.receipt.outcome") != nil)
        #expect((try run.member("error") == nil) == (ending == .accepted))
        let human = await workplace.run(arguments + ["--explain"])
        #expect(human.status == run.status)
        #expect(human.output.contains(ending == .accepted ? "VERIFIED, accepted" : "AUTHENTIC, not accepted"))
        #expect(!human.output.contains("FAIL"))
    }

    @Test(arguments: [BundleLie.forgedReceiptSignature, .untrustedEngine, .otherOutput, .inflatedMeter])
    func aLieIsRejectedAndNamed(lie: BundleLie) async throws {
        let factory = try BundleFactory()
        let workplace = try workplace(factory)
        try workplace.write(try await factory.bundle(.accepted, lie: lie), "job.assay")
        let arguments = ["audit", workplace.path("job.assay"), "--trust", workplace.path("trust.json")]
        let run = await workplace.run(arguments + ["--json"])
        #expect(run.status == .rejected)
        #expect(try run.member("authentic") == .bool(false))
        guard case .string(let id)? = try run.member("error.id") else {
            Issue.record("no error id")
            return
        }
        let human = await workplace.run(arguments)
        #expect(human.status == .rejected)
        #expect(human.output.contains("REFUTED"))
        #expect(human.output.contains(id))
        #expect(human.output.contains("expected"))
    }

    /// Each of the two receipts is in order; only together they show that one of them lies.
    @Test func receiptsOfOneGangThatContradictEachOtherAreRejected() async throws {
        let group = String(repeating: "ab", count: 32)
        func factory(_ index: Int) throws -> BundleFactory {
            let terms = #"{"gang":{"group":"\#(group)","size":2,"index":\#(index),"settles":"together"}}"#
            return try BundleFactory(seed: UInt64(index), terms: JSONValue(parsing: Array(terms.utf8)))
        }
        let factories = [try factory(0), try factory(1)]
        func own(_ index: Int, _ receipt: Receipt) -> GangLeg {
            GangLeg(
                index: Int64(index),
                jobID: receipt.jobID,
                outcome: receipt.outcome,
                reason: receipt.reason,
                verdictDigest: receipt.verdictDigests.last
            )
        }
        var legs: [GangLeg] = []
        for (index, factory) in factories.enumerated() {
            _ = try await factory.bundle(.accepted) { legs.append(own(index, $0)) }
        }
        let workplace = try Workplace()
        let trust = try TrustFile(
            engines: factories.flatMap(\.trust.engines),
            validators: factories.flatMap(\.trust.validators),
            quorum: 1
        )
        try workplace.write(trust.bytes, "trust.json")
        func audit(_ second: [GangLeg]) async throws -> Run {
            for (index, factory) in factories.enumerated() {
                let bundle = try await factory.bundle(.accepted) { $0.gang = index == 0 ? legs : second }
                try workplace.write(bundle, "\(index).assay")
            }
            let files = ["0.assay", "1.assay"].map(workplace.path)
            return await workplace.run(["audit", "--trust", workplace.path("trust.json"), "--json"] + files)
        }
        #expect(try await audit(legs).status == .ok)
        var others = legs
        others[0].verdictDigest = .zero
        let run = try await audit(others)
        #expect(run.status == .rejected)
        #expect(try run.member("error.id") == .string("audit.gang"))
    }

    @Test func flippedBytesNeverVerify() async throws {
        let factory = try BundleFactory()
        let workplace = try workplace(factory)
        let bundle = try await factory.bundle(.accepted)
        for offset in stride(from: 0, to: bundle.count, by: 197) {
            var damaged = bundle
            damaged[offset] ^= 0x10
            try workplace.write(damaged, "job.assay")
            let run = await workplace.run([
                "audit", workplace.path("job.assay"), "--trust", workplace.path("trust.json"), "--json",
            ])
            #expect(run.status == .rejected || run.status == .dataError, "byte \(offset)")
        }
    }

    @Test func aDeepAuditRunsTheJobAgain() async throws {
        let factory = try BundleFactory()
        var workplace = try workplace(factory)
        try workplace.write(try await factory.bundle(.accepted), "job.assay")
        let arguments = ["audit", workplace.path("job.assay"), "--trust", workplace.path("trust.json"), "--deep"]
        #expect(await workplace.run(arguments).status == .ok)
        workplace.runner = TinyLocalRunner(fault: .flippedOutputBit(element: 3))
        #expect(await workplace.run(arguments).status == .rejected)
        workplace.runner = TinyLocalRunner(hasDevice: false)
        let undecided = await workplace.run(arguments + ["--json"])
        #expect(undecided.status == .incomplete)
        #expect(try undecided.member("error.hint") == .string("assay node doctor says what is missing"))
        workplace.runner = nil
        #expect(await workplace.run(arguments).status == .unavailable)
    }

    @Test func severalFilesArePartialWhenOneFails() async throws {
        let factory = try BundleFactory()
        let workplace = try workplace(factory)
        try workplace.write(try await factory.bundle(.accepted), "r/a.assay")
        try workplace.write(try await factory.bundle(.accepted), "r/b.assay")
        try workplace.write(Array("not a receipt".utf8), "r/ignored.txt")
        let arguments = ["audit", workplace.path("r"), "--trust", workplace.path("trust.json"), "--json"]
        let good = await workplace.run(arguments)
        #expect(good.status == .ok)
        guard case .array(let items)? = try good.member("items") else {
            Issue.record("no items")
            return
        }
        #expect(items.count == 2)
        try workplace.write(try await factory.bundle(.rejected), "r/c.assay")
        try workplace.write([], "r/d.assay")
        let partial = await workplace.run(arguments)
        #expect(partial.status == .partial)
        #expect(try partial.member("failed") == .integer(2))
        guard case .array(let all)? = try partial.member("items") else { return }
        let exits = all.compactMap { item -> JSONValue? in
            if case .object(let object) = item { return object["exit"] }
            return nil
        }
        #expect(exits == [.integer(0), .integer(0), .integer(6), .integer(65)])
    }

    @Test func timeIsTheUsersOwn() async throws {
        let factory = try BundleFactory()
        let workplace = try workplace(factory)
        try workplace.write(try await factory.bundle(.accepted), "job.assay")
        let arguments = ["audit", workplace.path("job.assay"), "--trust", workplace.path("trust.json"), "--json"]
        let later = await workplace.run(arguments + ["--time", "2030-01-01T00:00:00Z"])
        #expect(later.status == .ok)
        #expect(try later.member("time") == .integer(1_893_456_000))
        let before = await workplace.run(arguments + ["--time", "2001-01-01T00:00:00Z"])
        #expect(before.status == .rejected)
    }

    @Test func inspectShowsAndDoesNotJudge() async throws {
        let factory = try BundleFactory()
        let workplace = try workplace(factory)
        let bytes = try await factory.bundle(.rejected, lie: .forgedReceiptSignature)
        try workplace.write(bytes, "job.assay")
        let run = await workplace.run(["inspect", workplace.path("job.assay"), "--json"])
        #expect(run.status == .ok)
        #expect(try run.member("kind") == .string("bundle"))
        let bundle = try Bundle(parsing: bytes)
        for (name, kind) in [
            ("receipt.json", "urn:assay:receipt:1"), ("order.json", "urn:assay:order:1"), ("spec.json", "job"),
            ("ruleset.json", "ruleset"), ("lease.json", "urn:assay:lease:1"), ("verdict-0.json", "urn:assay:verdict:1"),
            ("execution.json", "urn:assay:execution:1"),
        ] {
            try workplace.write(try bundle.member(name), name)
            let part = await workplace.run(["inspect", workplace.path(name), "--json"])
            #expect(part.status == .ok)
            #expect(try part.member("kind") == .string(kind))
            let member = await workplace.run(["inspect", workplace.path("job.assay"), "--member", name, "--json"])
            #expect(member.status == .ok)
            #expect(try member.member("value") == part.member("value"))
        }
        let trust = await workplace.run(["inspect", workplace.path("trust.json"), "--json"])
        #expect(try trust.member("kind") == .string("trust"))
        #expect(await workplace.run(["inspect", workplace.path("job.assay"), "--member", "no"]).status == .dataError)
    }
}
