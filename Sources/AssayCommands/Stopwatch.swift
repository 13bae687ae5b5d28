// Time that passes while a command works. Tests put a clock that they move themselves in its place.
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Two clocks that only move forward.
public struct Stopwatch: Sendable {
    /// Nanoseconds of real time since some moment.
    public var wall: @Sendable () -> UInt64
    /// Nanoseconds of processor time that the calling thread has used.
    public var processor: @Sendable () -> UInt64

    /// Makes a pair of clocks.
    public init(wall: @escaping @Sendable () -> UInt64, processor: @escaping @Sendable () -> UInt64) {
        self.wall = wall
        self.processor = processor
    }

    /// The system's clocks.
    public static let system = Stopwatch(
        wall: { read(CLOCK_MONOTONIC) },
        processor: { read(CLOCK_THREAD_CPUTIME_ID) }
    )

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
