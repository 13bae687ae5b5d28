// What documents say beside the work and the money, as far as it can be checked: how far a run came, its log, the engine's
// network, the end of the dispute window. Programs, licences and operators are claims, and no check is made of them.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Verdicts

extension Auditor {
    /// The engine's network and the receipt's dispute window.
    mutating func checkReceiptDeclarations() {
        if let network = trust.network { equal("trust.network", network, receipt.network ?? "none") }
        let end = file.ruleset.disputeEnd(settledAt: receipt.settledAt)
        guard end != nil || receipt.disputeEndsAt != nil else { return }
        equal("receipt.dispute", end.map { "\($0)" } ?? "none", receipt.disputeEndsAt.map { "\($0)" } ?? "none")
    }

    /// How far the run came, and its log.
    mutating func checkRunDeclarations() {
        guard let statement = file.execution?.predicate else { return }
        if let exit = statement.exit {
            let isWhole = statement.steps == Int64(file.job.spec.replay.launchCount)
            let expected: ExecutionStatement.Exit = isWhole ? .complete : .part
            checks.append(weighed(.equal("execution.exit", expected: expected.rawValue, actual: exit.rawValue)))
        }
        guard let log = statement.log else { return }
        guard let bytes = bundle.members[BundleMember.log] else {
            checks.append(
                Check(
                    id: "execution.log",
                    result: .skip,
                    expected: "the log \(log.file.cid)",
                    actual: "not in the bundle"
                )
            )
            return
        }
        let found = ArtefactIdentity(of: bytes)
        let isLog = RunLog.isWellFormed(bytes)
        that(
            "execution.log",
            found == log.file && isLog,
            expected: "\(log.file.cid), \(log.file.byteCount) bytes of printable text",
            actual: "\(found.cid), \(found.byteCount) bytes" + (isLog ? "" : " that are not printable text")
        )
    }
}
