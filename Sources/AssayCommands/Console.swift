// Where words go: results to standard output, notes and progress to standard error. Tests put a recorder in its place.
internal import Foundation
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The two streams of a program.
public enum OutputStream: Sendable {
    case standardOutput
    case standardError
}

/// What a command writes to.
public protocol Console: Sendable {
    /// Writes all of `text`.
    /// - Returns: whether it was taken; a closed pipe or a full disk takes nothing.
    func write(_ text: String, to stream: OutputStream) -> Bool
    /// Whether a person looks at the stream.
    func isTerminal(_ stream: OutputStream) -> Bool
}

/// The streams of this process.
public struct ProcessConsole: Console {
    /// The streams of this process.
    public init() {}

    public func write(_ text: String, to stream: OutputStream) -> Bool {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Self.writeSome(Self.descriptor(stream), $0) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            bytes = bytes.dropFirst(count)
        }
        return true
    }

    public func isTerminal(_ stream: OutputStream) -> Bool {
        isatty(Self.descriptor(stream)) == 1
    }

    private static func descriptor(_ stream: OutputStream) -> Int32 {
        stream == .standardOutput ? STDOUT_FILENO : STDERR_FILENO
    }

    private static func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
            Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}

/// Words with a meaning, coloured when a person looks on. The words alone say everything.
struct Style: Sendable {
    var isColoured: Bool

    /// A word that says yes.
    func good(_ text: String) -> String { paint(text, "32") }
    /// A word that says no.
    func bad(_ text: String) -> String { paint(text, "31") }
    /// A word that says neither.
    func unsure(_ text: String) -> String { paint(text, "33") }
    /// A heading.
    func strong(_ text: String) -> String { paint(text, "1") }

    private func paint(_ text: String, _ code: String) -> String {
        isColoured ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
    }
}

/// How far something has come, on standard error: a bar that redraws itself on a terminal, else a line every ten seconds.
final class Progress: Sendable {
    private struct State {
        var lastLine: Int64
        var isDrawn = false
        static let intervalSeconds: Int64 = 10
    }

    private let state: Mutex<State>
    private let tool: Tool
    private let title: String

    init(_ tool: Tool, _ title: String) {
        self.tool = tool
        self.title = title
        state = Mutex(State(lastLine: tool.now()))
    }

    /// Shows that `done` of `total` are done.
    func show(_ done: UInt64, of total: UInt64, _ unit: String) {
        guard !tool.isQuiet else { return }
        if tool.console.isTerminal(.standardError) {
            let share = total == 0 ? 1 : Double(done) / Double(total)
            let filled = Int(share * 24)
            let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: 24 - filled)
            state.withLock { $0.isDrawn = true }
            _ = tool.console.write("\r\(title) [\(bar)] \(done)/\(total) \(unit)\u{1b}[K", to: .standardError)
        } else {
            let now = tool.now()
            let isDue = state.withLock { state in
                guard now - state.lastLine >= State.intervalSeconds, done < total else { return false }
                state.lastLine = now
                return true
            }
            if isDue { _ = tool.console.write("\(title): \(done)/\(total) \(unit)\n", to: .standardError) }
        }
    }

    /// Ends the bar's line.
    func finish() {
        if state.withLock({ $0.isDrawn }) { _ = tool.console.write("\n", to: .standardError) }
    }
}
