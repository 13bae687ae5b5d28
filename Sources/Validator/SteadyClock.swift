// The engine's time when the machine's clock steps: deadlines are intervals, and a step must not end them all at once.
internal import Synchronization

/// Engine seconds that go with the monotonic clock.
///
/// When the machine's clock steps, forward or back, by more than the tolerance, engine time goes on at its own pace and
/// approaches the new time by one second in ten: an hour's step costs a deadline of one minute six seconds, and is made up for
/// in ten hours. Signed requests are compared with the machine's clock (`wallNow`), as their signers' clocks are. A step while
/// no engine runs cannot be seen.
public final class SteadyClock: EngineClock {
    /// Up to so many seconds clocks may differ without having stepped.
    public static let toleranceSeconds: Int64 = 2
    /// The part of the elapsed time by which a step is followed.
    private static let pace: Int64 = 10

    private struct State {
        var micros: Int64
        var monotonic: UInt64
        /// The difference that was reported last, in seconds; 0 for none.
        var reported: Int64 = 0
    }

    private let base: any EngineClock
    private let onStep: @Sendable (Int64) -> Void
    private let state: Mutex<State>

    /// A clock that starts at what `base` says.
    /// - Parameter onStep: gets the seconds by which the machine's clock is ahead, negative for behind, when a step is seen;
    ///   0 when it has been made up for.
    public init(_ base: any EngineClock = SystemClock(), onStep: @escaping @Sendable (Int64) -> Void = { _ in }) {
        self.base = base
        self.onStep = onStep
        state = Mutex(State(micros: Self.micros(base.now), monotonic: base.monotonicMicroseconds))
    }

    public var now: Int64 { advance().micros / 1_000_000 }

    public var monotonicMicroseconds: UInt64 { base.monotonicMicroseconds }

    public var wallNow: Int64 { base.wallNow }

    /// By how many seconds the machine's clock is ahead of engine time; 0 within the tolerance.
    public var stepSeconds: Int64 {
        let difference = advance().difference
        return abs(difference) > Self.toleranceSeconds * 1_000_000 ? difference / 1_000_000 : 0
    }

    private func advance() -> (micros: Int64, difference: Int64) {
        let wall = Self.micros(base.now)
        let monotonic = base.monotonicMicroseconds
        let tolerance = Self.toleranceSeconds * 1_000_000
        let (micros, difference, told) = state.withLock { state -> (Int64, Int64, Int64?) in
            let elapsed = Int64(clamping: monotonic > state.monotonic ? monotonic - state.monotonic : 0)
            var micros = state.micros + elapsed
            let difference = wall - micros
            if abs(difference) > tolerance {
                micros += max(-elapsed / Self.pace, min(elapsed / Self.pace, difference))
            }
            var told: Int64?
            if abs(difference) > abs(state.reported) * 1_000_000 + tolerance {
                state.reported = difference / 1_000_000
                told = state.reported
            } else if state.reported != 0, abs(difference) <= tolerance {
                state.reported = 0
                told = 0
            }
            // Shorter intervals are added up first: a tenth of them would be rounded to nothing.
            if elapsed >= 1000 {
                state.micros = micros
                state.monotonic = monotonic
            }
            return (micros, difference, told)
        }
        if let told { onStep(told) }
        return (micros, difference)
    }

    /// Bounded, so that no sum of two times leaves 64 bits.
    private static func micros(_ seconds: Int64) -> Int64 { min(max(seconds, 0), 1 << 40) * 1_000_000 }
}
