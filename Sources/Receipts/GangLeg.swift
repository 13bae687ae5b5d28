// The other jobs of a gang in a receipt: what was settled with this one, and how.
public import Codecs
public import Commitments
public import Verdicts

/// How one job of a gang that settles together ended. The receipt of each of them has the same list.
public struct GangLeg: Sendable, Equatable {
    /// The reason code of a job that ended because another one of its gang did.
    public static let incomplete = "gang-incomplete"
    /// The reason code of an accepted job whose wait for the others came to its end, and ended them.
    public static let late = "gang-late"

    /// Its place in the gang, from 0.
    public var index: Int64
    /// The job.
    public var jobID: JobID
    /// How it ended.
    public var outcome: Outcome
    /// The reason code of its receipt.
    public var reason: String
    /// The validator's verdict on it, if there was one: of a job that ended only because of another one, this is what says
    /// that its node's result was accepted.
    public var verdictDigest: Digest?

    /// Describes a job of a gang.
    public init(index: Int64, jobID: JobID, outcome: Outcome, reason: String, verdictDigest: Digest?) {
        self.index = index
        self.jobID = jobID
        self.outcome = outcome
        self.reason = reason
        self.verdictDigest = verdictDigest
    }

    init(_ value: JSONValue, _ field: String) throws(ParseError) {
        var reader = try JSONReader(value, field)
        index = try reader.integer("index", in: 0...JobSpec.Gang.maxSize - 1)
        jobID = JobID(try reader.digest("jobId"))
        outcome = try reader.choice("outcome")
        reason = try reader.code("reason")
        verdictDigest = try reader.optionalDigest("verdictDigest")
        try reader.finish()
    }

    var json: JSONValue {
        var object: JSONObject = [
            "index": .integer(index),
            "jobId": .string(jobID.text),
            "outcome": .string(outcome.rawValue),
            "reason": .string(reason),
        ]
        if let verdictDigest { object["verdictDigest"] = .string(verdictDigest.hex) }
        return .object(object)
    }

    /// What is wrong with a list as that of one settlement of `size` jobs; `nil` when nothing is.
    ///
    /// Every job has its place, in order. A job is accepted only when all are, or when one ended by the requester's own fault:
    /// that takes no pay from nodes whose results were accepted. When a job ended because of another one, that one is there, and
    /// what an accepted job has waited for in vain was not judged.
    public static func flaw(in legs: [GangLeg], size: Int64) -> String? {
        guard legs.map(\.index) == Array(0..<size) else { return "\(legs.count) places of \(size), or not in order" }
        guard Set(legs.map(\.jobID.digest)).count == legs.count else { return "a job in two places" }
        let isPaid = legs.allSatisfy { $0.outcome == .accepted }
        if isPaid { return legs.allSatisfy { $0.verdictDigest != nil } ? nil : "an accepted job without a verdict" }
        let isRequesters = legs.contains { $0.outcome == .requesterFault }
        if !isRequesters, let leg = legs.first(where: { $0.outcome == .accepted }) {
            return "job \(leg.index) is accepted and others are not"
        }
        guard legs.contains(where: { $0.outcome != .accepted && $0.reason != incomplete }) else {
            return "no job that ended the others"
        }
        let hasWaited = legs.contains { $0.reason == late }
        return hasWaited && legs.allSatisfy { $0.verdictDigest != nil } ? "a wait for jobs that are all judged" : nil
    }
}
