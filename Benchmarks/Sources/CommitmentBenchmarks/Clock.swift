// Time as the measurements need it: what this thread or process used of a processor, and what passed on the wall.
import Foundation

enum Clock {
    private static func now(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }

    /// Seconds of processor that the whole process used within `work`, and seconds that passed.
    static func measure(_ work: () throws -> Void) rethrows -> (processor: Double, wall: Double) {
        let (processor, wall) = (now(CLOCK_PROCESS_CPUTIME_ID), now(CLOCK_MONOTONIC))
        try work()
        return (now(CLOCK_PROCESS_CPUTIME_ID) - processor, now(CLOCK_MONOTONIC) - wall)
    }

    static func measure(_ work: () async throws -> Void) async rethrows -> (processor: Double, wall: Double) {
        let (processor, wall) = (now(CLOCK_PROCESS_CPUTIME_ID), now(CLOCK_MONOTONIC))
        try await work()
        return (now(CLOCK_PROCESS_CPUTIME_ID) - processor, now(CLOCK_MONOTONIC) - wall)
    }

    /// The medians of two pieces of work that take turns: of the processor time and of the wall, each by itself.
    static func inTurns(
        _ count: Int,
        _ first: () throws -> Void,
        _ second: () throws -> Void
    ) rethrows -> (first: (processor: Double, wall: Double), second: (processor: Double, wall: Double)) {
        var runs: [[(processor: Double, wall: Double)]] = [[], []]
        for _ in 0..<count {
            runs[0].append(try measure(first))
            runs[1].append(try measure(second))
        }
        let medians = runs.map { runs in
            (processor: runs.map(\.processor).sorted()[count / 2], wall: runs.map(\.wall).sorted()[count / 2])
        }
        return (medians[0], medians[1])
    }

    /// The median of three runs, by processor time.
    static func median(_ work: () throws -> Void) rethrows -> (processor: Double, wall: Double) {
        var runs: [(processor: Double, wall: Double)] = []
        for _ in 0..<3 { runs.append(try measure(work)) }
        return runs.sorted { $0.processor < $1.processor }[1]
    }
}

/// The most memory that this process has held, in MiB.
func peakMebibytes() -> Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }
    return (line.flatMap { Int($0.filter(\.isNumber)) } ?? 0) / 1024
}

func format(_ value: Double, _ places: Int = 2) -> String {
    String(format: "%.\(places)f", value)
}
