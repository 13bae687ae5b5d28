// Six hundred markets in miniature; ten thousand with ASSAY_LONG=1. A failing seed is printed and is the whole test case.
import Foundation
import Testing

@testable import Market

@Suite("Simulation") struct SimulationTests {
    private static let chunk = 75
    private static let count = ProcessInfo.processInfo.environment["ASSAY_LONG"] == nil ? 600 : 10_050
    private static let chaos = ProcessInfo.processInfo.environment["ASSAY_LONG"] == nil ? 500 : 10_000

    /// Seeds that failed here before, which nobody has to find again.
    @Test func seedsThatFailedBefore() async throws {
        for seed in FailedSeeds.all {
            do {
                var simulation = try Simulation(seed: seed)
                try await simulation.run()
            } catch {
                Issue.record("seed \(seed), which failed before: \(error)")
            }
        }
    }

    @Test(arguments: stride(from: 0, to: count, by: chunk).map { $0 })
    func nothingIsLostPaidTwiceOrHeldForEver(_ first: Int) async throws {
        for seed in first..<first + Self.chunk {
            do {
                var simulation = try Simulation(seed: UInt64(seed))
                try await simulation.run()
            } catch {
                FailedSeeds.remember(UInt64(seed))
                Issue.record("seed \(seed): \(error)")
                return
            }
        }
    }

    /// The runs reach what they are there to reach.
    @Test func everyEndIsReached() async throws {
        var reasons: Set<String> = []
        var crashes = 0
        let wanted: Set = [
            "files-missing", "no-node", "provider-silent", "provider-abandoned", "validator-silent", "verified",
            "closed", "preempted", "gang-incomplete", "judged-rejected", "judged-inconclusive", "judged-requesterFault",
            "kernel-refused", Simulation.engineFault,
        ]
        for seed in 20_000..<20_600 as Range<UInt64> where crashes <= 80 || !wanted.isSubset(of: reasons) {
            var simulation = try Simulation(seed: seed)
            try await simulation.run()
            reasons.formUnion(simulation.shell.endings.map(\.reason.code))
            reasons.formUnion(simulation.shell.endings.flatMap { $0.job.history.map(\.end) })
            crashes += simulation.shell.crashes
        }
        #expect(wanted.subtracting(reasons) == [])
        #expect(crashes > 80)
    }

    /// Every timer of the engine, wrong in every way: nobody else's money moves for it, and every job ends in time.
    @Test func timersThatGoWrong() async throws {
        var met: Set<TimerCase> = []
        for seed in 0..<UInt64(Self.chaos) {
            do {
                var simulation = try Simulation(seed: seed, isTimerChaos: true)
                try await simulation.run()
                met.formUnion(simulation.timers)
            } catch {
                Issue.record("timers, seed \(seed): \(error)")
                return
            }
        }
        #expect(Set(TimerCase.allCases).subtracting(met) == [])
    }

    @Test func aSeedIsAWholeRun() async throws {
        var first = try Simulation(seed: 7)
        var second = try Simulation(seed: 7)
        try await first.run()
        try await second.run()
        #expect(first.shell.endings == second.shell.endings)
        #expect(EngineImage(first.shell.engine) == EngineImage(second.shell.engine))
    }

    @Test(arguments: Mutant.allCases)
    func mistakesAreFound(_ mutant: Mutant) async throws {
        for seed in 0..<2000 as Range<UInt64> {
            do {
                var simulation = try Simulation(seed: seed, mutant: mutant)
                try await simulation.run()
            } catch is Violation {
                return
            }
        }
        Issue.record("no seed finds \(mutant)")
    }
}
