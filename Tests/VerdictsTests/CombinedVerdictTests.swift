// The one place where bounds are put together: what multiplies, what does not, and which outcome wins.
import AssayTesting
import Testing
import Verdicts

@Suite struct CombinedVerdictTests {
    private func part(
        _ outcome: Outcome = .accepted,
        _ soundness: Soundness = .bits(100),
        _ assumptions: [String] = ["a"],
        fault: Fault = .none
    ) -> Verdict {
        Verdict(
            kind: "part",
            outcome: outcome,
            fault: fault,
            soundness: outcome == .accepted ? soundness : .none,
            assumptions: assumptions.map { Assumption(id: $0, text: $0) },
            cost: Cost(wallMicroseconds: 2, workUnits: 3),
            checks: [Check(id: "c", result: outcome == .rejected ? .fail : .pass)],
            subject: "sha256:00"
        )
    }

    private func bound(_ parts: Verdict...) -> Soundness {
        Verdict.combining(parts, kind: "all", subject: "sha256:01").soundness
    }

    @Test func errorsMultiplyOnlyOverIndependentAssumptions() {
        #expect(bound(part()) == .bits(100))
        #expect(bound(part(.accepted, .bits(100), ["a"]), part(.accepted, .bits(20), ["b"])) == .bits(120))
        // One shared assumption is enough: what breaks one may break the other.
        #expect(bound(part(.accepted, .bits(100), ["a", "x"]), part(.accepted, .bits(20), ["b", "x"])) == .bits(100))
        #expect(bound(part(.accepted, .bits(20), ["x"]), part(.accepted, .bits(100), ["x"])) == .bits(100))
        // Of three the best product of independent ones counts: 60 + 50 beats 100, and 60 + 30 does not.
        let middle = part(.accepted, .bits(100), ["a", "b"])
        #expect(bound(part(.accepted, .bits(60), ["a"]), middle, part(.accepted, .bits(50), ["b"])) == .bits(110))
        #expect(bound(part(.accepted, .bits(60), ["a"]), middle, part(.accepted, .bits(30), ["b"])) == .bits(100))
        // Nothing was established, and no error at all.
        #expect(bound(part(.accepted, .none, []), part(.accepted, .bits(7), ["a"])) == .bits(7))
        #expect(bound(part(.accepted, .none, [])) == .none)
        #expect(bound(part(.accepted, .exact, ["a"]), part(.accepted, .bits(7), ["a"])) == .exact)
        // A sum beyond the largest number stays there.
        let huge = Soundness(millibits: Int64.max - 1)
        #expect(bound(part(.accepted, huge, ["a"]), part(.accepted, huge, ["b"])) == Soundness(millibits: Int64.max))
    }

    /// Against the definition, word for word, over random parts.
    @Test func agreesWithAllPairwiseIndependentSubsets() {
        let seed = UInt64.random(in: 0...UInt64.max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let parts = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                let names = ["a", "b", "c", "d"].filter { _ in Bool.random(using: &generator) }
                return part(.accepted, .bits(Int64.random(in: 1...50, using: &generator)), names)
            }
            var best: Int64 = 0
            func extend(_ start: Int, _ used: Set<String>, _ sum: Int64) {
                best = max(best, sum)
                for index in parts.indices.dropFirst(start) {
                    let names = Set(parts[index].assumptions.map(\.id))
                    guard used.isDisjoint(with: names) else { continue }
                    extend(index + 1, used.union(names), sum + (parts[index].soundness.millibits ?? 0))
                }
            }
            extend(0, [], 0)
            #expect(Soundness.combined(parts) == Soundness(millibits: best), "seed \(seed)")
        }
    }

    @Test func theGravestOutcomeWins() {
        func outcome(_ parts: Verdict...) -> (Outcome, Fault) {
            let verdict = Verdict.combining(parts, kind: "all", subject: "sha256:01")
            return (verdict.outcome, verdict.fault)
        }
        let good = part()
        let bad = part(.rejected, fault: .provider)
        let open = part(.inconclusive, fault: .environment)
        let unfit = part(.requesterFault, fault: .requester)
        #expect(outcome(good, good) == (.accepted, .none))
        #expect(outcome(good, open) == (.inconclusive, .environment))
        #expect(outcome(open, bad, good) == (.rejected, .provider))
        #expect(outcome(bad, unfit, open) == (.requesterFault, .requester))
        #expect(outcome() == (.inconclusive, .environment))
        let rejected = Verdict.combining([good, bad], kind: "all", subject: "sha256:01")
        #expect(rejected.soundness == .none && rejected.checks.count == 2 && rejected.kind == "all")
        #expect(rejected.cost == Cost(wallMicroseconds: 4, workUnits: 6) && rejected.subject == "sha256:01")
        #expect(rejected.assumptions.map(\.id) == ["a"])
    }
}
