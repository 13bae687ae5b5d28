// Timing: the least thread CPU time of some rounds, which other load on the machine disturbs least.
import Foundation

/// The CPU time of this thread in nanoseconds.
func threadNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Keeps a result alive without looking at it.
@inline(never) func keep<Value>(_ value: Value) {}

/// Named measurements, printed as one JSON object.
struct Report {
    private(set) var results: [(name: String, microseconds: Double)] = []
    /// Only measurements whose name begins with this are taken.
    let prefix: String

    /// Measures `body`, which does `items` pieces of work, and records the time of one piece.
    mutating func measure(_ name: String, rounds: Int = 9, repeats: Int = 8, items: Int = 1, _ body: () -> Void) {
        guard name.hasPrefix(prefix) else { return }
        body()
        var best = Double.infinity
        for _ in 0..<rounds {
            let start = threadNanoseconds()
            for _ in 0..<repeats { body() }
            best = min(best, (threadNanoseconds() - start) / Double(repeats * items))
        }
        results.append((name, best / 1000))
    }

    func print() {
        let lines = results.map { "  \"\($0.name)\": \(($0.microseconds * 1000).rounded() / 1000)" }
        Swift.print("{\n" + lines.joined(separator: ",\n") + "\n}")
    }
}
