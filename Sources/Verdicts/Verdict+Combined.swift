// One verdict over several kinds of evidence for one claim. This is the one place where error bounds are put together.

extension Verdict {
    /// The verdict on a claim for which every one of `parts` must hold.
    ///
    /// The outcome is the gravest of the parts': a requester's fault first, because a job that cannot be judged is not
    /// the provider's; then a rejection; then an open question; `accepted` only when every part is. The bound is
    /// `Soundness.combined(_:)`. A combination of nothing decides nothing.
    public static func combining(_ parts: [Verdict], kind: String, subject: String) -> Verdict {
        let order: [Outcome] = [.requesterFault, .rejected, .inconclusive, .accepted]
        let decisive = order.lazy.compactMap { outcome in parts.first { $0.outcome == outcome } }.first
        var assumptions: [Assumption] = []
        for assumption in parts.flatMap(\.assumptions) where !assumptions.contains(assumption) {
            assumptions.append(assumption)
        }
        let outcome = decisive?.outcome ?? .inconclusive
        return Verdict(
            kind: kind,
            outcome: outcome,
            fault: decisive?.fault ?? .environment,
            soundness: outcome == .accepted ? .combined(parts) : .none,
            assumptions: assumptions,
            cost: Cost(
                wallMicroseconds: parts.reduce(0) { Self.sum($0, $1.cost.wallMicroseconds) },
                workUnits: parts.reduce(0) { Self.sum($0, $1.cost.workUnits) }
            ),
            checks: parts.flatMap(\.checks),
            subject: subject
        )
    }

    private static func sum(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (sum, overflow) = a.addingReportingOverflow(b)
        return overflow ? .max : sum
    }
}

extension Soundness {
    /// The error of a claim for which every one of `parts` was accepted.
    ///
    /// A false claim must pass every part. Where two parts share an assumption, what breaks one may break the other, so
    /// only the smaller error counts; where they share none, the errors multiply. With more than two parts the bound is
    /// the best product over parts of which no two share an assumption.
    /// - Complexity: 2^n for n parts; a demand has at most a handful.
    public static func combined(_ parts: [Verdict]) -> Soundness {
        let parts = parts.filter { $0.soundness != .none }
        precondition(parts.count <= 16, "a claim has a handful of parts")
        let names = parts.map { Set($0.assumptions.map(\.id)) }
        var best = Soundness.none
        for selection in 0..<(1 << parts.count) {
            let chosen = parts.indices.filter { selection >> $0 & 1 == 1 }
            let isIndependent = chosen.allSatisfy { one in
                chosen.allSatisfy { $0 == one || names[$0].isDisjoint(with: names[one]) }
            }
            guard isIndependent else { continue }
            let product = chosen.reduce(Soundness.none) {
                $0.combined(with: parts[$1].soundness, independent: true)
            }
            best = best.combined(with: product, independent: false)
        }
        return best
    }
}
