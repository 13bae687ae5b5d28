// How often a signal has come.
internal import Synchronization

/// A counter that signal handlers and the main task share.
final class SignalCount: Sendable {
    private let count = Atomic(0)

    /// Counts one more.
    func next() -> Int {
        count.add(1, ordering: .relaxed).newValue
    }

    var value: Int { count.load(ordering: .relaxed) }
}
