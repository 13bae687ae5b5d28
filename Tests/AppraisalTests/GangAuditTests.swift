// The audit of a receipt that was settled with others: its list of them, itself in it, and what several such receipts say together.
import Appraisal
import AssayTesting
import Codecs
import Commitments
import Receipts
import Testing
import Verdicts

/// A job that is the second of a gang of two that settles together.
private struct Pair {
    let factory: BundleFactory

    init(settles: String = "together") throws {
        let group = String(repeating: "ab", count: 32)
        let terms = #"{"gang":{"group":"\#(group)","size":2,"index":1,"settles":"\#(settles)"}}"#
        factory = try BundleFactory(terms: JSONValue(parsing: Array(terms.utf8)))
    }

    /// What a receipt says of its own job.
    static func own(_ receipt: Receipt) -> GangLeg {
        GangLeg(
            index: 1,
            jobID: receipt.jobID,
            outcome: receipt.outcome,
            reason: receipt.reason,
            verdictDigest: receipt.verdictDigests.last
        )
    }

    /// The other job.
    static func other(_ outcome: Outcome, _ reason: String) -> GangLeg {
        let id = JobID(SHA256.hash(Array("the other".utf8)))
        return GangLeg(index: 0, jobID: id, outcome: outcome, reason: reason, verdictDigest: .zero)
    }

    func report(_ ending: BundleFactory.Ending, _ edit: (inout Receipt) -> Void) async throws -> AuditReport {
        try await Audit.run(bundle: try await factory.bundle(ending, edit: edit), trust: factory.trust)
    }

    /// The checks that fail when the receipt has the list that `legs` makes of its own entry.
    func failures(
        _ ending: BundleFactory.Ending = .accepted,
        _ legs: (GangLeg) -> [GangLeg]?
    ) async throws -> [String] {
        let report = try await report(ending) { $0.gang = legs(Self.own($0)) }
        #expect(report.isAuthentic == report.verdict.checks.allSatisfy { $0.result != .fail })
        return report.verdict.checks.filter { $0.result == .fail }.map(\.id)
    }
}

@Suite struct GangAuditTests {
    private let paid = Pair.other(.accepted, "verified")

    @Test func aTruthfulListIsAccepted() async throws {
        let pair = try Pair()
        #expect(try await pair.failures { [paid, $0] } == [])
        // One failed, and took the other with it.
        let lost = Pair.other(.inconclusive, GangLeg.incomplete)
        #expect(try await pair.failures(.rejected) { [lost, $0] } == [])
        #expect(try await pair.failures(.requesterFault) { [paid, $0] } == [])
        #expect(try await pair.failures(.unmatched) { _ in nil } == [])
    }

    @Test func eachLieAboutTheOthersIsNamed() async throws {
        let pair = try Pair()
        #expect(try await pair.failures { _ in nil } == ["receipt.gang"])
        // Too few, too many, out of order, one place twice, one job twice.
        #expect(try await pair.failures { [$0] } == ["receipt.gang"])
        var third = paid
        (third.index, third.jobID) = (2, JobID(.zero))
        #expect(try await pair.failures { [paid, $0, third] } == ["receipt.gang"])
        #expect(try await pair.failures { [$0, paid] } == ["receipt.gang"])
        var same = paid
        same.index = 1
        #expect(try await pair.failures { [$0, same] } == ["receipt.gang"])
        #expect(
            try await pair.failures { own in
                var twin = own
                twin.index = 0
                return [twin, own]
            } == ["receipt.gang"]
        )
        // Paid beside one that was not, and beside one that nobody has judged.
        for reason in ["replay.outputs", GangLeg.incomplete] {
            #expect(try await pair.failures { [Pair.other(.rejected, reason), $0] } == ["receipt.gang"])
            #expect(try await pair.failures { [Pair.other(.inconclusive, reason), $0] } == ["receipt.gang"])
        }
        var unjudged = paid
        unjudged.verdictDigest = nil
        #expect(try await pair.failures { [unjudged, $0] } == ["receipt.gang"])
        #expect(try await pair.failures(.rejected) { [paid, $0] } == ["receipt.gang"])
    }

    @Test func eachLieAboutItselfIsNamed() async throws {
        let pair = try Pair()
        let lies: [(inout GangLeg) -> Void] = [
            { $0.jobID = JobID(.zero) }, { $0.reason = "generous" }, { $0.verdictDigest = .zero },
        ]
        for lie in lies {
            let failed = try await pair.failures { own in
                var own = own
                lie(&own)
                return [paid, own]
            }
            #expect(failed == ["receipt.gang.self"])
        }
        #expect(
            try await pair.failures { own in
                var own = own
                own.outcome = .requesterFault
                return [paid, own]
            } == ["receipt.gang.self"]
        )
    }

    @Test func whoIsSettledAloneHasNoList() async throws {
        #expect(try await Pair(settles: "each").failures { [paid, $0] } == ["receipt.gang"])
        #expect(try await Pair(settles: "each").failures { _ in nil } == [])
        // A job that nobody took was settled with nobody.
        #expect(try await Pair().failures(.unmatched) { [paid, $0] } == ["receipt.gang"])
    }

    /// A node whose result was accepted and which is not paid: allowed by the list of a gang, and by nothing else.
    @Test func onlyAGangLeavesAnAcceptedResultUnpaid() async throws {
        let pair = try Pair()
        let unpaid = try UnverifiedDocument<Receipt>(
            parsing: try Bundle(parsing: try await pair.factory.bundle(.inconclusive)).member(BundleMember.receipt)
        ).predicate
        func failures(_ reason: String, _ other: GangLeg?) async throws -> [String] {
            let report = try await pair.report(.accepted) { receipt in
                (receipt.outcome, receipt.fault, receipt.reason) = (.inconclusive, .environment, reason)
                receipt.settlement = unpaid.settlement
                receipt.attempts = unpaid.attempts
                receipt.gang = other.map { [$0, Pair.own(receipt)] }
            }
            return report.verdict.checks.filter { $0.result == .fail }.map(\.id)
        }
        let culprit = Pair.other(.rejected, "replay.outputs")
        #expect(try await failures(GangLeg.incomplete, culprit) == [])
        #expect(try await failures("whim", culprit) == ["verdict.dissent"])
        #expect(try await failures(GangLeg.incomplete, nil) == ["verdict.dissent", "receipt.gang"])
        // It has waited for one that nobody has judged; nobody waits for what is judged.
        var unjudged = Pair.other(.inconclusive, GangLeg.incomplete)
        unjudged.verdictDigest = nil
        #expect(try await failures(GangLeg.late, unjudged) == [])
        #expect(try await failures(GangLeg.late, culprit) == ["verdict.dissent", "receipt.gang"])
        for innocent in [paid, Pair.other(.inconclusive, GangLeg.incomplete)] {
            #expect(try await failures(GangLeg.incomplete, innocent) == ["verdict.dissent", "receipt.gang"])
        }
    }

    @Test func receiptsOfOneGangAreHeldAgainstEachOther() async throws {
        let pair = try Pair()
        func receipt(_ edit: (inout Receipt) -> Void) async throws -> Receipt {
            let bundle = try Bundle(parsing: try await pair.factory.bundle(.accepted, edit: edit))
            return try UnverifiedDocument<Receipt>(parsing: try bundle.member(BundleMember.receipt)).predicate
        }
        let second = try await receipt { $0.gang = [paid, Pair.own($0)] }
        let legs = try #require(second.gang)
        // The other's receipt, as far as the comparison looks at it.
        var first = second
        first.jobID = paid.jobID
        first.verdictDigests = [.zero]
        #expect(Audit.contradiction(among: [first, second]) == nil)
        #expect(Audit.contradiction(among: [second]) == nil && Audit.contradiction(among: []) == nil)
        let lies: [(inout Receipt) -> Void] = [
            { $0.outcome = .rejected }, { $0.reason = "generous" }, { $0.verdictDigests = [] },
            { $0.verdictDigests = [SHA256.hash([1])] }, { $0.gang = nil }, { $0.gang = legs.reversed() },
            { $0.gang?[0].jobID = JobID(.zero) },
        ]
        for (index, lie) in lies.enumerated() {
            var other = first
            lie(&other)
            for receipts in [[other, second], [second, other]] {
                #expect(Audit.contradiction(among: receipts) != nil, "lie \(index)")
            }
        }
    }
}
