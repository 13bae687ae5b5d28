// Time for the loops. The engine core is told the time; only these shells ask for it.
internal import Glibc

/// Something that knows the time.
public protocol EngineClock: Sendable {
    /// Seconds since 1970-01-01T00:00:00Z.
    var now: Int64 { get }
    /// Microseconds from some fixed moment; never goes back.
    var monotonicMicroseconds: UInt64 { get }
    /// What everybody else's clocks are compared with, in the same seconds as `now`. It differs from `now` while a step of the
    /// machine's clock is being followed (see `SteadyClock`).
    var wallNow: Int64 { get }
}

extension EngineClock {
    public var wallNow: Int64 { now }
}

/// The machine's clocks.
public struct SystemClock: EngineClock {
    /// The machine's clocks.
    public init() {}

    public var now: Int64 { Int64(time(nil)) }

    public var monotonicMicroseconds: UInt64 {
        var moment = timespec()
        clock_gettime(CLOCK_MONOTONIC, &moment)
        return UInt64(moment.tv_sec) * 1_000_000 + UInt64(moment.tv_nsec) / 1000
    }
}
