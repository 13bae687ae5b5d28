// What an audit comes to, and its JSON form. The same bundle and trust file give the same bytes.
public import Codecs
public import Commitments
public import Receipts
public import Replay
public import Verdicts

/// The result of an audit of one bundle.
public struct AuditReport: Sendable, Equatable {
    /// The schema of the JSON form.
    public static let schema = "assay.audit/1"

    /// What the audit comes to.
    public enum Conclusion: String, Sendable, CaseIterable {
        /// Everything holds, and the result was accepted.
        case accepted
        /// Everything holds, and the result was not accepted.
        case notAccepted
        /// Something in the file does not hold.
        case refuted
        /// Nothing contradicts the file, but a replay that was asked for could not be made.
        case undecided
    }

    /// What the receipt says. It is worth as much as `conclusion` says.
    public struct Summary: Sendable, Equatable {
        /// The receipt as it stands in the bundle.
        public let receipt: Receipt
        /// The receipt's digest.
        public let receiptDigest: Digest
        /// The job's name for people.
        public let jobName: String
        /// Who executed; `nil` when nobody did.
        public let node: String?
        /// The first wrong place that a validator named.
        public let divergence: Divergence?
        /// The identities of the outputs by slot name, in slot order.
        public let outputs: [ExecutionStatement.Output]
    }

    /// What the audit comes to.
    public let conclusion: Conclusion
    /// Every check. Its outcome is the receipt's when everything holds, `rejected` when something does not, `inconclusive`
    /// when the audit is undecided.
    public let verdict: Verdict
    /// What the receipt says; `nil` when the file was changed and nothing in it was read.
    public let summary: Summary?
    /// SHA-256 of the bundle.
    public let bundleDigest: Digest
    /// The time that the audit was made for, in seconds since 1970, if one was given.
    public let time: Int64?

    /// Whether everything in the file holds.
    public var isAuthentic: Bool { conclusion != .refuted }

    /// The report as a JSON object.
    public var json: JSONValue {
        var object: JSONObject = [
            "schema": .string(Self.schema),
            "conclusion": .string(conclusion.rawValue),
            "authentic": .bool(isAuthentic),
            "bundle": .string(bundleDigest.text),
        ]
        if let time { object["time"] = .integer(time) }
        if let summary { object["receipt"] = summary.json }
        object["verdict"] = verdict.json
        return .object(object)
    }
}

extension AuditReport.Summary {
    fileprivate var json: JSONValue {
        var object: JSONObject = ["digest": .string(receiptDigest.text), "jobName": .string(jobName)]
        if let node { object["node"] = .string(node) }
        if let divergence { object["divergence"] = divergence.json }
        object["outputs"] = .array(
            outputs.map { output in
                .object([
                    "slot": .string(output.slot),
                    "cid": .string(output.identity.cid.text),
                    "bytes": .string(String(output.identity.byteCount)),
                ])
            }
        )
        object["receipt"] = receipt.json
        return .object(object)
    }
}
