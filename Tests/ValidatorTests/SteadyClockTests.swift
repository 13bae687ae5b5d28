// A machine's clock that steps, and engine time that does not.
import Foundation
import Synchronization
import Testing
import Validator

/// A machine whose clocks a test moves apart.
private final class Machine: EngineClock {
    private let state = Mutex((wall: Int64(1_700_000_000), micros: UInt64(5)))

    var now: Int64 { state.withLock { $0.wall } }
    var monotonicMicroseconds: UInt64 { state.withLock { $0.micros } }

    func pass(_ seconds: Int64) {
        state.withLock { ($0.wall, $0.micros) = ($0.wall + seconds, $0.micros + UInt64(seconds) * 1_000_000) }
    }

    func step(_ seconds: Int64) { state.withLock { $0.wall += seconds } }
}

@Suite struct SteadyClockTests {
    private let machine = Machine()
    private let start: Int64 = 1_700_000_000

    @Test func withoutStepsItIsTheMachinesClock() {
        let clock = SteadyClock(machine) { Issue.record("no step, and \($0) was told") }
        for seconds in [1, 2, 1000] as [Int64] {
            machine.pass(seconds)
            #expect(clock.now == machine.now)
        }
        machine.step(2)
        #expect(clock.now == start + 1003 && clock.stepSeconds == 0)
    }

    @Test(arguments: [3600, -3600, 5, -5, 40_000_000_000] as [Int64])
    func aStepIsFollowedSlowly(_ step: Int64) {
        let told = Mutex<[Int64]>([])
        let clock = SteadyClock(machine) { seconds in told.withLock { $0.append(seconds) } }
        machine.step(step)
        #expect(clock.now == start, "nothing ends by the step itself")
        #expect(clock.wallNow == machine.now)
        machine.pass(60)
        let most = min(abs(step), 6)
        #expect(abs(clock.now - (start + 60 + (step > 0 ? most : -most))) <= 1)
        #expect(told.withLock { $0 } == [step])
        var last = clock.now
        for _ in 0..<20 where abs(step) <= 3600 {
            machine.pass(1800)
            #expect(clock.now >= last, "engine time went back")
            last = clock.now
        }
        if abs(step) <= 3600 {
            #expect(abs(clock.now - machine.now) <= SteadyClock.toleranceSeconds)
            #expect(clock.stepSeconds == 0)
            #expect(told.withLock { $0 } == [step, 0])
        }
    }

    @Test func manyShortLooksFollowAStepToo() {
        let clock = SteadyClock(machine)
        machine.step(100)
        // A look at every moment does not keep the tenth from adding up.
        for _ in 0..<600 {
            machine.pass(1)
            _ = (clock.now, clock.now, clock.stepSeconds)
        }
        #expect((start + 659...start + 661).contains(clock.now))
    }
}
