// The page of one job: where it stands, what was checked, where the money went.
internal import Codecs
internal import Commitments
internal import EngineAPI
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Surface {
    /// The phases in order, as people call them.
    private static let phases = [
        ("funded", "Funded", "money held"), ("offered", "Offered", "files complete"),
        ("assigned", "Assigned", "node runs it"),
        ("committed", "Committed", "result bound"), ("verifying", "Verifying", "computed again"),
        ("final", "Final", "settled"),
    ]

    func jobPage(_ id: Digest) async throws(EngineError) -> Page {
        let job = try await api.job(id: id)
        let engine = try await api.engine()
        let documents = job.isFinal ? await receipt(of: id) : nil
        let deadline: HTML =
            job.isFinal
            ? "<dt>Ended</dt><dd>\(.time(job.deadline))</dd>"
            : "<dt>Next deadline</dt><dd>\(.time(job.deadline)): after it the engine decides by itself</dd>"
        let missing: HTML =
            job.missing.isEmpty
            ? .empty : "<dt>Missing files</dt><dd>\(job.missing.map { "<code>\($0.text)</code><br>" as HTML })</dd>"
        let content: HTML = """
            <h1>\(job.name)</h1>
            <p class="lead"><code>\(job.id.hex)</code></p>
            <p>\(.state(of: job)) &nbsp;\(job.reason)</p>
            <h2>Timeline</h2>
            <div class="panel">\(Self.timeline(job, documents?.receipt))</div>
            <h2>State</h2>
            <div class="panel"><dl class="facts">
            <dt>Attempt</dt><dd>\(job.attempt)</dd>
            <dt>Held</dt><dd>\(.amount(job.held, engine.currency))</dd>
            \(deadline)\(missing)
            </dl></div>
            \(documents.map { Self.settlement($0.receipt) } ?? .empty)
            \(documents.map { Self.checks($0.verdicts) } ?? .empty)
            \(documents.map { Self.facts($0.receipt) } ?? .empty)
            \(documents == nil ? .empty : Self.receiptLink(job))
            """
        return Page(title: job.name, place: .jobs, refreshSeconds: job.isFinal ? nil : 2, content: content)
    }

    /// The receipt and the verdicts of a bundle. What they say is shown, not judged: whoever must be sure audits the file.
    private func receipt(of id: Digest) async -> (receipt: Receipt, verdicts: [VerdictStatement])? {
        guard let bytes = try? await api.receipt(job: id), let bundle = try? Bundle(parsing: bytes),
            let member = try? bundle.member(BundleMember.receipt),
            let receipt = try? UnverifiedDocument<Receipt>(parsing: member)
        else { return nil }
        var verdicts: [VerdictStatement] = []
        for index in receipt.predicate.verdictDigests.indices {
            if let member = bundle.members[BundleMember.verdict(index)],
                let verdict = try? UnverifiedDocument<VerdictStatement>(parsing: member)
            {
                verdicts.append(verdict.predicate)
            }
        }
        return (receipt.predicate, verdicts)
    }

    private static func timeline(_ job: JobView, _ receipt: Receipt?) -> HTML {
        // A job that waits for its gang has been verified and is not settled.
        let phase = job.phase == "judged" ? "verifying" : job.phase
        let position = phases.firstIndex { $0.0 == phase } ?? 0
        // A job that ended early never passed the phases that its receipt has no document of.
        let reached: Int
        if !job.isFinal {
            reached = position
        } else if let receipt {
            reached = receipt.executionDigest != nil ? 4 : receipt.leaseDigest != nil ? 2 : job.attempt > 0 ? 2 : 1
        } else {
            reached = 4
        }
        let items = phases.enumerated().map { index, phase -> HTML in
            let (kind, word): (HTML, String)
            switch index {
            case 5 where job.isFinal:
                (kind, word) = job.outcome == "accepted" ? ("done", "accepted") : ("stopped", job.outcome ?? "ended")
            case position where !job.isFinal: (kind, word) = ("now", "now")
            case ...reached: (kind, word) = ("done", "done")
            default: (kind, word) = ("later", job.isFinal ? "not reached" : "to come")
            }
            return "<li class=\"\(kind)\"><strong>\(phase.1)</strong><span>\(phase.2) · \(word)</span></li>"
        }
        return "<ol class=\"timeline\">\(items)</ol>"
    }

    private static func settlement(_ receipt: Receipt) -> HTML {
        let settlement = receipt.settlement
        var parts = settlement.legs.map { ($0.leg.rawValue, "of \($0.base.rawValue)", $0.amount, $0.account.text) }
        parts.append(("refund", "of held", settlement.refunded, receipt.account.text))
        let rows = parts.map { part -> HTML in
            """
            <tr><th scope="row">\(part.0)</th><td>\(part.1)</td><td><code>\(part.3)</code></td>
            <td class="number">\(.amount(part.2))</td></tr>
            """
        }
        let stake = settlement.stake.map { stake -> HTML in
            let legs = stake.legs.map { leg -> HTML in
                """
                <tr><th scope="row">\(leg.leg.rawValue)</th><td>of the slashed stake</td><td><code>\(leg.account.text)</code></td>
                <td class="number">\(.amount(leg.amount))</td></tr>
                """
            }
            return """
                <p class="lead">Stake of the node: \(.amount(stake.held)) held, \(.amount(stake.slashed)) slashed,
                \(.amount(stake.released)) released.</p>
                \(stake.legs.isEmpty ? .empty : "<table><tbody>\(legs)</tbody></table>")
                """
        }
        return """
            <h2>Settlement</h2>
            <div class="panel"><div class="settlement">
            <p>\(.amount(settlement.held, settlement.currency)) were held; \(.amount(settlement.gross)) paid,
            \(.amount(settlement.refunded)) refunded.</p>
            \(split(parts.map { ($0.0, $0.2) }, of: settlement.held))
            </div>
            <table><caption>Where the money went, in minor units of \(settlement.currency)</caption>
            <thead><tr><th scope="col">Leg</th><th scope="col">Share</th><th scope="col">Account</th>
            <th scope="col" class="number">Amount</th></tr></thead><tbody>\(rows)</tbody></table>
            <div class="settlement">\(stake ?? .empty)</div></div>
            """
    }

    /// A bar of the parts. Widths are attributes: the policy for content allows no inline style.
    private static func split(_ parts: [(String, UInt64)], of total: UInt64) -> HTML {
        guard total > 0 else { return .empty }
        var offset: UInt64 = 0
        let classes: [HTML] = ["a", "b", "c", "d"]
        let bars = parts.enumerated().map { index, part -> HTML in
            let x = String(Double(offset) * 100 / Double(total))
            let width = String(Double(part.1) * 100 / Double(total))
            offset += part.1
            let kind = part.0 == "refund" ? classes[3] : classes[index % 3]
            return "<rect class=\"\(kind)\" x=\"\(x)%\" y=\"0\" width=\"\(width)%\" height=\"100%\"></rect>"
        }
        let words = parts.map { "\($0.0) \($0.1)" }.joined(separator: ", ")
        return "<svg class=\"split\" role=\"img\" aria-label=\"\(words)\">\(bars)</svg>"
    }

    private static func checks(_ verdicts: [VerdictStatement]) -> HTML {
        let panels = verdicts.map { statement -> HTML in
            let rows = statement.verdict.checks.map { check -> HTML in
                let mark: HTML =
                    switch check.result {
                    case .pass: "<span class=\"state good\">✓ pass</span>"
                    case .fail: "<span class=\"state bad\">✕ fail</span>"
                    case .skip: "<span class=\"state\">– skip</span>"
                    }
                let found: HTML =
                    check.result == .pass && check.expected == check.actual
                    ? "the same" : "<code>\(check.actual)</code>"
                return """
                    <tr><th scope="row"><code>\(check.id)</code></th><td>\(mark)</td><td><code>\(check.expected)</code></td>
                    <td>\(found)</td></tr>
                    """
            }
            let divergence: HTML =
                statement.divergence.map {
                    "<p class=\"settlement\">First difference: <code>\($0.description)</code></p>"
                }
                ?? .empty
            return """
                <div class="panel"><table>
                <caption>Verdict \(statement.verdict.outcome.rawValue) by \(.short(statement.validator.text, digits: 16)) at
                \(.time(statement.at)); error bound \(statement.verdict.soundness.text)</caption>
                <thead><tr><th scope="col">Check</th><th scope="col">Result</th><th scope="col">Expected</th>
                <th scope="col">Found</th></tr></thead><tbody>\(rows)</tbody></table>\(divergence)</div>
                """
        }
        return panels.isEmpty ? .empty : "<h2>Checks</h2>\(panels)"
    }

    private static func facts(_ receipt: Receipt) -> HTML {
        let attempts = receipt.attempts.map { attempt -> HTML in
            "<dt>Attempt \(attempt.attempt)</dt><dd>\(attempt.end), node <code>\(attempt.node.text)</code></dd>"
        }
        return """
            <h2>Receipt</h2>
            <div class="panel"><dl class="facts">
            <dt>Outcome</dt><dd>\(receipt.outcome.rawValue), fault: \(receipt.fault.rawValue), reason: \(receipt.reason)</dd>
            <dt>Settled</dt><dd>\(.time(receipt.settledAt))</dd>
            <dt>Requester</dt><dd><code>\(receipt.requester.text)</code></dd>
            <dt>Spec</dt><dd><code>\(receipt.specDigest.text)</code></dd>
            \(attempts)
            </dl></div>
            """
    }

    private static func receiptLink(_ job: JobView) -> HTML {
        """
        <p><a class="button" href="/v1/jobs/\(job.id.hex)/receipt" download>Download the receipt</a></p>
        <p class="lead">Check it yourself, offline: <code>assay audit \(String(job.id.hex.prefix(16))).assay --trust trust.json</code></p>
        """
    }
}
