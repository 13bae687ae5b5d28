// Terms beside the price: what a spec may ask for, what is held for it, and the amounts that follow from whose fault it was.
import AssayTesting
import Codecs
import Commitments
import Receipts
import Replay
import Testing
import Verdicts

@Suite struct TermsTests {
    private func spec(_ terms: JSONValue?) throws -> JobSpec {
        guard case .object(var job) = TinyJob.authored else { throw TermsError() }
        if let terms { job["terms"] = terms }
        return try JobSpec(.object(job))
    }

    private struct TermsError: Error {}

    private func terms(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func aSpecWithoutTermsHasTheDefaultsAndKeepsItsBytes() throws {
        let plain = try spec(nil)
        #expect(plain.terms == JobSpec.Terms())
        guard case .object(let object) = plain.json else { return }
        #expect(object["terms"] == nil)
    }

    @Test func termsSurviveARoundTrip() throws {
        let group = String(repeating: "ab", count: 32)
        let text = """
            {"mode":"metered","depositUnits":"64000","preemptible":true,"bond":"12",\
            "gang":{"group":"\(group)","size":3,"index":2}}
            """
        let job = try spec(try terms(text))
        #expect(job.terms.mode == .metered && job.terms.isPreemptible && job.terms.allowsPrefix)
        #expect(job.terms.gang == JobSpec.Gang(group: try Digest(hex: group), size: 3, index: 2))
        // Half of the 128,000 units at 50 minor units each.
        #expect(job.holdAmount == 3_200_000)
        #expect(try JobSpec(job.json) == job)
    }

    @Test(arguments: [
        (#"{"mode":"later"}"#, "terms.mode"),
        (#"{"mode":"prepaid","depositUnits":"1"}"#, "terms.depositUnits"),
        (#"{"mode":"metered","depositUnits":"0"}"#, "terms.depositUnits"),
        (#"{"mode":"metered","depositUnits":"128001"}"#, "terms.depositUnits"),
        (#"{"bond":"9223372036854775808"}"#, "terms.bond"),
        (#"{"gang":{"group":"00","size":2,"index":0}}"#, "terms.gang.group"),
        (#"{"preemptible":1}"#, "terms.preemptible"), (#"{"surprise":1}"#, "terms.surprise"),
    ])
    func termsOutOfBoundsAreRefused(_ text: String, _ field: String) throws {
        let value = try terms(text)
        let error = #expect(throws: ParseError.self) { try spec(value) }
        #expect(error?.field == field)
    }

    @Test(arguments: [(1, 0), (65, 0), (2, 2), (2, -1)])
    func aPlaceOutsideOfItsGangIsRefused(_ size: Int, _ index: Int) throws {
        let group = String(repeating: "ab", count: 32)
        let value = try terms(#"{"gang":{"group":"\#(group)","size":\#(size),"index":\#(index)}}"#)
        #expect(throws: ParseError.self) { try spec(value) }
    }

    @Test func aPrefixIsAJobOfItsOwnWhoseTraceBeginsTheWholeOne() async throws {
        let whole = try spec(try terms(#"{"preemptible":true}"#))
        let tiny = try TinyJob()
        let sealed = try SealedJob(try whole.sealing(with: tiny.files.mapValues { ArtefactIdentity(of: $0) }))
        let half = try sealed.prefix(steps: 1)
        #expect(half.bytes == sealed.bytes && half.inputRoot == sealed.inputRoot)
        #expect(half.spec.replay.workUnits == 64_000)
        // The scratch slot that the first step wrote is what the rest can be computed from.
        #expect(half.spec.replay.outputSlots.map { half.spec.replay.slots[$0].name } == ["h"])
        #expect(try ReplaySpec(half.spec.replay.json) == half.spec.replay)
        #expect(try sealed.prefix(steps: 2) == sealed)
        for steps: Int64 in [0, 3, -1] { #expect(throws: ParseError.self) { try sealed.prefix(steps: steps) } }
        let plain = try TinyJob().job
        #expect(throws: ParseError.self) { try plain.prefix(steps: 1) }
        let spec = sealed.spec.replay
        for (units, steps) in [(UInt64(0), 0), (63_999, 0), (64_000, 1), (127_999, 1), (128_000, 2), (.max, 2)] {
            #expect(spec.steps(within: units) == steps)
        }
    }

    @Test(arguments: [(UInt64(10), UInt64(3_000_000), UInt64(3)), (10, 0, .max), (0, 1, 0), (7, 1_000_000, 7)])
    func coverageIsTheMostThatAnAmountPaysFor(_ held: UInt64, _ price: UInt64, _ units: UInt64) throws {
        let covered = Charge.units(coveredBy: held, pricePerMegaUnit: price)
        #expect(covered == units)
        guard covered < .max else { return }
        #expect(try #require(Charge.amount(workUnits: covered, pricePerMegaUnit: price)) <= held)
        #expect(try #require(Charge.amount(workUnits: covered + 1, pricePerMegaUnit: price)) > held)
    }
}

@Suite struct MoneyByFaultTests {
    private static let rules = """
        {"schema":"assay.ruleset/1","split":[{"leg":"provider","base":"gross","basisPoints":9000},\
        {"leg":"fee","base":"gross","basisPoints":1000}],"stake":{"basisPointsOfHold":20000,"minimum":"1"},\
        "slash":[{"leg":"treasury","base":"slashed","basisPoints":10000}],\
        "faults":{"penaltyBasisPointsOfStake":150,"penalty":[{"leg":"payer","base":"penalty","basisPoints":10000}],\
        "bondBasisPointsOfHold":500}}
        """

    /// One row of the page's table.
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let outcome: Outcome
        var isSilent = false
        /// What each of them gets or loses: of a hold of 1000, a stake of 2000, a bond of 50.
        let gross: UInt64
        let slashed: UInt64
        let bondLost: UInt64
        var testDescription: String { name }
    }

    @Test(arguments: [
        Row(name: "accepted", outcome: .accepted, gross: 400, slashed: 0, bondLost: 0),
        Row(name: "provider fault", outcome: .inconclusive, isSilent: true, gross: 0, slashed: 30, bondLost: 0),
        Row(name: "provider fraud", outcome: .rejected, gross: 0, slashed: 2000, bondLost: 0),
        Row(name: "requester fault", outcome: .requesterFault, gross: 0, slashed: 0, bondLost: 50),
        Row(name: "engine fault, inconclusive", outcome: .inconclusive, gross: 0, slashed: 0, bondLost: 0),
    ])
    func everyFaultHasItsMoney(_ row: Row) throws {
        let amounts = SettlementAmounts(
            outcome: row.outcome,
            held: 1000,
            workUnits: 400,
            pricePerMegaUnit: 1_000_000,
            stake: 2000,
            ruleset: try Ruleset(parsing: Array(Self.rules.utf8)),
            isSilent: row.isSilent,
            bond: 50,
            meteredUnits: 400
        )
        #expect(amounts.gross == row.gross && amounts.refunded == 1000 - row.gross)
        #expect(amounts.slashed == row.slashed && amounts.released == 2000 - row.slashed)
        #expect(amounts.bondLost == row.bondLost && amounts.bondReleased == 50 - row.bondLost)
        #expect(amounts.parts.reduce(0) { $0 + $1.amount } == row.gross)
        #expect(amounts.slashParts.reduce(0) { $0 + $1.amount } == row.slashed)
        #expect(amounts.bondParts.reduce(0) { $0 + $1.amount } == row.bondLost)
    }

    @Test func withoutALeaseNobodyIsPaidFromABond() throws {
        let amounts = SettlementAmounts(
            outcome: .requesterFault,
            held: 1000,
            workUnits: 0,
            pricePerMegaUnit: nil,
            stake: 0,
            ruleset: .default,
            bond: 50,
            meteredUnits: 400
        )
        #expect(amounts.bondLost == 0 && amounts.bondReleased == 50)
    }

    @Test func aSmallerMeterCostsLessThanTheBond() throws {
        let amounts = SettlementAmounts(
            outcome: .requesterFault,
            held: 1000,
            workUnits: 0,
            pricePerMegaUnit: 1_000_000,
            stake: 0,
            ruleset: .default,
            bond: 50,
            meteredUnits: 7
        )
        #expect(amounts.bondLost == 7 && amounts.bondReleased == 43)
        #expect(amounts.bondParts.allSatisfy { $0.base == .bond })
    }

    @Test func leastBondAndPenaltyRoundAgainstWhoOwesThem() throws {
        let rules = try Ruleset(parsing: Array(Self.rules.utf8))
        #expect(
            rules.leastBond(forHold: 1) == 1 && rules.leastBond(forHold: 40) == 2 && rules.leastBond(forHold: 0) == 0
        )
        #expect(rules.penalty(ofStake: 66) == 0 && rules.penalty(ofStake: 67) == 1)
        #expect(Ruleset.default.leastBond(forHold: .max) == 0 && Ruleset.default.penalty(ofStake: .max) == 0)
    }
}
