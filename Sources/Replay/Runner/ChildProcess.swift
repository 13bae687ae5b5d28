// One child process: started without a fork in Swift, watched by one thread of its own, ended by its whole group.
internal import CSpawn
internal import Glibc
internal import Synchronization

/// How a child ended.
enum ChildEnd: Equatable, Sendable {
    case exited(Int32)
    case signalled(Int32)
}

/// Why reading from a child stopped before the bytes were there.
enum ChildStop: Error, Equatable {
    case endOfReply
    case deadline
    case cancelled
}

/// Ends a child from any thread, safely against its process number being given to another process.
final class ChildControl: Sendable {
    private struct State {
        var process: pid_t = 0
        var isCancelled = false
    }

    private let state = Mutex(State())

    var isCancelled: Bool { state.withLock { $0.isCancelled } }

    /// Ends the child that runs now and every later one.
    func cancel() {
        state.withLock { state in
            state.isCancelled = true
            if state.process > 0 { kill(-state.process, SIGKILL) }
        }
    }

    fileprivate func adopt(_ process: pid_t) {
        state.withLock { state in
            state.process = process
            if state.isCancelled { kill(-process, SIGKILL) }
        }
    }

    fileprivate func release() {
        state.withLock { $0.process = 0 }
    }

    fileprivate func endGroup() {
        state.withLock { state in
            if state.process > 0 { _ = kill(-state.process, SIGKILL) }
        }
    }

    /// Takes the exit status of a child that has ended. The number is free for others only after that, under the lock.
    fileprivate func reap() -> Int32 {
        state.withLock { state in
            var status: Int32 = 0
            while waitpid(state.process, &status, 0) < 0 && errno == EINTR {}
            state.process = 0
            return status
        }
    }
}

/// A program to start.
struct ChildLaunch: Sendable {
    var path: String
    var arguments: [String]
    var environment: [String]
}

/// A running child with a reply to read. Not shared between threads; `ChildControl` is.
final class ChildProcess {
    /// The most bytes of standard error that are kept.
    private static let errorBytesMax = 16_384

    private var control: ChildControl
    private let folder: TemporaryFolder?
    private let process: pid_t
    private var reply: Int32
    private var errors: Int32
    private var deadline: ContinuousClock.Instant
    private var end: ChildEnd?
    private(set) var errorText: [UInt8] = []

    /// Starts `launch`.
    /// - Parameters:
    ///   - request: the descriptor that becomes the child's descriptor 3, if any.
    ///   - folder: a folder that must live as long as the child.
    ///   - repliesOnOutput: whether the reply comes on standard output rather than on descriptor 4.
    ///   - deadline: when `read` gives up.
    init(
        _ launch: ChildLaunch,
        request: Int32? = nil,
        folder: TemporaryFolder? = nil,
        repliesOnOutput: Bool = false,
        deadline: ContinuousClock.Instant,
        control: ChildControl
    ) throws(RunFailure) {
        self.folder = folder
        self.control = control
        self.deadline = deadline
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        guard null >= 0 else { throw RunFailure(.sandbox, "cannot open /dev/null: errno \(errno)") }
        defer { close(null) }
        var replyPipe: [Int32] = [-1, -1]
        var errorPipe: [Int32] = [-1, -1]
        guard assay_pipe(&replyPipe) == 0 else { throw RunFailure(.sandbox, "cannot make a pipe") }
        guard assay_pipe(&errorPipe) == 0 else {
            close(replyPipe[0])
            close(replyPipe[1])
            throw RunFailure(.sandbox, "cannot make a pipe")
        }
        defer {
            close(replyPipe[1])
            close(errorPipe[1])
        }
        let descriptors =
            repliesOnOutput
            ? [null, replyPipe[1], errorPipe[1]] : [null, null, errorPipe[1], request ?? null, replyPipe[1]]
        var process: pid_t = 0
        let error = Self.withCStrings([launch.path] + launch.arguments) { arguments in
            Self.withCStrings(launch.environment) { environment in
                assay_spawn(launch.path, arguments, environment, descriptors, Int32(descriptors.count), &process)
            }
        }
        guard error == 0 else {
            close(replyPipe[0])
            close(errorPipe[0])
            throw RunFailure(.sandbox, "cannot start \(launch.path): \(String(cString: strerror(error)))")
        }
        self.process = process
        reply = replyPipe[0]
        errors = errorPipe[0]
        control.adopt(process)
    }

    deinit {
        finish()
        if reply >= 0 { close(reply) }
        if errors >= 0 { close(errors) }
    }

    /// Leaves the child to another watcher and another deadline.
    func entrust(to other: ChildControl, deadline: ContinuousClock.Instant) {
        control.release()
        control = other
        self.deadline = deadline
        other.adopt(process)
    }

    /// Reads exactly `count` bytes of the reply. The caller has bounded `count`.
    func read(_ count: Int) throws(ChildStop) -> [UInt8] {
        var stop: ChildStop?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(ChildStop) {
                try read(into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<count]))
                filled = count
            } catch {
                stop = error
            }
        }
        if let stop { throw stop }
        return bytes
    }

    /// Fills `buffer` with the next bytes of the reply.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ChildStop) {
        var filled = 0
        while filled < buffer.count {
            filled += try readSome(UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
        }
    }

    /// Reads the reply to its end; `nil` when it is longer than `maxBytes`.
    func readToEnd(maxBytes: Int) throws(ChildStop) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count <= maxBytes {
            do throws(ChildStop) {
                bytes += try readUpTo(min(65_536, maxBytes + 1 - bytes.count))
            } catch {
                guard error == .endOfReply else { throw error }
                return bytes
            }
            if bytes.count > maxBytes { return nil }
        }
        return nil
    }

    private func readUpTo(_ count: Int) throws(ChildStop) -> [UInt8] {
        var stop: ChildStop?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(ChildStop) {
                filled = try readSome(UnsafeMutableRawBufferPointer(buffer))
            } catch {
                stop = error
            }
        }
        if let stop { throw stop }
        return bytes
    }

    /// Waits for the reply and reads what is there, draining standard error meanwhile so that the child never blocks on it.
    private func readSome(_ buffer: UnsafeMutableRawBufferPointer) throws(ChildStop) -> Int {
        while true {
            guard !control.isCancelled else { throw .cancelled }
            let left = deadline - ContinuousClock.now
            guard left > .zero else { throw .deadline }
            let milliseconds =
                left.components.seconds >= 1 ? 1000 : left.components.attoseconds / 1_000_000_000_000_000 + 1
            var polls = [
                pollfd(fd: reply, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&polls, 2, Int32(milliseconds)) > 0 else { continue }
            if polls[1].revents != 0 { drainErrors() }
            guard polls[0].revents != 0 else { continue }
            let count = Glibc.read(reply, buffer.baseAddress, buffer.count)
            if count > 0 { return count }
            guard count < 0, errno == EINTR || errno == EAGAIN else { throw .endOfReply }
        }
    }

    /// What the child has written to standard error up to now.
    func drainedErrorText() -> [UInt8] {
        var polls = pollfd(fd: errors, events: Int16(POLLIN), revents: 0)
        while errors >= 0, errorText.count < Self.errorBytesMax, poll(&polls, 1, 0) > 0 { drainErrors() }
        return errorText
    }

    private func drainErrors() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(errors, &buffer, buffer.count)
        if count > 0 {
            errorText += buffer.prefix(min(count, Self.errorBytesMax - errorText.count))
        } else if count == 0 {
            close(errors)
            // poll passes over negative descriptors.
            errors = -1
        }
    }

    /// Gives the child `graceMilliseconds` to end by itself, then ends its whole group, and takes its status.
    @discardableResult
    func finish(graceMilliseconds: Int = 0) -> ChildEnd {
        if let end { return end }
        var info = siginfo_t()
        var waited = 0
        while waited < graceMilliseconds, !control.isCancelled {
            info.si_signo = 0
            if waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT | WNOHANG) == 0, info.si_signo != 0 { break }
            usleep(2000)
            waited += 2
        }
        if errors >= 0, graceMilliseconds > 0 {
            var polls = pollfd(fd: errors, events: Int16(POLLIN), revents: 0)
            while errors >= 0, poll(&polls, 1, 0) > 0, errorText.count < Self.errorBytesMax { drainErrors() }
        }
        control.endGroup()
        while waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
        let status = control.reap()
        let signal = status & 0x7f
        let result: ChildEnd = signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
        end = result
        return result
    }

    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = strings.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }
}

/// Runs `body` on a thread of its own, so that waiting for a child never holds a thread of the cooperative pool. Cancelling
/// the task ends the child.
func onOwnThread<Value: Sendable>(
    _ body: @escaping @Sendable (ChildControl) -> Value,
    orElse failure: @escaping @Sendable () -> Value
) async -> Value {
    let control = ChildControl()
    return await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
            guard !startThread({ continuation.resume(returning: body(control)) }) else { return }
            continuation.resume(returning: failure())
        }
    } onCancel: {
        control.cancel()
    }
}

/// Starts `body` on a thread of its own.
/// - Returns: whether there is such a thread.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    let start = ThreadStart(body)
    let context = Unmanaged.passRetained(start)
    let error = assay_start_thread(
        { pointer in
            guard let pointer else { return }
            Unmanaged<ThreadStart>.fromOpaque(pointer).takeRetainedValue().body()
        },
        context.toOpaque()
    )
    if error != 0 { context.release() }
    return error == 0
}

private final class ThreadStart: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
    }
}
