// Jobs that are settled with others: what one receipt says about all of them, and what several receipts say together.
public import Codecs
internal import Commitments
public import Receipts
internal import Verdicts

extension Auditor {
    /// The list of jobs that were settled with this one.
    mutating func checkGang() {
        let gang = file.job.spec.terms.gang
        let isTogether = gang?.settles == .together && !receipt.attempts.isEmpty
        guard let gang, let legs = receipt.gang, isTogether else {
            that(
                "receipt.gang",
                isTogether == (receipt.gang != nil),
                expected: isTogether ? "the jobs that were settled with this one" : "no jobs that were settled with it",
                actual: receipt.gang == nil ? "none" : "a list"
            )
            return
        }
        let flaw = GangLeg.flaw(in: legs, size: gang.size)
        that(
            "receipt.gang",
            flaw == nil,
            expected: "\(gang.size) jobs, all of them accepted or none",
            actual: flaw ?? "they are"
        )
        let own = GangLeg(
            index: gang.index,
            jobID: receipt.jobID,
            outcome: receipt.outcome,
            reason: receipt.reason,
            verdictDigest: receipt.verdictDigests.last
        )
        let named = legs.first { $0.index == gang.index }
        that(
            "receipt.gang.self",
            named == own,
            expected: "\(own.index): job \(own.jobID), \(own.outcome.rawValue) (\(own.reason))",
            actual: named.map { "\($0.index): job \($0.jobID), \($0.outcome.rawValue) (\($0.reason))" } ?? "not in it"
        )
    }

    /// Whether the receipt says that the job's accepted result went unpaid with its gang, as its terms allow.
    var isUnpaidWithGang: Bool {
        guard let gang = file.job.spec.terms.gang, gang.settles == .together, let legs = receipt.gang else {
            return false
        }
        return receipt.outcome == .inconclusive && [GangLeg.incomplete, GangLeg.late].contains(receipt.reason)
            && GangLeg.flaw(in: legs, size: gang.size) == nil
    }
}

extension Audit {
    /// What contradicts another one among several receipts of one gang; `nil` when nothing does. A receipt alone only says how
    /// the others ended.
    public static func contradiction(among receipts: [Receipt]) -> ParseError? {
        for receipt in receipts {
            for leg in receipt.gang ?? [] {
                guard let other = receipts.first(where: { $0.jobID == leg.jobID }) else { continue }
                let said = "\(leg.outcome.rawValue) (\(leg.reason)), verdict \(leg.verdictDigest?.hex ?? "none")"
                let found =
                    "\(other.outcome.rawValue) (\(other.reason)), verdict \(other.verdictDigests.last?.hex ?? "none")"
                guard said == found, other.gang == receipt.gang else {
                    return ParseError(
                        field: "receipt.gang of job \(receipt.jobID)",
                        expected: "job \(leg.jobID): \(found), and the same list",
                        actual: said
                    )
                }
            }
        }
        return nil
    }
}
