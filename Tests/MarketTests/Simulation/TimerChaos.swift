// Timers that go wrong: each deadline of the engine fires too early, too late, twice, after a restart, or by a clock that has
// stepped, in a market of strangers who go on as ever.
import Ledger

@testable import Market

/// What goes wrong with a timer.
enum TimerFault: String, CaseIterable, Sendable {
    case onTime, early, late, twice, afterRestart, lostInCrash, clockAhead, clockBack
}

/// A timer, named by the phase that it ends, and what went wrong with it.
struct TimerCase: Hashable, CaseIterable {
    let phase: Job.Phase
    let fault: TimerFault

    /// The timer of a job that waits for its gang is behind all of theirs: it has a test of its own.
    static let allCases = Job.Phase.allCases.filter { $0 != .final && $0 != .judged }
        .flatMap { phase in TimerFault.allCases.map { TimerCase(phase: phase, fault: $0) } }
}

extension Simulation {
    /// Lets a little time pass, or takes the next deadline and lets it fire in some wrong way.
    mutating func disturbTimer() async throws {
        guard UInt64.random(in: 0..<6, using: &random) == 0, let due = shell.engine.nextDeadline,
            let phase = shell.engine.index.byDeadline.first.flatMap({ shell.engine.jobs[$0.id]?.phase })
        else {
            clock += Int64.random(in: 0...2, using: &random)
            return
        }
        let fault = TimerFault.allCases.randomElement(using: &random) ?? .onTime
        timers.insert(TimerCase(phase: phase, fault: fault))
        switch fault {
        case .onTime: clock = max(clock, due)
        case .early:
            guard due > clock else { break }
            clock = due - 1
            let before = EngineImage(shell.engine)
            try tick()
            guard EngineImage(shell.engine) == before else { throw Violation("a timer fired a second too early") }
            return
        case .late: clock = max(clock, due) + Int64.random(in: 1...7200, using: &random)
        case .twice:
            clock = max(clock, due)
            try tick()
            let before = EngineImage(shell.engine)
            try tick()
            guard EngineImage(shell.engine) == before else { throw Violation("a timer fired twice") }
            return
        case .afterRestart:
            try await crash(keeping: shell.pendingCount)
            clock = max(clock, due)
        case .lostInCrash:
            clock = max(clock, due)
            let kept = shell.pendingCount
            try tick()
            try await crash(keeping: kept)
        case .clockAhead:
            clock += 3600
        case .clockBack:
            clock -= 3600
        }
        try tick()
    }
}
